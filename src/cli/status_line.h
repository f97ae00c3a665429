// SPDX-License-Identifier: Apache-2.0
// A line on a terminal beside a program that writes to it itself.
#pragma once

#include <cstddef>
#include <string>

namespace doppel::cli {

// It stands in the last row, and the rows above scroll without it (as apt shows its progress): what the
// program writes stays whole, also a line that it has begun, and the cursor is where it left it. Where the
// number of rows is not known, it stands below the cursor. It vanishes with its owner.
class StatusLine {
 public:
  explicit StatusLine(int descriptor) : descriptor_(descriptor) {}
  ~StatusLine() { hide(); }
  StatusLine(const StatusLine&) = delete;
  StatusLine& operator=(const StatusLine&) = delete;

  // In one line of the terminal, cut short where it must be.
  void show(const std::string& text);
  void hide();
  bool visible() const { return !text_.empty(); }

 private:
  void write(const std::string& sequence) const;
  int descriptor_;
  std::string text_;      // shown now
  std::size_t rows_ = 0;  // of the terminal when it was first shown; 0: not known
};

}  // namespace doppel::cli
