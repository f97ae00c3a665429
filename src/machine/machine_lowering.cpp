// SPDX-License-Identifier: Apache-2.0
#include "machine/machine_lowering.h"

#include <algorithm>

#include "machine/operation_selection.h"
#include "machine/shared_load_merge.h"

namespace doppel::machine {
namespace {

void count_flops(const ir::Function& function, MachineBlock& block) {
  for (const MachineOperation& operation : block.operations) {
    block.flops += operation.flops;
    if (is_tensor(operation.pipe)) {
      block.tensor_flops += operation.flops;
      // A pass of fp16 is 16 by 8 by 8 products (select_matrix.cpp), of which a lane has a 32nd.
      constexpr std::uint32_t kFlopsOfPass = 2 * 16 * 8 * 8 / 32;
      block.tensor_fp16_flops += operation.passes * kFlopsOfPass / (operation.is_sparse ? 2 : 1);
      continue;
    }
    if (operation.pipe == Pipe::Fp64 && operation.passes > 1) block.fp64_flops += operation.flops;
    if (operation.instruction == kNoInstruction) continue;
    switch (function.operations[operation.instruction].type) {
      case ir::Type::F16:
      case ir::Type::F16x2:
      case ir::Type::BF16:
      case ir::Type::BF16x2:
        block.fp16_flops += operation.flops;
        break;
      case ir::Type::F64:
        block.fp64_flops += operation.flops;
        break;
      default:
        break;
    }
  }
}

MachineFunction lower_function(const ir::Module& module, const ir::Function& function,
                               const ControlFlowGraph& graph, const LoweringOptions& options) {
  PassTimer timer(options.passes, "select");
  RegisterRoles roles = RegisterRoles::build(function, graph);
  absorb_definitions(function, graph, roles);
  const MergedLoads merged = merge_shared_loads(function, module, graph, roles);
  OperationBuilder builder(function, roles, options);
  builder.merged = &merged;
  for (const BasicBlock& block : graph.blocks()) {
    builder.begin_block();
    for (std::uint32_t i = block.first; i < block.last; ++i) select_operations(builder, i);
    MachineBlock& result = builder.block();
    count_flops(function, result);
    result.fall_through = block.fall_through;
    result.ptx_instructions = block.last - block.first;
  }
  MachineFunction machine = builder.take();
  const LoweringContext context{function, graph, roles};
  const auto dump_after = [&](const char* pass) {
    if (options.passes != nullptr && options.passes->wants(pass, function.name))
      options.passes->dump(pass, function.name, options.variant, to_string(machine));
  };
  const auto run = [&](const char* pass, auto&& body) {
    timer.next(pass);
    body();
    dump_after(pass);
  };
  dump_after("select");
  run("branches", [&] { tidy_branches(context, machine); });
  run("if-convert", [&] { convert_ifs(context, machine); });
  run("reconverge", [&] { add_reconvergence(context, machine); });
  run("merge", [&] { merge_straight_lines(context, machine); });
  run("dead", [&] { eliminate_dead(machine); });
  run("atomics", [&] { name_atomics(context, machine); });
  const MachineLiveness liveness = MachineLiveness::build(graph, machine);
  const std::uint32_t most = options.most_registers;
  run("schedule", [&] { schedule_operations(liveness, most, machine); });
  timer.next("registers");
  machine.registers = estimate_registers(context, liveness, machine);
  if (machine.registers > most) {
    spill_registers(context, liveness, most, machine);
    machine.registers =
        std::min(most, estimate_registers(context, MachineLiveness::build(graph, machine), machine));
  }
  dump_after("registers");
  return machine;
}

}  // namespace

MachineProgram lower_to_machine(const analysis::AnalysedModule& analysed, ir::FunctionId kernel,
                                const LoweringOptions& options) {
  const ir::Module& module = analysed.ir();
  MachineProgram program;
  program.entry = kernel;
  program.spin_loops = analysed.kernel(kernel).spin_loops;
  program.functions.resize(module.functions.size());
  program.value_base.resize(module.functions.size(), 0);
  std::vector<bool> reached(module.functions.size(), false);
  for (const std::uint32_t each : analysed.kernel(kernel).functions) reached[each] = true;
  std::uint32_t operations = 0;
  std::uint32_t callee_registers = 0;
  for (ir::FunctionId id = 0; id < module.functions.size(); ++id) {
    program.instruction_base.push_back(operations);
    program.value_base[id] = program.values;
    if (!reached[id] || module.functions[id].operations.empty()) continue;
    operations += static_cast<std::uint32_t>(module.functions[id].operations.size());
    MachineFunction machine = lower_function(module, module.functions[id], analysed.graph(id), options);
    program.values += machine.value_count();
    for (MachineBlock& block : machine.blocks) {
      program.accesses = std::max(program.accesses, block.accesses);
      for (MachineOperation& operation : block.operations) {
        if (operation.spill_word != kNoSpill) operation.spill_word += program.spill_words;
      }
    }
    program.spill_words += machine.spill_words;
    if (id != kernel) callee_registers = std::max(callee_registers, machine.registers);
    program.functions[id] = std::move(machine);
  }
  program.instruction_base.push_back(operations);
  if (kernel < program.functions.size()) {
    // The calling convention keeps the caller's values in registers from 16 up; the deepest callee sets the
    // rest.
    MachineFunction& entry = program.functions[kernel];
    entry.registers = std::max(entry.registers, callee_registers);
  }
  return program;
}

namespace {

void add_line(std::string& text, const MachineFunction& machine, const MachineOperation& operation) {
  const auto add = [&text](const auto&... parts) { (text.append(parts), ...); };
  add("  ", operation.mnemonic);
  for (const ValueId id : machine.results(operation)) add(" v", std::to_string(id));
  add(" <-");
  for (const ValueId id : machine.operands(operation)) add(" v", std::to_string(id));
  for (const MachineAccess& access : machine.accesses(operation)) {
    add(access.is_store       ? " to "
        : operation.is_atomic ? " at "
                              : " from ",
        name_of(access.space), " ", std::to_string(access.bytes_per_lane));
  }
  if (operation.flops > 1) add(" flops ", std::to_string(operation.flops));
  switch (operation.asynchronous) {
    case Asynchronous::None:
      break;
    case Asynchronous::Joins:
      add(" joins the open group");
      break;
    case Asynchronous::Closes:
      add(" closes the group");
      break;
    case Asynchronous::Waits:
      add(" waits for all groups but ", std::to_string(operation.pending_groups));
      break;
  }
  add("\n");
}

}  // namespace

std::string to_string(const MachineFunction& machine) {
  std::string text;
  for (std::size_t i = 0; i < machine.blocks.size(); ++i) {
    const MachineBlock& block = machine.blocks[i];
    text += "block " + std::to_string(i);
    for (BlockId merged : block.merged) text += ", " + std::to_string(merged);
    text += ":\n";
    for (const MachineOperation& operation : block.operations) add_line(text, machine, operation);
  }
  return text;
}

}  // namespace doppel::machine
