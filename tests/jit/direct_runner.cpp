// The form tests on generated code alone, without the engine.
#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "harness/launch_case.h"
#include "jit/block_fibres.h"

namespace doppel::harness {
namespace {

class DirectRunner final : public Runner {
 public:
  Result<Buffers> run(const LaunchCase& launch) override {
    if (launch.module != module_) {
      auto compiled = jit::CompiledModule::create(launch.module, {});
      if (!compiled) return tl::unexpected(compiled.error());
      compiled_ = std::move(*compiled);
      module_ = launch.module;
      place_variables();
    }
    const auto& functions = launch.module->functions;
    const auto kernel = std::ranges::find(functions, launch.kernel, &ptx::Function::name);
    if (kernel == functions.end()) return fail(Error::Kind::NotFound, "no kernel " + launch.kernel);
    Buffers buffers = launch.buffers;
    std::vector<std::vector<std::byte>> memory;
    std::vector<std::uint64_t> addresses;
    for (const auto& buffer : buffers) {
      memory.emplace_back(buffer.size() + 512);
      const auto address = (reinterpret_cast<std::uint64_t>(memory.back().data()) + 255) / 256 * 256;
      std::memcpy(reinterpret_cast<void*>(address), buffer.data(), buffer.size());
      addresses.push_back(address);
    }
    auto parameters = parameter_block(*kernel, launch, addresses);
    if (!parameters) return tl::unexpected(parameters.error());
    jit_test::GridRun request;
    request.module = compiled_.get();
    request.function = static_cast<std::uint32_t>(kernel - functions.begin());
    request.grid = launch.grid;
    request.block = launch.block;
    request.dynamic_shared_bytes = launch.dynamic_shared_bytes;
    request.parameters = *parameters;
    request.symbols = symbols_;
    auto result = jit_test::run_grid(request);
    if (!result) return tl::unexpected(result.error());
    if (!result->fault.empty()) return fail(Error::Kind::Internal, result->fault);
    for (std::size_t i = 0; i < buffers.size(); ++i) {
      std::memcpy(buffers[i].data(), reinterpret_cast<const void*>(addresses[i]), buffers[i].size());
    }
    return buffers;
  }

 private:
  void place_variables() {
    symbols_.clear();
    storage_.clear();
    for (const ptx::Variable& v : module_->variables) {
      storage_.emplace_back(v.size + 512);
      const auto address = (reinterpret_cast<std::uint64_t>(storage_.back().data()) + 255) / 256 * 256;
      if (!v.initializer.empty()) std::memcpy(reinterpret_cast<void*>(address), v.initializer.data(), v.size);
      symbols_.push_back(address);
    }
    for (std::size_t i = 0; i < module_->variables.size(); ++i) {
      for (const ptx::Relocation& r : module_->variables[i].relocations) {
        const std::uint64_t target = (r.is_function ? jit::function_address(r.target) : symbols_[r.target]) +
                                     static_cast<std::uint64_t>(r.addend);
        std::memcpy(reinterpret_cast<void*>(symbols_[i] + r.offset), &target, r.size);
      }
    }
  }

  std::shared_ptr<const ptx::Module> module_;
  std::shared_ptr<jit::CompiledModule> compiled_;
  std::vector<std::vector<std::byte>> storage_;
  std::vector<std::uint64_t> symbols_;
};

}  // namespace

std::unique_ptr<Runner> make_engine_runner() { return std::make_unique<DirectRunner>(); }

}  // namespace doppel::harness
