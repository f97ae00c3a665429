// SPDX-License-Identifier: Apache-2.0
// Wrong arguments, and the codes that the driver API's manual gives for them: one row a call.
#include <doppel/cuda.h>
#include <gtest/gtest.h>

#include <functional>
#include <vector>

extern "C" {
CUresult cuStreamWriteValue32_v2(CUstream stream, CUdeviceptr address, cuuint32_t value, unsigned flags);
CUresult cuStreamWriteValue64_v2(CUstream stream, CUdeviceptr address, cuuint64_t value, unsigned flags);
CUresult cuStreamWaitValue32_v2(CUstream stream, CUdeviceptr address, cuuint32_t value, unsigned flags);
CUresult cuStreamWaitValue64_v2(CUstream stream, CUdeviceptr address, cuuint64_t value, unsigned flags);
CUresult cuStreamBatchMemOp_v2(CUstream stream, unsigned count, CUstreamBatchMemOpParams* operations,
                               unsigned flags);
CUresult cuMemsetD16_v2(CUdeviceptr address, unsigned short value, size_t count);
CUresult cuMemsetD2D8_v2(CUdeviceptr address, size_t pitch, unsigned char value, size_t width, size_t height);
CUresult cuMemsetD8Async(CUdeviceptr address, unsigned char value, size_t count, CUstream stream);
CUresult cuMemGetAddressRange_v2(CUdeviceptr* start, size_t* bytes, CUdeviceptr address);
CUresult cuMemAllocAsync(CUdeviceptr* address, size_t bytes, CUstream stream);
CUresult cuMemFreeAsync(CUdeviceptr address, CUstream stream);
CUresult cuCtxSetLimit(CUlimit limit, size_t value);
CUresult cuCtxGetLimit(size_t* value, CUlimit limit);
CUresult cuCtxSetFlags(unsigned flags);
CUresult cuDevicePrimaryCtxSetFlags_v2(CUdevice device, unsigned flags);
CUresult cuDeviceGetDevResource();
CUresult cuArrayGetSparseProperties();
CUresult cuIpcOpenMemHandle_v2(CUdeviceptr* address, CUipcMemHandle handle, unsigned flags);
CUresult cuTensorMapReplaceAddress(CUtensorMap* map, void* address);
CUresult cuPointerGetAttribute(void* value, CUpointer_attribute attribute, CUdeviceptr address);
CUresult cuLaunchHostFunc(CUstream stream, CUhostFn function, void* user_data);
CUresult cuFuncSetCacheConfig(CUfunction function, CUfunc_cache preference);
CUresult cuGraphLaunch(CUgraphExec exec, CUstream stream);
CUresult cuGraphInstantiateWithFlags(CUgraphExec* exec, CUgraph graph, unsigned long long flags);
}

namespace {

const char* const kErrorsPtx = R"(.version 7.1
.target sm_86
.address_size 64
.visible .entry idle() { ret; }
.visible .entry bounded() .maxntid 64, 1, 1 { ret; }
.visible .entry takes(.param .u64 p) { ret; }
)";

CUtensorMap a_tensor_map{};

template <typename T>
T invented(std::uintptr_t number) {
  return reinterpret_cast<T>(number);
}

class ErrorCodes : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(cuInit(0), CUDA_SUCCESS);
    ASSERT_EQ(cuCtxCreate(&context_, 0, 0), CUDA_SUCCESS);
    ASSERT_EQ(cuModuleLoadData(&module_, kErrorsPtx), CUDA_SUCCESS);
    ASSERT_EQ(cuModuleGetFunction(&idle_, module_, "idle"), CUDA_SUCCESS);
    ASSERT_EQ(cuModuleGetFunction(&bounded_, module_, "bounded"), CUDA_SUCCESS);
    ASSERT_EQ(cuModuleGetFunction(&takes_, module_, "takes"), CUDA_SUCCESS);
    ASSERT_EQ(cuMemAlloc(&memory_, 4096), CUDA_SUCCESS);
  }
  void TearDown() override { EXPECT_EQ(cuCtxDestroy(context_), CUDA_SUCCESS); }

  CUresult launch(CUfunction function, unsigned grid_x, unsigned grid_y, unsigned block_x, unsigned block_z,
                  unsigned shared = 0, void** parameters = nullptr) {
    return cuLaunchKernel(function, grid_x, grid_y, 1, block_x, 1, block_z, shared, nullptr, parameters,
                          nullptr);
  }

  CUcontext context_ = nullptr;
  CUmodule module_ = nullptr;
  CUfunction idle_ = nullptr, bounded_ = nullptr, takes_ = nullptr;
  CUdeviceptr memory_ = 0;
};

TEST_F(ErrorCodes, WrongArgumentsGetTheManualsCodes) {
  struct Row {
    const char* call;
    CUresult expected;
    std::function<CUresult()> make;
  };
  constexpr auto kValue = CUDA_ERROR_INVALID_VALUE;
  constexpr auto kHandle = CUDA_ERROR_INVALID_HANDLE;
  CUdeviceptr address = 0;
  std::size_t size = 0;
  int number = 0;
  int host = 0;
  void* pointer = nullptr;
  CUevent event = nullptr;
  CUstream stream = nullptr;
  CUgraphExec exec = nullptr;
  const CUdeviceptr on_host = reinterpret_cast<std::uintptr_t>(&host);
  const Row rows[] = {
      // Values in stream order: what the card cannot reach is refused, not followed.
      {"write 32 at 0", kValue, [&] { return cuStreamWriteValue32_v2(nullptr, 0, 7, 0); }},
      {"write 64 at 0", kValue, [&] { return cuStreamWriteValue64_v2(nullptr, 0, 7, 0); }},
      {"wait 32 at 0", kValue, [&] { return cuStreamWaitValue32_v2(nullptr, 0, 7, 0); }},
      {"wait 64 at 0", kValue, [&] { return cuStreamWaitValue64_v2(nullptr, 0, 7, 0); }},
      {"write at an unmapped address", kValue,
       [&] { return cuStreamWriteValue32_v2(nullptr, 0x1000, 7, 0); }},
      {"write to pageable memory", kValue, [&] { return cuStreamWriteValue32_v2(nullptr, on_host, 7, 0); }},
      {"write behind the end", kValue,
       [&] { return cuStreamWriteValue64_v2(nullptr, memory_ + 4096 - 4, 7, 0); }},
      {"write misaligned", kValue, [&] { return cuStreamWriteValue32_v2(nullptr, memory_ + 2, 7, 0); }},
      {"write with unknown flags", kValue, [&] { return cuStreamWriteValue32_v2(nullptr, memory_, 7, 8); }},
      {"wait with unknown flags", kValue, [&] { return cuStreamWaitValue32_v2(nullptr, memory_, 7, 8); }},
      {"batch without an array", kValue, [&] { return cuStreamBatchMemOp_v2(nullptr, 1, nullptr, 0); }},
      // Memory.
      {"allocate without a place", kValue, [&] { return cuMemAlloc(nullptr, 16); }},
      {"allocate nothing", kValue, [&] { return cuMemAlloc(&address, 0); }},
      {"allocate pitched, elements of 3", kValue,
       [&] { return cuMemAllocPitch(&address, &size, 16, 16, 3); }},
      {"allocate pitched, no rows", kValue, [&] { return cuMemAllocPitch(&address, &size, 16, 0, 4); }},
      {"allocate managed, no flag", kValue, [&] { return cuMemAllocManaged(&address, 16, 0); }},
      {"allocate pinned, unknown flag", kValue, [&] { return cuMemHostAlloc(&pointer, 16, 0x100); }},
      {"allocate in order, nothing", kValue, [&] { return cuMemAllocAsync(&address, 0, nullptr); }},
      {"free the middle", kValue, [&] { return cuMemFree(memory_ + 16); }},
      {"free a host address", kValue, [&] { return cuMemFree(on_host); }},
      {"free a host address in order", kValue, [&] { return cuMemFreeAsync(on_host, nullptr); }},
      {"unregister what is not", CUDA_ERROR_HOST_MEMORY_NOT_REGISTERED,
       [&] { return cuMemHostUnregister(&host); }},
      {"register nothing", kValue, [&] { return cuMemHostRegister(&host, 0, 0); }},
      {"range of a host address", CUDA_ERROR_NOT_FOUND,
       [&] { return cuMemGetAddressRange_v2(&address, &size, on_host); }},
      {"attribute of a host address", kValue,
       [&] { return cuPointerGetAttribute(&number, CU_POINTER_ATTRIBUTE_MEMORY_TYPE, on_host); }},
      {"unknown attribute of a pointer", kValue,
       [&] { return cuPointerGetAttribute(&number, static_cast<CUpointer_attribute>(99), memory_); }},
      // Copies and fills: a direction that the addresses contradict.
      {"copy to the device at a host address", kValue, [&] { return cuMemcpyHtoD(on_host, &host, 4); }},
      {"copy from the device at a host address", kValue, [&] { return cuMemcpyDtoH(&host, on_host, 4); }},
      {"copy on the device from a host address", kValue, [&] { return cuMemcpyDtoD(memory_, on_host, 4); }},
      {"copy on the device to a host address", kValue, [&] { return cuMemcpyDtoD(on_host, memory_, 4); }},
      {"copy in order to a host address", kValue,
       [&] { return cuMemcpyHtoDAsync(on_host, &host, 4, nullptr); }},
      {"copy to 0", kValue, [&] { return cuMemcpyHtoD(0, &host, 4); }},
      {"copy from null", kValue, [&] { return cuMemcpyHtoD(memory_, nullptr, 4); }},
      {"copy more than there is", kValue, [&] { return cuMemcpyDtoD(memory_, memory_ + 2048, 4096); }},
      {"fill 0", kValue, [&] { return cuMemsetD8(0, 1, 16); }},
      {"fill a host address", kValue, [&] { return cuMemsetD8(on_host, 1, 4); }},
      {"fill halves misaligned", kValue, [&] { return cuMemsetD16_v2(memory_ + 1, 1, 4); }},
      {"fill rows wider than the pitch", kValue, [&] { return cuMemsetD2D8_v2(memory_, 8, 1, 16, 2); }},
      {"fill on an invented stream", kHandle,
       [&] { return cuMemsetD8Async(memory_, 1, 4, invented<CUstream>(0xdead)); }},
      // Streams, events, graphs.
      {"stream without a place", kValue, [&] { return cuStreamCreate(nullptr, 0); }},
      {"stream with unknown flags", kValue, [&] { return cuStreamCreate(&stream, 4); }},
      {"event without a place", kValue, [&] { return cuEventCreate(nullptr, 0); }},
      {"event with unknown flags", kValue, [&] { return cuEventCreate(&event, 0x80); }},
      {"host function that is null", kValue, [&] { return cuLaunchHostFunc(nullptr, nullptr, nullptr); }},
      {"wait for a null event", kHandle, [&] { return cuStreamWaitEvent(nullptr, nullptr, 0); }},
      {"launch a null graph", kHandle, [&] { return cuGraphLaunch(nullptr, nullptr); }},
      {"instantiate a null graph", kHandle, [&] { return cuGraphInstantiateWithFlags(&exec, nullptr, 0); }},
      // Devices and contexts.
      {"device -1", CUDA_ERROR_INVALID_DEVICE, [&] { return cuDeviceGet(&number, -1); }},
      {"device 99", CUDA_ERROR_INVALID_DEVICE, [&] { return cuDeviceGet(&number, 99); }},
      {"unknown attribute of a device", kValue,
       [&] { return cuDeviceGetAttribute(&number, static_cast<CUdevice_attribute>(9999), 0); }},
      {"attribute of device 99", CUDA_ERROR_INVALID_DEVICE,
       [&] { return cuDeviceGetAttribute(&number, CU_DEVICE_ATTRIBUTE_WARP_SIZE, 99); }},
      {"context on device 99", CUDA_ERROR_INVALID_DEVICE,
       [&] {
         CUcontext made = nullptr;
         return cuCtxCreate(&made, 0, 99);
       }},
      {"unknown limit", CUDA_ERROR_UNSUPPORTED_LIMIT,
       [&] { return cuCtxSetLimit(static_cast<CUlimit>(77), 1); }},
      {"limit without a place", kValue, [&] { return cuCtxGetLimit(nullptr, CU_LIMIT_STACK_SIZE); }},
      {"unknown flags of a context", kValue, [&] { return cuCtxSetFlags(0x10000); }},
      // Modules and functions.
      {"module of null", kValue, [&] { return cuModuleLoadData(&module_, nullptr); }},
      {"module of no file", CUDA_ERROR_FILE_NOT_FOUND,
       [&] { return cuModuleLoad(&module_, "/no/such/file"); }},
      {"function without a name", kValue, [&] { return cuModuleGetFunction(&idle_, module_, nullptr); }},
      {"function that is not there", CUDA_ERROR_NOT_FOUND,
       [&] {
         CUfunction missing = nullptr;
         return cuModuleGetFunction(&missing, module_, "no_such_kernel");
       }},
      {"unknown attribute of a function", kValue,
       [&] { return cuFuncGetAttribute(&number, static_cast<CUfunction_attribute>(99), idle_); }},
      {"more shared memory than a block can have", kValue,
       [&] { return cuFuncSetAttribute(idle_, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, 1 << 20); }},
      {"unknown cache preference", kValue,
       [&] { return cuFuncSetCacheConfig(idle_, static_cast<CUfunc_cache>(9)); }},
      // Launches.
      {"launch null", kHandle, [&] { return launch(nullptr, 1, 1, 1, 1); }},
      {"no blocks", kValue, [&] { return launch(idle_, 0, 1, 1, 1); }},
      {"no threads", kValue, [&] { return launch(idle_, 1, 1, 0, 1); }},
      {"too many rows of blocks", kValue, [&] { return launch(idle_, 1, 65536, 1, 1); }},
      {"too many threads in x", kValue, [&] { return launch(idle_, 1, 1, 1025, 1); }},
      {"too many threads in z", kValue, [&] { return launch(idle_, 1, 1, 1, 65); }},
      {"too many threads in all", kValue, [&] { return launch(idle_, 1, 1, 512, 4); }},
      {"more threads than .maxntid", kValue, [&] { return launch(bounded_, 1, 1, 65, 1); }},
      {"too much shared memory", kValue, [&] { return launch(idle_, 1, 1, 1, 1, 1 << 20); }},
      {"arguments are missing", kValue, [&] { return launch(takes_, 1, 1, 1, 1); }},
      // Not there: refused by name.
      {"resources of a device", CUDA_ERROR_NOT_SUPPORTED, [] { return cuDeviceGetDevResource(); }},
      {"sparse arrays", CUDA_ERROR_NOT_SUPPORTED, [] { return cuArrayGetSparseProperties(); }},
      {"a tensor map of a card that has none", CUDA_ERROR_NOT_SUPPORTED,
       [] { return cuTensorMapReplaceAddress(&a_tensor_map, &a_tensor_map); }},
      {"memory of another process by a handle that is none", CUDA_ERROR_INVALID_HANDLE,
       [] {
         CUdeviceptr opened = 0;
         return cuIpcOpenMemHandle_v2(&opened, {}, CU_IPC_MEM_LAZY_ENABLE_PEER_ACCESS);
       }},
  };
  for (const Row& row : rows) EXPECT_EQ(row.make(), row.expected) << row.call;
  // None of them has poisoned the context.
  EXPECT_EQ(launch(idle_, 1, 1, 1024, 1), CUDA_SUCCESS);
  EXPECT_EQ(cuCtxSynchronize(), CUDA_SUCCESS);
}

TEST_F(ErrorCodes, NothingToDoIsNoError) {
  EXPECT_EQ(cuMemFree(0), CUDA_SUCCESS);
  EXPECT_EQ(cuMemcpyHtoD(memory_, &context_, 0), CUDA_SUCCESS);
  EXPECT_EQ(cuMemsetD8(memory_, 1, 0), CUDA_SUCCESS);
  EXPECT_EQ(cuStreamBatchMemOp_v2(nullptr, 0, nullptr, 0), CUDA_SUCCESS);
}

}  // namespace
