#include "device/timeline.h"

#include <algorithm>
#include <array>
#include <chrono>

#include "device/context.h"
#include "device/device.h"

namespace doppel::device {
namespace {

// A resource that several may use at once, up to a share of 1 in sum.
class Resource {
 public:
  // The earliest start, not before `ready`, at which `share` is free for so long.
  double take(double ready, double duration, double share) {
    double start = ready;
    // Only what ends after `ready` matters; `busy_` is ordered by end.
    auto first = std::upper_bound(busy_.begin(), busy_.end(), ready,
                                  [](double at, const Interval& each) { return at < each.end; });
    if (duration > 0) {
      auto candidate = first;
      while (!fits(first, start, duration, share) && candidate != busy_.end()) start = (candidate++)->end;
      const Interval made{start, start + duration, share};
      busy_.insert(std::upper_bound(busy_.begin(), busy_.end(), made.end,
                                    [](double at, const Interval& each) { return at < each.end; }),
                   made);
      if (busy_.size() > kKept) busy_.erase(busy_.begin());
    }
    return start;
  }

 private:
  struct Interval {
    double start, end, share;
  };
  using Iterator = std::vector<Interval>::iterator;
  // What lies further back than so many intervals is not filled any more.
  static constexpr std::size_t kKept = 256;
  static constexpr double kTolerance = 1e-9;

  bool fits(Iterator first, double start, double duration, double share) const {
    // The load can only rise where an interval starts.
    const auto load_at = [&](double at) {
      double load = 0;
      for (auto each = first; each != busy_.end(); ++each) {
        if (each->start <= at && at < each->end) load += each->share;
      }
      return load;
    };
    if (load_at(start) + share > 1 + kTolerance) return false;
    for (auto each = first; each != busy_.end(); ++each) {
      if (each->start > start && each->start < start + duration &&
          load_at(each->start) + share > 1 + kTolerance)
        return false;
    }
    return true;
  }

  std::vector<Interval> busy_;
};

}  // namespace

class Timeline::Lanes {
 public:
  // Copy engines: one for each direction and one for peers where the card has them, else they share.
  explicit Lanes(const Device& device) {
    const std::size_t engines = static_cast<std::size_t>(std::max(1, device.card().engines.copy));
    copy_.resize(std::min<std::size_t>(engines, 3));
  }
  Resource* of(Lane lane) {
    switch (lane) {
      case Lane::Compute:
        return &compute_;
      case Lane::CopyToDevice:
        return &copy_[0];
      case Lane::CopyToHost:
        return &copy_[1 % copy_.size()];
      case Lane::CopyPeer:
        return &copy_[2 % copy_.size()];
      case Lane::None:
      case Lane::Host:
        return nullptr;
    }
    return nullptr;
  }

 private:
  Resource compute_;
  std::vector<Resource> copy_;
};

Timeline::Timeline() = default;
Timeline::~Timeline() = default;

void Timeline::submitted(const std::shared_ptr<Operation>& operation) {
  const std::lock_guard lock(mutex_);
  unplaced_.push_back(operation);
}

void Timeline::finished(Operation& operation, const Cost& cost) {
  const std::lock_guard lock(mutex_);
  operation.cost_ = cost;
  operation.costed_ = true;
  advance();
}

void Timeline::advance() {
  bool placed_any = false;
  while (!unplaced_.empty() && (unplaced_.front()->placed() || unplaced_.front()->costed_)) {
    if (!unplaced_.front()->placed()) place(*unplaced_.front());
    unplaced_.pop_front();
    placed_any = true;
  }
  if (placed_any) changed_.notify_all();
}

void Timeline::place(Operation& operation) {
  if (operation.cost_.resolve) {
    operation.cost_.resolve(operation.cost_);
    operation.cost_.resolve = nullptr;
  }
  const Cost& cost = operation.cost_;
  double ready = operation.submitted_us_;
  for (const auto& dependency : operation.dependencies_) ready = std::max(ready, dependency->end_us_);
  operation.start_us_ = ready + cost.gap_us;
  if (cost.lane != Lane::None && cost.lane != Lane::Host) {
    const Device& device = operation.context()->device();
    const auto ordinal = static_cast<std::size_t>(device.ordinal());
    if (lanes_.size() <= ordinal) lanes_.resize(ordinal + 1);
    if (lanes_[ordinal] == nullptr) lanes_[ordinal] = std::make_unique<Lanes>(device);
    operation.start_us_ =
        lanes_[ordinal]->of(cost.lane)->take(operation.start_us_, cost.duration_us, cost.share);
  }
  operation.end_us_ = operation.start_us_ + cost.duration_us;
  end_us_ = std::max(end_us_, operation.end_us_);
  operation.dependencies_.clear();
  if (operation.on_placed) {
    operation.on_placed(operation);
    operation.on_placed = nullptr;
  }
  operation.placed_.store(true, std::memory_order_release);
}

void Timeline::place_with_dependencies(Operation& operation) {
  std::vector<Operation*> stack{&operation};
  while (!stack.empty()) {
    Operation* top = stack.back();
    const auto open = std::find_if(top->dependencies_.begin(), top->dependencies_.end(),
                                   [](const auto& each) { return !each->placed(); });
    if (open != top->dependencies_.end() && !top->placed()) {
      stack.push_back(open->get());
      continue;
    }
    if (!top->placed()) place(*top);
    stack.pop_back();
  }
  changed_.notify_all();
}

void Timeline::wait_placed(Operation& operation) {
  if (operation.placed()) return;
  std::unique_lock lock(mutex_);
  while (true) {
    advance();
    if (operation.placed()) return;
    for (const auto& earlier : unplaced_) {
      if (earlier->placed() || earlier->costed_) continue;
      if (!earlier->waiting) break;
      // It may wait for what the caller does next.
      place_with_dependencies(operation);
      return;
    }
    changed_.wait_for(lock, std::chrono::milliseconds(1));
  }
}

double Timeline::end_us() const {
  const std::lock_guard lock(mutex_);
  return end_us_;
}

}  // namespace doppel::device
