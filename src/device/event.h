// SPDX-License-Identifier: Apache-2.0
// A point in a stream's work.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "device/context.h"
#include "device/graph.h"
#include "support/result.h"

namespace doppel::device {

class Operation;
class SharedEvent;

class Event : public std::enable_shared_from_this<Event> {
 public:
  // shared: null where it is this process's alone.
  Event(std::shared_ptr<Context> context, const EventOptions& options,
        std::shared_ptr<SharedEvent> shared = nullptr)
      : context_(std::move(context)), options_(options), shared_(std::move(shared)) {}

  const std::shared_ptr<Context>& context() const { return context_; }
  const EventOptions& options() const { return options_; }
  const std::shared_ptr<SharedEvent>& shared() const { return shared_; }
  // Of an event of several processes: the latest record, where another process made it; else 0.
  std::uint64_t record_of_others() const;

  Result<void> query() const;  // NotReady; an event never recorded is ready
  Result<void> synchronize() const;
  // Milliseconds of virtual time from `start` to `end`. InvalidHandle where one was never recorded or has no
  // timing; NotReady.
  static Result<float> elapsed_ms(const Event& start, const Event& end);

  // Of streams and graphs: the operation that stands for the record.
  std::shared_ptr<Operation> operation() const;
  void set_operation(std::shared_ptr<Operation> operation);
  // Recorded in a capture: the nodes that a wait on it depends on.
  struct Captured {
    std::uint64_t capture_id = 0;
    std::vector<NodeId> nodes;
  };
  Captured captured() const;
  void set_captured(Captured captured);

 private:
  std::shared_ptr<Context> context_;
  EventOptions options_;
  std::shared_ptr<SharedEvent> shared_;
  mutable std::mutex mutex_;
  std::shared_ptr<Operation> operation_;
  Captured captured_;
};

}  // namespace doppel::device
