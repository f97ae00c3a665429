// SPDX-License-Identifier: Apache-2.0
// Graphs: made, cloned, asked about; their edges.
#include "device/graph.h"

#include <algorithm>
#include <span>

#include "driver/call.h"
#include "driver/graph_nodes.h"
#include "driver/objects.h"

namespace doppel::driver {
namespace {

// The convention of all lists here: without an array, how many there are; with one, as many as fit, the rest
// zero.
template <typename T>
void store_list(const std::vector<T>& values, T* out, std::size_t* count) {
  if (out == nullptr) {
    *count = values.size();
    return;
  }
  const std::size_t filled = std::min(*count, values.size());
  std::copy_n(values.begin(), filled, out);
  std::fill(out + filled, out + *count, T{});
  *count = filled;
}

std::vector<CUgraphNode> handles(const std::shared_ptr<device::Graph>& graph,
                                 const std::vector<device::NodeId>& ids) {
  std::vector<CUgraphNode> nodes;
  for (const device::NodeId id : ids) nodes.push_back(node_handle(graph, id));
  return nodes;
}

template <typename Select>
CUresult list_of_graph(CUgraph graph, CUgraphNode* out, std::size_t* count, Select select) {
  if (count == nullptr) return CUDA_ERROR_INVALID_VALUE;
  return answer(find_graph(graph).map(
      [&](const auto& found) { store_list(handles(found, select(*found)), out, count); }));
}

template <typename Select>
CUresult list_of_node(CUgraphNode node, CUgraphNode* out, CUgraphEdgeData* data, std::size_t* count,
                      Select select) {
  if (count == nullptr) return CUDA_ERROR_INVALID_VALUE;
  return answer(find_node(node).map([&](const NodeReference& found) {
    store_list(handles(found.graph, select(found)), out, count);
    if (out != nullptr && data != nullptr) std::fill_n(data, *count, CUgraphEdgeData{});
  }));
}

std::vector<device::NodeId> dependencies(const NodeReference& node) {
  const auto read = node.graph->node(node.id);
  return read ? read->dependencies : std::vector<device::NodeId>{};
}

std::vector<device::NodeId> dependents(const NodeReference& node) { return node.graph->dependents(node.id); }

CUresult get_edges(CUgraph handle, CUgraphNode* from, CUgraphNode* to, CUgraphEdgeData* data,
                   std::size_t* count) {
  if (count == nullptr || (from == nullptr) != (to == nullptr)) return CUDA_ERROR_INVALID_VALUE;
  return answer(find_graph(handle).map([&](const auto& graph) {
    std::vector<CUgraphNode> starts;
    std::vector<CUgraphNode> ends;
    for (const auto& [start, end] : graph->edges()) {
      starts.push_back(node_handle(graph, start));
      ends.push_back(node_handle(graph, end));
    }
    std::size_t ends_count = *count;
    store_list(starts, from, count);
    store_list(ends, to, &ends_count);
    if (from != nullptr && data != nullptr) std::fill_n(data, *count, CUgraphEdgeData{});
  }));
}

// Edges with data other than zero start a kernel before the one before it has ended.
bool are_plain(const CUgraphEdgeData* data, std::size_t count) {
  return data == nullptr || std::all_of(data, data + count, [](const CUgraphEdgeData& edge) {
           return edge.from_port == 0 && edge.to_port == 0 && edge.type == 0;
         });
}

template <typename Change>
CUresult change_edges(CUgraph handle, const CUgraphNode* from, const CUgraphNode* to,
                      const CUgraphEdgeData* data, std::size_t count, Change change) {
  if (!are_plain(data, count)) return CUDA_ERROR_NOT_SUPPORTED;
  return answer(find_graph(handle).and_then([&](const auto& graph) -> Result<void> {
    const auto starts = node_ids(*graph, from, count);
    if (!starts) return tl::unexpected(starts.error());
    const auto ends = node_ids(*graph, to, count);
    if (!ends) return tl::unexpected(ends.error());
    for (std::size_t i = 0; i < count; ++i)
      if (auto changed = change(*graph, (*starts)[i], (*ends)[i]); !changed) return changed;
    return {};
  }));
}

constexpr auto kAddEdge = [](device::Graph& graph, device::NodeId from, device::NodeId to) {
  return graph.add_edge(from, to);
};
constexpr auto kRemoveEdge = [](device::Graph& graph, device::NodeId from, device::NodeId to) {
  return graph.remove_edge(from, to);
};

}  // namespace
}  // namespace doppel::driver

extern "C" {
using namespace doppel::driver;

CUresult cuGraphCreate(CUgraph* graph, unsigned flags) {
  return call(__func__, std::tuple(graph, flags), [&] {
    if (graph == nullptr || flags != 0) return CUDA_ERROR_INVALID_VALUE;
    *graph = objects().graphs.add(std::make_shared<doppel::device::Graph>());
    return CUDA_SUCCESS;
  });
}
CUresult cuGraphDestroy(CUgraph graph) {
  return call(__func__, std::tuple(graph),
              [&] { return objects().graphs.remove(graph) ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE; });
}
CUresult cuGraphClone(CUgraph* clone, CUgraph original) {
  return call(__func__, std::tuple(clone, original), [&] {
    if (clone == nullptr) return CUDA_ERROR_INVALID_VALUE;
    return answer(
        find_graph(original).map([](const auto& found) { return objects().graphs.add(found->clone()); }),
        clone);
  });
}
CUresult cuGraphNodeFindInClone(CUgraphNode* node, CUgraphNode original, CUgraph clone) {
  return call(__func__, std::tuple(node, original, clone), [&] {
    if (node == nullptr) return CUDA_ERROR_INVALID_VALUE;
    const auto graph = find_graph(clone);
    const auto reference = find_node(original);
    if (!graph || !reference) return CUDA_ERROR_INVALID_VALUE;
    const auto id = (*graph)->clone_of(reference->id);
    if (id == 0) return CUDA_ERROR_INVALID_VALUE;
    *node = node_handle(*graph, id);
    return CUDA_SUCCESS;
  });
}

CUresult cuGraphGetNodes(CUgraph graph, CUgraphNode* nodes, size_t* count) {
  return call(__func__, std::tuple(graph, nodes, count),
              [&] { return list_of_graph(graph, nodes, count, [](const auto& of) { return of.nodes(); }); });
}
CUresult cuGraphGetRootNodes(CUgraph graph, CUgraphNode* nodes, size_t* count) {
  return call(__func__, std::tuple(graph, nodes, count),
              [&] { return list_of_graph(graph, nodes, count, [](const auto& of) { return of.roots(); }); });
}
CUresult cuGraphGetEdges(CUgraph graph, CUgraphNode* from, CUgraphNode* to, size_t* count) {
  return call(__func__, std::tuple(graph, from, to, count),
              [&] { return get_edges(graph, from, to, nullptr, count); });
}
CUresult cuGraphGetEdges_v2(CUgraph graph, CUgraphNode* from, CUgraphNode* to, CUgraphEdgeData* data,
                            size_t* count) {
  return call(__func__, std::tuple(graph, from, to, data, count),
              [&] { return get_edges(graph, from, to, data, count); });
}

CUresult cuGraphNodeGetDependencies(CUgraphNode node, CUgraphNode* nodes, size_t* count) {
  return call(__func__, std::tuple(node, nodes, count),
              [&] { return list_of_node(node, nodes, nullptr, count, dependencies); });
}
CUresult cuGraphNodeGetDependencies_v2(CUgraphNode node, CUgraphNode* nodes, CUgraphEdgeData* data,
                                       size_t* count) {
  return call(__func__, std::tuple(node, nodes, data, count),
              [&] { return list_of_node(node, nodes, data, count, dependencies); });
}
CUresult cuGraphNodeGetDependentNodes(CUgraphNode node, CUgraphNode* nodes, size_t* count) {
  return call(__func__, std::tuple(node, nodes, count),
              [&] { return list_of_node(node, nodes, nullptr, count, dependents); });
}
CUresult cuGraphNodeGetDependentNodes_v2(CUgraphNode node, CUgraphNode* nodes, CUgraphEdgeData* data,
                                         size_t* count) {
  return call(__func__, std::tuple(node, nodes, data, count),
              [&] { return list_of_node(node, nodes, data, count, dependents); });
}

CUresult cuGraphAddDependencies(CUgraph graph, const CUgraphNode* from, const CUgraphNode* to, size_t count) {
  return call(__func__, std::tuple(graph, from, to, count),
              [&] { return change_edges(graph, from, to, nullptr, count, kAddEdge); });
}
CUresult cuGraphAddDependencies_v2(CUgraph graph, const CUgraphNode* from, const CUgraphNode* to,
                                   const CUgraphEdgeData* data, size_t count) {
  return call(__func__, std::tuple(graph, from, to, data, count),
              [&] { return change_edges(graph, from, to, data, count, kAddEdge); });
}
CUresult cuGraphRemoveDependencies(CUgraph graph, const CUgraphNode* from, const CUgraphNode* to,
                                   size_t count) {
  return call(__func__, std::tuple(graph, from, to, count),
              [&] { return change_edges(graph, from, to, nullptr, count, kRemoveEdge); });
}
CUresult cuGraphRemoveDependencies_v2(CUgraph graph, const CUgraphNode* from, const CUgraphNode* to,
                                      const CUgraphEdgeData* data, size_t count) {
  return call(__func__, std::tuple(graph, from, to, data, count),
              [&] { return change_edges(graph, from, to, data, count, kRemoveEdge); });
}

CUresult cuGraphGetId(CUgraph graph, unsigned* id) {
  return call(__func__, std::tuple(graph, id), [&] {
    if (id == nullptr) return CUDA_ERROR_INVALID_VALUE;
    return answer(find_graph(graph).map([](const auto& found) { return found->id(); }), id);
  });
}
CUresult cuGraphNodeGetContainingGraph(CUgraphNode node, CUgraph* graph) {
  return call(__func__, std::tuple(node, graph), [&] {
    if (graph == nullptr) return CUDA_ERROR_INVALID_VALUE;
    return answer(
        find_node(node).map([](const NodeReference& found) { return objects().graphs.add(found.graph); }),
        graph);
  });
}
CUresult cuGraphNodeGetLocalId(CUgraphNode node, unsigned* id) {
  return call(__func__, std::tuple(node, id), [&] {
    if (id == nullptr) return CUDA_ERROR_INVALID_VALUE;
    return answer(find_node(node).map([](const NodeReference& found) { return found.id; }), id);
  });
}
CUresult cuGraphNodeGetToolsId(CUgraphNode node, unsigned long long* id) {
  return call(__func__, std::tuple(node, id), [&] {
    if (id == nullptr) return CUDA_ERROR_INVALID_VALUE;
    return answer(find_node(node).map([](const NodeReference& found) { return found.id; }), id);
  });
}

CUresult cuGraphNodeGetType(CUgraphNode node, CUgraphNodeType* type) {
  return call(__func__, std::tuple(node, type), [&] {
    if (type == nullptr) return CUDA_ERROR_INVALID_VALUE;
    return answer(read_node(node).map([](const auto& found) { return type_of(found.work); }), type);
  });
}
CUresult cuGraphDestroyNode(CUgraphNode node) {
  return call(__func__, std::tuple(node), [&] {
    return answer(
        find_node(node).and_then([](const NodeReference& found) { return found.graph->remove(found.id); }));
  });
}

}  // extern "C"
