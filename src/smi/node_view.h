// SPDX-License-Identifier: Apache-2.0
// `doppel node`: the cards of a node, how they are joined, who uses them, and where they stand.
#pragma once

#include <string>
#include <vector>

#include "smi/nvml_client.h"

namespace doppel::smi {

struct NodeTitle {
  std::string name;  // as DOPPEL_NODE has it
  std::string file;  // of the memory that processes share
  std::string host;  // of the node's description; empty: the plain one
};

std::string node_text(const NodeTitle& title, const std::vector<Gpu>& gpus);
// One object: "node", "file", "host", "cards". What is not known is null.
std::string node_json(const NodeTitle& title, const std::vector<Gpu>& gpus);

}  // namespace doppel::smi
