// SPDX-License-Identifier: Apache-2.0
// PCI Express.
#include "smi/fields.h"

namespace doppel::smi {
namespace {

Field link(const char* name, const char* other, const char* about, const char* function) {
  return {name, other, "", about, [function](const Gpu& gpu) { return number(gpu.get<unsigned>(function)); }};
}

Field throughput(const char* name, const char* about, int counter) {
  return {name, "", "KB/s", about, [counter](const Gpu& gpu) {
            return number(gpu.get<unsigned>("nvmlDeviceGetPcieThroughput", counter));
          }};
}

// What the slot takes at most: not known where the card's own most is no more than what both agree on.
Value of_host(const Gpu& gpu) {
  const auto most = gpu.get<unsigned>("nvmlDeviceGetMaxPcieLinkGeneration");
  const auto own = gpu.get<unsigned>("nvmlDeviceGetGpuMaxPcieLinkGeneration");
  if (!most || !own) return no_value(most ? own.code : most.code);
  return most.value < own.value ? number(most) : no_value(NVML_ERROR_NOT_SUPPORTED);
}

}  // namespace

void add_link_fields(std::vector<Field>& to) {
  to.insert(
      to.end(),
      {
          link("pcie.link.gen.current", "pcie.link.gen.gpucurrent",
               "the generation of PCI Express in use now", "nvmlDeviceGetCurrPcieLinkGeneration"),
          link("pcie.link.gen.max", "", "the highest that card and slot have in common",
               "nvmlDeviceGetMaxPcieLinkGeneration"),
          link("pcie.link.gen.gpumax", "", "the highest of the card",
               "nvmlDeviceGetGpuMaxPcieLinkGeneration"),
          {"pcie.link.gen.hostmax", "", "", "the highest of the slot", of_host},
          link("pcie.link.width.current", "", "lanes in use now", "nvmlDeviceGetCurrPcieLinkWidth"),
          link("pcie.link.width.max", "", "lanes of card and slot", "nvmlDeviceGetMaxPcieLinkWidth"),
          link("pcie.replay.counter", "", "packets that were sent again", "nvmlDeviceGetPcieReplayCounter"),
          throughput("pcie.throughput.tx", "from the card to the host", NVML_PCIE_UTIL_TX_BYTES),
          throughput("pcie.throughput.rx", "from the host to the card", NVML_PCIE_UTIL_RX_BYTES),
      });
}

}  // namespace doppel::smi
