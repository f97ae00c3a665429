// SPDX-License-Identifier: Apache-2.0
// One kernel launch as data, and two machines that can run it: the reference and the engine. The third is in
// driver_runner.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "frontend/ptx/module.h"
#include "support/dim3.h"
#include "support/result.h"

namespace doppel::harness {

struct BufferArgument {
  std::size_t buffer = 0;  // in LaunchCase::buffers: its address is passed
};
using Argument = std::variant<BufferArgument, std::vector<std::byte>>;

struct LaunchCase {
  std::shared_ptr<const ptx::Module> module;
  std::string kernel;
  Dim3 grid, block;
  std::uint32_t dynamic_shared_bytes = 0;
  std::vector<Argument> arguments;
  std::vector<std::vector<std::byte>> buffers;  // before the launch
  std::string text;                             // that module was parsed from
};

using Buffers = std::vector<std::vector<std::byte>>;  // after it

Result<Buffers> run_on_reference(const LaunchCase& launch);

// A machine that keeps what is costly between launches.
class Runner {
 public:
  virtual ~Runner() = default;
  virtual Result<Buffers> run(const LaunchCase& launch) = 0;
};
// Null where this build has no engine. quick_code: whatever the size of a kernel (engine.h).
std::unique_ptr<Runner> make_engine_runner(bool quick_code = false);
bool has_engine();

// The parameter block of a launch whose buffers have these addresses.
Result<std::vector<std::byte>> parameter_block(const ptx::Function& kernel, const LaunchCase& launch,
                                               const std::vector<std::uint64_t>& addresses);

}  // namespace doppel::harness
