// SPDX-License-Identifier: Apache-2.0
// Matrices between memory and fragments (PTX ISA 9.7.14.5.15, 9.7.14.5.16): an access of 16 bytes by each of
// the first lanes, eight for each register, and a permutation of what all of them hold.
#include <llvm/Analysis/VectorUtils.h>

#include "jit/lane_functions.h"
#include "jit/lower.h"
#include "jit/memory_access.h"

namespace doppel::jit {

using ir::MatrixLayout;
using ir::Op;
using ir::Operation;
using llvm::Value;

namespace {

constexpr int kRowWords = 4;

// Where an element of `bytes` is in the words of all rows, one behind the other, each of 32 lanes.
int place_in_rows(int row, int column, int bytes) {
  const int in_word = 4 / bytes;
  return (column / in_word * kWarpLanes + row) * in_word + column % in_word;
}

class MatrixMemory {
 public:
  MatrixMemory(FunctionEmitter& emitter, const Operation& operation)
      : emitter_(emitter), operation_(operation), b_(emitter.b()), layout_(operation.attributes.layout) {}

  void load() {
    const int registers = static_cast<int>(operation_.results.size());
    // 16 bytes by each of the lanes that hold addresses, where all of them run; a gather of words takes ten
    // times as long.
    if (emitter_.definedness() != nullptr || is_narrow()) {
      write(load_by_word(registers));
      return;
    }
    llvm::Function* into = b_.GetInsertBlock()->getParent();
    llvm::BasicBlock* fast = llvm::BasicBlock::Create(emitter_.context(), "fast", into);
    llvm::BasicBlock* slow = llvm::BasicBlock::Create(emitter_.context(), "slow", into);
    llvm::BasicBlock* done = llvm::BasicBlock::Create(emitter_.context(), "loaded", into);
    Value* const needed = emitter_.i32(registers == 4 ? ~0u : (1u << 8 * registers) - 1);
    emitter_.lanes().mask_vector();
    Value* const running = b_.CreateAnd(emitter_.lanes().mask(), needed);
    b_.CreateCondBr(b_.CreateICmpEQ(running, needed), fast, slow, emitter_.likely());
    b_.SetInsertPoint(fast);
    const std::vector<Value*> by_row = load_by_row(registers);
    fast = b_.GetInsertBlock();
    b_.CreateBr(done);
    b_.SetInsertPoint(slow);
    const std::vector<Value*> by_word = load_by_word(registers);
    slow = b_.GetInsertBlock();
    b_.CreateBr(done);
    b_.SetInsertPoint(done);
    std::vector<Value*> results;
    for (std::size_t r = 0; r < by_row.size(); ++r) {
      llvm::PHINode* both = b_.CreatePHI(by_row[r]->getType(), 2);
      both->addIncoming(by_row[r], fast);
      both->addIncoming(by_word[r], slow);
      results.push_back(both);
    }
    write(results);
  }

  void store() {
    const int registers = static_cast<int>(operation_.sources.size()) - 1;  // the last is the member mask
    std::vector<Value*> fragment;
    for (int r = 0; r < registers; ++r)
      fragment.push_back(
          emitter_.read_vector(operation_.sources[static_cast<std::size_t>(r)], ir::Type::B32));
    const int bytes = element_bytes(), in_word = 4 / bytes;
    Value* all = elements(fragment, bytes);
    std::vector<Value*> words;
    for (int word = 0; word < kRowWords; ++word) {
      std::vector<int> from;
      for (int lane = 0; lane < kWarpLanes; ++lane) {
        for (int e = 0; e < in_word; ++e)
          from.push_back(lane < 8 * registers ? target(lane, word * in_word + e, bytes) : -1);
      }
      words.push_back(b_.CreateBitCast(b_.CreateShuffleVector(all, from), emitter_.int_type(32, false)));
    }
    guard_rows(registers);
    MemoryAccess(emitter_, operation_, operation_.accesses[0]).store(words);
    emitter_.set_guard(operation_);
  }

 private:
  void write(const std::vector<Value*>& results) {
    for (std::size_t r = 0; r < results.size(); ++r) emitter_.write(operation_.results[r], results[r]);
  }

  // Layouts of which a row of 16 bytes is one of a register of 8 by 8 halves.
  bool is_narrow() const { return layout_ != MatrixLayout::Rows && layout_ != MatrixLayout::Columns; }

  std::vector<Value*> load_by_row(int registers) {
    guard_rows(registers);
    MemoryAccess access(emitter_, operation_, operation_.accesses[0]);
    access.begin(0);
    ScratchSlots scratch(emitter_);
    Value* const addresses = scratch.store(access.addresses());
    emitter_.set_guard(operation_);
    std::vector<Value*> results;
    for (int r = 0; r < registers; ++r) {
      std::vector<Value*> rows;
      for (int row = 0; row < 8; ++row) {
        Value* const address = b_.CreateLoad(
            b_.getInt64Ty(), b_.CreateConstInBoundsGEP1_64(b_.getInt64Ty(), addresses,
                                                           static_cast<std::uint64_t>(8 * r + row)));
        rows.push_back(b_.CreateAlignedLoad(llvm::FixedVectorType::get(b_.getInt32Ty(), kRowWords),
                                            b_.CreateIntToPtr(address, b_.getPtrTy()), llvm::Align(4)));
      }
      Value* matrix = llvm::concatenateVectors(b_, rows);
      if (layout_ == MatrixLayout::Columns) {
        std::vector<int> from;
        for (int lane = 0; lane < kWarpLanes; ++lane) {
          for (const int row : {lane % 4 * 2, lane % 4 * 2 + 1}) from.push_back(8 * row + lane / 4);
        }
        Value* const halves =
            b_.CreateBitCast(matrix, llvm::FixedVectorType::get(b_.getInt16Ty(), 2 * kWarpLanes));
        matrix = b_.CreateBitCast(b_.CreateShuffleVector(halves, from), matrix->getType());
      }
      results.push_back(matrix);
    }
    return results;
  }

  // A word of each row after the other, as any access of 16 bytes.
  std::vector<Value*> load_by_word(int registers) {
    guard_rows(registers);
    std::vector<Value*> words = MemoryAccess(emitter_, operation_, operation_.accesses[0]).load();
    emitter_.set_guard(operation_);
    for (Value*& word : words) word = emitter_.splat(word);
    spread(words);
    const int bytes = element_bytes();
    Value* rows = elements(words, bytes);
    std::vector<Value*> results;
    for (int r = 0; r < registers; ++r) {
      std::vector<int> from;
      for (int lane = 0; lane < kWarpLanes; ++lane) {
        for (int e = 0; e < 4 / bytes; ++e) from.push_back(source(r, lane, e, bytes));
      }
      results.push_back(b_.CreateBitCast(b_.CreateShuffleVector(rows, from), emitter_.int_type(32, false)));
    }
    return results;
  }

  // The addresses of the others mean nothing.
  void guard_rows(int registers) {
    if (8 * registers >= kWarpLanes) return;
    std::vector<llvm::Constant*> rows;
    for (int lane = 0; lane < kWarpLanes; ++lane) rows.push_back(b_.getInt1(lane < 8 * registers));
    Value* guard = llvm::ConstantVector::get(rows);
    if (Value* own = emitter_.lanes().guard()) guard = b_.CreateAnd(guard, emitter_.splat(own));
    emitter_.lanes().set_guard(guard);
  }

  int element_bytes() const {
    switch (layout_) {
      case MatrixLayout::Columns:
        return 2;
      case MatrixLayout::ByteColumns:
      case MatrixLayout::ColumnsOf6Bits:
      case MatrixLayout::ColumnsOf4Bits:
        return 1;
      default:
        return 4;
    }
  }

  Value* elements(const std::vector<Value*>& words, int bytes) {
    Value* all = llvm::concatenateVectors(b_, words);
    const auto count = static_cast<unsigned>(words.size()) * kWarpLanes * 4 / static_cast<unsigned>(bytes);
    return b_.CreateBitCast(
        all, llvm::FixedVectorType::get(b_.getIntNTy(static_cast<unsigned>(bytes) * 8), count));
  }

  // The element e of the register that a lane gets.
  int source(int reg, int lane, int e, int bytes) const {
    switch (bytes) {
      case 4:
        return place_in_rows(8 * reg + lane / 4, lane % 4, 4);
      case 2:
        return place_in_rows(8 * reg + lane % 4 * 2 + e, lane / 4, 2);
      default:  // two registers hold 16 rows
        return place_in_rows(reg / 2 * 16 + lane % 4 * 4 + e, reg % 2 * 8 + lane / 4, 1);
    }
  }

  // Where in the fragment the element of a row is that is stored at this column.
  static int target(int row, int column, int bytes) {
    const int reg = row / 8, in_matrix = row % 8;
    switch (bytes) {
      case 4:
        return reg * kWarpLanes + in_matrix * 4 + column;
      case 2:
        return (reg * kWarpLanes + column * 4 + in_matrix / 2) * 2 + in_matrix % 2;
      default:
        return (reg * kWarpLanes + column % 8 * 4 + in_matrix / 2) * 4 + in_matrix % 2 + column / 8 * 2;
    }
  }

  // The 16 elements of a row to bytes, four a word, the first lowest.
  void spread(std::vector<Value*>& words) {
    int bits = 0;
    if (layout_ == MatrixLayout::RowsOf6Bits || layout_ == MatrixLayout::ColumnsOf6Bits) bits = 6;
    if (layout_ == MatrixLayout::RowsOf4Bits || layout_ == MatrixLayout::ColumnsOf4Bits) bits = 4;
    if (bits == 0) return;
    llvm::Type* type = words[0]->getType();
    const auto number = [&](int value) { return emitter_.constant(type, static_cast<std::uint64_t>(value)); };
    std::vector<Value*> bytes;
    for (int w = 0; w < kRowWords; ++w) {
      const int at = 4 * bits * w, first = at / 32, shift = at % 32;
      Value* four = b_.CreateLShr(words[static_cast<std::size_t>(first)], number(shift));
      if (shift + 4 * bits > 32)
        four =
            b_.CreateOr(four, b_.CreateShl(words[static_cast<std::size_t>(first) + 1], number(32 - shift)));
      Value* word = number(0);
      for (int e = 0; e < 4; ++e) {
        Value* element = b_.CreateAnd(b_.CreateLShr(four, number(bits * e)), number((1 << bits) - 1));
        word = b_.CreateOr(word, b_.CreateShl(element, number(8 * e)));
      }
      bytes.push_back(word);
    }
    words = bytes;
  }

  FunctionEmitter& emitter_;
  const Operation& operation_;
  llvm::IRBuilder<>& b_;
  const MatrixLayout layout_;
};

}  // namespace

bool lower_matrix_memory(FunctionEmitter& emitter, const Operation& operation) {
  if (operation.op == Op::MatrixLoad) {
    MatrixMemory(emitter, operation).load();
  } else if (operation.op == Op::MatrixStore) {
    MatrixMemory(emitter, operation).store();
  } else {
    return false;
  }
  return true;
}

}  // namespace doppel::jit
