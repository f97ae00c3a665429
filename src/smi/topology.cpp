// SPDX-License-Identifier: Apache-2.0
#include "smi/topology.h"

#include <fmt/format.h>

#include <algorithm>

#include "smi/links.h"
#include "smi/value.h"

namespace doppel::smi {
namespace {

// As the matrix names a way between two cards.
std::string way(const Gpu& gpu, const Gpu& other) {
  if (gpu.index() == other.index()) return " X ";
  if (const unsigned links = links_between(gpu, other); links > 0) return fmt::format("NV{}", links);
  const auto level = gpu.get<int>("nvmlDeviceGetTopologyCommonAncestor", other.handle());
  if (!level) return "N/A";
  switch (level.value) {
    case NVML_TOPOLOGY_INTERNAL:
    case NVML_TOPOLOGY_SINGLE:
      return "PIX";
    case NVML_TOPOLOGY_MULTIPLE:
      return "PXB";
    case NVML_TOPOLOGY_HOSTBRIDGE:
      return "PHB";
    case NVML_TOPOLOGY_NODE:
      return "NODE";
    default:
      return "SYS";
  }
}

// "0-15,32-47" of the bits of a set.
std::string ranges(const std::vector<unsigned long>& words) {
  constexpr std::size_t kBits = 8 * sizeof(unsigned long);
  std::string text;
  const auto is_set = [&](std::size_t bit) {
    return bit < words.size() * kBits && (words[bit / kBits] >> (bit % kBits) & 1) != 0;
  };
  for (std::size_t bit = 0; bit < words.size() * kBits; ++bit) {
    if (!is_set(bit)) continue;
    std::size_t last = bit;
    while (is_set(last + 1)) ++last;
    text += text.empty() ? "" : ",";
    text += last == bit ? fmt::format("{}", bit) : fmt::format("{}-{}", bit, last);
    bit = last;
  }
  return text.empty() ? "N/A" : text;
}

constexpr unsigned kWords = 64;

std::string processors(const Gpu& gpu) {
  std::vector<unsigned long> words(kWords);
  const nvmlReturn_t code = gpu.call("nvmlDeviceGetCpuAffinity", kWords, words.data());
  return code == NVML_SUCCESS ? ranges(words) : "N/A";
}
std::string memory_nodes(const Gpu& gpu) {
  std::vector<unsigned long> words(kWords);
  const nvmlReturn_t code = gpu.call("nvmlDeviceGetMemoryAffinity", kWords, words.data(), 0U);
  return code == NVML_SUCCESS ? ranges(words) : "N/A";
}

std::string heads(const std::vector<Gpu>& gpus) {
  std::string text;
  for (const Gpu& gpu : gpus) text += fmt::format("\tGPU{}", gpu.index());
  return text;
}

std::string title(const Gpu& gpu) {
  return fmt::format("GPU {}: {} (UUID: {})\n", gpu.index(), gpu.name(), gpu.uuid());
}

// A line for each link: line(link) with its text, or nothing of a link that has none.
template <typename Line>
Said each_link(const std::vector<Gpu>& gpus, Line line) {
  Said said;
  for (const Gpu& gpu : gpus) {
    said.text += title(gpu);
    constexpr unsigned kLinks = 91;  // of nvmlDeviceGetFieldValues
    const auto links = gpu.field(kLinks);
    if (!links) {
      said.text += fmt::format("\t NVLink: {}\n", words_for(links.code));
      if (gpus.size() == 1) said.status = status_of(links.code);
      continue;
    }
    for (unsigned link = 0; link < links.value.value.uiVal; ++link) said.text += line(gpu, link);
  }
  return said;
}

bool active(const Gpu& gpu, unsigned link) {
  return gpu.get<int>("nvmlDeviceGetNvLinkState", link).value_or(0) != 0;
}

}  // namespace

std::string topology_matrix(const std::vector<Gpu>& gpus) {
  std::string text = heads(gpus) + "\tCPU Affinity\tNUMA Affinity\tGPU NUMA ID\n";
  for (const Gpu& gpu : gpus) {
    text += fmt::format("GPU{}", gpu.index());
    for (const Gpu& other : gpus) text += "\t" + way(gpu, other);
    text += fmt::format("\t{}\t{}\t\tN/A\n", processors(gpu), memory_nodes(gpu));
  }
  return text + R"(
Legend:

  X    = the card itself
  SYS  = over PCIe and the link between processors (NUMA nodes)
  NODE = over PCIe and the link between host bridges of one NUMA node
  PHB  = over PCIe and a host bridge (the processor)
  PXB  = over several PCIe switches
  PIX  = over one PCIe switch at most
  NV#  = over a number of NVLinks
)";
}

Outcome<std::string> peer_matrix(const std::vector<Gpu>& gpus, const std::string& capability) {
  const std::string letters = "rwnap";  // in the order of NVML's numbers
  const auto at = capability.size() == 1 ? letters.find(capability) : std::string::npos;
  if (at == std::string::npos)
    return failed(kBadUsage, fmt::format("topo -p2p {}: expected one of r, w, n, a, p", capability));
  std::string text = heads(gpus) + "\n";
  for (const Gpu& gpu : gpus) {
    text += fmt::format(" GPU{}", gpu.index());
    for (const Gpu& other : gpus) {
      if (gpu.index() == other.index()) {
        text += "\tX";
        continue;
      }
      const auto status = gpu.get<int>("nvmlDeviceGetP2PStatus", other.handle(), static_cast<int>(at));
      text += !status ? "\tU" : status.value == NVML_P2P_STATUS_OK ? "\tOK" : "\tNS";
    }
    text += "\n";
  }
  return text +
         "\nLegend:\n\n  X    = the card itself\n  OK   = they can\n  NS   = they cannot\n  U    = not "
         "known\n";
}

Said nvlink_status(const std::vector<Gpu>& gpus) {
  return each_link(gpus, [](const Gpu& gpu, unsigned link) {
    if (!active(gpu, link)) return fmt::format("\t Link {}: <inactive>\n", link);
    const auto speed = link_speed(gpu);
    return speed ? fmt::format("\t Link {}: {:.3f} GB/s\n", link, *speed)
                 : fmt::format("\t Link {}: N/A\n", link);
  });
}

Said nvlink_capabilities(const std::vector<Gpu>& gpus) {
  constexpr std::array kNames = {"P2P is supported",      "Access to system memory supported",
                                 "P2P atomics supported", "System memory atomics supported",
                                 "SLI is supported",      "Link is supported"};
  return each_link(gpus, [&](const Gpu& gpu, unsigned link) {
    std::string text;
    for (std::size_t i = 0; i < kNames.size(); ++i) {
      const auto can = gpu.get<unsigned>("nvmlDeviceGetNvLinkCapability", link, static_cast<int>(i));
      text += fmt::format("\t Link {}, {}: {}\n", link, kNames.at(i),
                          !can             ? words_for(can.code)
                          : can.value != 0 ? "true"
                                           : "false");
    }
    return text;
  });
}

Said nvlink_errors(const std::vector<Gpu>& gpus) {
  constexpr std::array kNames = {"Replay Errors", "Recovery Errors", "CRC Errors"};
  constexpr std::array kCounters = {0, 1, 2};  // NVML's numbers
  return each_link(gpus, [&](const Gpu& gpu, unsigned link) {
    std::string text;
    for (std::size_t i = 0; i < kNames.size(); ++i) {
      const auto count =
          gpu.get<unsigned long long>("nvmlDeviceGetNvLinkErrorCounter", link, kCounters.at(i));
      text += fmt::format("\t Link {}: {}: {}\n", link, kNames.at(i), or_words(number(count)));
    }
    return text;
  });
}

Said nvlink_remotes(const std::vector<Gpu>& gpus) {
  return each_link(gpus, [](const Gpu& gpu, unsigned link) {
    const auto remote = gpu.get<nvmlPciInfo_t>("nvmlDeviceGetNvLinkRemotePciInfo_v2", link);
    return remote
               ? fmt::format("\t Link {}: Remote Device {}\n", link, remote.value.busId.data())
               : fmt::format("\t Link {}: Remote Device {}\n", link,
                             remote.code == NVML_ERROR_NOT_SUPPORTED ? "<inactive>" : words_for(remote.code));
  });
}

}  // namespace doppel::smi
