// SPDX-License-Identifier: Apache-2.0
// The flags of `doppel smi`. Users know them by the short names of the original, which have several letters:
// `-lgc 1000,1500`. They are turned into the long ones, which are the command's own.
#pragma once

#include <CLI/App.hpp>
#include <string>
#include <vector>

namespace doppel::cli {

struct SmiFlags {
  std::string id;       // -i
  bool list = false;    // -L
  bool query = false;   // -q
  bool xml = false;     // -x
  std::string display;  // -d
  std::string query_gpu, query_apps, query_clocks;
  bool help_gpu = false, help_apps = false, help_clocks = false;
  std::string format;
  std::string file;    // -f
  bool loops = false;  // -l, -lms
  double every_s = 0;
  bool prometheus = false;
  std::string power_limit, lock_clocks, persistence, compute_mode, ecc, mig;
  bool reset_clocks = false;
  bool reset = false;  // -r
  // Of dmon and pmon.
  std::string groups, moments;
  unsigned count = 0;  // 0: for ever
  double delay_s = 1;
  // Of topo and nvlink.
  bool matrix = false;
  std::string peers;
  bool status = false, capabilities = false, errors = false, remotes = false;
  std::string refused;  // a flag that only the original has
};

// The flags and commands of `smi`, whose values go to `flags`.
void add_smi_flags(CLI::App& smi, SmiFlags& flags);

// What stands behind `smi`, with the long name for each short one. What follows `mig` is left as it is.
std::vector<std::string> with_long_names(std::vector<std::string> arguments);

}  // namespace doppel::cli
