// SPDX-License-Identifier: Apache-2.0
// What a terminal shows of long work; nothing where standard error is no terminal.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "cli/status_line.h"

namespace doppel::cli {

struct Compiling;
struct ExecuteOptions;

class Progress {
 public:
  // Where the work itself may write to this terminal, a line that is rewritten would mix with it: whole
  // lines, ever fewer of them, stand in its place.
  enum class Beside : bool { Nothing, Output };
  Progress(std::string what, Beside beside);
  ~Progress() { end(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // Shows how the execution goes on; this outlives it.
  void watch(ExecuteOptions& options);

  // Rewrites the line.
  void show(const std::string& text);
  void clear();
  // Nothing is shown any more.
  void end();

 private:
  // A line is rewritten each second from the third on; whole lines come after ten seconds, and then each time
  // as much time again has passed.
  void tick(double elapsed_s);
  // From the second on that was spent in compiling (DOPPEL_PROGRESS_AFTER_S).
  void compile(const std::optional<Compiling>& kernel, double compiled_s);

  std::string what_;
  bool rewrites_ = false;
  bool appends_ = false;
  bool visible_ = false;
  double next_line_s_ = 10;
  double compiled_shown_s_;
  StatusLine compiling_;
};

}  // namespace doppel::cli
