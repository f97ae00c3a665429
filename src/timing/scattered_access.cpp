// SPDX-License-Identifier: Apache-2.0
#include "timing/scattered_access.h"

#include <algorithm>
#include <cmath>

#include "timing/hash.h"

namespace doppel::timing {
namespace {

// A block keeps to a window where that is less than this part of what all samples touch.
constexpr std::uint64_t kWindowPart = 4;
// Windows are in the blocks' order where their places and their numbers correlate so much.
constexpr double kInOrder = 0.9;
constexpr std::size_t kFewestForWindows = 3;
// Lines of several blocks that are kept to draw from; more are thinned out.
constexpr std::size_t kMostShared = 1 << 16;

}  // namespace

void ScatteredAccess::add_block(std::uint64_t block, const std::vector<std::uint64_t>& lines) {
  if (lines.empty()) return;
  windows_.push_back({block, lines.front(), lines.back()});
  first_ = std::min(first_, lines.front());
  last_ = std::max(last_, lines.back());
  lines_ += lines.size();
  touched_.insert(touched_.end(), lines.begin(), lines.end());
}

void ScatteredAccess::finish() {
  if (windows_.empty()) return;
  // The next draw is new with the probability that one of those so far was the only one of its kind (Good
  // 1953, "The population frequencies of species and the estimation of population parameters").
  std::ranges::sort(touched_);
  std::uint64_t once = 0;
  for (auto at = touched_.begin(); at != touched_.end();) {
    const auto end = std::upper_bound(at, touched_.end(), *at);
    if (end - at == 1) {
      ++once;
    } else {
      shared_.insert(shared_.end(), at, end);
    }
    at = end;
  }
  touched_ = {};
  if (windows_.size() > 1) unseen_ = static_cast<double>(once) / static_cast<double>(lines_);
  if (const std::size_t step = shared_.size() / kMostShared + 1; step > 1) {
    std::size_t kept = 0;
    for (std::size_t i = 0; i < shared_.size(); i += step) shared_[kept++] = shared_[i];
    shared_.resize(kept);
  }
  std::vector<std::uint64_t> widths;
  for (const Window& window : windows_) widths.push_back(window.last - window.first + 1);
  std::ranges::nth_element(widths, widths.begin() + static_cast<std::ptrdiff_t>(widths.size() / 2));
  width_ = widths[widths.size() / 2];
  moves_ = windows_.size() >= kFewestForWindows && width_ < (last_ - first_ + 1) / kWindowPart;
  if (!moves_) return;
  const auto count = static_cast<double>(windows_.size());
  dense_ = static_cast<double>(lines_) > 0.5 * static_cast<double>(width_) * count;
  double x = 0, y = 0, xx = 0, yy = 0, xy = 0;
  for (const Window& window : windows_) {
    const auto block = static_cast<double>(window.block), place = static_cast<double>(window.first - first_);
    x += block;
    y += place;
    xx += block * block;
    yy += place * place;
    xy += block * place;
  }
  const double spread = std::sqrt((xx - x * x / count) * (yy - y * y / count));
  in_order_ = spread > 0 && std::abs(xy - x * y / count) > kInOrder * spread;
}

// The first line of a block's window.
std::uint64_t ScatteredAccess::window_of(std::uint64_t block) const {
  const auto after = std::ranges::lower_bound(windows_, block, {}, &Window::block);
  if (after != windows_.end() && after->block == block) return after->first;
  if (!in_order_) {
    const std::uint64_t places = last_ - first_ + 2 - std::min(width_, last_ - first_ + 1);
    return first_ + mix(block) % places;
  }
  if (after == windows_.end()) return windows_.back().first;
  if (after == windows_.begin()) return after->first;
  const Window& before = *(after - 1);
  const double part =
      static_cast<double>(block - before.block) / static_cast<double>(after->block - before.block);
  return static_cast<std::uint64_t>(static_cast<double>(before.first) * (1 - part) +
                                    static_cast<double>(after->first) * part);
}

std::uint64_t ScatteredAccess::line(std::uint64_t line, std::uint64_t from, std::uint64_t to) const {
  if (from == to || windows_.empty()) return line;
  const std::uint64_t draw = mix(line + mix(to));
  if (moves_) {
    const std::uint64_t first = window_of(to);
    return first + (dense_ ? line - std::min(line, window_of(from)) : draw % width_);
  }
  if (static_cast<double>(draw >> 11) * 0x1p-53 >= unseen_ && !shared_.empty())
    return shared_[mix(draw) % shared_.size()];
  return first_ + mix(draw) % (last_ - first_ + 1);
}

}  // namespace doppel::timing
