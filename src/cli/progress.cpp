// SPDX-License-Identifier: Apache-2.0
#include "cli/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "cli/compile_watch.h"
#include "cli/execute.h"
#include "cli/output.h"
#include "cli/terminal.h"
#include "report/table.h"

namespace doppel::cli {
namespace {

double seconds_before_compiling_shows() {
  constexpr double kUsual = 1;
  const char* text = std::getenv("DOPPEL_PROGRESS_AFTER_S");
  if (text == nullptr) return kUsual;
  char* end = nullptr;
  const double seconds = std::strtod(text, &end);
  return end != text && *end == '\0' && seconds >= 0 ? seconds : kUsual;
}

}  // namespace

Progress::Progress(std::string what, Beside beside)
    : what_(std::move(what)), compiled_shown_s_(seconds_before_compiling_shows()), compiling_(STDERR_FILENO) {
  if (isatty(STDERR_FILENO) == 0) return;
  appends_ = beside == Beside::Output && isatty(STDOUT_FILENO) != 0;
  rewrites_ = !appends_ && is_live_terminal(STDERR_FILENO);
  appends_ = !rewrites_;
}

void Progress::watch(ExecuteOptions& options) {
  if (rewrites_ || appends_) options.on_tick = [this](double elapsed_s) { tick(elapsed_s); };
  if (!is_live_terminal(STDERR_FILENO)) return;
  options.on_compiling = [this](const std::optional<Compiling>& kernel, double compiled_s) {
    compile(kernel, compiled_s);
  };
}

void Progress::tick(double elapsed_s) {
  if (compiling_.visible()) return;
  if (rewrites_ && elapsed_s >= 3) show(fmt::format("{}: running for {:.0f} s", what_, elapsed_s));
  if (!appends_ || elapsed_s < next_line_s_) return;
  say(stderr, "doppel: {}: running for {:.0f} s\n", what_, elapsed_s);
  next_line_s_ = 2 * elapsed_s;
}

void Progress::compile(const std::optional<Compiling>& kernel, double compiled_s) {
  if (!kernel) return compiling_.hide();
  if (compiled_s < compiled_shown_s_) return;
  clear();
  compiling_.show(
      fmt::format("doppel: compiling kernel {} of {}; cached afterwards", kernel->number, kernel->total));
}

void Progress::show(const std::string& text) {
  if (!rewrites_) return;
  say(stderr, "\r\033[K{}", report::shortened("doppel: " + text, columns_of(STDERR_FILENO) - 1));
  std::fflush(stderr);
  visible_ = true;
}

void Progress::clear() {
  if (!visible_) return;
  say(stderr, "\r\033[K");
  std::fflush(stderr);
  visible_ = false;
}

void Progress::end() {
  compiling_.hide();
  clear();
}

}  // namespace doppel::cli
