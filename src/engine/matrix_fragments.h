// SPDX-License-Identifier: Apache-2.0
// Matrices of a warp, from and to the registers of its lanes (ir::place_in_a and its neighbours say where).
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>

namespace doppel::engine {

inline constexpr int kLanes = 32;
inline constexpr int kColumns = 8;  // of every form
inline constexpr int kMostRows = 16;
inline constexpr int kMostWords = 8;  // of 32 bits, along k: 256 bits of every form but those of f64

// Rows of words along k: of A the rows, of B the columns.
template <typename Word>
struct Words {
  Word at[kMostRows][2 * kMostWords];
};

// Four lanes hold a row of eight, a word each; rows beyond the eighth and words beyond the fourth stand in
// further registers (ir::place_in_a).
template <typename Word>
void take_rows(const std::byte* fragment, int registers, int rows, Words<Word>& words) {
  const int halves = rows > 8 ? 2 : 1;
  for (int r = 0; r < registers; ++r) {
    const int row = r % halves * 8, word = r / halves * 4;
    for (int lane = 0; lane < kLanes; ++lane) {
      std::memcpy(&words.at[row + lane / 4][word + lane % 4], fragment + (r * kLanes + lane) * sizeof(Word),
                  sizeof(Word));
    }
  }
}

template <typename Number>
struct Tile {
  Number at[kMostRows][kColumns];
};

// C and D: element e of a register of lane l (ir::place_in_c).
template <typename Number>
inline constexpr int kInRegister = sizeof(Number) < 4 ? 4 / static_cast<int>(sizeof(Number)) : 1;

template <typename Number, typename Visit>
void for_each_of_c(int rows, Visit&& visit) {
  for (int row = 0; row < rows; ++row) {
    for (int column = 0; column < kColumns; ++column) {
      const int lane = row % 8 * 4 + column / 2;
      const int number = row / 8 * 2 + column % 2;
      const int reg = number / kInRegister<Number>, element = number % kInRegister<Number>;
      visit(row, column,
            (reg * kLanes + lane) * std::max<int>(4, sizeof(Number)) +
                element * static_cast<int>(sizeof(Number)));
    }
  }
}

template <typename Number>
void take_c(const std::byte* fragment, int rows, Tile<Number>& tile) {
  for_each_of_c<Number>(rows, [&](int row, int column, int offset) {
    std::memcpy(&tile.at[row][column], fragment + offset, sizeof(Number));
  });
}

template <typename Number>
void put_d(const Tile<Number>& tile, int rows, std::byte* fragment) {
  for_each_of_c<Number>(rows, [&](int row, int column, int offset) {
    std::memcpy(fragment + offset, &tile.at[row][column], sizeof(Number));
  });
}

}  // namespace doppel::engine
