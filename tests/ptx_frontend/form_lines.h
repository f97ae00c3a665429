// SPDX-License-Identifier: Apache-2.0
// The lines of PTX that the vendor's assembler was asked about, with its answers: data/form_lines.txt.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace doppel::ptx::test {

struct FormLine {
  std::string form;      // "ld.global.v4.f32"
  std::string operands;  // "{%f8, %f9, %f10, %f11}, [%rd1+32]"
  bool on_sm_86 = false, on_sm_120a = false;
  std::string text() const { return operands.empty() ? form : form + " " + operands; }
};

// All of them, in the order of the file. Throws std::runtime_error where it cannot be read.
const std::vector<FormLine>& form_lines();

// A module with one kernel, of that line and what its operands name: as ask_ptxas.py has it.
std::string line_module(std::string_view line, std::string_view target, std::string_view version);

}  // namespace doppel::ptx::test
