// SPDX-License-Identifier: Apache-2.0
// Two clouds of bodies fall towards each other; the sum of all momenta must stay what it was.
#include <cmath>
#include <cstdio>
#include <exception>

#include "card.h"
#include "kernels.h"

namespace {

using Four = std::array<float, 4>;

constexpr int kBodies = 4096;
constexpr int kThreads = 128;  // as the kernel's tile
constexpr int kSteps = 4;
constexpr float kStepLength = 1e-3F;

std::vector<Four> two_clouds() {
  std::vector<Four> bodies(kBodies);
  unsigned state = 1;
  const auto next = [&state] {
    state = state * 1664525U + 1013904223U;
    return static_cast<float>(state >> 8U) / static_cast<float>(1U << 23U) - 1.0F;
  };
  for (std::size_t i = 0; i < bodies.size(); ++i) {
    const float centre = i % 2 == 0 ? -2.0F : 2.0F;
    bodies[i] = {centre + next(), next(), next(), 1.0F / kBodies};
  }
  return bodies;
}

int run() {
  const doppel::host::Card card;
  const doppel::host::Module module(examples::kNbodyPtx);
  const std::vector<Four> start = two_clouds();
  doppel::host::Buffer<Four> place{std::span<const Four>(start)};
  doppel::host::Buffer<Four> other(kBodies);
  doppel::host::Buffer<Four> velocity(kBodies);
  velocity.clear();

  const double time_us = doppel::host::time_us([&] {
    CUdeviceptr from = place.address();
    CUdeviceptr to = other.address();
    for (int i = 0; i < kSteps; ++i) {
      doppel::host::launch(module.kernel("step"), {kBodies / kThreads}, {kThreads}, from, to,
                           velocity.address(), kBodies, kStepLength);
      std::swap(from, to);
    }
  });

  double momentum = 0;
  double size = 0;
  for (const Four& v : velocity.download()) {
    momentum += static_cast<double>(v[0]);
    size += std::fabs(static_cast<double>(v[0]));
  }
  std::printf("%s moved %d bodies %d steps in %.1f us (%.1f Gpairs/s); momentum %.1e of %.1e\n",
              card.name().c_str(), kBodies, kSteps, time_us,
              static_cast<double>(kSteps) * kBodies * kBodies / time_us * 1e-3, momentum, size);
  const bool moved = size > 0;
  const bool kept = std::fabs(momentum) <= 1e-4 * size;
  if (!moved || !kept) std::printf("wrong: %s\n", moved ? "the momentum has changed" : "nothing moved");
  return moved && kept ? 0 : 1;
}

}  // namespace

int main() {
  try {
    return run();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "nbody: %s\n", error.what());
    return 1;
  }
}
