// Shuffles, votes and matches of a warp, whole and in part.
#include "expect.h"

__global__ void exchange(unsigned* out) {
  const unsigned lane = threadIdx.x;
  constexpr unsigned kAll = 0xffffffffu;
  unsigned* mine = out + lane * 16;
  mine[0] = __shfl_sync(kAll, lane * 3, 5);
  mine[1] = __shfl_up_sync(kAll, lane, 1);
  mine[2] = __shfl_down_sync(kAll, lane, 2);
  mine[3] = __shfl_xor_sync(kAll, lane, 7);
  mine[4] = __shfl_sync(kAll, lane, 3, 8);
  mine[5] = __ballot_sync(kAll, lane % 3 == 0);
  mine[6] = __all_sync(kAll, lane < 32) + 2 * __any_sync(kAll, lane == 40) + 4 * __all_sync(kAll, lane < 31);
  mine[7] = __match_any_sync(kAll, lane / 8);
  int same = 0;
  mine[8] = __match_all_sync(kAll, 77, &same) + same;
  mine[9] = 0;
  if (lane % 2 == 1) mine[9] = __activemask();
  __syncwarp();
  mine[10] = static_cast<unsigned>(__shfl_sync(kAll, 1.5 * lane, 4) * 2);
}

int main() {
  unsigned* device;
  unsigned out[32 * 16];
  check(cudaMalloc(&device, sizeof out), "cudaMalloc");
  exchange<<<1, 32>>>(device);
  check(cudaMemcpy(out, device, sizeof out, cudaMemcpyDeviceToHost), "exchange");
  for (unsigned lane = 0; lane < 32; ++lane) {
    const unsigned* mine = out + lane * 16;
    expect(mine[0] == 15, "shfl");
    expect(mine[1] == (lane == 0 ? 0 : lane - 1), "shfl up");
    expect(mine[2] == (lane >= 30 ? lane : lane + 2), "shfl down");
    expect(mine[3] == (lane ^ 7), "shfl xor");
    expect(mine[4] == lane / 8 * 8 + 3, "shfl in parts of eight");
    expect(mine[5] == 0x49249249u, "ballot");
    expect(mine[6] == 1, "all, any");
    expect(mine[7] == 0xffu << (lane / 8 * 8), "match any");
    expect(mine[8] == 0xffffffffu + 1u, "match all");
    expect(mine[9] == (lane % 2 == 1 ? 0xaaaaaaaau : 0), "active mask");
    expect(mine[10] == 12, "shfl of a double");
  }
  return verdict();
}
