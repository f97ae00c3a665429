// SPDX-License-Identifier: Apache-2.0
#include "engine/matrix_sparsity.h"

#include <cstring>

namespace doppel::engine {
namespace {

// Where the four bits of a chunk of a row are.
struct Place {
  int lane, bit;
};

// The four lanes of a row and of the eighth behind it hold the metadata of both, as many lanes as those take:
// one has a row in each half; two of 16 and 32 bits have half of each row in each half, others a row each,
// and of all four the two behind have the second half of the rows. Fewer than four: those that the selector
// says. wide: elements of at least 16 bits.
Place place_of(bool wide, int row, int chunk, int chunks, int selector) {
  const int group = row % 8 * 4, below = row / 8;
  if (chunks == 4) return {group + selector % 4, below * 16 + chunk * 4};
  const int lane = group + (chunks == 8 ? selector % 2 * 2 : chunk / 8 * 2);
  if (wide) return {lane + chunk / 4, below * 16 + chunk % 4 * 4};
  return {lane + below, chunk % 8 * 4};
}

std::uint32_t word_at(const std::byte* registers, int index) {
  std::uint32_t word = 0;
  std::memcpy(&word, registers + static_cast<std::size_t>(index) * sizeof(word), sizeof(word));
  return word;
}

// Sixteen bytes of all rows, one behind the other, then the next sixteen: two registers of the fragment.
std::size_t place_in_rows(int row, int byte) {
  return static_cast<std::size_t>((byte / 16 * kMostRows + row) * 16 + byte % 16);
}

// A chunk is a Dense, of which there are two of the four elements, or one of two of 32 bits. `wide`: as
// above.
template <typename Element, typename Dense, bool wide>
bool expand(int rows, int chunks, const std::byte* fragment, const std::byte* metadata, std::byte* dense) {
  constexpr int kOf = sizeof(Dense) / sizeof(Element), kBits = 8 * sizeof(Element);
  constexpr int kKept = kOf / 2;
  const auto selector = static_cast<int>(word_at(metadata, kLanes) & 3);
  for (int row = 0; row < rows; ++row) {
    for (int chunk = 0; chunk < chunks; ++chunk) {
      const Place place = place_of(wide, row, chunk, chunks, selector);
      const std::uint32_t code = word_at(metadata, place.lane) >> place.bit & 15;
      Element elements[kKept];
      std::memcpy(elements, fragment + place_in_rows(row, chunk * kKept * static_cast<int>(sizeof(Element))),
                  sizeof elements);
      Dense all = 0;
      if constexpr (kKept == 1) {
        all = Dense{elements[0]} << kBits * ((code & 3) / 2);
      } else {
        const std::uint32_t first = code & 3, second = code >> 2;
        if (first == second) return false;
        all = static_cast<Dense>(Dense{elements[0]} << kBits * first | Dense{elements[1]} << kBits * second);
      }
      std::memcpy(dense + place_in_rows(row, chunk * static_cast<int>(sizeof(Dense))), &all, sizeof all);
    }
  }
  return true;
}

}  // namespace

KeptColumns all_columns(const ir::MatrixForm& form) {
  KeptColumns kept;
  for (auto& row : kept.at) {
    for (int k = 0; k < form.k && k < kMostKept; ++k) row[k] = static_cast<std::uint8_t>(k);
  }
  return kept;
}

KeptColumns kept_columns(const ir::MatrixForm& form, const std::byte* metadata) {
  const int bits = form.bits_of(form.a);
  const int of_chunk = bits == 32 ? 2 : bits == 4 ? 8 : 4;  // columns
  const int chunks = form.k / of_chunk;
  const auto selector = static_cast<int>(word_at(metadata, kLanes) & 3);
  KeptColumns kept;
  for (int row = 0; row < form.m; ++row) {
    std::uint8_t* next = kept.at[row];
    for (int chunk = 0; chunk < chunks; ++chunk) {
      const Place place = place_of(bits >= 16, row, chunk, chunks, selector);
      const std::uint32_t code = word_at(metadata, place.lane) >> place.bit;
      const auto keep = [&](std::uint32_t column) {
        *next++ = static_cast<std::uint8_t>(static_cast<std::uint32_t>(chunk * of_chunk) + column);
      };
      if (bits == 32) {
        keep((code & 3) / 2);
        continue;
      }
      for (const std::uint32_t index : {code & 3, code >> 2 & 3}) {
        if (bits == 4) {
          keep(2 * index);
          keep(2 * index + 1);
        } else {
          keep(index);
        }
      }
    }
  }
  return kept;
}

bool expand_sparse(const ir::MatrixForm& form, const std::byte* fragment, const std::byte* metadata,
                   std::byte* dense) {
  switch (form.bits_of(form.a)) {
    case 4:  // in pairs
      return expand<std::uint8_t, std::uint32_t, false>(form.m, form.k / 8, fragment, metadata, dense);
    case 8:
      return expand<std::uint8_t, std::uint32_t, false>(form.m, form.k / 4, fragment, metadata, dense);
    case 16:
      return expand<std::uint16_t, std::uint64_t, true>(form.m, form.k / 4, fragment, metadata, dense);
    case 32:
      return expand<std::uint32_t, std::uint64_t, true>(form.m, form.k / 2, fragment, metadata, dense);
    default:
      return false;
  }
}

}  // namespace doppel::engine
