// SPDX-License-Identifier: Apache-2.0
#include "random/differential.h"

#include <fmt/format.h>

#include <cmath>
#include <cstring>

#include "frontend/ptx/parse.h"
#include "random/generator.h"
#include "random/registers.h"

namespace doppel::random {

namespace {

std::uint32_t word(const std::vector<std::byte>& bytes, std::size_t at) {
  std::uint32_t v = 0;
  std::memcpy(&v, bytes.data() + at, 4);
  return v;
}

float number(std::uint32_t bits) {
  float f = 0;
  std::memcpy(&f, &bits, 4);
  return f;
}

bool close(std::uint32_t want_bits, std::uint32_t got_bits, const Approximation& bound) {
  if (want_bits == got_bits) return true;
  const double want = number(want_bits);
  const double got = number(got_bits);
  if (std::isnan(want) || std::isnan(got)) return std::isnan(want) && std::isnan(got);
  // A special value has to be met exactly, but for a true result so large or small that the bound reaches
  // over the edge.
  constexpr double kLargest = 0x1.fffffep127;
  if (std::isinf(want) || std::isinf(got)) {
    return std::signbit(want) == std::signbit(got) &&
           std::fabs(std::isinf(want) ? got : want) >= kLargest * (1 - 0x1p-10);
  }
  const double magnitude = std::fabs(want);
  const double ulp = std::ldexp(1.0, std::max(magnitude == 0 ? -149 : std::ilogb(magnitude) - 23, -149));
  const double tiny = bound.ftz ? 0x1p-126 : 0;
  // The reference's own rounding to binary32 is half an ulp away from the truth.
  const double allowed =
      std::max({bound.ulp * ulp, bound.relative * magnitude, bound.absolute, tiny}) + ulp / 2;
  return std::fabs(got - want) <= allowed;
}

std::string place_of(const Kernel& kernel, std::size_t offset) {
  const auto stride = static_cast<std::size_t>(2 * thread_bytes());
  const std::size_t thread = offset / stride;
  std::size_t inner = offset % stride;
  const bool second = inner >= stride / 2;
  inner %= stride / 2;
  return fmt::format("thread {} of {}, {} at the {} dump", thread, kernel.threads(),
                     all_registers()[inner / kSlotBytes].name, second ? "second" : "first");
}

std::optional<std::string> compare(const Kernel& kernel, const harness::Buffers& want,
                                   const harness::Buffers& got) {
  for (std::size_t at = 0; at < want[1].size(); at += 4) {
    if (word(want[1], at) != word(got[1], at)) {
      return fmt::format("{}: 0x{:08x} instead of 0x{:08x}", place_of(kernel, at), word(got[1], at),
                         word(want[1], at));
    }
  }
  for (std::size_t at = 0; at < want[2].size(); at += 4) {
    if (word(want[2], at) != word(got[2], at)) {
      return fmt::format("atomic cell at {}: 0x{:08x} instead of 0x{:08x}", at, word(got[2], at),
                         word(want[2], at));
    }
  }
  for (std::size_t i = 0; i < kernel.threads() * kernel.approximations.size(); ++i) {
    const Approximation& bound = kernel.approximations[i % kernel.approximations.size()];
    if (!close(word(want[3], 4 * i), word(got[3], 4 * i), bound)) {
      return fmt::format("approximation {} of thread {}: 0x{:08x} is too far from 0x{:08x}",
                         i % kernel.approximations.size(), i / kernel.approximations.size(),
                         word(got[3], 4 * i), word(want[3], 4 * i));
    }
  }
  return std::nullopt;
}

}  // namespace

harness::LaunchCase make_case(const Kernel& kernel, std::shared_ptr<const ptx::Module> module,
                              std::string text) {
  harness::LaunchCase launch{std::move(module), kernel.name, kernel.grid, kernel.block, 0, {}, {},
                             std::move(text)};
  launch.buffers = {generate_input(kernel), std::vector<std::byte>(output_bytes(kernel)),
                    std::vector<std::byte>(kAtomicBytes), std::vector<std::byte>(approximate_bytes(kernel))};
  for (std::size_t i = 0; i < launch.buffers.size(); ++i)
    launch.arguments.emplace_back(harness::BufferArgument{i});
  return launch;
}

std::vector<Difference> run_kernels(const std::vector<Kernel>& kernels, harness::Runner* machine) {
  std::vector<const Kernel*> all;
  for (const Kernel& k : kernels) all.push_back(&k);
  const std::string text = module_text(all);
  auto parsed = ptx::parse(text);
  if (!parsed) {
    return {
        {Difference::Kind::Generator, kernels.front().seed, to_string(parsed.error().diagnostics.front())}};
  }
  const auto module = std::make_shared<const ptx::Module>(std::move(*parsed));
  std::vector<Difference> found;
  for (const Kernel& k : kernels) {
    const harness::LaunchCase launch = make_case(k, module, text);
    const auto want = harness::run_on_reference(launch);
    if (!want) {
      found.push_back({Difference::Kind::Generator, k.seed, want.error().message});
      continue;
    }
    if (machine == nullptr) continue;
    const auto got = machine->run(launch);
    if (!got) {
      found.push_back({Difference::Kind::Machine, k.seed, got.error().message});
    } else if (const auto difference = compare(k, *want, *got)) {
      found.push_back({Difference::Kind::Values, k.seed, *difference});
    }
  }
  return found;
}

}  // namespace doppel::random
