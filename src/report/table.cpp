#include "report/table.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

namespace doppel::report {
namespace {

// Characters of UTF-8 text: bytes that do not continue one.
std::size_t width(const std::string& text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

std::string padded(const std::string& text, std::size_t to, Align align) {
  const std::size_t have = width(text);
  const std::string space(to > have ? to - have : 0, ' ');
  return align == Align::Left ? text + space : space + text;
}

std::string escaped_for_markdown(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '|' || c == '*' || c == '_' || c == '<' || c == '`') out += '\\';
    out += c;
  }
  return out;
}

}  // namespace

std::string shortened(const std::string& text, std::size_t limit) {
  if (text.size() <= limit || limit < 5) return text;
  const std::size_t tail = (limit - 3) / 3;
  const std::size_t head = limit - 3 - tail;
  return text.substr(0, head) + "..." + text.substr(text.size() - tail);
}

std::string to_text(const Table& table, std::size_t first_column_limit) {
  std::vector<std::size_t> widths;
  for (const Column& column : table.columns) widths.push_back(width(column.title));
  std::vector<std::vector<std::string>> lines;
  for (const Row& row : table.rows) {
    std::vector<std::string> cells = row.cells;
    cells.resize(table.columns.size());
    cells[0] = shortened(cells[0], first_column_limit);
    for (std::size_t i = 0; i < cells.size() && !row.heading; ++i)
      widths[i] = std::max(widths[i], width(cells[i]));
    lines.push_back(std::move(cells));
  }
  const auto line_of = [&](const std::vector<std::string>& cells) {
    std::string line;
    for (std::size_t i = 0; i < cells.size(); ++i) {
      line += i == 0 ? "" : "  ";
      line += padded(cells[i], widths[i], table.columns[i].align);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    return line + "\n";
  };
  std::vector<std::string> titles;
  std::size_t total = 0;
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    titles.push_back(table.columns[i].title);
    total += widths[i] + (i == 0 ? 0 : 2);
  }
  std::string out = line_of(titles) + std::string(total, '-') + "\n";
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (table.rows[i].heading) {
      out += fmt::format("{}{}\n", i == 0 ? "" : "\n", lines[i][0]);
    } else {
      out += line_of(lines[i]);
    }
  }
  return out;
}

std::string to_markdown(const Table& table) {
  std::string out = "|";
  for (const Column& column : table.columns) out += fmt::format(" {} |", escaped_for_markdown(column.title));
  out += "\n|";
  for (const Column& column : table.columns) out += column.align == Align::Right ? " ---: |" : " --- |";
  out += "\n";
  for (const Row& row : table.rows) {
    out += "|";
    for (std::size_t i = 0; i < table.columns.size(); ++i) {
      const std::string text = i < row.cells.size() ? escaped_for_markdown(row.cells[i]) : "";
      const std::string_view mark = row.heading && !text.empty() ? "**" : "";
      out += fmt::format(" {}{}{} |", mark, text, mark);
    }
    out += "\n";
  }
  return out;
}

}  // namespace doppel::report
