// SPDX-License-Identifier: Apache-2.0
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
  std::uint32_t last_sm = 0;   // of a form that later targets gave up; 0: none did
  std::uint32_t given_up = 0;  // the version from which they did
  bool specific = false;       // only of targets with a suffix: sm_120a, sm_120f
  bool architecture = false;   // only of those with an a
};

// Any .version is read: forms decide what can run, and a version that nobody knows yet may use none of its
// own.

// Reads "sm_86", "sm_120a", "compute_86"; false for anything that is no known target.
bool read_target(std::string_view name, Target& target);

// Whether a card of this compute capability (86, 120) takes a module of that target: any later card; of an
// architecture-specific target (a) only the same, of a family-specific one (f) the same and later ones of its
// family (PTX ISA 11.1.2).
bool runs_on(const Target& target, std::uint32_t capability);

// Empty if allowed, else in words what is missing: "requires .target sm_90 or higher".
std::string unmet(const Requirement& requirement, const Target& target);

}  // namespace doppel::ptx
