// SPDX-License-Identifier: Apache-2.0
// What a process takes from its node where it does not say otherwise: cards, and the host.
#pragma once

#include "device/options.h"
#include "support/result.h"

namespace doppel::device {

// Where `options` name no cards, those of the node, if it has any; where they name no host, that of the node.
// Errors as of Node::open.
Result<void> take_from_node(Options& options);

}  // namespace doppel::device
