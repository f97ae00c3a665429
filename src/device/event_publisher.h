// SPDX-License-Identifier: Apache-2.0
// Records of events that other processes wait for: they need a place on the timeline though nobody here may
// ask for one. A thread of its own asks, as far as the program's threads let it.
#pragma once

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace doppel::device {

class Operation;
class Timeline;

class EventPublisher {
 public:
  explicit EventPublisher(Timeline& timeline) : timeline_(timeline) {}
  ~EventPublisher();  // does not wait for what has no place
  EventPublisher(const EventPublisher&) = delete;
  EventPublisher& operator=(const EventPublisher&) = delete;
  // Until it has a place.
  void follow(std::shared_ptr<Operation> record);

 private:
  struct Followed {
    std::shared_ptr<Operation> record;
    std::chrono::steady_clock::time_point since;
  };
  void work();
  Timeline& timeline_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Followed> followed_;
  bool ending_ = false;
  std::thread thread_;  // from the first record on
};

}  // namespace doppel::device
