// SPDX-License-Identifier: Apache-2.0
// Tensor maps as a program of the driver's interface makes them, and kernels that get them as parameters.
#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "tensor_map_requests.h"

namespace {

// The card is chosen when the driver starts.
[[maybe_unused]] const int kCardIsChosen = setenv("DOPPEL_CARD", "rtx-pro-5000-blackwell", 1);

// A copy by thread 0, whose coordinates are c0 to c3; then shared memory as it is.
std::string kernel(const std::string& name, const std::string& copy) {
  return ".visible .entry " + name +
         R"((.param .align 128 .b8 map[128], .param .u64 out, .param .u32 bytes, .param .s32 c0, .param .s32 c1, .param .s32 c2,
  .param .s32 c3)
{
  .shared .align 1024 .b8 memory[4096];
  .shared .align 8 .b8 bar[8];
  .reg .b64 %map, %out, %at, %s, %bar;
  .reg .b32 %i, %bytes, %c<4>, %v;
  .reg .pred %first, %done, %more;
  mov.b64 %map, map;
  cvta.param.u64 %map, %map;
  ld.param.u64 %out, [out];
  ld.param.u32 %bytes, [bytes];
  ld.param.s32 %c0, [c0];
  ld.param.s32 %c1, [c1];
  ld.param.s32 %c2, [c2];
  ld.param.s32 %c3, [c3];
  mov.u64 %s, memory;
  mov.u64 %bar, bar;
  mov.u32 %i, %tid.x;
  setp.eq.u32 %first, %i, 0;
  @%first mbarrier.init.shared.b64 [%bar], 1;
  bar.sync 0;
)" + copy +
         R"(
  mul.wide.u32 %at, %i, 4;
  add.u64 %s, %s, %at;
  add.u64 %out, %out, %at;
EACH:
  ld.shared.b32 %v, [%s];
  st.global.b32 [%out], %v;
  add.u64 %s, %s, 128;
  add.u64 %out, %out, 128;
  add.s32 %i, %i, 32;
  setp.lt.u32 %more, %i, 1024;
  @%more bra EACH;
  ret;
}
)";
}

std::string load(const std::string& name, const std::string& form, const std::string& operands,
                 const std::string& offsets) {
  return kernel(
      name,
      "  @%first mbarrier.arrive.expect_tx.shared.b64 _, [%bar], %bytes;\n  @%first cp.async.bulk.tensor." +
          form + ".mbarrier::complete_tx::bytes [%s], [%map, {" + operands + "}], [%bar]" + offsets + R"(;
WAIT:
  mbarrier.try_wait.parity.shared.b64 %done, [%bar], 0;
  @!%done bra WAIT;
)");
}

// Shared memory holds 0, 1, 2, ... in words.
std::string store(const std::string& name, const std::string& form, const std::string& operands) {
  return kernel(name, R"(  mad.wide.u32 %at, %i, 4, %s;
FILL:
  st.shared.b32 [%at], %i;
  add.u64 %at, %at, 128;
  add.s32 %i, %i, 32;
  setp.lt.u32 %more, %i, 1024;
  @%more bra FILL;
  mov.u32 %i, %tid.x;
  fence.proxy.async.shared::cta;
  bar.sync 0;
  @%first )" + form + ".bulk_group [%map, {" +
                          operands + R"(}], [%s];
  cp.async.bulk.commit_group;
  cp.async.bulk.wait_group 0;
)");
}

std::string module_text() {
  return ".version 8.8\n.target sm_120a\n.address_size 64\n" +
         load("tile_2d", "2d.shared::cta.global.tile", "%c0, %c1", "") +
         load("im2col_4d", "4d.shared::cta.global.im2col", "%c0, %c1, %c2, %c3", ", {1, 2}") +
         load("im2col_3d", "3d.shared::cluster.global.im2col", "%c0, %c1, %c2", ", {0}") +
         load("im2col_w", "4d.shared::cta.global.im2col::w", "%c0, %c1, %c2, %c3", ", {0, 1}") +
         load("im2col_w_halo", "4d.shared::cta.global.im2col::w", "%c0, %c1, %c2, %c3", ", {2, 0}") +
         store("store_im2col", "cp.async.bulk.tensor.4d.global.shared::cta.im2col_no_offs",
               "%c0, %c1, %c2, %c3") +
         store("add_tile", "cp.reduce.async.bulk.tensor.2d.global.shared::cta.add.tile", "%c0, %c1");
}

constexpr std::size_t kBytes = 4096;

class TensorMaps : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(cuInit(0), CUDA_SUCCESS);
    ASSERT_EQ(cuCtxCreate(&context_, 0, 0), CUDA_SUCCESS);
    ASSERT_EQ(cuModuleLoadData(&module_, module_text().c_str()), CUDA_SUCCESS);
    ASSERT_EQ(cuMemAlloc(&tensor_, kBytes), CUDA_SUCCESS);
    ASSERT_EQ(cuMemAlloc(&out_, kBytes), CUDA_SUCCESS);
    for (std::size_t i = 0; i < halves_.size(); ++i) halves_[i] = static_cast<std::uint16_t>(i + 1);
    ASSERT_EQ(cuMemcpyHtoD(tensor_, halves_.data(), kBytes), CUDA_SUCCESS);
    tiled_.map = im2col_.map = &map_;
    tiled_.address = im2col_.address = tensor_;
  }
  void TearDown() override { EXPECT_EQ(cuCtxDestroy(context_), CUDA_SUCCESS); }

  CUresult launch(const char* name, std::uint32_t bytes, std::array<int, 4> at) {
    CUfunction function = nullptr;
    EXPECT_EQ(cuModuleGetFunction(&function, module_, name), CUDA_SUCCESS);
    std::array<void*, 7> parameters{&map_, &out_, &bytes, &at[0], &at[1], &at[2], &at[3]};
    const CUresult result =
        cuLaunchKernel(function, 1, 1, 1, 32, 1, 1, 0, nullptr, parameters.data(), nullptr);
    return result != CUDA_SUCCESS ? result : cuCtxSynchronize();
  }

  template <typename T>
  std::vector<T> words(CUdeviceptr from) const {
    std::vector<T> all(kBytes / sizeof(T));
    EXPECT_EQ(cuMemcpyDtoH(all.data(), from, kBytes), CUDA_SUCCESS);
    return all;
  }

  // Of the NHWC tensor; outside of it 0.
  std::uint16_t pixel(int c, int w, int h, int n) const {
    if (w < 0 || w >= 9 || h < 0 || h >= 7 || n < 0 || n >= 4) return 0;
    return halves_[static_cast<std::size_t>(((n * 7 + h) * 9 + w) * 8 + c)];
  }

  CUcontext context_ = nullptr;
  CUmodule module_ = nullptr;
  CUdeviceptr tensor_ = 0, out_ = 0;
  std::array<std::uint16_t, kBytes / 2> halves_{};
  CUtensorMap map_{};
  Tiled tiled_;
  Im2col im2col_;
};

TEST_F(TensorMaps, AKernelGetsOneAsItsParameter) {
  ASSERT_EQ(tiled_.encode(), CUDA_SUCCESS);
  ASSERT_EQ(launch("tile_2d", 128, {5, 3}), CUDA_SUCCESS);
  const auto found = words<std::uint32_t>(out_);
  const auto tensor = words<std::uint32_t>(tensor_);
  for (std::size_t i = 0; i < 32; ++i) EXPECT_EQ(found[i], tensor[(3 + i / 8) * 64 + 5 + i % 8]) << i;
}

TEST_F(TensorMaps, TheAddressIsReplaced) {
  ASSERT_EQ(tiled_.encode(), CUDA_SUCCESS);
  ASSERT_EQ(cuTensorMapReplaceAddress(&map_, reinterpret_cast<void*>(tensor_ + 256)), CUDA_SUCCESS);
  ASSERT_EQ(launch("tile_2d", 128, {5, 2}), CUDA_SUCCESS);
  const auto found = words<std::uint32_t>(out_);
  const auto tensor = words<std::uint32_t>(tensor_);
  for (std::size_t i = 0; i < 32; ++i) EXPECT_EQ(found[i], tensor[(3 + i / 8) * 64 + 5 + i % 8]) << i;
  EXPECT_EQ(cuTensorMapReplaceAddress(&map_, reinterpret_cast<void*>(tensor_ + 8)), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(cuTensorMapReplaceAddress(nullptr, reinterpret_cast<void*>(tensor_)), CUDA_ERROR_INVALID_VALUE);
  std::memset(&map_, 0x5a, sizeof map_);
  EXPECT_EQ(cuTensorMapReplaceAddress(&map_, reinterpret_cast<void*>(tensor_)), CUDA_ERROR_INVALID_VALUE);
}

TEST_F(TensorMaps, PixelsBecomeColumns) {
  // A filter of 3 x 3 at (1, 2), padding of 1: filters begin from -1 to 7 along W, to 5 along H.
  im2col_.upper = {-1, -1, 0};
  ASSERT_EQ(im2col_.encode(), CUDA_SUCCESS);
  ASSERT_EQ(launch("im2col_4d", 1024, {0, 5, 4, 1}), CUDA_SUCCESS);
  const auto found = words<std::uint16_t>(out_);
  int w = 5, h = 4, n = 1;
  for (std::size_t p = 0; p < 64; ++p) {
    for (int c = 0; c < 8; ++c)
      EXPECT_EQ(found[p * 8 + static_cast<std::size_t>(c)], pixel(c, w + 1, h + 2, n)) << p;
    if (++w <= 7) continue;
    w = -1;
    if (++h <= 5) continue;
    h = -1;
    ++n;
  }
}

TEST_F(TensorMaps, ColumnsHaveSteps) {
  im2col_.steps = {1, 3, 2, 1, 1};
  ASSERT_EQ(im2col_.encode(), CUDA_SUCCESS);
  ASSERT_EQ(launch("im2col_4d", 1024, {0, 2, 1, 2}), CUDA_SUCCESS);
  const auto found = words<std::uint16_t>(out_);
  int w = 2, h = 1, n = 2;
  for (std::size_t p = 0; p < 64; ++p) {
    EXPECT_EQ(found[p * 8], pixel(0, w + 1, h + 2, n)) << p;
    if ((w += 3) <= 7) continue;
    w = -1;
    if ((h += 2) <= 5) continue;
    h = -1;
    ++n;
  }
}

TEST_F(TensorMaps, ColumnsOfThreeDimensions) {
  im2col_.rank = 3;  // C, W, N
  im2col_.sizes = {8, 9, 28, 1, 1};
  im2col_.lower = im2col_.upper = {0, 0, 0};
  im2col_.pixels = 20;
  ASSERT_EQ(im2col_.encode(), CUDA_SUCCESS);
  ASSERT_EQ(launch("im2col_3d", 320, {0, 7, 26}), CUDA_SUCCESS);
  const auto found = words<std::uint16_t>(out_);
  for (std::size_t p = 0; p < 20; ++p)
    EXPECT_EQ(found[p * 8], 26 * 9 + 7 + p < 252 ? halves_[(26 * 9 + 7 + p) * 8] : 0) << p;
}

TEST_F(TensorMaps, ColumnsAlongW) {
  im2col_.sizes = {32, 5, 2, 4, 1};
  im2col_.strides = {64, 320, 640, 4096};
  im2col_.channels = 32;
  im2col_.pixels = 16;
  im2col_.swizzle = CU_TENSOR_MAP_SWIZZLE_64B;
  ASSERT_EQ(im2col_.encode_wide(-1, -1), CUDA_SUCCESS);
  ASSERT_EQ(launch("im2col_w", 1024, {0, 2, 1, 1}), CUDA_SUCCESS);
  const auto found = words<std::uint16_t>(out_);
  int w = 2, n = 1;
  for (std::size_t p = 0; p < 16; ++p) {
    const int from = w + 1;
    const bool inside = from >= 0 && from < 5 && n < 4;
    const std::size_t first = inside ? static_cast<std::size_t>(((n * 2 + 1) * 5 + from) * 32) : 0;
    for (std::size_t c = 0; c < 32; ++c) {
      const std::size_t byte = p * 64 + c * 2, place = byte ^ (byte >> 7 & 3) << 4;
      EXPECT_EQ(found[place / 2], inside ? halves_[first + c] : 0) << p << ' ' << c;
    }
    if (++w <= 3) continue;
    w = -1;
    ++n;
  }
}

TEST_F(TensorMaps, ColumnsAreStored) {
  im2col_.lower = {1, 1, 0};  // H, W
  im2col_.upper = {-2, -1, 0};
  im2col_.pixels = 24;
  ASSERT_EQ(im2col_.encode(), CUDA_SUCCESS);
  ASSERT_EQ(launch("store_im2col", 0, {0, 6, 3, 0}), CUDA_SUCCESS);
  const auto found = words<std::uint16_t>(tensor_);
  auto expected = halves_;
  int w = 6, h = 3, n = 0;
  for (std::size_t p = 0; p < 24; ++p) {
    for (std::size_t c = 0; c < 8; ++c)
      expected[static_cast<std::size_t>(((n * 7 + h) * 9 + w) * 8) + c] =
          static_cast<std::uint16_t>(c % 2 == 0 ? p * 4 + c / 2 : 0);
    if (++w <= 7) continue;
    w = 1;
    if (++h <= 4) continue;
    h = 1;
    ++n;
  }
  EXPECT_EQ(std::vector<std::uint16_t>(expected.begin(), expected.end()), found);
}

TEST_F(TensorMaps, ATensorIsAddedTo) {
  ASSERT_EQ(tiled_.encode(), CUDA_SUCCESS);
  const auto before = words<std::uint32_t>(tensor_);
  ASSERT_EQ(launch("add_tile", 0, {60, 14}), CUDA_SUCCESS);
  const auto after = words<std::uint32_t>(tensor_);
  for (std::size_t i = 0; i < before.size(); ++i) {
    const std::size_t x = i % 64, y = i / 64;
    const bool in_box = x >= 60 && y >= 14;
    EXPECT_EQ(after[i], before[i] + (in_box ? static_cast<std::uint32_t>((y - 14) * 8 + x - 60) : 0)) << i;
  }
}

TEST_F(TensorMaps, ABoxBeyondItsAllocationEndsTheLaunch) {
  tiled_.sizes = {64, 64, 1, 1, 1};  // of which a quarter is allocated
  ASSERT_EQ(tiled_.encode(), CUDA_SUCCESS);
  EXPECT_EQ(launch("tile_2d", 128, {0, 14}), CUDA_ERROR_ILLEGAL_ADDRESS);
}

TEST_F(TensorMaps, WhatIsNoMapEndsTheLaunch) {
  std::memset(&map_, 0x5a, sizeof map_);
  EXPECT_EQ(launch("tile_2d", 128, {0, 0}), CUDA_ERROR_ILLEGAL_INSTRUCTION);
}

TEST_F(TensorMaps, AMapOfAnotherModeEndsTheLaunch) {
  ASSERT_EQ(im2col_.encode(), CUDA_SUCCESS);
  EXPECT_EQ(launch("tile_2d", 128, {0, 0}), CUDA_ERROR_ILLEGAL_INSTRUCTION);
}

TEST_F(TensorMaps, AFilterOutsideOfTheBoundingBoxEndsTheLaunch) {
  ASSERT_EQ(im2col_.encode(), CUDA_SUCCESS);
  EXPECT_EQ(launch("im2col_4d", 1024, {0, 8, 0, 0}), CUDA_ERROR_ILLEGAL_INSTRUCTION);
}

TEST_F(TensorMaps, HalosAreRefused) {
  im2col_.channels = 8;
  im2col_.swizzle = CU_TENSOR_MAP_SWIZZLE_64B;
  ASSERT_EQ(im2col_.encode_wide(-1, -1), CUDA_SUCCESS);
  EXPECT_EQ(launch("im2col_w_halo", 1024, {0, 0, 0, 0}), CUDA_ERROR_ILLEGAL_INSTRUCTION);
}

}  // namespace
