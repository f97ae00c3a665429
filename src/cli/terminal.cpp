// SPDX-License-Identifier: Apache-2.0
#include "cli/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>
#include <string_view>

#include "report/table.h"

namespace doppel::cli {

std::size_t columns_of(int descriptor) {
  constexpr long kLeast = 20;
  constexpr long kMost = 10000;
  if (const char* text = std::getenv("COLUMNS"); text != nullptr) {
    char* end = nullptr;
    const long columns = std::strtol(text, &end, 10);
    if (end != text && *end == '\0' && columns >= kLeast && columns <= kMost)
      return static_cast<std::size_t>(columns);
  }
  winsize size{};
  if (isatty(descriptor) != 0 && ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col >= kLeast)
    return size.ws_col;
  return report::kUsualWidth;
}

std::size_t rows_of(int descriptor) {
  winsize size{};
  return ioctl(descriptor, TIOCGWINSZ, &size) == 0 ? size.ws_row : 0;
}

bool is_live_terminal(int descriptor) {
  const char* kind = std::getenv("TERM");
  return isatty(descriptor) != 0 && kind != nullptr && std::string_view(kind) != "dumb";
}

}  // namespace doppel::cli
