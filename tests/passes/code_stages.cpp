// SPDX-License-Identifier: Apache-2.0
// Stages of src/jit.
#include "jit/module_compiler.h"
#include "stages.h"

namespace doppel::passes {
namespace {

// Beside each access: how its lanes touch memory, by the code for full warps where there is one. Beside a
// kernel: why it has no code.
Notes accesses(const Settings& settings, const analysis::AnalysedModule& module) {
  Notes notes;
  jit::Variant variant;
  variant.shape = analysis::lane_shape(settings.block);
  variant.full_warps = settings.block.count() % analysis::kLanes == 0;
  for_each_body(module, [&](ir::FunctionId id, const ir::Function& function) {
    if (!function.is_kernel) return;
    const auto stages = jit::stages_of({module, id, variant});
    if (!stages) {
      notes[function.text.line] = stages.error().message;
      return;
    }
    for (const jit::AccessNote& access : stages->accesses) {
      const ir::Operation& operation = module.ir().functions[access.function].operations[access.operation];
      notes.try_emplace(line_of(operation), access.text);
    }
  });
  return notes;
}

}  // namespace

const std::map<std::string, Stage>& code_stages() {
  static const std::map<std::string, Stage> stages{{"accesses", accesses}};
  return stages;
}

}  // namespace doppel::passes
