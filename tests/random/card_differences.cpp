// SPDX-License-Identifier: Apache-2.0
#include "random/card_differences.h"

#include <cstdio>
#include <sstream>
#include <string_view>

namespace doppel::random {

namespace {

// The two last operands, where both are immediate.
bool immediate_field(const std::string& line, int& position, int& length) {
  const std::size_t last = line.rfind(", ");
  if (last == std::string::npos || last == 0) return false;
  const std::size_t before = line.rfind(", ", last - 1);
  return before != std::string::npos &&
         std::sscanf(line.c_str() + before, ", %d, %d;", &position, &length) == 2;
}

const char* difference_of(const std::string& line, bool in_function) {
  const auto has = [&](std::string_view what) { return line.find(what) != std::string::npos; };
  int position = 0;
  int length = 0;
  if (in_function && has("call (")) return "lanes after a recursive call";
  if (line.starts_with("SECOND_")) return "lanes after a loop with two entries";
  if (has("cvt.rp.ftz.") || has("cvt.rm.ftz.")) {
    if (has(".f16.f32 ")) return "cvt.rp.ftz.f16.f32 or cvt.rm.ftz.f16.f32";
  }
  if (has("bfe.s32 ") && immediate_field(line, position, length) && position > 31)
    return "bfe.s32 of an immediate field beyond the msb";
  if (has("bfi.b32 ") && immediate_field(line, position, length) && position < 32 && length > 31)
    return "bfi.b32 of an immediate field longer than the register";
  return nullptr;
}

}  // namespace

std::string known_card_difference(const Kernel& kernel) {
  std::istringstream text(module_text({&kernel}));
  bool in_function = true;
  for (std::string line; std::getline(text, line);) {
    if (line.starts_with(".visible .entry")) in_function = false;
    if (const char* what = difference_of(line, in_function)) return what;
  }
  return {};
}

}  // namespace doppel::random
