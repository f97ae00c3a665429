// Pass: schedule_operations. A list scheduler for one basic block at a time: the assembler's order is not
// known, but its aim is: have long latencies behind independent work, without more registers than needed.
#include <algorithm>
#include <array>
#include <unordered_map>

#include "kernel/machine_lowering.h"

namespace doppel::kernel {
namespace {

// What the scheduler expects, in cycles. A cache miss takes longer than any block can cover, so loads only go
// first.
int expected_latency(const MachineOperation& operation) {
  if (operation.is_predicate) return 12;
  switch (operation.pipe) {
    case Pipe::Memory:
      return operation.space == MemorySpace::Shared ? 28 : 120;
    case Pipe::Special:
    case Pipe::Convert:
    case Pipe::BitCount:
    case Pipe::SpecialRegister:
    case Pipe::Shuffle:
    case Pipe::WarpReduce:
    case Pipe::ConstantLoad:
      return 24;
    case Pipe::Fp64:
    case Pipe::Convert64:
      return 24;
    case Pipe::Vote:
      return 12;
    default:
      return 5;
  }
}

bool is_fence(const MachineOperation& operation) {
  return operation.pipe == Pipe::Barrier || operation.pipe == Pipe::Fence || operation.pipe == Pipe::Branch ||
         operation.pipe == Pipe::Nop;
}

// How far an operation may move ahead of those that stand before it in the program: bounds the registers that
// scheduling costs.
constexpr std::size_t kWindow = 96;
// Registers that a block may fill beyond those it finds in use, before the scheduler looks for operations
// that free some.
constexpr int kHeadroom = 16;

struct Node {
  std::vector<std::pair<std::uint32_t, int>> successors;  // operation, cycles between
  int predecessors = 0;
  int priority = 0;  // longest way to the end of the block
  int ready = 0;
};

std::vector<Node> dependences(const std::vector<MachineOperation>& operations) {
  std::vector<Node> nodes(operations.size());
  struct Uses {
    std::int64_t writer = -1;
    std::vector<std::uint32_t> readers;
  };
  std::unordered_map<ValueId, Uses> values;
  std::int64_t fence = -1;
  std::vector<std::uint32_t> since_fence;
  struct Space {
    std::int64_t store = -1;
    std::vector<std::uint32_t> loads;
  };
  std::array<Space, 4> spaces;
  const auto connect = [&](std::int64_t from, std::uint32_t to, int cycles) {
    if (from < 0 || from == to) return;
    nodes[static_cast<std::size_t>(from)].successors.emplace_back(to, cycles);
    ++nodes[to].predecessors;
  };
  for (std::uint32_t i = 0; i < operations.size(); ++i) {
    const MachineOperation& operation = operations[i];
    for (ValueId id : operation.operands) {
      if (id == kNoValue) continue;
      Uses& uses = values[id];
      if (uses.writer >= 0)
        connect(uses.writer, i, expected_latency(operations[static_cast<std::size_t>(uses.writer)]));
      uses.readers.push_back(i);
    }
    for (ValueId id : operation.results) {
      if (id == kNoValue) continue;
      Uses& uses = values[id];
      connect(uses.writer, i, 1);
      for (std::uint32_t reader : uses.readers) connect(reader, i, 1);
      uses.readers.clear();
      uses.writer = i;
    }
    if (is_fence(operation)) {
      for (std::uint32_t before : since_fence) connect(before, i, 1);
      connect(fence, i, 1);
      since_fence.clear();
      fence = i;
    } else {
      connect(fence, i, 1);
      since_fence.push_back(i);
    }
    if (operation.pipe == Pipe::Memory) {
      // Nothing is known of two addresses, so loads pass loads only. Global memory and shared memory are
      // apart.
      Space& space = spaces[static_cast<std::size_t>(operation.space)];
      if (operation.is_store || operation.is_atomic) {
        connect(space.store, i, 1);
        for (std::uint32_t load : space.loads) connect(load, i, 1);
        space.loads.clear();
        space.store = i;
      } else {
        connect(space.store, i, 1);
        space.loads.push_back(i);
      }
    }
  }
  for (std::size_t i = nodes.size(); i-- > 0;) {
    for (const auto& [to, cycles] : nodes[i].successors)
      nodes[i].priority = std::max(nodes[i].priority, nodes[to].priority + cycles);
  }
  return nodes;
}

// How many registers are in use, as the order of a block is chosen.
class Pressure {
 public:
  Pressure(const MachineFunction& machine, const std::vector<bool>& exposed,
           const std::vector<MachineOperation>& operations)
      : machine_(machine), exposed_(exposed) {
    std::unordered_map<ValueId, bool> written;
    for (const MachineOperation& operation : operations) {
      for (ValueId id : operation.operands) {
        if (id == kNoValue) continue;
        ++reads_[id];
        if (!written[id]) start(id);
      }
      for (ValueId id : operation.results) {
        if (id != kNoValue) written[id] = true;
      }
    }
    limit_ = live_registers_ + kHeadroom;
  }
  bool high() const { return live_registers_ > limit_; }
  // What placing it would add.
  int change(const MachineOperation& operation) const {
    int registers = 0;
    for (ValueId id : operation.results) {
      if (id != kNoValue && !live(id)) registers += machine_.value_registers[id];
    }
    for (ValueId id : operation.operands) {
      if (id != kNoValue && live(id) && ends_here(id)) registers -= machine_.value_registers[id];
    }
    return registers;
  }
  void place(const MachineOperation& operation) {
    for (ValueId id : operation.operands) {
      if (id == kNoValue) continue;
      const bool last = live(id) && ends_here(id);
      --reads_[id];
      if (last) {
        live_[id] = false;
        live_registers_ -= machine_.value_registers[id];
      }
    }
    for (ValueId id : operation.results) {
      if (id != kNoValue) start(id);
    }
  }

 private:
  bool live(ValueId id) const {
    const auto found = live_.find(id);
    return found != live_.end() && found->second;
  }
  bool ends_here(ValueId id) const { return !exposed_[id] && reads_.at(id) == 1; }
  void start(ValueId id) {
    if (live(id)) return;
    live_[id] = true;
    live_registers_ += machine_.value_registers[id];
  }
  const MachineFunction& machine_;
  const std::vector<bool>& exposed_;
  std::unordered_map<ValueId, int> reads_;
  std::unordered_map<ValueId, bool> live_;
  int live_registers_ = 0;
  int limit_ = 0;
};

// Values that some block reads before it writes them: they are live between blocks.
std::vector<bool> exposed_values(const MachineFunction& machine) {
  std::vector<bool> exposed(machine.value_registers.size(), false);
  for (const MachineBlock& block : machine.blocks) {
    std::unordered_map<ValueId, bool> written;
    for (const MachineOperation& operation : block.operations) {
      for (ValueId id : operation.operands) {
        if (id != kNoValue && !written[id]) exposed[id] = true;
      }
      for (ValueId id : operation.results) {
        if (id != kNoValue) written[id] = true;
      }
    }
  }
  return exposed;
}

void schedule_block(const MachineFunction& machine, const std::vector<bool>& exposed,
                    std::vector<MachineOperation>& operations) {
  if (operations.size() < 3) return;
  std::vector<Node> nodes = dependences(operations);
  Pressure pressure(machine, exposed, operations);
  std::vector<MachineOperation> result;
  result.reserve(operations.size());
  std::vector<bool> done(operations.size(), false);
  std::vector<std::uint32_t> available;
  for (std::uint32_t i = 0; i < operations.size(); ++i) {
    if (nodes[i].predecessors == 0) available.push_back(i);
  }
  std::uint32_t first = 0;  // the first that is not yet placed
  int cycle = 0;
  while (result.size() < operations.size()) {
    while (first < operations.size() && done[first]) ++first;
    std::size_t best = available.size();
    const bool high = pressure.high();
    const auto better = [&](std::uint32_t a, std::uint32_t b) {
      const int wait_a = std::max(0, nodes[a].ready - cycle), wait_b = std::max(0, nodes[b].ready - cycle);
      if (high) {
        const int change_a = pressure.change(operations[a]), change_b = pressure.change(operations[b]);
        if (change_a != change_b) return change_a < change_b;
        if (wait_a != wait_b) return wait_a < wait_b;
        return a < b;
      }
      if (wait_a != wait_b) return wait_a < wait_b;
      if (nodes[a].priority != nodes[b].priority) return nodes[a].priority > nodes[b].priority;
      return a < b;
    };
    for (std::size_t i = 0; i < available.size(); ++i) {
      if (available[i] > first + kWindow) continue;
      if (best == available.size() || better(available[i], available[best])) best = i;
    }
    const std::uint32_t chosen = available[best];
    available.erase(available.begin() + static_cast<std::ptrdiff_t>(best));
    cycle = std::max(cycle, nodes[chosen].ready) + 1;
    done[chosen] = true;
    pressure.place(operations[chosen]);
    result.push_back(operations[chosen]);
    for (const auto& [to, cycles] : nodes[chosen].successors) {
      nodes[to].ready = std::max(nodes[to].ready, cycle - 1 + cycles);
      if (--nodes[to].predecessors == 0) available.push_back(to);
    }
  }
  operations = std::move(result);
}

}  // namespace

void schedule_operations(MachineFunction& machine) {
  const std::vector<bool> exposed = exposed_values(machine);
  for (MachineBlock& block : machine.blocks) schedule_block(machine, exposed, block.operations);
}

}  // namespace doppel::kernel
