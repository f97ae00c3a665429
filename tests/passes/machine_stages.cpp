// SPDX-License-Identifier: Apache-2.0
// Stages of src/machine.
#include <fmt/format.h>

#include "machine/block_graph.h"
#include "machine/machine_lowering.h"
#include "machine/operation_selection.h"
#include "stages.h"

namespace doppel::passes {
namespace {

using analysis::AnalysedModule;
using machine::BlockId;
using machine::MachineBlock;
using machine::MachineFunction;
using machine::MachineOperation;

// visit(function, its machine operations) for each kernel.
template <typename Visit>
void for_each_lowered(const Settings& settings, const AnalysedModule& module, Visit&& visit) {
  machine::LoweringOptions options;
  options.wide_integer_add = settings.wide_integer_add;
  options.most_registers = settings.most_registers;
  for_each_body(module, [&](ir::FunctionId id, const ir::Function& function) {
    if (function.is_kernel) visit(id, function, machine::lower_to_machine(module, id, options).functions[id]);
  });
}

std::string registers_of(const MachineFunction& lowered) {
  std::string note = fmt::format("registers {}", lowered.registers);
  if (lowered.spill_words > 0) note += fmt::format(", {} words spilled", lowered.spill_words);
  return note;
}

// Beside each operation: those that the card issues for it; beside the kernel: its registers.
Notes operations(const Settings& settings, const AnalysedModule& module) {
  Notes notes;
  for_each_lowered(settings, module,
                   [&](ir::FunctionId, const ir::Function& function, const MachineFunction& lowered) {
                     notes[function.text.line] = registers_of(lowered);
                     for (const MachineBlock& block : lowered.blocks) {
                       for (const MachineOperation& each : block.operations) {
                         if (each.instruction == machine::kNoInstruction) continue;
                         std::string& note = notes[line_of(function.operations[each.instruction])];
                         if (!note.empty()) note += ' ';
                         note += each.mnemonic;
                         for (const machine::MachineAccess& access : lowered.accesses(each)) {
                           if (access.bytes_per_lane > 4)
                             note += fmt::format(".{}", access.bytes_per_lane * 8);
                           if (each.is_atomic && access.is_store) note += " (no old value)";
                         }
                         if (each.combines) note += " (combined)";
                       }
                     }
                   });
  return notes;
}

// Beside each operation: the places in its block at which what the card issues for it is issued.
Notes schedule(const Settings& settings, const AnalysedModule& module) {
  Notes notes;
  for_each_lowered(settings, module,
                   [&](ir::FunctionId, const ir::Function& function, const MachineFunction& lowered) {
                     notes[function.text.line] = registers_of(lowered);
                     for (const MachineBlock& block : lowered.blocks) {
                       int place = 0;
                       for (const MachineOperation& each : block.operations) {
                         ++place;
                         if (each.instruction == machine::kNoInstruction) continue;
                         std::string& note = notes[line_of(function.operations[each.instruction])];
                         note += fmt::format("{}{} {}", note.empty() ? "" : ", ", place, each.mnemonic);
                       }
                     }
                   });
  return notes;
}

// Beside the first operation of each block: those whose operations it has, too; what follows in the line;
// registers that are live where it begins and ends.
Notes merges(const Settings& settings, const AnalysedModule& module) {
  Notes notes;
  for_each_lowered(
      settings, module, [&](ir::FunctionId id, const ir::Function& function, const MachineFunction& lowered) {
        const auto& blocks = module.graph(id).blocks();
        const auto liveness = machine::MachineLiveness::build(module.graph(id), lowered);
        const auto registers = [&](const std::vector<machine::ValueId>& values) {
          std::uint32_t sum = 0;
          for (const machine::ValueId value : values) sum += lowered.value_registers[value];
          return sum;
        };
        for (BlockId block = 0; block < blocks.size(); ++block) {
          const MachineBlock& made = lowered.blocks[block];
          std::string note = fmt::format("{}: {} operations", block_name(block), made.operations.size());
          if (!made.merged.empty()) note += ", with" + joined(made.merged, block_name);
          if (made.fall_through != machine::kNoBlock) note += ", then " + block_name(made.fall_through);
          note += fmt::format(", live {} and {}", registers(liveness.at_begin(block)),
                              registers(liveness.at_end(block)));
          notes[line_of(function.operations[blocks[block].first])] = note;
        }
      });
  return notes;
}

// Beside each result: what its register is to the assembler.
Notes roles(const Settings&, const AnalysedModule& module) {
  Notes notes;
  for_each_body(module, [&](ir::FunctionId id, const ir::Function& function) {
    auto found = machine::RegisterRoles::build(function, module.graph(id));
    machine::absorb_definitions(function, module.graph(id), found);
    for (const ir::Operation& operation : function.operations) {
      std::string& note = notes[line_of(operation)];
      ir::for_each_definition(operation, [&](ir::RegisterId reg) {
        const auto& role = found[reg];
        std::string words;
        const auto add = [&words](bool holds, const std::string& word) {
          if (holds) words.append(words.empty() ? "" : " ").append(word);
        };
        add(role.constant, "constant");
        add(role.absorbed, "absorbed");
        add(role.narrow, "narrow");
        add(!role.varying, "uniform");
        if (found.representative(reg) != reg)
          add(true, fmt::format("part of %{}", found.representative(reg)));
        note += (note.empty() ? "" : ", ") + (words.empty() ? "varying" : words);
      });
    }
  });
  return notes;
}

}  // namespace

const std::map<std::string, Stage>& machine_stages() {
  static const std::map<std::string, Stage> stages{
      {"machine", operations}, {"schedule", schedule}, {"merges", merges}, {"roles", roles}};
  return stages;
}

}  // namespace doppel::passes
