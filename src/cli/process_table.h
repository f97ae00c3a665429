// SPDX-License-Identifier: Apache-2.0
// What /proc says of processes.
#pragma once

#include <sys/types.h>

#include <utility>
#include <vector>

namespace doppel::cli {

// Each process with its parent.
std::vector<std::pair<pid_t, pid_t>> parents();

// Gone, or dead and not yet waited for.
bool has_ended(pid_t process);

}  // namespace doppel::cli
