// Everything a process has of Doppel: its devices, and what they share.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "device/options.h"
#include "engine/engine.h"
#include "memory/address_space.h"
#include "support/result.h"

namespace doppel::device {

class Context;
class Device;
class HostClock;
class RunRecorder;
class Scheduler;
class Timeline;

// What an address is, for copies and pointer queries.
struct PointerInfo {
  enum class Kind : std::uint8_t { PageableHost, PinnedHost, Device, Managed };
  Kind kind = Kind::PageableHost;
  Device* device = nullptr;  // whose memory; of pinned memory the device it was allocated for
  std::optional<memory::Allocation>
      allocation;              // none for pageable memory, and for a device address in no allocation
  Context* context = nullptr;  // that allocated it; null where unknown
};

class Platform {
 public:
  // Loads the cards. NotFound names an unknown card and the nearest name.
  static Result<std::unique_ptr<Platform>> create(Options options);
  // Cancels what runs, waits for it, writes the record.
  ~Platform();
  Platform(const Platform&) = delete;
  Platform& operator=(const Platform&) = delete;

  const Options& options() const { return options_; }
  int device_count() const;
  Device& device(int ordinal) const;
  engine::Engine& engine() { return *engine_; }
  Scheduler& scheduler() { return *scheduler_; }
  Timeline& timeline() { return *timeline_; }
  HostClock& clock() { return *clock_; }
  RunRecorder& recorder() { return *recorder_; }

  PointerInfo classify(std::uint64_t address) const;

  // Ends every running launch with Fault::Kind::Cancelled and refuses new ones; async-signal-safe. The record
  // is still written.
  void cancel() noexcept;
  // Writes the record now (also done at destruction, and by an exit handler that the driver installs). Safe
  // to call twice.
  Result<void> write_record(int exit_status = 0);

 private:
  explicit Platform(Options options);
  Options options_;
  std::unique_ptr<HostClock> clock_;
  std::unique_ptr<RunRecorder> recorder_;
  std::unique_ptr<Timeline> timeline_;
  std::unique_ptr<engine::Engine> engine_;
  std::unique_ptr<Scheduler> scheduler_;
  std::vector<std::unique_ptr<Device>> devices_;
};

}  // namespace doppel::device
