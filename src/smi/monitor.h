// SPDX-License-Identifier: Apache-2.0
// `dmon` and `pmon`: a line a card, or a process, for each look.
#pragma once

#include <string>
#include <vector>

#include "smi/nvml_client.h"
#include "smi/outcome.h"

namespace doppel::smi {

struct MonitorForm {
  std::string groups;  // letters of -s
  bool date = false;   // of -o: D,
  bool time = false;   // and T
};
// Failures kBadUsage name a letter that is none.
Outcome<void> check_dmon(const MonitorForm& form);
Outcome<void> check_pmon(const MonitorForm& form);

// Two lines with '#': names and units of the columns.
std::string dmon_head(const MonitorForm& form);
std::string pmon_head(const MonitorForm& form);
std::string dmon_lines(const std::vector<Gpu>& gpus, const MonitorForm& form);
std::string pmon_lines(const std::vector<Gpu>& gpus, const MonitorForm& form);

}  // namespace doppel::smi
