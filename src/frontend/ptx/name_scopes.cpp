// SPDX-License-Identifier: Apache-2.0
#include "frontend/ptx/name_scopes.h"

namespace doppel::ptx {

bool NameScopes::split(std::string_view name, std::string_view& prefix, std::uint32_t& number) {
  std::size_t digits = 0;
  while (digits < name.size() && name[name.size() - 1 - digits] >= '0' &&
         name[name.size() - 1 - digits] <= '9')
    ++digits;
  if (digits == 0 || digits == name.size()) return false;
  // "%r07" is not the seventh of %r<10>; but of "%f10" with a range %f1<…>, only the longest run is tried.
  if (digits > 9 || (digits > 1 && name[name.size() - digits] == '0')) return false;
  prefix = name.substr(0, name.size() - digits);
  number = 0;
  for (const char c : name.substr(prefix.size())) number = number * 10 + static_cast<std::uint32_t>(c - '0');
  return true;
}

bool NameScopes::declare(std::string_view name, Binding binding) {
  Level& level = levels_.back();
  std::string_view prefix;
  std::uint32_t number = 0;
  if (split(name, prefix, number)) {
    const auto range = level.ranges.find(prefix);
    if (range != level.ranges.end() && number < range->second.count) return false;
  }
  if (levels_.size() == 1) binding.order = module_names();
  return level.names.emplace(name, binding).second;
}

bool NameScopes::declare_range(std::string_view prefix, std::uint32_t first, std::uint32_t count) {
  Level& level = levels_.back();
  for (const auto& [name, binding] : level.names) {
    std::string_view other;
    std::uint32_t number = 0;
    if (split(name, other, number) && other == prefix && number < count) return false;
  }
  return level.ranges.emplace(prefix, Range{first, count}).second;
}

std::optional<Binding> NameScopes::find(std::string_view name) const {
  std::string_view prefix;
  std::uint32_t number = 0;
  const bool numbered = split(name, prefix, number);
  for (auto level = levels_.rbegin(); level != levels_.rend(); ++level) {
    if (numbered) {
      const auto range = level->ranges.find(prefix);
      if (range != level->ranges.end() && number < range->second.count) {
        return Binding{Binding::Kind::Register, {}, range->second.first + number};
      }
    }
    const auto found = level->names.find(name);
    if (found != level->names.end() && found->second.order < seen_) return found->second;
  }
  return std::nullopt;
}

}  // namespace doppel::ptx
