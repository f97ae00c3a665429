// SPDX-License-Identifier: Apache-2.0
// Keeps a kernel in its own memory: every access that cannot be told to lie inside is tested before it is
// made.
//
// Function emission marks each access with what is to be tested. The marks stand for calls of which LLVM's
// passes know only that they may not return, so that no access moves in front of its own.
// expand_bounds_tests() makes code of them at the end, and of most of them little or none:
//   - An address is U + V, with V nearer to zero than the margin of unmapped addresses around the card's
//   memory (a
//     32-bit index times a size): then only U is tested, one comparison for all lanes. A pointer's remainder
//     by the access's size is tested in the same comparison.
//   - U is the address of a variable, or an offset is below the size of a frame: proven.
//   - The other way looks whether a generic address is one of the block's shared memory; else it leaves the
//     addresses in the context and calls RuntimeCallbacks::outside, which knows what else the kernel may
//     touch.
#pragma once

#include <span>

#include "jit/access_plan.h"
#include "jit/function_emitter.h"

namespace doppel::jit {

// What a mark tells of the lanes' addresses: one for each segment of `width` lanes that are `step` bytes
// apart, or a vector of 32.
struct MarkedAccess {
  std::uint32_t flags = 0;  // access_flags (warp_abi.h)
  std::uint32_t width = 1;
  std::uint32_t step = 0;
  std::vector<llvm::Value*> addresses;
};

// Of the card's memory, or generic.
void mark_range_test(FunctionEmitter& emitter, const MarkedAccess& access);
// An offset that must be at most `limit`. frame, frame_bytes: it is known to be so below frame + frame_bytes
// - the access's size.
void mark_offset_test(FunctionEmitter& emitter, const MarkedAccess& access, llvm::Value* limit,
                      llvm::Value* frame, std::uint64_t frame_bytes);
// An offset in the shared window, whose bounds are its margins: alignment only.
void mark_alignment_test(FunctionEmitter& emitter, const MarkedAccess& access);

// Whether the instruction is a mark.
bool is_bounds_mark(const llvm::Instruction& instruction);

// Leaves no marks.
void expand_bounds_tests(llvm::Function& function);

// Marks the load that gives the address of a variable of the module, which is known to be inside.
void mark_known_inside(llvm::LoadInst& address, std::uint64_t alignment);

}  // namespace doppel::jit
