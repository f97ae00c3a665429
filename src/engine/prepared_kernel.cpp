// SPDX-License-Identifier: Apache-2.0
#include "engine/prepared_kernel.h"

namespace doppel::engine {
namespace {

std::shared_ptr<PreparedKernel> prepare(const std::shared_ptr<jit::CompiledModule>& code,
                                        std::uint32_t function) {
  auto prepared = std::make_shared<PreparedKernel>();
  prepared->module = code;
  prepared->function = function;
  const analysis::AnalysedModule& module = code->analysed();
  prepared->analysed = &module.kernel(function);
  prepared->clock_loops = ClockLoops(*prepared->analysed);
  for (const std::uint32_t each : prepared->analysed->functions) {
    if (module.ir().functions[each].operations.empty()) continue;
    const auto& blocks = module.graph(each).blocks();
    const std::uint32_t first = prepared->analysed->first_slot(each);
    prepared->slot_ranges.emplace_back(first, first + static_cast<std::uint32_t>(blocks.size()));
    for (analysis::BlockId block = 0; block < blocks.size(); ++block) {
      // How often a loop goes round that waits for a write is the host's affair. A clock goes on by the
      // rounds of the loop that waits for it.
      const analysis::SpinLoop* const loop =
          analysis::spin_loop_of(prepared->analysed->spin_loops, {each << 16 | block});
      const std::uint32_t instructions = blocks[block].last - blocks[block].first;
      prepared->slot_instructions.push_back(loop != nullptr && !loop->by_clock ? 0 : instructions);
      if (loop != nullptr && loop->by_clock) prepared->clock_slots.emplace_back(first + block, instructions);
    }
  }
  return prepared;
}

}  // namespace

std::shared_ptr<PreparedKernel> PreparedKernels::get(const std::shared_ptr<jit::CompiledModule>& module,
                                                     std::uint32_t function) {
  const std::lock_guard lock(mutex_);
  auto& entry = kernels_[{module.get(), function}];
  // Another module may have come to lie where a dead one lay.
  if (entry == nullptr || entry->module.lock() != module) {
    std::erase_if(kernels_,
                  [](const auto& each) { return each.second != nullptr && each.second->module.expired(); });
    auto made = prepare(module, function);
    kernels_[{module.get(), function}] = made;
    return made;
  }
  return entry;
}

}  // namespace doppel::engine
