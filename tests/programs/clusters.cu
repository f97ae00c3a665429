// SPDX-License-Identifier: Apache-2.0
// Thread block clusters: their shared memory and barrier, by cooperative groups and by instructions of their
// own, and what a card without them answers.
#include <cooperative_groups.h>

#include <cstdint>
#include <vector>

#include "expect.h"

namespace cg = cooperative_groups;

#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 900
#define CLUSTERS 1
#define IN_CLUSTERS_OF_FOUR __cluster_dims__(2, 2, 1)
#else
#define IN_CLUSTERS_OF_FOUR
#endif

constexpr int kThreads = 128;

// Each block counts a part of the bins in its shared memory, for all blocks of the cluster.
constexpr int kBins = 256;
__global__ void histogram(const int* values, int count, int* bins) {
#ifdef CLUSTERS
  extern __shared__ int part[];
  cg::cluster_group cluster = cg::this_cluster();
  const int blocks = cluster.num_blocks(), own = kBins / blocks;
  for (int i = threadIdx.x; i < own; i += blockDim.x) part[i] = 0;
  cluster.sync();
  for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < count; i += gridDim.x * blockDim.x) {
    const int bin = values[i];
    atomicAdd(cluster.map_shared_rank(part, bin / own) + bin % own, 1);
  }
  cluster.sync();
  for (int i = threadIdx.x; i < own; i += blockDim.x)
    atomicAdd(&bins[cluster.block_rank() * own + i], part[i]);
#endif
}

// Where each block is, along both axes.
__global__ void IN_CLUSTERS_OF_FOUR places(int4* out) {
#ifdef CLUSTERS
  cg::cluster_group cluster = cg::this_cluster();
  if (threadIdx.x != 0) return;
  const dim3 in = cluster.block_index();
  unsigned x, y, n;
  asm("mov.u32 %0, %%clusterid.x;" : "=r"(x));
  asm("mov.u32 %0, %%clusterid.y;" : "=r"(y));
  asm("mov.u32 %0, %%nclusterid.x;" : "=r"(n));
  out[blockIdx.y * gridDim.x + blockIdx.x] =
      make_int4(cluster.block_rank(), in.x + 10 * in.y, x + 10 * y + 100 * n, cluster.num_blocks());
#endif
}

// Half of the threads, and in one block a whole warp, leave before the barrier.
__global__ void leaves_early(int* out) {
#ifdef CLUSTERS
  __shared__ int value;
  cg::cluster_group cluster = cg::this_cluster();
  if (threadIdx.x % 2 == 1 || (cluster.block_rank() == 1 && threadIdx.x >= 32)) return;
  if (threadIdx.x == 0) value = 100 + cluster.block_rank();
  cluster.sync();
  if (threadIdx.x == 0) {
    const unsigned next = (cluster.block_rank() + 1) % cluster.num_blocks();
    out[blockIdx.x] = *cluster.map_shared_rank(&value, next);
  }
  cluster.sync();
#endif
}

#ifdef CLUSTERS
__device__ unsigned in_shared(const void* pointer) {
  return static_cast<unsigned>(__cvta_generic_to_shared(pointer));
}
__device__ unsigned in_block(unsigned address, unsigned rank) {
  unsigned result;
  asm("mapa.shared::cluster.u32 %0, %1, %2;" : "=r"(result) : "r"(address), "r"(rank));
  return result;
}
__device__ unsigned rank_of(unsigned address) {
  unsigned result;
  asm("getctarank.shared::cluster.u32 %0, %1;" : "=r"(result) : "r"(address));
  return result;
}
__device__ void wait_for(unsigned barrier, unsigned parity) {
  asm volatile(
      "{\n .reg .pred p;\nagain:\n mbarrier.try_wait.parity.acquire.cluster.shared::cta.b64 p, [%0], %1;\n "
      "@!p bra again;\n}" ::"r"(barrier),
      "r"(parity)
      : "memory");
}
#endif

// Each block sends to its neighbour, and adds to the block behind that.
__global__ void send(int* out) {
#ifdef CLUSTERS
  __shared__ alignas(16) int inbox[4];
  __shared__ unsigned sum;
  __shared__ alignas(8) uint64_t barrier;
  cg::cluster_group cluster = cg::this_cluster();
  const unsigned rank = cluster.block_rank(), blocks = cluster.num_blocks();
  const unsigned own = in_shared(&barrier);
  if (threadIdx.x == 0) {
    sum = 1000;
    asm volatile("mbarrier.init.shared::cta.b64 [%0], 1;\n fence.mbarrier_init.release.cluster;" ::"r"(own)
                 : "memory");
    asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], 144;" ::"r"(own) : "memory");
  }
  cluster.sync();
  const unsigned next = in_block(in_shared(inbox), (rank + 1) % blocks),
                 its_barrier = in_block(own, (rank + 1) % blocks);
  const unsigned third = in_block(in_shared(&sum), (rank + 2) % blocks),
                 third_barrier = in_block(own, (rank + 2) % blocks);
  if (threadIdx.x == 0)
    asm volatile(
        "st.async.weak.shared::cluster.mbarrier::complete_tx::bytes.v4.b32 [%0], {%1, %2, %3, %4}, [%5];" ::
            "r"(next),
        "r"(rank), "r"(rank * 2), "r"(rank * 3), "r"(rank_of(next)), "r"(its_barrier)
        : "memory");
  if (threadIdx.x < 32)
    asm volatile(
        "red.async.relaxed.cluster.shared::cluster.mbarrier::complete_tx::bytes.add.u32 [%0], %1, [%2];" ::
            "r"(third),
        "r"(threadIdx.x), "r"(third_barrier)
        : "memory");
  wait_for(own, 0);
  if (threadIdx.x < 4) out[blockIdx.x * 5 + threadIdx.x] = inbox[threadIdx.x];
  if (threadIdx.x == 4) out[blockIdx.x * 5 + 4] = sum;
  cluster.sync();
#endif
}

// One block copies the same to all of them.
__global__ void broadcast(const int* from, int* out) {
#ifdef CLUSTERS
  __shared__ alignas(128) int tile[kThreads];
  __shared__ alignas(8) uint64_t barrier;
  cg::cluster_group cluster = cg::this_cluster();
  const unsigned own = in_shared(&barrier);
  if (threadIdx.x == 0) {
    asm volatile("mbarrier.init.shared::cta.b64 [%0], 1;\n fence.mbarrier_init.release.cluster;" ::"r"(own)
                 : "memory");
    asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(own), "n"(kThreads * 4)
                 : "memory");
  }
  cluster.sync();
  if (cluster.block_rank() == 0 && threadIdx.x == 0) {
    const unsigned short all = static_cast<unsigned short>((1u << cluster.num_blocks()) - 1);
    asm volatile(
        "cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes.multicast::cluster [%0], [%1], "
        "%2, [%3], %4;" ::"r"(in_shared(tile)),
        "l"(from + blockIdx.x * kThreads), "n"(kThreads * 4), "r"(own), "h"(all)
        : "memory");
  }
  wait_for(own, 0);
  out[blockIdx.x * kThreads + threadIdx.x] = tile[threadIdx.x];
  cluster.sync();
#endif
}

// Persistent blocks that ask for the work of those that have not begun.
__global__ void asks_for_work(int* done) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 1000
  __shared__ alignas(16) uint4 answer;
  __shared__ alignas(8) uint64_t barrier;
  const unsigned own = in_shared(&barrier);
  if (threadIdx.x == 0) asm volatile("mbarrier.init.shared::cta.b64 [%0], 1;" ::"r"(own) : "memory");
  __syncthreads();
  unsigned block = blockIdx.x, parity = 0;
  for (;;) {
    if (threadIdx.x == 0) {
      asm volatile("fence.proxy.async::generic.acquire.sync_restrict::shared::cluster.cluster;" ::: "memory");
      asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], 16;" ::"r"(own) : "memory");
      asm volatile(
          "clusterlaunchcontrol.try_cancel.async.shared::cta.mbarrier::complete_tx::bytes.b128 [%0], [%1];" ::
              "r"(in_shared(&answer)),
          "r"(own)
          : "memory");
    }
    if (threadIdx.x == 0) atomicAdd(&done[block], 1);
    wait_for(own, parity);
    parity ^= 1;
    unsigned cancelled, first;
    asm volatile(
        "{\n .reg .b128 q;\n .reg .pred p;\n ld.shared.b128 q, [%2];\n"
        " clusterlaunchcontrol.query_cancel.is_canceled.pred.b128 p, q;\n selp.u32 %0, 1, 0, p;\n mov.u32 "
        "%1, 0;\n"
        " @p clusterlaunchcontrol.query_cancel.get_first_ctaid::x.b32.b128 %1, q;\n}"
        : "=r"(cancelled), "=r"(first)
        : "r"(in_shared(&answer))
        : "memory");
    __syncthreads();
    if (cancelled == 0) break;
    block = first;
  }
#endif
}

template <typename... Parameters, typename... Arguments>
cudaError_t launch(void (*kernel)(Parameters...), dim3 grid, dim3 cluster, int shared,
                   Arguments... arguments) {
  cudaLaunchConfig_t config = {};
  config.gridDim = grid;
  config.blockDim = kThreads;
  config.dynamicSmemBytes = shared;
  cudaLaunchAttribute attribute = {};
  attribute.id = cudaLaunchAttributeClusterDimension;
  attribute.val.clusterDim.x = cluster.x;
  attribute.val.clusterDim.y = cluster.y;
  attribute.val.clusterDim.z = cluster.z;
  config.attrs = &attribute;
  config.numAttrs = 1;
  return cudaLaunchKernelEx(&config, kernel, Parameters(arguments)...);
}

template <typename T>
std::vector<T> read_back(const T* from, int count) {
  std::vector<T> to(count);
  check(cudaMemcpy(to.data(), from, count * sizeof(T), cudaMemcpyDeviceToHost), "cudaMemcpy");
  return to;
}

int main() {
  int clusters = 0;
  check(cudaDeviceGetAttribute(&clusters, cudaDevAttrClusterLaunch, 0), "cudaDeviceGetAttribute");
  int *values, *out;
  constexpr int kCount = 1 << 16;
  check(cudaMalloc(&values, kCount * sizeof(int)), "cudaMalloc");
  check(cudaMalloc(&out, kCount * sizeof(int)), "cudaMalloc");
  check(cudaMemset(out, 0, kCount * sizeof(int)), "cudaMemset");
  std::vector<int> host(kCount);
  for (int i = 0; i < kCount; ++i) host[i] = (i * 7919 + i / 13) % kBins;
  check(cudaMemcpy(values, host.data(), kCount * sizeof(int), cudaMemcpyHostToDevice), "cudaMemcpy");

  if (clusters == 0) {
    expect(launch(histogram, 8, 4, kBins * 4, values, kCount, out) != cudaSuccess,
           "a card without clusters refuses them");
    cudaGetLastError();
    expect(launch(histogram, 8, 1, kBins * 4, values, kCount, out) == cudaSuccess,
           "clusters of one block are none");
    check(cudaDeviceSynchronize(), "cudaDeviceSynchronize");
    return verdict();
  }

  for (int blocks = 1; blocks <= 8; blocks *= 2) {
    check(cudaMemset(out, 0, kBins * sizeof(int)), "cudaMemset");
    check(launch(histogram, 16, blocks, kBins * 4 / blocks, values, kCount, out), "histogram");
    check(cudaDeviceSynchronize(), "histogram");
    std::vector<int> expected(kBins);
    for (const int each : host) ++expected[each];
    expect(read_back(out, kBins) == expected, "a histogram over the shared memory of a cluster");
  }

  int4* where;
  check(cudaMalloc(&where, 6 * 4 * sizeof(int4)), "cudaMalloc");
  places<<<dim3(6, 4), 32>>>(where);
  check(cudaDeviceSynchronize(), "places");
  const std::vector<int4> at = read_back(where, 24);
  bool right = true;
  for (int y = 0; y < 4; ++y) {
    for (int x = 0; x < 6; ++x) {
      const int4 each = at[y * 6 + x];
      right = right && each.x == y % 2 * 2 + x % 2 && each.y == x % 2 + 10 * (y % 2) &&
              each.z == x / 2 + 10 * (y / 2) + 300 && each.w == 4;
    }
  }
  expect(right, "each block knows its place in the cluster and the cluster's in the grid");

  check(launch(leaves_early, 8, 4, 0, out), "leaves_early");
  check(cudaDeviceSynchronize(), "leaves_early");
  const std::vector<int> left = read_back(out, 8);
  right = true;
  for (int i = 0; i < 8; ++i) right = right && left[i] == 100 + (i % 4 + 1) % 4;
  expect(right, "the barrier of a cluster does not wait for threads that have left");

  check(launch(send, 8, 4, 0, out), "send");
  check(cudaDeviceSynchronize(), "send");
  const std::vector<int> sent = read_back(out, 40);
  right = true;
  for (int i = 0; i < 8; ++i) {
    const int from = (i % 4 + 3) % 4;
    const int* got = &sent[i * 5];
    right = right && got[0] == from && got[1] == from * 2 && got[2] == from * 3 && got[3] == i % 4 &&
            got[4] == 1000 + 496;
  }
  expect(right, "st.async and red.async to other blocks");

  check(launch(broadcast, 8, 4, 0, values, out), "broadcast");
  check(cudaDeviceSynchronize(), "broadcast");
  const std::vector<int> copied = read_back(out, 8 * kThreads);
  right = true;
  for (int i = 0; i < 8 * kThreads; ++i)
    right = right && copied[i] == host[i / (4 * kThreads) * (4 * kThreads) + i % kThreads];
  expect(right, "a copy to all blocks of a cluster");

  check(cudaMemset(out, 0, 64 * sizeof(int)), "cudaMemset");
  check(launch(asks_for_work, 64, 1, 0, out), "asks_for_work");
  check(cudaDeviceSynchronize(), "asks_for_work");
  expect(read_back(out, 64) == std::vector<int>(64, 1), "work that is asked for is done once");

  cudaLaunchConfig_t config = {};
  config.gridDim = 16;
  config.blockDim = kThreads;
  cudaLaunchAttribute attribute = {};
  attribute.id = cudaLaunchAttributeClusterDimension;
  attribute.val.clusterDim.x = 4;
  attribute.val.clusterDim.y = attribute.val.clusterDim.z = 1;
  config.attrs = &attribute;
  config.numAttrs = 1;
  int active = 0, most = 0;
  check(cudaOccupancyMaxActiveClusters(&active, send, &config), "cudaOccupancyMaxActiveClusters");
  check(cudaOccupancyMaxPotentialClusterSize(&most, send, &config), "cudaOccupancyMaxPotentialClusterSize");
  expect(active > 0 && most == 8, "the occupancy of clusters");

  expect(launch(send, 32, 16, 0, out) == cudaErrorInvalidClusterSize,
         "a cluster of more blocks than the card has");
  cudaGetLastError();
  expect(launch(send, 9, 4, 0, out) != cudaSuccess, "a grid that is not made of clusters");
  cudaGetLastError();
  places<<<dim3(3, 4), 32>>>(where);
  expect(cudaGetLastError() != cudaSuccess,
         "a grid that is not made of the clusters which the kernel requires");
  return verdict();
}
