// SPDX-License-Identifier: Apache-2.0
#include "cli/metrics_text.h"

#include <unistd.h>

#include <array>
#include <cstdlib>
#include <memory>
#include <optional>

#include "node/node.h"
#include "smi/metrics.h"

namespace doppel::cli {
namespace {

std::string host_name() {
  std::array<char, 256> name{};
  return gethostname(name.data(), name.size() - 1) == 0 ? std::string(name.data()) : "";
}

// Null: the process's cards are its own, and no program has met an error on them.
std::shared_ptr<node::Node> node_of_environment() {
  const char* const name = std::getenv("DOPPEL_NODE");
  if (name == nullptr || *name == '\0' || std::string_view(name) == "off") return nullptr;
  auto node = node::Node::open(name);
  return node ? *node : nullptr;
}

}  // namespace

Result<std::string> metrics_text(const std::filesystem::path& library) {
  const auto nvml = smi::Nvml::open(library);
  const auto gpus = nvml ? smi::all_gpus(*nvml) : tl::unexpected(nvml.error());
  if (!gpus) return fail(Error::Kind::Io, gpus.error().message);
  const auto node = node_of_environment();
  return smi::metrics(*gpus, host_name(), [&](unsigned index) -> std::optional<std::uint64_t> {
    constexpr std::uint64_t kXid = 8;  // as NVML counts events
    if (node == nullptr) return std::nullopt;
    const auto last = node->last_event(static_cast<int>(index), kXid);
    return last ? *last : std::nullopt;
  });
}

}  // namespace doppel::cli
