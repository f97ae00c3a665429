// A line on the terminal that says what long work is at; nothing where standard error is no terminal.
#pragma once

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <functional>
#include <string>

namespace doppel::cli {

class Progress {
 public:
  explicit Progress(std::string what) : what_(std::move(what)), shown_(isatty(STDERR_FILENO) != 0) {}

  // For ChildOptions::on_tick: the line appears after three seconds.
  std::function<void(double)> on_tick() {
    if (!shown_) return nullptr;
    return [this](double elapsed_s) {
      if (elapsed_s >= 3) show(fmt::format("{}: {:.0f} s", what_, elapsed_s));
    };
  }

  void show(const std::string& text) {
    if (!shown_) return;
    fmt::print(stderr, "\r\033[Kdoppel: {}", text);
    std::fflush(stderr);
    visible_ = true;
  }

  void clear() {
    if (visible_) fmt::print(stderr, "\r\033[K");
    std::fflush(stderr);
    visible_ = false;
  }

 private:
  std::string what_;
  bool shown_;
  bool visible_ = false;
};

}  // namespace doppel::cli
