#include "report/summary.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "report/quantities.h"

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
  std::erase_if(names, [&](const std::string& name) {
    return std::any_of(shapes.begin(), shapes.end(),
                       [&](auto& of_run) { return of_run[name] != shapes[0][name]; });
  });
  return names;
}

// "matrixMul<32>" for "void matrixMul<32>(float*, float*, int)".
std::string without_signature(const std::string& name) {
  std::string out = name.starts_with("void ") ? name.substr(5) : name;
  if (!out.ends_with(")")) return out;
  int depth = 0;
  for (std::size_t i = out.size(); i-- > 0;) {
    depth += out[i] == ')' ? 1 : out[i] == '(' ? -1 : 0;
    if (depth == 0) return i > 0 ? out.substr(0, i) : out;
  }
  return out;
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

// Cells of one figure for each run, with the ratio of the first to each other one behind it.
void add_figures(std::vector<std::string>& cells, const std::vector<double>& values,
                 std::string (*text)(double)) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    cells.push_back(values[i] < 0 ? "-" : text(values[i]));
    if (i > 0) cells.push_back(values[i] > 0 ? ratio_text(values[0] / values[i]) : "-");
  }
}

void add_row(Table& table, const std::string& label, const std::string& count, const Report& report,
             double (*value)(const Run&), std::string (*text)(double)) {
  std::vector<std::string> cells = {label, count};
  std::vector<double> values;
  for (const Run& run : report.runs) values.push_back(value(run));
  add_figures(cells, values, text);
  table.add(std::move(cells));
}

void add_kernels(Table& table, const Report& report) {
  std::vector<KernelRecord> storage;
  const std::vector<KernelRow> rows = kernel_rows(report, storage);
  if (!rows.empty()) table.add_heading("kernels");
  for (const KernelRow& row : rows) {
    std::string calls;
    std::string bound;
    std::vector<double> times;
    for (const KernelRecord* kernel : row.of_run) {
      times.push_back(kernel == nullptr ? -1 : kernel->time_us);
      const std::string these_calls = kernel == nullptr ? "-" : fmt::format("{}", kernel->calls);
      const std::string this_bound = kernel == nullptr ? "-" : bound_text(*kernel);
      if (calls.empty())
        calls = these_calls;
      else if (calls != these_calls)
        calls += " / " + these_calls;
      if (bound.empty())
        bound = this_bound;
      else if (bound != this_bound)
        bound += " / " + this_bound;
    }
    std::vector<std::string> cells = {row.label, calls};
    add_figures(cells, times, time_text);
    cells.push_back(bound);
    table.add(std::move(cells));
  }
}

void add_copies(Table& table, const Report& report) {
  std::set<std::string> kinds;
  for (const Run& run : report.runs) {
    for (const device::CopyRecord& copy : run.copies) kinds.insert(copy.kind);
  }
  if (!kinds.empty()) table.add_heading("copies");
  for (const std::string& kind : kinds) {
    std::string calls;
    double bytes = 0;
    std::vector<double> times;
    for (const Run& run : report.runs) {
      const auto copy =
          std::find_if(run.copies.begin(), run.copies.end(), [&](const auto& c) { return c.kind == kind; });
      times.push_back(copy == run.copies.end() ? -1 : copy->time_us);
      if (copy == run.copies.end()) continue;
      bytes = std::max(bytes, static_cast<double>(copy->bytes));
      calls = fmt::format("{}", copy->calls);
    }
    std::vector<std::string> cells = {fmt::format("{}, {}", kind, bytes_text(bytes)), calls};
    add_figures(cells, times, time_text);
    table.add(std::move(cells));
  }
}

}  // namespace

std::string shape_text(const KernelRecord& kernel) {
  return fmt::format("{} x {}", dims_text(kernel.grid), dims_text(kernel.block));
}

std::vector<KernelRow> kernel_rows(const Report& report, std::vector<KernelRecord>& storage) {
  const std::set<std::string> common = names_with_common_shapes(report);
  std::vector<std::pair<std::string, std::string>> keys;  // name, and shape or ""
  std::size_t needed = 0;
  for (const Run& run : report.runs) {
    for (const KernelRecord& kernel : run.kernels) {
      std::pair<std::string, std::string> key(kernel.name,
                                              common.contains(kernel.name) ? shape_text(kernel) : "");
      if (std::find(keys.begin(), keys.end(), key) == keys.end()) keys.push_back(std::move(key));
    }
    needed += run.kernels.size();
  }
  storage.clear();
  storage.reserve(keys.size() * report.runs.size() + needed);  // rows point into it
  const std::map<std::string, std::string> shown = short_names(keys);
  std::vector<KernelRow> rows;
  for (const auto& [name, shape] : keys) {
    KernelRow row{fmt::format("{} [{}]", shown.at(name), shape.empty() ? "shapes vary" : shape), {}};
    for (const Run& run : report.runs) {
      const auto exact =
          std::find_if(run.kernels.begin(), run.kernels.end(), [&, &n = name, &s = shape](const auto& k) {
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
    add_row(table, label, "", report, value, text);
  };
  total("kernels", [](const Run& run) { return run.kernel_us(); }, time_text);
  total("copies", [](const Run& run) { return run.copy_us(); }, time_text);
  total("card at work", [](const Run& run) { return run.busy_us; }, time_text);
  total("program, start to end", [](const Run& run) { return run.time_us; }, time_text);
  total("energy of kernels", [](const Run& run) { return run.kernel_energy_j(); }, energy_text);
  total("energy, start to end", [](const Run& run) { return run.energy_j; }, energy_text);
  std::vector<std::string> peak = {"peak memory", ""};
  for (std::size_t i = 0; i < report.runs.size(); ++i) {
    peak.push_back(bytes_text(static_cast<double>(report.runs[i].peak_memory_bytes)));
    if (i > 0) peak.emplace_back("");
  }
  table.add(std::move(peak));
  return table;
}

std::vector<std::string> remarks(const Report& report) {
  std::vector<std::string> out;
  for (const Run& run : report.runs) {
    if (run.timed_out)
      out.push_back(fmt::format("On {} the program was ended: its time was up.", run.card_name));
    else if (run.exit != 0)
      out.push_back(fmt::format("On {} the program ended with status {}.", run.card_name, run.exit));
    if (run.devices == 0)
      out.push_back(fmt::format("On {} the program did not use the card.", run.card_name));
    else if (run.timing_depth == "off")
      out.push_back(fmt::format("On {} nothing was timed (--timing off).", run.card_name));
    for (const device::Diagnostic& diagnostic : run.diagnostics) {
      out.push_back(fmt::format("{}: {}: {}{}", run.card_name, diagnostic.kind, diagnostic.text,
                                diagnostic.count > 1 ? fmt::format(" ({} times)", diagnostic.count) : ""));
    }
  }
  for (const std::string& sentence : report.verdict.sentences) {
    out.push_back(
        fmt::format("{}{}", &sentence == &report.verdict.sentences.front() ? "Verdict: " : "", sentence));
  }
  return out;
}

}  // namespace doppel::report
