// What a module's .version and .target allow (PTX ISA 11.1), and what a form asks of them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace doppel::ptx {

struct Target {
  std::uint32_t version = 0;  // major x 10 + minor of .version
  std::uint32_t sm = 0;       // 86 of sm_86
  char suffix = 0;            // 'a' or 'f' of sm_120a, sm_120f
};

struct Requirement {
  std::uint32_t version = 0;
  std::uint32_t sm = 0;
};

// The newest .version that is read: PTX ISA 9.1.
inline constexpr std::uint32_t kNewestVersion = 91;

// Reads "sm_86", "sm_120a"; false for anything that is no known target.
bool read_target(std::string_view name, Target& target);

// Empty if allowed, else in words what is missing: "requires .target sm_90 or higher".
std::string unmet(const Requirement& requirement, const Target& target);

}  // namespace doppel::ptx
