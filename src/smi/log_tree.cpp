// SPDX-License-Identifier: Apache-2.0
#include "smi/log_tree.h"

#include <fmt/format.h>

namespace doppel::smi {
namespace {

std::string escaped_xml(const std::string& text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

}  // namespace

std::string to_text(const std::vector<Entry>& entries, int depth) {
  constexpr int kStep = 4, kValues = 50;  // the column of the colon
  std::string text;
  for (const Entry& each : entries) {
    if (each.label.empty()) continue;
    const std::string indent(static_cast<std::size_t>(depth) * kStep, ' ');
    if (each.parts.empty()) {
      text += fmt::format("{:<{}}: {}\n", indent + each.label, kValues, each.value);
    } else {
      text += indent + each.label + "\n" + to_text(each.parts, depth + 1);
    }
  }
  return text;
}

std::string to_xml(const std::vector<Entry>& entries, int depth) {
  std::string text;
  for (const Entry& each : entries) {
    if (each.tag.empty()) continue;
    const std::string indent(static_cast<std::size_t>(depth), '\t');
    std::string opening = each.tag;
    for (const auto& [name, value] : each.attributes)
      opening += fmt::format(" {}=\"{}\"", name, escaped_xml(value));
    if (each.parts.empty()) {
      text += fmt::format("{}<{}>{}</{}>\n", indent, opening, escaped_xml(each.value), each.tag);
    } else {
      text += fmt::format("{}<{}>\n{}{}</{}>\n", indent, opening, to_xml(each.parts, depth + 1), indent,
                          each.tag);
    }
  }
  return text;
}

}  // namespace doppel::smi
