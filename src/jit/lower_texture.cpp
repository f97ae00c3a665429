// SPDX-License-Identifier: Apache-2.0
// Textures and surfaces (PTX ISA 9.7.10, 9.7.11): by the engine, a warp at a time. Operands and results lie
// as texture/warp_access.h says.
#include <algorithm>

#include "jit/lane_functions.h"
#include "jit/launch_context.h"
#include "jit/lower.h"

namespace doppel::jit {

using ir::Op;
using ir::Operation;
using ir::Type;
using llvm::Value;

namespace {

constexpr std::uint64_t kHandleBytes = std::uint64_t{kWarpLanes} * 8,
                        kWordBytes = std::uint64_t{kWarpLanes} * 4;

class TextureCall {
 public:
  TextureCall(FunctionEmitter& emitter, const Operation& operation)
      : emitter_(emitter), operation_(operation), b_(emitter.b()), form_(operation.attributes.texture) {}

  void emit() {
    ScratchSlots scratch(emitter_);
    memory_ = scratch.take(bytes());
    store_sources();
    call();
    load_results();
  }

 private:
  bool writes() const { return operation_.op == Op::SurfaceStore || operation_.op == Op::SurfaceReduce; }
  int value_bits() const { return ir::bit_width(operation_.type) == 64 ? 64 : 32; }

  // Of all operands, or of all results where they are more.
  std::uint64_t bytes() const {
    const std::size_t handles = form_.sampler ? 2 : 1;
    const std::uint64_t value = value_bits() == 64 ? kHandleBytes : kWordBytes;
    std::uint64_t sources = handles * kHandleBytes;
    for (std::size_t i = handles; i < operation_.sources.size(); ++i)
      sources += writes() ? value : kWordBytes;
    return std::max(sources, operation_.results.size() * value + kWordBytes);
  }

  Value* place(std::uint64_t bytes) { return b_.CreateConstInBoundsGEP1_64(b_.getInt8Ty(), memory_, bytes); }

  void store_sources() {
    const std::size_t handles = form_.sampler ? 2 : 1;
    const std::size_t words = operation_.op == Op::TextureQuery
                                  ? (form_.level == ir::TextureLevel::Level ? 1 : 0)
                                  : static_cast<std::size_t>(form_.words());
    std::uint64_t at = 0;
    for (std::size_t i = 0; i < operation_.sources.size(); ++i) {
      const bool is_value = i >= handles + words;
      const int bits = i < handles ? 64 : is_value ? value_bits() : 32;
      const Type type = i < handles ? Type::B64 : is_value ? operation_.type : Type::B32;
      const Lanes lanes = emitter_.read(operation_.sources[i], type);
      if (i == 0) one_handle_ = lanes.pattern.is_uniform();
      Value* source = i == 0 && one_handle_ ? lanes.parts[0] : emitter_.materialize(lanes);
      b_.CreateStore(emitter_.resize(source, bits, false), place(at));
      at += bits == 64 ? kHandleBytes : kWordBytes;
    }
  }

  void call() {
    const std::size_t values = writes() ? operation_.sources.size() - (form_.sampler ? 2 : 1) -
                                              static_cast<std::size_t>(form_.words())
                                        : operation_.results.size() - (form_.resident ? 1 : 0);
    const TextureOperation what{operation_.op, operation_.type, static_cast<std::uint8_t>(values),
                                operation_.attributes.atomic_op, one_handle_};
    llvm::Type* word = b_.getInt32Ty();
    emitter_.launch().callback(
        offsetof(RuntimeCallbacks, access_textures),
        llvm::FunctionType::get(b_.getVoidTy(),
                                {b_.getPtrTy(), word, word, word, word, b_.getInt64Ty(), word, b_.getPtrTy()},
                                false),
        {emitter_.launch().context(), emitter_.lanes().mask(), emitter_.i32(emitter_.function_id()),
         emitter_.i32(emitter_.instruction_index()), emitter_.i32(emitter_.operation_number()),
         b_.getInt64(ir::packed(form_)), emitter_.i32(packed(what)), memory_});
  }

  void load_results() {
    std::uint64_t at = 0;
    const std::size_t count = operation_.results.size();
    for (std::size_t i = 0; i < count; ++i) {
      const ir::Operand& result = operation_.results[i];
      const bool predicate = operation_.type == Type::Pred || (form_.resident && i + 1 == count);
      const int bits = predicate ? 32 : value_bits();
      if (result.is_register()) {
        Value* value = b_.CreateLoad(emitter_.int_type(bits, false), place(at));
        if (predicate) {
          value = b_.CreateICmpNE(value, emitter_.constant(value->getType(), 0));
        } else {
          value = emitter_.resize(value, emitter_.function().width(result.reg), false);
        }
        emitter_.write(result, value);
      }
      at += bits == 64 ? kHandleBytes : kWordBytes;
    }
  }

  FunctionEmitter& emitter_;
  const Operation& operation_;
  llvm::IRBuilder<>& b_;
  const ir::TextureForm& form_;
  Value* memory_ = nullptr;
  bool one_handle_ = false;  // the texture is one for all lanes
};

}  // namespace

bool lower_texture(FunctionEmitter& emitter, const Operation& operation) {
  if (ir::row(operation).issue != ir::IssueRules::Texture) return false;
  TextureCall(emitter, operation).emit();
  return true;
}

}  // namespace doppel::jit
