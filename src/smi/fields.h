// SPDX-License-Identifier: Apache-2.0
// What `--query-gpu` can be asked: values of a card by name. Other views take their values from here too.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "smi/nvml_client.h"
#include "smi/value.h"

namespace doppel::smi {

struct Field {
  std::string name;
  std::string other_name;  // by which it is known too, or empty
  std::string unit;        // "MiB", or empty
  std::string about;       // what it is, in a line
  std::function<Value(const Gpu&)> read;
};

const std::vector<Field>& gpu_fields();
// By either name; null: there is none.
const Field* find_gpu_field(std::string_view name);
// With its unit: "49140 MiB", or "N/A".
std::string shown(const Gpu& gpu, std::string_view name);

// The groups of gpu_fields().
void add_identity_fields(std::vector<Field>& to);
void add_link_fields(std::vector<Field>& to);
void add_use_fields(std::vector<Field>& to);
void add_error_fields(std::vector<Field>& to);
void add_power_fields(std::vector<Field>& to);
void add_clock_fields(std::vector<Field>& to);

}  // namespace doppel::smi
