// SPDX-License-Identifier: Apache-2.0
#include "smi/fields.h"

#include <algorithm>
#include <stdexcept>

namespace doppel::smi {

const std::vector<Field>& gpu_fields() {
  static const std::vector<Field> made = [] {
    std::vector<Field> fields;
    add_identity_fields(fields);
    add_link_fields(fields);
    add_use_fields(fields);
    add_error_fields(fields);
    add_power_fields(fields);
    add_clock_fields(fields);
    return fields;
  }();
  return made;
}

const Field* find_gpu_field(std::string_view name) {
  if (name.empty()) return nullptr;
  const auto found = std::ranges::find_if(
      gpu_fields(), [&](const Field& each) { return each.name == name || each.other_name == name; });
  return found != gpu_fields().end() ? &*found : nullptr;
}

std::string shown(const Gpu& gpu, std::string_view name) {
  const Field* const field = find_gpu_field(name);
  if (field == nullptr) throw std::logic_error("no field " + std::string(name));
  const Value value = field->read(gpu);
  if (value.code != NVML_SUCCESS || field->unit.empty()) return or_words(value);
  return value.text + " " + field->unit;
}

}  // namespace doppel::smi
