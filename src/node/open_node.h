// SPDX-License-Identifier: Apache-2.0
// The node that the environment names, with the process's cards on it.
#pragma once

#include <memory>

#include "node/node.h"
#include "support/result.h"

namespace doppel::node {

// DOPPEL_NODE (shared_file.h), else a node of this process; with the cards of DOPPEL_CARDS or DOPPEL_CARD, or
// "rtx-a6000" where there is none, and the bridges of DOPPEL_NVLINK. Errors as of Node::open and Node::card;
// NotFound names an unknown card.
Result<std::shared_ptr<Node>> open_by_environment();

// Whether DOPPEL_NODE names one, which others share.
bool environment_names_node();

}  // namespace doppel::node
