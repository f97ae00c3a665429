// SPDX-License-Identifier: Apache-2.0
// A .ptx test: its text and what its head says. The format is described in tests/ptx/README.md.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "ptx_runner/test_values.h"
#include "support/dim3.h"
#include "support/result.h"

namespace doppel::ptx_runner {

struct Parameter {
  enum class Kind { In, Out, Scalar };
  Kind kind = Kind::In;
  ValueList values;                // of In and Scalar: given; of Out: expected
  std::optional<ValueList> after;  // what an In buffer holds after the launch
};

// `// error:` the parser has to refuse the text.
struct ExpectedError {
  std::string kind;  // malformed, unsupported or version
  unsigned line = 0;
  std::string contains;  // part of the message, may be empty
};

struct TestFile {
  std::string name;  // without .ptx
  std::string text;
  std::string kernel = "test";
  Dim3 grid, block{32, 1, 1};
  std::uint32_t dynamic_shared_bytes = 0;
  std::vector<Parameter> parameters;
  std::optional<ExpectedError> error;
  bool traps = false;  // `// fault: trap`: the launch has to end with a fault
};

Result<TestFile> read_test_file(const std::filesystem::path& path);

}  // namespace doppel::ptx_runner
