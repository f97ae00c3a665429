// SPDX-License-Identifier: Apache-2.0
// One warp's recorded run as a sequence of machine operations.
#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "analysis/trace.h"
#include "machine/machine_operation.h"

namespace doppel::timing {

class WarpReplay {
 public:
  WarpReplay(const machine::MachineProgram& program, const analysis::WarpTrace& trace);

  bool done() const { return operation_ == nullptr; }
  const machine::MachineOperation& operation() const { return *operation_; }
  // Of the current operation.
  std::span<const machine::ValueId> operands() const { return code().operands(*operation_); }
  std::span<const machine::ValueId> results() const { return code().results(*operation_); }
  std::span<const machine::MachineAccess> accesses() const { return code().accesses(*operation_); }
  // The memory event of one of its accesses; null: no lane was active, or a trace does not tell of it.
  const analysis::TraceEvent* event_of(const machine::MachineAccess& access) const;
  std::uint32_t value_base() const { return program_->value_base[function_]; }
  std::uint32_t function() const { return function_; }
  const analysis::WarpTrace& trace() const { return *trace_; }
  // Whether the current operation is of a loop that waits for a write. Traces hold the last of its rounds,
  // which found what it waits for.
  bool polls() const { return loop_ != nullptr && loop_->on_memory() && !by_time_; }
  // Until when the current operation has to wait, where it is the one by which a loop ends that waits for a
  // clock: what the loop reads, or else what comes behind it. Null: it is not.
  const analysis::TraceEvent* clock() const {
    return clock_ != nullptr && (operation_->reads_clock || loop_ == nullptr) ? clock_ : nullptr;
  }
  std::uint64_t cycles_of(const analysis::TraceEvent& clock) const { return trace_->sectors[clock.payload]; }
  // How long the current operation sleeps, in nanoseconds.
  std::uint32_t sleep_ns() const;
  // Calls visit(TraceEvent) for the phases of barriers that the current operation arrives at or waits for.
  template <typename Visit>
  void for_each_phase(const Visit& visit) const {
    for (const std::uint32_t each : phases_) {
      if (is_current(trace_->events[each])) visit(trace_->events[each]);
    }
  }
  // That round has not found it: at its end, it begins again.
  void poll_again() { again_ = true; }
  // Operations of rounds that began again, since the last call: none of the program's.
  std::uint64_t take_repeated() { return std::exchange(repeated_, 0); }
  // To the next operation. `jumped`: it does not follow the last one in the straight line of the code.
  void advance(bool& jumped);

 private:
  struct Frame {
    std::uint32_t function;
    const machine::MachineBlock* block;
    std::size_t next;
  };
  const machine::MachineFunction& code() const { return program_->functions[function_]; }
  // An event of the block that names its operation.
  bool is_current(const analysis::TraceEvent& event) const {
    return event.id == program_->instruction_base[function_] + operation_->instruction;
  }
  void next_block(bool& jumped);
  void enter(std::uint32_t function, analysis::BlockId block);
  void read_accesses();
  void settle(bool& jumped);
  void leave_round();

  const machine::MachineProgram* program_;
  const analysis::WarpTrace* trace_;
  const machine::MachineBlock* block_ = nullptr;
  const machine::MachineOperation* operation_ = nullptr;
  std::size_t next_operation_ = 0;
  std::size_t next_event_ = 0;
  std::uint32_t function_ = 0;
  analysis::BlockId block_id_ = 0;
  std::vector<std::uint32_t> events_;           // by rank of the access in the block: event, or UINT32_MAX
  std::vector<std::uint32_t> sleeps_, phases_;  // events of the block
  std::vector<Frame> callers_;
  const analysis::SpinLoop* loop_ = nullptr;     // that the warp is in
  const analysis::TraceEvent* clock_ = nullptr;  // that its round waits for
  bool by_time_ = false;                         // a clock ends its round
  std::size_t round_event_ = 0;                  // the first of its round
  std::uint64_t round_operations_ = 0;           // that the warp is past, of this round
  std::uint64_t repeated_ = 0;
  bool again_ = false;
};

}  // namespace doppel::timing
