// SPDX-License-Identifier: Apache-2.0
#include "device/stream.h"

#include <algorithm>
#include <atomic>

#include "device/call_costs.h"
#include "device/capture.h"
#include "device/event.h"
#include "device/event_publisher.h"
#include "device/execute.h"
#include "device/host_clock.h"
#include "device/memory_pool.h"
#include "device/module.h"
#include "device/operation.h"
#include "device/platform.h"
#include "device/scheduler.h"
#include "device/validate.h"

namespace doppel::device {
namespace {

std::atomic<std::uint64_t> next_stream{1};

// Operations that a stream takes before a call waits for the oldest, so that a program that never looks back
// does not fill the host's memory. A card's queue is bounded too; NVIDIA does not publish by how much, so the
// number is ours.
constexpr std::size_t kQueueLength = 1024;

}  // namespace

Stream::Stream(std::shared_ptr<Context> context, StreamKind kind, int priority)
    : context_(std::move(context)), id_(next_stream++), kind_(kind), priority_(priority) {}

std::shared_ptr<Operation> Stream::tail() const {
  const std::lock_guard lock(mutex_);
  return tail_;
}

// Queues an operation behind the stream's last and whatever the default stream's rules add.
Result<std::shared_ptr<Operation>> Stream::submit(Work work) {
  if (auto good = validate(work, context_->device()); !good) return tl::unexpected(good.error());
  auto dependencies = context_->implicit_dependencies(*this);
  const std::lock_guard lock(mutex_);
  if (tail_ != nullptr) dependencies.push_back(tail_);
  if (const auto* wait = std::get_if<EventWaitWork>(&work);
      wait != nullptr && wait->event->record_of_others() == 0) {
    if (auto recorded = wait->event->operation()) dependencies.push_back(std::move(recorded));
  }
  const auto* record = std::get_if<EventRecordWork>(&work);
  const std::shared_ptr<Event> recorded = record != nullptr ? record->event : nullptr;
  auto operation =
      make_operation(std::move(work), {.context = context_, .stream_id = id_, .priority = priority_});
  context_->platform().scheduler().submit(operation, std::move(dependencies));
  if (recorded != nullptr) {
    recorded->set_operation(operation);
    if (recorded->shared() != nullptr) context_->platform().event_publisher().follow(operation);
  }
  follow(operation);
  return operation;
}

// It is the stream's last now, and one of those that a call may have to wait for. With mutex_ held.
void Stream::follow(const std::shared_ptr<Operation>& operation) {
  tail_ = operation;
  while (!queued_.empty() && queued_.front()->done()) queued_.pop_front();
  queued_.push_back(operation);
}

Result<void> Stream::wait_for_room() {
  std::shared_ptr<Operation> oldest;
  {
    const std::lock_guard lock(mutex_);
    if (queued_.size() < kQueueLength) return {};
    oldest = queued_.front();
  }
  return wait_for(*oldest);
}

void Stream::charge(double microseconds) const { context_->platform().clock().advance_us(microseconds); }

// The calling thread waits, in fact and in virtual time.
Result<void> Stream::wait_for(Operation& operation) {
  Platform& platform = context_->platform();
  platform.clock().waits_for(operation);
  platform.scheduler().wait_placed(operation, platform.clock().now_us());
  platform.clock().wait_for_card_us(operation.end_us());
  context_->flush_output();
  return context_->check();
}

Result<void> Stream::enqueue(Work work) {
  if (auto good = context_->check(); !good) return good;
  if (capture_status() != CaptureStatus::None) {
    if (capture_status() == CaptureStatus::Invalidated)
      return fail(Error::Kind::CaptureInvalidated, "the capture was invalidated before");
    if (auto good = validate(work, context_->device()); !good) return good;
    const std::lock_guard lock(mutex_);
    auto node = capture_->graph->add(std::move(work), context_, capture_tail_);
    if (!node) return tl::unexpected(node.error());
    capture_tail_ = {*node};
    return {};
  }
  if (kind_ == StreamKind::Legacy) {
    for (const auto& other : context_->streams()) {
      if (other.get() != this && other->kind() != StreamKind::NonBlocking &&
          other->capture_status() == CaptureStatus::Active) {
        return other->invalidate_capture("the default stream would wait for a stream that is being captured",
                                         Error::Kind::CaptureImplicit);
      }
    }
  }
  if (const auto* graph = std::get_if<ChildGraphWork>(&work)) {
    auto executable = GraphExec::instantiate(*graph->graph);
    return executable ? launch_graph(**executable) : tl::unexpected(executable.error());
  }
  const auto* copy = std::get_if<CopyWork>(&work);
  const bool pageable = copy != nullptr && touches_pageable_memory(*copy, context_->device());
  if (auto room = wait_for_room(); !room) return room;
  const card::Host& host = context_->platform().host();
  charge(queueing_us(work, host));
  if (const auto* kernel = std::get_if<KernelWork>(&work);
      kernel != nullptr && kernel->kernel->takes_first_launch())
    charge(host.start.first_launch_us);
  if (pageable && !between_host_memory(*copy, context_->device())) charge(host.calls.pageable_copy_us);
  auto operation = submit(std::move(work));
  if (!operation) return tl::unexpected(operation.error());
  return pageable ? wait_for(**operation) : Result<void>{};
}

Result<void> Stream::copy_and_wait(const CopyWork& work) {
  if (auto good = check_unsafe_call(); !good) return good;
  if (auto good = context_->check(); !good) return good;
  if (auto queued = enqueue(Work{work}); !queued) return queued;
  if (capture_status() != CaptureStatus::None)
    return fail(Error::Kind::CaptureUnsupported, "a copy that waits cannot be captured");
  // A copy within the card does not hold up the host.
  if (!touches_host_memory(work, context_->device())) return {};
  const auto last = tail();
  return last != nullptr ? wait_for(*last) : Result<void>{};
}

Result<void> Stream::memset_and_wait(const MemsetWork& work) {
  if (auto queued = enqueue(Work{work}); !queued) return queued;
  // Fills of device memory do not hold up the host, those of pinned and managed memory do (CUDA Runtime API,
  // "API synchronization behavior").
  const auto kind = context_->platform().classify(work.address).kind;
  if (kind == PointerInfo::Kind::Device || capture_status() != CaptureStatus::None) return {};
  const auto last = tail();
  return last != nullptr ? wait_for(*last) : Result<void>{};
}

Result<void> Stream::record(const std::shared_ptr<Event>& event, bool external) {
  if (auto good = context_->check(); !good) return good;
  if (external) return capture_external(Work{EventRecordWork{event}});
  if (capture_status() == CaptureStatus::Active) {
    const std::lock_guard lock(mutex_);
    event->set_captured({capture_->id, capture_tail_});
    return {};
  }
  if (event->context() != context_)
    return fail(Error::Kind::InvalidHandle, "the event is of another context than the stream");
  return enqueue(Work{EventRecordWork{event}});
}

Result<void> Stream::capture_external(Work work) {
  if (capture_status() == CaptureStatus::None)
    return fail(Error::Kind::InvalidArgument, "an external event node is made in a capture only");
  return enqueue(std::move(work));
}

Result<void> Stream::wait(const std::shared_ptr<Event>& event, bool external) {
  if (auto good = context_->check(); !good) return good;
  if (external) return capture_external(Work{EventWaitWork{event}});
  const Event::Captured captured = event->captured();
  if (captured.capture_id == 0) {
    if (capture_status() == CaptureStatus::Active) {
      if (event->operation() == nullptr) return {};
      return invalidate_capture(
          "a captured stream waits for an event that was recorded outside of the capture",
          Error::Kind::CaptureIsolation);
    }
    return enqueue(Work{EventWaitWork{event}});
  }
  const auto capture = find_capture(captured.capture_id);
  if (capture == nullptr)
    return fail(Error::Kind::InvalidArgument, "the event was recorded in a capture that has ended");
  if (kind_ == StreamKind::Legacy)
    return fail(Error::Kind::CaptureImplicit, "the default stream cannot join a capture");
  const std::lock_guard lock(mutex_);
  if (capture_ != nullptr && capture_ != capture)
    return fail(Error::Kind::CaptureMerge, "the event belongs to another capture than the stream");
  if (capture_ == nullptr) {
    capture_ = capture;
    capture_tail_.clear();
    const std::lock_guard capture_lock(capture->mutex);
    capture->streams.push_back(weak_from_this());
  }
  for (const NodeId node : captured.nodes) {
    if (std::ranges::find(capture_tail_, node) == capture_tail_.end()) capture_tail_.push_back(node);
  }
  return {};
}

Result<std::uint64_t> Stream::allocate(std::uint64_t bytes, std::shared_ptr<MemoryPool> pool) {
  if (auto good = context_->check(); !good) return tl::unexpected(good.error());
  if (pool == nullptr) pool = context_->device().current_pool();
  auto address = pool->allocate(bytes);
  if (!address) return address;
  context_->platform().set_owner(*address, context_.get());
  if (auto queued = enqueue(Work{AllocateWork{pool, *address, bytes}}); !queued) {
    (void)pool->free(*address);
    return tl::unexpected(queued.error());
  }
  return address;
}

Result<void> Stream::free(std::uint64_t address) {
  const PointerInfo info = context_->platform().classify(address);
  if (!info.allocation || info.allocation->address != address || info.kind == PointerInfo::Kind::PinnedHost) {
    return fail(Error::Kind::InvalidArgument, "not the start of an allocation");
  }
  return enqueue(Work{FreeWork{address}});
}

Result<void> Stream::query() {
  if (capture_status() != CaptureStatus::None)
    return invalidate_capture("a captured stream cannot be queried", Error::Kind::CaptureUnsupported);
  if (auto good = context_->check(); !good) return good;
  Platform& platform = context_->platform();
  platform.clock().poll_begins();
  charge(platform.host().calls.poll_us);
  const double now_us = platform.clock().now_us();
  const auto last = tail();
  bool done = last == nullptr || platform.scheduler().has_ended_by(*last, now_us);
  if (kind_ == StreamKind::Legacy) {
    for (const auto& each : context_->implicit_dependencies(*this))
      done = done && platform.scheduler().has_ended_by(*each, now_us);
  }
  if (!done) {
    platform.clock().poll_was_too_early();
    return fail(Error::Kind::NotReady, "the stream has work left");
  }
  return context_->check();
}

Result<void> Stream::synchronize() {
  if (capture_status() != CaptureStatus::None)
    return invalidate_capture("a captured stream cannot be waited for", Error::Kind::CaptureUnsupported);
  if (auto good = context_->check(); !good) return good;
  charge(context_->platform().host().calls.wait_us);
  if (kind_ == StreamKind::Legacy) {
    // The default stream's end is that of all that it waits for.
    for (const auto& each : context_->implicit_dependencies(*this)) {
      if (auto waited = wait_for(*each); !waited) return waited;
    }
  }
  const auto last = tail();
  if (last == nullptr) return context_->check();
  return wait_for(*last);
}

Result<void> Stream::launch_graph(GraphExec& graph) {
  if (auto good = context_->check(); !good) return good;
  if (capture_status() != CaptureStatus::None) {
    return enqueue(Work{ChildGraphWork{graph.graph()->clone()}});
  }
  if (auto room = wait_for_room(); !room) return room;
  const card::Host::Calls& calls = context_->platform().host().calls;
  charge(calls.graph_launch_us + static_cast<double>(graph.size()) * calls.graph_launch_node_us);
  auto dependencies = context_->implicit_dependencies(*this);
  const std::lock_guard lock(mutex_);
  if (tail_ != nullptr) dependencies.push_back(tail_);
  auto last = graph.launch(*context_, std::move(dependencies), id_, priority_);
  if (!last) return tl::unexpected(last.error());
  follow(*last);
  return {};
}

}  // namespace doppel::device
