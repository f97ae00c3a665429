// SPDX-License-Identifier: Apache-2.0
// One execution of a program on a double: environment, record folder, child, and what the records say.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "card/card.h"
#include "report/report.h"
#include "support/result.h"

namespace doppel::cli {

struct Compiling;
class InputReplay;

// The flags that `run`, `compare` and `bench` share.
struct ExecuteOptions {
  int devices = 1;           // cards of the same kind that the program sees
  bool nvlink = false;       // bridges join the cards two by two
  std::optional<bool> ecc;   // of all cards; none: as the card's file has it
  double power_limit_w = 0;  // of all cards; 0: the card's own
  bool virtual_clock = false;
  std::string host_part;  // device/host_part.h; empty: each run has its own
  std::optional<std::string>
      timing;                  // "fast", "full", "off"; none: the environment's, else the library's default
  std::string driver_version;  // "12.4"; empty: the library's default
  bool check = false;
  bool predict_only = false;
  std::string dump_after;  // PASS[:KERNEL],...; empty: nothing
  std::string dump_directory = "doppel-dump";
  bool time_passes = false;
  bool timeline = false;  // every kernel and copy is kept with its place, for a trace
  std::optional<double> timeout_s;
  std::function<void(const std::string&)> on_output;  // takes the program's standard output
  std::function<void(double elapsed_s)> on_tick;
  std::function<void(const std::optional<Compiling>& kernel, double compiled_s)> on_compiling;
  bool output_to_error = false;  // the program's standard output goes where standard error goes
  std::map<std::string, std::string> variables;  // of the program's environment, over what else is set there
  InputReplay* input = nullptr;                  // the program's standard input; null: this process's own
};

// The cards that the program sees.
std::vector<card::Card> devices_of(const std::vector<card::Card>& cards, const ExecuteOptions& options);

struct Execution {
  report::Run run;
  bool interrupted = false;
};

// Runs `command` with `cards` as its devices. Errors are of this installation, of the command, or of the
// records; the program's own failure is in `run.exit`.
Result<Execution> execute(const std::vector<std::string>& command, const std::vector<card::Card>& cards,
                          const ExecuteOptions& options);

// ExecuteOptions::host_part of the run on the card with this index: the first keeps the program's own part in
// the folder, the others take it from there.
std::string shared_host_part(std::size_t card, const std::filesystem::path& folder);

// "RTX A6000" for "NVIDIA RTX A6000".
std::string short_name(const card::Card& card);
std::string without_vendor(const std::string& name);

}  // namespace doppel::cli
