// SPDX-License-Identifier: Apache-2.0
#include "device/event.h"

#include "device/host_clock.h"
#include "device/operation.h"
#include "device/platform.h"
#include "device/scheduler.h"

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

Result<void> Event::query() const {
  if (captured().capture_id != 0)
    return fail(Error::Kind::CaptureUnsupported, "the event was last recorded in a capture");
  const auto recorded = operation();
  if (recorded == nullptr) return {};
  if (!recorded->done()) return fail(Error::Kind::NotReady, "the work before the event is not done");
  return context_->check();
}

Result<void> Event::synchronize() const {
  if (captured().capture_id != 0)
    return fail(Error::Kind::CaptureUnsupported, "the event was last recorded in a capture");
  const auto recorded = operation();
  if (recorded == nullptr) return {};
  Platform& platform = context_->platform();
  platform.scheduler().wait_placed(*recorded);
  platform.clock().wait_until_us(recorded->end_us());
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
  return static_cast<float>((second->end_us() - first->end_us()) / 1000);
}

}  // namespace doppel::device
