// SPDX-License-Identifier: Apache-2.0
// Every form that the front end accepts runs on the reference and on the engine, with the same results.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstring>

#include "every_form/form_kernel.h"
#include "frontend/ptx/form.h"

namespace doppel::every_form {
namespace {

constexpr std::size_t kFormsPerKernel = 24;

bool is_nan(std::uint64_t bits, ptx::Type type) {
  switch (type) {
    case ptx::Type::F32:
      return (bits & 0x7fffffff) > 0x7f800000;
    case ptx::Type::F64:
      return (bits & 0x7fffffffffffffff) > 0x7ff0000000000000;
    case ptx::Type::F16:
      return (bits & 0x7fff) > 0x7c00;
    case ptx::Type::BF16:
      return (bits & 0x7fff) > 0x7f80;
    default:
      return false;
  }
}

// NaNs are compared as NaNs: their payload is the machine's.
bool same_value(std::uint64_t a, std::uint64_t b, ptx::Type type) {
  if (ptx::is_packed(type) && type != ptx::Type::F32x2 && ptx::is_float(type)) {
    const ptx::Type element = ptx::element_type(type);
    return same_value(a & 0xffff, b & 0xffff, element) && same_value(a >> 16, b >> 16, element);
  }
  if (type == ptx::Type::F32x2)
    return same_value(a & 0xffffffff, b & 0xffffffff, ptx::Type::F32) &&
           same_value(a >> 32, b >> 32, ptx::Type::F32);
  return a == b || (is_nan(a, type) && is_nan(b, type));
}

bool same_result(const TrialForm& form, const std::byte* a, const std::byte* b) {
  if (form.approximate || std::memcmp(a, b, kResultBytes) == 0) return true;
  if (form.trial != Trial::Values) return false;
  const ptx::Type type = ptx::decode_form(form.text).form.operands[0].type;
  std::uint64_t x = 0, y = 0;
  std::memcpy(&x, a, 8);
  std::memcpy(&y, b, 8);
  return same_value(x, y, type) && std::memcmp(a + 8, b + 8, kResultBytes - 8) == 0;
}

class EveryForm : public testing::TestWithParam<std::string> {
 protected:
  // A kernel that a machine refuses is tried again form by form, so that each culprit is named.
  void compare(const std::vector<TrialForm>& forms) {
    const auto launch = make_case(forms);
    ASSERT_TRUE(launch.has_value()) << launch.error().message;
    const auto expected = harness::run_on_reference(*launch);
    const auto computed = engine_ != nullptr && expected ? engine_->run(*launch) : expected;
    if (!expected || !computed) {
      if (forms.size() > 1) {
        for (const TrialForm& form : forms) compare({form});
      } else {
        ADD_FAILURE() << forms[0].text << (expected ? ": engine: " : ": reference: ")
                      << (expected ? computed : expected).error().message;
      }
      return;
    }
    for (std::size_t i = 0; i < forms.size(); ++i) {
      for (std::size_t thread = 0; thread < kThreads; ++thread) {
        const std::size_t at = (thread * forms.size() + i) * kResultBytes;
        if (same_result(forms[i], &(*expected)[1][at], &(*computed)[1][at])) continue;
        ADD_FAILURE() << forms[i].text << ": "
                      << describe(*launch, thread, &(*expected)[1][at], &(*computed)[1][at]);
        break;
      }
    }
  }

  static std::string hex(const std::byte* bytes, std::size_t count) {
    std::string text;
    for (std::size_t i = 0; i < count; i += 8) {
      std::uint64_t value = 0;
      std::memcpy(&value, bytes + i, 8);
      text += fmt::format(" {:016x}", value);
    }
    return text;
  }

  static std::string describe(const harness::LaunchCase& launch, std::size_t thread,
                              const std::byte* expected, const std::byte* computed) {
    return fmt::format("thread {}: inputs{}; reference{}; engine{}", thread,
                       hex(&launch.buffers[0][thread * 64], 64), hex(expected, 32), hex(computed, 32));
  }

  std::unique_ptr<harness::Runner> engine_ = harness::make_engine_runner();
};

TEST_P(EveryForm, EngineAgreesWithReference) {
  const std::vector<TrialForm> forms = trial_forms(GetParam());
  ASSERT_FALSE(forms.empty());
  for (std::size_t at = 0; at < forms.size(); at += kFormsPerKernel) {
    compare({forms.begin() + static_cast<std::ptrdiff_t>(at),
             forms.begin() + static_cast<std::ptrdiff_t>(std::min(at + kFormsPerKernel, forms.size()))});
  }
}

INSTANTIATE_TEST_SUITE_P(Ptx, EveryForm, testing::ValuesIn(opcode_words()),
                         [](const auto& word) { return word.param; });

}  // namespace
}  // namespace doppel::every_form
