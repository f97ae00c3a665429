// SPDX-License-Identifier: Apache-2.0
// Nodes of graphs by their handles, and their parameters as the interface's structures.
#pragma once

#include <doppel/cuda/graph.h>

#include <memory>
#include <vector>

#include "device/graph.h"
#include "driver/objects.h"
#include "support/result.h"

namespace doppel::driver {

struct NodeReference {
  std::shared_ptr<device::Graph> graph;
  device::NodeId id = 0;
};

CUgraphNode node_handle(const std::shared_ptr<device::Graph>& graph, device::NodeId id);
// InvalidHandle for a node that does not exist or whose graph is gone.
Result<NodeReference> find_node(CUgraphNode handle);
Result<device::Graph::Node> read_node(CUgraphNode handle);
// The ids of nodes that must all belong to `graph`.
Result<std::vector<device::NodeId>> node_ids(const device::Graph& graph, const CUgraphNode* nodes,
                                             std::size_t count);

// From the interface's parameters to work, and back. Arguments of kernels are copied.
CUDA_KERNEL_NODE_PARAMS widen(const CUDA_KERNEL_NODE_PARAMS_v1& parameters);
Result<device::Work> kernel_work(const CUDA_KERNEL_NODE_PARAMS& parameters);
Result<device::Work> copy_work(const CUDA_MEMCPY3D& parameters);
device::Work memset_work(const CUDA_MEMSET_NODE_PARAMS& parameters);
device::Work host_work(const CUDA_HOST_NODE_PARAMS& parameters);
// Allocates the node's memory, whose address is then in `parameters`.
Result<device::Work> allocate_work(CUDA_MEM_ALLOC_NODE_PARAMS& parameters);
Result<device::Work> free_work(CUdeviceptr address);
Result<device::Work> batch_work(const CUDA_BATCH_MEM_OP_NODE_PARAMS& parameters);
// Work of any type; NotSupported names one that is not there yet.
Result<device::Work> work_of(CUgraphNodeParams& parameters);

// The same for a node that is there: what a node allocates or frees cannot be changed (NotSupported).
Result<device::Work> changed_work(CUgraphNodeParams& parameters);

// What pointers in the parameters point to stays valid until the next call for the same node.
CUDA_KERNEL_NODE_PARAMS kernel_parameters(const device::Graph::Node& node, const device::KernelWork& work);
CUDA_MEMCPY3D copy_parameters(const device::CopyWork& work);
CUDA_MEMSET_NODE_PARAMS memset_parameters(const device::MemsetWork& work);
CUDA_HOST_NODE_PARAMS host_parameters(const device::HostWork& work);

CUDA_MEM_ALLOC_NODE_PARAMS allocate_parameters(const device::AllocateWork& work);
CUDA_BATCH_MEM_OP_NODE_PARAMS batch_parameters(const device::Graph::Node& node,
                                               const device::ValueWork& work);
// Of any type.
Result<CUgraphNodeParams> parameters_of(const device::Graph::Node& node);

CUgraphNodeType type_of(const device::Work& work);

// The context that a node runs in: the one named, or the current one.
Result<std::shared_ptr<device::Context>> context_of_node(CUcontext named);

}  // namespace doppel::driver
