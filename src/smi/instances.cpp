// SPDX-License-Identifier: Apache-2.0
#include "smi/instances.h"

#include <fmt/format.h>

namespace doppel::smi {
namespace {

std::vector<Gpu> instances_of(const Gpu& gpu) {
  std::vector<Gpu> all;
  const unsigned most = gpu.get<unsigned>("nvmlDeviceGetMaxMigDeviceCount").value_or(0);
  for (unsigned i = 0; i < most; ++i) {
    const auto handle = gpu.get<nvmlDevice_t>("nvmlDeviceGetMigDeviceHandleByIndex", i);
    if (handle) all.emplace_back(gpu.nvml(), handle.value, i);
  }
  return all;
}

// "MIG 1g.24gb", of the name's end.
std::string kind_of(const Gpu& instance) {
  const std::string name = instance.name();
  const auto at = name.rfind("MIG ");
  return at == std::string::npos ? name : name.substr(at);
}

std::string row(const Gpu& card, const Gpu& instance) {
  constexpr double kMiB = 1 << 20;
  const auto memory = instance.get<nvmlMemory_t>("nvmlDeviceGetMemoryInfo").value_or({});
  const auto shape = instance.get<nvmlDeviceAttributes_t>("nvmlDeviceGetAttributes_v2").value_or({});
  const std::string used = fmt::format("{:.0f}MiB / {:.0f}MiB", static_cast<double>(memory.used) / kMiB,
                                       static_cast<double>(memory.total) / kMiB);
  return fmt::format("|{:>3}  {:>3}  {:>2}  {:>2}  |{:>33} |{:>3} {:>6} |{:>3} {:>3} {:>4} {:>4} {:>4}  |\n",
                     card.index(), instance.get<unsigned>("nvmlDeviceGetGpuInstanceId").value_or(0),
                     instance.get<unsigned>("nvmlDeviceGetComputeInstanceId").value_or(0), instance.index(),
                     used, shape.multiprocessorCount, "N/A", shape.sharedCopyEngineCount,
                     shape.sharedEncoderCount, shape.sharedDecoderCount, shape.sharedOfaCount,
                     shape.sharedJpegCount);
}

}  // namespace

std::string mig_list(const Gpu& gpu) {
  std::string text;
  for (const Gpu& each : instances_of(gpu))
    text += fmt::format("  {:<15} Device {:>2}: (UUID: {})\n", kind_of(each), each.index(), each.uuid());
  return text;
}

std::string mig_table(const std::vector<Gpu>& gpus) {
  std::string rows;
  for (const Gpu& gpu : gpus) {
    for (const Gpu& each : instances_of(gpu)) rows += row(gpu, each);
  }
  if (rows.empty()) return {};
  return "\n"
         "+-----------------------------------------------------------------------------------------+\n"
         "| MIG devices:                                                                            |\n"
         "+------------------+----------------------------------+-----------+-----------------------+\n"
         "| GPU  GI  CI  MIG |                     Memory-Usage |        Vol|        Shared         |\n"
         "|      ID  ID  Dev |                                  | SM    ECC | CE ENC  DEC  OFA  JPG |\n"
         "|==================+==================================+===========+=======================|\n" +
         rows +
         "+------------------+----------------------------------+-----------+-----------------------+\n";
}

}  // namespace doppel::smi
