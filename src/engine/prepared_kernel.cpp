#include "engine/prepared_kernel.h"

#include <algorithm>

#include "analysis/clock_reads.h"
#include "analysis/control_flow_graph.h"
#include "analysis/shared_layout.h"

namespace doppel::engine {
namespace {

bool uses_reserved_shared(const ir::Operation& operation) {
  return std::ranges::any_of(operation.sources, [](const ir::Operand& operand) {
    return operand.kind == ir::Operand::Kind::Special &&
           operand.special == ir::SpecialRegister::ReservedSmemOffset;
  });
}

std::shared_ptr<PreparedKernel> prepare(const std::shared_ptr<jit::CompiledModule>& code,
                                        std::uint32_t function) {
  auto prepared = std::make_shared<PreparedKernel>();
  prepared->module = code;
  prepared->function = function;
  const ir::Module& module = code->module();
  prepared->static_shared_bytes = analysis::shared_layout(module, function).static_bytes;
  std::vector<std::uint32_t> functions = analysis::reachable_functions(module, function);
  std::ranges::sort(functions);
  for (const std::uint32_t each : functions) {
    const std::uint32_t first = code->first_slot(each);
    const std::uint32_t last =
        each + 1 < module.functions.size() ? code->first_slot(each + 1) : code->counter_slots();
    if (last > first) {
      prepared->slot_ranges.emplace_back(first, last);
      const auto graph = analysis::ControlFlowGraph::build(module.functions[each]);
      prepared->has_loops =
          prepared->has_loops || functions.size() > 1 || !graph.reducible() || !graph.loops().empty();
      for (std::uint32_t block = 0; block < last - first; ++block) {
        prepared->slot_instructions.push_back(
            block < graph.blocks().size() ? graph.blocks()[block].last - graph.blocks()[block].first : 0);
      }
    }
    prepared->instructions += module.functions[each].operations.size();
    for (const ir::Operation& operation : module.functions[each].operations) {
      prepared->reads_clock = prepared->reads_clock || analysis::reads_clock(operation);
      prepared->uses_reserved_shared = prepared->uses_reserved_shared || uses_reserved_shared(operation);
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
