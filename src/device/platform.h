// SPDX-License-Identifier: Apache-2.0
// Everything a process has of Doppel: its devices, and what they share.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <unordered_map>
#include <vector>

#include "card/host.h"
#include "device/compilations.h"
#include "device/options.h"
#include "engine/engine.h"
#include "memory/address_space.h"
#include "support/result.h"

namespace doppel::device {

class Context;
class Device;
class EventPublisher;
class HostClock;
class HostPart;
class ManagedMemory;
class NodeReport;
class RunRecorder;
class Scheduler;
class Timeline;

// What an address is, for copies and pointer queries.
struct PointerInfo {
  enum class Kind : std::uint8_t { PageableHost, PinnedHost, Device, Managed };
  Kind kind = Kind::PageableHost;
  Device* device = nullptr;  // whose memory; of pinned memory the device it was allocated for
  Device* range = nullptr;   // in whose range of addresses it is
  std::optional<memory::Allocation>
      allocation;              // none for pageable memory, and for a device address in no allocation
  Context* context = nullptr;  // that allocated it; null where unknown
};

class Platform {
 public:
  // Loads the cards. NotFound names an unknown card and the nearest name; NoDevice: nothing of them is
  // visible.
  static Result<std::unique_ptr<Platform>> create(Options options);
  // With these cards, whatever the options name.
  static Result<std::unique_ptr<Platform>> create(Options options, const std::vector<card::Card>& cards);
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
  const card::Host& host() const;
  RunRecorder& recorder() { return *recorder_; }
  ManagedMemory& managed() { return *managed_; }
  NodeReport* node() { return node_.get(); }  // null: nobody is told
  Compilations& compilations() { return compilations_; }
  EventPublisher& event_publisher() { return *event_publisher_; }

  PointerInfo classify(std::uint64_t address) const;
  // Of contexts: whose an allocation is.
  void set_owner(std::uint64_t address, Context* context);  // null: freed
  // Of launches: the flag is set when the launch runs for longer than the time-out, or when all are
  // cancelled.
  struct Watched {
    std::atomic<bool>* flag = nullptr;
    std::optional<std::chrono::steady_clock::time_point> since;  // none: it does not run yet
  };
  class Watch {
   public:
    Watch(Platform& platform, std::atomic<bool>& flag);
    ~Watch();
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;
    // From here on it runs: what came before was compiling.
    void starts();

   private:
    Platform& platform_;
    std::list<Watched>::iterator entry_;
  };
  bool cancelled() const { return cancelled_.load(std::memory_order_relaxed); }

  // Ends every running launch with Fault::Kind::Cancelled, passes over what is queued, and lets no
  // compilation begin; async-signal-safe. The record is still written.
  void cancel() noexcept;
  // Gives the queued work a moment to end by itself: short kernels are in the record of a program that did
  // not wait for them. What has not ended then (a kernel without end) is cancelled, and what was being
  // compiled may be finished. Returns whether all ended by itself. Takes at most kMostForWork +
  // kMostForCompiling.
  bool finish_or_cancel();
  // Waits for the compilations under way, after cancel().
  void finish_compiling(std::chrono::milliseconds most);
  static constexpr std::chrono::milliseconds kMostForKernels{500};      // while nothing is compiled
  static constexpr std::chrono::milliseconds kMostForWork{5000};        // in all
  static constexpr std::chrono::milliseconds kMostForCompiling{10000};  // of what is under way then
  // Writes the record of what has ended by now (also done at destruction). Safe to call again: the last one
  // stands.
  Result<void> write_record();

 private:
  Platform(Options options, card::Host host, std::unique_ptr<HostPart> part);
  void watch();
  // By what the options and the node say.
  Result<void> join_cards(const std::vector<card::Card>& cards);
  Options options_;
  std::atomic<bool> cancelled_{false};
  Compilations compilations_;
  mutable std::mutex owners_mutex_;
  std::unordered_map<std::uint64_t, Context*> owners_;
  std::mutex watch_mutex_;
  std::condition_variable watch_changed_;
  std::list<Watched> watched_;
  bool watch_ending_ = false;
  std::thread watcher_;
  std::unique_ptr<NodeReport> node_;
  std::unique_ptr<HostClock> clock_;
  std::unique_ptr<RunRecorder> recorder_;
  std::unique_ptr<Timeline> timeline_;
  std::unique_ptr<engine::Engine> engine_;
  std::unique_ptr<Scheduler> scheduler_;
  std::vector<std::unique_ptr<Device>> devices_;
  std::unique_ptr<ManagedMemory> managed_;
  std::unique_ptr<EventPublisher> event_publisher_;
};

}  // namespace doppel::device
