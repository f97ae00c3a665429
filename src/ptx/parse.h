// PTX text to a Module, or the first errors with line and column.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "ptx/module.h"
#include "support/result.h"

namespace doppel::ptx {

struct Diagnostic {
  enum class Kind {
    Malformed,           // not PTX: CUDA_ERROR_INVALID_PTX
    Unsupported,         // PTX, but a form that this version refuses
    UnsupportedVersion,  // .version or .target newer than known
  };
  Kind kind = Kind::Malformed;
  TextLocation text;
  std::string function;  // the kernel or function it stands in; empty at module scope
  std::string form;      // "wgmma.fence.sync.aligned"; empty where no instruction is at fault
  std::string message;
};

// "ptx:12:9: error: in kernel 'saxpy': wgmma.fence.sync.aligned: not supported"
std::string to_string(const Diagnostic& diagnostic);

struct ParseFailure {
  std::vector<Diagnostic> diagnostics;  // at least one, in the order of the text
};

// Checks names, types, operand counts and forms. Every instruction of the result is one that the engine
// implements exactly or within the ISA's bound: anything else is a Diagnostic. Reads at most text.size()
// bytes; text need not end in NUL.
tl::expected<Module, ParseFailure> parse(std::string_view text);

}  // namespace doppel::ptx
