// SPDX-License-Identifier: Apache-2.0
// A table of text cells, printed aligned for a terminal or as Markdown.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace doppel::report {

enum class Align : std::uint8_t { Left, Right };

struct Column {
  std::string title;
  Align align = Align::Left;
};

// A kernel's name and what stands behind it in its cell. The name can be made to fit.
struct KernelLabel {
  std::string name;   // demangled, whole
  std::string shape;  // " [grid 4, block 128]"
};

struct Row {
  std::vector<std::string> cells;  // missing ones are empty
  bool heading = false;            // cells[0] begins a group of rows
  KernelLabel kernel;              // of a row of a kernel: cells[0] in its parts
};

struct Table {
  std::vector<Column> columns;
  std::vector<Row> rows;

  void add(std::vector<std::string> cells) { rows.push_back({std::move(cells), false, {}}); }
  void add_heading(std::string text) { rows.push_back({{std::move(text)}, true, {}}); }
};

// As wide as a table is where nobody says how wide the terminal is.
inline constexpr std::size_t kUsualWidth = 120;
inline constexpr std::size_t kAnyWidth = 1000000;

// Lines end in '\n'. A table wider than `width` characters gets a shorter first column, then titles of
// several lines, then its first cells on lines of their own. A kernel keeps its base name. Without titles
// there is no head.
std::string to_text(const Table& table, std::size_t width = kUsualWidth);
std::string to_markdown(const Table& table);

// The first cells in at most `limit` characters each. Kernels whose names become the same are numbered.
std::vector<std::string> fitted_labels(const Table& table, std::size_t limit);

// `text` in at most `limit` characters: its middle replaced by "..." where it is longer.
std::string shortened(const std::string& text, std::size_t limit);

// Characters of UTF-8 text.
std::size_t width_of(const std::string& text);

// `text` with line ends between words, so that no line is longer than `width` where words allow it.
std::string wrapped(const std::string& text, std::size_t width);

}  // namespace doppel::report
