// SPDX-License-Identifier: Apache-2.0
// One access of 32 lanes to memory: the instruction's address turned into host addresses, and loads and
// stores on it.
#pragma once

#include "jit/access_plan.h"
#include "jit/bounds_tests.h"
#include "jit/lane_functions.h"

namespace doppel::jit {

class MemoryAccess {
 public:
  // access: one of the operation's.
  MemoryAccess(FunctionEmitter& emitter, const ir::Operation& operation, const ir::Access& access);

  // One value per element: <32 x iN>, or a scalar where every lane reads one address.
  std::vector<llvm::Value*> load();
  void store(const std::vector<llvm::Value*>& values);

  // The addresses of all lanes: <32 x i64>.
  llvm::Value* addresses();
  // A scalar, where every lane has one address.
  llvm::Value* uniform_address();
  // For people: how the lanes touch memory. plan: null where they go one by one, or gather.
  void note(const AccessPlan* plan);
  // Before the access is made: has the lanes' addresses tested, leaves them in the context for the report of
  // a fault, and tells the engine in traced and checked builds. kind: kAccessStore and kAccessAtomic.
  void begin(std::uint32_t kind) { begin(kind, nullptr); }
  // The same for a function that goes lane by lane: where it finds the addresses.
  LaneAddresses begin_lanes(std::uint32_t kind, ScratchSlots& scratch);

 private:
  enum class Order { Plain, Strong };
  void resolve(const ir::Address& address);
  void resolve_body_parameter(const ir::Address& address, llvm::Value* memory, std::uint64_t size);
  bool is_announced() const;
  void begin(std::uint32_t kind, const AccessPlan* plan);
  void announce(std::uint32_t kind);
  std::uint32_t flags(std::uint32_t kind) const;
  void test(const AccessPlan* plan, std::uint32_t kind);
  llvm::Value* offsets();
  void record(const AccessPlan* plan);
  void record_form(int width, int step);
  void prefetch(const AccessPlan& plan);
  std::vector<llvm::Value*> load_before_loop();
  std::vector<llvm::Value*> load_planned(const AccessPlan& plan);
  std::vector<llvm::Value*> load_each();
  void store_planned(const AccessPlan& plan, const std::vector<llvm::Value*>& values);
  void store_each(const std::vector<llvm::Value*>& values);
  bool storable(const AccessPlan& plan) const;
  llvm::Value* segment_mask(int first_lane, int width);
  std::uint64_t access_bytes() const {
    return static_cast<std::uint64_t>(element_bytes_ * elements_);
  }  // of a lane
  llvm::Align alignment() const { return llvm::Align(static_cast<std::uint64_t>(element_bytes_)); }
  llvm::Value* pointer(llvm::Value* address, std::int64_t offset = 0);
  std::vector<llvm::Value*> load_lanes();
  void store_lanes(const std::vector<llvm::Value*>& lanes);
  void access_lanes(bool is_store, llvm::Value* values, ScratchSlots& scratch);

  FunctionEmitter& emitter_;
  llvm::IRBuilder<>& b_;
  const ir::Operation& operation_;
  const ir::Access& access_;
  ir::Space space_;
  int element_bits_, element_bytes_, elements_;
  Lanes address_;                       // 64 bits; 32 bits for an offset in the shared window
  std::int64_t offset_ = 0;             // added to it
  llvm::Value* window_ = nullptr;       // i64, of the shared window
  Lanes window_offset_;                 // 64 bits: of a local address or a kernel's parameter, less offset_
  llvm::Value* last_offset_ = nullptr;  // i64: the largest that it may have with offset_; null: not tested so
  std::optional<std::uint64_t> parameter_;  // an address in the kernel's parameters that is known here
  llvm::Value* addresses_ = nullptr;
  bool strong_ = false;
  bool invariant_ = false;  // memory that no one writes while the kernel runs
};

}  // namespace doppel::jit
