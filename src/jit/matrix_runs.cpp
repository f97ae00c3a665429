// SPDX-License-Identifier: Apache-2.0
#include "jit/matrix_runs.h"

#include <algorithm>
#include <optional>
#include <set>

#include "analysis/clock_reads.h"
#include "ir/operation_table.h"
#include "jit/function_emitter.h"
#include "jit/register_file.h"
#include "jit/warp_abi.h"

namespace doppel::jit {
namespace {

using ir::Operation;

constexpr std::size_t kMostFactors = 8;  // of either kind; the engine has room for so many
constexpr std::size_t kMostProducts = 32;

bool same_product(const Operation& x, const Operation& y) {
  return x.attributes.matrix == y.attributes.matrix &&
         packed_matrix_attributes(x.attributes) == packed_matrix_attributes(y.attributes);
}

// Where its registers are, where all of them lie as the engine takes them.
struct Places {
  std::uint64_t a, b, c, d;
};

std::optional<Places> places_of(FunctionEmitter& emitter, const Operation& operation) {
  if (operation.op != ir::Op::MatrixMultiply || operation.guard) return std::nullopt;
  const MatrixFactors factors(operation);
  if (!factors.selectors.empty()) return std::nullopt;
  const RegisterFile& registers = emitter.registers();
  const bool in_all_lanes = std::ranges::all_of(operation.results, [&](const ir::Operand& result) {
    return result.is_register() && registers.takes_all_lanes(result.reg);
  });
  if (!in_all_lanes) return std::nullopt;
  const auto a = registers.fragment_offset(factors.a), b = registers.fragment_offset(factors.b);
  const auto c = registers.fragment_offset(factors.c), d = registers.fragment_offset(operation.results);
  if (!a || !b || !c || !d) return std::nullopt;
  return Places{*a, *b, *c, *d};
}

// What may stand between products: it ends no warp's turn, changes no memory and tells no time. It may fault;
// what a product would have written by then, nobody sees.
bool may_stand_between(const Operation& operation) {
  const ir::OperationRow& row = ir::row(operation);
  const bool changes_nothing = row.memory == ir::MemoryEffect::None || row.memory == ir::MemoryEffect::Load ||
                               row.memory == ir::MemoryEffect::Hint;
  const bool waits = row.wait == ir::Wait::Block || row.wait == ir::Wait::Holders;
  return row.flow == ir::Flow::Next && changes_nothing && !waits && row.clock != ir::Clock::Spends &&
         !analysis::reads_clock(operation);
}

using Registers = std::set<ir::RegisterId>;

bool any_in(std::span<const ir::Operand> operands, const Registers& registers) {
  return std::ranges::any_of(operands, [&](const ir::Operand& each) { return registers.contains(each.reg); });
}

void add_to(Registers& registers, std::span<const ir::Operand> operands) {
  for (const ir::Operand& each : operands) registers.insert(each.reg);
}

// A run that grows by one product after the other.
class Growing {
 public:
  bool empty() const { return products_.empty(); }

  // False: it is none of this run.
  bool add(const Operation& operation, std::uint32_t number, const Places& places) {
    if (first_ == nullptr) first_ = &operation;
    if (!same_product(operation, *first_) || products_.size() == kMostProducts) return false;
    const MatrixFactors factors(operation);
    Registers own, own_c;
    add_to(own, factors.a);
    add_to(own, factors.b);
    add_to(own_c, factors.c);
    // D where C is, or apart from it.
    if (places.c != places.d && any_in(operation.results, own_c)) return false;
    if (any_in(operation.results, factors_) || any_in(operation.results, own) ||
        any_in(factors.a, written_) || any_in(factors.b, written_))
      return false;
    const auto a = index_of(places.a, a_), b = index_of(places.b, b_);
    if (!a || !b) return false;
    factors_.merge(own);
    others_.merge(own_c);
    add_to(written_, operation.results);
    products_.push_back(number);
    for (const std::uint64_t word : {std::uint64_t{*a}, std::uint64_t{*b}, places.c, places.d})
      words_.push_back(static_cast<std::uint32_t>(word));
    return true;
  }

  // Whether it can be done before the products that stand before it.
  bool passes(const Operation& operation) const {
    if (!may_stand_between(operation)) return false;
    bool apart = true;
    ir::for_each_use(operation, [&](ir::RegisterId reg) { apart &= !written_.contains(reg); });
    ir::for_each_definition(operation, [&](ir::RegisterId reg) {
      apart &= !written_.contains(reg) && !factors_.contains(reg) && !others_.contains(reg);
    });
    return apart;
  }

  const std::vector<std::uint32_t>& products() const { return products_; }
  MatrixRun finished() const {
    MatrixRun run{products_.back(), {}};
    if (products_.size() < 2) return run;
    for (const std::size_t count : {a_.size(), b_.size(), products_.size()})
      run.words.push_back(static_cast<std::uint32_t>(count));
    for (const auto* part : {&a_, &b_, &words_})
      run.words.insert(run.words.end(), part->begin(), part->end());
    return run;
  }

 private:
  static std::optional<std::uint32_t> index_of(std::uint64_t place, std::vector<std::uint32_t>& places) {
    const auto found = std::ranges::find(places, static_cast<std::uint32_t>(place));
    if (found == places.end() && places.size() == kMostFactors) return std::nullopt;
    const auto index = static_cast<std::uint32_t>(found - places.begin());
    if (found == places.end()) places.push_back(static_cast<std::uint32_t>(place));
    return index;
  }

  const Operation* first_ = nullptr;
  Registers factors_, others_, written_;  // A and B, C, D
  std::vector<std::uint32_t> a_, b_, words_, products_;
};

}  // namespace

MatrixFactors::MatrixFactors(const Operation& product) {
  const ir::MatrixForm& form = product.attributes.matrix;
  std::span<const ir::Operand> rest = product.sources;
  const auto next = [&](int registers) {
    const std::span<const ir::Operand> own = rest.first(static_cast<std::size_t>(registers));
    rest = rest.subspan(own.size());
    return own;
  };
  a = next(form.a_registers());
  b = next(form.b_registers());
  c = next(form.c_registers());
  selectors = next(form.metadata_registers() + form.scale_registers());
}

const MatrixRun& MatrixRuns::of(std::uint32_t operation) {
  const analysis::BlockId block = emitter_.analysed().graph.block_of(operation);
  looked_at_.resize(emitter_.analysed().graph.blocks().size());
  if (!looked_at_[block]) find_in(block);
  looked_at_[block] = true;
  return runs_[run_of_.at(operation)];
}

void MatrixRuns::find_in(analysis::BlockId id) {
  const analysis::BasicBlock& block = emitter_.analysed().graph.blocks()[id];
  // The checked build looks at each operation.
  const bool alone = emitter_.definedness() != nullptr;
  Growing growing;
  const auto finish = [&] {
    for (const std::uint32_t product : growing.products()) run_of_[product] = runs_.size();
    if (!growing.empty()) runs_.push_back(growing.finished());
    growing = Growing();
  };
  for (std::uint32_t i = block.first; i < block.last; ++i) {
    const Operation& operation = emitter_.function().operations[i];
    if (operation.op != ir::Op::MatrixMultiply) {
      if (!growing.empty() && !growing.passes(operation)) finish();
      continue;
    }
    const std::optional<Places> places = alone ? std::nullopt : places_of(emitter_, operation);
    if (places && growing.add(operation, i, *places)) continue;
    finish();
    if (places && growing.add(operation, i, *places)) continue;
    run_of_[i] = runs_.size();
    runs_.push_back({i, {}});
    growing = Growing();
  }
  finish();
}

}  // namespace doppel::jit
