// SPDX-License-Identifier: Apache-2.0
#include "device/timeline.h"

#include <algorithm>
#include <chrono>

#include "device/context.h"
#include "device/device.h"
#include "device/shared_resource.h"

namespace doppel::device {

class Timeline::Lanes {
 public:
  // Copy engines: one for each direction and one for peers where the card has them, else they share.
  explicit Lanes(const Device& device) {
    const std::size_t engines = static_cast<std::size_t>(std::max(1, device.card().engines.copy));
    copy_.resize(std::min<std::size_t>(engines, 3));
  }
  SharedResource* of(Lane lane) {
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
  SharedResource compute_;
  std::vector<SharedResource> copy_;
};

Timeline::Timeline() = default;
Timeline::~Timeline() = default;

void Timeline::submitted(const std::shared_ptr<Operation>& operation) {
  const std::lock_guard lock(queue_mutex_);
  unplaced_.push_back(operation);
}

void Timeline::finished(Operation& operation, const Cost& cost) {
  const std::lock_guard lock(queue_mutex_);
  operation.cost_ = cost;
  operation.costed_ = true;
}

void Timeline::advance() {
  const std::lock_guard lock(place_mutex_);
  place_all(false);
}

void Timeline::advance_if_quick() {
  const std::unique_lock lock(place_mutex_, std::try_to_lock);
  if (lock) place_all(true);
}

// The first operation without a place, if it has run; else null.
std::shared_ptr<Operation> Timeline::next(bool quick_one) {
  const std::lock_guard lock(queue_mutex_);
  while (!unplaced_.empty() && unplaced_.front()->placed()) unplaced_.pop_front();
  if (unplaced_.empty()) return nullptr;
  const Operation& first = *unplaced_.front();
  return first.costed_ && !(quick_one && first.cost_.resolve) ? unplaced_.front() : nullptr;
}

void Timeline::place_all(bool quick_ones) {
  bool placed_any = false;
  while (const std::shared_ptr<Operation> operation = next(quick_ones)) {
    place(*operation);
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
    SharedResource& lane = *lanes_[ordinal]->of(cost.lane);
    // Operations are placed in the order of their submission, and none starts before its own.
    lane.forget_before(operation.submitted_us_);
    operation.start_us_ = lane.take(operation.start_us_, cost.duration_us, cost.share);
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
    const auto open =
        std::ranges::find_if(top->dependencies_, [](const auto& each) { return !each->placed(); });
    if (open != top->dependencies_.end() && !top->placed()) {
      stack.push_back(open->get());
      continue;
    }
    if (!top->placed()) place(*top);
    stack.pop_back();
  }
  changed_.notify_all();
}

// Whether the first operation that has not run only waits for somebody else.
bool Timeline::waits_for_others() {
  const std::lock_guard lock(queue_mutex_);
  const auto first =
      std::ranges::find_if(unplaced_, [](const auto& each) { return !each->placed() && !each->costed_; });
  return first != unplaced_.end() && (*first)->waiting;
}

void Timeline::wait_placed(Operation& operation) {
  while (!operation.placed()) {
    {
      const std::lock_guard lock(place_mutex_);
      place_all(false);
      if (operation.placed()) return;
      if (waits_for_others()) {
        // It may wait for what the caller does next.
        place_with_dependencies(operation);
        return;
      }
    }
    std::unique_lock lock(queue_mutex_);
    changed_.wait_for(lock, std::chrono::milliseconds(1), [&] { return operation.placed(); });
  }
}

double Timeline::end_us() const {
  const std::lock_guard lock(place_mutex_);
  return end_us_;
}

}  // namespace doppel::device
