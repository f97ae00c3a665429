// SPDX-License-Identifier: Apache-2.0
#include "card/field_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>

#include "support/nearest.h"

namespace doppel::card {
namespace {

constexpr std::array<std::string_view, 6> kMarks = {"M", "M-n", "V", "R", "D", "K"};

std::string_view type_name(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::table:
      return "a table";
    case toml::node_type::array:
      return "an array";
    case toml::node_type::string:
      return "a string";
    case toml::node_type::integer:
      return "a whole number";
    case toml::node_type::floating_point:
      return "a number with a fraction";
    case toml::node_type::boolean:
      return "true or false";
    default:
      return "a value of another kind";
  }
}

}  // namespace

int line_of(const toml::node& node) { return static_cast<int>(node.source().begin.line); }

void wrong_type(const toml::node& node, const std::string& key, std::string_view expected) {
  throw BadEntry{line_of(node), key, fmt::format("expected {}, found {}", expected, type_name(node))};
}

std::string text_of(const toml::table& table, const std::string& key, const std::string& prefix) {
  const toml::node* node = table.get(key);
  const int line = static_cast<int>(table.source().begin.line);
  if (node == nullptr) throw BadEntry{line, prefix + key, "expected a string, found nothing"};
  const auto* string = node->as_string();
  if (string == nullptr) wrong_type(*node, prefix + key, "a string");
  return string->get();
}

namespace {

void check_range(double number, const Field& field, const toml::node& node) {
  if (number >= field.min && number <= field.max) return;
  throw BadEntry{line_of(node), std::string(field.key),
                 fmt::format("expected a number from {} to {}, found {}", field.min, field.max, number)};
}

template <typename Integer>
Integer integer(const toml::node& node, const Field& field) {
  const auto* number = node.as_integer();
  if (number == nullptr) wrong_type(node, std::string(field.key), "a whole number");
  check_range(static_cast<double>(number->get()), field, node);
  if (number->get() > std::numeric_limits<Integer>::max()) {
    throw BadEntry{line_of(node), std::string(field.key), fmt::format("{} is too large", number->get())};
  }
  return static_cast<Integer>(number->get());
}

void assign(const toml::node& node, int* target, const Field& field) { *target = integer<int>(node, field); }
void assign(const toml::node& node, std::int64_t* target, const Field& field) {
  *target = integer<std::int64_t>(node, field);
}
void assign(const toml::node& node, double* target, const Field& field) {
  if (!node.is_number()) wrong_type(node, std::string(field.key), "a number");
  *target = *node.value<double>();
  check_range(*target, field, node);
}
void assign(const toml::node& node, bool* target, const Field& field) {
  if (!node.is_boolean()) wrong_type(node, std::string(field.key), "true or false");
  *target = node.as_boolean()->get();
}
void assign(const toml::node& node, std::string* target, const Field& field) {
  if (!node.is_string()) wrong_type(node, std::string(field.key), "a string");
  *target = node.as_string()->get();
}
void assign(const toml::node& node, std::vector<int>* target, const Field& field) {
  target->clear();
  const toml::array* array = node.as_array();
  if (array == nullptr) wrong_type(node, std::string(field.key), "an array of whole numbers");
  for (const toml::node& element : *array) target->push_back(integer<int>(element, field));
}
void assign(const toml::node& node, std::span<int> target, const Field& field) {
  const toml::array* array = node.as_array();
  if (array == nullptr) wrong_type(node, std::string(field.key), "an array of whole numbers");
  if (array->size() != target.size()) {
    throw BadEntry{line_of(node), std::string(field.key),
                   fmt::format("expected {} numbers, found {}", target.size(), array->size())};
  }
  for (std::size_t i = 0; i < target.size(); ++i) target[i] = integer<int>(*array->get(i), field);
}

}  // namespace

void read_value(const toml::node& node, const Field& field) {
  std::visit([&](auto target) { assign(node, target, field); }, field.target);
}

void FieldReader::read_sources() {
  const toml::node* node = root_.get("sources");
  if (node == nullptr) throw BadEntry{1, "sources", "expected a table of citations, found nothing"};
  const toml::table* table = node->as_table();
  if (table == nullptr) wrong_type(*node, "sources", "a table of citations");
  for (const auto& [key, value] : *table) {
    const std::string name(key.str());
    if (!value.is_string()) wrong_type(value, "sources." + name, "a citation in words");
    sources_[name] = value.as_string()->get();
    source_names_.push_back(name);
  }
}

namespace {

// A leaf is a table with the key `value`; any other table is a group of keys.
void reject_unknown_in(const toml::table& table, const std::string& prefix,
                       const std::vector<std::string>& keys, std::span<const std::string_view> at_the_top) {
  for (const auto& [key, value] : table) {
    const std::string name = prefix + std::string(key.str());
    if (prefix.empty() && std::ranges::find(at_the_top, name) != at_the_top.end()) continue;
    if (std::ranges::find(keys, name) != keys.end()) continue;
    const toml::table* group = value.as_table();
    const bool is_group =
        group != nullptr && !group->contains("value") &&
        std::ranges::any_of(keys, [&](const std::string& known) { return known.starts_with(name + "."); });
    if (is_group) {
      reject_unknown_in(*group, name + ".", keys, at_the_top);
      continue;
    }
    const std::string near = nearest_name(name, keys);
    throw BadEntry{line_of(value), name,
                   near.empty() ? "unknown key" : fmt::format("unknown key; did you mean '{}'?", near)};
  }
}

}  // namespace

void FieldReader::reject_unknown(std::span<const Field> fields,
                                 std::span<const std::string_view> at_the_top) const {
  std::vector<std::string> keys;
  for (const Field& field : fields) keys.emplace_back(field.key);
  reject_unknown_in(root_, "", keys, at_the_top);
}

const toml::node* FieldReader::find(std::string_view key) const {
  const toml::table* table = &root_;
  while (true) {
    const std::size_t dot = key.find('.');
    const toml::node* node = table->get(key.substr(0, dot));
    if (node == nullptr || dot == std::string_view::npos) return node;
    table = node->as_table();
    if (table == nullptr) return nullptr;
    key.remove_prefix(dot + 1);
  }
}

Provenance FieldReader::provenance(const toml::table& leaf, const std::string& key) const {
  Provenance out;
  out.line = static_cast<int>(leaf.source().begin.line);
  out.mark = text_of(leaf, "mark", key + ".");
  if (std::ranges::find(kMarks, out.mark) == kMarks.end()) {
    throw BadEntry{out.line, key + ".mark",
                   fmt::format("expected one of {}, found '{}'", fmt::join(kMarks, ", "), out.mark)};
  }
  const std::string name = text_of(leaf, "source", key + ".");
  const auto source = sources_.find(name);
  if (source == sources_.end()) {
    const std::string near = nearest_name(name, source_names_);
    throw BadEntry{out.line, key + ".source",
                   fmt::format("expected a name from [sources], found '{}'{}", name,
                               near.empty() ? "" : fmt::format("; did you mean '{}'?", near))};
  }
  out.source = source->second;
  if (leaf.contains("note")) out.source += " (" + text_of(leaf, "note", key + ".") + ")";
  return out;
}

std::optional<Provenance> FieldReader::read(const Field& field) const {
  const std::string key(field.key);
  const toml::node* node = find(field.key);
  if (node == nullptr) return std::nullopt;
  const toml::table* leaf = node->as_table();
  if (leaf == nullptr) wrong_type(*node, key, "a table { value = ..., mark = ..., source = ... }");
  for (const auto& [sub, value] : *leaf) {
    const std::string_view name = sub.str();
    if (name != "value" && name != "mark" && name != "source" && name != "note") {
      throw BadEntry{line_of(value), fmt::format("{}.{}", key, name),
                     "unknown key; known: value, mark, source, note"};
    }
  }
  Provenance from = provenance(*leaf, key);
  const toml::node* value = leaf->get("value");
  if (value == nullptr) throw BadEntry{line_of(*leaf), key, "expected the key 'value', found nothing"};
  read_value(*value, field);
  return from;
}

}  // namespace doppel::card
