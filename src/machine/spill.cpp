// SPDX-License-Identifier: Apache-2.0
// Pass: spill_registers. Within a block the value that is next used furthest ahead leaves its register where
// there are too few (Belady 1966), and comes back where it is used. Where too many are live between blocks,
// those that are touched least, counted with the loops around, stay in local memory throughout: they are
// stored where they are made and loaded once in each block that reads them.
#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <utility>

#include "machine/block_graph.h"
#include "machine/machine_lowering.h"

namespace doppel::machine {
namespace {

constexpr std::uint32_t kNever = UINT32_MAX;
// Turns that a loop is taken to have.
constexpr double kTurns = 10;

MachineOperation access(MachineFunction& machine, ValueId value, std::uint32_t word, bool store) {
  MachineOperation operation;
  operation.mnemonic = store ? "STL" : "LDL";
  operation.pipe = Pipe::Memory;
  operation.spill_word = word;
  if (store) {
    machine.add_operand(operation, value);
  } else {
    machine.add_result(operation, value);
  }
  machine.add_access(operation, {MemorySpace::Local, store, 4 * machine.value_registers[value]});
  return operation;
}

// Words of a frame, given out by the size of what they hold.
class Frame {
 public:
  std::uint32_t take(std::uint32_t words) {
    std::vector<std::uint32_t>& free = free_[words];
    if (!free.empty()) {
      const std::uint32_t word = free.back();
      free.pop_back();
      return word;
    }
    end_ += words;
    most_ = std::max(most_, end_);
    return end_ - words;
  }
  void give_back(std::uint32_t word, std::uint32_t words) { free_[words].push_back(word); }
  std::uint32_t end() const { return end_; }
  std::uint32_t most() const { return most_; }
  // Forgets all behind `end`.
  void cut(std::uint32_t end) {
    end_ = end;
    free_.clear();
  }

 private:
  std::map<std::uint32_t, std::vector<std::uint32_t>> free_;
  std::uint32_t end_ = 0, most_ = 0;
};

class Spiller {
 public:
  Spiller(const ControlFlowGraph& graph, const MachineLiveness& liveness, int room, MachineFunction& machine)
      : graph_(graph),
        liveness_(liveness),
        machine_(machine),
        room_(room),
        in_memory_(machine.value_count(), false),
        values_(machine.value_count()) {}

  void run() {
    choose_for_memory();
    for (std::size_t id = 0; id < values_.size(); ++id) {
      if (in_memory_[id]) values_[id].word = frame_.take(machine_.value_registers[id]);
    }
    const std::uint32_t kept = frame_.end();
    for (BlockId id = 0; id < machine_.blocks.size(); ++id) {
      if (machine_.blocks[id].operations.empty()) continue;
      rewrite(id);
      frame_.cut(kept);
    }
    machine_.spill_words = frame_.most();
  }

 private:
  // What is known of a value while a block is gone through.
  struct Value {
    // Where the block reads (2 * operation) or writes it (2 * operation + 1), the next one last.
    std::vector<std::uint32_t> touches;
    std::uint32_t next = kNever;  // the operation that reads what it holds now, while it is in a register
    std::uint32_t word = kNever;  // its place in the frame
    bool in_register = false;
    bool saved = false;             // local memory has what it holds now
    bool leaves = false;            // live when the block ends
    std::uint32_t pinned = kNever;  // result of this operation
  };

  int width(ValueId id) const { return static_cast<int>(machine_.value_registers[id]); }
  std::uint32_t words(ValueId id) const { return machine_.value_registers[id]; }
  int registers_of(const std::vector<ValueId>& live) const {
    int sum = 0;
    for (ValueId id : live) sum += in_memory_[id] ? 0 : width(id);
    return sum;
  }

  double weight(BlockId id) const {
    double turns = 1;
    for (analysis::LoopId loop = graph_.blocks()[id].loop; loop != analysis::kNoLoop;
         loop = graph_.loops()[loop].parent)
      turns *= kTurns;
    return turns;
  }

  // Marks values of `live` until `excess` registers are free. `worth`: the most that one may cost.
  void put_aside(const std::vector<ValueId>& live, int excess, const std::vector<double>& cost,
                 double worth) {
    if (excess <= 0) return;
    std::vector<ValueId> candidates;
    for (ValueId id : live) {
      if (!in_memory_[id] && width(id) > 0 && cost[id] <= worth) candidates.push_back(id);
    }
    std::ranges::sort(candidates, {}, [&](ValueId id) { return std::pair(cost[id] / width(id), id); });
    for (ValueId id : candidates) {
      if (excess <= 0) return;
      in_memory_[id] = true;
      excess -= width(id);
    }
  }

  void choose_for_memory() {
    const std::size_t blocks = machine_.blocks.size();
    // What a value in memory costs: a store where it is made, a load in each block that reads it.
    std::vector<double> cost(machine_.value_count(), 0);
    std::vector<BlockId> read_in(machine_.value_count(), kNoBlock),
        touched_in(machine_.value_count(), kNoBlock);
    std::vector<std::vector<ValueId>> through(blocks);  // live, and not touched
    std::vector<int> most(blocks, 0);
    BlockGraphBuilder builder(machine_, liveness_);
    for (BlockId id = 0; id < blocks; ++id) {
      const double turns = weight(id);
      for (const MachineOperation& operation : machine_.blocks[id].operations) {
        for (const ValueId value : machine_.operands(operation)) {
          touched_in[value] = id;
          if (std::exchange(read_in[value], id) != id) cost[value] += turns;
        }
        for (const ValueId value : machine_.results(operation)) {
          touched_in[value] = id;
          cost[value] += turns;
        }
      }
      const std::vector<ValueId>& end = liveness_.at_end(id);
      for (ValueId value : liveness_.at_begin(id)) {
        if (touched_in[value] != id && std::ranges::binary_search(end, value)) through[id].push_back(value);
      }
      const BlockGraph graph = builder.build(id);
      BlockPressure pressure(graph);
      most[id] = pressure.live();
      for (std::uint32_t i = 0; i < graph.nodes.size(); ++i) most[id] = std::max(most[id], pressure.place(i));
    }
    for (BlockId id = 0; id < blocks; ++id) {
      for (const std::vector<ValueId>* live : {&liveness_.at_begin(id), &liveness_.at_end(id)})
        put_aside(*live, registers_of(*live) - room_, cost, HUGE_VAL);
    }
    // What a block does not touch would be stored and loaded there each time: where it costs less to keep it
    // in memory.
    for (BlockId id = 0; id < blocks; ++id) {
      int excess = most[id] - room_;
      for (ValueId value : through[id]) excess -= in_memory_[value] ? width(value) : 0;
      put_aside(through[id], excess, cost, 2 * weight(id));
    }
  }

  static void assign(std::vector<ValueId>& to, std::span<const ValueId> values) {
    to.assign(values.begin(), values.end());
  }

  // --- one block ---

  void emit(ValueId id, bool store) {
    if (values_[id].word == kNever) values_[id].word = frame_.take(words(id));
    rewritten_.push_back(access(machine_, id, values_[id].word, store));
    values_[id].saved = true;
  }
  void leave_register(ValueId id) {
    Value& value = values_[id];
    if (!value.in_register) return;
    held_.erase({value.next, id});
    used_ -= width(id);
    value.in_register = false;
  }
  void enter_register(ValueId id, std::uint32_t next) {
    values_[id].in_register = true;
    values_[id].next = next;
    held_.emplace(next, id);
    used_ += width(id);
  }
  // Nobody reads any more what it holds.
  void end_of_life(ValueId id) {
    leave_register(id);
    Value& value = values_[id];
    value.saved = false;
    if (in_memory_[id] || value.word == kNever) return;
    frame_.give_back(value.word, words(id));
    value.word = kNever;
  }
  // The operation that reads next what a value holds; `end` where it is wanted in a register behind the
  // block.
  std::uint32_t next_read(ValueId id, std::uint32_t end) const {
    const Value& value = values_[id];
    if (!value.touches.empty()) return value.touches.back() % 2 == 0 ? value.touches.back() / 2 : kNever;
    return value.leaves && !in_memory_[id] ? end : kNever;
  }
  // Frees registers for `registers` more while `operation` runs.
  void make_room(int registers, std::uint32_t operation) {
    auto at = held_.end();
    while (used_ + registers > room_ && at != held_.begin()) {
      --at;
      const auto [next, id] = *at;
      if (next == operation || values_[id].pinned == operation) continue;
      if (!values_[id].saved && next != kNever) emit(id, true);
      ++at;  // the one behind stays where it is
      leave_register(id);
    }
  }
  void load(ValueId id, std::uint32_t operation, std::uint32_t next) {
    make_room(width(id), operation);
    emit(id, false);
    enter_register(id, next);
  }

  void begin(BlockId id) {
    const auto& operations = machine_.blocks[id].operations;
    const auto end = static_cast<std::uint32_t>(operations.size());
    touched_.clear();
    held_.clear();
    used_ = 0;
    for (std::uint32_t i = end; i-- > 0;) {
      for (const ValueId value : machine_.results(operations[i])) note(value, 2 * i + 1);
      for (const ValueId value : machine_.operands(operations[i])) note(value, 2 * i);
    }
    for (ValueId value : liveness_.at_end(id)) {
      values_[value].leaves = true;
      touched_.push_back(value);
    }
    for (ValueId value : liveness_.at_begin(id)) {
      touched_.push_back(value);
      if (width(value) == 0) continue;
      values_[value].saved = in_memory_[value];
      if (!in_memory_[value]) enter_register(value, next_read(value, end));
    }
  }
  void note(ValueId id, std::uint32_t touch) {
    touched_.push_back(id);
    std::vector<std::uint32_t>& touches = values_[id].touches;
    if (touches.empty() || touches.back() != touch) touches.push_back(touch);
  }
  void forget() {
    for (ValueId id : touched_) {
      const std::uint32_t word = in_memory_[id] ? values_[id].word : kNever;
      values_[id] = {};
      values_[id].word = word;
    }
  }

  // What is wanted in registers behind the block comes back before the jump.
  void restore(BlockId id, std::uint32_t end) {
    for (ValueId value : liveness_.at_end(id)) {
      if (width(value) == 0 || in_memory_[value] || values_[value].in_register || !values_[value].saved)
        continue;
      load(value, end, end);
    }
  }

  void rewrite(BlockId id) {
    begin(id);
    std::vector<MachineOperation>& operations = machine_.blocks[id].operations;
    const auto end = static_cast<std::uint32_t>(operations.size());
    rewritten_.clear();
    std::vector<ValueId> read, written;
    for (std::uint32_t i = 0; i < end; ++i) {
      const MachineOperation& operation = operations[i];
      // Copies: loads and stores that are put in let the list grow.
      assign(read, machine_.operands(operation));
      assign(written, machine_.results(operation));
      for (const ValueId value : read) {
        if (width(value) > 0 && !values_[value].in_register) load(value, i, i);
      }
      for (const ValueId value : read) {
        if (width(value) == 0) continue;
        std::vector<std::uint32_t>& touches = values_[value].touches;
        if (touches.empty() || touches.back() != 2 * i) continue;  // read twice by this operation
        touches.pop_back();
        const std::uint32_t next = next_read(value, end);
        const bool saved_for_others = in_memory_[value] && values_[value].leaves && touches.empty();
        leave_register(value);
        if (next != kNever) {
          enter_register(value, next);
        } else if (!saved_for_others) {
          end_of_life(value);
        }
      }
      if (i + 1 == end && operation.is_branch) restore(id, end);
      std::vector<ValueId> to_store;
      for (const ValueId value : written) {
        if (width(value) == 0) continue;
        end_of_life(value);
        std::vector<std::uint32_t>& touches = values_[value].touches;
        while (!touches.empty() && touches.back() <= 2 * i + 1) touches.pop_back();
        const std::uint32_t next = next_read(value, end);
        const bool stays = in_memory_[value] && values_[value].leaves &&
                           std::ranges::none_of(touches, [](std::uint32_t touch) { return touch % 2 == 1; });
        if (next == kNever && !stays) continue;
        make_room(width(value), i);
        values_[value].pinned = i;
        enter_register(value, next);
        if (stays) to_store.push_back(value);
      }
      rewritten_.push_back(operation);
      for (ValueId value : to_store) {
        emit(value, true);
        if (values_[value].next == kNever) leave_register(value);
      }
    }
    if (!operations[end - 1].is_branch) restore(id, end);
    forget();
    operations.swap(rewritten_);
  }

  const ControlFlowGraph& graph_;
  const MachineLiveness& liveness_;
  MachineFunction& machine_;
  int room_ = 0;
  std::vector<bool> in_memory_;  // by value: wherever a block begins or ends
  std::vector<Value> values_;
  Frame frame_;
  // Of the block in work:
  std::vector<ValueId> touched_;
  std::set<std::pair<std::uint32_t, ValueId>> held_;  // in registers, by next read
  int used_ = 0;                                      // registers
  std::vector<MachineOperation> rewritten_;
};

}  // namespace

void spill_registers(const LoweringContext& context, const MachineLiveness& liveness, std::uint32_t most,
                     MachineFunction& machine) {
  Spiller(context.graph, liveness, static_cast<int>(most) - kReservedRegisters, machine).run();
}

}  // namespace doppel::machine
