// SPDX-License-Identifier: Apache-2.0
// What is wrong with a place of a PTX text.
#pragma once

#include <cstdint>
#include <string>

#include "frontend/ptx/instruction.h"

namespace doppel::ptx {

struct Diagnostic {
  enum class Kind : std::uint8_t {
    Malformed,           // not PTX: CUDA_ERROR_INVALID_PTX
    Unsupported,         // PTX, but a form that this version refuses
    UnsupportedVersion,  // .version or .target newer than known
  };
  Kind kind = Kind::Malformed;
  TextLocation text;     // the first time
  std::string function;  // the kernel or function it stands in; empty at module scope
  std::string form;      // "wgmma.fence.sync.aligned"; empty where no instruction is at fault
  std::string message;
  std::uint32_t count = 1;  // how often the same is wrong with the same form

  bool same_as(const Diagnostic& other) const {
    return kind == other.kind && form == other.form && message == other.message;
  }
};

// "ptx:12:9: error: in 'saxpy': wgmma.fence.sync.aligned: not supported (8 times)"
std::string to_string(const Diagnostic& diagnostic);

}  // namespace doppel::ptx
