// SPDX-License-Identifier: Apache-2.0
// Nodes added to graphs.
#include <algorithm>

#include "driver/call.h"
#include "driver/graph_nodes.h"

namespace doppel::driver {
namespace {

// Where a new node goes.
struct Position {
  CUgraphNode* node;
  CUgraph graph;
  const CUgraphNode* dependencies;
  std::size_t count;
};

CUresult add(const Position& at, const Result<device::Work>& work, CUcontext context = nullptr) {
  if (at.node == nullptr) return CUDA_ERROR_INVALID_VALUE;
  const auto graph = find_graph(at.graph);
  if (!graph) return to_result(graph.error());
  if (!work) return to_result(work.error());
  const auto dependencies = node_ids(**graph, at.dependencies, at.count);
  if (!dependencies) return to_result(dependencies.error());
  const auto where = context_of_node(context);
  if (!where) return to_result(where.error());
  return answer((*graph)->add(*work, *where, *dependencies).map([&](device::NodeId id) {
    return node_handle(*graph, id);
  }),
                at.node);
}

// The work of parameters that the caller gave by pointer.
template <typename Parameters, typename Convert>
Result<device::Work> convert(const Parameters* parameters, Convert to) {
  if (parameters == nullptr) return fail(Error::Kind::InvalidArgument, "the node's parameters are missing");
  return to(*parameters);
}

CUcontext context_named_by(const CUgraphNodeParams& p) {
  switch (p.type) {
    case CU_GRAPH_NODE_TYPE_KERNEL:
      return p.kernel.ctx;
    case CU_GRAPH_NODE_TYPE_MEMCPY:
      return p.memcpy.copyCtx;
    case CU_GRAPH_NODE_TYPE_MEMSET:
      return p.memset.ctx;
    case CU_GRAPH_NODE_TYPE_BATCH_MEM_OP:
      return p.memOp.ctx;
    default:
      return nullptr;
  }
}

CUresult add_any(const Position& at, CUgraphNodeParams* parameters) {
  if (parameters == nullptr) return CUDA_ERROR_INVALID_VALUE;
  return add(at, work_of(*parameters), context_named_by(*parameters));
}

}  // namespace
}  // namespace doppel::driver

extern "C" {
using namespace doppel::driver;
namespace device = doppel::device;

CUresult cuGraphAddKernelNode(CUgraphNode* node, CUgraph graph, const CUgraphNode* dependencies, size_t count,
                              const CUDA_KERNEL_NODE_PARAMS_v1* parameters) {
  return call(__func__, std::tuple(node, graph, dependencies, count, parameters), [&] {
    return add({node, graph, dependencies, count},
               convert(parameters, [](const auto& p) { return kernel_work(widen(p)); }));
  });
}
CUresult cuGraphAddKernelNode_v2(CUgraphNode* node, CUgraph graph, const CUgraphNode* dependencies,
                                 size_t count, const CUDA_KERNEL_NODE_PARAMS* parameters) {
  return call(__func__, std::tuple(node, graph, dependencies, count, parameters), [&] {
    return add({node, graph, dependencies, count}, convert(parameters, kernel_work),
               parameters != nullptr ? parameters->ctx : nullptr);
  });
}
CUresult cuGraphAddMemcpyNode(CUgraphNode* node, CUgraph graph, const CUgraphNode* dependencies, size_t count,
                              const CUDA_MEMCPY3D* parameters, CUcontext context) {
  return call(__func__, std::tuple(node, graph, dependencies, count, parameters, context), [&] {
    return add({node, graph, dependencies, count}, convert(parameters, copy_work), context);
  });
}
CUresult cuGraphAddMemsetNode(CUgraphNode* node, CUgraph graph, const CUgraphNode* dependencies, size_t count,
                              const CUDA_MEMSET_NODE_PARAMS* parameters, CUcontext context) {
  return call(__func__, std::tuple(node, graph, dependencies, count, parameters, context), [&] {
    return add({node, graph, dependencies, count}, convert(parameters, memset_work), context);
  });
}
CUresult cuGraphAddHostNode(CUgraphNode* node, CUgraph graph, const CUgraphNode* dependencies, size_t count,
                            const CUDA_HOST_NODE_PARAMS* parameters) {
  return call(__func__, std::tuple(node, graph, dependencies, count, parameters), [&] {
    if (parameters == nullptr || parameters->fn == nullptr) return CUDA_ERROR_INVALID_VALUE;
    return add({node, graph, dependencies, count}, host_work(*parameters));
  });
}
CUresult cuGraphAddEmptyNode(CUgraphNode* node, CUgraph graph, const CUgraphNode* dependencies,
                             size_t count) {
  return call(__func__, std::tuple(node, graph, dependencies, count),
              [&] { return add({node, graph, dependencies, count}, device::Work(device::EmptyWork{})); });
}
CUresult cuGraphAddChildGraphNode(CUgraphNode* node, CUgraph graph, const CUgraphNode* dependencies,
                                  size_t count, CUgraph child) {
  return call(__func__, std::tuple(node, graph, dependencies, count, child), [&] {
    return add({node, graph, dependencies, count}, find_graph(child).map([](const auto& found) {
      return device::Work(device::ChildGraphWork{found->clone()});
    }));
  });
}
CUresult cuGraphAddEventRecordNode(CUgraphNode* node, CUgraph graph, const CUgraphNode* dependencies,
                                   size_t count, CUevent event) {
  return call(__func__, std::tuple(node, graph, dependencies, count, event), [&] {
    return add({node, graph, dependencies, count}, find_event(event).map([](const auto& found) {
      return device::Work(device::EventRecordWork{found});
    }));
  });
}
CUresult cuGraphAddEventWaitNode(CUgraphNode* node, CUgraph graph, const CUgraphNode* dependencies,
                                 size_t count, CUevent event) {
  return call(__func__, std::tuple(node, graph, dependencies, count, event), [&] {
    return add({node, graph, dependencies, count}, find_event(event).map([](const auto& found) {
      return device::Work(device::EventWaitWork{found});
    }));
  });
}

CUresult cuGraphAddMemAllocNode(CUgraphNode* node, CUgraph graph, const CUgraphNode* dependencies,
                                size_t count, CUDA_MEM_ALLOC_NODE_PARAMS* parameters) {
  return call(__func__, std::tuple(node, graph, dependencies, count, parameters), [&] {
    if (node == nullptr || parameters == nullptr) return CUDA_ERROR_INVALID_VALUE;
    return add({node, graph, dependencies, count}, allocate_work(*parameters));
  });
}
CUresult cuGraphAddMemFreeNode(CUgraphNode* node, CUgraph graph, const CUgraphNode* dependencies,
                               size_t count, CUdeviceptr address) {
  return call(__func__, std::tuple(node, graph, dependencies, count, address),
              [&] { return add({node, graph, dependencies, count}, free_work(address)); });
}
CUresult cuGraphAddBatchMemOpNode(CUgraphNode* node, CUgraph graph, const CUgraphNode* dependencies,
                                  size_t count, const CUDA_BATCH_MEM_OP_NODE_PARAMS* parameters) {
  return call(__func__, std::tuple(node, graph, dependencies, count, parameters), [&] {
    return add({node, graph, dependencies, count}, convert(parameters, batch_work),
               parameters != nullptr ? parameters->ctx : nullptr);
  });
}

CUresult cuGraphAddNode(CUgraphNode* node, CUgraph graph, const CUgraphNode* dependencies, size_t count,
                        CUgraphNodeParams* parameters) {
  return call(__func__, std::tuple(node, graph, dependencies, count, parameters),
              [&] { return add_any({node, graph, dependencies, count}, parameters); });
}
CUresult cuGraphAddNode_v2(CUgraphNode* node, CUgraph graph, const CUgraphNode* dependencies,
                           const CUgraphEdgeData* edges, size_t count, CUgraphNodeParams* parameters) {
  return call(__func__, std::tuple(node, graph, dependencies, edges, count, parameters), [&] {
    const auto is_programmatic = [](const CUgraphEdgeData& edge) { return edge.type != 0; };
    if (edges != nullptr && std::any_of(edges, edges + count, is_programmatic))
      return CUDA_ERROR_NOT_SUPPORTED;
    return add_any({node, graph, dependencies, count}, parameters);
  });
}
CUresult cuGraphAddNode_v3(CUgraphNode* node, CUgraph graph, const CUgraphNode* dependencies,
                           const CUgraphEdgeData* edges, size_t count, CUgraphNodeParams* parameters) {
  return cuGraphAddNode_v2(node, graph, dependencies, edges, count, parameters);
}

}  // extern "C"
