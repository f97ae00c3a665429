#include "cli/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>

#include "cli/output.h"
#include "cli/terminal.h"
#include "report/table.h"

namespace doppel::cli {

Progress::Progress(std::string what, Beside beside) : what_(std::move(what)) {
  if (isatty(STDERR_FILENO) == 0) return;
  appends_ = beside == Beside::Output && isatty(STDOUT_FILENO) != 0;
  rewrites_ = !appends_ && is_live_terminal(STDERR_FILENO);
  appends_ = !rewrites_;
}

std::function<void(double)> Progress::on_tick() {
  if (!rewrites_ && !appends_) return nullptr;
  return [this](double elapsed_s) {
    if (rewrites_ && elapsed_s >= 3) show(fmt::format("{}: running for {:.0f} s", what_, elapsed_s));
    if (!appends_ || elapsed_s < next_line_s_) return;
    say(stderr, "doppel: {}: running for {:.0f} s\n", what_, elapsed_s);
    next_line_s_ = 2 * elapsed_s;
  };
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

}  // namespace doppel::cli
