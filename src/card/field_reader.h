// SPDX-License-Identifier: Apache-2.0
// Reads the keys of a data file (a card, a host): each is a table with a value, a mark and a source. Throws
// BadEntry, which the reader of a kind of file turns into an Error. For the sources of this part only: brings
// in toml++.
#pragma once

#include <toml++/toml.h>

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "card/card.h"
#include "card/card_fields.h"

namespace doppel::card {

struct BadEntry {
  int line;
  std::string key;
  std::string expected;
};

int line_of(const toml::node& node);
[[noreturn]] void wrong_type(const toml::node& node, const std::string& key, std::string_view expected);
// The string behind a key; `prefix` stands before it in messages.
std::string text_of(const toml::table& table, const std::string& key, const std::string& prefix);
// Holds the value against the field's range.
void read_value(const toml::node& node, const Field& field);

class FieldReader {
 public:
  explicit FieldReader(const toml::table& root) : root_(root) {}

  void read_sources();
  // Names that are none of the fields, at the top or in a group.
  void reject_unknown(std::span<const Field> fields, std::span<const std::string_view> at_the_top) const;
  // Nothing where the file does not have the key.
  std::optional<Provenance> read(const Field& field) const;
  Provenance provenance(const toml::table& leaf, const std::string& key) const;

 private:
  const toml::node* find(std::string_view key) const;
  const toml::table& root_;
  std::map<std::string, std::string> sources_;
  std::vector<std::string> source_names_;
};

}  // namespace doppel::card
