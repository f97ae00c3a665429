// SPDX-License-Identifier: Apache-2.0
// `doppel smi mig`: MIG of a node's cards, in the words and tables of `nvidia-smi mig`.
#pragma once

#include <cstdio>
#include <span>
#include <string>

namespace doppel::cli {

// What stands behind `mig`:
// - `-mig 0|1`: turns the mode off or on.
// - `-lgip`, `-lgipp`, `-lcip`: profiles of GPU instances, their placements, profiles of compute instances.
// - `-cgi PROFILE[:START],... [-C]`: makes GPU instances, by numbers or names of profiles; `-C`: each with a
//   compute instance of all of it.
// - `-cci [PROFILE,...] [-gi ID,...]`: makes compute instances; without a profile, of all of each.
// - `-lgi`, `-lci`: lists instances.
// - `-dci [-ci ID,...] [-gi ID,...]`, `-dgi [-gi ID,...]`: destroys them; all, where none are named.
// - `-i CARD,...`: on these cards, by number or UUID; else on all.
// Of the node that DOPPEL_NODE names, with the cards of DOPPEL_CARDS. Returns the exit status: 0; else, as
// nvidia-smi, NVML's code of what went wrong (2: bad usage, 3: not supported, 6: not found, 19: in use, 23:
// no room); 125: the node cannot be used.
int smi_mig(std::span<const std::string> arguments, std::FILE* out);

}  // namespace doppel::cli
