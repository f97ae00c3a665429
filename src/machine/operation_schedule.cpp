// SPDX-License-Identifier: Apache-2.0
// Pass: schedule_operations. The assembler's order is not known, but its aims are: few registers first, then
// latencies behind independent work as far as the registers go that cost no occupancy. So each block is put
// into an order that keeps few registers in use (pressure_order.h), and then issued in that order, where what
// must wait lets later operations pass that find room.
#include <algorithm>
#include <array>
#include <bit>
#include <queue>

#include "machine/machine_lowering.h"
#include "machine/pressure_order.h"

namespace doppel::machine {
namespace {

// Registers of a thread at which fewer warps fit on an SM of 65,536: up to 48, 40, 32, 24, 20, 16, 12 and 8.
// Within such a step registers cost nothing.
constexpr std::array kSteps{40, 48, 64, 80, 96, 128, 168, 255};

// What values may take, where they need `most` at least.
int room_for(int most) {
  for (int step : kSteps) {
    if (most + kReservedRegisters <= step) return step - kReservedRegisters;
  }
  return most;
}

// Operations that are looked at for one that may pass.
constexpr int kLookAhead = 48;

// The largest of any run of numbers.
class RangeMaximum {
 public:
  explicit RangeMaximum(std::vector<int> values) {
    levels_.push_back(std::move(values));
    for (std::size_t span = 2; span <= levels_[0].size(); span *= 2) {
      const std::vector<int>& below = levels_.back();
      std::vector<int> level(levels_[0].size() - span + 1);
      for (std::size_t i = 0; i < level.size(); ++i) level[i] = std::max(below[i], below[i + span / 2]);
      levels_.push_back(std::move(level));
    }
  }
  // Of [first, last]; first <= last.
  int of(std::size_t first, std::size_t last) const {
    const std::size_t count = last - first + 1;
    const auto level = static_cast<std::size_t>(std::bit_width(count) - 1);
    return std::max(levels_[level][first], levels_[level][last + 1 - (std::size_t{1} << level)]);
  }

 private:
  std::vector<std::vector<int>> levels_;
};

struct Plan {
  std::vector<std::uint32_t> order;
  std::vector<int> live;  // registers in use while each operation of the order runs
  int most = 0;
};

// Operations, in the order of the program, that the assembler orders together. Found with unrolled filters of
// 2,800 to 6,200 operations, of which it (11.8 and 13.0, sm_86) makes 40 registers up to here, and beyond up
// to as many as are live between the two parts: 63, 79, 108, 127, 167, or 255 and spills the rest.
constexpr std::uint32_t kWindow = 4096;
// Where that would be more than so many, it finds another order: 530 live values are spilled, 700 are not.
constexpr int kMostBetweenWindows = 600;

Plan planned(const BlockGraph& graph, std::vector<std::uint32_t> order) {
  Plan plan;
  plan.order = std::move(order);
  BlockPressure pressure(graph);
  plan.most = pressure.live();
  for (std::uint32_t operation : plan.order) {
    plan.live.push_back(pressure.place(operation));
    plan.most = std::max(plan.most, plan.live.back());
  }
  return plan;
}

Plan plan_block(const BlockGraph& graph) {
  Plan whole = planned(graph, pressure_order(graph));
  if (graph.nodes.size() <= kWindow) return whole;
  // The same order within each window, one window after the other.
  std::vector<std::vector<std::uint32_t>> windows(graph.nodes.size() / kWindow + 1);
  for (std::uint32_t operation : whole.order) windows[operation / kWindow].push_back(operation);
  std::vector<std::uint32_t> order;
  order.reserve(whole.order.size());
  for (const auto& window : windows) order.insert(order.end(), window.begin(), window.end());
  Plan in_windows = planned(graph, std::move(order));
  return in_windows.most <= kMostBetweenWindows ? in_windows : whole;
}

// The order of issue: in the plan's order, but what waits is passed by what is ready and fits into `room`
// registers until its own turn would have come.
std::vector<std::uint32_t> issue_order(const BlockGraph& graph, const Plan& plan, int room) {
  const std::size_t count = graph.nodes.size();
  std::vector<std::uint32_t> place(count), left(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    place[plan.order[i]] = i;
    left[i] = graph.nodes[i].predecessors;
  }
  const RangeMaximum planned(plan.live);
  BlockPressure pressure(graph), planned_now(graph);
  std::vector<int> ready(count, 0);
  std::vector<bool> placed(count, false);
  // Places in the plan of what may come next: ready ones, and the others by the cycle in which they will be.
  std::priority_queue<std::uint32_t, std::vector<std::uint32_t>, std::greater<>> now;
  using Later = std::pair<int, std::uint32_t>;
  std::priority_queue<Later, std::vector<Later>, std::greater<>> later;
  for (std::uint32_t i = 0; i < count; ++i) {
    if (left[i] == 0) now.push(place[i]);
  }
  std::vector<std::uint32_t> result, passed;
  result.reserve(count);
  int cycle = 0;
  std::uint32_t head = 0;  // the first of the plan that is not placed
  const auto fits = [&](std::uint32_t at) {
    if (at == head) return true;
    const std::uint32_t operation = plan.order[at];
    const int change = pressure.change(operation);
    if (change <= 0) return true;
    // What is in use beyond the plan until then.
    const int extra = pressure.live() - planned_now.live();
    return std::max(planned.of(head, at - 1) + extra, pressure.live()) + change <= room;
  };
  while (result.size() < count) {
    while (!later.empty() && later.top().first <= cycle) {
      now.push(later.top().second);
      later.pop();
    }
    std::uint32_t chosen = UINT32_MAX;
    passed.clear();
    while (!now.empty() && static_cast<int>(passed.size()) < kLookAhead) {
      const std::uint32_t at = now.top();
      now.pop();
      if (fits(at)) {
        chosen = at;
        break;
      }
      passed.push_back(at);
    }
    for (std::uint32_t at : passed) now.push(at);
    if (chosen == UINT32_MAX) {
      if (later.empty()) {
        chosen = now.top();
        now.pop();
      } else {
        cycle = later.top().first;
        continue;
      }
    }
    const std::uint32_t operation = plan.order[chosen];
    placed[chosen] = true;
    pressure.place(operation);
    result.push_back(operation);
    ++cycle;
    while (head < count && placed[head]) planned_now.place(plan.order[head++]);
    for (const BlockGraph::Edge& edge : graph.nodes[operation].successors) {
      ready[edge.to] = std::max(ready[edge.to], cycle - 1 + edge.cycles);
      if (--left[edge.to] > 0) continue;
      if (ready[edge.to] <= cycle) {
        now.push(place[edge.to]);
      } else {
        later.emplace(ready[edge.to], place[edge.to]);
      }
    }
  }
  return result;
}

}  // namespace

void schedule_operations(const MachineLiveness& liveness, std::uint32_t most_registers,
                         MachineFunction& machine) {
  BlockGraphBuilder builder(machine, liveness);
  std::vector<Plan> plans;
  std::vector<BlockGraph> graphs;
  int most = 0;
  for (BlockId id = 0; id < machine.blocks.size(); ++id) {
    graphs.push_back(builder.build(id));
    plans.push_back(plan_block(graphs.back()));
    most = std::max(most, plans.back().most);
  }
  const int room = std::min(room_for(most), static_cast<int>(most_registers) - kReservedRegisters);
  for (BlockId id = 0; id < machine.blocks.size(); ++id) {
    std::vector<MachineOperation>& operations = machine.blocks[id].operations;
    if (operations.size() < 3) continue;
    std::vector<MachineOperation> ordered;
    ordered.reserve(operations.size());
    for (std::uint32_t operation : issue_order(graphs[id], plans[id], room))
      ordered.push_back(operations[operation]);
    operations = std::move(ordered);
  }
}

}  // namespace doppel::machine
