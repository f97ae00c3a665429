// SPDX-License-Identifier: Apache-2.0
// Executable graphs: instantiated, launched, changed.
#include <cstdio>

#include "device/host_clock.h"
#include "device/platform.h"
#include "driver/call.h"
#include "driver/graph_nodes.h"
#include "driver/objects.h"
#include "driver/process.h"

namespace doppel::driver {
namespace {

Result<std::shared_ptr<device::GraphExec>> made_executable(const device::Graph& graph) {
  return device::GraphExec::instantiate(graph).map([](const auto& made) {
    platform().clock().advance_us(static_cast<double>(made->size()) *
                                  platform().host().calls.graph_instantiate_node_us);
    return made;
  });
}

CUresult instantiate(CUgraphExec* exec, CUgraph graph, unsigned long long flags) {
  if (exec == nullptr) return CUDA_ERROR_INVALID_VALUE;
  constexpr unsigned long long kKnown = CUDA_GRAPH_INSTANTIATE_FLAG_AUTO_FREE_ON_LAUNCH |
                                        CUDA_GRAPH_INSTANTIATE_FLAG_UPLOAD |
                                        CUDA_GRAPH_INSTANTIATE_FLAG_USE_NODE_PRIORITY;
  if ((flags & CUDA_GRAPH_INSTANTIATE_FLAG_DEVICE_LAUNCH) != 0) {
    log().error("graphs that kernels launch are not supported yet");
    return CUDA_ERROR_NOT_SUPPORTED;
  }
  if ((flags & ~kKnown) != 0) return CUDA_ERROR_INVALID_VALUE;
  return answer(find_graph(graph)
                    .and_then([](const auto& found) { return made_executable(*found); })
                    .map([](const auto& made) { return objects().graph_execs.add(made); }),
                exec);
}

// The older form tells in words what is wrong.
CUresult instantiate_with_log(CUgraphExec* exec, CUgraph graph, CUgraphNode* error_node, char* text,
                              std::size_t capacity) {
  if (exec == nullptr) return CUDA_ERROR_INVALID_VALUE;
  if (error_node != nullptr) *error_node = nullptr;
  if (text != nullptr && capacity > 0) *text = '\0';
  auto made = find_graph(graph).and_then([](const auto& found) { return made_executable(*found); });
  if (!made) {
    if (text != nullptr && capacity > 0) std::snprintf(text, capacity, "%s", made.error().message.c_str());
    return to_result(made.error());
  }
  *exec = objects().graph_execs.add(*made);
  return CUDA_SUCCESS;
}

CUresult set(CUgraphExec exec, CUgraphNode node, const Result<device::Work>& work) {
  return answer(work.and_then([&](const device::Work& changed) {
    return find_graph_exec(exec).and_then([&](const auto& found) {
      return find_node(node).and_then(
          [&](const NodeReference& at) { return found->set_work(at.id, changed); });
    });
  }));
}

CUresult update(CUgraphExec handle, CUgraph graph, CUgraphNode* error_node,
                CUgraphExecUpdateResult* outcome) {
  if (outcome == nullptr) return CUDA_ERROR_INVALID_VALUE;
  *outcome = CU_GRAPH_EXEC_UPDATE_ERROR;
  if (error_node != nullptr) *error_node = nullptr;
  const auto exec = find_graph_exec(handle);
  if (!exec) return to_result(exec.error());
  const auto found = find_graph(graph);
  if (!found) return to_result(found.error());
  device::GraphExec::UpdateFailure failure;
  const auto updated = (*exec)->update(**found, &failure);
  if (updated) {
    *outcome = CU_GRAPH_EXEC_UPDATE_SUCCESS;
    return CUDA_SUCCESS;
  }
  if (updated.error().kind == Error::Kind::GraphUpdateFailed)
    *outcome = CU_GRAPH_EXEC_UPDATE_ERROR_TOPOLOGY_CHANGED;
  if (error_node != nullptr && failure.node != 0) *error_node = node_handle(*found, failure.node);
  return to_result(updated.error());
}

}  // namespace
}  // namespace doppel::driver

extern "C" {
using namespace doppel::driver;
namespace device = doppel::device;

CUresult cuGraphInstantiate(CUgraphExec* exec, CUgraph graph, CUgraphNode* error_node, char* text_out,
                            size_t capacity) {
  return call(__func__, std::tuple(exec, graph, error_node, text_out, capacity),
              [&] { return instantiate_with_log(exec, graph, error_node, text_out, capacity); });
}
CUresult cuGraphInstantiate_v2(CUgraphExec* exec, CUgraph graph, CUgraphNode* error_node, char* text_out,
                               size_t capacity) {
  return call(__func__, std::tuple(exec, graph, error_node, text_out, capacity),
              [&] { return instantiate_with_log(exec, graph, error_node, text_out, capacity); });
}
CUresult cuGraphInstantiateWithFlags(CUgraphExec* exec, CUgraph graph, unsigned long long flags) {
  return call(__func__, std::tuple(exec, graph, flags), [&] { return instantiate(exec, graph, flags); });
}
CUresult cuGraphInstantiateWithParams(CUgraphExec* exec, CUgraph graph,
                                      CUDA_GRAPH_INSTANTIATE_PARAMS* parameters) {
  return call(__func__, std::tuple(exec, graph, parameters), [&] {
    if (parameters == nullptr) return CUDA_ERROR_INVALID_VALUE;
    const CUresult made = instantiate(exec, graph, parameters->flags);
    parameters->hErrNode_out = nullptr;
    parameters->result_out =
        made == CUDA_SUCCESS ? CUDA_GRAPH_INSTANTIATE_SUCCESS : CUDA_GRAPH_INSTANTIATE_ERROR;
    return made;
  });
}
CUresult cuGraphExecDestroy(CUgraphExec exec) {
  return call(__func__, std::tuple(exec), [&] {
    const auto found = objects().graph_execs.remove(exec);
    if (!found) return CUDA_ERROR_INVALID_VALUE;
    found->release();
    return CUDA_SUCCESS;
  });
}
CUresult cuGraphExecGetFlags(CUgraphExec exec, cuuint64_t* flags) {
  return call(__func__, std::tuple(exec, flags), [&] {
    if (flags == nullptr) return CUDA_ERROR_INVALID_VALUE;
    return answer(find_graph_exec(exec).map([](const auto&) { return 0; }), flags);
  });
}

CUresult cuGraphExecGetId(CUgraphExec exec, unsigned* id) {
  return call(__func__, std::tuple(exec, id), [&] {
    if (id == nullptr) return CUDA_ERROR_INVALID_VALUE;
    return answer(find_graph_exec(exec).map([](const auto& found) { return found->graph()->id(); }), id);
  });
}

CUresult cuGraphLaunch(CUgraphExec exec, CUstream stream) {
  return call(__func__, std::tuple(exec, stream), [&] {
    return answer(find_graph_exec(exec).and_then([&](const auto& found) {
      return find_stream(stream).and_then([&](const auto& on) { return on->launch_graph(*found); });
    }));
  });
}
// There is nothing to bring to a double before its first launch.
CUresult cuGraphUpload(CUgraphExec exec, CUstream stream) {
  return call(__func__, std::tuple(exec, stream), [&] {
    return answer(find_graph_exec(exec).and_then(
        [&](const auto&) { return find_stream(stream).map([](const auto&) {}); }));
  });
}

CUresult cuGraphExecKernelNodeSetParams(CUgraphExec exec, CUgraphNode node,
                                        const CUDA_KERNEL_NODE_PARAMS_v1* parameters) {
  return call(__func__, std::tuple(exec, node, parameters), [&] {
    return parameters == nullptr ? CUDA_ERROR_INVALID_VALUE
                                 : set(exec, node, kernel_work(widen(*parameters)));
  });
}
CUresult cuGraphExecKernelNodeSetParams_v2(CUgraphExec exec, CUgraphNode node,
                                           const CUDA_KERNEL_NODE_PARAMS* parameters) {
  return call(__func__, std::tuple(exec, node, parameters), [&] {
    return parameters == nullptr ? CUDA_ERROR_INVALID_VALUE : set(exec, node, kernel_work(*parameters));
  });
}
CUresult cuGraphExecMemcpyNodeSetParams(CUgraphExec exec, CUgraphNode node, const CUDA_MEMCPY3D* parameters,
                                        CUcontext context) {
  return call(__func__, std::tuple(exec, node, parameters, context), [&] {
    return parameters == nullptr ? CUDA_ERROR_INVALID_VALUE : set(exec, node, copy_work(*parameters));
  });
}
CUresult cuGraphExecMemsetNodeSetParams(CUgraphExec exec, CUgraphNode node,
                                        const CUDA_MEMSET_NODE_PARAMS* parameters, CUcontext context) {
  return call(__func__, std::tuple(exec, node, parameters, context), [&] {
    return parameters == nullptr ? CUDA_ERROR_INVALID_VALUE : set(exec, node, memset_work(*parameters));
  });
}
CUresult cuGraphExecHostNodeSetParams(CUgraphExec exec, CUgraphNode node,
                                      const CUDA_HOST_NODE_PARAMS* parameters) {
  return call(__func__, std::tuple(exec, node, parameters), [&] {
    if (parameters == nullptr || parameters->fn == nullptr) return CUDA_ERROR_INVALID_VALUE;
    return set(exec, node, host_work(*parameters));
  });
}
CUresult cuGraphExecChildGraphNodeSetParams(CUgraphExec exec, CUgraphNode node, CUgraph child) {
  return call(__func__, std::tuple(exec, node, child), [&] {
    return set(exec, node, find_graph(child).map([](const auto& found) {
      return device::Work(device::ChildGraphWork{found->clone()});
    }));
  });
}
CUresult cuGraphExecEventRecordNodeSetEvent(CUgraphExec exec, CUgraphNode node, CUevent event) {
  return call(__func__, std::tuple(exec, node, event), [&] {
    return set(exec, node, find_event(event).map([](const auto& found) {
      return device::Work(device::EventRecordWork{found});
    }));
  });
}
CUresult cuGraphExecEventWaitNodeSetEvent(CUgraphExec exec, CUgraphNode node, CUevent event) {
  return call(__func__, std::tuple(exec, node, event), [&] {
    return set(exec, node, find_event(event).map([](const auto& found) {
      return device::Work(device::EventWaitWork{found});
    }));
  });
}
CUresult cuGraphExecBatchMemOpNodeSetParams(CUgraphExec exec, CUgraphNode node,
                                            const CUDA_BATCH_MEM_OP_NODE_PARAMS* parameters) {
  return call(__func__, std::tuple(exec, node, parameters), [&] {
    return parameters == nullptr ? CUDA_ERROR_INVALID_VALUE : set(exec, node, batch_work(*parameters));
  });
}
CUresult cuGraphExecNodeSetParams(CUgraphExec exec, CUgraphNode node, CUgraphNodeParams* parameters) {
  return call(__func__, std::tuple(exec, node, parameters), [&] {
    return parameters == nullptr ? CUDA_ERROR_INVALID_VALUE : set(exec, node, changed_work(*parameters));
  });
}

CUresult cuGraphNodeSetEnabled(CUgraphExec exec, CUgraphNode node, unsigned enabled) {
  return call(__func__, std::tuple(exec, node, enabled), [&] {
    return answer(find_graph_exec(exec).and_then([&](const auto& found) {
      return find_node(node).and_then(
          [&](const NodeReference& at) { return found->set_enabled(at.id, enabled != 0); });
    }));
  });
}
CUresult cuGraphNodeGetEnabled(CUgraphExec exec, CUgraphNode node, unsigned* enabled) {
  return call(__func__, std::tuple(exec, node, enabled), [&] {
    if (enabled == nullptr) return CUDA_ERROR_INVALID_VALUE;
    return answer(find_graph_exec(exec).and_then([&](const auto& found) {
      return find_node(node).and_then([&](const NodeReference& at) { return found->enabled(at.id); });
    }),
                  enabled);
  });
}

CUresult cuGraphExecUpdate(CUgraphExec exec, CUgraph graph, CUgraphNode* error_node,
                           CUgraphExecUpdateResult* outcome) {
  return call(__func__, std::tuple(exec, graph, error_node, outcome),
              [&] { return update(exec, graph, error_node, outcome); });
}
CUresult cuGraphExecUpdate_v2(CUgraphExec exec, CUgraph graph, CUgraphExecUpdateResultInfo* outcome) {
  return call(__func__, std::tuple(exec, graph, outcome), [&] {
    if (outcome == nullptr) return CUDA_ERROR_INVALID_VALUE;
    outcome->errorFromNode = nullptr;
    return update(exec, graph, &outcome->errorNode, &outcome->result);
  });
}

}  // extern "C"
