// SPDX-License-Identifier: Apache-2.0
// Copies between the host and the card over PCIe, from pinned and from ordinary host memory.
#include <cstring>

#include "tests.h"

namespace doppel::suite {

namespace {

constexpr std::size_t kBytes = 64UL << 20U;

class PinnedMemory {
 public:
  PinnedMemory() { host::check(cuMemAllocHost(&bytes_, kBytes), "cuMemAllocHost"); }
  ~PinnedMemory() { cuMemFreeHost(bytes_); }
  PinnedMemory(const PinnedMemory&) = delete;
  PinnedMemory& operator=(const PinnedMemory&) = delete;
  void* bytes() const { return bytes_; }

 private:
  void* bytes_ = nullptr;
};

class OrdinaryMemory {
 public:
  OrdinaryMemory() : bytes_(kBytes) {}
  void* bytes() { return bytes_.data(); }

 private:
  std::vector<char> bytes_;
};

enum class Direction { kToCard, kToHost };

template <class Memory>
Result copy(Direction direction) {
  const host::Buffer<char> on_card(kBytes);
  Memory source;
  Memory target;
  auto* pattern = static_cast<unsigned*>(source.bytes());
  for (unsigned i = 0; i < kBytes / sizeof(unsigned); ++i) pattern[i] = i * 2654435761U;
  const auto to_card = [&] {
    host::check(cuMemcpyHtoDAsync(on_card.address(), source.bytes(), kBytes, nullptr), "cuMemcpyHtoDAsync");
  };
  const auto to_host = [&] {
    host::check(cuMemcpyDtoHAsync(target.bytes(), on_card.address(), kBytes, nullptr), "cuMemcpyDtoHAsync");
  };

  const double there_us = host::time_us(to_card);
  const double back_us = host::time_us(to_host);
  Result result;
  result.time_us = direction == Direction::kToCard ? there_us : back_us;
  result.value = kBytes / result.time_us * 1e-3;
  result.unit = "GB/s";
  result.correct = std::memcmp(source.bytes(), target.bytes(), kBytes) == 0;
  result.detail = "64 MiB";
  return result;
}

constexpr std::array kTests{
    Test{"copy-h2d-pinned", "copy to the card from pinned memory",
         [](const host::Card&) { return copy<PinnedMemory>(Direction::kToCard); }},
    Test{"copy-d2h-pinned", "copy from the card to pinned memory",
         [](const host::Card&) { return copy<PinnedMemory>(Direction::kToHost); }},
    Test{"copy-h2d-pageable", "copy to the card from ordinary memory",
         [](const host::Card&) { return copy<OrdinaryMemory>(Direction::kToCard); }},
    Test{"copy-d2h-pageable", "copy from the card to ordinary memory",
         [](const host::Card&) { return copy<OrdinaryMemory>(Direction::kToHost); }},
};

}  // namespace

std::span<const Test> copy_tests() { return kTests; }

}  // namespace doppel::suite
