// SPDX-License-Identifier: Apache-2.0
#include "smi/table.h"

#include <fmt/format.h>

#include "smi/fields.h"
#include "smi/instances.h"

namespace doppel::smi {
namespace {

constexpr const char* kRule =
    "+-----------------------------------------------------------------------------------------+\n";
constexpr const char* kColumns =
    "+-----------------------------------------+------------------------+----------------------+\n";

std::string value_of(const Gpu& gpu, const char* field) { return or_words(find_gpu_field(field)->read(gpu)); }

// "24W", "N/A".
std::string with(const Gpu& gpu, const char* field, const char* unit) {
  const Value value = find_gpu_field(field)->read(gpu);
  return value.code == NVML_SUCCESS ? value.text + unit : "N/A";
}
std::string watts(const Gpu& gpu, const char* field) {
  const Value value = find_gpu_field(field)->read(gpu);
  return value.code == NVML_SUCCESS ? fmt::format("{:.0f}W", std::stod(value.text)) : "N/A";
}

std::string on_off(const Gpu& gpu, const char* field) {
  const Value value = find_gpu_field(field)->read(gpu);
  if (value.code != NVML_SUCCESS) return "N/A";
  return value.text == "Enabled" ? "On" : "Off";
}

// Uncorrected errors since the start, or that nobody looks for them.
std::string ecc(const Gpu& gpu) {
  const std::string mode = value_of(gpu, "ecc.mode.current");
  if (mode == "Disabled") return "Off";
  return mode == "Enabled" ? value_of(gpu, "ecc.errors.uncorrected.volatile.total") : "N/A";
}

std::string compute_mode(const Gpu& gpu) {
  const std::string mode = value_of(gpu, "compute_mode");
  if (mode == "Exclusive_Process") return "E. Process";
  return mode == "Exclusive_Thread" ? "E. Thread" : mode;
}

std::string row(const Gpu& gpu) {
  std::string text =
      fmt::format("|{:>4}  {:<26.26}{:>8} |{:>19}{:>4} |{:>21} |\n", gpu.index(), gpu.name(),
                  on_off(gpu, "persistence_mode"), gpu.bus_id(), on_off(gpu, "display_active"), ecc(gpu));
  text += fmt::format("|{:>4} {:>5}  {:>4} {:>15} /{:>6} |{:>12} /{:>9} |{:>8} {:>12} |\n",
                      with(gpu, "fan.speed", "%"), with(gpu, "temperature.gpu", "C"), value_of(gpu, "pstate"),
                      watts(gpu, "power.draw"), watts(gpu, "enforced.power.limit"),
                      with(gpu, "memory.used", "MiB"), with(gpu, "memory.total", "MiB"),
                      with(gpu, "utilization.gpu", "%"), compute_mode(gpu));
  text += fmt::format("|{:41}|{:24}|{:>21} |\n", "", "", value_of(gpu, "mig.mode.current"));
  return text + kColumns;
}

std::string rows_of_processes(const std::vector<Gpu>& gpus) {
  std::string text;
  for (const Gpu& gpu : gpus) {
    for (const nvmlProcessInfo_v2_t& each : processes(gpu)) {
      const auto instance = [](unsigned id) {
        return id == kNoInstance ? std::string("N/A") : fmt::format("{}", id);
      };
      std::string name = process_name(gpu.nvml(), each.pid);
      constexpr std::size_t kRoom = 41;
      if (name.size() > kRoom) name = "..." + name.substr(name.size() - kRoom + 3);
      text += fmt::format("|{:>5} {:>4} {:>4} {:>10} {:>6}   {:<41} {:>10} |\n", gpu.index(),
                          instance(each.gpuInstanceId), instance(each.computeInstanceId), each.pid, "C", name,
                          fmt::format("{}MiB", each.usedGpuMemory >> 20));
    }
  }
  return text.empty() ? fmt::format("|  {:<87}|\n", "No running processes found") : text;
}

}  // namespace

std::string table(const Nvml& nvml, const std::vector<Gpu>& gpus, const std::string& date,
                  const std::string& version) {
  const auto cuda = nvml.get<int>("nvmlSystemGetCudaDriverVersion_v2");
  const std::string cuda_version =
      cuda ? fmt::format("{}.{}", cuda.value / 1000, cuda.value % 1000 / 10) : "N/A";
  std::string text = date + "\n" + kRule;
  text += fmt::format("| DOPPEL-SMI {:<23}Driver Version: {:<15}CUDA Version: {:<9}|\n", version,
                      nvml.text("nvmlSystemGetDriverVersion").value_or("N/A"), cuda_version);
  text +=
      "|-----------------------------------------+------------------------+----------------------+\n"
      "| GPU  Name                 Persistence-M | Bus-Id          Disp.A | Volatile Uncorr. ECC |\n"
      "| Fan  Temp   Perf          Pwr:Usage/Cap |           Memory-Usage | GPU-Util  Compute M. |\n"
      "|                                         |                        |               MIG M. |\n"
      "|=========================================+========================+======================|\n";
  for (const Gpu& gpu : gpus) text += row(gpu);
  text += mig_table(gpus);
  text += "\n";
  text += kRule;
  text +=
      "| Processes:                                                                              |\n"
      "|  GPU   GI   CI        PID   Type   Process name                              GPU Memory |\n"
      "|        ID   ID                                                               Usage      |\n"
      "|=========================================================================================|\n";
  return text + rows_of_processes(gpus) + kRule;
}

std::string list(const std::vector<Gpu>& gpus) {
  std::string text;
  for (const Gpu& gpu : gpus) {
    text += fmt::format("GPU {}: {} (UUID: {})\n", gpu.index(), gpu.name(), gpu.uuid());
    text += mig_list(gpu);
  }
  return text;
}

}  // namespace doppel::smi
