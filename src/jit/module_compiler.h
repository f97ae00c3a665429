// Compiles one kernel with all that it can call to an object file in memory. The passes, in order:
//   control-flow graph, liveness, lane analysis (kernel) - function emission (function_emitter, lower_*) -
//   LLVM's passes - object.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "jit/compiled_module.h"

namespace llvm {
class MemoryBuffer;
}

namespace doppel::jit {

struct CompileRequest {
  const ir::Module* module = nullptr;
  ir::FunctionId kernel = 0;
  Variant variant;
  const std::vector<std::uint32_t>* first_slot = nullptr;
};

// What an object exports: its one entry, by a name that says of which kind it is (warp_abi.h).
inline constexpr const char* kEntryName = "doppel_entry";
inline constexpr const char* kCoroutineName = "doppel_coroutine";
inline constexpr const char* kBlockName = "doppel_block";

// DOPPEL_DUMP=DIR writes NAME.ll before and NAME.opt.ll after LLVM's passes.
Result<std::unique_ptr<llvm::MemoryBuffer>> compile_kernel(const CompileRequest& request);

}  // namespace doppel::jit
