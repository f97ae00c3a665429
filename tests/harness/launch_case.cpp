// SPDX-License-Identifier: Apache-2.0
#include "harness/launch_case.h"

#include <fmt/format.h>

#include <algorithm>

#include "reference/machine.h"

namespace doppel::harness {

Result<std::vector<std::byte>> parameter_block(const ptx::Function& kernel, const LaunchCase& launch,
                                               const std::vector<std::uint64_t>& addresses) {
  if (kernel.parameters.size() != launch.arguments.size()) {
    return fail(Error::Kind::InvalidArgument,
                fmt::format("{} has {} parameters, the test gives {}", kernel.name, kernel.parameters.size(),
                            launch.arguments.size()));
  }
  const std::vector<std::uint64_t> offsets = reference::parameter_offsets(kernel.parameters);
  std::vector<std::byte> block(offsets.back());
  for (std::size_t i = 0; i < launch.arguments.size(); ++i) {
    std::vector<std::byte> bytes;
    if (const auto* buffer = std::get_if<BufferArgument>(&launch.arguments[i])) {
      bytes.resize(8);
      reference::store_bits(bytes.data(), addresses.at(buffer->buffer), 8);
    } else {
      bytes = std::get<std::vector<std::byte>>(launch.arguments[i]);
    }
    if (bytes.size() != kernel.parameters[i].size) {
      return fail(Error::Kind::InvalidArgument,
                  fmt::format("parameter {} of {} has {} bytes, the test gives {}", i, kernel.name,
                              kernel.parameters[i].size, bytes.size()));
    }
    std::ranges::copy(bytes, block.begin() + static_cast<std::ptrdiff_t>(offsets[i]));
  }
  return block;
}

Result<Buffers> run_on_reference(const LaunchCase& launch) {
  reference::Machine machine(*launch.module);
  std::vector<std::uint64_t> addresses;
  for (const auto& buffer : launch.buffers) {
    addresses.push_back(machine.allocate(buffer.size()));
    std::ranges::copy(buffer, machine.bytes(addresses.back(), buffer.size()).begin());
  }
  const ptx::Function* kernel = launch.module->find_function(launch.kernel);
  if (kernel == nullptr) return fail(Error::Kind::NotFound, "no kernel " + launch.kernel);
  auto parameters = parameter_block(*kernel, launch, addresses);
  if (!parameters) return tl::unexpected(parameters.error());
  const auto done = machine.run({.kernel = launch.kernel,
                                 .grid = launch.grid,
                                 .block = launch.block,
                                 .dynamic_shared_bytes = launch.dynamic_shared_bytes,
                                 .parameters = *parameters});
  if (!done) return tl::unexpected(done.error());
  Buffers after;
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    const auto bytes = machine.bytes(addresses[i], launch.buffers[i].size());
    after.emplace_back(bytes.begin(), bytes.end());
  }
  return after;
}

}  // namespace doppel::harness
