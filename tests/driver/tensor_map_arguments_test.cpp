// SPDX-License-Identifier: Apache-2.0
// Arguments of which no tensor map is made: what the manual of the interface says of each.
#include <gtest/gtest.h>

#include <functional>

#include "tensor_map_requests.h"

namespace {

class TensorMapArguments : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(cuInit(0), CUDA_SUCCESS);
    ASSERT_EQ(cuCtxCreate(&context_, 0, 0), CUDA_SUCCESS);
    ASSERT_EQ(cuMemAlloc(&tensor_, 4096), CUDA_SUCCESS);
    tiled_.map = im2col_.map = &map_;
    tiled_.address = im2col_.address = tensor_;
  }
  void TearDown() override { EXPECT_EQ(cuCtxDestroy(context_), CUDA_SUCCESS); }

  CUcontext context_ = nullptr;
  CUdeviceptr tensor_ = 0;
  CUtensorMap map_{};
  Tiled tiled_;
  Im2col im2col_;
};

TEST_F(TensorMapArguments, WrongTiledArgumentsAreRefused) {
  struct Case {
    const char* what;
    std::function<void(Tiled&)> change;
    CUresult answer = CUDA_ERROR_INVALID_VALUE;
  };
  const auto kinds = [](CUtensorMapDataType type, Tiled& t) {
    t.type = type;
    t.sizes[0] = t.box[0] = 128;
  };
  const Case cases[] = {
      {"as it is", [](Tiled&) {}, CUDA_SUCCESS},
      {"no map", [](Tiled& t) { t.map = nullptr; }},
      {"a map's address",
       [](Tiled& t) { t.map = reinterpret_cast<CUtensorMap*>(reinterpret_cast<char*>(t.map) + 32); }},
      {"a type", [](Tiled& t) { t.type = static_cast<CUtensorMapDataType>(16); }},
      {"no dimension", [](Tiled& t) { t.rank = 0; }},
      {"six dimensions", [](Tiled& t) { t.rank = 6; }},
      {"no address", [](Tiled& t) { t.address = 0; }},
      {"an address", [](Tiled& t) { t.address += 8; }},
      {"size 0", [](Tiled& t) { t.sizes[1] = 0; }},
      {"the largest size", [](Tiled& t) { t.sizes[1] = cuuint64_t{1} << 32; }, CUDA_SUCCESS},
      {"a size", [](Tiled& t) { t.sizes[1] = (cuuint64_t{1} << 32) + 1; }},
      {"a stride", [](Tiled& t) { t.strides[0] = 264; }},
      {"the largest stride", [](Tiled& t) { t.strides[0] = (cuuint64_t{1} << 40) - 16; }, CUDA_SUCCESS},
      {"too large a stride", [](Tiled& t) { t.strides[0] = cuuint64_t{1} << 40; }},
      {"an empty box", [](Tiled& t) { t.box[1] = 0; }},
      {"the largest box", [](Tiled& t) { t.box[1] = 256; }, CUDA_SUCCESS},
      {"a box", [](Tiled& t) { t.box[1] = 257; }},
      {"a box's row", [](Tiled& t) { t.box[0] = 6; }},
      {"step 0", [](Tiled& t) { t.steps[1] = 0; }},
      {"the largest step", [](Tiled& t) { t.steps[1] = 8; }, CUDA_SUCCESS},
      {"a step", [](Tiled& t) { t.steps[1] = 9; }},
      {"a step of dimension 0, which does not count", [](Tiled& t) { t.steps[0] = 9; }, CUDA_SUCCESS},
      {"an interleave", [](Tiled& t) { t.interleave = static_cast<CUtensorMapInterleave>(3); }},
      {"an interleave of two dimensions", [](Tiled& t) { t.interleave = CU_TENSOR_MAP_INTERLEAVE_16B; }},
      {"an interleave that stands in no text",
       [](Tiled& t) {
         t.rank = 3;
         t.interleave = CU_TENSOR_MAP_INTERLEAVE_16B;
       },
       CUDA_ERROR_NOT_SUPPORTED},
      {"an interleave with its swizzle",
       [](Tiled& t) {
         t.rank = 3;
         t.interleave = CU_TENSOR_MAP_INTERLEAVE_32B;
         t.swizzle = CU_TENSOR_MAP_SWIZZLE_64B;
       }},
      {"a swizzle", [](Tiled& t) { t.swizzle = static_cast<CUtensorMapSwizzle>(7); }},
      {"32 bytes in 32", [](Tiled& t) { t.swizzle = CU_TENSOR_MAP_SWIZZLE_32B; }, CUDA_SUCCESS},
      {"48 bytes in 32",
       [](Tiled& t) {
         t.box[0] = 12;
         t.swizzle = CU_TENSOR_MAP_SWIZZLE_32B;
       }},
      {"80 bytes in 64",
       [](Tiled& t) {
         t.box[0] = 20;
         t.swizzle = CU_TENSOR_MAP_SWIZZLE_64B;
       }},
      {"144 bytes in 128",
       [](Tiled& t) {
         t.box[0] = 36;
         t.swizzle = CU_TENSOR_MAP_SWIZZLE_128B_ATOM_64B;
       }},
      {"a promotion", [](Tiled& t) { t.promotion = static_cast<CUtensorMapL2promotion>(4); }},
      {"a fill", [](Tiled& t) { t.fill = static_cast<CUtensorMapFloatOOBfill>(2); }},
      {"NaN of whole numbers", [](Tiled& t) { t.fill = CU_TENSOR_MAP_FLOAT_OOB_FILL_NAN_REQUEST_ZERO_FMA; }},
      {"NaN of floats",
       [](Tiled& t) {
         t.type = CU_TENSOR_MAP_DATA_TYPE_TFLOAT32_FTZ;
         t.fill = CU_TENSOR_MAP_FLOAT_OOB_FILL_NAN_REQUEST_ZERO_FMA;
       },
       CUDA_SUCCESS},
      {"4 bits", [&](Tiled& t) { kinds(CU_TENSOR_MAP_DATA_TYPE_16U4_ALIGN8B, t); }, CUDA_SUCCESS},
      {"4 bits, an odd number",
       [&](Tiled& t) {
         kinds(CU_TENSOR_MAP_DATA_TYPE_16U4_ALIGN8B, t);
         t.sizes[0] = 129;
       }},
      {"4 bits with gaps", [&](Tiled& t) { kinds(CU_TENSOR_MAP_DATA_TYPE_16U4_ALIGN16B, t); }, CUDA_SUCCESS},
      {"4 bits with gaps, a box",
       [&](Tiled& t) {
         kinds(CU_TENSOR_MAP_DATA_TYPE_16U4_ALIGN16B, t);
         t.box[0] = 64;
       }},
      {"4 bits with gaps, a size",
       [&](Tiled& t) {
         kinds(CU_TENSOR_MAP_DATA_TYPE_16U4_ALIGN16B, t);
         t.sizes[0] = 192;
       }},
      {"4 bits with gaps, a stride",
       [&](Tiled& t) {
         kinds(CU_TENSOR_MAP_DATA_TYPE_16U4_ALIGN16B, t);
         t.strides[0] = 144;
       }},
      {"4 bits with gaps, an address",
       [&](Tiled& t) {
         kinds(CU_TENSOR_MAP_DATA_TYPE_16U4_ALIGN16B, t);
         t.address += 16;
       }},
      {"4 bits with gaps, a swizzle",
       [&](Tiled& t) {
         kinds(CU_TENSOR_MAP_DATA_TYPE_16U4_ALIGN16B, t);
         t.swizzle = CU_TENSOR_MAP_SWIZZLE_128B_ATOM_64B;
       }},
      {"6 bits", [&](Tiled& t) { kinds(CU_TENSOR_MAP_DATA_TYPE_16U6_ALIGN16B, t); }, CUDA_SUCCESS},
      {"6 bits, flipped",
       [&](Tiled& t) {
         kinds(CU_TENSOR_MAP_DATA_TYPE_16U6_ALIGN16B, t);
         t.swizzle = CU_TENSOR_MAP_SWIZZLE_128B_ATOM_32B_FLIP_8B;
       }},
  };
  for (const Case& each : cases) {
    Tiled asked = tiled_;
    each.change(asked);
    EXPECT_EQ(asked.encode(), each.answer) << each.what;
  }
  Tiled asked = tiled_;
  EXPECT_EQ(cuTensorMapEncodeTiled(&map_, asked.type, 2, reinterpret_cast<void*>(tensor_), nullptr,
                                   asked.strides.data(), asked.box.data(), asked.steps.data(),
                                   asked.interleave, asked.swizzle, asked.promotion, asked.fill),
            CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(cuTensorMapEncodeTiled(&map_, asked.type, 1, reinterpret_cast<void*>(tensor_), asked.sizes.data(),
                                   nullptr, asked.box.data(), asked.steps.data(), asked.interleave,
                                   asked.swizzle, asked.promotion, asked.fill),
            CUDA_SUCCESS);
}

TEST_F(TensorMapArguments, WrongArgumentsOfColumnsAreRefused) {
  struct Case {
    const char* what;
    std::function<void(Im2col&)> change;
    CUresult answer = CUDA_ERROR_INVALID_VALUE;
  };
  const Case cases[] = {
      {"as it is", [](Im2col&) {}, CUDA_SUCCESS},
      {"two dimensions", [](Im2col& t) { t.rank = 2; }},
      {"a corner", [](Im2col& t) { t.lower[0] = -129; }},
      {"the other corner", [](Im2col& t) { t.upper[1] = 128; }},
      {"a corner of five dimensions",
       [](Im2col& t) {
         t.rank = 5;
         t.lower = {0, 0, -17};
         t.upper = {0, 0, 0};
       }},
      {"no pixel in the bounding box", [](Im2col& t) { t.upper[1] = -11; }},
      {"no channels", [](Im2col& t) { t.channels = 0; }},
      {"channels", [](Im2col& t) { t.channels = 264; }},
      {"no pixels", [](Im2col& t) { t.pixels = 0; }},
      {"the most pixels", [](Im2col& t) { t.pixels = 1024; }, CUDA_SUCCESS},
      {"pixels", [](Im2col& t) { t.pixels = 1025; }},
      {"a row", [](Im2col& t) { t.channels = 6; }},
      {"a step", [](Im2col& t) { t.steps[2] = 9; }},
      {"a swizzled row",
       [](Im2col& t) {
         t.channels = 24;
         t.swizzle = CU_TENSOR_MAP_SWIZZLE_32B;
       }},
  };
  for (const Case& each : cases) {
    Im2col asked = im2col_;
    each.change(asked);
    EXPECT_EQ(asked.encode(), each.answer) << each.what;
  }
  Im2col wide = im2col_;
  EXPECT_EQ(wide.encode_wide(0, 0), CUDA_ERROR_INVALID_VALUE) << "without a swizzle";
  wide.swizzle = CU_TENSOR_MAP_SWIZZLE_128B;
  EXPECT_EQ(wide.encode_wide(-32768, 32767), CUDA_SUCCESS);
  EXPECT_EQ(wide.encode_wide(-32769, 0), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(wide.encode_wide(0, 0, static_cast<CUtensorMapIm2ColWideMode>(2)), CUDA_ERROR_INVALID_VALUE);
  wide.pixels = 0;  // which does not count
  EXPECT_EQ(wide.encode_wide(0, 0, CU_TENSOR_MAP_IM2COL_WIDE_MODE_W128), CUDA_SUCCESS);
}

}  // namespace
