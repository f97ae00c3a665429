// Cooperative groups: a barrier over the whole grid, tiles of a warp, and the launch that asks for it.
#include <cooperative_groups.h>

#include <vector>

#include "expect.h"

namespace cg = cooperative_groups;

__global__ void ping_pong(int* from, int* to, int n, int rounds) {
  const cg::grid_group grid = cg::this_grid();
  for (int round = 0; round < rounds; ++round) {
    for (unsigned i = grid.thread_rank(); i < n; i += grid.size()) to[i] = from[(i + 1) % n] + 1;
    grid.sync();
    int* const other = from;
    from = to;
    to = other;
  }
}

__global__ void sum_tiles(const int* in, int* out) {
  const cg::thread_block block = cg::this_thread_block();
  const cg::thread_block_tile<8> tile = cg::tiled_partition<8>(block);
  int value = in[block.thread_rank()];
  for (int distance = tile.size() / 2; distance > 0; distance /= 2) value += tile.shfl_down(value, distance);
  if (tile.thread_rank() == 0) out[block.thread_rank() / 8] = value;
}

int main() {
  int n = 10000, rounds = 10, blocks_per_sm = 0;
  cudaDeviceProp properties;
  check(cudaGetDeviceProperties(&properties, 0), "cudaGetDeviceProperties");
  expect(properties.cooperativeLaunch == 1, "the card can launch cooperatively");
  check(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&blocks_per_sm, ping_pong, 128, 0), "occupancy");
  expect(blocks_per_sm >= 1, "a block fits");
  std::vector<int> host(n);
  for (int i = 0; i < n; ++i) host[i] = i * 3;
  int *first, *second;
  check(cudaMalloc(&first, n * sizeof(int)), "cudaMalloc");
  check(cudaMalloc(&second, n * sizeof(int)), "cudaMalloc");
  check(cudaMemcpy(first, host.data(), n * sizeof(int), cudaMemcpyHostToDevice), "cudaMemcpy");
  void* arguments[] = {&first, &second, &n, &rounds};
  const dim3 grid(properties.multiProcessorCount);
  check(cudaLaunchCooperativeKernel(ping_pong, grid, dim3(128), arguments, 0, nullptr),
        "cudaLaunchCooperativeKernel");
  std::vector<int> result(n);
  check(cudaMemcpy(result.data(), first, n * sizeof(int), cudaMemcpyDeviceToHost), "cudaMemcpy");
  for (int i = 0; i < n; ++i)
    expect(result[i] == host[(i + rounds) % n] + rounds, "each round sees the one before");
  const dim3 too_many(properties.multiProcessorCount * (blocks_per_sm + 1));
  expect(cudaLaunchCooperativeKernel(ping_pong, too_many, dim3(128), arguments, 0, nullptr) ==
             cudaErrorCooperativeLaunchTooLarge,
         "more blocks than fit at once are refused");
  cudaGetLastError();

  sum_tiles<<<1, 64>>>(first, second);
  check(cudaMemcpy(host.data(), second, 8 * sizeof(int), cudaMemcpyDeviceToHost), "sum_tiles");
  for (int tile = 0; tile < 8; ++tile) {
    int sum = 0;
    for (int i = 0; i < 8; ++i) sum += result[tile * 8 + i];
    expect(host[tile] == sum, "tiles of eight threads");
  }
  return verdict();
}
