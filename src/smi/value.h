// SPDX-License-Identifier: Apache-2.0
// A value as it is shown: its digits or words, or why there is none.
#pragma once

#include <doppel/nvml/types.h>

#include <string>

#include "smi/nvml_client.h"

namespace doppel::smi {

struct Value {
  std::string text;  // without its unit
  nvmlReturn_t code = NVML_SUCCESS;
};

// The library's words for a code: "Not Supported".
std::string words_for(nvmlReturn_t code);

// As a cell of CSV: "[N/A]", "[Unknown Error]" where there is no value.
std::string in_brackets(const Value& value);
// Elsewhere: "N/A", "Unknown Error".
std::string or_words(const Value& value);

Value of(Answer<std::string> answer);
Value number(const Answer<unsigned>& answer);
Value number(const Answer<int>& answer);
Value number(const Answer<unsigned long long>& answer);
Value of_bytes(nvmlReturn_t code, unsigned long long bytes);  // in MiB
Value of_milliwatts(const Answer<unsigned>& answer);          // in W, "24.00"
Value enabled(const Answer<int>& answer);                     // "Enabled", "Disabled"
Value no_value(nvmlReturn_t code);

}  // namespace doppel::smi
