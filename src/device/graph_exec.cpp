// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "device/context.h"
#include "device/event.h"
#include "device/event_publisher.h"
#include "device/execute.h"
#include "device/graph.h"
#include "device/host_clock.h"
#include "device/platform.h"
#include "device/scheduler.h"
#include "device/validate.h"

namespace doppel::device {
namespace {

Result<void> validate_all(const Graph& graph) {
  auto order = graph.order();
  if (!order) return tl::unexpected(order.error());
  for (const NodeId id : *order) {
    const auto node = graph.node(id);
    if (const auto* child = std::get_if<ChildGraphWork>(&node->work)) {
      if (auto good = validate_all(*child->graph); !good) return good;
    } else if (node->context != nullptr) {
      if (auto good = validate(node->work, node->context->device()); !good) return good;
    }
  }
  return {};
}

using Operations = std::vector<std::shared_ptr<Operation>>;

struct GraphLaunch {
  Context& context;
  std::uint64_t stream_id;
  int priority;
  Scheduler& scheduler;

  std::shared_ptr<Operation> join(Operations dependencies, const std::shared_ptr<Context>& where) const {
    auto operation = std::make_shared<Operation>(where, nullptr, where->platform().clock().now_us());
    operation->stream_id = stream_id;
    scheduler.submit(operation, std::move(dependencies));
    return operation;
  }

  // Queues the nodes; the result ends when all have.
  std::shared_ptr<Operation> run(const Graph& graph, const std::vector<NodeId>& order,
                                 const Operations& before) const {
    // Memory that the graph itself allocates stays its own: it is there again at the next launch.
    std::set<std::uint64_t> own_memory;
    for (const NodeId id : order) {
      const auto node = graph.node(id);
      if (const auto* allocate = std::get_if<AllocateWork>(&node->work)) own_memory.insert(allocate->address);
    }
    std::map<NodeId, std::shared_ptr<Operation>> operations;
    Operations all;
    for (const NodeId id : order) {
      Graph::Node node = *graph.node(id);
      Operations dependencies;
      for (const NodeId each : node.dependencies) dependencies.push_back(operations.at(each));
      if (dependencies.empty()) dependencies = before;
      const std::shared_ptr<Context> where =
          node.context != nullptr ? node.context : context.shared_from_this();
      std::shared_ptr<Operation> operation;
      const auto* free = std::get_if<FreeWork>(&node.work);
      if (!node.enabled || (free != nullptr && own_memory.contains(free->address))) {
        operation = join(std::move(dependencies), where);
      } else if (const auto* child = std::get_if<ChildGraphWork>(&node.work)) {
        operation = run(*child->graph, *child->graph->order(), dependencies);
      } else {
        if (const auto* wait = std::get_if<EventWaitWork>(&node.work);
            wait != nullptr && wait->event->record_of_others() == 0) {
          if (auto recorded = wait->event->operation()) dependencies.push_back(std::move(recorded));
        }
        const auto* record = std::get_if<EventRecordWork>(&node.work);
        const std::shared_ptr<Event> recorded = record != nullptr ? record->event : nullptr;
        operation = make_operation(
            std::move(node.work),
            {.context = where, .stream_id = stream_id, .priority = priority, .in_graph = true});
        scheduler.submit(operation, std::move(dependencies));
        if (recorded != nullptr) {
          recorded->set_operation(operation);
          if (recorded->shared() != nullptr) where->platform().event_publisher().follow(operation);
        }
      }
      operations.emplace(id, operation);
      all.push_back(std::move(operation));
    }
    if (all.empty()) all = before;
    return join(std::move(all), context.shared_from_this());
  }
};

}  // namespace

Result<std::shared_ptr<GraphExec>> GraphExec::instantiate(const Graph& graph) {
  if (auto good = validate_all(graph); !good) return tl::unexpected(good.error());
  auto executable = std::make_shared<GraphExec>();
  executable->graph_ = graph.clone();
  executable->order_ = *executable->graph_->order();
  for (const NodeId id : graph.nodes()) executable->original_to_own_[id] = executable->graph_->clone_of(id);
  return executable;
}

Result<NodeId> GraphExec::own(NodeId id) const {
  const auto found = original_to_own_.find(id);
  if (found == original_to_own_.end())
    return fail(Error::Kind::InvalidArgument, "the node is not of the graph that this was made from");
  return found->second;
}

Result<void> GraphExec::set_work(NodeId id, Work work) {
  const std::lock_guard lock(mutex_);
  return own(id).and_then([&](NodeId mine) -> Result<void> {
    const auto node = graph_->node(mine);
    if (node && node->context != nullptr) {
      if (auto good = validate(work, node->context->device()); !good) return good;
    }
    return graph_->set_work(mine, std::move(work));
  });
}

Result<void> GraphExec::set_enabled(NodeId id, bool enabled) {
  const std::lock_guard lock(mutex_);
  return own(id).and_then([&](NodeId mine) { return graph_->set_enabled(mine, enabled); });
}

Result<bool> GraphExec::enabled(NodeId id) const {
  const std::lock_guard lock(mutex_);
  return own(id).and_then([&](NodeId mine) { return graph_->node(mine); }).map([](const Graph::Node& node) {
    return node.enabled;
  });
}

Result<void> GraphExec::update(const Graph& graph, UpdateFailure* failure) {
  const std::lock_guard lock(mutex_);
  const auto differs = [&](NodeId node, std::string reason) {
    if (failure != nullptr) *failure = {node, reason};
    return fail(Error::Kind::GraphUpdateFailed, std::move(reason));
  };
  if (auto good = validate_all(graph); !good) return good;
  // Nodes pair up in the order in which they were added.
  const std::vector<NodeId> theirs = graph.nodes();
  const std::vector<NodeId> mine = graph_->nodes();
  if (theirs.size() != mine.size())
    return differs(0, fmt::format("the graph has {} nodes, the executable {}", theirs.size(), mine.size()));
  std::map<NodeId, NodeId> pair;
  for (std::size_t i = 0; i < mine.size(); ++i) pair[theirs[i]] = mine[i];
  for (const NodeId id : theirs) {
    const auto new_node = graph.node(id);
    const auto old_node = graph_->node(pair.at(id));
    if (new_node->work.index() != old_node->work.index()) return differs(id, "a node is of another type");
    std::set<NodeId> wanted;
    for (const NodeId each : new_node->dependencies) wanted.insert(pair.at(each));
    if (wanted != std::set<NodeId>(old_node->dependencies.begin(), old_node->dependencies.end()))
      return differs(id, "a node has other dependencies");
  }
  for (const NodeId id : theirs) {
    Work work = graph.node(id)->work;
    if (auto* child = std::get_if<ChildGraphWork>(&work)) child->graph = child->graph->clone();
    (void)graph_->set_work(pair.at(id), std::move(work));
  }
  return {};
}

void GraphExec::release() {
  const std::lock_guard lock(mutex_);
  if (last_launch_ == nullptr || last_launch_->done()) return;
  // An operation behind the last launch holds the graph; it lets go outside of the scheduler's lock.
  Scheduler& scheduler = last_launch_->context()->platform().scheduler();
  auto keeper = std::make_shared<Operation>(last_launch_->context(), nullptr, 0.0);
  keeper->set_run([graph = graph_]() mutable {
    graph = nullptr;
    return Cost{};
  });
  scheduler.submit(keeper, {last_launch_});
}

Result<std::shared_ptr<Operation>> GraphExec::launch(Context& context,
                                                     std::vector<std::shared_ptr<Operation>> dependencies,
                                                     std::uint64_t stream_id, int priority) {
  const std::lock_guard lock(mutex_);
  if (last_launch_ != nullptr) dependencies.push_back(last_launch_);
  const GraphLaunch launch{context, stream_id, priority, context.platform().scheduler()};
  // One operation that all roots wait for keeps their lists short.
  const auto start = launch.join(std::move(dependencies), context.shared_from_this());
  last_launch_ = launch.run(*graph_, order_, {start});
  return last_launch_;
}

}  // namespace doppel::device
