// SPDX-License-Identifier: Apache-2.0
// SHA-256 (FIPS 180-4): each thread hashes one block of 64 bytes after another, each made of the digest
// before.
#include "device.h"

__constant__ unsigned kRounds[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

__device__ inline unsigned turned(unsigned x, unsigned by) { return x >> by | x << (32 - by); }

__device__ __attribute__((always_inline)) inline void compress(unsigned (&state)[8], unsigned (&w)[16]) {
  unsigned v[8];
#pragma unroll
  for (int i = 0; i < 8; ++i) v[i] = state[i];
#pragma unroll
  for (int round = 0; round < 64; ++round) {
    if (round >= 16) {
      const unsigned before = w[(round + 1) % 16];
      const unsigned last = w[(round + 14) % 16];
      w[round % 16] += (turned(before, 7) ^ turned(before, 18) ^ before >> 3) + w[(round + 9) % 16] +
                       (turned(last, 17) ^ turned(last, 19) ^ last >> 10);
    }
    const unsigned e = v[4];
    const unsigned a = v[0];
    const unsigned first = v[7] + (turned(e, 6) ^ turned(e, 11) ^ turned(e, 25)) +
                           ((e & v[5]) ^ (~e & v[6])) + kRounds[round] + w[round % 16];
    const unsigned second =
        (turned(a, 2) ^ turned(a, 13) ^ turned(a, 22)) + ((a & v[1]) ^ (a & v[2]) ^ (v[1] & v[2]));
#pragma unroll
    for (int i = 7; i > 0; --i) v[i] = v[i - 1];
    v[4] += first;
    v[0] = first + second;
  }
#pragma unroll
  for (int i = 0; i < 8; ++i) state[i] += v[i];
}

// The message of thread t is its number; of 16 words, the digest fills the first eight from the second on.
extern "C" __global__ void __launch_bounds__(256) sha256_chain(unsigned* digests, unsigned times) {
  const unsigned t = blockIdx.x * blockDim.x + threadIdx.x;
  unsigned state[8] = {t};
  for (unsigned i = 0; i < times; ++i) {
    unsigned w[16] = {};
#pragma unroll
    for (int j = 0; j < 8; ++j) w[j] = state[j];
    w[8] = 0x80000000;  // 32 bytes, then their end and their length in bits
    w[15] = 256;
    state[0] = 0x6a09e667;
    state[1] = 0xbb67ae85;
    state[2] = 0x3c6ef372;
    state[3] = 0xa54ff53a;
    state[4] = 0x510e527f;
    state[5] = 0x9b05688c;
    state[6] = 0x1f83d9ab;
    state[7] = 0x5be0cd19;
    compress(state, w);
  }
#pragma unroll
  for (int j = 0; j < 8; ++j) digests[t * 8 + j] = state[j];
}
