// SPDX-License-Identifier: Apache-2.0
// Prefetches and advice of managed memory. What is prefetched and lies elsewhere comes over the bus, as a
// copy does.
#include <algorithm>
#include <utility>

#include "device/execute.h"
#include "device/host_clock.h"
#include "device/managed_memory.h"
#include "device/platform.h"
#include "device/run_recorder.h"
#include "device/scheduler.h"
#include "link/transfer.h"

namespace doppel::device {
namespace {

// What lies where is known in the order of the submissions. What has to leave a full card leaves meanwhile.
void resolve(Cost& cost, const PrefetchWork& work, Device& device) {
  using link::Direction;
  const Migration moved =
      device.platform().managed().prefetch(work.place, work.address, work.address + work.bytes);
  const std::pair<double, Direction> ways[] = {{moved.to_card, Direction::HostToDevice},
                                               {moved.to_host, Direction::DeviceToHost}};
  std::uint64_t bytes = 0;
  for (const auto& [each, direction] : ways) {
    if (each <= 0) continue;
    const link::Box box{static_cast<std::uint64_t>(each), 1};
    bytes += box.bytes();
    cost.duration_us = std::max(cost.duration_us,
                                link::host_copy_us(device.card(), box, direction, link::HostMemory::Pinned));
  }
  for (const auto& [each, direction] : ways) {
    const link::Box box{static_cast<std::uint64_t>(each), 1};
    if (each > 0)
      cost.uses.push_back(
          link::host_copy_use(device.card(), device.ordinal(), box, direction, cost.duration_us));
  }
  cost.moved = moved_over_the_bus(bytes);
}

}  // namespace

std::shared_ptr<Operation> make_prefetch_operation(const PrefetchWork& work, const Submission& submission) {
  Platform& platform = submission.context->platform();
  if (platform.managed().any()) platform.clock().look_at_memory();
  auto operation = std::make_shared<Operation>(submission.context, nullptr, platform.clock().now_us());
  operation->stream_id = submission.stream_id;
  const bool to_host = work.place == kHostPlace;
  // A card's own engine brings it there; to the host, one of the card that is asked.
  Device& device = to_host ? submission.context->device() : platform.device(work.place);
  operation->set_run([work, to_host, &device, context = submission.context] {
    if (!context->check()) return Cost{};
    Cost cost;
    cost.lane = to_host ? Lane::CopyToHost : Lane::CopyToDevice;
    cost.resolve = [work, &device](Cost& resolved) { resolve(resolved, work, device); };
    return cost;
  });
  operation->on_placed = [to_host](const Operation& placed) {
    const auto bytes = static_cast<std::uint64_t>(placed.cost().moved.bus_bytes);
    if (bytes == 0) return;
    Context& context = *placed.context();
    context.platform().recorder().copy(
        {context.device().ordinal(), placed.stream_id, placed.start_us(), placed.end_us()},
        to_host ? "device to host (managed)" : "host to device (managed)", bytes, placed.cost().moved);
  };
  return operation;
}

void submit_advice(const AdviceWork& work, const std::shared_ptr<Context>& context) {
  Platform& platform = context->platform();
  if (!platform.managed().any()) return;
  platform.clock().look_at_memory();
  const auto run = [work, &platform] {
    Cost cost;
    cost.resolve = [work, &platform](Cost&) {
      platform.managed().advise(work.address, work.address + work.bytes, work.advice, work.set, work.place);
    };
    return cost;
  };
  platform.scheduler().submit(std::make_shared<Operation>(context, run, platform.clock().now_us()), {});
}

}  // namespace doppel::device
