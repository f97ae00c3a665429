// SPDX-License-Identifier: Apache-2.0
// Parameters of graph nodes of every type, read back and changed; objects that graphs keep alive.
#include <doppel/cuda.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <vector>

extern "C" {
CUresult cuGraphCreate(CUgraph* graph, unsigned flags);
CUresult cuGraphClone(CUgraph* clone, CUgraph original);
CUresult cuGraphDestroy(CUgraph graph);
CUresult cuGraphGetId(CUgraph graph, unsigned* id);
CUresult cuGraphGetNodes(CUgraph graph, CUgraphNode* nodes, size_t* count);
CUresult cuGraphNodeGetContainingGraph(CUgraphNode node, CUgraph* graph);
CUresult cuGraphNodeGetType(CUgraphNode node, CUgraphNodeType* type);
CUresult cuGraphAddKernelNode_v2(CUgraphNode* node, CUgraph graph, const CUgraphNode* dependencies,
                                 size_t count, const CUDA_KERNEL_NODE_PARAMS* parameters);
CUresult cuGraphKernelNodeGetParams_v2(CUgraphNode node, CUDA_KERNEL_NODE_PARAMS* parameters);
CUresult cuGraphKernelNodeGetAttribute(CUgraphNode node, CUkernelNodeAttrID attribute,
                                       CUkernelNodeAttrValue* value);
CUresult cuGraphKernelNodeSetAttribute(CUgraphNode node, CUkernelNodeAttrID attribute,
                                       const CUkernelNodeAttrValue* value);
CUresult cuGraphKernelNodeCopyAttributes(CUgraphNode destination, CUgraphNode source);
CUresult cuGraphAddMemAllocNode(CUgraphNode* node, CUgraph graph, const CUgraphNode* dependencies,
                                size_t count, CUDA_MEM_ALLOC_NODE_PARAMS* parameters);
CUresult cuGraphMemAllocNodeGetParams(CUgraphNode node, CUDA_MEM_ALLOC_NODE_PARAMS* parameters);
CUresult cuGraphAddMemFreeNode(CUgraphNode* node, CUgraph graph, const CUgraphNode* dependencies,
                               size_t count, CUdeviceptr address);
CUresult cuGraphMemFreeNodeGetParams(CUgraphNode node, CUdeviceptr* address);
CUresult cuGraphAddMemsetNode(CUgraphNode* node, CUgraph graph, const CUgraphNode* dependencies, size_t count,
                              const CUDA_MEMSET_NODE_PARAMS* parameters, CUcontext context);
CUresult cuGraphAddBatchMemOpNode(CUgraphNode* node, CUgraph graph, const CUgraphNode* dependencies,
                                  size_t count, const CUDA_BATCH_MEM_OP_NODE_PARAMS* parameters);
CUresult cuGraphBatchMemOpNodeGetParams(CUgraphNode node, CUDA_BATCH_MEM_OP_NODE_PARAMS* parameters);
CUresult cuGraphBatchMemOpNodeSetParams(CUgraphNode node, const CUDA_BATCH_MEM_OP_NODE_PARAMS* parameters);
CUresult cuGraphExecBatchMemOpNodeSetParams(CUgraphExec exec, CUgraphNode node,
                                            const CUDA_BATCH_MEM_OP_NODE_PARAMS* parameters);
CUresult cuGraphNodeGetParams(CUgraphNode node, CUgraphNodeParams* parameters);
CUresult cuGraphNodeSetParams(CUgraphNode node, CUgraphNodeParams* parameters);
CUresult cuGraphAddNode_v2(CUgraphNode* node, CUgraph graph, const CUgraphNode* dependencies,
                           const CUgraphEdgeData* edges, size_t count, CUgraphNodeParams* parameters);
CUresult cuGraphInstantiateWithFlags(CUgraphExec* exec, CUgraph graph, unsigned long long flags);
CUresult cuGraphLaunch(CUgraphExec exec, CUstream stream);
CUresult cuGraphExecDestroy(CUgraphExec exec);
CUresult cuUserObjectCreate(CUuserObject* handle, void* object, CUhostFn destroy, unsigned references,
                            unsigned flags);
CUresult cuUserObjectRelease(CUuserObject handle, unsigned count);
CUresult cuGraphRetainUserObject(CUgraph graph, CUuserObject object, unsigned count, unsigned flags);
CUresult cuGraphReleaseUserObject(CUgraph graph, CUuserObject object, unsigned count);
CUresult cuStreamBeginCapture_v2(CUstream stream, CUstreamCaptureMode mode);
CUresult cuStreamEndCapture(CUstream stream, CUgraph* graph);
}

namespace {

const char* const kNodesPtx = R"(.version 7.1
.target sm_86
.address_size 64
.visible .entry store(.param .u64 out, .param .u32 value)
{
  .reg .u64 %rd<2>;
  .reg .u32 %r<2>;
  ld.param.u64 %rd1, [out];
  ld.param.u32 %r1, [value];
  st.global.u32 [%rd1], %r1;
  ret;
}
)";

class GraphNodes : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(cuInit(0), CUDA_SUCCESS);
    ASSERT_EQ(cuCtxCreate(&context_, 0, 0), CUDA_SUCCESS);
    ASSERT_EQ(cuModuleLoadData(&module_, kNodesPtx), CUDA_SUCCESS);
    ASSERT_EQ(cuModuleGetFunction(&store_, module_, "store"), CUDA_SUCCESS);
    ASSERT_EQ(cuMemAlloc(&memory_, 4096), CUDA_SUCCESS);
    ASSERT_EQ(cuMemsetD8(memory_, 0, 4096), CUDA_SUCCESS);
    ASSERT_EQ(cuGraphCreate(&graph_, 0), CUDA_SUCCESS);
  }
  void TearDown() override {
    EXPECT_EQ(cuGraphDestroy(graph_), CUDA_SUCCESS);
    EXPECT_EQ(cuCtxDestroy(context_), CUDA_SUCCESS);
  }
  void run(CUgraph graph) {
    CUgraphExec exec = nullptr;
    ASSERT_EQ(cuGraphInstantiateWithFlags(&exec, graph, 0), CUDA_SUCCESS);
    ASSERT_EQ(cuGraphLaunch(exec, nullptr), CUDA_SUCCESS);
    ASSERT_EQ(cuCtxSynchronize(), CUDA_SUCCESS);
    ASSERT_EQ(cuGraphExecDestroy(exec), CUDA_SUCCESS);
  }
  unsigned word(CUdeviceptr address) {
    unsigned value = 0;
    EXPECT_EQ(cuMemcpyDtoH(&value, address, 4), CUDA_SUCCESS);
    return value;
  }

  CUcontext context_ = nullptr;
  CUmodule module_ = nullptr;
  CUfunction store_ = nullptr;
  CUdeviceptr memory_ = 0;
  CUgraph graph_ = nullptr;
};

TEST_F(GraphNodes, KernelNodesGiveTheirArgumentsBack) {
  unsigned value = 3;
  void* arguments[] = {&memory_, &value};
  CUDA_KERNEL_NODE_PARAMS wanted{};
  wanted.func = store_;
  wanted.gridDimX = wanted.gridDimY = wanted.gridDimZ = wanted.blockDimX = wanted.blockDimY =
      wanted.blockDimZ = 1;
  wanted.kernelParams = arguments;
  CUgraphNode node = nullptr;
  ASSERT_EQ(cuGraphAddKernelNode_v2(&node, graph_, nullptr, 0, &wanted), CUDA_SUCCESS);
  value = 4;  // the node has its own copy
  CUDA_KERNEL_NODE_PARAMS read{};
  ASSERT_EQ(cuGraphKernelNodeGetParams_v2(node, &read), CUDA_SUCCESS);
  EXPECT_EQ(read.func, store_);
  ASSERT_NE(read.kernelParams, nullptr);
  EXPECT_EQ(*static_cast<unsigned*>(read.kernelParams[1]), 3U);
  CUgraphNodeParams any{};
  ASSERT_EQ(cuGraphNodeGetParams(node, &any), CUDA_SUCCESS);
  EXPECT_EQ(any.type, CU_GRAPH_NODE_TYPE_KERNEL);
  EXPECT_EQ(*static_cast<unsigned*>(any.kernel.kernelParams[1]), 3U);
  any.kernel.kernelParams = arguments;
  ASSERT_EQ(cuGraphNodeSetParams(node, &any), CUDA_SUCCESS);
  run(graph_);
  EXPECT_EQ(word(memory_), 4U);
}

TEST_F(GraphNodes, KernelNodesKeepTheirLaunchAttributes) {
  unsigned value = 3;
  void* arguments[] = {&memory_, &value};
  CUDA_KERNEL_NODE_PARAMS wanted{};
  wanted.func = store_;
  wanted.gridDimX = wanted.gridDimY = wanted.gridDimZ = wanted.blockDimX = wanted.blockDimY =
      wanted.blockDimZ = 1;
  wanted.kernelParams = arguments;
  CUgraphNode one = nullptr, other = nullptr;
  ASSERT_EQ(cuGraphAddKernelNode_v2(&one, graph_, nullptr, 0, &wanted), CUDA_SUCCESS);
  ASSERT_EQ(cuGraphAddKernelNode_v2(&other, graph_, nullptr, 0, &wanted), CUDA_SUCCESS);
  const auto set = [&](CUgraphNode node, CUkernelNodeAttrID attribute, const CUkernelNodeAttrValue& to) {
    return cuGraphKernelNodeSetAttribute(node, attribute, &to);
  };
  const auto get = [&](CUgraphNode node, CUkernelNodeAttrID attribute) {
    CUkernelNodeAttrValue known{};
    EXPECT_EQ(cuGraphKernelNodeGetAttribute(node, attribute, &known), CUDA_SUCCESS);
    return known;
  };
  CUkernelNodeAttrValue to{};
  to.cooperative = 1;
  EXPECT_EQ(set(one, CU_LAUNCH_ATTRIBUTE_COOPERATIVE, to), CUDA_SUCCESS);
  to.sharedMemCarveout = 50;
  EXPECT_EQ(set(one, CU_LAUNCH_ATTRIBUTE_PREFERRED_SHARED_MEMORY_CARVEOUT, to), CUDA_SUCCESS);
  to.priority = 0;
  EXPECT_EQ(set(one, CU_LAUNCH_ATTRIBUTE_PRIORITY, to), CUDA_SUCCESS) << "a hint";
  EXPECT_EQ(cuGraphKernelNodeCopyAttributes(other, one), CUDA_SUCCESS);
  EXPECT_EQ(get(other, CU_LAUNCH_ATTRIBUTE_COOPERATIVE).cooperative, 1);
  EXPECT_EQ(get(other, CU_LAUNCH_ATTRIBUTE_PREFERRED_SHARED_MEMORY_CARVEOUT).sharedMemCarveout, 50U);
  EXPECT_EQ(get(other, CU_LAUNCH_ATTRIBUTE_CLUSTER_DIMENSION).clusterDim.x, 1U);
  run(graph_);
  EXPECT_EQ(word(memory_), 3U);
  // What is not implemented is refused, and not forgotten.
  to.clusterDim = {2, 1, 1};
  EXPECT_EQ(set(one, CU_LAUNCH_ATTRIBUTE_CLUSTER_DIMENSION, to), CUDA_SUCCESS);
  EXPECT_EQ(get(one, CU_LAUNCH_ATTRIBUTE_CLUSTER_DIMENSION).clusterDim.x, 2U);
  CUgraphExec exec = nullptr;
  EXPECT_EQ(cuGraphInstantiateWithFlags(&exec, graph_, 0), CUDA_ERROR_NOT_SUPPORTED);
  EXPECT_EQ(set(one, CU_LAUNCH_ATTRIBUTE_LAUNCH_COMPLETION_EVENT, to), CUDA_ERROR_NOT_SUPPORTED);
}

TEST_F(GraphNodes, AllocatedMemoryIsUsedInsideAndFreed) {
  CUDA_MEM_ALLOC_NODE_PARAMS allocate{};
  allocate.poolProps.allocType = CU_MEM_ALLOCATION_TYPE_PINNED;
  allocate.poolProps.location = {CU_MEM_LOCATION_TYPE_DEVICE, 0};
  allocate.bytesize = 1000;
  CUgraphNode made = nullptr;
  ASSERT_EQ(cuGraphAddMemAllocNode(&made, graph_, nullptr, 0, &allocate), CUDA_SUCCESS);
  ASSERT_NE(allocate.dptr, 0U);
  const CUDA_MEMSET_NODE_PARAMS fill{allocate.dptr, 0, 9, 4, 250, 1};
  CUgraphNode filled = nullptr;
  ASSERT_EQ(cuGraphAddMemsetNode(&filled, graph_, &made, 1, &fill, context_), CUDA_SUCCESS);
  CUgraphNode freed = nullptr;
  ASSERT_EQ(cuGraphAddMemFreeNode(&freed, graph_, &filled, 1, allocate.dptr), CUDA_SUCCESS);
  EXPECT_EQ(cuGraphAddMemFreeNode(&freed, graph_, nullptr, 0, 0x1234), CUDA_ERROR_INVALID_VALUE);
  CUDA_MEM_ALLOC_NODE_PARAMS read{};
  ASSERT_EQ(cuGraphMemAllocNodeGetParams(made, &read), CUDA_SUCCESS);
  EXPECT_EQ(read.dptr, allocate.dptr);
  EXPECT_EQ(read.bytesize, 1000U);
  EXPECT_EQ(read.poolProps.location.type, CU_MEM_LOCATION_TYPE_DEVICE);
  CUdeviceptr address = 0;
  ASSERT_EQ(cuGraphMemFreeNodeGetParams(freed, &address), CUDA_SUCCESS);
  EXPECT_EQ(address, allocate.dptr);
  EXPECT_EQ(cuGraphMemFreeNodeGetParams(made, &address), CUDA_ERROR_INVALID_VALUE) << "another type";
  EXPECT_EQ(cuGraphMemAllocNodeGetParams(made, nullptr), CUDA_ERROR_INVALID_VALUE);
  CUgraphNodeParams any{};
  ASSERT_EQ(cuGraphNodeGetParams(made, &any), CUDA_SUCCESS);
  EXPECT_EQ(any.alloc.dptr, allocate.dptr);
  EXPECT_EQ(cuGraphNodeSetParams(made, &any), CUDA_ERROR_NOT_SUPPORTED);
  run(graph_);
  CUDA_MEM_ALLOC_NODE_PARAMS wrong = allocate;
  wrong.bytesize = 0;
  EXPECT_EQ(cuGraphAddMemAllocNode(&made, graph_, nullptr, 0, &wrong), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(cuGraphAddMemAllocNode(&made, graph_, nullptr, 0, nullptr), CUDA_ERROR_INVALID_VALUE);
}

TEST_F(GraphNodes, MemoryOperationsRunInTheirOrder) {
  std::vector<CUstreamBatchMemOpParams> operations(3);
  operations[0].writeValue = {.operation = CU_STREAM_MEM_OP_WRITE_VALUE_32, .address = memory_, .value64 = 5};
  operations[1].waitValue = {.operation = CU_STREAM_MEM_OP_WAIT_VALUE_32,
                             .address = memory_,
                             .value64 = 5,
                             .flags = CU_STREAM_WAIT_VALUE_EQ};
  operations[2].writeValue = {
      .operation = CU_STREAM_MEM_OP_WRITE_VALUE_64, .address = memory_ + 8, .value64 = 0x100000007};
  CUDA_BATCH_MEM_OP_NODE_PARAMS wanted{context_, 3, operations.data(), 0};
  CUgraphNode node = nullptr;
  ASSERT_EQ(cuGraphAddBatchMemOpNode(&node, graph_, nullptr, 0, &wanted), CUDA_SUCCESS);
  CUDA_BATCH_MEM_OP_NODE_PARAMS read{};
  ASSERT_EQ(cuGraphBatchMemOpNodeGetParams(node, &read), CUDA_SUCCESS);
  ASSERT_EQ(read.count, 3U);
  EXPECT_EQ(read.paramArray[1].operation, CU_STREAM_MEM_OP_WAIT_VALUE_32);
  EXPECT_EQ(read.paramArray[1].waitValue.flags, static_cast<unsigned>(CU_STREAM_WAIT_VALUE_EQ));
  EXPECT_EQ(read.paramArray[2].writeValue.value64, 0x100000007U);
  run(graph_);
  EXPECT_EQ(word(memory_), 5U);
  EXPECT_EQ(word(memory_ + 8), 7U);

  operations.resize(1);
  operations[0].writeValue.value64 = 6;
  wanted = {context_, 1, operations.data(), 0};
  ASSERT_EQ(cuGraphBatchMemOpNodeSetParams(node, &wanted), CUDA_SUCCESS);
  CUgraphExec exec = nullptr;
  ASSERT_EQ(cuGraphInstantiateWithFlags(&exec, graph_, 0), CUDA_SUCCESS);
  operations[0].writeValue.value64 = 8;
  ASSERT_EQ(cuGraphExecBatchMemOpNodeSetParams(exec, node, &wanted), CUDA_SUCCESS);
  ASSERT_EQ(cuGraphLaunch(exec, nullptr), CUDA_SUCCESS);
  EXPECT_EQ(word(memory_), 8U);
  operations[0].writeValue.address = 0;
  EXPECT_EQ(cuGraphExecBatchMemOpNodeSetParams(exec, node, &wanted), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(cuGraphExecDestroy(exec), CUDA_SUCCESS);
}

TEST_F(GraphNodes, IdsTellGraphsApart) {
  CUgraph other = nullptr;
  ASSERT_EQ(cuGraphClone(&other, graph_), CUDA_SUCCESS);
  unsigned first = 0;
  unsigned second = 0;
  ASSERT_EQ(cuGraphGetId(graph_, &first), CUDA_SUCCESS);
  ASSERT_EQ(cuGraphGetId(other, &second), CUDA_SUCCESS);
  EXPECT_NE(first, second);
  CUgraphNode node = nullptr;
  CUgraphNodeParams empty{};
  empty.type = CU_GRAPH_NODE_TYPE_EMPTY;
  ASSERT_EQ(cuGraphAddNode_v2(&node, other, nullptr, nullptr, 0, &empty), CUDA_SUCCESS);
  CUgraph containing = nullptr;
  ASSERT_EQ(cuGraphNodeGetContainingGraph(node, &containing), CUDA_SUCCESS);
  EXPECT_EQ(containing, other);
  EXPECT_EQ(cuGraphDestroy(other), CUDA_SUCCESS);
}

void count_destruction(void* counter) { ++*static_cast<std::atomic<int>*>(counter); }

TEST_F(GraphNodes, UserObjectsLiveAsLongAsWhatHoldsThem) {
  std::atomic<int> destroyed{0};
  CUuserObject object = nullptr;
  ASSERT_EQ(cuUserObjectCreate(&object, &destroyed, count_destruction, 1, CU_USER_OBJECT_NO_DESTRUCTOR_SYNC),
            CUDA_SUCCESS);
  CUgraph graph = nullptr;
  ASSERT_EQ(cuGraphCreate(&graph, 0), CUDA_SUCCESS);
  ASSERT_EQ(cuGraphRetainUserObject(graph, object, 2, 0), CUDA_SUCCESS);
  EXPECT_EQ(cuGraphReleaseUserObject(graph, object, 3), CUDA_ERROR_INVALID_VALUE);
  ASSERT_EQ(cuGraphReleaseUserObject(graph, object, 1), CUDA_SUCCESS);
  ASSERT_EQ(cuUserObjectRelease(object, 1), CUDA_SUCCESS) << "the program's own reference";
  EXPECT_EQ(destroyed, 0);
  CUgraphExec exec = nullptr;
  ASSERT_EQ(cuGraphInstantiateWithFlags(&exec, graph, 0), CUDA_SUCCESS);
  ASSERT_EQ(cuGraphDestroy(graph), CUDA_SUCCESS);
  EXPECT_EQ(destroyed, 0) << "the executable graph still holds it";
  ASSERT_EQ(cuGraphLaunch(exec, nullptr), CUDA_SUCCESS);
  ASSERT_EQ(cuCtxSynchronize(), CUDA_SUCCESS);
  ASSERT_EQ(cuGraphExecDestroy(exec), CUDA_SUCCESS);
  EXPECT_EQ(destroyed, 1);

  // Moved: the graph takes over the program's reference.
  ASSERT_EQ(cuUserObjectCreate(&object, &destroyed, count_destruction, 1, CU_USER_OBJECT_NO_DESTRUCTOR_SYNC),
            CUDA_SUCCESS);
  ASSERT_EQ(cuGraphCreate(&graph, 0), CUDA_SUCCESS);
  EXPECT_EQ(cuGraphRetainUserObject(graph, object, 2, CU_GRAPH_USER_OBJECT_MOVE), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(cuGraphRetainUserObject(graph, object, 1, 2), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(cuGraphRetainUserObject(graph, nullptr, 1, 0), CUDA_ERROR_INVALID_VALUE);
  ASSERT_EQ(cuGraphRetainUserObject(graph, object, 1, CU_GRAPH_USER_OBJECT_MOVE), CUDA_SUCCESS);
  ASSERT_EQ(cuGraphDestroy(graph), CUDA_SUCCESS);
  EXPECT_EQ(destroyed, 2);
}

}  // namespace
