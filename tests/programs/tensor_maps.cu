// SPDX-License-Identifier: Apache-2.0
// A tile goes to shared memory and back by tensor maps, swizzled within 128 bytes; where a card has none, the
// driver says so.
#include <cuda.h>

#include <cstdint>
#include <vector>

#include "expect.h"

namespace {

constexpr int kColumns = 200, kRows = 70, kTileColumns = 64, kTileRows = 32;  // of 2 bytes

#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 900
__device__ std::uint32_t shared_address(const void* at) {
  return static_cast<std::uint32_t>(__cvta_generic_to_shared(at));
}
#endif

// Each tile with 1 added to all of its elements; `swizzled` counts those that are not where the pattern has
// them.
__global__ void add_one(const __grid_constant__ CUtensorMap from, const __grid_constant__ CUtensorMap to,
                        int* misplaced) {
#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 900
  __shared__ alignas(1024) std::uint16_t tile[kTileRows * kTileColumns];
  __shared__ alignas(8) std::uint64_t barrier;
  const int x = static_cast<int>(blockIdx.x) * kTileColumns, y = static_cast<int>(blockIdx.y) * kTileRows;
  if (threadIdx.x == 0) {
    asm volatile("prefetch.tensormap [%0];" ::"l"(&from) : "memory");
    asm volatile("mbarrier.init.shared::cta.b64 [%0], 1;" ::"r"(shared_address(&barrier)) : "memory");
    asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
  }
  __syncthreads();
  if (threadIdx.x == 0) {
    asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(shared_address(&barrier)),
                 "r"(static_cast<unsigned>(sizeof tile))
                 : "memory");
    asm volatile(
        "cp.async.bulk.tensor.2d.shared::cta.global.tile.mbarrier::complete_tx::bytes [%0], [%1, {%2, %3}], "
        "[%4];" ::"r"(shared_address(tile)),
        "l"(&from), "r"(x), "r"(y), "r"(shared_address(&barrier))
        : "memory");
  }
  std::uint32_t done = 0;
  while (done == 0) {
    asm volatile(
        "{ .reg .pred p; mbarrier.try_wait.parity.shared::cta.b64 p, [%1], 0; selp.b32 %0, 1, 0, p; }"
        : "=r"(done)
        : "r"(shared_address(&barrier))
        : "memory");
  }
  for (int i = static_cast<int>(threadIdx.x); i < kTileRows * kTileColumns;
       i += static_cast<int>(blockDim.x)) {
    const int row = i / kTileColumns, column = i % kTileColumns;
    const int place = row * kTileColumns + ((column / 8 ^ row % 8) * 8 + column % 8);
    const bool inside = x + column < kColumns && y + row < kRows;
    const int expected = inside ? (y + row) * kColumns + x + column : 0;
    if (tile[place] != expected) atomicAdd(misplaced, 1);
    tile[place] = static_cast<std::uint16_t>(tile[place] + 1);
  }
  asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
  __syncthreads();
  if (threadIdx.x == 0) {
    asm volatile(
        "cp.async.bulk.tensor.2d.global.shared::cta.tile.bulk_group [%0, {%1, %2}], [%3];" ::"l"(&to), "r"(x),
        "r"(y), "r"(shared_address(tile))
        : "memory");
    asm volatile("cp.async.bulk.commit_group;\n cp.async.bulk.wait_group 0;" ::: "memory");
  }
#endif
}

using Encode = decltype(&cuTensorMapEncodeTiled);

CUresult encode(Encode function, CUtensorMap* map, void* address) {
  const cuuint64_t sizes[] = {kColumns, kRows}, strides[] = {kColumns * 2};
  const cuuint32_t box[] = {kTileColumns, kTileRows}, steps[] = {1, 1};
  return function(map, CU_TENSOR_MAP_DATA_TYPE_UINT16, 2, address, sizes, strides, box, steps,
                  CU_TENSOR_MAP_INTERLEAVE_NONE, CU_TENSOR_MAP_SWIZZLE_128B,
                  CU_TENSOR_MAP_L2_PROMOTION_L2_128B, CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE);
}

}  // namespace

int main() {
  void* found = nullptr;
  cudaDriverEntryPointQueryResult answer{};
  check(cudaGetDriverEntryPointByVersion("cuTensorMapEncodeTiled", &found, 12000, cudaEnableDefault, &answer),
        "cudaGetDriverEntryPointByVersion");
  expect(found != nullptr, "cuTensorMapEncodeTiled is found");
  const auto function = reinterpret_cast<Encode>(found);

  std::vector<std::uint16_t> values(kColumns * kRows), result(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<std::uint16_t>(i);
  std::uint16_t *from = nullptr, *to = nullptr;
  int* misplaced = nullptr;
  check(cudaMalloc(&from, values.size() * 2), "cudaMalloc");
  check(cudaMalloc(&to, values.size() * 2), "cudaMalloc");
  check(cudaMalloc(&misplaced, sizeof(int)), "cudaMalloc");
  check(cudaMemcpy(from, values.data(), values.size() * 2, cudaMemcpyHostToDevice), "cudaMemcpy");
  check(cudaMemset(to, 0, values.size() * 2), "cudaMemset");
  check(cudaMemset(misplaced, 0, sizeof(int)), "cudaMemset");

  CUtensorMap source, target;
  cudaDeviceProp card{};
  check(cudaGetDeviceProperties(&card, 0), "cudaGetDeviceProperties");
  if (card.major < 9) {
    expect(encode(function, &source, from) == CUDA_ERROR_NOT_SUPPORTED, "the card has no tensor maps");
    return verdict();
  }
  expect(encode(function, &source, from) == CUDA_SUCCESS, "a map of the source");
  expect(encode(function, &target, to) == CUDA_SUCCESS, "a map of the target");
  const dim3 grid((kColumns + kTileColumns - 1) / kTileColumns, (kRows + kTileRows - 1) / kTileRows);
  add_one<<<grid, 128>>>(source, target, misplaced);
  check(cudaGetLastError(), "cudaGetLastError");
  check(cudaMemcpy(result.data(), to, result.size() * 2, cudaMemcpyDeviceToHost), "cudaMemcpy");
  int wrong = 0;
  check(cudaMemcpy(&wrong, misplaced, sizeof wrong, cudaMemcpyDeviceToHost), "cudaMemcpy");
  expect(wrong == 0, "every element where the pattern has it");
  for (std::size_t i = 0; i < result.size(); ++i)
    expect(result[i] == static_cast<std::uint16_t>(i + 1), "one more");
  return verdict();
}
