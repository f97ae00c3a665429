// SPDX-License-Identifier: Apache-2.0
#include "smi/details.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cstdint>

#include "smi/fields.h"
#include "smi/log_tree.h"
#include "support/nearest.h"

namespace doppel::smi {
namespace {

// A line of the tree: what stands behind it at a greater depth is below it. `field` of gpu_fields(), or empty
// where it only heads others.
struct Line {
  std::uint8_t depth;
  const char* label;
  const char* tag;
  const char* field;
  const char* section = "";
};
constexpr Line kLines[] = {
    {0, "Product Name", "product_name", "name"},
    {0, "Product Brand", "product_brand", "brand"},
    {0, "Product Architecture", "product_architecture", "architecture"},
    {0, "Compute Capability", "compute_capability", "compute_cap"},
    {0, "Display Mode", "display_mode", "display_mode"},
    {0, "Display Active", "display_active", "display_active"},
    {0, "Persistence Mode", "persistence_mode", "persistence_mode"},
    {0, "MIG Mode", "mig_mode", ""},
    {1, "Current", "current_mig", "mig.mode.current"},
    {1, "Pending", "pending_mig", "mig.mode.pending"},
    {0, "Accounting Mode", "accounting_mode", "accounting.mode", "ACCOUNTING"},
    {0, "Accounting Mode Buffer Size", "accounting_mode_buffer_size", "accounting.buffer_size", "ACCOUNTING"},
    {0, "Driver Model", "driver_model", ""},
    {1, "Current", "current_dm", "driver_model.current"},
    {1, "Pending", "pending_dm", "driver_model.pending"},
    {0, "Serial Number", "serial", "serial"},
    {0, "GPU UUID", "uuid", "uuid"},
    {0, "Minor Number", "minor_number", "minor_number"},
    {0, "VBIOS Version", "vbios_version", "vbios_version"},
    {0, "MultiGPU Board", "multigpu_board", "multigpu_board"},
    {0, "Board ID", "board_id", "board_id"},
    {0, "Inforom Version", "inforom_version", ""},
    {1, "Image Version", "img_version", "inforom.img"},
    {1, "OEM Object", "oem_object", "inforom.oem"},
    {1, "ECC Object", "ecc_object", "inforom.ecc"},
    {1, "Power Management Object", "pwr_object", "inforom.pwr"},
    {0, "GPU Operation Mode", "gpu_operation_mode", ""},
    {1, "Current", "current_gom", "gom.current"},
    {1, "Pending", "pending_gom", "gom.pending"},
    {0, "GPU Virtualization Mode", "gpu_virtualization_mode", ""},
    {1, "Virtualization Mode", "virtualization_mode", "virtualization_mode"},
    {0, "PCI", "pci", ""},
    {1, "Bus", "pci_bus", "pci.bus"},
    {1, "Device", "pci_device", "pci.device"},
    {1, "Domain", "pci_domain", "pci.domain"},
    {1, "Device Id", "pci_device_id", "pci.device_id"},
    {1, "Bus Id", "pci_bus_id", "pci.bus_id"},
    {1, "Sub System Id", "pci_sub_system_id", "pci.sub_device_id"},
    {1, "GPU Link Info", "pci_gpu_link_info", ""},
    {2, "PCIe Generation", "pcie_gen", ""},
    {3, "Max", "max_link_gen", "pcie.link.gen.max"},
    {3, "Current", "current_link_gen", "pcie.link.gen.current"},
    {3, "Device Current", "device_current_link_gen", "pcie.link.gen.current"},
    {3, "Device Max", "max_device_link_gen", "pcie.link.gen.gpumax"},
    {3, "Host Max", "max_host_link_gen", "pcie.link.gen.hostmax"},
    {2, "Link Width", "link_widths", ""},
    {3, "Max", "max_link_width", "pcie.link.width.max"},
    {3, "Current", "current_link_width", "pcie.link.width.current"},
    {1, "Replays Since Reset", "replay_counter", "pcie.replay.counter"},
    {1, "Tx Throughput", "tx_util", "pcie.throughput.tx"},
    {1, "Rx Throughput", "rx_util", "pcie.throughput.rx"},
    {0, "Fan Speed", "fan_speed", "fan.speed"},
    {0, "Performance State", "performance_state", "pstate", "PERFORMANCE"},
    {0, "Clocks Event Reasons", "clocks_event_reasons", "", "PERFORMANCE"},
    {1, "Idle", "clocks_event_reason_gpu_idle", "clocks_event_reasons.gpu_idle"},
    {1, "Applications Clocks Setting", "clocks_event_reason_applications_clocks_setting",
     "clocks_event_reasons.applications_clocks_setting"},
    {1, "SW Power Cap", "clocks_event_reason_sw_power_cap", "clocks_event_reasons.sw_power_cap"},
    {1, "HW Slowdown", "clocks_event_reason_hw_slowdown", "clocks_event_reasons.hw_slowdown"},
    {1, "HW Thermal Slowdown", "clocks_event_reason_hw_thermal_slowdown",
     "clocks_event_reasons.hw_thermal_slowdown"},
    {1, "HW Power Brake Slowdown", "clocks_event_reason_hw_power_brake_slowdown",
     "clocks_event_reasons.hw_power_brake_slowdown"},
    {1, "Sync Boost", "clocks_event_reason_sync_boost", "clocks_event_reasons.sync_boost"},
    {1, "SW Thermal Slowdown", "clocks_event_reason_sw_thermal_slowdown",
     "clocks_event_reasons.sw_thermal_slowdown"},
    {0, "FB Memory Usage", "fb_memory_usage", "", "MEMORY"},
    {1, "Total", "total", "memory.total"},
    {1, "Reserved", "reserved", "memory.reserved"},
    {1, "Used", "used", "memory.used"},
    {1, "Free", "free", "memory.free"},
    {0, "BAR1 Memory Usage", "bar1_memory_usage", "", "MEMORY"},
    {1, "Total", "total", "bar1.memory.total"},
    {1, "Used", "used", "bar1.memory.used"},
    {1, "Free", "free", "bar1.memory.free"},
    {0, "Compute Mode", "compute_mode", "compute_mode", "COMPUTE"},
    {0, "Utilization", "utilization", "", "UTILIZATION"},
    {1, "Gpu", "gpu_util", "utilization.gpu"},
    {1, "Memory", "memory_util", "utilization.memory"},
    {1, "Encoder", "encoder_util", "utilization.encoder"},
    {1, "Decoder", "decoder_util", "utilization.decoder"},
    {1, "JPEG", "jpeg_util", "utilization.jpeg"},
    {1, "OFA", "ofa_util", "utilization.ofa"},
    {0, "Encoder Stats", "encoder_stats", "", "ENCODER_STATS"},
    {1, "Active Sessions", "session_count", "encoder.stats.sessionCount"},
    {1, "Average FPS", "average_fps", "encoder.stats.averageFps"},
    {1, "Average Latency", "average_latency", "encoder.stats.averageLatency"},
    {0, "ECC Mode", "ecc_mode", "", "ECC"},
    {1, "Current", "current_ecc", "ecc.mode.current"},
    {1, "Pending", "pending_ecc", "ecc.mode.pending"},
    {0, "ECC Errors", "ecc_errors", "", "ECC"},
    {1, "Volatile", "volatile", ""},
    {2, "SRAM Correctable", "sram_correctable", "ecc.errors.corrected.volatile.sram"},
    {2, "SRAM Uncorrectable", "sram_uncorrectable", "ecc.errors.uncorrected.volatile.sram"},
    {2, "DRAM Correctable", "dram_correctable", "ecc.errors.corrected.volatile.dram"},
    {2, "DRAM Uncorrectable", "dram_uncorrectable", "ecc.errors.uncorrected.volatile.dram"},
    {1, "Aggregate", "aggregate", ""},
    {2, "SRAM Correctable", "sram_correctable", "ecc.errors.corrected.aggregate.sram"},
    {2, "SRAM Uncorrectable", "sram_uncorrectable", "ecc.errors.uncorrected.aggregate.sram"},
    {2, "DRAM Correctable", "dram_correctable", "ecc.errors.corrected.aggregate.dram"},
    {2, "DRAM Uncorrectable", "dram_uncorrectable", "ecc.errors.uncorrected.aggregate.dram"},
    {0, "Retired Pages", "retired_pages", "", "PAGE_RETIREMENT"},
    {1, "Single Bit ECC", "multiple_single_bit_retirement", "retired_pages.single_bit_ecc.count"},
    {1, "Double Bit ECC", "double_bit_retirement", "retired_pages.double_bit.count"},
    {1, "Pending Page Blacklist", "pending_blacklist", "retired_pages.pending"},
    {0, "Remapped Rows", "remapped_rows", "", "ROW_REMAPPER"},
    {1, "Correctable Error", "remapped_row_corr", "remapped_rows.correctable"},
    {1, "Uncorrectable Error", "remapped_row_unc", "remapped_rows.uncorrectable"},
    {1, "Pending", "remapped_row_pending", "remapped_rows.pending"},
    {1, "Remapping Failure Occurred", "remapped_row_failure", "remapped_rows.failure"},
    {0, "Temperature", "temperature", "", "TEMPERATURE"},
    {1, "GPU Current Temp", "gpu_temp", "temperature.gpu"},
    {1, "GPU T.Limit Temp", "gpu_temp_tlimit", "temperature.gpu.tlimit"},
    {1, "GPU Shutdown Temp", "gpu_temp_max_threshold", "temperature.shutdown"},
    {1, "GPU Slowdown Temp", "gpu_temp_slow_threshold", "temperature.slowdown"},
    {1, "GPU Max Operating Temp", "gpu_temp_max_gpu_threshold", "temperature.gpu_max"},
    {1, "Memory Current Temp", "memory_temp", "temperature.memory"},
    {0, "GPU Power Readings", "gpu_power_readings", "", "POWER"},
    {1, "Power State", "power_state", "pstate"},
    {1, "Average Power Draw", "average_power_draw", "power.draw.average"},
    {1, "Power Draw", "power_draw", "power.draw"},
    {1, "Current Power Limit", "current_power_limit", "enforced.power.limit"},
    {1, "Requested Power Limit", "requested_power_limit", "power.limit"},
    {1, "Default Power Limit", "default_power_limit", "power.default_limit"},
    {1, "Min Power Limit", "min_power_limit", "power.min_limit"},
    {1, "Max Power Limit", "max_power_limit", "power.max_limit"},
    {0, "Clocks", "clocks", "", "CLOCK"},
    {1, "Graphics", "graphics_clock", "clocks.current.graphics"},
    {1, "SM", "sm_clock", "clocks.current.sm"},
    {1, "Memory", "mem_clock", "clocks.current.memory"},
    {1, "Video", "video_clock", "clocks.current.video"},
    {0, "Applications Clocks", "applications_clocks", "", "CLOCK"},
    {1, "Graphics", "graphics_clock", "clocks.applications.graphics"},
    {1, "Memory", "mem_clock", "clocks.applications.memory"},
    {0, "Default Applications Clocks", "default_applications_clocks", "", "CLOCK"},
    {1, "Graphics", "graphics_clock", "clocks.default_applications.graphics"},
    {1, "Memory", "mem_clock", "clocks.default_applications.memory"},
    {0, "Max Clocks", "max_clocks", "", "CLOCK"},
    {1, "Graphics", "graphics_clock", "clocks.max.graphics"},
    {1, "SM", "sm_clock", "clocks.max.sm"},
    {1, "Memory", "mem_clock", "clocks.max.memory"},
    {1, "Video", "video_clock", "clocks.max.video"},
    {0, "Max Customer Boost Clocks", "max_customer_boost_clocks", "", "CLOCK"},
    {1, "Graphics", "graphics_clock", "clocks.max.customer_boost"},
};

// As in the table, temperatures carry their unit here and not in CSV.
std::string value_of(const Gpu& gpu, const std::string& field) {
  std::string value = shown(gpu, field);
  if (field == "temperature.gpu" || field == "temperature.memory" || field == "temperature.gpu.tlimit") {
    if (value != "N/A" && std::isdigit(static_cast<unsigned char>(value.back())) != 0) value += " C";
  }
  if ((field == "pcie.link.width.max" || field == "pcie.link.width.current") && value != "N/A") value += "x";
  return value;
}

// Those from `next` on that are at least as deep.
std::vector<Entry> entries(const Gpu& gpu, std::size_t& next, int depth) {
  std::vector<Entry> out;
  while (next < std::size(kLines) && kLines[next].depth == depth) {
    const Line& line = kLines[next++];
    Entry entry{.label = line.label, .tag = line.tag, .section = line.section};
    if (*line.field != '\0') {
      entry.value = value_of(gpu, line.field);
    } else {
      entry.parts = entries(gpu, next, depth + 1);
    }
    out.push_back(std::move(entry));
  }
  return out;
}

Entry leaf(const char* label, const char* tag, std::string value) {
  return {label, tag, std::move(value), {}, {}, {}};
}

// In text 'None' where there is none; in XML an empty element.
std::vector<Entry> processes_of(const Gpu& gpu) {
  Entry all{.label = "Processes", .tag = "processes", .section = "PIDS"};
  for (const nvmlProcessInfo_v2_t& each : processes(gpu)) {
    const auto instance = [](unsigned id) {
      return id == kNoInstance ? std::string("N/A") : fmt::format("{}", id);
    };
    const std::string pid = fmt::format("{}", each.pid);
    Entry process{.label = "Process ID " + pid, .tag = "process_info"};
    process.parts = {leaf("GPU instance ID", "gpu_instance_id", instance(each.gpuInstanceId)),
                     leaf("Compute instance ID", "compute_instance_id", instance(each.computeInstanceId)),
                     leaf("", "pid", pid),
                     leaf("Type", "type", "C"),
                     leaf("Name", "process_name", process_name(gpu.nvml(), each.pid)),
                     leaf("Used GPU Memory", "used_memory", fmt::format("{} MiB", each.usedGpuMemory >> 20))};
    all.parts.push_back(std::move(process));
  }
  if (!all.parts.empty()) return {all};
  all.label.clear();
  Entry none{.label = "Processes", .value = "None", .section = "PIDS"};
  return {all, none};
}

Outcome<std::vector<std::string>> read_sections(const std::string& words) {
  std::vector<std::string> sections;
  const std::vector<std::string> known = known_sections();
  std::string word;
  for (const char c : words + ",") {
    if (c != ',') {
      word += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
      continue;
    }
    if (std::ranges::find(known, word) == known.end()) {
      const std::string near = nearest_name(word, known);
      return failed(kBadUsage, fmt::format("-d: no section '{}'{} known: {}", word,
                                           near.empty() ? ";" : fmt::format("; did you mean '{}'?", near),
                                           fmt::join(known, ", ")));
    }
    sections.push_back(std::move(word));
    word.clear();
  }
  return sections;
}

}  // namespace

std::vector<std::string> known_sections() {
  std::vector<std::string> known = {"PIDS"};
  for (const Line& line : kLines) {
    if (*line.section != '\0' && std::ranges::find(known, line.section) == known.end())
      known.emplace_back(line.section);
  }
  return known;
}

Outcome<std::string> details(const Nvml& nvml, const std::vector<Gpu>& gpus, const std::string& date,
                             const std::string& sections, bool xml) {
  std::vector<std::string> wanted;
  if (!sections.empty()) {
    auto read = read_sections(sections);
    if (!read) return tl::unexpected(read.error());
    wanted = std::move(*read);
  }
  const auto cuda = nvml.get<int>("nvmlSystemGetCudaDriverVersion_v2");
  const auto count = nvml.get<unsigned>("nvmlDeviceGetCount_v2");
  std::vector<Entry> head = {
      leaf("Timestamp", "timestamp", date),
      leaf("Driver Version", "driver_version", nvml.text("nvmlSystemGetDriverVersion").value_or("N/A")),
      leaf("CUDA Version", "cuda_version",
           cuda ? fmt::format("{}.{}", cuda.value / 1000, cuda.value % 1000 / 10) : "N/A")};
  std::vector<Entry> cards = {leaf("Attached GPUs", "attached_gpus", fmt::format("{}", count.value_or(0)))};
  for (const Gpu& gpu : gpus) {
    Entry card{.label = "GPU " + gpu.bus_id(), .tag = "gpu"};
    card.attributes = {{"id", gpu.bus_id()}};
    std::size_t next = 0;
    card.parts = entries(gpu, next, 0);
    for (Entry& each : processes_of(gpu)) card.parts.push_back(std::move(each));
    std::erase_if(card.parts, [&](const Entry& each) {
      return !wanted.empty() && std::ranges::find(wanted, each.section) == wanted.end();
    });
    cards.push_back(std::move(card));
  }
  if (!xml) {
    std::string text = "\n==============DOPPEL-SMI LOG==============\n\n" + to_text(head, 0) + "\n";
    for (const Entry& each : cards) text += to_text({each}, 0) + (each.parts.empty() ? "" : "\n");
    return text;
  }
  // The names are those of the original's, without its own description of them (a DTD): who checks against
  // that would miss what this one does not have.
  head.insert(head.end(), cards.begin(), cards.end());
  Entry all{.tag = "nvidia_smi_log"};
  all.parts = std::move(head);
  return "<?xml version=\"1.0\" ?>\n" + to_xml({all}, 0);
}

}  // namespace doppel::smi
