// One warp's recorded run as a sequence of machine operations.
#pragma once

#include <cstdint>
#include <vector>

#include "kernel/machine_operation.h"
#include "kernel/trace.h"

namespace doppel::timing {

class WarpReplay {
 public:
  WarpReplay(const kernel::MachineProgram& program, const kernel::WarpTrace& trace);

  bool done() const { return operation_ == nullptr; }
  const kernel::MachineOperation& operation() const { return *operation_; }
  // The memory event of the current operation; null: no lane was active, or it is no access.
  const kernel::TraceEvent* access() const;
  std::uint32_t value_base() const { return program_->value_base[function_]; }
  std::uint32_t function() const { return function_; }
  const kernel::WarpTrace& trace() const { return *trace_; }
  // To the next operation. `jumped`: it does not follow the last one in the straight line of the code.
  void advance(bool& jumped);

 private:
  struct Frame {
    std::uint32_t function;
    const kernel::MachineBlock* block;
    std::size_t next;
  };
  void next_block(bool& jumped);
  void enter(std::uint32_t function, kernel::BlockId block);
  void read_accesses();
  void settle(bool& jumped);

  const kernel::MachineProgram* program_;
  const kernel::WarpTrace* trace_;
  const kernel::MachineBlock* block_ = nullptr;
  const kernel::MachineOperation* operation_ = nullptr;
  std::size_t next_operation_ = 0;
  std::size_t next_event_ = 0;
  std::uint32_t function_ = 0;
  kernel::BlockId block_id_ = 0;
  std::vector<std::uint32_t> events_;  // by rank of the access in the block: event, or UINT32_MAX
  std::vector<Frame> callers_;
};

}  // namespace doppel::timing
