// SPDX-License-Identifier: Apache-2.0
#include "device/node_defaults.h"

#include "node/node.h"

namespace doppel::device {

Result<void> take_from_node(Options& options) {
  if (options.node.empty()) return {};
  const auto node = node::Node::open(options.node);
  if (!node) return tl::unexpected(node.error());
  if (options.host.empty()) {
    auto host = (*node)->host();
    if (!host) return tl::unexpected(host.error());
    options.host = std::move(*host);
  }
  if (options.names_cards) return {};
  const auto count = (*node)->card_count();
  if (!count) return tl::unexpected(count.error());
  if (*count == 0) return {};
  options.cards.clear();
  for (int number = 0; number < *count; ++number) {
    auto name = (*node)->name(number);
    if (!name) return tl::unexpected(name.error());
    options.cards.push_back(std::move(name->reference));
  }
  return {};
}

}  // namespace doppel::device
