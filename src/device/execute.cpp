// SPDX-License-Identifier: Apache-2.0
#include "device/execute.h"

#include <atomic>
#include <thread>

#include "device/event.h"
#include "device/host_clock.h"
#include "device/memory_pool.h"
#include "device/platform.h"
#include "device/shared_event.h"
#include "device/timeline.h"

namespace doppel::device {
namespace {

// The function sees the time at which the stream comes to it.
Cost run_host_function(const HostWork& work, Operation& self, Platform& platform) {
  // It may wait for others, such as for another host function.
  self.waiting = true;
  const double ready_us = platform.timeline().wait_ready(self);
  Cost cost;
  cost.lane = Lane::Host;
  cost.gap_us = platform.host().threads.host_function_us;
  const double start_us = ready_us + cost.gap_us;
  platform.clock().enter_host_function(start_us);
  work.function();
  cost.duration_us = platform.clock().leave_host_function() - start_us;
  return cost;
}

bool condition_holds(const ValueWork::Step& work) {
  std::uint64_t value = 0;
  if (work.bytes == 8) {
    value = __atomic_load_n(reinterpret_cast<const std::uint64_t*>(work.address), __ATOMIC_ACQUIRE);
  } else {
    value = __atomic_load_n(reinterpret_cast<const std::uint32_t*>(work.address), __ATOMIC_ACQUIRE);
  }
  const std::uint64_t mask = work.bytes == 8 ? ~std::uint64_t{0} : 0xffffffff;
  switch (work.operation) {
    case ValueWork::Operation::Write:
    case ValueWork::Operation::Barrier:
      return true;
    case ValueWork::Operation::WaitEqual:
      return value == (work.value & mask);
    case ValueWork::Operation::WaitAnd:
      return (value & work.value) != 0;
    case ValueWork::Operation::WaitNor:
      return (~(value | work.value) & mask) != 0;
    case ValueWork::Operation::WaitGreaterOrEqual:
      // By the sign of the difference, so that counters may wrap.
      return work.bytes == 8 ? static_cast<std::int64_t>(value - work.value) >= 0
                             : static_cast<std::int32_t>(value - work.value) >= 0;
  }
  return true;
}

void run_step(const ValueWork::Step& work, Operation& self, const Platform& platform) {
  if (work.operation == ValueWork::Operation::Barrier) return;
  if (work.operation == ValueWork::Operation::Write) {
    if (work.bytes == 8) {
      __atomic_store_n(reinterpret_cast<std::uint64_t*>(work.address), work.value, __ATOMIC_RELEASE);
    } else {
      __atomic_store_n(reinterpret_cast<std::uint32_t*>(work.address), static_cast<std::uint32_t>(work.value),
                       __ATOMIC_RELEASE);
    }
    return;
  }
  while (!condition_holds(work) && !platform.cancelled()) {
    self.waiting = true;
    std::this_thread::yield();
  }
}

Cost run_values(const ValueWork& work, Operation& self, const Platform& platform) {
  for (const ValueWork::Step& step : work.steps) run_step(step, self, platform);
  return {};
}

// Of an event of several processes: the others learn of it.
void tell_of_record(Operation& operation, const std::shared_ptr<SharedEvent>& event) {
  const std::uint64_t record = event->record();
  operation.set_run([event, record] {
    event->ran(record);
    return Cost{};
  });
  operation.on_placed = [event, record](const Operation& placed) { event->placed(record, placed.end_us()); };
}

Cost wait_for_record(const SharedEvent& event, std::uint64_t record, Operation& self,
                     const Platform& platform) {
  // Another process may be waiting for what others here do.
  self.waiting = true;
  const SharedEvent::Outcome outcome = event.wait(record, [&] { return platform.cancelled(); });
  Cost cost;
  cost.not_before_us = outcome.time_us.value_or(0);
  return cost;
}

}  // namespace

std::shared_ptr<Operation> make_operation(Work work, const Submission& submission) {
  if (auto* kernel = std::get_if<KernelWork>(&work))
    return make_kernel_operation(std::move(*kernel), submission);
  if (const auto* copy = std::get_if<CopyWork>(&work)) return make_copy_operation(*copy, submission);
  if (const auto* memset = std::get_if<MemsetWork>(&work)) return make_memset_operation(*memset, submission);
  if (const auto* prefetch = std::get_if<PrefetchWork>(&work))
    return make_prefetch_operation(*prefetch, submission);
  Platform& platform = submission.context->platform();
  auto operation = std::make_shared<Operation>(submission.context, nullptr, platform.clock().now_us());
  operation->stream_id = submission.stream_id;
  operation->flags = flag_use(work);
  if (const auto* host = std::get_if<HostWork>(&work)) {
    operation->name = "host function";
    operation->set_run([work = *host, self = operation.get(), context = submission.context] {
      // After a fault nothing of the context's runs any more.
      return context->check() ? run_host_function(work, *self, context->platform()) : Cost{};
    });
  } else if (const auto* value = std::get_if<ValueWork>(&work)) {
    operation->set_run(
        [work = *value, self = operation.get(), &platform] { return run_values(work, *self, platform); });
  } else if (const auto* recorded = std::get_if<EventRecordWork>(&work);
             recorded != nullptr && recorded->event->shared() != nullptr) {
    tell_of_record(*operation, recorded->event->shared());
  } else if (const auto* wait = std::get_if<EventWaitWork>(&work)) {
    if (const std::uint64_t record = wait->event->record_of_others(); record != 0) {
      operation->set_run([event = wait->event->shared(), record, self = operation.get(), &platform] {
        return wait_for_record(*event, record, *self, platform);
      });
    }
  } else if (const auto* free = std::get_if<FreeWork>(&work)) {
    operation->set_run([address = free->address, context = submission.context] {
      const PointerInfo info = context->platform().classify(address);
      if (info.device != nullptr && info.device->current_pool()->free(address))
        context->platform().set_owner(address, nullptr);
      return Cost{};
    });
  }
  return operation;
}

}  // namespace doppel::device
