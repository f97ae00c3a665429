// SPDX-License-Identifier: Apache-2.0
#include "smi/monitor.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "smi/fields.h"
#include "smi/wall_time.h"

namespace doppel::smi {
namespace {

constexpr int kWidth = 6;

// A column of dmon: of a group of -s.
struct Column {
  char group;
  const char* title;
  const char* unit;
  std::function<Value(const Gpu&)> read;
  int width = kWidth;
};

Column field(char group, const char* title, const char* unit, const char* name, int width = kWidth) {
  const Field* const found = find_gpu_field(name);
  return {group, title, unit, found->read, width};
}

// Whole watts.
Value whole_watts(const Gpu& gpu) {
  const auto draw = gpu.get<unsigned>("nvmlDeviceGetPowerUsage");
  constexpr double kMilli = 1e-3;
  return draw ? Value{fmt::format("{:.0f}", draw.value * kMilli)} : no_value(draw.code);
}

// In MB of a million bytes a second, from KB.
Column throughput(const char* title, int counter) {
  return {'t', title, "MB/s", [counter](const Gpu& gpu) {
            const auto rate = gpu.get<unsigned>("nvmlDeviceGetPcieThroughput", counter);
            constexpr unsigned kKilo = 1000;
            return rate ? Value{fmt::format("{}", rate.value / kKilo)} : no_value(rate.code);
          }};
}

Value not_known(const Gpu& /*gpu*/) { return no_value(NVML_ERROR_NOT_SUPPORTED); }

const std::vector<Column>& columns() {
  static const std::vector<Column> all = {
      {'p', "pwr", "W", whole_watts},
      field('p', "gtemp", "C", "temperature.gpu"),
      field('p', "mtemp", "C", "temperature.memory"),
      field('u', "sm", "%", "utilization.gpu"),
      field('u', "mem", "%", "utilization.memory"),
      field('u', "enc", "%", "utilization.encoder"),
      field('u', "dec", "%", "utilization.decoder"),
      field('u', "jpg", "%", "utilization.jpeg"),
      field('u', "ofa", "%", "utilization.ofa"),
      field('c', "mclk", "MHz", "clocks.current.memory"),
      field('c', "pclk", "MHz", "clocks.current.graphics"),
      {'v', "pviol", "%", not_known},
      {'v', "tviol", "bool", not_known},
      field('m', "fb", "MB", "memory.used"),
      field('m', "bar1", "MB", "bar1.memory.used"),
      field('e', "sbecc", "errs", "ecc.errors.corrected.volatile.total"),
      field('e', "dbecc", "errs", "ecc.errors.uncorrected.volatile.total"),
      field('e', "pci", "errs", "pcie.replay.counter"),
      throughput("rxpci", NVML_PCIE_UTIL_RX_BYTES),
      throughput("txpci", NVML_PCIE_UTIL_TX_BYTES),
  };
  return all;
}

Outcome<void> check(const std::string& groups, const std::string& known, const char* command) {
  for (const char c : groups) {
    if (known.find(c) == std::string::npos)
      return failed(kBadUsage, fmt::format("{} -s {}: '{}' is none of {}", command, groups, c, known));
  }
  return {};
}

std::string moments(const MonitorForm& form, const char* date, const char* time) {
  std::string text;
  if (form.date) text += fmt::format("{:>8} ", date);
  if (form.time) text += fmt::format("{:>8} ", time);
  return text;
}

bool has(const MonitorForm& form, char group) { return form.groups.find(group) != std::string::npos; }

// Columns in the order of the letters.
template <typename Each>
void for_columns(const MonitorForm& form, Each each) {
  for (const char group : form.groups) {
    for (const Column& column : columns()) {
      if (column.group == group) each(column);
    }
  }
}

std::string cell(const Value& value, int width) {
  return fmt::format(" {:>{}}", value.code == NVML_SUCCESS ? value.text : "-", width);
}

// Of processes: shares of time now.
std::vector<nvmlProcessUtilizationSample_t> shares(const Gpu& gpu) {
  constexpr unsigned kMost = 512;
  std::vector<nvmlProcessUtilizationSample_t> all(kMost);
  unsigned count = kMost;
  if (gpu.call("nvmlDeviceGetProcessUtilization", all.data(), &count, 0ULL) != NVML_SUCCESS) count = 0;
  all.resize(std::min(count, kMost));
  return all;
}

// The last part of a path.
std::string short_name(const std::string& path) {
  const auto slash = path.rfind('/');
  return slash == std::string::npos ? path : path.substr(slash + 1);
}

std::string pmon_line(const Gpu& gpu, const nvmlProcessInfo_v2_t* process,
                      const std::vector<nvmlProcessUtilizationSample_t>& samples, const MonitorForm& form) {
  std::string line = "  " + moments(form, day().c_str(), time_of_day().c_str());
  const auto number = [](unsigned long long value) { return Value{fmt::format("{}", value)}; };
  const Value none = no_value(NVML_ERROR_NOT_SUPPORTED);
  line += fmt::format("{:>3} ", gpu.index());
  line += fmt::format("{:>10} {:>6}", process != nullptr ? fmt::format("{}", process->pid) : "-",
                      process != nullptr ? "C" : "-");
  if (has(form, 'u')) {
    const auto sample = process == nullptr
                            ? samples.end()
                            : std::ranges::find(samples, process->pid, &nvmlProcessUtilizationSample_t::pid);
    const bool known = sample != samples.end();
    line += cell(known ? number(sample->smUtil) : none, kWidth) +
            cell(known ? number(sample->memUtil) : none, kWidth);
    for (int i = 0; i < 4; ++i) line += cell(none, kWidth);  // no engine of the card works for it
  }
  if (has(form, 'm')) line += cell(process != nullptr ? number(process->usedGpuMemory >> 20) : none, kWidth);
  const std::string name = process != nullptr ? short_name(process_name(gpu.nvml(), process->pid)) : "-";
  return line + fmt::format("    {:<15}\n", name);
}

}  // namespace

Outcome<void> check_dmon(const MonitorForm& form) { return check(form.groups, "pucvmet", "dmon"); }
Outcome<void> check_pmon(const MonitorForm& form) { return check(form.groups, "um", "pmon"); }

std::string dmon_head(const MonitorForm& form) {
  std::string names = "# " + moments(form, "Date", "Time") + "gpu";
  std::string units = "# " + moments(form, "YYYYMMDD", "HH:MM:SS") + "Idx";
  for_columns(form, [&](const Column& column) {
    names += fmt::format(" {:>{}}", column.title, column.width);
    units += fmt::format(" {:>{}}", column.unit, column.width);
  });
  return names + " \n" + units + " \n";
}

std::string dmon_lines(const std::vector<Gpu>& gpus, const MonitorForm& form) {
  std::string text;
  for (const Gpu& gpu : gpus) {
    text += "  " + moments(form, day().c_str(), time_of_day().c_str()) + fmt::format("{:>3}", gpu.index());
    for_columns(form, [&](const Column& column) { text += cell(column.read(gpu), column.width); });
    text += " \n";
  }
  return text;
}

std::string pmon_head(const MonitorForm& form) {
  std::string names = "# " + moments(form, "Date", "Time") + "gpu         pid   type";
  std::string units = "# " + moments(form, "YYYYMMDD", "HH:MM:SS") + "Idx           #    C/G";
  if (has(form, 'u')) {
    names += "     sm    mem    enc    dec    jpg    ofa";
    units += "      %      %      %      %      %      %";
  }
  if (has(form, 'm')) {
    names += "     fb";
    units += "     MB";
  }
  return names + "    command\n" + units + "    name\n";
}

std::string pmon_lines(const std::vector<Gpu>& gpus, const MonitorForm& form) {
  std::string text;
  for (const Gpu& gpu : gpus) {
    const auto samples = shares(gpu);
    const auto all = processes(gpu);
    for (const nvmlProcessInfo_v2_t& each : all) text += pmon_line(gpu, &each, samples, form);
    if (all.empty()) text += pmon_line(gpu, nullptr, samples, form);
  }
  return text;
}

}  // namespace doppel::smi
