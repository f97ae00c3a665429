// SPDX-License-Identifier: Apache-2.0
// Textures and surfaces.
#include "machine/operation_selection.h"

namespace doppel::machine {

using ir::Op;
using ir::Operation;
using ir::TextureLevel;

namespace {

// What the assembler (13.0) calls a fetch: TLD by whole numbers, TXD by gradients, TEX else.
const char* fetch_name(const ir::TextureForm& form) {
  if (form.texels) return "TLD";
  return form.level == TextureLevel::Gradient ? "TXD" : "TEX";
}

MachineOperation& emit_access(OperationBuilder& b, const Operation& in, const char* mnemonic, bool is_store) {
  MachineOperation& operation =
      b.emit(in, mnemonic, Pipe::Texture, is_store ? kNoValue : b.result_of(in), source_values(b, in));
  // A texel of any format; what was touched is the trace's.
  b.add_access(operation, {MemorySpace::Global, is_store, 4});
  for (const ir::Operand& element : in.results) b.add_result(operation, b.value_of(element));
  return operation;
}

}  // namespace

void select_texture(OperationBuilder& b, const Operation& in) {
  switch (in.op) {
    case Op::TextureFetch:
      emit_access(b, in, fetch_name(in.attributes.texture), false);
      return;
    case Op::TextureGather:
      emit_access(b, in, "TLD4", false);
      return;
    case Op::TextureQuery:
      b.emit(in, "TXQ", Pipe::Texture, b.result_of(in), source_values(b, in));
      return;
    case Op::SurfaceLoad:
      emit_access(b, in, "SULD", false);
      return;
    case Op::SurfaceStore:
      emit_access(b, in, "SUST", true);
      return;
    case Op::SurfaceReduce:
      emit_access(b, in, "SURED", true).is_atomic = true;
      return;
    default:
      b.no_rule(in);
  }
}

}  // namespace doppel::machine
