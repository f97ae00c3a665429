// SPDX-License-Identifier: Apache-2.0
// Runs the user's program: its status, its end by signals, by a time limit, or because the user asked for it.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "support/result.h"

namespace doppel::cli {

class CompileWatch;
struct Compiling;
class InputReplay;

struct ChildOptions {
  std::vector<std::string> command;                // program and arguments; the program is looked up in PATH
  std::map<std::string, std::string> environment;  // set on top of this process's own
  // Host time, without that in which kernels were compiled; the child and its descendants are ended then.
  std::optional<double> timeout_s;
  // Takes the child's standard output instead of the terminal, piece by piece.
  std::function<void(const std::string&)> on_output;
  std::function<void(double elapsed_s)> on_tick;  // about once a second
  CompileWatch* compiling = nullptr;  // hears of the child's compilations; null: they are not known
  // What is compiled, or nothing, and for how long anything was in all: several times a second while it is.
  std::function<void(const std::optional<Compiling>& kernel, double compiled_s)> on_compiling;
  bool output_to_error = false;  // the child's standard output goes where standard error goes
  InputReplay* input = nullptr;  // its standard input; null: this process's own
};

struct ChildResult {
  int status = 0;            // exit status, or 128 + signal
  int signal = 0;            // that ended it; 0: none
  bool timed_out = false;    // status is 124 then
  bool interrupted = false;  // this process got SIGINT, SIGTERM or SIGHUP
  double wall_s = 0;
};

// Waits for the child. While it runs, SIGINT, SIGTERM and SIGHUP of this process reach the child, which then
// has a second and a half to end; what is left of it and its descendants is killed. When this process ends in
// any way, SIGKILL too, the child is killed. Errors: NotFound (no such program), InvalidArgument (not
// executable), Io.
Result<ChildResult> run_child(const ChildOptions& options);

}  // namespace doppel::cli
