// SPDX-License-Identifier: Apache-2.0
// The box of a tensor that one copy moves: which bytes of global memory and which of shared memory belong
// together (PTX ISA 5.5), and what becomes of an element on its way.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

#include "ir/attributes.h"
#include "ir/tensor_map.h"

namespace doppel::engine {

enum class TensorMove : std::uint8_t { Load, Store, Reduce };

struct TensorBox {
  ir::TensorMap map;
  ir::TensorMode mode = ir::TensorMode::None;
  TensorMove move = TensorMove::Load;
  ir::AtomicOp reduction = ir::AtomicOp::None;
  bool to_cluster = false;                 // a load into .shared::cluster
  std::uint32_t dimensions = 0;            // of the instruction
  std::array<std::int32_t, 5> start{};     // where it begins; of gather4 the column, then the rows
  std::array<std::uint16_t, 3> offsets{};  // of im2col by dimension; of im2col::w the halo and the offset
  std::uint32_t shared = 0;                // its place in the block's shared memory
};

// A row of elements along dimension 0: those from `first` on, so many, are in the tensor, at `address`.
struct TensorRow {
  std::uint64_t address = 0;
  std::uint32_t first = 0, count = 0;
};

// Why the copy cannot be made, in words; empty: it can (9.7.9.25.5.1). Tells of the map, too.
std::string problem_of(const TensorBox& box);

// What follows is of boxes without a problem.

std::uint64_t rows_of(const TensorBox& box);
std::uint32_t row_elements(const TensorBox& box);
// All of it in shared memory, which is what a barrier is told of.
std::uint64_t bytes_of(const TensorBox& box);
// What of shared memory it may touch, from its place on: swizzling moves parts within lines of 128 bytes.
std::uint64_t shared_extent(const TensorBox& box);
std::uint64_t global_bytes(const TensorBox& box, std::uint32_t elements);
// In the order in which they lie in shared memory.
void for_each_row(const TensorBox& box, const std::function<void(const TensorRow&)>& visit);

// Does it; shared: the block's shared memory.
void move_box(const TensorBox& box, std::byte* shared);

}  // namespace doppel::engine
