// SPDX-License-Identifier: Apache-2.0
// What the vendor's assembler takes, and nothing else of the same lines, but for what is named here.
#include "form_lines.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>

#include "frontend/ptx/parse.h"

namespace doppel::ptx::test {
namespace {

struct NamedRefusal {
  std::string_view form;      // how it begins
  std::string_view contains;  // a part of it; of the line's operands where it begins with a %
  std::string_view why;
};

// The assembler takes them, we do not.
constexpr std::array kRefusals = {
    NamedRefusal{"multimem.ld_reduce", "", "memory of several cards at once is for those with NVSwitch"},
    NamedRefusal{"multimem.st", "", "the same"},
    NamedRefusal{"multimem.red", "", "the same"},
    NamedRefusal{"fma", ".oob", "the NaN that stands for what is out of bounds has no published bits"},
    NamedRefusal{"fma.rz", "bf16", "no form of the ISA; the assembler makes f16 of it"},
    NamedRefusal{"fma.rm", "bf16", "the same"},
    NamedRefusal{"fma.rp", "bf16", "the same"},
    NamedRefusal{"addc", "16", "no form of the ISA (9.7.2.2): carries are of 32 and 64 bits"},
    NamedRefusal{"subc", "16", "the same"},
    NamedRefusal{"madc", "16", "the same"},
    NamedRefusal{"testp.f32", "", "no form of the ISA (9.7.3.1): what it tests is missing"},
    NamedRefusal{"testp.f64", "", "the same"},
    NamedRefusal{"alloca", "", "frames have a fixed size"},
    NamedRefusal{"stacksave", "", "the same"},
    NamedRefusal{"stackrestore", "", "the same"},
};
static_assert(kRefusals.size() <= 20);

const NamedRefusal* named_refusal(const FormLine& line) {
  const auto* const found = std::ranges::find_if(kRefusals, [&](const NamedRefusal& each) {
    return line.form.starts_with(each.form) && line.form.find(each.contains) != std::string::npos &&
           line.form.find(".f32.bf16") == std::string::npos;
  });
  return found == kRefusals.end() ? nullptr : found;
}

// The lines of a target, many at a time: one that is refused is reported with its line.
void compare(const char* target, bool FormLine::* taken) {
  std::size_t differences = 0;
  for (const FormLine& line : form_lines()) {
    const auto parsed = parse(line_module(line.text(), target, "9.0"));
    const bool wanted = line.*taken && named_refusal(line) == nullptr;
    if (parsed.has_value() == wanted) continue;
    if (++differences > 20) continue;
    ADD_FAILURE() << target << ": " << line.text() << ": "
                  << (parsed ? "taken" : to_string(parsed.error().diagnostics.front()));
  }
  EXPECT_EQ(differences, 0U);
}

TEST(FormLines, AreTakenForSm86AsByTheAssembler) { compare("sm_86", &FormLine::on_sm_86); }
TEST(FormLines, AreTakenForSm120aAsByTheAssembler) { compare("sm_120a", &FormLine::on_sm_120a); }

TEST(FormLines, ThereAreThousands) {
  EXPECT_GT(form_lines().size(), 70000U);
  EXPECT_GT(std::ranges::count_if(form_lines(), &FormLine::on_sm_120a), 9000);
}

TEST(FormLines, EveryNamedRefusalIsStillOne) {
  for (const NamedRefusal& each : kRefusals) {
    EXPECT_TRUE(std::ranges::any_of(form_lines(), [&](const FormLine& line) {
      return (line.on_sm_86 || line.on_sm_120a) && named_refusal(line) == &each;
    })) << each.form;
  }
}

}  // namespace
}  // namespace doppel::ptx::test
