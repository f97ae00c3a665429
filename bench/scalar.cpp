// SPDX-License-Identifier: Apache-2.0
// bench-scalar [SIZE]: the Mandelbrot kernel's loop as plain scalar code of one host core, as one JSON line.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "repeats.h"

namespace {

int steps_of(float cx, float cy, int limit) {
  float x = 0;
  float y = 0;
  int steps = 0;
  while (steps < limit) {
    const float xx = x * x;
    const float yy = y * y;
    if (xx + yy > 4.0F) break;
    y = 2 * x * y + cy;
    x = xx - yy + cx;
    ++steps;
  }
  return steps;
}

}  // namespace

int main(int argc, char** argv) {
  constexpr int kLimit = 256;
  const int size = argc > 1 ? std::atoi(argv[1]) : 1024;
  std::vector<int> image(static_cast<std::size_t>(size) * static_cast<std::size_t>(size));
  const double best = bench::smallest_seconds([&] {
    const auto begin = std::chrono::steady_clock::now();
    std::size_t place = 0;
    for (int py = 0; py < size; ++py) {
      for (int px = 0; px < size; ++px) {
        image[place++] = steps_of(-2.0F + 2.5F * static_cast<float>(px) / static_cast<float>(size),
                                  -1.25F + 2.5F * static_cast<float>(py) / static_cast<float>(size), kLimit);
      }
    }
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  });
  double total = 0;
  for (const int one : image) total += one;
  std::printf(
      "{\"work\":\"mandelbrot\",\"seconds\":%.6g,\"rate\":%.6g,\"unit\":\"Giteration/s\",\"correct\":true}\n",
      best, total * 1e-9 / best);
  return 0;
}
