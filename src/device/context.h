// SPDX-License-Identifier: Apache-2.0
// A context of a device: owns its modules, streams, events and allocations, and carries the fault that
// poisons it.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "device/device.h"
#include "device/ipc_handle.h"
#include "engine/fault.h"
#include "memory/address_space.h"
#include "support/result.h"

namespace doppel::device {

class Event;
class Library;
class Module;
class Operation;
class Program;
class Stream;

enum class Limit : std::uint8_t {
  StackSize,
  PrintfFifoSize,
  MallocHeapSize,
  RuntimeSyncDepth,
  RuntimePendingLaunchCount,
  MaxL2FetchGranularity,
  PersistingL2Bytes,
};

struct StreamOptions {
  bool non_blocking = false;  // does not wait for, nor hold up, the legacy default stream
  int priority = 0;           // clamped to the card's range
};

struct EventOptions {
  bool timing = true;
  bool blocking_sync = false;
  bool interprocess = false;  // other processes may open it
};

class Context : public std::enable_shared_from_this<Context> {
 public:
  Context(Device& device, unsigned flags);
  ~Context();

  Device& device() const { return device_; }
  Platform& platform() const { return device_.platform(); }
  std::uint64_t id() const { return id_; }
  unsigned flags() const { return flags_; }
  void set_flags(unsigned flags) { flags_ = flags; }

  // The fault that ended a launch in this context: sticky, every later operation answers with it. Other
  // contexts live on.
  std::optional<engine::Fault> fault() const;
  void set_fault(const engine::Fault& fault);
  // DeviceFault where poisoned, InvalidContext where destroyed.
  Result<void> check() const;
  // Waits for its work, frees its memory, invalidates its objects. Called by Device and by the driver's
  // cuCtxDestroy.
  void destroy();
  bool destroyed() const;

  // Memory. Addresses are host and device addresses in one.
  Result<std::uint64_t> allocate(std::uint64_t bytes);
  Result<std::uint64_t> allocate_pitched(std::uint64_t width, std::uint64_t height, std::uint64_t& pitch);
  Result<std::uint64_t> allocate_managed(std::uint64_t bytes);
  // Of arrays, which are no memory that the program has an address of.
  Result<std::uint64_t> allocate_array(std::uint64_t bytes, std::uint64_t alignment);
  void free_array(std::uint64_t address);
  // Waits for what is queued, as the driver does before it frees; the second only until it has run here,
  // while no time passes.
  void wait_for_work();
  void wait_until_run();
  Result<void> free(std::uint64_t address);  // device, managed and pool memory; waits for the context's work
                                             // first, as the driver does
  Result<std::uint64_t> allocate_host(std::uint64_t bytes);
  Result<void> free_host(std::uint64_t address);
  Result<void> register_host(std::uint64_t address, std::uint64_t bytes);
  Result<void> unregister_host(std::uint64_t address);
  // Memory that processes share. A handle of the allocation that holds the address: InvalidArgument where it
  // is none of cuMemAlloc's.
  Result<IpcMemoryHandle> export_memory(std::uint64_t address);
  // Another process's, for this context: at the same address where it has it already, and once more.
  // InvalidContext: it is this process's. InvalidHandle: the other one has ended, freed it, or the card is
  // none of this process's. NotPermitted: the card cannot be reached.
  Result<std::uint64_t> open_memory(const IpcMemoryHandle& handle);
  Result<void> close_memory(std::uint64_t address);  // InvalidArgument: this context has not opened it
  // Of the card, in bytes: what no process has allocated, and all.
  void memory_info(std::uint64_t& free_bytes, std::uint64_t& total_bytes) const;

  // Modules. An error's message is the text for the caller's JIT log: one line a diagnostic.
  Result<std::shared_ptr<Module>> load(std::shared_ptr<Program> program,
                                       const std::shared_ptr<Library>& library = nullptr);
  Result<void> unload(const std::shared_ptr<Module>& module);

  // Streams. legacy() is the default stream; per_thread() the calling thread's own.
  std::shared_ptr<Stream> legacy();
  std::shared_ptr<Stream> per_thread();
  Result<std::shared_ptr<Stream>> create_stream(const StreamOptions& options);
  Result<void> destroy_stream(const std::shared_ptr<Stream>& stream);  // its queued work still runs
  Result<std::shared_ptr<Event>> create_event(const EventOptions& options);
  // Another process's. Errors as of SharedEvent::open; InvalidContext: it is this process's.
  Result<std::shared_ptr<Event>> open_event(const IpcEventHandle& handle);
  // Waits for all work of the context; answers the fault if there is one. CaptureUnsupported while a stream
  // of it captures.
  Result<void> synchronize();
  static void priority_range(int& least, int& greatest);

  std::uint64_t limit(Limit limit) const;
  Result<void> set_limit(Limit limit, std::uint64_t value);  // LimitExceeded where the card has less

  // NotPermitted where the cards cannot reach each other; AlreadyDone where enabled; NotEnabled where not;
  // InvalidContext of the context itself; LimitExceeded: of more cards than one can have as peers.
  Result<void> enable_peer(Context& peer);
  Result<void> disable_peer(Context& peer);
  // Whether access to a card's memory was enabled.
  bool enabled_peer(const Device& device) const;
  // Whether kernels of this context may touch bytes outside of their own card's addresses: pinned, registered
  // and managed memory, and that of cards to which access was enabled.
  bool reaches(std::uint64_t address, std::uint64_t bytes) const;

  // Text of device printf: kept until the program synchronises, as the driver does, or until there is too
  // much of it.
  void print(std::string_view text);
  void flush_output();

  // Of Stream: what an operation on that stream has to wait for beside its own stream's order (legacy stream
  // rules).
  std::vector<std::shared_ptr<Operation>> implicit_dependencies(const Stream& stream);
  std::vector<std::shared_ptr<Stream>> streams() const;

 private:
  // The calling thread waits until all that is queued has run, of destroyed streams too: here, and on the
  // virtual timeline.
  void finish_work();
  // The calling thread is busy for so long, by the host's table.
  void charge(double microseconds) const;
  Device& device_;
  std::uint64_t id_;
  unsigned flags_;
  mutable std::mutex mutex_;
  bool destroyed_ = false;
  std::optional<engine::Fault> fault_;
  std::vector<std::shared_ptr<Module>> modules_;
  std::shared_ptr<Stream> legacy_;
  std::map<std::uint64_t, std::shared_ptr<Stream>> per_thread_;
  std::vector<std::weak_ptr<Stream>> streams_;
  std::vector<std::shared_ptr<Operation>> orphans_;  // last operations of destroyed streams
  std::set<std::uint64_t> allocations_, host_allocations_;
  std::map<Limit, std::uint64_t> limits_;
  std::map<std::uint64_t, Device*> peers_;  // by the id of a context
  struct Import {
    Device* device = nullptr;
    IpcFile file;
    int count = 0;
  };
  std::map<std::uint64_t, Import> imports_;  // by address
  std::mutex output_mutex_;
  std::string output_;
};

}  // namespace doppel::device
