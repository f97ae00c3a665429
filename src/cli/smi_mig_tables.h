// SPDX-License-Identifier: Apache-2.0
// What the parts of `doppel smi mig` (smi_mig.h) share, and its tables.
#pragma once

#include <cstdio>
#include <vector>

#include "card/card.h"
#include "cli/smi_mig_arguments.h"
#include "node/partitions.h"

namespace doppel::cli {

// NVML's codes, which are the exit status, and its words.
struct MigOutcome {
  int code = 0;
  const char* words = "";
};
namespace mig {
inline constexpr MigOutcome kGood{}, kBadUse{2, "Invalid Argument"}, kNotSupported{3, "Not Supported"},
    kNotFound{6, "Not Found"}, kInUse{19, "In use by another client"}, kNoRoom{23, "Insufficient Resources"},
    kUnusable{125, "Unknown Error"};
}  // namespace mig
MigOutcome mig_outcome(const Error& error);

struct MigCard {
  int number = 0;
  card::Card hardware;
};

struct MigWork {
  node::Node& node;
  const MigRequest& asked;
  std::FILE* out;
  node::Partitions of(const MigCard& card) const { return {node, card.number, card.hardware}; }
  // The GPU instances of the card that are asked for: all, where none are named.
  Result<std::vector<node::GpuInstance>> chosen(const MigCard& card) const;
};

// NVML's number of a profile of compute instances with so many slices.
int compute_profile_number(int slices);

// One of the lists, of these cards; returns the exit status.
int list_mig(const MigWork& work, const std::vector<MigCard>& cards);

}  // namespace doppel::cli
