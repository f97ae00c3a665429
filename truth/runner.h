// Predicts one launch of one of our kernels on a card: runs the sampled blocks, then asks the timing model.
#pragma once

#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "card/card.h"
#include "engine/engine.h"
#include "memory/address_space.h"
#include "timing/launch_timing.h"

namespace doppel::truth {

class Runner {
 public:
  // Throws std::runtime_error, as do all members, with the cause.
  explicit Runner(const char* ptx);

  std::uint64_t allocate(std::uint64_t bytes);  // zero-filled, taken from the host page by page
  void free(std::uint64_t address);

  struct Launch {
    std::string kernel;
    Dim3 grid, block;
    std::uint32_t dynamic_shared_bytes = 0;
    std::vector<std::byte> parameters;
  };
  timing::Prediction predict(const card::Card& card, const Launch& launch);

  // Shared memory a block that leaves room for no more than `blocks` blocks of 32 threads on an SM.
  std::uint32_t shared_bytes_for(const card::Card& card, const std::string& kernel, int blocks);

  // Parameters in the order of the kernel's; each at its own alignment, which is its size.
  template <typename... Arguments>
  static std::vector<std::byte> parameters(Arguments... arguments) {
    std::vector<std::byte> bytes;
    const auto add = [&](const auto& value) {
      while (bytes.size() % sizeof value != 0) bytes.emplace_back();
      const std::size_t at = bytes.size();
      bytes.resize(at + sizeof value);
      std::memcpy(bytes.data() + at, &value, sizeof value);
    };
    (add(arguments), ...);
    return bytes;
  }

 private:
  std::uint32_t find(const std::string& kernel) const;

  std::shared_ptr<const analysis::AnalysedModule> module_;
  std::shared_ptr<jit::CompiledModule> compiled_;
  std::unique_ptr<memory::AddressSpace> memory_;
  std::vector<std::uint64_t> symbols_;  // addresses of the module's variables; zero-filled
  engine::Engine engine_;
};

}  // namespace doppel::truth
