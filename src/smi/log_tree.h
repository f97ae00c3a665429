// SPDX-License-Identifier: Apache-2.0
// What `-q` shows, as a tree: printed indented, or as XML.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace doppel::smi {

struct Entry {
  std::string label;  // in text; empty: in XML alone
  std::string tag;    // in XML; empty: in text alone
  std::string value;  // of a leaf
  std::vector<Entry> parts;
  std::vector<std::pair<std::string, std::string>> attributes;  // in XML
  std::string section;  // of the first level of a card: what -d calls it, or empty
};

// Below `depth` steps of four characters; values stand in one column.
std::string to_text(const std::vector<Entry>& entries, int depth);
// Tabs before each line.
std::string to_xml(const std::vector<Entry>& entries, int depth);

}  // namespace doppel::smi
