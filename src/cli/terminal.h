// SPDX-License-Identifier: Apache-2.0
// What a terminal is like: how wide, and whether a line on it may be rewritten.
#pragma once

#include <cstddef>

namespace doppel::cli {

// Characters of a line of this output: COLUMNS where it is set, else the terminal's own, else
// report::kUsualWidth.
std::size_t columns_of(int descriptor);

// Rows of this terminal, or 0 where they are not known.
std::size_t rows_of(int descriptor);

// Whether output is for somebody who watches a terminal that can rewrite a line (TERM is not "dumb").
bool is_live_terminal(int descriptor);

}  // namespace doppel::cli
