// SPDX-License-Identifier: Apache-2.0
// Memory that host and card share: when the host may read what a call has done.
#include <doppel/cuda.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstring>

extern "C" {
CUresult cuLibraryLoadData(CUlibrary* library, const void* image, CUjit_option* options, void** values,
                           unsigned count, void* library_options, void** library_values,
                           unsigned library_count);
CUresult cuLibraryUnload(CUlibrary library);
CUresult cuLibraryGetManaged(CUdeviceptr* address, size_t* bytes, CUlibrary library, const char* name);
CUresult cuLibraryGetModule(CUmodule* module, CUlibrary library);
CUresult cuMemsetD8Async(CUdeviceptr address, unsigned char value, size_t count, CUstream stream);
}

namespace {

class HostMemory : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(cuInit(0), CUDA_SUCCESS); }
};

// CUDA driver API, "API synchronization behavior": a fill of pinned or managed memory is fully synchronous.
TEST_F(HostMemory, FillsOfPinnedAndManagedMemoryAreDoneAtReturn) {
  CUcontext context = nullptr;
  ASSERT_EQ(cuCtxCreate(&context, 0, 0), CUDA_SUCCESS);
  constexpr std::size_t kBytes = 4'000'000;
  void* pinned = nullptr;
  CUdeviceptr mapped = 0;
  CUdeviceptr managed = 0;
  ASSERT_EQ(cuMemHostAlloc(&pinned, kBytes, CU_MEMHOSTALLOC_DEVICEMAP), CUDA_SUCCESS);
  ASSERT_EQ(cuMemHostGetDevicePointer(&mapped, pinned, 0), CUDA_SUCCESS);
  ASSERT_EQ(cuMemAllocManaged(&managed, kBytes, CU_MEM_ATTACH_GLOBAL), CUDA_SUCCESS);
  for (const CUdeviceptr memory : {mapped, managed}) {
    auto* bytes = reinterpret_cast<unsigned char*>(memory);
    // A host function in front keeps the stream busy until the fill has been queued and is waited for.
    std::memset(bytes, 123, kBytes);
    std::atomic<bool> passed{false};
    ASSERT_EQ(cuLaunchHostFunc(
                  nullptr, [](void* flag) { *static_cast<std::atomic<bool>*>(flag) = true; }, &passed),
              CUDA_SUCCESS);
    ASSERT_EQ(cuMemsetD8(memory, 0, kBytes), CUDA_SUCCESS);
    EXPECT_TRUE(passed);
    EXPECT_TRUE(std::all_of(bytes, bytes + kBytes, [](unsigned char each) { return each == 0; }));
  }
  EXPECT_EQ(cuCtxDestroy(context), CUDA_SUCCESS);
}

const char* const kManaged = R"(.version 7.1
.target sm_86
.address_size 64
.visible .global .attribute(.managed) .align 4 .u32 counter = 5;
.visible .global .align 4 .u32 plain;
.visible .entry count()
{
  .reg .u32 %r<2>;
  atom.global.add.u32 %r1, [counter], 10;
  ret;
}
)";

TEST_F(HostMemory, ManagedVariablesOfALibraryAreThereBeforeAContext) {
  ASSERT_EQ(cuCtxSetCurrent(nullptr), CUDA_SUCCESS);
  CUlibrary library = nullptr;
  ASSERT_EQ(cuLibraryLoadData(&library, kManaged, nullptr, nullptr, 0, nullptr, nullptr, 0), CUDA_SUCCESS);
  CUdeviceptr address = 0;
  std::size_t bytes = 0;
  ASSERT_EQ(cuLibraryGetManaged(&address, &bytes, library, "counter"), CUDA_SUCCESS);
  EXPECT_EQ(bytes, 4U);
  auto& counter = *reinterpret_cast<std::atomic<unsigned>*>(address);
  EXPECT_EQ(counter, 5U);
  counter = 7;
  EXPECT_EQ(cuLibraryGetManaged(&address, &bytes, library, "plain"), CUDA_ERROR_NOT_FOUND);
  EXPECT_EQ(cuLibraryGetManaged(&address, &bytes, library, "missing"), CUDA_ERROR_NOT_FOUND);

  // One variable for every context, that keeps what the host wrote.
  for (unsigned round = 1; round <= 2; ++round) {
    CUcontext context = nullptr;
    ASSERT_EQ(cuCtxCreate(&context, 0, 0), CUDA_SUCCESS);
    CUmodule module_handle = nullptr;
    CUfunction function = nullptr;
    ASSERT_EQ(cuLibraryGetModule(&module_handle, library), CUDA_SUCCESS);
    ASSERT_EQ(cuModuleGetFunction(&function, module_handle, "count"), CUDA_SUCCESS);
    CUdeviceptr same = 0;
    ASSERT_EQ(cuModuleGetGlobal(&same, &bytes, module_handle, "counter"), CUDA_SUCCESS);
    EXPECT_EQ(same, reinterpret_cast<std::uintptr_t>(&counter));
    ASSERT_EQ(cuLaunchKernel(function, 1, 1, 1, 1, 1, 1, 0, nullptr, nullptr, nullptr), CUDA_SUCCESS);
    ASSERT_EQ(cuCtxSynchronize(), CUDA_SUCCESS);
    EXPECT_EQ(counter, 7 + 10 * round);
    ASSERT_EQ(cuCtxDestroy(context), CUDA_SUCCESS);
    EXPECT_EQ(counter, 7 + 10 * round);
  }
  EXPECT_EQ(cuLibraryUnload(library), CUDA_SUCCESS);
}

}  // namespace
