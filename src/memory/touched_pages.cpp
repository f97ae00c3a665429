// SPDX-License-Identifier: Apache-2.0
#include "memory/touched_pages.h"

#include <fcntl.h>
#include <linux/falloc.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <ctime>
#include <iterator>

#include "memory/host_memory.h"

namespace doppel::memory {
namespace {

constexpr std::uint64_t kHostPage = 4096;
constexpr std::size_t kEntriesAtOnce = 65536;

void* pointer(std::uint64_t address) { return reinterpret_cast<void*>(address); }

// Linux, Documentation/admin-guide/mm/pagemap.rst: bit 63 of a page's entry.
bool is_present(std::uint64_t entry) { return entry >> 63 != 0; }

// Not by the C library's function, in whose place the program's own clock may stand (src/preload).
long page_faults(int who) {
  rusage usage{};
  syscall(SYS_getrusage, who, &usage);
  return usage.ru_minflt + usage.ru_majflt;
}

double thread_cpu_us() {
  timespec now{};
  syscall(SYS_clock_gettime, CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e6 + static_cast<double>(now.tv_nsec) * 1e-3;
}

double measured_page_fault_us() {
  constexpr std::size_t kPages = 64;
  const int file = memfd_create("doppel page faults", MFD_CLOEXEC);
  if (file < 0) return 0;
  double us = 0;
  void* pages = MAP_FAILED;
  if (ftruncate(file, kPages * kHostPage) == 0)
    pages = mmap(nullptr, kPages * kHostPage, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (pages != MAP_FAILED) {
    const auto touch_all = [&] {
      for (std::size_t i = 0; i < kPages; ++i) static_cast<volatile char*>(pages)[i * kHostPage] = 1;
    };
    touch_all();
    madvise(pages, kPages * kHostPage, MADV_DONTNEED);
    const double before = thread_cpu_us();
    touch_all();
    us = (thread_cpu_us() - before) / kPages;
    munmap(pages, kPages * kHostPage);
  }
  close(file);
  return us;
}

}  // namespace

long thread_page_faults() { return page_faults(RUSAGE_THREAD); }
long process_page_faults() { return page_faults(RUSAGE_SELF); }

double TouchedPages::page_fault_us() {
  static const double measured = measured_page_fault_us();
  return measured;
}

TouchedPages::TouchedPages(std::uint64_t base, std::uint64_t bytes) : base_(base), bytes_(bytes) {}

TouchedPages::~TouchedPages() {
  if (file_ >= 0) {
    close(file_);
    HostBudget::instance().set_hidden_bytes(0);
  }
  if (page_map_ >= 0) close(page_map_);
}

// Once, and a try whether a page that is taken out is seen to come back.
bool TouchedPages::open_files() {
  if (opened_) return page_map_ >= 0;
  opened_ = true;
  rlimit limit{};
  if (getrlimit(RLIMIT_FSIZE, &limit) != 0 || limit.rlim_cur < bytes_) return false;
  file_ = memfd_create("doppel managed memory", MFD_CLOEXEC);
  if (file_ < 0 || ftruncate(file_, static_cast<off_t>(bytes_)) != 0) return false;
  page_map_ = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
  if (page_map_ < 0) return false;
  void* page = mmap(nullptr, kHostPage, PROT_READ | PROT_WRITE, MAP_SHARED, file_, 0);
  const auto present = [&] {
    std::uint64_t entry = 0;
    const auto at = static_cast<off_t>(reinterpret_cast<std::uint64_t>(page) / kHostPage * sizeof(entry));
    return pread(page_map_, &entry, sizeof(entry), at) == sizeof(entry) && is_present(entry);
  };
  bool works = page != MAP_FAILED && !present();
  if (works) {
    *static_cast<volatile char*>(page) = 1;
    works = present() && madvise(page, kHostPage, MADV_DONTNEED) == 0 && !present() &&
            *static_cast<volatile char*>(page) == 1 && present();
  }
  if (page != MAP_FAILED) munmap(page, kHostPage);
  (void)fallocate(file_, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, kHostPage);
  if (!works) {
    close(page_map_);
    page_map_ = -1;
  }
  return works;
}

bool TouchedPages::watch(std::uint64_t begin, std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  if (!open_files()) return false;
  if (mmap(pointer(begin), bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file_,
           static_cast<off_t>(begin - base_)) == MAP_FAILED)
    return false;
  // As the driver's: a child of the process has none of it.
  madvise(pointer(begin), bytes, MADV_DONTFORK);
  madvise(pointer(begin), bytes, MADV_DONTDUMP);
  areas_[begin] = {bytes, 0};
  return true;
}

void TouchedPages::forget(std::uint64_t begin, std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  if (areas_.erase(begin) == 0) return;
  if (mmap(pointer(begin), bytes, PROT_READ | PROT_WRITE,
           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0) == MAP_FAILED)
    return;
  madvise(pointer(begin), bytes, MADV_DONTDUMP);
  (void)fallocate(file_, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(begin - base_),
                  static_cast<off_t>(bytes));
  note_hidden_bytes();
}

TouchedPages::Areas::iterator TouchedPages::holding(std::uint64_t address) {
  auto found = areas_.upper_bound(address);
  if (found == areas_.begin()) return areas_.end();
  --found;
  return address < found->first + found->second.bytes ? found : areas_.end();
}

bool TouchedPages::watches(std::uint64_t address) const {
  const std::lock_guard lock(mutex_);
  return const_cast<TouchedPages*>(this)->holding(address) != areas_.end();
}

template <typename Function>
void TouchedPages::for_each(std::span<const std::uint64_t> areas, Function function) {
  for (const std::uint64_t address : areas) {
    if (const auto found = holding(address); found != areas_.end()) function(found->first, found->second);
  }
}

void TouchedPages::begin_work(std::span<const std::uint64_t> areas) {
  const std::lock_guard lock(mutex_);
  if (areas.empty()) ++working_on_any_;
  for_each(areas, [](std::uint64_t, Area& area) { ++area.working; });
}

void TouchedPages::end_work(std::span<const std::uint64_t> areas) {
  const std::lock_guard lock(mutex_);
  const auto is_idle = [this](const Area& area) { return area.working == 0 && working_on_any_ == 0; };
  const auto drop_idle = [&](std::uint64_t begin, Area& area) {
    if (is_idle(area)) drop(begin, area.bytes);
  };
  if (areas.empty()) {
    --working_on_any_;
    for (auto& [begin, area] : areas_) drop_idle(begin, area);
  }
  for_each(areas, [&](std::uint64_t begin, Area& area) {
    --area.working;
    drop_idle(begin, area);
  });
  note_hidden_bytes();
}

// Out of the mapping; the contents stay in the file.
void TouchedPages::drop(std::uint64_t begin, std::uint64_t bytes) {
  madvise(pointer(begin), bytes, MADV_DONTNEED);
}

// What is in the file and not in the mapping the process does not count as its own.
void TouchedPages::note_hidden_bytes() const {
  if (file_ < 0) return;
  struct stat status{};
  constexpr std::uint64_t kBlock = 512;  // stat(2): of st_blocks
  if (fstat(file_, &status) == 0)
    HostBudget::instance().set_hidden_bytes(static_cast<std::uint64_t>(status.st_blocks) * kBlock);
}

std::uint64_t TouchedPages::contents(std::uint64_t begin, std::uint64_t end) const {
  constexpr std::uint64_t kMultiplier = 0x9E3779B97F4A7C15;
  std::vector<std::uint64_t> words((end - begin) / sizeof(std::uint64_t));
  const ssize_t got =
      pread(file_, words.data(), words.size() * sizeof(std::uint64_t), static_cast<off_t>(begin - base_));
  auto sum = static_cast<std::uint64_t>(got);
  for (const std::uint64_t word : words) sum = std::rotl((sum ^ word) * kMultiplier, 27);
  return sum;
}

TouchedPages::Touched TouchedPages::take() {
  const std::lock_guard lock(mutex_);
  Touched touched;
  if (areas_.empty() || working_on_any_ > 0) return touched;
  // Nothing is touched for the first time without a page fault.
  const long faults = process_page_faults();
  if (faults == seen_faults_) return touched;
  bool all = true;
  for (auto& [begin, area] : areas_) {
    if (area.working > 0) {
      all = false;
    } else {
      look_at(begin, area.bytes, touched);
    }
  }
  if (all) seen_faults_ = faults;
  return touched;
}

void TouchedPages::look_at(std::uint64_t begin, std::uint64_t bytes, Touched& touched) {
  for (std::uint64_t page = begin / kHostPage; page < (begin + bytes) / kHostPage;) {
    entries_.resize(std::min<std::uint64_t>((begin + bytes) / kHostPage - page, kEntriesAtOnce));
    const ssize_t got = pread(page_map_, entries_.data(), entries_.size() * sizeof(std::uint64_t),
                              static_cast<off_t>(page * sizeof(std::uint64_t)));
    if (got <= 0) return;
    entries_.resize(static_cast<std::size_t>(got) / sizeof(std::uint64_t));
    for (auto at = entries_.begin(); at != entries_.end();) {
      const auto first = std::find_if(at, entries_.end(), is_present);
      const auto last = std::find_if_not(first, entries_.end(), is_present);
      at = last;
      if (first == last) continue;
      const auto address = [&](auto entry) {
        return (page + static_cast<std::uint64_t>(entry - entries_.begin())) * kHostPage;
      };
      touched.pages += static_cast<std::uint64_t>(last - first);
      if (!touched.ranges.empty() && touched.ranges.back().end == address(first)) {
        touched.ranges.back().end = address(last);
      } else {
        touched.ranges.push_back({address(first), address(last)});
      }
      drop(address(first), static_cast<std::uint64_t>(last - first) * kHostPage);
    }
    page += entries_.size();
  }
}

}  // namespace doppel::memory
