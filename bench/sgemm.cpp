// SPDX-License-Identifier: Apache-2.0
// bench-sgemm [N]: OpenBLAS's product of N by N floats on one thread, as one JSON line, in processor
// time. What the tensor cores' products in bench-on-card are set beside.
#include <cblas.h>

#include <cstdio>
#include <cstdlib>
#include <vector>

#include "repeats.h"

int main(int argc, char** argv) {
  const int n = argc > 1 ? std::atoi(argv[1]) : 1024;
  const std::size_t count = static_cast<std::size_t>(n) * static_cast<std::size_t>(n);
  std::vector<float> a(count);
  std::vector<float> b(count);
  std::vector<float> c(count);
  for (std::size_t i = 0; i < count; ++i) {
    a[i] = static_cast<float>(i * 7 % 5) - 2;
    b[i] = static_cast<float>(i * 3 % 7) - 3;
  }
  openblas_set_num_threads(1);
  const auto repeat = [&] {
    return bench::processor_seconds([&] {
      cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, n, n, n, 1.0F, a.data(), n, b.data(), n, 0.0F,
                  c.data(), n);
    });
  };
  repeat();
  const double best = bench::smallest_seconds(repeat);
  float expected = 0;  // the last element; small whole numbers, so exact
  for (std::size_t k = 0; k < static_cast<std::size_t>(n); ++k)
    expected += a[count - static_cast<std::size_t>(n) + k] *
                b[k * static_cast<std::size_t>(n) + static_cast<std::size_t>(n) - 1];
  std::printf("{\"work\":\"sgemm\",\"seconds\":%.6g,\"rate\":%.6g,\"unit\":\"GFLOP/s\",\"correct\":%s}\n",
              best, 2.0 * n * n * n * 1e-9 / best, c.back() == expected ? "true" : "false");
  return 0;
}
