#include <fmt/format.h>

#include "report/quantities.h"
#include "report/summary.h"
#include "report/write_report.h"

namespace doppel::report {
namespace {

std::string program_text(const Report& report) { return fmt::format("{}", fmt::join(report.program, " ")); }

// RFC 4180.
std::string csv_cell(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string out = "\"";
  for (const char c : text) out.append(c == '"' ? 2 : 1, c);
  out += '"';
  return out;
}

std::string html_escaped(const std::string& text) {
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

std::string html_table(const Table& table) {
  std::string out = "<table>\n<tr>";
  for (const Column& column : table.columns) out += "<th>" + html_escaped(column.title) + "</th>";
  out += "</tr>\n";
  for (const Row& row : table.rows) {
    if (row.heading) {
      out += fmt::format("<tr class=\"group\"><td colspan=\"{}\">{}</td></tr>\n", table.columns.size(),
                         html_escaped(row.cells[0]));
      continue;
    }
    out += "<tr>";
    for (std::size_t i = 0; i < table.columns.size(); ++i) {
      out += fmt::format("<td{}>{}</td>", table.columns[i].align == Align::Right ? " class=\"number\"" : "",
                         i < row.cells.size() ? html_escaped(row.cells[i]) : "");
    }
    out += "</tr>\n";
  }
  return out + "</table>\n";
}

// The longest kernels as bars, one a card, to the scale of the longest of all.
std::string html_bars(const Report& report) {
  std::vector<device::KernelRecord> storage;
  std::vector<KernelRow> rows = kernel_rows(report, storage);
  constexpr std::size_t kShown = 12;
  if (rows.size() > kShown) rows.resize(kShown);
  double longest = 0;
  for (const KernelRow& row : rows) {
    for (const auto* kernel : row.of_run)
      longest = std::max(longest, kernel == nullptr ? 0 : kernel->time_us);
  }
  if (longest <= 0) return "";
  std::string out = "<h2>Longest kernels</h2>\n<div class=\"bars\">\n";
  for (const KernelRow& row : rows) {
    out += "<p>" + html_escaped(row.label) + "</p>\n";
    for (std::size_t i = 0; i < row.of_run.size(); ++i) {
      if (row.of_run[i] == nullptr) continue;
      out += fmt::format("<div class=\"bar c{}\" style=\"width:{:.2f}%\"></div><span>{}: {}</span><br>\n",
                         i % 4, 60 * row.of_run[i]->time_us / longest, html_escaped(report.runs[i].card_name),
                         time_text(row.of_run[i]->time_us));
    }
  }
  return out + "</div>\n";
}

// One kernel of one run in full.
Table kernel_details(const Run& run) {
  Table table{{{"kernel"},
               {"calls", Align::Right},
               {"time", Align::Right},
               {"each", Align::Right},
               {"bound by"},
               {"registers", Align::Right},
               {"occupancy", Align::Right},
               {"limited by"},
               {"instructions", Align::Right},
               {"FLOP", Align::Right},
               {"DRAM", Align::Right},
               {"L2 hits", Align::Right},
               {"clock", Align::Right},
               {"energy", Align::Right}},
              {}};
  for (const device::KernelRecord& k : run.kernels) {
    const double calls = static_cast<double>(std::max<std::uint64_t>(k.calls, 1));
    table.add({k.name + " [" + shape_text(k) + "]", count_text(static_cast<double>(k.calls)),
               time_text(k.time_us), time_text(k.time_us / calls), k.bound + (k.power_bound ? ", power" : ""),
               fmt::format("{}", k.registers), percent_text(k.occupancy), k.occupancy_limit,
               count_text(static_cast<double>(k.thread_instructions)),
               count_text(static_cast<double>(k.flops)), bytes_text(static_cast<double>(k.dram_bytes)),
               percent_text(k.l2_hit), fmt::format("{:.0f} MHz", k.clock_mhz), energy_text(k.energy_j)});
  }
  return table;
}

}  // namespace

std::string to_markdown(const Report& report) {
  std::string out = fmt::format("# {}\n\n{}\n", program_text(report), to_markdown(comparison(report)));
  for (const std::string& remark : remarks(report)) out += remark + "\n\n";
  for (const Run& run : report.runs) {
    if (run.kernels.empty()) continue;
    out += fmt::format("## Kernels on {}\n\n{}\n", run.card_name, to_markdown(kernel_details(run)));
  }
  return out + fmt::format("Made by Doppel {}. Times and energies are modelled.\n", DOPPEL_VERSION);
}

std::string to_csv(const Report& report) {
  std::string out =
      "card,row,name,grid,block,calls,time_us,bound,registers,occupancy,thread_instructions,warp_"
      "instructions,flops,"
      "dram_bytes,l2_hit,clock_mhz,energy_j,bytes\n";
  for (const Run& run : report.runs) {
    for (const device::KernelRecord& k : run.kernels) {
      out += fmt::format("{},kernel,{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},\n", csv_cell(run.card),
                         csv_cell(k.name), fmt::join(k.grid, "x"), fmt::join(k.block, "x"), k.calls,
                         k.time_us, csv_cell(k.bound), k.registers, k.occupancy, k.thread_instructions,
                         k.warp_instructions, k.flops, k.dram_bytes, k.l2_hit, k.clock_mhz, k.energy_j);
    }
    for (const device::CopyRecord& copy : run.copies) {
      out += fmt::format("{},copy,{},,,{},{},,,,,,,,,,,{}\n", csv_cell(run.card), csv_cell(copy.kind),
                         copy.calls, copy.time_us, copy.bytes);
    }
    out += fmt::format("{},total,,,,{},{},,,,,,,,,,{},{}\n", csv_cell(run.card), run.launches(), run.time_us,
                       run.energy_j, run.peak_memory_bytes);
  }
  return out;
}

std::string to_html(const Report& report) {
  std::string out = fmt::format(
      "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>{}</title>\n<style>\n"
      "body {{ font: 15px/1.5 system-ui, sans-serif; margin: 2em auto; max-width: 75em; padding: 0 1em; }}\n"
      "table {{ border-collapse: collapse; margin: 1em 0; }}\n"
      "th, td {{ text-align: left; padding: .2em .8em; border-bottom: 1px solid #ddd; vertical-align: top; "
      "}}\n"
      "td.number {{ text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }}\n"
      "tr.group td {{ font-weight: bold; padding-top: 1em; }}\n"
      ".bar {{ display: inline-block; height: .9em; margin-right: .5em; min-width: 2px; }}\n"
      ".bars p {{ margin: .8em 0 0; font-weight: bold; }}\n"
      ".c0 {{ background: #4878a8; }} .c1 {{ background: #76b900; }} .c2 {{ background: #c06830; }} .c3 {{ "
      "background: #888; "
      "}}\n</style>\n</head>\n<body>\n<h1>{}</h1>\n",
      html_escaped(program_text(report)), html_escaped(program_text(report)));
  for (const std::string& remark : remarks(report)) out += "<p>" + html_escaped(remark) + "</p>\n";
  out += html_table(comparison(report)) + html_bars(report);
  for (const Run& run : report.runs) {
    if (run.kernels.empty()) continue;
    out += fmt::format("<h2>Kernels on {}</h2>\n{}", html_escaped(run.card_name),
                       html_table(kernel_details(run)));
  }
  return out + fmt::format("<p>Made by Doppel {}. Times and energies are modelled.</p>\n</body>\n</html>\n",
                           DOPPEL_VERSION);
}

}  // namespace doppel::report
