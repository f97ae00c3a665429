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

struct Row {
  std::vector<std::string> cells;  // missing ones are empty
  bool heading = false;            // cells[0] begins a group of rows
};

struct Table {
  std::vector<Column> columns;
  std::vector<Row> rows;

  void add(std::vector<std::string> cells) { rows.push_back({std::move(cells), false}); }
  void add_heading(std::string text) { rows.push_back({{std::move(text)}, true}); }
};

// Lines end in '\n'. A first column wider than `first_column_limit` characters is cut in its middle with
// "...".
std::string to_text(const Table& table, std::size_t first_column_limit = 60);
std::string to_markdown(const Table& table);

// `text` in at most `limit` characters: its middle replaced by "..." where it is longer.
std::string shortened(const std::string& text, std::size_t limit);

}  // namespace doppel::report
