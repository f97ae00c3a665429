// SPDX-License-Identifier: Apache-2.0
// Kernels written by hand, in place of generated code.
#pragma once

#include <functional>
#include <memory>

#include "engine/engine.h"
#include "jit/compiled_module.h"

namespace doppel::engine::testing {

class FakeModule final : public jit::CompiledModule {
 public:
  explicit FakeModule(jit::KernelCode code, ir::Module module = kernel_module())
      : module_(std::move(module)), code_(code) {}
  const analysis::AnalysedModule& analysed() const override { return module_; }
  Result<jit::KernelCode> kernel(std::uint32_t, jit::Variant) override { return code_; }
  bool locate(const void*, jit::CodeLocation&) const override { return false; }

 private:
  // One block, for one counter.
  static ir::Module kernel_module() {
    ir::Function function;
    function.name = "kernel";
    function.is_kernel = true;
    function.operations.emplace_back();
    function.operations.back().op = ir::Op::Return;
    function.blocks.push_back({0, 1});
    ir::Module module;
    module.functions.push_back(std::move(function));
    return module;
  }
  analysis::AnalysedModule module_;
  jit::KernelCode code_;
};

// A launch whose only parameter is a pointer to the test's own data.
struct FakeLaunch {
  FakeLaunch(jit::WarpEntry entry, Dim3 grid, Dim3 block, void* data, std::uint64_t local_bytes = 0,
             bool coroutine = false)
      : FakeLaunch(jit::KernelCode{entry, local_bytes, coroutine, nullptr}, grid, block, data) {}
  FakeLaunch(jit::KernelCode code, Dim3 grid, Dim3 block, void* data) : argument(data) {
    launch.module = std::make_shared<FakeModule>(code);
    launch.config.grid = grid;
    launch.config.block = block;
    launch.parameters = {reinterpret_cast<const std::byte*>(&argument), sizeof argument};
    launch.sm_count = 4;
    launch.resident_blocks_per_sm = 4;
  }
  void* argument;
  Launch launch;
};

template <typename T>
T& data_of(const jit::WarpContext* context) {
  return **reinterpret_cast<T* const*>(context->parameters);
}

}  // namespace doppel::engine::testing
