// SPDX-License-Identifier: Apache-2.0
// A queue of work of one context. Operations of a stream run in the order in which they were queued.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "device/context.h"
#include "device/graph.h"
#include "device/work.h"
#include "support/result.h"

namespace doppel::device {

class Event;
class GraphExec;
class MemoryPool;
class Operation;

enum class StreamKind : std::uint8_t { Legacy, PerThread, Blocking, NonBlocking };
enum class CaptureMode : std::uint8_t { Global, ThreadLocal, Relaxed };
enum class CaptureStatus : std::uint8_t { None, Active, Invalidated };

class Stream : public std::enable_shared_from_this<Stream> {
 public:
  Stream(std::shared_ptr<Context> context, StreamKind kind, int priority);

  const std::shared_ptr<Context>& context() const { return context_; }
  std::uint64_t id() const { return id_; }
  StreamKind kind() const { return kind_; }
  int priority() const { return priority_; }

  // Queues work, or adds a node where the stream captures. Checks all that can be checked without running:
  // the card's limits, the addresses of copies. Returns at once, but for copies that touch pageable memory,
  // which are done when it returns.
  Result<void> enqueue(Work work);
  Result<void> launch(KernelWork work) { return enqueue(Work{std::move(work)}); }
  // Copies and sets as the calls without "Async" do: return when the program may use the result.
  Result<void> copy_and_wait(const CopyWork& work);
  Result<void> memset_and_wait(const MemsetWork& work);

  // External: only in a capture, where the graph records the event, or waits for it, at each of its launches.
  Result<void> record(const std::shared_ptr<Event>& event, bool external = false);
  Result<void> wait(const std::shared_ptr<Event>& event, bool external = false);

  // Stream-ordered memory.
  Result<std::uint64_t> allocate(std::uint64_t bytes, std::shared_ptr<MemoryPool> pool = nullptr);
  Result<void> free(std::uint64_t address);

  Result<void> query();        // NotReady while work is queued
  Result<void> synchronize();  // answers the context's fault

  // Capture.
  Result<void> begin_capture(CaptureMode mode, std::shared_ptr<Graph> into = nullptr,
                             std::vector<NodeId> dependencies = {});
  Result<std::shared_ptr<Graph>> end_capture();
  CaptureStatus capture_status() const;
  struct CaptureInfo {
    std::uint64_t id = 0;
    std::shared_ptr<Graph> graph;
    std::vector<NodeId> dependencies;
  };
  std::optional<CaptureInfo> capture_info() const;
  Result<void> set_capture_dependencies(std::vector<NodeId> dependencies, bool add);
  // Of the calling thread: the mode that potentially unsafe calls are judged by; returns the one before.
  static CaptureMode exchange_thread_capture_mode(CaptureMode mode);
  // CaptureUnsupported where a capture of the process forbids a call such as cuMemAlloc on this thread.
  static Result<void> check_unsafe_call();

  Result<void> launch_graph(GraphExec& graph);

  // The last operation queued; null: none. For event waits and the legacy stream's rules.
  std::shared_ptr<Operation> tail() const;

 private:
  friend class Event;
  struct Capture;
  Result<std::shared_ptr<Operation>> submit(Work work);
  Result<void> capture_external(Work work);
  Result<void> wait_for(Operation& operation);
  void charge(double microseconds) const;
  void follow(const std::shared_ptr<Operation>& operation);
  Result<void> wait_for_room();
  Result<void> invalidate_capture(std::string reason, Error::Kind kind);
  static std::shared_ptr<Capture> find_capture(std::uint64_t id);
  std::shared_ptr<Context> context_;
  std::uint64_t id_;
  StreamKind kind_;
  int priority_;
  mutable std::mutex mutex_;
  std::shared_ptr<Operation> tail_;
  std::deque<std::shared_ptr<Operation>> queued_;  // oldest first; those at its front may be done
  std::shared_ptr<Capture> capture_;
  std::vector<NodeId> capture_tail_;
  bool capture_origin_ = false;
};

}  // namespace doppel::device
