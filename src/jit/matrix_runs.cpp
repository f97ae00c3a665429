// SPDX-License-Identifier: Apache-2.0
#include "jit/matrix_runs.h"

#include <algorithm>
#include <array>
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

constexpr std::size_t kMostFactors = 16;  // of either kind; the engine has room for so many
constexpr std::size_t kMostProducts = 64;

bool same_product(const Operation& x, const Operation& y) {
  return x.attributes.matrix == y.attributes.matrix &&
         packed_matrix_attributes(x.attributes) == packed_matrix_attributes(y.attributes);
}

// Where its registers are, where all of them lie as the engine takes them.
struct Places {
  std::uint64_t a, b, c, d;
  std::uint64_t sum_bytes;  // of C or D
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
  std::uint64_t sum_bytes = 0;
  for (const ir::Operand& result : operation.results)
    sum_bytes += registers.fragment_place_of(result.reg)->bytes;
  return Places{*a, *b, *c, *d, sum_bytes};
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

// What registers lie on. Two may have the same place, one after the other.
class Ground {
 public:
  explicit Ground(const RegisterFile& registers) : registers_(&registers) {}

  void add(ir::RegisterId reg) {
    for_each_part(reg, [&](std::uint64_t part) { parts_.insert(part); });
  }
  void add(std::span<const ir::Operand> operands) {
    for (const ir::Operand& each : operands) add(each.reg);
  }
  void add(const Ground& other) { parts_.insert(other.parts_.begin(), other.parts_.end()); }

  bool has_of(ir::RegisterId reg) const {
    bool found = false;
    for_each_part(reg, [&](std::uint64_t part) { found |= parts_.contains(part); });
    return found;
  }
  bool has_of(std::span<const ir::Operand> operands) const {
    return std::ranges::any_of(operands, [&](const ir::Operand& each) { return has_of(each.reg); });
  }

 private:
  // A register that is in no fragment is one itself, behind all of the places.
  template <typename Visit>
  void for_each_part(ir::RegisterId reg, const Visit& visit) const {
    constexpr std::uint64_t kPart = 64, kOwn = std::uint64_t{1} << 40;
    const std::optional<FragmentPlace> place = registers_->fragment_place_of(reg);
    if (!place) return visit(kOwn + reg);
    for (std::uint64_t at = place->offset / kPart; at * kPart < place->offset + place->bytes; ++at) visit(at);
  }

  const RegisterFile* registers_;
  std::set<std::uint64_t> parts_;
};

// A run that grows by one product after the other.
class Growing {
 public:
  explicit Growing(const RegisterFile& registers)
      : factors_(registers), others_(registers), written_(registers), registers_(&registers) {}
  bool empty() const { return products_.empty(); }

  // False: it is none of this run.
  bool add(const Operation& operation, std::uint32_t number, const Places& places) {
    if (first_ == nullptr) first_ = &operation;
    if (!same_product(operation, *first_) || products_.size() == kMostProducts) return false;
    const MatrixFactors factors(operation);
    Ground own(*registers_), own_c(*registers_);
    own.add(factors.a);
    own.add(factors.b);
    own_c.add(factors.c);
    if (!are_one_or_apart(places)) return false;
    if (factors_.has_of(operation.results) || own.has_of(operation.results) || written_.has_of(factors.a) ||
        written_.has_of(factors.b))
      return false;
    const auto a = index_of(places.a, a_), b = index_of(places.b, b_);
    if (!a || !b) return false;
    sums_.insert({places.c, places.d});
    factors_.add(own);
    others_.add(own_c);
    written_.add(operation.results);
    products_.push_back(number);
    words_.push_back({*a, *b, static_cast<std::uint32_t>(places.c), static_cast<std::uint32_t>(places.d)});
    return true;
  }

  // Whether it can be done before the products that stand before it.
  bool passes(const Operation& operation) const {
    if (!may_stand_between(operation)) return false;
    bool apart = true;
    ir::for_each_use(operation, [&](ir::RegisterId reg) { apart &= !written_.has_of(reg); });
    ir::for_each_definition(operation, [&](ir::RegisterId reg) {
      apart &= !written_.has_of(reg) && !factors_.has_of(reg) && !others_.has_of(reg);
    });
    return apart;
  }

  const std::vector<std::uint32_t>& products() const { return products_; }
  MatrixRun finished() const {
    MatrixRun run{products_.back(), {}};
    if (products_.size() < 2) return run;
    for (const std::size_t count : {a_.size(), b_.size(), products_.size()})
      run.words.push_back(static_cast<std::uint32_t>(count));
    run.words.insert(run.words.end(), a_.begin(), a_.end());
    run.words.insert(run.words.end(), b_.begin(), b_.end());
    for (const Words& words : in_order()) run.words.insert(run.words.end(), words.begin(), words.end());
    return run;
  }

 private:
  using Words = std::array<std::uint32_t, 4>;

  // Those that add to one place follow each other, so that it can stay in the host's registers. Others do not
  // see in what order, where what each adds to is what it writes, or what none of them writes.
  std::vector<Words> in_order() const {
    std::multimap<std::uint32_t, Words> by_place;
    for (const Words& of : words_) by_place.emplace(of[3], of);
    if (!std::ranges::all_of(words_,
                             [&](const Words& of) { return of[2] == of[3] || !by_place.contains(of[2]); }))
      return words_;
    std::vector<Words> words;
    for (const auto& [place, of] : by_place) words.push_back(of);
    return words;
  }

  // What all of them have as C and D.
  bool are_one_or_apart(const Places& places) const {
    std::set<std::uint64_t> all = sums_;
    all.insert({places.c, places.d});
    return std::ranges::adjacent_find(all, [&](std::uint64_t one, std::uint64_t next) {
             return next - one < places.sum_bytes;
           }) == all.end();
  }

  static std::optional<std::uint32_t> index_of(std::uint64_t place, std::vector<std::uint32_t>& places) {
    const auto found = std::ranges::find(places, static_cast<std::uint32_t>(place));
    if (found == places.end() && places.size() == kMostFactors) return std::nullopt;
    const auto index = static_cast<std::uint32_t>(found - places.begin());
    if (found == places.end()) places.push_back(static_cast<std::uint32_t>(place));
    return index;
  }

  const Operation* first_ = nullptr;
  Ground factors_, others_, written_;  // A and B, C, D
  std::set<std::uint64_t> sums_;       // places of C and D
  const RegisterFile* registers_;
  std::vector<std::uint32_t> a_, b_, products_;
  std::vector<Words> words_;  // as ProductRun::Product has them
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
  Growing growing(emitter_.registers());
  const auto finish = [&] {
    for (const std::uint32_t product : growing.products()) run_of_[product] = runs_.size();
    if (!growing.empty()) runs_.push_back(growing.finished());
    growing = Growing(emitter_.registers());
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
    growing = Growing(emitter_.registers());
  }
  finish();
}

}  // namespace doppel::jit
