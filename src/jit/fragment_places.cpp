// SPDX-License-Identifier: Apache-2.0
#include "jit/fragment_places.h"

#include <algorithm>
#include <limits>
#include <queue>
#include <span>
#include <utility>

#include "ir/operation.h"
#include "jit/warp_abi.h"

namespace doppel::jit {
namespace {

using ir::Operation;
using ir::RegisterId;

// Of a size, so many are left alone before the first of them is given away again: the products of a run are
// made where the last of them stands (matrix_runs.h), and need their factors until then.
constexpr std::size_t kLeftAlone = 32;

struct Needed {
  std::uint32_t first = std::numeric_limits<std::uint32_t>::max(), last = 0;
};

std::vector<Needed> needed(const ir::Function& function) {
  std::vector<Needed> result(function.registers.size());
  for (std::uint32_t i = 0; i < function.operations.size(); ++i) {
    const auto see = [&](RegisterId reg) {
      result[reg].first = std::min(result[reg].first, i);
      result[reg].last = i;
    };
    ir::for_each_use(function.operations[i], see);
    ir::for_each_definition(function.operations[i], see);
  }
  return result;
}

}  // namespace

FragmentPlaces::FragmentPlaces(const ir::Function& function, const std::vector<bool>& of_block,
                               const std::function<bool(const ir::Operand&)>& can_be)
    : function_(function) {
  find(of_block, can_be);
  for (const Fragment& fragment : lasting_) {
    place(fragment, bytes_);
    bytes_ += fragment.bytes;
  }
  std::ranges::sort(passing_, {},
                    [](const Fragment& of) { return std::pair(of.first, of.registers.front()); });
  find_sums();
  place_in_turn();
}

std::uint64_t FragmentPlaces::bytes_of(RegisterId reg) const {
  return kWarpLanes * static_cast<std::uint64_t>(function_.width(reg)) / 8;
}

void FragmentPlaces::find(const std::vector<bool>& of_block,
                          const std::function<bool(const ir::Operand&)>& can_be) {
  const std::vector<Needed> needed_in = needed(function_);
  std::vector<bool> found(function_.registers.size(), false);
  // Where no other fragment has one of them: else they are copied for each product.
  const auto see = [&](std::span<const ir::Operand> registers) {
    for (std::size_t i = 0; i < registers.size(); ++i) {
      if (!can_be(registers[i]) || found[registers[i].reg]) return;
      for (const ir::Operand& before : registers.first(i)) {
        if (before.reg == registers[i].reg) return;
      }
    }
    Fragment fragment{{}, 0, std::numeric_limits<std::uint32_t>::max(), 0};
    bool passes = true;
    for (const ir::Operand& operand : registers) {
      const Needed& of = needed_in[operand.reg];
      found[operand.reg] = true;
      passes &= of_block[operand.reg];
      fragment.registers.push_back(operand.reg);
      fragment.bytes += bytes_of(operand.reg);
      fragment.first = std::min(fragment.first, of.first);
      fragment.last = std::max(fragment.last, of.last);
    }
    if (!fragment.registers.empty()) (passes ? passing_ : lasting_).push_back(std::move(fragment));
  };
  // Accumulators first: they stay for longest.
  for (const Operation& operation : function_.operations) {
    if (operation.op == ir::Op::MatrixMultiply) see(operation.results);
  }
  for (const Operation& operation : function_.operations) {
    if (operation.op != ir::Op::MatrixMultiply) continue;
    const ir::MatrixForm& form = operation.attributes.matrix;
    const std::span<const ir::Operand> sources = operation.sources;
    const auto a = static_cast<std::size_t>(form.a_registers()),
               b = static_cast<std::size_t>(form.b_registers());
    see(sources.subspan(a + b, static_cast<std::size_t>(form.c_registers())));
    see(sources.first(a));
    see(sources.subspan(a, b));
  }
}

void FragmentPlaces::place(const Fragment& fragment, std::uint64_t offset) {
  for (const RegisterId reg : fragment.registers) {
    places_[reg] = {offset, bytes_of(reg)};
    offset += bytes_of(reg);
  }
}

void FragmentPlaces::find_sums() {
  std::map<RegisterId, std::ptrdiff_t> of_first;  // by a fragment's first register
  for (std::size_t i = 0; i < passing_.size(); ++i)
    of_first[passing_[i].registers.front()] = static_cast<std::ptrdiff_t>(i);
  const auto fragment_of = [&](std::span<const ir::Operand> operands) -> std::ptrdiff_t {
    const auto found = operands.empty() ? of_first.end() : of_first.find(operands.front().reg);
    if (found == of_first.end()) return -1;
    const bool same =
        std::ranges::equal(operands, passing_[static_cast<std::size_t>(found->second)].registers, {},
                           [](const ir::Operand& operand) { return operand.reg; });
    return same ? found->second : -1;
  };
  for (std::uint32_t i = 0; i < function_.operations.size(); ++i) {
    const Operation& operation = function_.operations[i];
    if (operation.op != ir::Op::MatrixMultiply) continue;
    const ir::MatrixForm& form = operation.attributes.matrix;
    const std::ptrdiff_t d = fragment_of(operation.results);
    const std::ptrdiff_t c =
        fragment_of(std::span<const ir::Operand>(operation.sources)
                        .subspan(static_cast<std::size_t>(form.a_registers() + form.b_registers()),
                                 static_cast<std::size_t>(form.c_registers())));
    if (c < 0 || d < 0 || c == d) continue;
    Fragment& sum = passing_[static_cast<std::size_t>(d)];
    const Fragment& before = passing_[static_cast<std::size_t>(c)];
    if (sum.first == i && before.last == i && before.first < i && sum.bytes == before.bytes) sum.over = c;
  }
}

void FragmentPlaces::place_in_turn() {
  struct Held {
    std::uint32_t last;
    std::size_t fragment;
    std::uint64_t bytes, offset;
    bool operator>(const Held& other) const {
      return last != other.last ? last > other.last : offset > other.offset;
    }
  };
  std::priority_queue<Held, std::vector<Held>, std::greater<>> held;
  std::map<std::uint64_t, std::deque<std::uint64_t>> left;  // by bytes, those left longest first
  std::vector<bool> passed_on(passing_.size(), false);
  for (std::size_t i = 0; i < passing_.size(); ++i) {
    const Fragment& fragment = passing_[i];
    if (fragment.over >= 0) {
      const auto before = static_cast<std::size_t>(fragment.over);
      const std::uint64_t offset = places_.at(passing_[before].registers.front()).offset;
      passed_on[before] = true;
      place(fragment, offset);
      held.push({fragment.last, i, fragment.bytes, offset});
      continue;
    }
    // What an operation reads does not lie where another of its operands is.
    while (!held.empty() && held.top().last < fragment.first) {
      if (!passed_on[held.top().fragment]) left[held.top().bytes].push_back(held.top().offset);
      held.pop();
    }
    std::deque<std::uint64_t>& free = left[fragment.bytes];
    std::uint64_t offset = bytes_;
    if (free.size() > kLeftAlone) {
      offset = free.front();
      free.pop_front();
    } else {
      bytes_ += fragment.bytes;
    }
    place(fragment, offset);
    held.push({fragment.last, i, fragment.bytes, offset});
  }
}

}  // namespace doppel::jit
