// SPDX-License-Identifier: Apache-2.0
#include "cli/smi_reset.h"

#include <fmt/format.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include "node/ecc.h"
#include "node/node.h"
#include "node/process_life.h"
#include "smi/value.h"

namespace doppel::cli {

using smi::Gpu;
using smi::Outcome;
using smi::Said;

Outcome<Said> smi_reset(const std::vector<Gpu>& gpus) {
  const char* const name = std::getenv("DOPPEL_NODE");
  if (name == nullptr || *name == '\0' || std::string_view(name) == "off")
    return smi::failed(smi::kBadUsage,
                       "-r: DOPPEL_NODE names no node, and these cards are this command's own");
  const auto node = node::Node::open(name);
  if (!node) return smi::failed(smi::status_of(NVML_ERROR_UNKNOWN), node.error().message);
  Said said;
  std::string left;
  int users = 0;
  for (const Gpu& gpu : gpus) {
    const auto done = node::Ecc(*node, static_cast<int>(gpu.index())).reset(node::wall_ns());
    if (done) {
      said.text += fmt::format("GPU {} was successfully reset.\n", gpu.bus_id());
      continue;
    }
    const bool is_used = done.error().kind == Error::Kind::NotPermitted;
    if (is_used) ++users;
    left += fmt::format("  GPU {}: {}\n", gpu.bus_id(),
                        is_used ? smi::words_for(NVML_ERROR_IN_USE) : done.error().message);
    said.status = smi::status_of(is_used ? NVML_ERROR_IN_USE : NVML_ERROR_UNKNOWN);
  }
  if (left.empty()) {
    said.text += "All done.\n";
    return said;
  }
  said.text += "The following GPUs could not be reset:\n" + left;
  if (users > 0)
    said.text +=
        fmt::format("\n{} device{} currently being used by one or more processes. End these first.\n", users,
                    users == 1 ? " is" : "s are");
  return said;
}

}  // namespace doppel::cli
