// SPDX-License-Identifier: Apache-2.0
// Prints the machine operations that a PTX file is lowered to: print_machine_code FILE.ptx [ARCHITECTURE]
// [--counts]
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <map>
#include <sstream>
#include <string>

#include "frontend/ptx/parse.h"
#include "frontend/ptx/to_ir.h"
#include "machine/machine_lowering.h"

int main(int count, char** arguments) {
  if (count < 2) {
    std::cerr << "usage: print_machine_code FILE.ptx [ARCHITECTURE] [--counts]\n";
    return 2;
  }
  std::ifstream file(arguments[1]);
  if (!file) {
    std::cerr << arguments[1] << ": cannot be read\n";
    return 1;
  }
  std::stringstream text;
  text << file.rdbuf();
  auto parsed = doppel::ptx::parse(text.str());
  if (!parsed) {
    for (const auto& diagnostic : parsed.error().diagnostics)
      std::cerr << doppel::ptx::to_string(diagnostic) << "\n";
    return 1;
  }
  const doppel::analysis::AnalysedModule module(doppel::ptx::to_ir(std::move(*parsed)));
  bool counts = false;
  doppel::machine::LoweringOptions options;
  for (int i = 2; i < count; ++i) {
    if (std::string(arguments[i]) == "--counts") {
      counts = true;
    } else {
      options.wide_integer_add = std::atoi(arguments[i]) >= 100;
    }
  }
  for (std::uint32_t id = 0; id < module.ir().functions.size(); ++id) {
    const auto& function = module.ir().functions[id];
    if (!function.is_kernel || function.is_declaration) continue;
    const auto program = doppel::machine::lower_to_machine(module, id, options);
    const auto& machine = program.functions[id];
    std::cout << function.name << " registers " << machine.registers;
    if (!counts) {
      std::cout << "\n" << doppel::machine::to_string(machine);
      continue;
    }
    std::map<std::string, int> by_pipe;
    int total = 0;
    for (const auto& block : machine.blocks) {
      for (const auto& operation : block.operations) {
        ++by_pipe[std::string(doppel::machine::name_of(operation.pipe))];
        ++total;
      }
    }
    std::cout << " operations " << total;
    for (const auto& [pipe, operations] : by_pipe) std::cout << " '" << pipe << "' " << operations;
    std::cout << "\n";
  }
  return 0;
}
