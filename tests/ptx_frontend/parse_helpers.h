// SPDX-License-Identifier: Apache-2.0
// What the front end's tests share: small modules around a few lines of PTX.
#pragma once

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>

#include "frontend/ptx/parse.h"

namespace doppel::ptx::test {

inline std::string module_text(const std::string& items, const std::string& target = "sm_86",
                               const std::string& version = "8.5") {
  return ".version " + version + "\n.target " + target + "\n.address_size 64\n" + items;
}

// A kernel with registers of all kinds around `body`.
inline std::string kernel_text(const std::string& body, const std::string& target = "sm_86",
                               const std::string& version = "8.5") {
  return module_text(
      ".visible .entry k(.param .u64 p, .param .align 8 .b8 q[24]) {\n"
      ".reg .pred %p<8>; .reg .b16 %h<24>; .reg .b32 %r<24>; .reg .b64 %rd<24>; .reg .f32 %f<24>; .reg .f64 "
      "%d<24>;\n" +
          body + "\nret;\n}\n",
      target, version);
}

inline Module parse_well(const std::string& text) {
  auto parsed = parse(text);
  if (!parsed) {
    ADD_FAILURE() << to_string(parsed.error().diagnostics.front()) << "\nin\n" << text;
    return {};
  }
  return std::move(*parsed);
}

// The one instruction of `line` in a kernel.
inline Instruction parse_one(const std::string& line, const std::string& target = "sm_86",
                             const std::string& version = "8.5") {
  const Module module = parse_well(kernel_text(line, target, version));
  if (module.functions.empty() || module.functions[0].instructions.size() != 2) {
    ADD_FAILURE() << "not one instruction: " << line;
    return {};
  }
  return module.functions[0].instructions[0];
}

inline Diagnostic parse_badly(const std::string& text) {
  auto parsed = parse(text);
  if (parsed) {
    ADD_FAILURE() << "accepted:\n" << text;
    return {};
  }
  return parsed.error().diagnostics.front();
}

inline std::string read_file(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

}  // namespace doppel::ptx::test
