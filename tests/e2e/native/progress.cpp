// SPDX-License-Identifier: Apache-2.0
// Kernels that finish only if lanes, blocks and the host make progress beside each other.
#include <atomic>
#include <numeric>

#include "card.h"
#include "expect.h"
#include "kernels.h"

namespace {

void spin_lock(const doppel::host::Module& module) {
  doppel::host::Buffer<unsigned> lock(1);
  doppel::host::Buffer<unsigned> counter(1);
  lock.clear();
  counter.clear();
  doppel::host::launch(module.kernel("locked_count"), {2}, {64}, lock.address(), counter.address());
  e2e::expect(counter.download()[0] == 128,
              "a spin lock between the lanes of a warp lets each lane through once");
}

void block_barrier(const doppel::host::Card& card, const doppel::host::Module& module) {
  const unsigned blocks = card.multiprocessors();  // at least one block a multiprocessor is resident
  doppel::host::Buffer<unsigned> arrived(1);
  const doppel::host::Buffer<unsigned> value(blocks);
  const doppel::host::Buffer<unsigned> sum(blocks);
  arrived.clear();
  doppel::host::launch(module.kernel("barrier_by_hand"), {blocks}, {64}, arrived.address(), value.address(),
                       sum.address());
  for (const unsigned one : sum.download()) {
    e2e::expect(one == blocks * (blocks + 1) / 2,
                "every block sees what all blocks wrote before the barrier");
  }
}

void mapped_flag(const doppel::host::Module& module) {
  void* host = nullptr;
  doppel::host::check(cuMemHostAlloc(&host, 2 * sizeof(unsigned), CU_MEMHOSTALLOC_DEVICEMAP),
                      "cuMemHostAlloc");
  auto* words = static_cast<unsigned*>(host);
  words[0] = 0;
  words[1] = 0;
  CUdeviceptr mapped = 0;
  doppel::host::check(cuMemHostGetDevicePointer(&mapped, host, 0), "cuMemHostGetDevicePointer");
  const CUdeviceptr answer = mapped + sizeof(unsigned);
  doppel::host::launch(module.kernel("wait_for_host"), {1}, {1}, mapped, answer);
  std::atomic_ref<unsigned>(words[0]).store(
      41);  // after the launch, which must not have waited for the kernel
  doppel::host::check(cuCtxSynchronize(), "cuCtxSynchronize");
  e2e::expect(words[1] == 42, "a kernel that waits for a host's store to mapped memory gets it");
  doppel::host::check(cuMemFreeHost(host), "cuMemFreeHost");
}

}  // namespace

int main() {
  const doppel::host::Card card;
  const doppel::host::Module module(e2e::kProgressPtx);
  spin_lock(module);
  block_barrier(card, module);
  mapped_flag(module);
  return e2e::verdict();
}
