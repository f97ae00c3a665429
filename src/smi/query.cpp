// SPDX-License-Identifier: Apache-2.0
#include "smi/query.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "smi/fields.h"
#include "smi/wall_time.h"
#include "support/nearest.h"

namespace doppel::smi {
namespace {

std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> words;
  while (true) {
    const auto comma = std::min(text.find(','), text.size());
    std::string_view word = text.substr(0, comma);
    while (word.starts_with(' ')) word.remove_prefix(1);
    while (word.ends_with(' ')) word.remove_suffix(1);
    words.emplace_back(word);
    if (comma == text.size()) return words;
    text.remove_prefix(comma + 1);
  }
}

// Of a process on a card, or of a pair of clocks.
struct Row {
  const Gpu* gpu;
  nvmlProcessInfo_v2_t process{};
  unsigned memory_mhz = 0, graphics_mhz = 0;
};
struct RowField {
  std::string name, other_name, unit, about;
  std::function<Value(const Row&)> read;
};

RowField of_gpu(const char* name, const char* other_name, const char* field) {
  const Field* const found = find_gpu_field(field);
  return {name, other_name, "", found->about, [found](const Row& row) { return found->read(*row.gpu); }};
}

// What the rows have of their card.
std::vector<RowField> card_fields() {
  return {of_gpu("timestamp", "", "timestamp"), of_gpu("gpu_name", "", "name"),
          of_gpu("gpu_bus_id", "", "pci.bus_id"), of_gpu("gpu_serial", "", "serial"),
          of_gpu("gpu_uuid", "", "uuid")};
}

const std::vector<RowField>& app_fields() {
  static const std::vector<RowField> made = [] {
    std::vector<RowField> fields = card_fields();
    fields.push_back({"pid", "", "", "the process's number",
                      [](const Row& row) { return Value{fmt::format("{}", row.process.pid)}; }});
    fields.push_back({"process_name", "name", "", "its program",
                      [](const Row& row) { return Value{process_name(row.gpu->nvml(), row.process.pid)}; }});
    fields.push_back({"used_gpu_memory", "used_memory", "MiB", "the card's memory that it has",
                      [](const Row& row) { return of_bytes(NVML_SUCCESS, row.process.usedGpuMemory); }});
    return fields;
  }();
  return made;
}

const std::vector<RowField>& pair_fields() {
  static const std::vector<RowField> made = [] {
    std::vector<RowField> fields = card_fields();
    fields.push_back({"memory", "mem", "MHz", "a clock of the memory",
                      [](const Row& row) { return Value{fmt::format("{}", row.memory_mhz)}; }});
    fields.push_back({"graphics", "gr", "MHz", "a clock of the SMs that goes with it",
                      [](const Row& row) { return Value{fmt::format("{}", row.graphics_mhz)}; }});
    return fields;
  }();
  return made;
}

template <typename F>
Outcome<std::vector<const F*>> chosen(const std::vector<F>& known, const std::string& names,
                                      const char* flag) {
  std::vector<const F*> fields;
  for (const std::string& name : split(names)) {
    const auto found = std::ranges::find_if(known, [&](const F& each) {
      return !name.empty() && (each.name == name || each.other_name == name);
    });
    if (found != known.end()) {
      fields.push_back(&*found);
      continue;
    }
    std::vector<std::string> all;
    for (const F& each : known) {
      all.push_back(each.name);
      if (!each.other_name.empty()) all.push_back(each.other_name);
    }
    const std::string near = nearest_name(name, all);
    return failed(kBadUsage,
                  fmt::format("Field \"{}\" is not a valid field to query{} (see doppel smi --help-{})", name,
                              near.empty() ? "" : fmt::format("; did you mean \"{}\"?", near), flag));
  }
  return fields;
}

template <typename F>
std::string header(const std::vector<const F*>& fields) {
  std::string line;
  for (const F* field : fields) {
    line += line.empty() ? "" : ", ";
    line += field->name;
    if (!field->unit.empty()) line += " [" + field->unit + "]";
  }
  return line + "\n";
}

template <typename F, typename Of>
std::string line_of(const std::vector<const F*>& fields, const Of& of, CsvForm form) {
  std::string line;
  for (const F* field : fields) {
    if (field != fields.front()) line += ", ";
    const Value value = field->read(of);
    line += in_brackets(value);
    if (form.units && !field->unit.empty() && value.code == NVML_SUCCESS) line += " " + field->unit;
  }
  return line + "\n";
}

template <typename F>
std::string help(const std::vector<F>& fields, const char* flag) {
  std::string text = fmt::format("Fields of --{}=FIELD[,FIELD...]:\n", flag);
  for (const F& each : fields) {
    const std::string names = each.other_name.empty() ? each.name : each.name + ", " + each.other_name;
    text += fmt::format("  {}\n      {}{}\n", names, each.about,
                        each.unit.empty() ? "" : fmt::format(" [{}]", each.unit));
  }
  return text;
}

std::vector<unsigned> clocks(const Gpu& gpu, const char* function, auto... arguments) {
  constexpr unsigned kMost = 1024;
  std::vector<unsigned> all(kMost);
  unsigned count = kMost;
  if (gpu.call(function, arguments..., &count, all.data()) != NVML_SUCCESS) count = 0;
  all.resize(std::min(count, kMost));
  return all;
}

}  // namespace

Outcome<CsvForm> csv_form(const std::string& words) {
  CsvForm form;
  bool csv = false;
  if (words.empty()) return failed(kBadUsage, "--format=csv is missing: a query is answered as CSV");
  for (const std::string& word : split(words)) {
    if (word == "csv") {
      csv = true;
    } else if (word == "noheader") {
      form.header = false;
    } else if (word == "nounits") {
      form.units = false;
    } else {
      return failed(kBadUsage,
                    fmt::format("--format={}: '{}' is none of csv, noheader, nounits", words, word));
    }
  }
  if (!csv) return failed(kBadUsage, fmt::format("--format={}: csv is missing, the only form", words));
  return form;
}

Outcome<std::string> query_gpu(const std::vector<Gpu>& gpus, const std::string& fields, CsvForm form) {
  const auto columns = chosen(gpu_fields(), fields, "query-gpu");
  if (!columns) return tl::unexpected(columns.error());
  std::string text = form.header ? header(*columns) : "";
  for (const Gpu& gpu : gpus) text += line_of(*columns, gpu, form);
  return text;
}

Outcome<std::string> query_compute_apps(const std::vector<Gpu>& gpus, const std::string& fields,
                                        CsvForm form) {
  const auto columns = chosen(app_fields(), fields, "query-compute-apps");
  if (!columns) return tl::unexpected(columns.error());
  std::string text = form.header ? header(*columns) : "";
  for (const Gpu& gpu : gpus) {
    for (const nvmlProcessInfo_v2_t& each : processes(gpu))
      text += line_of(*columns, Row{.gpu = &gpu, .process = each}, form);
  }
  return text;
}

Outcome<std::string> query_supported_clocks(const std::vector<Gpu>& gpus, const std::string& fields,
                                            CsvForm form) {
  const auto columns = chosen(pair_fields(), fields, "query-supported-clocks");
  if (!columns) return tl::unexpected(columns.error());
  std::string text = form.header ? header(*columns) : "";
  for (const Gpu& gpu : gpus) {
    for (const unsigned memory : clocks(gpu, "nvmlDeviceGetSupportedMemoryClocks")) {
      for (const unsigned graphics : clocks(gpu, "nvmlDeviceGetSupportedGraphicsClocks", memory))
        text += line_of(*columns, Row{.gpu = &gpu, .memory_mhz = memory, .graphics_mhz = graphics}, form);
    }
  }
  return text;
}

std::string help_query_gpu() { return help(gpu_fields(), "query-gpu"); }
std::string help_query_compute_apps() { return help(app_fields(), "query-compute-apps"); }
std::string help_query_supported_clocks() { return help(pair_fields(), "query-supported-clocks"); }

}  // namespace doppel::smi
