// What a terminal shows of long work; nothing where standard error is no terminal.
#pragma once

#include <functional>
#include <string>

namespace doppel::cli {

class Progress {
 public:
  // Where the work itself may write to this terminal, a line that is rewritten would mix with it: whole
  // lines, ever fewer of them, stand in its place.
  enum class Beside : bool { Nothing, Output };
  Progress(std::string what, Beside beside);
  ~Progress() { clear(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // For ChildOptions::on_tick. A line is rewritten each second from the third on; whole lines come after ten
  // seconds, and then each time as much time again has passed.
  std::function<void(double)> on_tick();

  // Rewrites the line.
  void show(const std::string& text);
  void clear();

 private:
  std::string what_;
  bool rewrites_ = false;
  bool appends_ = false;
  bool visible_ = false;
  double next_line_s_ = 10;
};

}  // namespace doppel::cli
