// SPDX-License-Identifier: Apache-2.0
// Standard input for a program that is started several times: every start reads it from its beginning.
#pragma once

#include <sys/types.h>

#include <memory>

namespace doppel::cli {

// A file is read again from where it stood. What comes through a pipe or a socket is kept, in a file without
// a name, as the programs ask for it: one that reads nothing is not made to wait for its end. A terminal is
// left to the program: it asks its user each time.
class InputReplay {
 public:
  explicit InputReplay(int source);
  ~InputReplay();
  InputReplay(const InputReplay&) = delete;
  InputReplay& operator=(const InputReplay&) = delete;

  // Before a program starts: whether it has to read from a pipe of ours; false: from the source itself.
  bool rewind();
  // Feeds the pipe, in a thread of its own, until stop(); takes `pipe` over.
  void start(int pipe);
  void stop();

 private:
  class Pump;
  int source_;
  off_t beginning_ = -1;  // of a file
  std::unique_ptr<Pump> pump_;
};

}  // namespace doppel::cli
