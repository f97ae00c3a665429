// SPDX-License-Identifier: Apache-2.0
#include "report/review/html.h"

#include <fmt/format.h>

#include <algorithm>

namespace doppel::report::review {
namespace {

double extent(const BarGroup& group) {
  double largest = 0;
  for (const Bar& bar : group.bars) largest = std::max({largest, bar.value, bar.high, bar.limit});
  return largest;
}

// As wide as its box, whatever that is: the label stands beside it as text and keeps its size.
std::string bar_svg(const Bar& bar, double largest) {
  constexpr double kWidth = 99;  // of the view box, which would cut a mark at its edge in half
  const auto x = [&](double value) { return kWidth * value / largest; };
  std::string out = fmt::format(
      "<svg viewBox=\"0 0 100 12\" preserveAspectRatio=\"none\" aria-hidden=\"true\">"
      "<rect class=\"c{}\" x=\"0\" y=\"2\" width=\"{:.2f}\" height=\"8\"/>",
      bar.card, x(bar.value));
  if (bar.limit > 0) out += fmt::format("<path class=\"limit\" d=\"M{0:.2f} 0V12\"/>", x(bar.limit));
  if (bar.high > bar.low)
    out += fmt::format("<path class=\"band\" d=\"M{0:.2f} 6H{1:.2f}M{0:.2f} 3.5V8.5M{1:.2f} 3.5V8.5\"/>",
                       x(bar.low), x(bar.high));
  return out + "</svg>";
}

}  // namespace

std::string table_html(const HtmlTable& table) {
  std::string out = "<div class=\"scroll\"><table>";
  if (!table.caption.empty()) out += fmt::format("<caption><span>{}</span></caption>", table.caption);
  out += "<thead><tr>";
  const auto kind = [&](std::size_t column) {
    return column < table.text_columns ? "" : " class=\"number\"";
  };
  for (std::size_t i = 0; i < table.columns.size(); ++i)
    out += fmt::format("<th scope=\"col\"{}>{}</th>", kind(i), table.columns[i]);
  out += "</tr></thead>\n<tbody>\n";
  for (const std::vector<std::string>& row : table.rows) {
    if (row.size() == 1) {
      out += fmt::format("<tr class=\"group\"><th scope=\"rowgroup\" colspan=\"{}\">{}</th></tr>\n",
                         table.columns.size(), row[0]);
      continue;
    }
    out += "<tr>";
    for (std::size_t i = 0; i < table.columns.size(); ++i) {
      const std::string cell = i < row.size() ? row[i] : "";
      out += i == 0 ? fmt::format("<th scope=\"row\">{}</th>", cell)
                    : fmt::format("<td{}>{}</td>", kind(i), cell);
    }
    out += "</tr>\n";
  }
  return out + "</tbody></table></div>\n";
}

std::string bars_html(const std::vector<BarGroup>& groups, Scale scale) {
  double of_all = 0;
  for (const BarGroup& group : groups) of_all = std::max(of_all, extent(group));
  std::string out = "<div class=\"chart\">\n";
  for (const BarGroup& group : groups) {
    const double largest = scale == Scale::OfAll ? of_all : extent(group);
    if (largest <= 0) continue;
    out += fmt::format("<div class=\"set\"><p class=\"what\">{}</p>", group.name);
    for (const Bar& bar : group.bars) {
      out += fmt::format("<div class=\"bar\">{}<span>{}</span></div>", bar_svg(bar, largest), bar.label);
    }
    if (!group.note.empty()) out += fmt::format("<p class=\"note\">{}</p>", group.note);
    out += "</div>\n";
  }
  return out + "</div>\n";
}

std::string paragraph(const std::string& html) { return fmt::format("<p>{}</p>\n", html); }

std::string list_html(const std::vector<std::string>& items) {
  std::string out = "<ul>\n";
  for (const std::string& item : items) out += fmt::format("<li>{}</li>\n", item);
  return out + "</ul>\n";
}

}  // namespace doppel::report::review
