// SPDX-License-Identifier: Apache-2.0
#include "report/summary.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "report/diagnostics.h"
#include "report/kernel_name.h"
#include "report/quantities.h"
#include "report/refusals.h"

namespace doppel::report {
namespace {

using device::KernelRecord;

std::string dims_text(const std::array<unsigned, 3>& dims) {
  if (dims[2] != 1) return fmt::format("{}x{}x{}", dims[0], dims[1], dims[2]);
  if (dims[1] != 1) return fmt::format("{}x{}", dims[0], dims[1]);
  return fmt::format("{}", dims[0]);
}

// The names whose launches had the same shapes on every card.
std::set<std::string> names_with_common_shapes(const Report& report) {
  std::vector<std::map<std::string, std::set<std::string>>> shapes(report.runs.size());
  std::set<std::string> names;
  for (std::size_t r = 0; r < report.runs.size(); ++r) {
    for (const KernelRecord& kernel : report.runs[r].kernels) {
      shapes[r][kernel.name].insert(shape_text(kernel));
      names.insert(kernel.name);
    }
  }
  // A card that did not launch a kernel says nothing of its shapes.
  std::erase_if(names, [&](const std::string& name) {
    const std::set<std::string>* first = nullptr;
    return std::ranges::any_of(shapes, [&](auto& of_run) {
      const std::set<std::string>& these = of_run[name];
      if (these.empty()) return false;
      if (first == nullptr) first = &these;
      return these != *first;
    });
  });
  return names;
}

// Names as the table shows them: without signatures, but for overloads, which would look alike.
std::map<std::string, std::string> short_names(const std::vector<std::pair<std::string, std::string>>& keys) {
  std::map<std::string, std::set<std::string>> users;
  for (const auto& [name, shape] : keys) users[without_signature(name)].insert(name);
  std::map<std::string, std::string> out;
  for (const auto& [shown, names] : users) {
    for (const std::string& name : names) out[name] = names.size() == 1 ? shown : name;
  }
  return out;
}

// All launches of a name in one run as one record.
KernelRecord sum_of(const Run& run, const std::string& name) {
  std::vector<device::RunRecord> parts;
  for (KernelRecord kernel : run.kernels) {
    if (kernel.name != name) continue;
    kernel.grid = {0, 0, 0};  // so that merge() folds them
    kernel.block = {0, 0, 0};
    parts.emplace_back().kernels.push_back(std::move(kernel));
  }
  Run merged = merge("", "", std::move(parts));
  return merged.kernels.empty() ? KernelRecord{} : merged.kernels.front();
}

std::string bound_text(const KernelRecord& kernel) {
  return kernel.bound + (kernel.power_bound ? ", power" : "");
}

// Below this share of the kernels' time on every card a kernel does not get a row of its own.
constexpr double kSmallShare = 0.01;
// Fewer small kernels than this are shown: a row that stands for one says less than the one.
constexpr std::size_t kLeastFolded = 3;

// Cells of one figure for each run, with the ratio of the first to each other one behind it where the two may
// be compared. Negative: not known.
void add_figures(std::vector<std::string>& cells, const std::vector<double>& values, bool comparable,
                 std::string (*text)(double)) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    cells.push_back(values[i] < 0 ? "-" : text(values[i]));
    if (i > 0)
      cells.push_back(comparable && values[0] > 0 && values[i] > 0 ? ratio_text(values[0] / values[i]) : "-");
  }
}

// One text where all runs agree, else all of them.
std::string agreed(const std::vector<std::string>& texts) {
  if (std::ranges::all_of(texts, [&](const auto& text) { return text == texts.front(); }))
    return texts.front();
  return fmt::format("{}", fmt::join(texts, " / "));
}

void add_kernel(Table& table, const Report& report, const KernelRow& row) {
  std::vector<std::string> calls;
  std::vector<std::string> bounds;
  std::vector<double> times;
  for (std::size_t i = 0; i < row.of_run.size(); ++i) {
    const KernelRecord* kernel = row.of_run[i];
    times.push_back(kernel == nullptr || !report.runs[i].timed() ? -1 : kernel->time_us);
    calls.push_back(kernel == nullptr ? "-" : fmt::format("{}", kernel->calls));
    bounds.push_back(kernel == nullptr || kernel->bound.empty() ? "-" : bound_text(*kernel));
  }
  const std::string all_calls = agreed(calls);
  std::vector<std::string> cells = {row.label(), all_calls};
  add_figures(cells, times, all_calls == calls.front(), time_text);
  cells.push_back(agreed(bounds));
  table.add(std::move(cells));
  table.rows.back().kernel = {row.name, row.shape};
}

void add_small_kernels(Table& table, const Report& report, const std::vector<KernelRow>& rows) {
  std::vector<std::string> calls;
  std::vector<double> times;
  for (std::size_t i = 0; i < report.runs.size(); ++i) {
    std::uint64_t count = 0;
    double time_us = 0;
    for (const KernelRow& row : rows) {
      if (row.of_run[i] == nullptr) continue;
      count += row.of_run[i]->calls;
      time_us += row.of_run[i]->time_us;
    }
    calls.push_back(fmt::format("{}", count));
    times.push_back(time_us);
  }
  const std::string all_calls = agreed(calls);
  std::vector<std::string> cells = {
      fmt::format("{} kernels under {:.0f} % each", rows.size(), 100 * kSmallShare), all_calls};
  add_figures(cells, times, all_calls == calls.front(), time_text);
  table.add(std::move(cells));
}

void add_kernels(Table& table, const Report& report) {
  std::vector<KernelRecord> storage;
  std::vector<KernelRow> rows = kernel_rows(report, storage);
  if (!rows.empty()) table.add_heading("kernels");
  std::vector<KernelRow> large;
  std::vector<KernelRow> small;
  for (KernelRow& row : rows) (is_small(row, report) ? small : large).push_back(std::move(row));
  const bool folds = small.size() >= kLeastFolded;
  if (!folds) large.insert(large.end(), small.begin(), small.end());
  for (const KernelRow& row : large) add_kernel(table, report, row);
  if (folds) add_small_kernels(table, report, small);
}

void add_copies(Table& table, const Report& report) {
  std::set<std::string> kinds;
  for (const Run& run : report.runs) {
    for (const device::CopyRecord& copy : run.copies) kinds.insert(copy.kind);
  }
  if (!kinds.empty()) table.add_heading("copies");
  for (const std::string& kind : kinds) {
    std::vector<std::string> calls;
    std::vector<std::string> sizes;
    std::vector<double> times;
    for (const Run& run : report.runs) {
      const auto copy = std::ranges::find_if(run.copies, [&](const auto& c) { return c.kind == kind; });
      const bool made = copy != run.copies.end();
      times.push_back(made ? copy->time_us : -1);
      calls.push_back(made ? fmt::format("{}", copy->calls) : "-");
      sizes.push_back(made ? bytes_text(static_cast<double>(copy->bytes)) : "-");
    }
    const std::string all_calls = agreed(calls);
    const std::string all_sizes = agreed(sizes);
    std::vector<std::string> cells = {fmt::format("{}, {}", kind, all_sizes), all_calls};
    add_figures(cells, times, all_calls == calls.front() && all_sizes == sizes.front(), time_text);
    table.add(std::move(cells));
  }
}

// The times of kernels and copies are not those in which the card is at work.
bool runs_side_by_side(const Run& run) {
  constexpr double kSame = 0.01;
  return run.timed() && std::abs(run.kernel_us() + run.copy_us() - run.busy_us) > kSame * run.busy_us;
}

// What was refused or went wrong in a run, in one line a kind for a terminal, where the driver library has
// told the rest; in full for a page.
void add_diagnostics(std::vector<std::string>& out, const Run& run, Reader reader) {
  if (reader == Reader::Terminal) {
    const std::vector<std::string> refused = refusal_lines(run);
    out.insert(out.end(), refused.begin(), refused.end());
  }
  for (const device::Diagnostic& diagnostic : run.diagnostics) {
    if (reader == Reader::Terminal && (is_fault(diagnostic) || is_refusal(diagnostic))) continue;
    out.push_back(fmt::format("{}: {}: {}{}", run.card_name, diagnostic.kind, diagnostic.text,
                              diagnostic.count > 1 ? fmt::format(" ({} times)", diagnostic.count) : ""));
  }
  const std::uint64_t failed = faults(run);
  if (reader == Reader::Terminal && failed > 0) {
    out.push_back(fmt::format("On {} {} of a kernel {} reported (above).", run.card_name,
                              failed == 1 ? "a fault" : fmt::format("{} faults", failed),
                              failed == 1 ? "was" : "were"));
  }
}

}  // namespace

std::string shape_text(const KernelRecord& kernel) {
  return fmt::format("grid {}, block {}", dims_text(kernel.grid), dims_text(kernel.block));
}

std::vector<KernelRow> kernel_rows(const Report& report, std::vector<KernelRecord>& storage) {
  const std::set<std::string> common = names_with_common_shapes(report);
  std::vector<std::pair<std::string, std::string>> keys;  // name, and shape or ""
  std::size_t needed = 0;
  for (const Run& run : report.runs) {
    for (const KernelRecord& kernel : run.kernels) {
      std::pair<std::string, std::string> key(kernel.name,
                                              common.contains(kernel.name) ? shape_text(kernel) : "");
      if (std::ranges::find(keys, key) == keys.end()) keys.push_back(std::move(key));
    }
    needed += run.kernels.size();
  }
  storage.clear();
  storage.reserve(keys.size() * report.runs.size() + needed);  // rows point into it
  const std::map<std::string, std::string> shown = short_names(keys);
  std::vector<KernelRow> rows;
  for (const auto& [name, shape] : keys) {
    KernelRow row{shown.at(name), fmt::format(" [{}]", shape.empty() ? "shapes vary" : shape), {}};
    for (const Run& run : report.runs) {
      const auto exact = std::ranges::find_if(run.kernels, [&, &n = name, &s = shape](const auto& k) {
        return k.name == n && (s.empty() || shape_text(k) == s);
      });
      if (exact == run.kernels.end()) {
        row.of_run.push_back(nullptr);
      } else if (shape.empty()) {
        storage.push_back(sum_of(run, name));
        row.of_run.push_back(&storage.back());
      } else {
        row.of_run.push_back(&*exact);
      }
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

bool is_small(const KernelRow& row, const Report& report) {
  for (std::size_t i = 0; i < row.of_run.size(); ++i) {
    const double all = report.runs[i].kernel_us();
    if (all <= 0 || (row.of_run[i] != nullptr && row.of_run[i]->time_us >= kSmallShare * all)) return false;
  }
  return true;
}

Table comparison(const Report& report) {
  Table table;
  table.columns = {{"", Align::Left}, {"calls", Align::Right}};
  for (std::size_t i = 0; i < report.runs.size(); ++i) {
    table.columns.push_back({report.runs[i].card_name, Align::Right});
    if (i > 0) table.columns.push_back({"ratio", Align::Right});
  }
  table.columns.push_back({"bound by", Align::Left});
  add_kernels(table, report);
  add_copies(table, report);
  table.add_heading("totals");
  const auto total = [&](const std::string& label, double (*value)(const Run&), std::string (*text)(double)) {
    std::vector<std::string> cells = {label, ""};
    std::vector<double> values;
    for (const Run& run : report.runs) values.push_back(run.timed() ? value(run) : -1);
    // Totals of runs that did different work are not put in relation.
    add_figures(cells, values, report.verdict.withheld.empty(), text);
    table.add(std::move(cells));
  };
  total("kernels", [](const Run& run) { return run.kernel_us(); }, time_text);
  total("copies", [](const Run& run) { return run.copy_us(); }, time_text);
  total("card at work", [](const Run& run) { return run.busy_us; }, time_text);
  total(std::string("card waiting") + kThisMachine, [](const Run& run) { return run.host_us; }, time_text);
  total("of it, contexts made and ended", [](const Run& run) { return run.context_us; }, time_text);
  total(
      std::string("program, start to end") + kThisMachine, [](const Run& run) { return run.time_us; },
      time_text);
  total("energy of kernels", [](const Run& run) { return run.kernel_energy_j(); }, energy_text);
  total("energy of copies", [](const Run& run) { return run.copy_energy_j(); }, energy_text);
  total(
      std::string("energy of waiting") + kThisMachine, [](const Run& run) { return run.waiting_energy_j; },
      energy_text);
  total(
      std::string("energy, start to end") + kThisMachine, [](const Run& run) { return run.energy_j; },
      energy_text);
  std::vector<std::string> peak = {"peak memory", ""};
  for (std::size_t i = 0; i < report.runs.size(); ++i) {
    peak.push_back(report.runs[i].devices == 0
                       ? "-"
                       : bytes_text(static_cast<double>(report.runs[i].peak_memory_bytes)));
    if (i > 0) peak.emplace_back("");
  }
  table.add(std::move(peak));
  return table;
}

std::vector<std::string> remarks(const Report& report, Reader reader) {
  std::vector<std::string> out;
  bool any_timed = false;
  for (const Run& run : report.runs) {
    any_timed = any_timed || run.timed();
    const std::string end = bad_end(run);
    if (!end.empty()) out.push_back(fmt::format("On {} the program {}.", run.card_name, end));
    if (run.devices == 0) {
      // What a signal ended may well have used the card: its record is lost with it.
      out.push_back(run.signal != 0 ? fmt::format("What it did on {} until then is not known.", run.card_name)
                                    : fmt::format("On {} the program did not use the card.", run.card_name));
    } else if (run.predict_only) {
      out.push_back(fmt::format(
          "On {} only the blocks that predictions need were run (--predict-only): what the program "
          "computed there is not to be used.",
          run.card_name));
    } else if (run.timing_depth == "off") {
      out.push_back(fmt::format("On {} nothing was timed (--timing off, or --check).", run.card_name));
    }
    add_diagnostics(out, run, reader);
  }
  if (any_timed && std::ranges::any_of(report.runs, runs_side_by_side)) {
    out.emplace_back(
        "Kernels and copies ran side by side: each row has what they take alone, 'card at work' counts them "
        "once.");
  }
  for (const std::string& sentence : report.verdict.sentences) {
    const bool first = &sentence == &report.verdict.sentences.front() && report.verdict.withheld.empty();
    out.push_back((first ? "Verdict: " : "") + sentence);
  }
  if (any_timed)
    out.emplace_back(
        "* holds the host's part of the program as this machine takes it: other on another machine.");
  return out;
}

}  // namespace doppel::report
