// SPDX-License-Identifier: Apache-2.0
// Tables and bars of the review. What is passed as HTML has been through Figures or `escaped`.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace doppel::report::review {

struct HtmlTable {
  std::string caption;               // HTML
  std::vector<std::string> columns;  // HTML; the first is of the rows' names
  std::vector<std::vector<std::string>> rows;
  std::size_t text_columns = 1;  // so many from the left hold words, the others numbers
};
std::string table_html(const HtmlTable& table);

struct Bar {
  std::size_t card = 0;  // of the two: its colour
  double value = 0;
  double low = 0, high = 0;  // the error band; equal where there is none
  double limit = 0;          // a mark that it may reach, such as a peak; 0: none
  std::string label;         // HTML
};
struct BarGroup {
  std::string name;  // HTML
  std::string note;  // HTML, may be empty
  std::vector<Bar> bars;
};
// Bars from zero. Each group has its own scale, or all have the largest's.
enum class Scale : bool { OfEach, OfAll };
std::string bars_html(const std::vector<BarGroup>& groups, Scale scale);

std::string paragraph(const std::string& html);
std::string list_html(const std::vector<std::string>& items);

}  // namespace doppel::report::review
