// SPDX-License-Identifier: Apache-2.0
#include "smi/node_view.h"

#include <fmt/format.h>

#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "smi/fields.h"
#include "smi/links.h"

namespace doppel::smi {
namespace {

using nlohmann::ordered_json;

std::string links_line(const Gpu& gpu, const std::vector<Gpu>& gpus) {
  const auto speed = link_speed(gpu);
  if (!speed) return "";
  std::string text;
  for (const Gpu& other : gpus) {
    if (other.index() == gpu.index()) continue;
    if (const unsigned links = links_between(gpu, other); links > 0)
      text +=
          fmt::format("    NVLink      {} links of {:.3f} GB/s to GPU {}\n", links, *speed, other.index());
  }
  return text.empty() ? "    NVLink      no bridge\n" : text;
}

unsigned share_of(const Gpu& gpu, unsigned pid) {
  constexpr unsigned kMost = 512;
  std::vector<nvmlProcessUtilizationSample_t> samples(kMost);
  unsigned count = kMost;
  if (gpu.call("nvmlDeviceGetProcessUtilization", samples.data(), &count, 0ULL) != NVML_SUCCESS) return 0;
  for (unsigned i = 0; i < count; ++i) {
    if (samples[i].pid == pid) return samples[i].smUtil;
  }
  return 0;
}

std::string process_lines(const Gpu& gpu) {
  const auto all = processes(gpu);
  if (all.empty()) return "    processes   none\n";
  std::string text = "    processes\n";
  for (const nvmlProcessInfo_v2_t& each : all) {
    text += fmt::format("      {:>8}  {:>6} MiB {:>4} %  {}\n", each.pid, each.usedGpuMemory >> 20,
                        share_of(gpu, each.pid), process_name(gpu.nvml(), each.pid));
  }
  return text;
}

// The number of a field, or null.
ordered_json value(const Gpu& gpu, const char* field) {
  const Value found = find_gpu_field(field)->read(gpu);
  if (found.code != NVML_SUCCESS) return nullptr;
  char* end = nullptr;
  const double number = std::strtod(found.text.c_str(), &end);
  if (end == found.text.c_str() || *end != '\0') return found.text;
  if (found.text.find('.') == std::string::npos) return static_cast<std::int64_t>(number);
  return number;
}

// GB/s to the MB.
double in_thousandths(double value) { return std::round(value * 1000) / 1000; }

ordered_json card_json(const Gpu& gpu, const std::vector<Gpu>& gpus) {
  ordered_json card;
  card["index"] = gpu.index();
  card["name"] = gpu.name();
  card["uuid"] = gpu.uuid();
  card["pci_bus_id"] = gpu.bus_id();
  card["pcie"] = {{"generation", value(gpu, "pcie.link.gen.current")},
                  {"max_generation", value(gpu, "pcie.link.gen.max")},
                  {"lanes", value(gpu, "pcie.link.width.max")}};
  card["nvlink"] = nullptr;
  for (const Gpu& other : gpus) {
    const unsigned links = other.index() != gpu.index() ? links_between(gpu, other) : 0;
    if (links > 0)
      card["nvlink"] = {{"peer", other.index()},
                        {"links", links},
                        {"gb_per_s_each_way", in_thousandths(link_speed(gpu).value_or(0) * links)}};
  }
  card["state"] = {{"performance_state", value(gpu, "pstate")},
                   {"busy_percent", value(gpu, "utilization.gpu")},
                   {"memory_busy_percent", value(gpu, "utilization.memory")},
                   {"sm_mhz", value(gpu, "clocks.current.sm")},
                   {"memory_mhz", value(gpu, "clocks.current.memory")},
                   {"power_w", value(gpu, "power.draw")},
                   {"power_limit_w", value(gpu, "enforced.power.limit")},
                   {"energy_mj", value(gpu, "energy.total")},
                   {"temperature_c", value(gpu, "temperature.gpu")}};
  card["memory_mib"] = {{"total", value(gpu, "memory.total")},
                        {"reserved", value(gpu, "memory.reserved")},
                        {"used", value(gpu, "memory.used")}};
  card["processes"] = ordered_json::array();
  for (const nvmlProcessInfo_v2_t& each : processes(gpu)) {
    card["processes"].push_back({{"pid", each.pid},
                                 {"name", process_name(gpu.nvml(), each.pid)},
                                 {"memory_bytes", each.usedGpuMemory},
                                 {"busy_percent", share_of(gpu, each.pid)}});
  }
  return card;
}

}  // namespace

std::string node_text(const NodeTitle& title, const std::vector<Gpu>& gpus) {
  std::string text = fmt::format("Node {} ({})\n", title.name, title.file);
  if (!title.host.empty()) text += fmt::format("Host {}\n", title.host);
  for (const Gpu& gpu : gpus) {
    text += fmt::format("\nGPU {}: {} (UUID: {})\n", gpu.index(), gpu.name(), gpu.uuid());
    text += fmt::format("    place       {}, PCIe {}.0 x{}\n", gpu.bus_id(), shown(gpu, "pcie.link.gen.max"),
                        shown(gpu, "pcie.link.width.max"));
    text += links_line(gpu, gpus);
    text +=
        fmt::format("    state       {}, {} busy, SMs at {}, {} of {}, {} C\n", shown(gpu, "pstate"),
                    shown(gpu, "utilization.gpu"), shown(gpu, "clocks.current.sm"), shown(gpu, "power.draw"),
                    shown(gpu, "enforced.power.limit"), shown(gpu, "temperature.gpu"));
    text += fmt::format("    memory      {} used, {} free\n", shown(gpu, "memory.used"),
                        shown(gpu, "memory.free"));
    text += process_lines(gpu);
  }
  return text;
}

std::string node_json(const NodeTitle& title, const std::vector<Gpu>& gpus) {
  ordered_json node;
  node["node"] = title.name;
  node["file"] = title.file;
  node["host"] = title.host.empty() ? ordered_json(nullptr) : ordered_json(title.host);
  node["cards"] = ordered_json::array();
  for (const Gpu& gpu : gpus) node["cards"].push_back(card_json(gpu, gpus));
  constexpr int kIndent = 2;
  return node.dump(kIndent) + "\n";
}

}  // namespace doppel::smi
