// SPDX-License-Identifier: Apache-2.0
// The report as one page that fetches nothing.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "report/html_style.h"
#include "report/html_text.h"
#include "report/kernel_details.h"
#include "report/quantities.h"
#include "report/summary.h"
#include "report/write_report.h"

namespace doppel::report {
namespace {

constexpr std::size_t kLabelWidth = 60;
constexpr std::size_t kBars = 12;

// A name that was shortened has the whole one in its tooltip.
std::string with_tooltip(const std::string& shown, const std::string& whole) {
  if (shown == whole) return escaped(shown);
  return fmt::format("<span title=\"{}\">{}</span>", escaped(whole), escaped(shown));
}

std::string row_html(const Table& table, const Row& row, const std::string& label) {
  std::string out =
      fmt::format("<tr><th scope=\"row\">{}</th>",
                  row.kernel.name.empty() ? escaped(row.cells[0])
                                          : with_tooltip(label, row.kernel.name + row.kernel.shape));
  for (std::size_t i = 1; i < table.columns.size(); ++i) {
    out += fmt::format("<td{}>{}</td>", table.columns[i].align == Align::Right ? " class=\"number\"" : "",
                       i < row.cells.size() ? escaped(row.cells[i]) : "");
  }
  return out + "</tr>\n";
}

std::string table_html(const Table& table, const std::string& caption) {
  const std::vector<std::string> labels = fitted_labels(table, kLabelWidth);
  std::string out = fmt::format(
      "<div class=\"scroll\"><table>\n<caption><span>{}</span></caption>\n<thead><tr>", escaped(caption));
  for (const Column& column : table.columns) {
    out += fmt::format("<th scope=\"col\"{}>{}</th>", column.align == Align::Right ? " class=\"number\"" : "",
                       escaped(column.title));
  }
  out += "</tr></thead>\n<tbody>\n";
  for (std::size_t i = 0; i < table.rows.size(); ++i) {
    const Row& row = table.rows[i];
    if (row.heading) {
      out += fmt::format("{}<tr class=\"group\"><th scope=\"rowgroup\" colspan=\"{}\">{}</th></tr>\n",
                         i == 0 ? "" : "</tbody><tbody>\n", table.columns.size(), escaped(row.cells[0]));
    } else {
      out += row_html(table, row, labels[i]);
    }
  }
  return out + "</tbody></table></div>\n";
}

// Where a kernel's time goes, folded away.
std::string places_html(const device::KernelRecord& kernel, const std::string& card_name) {
  if (kernel.detail.instructions.empty()) return "";
  std::string out =
      fmt::format("<details><summary>Where its time goes on {}</summary>\n", escaped(card_name));
  std::string slots;
  for (const device::Utilisation& slot : kernel.detail.slots) {
    constexpr double kWorthShowing = 0.005;  // is printed as 1 %
    if (slot.share >= kWorthShowing)
      slots += fmt::format("{}{} {}", slots.empty() ? "" : ", ", slot.unit, percent_text(slot.share));
  }
  out +=
      fmt::format("<p class=\"why\">Issue slots: {}. Occupancy achieved on {} SMs: {}.</p>\n", escaped(slots),
                  kernel.detail.working_sms, percent_text(kernel.detail.achieved_occupancy));
  for (const auto* list : {&kernel.detail.lines, &kernel.detail.instructions}) {
    if (!list->empty())
      out +=
          table_html(places_table(*list), list == &kernel.detail.lines ? "By source line" : "By instruction");
  }
  return out + "</details>\n";
}

// The longest kernels as bars, one a card, to the scale of the longest of all; under each, why.
std::string bars_html(const Report& report) {
  std::vector<device::KernelRecord> storage;
  std::vector<KernelRow> rows = kernel_rows(report, storage);
  std::erase_if(rows, [&](const KernelRow& row) { return is_small(row, report); });
  const auto time_of = [](const KernelRow& row) {
    double longest = 0;
    for (const auto* kernel : row.of_run)
      longest = std::max(longest, kernel == nullptr ? 0 : kernel->time_us);
    return longest;
  };
  std::ranges::sort(rows, [&](const KernelRow& a, const KernelRow& b) {
    return std::pair(time_of(b), a.label()) < std::pair(time_of(a), b.label());
  });
  if (rows.size() > kBars) rows.resize(kBars);
  if (rows.empty() || time_of(rows.front()) <= 0) return "";
  const double longest = time_of(rows.front());
  std::string out = "<h2>Longest kernels</h2>\n<div class=\"bars\">\n";
  Table labels{{{""}}, {}};
  for (const KernelRow& row : rows) {
    labels.add({row.label()});
    labels.rows.back().kernel = {row.name, row.shape};
  }
  const std::vector<std::string> shown = fitted_labels(labels, kLabelWidth);
  for (std::size_t r = 0; r < rows.size(); ++r) {
    const KernelRow& row = rows[r];
    out +=
        fmt::format("<div class=\"kernel\"><p class=\"name\">{}</p>\n", with_tooltip(shown[r], row.label()));
    for (std::size_t i = 0; i < row.of_run.size(); ++i) {
      if (row.of_run[i] == nullptr) continue;
      out += fmt::format(
          "<div class=\"bar\"><i class=\"c{}\" style=\"width:{:.2f}%\"></i><span>{}: {}</span></div>\n",
          i % 4, 100 * row.of_run[i]->time_us / longest, escaped(report.runs[i].card_name),
          time_text(row.of_run[i]->time_us));
      if (!row.of_run[i]->explanation.empty())
        out += fmt::format("<p class=\"why\">{} {}</p>\n", escaped(row.of_run[i]->explanation),
                           escaped(row.of_run[i]->advice));
      out += places_html(*row.of_run[i], report.runs[i].card_name);
    }
    out += "</div>\n";
  }
  return out + "</div>\n";
}

// One run's kernels in full, those of little time folded away.
std::string details_html(const Run& run) {
  const Table all = kernel_details(run);
  const double total = run.kernel_us();
  Table large{all.columns, {}};
  Table small{all.columns, {}};
  constexpr double kSmallShare = 0.01;
  for (std::size_t i = 0; i < all.rows.size(); ++i) {
    const bool is_large = total <= 0 || run.kernels[i].time_us >= kSmallShare * total;
    (is_large ? large : small).rows.push_back(all.rows[i]);
  }
  std::string out =
      fmt::format("<section class=\"across\"><h2>Kernels on {}</h2>\n{}", escaped(run.card_name),
                  table_html(large, "Sums over the calls of a kernel; each: one call on average"));
  if (!small.rows.empty()) {
    out += fmt::format("<details><summary>{} kernel{} under 1 % of the time each</summary>\n{}</details>\n",
                       small.rows.size(), small.rows.size() == 1 ? "" : "s", table_html(small, "The rest"));
  }
  return out + "</section>\n";
}

}  // namespace

std::string to_html(const Report& report) {
  const std::string title = escaped(program_text(report));
  std::string out = fmt::format(
      "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<title>{}</title>\n<style>{}</style>\n</head>\n<body>\n<main>\n<h1>{}</h1>\n<p "
      "class=\"origin\">{}</p>\n",
      title, kHtmlStyle, title, escaped(origin_text(report)));
  const std::vector<std::string> said = remarks(report, Reader::Page);
  if (!said.empty()) {
    out += fmt::format("<div class=\"verdict{}\">\n", report.verdict.withheld.empty() ? "" : " withheld");
    for (const std::string& remark : said) out += "<p>" + escaped(remark) + "</p>\n";
    out += "</div>\n";
  }
  out += table_html(comparison(report),
                    "Times and energies of the modelled cards; ratio: the first card's over this one's");
  out += bars_html(report);
  for (const Run& run : report.runs) {
    if (!run.kernels.empty()) out += details_html(run);
  }
  return out + "</main>\n</body>\n</html>\n";
}

}  // namespace doppel::report
