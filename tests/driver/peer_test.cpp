// SPDX-License-Identifier: Apache-2.0
// Two RTX A6000 that a bridge joins, through the C interface.
#include <doppel/cuda.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <cstdlib>
#include <numeric>
#include <vector>

extern "C" {
CUresult cuDeviceCanAccessPeer(int* can, CUdevice device, CUdevice peer);
CUresult cuDeviceGetP2PAttribute(int* value, CUdevice_P2PAttribute attribute, CUdevice device, CUdevice peer);
CUresult cuCtxEnablePeerAccess(CUcontext peer, unsigned flags);
CUresult cuCtxDisablePeerAccess(CUcontext peer);
CUresult cuMemcpyPeer(CUdeviceptr destination, CUcontext destination_context, CUdeviceptr source,
                      CUcontext source_context, size_t bytes);
CUresult cuMemcpyPeerAsync(CUdeviceptr destination, CUcontext destination_context, CUdeviceptr source,
                           CUcontext source_context, size_t bytes, CUstream stream);
CUresult cuMemcpy3DPeer(const CUDA_MEMCPY3D_PEER* shape);
CUresult cuPointerGetAttribute(void* value, CUpointer_attribute attribute, CUdeviceptr address);
CUresult cuTexObjectCreate(CUtexObject* object, const CUDA_RESOURCE_DESC* resource,
                           const CUDA_TEXTURE_DESC* texture, const CUDA_RESOURCE_VIEW_DESC* view);
CUresult cuTexObjectDestroy(CUtexObject object);
}

namespace {

// The cards are chosen when the driver starts.
[[maybe_unused]] const int kCardsAreChosen = setenv("DOPPEL_CARDS", "rtx-a6000,rtx-a6000,rtx-a6000", 1);
[[maybe_unused]] const int kBridgesAreThere = setenv("DOPPEL_NVLINK", "1", 1);

constexpr const char* kCopyTexels = R"(.version 7.1
.target sm_86
.address_size 64
.visible .entry copy(.param .u64 texture, .param .u64 out)
{
  .reg .u64 %rd<4>;
  .reg .u32 %r<4>;
  .reg .f32 %f<5>;
  ld.param.u64 %rd1, [texture];
  ld.param.u64 %rd2, [out];
  mov.u32 %r1, %tid.x;
  tex.1d.v4.f32.s32 {%f1, %f2, %f3, %f4}, [%rd1, {%r1}];
  mul.wide.u32 %rd3, %r1, 4;
  add.u64 %rd2, %rd2, %rd3;
  st.global.f32 [%rd2], %f1;
  ret;
}
)";

class Peers : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(cuInit(0), CUDA_SUCCESS);
    for (int i = 0; i < 3; ++i)
      ASSERT_EQ(cuDevicePrimaryCtxRetain(&contexts[static_cast<std::size_t>(i)], i), CUDA_SUCCESS);
    ASSERT_EQ(cuCtxSetCurrent(contexts[0]), CUDA_SUCCESS);
  }
  void TearDown() override {
    for (int i = 0; i < 3; ++i) EXPECT_EQ(cuDevicePrimaryCtxRelease(i), CUDA_SUCCESS);
  }
  static int attribute(CUdevice_P2PAttribute attribute, int from, int to) {
    int value = -1;
    EXPECT_EQ(cuDeviceGetP2PAttribute(&value, attribute, from, to), CUDA_SUCCESS);
    return value;
  }
  CUdeviceptr allocate(int card, std::size_t bytes) {
    CUcontext before = nullptr;
    CUdeviceptr address = 0;
    EXPECT_EQ(cuCtxGetCurrent(&before), CUDA_SUCCESS);
    EXPECT_EQ(cuCtxSetCurrent(contexts[static_cast<std::size_t>(card)]), CUDA_SUCCESS);
    EXPECT_EQ(cuMemAlloc(&address, bytes), CUDA_SUCCESS);
    EXPECT_EQ(cuCtxSetCurrent(before), CUDA_SUCCESS);
    return address;
  }
  std::array<CUcontext, 3> contexts{};
};

TEST_F(Peers, SayHowTheyReachEachOther) {
  int can = 0;
  EXPECT_EQ(cuDeviceCanAccessPeer(&can, 0, 1), CUDA_SUCCESS);
  EXPECT_EQ(can, 1);
  EXPECT_EQ(cuDeviceCanAccessPeer(&can, 0, 0), CUDA_SUCCESS);
  EXPECT_EQ(can, 0);
  EXPECT_EQ(cuDeviceCanAccessPeer(&can, 0, 7), CUDA_ERROR_INVALID_DEVICE);
  EXPECT_EQ(cuDeviceCanAccessPeer(nullptr, 0, 1), CUDA_ERROR_INVALID_VALUE);
  // The third has nobody at the other end: it is reached over the bus.
  for (const auto& [from, to, joined] : {std::tuple{0, 1, 1}, {1, 0, 1}, {0, 2, 0}, {2, 1, 0}}) {
    EXPECT_EQ(attribute(CU_DEVICE_P2P_ATTRIBUTE_PERFORMANCE_RANK, from, to), 1 - joined);
    EXPECT_EQ(attribute(CU_DEVICE_P2P_ATTRIBUTE_ACCESS_SUPPORTED, from, to), 1);
    EXPECT_EQ(attribute(CU_DEVICE_P2P_ATTRIBUTE_NATIVE_ATOMIC_SUPPORTED, from, to), joined);
    EXPECT_EQ(attribute(CU_DEVICE_P2P_ATTRIBUTE_CUDA_ARRAY_ACCESS_SUPPORTED, from, to), joined);
  }
  int value = 0;
  EXPECT_EQ(cuDeviceGetP2PAttribute(&value, CU_DEVICE_P2P_ATTRIBUTE_ACCESS_SUPPORTED, 1, 1),
            CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(cuDeviceGetP2PAttribute(&value, CU_DEVICE_P2P_ATTRIBUTE_ACCESS_SUPPORTED, 1, 9),
            CUDA_ERROR_INVALID_DEVICE);
}

TEST_F(Peers, AccessIsEnabledOnceAndDisabledOnce) {
  EXPECT_EQ(cuCtxDisablePeerAccess(contexts[1]), CUDA_ERROR_PEER_ACCESS_NOT_ENABLED);
  EXPECT_EQ(cuCtxEnablePeerAccess(contexts[1], 1), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(cuCtxEnablePeerAccess(contexts[1], 0), CUDA_SUCCESS);
  EXPECT_EQ(cuCtxEnablePeerAccess(contexts[1], 0), CUDA_ERROR_PEER_ACCESS_ALREADY_ENABLED);
  EXPECT_EQ(cuCtxDisablePeerAccess(contexts[1]), CUDA_SUCCESS);
  EXPECT_EQ(cuCtxDisablePeerAccess(contexts[1]), CUDA_ERROR_PEER_ACCESS_NOT_ENABLED);
  EXPECT_EQ(cuCtxEnablePeerAccess(contexts[0], 0), CUDA_ERROR_INVALID_CONTEXT);  // itself
  EXPECT_EQ(cuCtxEnablePeerAccess(nullptr, 0), CUDA_ERROR_INVALID_CONTEXT);
}

TEST_F(Peers, AddressesSayWhoseTheyAre) {
  const CUdeviceptr here = allocate(0, 4096), there = allocate(1, 4096);
  for (const auto& [address, card] : {std::pair{here, 0}, {there, 1}}) {
    int ordinal = -1;
    EXPECT_EQ(cuPointerGetAttribute(&ordinal, CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL, address), CUDA_SUCCESS);
    EXPECT_EQ(ordinal, card);
    EXPECT_EQ(cuMemFree(address), CUDA_SUCCESS);
  }
}

TEST_F(Peers, CopiesNeedNoAccess) {
  const CUdeviceptr here = allocate(0, 4096), there = allocate(1, 4096);
  std::vector<std::uint32_t> numbers(1024), back(1024);
  std::iota(numbers.begin(), numbers.end(), 5U);
  ASSERT_EQ(cuMemcpyHtoD(here, numbers.data(), 4096), CUDA_SUCCESS);
  ASSERT_EQ(cuMemcpyPeer(there, contexts[1], here, contexts[0], 4096), CUDA_SUCCESS);
  ASSERT_EQ(cuMemcpyDtoH(back.data(), there, 4096), CUDA_SUCCESS);
  EXPECT_EQ(back, numbers);
  // The second row of two to the first of another two.
  CUDA_MEMCPY3D_PEER box{};
  box.srcMemoryType = box.dstMemoryType = CU_MEMORYTYPE_DEVICE;
  box.srcDevice = there;
  box.srcContext = contexts[1];
  box.srcPitch = box.dstPitch = 2048;
  box.srcY = 1;
  box.dstDevice = here;
  box.dstContext = contexts[0];
  box.WidthInBytes = 2048;
  box.Height = box.Depth = 1;
  ASSERT_EQ(cuMemcpy3DPeer(&box), CUDA_SUCCESS);
  ASSERT_EQ(cuMemcpyDtoH(back.data(), here, 4096), CUDA_SUCCESS);
  EXPECT_EQ(back[0], numbers[512]);
  EXPECT_EQ(back[512], numbers[512]);
  EXPECT_EQ(cuMemcpyPeer(there, contexts[1], here, nullptr, 4096), CUDA_ERROR_INVALID_CONTEXT);
  EXPECT_EQ(cuMemcpyPeer(there, contexts[1], here, contexts[0], std::size_t{1} << 40),
            CUDA_ERROR_INVALID_VALUE);
  CUstream stream = nullptr;
  ASSERT_EQ(cuStreamCreate(&stream, 0), CUDA_SUCCESS);
  ASSERT_EQ(cuMemcpyPeerAsync(here, contexts[0], there, contexts[1], 4096, stream), CUDA_SUCCESS);
  EXPECT_EQ(cuStreamSynchronize(stream), CUDA_SUCCESS);
  EXPECT_EQ(cuStreamDestroy(stream), CUDA_SUCCESS);
  EXPECT_EQ(cuMemFree(here), CUDA_SUCCESS);
  EXPECT_EQ(cuMemFree(there), CUDA_SUCCESS);
}

TEST_F(Peers, ArraysAreReadOverNvLink) {
  ASSERT_EQ(cuCtxSetCurrent(contexts[1]), CUDA_SUCCESS);
  CUDA_ARRAY_DESCRIPTOR shape{};
  shape.Width = 32;
  shape.Format = CU_AD_FORMAT_FLOAT;
  shape.NumChannels = 1;
  CUarray array = nullptr;
  ASSERT_EQ(cuArrayCreate(&array, &shape), CUDA_SUCCESS);
  std::array<float, 32> texels{}, read{};
  std::iota(texels.begin(), texels.end(), 1.0F);
  CUDA_MEMCPY2D copy{};
  copy.srcMemoryType = CU_MEMORYTYPE_HOST;
  copy.srcHost = texels.data();
  copy.dstMemoryType = CU_MEMORYTYPE_ARRAY;
  copy.dstArray = array;
  copy.WidthInBytes = sizeof texels;
  copy.Height = 1;
  ASSERT_EQ(cuMemcpy2D(&copy), CUDA_SUCCESS);

  CUDA_RESOURCE_DESC resource{};
  resource.resType = CU_RESOURCE_TYPE_ARRAY;
  resource.res.array.hArray = array;
  const CUDA_TEXTURE_DESC texture{};
  CUtexObject object = 0;
  for (const std::size_t reader : {0UL, 2UL}) {
    ASSERT_EQ(cuCtxSetCurrent(contexts[reader]), CUDA_SUCCESS);
    EXPECT_EQ(cuTexObjectCreate(&object, &resource, &texture, nullptr), CUDA_ERROR_INVALID_VALUE);
    ASSERT_EQ(cuCtxEnablePeerAccess(contexts[1], 0), CUDA_SUCCESS);
  }
  EXPECT_EQ(cuTexObjectCreate(&object, &resource, &texture, nullptr),
            CUDA_ERROR_INVALID_VALUE);  // over the bus
  ASSERT_EQ(cuCtxSetCurrent(contexts[0]), CUDA_SUCCESS);
  ASSERT_EQ(cuTexObjectCreate(&object, &resource, &texture, nullptr), CUDA_SUCCESS);

  CUmodule module = nullptr;
  CUfunction function = nullptr;
  ASSERT_EQ(cuModuleLoadData(&module, kCopyTexels), CUDA_SUCCESS);
  ASSERT_EQ(cuModuleGetFunction(&function, module, "copy"), CUDA_SUCCESS);
  CUdeviceptr out = allocate(0, sizeof read);
  std::array<void*, 2> arguments{&object, &out};
  ASSERT_EQ(cuLaunchKernel(function, 1, 1, 1, 32, 1, 1, 0, nullptr, arguments.data(), nullptr), CUDA_SUCCESS);
  ASSERT_EQ(cuMemcpyDtoH(read.data(), out, sizeof read), CUDA_SUCCESS);
  EXPECT_EQ(read, texels);
  EXPECT_EQ(cuTexObjectDestroy(object), CUDA_SUCCESS);
  EXPECT_EQ(cuMemFree(out), CUDA_SUCCESS);
  EXPECT_EQ(cuModuleUnload(module), CUDA_SUCCESS);
  EXPECT_EQ(cuArrayDestroy(array), CUDA_SUCCESS);
}

}  // namespace
