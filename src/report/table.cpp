// SPDX-License-Identifier: Apache-2.0
#include "report/table.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <sstream>
#include <string_view>

#include "report/kernel_name.h"

namespace doppel::report {
namespace {

// A first column narrower than these is not worth having beside the figures.
constexpr std::size_t kComfortable = 40;
constexpr std::size_t kNarrowest = 26;
constexpr std::size_t kGap = 2;  // between columns

bool continues(char c) { return (c & 0xC0) == 0x80; }

std::string padded(const std::string& text, std::size_t to, Align align) {
  const std::size_t have = width_of(text);
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

std::string fitted_label(const Row& row, std::size_t limit) {
  if (row.kernel.name.empty()) return row.cells.empty() ? "" : shortened(row.cells[0], limit);
  if (!row.cells.empty() && width_of(row.cells[0]) <= limit) return row.cells[0];
  const std::size_t shape = width_of(row.kernel.shape);
  if (shape + width_of(parts_of(row.kernel.name).base) > limit)
    return fitted_name(row.kernel.name, limit);  // the name matters more
  return fitted_name(row.kernel.name, limit - shape) + row.kernel.shape;
}

// A table on its way to text: how wide each column is, and where its titles break.
struct Layout {
  std::vector<std::size_t> widths;
  std::vector<std::vector<std::string>> titles;  // lines of each column's title
  bool stacked = false;                          // labels stand on lines of their own
};

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

std::size_t widest(const std::vector<std::string>& lines) {
  std::size_t out = 0;
  for (const std::string& line : lines) out = std::max(out, width_of(line));
  return out;
}

Layout lay_out(const Table& table, std::size_t width) {
  std::vector<std::size_t> cells(table.columns.size());
  for (const Row& row : table.rows) {
    for (std::size_t i = 0; i < row.cells.size() && !row.heading; ++i)
      cells[i] = std::max(cells[i], width_of(row.cells[i]));
  }
  Layout layout;
  std::size_t others = 0;
  const auto set_titles = [&](bool broken) {
    layout.titles.clear();
    layout.widths = cells;
    others = 0;
    for (std::size_t i = 0; i < table.columns.size(); ++i) {
      const std::string& title = table.columns[i].title;
      std::vector<std::string> lines = {title};
      if (broken && i > 0) lines = lines_of(wrapped(title, cells[i]));
      layout.widths[i] = std::max(cells[i], widest(lines));
      if (i > 0) others += layout.widths[i] + kGap;
      layout.titles.push_back(std::move(lines));
    }
  };
  const auto room = [&] { return width > others ? width - others : 0; };
  set_titles(false);
  const std::size_t wanted = layout.widths[0];
  if (wanted > room() && room() < kComfortable) set_titles(true);
  if (wanted > room() && room() < kNarrowest) {
    layout.stacked = true;
    layout.widths[0] = kGap;
  } else {
    layout.widths[0] = std::min(wanted, room());
  }
  return layout;
}

}  // namespace

std::size_t width_of(const std::string& text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return !continues(c); }));
}

std::string shortened(const std::string& text, std::size_t limit) {
  const std::size_t width = width_of(text);
  if (width <= limit || limit < 5) return text;
  const std::size_t tail = (limit - 3) / 3;
  const std::size_t head = limit - 3 - tail;
  // Where the character with this number starts.
  const auto place = [&](std::size_t character) {
    std::size_t at = 0;
    for (; at < text.size(); ++at) {
      if (!continues(text[at]) && character-- == 0) break;
    }
    return at;
  };
  return text.substr(0, place(head)) + "..." + text.substr(place(width - tail));
}

std::string wrapped(const std::string& text, std::size_t width) {
  std::string out;
  std::string line;
  std::istringstream words(text);
  for (std::string word; words >> word;) {
    if (!line.empty() && width_of(line) + 1 + width_of(word) > width) {
      out += line + '\n';
      line.clear();
    }
    line += (line.empty() ? "" : " ") + word;
  }
  return out + line;
}

std::vector<std::string> fitted_labels(const Table& table, std::size_t limit) {
  std::vector<std::string> out;
  std::map<std::string, std::vector<std::size_t>> alike;  // rows of kernels by their label
  for (std::size_t i = 0; i < table.rows.size(); ++i) {
    const Row& row = table.rows[i];
    out.push_back(row.heading ? row.cells[0] : fitted_label(row, limit));
    if (!row.kernel.name.empty()) alike[out.back()].push_back(i);
  }
  for (const auto& [label, rows] : alike) {
    if (rows.size() < 2) continue;
    std::vector<std::string> names;
    for (const std::size_t row : rows) names.push_back(table.rows[row].kernel.name);
    // The shape is the same in all of them, if it is there.
    const std::string& shape = table.rows[rows[0]].kernel.shape;
    const bool shaped = !shape.empty() && label.ends_with(shape);
    const std::size_t room = shaped ? limit - std::min(limit, width_of(shape)) : limit;
    const std::vector<std::string> apart = told_apart(names, room);
    for (std::size_t i = 0; i < rows.size(); ++i) out[rows[i]] = apart[i] + (shaped ? shape : "");
  }
  return out;
}

std::string to_text(const Table& table, std::size_t width) {
  const Layout layout = lay_out(table, width);
  const std::vector<std::string> labels = fitted_labels(table, layout.stacked ? width : layout.widths[0]);
  const auto line_of = [&](const auto& cell) {
    std::string line;
    for (std::size_t i = 0; i < table.columns.size(); ++i) {
      line += i == 0 ? "" : "  ";
      line += padded(cell(i), layout.widths[i], table.columns[i].align);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    return line + "\n";
  };
  std::string out;
  std::size_t title_lines = 0;
  std::size_t total = 0;
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    title_lines = std::max(title_lines, layout.titles[i].size());
    total += layout.widths[i] + (i == 0 ? 0 : kGap);
  }
  for (std::size_t line = 0; line < title_lines; ++line) {
    out += line_of([&](std::size_t column) -> std::string {
      const std::vector<std::string>& lines = layout.titles[column];
      const std::size_t above = title_lines - lines.size();  // titles stand on the rule
      if (layout.stacked && column == 0) return "";
      return line < above ? "" : lines[line - above];
    });
  }
  if (std::any_of(table.columns.begin(), table.columns.end(),
                  [](const Column& c) { return !c.title.empty(); }))
    out += std::string(total, '-') + "\n";
  else
    out.clear();
  for (std::size_t r = 0; r < table.rows.size(); ++r) {
    const Row& row = table.rows[r];
    if (row.heading) {
      out += fmt::format("{}{}\n", r == 0 ? "" : "\n", labels[r]);
      continue;
    }
    if (layout.stacked) out += labels[r] + "\n";
    out += line_of([&](std::size_t column) -> std::string {
      if (column == 0) return layout.stacked ? "" : labels[r];
      return column < row.cells.size() ? row.cells[column] : "";
    });
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
