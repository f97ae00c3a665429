// SPDX-License-Identifier: Apache-2.0
// The registers of a function while its code is made: where their values stand, and how a write leaves the
// lanes alone that do not take part.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "jit/active_lanes.h"
#include "jit/emission_plan.h"
#include "jit/fragment_places.h"
#include "jit/lane_builder.h"

namespace doppel::jit {

class RegisterFile {
 public:
  RegisterFile(const analysis::AnalysedFunction& analysed, const EmissionPlan& plan, LaneBuilder& builder,
               ActiveLanes& lanes);

  // In the function's entry. A register that was never written reads as zero: no undefined value reaches a
  // branch.
  void make();
  // body: where the block's code begins.
  void begin_block(analysis::BlockId block, llvm::BasicBlock* body);
  // Of a loop, at its start: a register that is dead there need not go round.
  void drop_dead(analysis::BlockId header);

  // Whether any instruction of the function reads it.
  bool is_read(ir::RegisterId reg) const { return read_[reg]; }
  Lanes load(ir::RegisterId reg);
  // For the lanes that run; others keep what they have where anybody may ask for it.
  void store(ir::RegisterId reg, const Lanes& value);
  // All lanes of one that varies.
  void set(ir::RegisterId reg, llvm::Value* vector) { store_part(slots_[reg], 0, vector); }
  // Where these registers of 32 lanes lie one behind the other; null where they do not. Who writes there
  // writes the registers.
  llvm::Value* fragment(std::span<const ir::Operand> registers);
  // Its place behind fragments(), in bytes. Those that are known in one block only have theirs one after the
  // other.
  std::optional<std::uint64_t> fragment_offset(std::span<const ir::Operand> registers) const;
  // Of one register; nothing where it is in no fragment.
  std::optional<FragmentPlace> fragment_place_of(ir::RegisterId reg) const;
  llvm::Value* fragments() const;
  // Whether a write here leaves no lane alone.
  bool takes_all_lanes(ir::RegisterId reg) const;
  llvm::Type* type(ir::RegisterId reg) const { return slots_[reg].types[0]; }  // of its first part

 private:
  // The parts of a register: values of one block, stack slots that LLVM promotes, or places in memory_, from
  // which a block reads each once. Fragments of matrices have a place in fragments_, where the engine finds
  // them.
  struct Slot {
    std::vector<llvm::Type*> types;
    std::vector<llvm::AllocaInst*> parts;
    std::vector<llvm::Value*> values;    // of a block's register; in memory: null, or as the block knows it
    std::vector<std::uint64_t> offsets;  // in memory_
    std::uint32_t known_in = 0;          // emission of a block that `values` belong to
    bool of_block = false;
    std::optional<FragmentPlace> fragment;  // in fragments_
  };

  void find_uses();
  std::vector<llvm::Type*> types_of(ir::RegisterId reg);
  void make_memory(std::uint64_t bytes);
  void place_fragments();
  bool can_be_of_fragment(const ir::Operand& operand) const;
  llvm::Value* address(llvm::IRBuilder<>& at, std::uint64_t offset);
  void know_in_this_block(Slot& slot);
  llvm::Value* fragment_place(const Slot& slot);
  llvm::Value* load_part(Slot& slot, std::size_t part);
  void store_part(Slot& slot, std::size_t part, llvm::Value* value);

  const analysis::AnalysedFunction& analysed_;
  const ir::Function& function_;
  const EmissionPlan& plan_;
  LaneBuilder& builder_;
  llvm::IRBuilder<>& b_;
  ActiveLanes& lanes_;
  std::vector<bool> used_, read_;  // by register
  std::vector<Slot> slots_;        // by register
  llvm::Value* memory_ = nullptr;
  llvm::AllocaInst* fragments_ = nullptr;
  analysis::BlockId block_ = 0;
  llvm::BasicBlock* body_ = nullptr;
  std::uint32_t emission_ = 0;  // of a block; counts
};

}  // namespace doppel::jit
