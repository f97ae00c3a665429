// SPDX-License-Identifier: Apache-2.0
#include "smi/value.h"

#include <doppel/nvml/codes.h>
#include <fmt/format.h>

namespace doppel::smi {
namespace {

template <typename T>
Value shown(const Answer<T>& answer) {
  return answer ? Value{fmt::format("{}", answer.value)} : no_value(answer.code);
}

}  // namespace

std::string words_for(nvmlReturn_t code) {
  const nvml::Code* const known = nvml::find_code(code);
  return known != nullptr ? known->words : "Unknown Error";
}

std::string in_brackets(const Value& value) {
  if (value.code == NVML_SUCCESS) return value.text;
  return value.code == NVML_ERROR_NOT_SUPPORTED ? "[N/A]" : "[" + words_for(value.code) + "]";
}

std::string or_words(const Value& value) {
  if (value.code == NVML_SUCCESS) return value.text;
  return value.code == NVML_ERROR_NOT_SUPPORTED ? "N/A" : words_for(value.code);
}

Value of(Answer<std::string> answer) {
  return answer ? Value{std::move(answer.value)} : no_value(answer.code);
}
Value number(const Answer<unsigned>& answer) { return shown(answer); }
Value number(const Answer<int>& answer) { return shown(answer); }
Value number(const Answer<unsigned long long>& answer) { return shown(answer); }

Value of_bytes(nvmlReturn_t code, unsigned long long bytes) {
  constexpr unsigned kMibBits = 20;
  return code == NVML_SUCCESS ? Value{fmt::format("{}", bytes >> kMibBits)} : no_value(code);
}

Value of_milliwatts(const Answer<unsigned>& answer) {
  constexpr double kMilli = 1e-3;
  return answer ? Value{fmt::format("{:.2f}", answer.value * kMilli)} : no_value(answer.code);
}

Value enabled(const Answer<int>& answer) {
  return answer ? Value{answer.value != 0 ? "Enabled" : "Disabled"} : no_value(answer.code);
}

Value no_value(nvmlReturn_t code) { return {{}, code}; }

}  // namespace doppel::smi
