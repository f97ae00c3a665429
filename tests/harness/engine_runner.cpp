// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "engine/engine.h"
#include "frontend/ptx/to_ir.h"
#include "harness/launch_case.h"
#include "ir/verify.h"
#include "jit/compiled_module.h"
#include "jit/warp_abi.h"
#include "memory/address_space.h"

namespace doppel::harness {

namespace {

class EngineRunner final : public Runner {
 public:
  explicit EngineRunner(std::uint64_t quick_above) : engine_(1, quick_above) {}
  Result<Buffers> run(const LaunchCase& launch) override {
    if (auto ready = load(launch.module); !ready) return tl::unexpected(ready.error());
    const auto& functions = launch.module->functions;
    const auto kernel = std::ranges::find(functions, launch.kernel, &ptx::Function::name);
    if (kernel == functions.end()) return fail(Error::Kind::NotFound, "no kernel " + launch.kernel);

    std::vector<std::uint64_t> addresses;
    for (const auto& buffer : launch.buffers) {
      auto address =
          memory_->allocate(std::max<std::size_t>(buffer.size(), 1), 256, memory::AllocationKind::Device);
      if (!address) return tl::unexpected(address.error());
      std::memcpy(reinterpret_cast<void*>(*address), buffer.data(), buffer.size());
      addresses.push_back(*address);
    }
    auto result =
        run_kernel(launch, static_cast<std::uint32_t>(kernel - functions.begin()), *kernel, addresses);
    Buffers after;
    for (std::size_t i = 0; i < addresses.size(); ++i) {
      const auto* bytes = reinterpret_cast<const std::byte*>(addresses[i]);
      after.emplace_back(bytes, bytes + launch.buffers[i].size());
      if (auto freed = memory_->free(addresses[i]); !freed) return tl::unexpected(freed.error());
    }
    if (!result) return tl::unexpected(result.error());
    return after;
  }

 private:
  Result<void> load(const std::shared_ptr<const ptx::Module>& module) {
    if (!memory_) {
      auto memory = memory::AddressSpace::create(0, std::uint64_t{1} << 30);
      if (!memory) return tl::unexpected(memory.error());
      memory_ = std::move(*memory);
    }
    if (module == module_) return {};
    for (const std::uint64_t symbol : symbols_) {
      if (symbol != 0) {
        if (auto freed = memory_->free(symbol); !freed) return freed;
      }
    }
    symbols_.clear();
    module_.reset();
    ir::Module made = ptx::to_ir(*module);
    if (std::string wrong = ir::verify(made); !wrong.empty())
      return fail(Error::Kind::Internal, std::move(wrong));
    const auto lowered = std::make_shared<const analysis::AnalysedModule>(std::move(made));
    auto compiled = jit::CompiledModule::create(lowered, {});
    if (!compiled) return tl::unexpected(compiled.error());
    compiled_ = std::move(*compiled);
    for (const ptx::Variable& v : module->variables) {
      std::uint64_t address = 0;
      if (v.space == ptx::Space::Global || v.space == ptx::Space::Const) {
        auto placed =
            memory_->allocate(std::max<std::uint64_t>(v.size, 1), std::max<std::uint32_t>(v.alignment, 1),
                              memory::AllocationKind::Symbol, v.name);
        if (!placed) return tl::unexpected(placed.error());
        address = *placed;
        std::memset(reinterpret_cast<void*>(address), 0, v.size);
        if (!v.initializer.empty())
          std::memcpy(reinterpret_cast<void*>(address), v.initializer.data(), v.size);
      }
      symbols_.push_back(address);
    }
    for (std::size_t i = 0; i < module->variables.size(); ++i) {
      for (const ptx::Relocation& r : module->variables[i].relocations) {
        const std::uint64_t target = (r.is_function ? jit::function_address(r.target) : symbols_[r.target]) +
                                     static_cast<std::uint64_t>(r.addend);
        std::memcpy(reinterpret_cast<void*>(symbols_[i] + r.offset), &target, r.size);
      }
    }
    module_ = module;
    return {};
  }

  Result<void> run_kernel(const LaunchCase& launch, std::uint32_t index, const ptx::Function& kernel,
                          const std::vector<std::uint64_t>& addresses) {
    auto parameters = parameter_block(kernel, launch, addresses);
    if (!parameters) return tl::unexpected(parameters.error());
    engine::Launch request;
    request.module = compiled_;
    request.function = index;
    request.config = {
        .grid = launch.grid, .block = launch.block, .dynamic_shared_bytes = launch.dynamic_shared_bytes};
    if (const auto& blocks = kernel.bounds.required_cluster; blocks[0] != 0)
      request.config.cluster = {blocks[0], std::max(blocks[1], 1U), std::max(blocks[2], 1U)};
    request.parameters = *parameters;
    request.symbols = symbols_;
    request.memory = memory_.get();
    request.sm_count = 4;
    request.resident_blocks_per_sm = 4;
    auto outcome = engine_.run(request);
    if (!outcome) return tl::unexpected(outcome.error());
    if (outcome->fault) return fail(Error::Kind::Internal, engine::describe(*outcome->fault));
    return {};
  }

  std::unique_ptr<memory::AddressSpace> memory_;
  engine::Engine engine_;
  std::shared_ptr<const ptx::Module> module_;
  std::shared_ptr<jit::CompiledModule> compiled_;
  std::vector<std::uint64_t> symbols_;
};

}  // namespace

std::unique_ptr<Runner> make_engine_runner(bool quick_code) {
  return std::make_unique<EngineRunner>(quick_code ? 0 : engine::kLargeKernel);
}
bool has_engine() { return true; }

}  // namespace doppel::harness
