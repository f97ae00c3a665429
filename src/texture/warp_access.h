// SPDX-License-Identifier: Apache-2.0
// The operations of a whole warp on textures and surfaces: what the engine calls.
//
// Operands lie one behind the other: handles of 32 lanes, 64 bits each, the texture's (only the first is read
// where all lanes have the same) and then the sampler's where the form has one; words of 32 lanes, 32 bits
// each; values to store, of 32 bits, or of 64 where the type has so many. Results lie in their place, from
// the first byte on: values of 32 or 64 bits, and last, where the form has it, a word that tells of each lane
// whether all texels were there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "ir/operation.h"
#include "texture/object_table.h"
#include "texture/touched.h"

namespace doppel::texture {

struct WarpRequest {
  ir::Op op = ir::Op::TextureFetch;
  ir::Type type = ir::Type::None;  // of a value
  int values = 4;                  // to load or store
  ir::TextureForm form;
  ir::AtomicOp atomic = ir::AtomicOp::None;
  bool one_handle = false;  // of the texture or surface
  std::uint32_t mask = 0;
  std::byte* operands = nullptr;
};

// Bytes that the operands and results take.
std::size_t operand_bytes(const WarpRequest& request);

// Why the launch ends.
struct AccessFault {
  int lane = 0;
  bool misaligned = false;
  std::uint64_t handle = 0;
  std::string message;
};

// table: null where there are no textures. touched: null where nobody asks.
std::optional<AccessFault> access_textures(const ObjectTable* table, const WarpRequest& request,
                                           Touched* touched);

}  // namespace doppel::texture
