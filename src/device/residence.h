// SPDX-License-Identifier: Apache-2.0
// Where the pages of managed memory lie: with the host, on cards, or nowhere yet; and what has to be moved
// when one of them touches some (CUDA C++ Programming Guide, "Unified Memory Programming"):
//
// - A page that nobody has touched comes to be where it is first touched, or where it is preferred; nothing
// moves.
// - One that lies elsewhere moves to who touches it. Of memory that is advised to be mostly read, a reader
// gets a
//   copy, and a write leaves only the writer's.
// - What lies with the host and is preferred there, or is advised to be accessed by the card, stays, and the
// card
//   reaches it over the bus.
// - A card that is full gives the pages back to the host that it used longest ago.
//
// A page counts as 64 KiB: the driver moves so much for a fault of a card. Deterministic: what counts is the
// order of the calls.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

namespace doppel::device {

inline constexpr int kHostPlace = -1;  // else a card's ordinal
inline constexpr std::size_t kMostManagedCards = 7;

// Bytes that something moves, by where they go, and those that stay and are reached over the bus.
struct Migration {
  double to_card = 0;  // from the host, or from another card
  double to_host = 0;  // from the card that is full; or from all cards, for the host
  double read_over_bus = 0, written_over_bus = 0;
  bool faulted = false;  // a page was not there when it was touched

  bool any() const { return faulted || to_card + to_host + read_over_bus + written_over_bus > 0; }
};

enum class Advice : std::uint8_t { ReadMostly, PreferredLocation, AccessedBy };

class Residence {
 public:
  struct Area {
    std::uint64_t begin = 0, end = 0;  // whole pages
    std::uint64_t serial = 0;          // of the allocation: another one may have the address later
    bool with_host = false;            // what is not known to lie elsewhere lies with the host
  };
  // The managed memory that holds an address, or the next one behind it; nothing: there is none.
  using Find = std::function<std::optional<Area>(std::uint64_t address)>;
  // What a card has for managed memory, in bytes.
  using Capacity = std::function<std::uint64_t(int card)>;
  // A number that tells one contents of these bytes from another.
  using Contents = std::function<std::uint64_t(std::uint64_t begin, std::uint64_t end)>;
  Residence(Find find, Capacity capacity, Contents contents);

  struct Access {
    std::uint64_t begin = 0, end = 0;
    bool written = false;
    bool whole = false;  // nothing of it is read before: what lies elsewhere need not come
  };
  // A card touches these.
  Migration touch(int card, std::span<const Access> accesses);
  // The host does. Whether it wrote matters for mostly read memory alone, where it is seen by the contents.
  Migration touch_by_host(std::uint64_t begin, std::uint64_t end);
  Migration prefetch(int place, std::uint64_t begin, std::uint64_t end);
  // place: of PreferredLocation and AccessedBy.
  void advise(std::uint64_t begin, std::uint64_t end, Advice advice, bool set, int place);
  // Bytes of managed memory that lie on a card.
  std::uint64_t resident_bytes(int card) const;
  // The memory is no more.
  void forget(std::uint64_t address);

 private:
  // Places as bits: the host's, then the cards'.
  using Places = std::uint8_t;
  struct Page {
    Places in = 0;           // has a copy that is good
    Places accessed_by = 0;  // was advised
    Places preferred = 0;    // one, or none
    bool read_mostly = false;
    std::uint64_t used = 0;  // last, by cards
    // Of mostly read memory, when a card last had to do with it; nothing: none had since the advice.
    std::optional<std::uint64_t> contents;
  };
  // A page and its place in memory.
  struct Place {
    Page& page;
    std::uint64_t begin, end;
    double bytes() const { return static_cast<double>(end - begin); }
  };
  struct Pages {
    Area area;
    std::vector<Page> pages;
    Place place(std::size_t page);
  };
  using Areas = std::map<std::uint64_t, Pages>;  // by their begin
  static Places bit(int place) { return static_cast<Places>(1U << static_cast<unsigned>(place + 1)); }

  Pages* pages_from(std::uint64_t address);
  template <typename Function>
  void for_each(std::uint64_t begin, std::uint64_t end, Function function);
  void touch_page(const Place& place, int card, const Access& access, Migration& moved);
  void note_contents(const Place& place);
  Areas::iterator holding(std::uint64_t address);
  void forget_pages(Areas::iterator found);
  void set_places(const Place& place, Places in);
  void make_room(int card, Migration& moved);
  void list_oldest(int card);

  Find find_;
  Capacity capacity_;
  Contents contents_;
  mutable std::mutex mutex_;
  Areas areas_;
  std::array<double, kMostManagedCards> resident_{};
  std::uint64_t now_ = 0;
  // Of a card that is full: its pages by when they were used, the oldest last, as of some moment.
  struct Old {
    std::uint64_t used = 0;
    Page* page = nullptr;
    std::uint64_t begin = 0, end = 0;
  };
  std::vector<Old> oldest_;
};

}  // namespace doppel::device
