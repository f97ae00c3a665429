// SPDX-License-Identifier: Apache-2.0
// The arguments of `doppel smi mig` (smi_mig.h).
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "support/result.h"

namespace doppel::cli {

struct MigRequest {
  enum class What {
    None,
    Mode,
    Profiles,
    Placements,
    ComputeProfiles,
    Create,
    CreateCompute,
    List,
    ListCompute,
    Destroy,
    DestroyCompute
  };
  What what = What::None;
  bool on = false;                    // of Mode
  std::vector<std::string> profiles;  // of Create and CreateCompute
  bool with_compute = false;          // -C
  std::optional<std::vector<int>> gpu_instances, compute_instances;
  std::optional<std::vector<std::string>> cards;
};

// InvalidArgument names what is wrong.
Result<MigRequest> read_mig_arguments(std::span<const std::string> arguments);

// A whole number that is not below 0; nothing: the text is none.
std::optional<int> mig_number(std::string_view text);

}  // namespace doppel::cli
