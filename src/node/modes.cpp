// SPDX-License-Identifier: Apache-2.0
// Who may use a card.
#include <fmt/format.h>

#include "node/node.h"

namespace doppel::node {

Result<void> Node::set_compute_mode(int card, ComputeMode mode) {
  auto shared = file_.lock();
  if (!shared) return tl::unexpected(shared.error());
  if (!has(**shared, card)) return no_card(card);
  (*shared)->card[static_cast<std::size_t>(card)].compute_mode = static_cast<std::int32_t>(mode);
  return {};
}

Result<void> Node::check_compute_mode(const Shared& shared, int card, int pid) {
  const auto mode = static_cast<ComputeMode>(shared.card[static_cast<std::size_t>(card)].compute_mode);
  if (mode == ComputeMode::Prohibited)
    return fail(Error::Kind::NotPermitted,
                fmt::format("card {}: its compute mode lets no process use it", card));
  if (mode != ComputeMode::ExclusiveProcess) return {};
  for (const ClientEntry& client : clients(shared)) {
    if (client.pid != 0 && client.pid != pid && client.card == card) {
      return fail(
          Error::Kind::NotPermitted,
          fmt::format("card {}: its compute mode lets one process use it, which is {}", card, client.pid));
    }
  }
  return {};
}

}  // namespace doppel::node
