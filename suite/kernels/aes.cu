// SPDX-License-Identifier: Apache-2.0
// AES-128 (FIPS 197) in counter mode: a block of 16 bytes a thread and turn, rounds by one table of words in
// shared memory, as Daemen and Rijmen describe it for 32-bit processors.
#include "device.h"

typedef unsigned word4 __attribute__((ext_vector_type(4)));

__device__ inline unsigned turned(unsigned x, unsigned by) { return x >> by | x << (32 - by); }

// table: of a byte s(x) times 2, 1, 1, 3 from the high byte down; s(x) itself is its second byte.
extern "C" __global__ void __launch_bounds__(256)
    aes_counter(const unsigned* table_in, const unsigned* keys_in, word4* out, unsigned turns) {
  __shared__ unsigned table[256];
  __shared__ unsigned keys[44];
  const unsigned t = threadIdx.x;
  table[t] = table_in[t];
  if (t < 44) keys[t] = keys_in[t];
  __syncthreads();
  for (unsigned turn = 0; turn < turns; ++turn) {
    const unsigned block = (blockIdx.x * turns + turn) * 256 + t;
    unsigned s[4] = {keys[0], keys[1], keys[2], keys[3] ^ block};
#pragma unroll
    for (int round = 1; round < 10; ++round) {
      unsigned next[4];
#pragma unroll
      for (int c = 0; c < 4; ++c) {
        next[c] = table[s[c] >> 24] ^ turned(table[s[(c + 1) % 4] >> 16 & 255], 8) ^
                  turned(table[s[(c + 2) % 4] >> 8 & 255], 16) ^ turned(table[s[(c + 3) % 4] & 255], 24) ^
                  keys[round * 4 + c];
      }
#pragma unroll
      for (int c = 0; c < 4; ++c) s[c] = next[c];
    }
    word4 result;
#pragma unroll
    for (int c = 0; c < 4; ++c) {
      result[c] =
          ((table[s[c] >> 24] << 8 & 0xff000000U) | (table[s[(c + 1) % 4] >> 16 & 255] & 0xff0000U) |
           (table[s[(c + 2) % 4] >> 8 & 255] & 0xff00U) | (table[s[(c + 3) % 4] & 255] >> 8 & 0xffU)) ^
          keys[40 + c];
    }
    out[block] = result;
  }
}
