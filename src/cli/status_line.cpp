// SPDX-License-Identifier: Apache-2.0
#include "cli/status_line.h"

#include <fmt/format.h>
#include <unistd.h>

#include "cli/terminal.h"

namespace doppel::cli {
namespace {

// Control sequences of the VT100 that every terminal has taken over (ECMA-48; DEC VT100 manual, chapter 3).
constexpr std::string_view kSave = "\0337";            // DECSC: the cursor's place
constexpr std::string_view kRestore = "\0338";         // DECRC
constexpr std::string_view kEraseLine = "\r\033[K";    // EL
constexpr std::string_view kDown = "\033[B";           // CUD
constexpr std::string_view kAllRows = "\033[r";        // DECSTBM: all of them scroll
constexpr std::string_view kRowBelow = "\033D\033[A";  // IND, CUU: there is a row below the cursor's
constexpr std::size_t kLeastRows = 3;

}  // namespace

void StatusLine::show(const std::string& text) {
  const std::string line = text.substr(0, columns_of(descriptor_) - 1);
  const std::size_t rows = rows_of(descriptor_);
  if (visible() && rows != rows_) hide();  // the window has another size now
  if (line == text_ || line.empty()) return;
  const bool first = !visible();
  text_ = line;
  rows_ = rows;
  std::string sequence;
  if (first) sequence += kRowBelow;
  if (rows_ >= kLeastRows) {
    if (first) sequence += fmt::format("{}\033[1;{}r{}", kSave, rows_ - 1, kRestore);
    write(fmt::format("{}{}\033[{};1H{}{}{}", sequence, kSave, rows_, kEraseLine, line, kRestore));
  } else {
    write(fmt::format("{}{}{}{}{}{}", sequence, kSave, kDown, kEraseLine, line, kRestore));
  }
}

void StatusLine::hide() {
  if (!visible()) return;
  text_.clear();
  if (rows_ >= kLeastRows) {
    write(fmt::format("{}\033[{};1H{}{}{}", kSave, rows_, kEraseLine, kAllRows, kRestore));
  } else {
    write(fmt::format("{}{}{}{}", kSave, kDown, kEraseLine, kRestore));
  }
}

// In one call, so that the program's own output comes before or after it.
void StatusLine::write(const std::string& sequence) const {
  (void)!::write(descriptor_, sequence.data(), sequence.size());
}

}  // namespace doppel::cli
