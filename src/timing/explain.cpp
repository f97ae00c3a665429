// SPDX-License-Identifier: Apache-2.0
#include "timing/explain.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>

namespace doppel::timing {
namespace {

// Places of the code that are named, at most; and none with less of the time.
constexpr std::size_t kMostPlaces = 24;
constexpr double kLeastShare = 0.001;

// What is known of the costs of a place, in shares of `all` cycles.
CodeCost cost_of(const CodeCycles& cycles, double all) {
  CodeCost cost;
  cost.share = cycles.all() / all;
  cost.issued = cycles.issued / all;
  const auto most = std::ranges::max_element(cycles.stalled);
  cost.stall = static_cast<Stall>(most - cycles.stalled.begin());
  cost.stalled = *most / all;
  if (cycles.accesses > 0) {
    cost.transfers = cycles.transfers / cycles.accesses;
    cost.least_transfers = cycles.least_transfers / cycles.accesses;
  }
  return cost;
}

auto order_of(const CodeCost& cost) {
  return std::tuple(-cost.share, cost.function, cost.line, cost.source, cost.instruction);
}
auto order_of(const BlockCost& cost) { return std::tuple(-cost.share, cost.function, cost.block); }

template <typename Cost>
void keep_largest(std::vector<Cost>& costs) {
  std::erase_if(costs, [](const Cost& cost) { return cost.share < kLeastShare; });
  std::ranges::sort(costs, {}, [](const Cost& cost) { return order_of(cost); });
  if (costs.size() > kMostPlaces) costs.resize(kMostPlaces);
}

bool is_of_shared_memory(const ir::Operation& operation) {
  return !operation.accesses.empty() && operation.accesses.front().space == ir::Space::Shared;
}

void add_places(const KernelModel& model, const LaunchRun& run, const SimulationCounts& counts, double all,
                Explanation& to) {
  const analysis::AnalysedModule& analysed = model.module();
  const ir::Module& module = analysed.ir();
  std::map<std::pair<std::uint32_t, std::uint32_t>, CodeCycles> by_source_line;
  for (std::uint32_t f = 0; f < counts.code.size(); ++f) {
    const std::vector<CodeCycles>& code = counts.code[f];
    if (code.empty()) continue;
    const ir::Function& function = module.functions[f];
    const auto line_of = [&](std::uint32_t i) { return function.operations[i].origin.text.line; };
    for (std::uint32_t i = 0; i < function.operations.size(); ++i) {
      if (code[i].all() <= 0) continue;
      const ir::Operation& operation = function.operations[i];
      const ir::SourceLocation& source = operation.origin.source;
      if (source.line != 0) by_source_line[{source.file, source.line}].add(code[i]);
      CodeCost cost = cost_of(code[i], all);
      cost.function = function.name;
      cost.line = line_of(i);
      cost.instruction = function.form_of(operation);
      cost.is_shared_memory = is_of_shared_memory(operation);
      if (source.line != 0) cost.source = fmt::format("{}:{}", module.files[source.file], source.line);
      to.instructions.push_back(std::move(cost));
    }
    const auto& blocks = analysed.graph(f).blocks();
    for (std::uint32_t b = 0; b < blocks.size(); ++b) {
      CodeCycles sum;
      for (std::uint32_t i = blocks[b].first; i < blocks[b].last; ++i) sum.add(code[i]);
      if (sum.all() <= 0) continue;
      BlockCost cost{function.name,   b, line_of(blocks[b].first), line_of(blocks[b].last - 1),
                     sum.all() / all, 0};
      const std::size_t slot = model.kernel().first_slot(f) + b;
      if (slot < run.counts.size()) cost.warps = static_cast<double>(run.counts[slot].warps);
      to.blocks.push_back(std::move(cost));
    }
  }
  for (const auto& [source, cycles] : by_source_line) {
    CodeCost cost = cost_of(cycles, all);
    cost.transfers = cost.least_transfers = 0;  // of several accesses
    cost.source = fmt::format("{}:{}", module.files[source.first], source.second);
    to.lines.push_back(std::move(cost));
  }
  keep_largest(to.instructions);
  keep_largest(to.lines);
  keep_largest(to.blocks);
}

}  // namespace

std::string_view name_of(Stall stall) {
  switch (stall) {
    case Stall::Start:
      return "block start";
    case Stall::Dependence:
      return "arithmetic result";
    case Stall::Memory:
      return "memory result";
    case Stall::Pipe:
      return "busy unit";
    case Stall::Queue:
      return "full load/store queue";
    case Stall::Barrier:
      return "barrier";
    case Stall::Fence:
      return "fence";
    case Stall::Branch:
      return "taken branch";
    case Stall::Clock:
      return "clock or sleep";
  }
  return "unknown";
}

std::shared_ptr<Explanation> explain(const Scene& scene, const LaunchRun& run, const Outcome& outcome,
                                     const Prediction& prediction, double operations, int working_sms) {
  auto made = std::make_shared<Explanation>();
  const SimulationCounts& counts = outcome.counts;
  const double cycles = std::max<double>(1, static_cast<double>(counts.cycles));
  const double all = cycles * outcome.sms * scene.model.parameters().sub_cores;
  made->issuing = static_cast<double>(counts.operations + counts.polls) / all;
  made->idle = 1 - made->issuing;
  for (std::size_t i = 0; i < made->stalled.size(); ++i) {
    made->stalled[i] = counts.stalled[i] / all;
    made->idle -= made->stalled[i];
  }
  made->idle = std::max(0.0, made->idle);
  made->candidates = prediction.utilisation;
  const auto stalled = [&](Stall stall) { return made->stalled[static_cast<std::size_t>(stall)]; };
  made->candidates.emplace_back(Bound::Latency, stalled(Stall::Memory) + stalled(Stall::Dependence) +
                                                    stalled(Stall::Branch) + stalled(Stall::Fence) +
                                                    stalled(Stall::Clock));
  made->candidates.emplace_back(Bound::Barrier, stalled(Stall::Barrier));
  if (prediction.time_us > 0)
    made->candidates.emplace_back(Bound::Launch, prediction.start_us / prediction.time_us);
  std::erase_if(made->candidates, [](const auto& each) { return each.second < kLeastShare; });
  std::ranges::sort(made->candidates, {},
                    [](const auto& each) { return std::pair(-each.second, each.first); });
  made->simulated = operations > 0 ? std::min(1.0, static_cast<double>(counts.operations) / operations) : 1;
  made->achieved_occupancy =
      std::min(1.0, outcome.warp_cycles / (cycles * outcome.sms * scene.card.sm.max_warps));
  made->working_sms = working_sms;
  add_places(scene.model, run, counts, all, *made);
  return made;
}

}  // namespace doppel::timing
