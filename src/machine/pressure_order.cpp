// SPDX-License-Identifier: Apache-2.0
// A greedy order: of the operations that may come next the one that frees most registers, else one whose
// result is used up by operations that it alone held back (Sethi and Ullman 1970 for trees; here a graph),
// else the first in the program.
#include "machine/pressure_order.h"

#include <algorithm>
#include <queue>
#include <utility>

namespace doppel::machine {
namespace {

class Order {
 public:
  explicit Order(const BlockGraph& graph)
      : graph_(graph),
        pressure_(graph),
        left_(graph.nodes.size()),
        left_ids_(graph.nodes.size()),
        placed_(graph.nodes.size(), false),
        offered_(graph.nodes.size(), false),
        key_(graph.nodes.size(), 0),
        freed_readers_(graph.versions.size(), 0) {}

  std::vector<std::uint32_t> run() {
    const auto count = static_cast<std::uint32_t>(graph_.nodes.size());
    for (std::uint32_t i = 0; i < count; ++i) {
      left_[i] = graph_.nodes[i].predecessors;
      left_ids_[i] = graph_.nodes[i].predecessor_ids;
    }
    for (std::uint32_t i = 0; i < count; ++i) {
      if (left_[i] == 1) hold_back(i);
    }
    for (std::uint32_t i = 0; i < count; ++i) {
      if (left_[i] == 0) push(i);
    }
    std::vector<std::uint32_t> result;
    result.reserve(count);
    int spent = 0;  // registers taken since something was last used up
    while (!queue_.empty()) {
      const auto [key, cheapest] = queue_.top();
      if (placed_[cheapest] || key != key_[cheapest]) {  // it was pushed again since
        queue_.pop();
        continue;
      }
      while (placed_[by_place_.top()]) by_place_.pop();
      const std::uint32_t first = by_place_.top();
      const bool in_turn = key > 0 && spent >= key_[first];
      const std::uint32_t operation = in_turn ? first : cheapest;
      spent = in_turn || key <= 0 ? 0 : spent + key;
      place(operation);
      result.push_back(operation);
    }
    return result;
  }

 private:
  // `operation` waits for one other only.
  void hold_back(std::uint32_t operation) {
    const std::uint32_t by = left_ids_[operation];
    bool any = false;
    for (const std::uint32_t id : graph_.uses(graph_.nodes[operation])) {
      if (graph_.versions[id].definer != by) continue;
      ++freed_readers_[id];
      any = true;
    }
    if (any && left_[by] == 0) push(by);
  }
  int cost(std::uint32_t operation) const {
    int registers = pressure_.change(operation);
    for (const std::uint32_t id : graph_.defines(graph_.nodes[operation])) {
      const BlockGraph::Version& version = graph_.versions[id];
      if (!version.leaves && version.reads > 0 && freed_readers_[id] == version.reads)
        registers -= static_cast<int>(version.width);
    }
    return registers;
  }
  void push(std::uint32_t operation) {
    if (!offered_[operation]) by_place_.push(operation);
    offered_[operation] = true;
    key_[operation] = cost(operation);
    queue_.emplace(key_[operation], operation);
  }
  void place(std::uint32_t operation) {
    placed_[operation] = true;
    pressure_.place(operation);
    for (const std::uint32_t id : graph_.uses(graph_.nodes[operation])) {
      if (pressure_.reads_left(id) != 1) continue;
      const std::uint32_t reader = pressure_.last_reader(id);
      if (left_[reader] == 0 && !placed_[reader]) push(reader);
    }
    for (const BlockGraph::Edge& edge : graph_.nodes[operation].successors) {
      left_ids_[edge.to] ^= operation;
      if (--left_[edge.to] == 0) {
        push(edge.to);
      } else if (left_[edge.to] == 1) {
        hold_back(edge.to);
      }
    }
  }

  using Entry = std::pair<int, std::uint32_t>;
  const BlockGraph& graph_;
  BlockPressure pressure_;
  std::vector<std::uint32_t> left_, left_ids_;  // predecessors that are not placed, and their numbers
  std::vector<bool> placed_, offered_;
  std::vector<int> key_;
  std::vector<std::uint32_t> freed_readers_;  // by version: readers that wait for its definer only
  std::priority_queue<Entry, std::vector<Entry>, std::greater<>> queue_;
  std::priority_queue<std::uint32_t, std::vector<std::uint32_t>, std::greater<>> by_place_;
};

}  // namespace

std::vector<std::uint32_t> pressure_order(const BlockGraph& graph) { return Order(graph).run(); }

}  // namespace doppel::machine
