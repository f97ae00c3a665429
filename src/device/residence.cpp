// SPDX-License-Identifier: Apache-2.0
#include "device/residence.h"

#include <algorithm>
#include <functional>
#include <utility>

namespace doppel::device {
namespace {

constexpr std::uint64_t kPage = std::uint64_t{64} << 10;

}  // namespace

Residence::Residence(Find find, Capacity capacity, Contents contents)
    : find_(std::move(find)), capacity_(std::move(capacity)), contents_(std::move(contents)) {}

Residence::Areas::iterator Residence::holding(std::uint64_t address) {
  auto found = areas_.upper_bound(address);
  if (found == areas_.begin()) return areas_.end();
  --found;
  return address < found->second.area.end ? found : areas_.end();
}

void Residence::forget_pages(Areas::iterator found) {
  for (std::size_t at = 0; at < found->second.pages.size(); ++at) set_places(found->second.place(at), 0);
  areas_.erase(found);
  oldest_.clear();
}

void Residence::forget(std::uint64_t address) {
  const std::lock_guard lock(mutex_);
  if (const auto found = holding(address); found != areas_.end()) forget_pages(found);
}

Residence::Place Residence::Pages::place(std::size_t page) {
  const std::uint64_t begin = area.begin + page * kPage;
  return {pages[page], begin, std::min(begin + kPage, area.end)};
}

// The managed memory that holds the address, or lies next behind it.
Residence::Pages* Residence::pages_from(std::uint64_t address) {
  const auto area = find_(address);
  if (!area) return nullptr;
  if (const auto known = holding(area->begin); known != areas_.end()) {
    if (area->serial == known->second.area.serial) return &known->second;
    forget_pages(known);
  }
  Pages& pages = areas_[area->begin];
  pages.area = *area;
  pages.pages.assign((area->end - area->begin + kPage - 1) / kPage, Page{});
  if (area->with_host) {
    for (Page& page : pages.pages) page.in = bit(kHostPlace);
  }
  return &pages;
}

// function(place), of all pages that have some of these bytes.
template <typename Function>
void Residence::for_each(std::uint64_t begin, std::uint64_t end, Function function) {
  while (begin < end) {
    Pages* pages = pages_from(begin);
    if (pages == nullptr || pages->area.begin >= end) return;
    const Area& area = pages->area;
    begin = std::max(begin, area.begin);
    const std::uint64_t last = std::min(end, area.end);
    for (std::uint64_t at = (begin - area.begin) / kPage; area.begin + at * kPage < last; ++at)
      function(pages->place(at));
    begin = last;
  }
}

void Residence::set_places(const Place& place, Places in) {
  for (std::size_t card = 0; card < kMostManagedCards; ++card) {
    const Places of_card = bit(static_cast<int>(card));
    const bool was = (place.page.in & of_card) != 0, is = (in & of_card) != 0;
    if (was != is) resident_[card] += is ? place.bytes() : -place.bytes();
  }
  place.page.in = in;
}

void Residence::note_contents(const Place& place) {
  if (place.page.read_mostly) place.page.contents = contents_(place.begin, place.end);
}

void Residence::touch_page(const Place& place, int card, const Access& access, Migration& moved) {
  const Places here = bit(card), host = bit(kHostPlace);
  Page& page = place.page;
  page.used = ++now_;
  if (page.in == 0) {
    moved.faulted = true;
    const bool away = page.preferred != 0 && page.preferred != here;
    set_places(place, away ? page.preferred : here);
    if (!away) note_contents(place);
  }
  if ((page.in & here) != 0) {
    // The others' copies are no longer good.
    if (access.written) set_places(place, here);
    if (access.written || !page.contents) note_contents(place);
    return;
  }
  const bool duplicates = page.read_mostly && !access.written;
  const Places where_it_stays = page.preferred | ((page.accessed_by & here) != 0 ? host : 0);
  if (!duplicates && (page.in & where_it_stays) != 0) {
    (access.written ? moved.written_over_bus : moved.read_over_bus) += place.bytes();
    return;
  }
  moved.faulted = true;
  if (!access.whole) moved.to_card += place.bytes();
  set_places(place, duplicates ? static_cast<Places>(page.in | here) : here);
  note_contents(place);
}

Migration Residence::touch(int card, std::span<const Access> accesses) {
  const std::lock_guard lock(mutex_);
  Migration moved;
  for (const Access& access : accesses) {
    for_each(access.begin, access.end, [&](const Place& place) {
      touch_page(place, card, access, moved);
      make_room(card, moved);
    });
  }
  return moved;
}

Migration Residence::touch_by_host(std::uint64_t begin, std::uint64_t end) {
  const std::lock_guard lock(mutex_);
  Migration moved;
  for_each(begin, end, [&](const Place& place) {
    const Places host = bit(kHostPlace);
    Page& page = place.page;
    if ((page.in & host) == 0 && page.in != 0) {
      moved.faulted = true;
      moved.to_host += place.bytes();
    }
    const bool read_only =
        page.read_mostly && page.in != 0 && page.contents == contents_(place.begin, place.end);
    set_places(place, read_only ? static_cast<Places>(page.in | host) : host);
  });
  return moved;
}

Migration Residence::prefetch(int to, std::uint64_t begin, std::uint64_t end) {
  const std::lock_guard lock(mutex_);
  Migration moved;
  const Places there = bit(to);
  for_each(begin, end, [&](const Place& place) {
    Page& page = place.page;
    page.used = ++now_;
    if ((page.in & there) != 0) return;
    if (page.in != 0) (to == kHostPlace ? moved.to_host : moved.to_card) += place.bytes();
    set_places(place, page.read_mostly ? static_cast<Places>(page.in | there) : there);
    note_contents(place);
    if (to != kHostPlace) make_room(to, moved);
  });
  return moved;
}

void Residence::advise(std::uint64_t begin, std::uint64_t end, Advice advice, bool set, int to) {
  const std::lock_guard lock(mutex_);
  for_each(begin, end, [&](const Place& place) {
    Page& page = place.page;
    switch (advice) {
      case Advice::ReadMostly:
        page.read_mostly = set;
        // Not now: the program may be writing it already.
        page.contents.reset();
        // One copy is left: by preference where it is preferred, then with the host, then on the first card.
        if (!set && page.in != 0) {
          const auto preferred = static_cast<Places>(page.in & page.preferred);
          set_places(place, preferred != 0 ? preferred : static_cast<Places>(page.in & -page.in));
        }
        break;
      case Advice::PreferredLocation:
        page.preferred = set ? bit(to) : Places{0};
        break;
      case Advice::AccessedBy:
        page.accessed_by =
            static_cast<Places>(set ? page.accessed_by | bit(to) : page.accessed_by & ~bit(to));
        break;
    }
  });
}

std::uint64_t Residence::resident_bytes(int card) const {
  const std::lock_guard lock(mutex_);
  const auto index = static_cast<std::size_t>(card);
  return index < resident_.size() ? static_cast<std::uint64_t>(resident_[index]) : 0;
}

void Residence::list_oldest(int card) {
  oldest_.clear();
  for (auto& [begin, pages] : areas_) {
    for (std::size_t at = 0; at < pages.pages.size(); ++at) {
      const Place place = pages.place(at);
      if ((place.page.in & bit(card)) != 0)
        oldest_.push_back({place.page.used, &place.page, place.begin, place.end});
    }
  }
  std::ranges::sort(oldest_, std::ranges::greater(), &Old::used);
}

// What the card used longest ago leaves, until the rest fits.
void Residence::make_room(int card, Migration& moved) {
  const auto index = static_cast<std::size_t>(card);
  const auto most = static_cast<double>(capacity_(card));
  while (resident_[index] > most) {
    if (oldest_.empty()) list_oldest(card);
    const Old old = oldest_.back();
    oldest_.pop_back();
    // It was used since the list was made, or has left.
    if (old.page->used != old.used || (old.page->in & bit(card)) == 0) continue;
    const Place place{*old.page, old.begin, old.end};
    const auto rest = static_cast<Places>(old.page->in & ~bit(card));
    // Another copy is good already.
    if (rest == 0) moved.to_host += place.bytes();
    set_places(place, rest != 0 ? rest : bit(kHostPlace));
  }
}

}  // namespace doppel::device
