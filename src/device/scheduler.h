// SPDX-License-Identifier: Apache-2.0
// Runs operations when all that they depend on has run. Any number may run at once, since one may wait for
// another.
#pragma once

#include <chrono>
#include <memory>
#include <vector>

#include "device/operation.h"

namespace doppel::device {

class Timeline;

class Scheduler {
 public:
  explicit Scheduler(Timeline& timeline);
  ~Scheduler();  // waits for all operations
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  void submit(const std::shared_ptr<Operation>& operation,
              std::vector<std::shared_ptr<Operation>> dependencies);
  // Blocks the calling thread until it has run.
  void wait(Operation& operation);
  // Blocks until it also has its place on the timeline: then its times are valid. host_us: when the host
  // asks.
  void wait_placed(Operation& operation, double host_us = 0);
  // Whether it has ended by a moment of virtual time. That may not be known before what it depends on has
  // run, so that the calling thread waits a while for that, in which no virtual time passes; but not for
  // work that only waits itself, for the host may have to do something for it.
  bool has_ended_by(Operation& operation, double time_us);
  void wait_all();
  // The same for at most so long: whether all have run.
  bool wait_all_for(std::chrono::milliseconds most);
  // What has not begun is passed over from now on, as if it had run. Async-signal-safe.
  void drop_rest() noexcept;

 private:
  class Implementation;
  Timeline& timeline_;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace doppel::device
