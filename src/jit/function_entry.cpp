// SPDX-License-Identifier: Apache-2.0
#include "jit/function_entry.h"

#include <cstddef>

#include "jit/launch_context.h"

namespace doppel::jit {

using llvm::Value;

std::unique_ptr<FunctionEntry> FunctionEntry::make(EntryShape shape, LaneBuilder& builder) {
  switch (shape) {
    case EntryShape::Call:
    case EntryShape::Warp:
      break;
    case EntryShape::Block:
      return make_block_entry(builder);
    case EntryShape::Coroutine:
      return make_coroutine_entry(builder);
  }
  return std::make_unique<FunctionEntry>(builder);
}

FunctionEntry::FunctionEntry(LaneBuilder& builder)
    : builder_(builder),
      b_(builder.b()),
      head_(&builder.into().getEntryBlock()),
      context_(builder.into().getArg(0)) {}

void FunctionEntry::end(LaunchContext& /*launch*/) { b_.CreateRetVoid(); }

FunctionEntry::FieldPlace FunctionEntry::place_of_field(std::size_t /*offset*/) {
  // Before every use in the entry block itself: at its first instruction after the slots.
  auto at = head_->begin();
  while (llvm::isa<llvm::AllocaInst>(*at)) ++at;
  return {&*at, context_};
}

Value* FunctionEntry::counter(LaunchContext& launch, std::uint32_t slot) {
  return launch.counter_address(slot);
}

Value* FunctionEntry::arrive_at_barrier(LaunchContext& launch, const BarrierArrival& arrival) {
  return launch.arrive_at_barrier(offsetof(RuntimeCallbacks, barrier), arrival);
}

}  // namespace doppel::jit
