// SPDX-License-Identifier: Apache-2.0
// A kernel as the machine operations that the vendor's assembler would make of its PTX, as near as rules by
// instruction go. The passes, in order: select, tidy branches, if-convert, reconverge, merge,
// eliminate dead, name atomics, schedule, estimate registers, spill.
#pragma once

#include "analysis/analysed_module.h"
#include "machine/machine_liveness.h"
#include "machine/machine_operation.h"
#include "machine/operation_builder.h"

namespace doppel::machine {

// Lowers `kernel` and every function that it may call.
MachineProgram lower_to_machine(const analysis::AnalysedModule& module, ir::FunctionId kernel,
                                const LoweringOptions& options);

// The passes after selection. Each works on one function.
struct LoweringContext {
  const ir::Function& function;
  const ControlFlowGraph& graph;
  const RegisterRoles& roles;
};
// Branches that only go round a block's end, or to the block behind: no operation is needed.
void tidy_branches(const LoweringContext& context, MachineFunction& machine);
// Short blocks behind a forward branch run under its predicate instead.
void convert_ifs(const LoweringContext& context, MachineFunction& machine);
// Where lanes may part, a barrier register is set before (BSSY) and waited for after (BSYNC), unless the
// function says itself where its lanes meet.
void add_reconvergence(const LoweringContext& context, MachineFunction& machine);
// Blocks that always follow each other become one, so that the passes behind see the whole of it.
void merge_straight_lines(const LoweringContext& context, MachineFunction& machine);
// Operations whose results nobody reads.
void eliminate_dead(MachineFunction& machine);
// Which atomics give no old value back, and which are combined within a warp.
void name_atomics(const LoweringContext& context, MachineFunction& machine);
// Registers of a thread that hold no values: the stack pointer, and what alignment of pairs and fixed places
// cost (docs/timing-model.md).
inline constexpr int kReservedRegisters = 6;
// Each block in an order that needs few registers and hides the usual latencies, the latter with `most`
// registers at most.
void schedule_operations(const MachineLiveness& liveness, std::uint32_t most, MachineFunction& machine);
// Registers of one thread, from the live ranges of the scheduled operations.
std::uint32_t estimate_registers(const LoweringContext& context, const MachineLiveness& liveness,
                                 const MachineFunction& machine);
// Where the scheduled operations need more than `most` registers: stores and loads of local memory for what
// does not fit. Afterwards no value is live while only local memory holds it.
void spill_registers(const LoweringContext& context, const MachineLiveness& liveness, std::uint32_t most,
                     MachineFunction& machine);

// One operation a line: "  FFMA v12 <- v3 v4 v12 flops 2", "  LDG v3 <- v1 from global 4". For `doppel ptx`
// and tests.
std::string to_string(const MachineFunction& machine);

}  // namespace doppel::machine
