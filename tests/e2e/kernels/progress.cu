// Kernels whose end depends on another lane, another block or the host making progress.
#include "device.h"

// A spin lock that the lanes of one warp take in turn.
extern "C" __global__ void locked_count(int* lock, volatile unsigned* counter) {
  while (__nvvm_atom_cas_gen_i(lock, 0, 1) != 0) {
  }
  __nvvm_membar_gl();
  *counter = *counter + 1;
  __nvvm_membar_gl();
  __nvvm_atom_xchg_gen_i(lock, 0);
}

// A barrier between all blocks by hand: every block adds one and waits for the others; then each sums what
// all wrote.
extern "C" __global__ void barrier_by_hand(int* arrived, volatile unsigned* value, unsigned* sum) {
  if (threadIdx.x == 0) {
    value[blockIdx.x] = blockIdx.x + 1U;
    __nvvm_membar_gl();
    __nvvm_atom_add_gen_i(arrived, 1);
    volatile int* all = arrived;
    while (*all < static_cast<int>(gridDim.x)) {
    }
  }
  __syncthreads();
  if (threadIdx.x == 0) {
    unsigned total = 0;
    for (unsigned i = 0; i < gridDim.x; ++i) total += value[i];
    sum[blockIdx.x] = total;
  }
}

// Waits for the host's flag, then answers through mapped memory.
extern "C" __global__ void wait_for_host(volatile unsigned* flag, volatile unsigned* answer) {
  while (*flag == 0) {
  }
  *answer = *flag + 1;
}
