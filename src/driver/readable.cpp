// SPDX-License-Identifier: Apache-2.0
#include "driver/readable.h"

#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>

namespace doppel::driver {
namespace {

// Pages probed by one system call.
constexpr std::size_t kBatch = 256;

std::uintptr_t page_bytes() {
  static const auto bytes = static_cast<std::uintptr_t>(sysconf(_SC_PAGESIZE));
  return bytes;
}

// How many of `count` pages from `page` on can be read, by asking the kernel to copy a byte of each.
std::size_t readable_pages(std::uintptr_t page, std::size_t count) {
  std::array<iovec, kBatch> remote{};
  std::array<char, kBatch> sink{};
  for (std::size_t i = 0; i < count; ++i) remote[i] = {reinterpret_cast<void*>(page + i * page_bytes()), 1};
  const iovec local{sink.data(), count};
  const ssize_t copied = process_vm_readv(getpid(), &local, 1, remote.data(), count, 0);
  if (copied >= 0) return static_cast<std::size_t>(copied);
  if (errno == EFAULT) return 0;
  // Not allowed here (a strict container): what is mapped must do.
  for (std::size_t i = 0; i < count; ++i) {
    unsigned char resident = 0;
    if (mincore(reinterpret_cast<void*>(page + i * page_bytes()), 1, &resident) != 0) return i;
  }
  return count;
}

}  // namespace

std::size_t readable_bytes(const void* start, std::size_t limit) {
  const auto address = reinterpret_cast<std::uintptr_t>(start);
  limit = std::min<std::uintptr_t>(limit, UINTPTR_MAX - page_bytes() - address);
  const std::uintptr_t first = address & ~(page_bytes() - 1);
  std::uintptr_t end = first;
  while (end < address + limit) {
    const std::size_t wanted =
        std::min<std::uintptr_t>(kBatch, (address + limit - end + page_bytes() - 1) / page_bytes());
    const std::size_t got = readable_pages(end, wanted);
    end += got * page_bytes();
    if (got < wanted) break;
  }
  return end <= address ? 0 : std::min<std::uintptr_t>(limit, end - address);
}

HostText readable_text(const void* start) {
  const auto* text = static_cast<const char*>(start);
  std::size_t known = 0;
  for (;;) {
    const std::size_t step = kBatch * page_bytes();
    const std::size_t more = readable_bytes(text + known, step);
    const std::size_t length = strnlen(text + known, more);
    known += length;
    if (length < more) return {{text, known}, true};
    if (more < step) return {{text, known}, false};
  }
}

}  // namespace doppel::driver
