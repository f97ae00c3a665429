// SPDX-License-Identifier: Apache-2.0
// Kernels that use one form after another on many values, so that two machines can be compared form by form.
#pragma once

#include <string>
#include <vector>

#include "harness/launch_case.h"

namespace doppel::every_form {

// How a form can be tried out.
enum class Trial {
  Values,       // registers in, registers out
  Load,         // ld, ldu: what memory of its space holds
  Store,        // st: read back by plain loads
  Atomic,       // atom, red: on a word of each thread's own
  CompileOnly,  // control flow and the like: other tests say what they do
};

struct TrialForm {
  std::string text;
  Trial trial = Trial::Values;
  bool approximate = false;  // the ISA allows an error: only that both machines take it is compared
};

// All accepted forms of an opcode's word ("add"); of ld and st, whose suffixes multiply, each with every type
// and each with every combination of the others.
std::vector<TrialForm> trial_forms(std::string_view word);
// The words of all opcodes.
std::vector<std::string> opcode_words();

inline constexpr std::uint32_t kThreads = 256;
inline constexpr std::size_t kResultBytes = 64;  // of one thread and form

// One kernel "k" that tries the forms in turn: thread t leaves form i's results at (t x forms + i) x
// kResultBytes of the second buffer.
std::string kernel_text(const std::vector<TrialForm>& forms);
Result<harness::LaunchCase> make_case(const std::vector<TrialForm>& forms);

}  // namespace doppel::every_form
