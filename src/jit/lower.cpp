// SPDX-License-Identifier: Apache-2.0
#include "jit/lower.h"

#include "analysis/lane_transfer.h"
#include "ir/operation.h"
#include "jit/launch_context.h"

namespace doppel::jit {

using ir::Op;
using ir::Operand;
using ir::Operation;
using llvm::Value;

Sources::Sources(FunctionEmitter& emitter, const Operation& operation, bool force_vector)
    : emitter_(emitter), operation_(operation), uniform_(!force_vector) {
  for (const Operand& source : operation.sources)
    uniform_ &= emitter.analysis().operand_pattern(source, 32).is_uniform();
}

Value* Sources::operator()(std::size_t i, ir::Type type) const {
  const Lanes lanes = emitter_.read(operation_.sources[i], type);
  Value* value = uniform_ ? lanes.parts[0] : emitter_.materialize(lanes);
  const int bits = ir::bit_width(type);
  // A relaxed operand may be wider than the form's type (PTX ISA 9.4.1): its low bits count.
  if (static_cast<int>(value->getType()->getScalarSizeInBits()) != bits)
    value = emitter_.resize(value, bits, false);
  return value;
}

bool lower_pattern(FunctionEmitter& emitter, const Operation& operation) {
  if (!analysis::may_have_pattern(operation)) return false;
  const analysis::LanePattern& target = emitter.analysis().pattern(operation.results[0].reg);
  for (std::size_t i = 0; i < operation.sources.size(); ++i) {
    const int bits = analysis::pattern_source_bits(operation, i);
    if (!emitter.analysis().operand_pattern(operation.sources[i], bits).is_parts()) return false;
  }
  const auto operand = [&](std::size_t i) {
    return emitter.read(operation.sources[i], analysis::pattern_source_bits(operation, i));
  };
  const auto window = [&](ir::Space space) { return emitter.launch().window_base(space); };
  std::optional<Lanes> result = analysis::transfer_pattern(emitter.scalars(), operation, operand, window);
  if (!result || result->pattern.bits != target.bits) return false;
  if (target.is_parts() && !result->pattern.same_shape(target)) return false;
  emitter.write(operation.results[0], std::move(*result));
  return true;
}

void lower(FunctionEmitter& emitter, const Operation& operation) {
  if (lower_asynchronous(emitter, operation)) return;
  for (const ir::Access& access : operation.accesses) {
    if (access.completion != ir::Completion::None) emitter.unsupported(operation, "an asynchronous access");
  }
  using Lowering = bool (*)(FunctionEmitter&, const Operation&);
  constexpr Lowering kGroups[] = {
      lower_move,    lower_integer, lower_bits,   lower_float,         lower_transcendental,
      lower_compare, lower_convert, lower_memory, lower_matrix_memory, lower_texture,
      lower_atomic,  lower_warp,    lower_call};
  for (Lowering group : kGroups) {
    if (group(emitter, operation)) return;
  }
  emitter.unsupported(operation);
}

}  // namespace doppel::jit
