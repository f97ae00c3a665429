// SPDX-License-Identifier: Apache-2.0
// Compiles one kernel with all that it can call to an object file in memory. The passes, in order:
//   what is known of a function (analysis) - how its code is entered (emission_plan) - emission
//   (function_emitter, control_flow, lower_*) - LLVM's passes and ours (bounds_tests, logic_selects,
//   mask_casts) - object.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "jit/compiled_module.h"

namespace llvm {
class MemoryBuffer;
}

namespace doppel::jit {

struct CompileRequest {
  const analysis::AnalysedModule& module;
  ir::FunctionId kernel = 0;
  Variant variant;
  PassLog* passes = nullptr;  // null: nobody asks
};

// Those of the passes (support/pass_log.h) of which compiling a kernel leaves something to see.
inline constexpr std::array<std::string_view, 6> kDumpedPasses = {"ir",       "lanes", "plan",
                                                                  "accesses", "emit",  "optimise"};

// What an object exports: its one entry, by a name that says of which kind it is (warp_abi.h).
inline constexpr const char* kEntryName = "doppel_entry";
inline constexpr const char* kCoroutineName = "doppel_coroutine";
inline constexpr const char* kBlockName = "doppel_block";

// Errors: NotSupported names the form that has no lowering.
Result<std::unique_ptr<llvm::MemoryBuffer>> compile_kernel(const CompileRequest& request);

// How one access of a kernel touches memory.
struct AccessNote {
  ir::FunctionId function = 0;
  std::uint32_t operation = 0;  // in its function
  std::string text;             // "32 lanes side by side"
};
std::string to_string(const ir::Module& module, const std::vector<AccessNote>& accesses);

// What is made on the way to the object, for people and tests. Accesses in the order of the code; one that is
// emitted twice (for full warps, and for others) stands there twice.
struct KernelStages {
  std::vector<AccessNote> accesses;
  std::string emitted, optimised;  // LLVM's text
};
Result<KernelStages> stages_of(const CompileRequest& request);

}  // namespace doppel::jit
