// SPDX-License-Identifier: Apache-2.0
#include "memory/shared_pages.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <mutex>
#include <string>
#include <vector>

namespace doppel::memory {
namespace {

constexpr std::uint64_t kSharedPage = 4096;
constexpr std::string_view kLinkPrefix = "/memfd:", kName = "doppel-pages-";

std::atomic<std::uint32_t> next_pages_serial{1};

// Odd while pages are moved. One move at a time.
std::mutex moving;
std::atomic<std::uint64_t> moves{0};
// The moves that the thread knows of. Read by a signal handler: its first use must not allocate.
__attribute__((tls_model("initial-exec"))) constinit thread_local std::uint64_t seen_moves = 0;

void* page_pointer(std::uint64_t address) { return reinterpret_cast<void*>(address); }

tl::unexpected<Error> refused(int error) {
  return fail(Error::Kind::OutOfMemory,
              fmt::format("the host refuses memory that processes can share: {}", std::strerror(error)));
}

// Copies the pages that hold something; the others are zero in the file as they are here.
bool copy_pages(std::uint64_t begin, std::uint64_t end, int file) {
  // Linux, Documentation/admin-guide/mm/pagemap.rst: bit 63, present; 62, swapped.
  constexpr std::uint64_t kHolds = std::uint64_t{3} << 62;
  constexpr std::uint64_t kEntries = 4096;
  const int map = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
  std::vector<std::uint64_t> entries(kEntries);
  bool good = true;
  for (std::uint64_t at = begin; at < end && good;) {
    const std::uint64_t pages = std::min(kEntries, (end - at) / kSharedPage);
    const auto bytes = static_cast<ssize_t>(pages * sizeof(std::uint64_t));
    // Without the map every page counts.
    if (map < 0 || pread(map, entries.data(), static_cast<std::size_t>(bytes),
                         static_cast<off_t>(at / kSharedPage * sizeof(std::uint64_t))) != bytes)
      std::fill_n(entries.begin(), pages, kHolds);
    for (std::uint64_t i = 0; i < pages && good;) {
      std::uint64_t run = i;
      while (run < pages && (entries[run] & kHolds) != 0) ++run;
      for (std::uint64_t from = at + i * kSharedPage; from < at + run * kSharedPage && good;) {
        const ssize_t written =
            pwrite(file, page_pointer(from), at + run * kSharedPage - from, static_cast<off_t>(from - begin));
        good = written > 0;
        if (good) from += static_cast<std::uint64_t>(written);
      }
      i = std::max(run, i + 1);
    }
    at += pages * kSharedPage;
  }
  if (map >= 0) close(map);
  return good;
}

}  // namespace

std::optional<std::uint32_t> serial_of_shared_file(std::string_view link) {
  for (const std::string_view start : {kLinkPrefix, kName}) {
    if (!link.starts_with(start)) return std::nullopt;
    link.remove_prefix(start.size());
  }
  std::uint32_t serial = 0;
  const auto [rest, error] = std::from_chars(link.data(), link.data() + link.size(), serial);
  const std::string_view behind(rest, static_cast<std::size_t>(link.data() + link.size() - rest));
  if (error != std::errc{} || (!behind.empty() && behind != " (deleted)")) return std::nullopt;
  return serial;
}

bool moved_meanwhile() {
  std::uint64_t now = moves.load(std::memory_order_acquire);
  while (now % 2 != 0) {
    sched_yield();
    now = moves.load(std::memory_order_acquire);
  }
  if (now == seen_moves) return false;
  seen_moves = now;
  return true;
}

SharedPages::~SharedPages() {
  for (const auto& [begin, file] : files_) close(file.descriptor);
}

Result<SharedFile> SharedPages::share(std::uint64_t begin, std::uint64_t bytes) {
  if (const auto known = files_.find(begin); known != files_.end()) return known->second;
  SharedFile file;
  file.serial = next_pages_serial++;
  file.descriptor = memfd_create((std::string(kName) + std::to_string(file.serial)).c_str(), MFD_CLOEXEC);
  if (file.descriptor < 0) return refused(errno);
  bool good = ftruncate(file.descriptor, static_cast<off_t>(bytes)) == 0;
  int error = errno;
  if (good) {
    const std::lock_guard lock(moving);
    moves.fetch_add(1, std::memory_order_acq_rel);
    // From here on nobody changes it.
    good = mprotect(page_pointer(begin), bytes, PROT_READ) == 0 &&
           copy_pages(begin, begin + bytes, file.descriptor) &&
           mmap(page_pointer(begin), bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file.descriptor,
                0) != MAP_FAILED;
    error = errno;
    if (!good) (void)mprotect(page_pointer(begin), bytes, PROT_READ | PROT_WRITE);
    moves.fetch_add(1, std::memory_order_acq_rel);
  }
  if (!good) {
    close(file.descriptor);
    return refused(error);
  }
  madvise(page_pointer(begin), bytes, MADV_DONTDUMP);
  files_.emplace(begin, file);
  return file;
}

void SharedPages::forget(std::uint64_t begin, std::uint64_t bytes) {
  const auto found = files_.find(begin);
  if (found == files_.end()) return;
  // Where the host refuses, they stay what they are: written over, but never unmapped.
  if (mmap(page_pointer(begin), bytes, PROT_READ | PROT_WRITE,
           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0) == MAP_FAILED)
    return;
  close(found->second.descriptor);
  files_.erase(found);
}

}  // namespace doppel::memory
