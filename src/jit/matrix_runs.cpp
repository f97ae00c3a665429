// SPDX-License-Identifier: Apache-2.0
#include "jit/matrix_runs.h"

#include <algorithm>

#include "jit/register_file.h"
#include "jit/warp_abi.h"

namespace doppel::jit {
namespace {

using ir::Operation;

constexpr std::size_t kMostFactors = 8;  // of either kind; the engine has room for so many
constexpr std::uint32_t kMostProducts = 32;

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

// A run that grows by one product after the other.
class Growing {
 public:
  explicit Growing(const Operation& first) : first_(first) {}

  // False: it is none of this run.
  bool add(const Operation& operation, const Places& places) {
    if (!same_product(operation, first_) || count_ == kMostProducts) return false;
    const MatrixFactors factors(operation);
    if (overlap(operation.results, read_) || overlap(factors.a, written_) || overlap(factors.b, written_) ||
        overlap(operation.results, factors.a) || overlap(operation.results, factors.b))
      return false;
    const auto a = index_of(places.a, a_), b = index_of(places.b, b_);
    if (!a || !b) return false;
    read_.insert(read_.end(), factors.a.begin(), factors.a.end());
    read_.insert(read_.end(), factors.b.begin(), factors.b.end());
    written_.insert(written_.end(), operation.results.begin(), operation.results.end());
    for (const std::uint64_t word : {std::uint64_t{*a}, std::uint64_t{*b}, places.c, places.d})
      products_.push_back(static_cast<std::uint32_t>(word));
    ++count_;
    return true;
  }

  std::vector<std::uint32_t> words() const {
    if (count_ < 2) return {};
    std::vector<std::uint32_t> all{static_cast<std::uint32_t>(a_.size()),
                                   static_cast<std::uint32_t>(b_.size()), count_};
    all.insert(all.end(), a_.begin(), a_.end());
    all.insert(all.end(), b_.begin(), b_.end());
    all.insert(all.end(), products_.begin(), products_.end());
    return all;
  }

 private:
  static bool overlap(std::span<const ir::Operand> some, std::span<const ir::Operand> others) {
    return std::ranges::any_of(some, [&](const ir::Operand& one) {
      return std::ranges::any_of(others, [&](const ir::Operand& other) { return other.reg == one.reg; });
    });
  }
  static std::optional<std::uint32_t> index_of(std::uint64_t place, std::vector<std::uint32_t>& places) {
    const auto found = std::ranges::find(places, static_cast<std::uint32_t>(place));
    if (found == places.end() && places.size() == kMostFactors) return std::nullopt;
    const auto index = static_cast<std::uint32_t>(found - places.begin());
    if (found == places.end()) places.push_back(static_cast<std::uint32_t>(place));
    return index;
  }

  const Operation& first_;
  std::vector<ir::Operand> read_, written_;  // A and B; D
  std::vector<std::uint32_t> a_, b_, products_;
  std::uint32_t count_ = 0;
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

MatrixRun matrix_run(FunctionEmitter& emitter, std::uint32_t operation) {
  const MatrixRun alone{operation, operation + 1, {}};
  const auto places = [&](std::uint32_t index) {
    return places_of(emitter, emitter.function().operations[index]);
  };
  // The checked build looks at each operation.
  if (emitter.definedness() != nullptr || !places(operation)) return alone;
  const analysis::ControlFlowGraph& graph = emitter.analysed().graph;
  const analysis::BasicBlock& block = graph.blocks()[graph.block_of(operation)];
  std::uint32_t at = operation;
  while (at > block.first && places(at - 1)) --at;
  while (true) {
    MatrixRun run{at, at, {}};
    Growing growing(emitter.function().operations[at]);
    for (; run.end < block.last; ++run.end) {
      const auto of_next = places(run.end);
      if (!of_next || !growing.add(emitter.function().operations[run.end], *of_next)) break;
    }
    if (run.end == at) return alone;
    if (operation < run.end) {
      run.words = growing.words();
      return run;
    }
    at = run.end;
  }
}

}  // namespace doppel::jit
