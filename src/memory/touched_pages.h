// SPDX-License-Identifier: Apache-2.0
// Which pages of some memory the program's own threads have touched, however: by their code, or in system
// calls.
//
// The memory lies in a file without a name (memfd) that is mapped shared. A page that is taken out of the
// mapping keeps its contents in the file, and comes back into it when it is next touched; /proc/self/pagemap
// says which have. What a card's work touches comes back in the same way: while such work may be touching an
// area, nobody can tell who it was, and the program counts as having touched nothing of it. Linux brings up
// to 64 KiB around a page that is read, so that so much counts as touched.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <span>
#include <vector>

namespace doppel::memory {

struct TouchedRange {
  std::uint64_t begin = 0, end = 0;
};

class TouchedPages {
 public:
  // Of addresses [base, base + bytes).
  TouchedPages(std::uint64_t base, std::uint64_t bytes);
  ~TouchedPages();
  TouchedPages(const TouchedPages&) = delete;
  TouchedPages& operator=(const TouchedPages&) = delete;

  // These pages are replaced by the file's, which are zero. False: this host cannot do it, they stay as they
  // are.
  bool watch(std::uint64_t begin, std::uint64_t bytes);
  // They are private memory again, with nothing in it. No effect on what is not watched.
  void forget(std::uint64_t begin, std::uint64_t bytes);
  bool watches(std::uint64_t address) const;

  // Work of a card that may touch these areas, each named by an address in it, begins and ends. None: any.
  void begin_work(std::span<const std::uint64_t> areas);
  void end_work(std::span<const std::uint64_t> areas);

  // What the program has touched since the last time, in the order of addresses.
  struct Touched {
    std::vector<TouchedRange> ranges;
    std::uint64_t pages = 0;
  };
  Touched take();

  // A number that tells one contents of watched memory from another: of its file, so that nothing is touched.
  std::uint64_t contents(std::uint64_t begin, std::uint64_t end) const;

  // What coming back costs the thread that touches a page, measured once: no time of a program's on a card.
  static double page_fault_us();

 private:
  struct Area {
    std::uint64_t bytes = 0;
    int working = 0;
  };
  using Areas = std::map<std::uint64_t, Area>;

  bool open_files();
  Areas::iterator holding(std::uint64_t address);
  template <typename Function>
  void for_each(std::span<const std::uint64_t> areas, Function function);
  void drop(std::uint64_t begin, std::uint64_t bytes);
  void look_at(std::uint64_t begin, std::uint64_t bytes, Touched& touched);
  void note_hidden_bytes() const;

  const std::uint64_t base_, bytes_;
  mutable std::mutex mutex_;
  Areas areas_;  // by their begin
  bool opened_ = false;
  int file_ = -1, page_map_ = -1;
  int working_on_any_ = 0;
  long seen_faults_ = -1;  // of the process, when nothing was left to be seen
  std::vector<std::uint64_t> entries_;
};

// Page faults that the calling thread, or the whole process, has had.
long thread_page_faults();
long process_page_faults();

}  // namespace doppel::memory
