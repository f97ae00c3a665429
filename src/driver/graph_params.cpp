// SPDX-License-Identifier: Apache-2.0
// Parameters of a graph's nodes, read and replaced.
#include "driver/call.h"
#include "driver/graph_nodes.h"
#include "driver/launch_request.h"

namespace doppel::driver {
namespace {

template <typename Specific>
Result<Specific> work_in(const device::Graph::Node& node) {
  const auto* work = std::get_if<Specific>(&node.work);
  if (work == nullptr) return fail(Error::Kind::InvalidArgument, "the node is of another type");
  return *work;
}

template <typename Specific, typename Out, typename Convert>
CUresult get(CUgraphNode handle, Out* out, Convert convert) {
  if (out == nullptr) return CUDA_ERROR_INVALID_VALUE;
  return answer(read_node(handle).and_then([&](const auto& node) {
    return work_in<Specific>(node).map([&](const Specific& work) { return convert(node, work); });
  }),
                out);
}

CUresult set(CUgraphNode handle, const Result<device::Work>& work) {
  return answer(work.and_then([&](const device::Work& changed) {
    return find_node(handle).and_then(
        [&](const NodeReference& node) { return node.graph->set_work(node.id, changed); });
  }));
}

CUDA_KERNEL_NODE_PARAMS_v1 narrow(const CUDA_KERNEL_NODE_PARAMS& p) {
  return {p.func,      p.gridDimX,  p.gridDimY,       p.gridDimZ,     p.blockDimX,
          p.blockDimY, p.blockDimZ, p.sharedMemBytes, p.kernelParams, p.extra};
}

// Attributes that a launch takes over are kept with the node, as hints are not.
CUresult get_attribute(CUgraphNode handle, CUkernelNodeAttrID attribute, CUkernelNodeAttrValue* value) {
  return get<device::KernelWork>(handle, value, [&](const auto&, const device::KernelWork& work) {
    const LaunchConfig& config = work.config;
    CUkernelNodeAttrValue known{};
    if (attribute == CU_LAUNCH_ATTRIBUTE_COOPERATIVE) {
      known.cooperative = config.cooperative ? 1 : 0;
    } else if (attribute == CU_LAUNCH_ATTRIBUTE_PREFERRED_SHARED_MEMORY_CARVEOUT) {
      known.sharedMemCarveout = static_cast<unsigned>(config.preferred_carveout);
    } else if (attribute == CU_LAUNCH_ATTRIBUTE_CLUSTER_DIMENSION) {
      known.clusterDim = {config.cluster.x, config.cluster.y, config.cluster.z};
    }
    return known;
  });
}

template <typename Change>
Result<void> change_config(CUgraphNode handle, Change change) {
  return find_node(handle).and_then([&](const NodeReference& at) {
    return at.graph->node(at.id).and_then(work_in<device::KernelWork>).and_then([&](device::KernelWork work) {
      return change(work.config).and_then([&] { return at.graph->set_work(at.id, std::move(work)); });
    });
  });
}

CUresult set_attribute(CUgraphNode handle, CUkernelNodeAttrID attribute, const CUkernelNodeAttrValue* value) {
  if (value == nullptr) return CUDA_ERROR_INVALID_VALUE;
  const CUlaunchAttribute one{.id = attribute, .pad = {}, .value = *value};
  return answer(
      change_config(handle, [&](LaunchConfig& config) { return apply_attributes(config, &one, 1); }));
}

CUresult copy_attributes(CUgraphNode destination, CUgraphNode source) {
  return answer(
      read_node(source).and_then(work_in<device::KernelWork>).and_then([&](const device::KernelWork& from) {
        return change_config(destination, [&](LaunchConfig& config) -> Result<void> {
          config.cooperative = from.config.cooperative;
          config.preferred_carveout = from.config.preferred_carveout;
          config.cluster = from.config.cluster;
          return {};
        });
      }));
}

}  // namespace
}  // namespace doppel::driver

extern "C" {
using namespace doppel::driver;
namespace device = doppel::device;

CUresult cuGraphKernelNodeGetParams(CUgraphNode node, CUDA_KERNEL_NODE_PARAMS_v1* parameters) {
  return call(__func__, std::tuple(node, parameters), [&] {
    return get<device::KernelWork>(node, parameters, [](const auto& of, const auto& work) {
      return narrow(kernel_parameters(of, work));
    });
  });
}
CUresult cuGraphKernelNodeGetParams_v2(CUgraphNode node, CUDA_KERNEL_NODE_PARAMS* parameters) {
  return call(__func__, std::tuple(node, parameters),
              [&] { return get<device::KernelWork>(node, parameters, kernel_parameters); });
}
CUresult cuGraphKernelNodeSetParams(CUgraphNode node, const CUDA_KERNEL_NODE_PARAMS_v1* parameters) {
  return call(__func__, std::tuple(node, parameters), [&] {
    return parameters == nullptr ? CUDA_ERROR_INVALID_VALUE : set(node, kernel_work(widen(*parameters)));
  });
}
CUresult cuGraphKernelNodeSetParams_v2(CUgraphNode node, const CUDA_KERNEL_NODE_PARAMS* parameters) {
  return call(__func__, std::tuple(node, parameters), [&] {
    return parameters == nullptr ? CUDA_ERROR_INVALID_VALUE : set(node, kernel_work(*parameters));
  });
}

CUresult cuGraphKernelNodeGetAttribute(CUgraphNode node, CUkernelNodeAttrID attribute,
                                       CUkernelNodeAttrValue* value) {
  return call(__func__, std::tuple(node, attribute, value),
              [&] { return get_attribute(node, attribute, value); });
}
CUresult cuGraphKernelNodeSetAttribute(CUgraphNode node, CUkernelNodeAttrID attribute,
                                       const CUkernelNodeAttrValue* value) {
  return call(__func__, std::tuple(node, attribute, value),
              [&] { return set_attribute(node, attribute, value); });
}

CUresult cuGraphMemcpyNodeGetParams(CUgraphNode node, CUDA_MEMCPY3D* parameters) {
  return call(__func__, std::tuple(node, parameters), [&] {
    return get<device::CopyWork>(node, parameters,
                                 [](const auto&, const auto& work) { return copy_parameters(work); });
  });
}
CUresult cuGraphMemcpyNodeSetParams(CUgraphNode node, const CUDA_MEMCPY3D* parameters) {
  return call(__func__, std::tuple(node, parameters), [&] {
    return parameters == nullptr ? CUDA_ERROR_INVALID_VALUE : set(node, copy_work(*parameters));
  });
}

CUresult cuGraphMemsetNodeGetParams(CUgraphNode node, CUDA_MEMSET_NODE_PARAMS* parameters) {
  return call(__func__, std::tuple(node, parameters), [&] {
    return get<device::MemsetWork>(node, parameters,
                                   [](const auto&, const auto& work) { return memset_parameters(work); });
  });
}
CUresult cuGraphMemsetNodeSetParams(CUgraphNode node, const CUDA_MEMSET_NODE_PARAMS* parameters) {
  return call(__func__, std::tuple(node, parameters), [&] {
    return parameters == nullptr ? CUDA_ERROR_INVALID_VALUE : set(node, memset_work(*parameters));
  });
}

CUresult cuGraphHostNodeGetParams(CUgraphNode node, CUDA_HOST_NODE_PARAMS* parameters) {
  return call(__func__, std::tuple(node, parameters), [&] {
    return get<device::HostWork>(node, parameters,
                                 [](const auto&, const auto& work) { return host_parameters(work); });
  });
}
CUresult cuGraphHostNodeSetParams(CUgraphNode node, const CUDA_HOST_NODE_PARAMS* parameters) {
  return call(__func__, std::tuple(node, parameters), [&] {
    if (parameters == nullptr || parameters->fn == nullptr) return CUDA_ERROR_INVALID_VALUE;
    return set(node, host_work(*parameters));
  });
}

CUresult cuGraphChildGraphNodeGetGraph(CUgraphNode node, CUgraph* graph) {
  return call(__func__, std::tuple(node, graph), [&] {
    return get<device::ChildGraphWork>(
        node, graph, [](const auto&, const auto& work) { return objects().graphs.add(work.graph); });
  });
}
CUresult cuGraphEventRecordNodeGetEvent(CUgraphNode node, CUevent* event) {
  return call(__func__, std::tuple(node, event), [&] {
    return get<device::EventRecordWork>(
        node, event, [](const auto&, const auto& work) { return objects().events.add(work.event); });
  });
}
CUresult cuGraphEventWaitNodeGetEvent(CUgraphNode node, CUevent* event) {
  return call(__func__, std::tuple(node, event), [&] {
    return get<device::EventWaitWork>(
        node, event, [](const auto&, const auto& work) { return objects().events.add(work.event); });
  });
}
CUresult cuGraphEventRecordNodeSetEvent(CUgraphNode node, CUevent event) {
  return call(__func__, std::tuple(node, event), [&] {
    return set(node, find_event(event).map(
                         [](const auto& found) { return device::Work(device::EventRecordWork{found}); }));
  });
}
CUresult cuGraphEventWaitNodeSetEvent(CUgraphNode node, CUevent event) {
  return call(__func__, std::tuple(node, event), [&] {
    return set(node, find_event(event).map(
                         [](const auto& found) { return device::Work(device::EventWaitWork{found}); }));
  });
}

CUresult cuGraphMemAllocNodeGetParams(CUgraphNode node, CUDA_MEM_ALLOC_NODE_PARAMS* parameters) {
  return call(__func__, std::tuple(node, parameters), [&] {
    return get<device::AllocateWork>(node, parameters,
                                     [](const auto&, const auto& work) { return allocate_parameters(work); });
  });
}
CUresult cuGraphMemFreeNodeGetParams(CUgraphNode node, CUdeviceptr* address) {
  return call(__func__, std::tuple(node, address), [&] {
    return get<device::FreeWork>(node, address, [](const auto&, const auto& work) { return work.address; });
  });
}
CUresult cuGraphBatchMemOpNodeGetParams(CUgraphNode node, CUDA_BATCH_MEM_OP_NODE_PARAMS* parameters) {
  return call(__func__, std::tuple(node, parameters),
              [&] { return get<device::ValueWork>(node, parameters, batch_parameters); });
}
CUresult cuGraphBatchMemOpNodeSetParams(CUgraphNode node, const CUDA_BATCH_MEM_OP_NODE_PARAMS* parameters) {
  return call(__func__, std::tuple(node, parameters), [&] {
    return parameters == nullptr ? CUDA_ERROR_INVALID_VALUE : set(node, batch_work(*parameters));
  });
}

CUresult cuGraphKernelNodeCopyAttributes(CUgraphNode destination, CUgraphNode source) {
  return call(__func__, std::tuple(destination, source),
              [&] { return copy_attributes(destination, source); });
}

CUresult cuGraphNodeGetParams(CUgraphNode node, CUgraphNodeParams* parameters) {
  return call(__func__, std::tuple(node, parameters), [&] {
    if (parameters == nullptr) return CUDA_ERROR_INVALID_VALUE;
    return answer(read_node(node).and_then(parameters_of), parameters);
  });
}
CUresult cuGraphNodeSetParams(CUgraphNode node, CUgraphNodeParams* parameters) {
  return call(__func__, std::tuple(node, parameters), [&] {
    return parameters == nullptr ? CUDA_ERROR_INVALID_VALUE : set(node, changed_work(*parameters));
  });
}
CUresult cuGraphNodeSetParams_v2(CUgraphNode node, CUgraphNodeParams* parameters) {
  return cuGraphNodeSetParams(node, parameters);
}

}  // extern "C"
