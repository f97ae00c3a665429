// SPDX-License-Identifier: Apache-2.0
#include "timing/l2_history.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace doppel::timing {
namespace {

// What lies further back than so many capacities has left.
constexpr double kRemembered = 3;
// Operations kept apart; beyond that, so many of the oldest ones become one.
constexpr std::size_t kMostEntries = 1024;
constexpr std::size_t kJoined = 256;
// Steps in which a capacity is passed through.
constexpr int kStepsOfCapacity = 16;

double length(std::uint64_t begin, std::uint64_t end) {
  return end > begin ? static_cast<double>(end - begin) : 0;
}

double overlap(std::uint64_t begin, std::uint64_t end, std::uint64_t other_begin, std::uint64_t other_end) {
  return length(std::max(begin, other_begin), std::min(end, other_end));
}

// The union of all ranges, cut where a written part begins or ends.
std::vector<MemoryRange> disjoint(std::span<const MemoryRange> ranges) {
  std::vector<MemoryRange> written, any;
  for (const MemoryRange& range : ranges) {
    any.push_back({range.begin, range.end, false});
    if (range.written) written.push_back({range.begin, range.end, false});
  }
  any = merged(std::move(any));
  written = merged(std::move(written));
  std::vector<MemoryRange> result;
  auto next = written.begin();
  for (const MemoryRange& range : any) {
    std::uint64_t at = range.begin;
    for (; next != written.end() && next->begin < range.end; ++next) {
      if (next->begin > at) result.push_back({at, next->begin, false});
      result.push_back({next->begin, next->end, true});
      at = next->end;
    }
    if (at < range.end) result.push_back({at, range.end, false});
  }
  return result;
}

}  // namespace

std::vector<MemoryRange> merged(std::vector<MemoryRange> ranges) {
  std::erase_if(ranges, [](const MemoryRange& range) { return range.end <= range.begin; });
  std::ranges::sort(ranges, [](const MemoryRange& a, const MemoryRange& b) {
    return a.written != b.written ? a.written : a.begin < b.begin;
  });
  std::vector<MemoryRange> result;
  for (const MemoryRange& range : ranges) {
    if (!result.empty() && result.back().written == range.written && range.begin <= result.back().end) {
      result.back().end = std::max(result.back().end, range.end);
      result.back().in_order = result.back().in_order && range.in_order;
    } else {
      result.push_back(range);
    }
  }
  return result;
}

void L2History::Entry::count() {
  bytes = dirty_bytes = 0;
  for (const Piece& piece : pieces) {
    bytes += length(piece.begin, piece.end);
    if (piece.dirty) dirty_bytes += length(piece.begin, piece.end);
  }
}

std::span<const L2History::Piece> L2History::Entry::at(std::uint64_t begin, std::uint64_t end) const {
  if (pieces.empty() || pieces.front().begin > end || pieces.back().end < begin) return {};
  const auto first = std::ranges::lower_bound(pieces, begin, {}, &Piece::end);
  const auto past = std::ranges::upper_bound(first, pieces.end(), end, {}, &Piece::begin);
  return {first, past};
}

L2History::L2History(std::int64_t capacity_bytes, int ways)
    : capacity_(static_cast<double>(std::max<std::int64_t>(capacity_bytes, 1))), ways_(std::max(1, ways)) {}

// A line stays until as many others as its set has ways were touched. The others are spread over the sets at
// random (Smith 1978, "A comparative study of set associative memory mapping algorithms").
double L2History::survival(double distance) const {
  const double mean = ways_ * distance / capacity_;
  if (mean > 4 * ways_) return 0;
  double term = std::exp(-mean), sum = 0;
  for (int others = 0; others < ways_; ++others) {
    sum += term;
    term *= mean / (others + 1);
  }
  return std::min(1.0, sum);
}

L2History::Found L2History::find(std::span<const MemoryRange> ranges) const {
  Found found;
  found.present.assign(ranges.size(), 0);
  double bytes = 0;  // of distinct memory
  const std::vector<MemoryRange> parts = disjoint(ranges);
  double written = 0;
  for (const MemoryRange& part : parts) {
    bytes += length(part.begin, part.end);
    if (part.written) written += length(part.begin, part.end);
  }
  if (bytes <= 0) return found;
  double kept = 0;         // of the operation's memory, found in L2
  double since = 0;        // bytes of this entry and the later ones
  double still_known = 0;  // of the operation's memory, in this entry and the later ones
  struct Leaving {
    double bytes, dirty;
  };
  std::vector<Leaving> others;  // what the operation does not find, the latest first
  for (const Entry& entry : entries_) {
    since += entry.bytes;
    double touched = 0, dirty_touched = 0;
    for (const MemoryRange& part : parts) {
      for (const Piece& piece : entry.at(part.begin, part.end)) {
        const double here = overlap(piece.begin, piece.end, part.begin, part.end);
        touched += here;
        if (piece.dirty) dirty_touched += here;
      }
    }
    still_known += touched;
    // While it goes through this entry's memory, the operation brings in what is new to L2, too: half of that
    // on average before it comes to a byte.
    const double share = touched > 0 ? survival(since + (bytes - still_known) / 2) : 0;
    others.push_back({entry.bytes - share * touched, entry.dirty_bytes - share * dirty_touched});
    if (share <= 0) continue;
    kept += touched * share;
    for (std::size_t i = 0; i < ranges.size(); ++i) {
      for (const Piece& piece : entry.at(ranges[i].begin, ranges[i].end)) {
        found.present[i] += share * overlap(piece.begin, piece.end, ranges[i].begin, ranges[i].end);
      }
    }
  }
  // What comes in takes the place of what was not used for longest, and then of the operation's own.
  found.incoming = std::max(0.0, bytes - kept);
  if (found.incoming <= 0) return found;
  double room = capacity_ - kept;
  for (Leaving& other : others) {
    const double resident = std::clamp(room, 0.0, other.bytes);
    if (other.bytes > 0) other.dirty *= resident / other.bytes;
    other.bytes = resident;
    room -= resident;
  }
  double to_leave = std::max(0.0, found.incoming - room);
  for (auto other = others.rbegin(); other != others.rend() && to_leave > 0; ++other) {
    const double leaves = std::min(to_leave, other->bytes);
    if (other->bytes > 0) found.dirty += other->dirty * leaves / other->bytes;
    to_leave -= leaves;
  }
  found.dirty += to_leave * written / bytes;
  return found;
}

// What the steps of an operation found, together.
class L2History::Passed {
 public:
  explicit Passed(std::span<const MemoryRange> ranges) : ranges_(ranges) {
    start_.present.assign(ranges.size(), 0);
    for (const MemoryRange& part : disjoint(ranges)) start_.bytes += length(part.begin, part.end);
  }
  void add(const Found& found, bool first) {
    for (std::size_t i = 0; i < ranges_.size(); ++i) {
      // What is touched all the time is found at its first touch or not.
      if (ranges_[i].in_order || first) start_.present[i] += found.present[i];
    }
    incoming_ += found.incoming;
    dirty_ += found.dirty;
  }
  L2Start start() const {
    L2Start start = start_;
    for (std::size_t i = 0; i < ranges_.size(); ++i) {
      const double bytes = length(ranges_[i].begin, ranges_[i].end);
      start.present[i] = bytes > 0 ? std::min(1.0, start.present[i] / bytes) : 0;
    }
    if (incoming_ > 0) start.write_back = dirty_ / incoming_;
    return start;
  }

 private:
  std::span<const MemoryRange> ranges_;
  L2Start start_;
  double incoming_ = 0, dirty_ = 0;
};

std::vector<std::vector<MemoryRange>> L2History::steps_of(std::span<const MemoryRange> ranges) const {
  double bytes = 0;
  for (const MemoryRange& part : disjoint(ranges)) bytes += length(part.begin, part.end);
  const bool ordered = std::ranges::any_of(ranges, &MemoryRange::in_order);
  const double step = capacity_ / kStepsOfCapacity;
  // Of a long way only the end can matter, but all of it has passed: the rest is one step.
  const double reach = std::min(bytes, kRemembered * capacity_);
  const double head = bytes > 0 ? 1 - reach / bytes : 0;
  const int count = ordered ? std::max(1, static_cast<int>(reach / step)) : 1;
  std::vector<std::vector<MemoryRange>> steps;
  double begin = 0;
  for (int i = head > 0 && ordered ? 0 : 1; i <= count; ++i) {
    const double end = i == count ? 1 : head + (1 - head) * i / count;
    auto& made = steps.emplace_back(ranges.begin(), ranges.end());
    for (MemoryRange& range : made) {
      if (!range.in_order) continue;
      const double size = length(range.begin, range.end);
      range.end = range.begin + static_cast<std::uint64_t>(size * end);
      range.begin += static_cast<std::uint64_t>(size * begin);
    }
    begin = end;
  }
  return steps;
}

L2Start L2History::before(std::span<const MemoryRange> ranges) const {
  const auto steps = steps_of(ranges);
  if (steps.size() == 1) {
    Passed passed(ranges);
    passed.add(find(ranges), true);
    return passed.start();
  }
  L2History now = *this;
  return now.pass(ranges);
}

// What comes in with one step takes the place of what a later one would have found.
L2Start L2History::pass(std::span<const MemoryRange> ranges) {
  Passed passed(ranges);
  bool first = true;
  for (const auto& step : steps_of(ranges)) {
    passed.add(find(step), std::exchange(first, false));
    touch_step(step);
  }
  return passed.start();
}

void L2History::touch(std::span<const MemoryRange> ranges) {
  for (const auto& step : steps_of(ranges)) touch_step(step);
}

void L2History::touch_step(std::span<const MemoryRange> ranges) {
  Entry latest;
  for (const MemoryRange& part : disjoint(ranges)) {
    latest.pieces.push_back({part.begin, part.end, part.written});
  }
  if (latest.pieces.empty()) return;
  // Its memory belongs to no earlier operation any more; what was dirty and is still there stays so.
  std::vector<MemoryRange> dirty;
  double since = 0;
  for (Entry& entry : entries_) {
    since += entry.bytes;
    const auto overlapped = [&entry](const Piece& part) {
      return std::ranges::any_of(entry.at(part.begin, part.end), [&](const Piece& piece) {
        return piece.begin < part.end && part.begin < piece.end;
      });
    };
    if (std::ranges::none_of(latest.pieces, overlapped)) continue;
    std::vector<Piece> left;
    for (const Piece& piece : entry.pieces) {
      std::uint64_t at = piece.begin;
      for (const Piece& part : latest.pieces) {
        if (part.begin >= piece.end || part.end <= at) continue;
        const std::uint64_t end = std::min(part.end, piece.end);
        if (piece.dirty && !part.dirty && since <= capacity_)
          dirty.push_back({std::max(at, part.begin), end, true});
        if (part.begin > at) left.push_back({at, part.begin, piece.dirty});
        at = std::max(at, end);
      }
      if (at < piece.end) left.push_back({at, piece.end, piece.dirty});
    }
    entry.pieces = std::move(left);
    entry.count();
  }
  std::erase_if(entries_, [](const Entry& entry) { return entry.pieces.empty(); });
  if (!dirty.empty()) {
    for (const Piece& piece : latest.pieces) dirty.push_back({piece.begin, piece.end, piece.dirty});
    latest.pieces.clear();
    for (const MemoryRange& part : disjoint(dirty))
      latest.pieces.push_back({part.begin, part.end, part.written});
  }
  latest.count();
  entries_.push_front(std::move(latest));
  forget();
}

void L2History::forget() {
  double since = 0;
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    if (since > kRemembered * capacity_) {
      entries_.resize(i);
      break;
    }
    since += entries_[i].bytes;
  }
  if (entries_.size() > kMostEntries + kJoined) join_oldest();
}

void L2History::join_oldest() {
  Entry joined;
  for (; entries_.size() > kMostEntries; entries_.pop_back()) {
    const std::vector<Piece>& pieces = entries_.back().pieces;
    joined.pieces.insert(joined.pieces.end(), pieces.begin(), pieces.end());
  }
  std::ranges::sort(joined.pieces, {}, &Piece::begin);
  std::vector<Piece> met;
  for (const Piece& piece : joined.pieces) {
    if (!met.empty() && met.back().end == piece.begin && met.back().dirty == piece.dirty) {
      met.back().end = piece.end;
    } else {
      met.push_back(piece);
    }
  }
  joined.pieces = std::move(met);
  joined.count();
  entries_.push_back(std::move(joined));
}

}  // namespace doppel::timing
