// SPDX-License-Identifier: Apache-2.0
#include "frontend/ptx/target.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <iterator>

namespace doppel::ptx {

bool read_target(std::string_view name, Target& target) {
  // PTX ISA 11.1.2, table of architectures.
  static constexpr std::uint32_t kKnown[] = {10, 11, 12, 13, 20,  21,  30,  32,  35,  37, 50,
                                             52, 53, 60, 61, 62,  70,  72,  75,  80,  82, 86,
                                             87, 88, 89, 90, 100, 101, 103, 110, 120, 121};
  if (!name.starts_with("sm_") && !name.starts_with("compute_")) return false;
  name.remove_prefix(name.find('_') + 1);
  std::uint32_t sm = 0;
  const auto [stop, error] = std::from_chars(name.data(), name.data() + name.size(), sm);
  if (error != std::errc()) return false;
  const std::string_view suffix(stop, static_cast<std::size_t>(name.data() + name.size() - stop));
  if (!suffix.empty() && (sm < 90 || (suffix != "a" && suffix != "f"))) return false;
  if (std::ranges::find(kKnown, sm) == std::end(kKnown)) return false;
  target.sm = sm;
  target.suffix = suffix.empty() ? '\0' : suffix[0];
  return true;
}

bool runs_on(const Target& target, std::uint32_t capability) {
  if (target.suffix == 'a') return target.sm == capability;
  if (target.suffix == 'f' && target.sm / 10 != capability / 10) return false;
  return target.sm <= capability;
}

std::string unmet(const Requirement& requirement, const Target& target) {
  if (target.sm < requirement.sm) return fmt::format("requires .target sm_{} or higher", requirement.sm);
  if (requirement.architecture && target.suffix != 'a')
    return fmt::format("requires .target sm_{}a", requirement.sm);
  if (requirement.specific && target.suffix == '\0')
    return fmt::format("requires .target sm_{}a or sm_{}f", requirement.sm, requirement.sm);
  if (requirement.last_sm != 0 && target.sm > requirement.last_sm && target.version >= requirement.given_up) {
    return requirement.given_up == 0
               ? fmt::format("is for .target sm_{} and before", requirement.last_sm)
               : fmt::format("is for .target sm_{} and before, or .version before {}.{}", requirement.last_sm,
                             requirement.given_up / 10, requirement.given_up % 10);
  }
  if (target.version < requirement.version) {
    return fmt::format("requires PTX ISA .version {}.{} or later", requirement.version / 10,
                       requirement.version % 10);
  }
  return {};
}

}  // namespace doppel::ptx
