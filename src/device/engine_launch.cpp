// SPDX-License-Identifier: Apache-2.0
#include "device/engine_launch.h"

#include "device/context.h"
#include "device/memory_faults.h"
#include "device/platform.h"

namespace doppel::device {

engine::Launch engine_launch(Context& context, const Module& module, const KernelWork& work,
                             const timing::LaunchResources& resources) {
  const card::Card& card = context.device().card();
  engine::Launch launch;
  launch.module = module.program()->code();
  launch.function = work.kernel->function();
  launch.config = work.config;
  launch.parameters = work.parameters;
  launch.symbols = module.symbols();
  launch.memory = &context.device().memory();
  launch.reaches = [&context](std::uint64_t address, std::uint64_t bytes) {
    return context.reaches(address, bytes);
  };
  launch.peers = context.device().peers();
  if (MemoryFaults::any(context.platform())) {
    launch.finds_error = [&platform = context.platform()](std::uint64_t address, std::uint64_t bytes,
                                                          bool store) {
      return MemoryFaults::finds(platform, address, bytes, store);
    };
  }
  launch.sm_count = static_cast<std::uint32_t>(card.sm_count);
  launch.warps_per_sm = static_cast<std::uint32_t>(card.sm.max_warps);
  launch.resident_blocks_per_sm = static_cast<std::uint32_t>(resources.blocks_per_sm);
  launch.textures = &context.device().textures();
  launch.check = context.platform().options().check;
  launch.clock_hz = card.clocks.sustained_mhz * 1e6;
  if (card.tensor.fraction_bits > 0)
    launch.matrix_rules = {card.tensor.fraction_bits, card.tensor.bits_of_sum, card.tensor.fp4_fraction_bits};
  launch.heap_bytes = context.limit(Limit::MallocHeapSize);
  launch.stack_bytes = context.limit(Limit::StackSize);
  launch.print = [&context](std::string_view text) { context.print(text); };
  return launch;
}

}  // namespace doppel::device
