// SPDX-License-Identifier: Apache-2.0
// Graphs of work: built by calls or by capturing streams, frozen into a GraphExec, launched any number of
// times.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "device/work.h"
#include "support/result.h"

namespace doppel::device {

class Context;
class Operation;

using NodeId = std::uint64_t;  // never reused in a process

class Graph {
 public:
  struct Node {
    NodeId id = 0;
    Work work;
    std::shared_ptr<Context> context;  // where it runs
    std::vector<NodeId> dependencies;  // without duplicates
    bool enabled = true;
  };

  Graph() = default;
  // A deep copy: child graphs too. Old and new ids pair up by `clone_of`.
  std::shared_ptr<Graph> clone() const;
  NodeId clone_of(NodeId original) const;  // 0: none

  Result<NodeId> add(Work work, std::shared_ptr<Context> context, std::vector<NodeId> dependencies);
  Result<void> remove(NodeId node);  // with its edges
  Result<void> add_edge(NodeId from, NodeId to);
  Result<void> remove_edge(NodeId from, NodeId to);
  Result<Node> node(NodeId id) const;
  Result<void> set_work(NodeId id, Work work);  // of the same type
  Result<void> set_enabled(NodeId id, bool enabled);
  std::vector<NodeId> nodes() const;  // in the order they were added
  std::vector<NodeId> roots() const;
  std::vector<std::pair<NodeId, NodeId>> edges() const;
  std::vector<NodeId> dependents(NodeId id) const;
  // Dependencies first; InvalidArgument where there is a cycle.
  Result<std::vector<NodeId>> order() const;

  // Of this process, never reused.
  std::uint64_t id() const { return id_; }

  // References to objects of the program that live as long as the graph, its clones and what is made of it:
  // `count` references to what `object` names; each goes when `reference` is destroyed.
  void keep(const void* object, unsigned count, const std::function<std::shared_ptr<void>()>& reference);
  Result<void> drop(const void* object, unsigned count);  // InvalidArgument: the graph has fewer

 private:
  struct Kept {
    const void* object;
    std::shared_ptr<void> reference;
  };
  std::uint64_t id_ = next_id();
  static std::uint64_t next_id();
  mutable std::mutex mutex_;
  std::vector<Kept> kept_;
  std::vector<NodeId> sequence_;
  std::map<NodeId, Node> nodes_;
  std::map<NodeId, NodeId> clones_;
};

class GraphExec {
 public:
  // Checks every node as a launch would.
  static Result<std::shared_ptr<GraphExec>> instantiate(const Graph& graph);

  // Changes one node, or all of them to those of a graph of the same shape (GraphUpdateFailed says where they
  // differ).
  Result<void> set_work(NodeId id, Work work);  // id of the graph it was made from
  Result<void> set_enabled(NodeId id, bool enabled);
  Result<bool> enabled(NodeId id) const;
  struct UpdateFailure {
    NodeId node = 0;
    std::string reason;
  };
  Result<void> update(const Graph& graph, UpdateFailure* failure = nullptr);

  // Queues all nodes behind `dependencies`, with the priority of the stream; returns the operation that ends
  // when all have.
  Result<std::shared_ptr<Operation>> launch(Context& context,
                                            std::vector<std::shared_ptr<Operation>> dependencies,
                                            std::uint64_t stream_id, int priority);

  const std::shared_ptr<Graph>& graph() const { return graph_; }
  std::size_t size() const { return order_.size(); }  // nodes, a child graph counts as one
  // What it keeps alive goes after its last launch has run. Called once, when the program destroys it.
  void release();

 private:
  Result<NodeId> own(NodeId id) const;
  std::shared_ptr<Graph> graph_;
  std::vector<NodeId> order_;
  std::map<NodeId, NodeId> original_to_own_;
  std::shared_ptr<Operation> last_launch_;  // one launch of an executable graph waits for the one before
  mutable std::mutex mutex_;
};

}  // namespace doppel::device
