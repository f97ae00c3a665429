// SPDX-License-Identifier: Apache-2.0
#include "device/graph.h"

#include <algorithm>
#include <atomic>

namespace doppel::device {
namespace {

std::atomic<NodeId> next_node{1};

tl::unexpected<Error> no_node() { return fail(Error::Kind::InvalidArgument, "the graph has no such node"); }

}  // namespace

std::shared_ptr<Graph> Graph::clone() const {
  const std::lock_guard lock(mutex_);
  auto copy = std::make_shared<Graph>();
  copy->kept_ = kept_;
  for (const NodeId old : sequence_) copy->clones_[old] = next_node++;
  for (const NodeId old : sequence_) {
    Node node = nodes_.at(old);
    node.id = copy->clones_.at(old);
    for (NodeId& dependency : node.dependencies) dependency = copy->clones_.at(dependency);
    if (auto* child = std::get_if<ChildGraphWork>(&node.work)) child->graph = child->graph->clone();
    copy->sequence_.push_back(node.id);
    copy->nodes_.emplace(node.id, std::move(node));
  }
  return copy;
}

std::uint64_t Graph::next_id() {
  static std::atomic<std::uint64_t> next{1};
  return next++;
}

void Graph::keep(const void* object, unsigned count,
                 const std::function<std::shared_ptr<void>()>& reference) {
  const std::lock_guard lock(mutex_);
  for (unsigned i = 0; i < count; ++i) kept_.push_back({object, reference()});
}

Result<void> Graph::drop(const void* object, unsigned count) {
  std::vector<Kept> dropped;  // destroyed behind the lock: the program's destructor may run
  const std::lock_guard lock(mutex_);
  const auto held = std::ranges::count_if(kept_, [&](const Kept& each) { return each.object == object; });
  if (held < static_cast<std::ptrdiff_t>(count))
    return fail(Error::Kind::InvalidArgument, "the graph holds fewer references to that object");
  for (auto each = kept_.begin(); count != 0;) {
    if (each->object != object) {
      ++each;
      continue;
    }
    dropped.push_back(std::move(*each));
    each = kept_.erase(each);
    --count;
  }
  return {};
}

NodeId Graph::clone_of(NodeId original) const {
  const std::lock_guard lock(mutex_);
  const auto found = clones_.find(original);
  return found != clones_.end() ? found->second : 0;
}

Result<NodeId> Graph::add(Work work, std::shared_ptr<Context> context, std::vector<NodeId> dependencies) {
  const std::lock_guard lock(mutex_);
  std::vector<NodeId> unique;
  for (const NodeId id : dependencies) {
    if (!nodes_.contains(id)) return no_node();
    if (std::find(unique.begin(), unique.end(), id) == unique.end()) unique.push_back(id);
  }
  Node node;
  node.id = next_node++;
  node.work = std::move(work);
  node.context = std::move(context);
  node.dependencies = std::move(unique);
  const NodeId id = node.id;
  sequence_.push_back(id);
  nodes_.emplace(id, std::move(node));
  return id;
}

Result<void> Graph::remove(NodeId id) {
  const std::lock_guard lock(mutex_);
  if (nodes_.erase(id) == 0) return no_node();
  std::erase(sequence_, id);
  for (auto& [other, node] : nodes_) std::erase(node.dependencies, id);
  return {};
}

Result<void> Graph::add_edge(NodeId from, NodeId to) {
  const std::lock_guard lock(mutex_);
  const auto target = nodes_.find(to);
  if (target == nodes_.end() || !nodes_.contains(from)) return no_node();
  auto& dependencies = target->second.dependencies;
  if (from == to || std::find(dependencies.begin(), dependencies.end(), from) != dependencies.end()) {
    return fail(Error::Kind::InvalidArgument,
                from == to ? "a node cannot depend on itself" : "the edge is there already");
  }
  dependencies.push_back(from);
  return {};
}

Result<void> Graph::remove_edge(NodeId from, NodeId to) {
  const std::lock_guard lock(mutex_);
  const auto target = nodes_.find(to);
  if (target == nodes_.end() || std::erase(target->second.dependencies, from) == 0)
    return fail(Error::Kind::InvalidArgument, "the graph has no such edge");
  return {};
}

Result<Graph::Node> Graph::node(NodeId id) const {
  const std::lock_guard lock(mutex_);
  const auto found = nodes_.find(id);
  if (found == nodes_.end()) return no_node();
  return found->second;
}

Result<void> Graph::set_work(NodeId id, Work work) {
  const std::lock_guard lock(mutex_);
  const auto found = nodes_.find(id);
  if (found == nodes_.end()) return no_node();
  if (found->second.work.index() != work.index())
    return fail(Error::Kind::InvalidArgument, "the node is of another type");
  found->second.work = std::move(work);
  return {};
}

Result<void> Graph::set_enabled(NodeId id, bool enabled) {
  const std::lock_guard lock(mutex_);
  const auto found = nodes_.find(id);
  if (found == nodes_.end()) return no_node();
  found->second.enabled = enabled;
  return {};
}

std::vector<NodeId> Graph::nodes() const {
  const std::lock_guard lock(mutex_);
  return sequence_;
}

std::vector<NodeId> Graph::roots() const {
  const std::lock_guard lock(mutex_);
  std::vector<NodeId> all;
  std::copy_if(sequence_.begin(), sequence_.end(), std::back_inserter(all),
               [&](NodeId id) { return nodes_.at(id).dependencies.empty(); });
  return all;
}

std::vector<std::pair<NodeId, NodeId>> Graph::edges() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::pair<NodeId, NodeId>> all;
  for (const NodeId id : sequence_) {
    for (const NodeId from : nodes_.at(id).dependencies) all.emplace_back(from, id);
  }
  return all;
}

std::vector<NodeId> Graph::dependents(NodeId id) const {
  std::vector<NodeId> all;
  for (const auto& [from, to] : edges()) {
    if (from == id) all.push_back(to);
  }
  return all;
}

Result<std::vector<NodeId>> Graph::order() const {
  const std::lock_guard lock(mutex_);
  std::vector<NodeId> ordered;
  std::set<NodeId> placed;
  // Usually they were added in an order that will do; then one round is enough.
  while (ordered.size() < sequence_.size()) {
    const std::size_t before = ordered.size();
    for (const NodeId id : sequence_) {
      if (placed.contains(id)) continue;
      const auto& dependencies = nodes_.at(id).dependencies;
      if (!std::all_of(dependencies.begin(), dependencies.end(),
                       [&](NodeId each) { return placed.contains(each); }))
        continue;
      placed.insert(id);
      ordered.push_back(id);
    }
    if (ordered.size() == before) return fail(Error::Kind::InvalidArgument, "the graph has a cycle");
  }
  return ordered;
}

}  // namespace doppel::device
