// SPDX-License-Identifier: Apache-2.0
#include "cli/process_table.h"

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>

namespace doppel::cli {
namespace {

struct Status {
  char state = 0;  // as ps shows it
  pid_t parent = 0;
};

std::optional<Status> read_status(const std::filesystem::path& folder) {
  std::ifstream in(folder / "stat");
  std::string line;
  std::getline(in, line);
  const std::size_t end_of_name = line.rfind(')');  // names may hold anything, ')' too
  if (end_of_name == std::string::npos) return std::nullopt;
  Status status;
  if (std::sscanf(line.c_str() + end_of_name + 1, " %c %d", &status.state, &status.parent) != 2)
    return std::nullopt;
  return status;
}

}  // namespace

std::vector<std::pair<pid_t, pid_t>> parents() {
  std::vector<std::pair<pid_t, pid_t>> out;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/proc", error)) {
    const std::string name = entry.path().filename().string();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    if (const auto status = read_status(entry.path()))
      out.emplace_back(static_cast<pid_t>(std::stol(name)), status->parent);
  }
  return out;
}

bool has_ended(pid_t process) {
  const auto status = read_status("/proc/" + std::to_string(process));
  return !status || status->state == 'Z' || status->state == 'X';
}

}  // namespace doppel::cli
