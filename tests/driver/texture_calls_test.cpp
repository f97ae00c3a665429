// SPDX-License-Identifier: Apache-2.0
// Arrays, textures and surfaces as a program of the driver's interface uses them.
#include <doppel/cuda.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <numeric>
#include <string>
#include <vector>

extern "C" {
CUresult cuArrayCreate_v2(CUarray* array, const CUDA_ARRAY_DESCRIPTOR* descriptor);
CUresult cuArray3DCreate_v2(CUarray* array, const CUDA_ARRAY3D_DESCRIPTOR* descriptor);
CUresult cuArrayDestroy(CUarray array);
CUresult cuArray3DGetDescriptor_v2(CUDA_ARRAY3D_DESCRIPTOR* descriptor, CUarray array);
CUresult cuMipmappedArrayCreate(CUmipmappedArray* array, const CUDA_ARRAY3D_DESCRIPTOR* descriptor,
                                unsigned levels);
CUresult cuMipmappedArrayGetLevel(CUarray* level, CUmipmappedArray array, unsigned number);
CUresult cuMipmappedArrayDestroy(CUmipmappedArray array);
CUresult cuTexObjectCreate(CUtexObject* object, const CUDA_RESOURCE_DESC* resource,
                           const CUDA_TEXTURE_DESC* texture, const CUDA_RESOURCE_VIEW_DESC* view);
CUresult cuTexObjectDestroy(CUtexObject object);
CUresult cuTexObjectGetResourceDesc(CUDA_RESOURCE_DESC* resource, CUtexObject object);
CUresult cuTexObjectGetResourceViewDesc(CUDA_RESOURCE_VIEW_DESC* view, CUtexObject object);
CUresult cuSurfObjectCreate(CUsurfObject* object, const CUDA_RESOURCE_DESC* resource);
CUresult cuSurfObjectDestroy(CUsurfObject object);
CUresult cuModuleGetTexRef(CUtexref* reference, CUmodule module, const char* name);
CUresult cuTexRefSetArray(CUtexref reference, CUarray array, unsigned flags);
CUresult cuTexRefSetAddress_v2(size_t* offset, CUtexref reference, CUdeviceptr address, size_t bytes);
CUresult cuTexRefSetFormat(CUtexref reference, CUarray_format format, int channels);
CUresult cuTexRefSetFlags(CUtexref reference, unsigned flags);
CUresult cuTexRefGetArray(CUarray* array, CUtexref reference);
CUresult cuMemcpyHtoA_v2(CUarray destination, size_t offset, const void* source, size_t bytes);
CUresult cuMemcpyAtoH_v2(void* destination, CUarray source, size_t offset, size_t bytes);
CUresult cuMemcpyAtoA_v2(CUarray destination, size_t to, CUarray source, size_t from, size_t bytes);
CUresult cuMemcpyDtoA_v2(CUarray destination, size_t offset, CUdeviceptr source, size_t bytes);
CUresult cuMemcpy3D_v2(const CUDA_MEMCPY3D* shape);
CUresult cuGraphCreate(CUgraph* graph, unsigned flags);
CUresult cuGraphAddMemcpyNode(CUgraphNode* node, CUgraph graph, const CUgraphNode* dependencies, size_t count,
                              const CUDA_MEMCPY3D* parameters, CUcontext context);
CUresult cuGraphMemcpyNodeGetParams(CUgraphNode node, CUDA_MEMCPY3D* parameters);
CUresult cuGraphInstantiateWithFlags(CUgraphExec* exec, CUgraph graph, unsigned long long flags);
CUresult cuGraphLaunch(CUgraphExec exec, CUstream stream);
CUresult cuGraphExecDestroy(CUgraphExec exec);
CUresult cuGraphDestroy(CUgraph graph);
}

namespace {

// One thread a word of `out`: x is the thread's number in its row of eight, y the row.
const char* const kTextures = R"(.version 8.0
.target sm_86
.address_size 64
.global .texref bound;
.visible .entry read_2d(.param .u64 out, .param .u64 texture)
{
  .reg .b64 %rd<5>;
  .reg .b32 %r<8>;
  .reg .f32 %f<8>;
  mov.u32 %r1, %tid.x;
  and.b32 %r2, %r1, 7;
  shr.u32 %r3, %r1, 3;
  cvt.rn.f32.u32 %f1, %r2;
  cvt.rn.f32.u32 %f2, %r3;
  ld.param.u64 %rd1, [texture];
  tex.2d.v4.f32.f32 {%f3, %f4, %f5, %f6}, [%rd1, {%f1, %f2}];
  ld.param.u64 %rd2, [out];
  mul.wide.u32 %rd3, %r1, 4;
  add.u64 %rd2, %rd2, %rd3;
  st.global.f32 [%rd2], %f3;
  ret;
}
.visible .entry read_bound(.param .u64 out)
{
  .reg .b64 %rd<4>;
  .reg .b32 %r<8>;
  mov.u32 %r1, %tid.x;
  tex.1d.v4.u32.s32 {%r2, %r3, %r4, %r5}, [bound, {%r1}];
  ld.param.u64 %rd2, [out];
  mul.wide.u32 %rd3, %r1, 4;
  add.u64 %rd2, %rd2, %rd3;
  st.global.u32 [%rd2], %r2;
  ret;
}
.visible .entry queries(.param .u64 out, .param .u64 texture, .param .u64 surface)
{
  .reg .b64 %rd<4>;
  .reg .b32 %r<12>;
  .reg .pred %p<4>;
  ld.param.u64 %rd1, [texture];
  ld.param.u64 %rd2, [surface];
  ld.param.u64 %rd3, [out];
  txq.width.b32 %r1, [%rd1];
  txq.height.b32 %r2, [%rd1];
  txq.channel_data_type.b32 %r3, [%rd1];
  txq.num_mipmap_levels.b32 %r4, [%rd1];
  txq.level.width.b32 %r5, [%rd1], 1;
  suq.width.b32 %r6, [%rd2];
  istypep.texref %p1, %rd1;
  istypep.surfref %p2, %rd1;
  istypep.surfref %p3, %rd2;
  selp.b32 %r7, 1, 0, %p1;
  selp.b32 %r8, 1, 0, %p2;
  selp.b32 %r9, 1, 0, %p3;
  st.global.v4.u32 [%rd3], {%r1, %r2, %r3, %r4};
  st.global.v4.u32 [%rd3+16], {%r5, %r6, %r7, %r8};
  st.global.u32 [%rd3+32], %r9;
  ret;
}
.visible .entry write_surface(.param .u64 surface, .param .u32 shift)
{
  .reg .b64 %rd<2>;
  .reg .b32 %r<8>;
  ld.param.u64 %rd1, [surface];
  ld.param.u32 %r5, [shift];
  mov.u32 %r1, %tid.x;
  and.b32 %r2, %r1, 7;
  shr.u32 %r3, %r1, 3;
  shl.b32 %r4, %r2, 2;
  add.s32 %r4, %r4, %r5;
  sust.b.2d.b32.trap [%rd1, {%r4, %r3}], %r1;
  ret;
}
.visible .entry add_to_surface(.param .u64 out, .param .u64 surface)
{
  .reg .b64 %rd<4>;
  .reg .b32 %r<8>;
  ld.param.u64 %rd1, [surface];
  mov.u32 %r1, %tid.x;
  mov.u32 %r2, 8;
  mov.u32 %r3, 1;
  sured.b.add.2d.u32.zero [%rd1, {%r2, %r3}], %r1;
  bar.sync 0;
  suld.b.2d.b32.clamp %r4, [%rd1, {%r2, %r3}];
  ld.param.u64 %rd2, [out];
  mul.wide.u32 %rd3, %r1, 4;
  add.u64 %rd2, %rd2, %rd3;
  st.global.u32 [%rd2], %r4;
  ret;
}
)";

// An independent sampler, whose state stands in the text.
const char* const kSamplers = R"(.version 8.0
.target sm_86, texmode_independent
.address_size 64
.global .samplerref border = { addr_mode_0 = clamp_to_border, addr_mode_1 = clamp_to_edge, filter_mode = nearest };
.visible .entry read_2d(.param .u64 out, .param .u64 texture)
{
  .reg .b64 %rd<5>;
  .reg .b32 %r<8>;
  .reg .f32 %f<8>;
  mov.u32 %r1, %tid.x;
  cvt.rn.f32.u32 %f1, %r1;
  mov.f32 %f2, 0f00000000;
  ld.param.u64 %rd1, [texture];
  tex.2d.v4.f32.f32 {%f3, %f4, %f5, %f6}, [%rd1, border, {%f1, %f2}];
  ld.param.u64 %rd2, [out];
  mul.wide.u32 %rd3, %r1, 4;
  add.u64 %rd2, %rd2, %rd3;
  st.global.f32 [%rd2], %f3;
  ret;
}
)";

constexpr unsigned kWords = 64;

class TextureCalls : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(cuInit(0), CUDA_SUCCESS);
    ASSERT_EQ(cuCtxCreate(&context_, 0, 0), CUDA_SUCCESS);
    ASSERT_EQ(cuModuleLoadData(&module_, kTextures), CUDA_SUCCESS);
    ASSERT_EQ(cuMemAlloc(&out_, kWords * 4), CUDA_SUCCESS);
    ASSERT_EQ(cuMemsetD8(out_, 0xa5, kWords * 4), CUDA_SUCCESS);
    values_.resize(kWords);
    std::iota(values_.begin(), values_.end(), 0.5F);
  }
  void TearDown() override { EXPECT_EQ(cuCtxDestroy(context_), CUDA_SUCCESS); }

  static CUarray make_array(CUarray_format format = CU_AD_FORMAT_FLOAT, unsigned flags = 0) {
    const CUDA_ARRAY3D_DESCRIPTOR descriptor{8, 8, 0, format, 1, flags};
    CUarray array = nullptr;
    EXPECT_EQ(cuArray3DCreate_v2(&array, &descriptor), CUDA_SUCCESS);
    return array;
  }

  static CUDA_RESOURCE_DESC resource_of(CUarray array) {
    CUDA_RESOURCE_DESC resource{};
    resource.resType = CU_RESOURCE_TYPE_ARRAY;
    resource.res.array.hArray = array;
    return resource;
  }
  static CUDA_TEXTURE_DESC clamped() {
    CUDA_TEXTURE_DESC texture{};
    for (CUaddress_mode& each : texture.addressMode) each = CU_TR_ADDRESS_MODE_CLAMP;
    return texture;
  }
  static CUtexObject texture_of(CUarray array) {
    const CUDA_RESOURCE_DESC resource = resource_of(array);
    const CUDA_TEXTURE_DESC texture = clamped();
    CUtexObject object = 0;
    EXPECT_EQ(cuTexObjectCreate(&object, &resource, &texture, nullptr), CUDA_SUCCESS);
    return object;
  }

  CUresult launch(const char* name, std::vector<void*> parameters, CUmodule module = nullptr) {
    CUfunction function = nullptr;
    EXPECT_EQ(cuModuleGetFunction(&function, module != nullptr ? module : module_, name), CUDA_SUCCESS);
    const CUresult result =
        cuLaunchKernel(function, 1, 1, 1, kWords, 1, 1, 0, nullptr, parameters.data(), nullptr);
    return result != CUDA_SUCCESS ? result : cuCtxSynchronize();
  }

  template <typename T>
  std::vector<T> result() const {
    std::vector<T> words(kWords);
    EXPECT_EQ(cuMemcpyDtoH(words.data(), out_, kWords * 4), CUDA_SUCCESS);
    return words;
  }

  CUcontext context_ = nullptr;
  CUmodule module_ = nullptr;
  CUdeviceptr out_ = 0;
  std::vector<float> values_;
};

TEST_F(TextureCalls, AKernelReadsAnArray) {
  CUarray array = make_array();
  ASSERT_EQ(cuMemcpyHtoA_v2(array, 0, values_.data(), kWords * 4), CUDA_SUCCESS);
  CUtexObject texture = texture_of(array);
  ASSERT_EQ(launch("read_2d", {&out_, &texture}), CUDA_SUCCESS);
  EXPECT_EQ(result<float>(), values_);
  EXPECT_EQ(cuTexObjectDestroy(texture), CUDA_SUCCESS);
  EXPECT_EQ(cuTexObjectDestroy(texture), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(cuArrayDestroy(array), CUDA_SUCCESS);
  EXPECT_EQ(cuArrayDestroy(array), CUDA_ERROR_INVALID_HANDLE);
}

TEST_F(TextureCalls, CopiesGoBothWays) {
  CUarray a = make_array(), b = make_array();
  ASSERT_EQ(cuMemcpyHtoA_v2(a, 0, values_.data(), kWords * 4), CUDA_SUCCESS);
  ASSERT_EQ(cuMemcpyAtoA_v2(b, 0, a, 0, kWords * 4), CUDA_SUCCESS);
  std::vector<float> back(kWords);
  ASSERT_EQ(cuMemcpyAtoH_v2(back.data(), b, 0, kWords * 4), CUDA_SUCCESS);
  EXPECT_EQ(back, values_);
  // Two elements of the third row.
  ASSERT_EQ(cuMemcpyAtoH_v2(back.data(), b, 2 * 32 + 12, 8), CUDA_SUCCESS);
  EXPECT_EQ(back[0], values_[19]);
  EXPECT_EQ(back[1], values_[20]);
  // A box from the card's memory, into the middle.
  ASSERT_EQ(cuMemcpyHtoD(out_, values_.data(), kWords * 4), CUDA_SUCCESS);
  CUDA_MEMCPY3D box{};
  box.srcMemoryType = CU_MEMORYTYPE_DEVICE;
  box.srcDevice = out_;
  box.srcPitch = 16;
  box.dstMemoryType = CU_MEMORYTYPE_ARRAY;
  box.dstArray = b;
  box.dstXInBytes = 16;
  box.dstY = 5;
  box.WidthInBytes = 8;
  box.Height = 2;
  box.Depth = 1;
  ASSERT_EQ(cuMemcpy3D_v2(&box), CUDA_SUCCESS);
  ASSERT_EQ(cuMemcpyAtoH_v2(back.data(), b, 0, kWords * 4), CUDA_SUCCESS);
  EXPECT_EQ(back[5 * 8 + 4], values_[0]);
  EXPECT_EQ(back[6 * 8 + 5], values_[5]);
  EXPECT_EQ(back[6 * 8 + 6], values_[6 * 8 + 6]);
  // Beyond the array, and half of an element.
  box.dstY = 7;
  EXPECT_EQ(cuMemcpy3D_v2(&box), CUDA_ERROR_INVALID_VALUE);
  box.dstY = 0;
  box.dstXInBytes = 2;
  EXPECT_EQ(cuMemcpy3D_v2(&box), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(cuMemcpyDtoA_v2(b, 250, out_, 8), CUDA_ERROR_INVALID_VALUE);
}

TEST_F(TextureCalls, GraphsCopyToArrays) {
  CUarray array = make_array();
  CUDA_MEMCPY3D copy{};
  copy.srcMemoryType = CU_MEMORYTYPE_HOST;
  copy.srcHost = values_.data();
  copy.srcPitch = 32;
  copy.dstMemoryType = CU_MEMORYTYPE_ARRAY;
  copy.dstArray = array;
  copy.dstY = 1;
  copy.WidthInBytes = 32;
  copy.Height = 7;
  copy.Depth = 1;
  CUgraph graph = nullptr;
  CUgraphNode node = nullptr;
  CUgraphExec exec = nullptr;
  ASSERT_EQ(cuGraphCreate(&graph, 0), CUDA_SUCCESS);
  ASSERT_EQ(cuGraphAddMemcpyNode(&node, graph, nullptr, 0, &copy, context_), CUDA_SUCCESS);
  CUDA_MEMCPY3D told{};
  ASSERT_EQ(cuGraphMemcpyNodeGetParams(node, &told), CUDA_SUCCESS);
  EXPECT_EQ(told.dstMemoryType, CU_MEMORYTYPE_ARRAY);
  EXPECT_EQ(told.dstArray, array);
  EXPECT_EQ(told.dstY, 1u);
  ASSERT_EQ(cuGraphInstantiateWithFlags(&exec, graph, 0), CUDA_SUCCESS);
  ASSERT_EQ(cuGraphLaunch(exec, nullptr), CUDA_SUCCESS);
  ASSERT_EQ(cuCtxSynchronize(), CUDA_SUCCESS);
  std::vector<float> back(kWords);
  ASSERT_EQ(cuMemcpyAtoH_v2(back.data(), array, 0, kWords * 4), CUDA_SUCCESS);
  EXPECT_EQ(back[8], values_[0]);
  EXPECT_EQ(back[63], values_[55]);
  EXPECT_EQ(cuGraphExecDestroy(exec), CUDA_SUCCESS);
  EXPECT_EQ(cuGraphDestroy(graph), CUDA_SUCCESS);
}

TEST_F(TextureCalls, TheirBytesCount) {
  std::size_t before = 0, with = 0, after = 0, all = 0;
  ASSERT_EQ(cuMemGetInfo(&before, &all), CUDA_SUCCESS);
  const CUDA_ARRAY_DESCRIPTOR descriptor{4096, 4096, CU_AD_FORMAT_FLOAT, 4};
  CUarray array = nullptr;
  ASSERT_EQ(cuArrayCreate_v2(&array, &descriptor), CUDA_SUCCESS);
  ASSERT_EQ(cuMemGetInfo(&with, &all), CUDA_SUCCESS);
  EXPECT_EQ(before - with, std::size_t{4096} * 4096 * 16);
  ASSERT_EQ(cuArrayDestroy(array), CUDA_SUCCESS);
  ASSERT_EQ(cuMemGetInfo(&after, &all), CUDA_SUCCESS);
  EXPECT_EQ(after, before);
}

TEST_F(TextureCalls, WrongDescriptorsAreRefused) {
  CUarray array = nullptr;
  const auto create = [&](CUDA_ARRAY3D_DESCRIPTOR descriptor) {
    return cuArray3DCreate_v2(&array, &descriptor);
  };
  EXPECT_EQ(create({0, 8, 0, CU_AD_FORMAT_FLOAT, 1, 0}), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(create({8, 8, 0, CU_AD_FORMAT_FLOAT, 3, 0}), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(create({8, 8, 0, static_cast<CUarray_format>(7), 1, 0}), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(create({8, 0, 8, CU_AD_FORMAT_FLOAT, 1, 0}), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(create({1 << 20, 8, 0, CU_AD_FORMAT_FLOAT, 1, 0}), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(create({8, 8, 5, CU_AD_FORMAT_FLOAT, 1, CUDA_ARRAY3D_CUBEMAP}), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(create({8, 4, 6, CU_AD_FORMAT_FLOAT, 1, CUDA_ARRAY3D_CUBEMAP}), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(create({8, 8, 0, CU_AD_FORMAT_FLOAT, 1, CUDA_ARRAY3D_LAYERED}), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(create({8, 8, 0, CU_AD_FORMAT_NV12, 3, 0}), CUDA_ERROR_NOT_SUPPORTED);
  EXPECT_EQ(create({8, 8, 0, CU_AD_FORMAT_BC7_UNORM, 4, 0}), CUDA_ERROR_NOT_SUPPORTED);
  EXPECT_EQ(create({8, 8, 0, CU_AD_FORMAT_BC1_UNORM, 4, CUDA_ARRAY3D_SURFACE_LDST}),
            CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(create({131072, 65536, 0, CU_AD_FORMAT_FLOAT, 4, 0}), CUDA_ERROR_OUT_OF_MEMORY);

  CUarray numbers = make_array(CU_AD_FORMAT_UNSIGNED_INT32);
  CUDA_RESOURCE_DESC resource = resource_of(numbers);
  CUDA_TEXTURE_DESC texture = clamped();
  CUtexObject object = 0;
  CUsurfObject surface = 0;
  texture.filterMode = CU_TR_FILTER_MODE_LINEAR;
  EXPECT_EQ(cuTexObjectCreate(&object, &resource, &texture, nullptr), CUDA_ERROR_INVALID_VALUE);
  texture = clamped();
  texture.addressMode[1] = static_cast<CUaddress_mode>(9);
  EXPECT_EQ(cuTexObjectCreate(&object, &resource, &texture, nullptr), CUDA_ERROR_INVALID_VALUE);
  texture = clamped();
  texture.flags = 0x8000;
  EXPECT_EQ(cuTexObjectCreate(&object, &resource, &texture, nullptr), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(cuSurfObjectCreate(&surface, &resource), CUDA_ERROR_INVALID_VALUE);  // not made for it
  resource.res.array.hArray = reinterpret_cast<CUarray>(&resource);
  texture = clamped();
  EXPECT_EQ(cuTexObjectCreate(&object, &resource, &texture, nullptr), CUDA_ERROR_INVALID_HANDLE);
  resource = {};
  resource.resType = CU_RESOURCE_TYPE_LINEAR;
  resource.res.linear = {out_, CU_AD_FORMAT_FLOAT, 1, kWords * 4 + 4};
  EXPECT_EQ(cuTexObjectCreate(&object, &resource, &texture, nullptr), CUDA_ERROR_INVALID_VALUE);
  resource.res.linear = {out_ + 4, CU_AD_FORMAT_FLOAT, 1, 16};
  EXPECT_EQ(cuTexObjectCreate(&object, &resource, &texture, nullptr), CUDA_ERROR_INVALID_VALUE);
  resource = {};
  resource.resType = CU_RESOURCE_TYPE_PITCH2D;
  resource.res.pitch2D = {out_, CU_AD_FORMAT_FLOAT, 1, 9, 2, 32};
  EXPECT_EQ(cuTexObjectCreate(&object, &resource, &texture, nullptr), CUDA_ERROR_INVALID_VALUE);
}

TEST_F(TextureCalls, MipLevelsAreArrays) {
  CUDA_ARRAY3D_DESCRIPTOR descriptor{16, 8, 0, CU_AD_FORMAT_FLOAT, 1, 0};
  CUmipmappedArray array = nullptr;
  ASSERT_EQ(cuMipmappedArrayCreate(&array, &descriptor, 99), CUDA_SUCCESS);
  CUarray level = nullptr, again = nullptr;
  ASSERT_EQ(cuMipmappedArrayGetLevel(&level, array, 4), CUDA_SUCCESS);
  ASSERT_EQ(cuMipmappedArrayGetLevel(&again, array, 4), CUDA_SUCCESS);
  EXPECT_EQ(level, again);
  EXPECT_EQ(cuMipmappedArrayGetLevel(&again, array, 5), CUDA_ERROR_INVALID_VALUE);
  ASSERT_EQ(cuArray3DGetDescriptor_v2(&descriptor, level), CUDA_SUCCESS);
  EXPECT_EQ(descriptor.Width, 1u);
  EXPECT_EQ(descriptor.Height, 1u);
  ASSERT_EQ(cuMipmappedArrayDestroy(array), CUDA_SUCCESS);
  EXPECT_EQ(cuArray3DGetDescriptor_v2(&descriptor, level), CUDA_ERROR_INVALID_HANDLE);
}

TEST_F(TextureCalls, ReferencesAreVariablesOfTheModule) {
  CUtexref reference = nullptr, again = nullptr;
  ASSERT_EQ(cuModuleGetTexRef(&reference, module_, "bound"), CUDA_SUCCESS);
  ASSERT_EQ(cuModuleGetTexRef(&again, module_, "bound"), CUDA_SUCCESS);
  EXPECT_EQ(reference, again);
  EXPECT_EQ(cuModuleGetTexRef(&again, module_, "unbound"), CUDA_ERROR_NOT_FOUND);
  std::vector<std::uint32_t> numbers(kWords);
  std::iota(numbers.begin(), numbers.end(), 100);
  CUdeviceptr memory = 0;
  ASSERT_EQ(cuMemAlloc(&memory, kWords * 4), CUDA_SUCCESS);
  ASSERT_EQ(cuMemcpyHtoD(memory, numbers.data(), kWords * 4), CUDA_SUCCESS);
  ASSERT_EQ(cuTexRefSetFormat(reference, CU_AD_FORMAT_UNSIGNED_INT32, 1), CUDA_SUCCESS);
  ASSERT_EQ(cuTexRefSetFlags(reference, CU_TRSF_READ_AS_INTEGER), CUDA_SUCCESS);
  std::size_t offset = 1;
  ASSERT_EQ(cuTexRefSetAddress_v2(&offset, reference, memory, kWords * 2), CUDA_SUCCESS);
  EXPECT_EQ(offset, 0u);
  ASSERT_EQ(launch("read_bound", {&out_}), CUDA_SUCCESS);
  const auto found = result<std::uint32_t>();
  EXPECT_EQ(found[31], 131u);
  EXPECT_EQ(found[32], 0u);  // outside of what is bound
  CUarray array = nullptr;
  EXPECT_EQ(cuTexRefGetArray(&array, reference), CUDA_ERROR_INVALID_VALUE);
}

TEST_F(TextureCalls, AnUnboundReferenceEndsTheLaunch) {
  EXPECT_EQ(launch("read_bound", {&out_}), CUDA_ERROR_ILLEGAL_ADDRESS);
}

TEST_F(TextureCalls, SamplersMayStandInTheText) {
  CUmodule module = nullptr;
  ASSERT_EQ(cuModuleLoadData(&module, kSamplers), CUDA_SUCCESS);
  CUarray array = make_array();
  ASSERT_EQ(cuMemcpyHtoA_v2(array, 0, values_.data(), kWords * 4), CUDA_SUCCESS);
  CUtexObject texture = texture_of(array);
  ASSERT_EQ(launch("read_2d", {&out_, &texture}, module), CUDA_SUCCESS);
  const auto found = result<float>();
  EXPECT_EQ(found[7], values_[7]);
  EXPECT_EQ(found[8], 0);  // the border
}

TEST_F(TextureCalls, Queries) {
  CUarray array = make_array(CU_AD_FORMAT_HALF, CUDA_ARRAY3D_SURFACE_LDST);
  CUtexObject texture = texture_of(array);
  const CUDA_RESOURCE_DESC resource = resource_of(array);
  CUsurfObject surface = 0;
  ASSERT_EQ(cuSurfObjectCreate(&surface, &resource), CUDA_SUCCESS);
  ASSERT_EQ(launch("queries", {&out_, &texture, &surface}), CUDA_SUCCESS);
  const auto found = result<std::uint32_t>();
  EXPECT_EQ(std::vector<std::uint32_t>(found.begin(), found.begin() + 9),
            (std::vector<std::uint32_t>{8, 8, 0x10dd, 1, 0, 8, 1, 0, 1}));
  CUDA_RESOURCE_DESC told{};
  ASSERT_EQ(cuTexObjectGetResourceDesc(&told, texture), CUDA_SUCCESS);
  EXPECT_EQ(told.res.array.hArray, array);
  CUDA_RESOURCE_VIEW_DESC view{};
  EXPECT_EQ(cuTexObjectGetResourceViewDesc(&view, texture), CUDA_ERROR_INVALID_VALUE);
}

TEST_F(TextureCalls, SurfacesAreWritten) {
  CUarray array = make_array(CU_AD_FORMAT_UNSIGNED_INT32, CUDA_ARRAY3D_SURFACE_LDST);
  const CUDA_RESOURCE_DESC resource = resource_of(array);
  CUsurfObject surface = 0;
  ASSERT_EQ(cuSurfObjectCreate(&surface, &resource), CUDA_SUCCESS);
  int shift = 0;
  ASSERT_EQ(launch("write_surface", {&surface, &shift}), CUDA_SUCCESS);
  std::vector<std::uint32_t> back(kWords), wanted(kWords);
  std::iota(wanted.begin(), wanted.end(), 0);
  ASSERT_EQ(cuMemcpyAtoH_v2(back.data(), array, 0, kWords * 4), CUDA_SUCCESS);
  EXPECT_EQ(back, wanted);
  ASSERT_EQ(launch("add_to_surface", {&out_, &surface}), CUDA_SUCCESS);
  // Element (2, 1) held 10; all threads added their numbers.
  EXPECT_EQ(result<std::uint32_t>(), std::vector<std::uint32_t>(kWords, 10 + 63 * 64 / 2));
  // .trap: outside of the row.
  shift = 4;
  EXPECT_EQ(launch("write_surface", {&surface, &shift}), CUDA_ERROR_ILLEGAL_ADDRESS);
}

TEST_F(TextureCalls, StaleObjectsEndTheLaunch) {
  CUarray array = make_array();
  CUtexObject texture = texture_of(array);
  ASSERT_EQ(cuTexObjectDestroy(texture), CUDA_SUCCESS);
  ::testing::internal::CaptureStderr();
  EXPECT_EQ(launch("read_2d", {&out_, &texture}), CUDA_ERROR_ILLEGAL_ADDRESS);
  EXPECT_NE(::testing::internal::GetCapturedStderr().find("no texture object"), std::string::npos);
}

TEST_F(TextureCalls, DestroyedArraysEndTheLaunch) {
  CUarray array = make_array();
  CUtexObject texture = texture_of(array);
  ASSERT_EQ(cuArrayDestroy(array), CUDA_SUCCESS);
  EXPECT_EQ(launch("read_2d", {&out_, &texture}), CUDA_ERROR_ILLEGAL_ADDRESS);
}

TEST_F(TextureCalls, InventedObjectsEndTheLaunch) {
  CUtexObject texture = 0x5400000000000001;
  EXPECT_EQ(launch("read_2d", {&out_, &texture}), CUDA_ERROR_ILLEGAL_ADDRESS);
}

TEST_F(TextureCalls, FreedMemoryEndsTheLaunch) {
  CUdeviceptr memory = 0;
  ASSERT_EQ(cuMemAlloc(&memory, std::size_t{64} << 20), CUDA_SUCCESS);
  CUDA_RESOURCE_DESC resource{};
  resource.resType = CU_RESOURCE_TYPE_PITCH2D;
  resource.res.pitch2D = {memory, CU_AD_FORMAT_FLOAT, 1, 8, 8, 32};
  const CUDA_TEXTURE_DESC description = clamped();
  CUtexObject texture = 0;
  ASSERT_EQ(cuTexObjectCreate(&texture, &resource, &description, nullptr), CUDA_SUCCESS);
  ASSERT_EQ(launch("read_2d", {&out_, &texture}), CUDA_SUCCESS);
  ASSERT_EQ(cuMemFree(memory), CUDA_SUCCESS);
  EXPECT_EQ(launch("read_2d", {&out_, &texture}), CUDA_ERROR_ILLEGAL_ADDRESS);
}

}  // namespace
