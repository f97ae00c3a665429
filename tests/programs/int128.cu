// Numbers of 128 bits, for which nvcc mixes sums and differences in one carry chain: sub.cc, subc.cc, then
// addc.
#include <vector>

#include "expect.h"

using Wide = unsigned __int128;
using SignedWide = __int128;

struct Results {
  Wide sum, difference, product, quotient, remainder, average;
  SignedWide signed_quotient, signed_remainder;
  bool less, signed_less;
};

// The same code for card and host.
__host__ __device__ Results arithmetic(Wide a, Wide b) {
  Results r;
  const SignedWide sa = static_cast<SignedWide>(a), sb = static_cast<SignedWide>(b >> 1);
  const Wide divisor = b | 1;
  r.sum = a + b;
  r.difference = a - b;
  r.product = a * b;
  r.quotient = a / divisor;
  r.remainder = a % divisor;
  r.average = (a >> 1) + (b >> 1) + (a & b & 1);
  r.signed_quotient = sa / (sb | 1);
  r.signed_remainder = sa % (sb | 1);
  r.less = a < b;
  r.signed_less = sa < sb;
  return r;
}

__global__ void on_card(const Wide* a, const Wide* b, Results* out, int n) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) out[i] = arithmetic(a[i], b[i]);
}

bool same(const Results& x, const Results& y) {
  return x.sum == y.sum && x.difference == y.difference && x.product == y.product &&
         x.quotient == y.quotient && x.remainder == y.remainder && x.average == y.average &&
         x.signed_quotient == y.signed_quotient && x.signed_remainder == y.signed_remainder &&
         x.less == y.less && x.signed_less == y.signed_less;
}

int main() {
  const int n = 2000;
  std::vector<Wide> a(n), b(n);
  unsigned long long state = 1;
  const auto word = [&state] {
    state = state * 6364136223846793005ull + 1442695040888963407ull;
    return state ^ (state >> 29);
  };
  for (int i = 0; i < n; ++i) {
    // Numbers of every length, so that quotients have every length too.
    a[i] = (static_cast<Wide>(word()) << 64 | word()) >> (word() % 128);
    b[i] = (static_cast<Wide>(word()) << 64 | word()) >> (word() % 128);
  }
  a[0] = 100;
  b[0] = 7;
  Wide *card_a, *card_b;
  Results* card_out;
  check(cudaMalloc(&card_a, n * sizeof(Wide)), "cudaMalloc");
  check(cudaMalloc(&card_b, n * sizeof(Wide)), "cudaMalloc");
  check(cudaMalloc(&card_out, n * sizeof(Results)), "cudaMalloc");
  check(cudaMemcpy(card_a, a.data(), n * sizeof(Wide), cudaMemcpyHostToDevice), "copy of a");
  check(cudaMemcpy(card_b, b.data(), n * sizeof(Wide), cudaMemcpyHostToDevice), "copy of b");
  on_card<<<(n + 127) / 128, 128>>>(card_a, card_b, card_out, n);
  std::vector<Results> out(n);
  check(cudaMemcpy(out.data(), card_out, n * sizeof(Results), cudaMemcpyDeviceToHost), "copy of the results");
  int wrong = 0;
  for (int i = 0; i < n; ++i) wrong += same(out[i], arithmetic(a[i], b[i])) ? 0 : 1;
  expect(wrong == 0, "arithmetic of 128 bits");
  return verdict();
}
