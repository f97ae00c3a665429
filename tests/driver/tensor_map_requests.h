// SPDX-License-Identifier: Apache-2.0
// What the tests ask of the functions that make tensor maps, and may change before they do.
#pragma once

#include <doppel/cuda.h>

#include <array>

extern "C" {
CUresult cuTensorMapEncodeTiled(CUtensorMap* map, CUtensorMapDataType type, cuuint32_t rank, void* address,
                                const cuuint64_t* sizes, const cuuint64_t* strides, const cuuint32_t* box,
                                const cuuint32_t* element_strides, CUtensorMapInterleave interleave,
                                CUtensorMapSwizzle swizzle, CUtensorMapL2promotion promotion,
                                CUtensorMapFloatOOBfill fill);
CUresult cuTensorMapEncodeIm2col(CUtensorMap* map, CUtensorMapDataType type, cuuint32_t rank, void* address,
                                 const cuuint64_t* sizes, const cuuint64_t* strides, const int* lower,
                                 const int* upper, cuuint32_t channels, cuuint32_t pixels,
                                 const cuuint32_t* element_strides, CUtensorMapInterleave interleave,
                                 CUtensorMapSwizzle swizzle, CUtensorMapL2promotion promotion,
                                 CUtensorMapFloatOOBfill fill);
CUresult cuTensorMapEncodeIm2colWide(CUtensorMap* map, CUtensorMapDataType type, cuuint32_t rank,
                                     void* address, const cuuint64_t* sizes, const cuuint64_t* strides,
                                     int lower, int upper, cuuint32_t channels, cuuint32_t pixels,
                                     const cuuint32_t* element_strides, CUtensorMapInterleave interleave,
                                     CUtensorMapIm2ColWideMode mode, CUtensorMapSwizzle swizzle,
                                     CUtensorMapL2promotion promotion, CUtensorMapFloatOOBfill fill);
CUresult cuTensorMapReplaceAddress(CUtensorMap* map, void* address);
}

// 64 by 16 words, a box of 8 by 4.
struct Tiled {
  CUtensorMap* map = nullptr;
  CUtensorMapDataType type = CU_TENSOR_MAP_DATA_TYPE_UINT32;
  cuuint32_t rank = 2;
  CUdeviceptr address = 0;
  std::array<cuuint64_t, 5> sizes{64, 16, 1, 1, 1};
  std::array<cuuint64_t, 4> strides{256, 4096, 4096, 4096};
  std::array<cuuint32_t, 5> box{8, 4, 1, 1, 1};
  std::array<cuuint32_t, 5> steps{1, 1, 1, 1, 1};
  CUtensorMapInterleave interleave = CU_TENSOR_MAP_INTERLEAVE_NONE;
  CUtensorMapSwizzle swizzle = CU_TENSOR_MAP_SWIZZLE_NONE;
  CUtensorMapL2promotion promotion = CU_TENSOR_MAP_L2_PROMOTION_NONE;
  CUtensorMapFloatOOBfill fill = CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE;

  CUresult encode() {
    return cuTensorMapEncodeTiled(map, type, rank, reinterpret_cast<void*>(address), sizes.data(),
                                  strides.data(), box.data(), steps.data(), interleave, swizzle, promotion,
                                  fill);
  }
};

// 16-bit channels of pixels: C 8, W, H, N.
struct Im2col {
  CUtensorMap* map = nullptr;
  cuuint32_t rank = 4;
  CUdeviceptr address = 0;
  std::array<cuuint64_t, 5> sizes{8, 9, 7, 4, 1};
  std::array<cuuint64_t, 4> strides{16, 16 * 9, 16 * 9 * 7, 4096};
  std::array<int, 3> lower{-1, -1, 0}, upper{-1, -1, 0};
  cuuint32_t channels = 8, pixels = 64;
  std::array<cuuint32_t, 5> steps{1, 1, 1, 1, 1};
  CUtensorMapSwizzle swizzle = CU_TENSOR_MAP_SWIZZLE_NONE;

  CUresult encode() {
    return cuTensorMapEncodeIm2col(map, CU_TENSOR_MAP_DATA_TYPE_UINT16, rank,
                                   reinterpret_cast<void*>(address), sizes.data(), strides.data(),
                                   lower.data(), upper.data(), channels, pixels, steps.data(),
                                   CU_TENSOR_MAP_INTERLEAVE_NONE, swizzle, CU_TENSOR_MAP_L2_PROMOTION_NONE,
                                   CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE);
  }
  CUresult encode_wide(int low, int high, CUtensorMapIm2ColWideMode mode = CU_TENSOR_MAP_IM2COL_WIDE_MODE_W) {
    return cuTensorMapEncodeIm2colWide(
        map, CU_TENSOR_MAP_DATA_TYPE_UINT16, rank, reinterpret_cast<void*>(address), sizes.data(),
        strides.data(), low, high, channels, pixels, steps.data(), CU_TENSOR_MAP_INTERLEAVE_NONE, mode,
        swizzle, CU_TENSOR_MAP_L2_PROMOTION_NONE, CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE);
  }
};
