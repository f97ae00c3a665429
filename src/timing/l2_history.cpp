#include "timing/l2_history.h"

#include <algorithm>
#include <cmath>

namespace doppel::timing {
namespace {

// What lies further back than so many capacities has left.
constexpr double kRemembered = 3;
// Operations kept apart; the oldest ones become one.
constexpr std::size_t kMostEntries = 1024;
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
    } else {
      result.push_back(range);
    }
  }
  return result;
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

L2Start L2History::before(std::span<const MemoryRange> ranges) const {
  L2Start start;
  start.present.assign(ranges.size(), 0);
  const std::vector<MemoryRange> parts = disjoint(ranges);
  double written = 0;
  for (const MemoryRange& part : parts) {
    start.bytes += length(part.begin, part.end);
    if (part.written) written += length(part.begin, part.end);
  }
  if (start.bytes <= 0) return start;
  double kept = 0;         // of the operation's memory, found in L2
  double since = 0;        // bytes of this entry and the later ones
  double still_known = 0;  // of the operation's memory, in this entry and the later ones
  struct Leaving {
    double bytes, dirty;
  };
  std::vector<Leaving> others;  // what the operation does not find, the latest first
  for (const Entry& entry : entries_) {
    since += entry.bytes;
    double touched = 0, dirty = 0, dirty_touched = 0;
    for (const Piece& piece : entry.pieces) {
      double here = 0;
      for (const MemoryRange& part : parts) here += overlap(piece.begin, piece.end, part.begin, part.end);
      touched += here;
      if (!piece.dirty) continue;
      dirty += length(piece.begin, piece.end);
      dirty_touched += here;
    }
    still_known += touched;
    // While it goes through this entry's memory, the operation brings in what is new to L2, too: half of that
    // on average before it comes to a byte.
    const double share = touched > 0 ? survival(since + (start.bytes - still_known) / 2) : 0;
    others.push_back({entry.bytes - share * touched, dirty - share * dirty_touched});
    if (share <= 0) continue;
    kept += touched * share;
    for (std::size_t i = 0; i < ranges.size(); ++i) {
      for (const Piece& piece : entry.pieces) {
        start.present[i] += share * overlap(piece.begin, piece.end, ranges[i].begin, ranges[i].end);
      }
    }
  }
  for (std::size_t i = 0; i < ranges.size(); ++i) {
    const double bytes = length(ranges[i].begin, ranges[i].end);
    start.present[i] = bytes > 0 ? std::min(1.0, start.present[i] / bytes) : 0;
  }
  // What comes in takes the place of what was not used for longest, and then of the operation's own.
  const double incoming = start.bytes - kept;
  if (incoming <= 0) return start;
  double room = capacity_ - kept;
  for (Leaving& other : others) {
    const double resident = std::clamp(room, 0.0, other.bytes);
    if (other.bytes > 0) other.dirty *= resident / other.bytes;
    other.bytes = resident;
    room -= resident;
  }
  double to_leave = std::max(0.0, incoming - room), dirty = 0;
  for (auto other = others.rbegin(); other != others.rend() && to_leave > 0; ++other) {
    const double leaves = std::min(to_leave, other->bytes);
    if (other->bytes > 0) dirty += other->dirty * leaves / other->bytes;
    to_leave -= leaves;
  }
  dirty += to_leave * written / start.bytes;
  start.write_back = dirty / incoming;
  return start;
}

void L2History::touch(std::span<const MemoryRange> ranges) {
  Entry latest;
  for (const MemoryRange& part : disjoint(ranges)) {
    latest.pieces.push_back({part.begin, part.end, part.written});
    latest.bytes += length(part.begin, part.end);
  }
  if (latest.pieces.empty()) return;
  // Its memory belongs to no earlier operation any more; what was dirty and is still there stays so.
  std::vector<MemoryRange> dirty;
  double since = 0;
  for (Entry& entry : entries_) {
    since += entry.bytes;
    std::vector<Piece> left;
    bool changed = false;
    for (const Piece& piece : entry.pieces) {
      std::uint64_t at = piece.begin;
      for (const Piece& part : latest.pieces) {
        if (part.begin >= piece.end || part.end <= at) continue;
        changed = true;
        const std::uint64_t end = std::min(part.end, piece.end);
        if (piece.dirty && !part.dirty && since <= capacity_)
          dirty.push_back({std::max(at, part.begin), end, true});
        if (part.begin > at) left.push_back({at, part.begin, piece.dirty});
        at = std::max(at, end);
      }
      if (at < piece.end) left.push_back({at, piece.end, piece.dirty});
    }
    if (!changed) continue;
    entry.pieces = std::move(left);
    entry.bytes = 0;
    for (const Piece& piece : entry.pieces) entry.bytes += length(piece.begin, piece.end);
  }
  std::erase_if(entries_, [](const Entry& entry) { return entry.pieces.empty(); });
  if (!dirty.empty()) {
    for (const Piece& piece : latest.pieces) dirty.push_back({piece.begin, piece.end, piece.dirty});
    latest.pieces.clear();
    for (const MemoryRange& part : disjoint(dirty))
      latest.pieces.push_back({part.begin, part.end, part.written});
  }
  entries_.push_front(std::move(latest));
  forget();
}

void L2History::pass_through(const MemoryRange& range) {
  const auto capacity = static_cast<std::uint64_t>(capacity_);
  const std::uint64_t step = std::max<std::uint64_t>(capacity / kStepsOfCapacity, 1);
  // Of a long range only the end can matter, but all of it has passed.
  const auto reach = static_cast<std::uint64_t>(kRemembered * capacity_);
  std::uint64_t at = range.begin;
  if (range.end > at + reach) {
    const MemoryRange head{at, range.end - reach, range.written};
    touch({&head, 1});
    at = head.end;
  }
  for (; at < range.end; at += step) {
    const MemoryRange part{at, std::min(at + step, range.end), range.written};
    touch({&part, 1});
  }
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
  while (entries_.size() > kMostEntries) {
    Entry oldest = std::move(entries_.back());
    entries_.pop_back();
    Entry& into = entries_.back();
    into.bytes += oldest.bytes;
    into.pieces.insert(into.pieces.end(), oldest.pieces.begin(), oldest.pieces.end());
    std::ranges::sort(into.pieces, {}, &Piece::begin);
  }
}

}  // namespace doppel::timing
