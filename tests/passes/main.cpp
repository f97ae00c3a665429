// File tests: a kernel in the IR, and beside its lines what an analysis or a pass finds there.
//
//   pass_tests [--update] FILE...
//
// README.md has the format. --update writes what is found now in place of what was expected.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "analysis/analysed_function.h"
#include "analysis/analysed_module.h"
#include "ir/parse.h"
#include "jit/module_compiler.h"
#include "machine/machine_lowering.h"

namespace doppel::passes {
namespace {

using Notes = std::map<std::uint32_t, std::string>;  // by line of the file, the first is 1

struct TestFile {
  std::vector<std::string> lines;  // without their notes
  std::vector<std::string> expected;
  std::string stage;
  Dim3 block{256, 1, 1};
  bool wide_integer_add = false;
};

constexpr std::string_view kMark = ";;";

std::string trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(' ');
  if (first == std::string_view::npos) return {};
  return std::string(text.substr(first, text.find_last_not_of(' ') - first + 1));
}

// "; block: 16,16,1" gives "16,16,1" for "block".
std::optional<std::string> setting(const std::string& line, std::string_view name) {
  const std::string head = fmt::format("; {}:", name);
  if (!line.starts_with(head)) return std::nullopt;
  return trimmed(std::string_view(line).substr(head.size()));
}

std::optional<TestFile> read(const std::string& name) {
  std::ifstream in(name);
  if (!in) return std::nullopt;
  TestFile file;
  for (std::string line; std::getline(in, line);) {
    const std::size_t mark = line.find(kMark);
    file.expected.push_back(mark == std::string::npos ? "" : trimmed(line.substr(mark + kMark.size())));
    line.resize(std::min(mark, line.size()));
    line.resize(line.find_last_not_of(' ') + 1);
    if (const auto stage = setting(line, "stage")) file.stage = *stage;
    if (const auto target = setting(line, "target")) {
      if (*target != "sm_86" && *target != "sm_120") return std::nullopt;
      file.wide_integer_add = *target == "sm_120";
    }
    const auto block = setting(line, "block");
    if (block && std::sscanf(block->c_str(), "%u,%u,%u", &file.block.x, &file.block.y, &file.block.z) != 3)
      return std::nullopt;
    file.lines.push_back(line);
  }
  return file;
}

void write(const std::string& name, const TestFile& file, const Notes& notes) {
  std::ofstream out(name);
  for (std::size_t i = 0; i < file.lines.size(); ++i) {
    const auto note = notes.find(static_cast<std::uint32_t>(i + 1));
    out << file.lines[i];
    if (note != notes.end() && !note->second.empty()) out << "  " << kMark << " " << note->second;
    out << "\n";
  }
}

std::uint32_t line_of(const ir::Operation& operation) { return operation.origin.text.line; }

analysis::LaneBasis basis_of(const TestFile& file) {
  return analysis::lane_basis(analysis::lane_shape(file.block), file.block.count() % analysis::kLanes == 0);
}

// Beside each result: its pattern.
Notes lanes(const TestFile& file, const analysis::AnalysedModule& module) {
  Notes notes;
  for (ir::FunctionId id = 0; id < module.ir().functions.size(); ++id) {
    const ir::Function& function = module.ir().functions[id];
    const analysis::AnalysedFunction analysed(function, module.graph(id), basis_of(file));
    for (const ir::Operation& operation : function.operations) {
      std::string& note = notes[line_of(operation)];
      ir::for_each_definition(operation, [&](ir::RegisterId reg) {
        if (!note.empty()) note += ", ";
        note += analysis::to_string(analysed.lanes.pattern(reg));
      });
    }
  }
  return notes;
}

// Beside the first operation of each block: which lanes run it, and where others may wait.
Notes blocks(const TestFile& file, const analysis::AnalysedModule& module) {
  Notes notes;
  for (ir::FunctionId id = 0; id < module.ir().functions.size(); ++id) {
    const ir::Function& function = module.ir().functions[id];
    const analysis::AnalysedFunction analysed(function, module.graph(id), basis_of(file));
    const auto& pending = analysed.lanes.pending();
    notes[function.text.line] = analysed.scheduled() ? "lanes scheduled" : "";
    for (analysis::BlockId block = 0; block < analysed.graph.blocks().size(); ++block) {
      std::string note =
          fmt::format("b{}: {}", block, pending.convergent(block) ? "all lanes" : "some lanes");
      for (analysis::BlockId other = 0; other < analysed.graph.blocks().size(); ++other) {
        if (pending.during(block)[other]) note += fmt::format(", b{} waits", other);
      }
      if (analysed.lanes.branches()[block].divergent) note += ", lanes part";
      notes[line_of(function.operations[analysed.graph.blocks()[block].first])] = note;
    }
  }
  return notes;
}

// Beside each operation: those that the card issues for it; beside the kernel: its registers.
Notes machine_operations(const TestFile& file, const analysis::AnalysedModule& module) {
  Notes notes;
  machine::LoweringOptions options;
  options.wide_integer_add = file.wide_integer_add;
  for (std::uint32_t id = 0; id < module.ir().functions.size(); ++id) {
    const ir::Function& function = module.ir().functions[id];
    if (!function.is_kernel) continue;
    const machine::MachineFunction lowered = machine::lower_to_machine(module, id, options).functions[id];
    notes[function.text.line] = fmt::format("registers {}", lowered.registers);
    for (const machine::MachineBlock& block : lowered.blocks) {
      for (const machine::MachineOperation& each : block.operations) {
        if (each.instruction == machine::kNoInstruction) continue;
        std::string& note = notes[line_of(function.operations[each.instruction])];
        if (!note.empty()) note += ' ';
        note += each.mnemonic;
        for (const machine::MachineAccess& access : lowered.accesses(each)) {
          if (access.bytes_per_lane > 4) note += fmt::format(".{}", access.bytes_per_lane * 8);
        }
      }
    }
  }
  return notes;
}

// Beside each access: how its lanes touch memory, by the code for full warps where there is one.
Notes accesses(const TestFile& file, const analysis::AnalysedModule& module) {
  Notes notes;
  jit::Variant variant;
  variant.shape = analysis::lane_shape(file.block);
  variant.full_warps = file.block.count() % analysis::kLanes == 0;
  for (ir::FunctionId id = 0; id < module.ir().functions.size(); ++id) {
    if (!module.ir().functions[id].is_kernel) continue;
    const auto stages = jit::stages_of({module, id, variant});
    if (!stages) {
      notes[module.ir().functions[id].text.line] = stages.error().message;
      continue;
    }
    for (const jit::AccessNote& access : stages->accesses) {
      const ir::Operation& operation = module.ir().functions[access.function].operations[access.operation];
      notes.try_emplace(line_of(operation), access.text);
    }
  }
  return notes;
}

// "ir: function ... (line 14) ...: what is wrong" and "ir:14: what is wrong" beside line 14.
Notes error_at_its_line(const std::string& message) {
  for (const std::string_view before : {"line ", "ir:"}) {
    const std::size_t at = message.find(before);
    const int line = at == std::string::npos ? 0 : std::atoi(message.c_str() + at + before.size());
    if (line > 0) return {{static_cast<std::uint32_t>(line), message}};
  }
  return {{1, message}};
}

// How many lines differ; 1 for a file that cannot be tested.
int run(const std::string& name, bool update) {
  auto file = read(name);
  if (!file) {
    fmt::print("{}: cannot be read, or its head has a target or block that there is not\n", name);
    return 1;
  }
  static const std::map<std::string, std::function<Notes(const TestFile&, const analysis::AnalysedModule&)>>
      kStages{{"lanes", lanes}, {"blocks", blocks}, {"machine", machine_operations}, {"accesses", accesses}};
  const auto stage = kStages.find(file->stage);
  if (stage == kStages.end() && file->stage != "verify") {
    fmt::print("{}: '; stage: {}' is none of lanes, blocks, accesses, machine, verify\n", name, file->stage);
    return 1;
  }
  std::string text;
  for (const std::string& line : file->lines) {
    text += line;
    text += '\n';
  }
  Notes notes;
  auto module = ir::parse(text);
  if (file->stage == "verify") {
    notes = module ? Notes{} : error_at_its_line(module.error().message);
  } else if (!module) {
    fmt::print("{}: {}\n", name, module.error().message);
    return 1;
  } else {
    notes = stage->second(*file, analysis::AnalysedModule(std::move(*module)));
  }
  if (update) {
    write(name, *file, notes);
    return 0;
  }
  int differences = 0;
  for (std::size_t i = 0; i < file->lines.size(); ++i) {
    const auto found = notes.find(static_cast<std::uint32_t>(i + 1));
    const std::string now = found == notes.end() ? "" : found->second;
    if (now == file->expected[i]) continue;
    fmt::print("{}:{}: {}\n  expected: {}\n  found:    {}\n", name, i + 1, trimmed(file->lines[i]),
               file->expected[i], now);
    ++differences;
  }
  return differences;
}

int main_of(const std::vector<std::string>& arguments) {
  bool update = false;
  int differences = 0, files = 0;
  for (const std::string& each : arguments) {
    if (each == "--update") {
      update = true;
      continue;
    }
    ++files;
    differences += run(each, update);
  }
  if (files == 0) {
    fmt::print(stderr, "usage: pass_tests [--update] FILE...\n");
    return 2;
  }
  return differences == 0 ? 0 : 1;
}

}  // namespace
}  // namespace doppel::passes

int main(int count, char** arguments) {
  return doppel::passes::main_of(std::vector<std::string>(arguments + 1, arguments + count));
}
