// Reductions of a warp in one instruction (compute capability 8.0 and later), whole and in part.
#include "expect.h"

__global__ void reduce(unsigned* out) {
  const unsigned lane = threadIdx.x;
  constexpr unsigned kAll = 0xffffffffu;
  constexpr unsigned kOdd = 0xaaaaaaaau;
  unsigned* mine = out + lane * 8;
  mine[0] = __reduce_add_sync(kAll, lane);
  mine[1] = __reduce_max_sync(kAll, lane ^ 21u);
  mine[2] = __reduce_or_sync(kAll, 1u << (lane % 5));
  mine[3] = __reduce_xor_sync(kAll, lane);
  mine[4] = __reduce_min_sync(kAll, static_cast<int>(lane) - 40) + 40;
  mine[5] = __reduce_and_sync(kAll, lane | 4u);
  mine[6] = lane % 2 == 1 ? __reduce_min_sync(kOdd, lane) : 0;
}

int main() {
  unsigned* device;
  unsigned out[32 * 8];
  check(cudaMalloc(&device, sizeof out), "cudaMalloc");
  reduce<<<1, 32>>>(device);
  check(cudaMemcpy(out, device, sizeof out, cudaMemcpyDeviceToHost), "reduce");
  for (unsigned lane = 0; lane < 32; ++lane) {
    const unsigned* mine = out + lane * 8;
    expect(mine[0] == 496, "add");
    expect(mine[1] == 31, "max");
    expect(mine[2] == 31, "or");
    expect(mine[3] == 0, "xor");
    expect(mine[4] == 0, "signed min");
    expect(mine[5] == 4, "and");
    expect(mine[6] == lane % 2, "min of the odd lanes");
  }
  return verdict();
}
