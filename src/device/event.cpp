// SPDX-License-Identifier: Apache-2.0
#include "device/event.h"

#include <cmath>

#include "device/host_clock.h"
#include "device/operation.h"
#include "device/platform.h"
#include "device/scheduler.h"
#include "device/shared_event.h"

namespace doppel::device {

std::shared_ptr<Operation> Event::operation() const {
  const std::lock_guard lock(mutex_);
  return operation_;
}

void Event::set_operation(std::shared_ptr<Operation> operation) {
  const std::lock_guard lock(mutex_);
  operation_ = std::move(operation);
  captured_ = {};
}

Event::Captured Event::captured() const {
  const std::lock_guard lock(mutex_);
  return captured_;
}

void Event::set_captured(Captured captured) {
  const std::lock_guard lock(mutex_);
  captured_ = std::move(captured);
}

std::uint64_t Event::record_of_others() const {
  if (shared_ == nullptr) return 0;
  const std::uint64_t latest = shared_->latest();
  return latest != 0 && !shared_->is_own(latest) ? latest : 0;
}

Result<void> Event::query() const {
  if (captured().capture_id != 0)
    return fail(Error::Kind::CaptureUnsupported, "the event was last recorded in a capture");
  const auto recorded = operation();
  Platform& platform = context_->platform();
  platform.clock().poll_begins();
  platform.clock().advance_us(platform.host().calls.poll_us);
  if (const std::uint64_t record = record_of_others(); record != 0) {
    const SharedEvent::Outcome outcome = shared_->outcome(record);
    if (outcome.ran && outcome.time_us && *outcome.time_us <= platform.clock().now_us())
      return context_->check();
    platform.clock().poll_was_too_early();
    return fail(Error::Kind::NotReady, "the work before the event is not done");
  }
  if (recorded == nullptr) return {};
  if (!platform.scheduler().has_ended_by(*recorded, platform.clock().now_us())) {
    platform.clock().poll_was_too_early();
    return fail(Error::Kind::NotReady, "the work before the event is not done");
  }
  return context_->check();
}

Result<void> Event::synchronize() const {
  if (captured().capture_id != 0)
    return fail(Error::Kind::CaptureUnsupported, "the event was last recorded in a capture");
  const auto recorded = operation();
  Platform& platform = context_->platform();
  if (const std::uint64_t record = record_of_others(); record != 0) {
    platform.clock().advance_us(platform.host().calls.wait_us);
    const SharedEvent::Outcome outcome = shared_->wait(record, [&] { return platform.cancelled(); });
    platform.clock().wait_for_card_us(outcome.time_us.value_or(0));
    return context_->check();
  }
  if (recorded == nullptr) return {};
  platform.clock().advance_us(platform.host().calls.wait_us);
  platform.clock().waits_for(*recorded);
  platform.scheduler().wait_placed(*recorded, platform.clock().now_us());
  platform.clock().wait_for_card_us(recorded->end_us());
  context_->flush_output();
  return context_->check();
}

Result<float> Event::elapsed_ms(const Event& start, const Event& end) {
  if (!start.options_.timing || !end.options_.timing)
    return fail(Error::Kind::InvalidHandle, "an event made without timing has no time");
  const auto first = start.operation();
  const auto second = end.operation();
  if (first == nullptr || second == nullptr)
    return fail(Error::Kind::InvalidHandle, "an event that was never recorded has no time");
  if (auto good = start.context_->check(); !good) return tl::unexpected(good.error());
  if (!first->done() || !second->done())
    return fail(Error::Kind::NotReady, "the work before the event is not done");
  Scheduler& scheduler = start.context_->platform().scheduler();
  scheduler.wait_placed(*first);
  scheduler.wait_placed(*second);
  // Each is a reading of the card's timer.
  const double tick_us = start.context_->device().card().clocks.event_tick_us;
  const double ticks = std::floor(second->end_us() / tick_us) - std::floor(first->end_us() / tick_us);
  return static_cast<float>(ticks * tick_us / 1000);
}

}  // namespace doppel::device
