// SPDX-License-Identifier: Apache-2.0
// What our CUDA C++ kernels need of the language when clang compiles them alone to PTX, with no toolkit:
// the qualifiers, the built-in indices, barriers and the hardware's fast functions.
#pragma once

#define __global__ __attribute__((global))
#define __device__ __attribute__((device))
#define __shared__ __attribute__((shared))
#define __constant__ __attribute__((constant))
#define __launch_bounds__(threads) __attribute__((launch_bounds(threads)))

namespace doppel_device {

struct ThreadX {
  __device__ operator unsigned() const { return __nvvm_read_ptx_sreg_tid_x(); }
};
struct ThreadY {
  __device__ operator unsigned() const { return __nvvm_read_ptx_sreg_tid_y(); }
};
struct BlockX {
  __device__ operator unsigned() const { return __nvvm_read_ptx_sreg_ctaid_x(); }
};
struct BlockY {
  __device__ operator unsigned() const { return __nvvm_read_ptx_sreg_ctaid_y(); }
};
struct BlockWidth {
  __device__ operator unsigned() const { return __nvvm_read_ptx_sreg_ntid_x(); }
};
struct BlockHeight {
  __device__ operator unsigned() const { return __nvvm_read_ptx_sreg_ntid_y(); }
};
struct GridWidth {
  __device__ operator unsigned() const { return __nvvm_read_ptx_sreg_nctaid_x(); }
};
struct GridHeight {
  __device__ operator unsigned() const { return __nvvm_read_ptx_sreg_nctaid_y(); }
};

struct ThreadIndex {
  ThreadX x;
  ThreadY y;
};
struct BlockIndex {
  BlockX x;
  BlockY y;
};
struct BlockSize {
  BlockWidth x;
  BlockHeight y;
};
struct GridSize {
  GridWidth x;
  GridHeight y;
};

}  // namespace doppel_device

#define threadIdx (doppel_device::ThreadIndex{})
#define blockIdx (doppel_device::BlockIndex{})
#define blockDim (doppel_device::BlockSize{})
#define gridDim (doppel_device::GridSize{})

// Packed halves and the vectors that load in one access.
typedef _Float16 half2 __attribute__((ext_vector_type(2)));
typedef float float4 __attribute__((ext_vector_type(4)));

constexpr unsigned kWarpSize = 32;
constexpr unsigned kAllLanes = 0xffffffffU;

__device__ inline float fast_exp2(float x) { return __nvvm_ex2_approx_f(x); }
__device__ inline float fast_log2(float x) { return __nvvm_lg2_approx_f(x); }
__device__ inline float fast_rsqrt(float x) { return __nvvm_rsqrt_approx_f(x); }
__device__ inline float fast_divide(float x, float y) { return __nvvm_div_approx_f(x, y); }

// The value of x in the lane `distance` above; lanes without one keep their own.
__device__ inline float shuffle_down(float x, unsigned distance) {
  return __nvvm_shfl_sync_down_f32(kAllLanes, x, distance, kWarpSize - 1);
}
