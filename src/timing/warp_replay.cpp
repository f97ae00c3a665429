// SPDX-License-Identifier: Apache-2.0
#include "timing/warp_replay.h"

#include <algorithm>

namespace doppel::timing {

using analysis::TraceBlockId;
using analysis::TraceEvent;
using machine::MachineBlock;

WarpReplay::WarpReplay(const machine::MachineProgram& program, const analysis::WarpTrace& trace)
    : program_(&program), trace_(&trace), function_(program.entry) {
  events_.resize(program.accesses, UINT32_MAX);
  bool jumped = false;
  next_block(jumped);
  settle(jumped);
}

const TraceEvent* WarpReplay::event_of(const machine::MachineAccess& access) const {
  const std::uint32_t rank = access.rank;
  if (rank == machine::kNoAccess || rank >= events_.size() || events_[rank] == UINT32_MAX) return nullptr;
  return &trace_->events[events_[rank]];
}

void WarpReplay::read_accesses() {
  const auto& instructions = block_->access_instructions;
  const std::uint32_t base = program_->instruction_base[function_];
  auto merged = block_->merged.begin();
  std::size_t rank = 0;
  for (; next_event_ < trace_->events.size(); ++next_event_) {
    const TraceEvent& event = trace_->events[next_event_];
    if (event.kind == TraceEvent::Kind::Block) {
      // A block whose operations are in this one; those that no lane came to leave no event.
      const TraceBlockId id{event.id};
      if (id.function() != function_) return;
      const auto found = std::find(merged, block_->merged.end(), id.block());
      if (found == block_->merged.end()) return;
      merged = found + 1;
      continue;
    }
    if (event.kind == TraceEvent::Kind::Phase) phases_.push_back(static_cast<std::uint32_t>(next_event_));
    if (event.kind == TraceEvent::Kind::Sleep) sleeps_.push_back(static_cast<std::uint32_t>(next_event_));
    if (event.kind != TraceEvent::Kind::Access) continue;
    // Events come in program order, as the ranks do; an access without active lanes leaves none.
    std::size_t at = rank;
    while (at < instructions.size() && base + instructions[at] != event.id) ++at;
    if (at == instructions.size()) continue;
    events_[at] = static_cast<std::uint32_t>(next_event_);
    rank = at + 1;
  }
}

void WarpReplay::enter(std::uint32_t function, analysis::BlockId block) {
  function_ = function;
  block_id_ = block;
  block_ = &program_->functions[function].blocks[block];
  next_operation_ = 0;
  std::fill_n(events_.begin(), std::min<std::size_t>(block_->accesses, events_.size()), UINT32_MAX);
  sleeps_.clear();
  phases_.clear();
  read_accesses();
}

std::uint32_t WarpReplay::sleep_ns() const {
  for (const std::uint32_t each : sleeps_) {
    if (is_current(trace_->events[each])) return trace_->events[each].payload;
  }
  return 0;
}

// A round ends where the loop begins again or is left.
void WarpReplay::leave_round() {
  if (loop_ == nullptr) return;
  const bool more = next_event_ < trace_->events.size();
  const TraceBlockId id{more ? trace_->events[next_event_].id : 0};
  if (more && loop_->holds(id) && !loop_->begins_at(id)) return;
  if (again_) {
    next_event_ = round_event_;
    repeated_ += round_operations_;
  }
  loop_ = nullptr;
  again_ = false;
}

void WarpReplay::next_block(bool& jumped) {
  while (next_event_ < trace_->events.size() && trace_->events[next_event_].kind != TraceEvent::Kind::Block)
    ++next_event_;
  leave_round();
  if (next_event_ >= trace_->events.size()) {
    block_ = nullptr;
    return;
  }
  const TraceBlockId id{trace_->events[next_event_].id};
  const bool known = id.function() < program_->functions.size() &&
                     id.block() < program_->functions[id.function()].blocks.size();
  ++next_event_;
  if (loop_ == nullptr) {
    loop_ = analysis::spin_loop_of(program_->spin_loops, id);
    round_event_ = next_event_ - 1;
    round_operations_ = 0;
    const TraceEvent* const before = round_event_ > 0 ? &trace_->events[round_event_ - 1] : nullptr;
    by_time_ = loop_ != nullptr && loop_->by_clock && before != nullptr &&
               before->kind == TraceEvent::Kind::Clock && (!loop_->or_by_memory || cycles_of(*before) > 0);
    if (by_time_) clock_ = before;
  }
  if (!known) return;  // a function that was not lowered: its time is not known, its events are passed over
  jumped = block_ != nullptr && !(id.function() == function_ && id.block() == block_->fall_through);
  enter(id.function(), id.block());
}

void WarpReplay::settle(bool& jumped) {
  while (block_ != nullptr && next_operation_ >= block_->operations.size()) {
    leave_round();
    // Back to the caller where the callee has ended: its next event is no block of the callee.
    if (!callers_.empty()) {
      const bool more = next_event_ < trace_->events.size() &&
                        trace_->events[next_event_].kind == TraceEvent::Kind::Block &&
                        TraceBlockId{trace_->events[next_event_].id}.function() == function_ &&
                        !(block_->operations.empty() ? false : block_->operations.back().is_return);
      if (!more) {
        const Frame frame = callers_.back();
        callers_.pop_back();
        function_ = frame.function;
        block_ = frame.block;
        block_id_ = static_cast<analysis::BlockId>(block_ - program_->functions[function_].blocks.data());
        next_operation_ = frame.next;
        std::fill_n(events_.begin(), std::min<std::size_t>(block_->accesses, events_.size()), UINT32_MAX);
        read_accesses();
        jumped = true;
        continue;
      }
    }
    next_block(jumped);
  }
  operation_ = block_ == nullptr ? nullptr : &block_->operations[next_operation_];
}

void WarpReplay::advance(bool& jumped) {
  jumped = false;
  if (clock() != nullptr) clock_ = nullptr;
  const bool call = operation_->is_call;
  ++next_operation_;
  if (loop_ != nullptr) ++round_operations_;
  if (call && next_event_ < trace_->events.size() &&
      trace_->events[next_event_].kind == TraceEvent::Kind::Block) {
    const TraceBlockId id{trace_->events[next_event_].id};
    if (id.block() == 0 && id.function() < program_->functions.size() &&
        !program_->functions[id.function()].blocks.empty()) {
      callers_.push_back({function_, block_, next_operation_});
      ++next_event_;
      jumped = true;
      enter(id.function(), 0);
    }
  }
  settle(jumped);
}

}  // namespace doppel::timing
