// SPDX-License-Identifier: Apache-2.0
#include "cli/management.h"

#include <unistd.h>

#include <CLI/StringTools.hpp>
#include <array>
#include <cstdlib>
#include <memory>
#include <optional>

#include "card/load_card.h"
#include "cli/commands.h"
#include "cli/installation.h"
#include "node/node.h"
#include "smi/metrics.h"

namespace doppel::cli {
namespace {

// Null: the process's cards are its own.
Result<std::shared_ptr<node::Node>> node_of_environment() {
  const char* const name = std::getenv("DOPPEL_NODE");
  if (name == nullptr || *name == '\0' || std::string_view(name) == "off") return nullptr;
  return node::Node::open(name);
}

// What is wrong with the node or the cards that the environment names, or nothing.
std::string fault_of_environment() {
  if (const auto node = node_of_environment(); !node) return node.error().message;
  const char* names = std::getenv("DOPPEL_CARDS");
  if (names == nullptr || *names == '\0') names = std::getenv("DOPPEL_CARD");
  for (const std::string& name : CLI::detail::split(names != nullptr ? names : "", ',')) {
    const auto card = name.empty() ? Result<card::Card>() : card::find_card(name);
    if (!card) return card.error().message;
  }
  return {};
}

std::string host_name() {
  std::array<char, 256> name{};
  return gethostname(name.data(), name.size() - 1) == 0 ? std::string(name.data()) : "";
}

}  // namespace

smi::Outcome<smi::Nvml> open_management() {
  const auto library = management_library();
  if (!library) return smi::failed(kFailed, library.error().message);
  auto nvml = smi::Nvml::open(*library);
  if (nvml) return nvml;
  const std::string fault = fault_of_environment();
  return smi::failed(nvml.error().status, fault.empty() ? nvml.error().message : fault);
}

smi::Outcome<std::string> metrics_text() {
  const auto nvml = open_management();
  if (!nvml) return tl::unexpected(nvml.error());
  const auto gpus = smi::all_gpus(*nvml);
  if (!gpus) return tl::unexpected(gpus.error());
  const auto node = node_of_environment();
  return smi::metrics(*gpus, host_name(), [&](unsigned index) -> std::optional<std::uint64_t> {
    constexpr std::uint64_t kXid = 8;  // as NVML counts events
    if (!node || *node == nullptr) return std::nullopt;
    const auto last = (*node)->last_event(static_cast<int>(index), kXid);
    return last ? *last : std::nullopt;
  });
}

}  // namespace doppel::cli
