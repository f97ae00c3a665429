// SPDX-License-Identifier: Apache-2.0
#include "smi/metrics.h"

#include <fmt/format.h>

#include "smi/fields.h"

namespace doppel::smi {
namespace {

// A metric whose value is a field of gpu_fields().
struct Metric {
  const char* name;
  const char* type;
  const char* about;
  const char* field;
};
constexpr Metric kMetrics[] = {
    {"SM_CLOCK", "gauge", "Clock of the SMs (in MHz).", "clocks.current.sm"},
    {"MEM_CLOCK", "gauge", "Clock of the memory (in MHz).", "clocks.current.memory"},
    {"MEMORY_TEMP", "gauge", "Temperature of the memory (in C).", "temperature.memory"},
    {"GPU_TEMP", "gauge", "Temperature of the GPU (in C).", "temperature.gpu"},
    {"POWER_USAGE", "gauge", "Power draw (in W).", "power.draw"},
    {"POWER_MGMT_LIMIT", "gauge", "Power limit that was set (in W).", "power.limit"},
    {"ENFORCED_POWER_LIMIT", "gauge", "Power limit that holds (in W).", "enforced.power.limit"},
    {"TOTAL_ENERGY_CONSUMPTION", "counter", "Energy since the node was made (in mJ).", "energy.total"},
    {"FAN_SPEED", "gauge", "Speed of the fan (in % of its full speed).", "fan.speed"},
    {"PCIE_TX_THROUGHPUT", "gauge", "From the card to the host (in KB/s).", "pcie.throughput.tx"},
    {"PCIE_RX_THROUGHPUT", "gauge", "From the host to the card (in KB/s).", "pcie.throughput.rx"},
    {"PCIE_REPLAY_COUNTER", "counter", "Packets that were sent again over PCIe.", "pcie.replay.counter"},
    {"PCIE_LINK_GEN", "gauge", "Generation of PCIe in use.", "pcie.link.gen.current"},
    {"PCIE_LINK_WIDTH", "gauge", "Lanes of PCIe in use.", "pcie.link.width.current"},
    {"PCIE_MAX_LINK_GEN", "gauge", "Highest generation of PCIe.", "pcie.link.gen.max"},
    {"PCIE_MAX_LINK_WIDTH", "gauge", "Most lanes of PCIe.", "pcie.link.width.max"},
    {"GPU_UTIL", "gauge", "Share of time in which a kernel ran (in %).", "utilization.gpu"},
    {"MEM_COPY_UTIL", "gauge", "Bytes moved, of those that the memory could move (in %).",
     "utilization.memory"},
    {"ENC_UTIL", "gauge", "Use of the video encoder (in %).", "utilization.encoder"},
    {"DEC_UTIL", "gauge", "Use of the video decoder (in %).", "utilization.decoder"},
    {"FB_TOTAL", "gauge", "Memory of the board (in MiB).", "memory.total"},
    {"FB_FREE", "gauge", "Memory that processes may still take (in MiB).", "memory.free"},
    {"FB_USED", "gauge", "Memory that processes have (in MiB).", "memory.used"},
    {"FB_RESERVED", "gauge", "Memory that the driver and the card keep (in MiB).", "memory.reserved"},
    {"ECC_SBE_VOL_TOTAL", "counter", "Corrected errors of memory since the card's start.",
     "ecc.errors.corrected.volatile.total"},
    {"ECC_DBE_VOL_TOTAL", "counter", "Uncorrectable errors of memory since the card's start.",
     "ecc.errors.uncorrected.volatile.total"},
    {"ECC_SBE_AGG_TOTAL", "counter", "Corrected errors of memory ever.",
     "ecc.errors.corrected.aggregate.total"},
    {"ECC_DBE_AGG_TOTAL", "counter", "Uncorrectable errors of memory ever.",
     "ecc.errors.uncorrected.aggregate.total"},
    {"RETIRED_SBE", "counter", "Pages out of use for corrected errors.",
     "retired_pages.single_bit_ecc.count"},
    {"RETIRED_DBE", "counter", "Pages out of use for uncorrectable errors.",
     "retired_pages.double_bit.count"},
    {"CORRECTABLE_REMAPPED_ROWS", "counter", "Rows replaced for corrected errors.",
     "remapped_rows.correctable"},
    {"UNCORRECTABLE_REMAPPED_ROWS", "counter", "Rows replaced for uncorrectable errors.",
     "remapped_rows.uncorrectable"},
};

std::string escaped_label(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\' || c == '"') out += '\\';
    out += c == '\n' ? std::string("\\n") : std::string(1, c);
  }
  return out;
}

std::string labels(const Gpu& gpu, const std::string& host) {
  const auto minor = gpu.get<unsigned>("nvmlDeviceGetMinorNumber");
  return fmt::format(
      R"({{gpu="{}",UUID="{}",pci_bus_id="{}",device="nvidia{}",modelName="{}",Hostname="{}",DCGM_FI_DRIVER_VERSION="{}"}})",
      gpu.index(), escaped_label(gpu.uuid()), escaped_label(gpu.bus_id()), minor.value_or(gpu.index()),
      escaped_label(gpu.name()), escaped_label(host),
      escaped_label(gpu.nvml().text("nvmlSystemGetDriverVersion").value_or("")));
}

// A line a card that has a value, and the head before them.
template <typename Read>
void add(std::string& text, const std::vector<Gpu>& gpus, const std::vector<std::string>& all_labels,
         const char* name, const char* type, const char* about, Read read) {
  std::string lines;
  for (std::size_t i = 0; i < gpus.size(); ++i) {
    const Value value = read(gpus[i]);
    if (value.code == NVML_SUCCESS)
      lines += fmt::format("DCGM_FI_DEV_{}{} {}\n", name, all_labels[i], value.text);
  }
  if (!lines.empty())
    text +=
        fmt::format("# HELP DCGM_FI_DEV_{0} {1}\n# TYPE DCGM_FI_DEV_{0} {2}\n", name, about, type) + lines;
}

// Of all links, both ways, of what was moved.
Value nvlink_megabytes(const Gpu& gpu) {
  constexpr unsigned kSent = 138, kReceived = 139;  // of nvmlDeviceGetFieldValues, in KiB
  const auto sent = gpu.field(kSent), received = gpu.field(kReceived);
  if (!sent || !received) return no_value(sent ? received.code : sent.code);
  constexpr unsigned long long kKib = 1024, kMega = 1'000'000;
  return number(Answer<unsigned long long>{
      NVML_SUCCESS, (sent.value.value.ullVal + received.value.value.ullVal) * kKib / kMega});
}

Value throttle_reasons(const Gpu& gpu) {
  return number(gpu.get<unsigned long long>("nvmlDeviceGetCurrentClocksEventReasons"));
}

}  // namespace

std::string metrics(const std::vector<Gpu>& gpus, const std::string& host,
                    const std::function<std::optional<std::uint64_t>(unsigned)>& last_xid) {
  std::vector<std::string> all_labels;
  for (const Gpu& gpu : gpus) all_labels.push_back(labels(gpu, host));
  std::string text;
  for (const Metric& each : kMetrics) {
    const Field* const field = find_gpu_field(each.field);
    add(text, gpus, all_labels, each.name, each.type, each.about, field->read);
  }
  add(text, gpus, all_labels, "XID_ERRORS", "gauge", "Number of the last error that a program met (XID).",
      [&](const Gpu& gpu) { return Value{fmt::format("{}", last_xid(gpu.index()).value_or(0))}; });
  add(text, gpus, all_labels, "CLOCK_THROTTLE_REASONS", "gauge", "Bits of what lowers the clocks.",
      throttle_reasons);
  add(text, gpus, all_labels, "PSTATE", "gauge", "Performance state: 0 is the highest.",
      [](const Gpu& gpu) { return number(gpu.get<int>("nvmlDeviceGetPerformanceState")); });
  add(text, gpus, all_labels, "NVLINK_BANDWIDTH_TOTAL", "counter", "Moved over all NVLinks (in MB).",
      nvlink_megabytes);
  return text;
}

}  // namespace doppel::smi
