// SPDX-License-Identifier: Apache-2.0
#include "timing/sm_simulation.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>

namespace doppel::timing {

using analysis::TraceEvent;
using machine::Asynchronous;
using machine::MachineAccess;
using machine::MachineOperation;
using machine::MemorySpace;
using machine::PhaseStep;
using machine::Pipe;

namespace {

// Where spilled values lie, as the L1 sees it: behind all memory that a trace may name.
constexpr std::uint64_t kSpillLines = std::uint64_t{1} << 56;

constexpr double kSectorBytes = 32;
constexpr double kBankBytes = 128;  // of one turn of shared memory's banks

// Cycles without anything but polls after which a poll finds what it looks for: longer than any memory takes,
// so that what it waits for is not in the simulation.
constexpr Cycle kPatience = 1 << 16;

}  // namespace

struct SmSimulation::Warp {
  std::optional<WarpReplay> replay;
  int block = 0;  // slot in the SM
  int sub_core = 0;
  Cycle ready = kNever;  // its next operation's operands are there; kNever: it waits at a barrier, or is done
  Stall why = Stall::Start;
  const PipeTiming* pipe = nullptr;  // of the next operation
  bool memory = false;
  std::uint64_t age = 0;
  Cycle started = 0;
  Cycle last_store = 0;            // when the SM is rid of its stores: fences wait for it
  std::vector<Cycle> values;       // when each value may be read
  std::vector<std::uint8_t> slow;  // 1: it comes from memory
  bool parked = false;             // it waits for the end of an mbarrier's phase
  // Of asynchronous operations, and of bulk ones.
  struct Groups {
    Cycle open = 0;             // when what has joined it ends
    std::vector<Cycle> closed;  // when each ends, but for those that were waited for
  };
  Groups groups, bulk_groups;
  // Operations that have read a clock, each with the last time.
  std::vector<std::pair<std::uint32_t, Cycle>> clock_reads;
};

struct SmSimulation::Block {
  bool live = false;
  int warps = 0;    // not yet done
  int waiting = 0;  // at the barrier
  BlockPlacement placement;
  std::vector<int> members;  // warps of the SM
  // Writes to single sectors, outside of loops that only wait, by line.
  struct Writes {
    std::uint32_t done = 0, all = 0;
  };
  std::unordered_map<std::uint64_t, Writes> writes;
  // Of its mbarriers, by the number that traces give them.
  struct Phase {
    std::uint32_t missing = 0;  // arrivals
    Cycle end = 0;              // of those that there were
  };
  std::vector<Phase> phases;
};

struct SmSimulation::SubCore {
  std::vector<int> warps;  // by age: the youngest last
  int last = -1;
  Cycle next = kNever;
  Cycle issued = 0;  // the cycle after the last issue
  std::array<Cycle, kUnitCount> free{};
  std::vector<Cycle> queue;  // when the load/store path takes each of the last memory operations, a ring
  std::size_t queue_head = 0;
  Cycle shared_taken = 0;  // when a unit that the sub-cores share takes the last operation for it
};

struct SmSimulation::Sm {
  int index = 0;
  L1Cache l1;
  std::vector<SubCore> cores;
  std::vector<Warp> warps;
  std::vector<int> free_warps;
  std::vector<Block> blocks;
  std::array<Cycle, kUnitCount> shared_free{};
  double load_store_free = 0;
  double port_free = 0;
  std::uint64_t ages = 0;
  explicit Sm(std::int64_t l1_bytes) : l1(l1_bytes) {}
};

double CodeCycles::all() const { return std::accumulate(stalled.begin(), stalled.end(), issued); }

void CodeCycles::add(const CodeCycles& more) {
  issued += more.issued;
  for (std::size_t i = 0; i < stalled.size(); ++i) stalled[i] += more.stalled[i];
  accesses += more.accesses;
  transfers += more.transfers;
  least_transfers += more.least_transfers;
}

SmSimulation::SmSimulation(const SmParameters& parameters, const machine::MachineProgram& program,
                           const AddressPatterns& patterns, ChipMemory& memory, const Options& options,
                           NextBlock next_block)
    : parameters_(parameters),
      program_(program),
      patterns_(patterns),
      memory_(memory),
      options_(options),
      next_block_(std::move(next_block)),
      waits_(std::ranges::any_of(program.spin_loops,
                                 [](const analysis::SpinLoop& loop) { return loop.on_memory(); })) {
  counts_.code.resize(program_.functions.size());
  if (waits_) writes_ = machine::writing_instructions(program_);
  for (int i = 0; i < options_.sms; ++i) {
    Sm sm(options_.l1_bytes);
    sm.index = i;
    sm.cores.resize(static_cast<std::size_t>(parameters_.sub_cores));
    for (SubCore& core : sm.cores) core.queue.resize(static_cast<std::size_t>(parameters_.queue_entries), 0);
    sm.blocks.resize(static_cast<std::size_t>(options_.blocks_per_sm));
    sms_.push_back(std::move(sm));
  }
  // The grid's first blocks go to all SMs in turn, one each.
  for (int slot = 0; slot < options_.blocks_per_sm; ++slot) {
    for (int i = 0; i < options_.sms; ++i) launch(i, slot, 0);
  }
}

SmSimulation::~SmSimulation() = default;

void SmSimulation::launch(int sm_index, int slot, Cycle at) {
  Sm& sm = sms_[static_cast<std::size_t>(sm_index)];
  Work work;
  if (!next_block_(sm_index, at, work)) return;
  // One unit starts the blocks of all SMs, one after the other.
  blocks_free_ = std::max(blocks_free_, static_cast<double>(at));
  at = static_cast<Cycle>(blocks_free_);
  blocks_free_ += parameters_.block_interval * options_.blocks_for_one;
  Block& block = sm.blocks[static_cast<std::size_t>(slot)];
  block.live = true;
  block.waiting = 0;
  block.placement = std::move(work.placement);
  block.members.clear();
  if (waits_) expect_writes(*work.trace, block);
  expect_arrivals(*work.trace, block);
  block.warps = 0;
  auto start = static_cast<double>(at);
  for (const analysis::WarpTrace& trace : work.trace->warps) {
    int index = 0;
    if (sm.free_warps.empty()) {
      index = static_cast<int>(sm.warps.size());
      sm.warps.emplace_back();
    } else {
      index = sm.free_warps.back();
      sm.free_warps.pop_back();
    }
    Warp& warp = sm.warps[static_cast<std::size_t>(index)];
    warp.replay.emplace(program_, trace);
    warp.block = slot;
    warp.values.assign(program_.values, 0);
    warp.slow.assign(program_.values, 0);
    warp.age = ++sm.ages;
    warp.last_store = 0;
    warp.parked = false;
    warp.groups = {};
    warp.bulk_groups = {};
    warp.clock_reads.clear();
    const auto fewest =
        std::ranges::min_element(sm.cores, {}, [](const SubCore& core) { return core.warps.size(); });
    warp.sub_core = static_cast<int>(fewest - sm.cores.begin());
    if (warp.replay->done()) {
      sm.free_warps.push_back(index);
      continue;
    }
    fewest->warps.push_back(index);
    block.members.push_back(index);
    ++block.warps;
    warp.started = static_cast<Cycle>(start);
    prepare(sm, warp, warp.started, Stall::Start);
    start += parameters_.warp_start;
    fewest->next = std::min(fewest->next, std::max(at, warp.ready));
  }
  if (block.warps == 0) {
    block.live = false;
    ++counts_.blocks;
  }
}

void SmSimulation::prepare(const Sm& sm, Warp& warp, Cycle earliest, Stall why) {
  const MachineOperation& operation = warp.replay->operation();
  const std::uint32_t base = warp.replay->value_base();
  Cycle ready = earliest;
  const auto wait_for = [&](machine::ValueId value) {
    const std::size_t at = base + value;
    if (warp.values[at] > ready) {
      ready = warp.values[at];
      why = warp.slow[at] != 0 ? Stall::Memory : Stall::Dependence;
    }
  };
  for (const machine::ValueId value : warp.replay->operands()) wait_for(value);
  // A result that is still on its way from memory may not be overwritten.
  for (const machine::ValueId value : warp.replay->results()) wait_for(value);
  if (operation.pipe == Pipe::Fence && warp.last_store > ready) {
    ready = warp.last_store;
    why = Stall::Fence;
  }
  const std::vector<Cycle>& closed = (operation.is_bulk ? warp.bulk_groups : warp.groups).closed;
  if (operation.asynchronous == Asynchronous::Waits && operation.pending_groups < closed.size()) {
    // They end in their order: the last that may not go on.
    const Cycle ended = closed[closed.size() - 1 - operation.pending_groups];
    if (ended > ready) {
      ready = ended;
      why = Stall::Memory;
    }
  }
  if (const TraceEvent* const clock = warp.replay->clock()) {
    const Cycle end = end_of_wait(warp, *clock);
    // Others that wait for what this warp does behind it do so with reason.
    progress_ = std::max(progress_, end);
    if (end > ready) {
      ready = end;
      why = Stall::Clock;
    }
  }
  if (operation.phase == PhaseStep::Waits) {
    const Block& block = sm.blocks[static_cast<std::size_t>(warp.block)];
    warp.replay->for_each_phase([&](const TraceEvent& event) {
      if (event.count != 0 || event.payload >= block.phases.size()) return;
      const Block::Phase& phase = block.phases[event.payload];
      const Cycle end = phase.missing > 0 ? kNever : phase.end;
      if (end <= ready) return;
      ready = end;
      why = Stall::Barrier;
    });
    warp.parked = ready >= kNever;
  }
  warp.ready = ready;
  warp.why = why;
  warp.pipe = &parameters_.pipes[static_cast<std::size_t>(operation.pipe)];
  warp.memory = operation.pipe == Pipe::Memory;
}

Cycle SmSimulation::end_of_wait(const Warp& warp, const TraceEvent& clock) {
  const auto from = std::ranges::find(warp.clock_reads, clock.id, &std::pair<std::uint32_t, Cycle>::first);
  return (from != warp.clock_reads.end() ? from->second : warp.started) +
         static_cast<Cycle>(warp.replay->cycles_of(clock));
}

Cycle SmSimulation::can_issue(const SubCore& core, const Warp& warp) const {
  if (warp.ready >= kNever) return kNever;
  Cycle at = warp.ready;
  const PipeTiming& pipe = *warp.pipe;
  const auto unit = static_cast<std::size_t>(pipe.unit);
  if (pipe.either_float_unit) {
    at = std::max(at, std::min(core.free[static_cast<std::size_t>(Unit::FloatOnly)],
                               core.free[static_cast<std::size_t>(Unit::FloatInteger)]));
  } else {
    at = std::max(at, pipe.shared_by_sub_cores ? core.shared_taken : core.free[unit]);
  }
  if (warp.memory) at = std::max(at, core.queue[core.queue_head]);
  return at;
}

void SmSimulation::step(Sm& sm, SubCore& core) {
  const Cycle now = core.next;
  // Greedy, then the youngest: the warp that issued last, else the one that came last.
  int chosen = -1;
  Cycle soonest = kNever;
  if (core.last >= 0) {
    const Cycle at = can_issue(core, sm.warps[static_cast<std::size_t>(core.last)]);
    if (at <= now) chosen = core.last;
  }
  if (chosen < 0) {
    for (auto it = core.warps.rbegin(); it != core.warps.rend(); ++it) {
      const Cycle at = can_issue(core, sm.warps[static_cast<std::size_t>(*it)]);
      if (at <= now) {
        chosen = *it;
        break;
      }
      soonest = std::min(soonest, at);
    }
  }
  if (chosen < 0) {
    core.next = soonest;
    return;
  }
  core.last = chosen;
  now_ = std::max(now_, now);
  count_stalls(core, sm.warps[static_cast<std::size_t>(chosen)], now);
  core.next = now + 1;
  core.issued = now + 1;
  ++counts_.operations;
  if (waits_ && !sm.warps[static_cast<std::size_t>(chosen)].replay->polls())
    progress_ = std::max(progress_, now);
  issue(sm, core, sm.warps[static_cast<std::size_t>(chosen)], now);
}

CodeCycles& SmSimulation::code_of(const Warp& warp) {
  const std::uint32_t function = warp.replay->function();
  std::vector<CodeCycles>& code = counts_.code[function];
  const std::size_t instructions =
      program_.instruction_base[function + 1] - program_.instruction_base[function];
  if (code.empty()) code.resize(instructions + 1);
  return code[std::min<std::size_t>(warp.replay->operation().instruction, instructions)];
}

void SmSimulation::count_stalls(const SubCore& core, const Warp& warp, Cycle now) {
  CodeCycles& code = code_of(warp);
  code.issued += 1;
  const auto count = [&](Stall why, Cycle cycles) {
    if (cycles <= 0) return;
    counts_.stalled[static_cast<std::size_t>(why)] += static_cast<double>(cycles);
    code.stalled[static_cast<std::size_t>(why)] += static_cast<double>(cycles);
  };
  const Cycle ready = std::max(warp.ready, core.issued);
  count(warp.why, ready - core.issued);
  const bool queue = warp.memory && core.queue[core.queue_head] == now;
  count(queue ? Stall::Queue : Stall::Pipe, now - ready);
}

void SmSimulation::issue(Sm& sm, SubCore& core, Warp& warp, Cycle now) {
  const MachineOperation& operation = warp.replay->operation();
  const PipeTiming& pipe = *warp.pipe;
  auto unit = static_cast<std::size_t>(pipe.unit);
  const Cycle latency =
      operation.is_predicate ? std::max(pipe.latency, parameters_.predicate_latency) : pipe.latency;
  Cycle done = now + latency;
  const bool texture = operation.pipe == Pipe::Texture;
  const Cycle busy =
      texture ? texture_busy(warp) : (operation.is_sparse ? pipe.sparse_busy : pipe.busy) * operation.passes;
  bool slow = false;
  if (pipe.either_float_unit) {
    const auto a = static_cast<std::size_t>(Unit::FloatOnly),
               b = static_cast<std::size_t>(Unit::FloatInteger);
    unit = core.free[a] <= core.free[b] ? a : b;
    core.free[unit] = now + busy;
  } else if (pipe.shared_by_sub_cores) {
    // First come, first served; one operation of each sub-core may wait.
    const Cycle start = std::max(now, sm.shared_free[unit]);
    sm.shared_free[unit] = start + busy;
    core.shared_taken = start;
    done = start + latency;
    if (texture) done = issue_texture(sm, warp, start, busy);
    slow = texture;
  } else {
    core.free[unit] = now + busy;
  }
  counts_.unit_busy[unit] += static_cast<double>(busy);
  Cycle next = now + 1;
  Stall why = Stall::Dependence;
  if (operation.pipe == Pipe::Memory) {
    // Several take their turns on the load/store path; it ends with the last of them.
    done = now;
    for (const MachineAccess& access : warp.replay->accesses())
      done = std::max(done, issue_memory(sm, core, warp, access, now));
    slow = true;
  } else if (operation.pipe == Pipe::Fence) {
    next = now + parameters_.fence_latency[static_cast<std::size_t>(operation.fence)];
    why = Stall::Fence;
  }
  if (operation.asynchronous != Asynchronous::None) take_part_in_groups(warp, operation, done);
  if (operation.phase != PhaseStep::None && operation.phase != PhaseStep::Waits)
    arrive_at_phases(sm, warp, operation, done);
  if (operation.reads_clock) note_clock_read(warp, now);
  if (operation.pipe == Pipe::Nop) {
    if (const std::uint32_t asleep_ns = warp.replay->sleep_ns(); asleep_ns > 0) {
      next = now + 1 + static_cast<Cycle>(std::llround(asleep_ns * parameters_.cycles_per_ns));
      why = Stall::Clock;
      progress_ = std::max(progress_, next);
    }
  }
  const std::uint32_t base = warp.replay->value_base();
  for (const machine::ValueId value : warp.replay->results()) {
    warp.values[base + value] = done;
    warp.slow[base + value] = slow ? 1 : 0;
  }
  const bool barrier = operation.pipe == Pipe::Barrier;
  bool jumped = false;
  warp.replay->advance(jumped);
  if (waits_) {
    const std::uint64_t repeated = warp.replay->take_repeated();
    counts_.operations -= repeated;
    counts_.polls += repeated;
  }
  if (warp.replay->done()) {
    finish_warp(sm, warp, now + 1);
    return;
  }
  if (jumped) {
    next += parameters_.taken_branch;
    if (why != Stall::Fence && why != Stall::Clock) why = Stall::Branch;
  }
  prepare(sm, warp, next, why);
  if (barrier) arrive(sm, warp, next);
}

void SmSimulation::note_clock_read(Warp& warp, Cycle now) const {
  const std::uint32_t read =
      program_.instruction_base[warp.replay->function()] + warp.replay->operation().instruction;
  const auto known = std::ranges::find(warp.clock_reads, read, &std::pair<std::uint32_t, Cycle>::first);
  if (known != warp.clock_reads.end()) {
    known->second = now;
  } else {
    warp.clock_reads.emplace_back(read, now);
  }
}

void SmSimulation::take_part_in_groups(Warp& warp, const MachineOperation& operation, Cycle done) {
  Warp::Groups& groups = operation.is_bulk ? warp.bulk_groups : warp.groups;
  if (operation.asynchronous == Asynchronous::Joins) {
    groups.open = std::max(groups.open, done);
  } else if (operation.asynchronous == Asynchronous::Closes) {
    const Cycle before = groups.closed.empty() ? 0 : groups.closed.back();
    groups.closed.push_back(std::max(before, groups.open));
    groups.open = 0;
  } else if (operation.pending_groups < groups.closed.size()) {
    groups.closed.erase(groups.closed.begin(), groups.closed.end() - operation.pending_groups);
  }
}

// How many arrivals each phase of the block's mbarriers takes.
void SmSimulation::expect_arrivals(const analysis::BlockTrace& trace, Block& block) {
  block.phases.clear();
  for (const analysis::WarpTrace& warp : trace.warps) {
    for (const TraceEvent& event : warp.events) {
      if (event.kind != TraceEvent::Kind::Phase || event.count == 0) continue;
      if (event.payload >= block.phases.size()) block.phases.resize(event.payload + 1);
      block.phases[event.payload].missing += event.count;
    }
  }
}

void SmSimulation::arrive_at_phases(Sm& sm, Warp& warp, const MachineOperation& operation, Cycle done) {
  Block& block = sm.blocks[static_cast<std::size_t>(warp.block)];
  if (operation.phase == PhaseStep::ArrivesBehindCopies) {
    done = std::max(done, warp.groups.open);
    if (!warp.groups.closed.empty()) done = std::max(done, warp.groups.closed.back());
  }
  bool ended = false;
  warp.replay->for_each_phase([&](const TraceEvent& event) {
    if (event.count == 0) return;
    Block::Phase& phase = block.phases[event.payload];
    phase.missing -= std::min<std::uint32_t>(phase.missing, event.count);
    phase.end = std::max(phase.end, done);
    ended = ended || phase.missing == 0;
  });
  if (ended) wake_parked(sm, block);
}

// Those that wait for a phase look again.
void SmSimulation::wake_parked(Sm& sm, Block& block) {
  for (const int member : block.members) {
    Warp& warp = sm.warps[static_cast<std::size_t>(member)];
    if (!warp.parked) continue;
    prepare(sm, warp, 0, Stall::Barrier);
    if (warp.parked) continue;
    SubCore& core = sm.cores[static_cast<std::size_t>(warp.sub_core)];
    core.next = std::min(core.next, std::max(core.issued, warp.ready));
  }
}

void SmSimulation::arrive(Sm& sm, Warp& warp, Cycle now) {
  Block& block = sm.blocks[static_cast<std::size_t>(warp.block)];
  warp.ready = kNever;
  ++block.waiting;
  if (block.waiting >= block.warps) release(sm, block, now);
}

void SmSimulation::release(Sm& sm, Block& block, Cycle now) {
  block.waiting = 0;
  Cycle last_store = 0;
  for (int member : block.members)
    last_store = std::max(last_store, sm.warps[static_cast<std::size_t>(member)].last_store);
  for (int member : block.members) {
    Warp& warp = sm.warps[static_cast<std::size_t>(member)];
    if (!warp.replay || warp.replay->done() || warp.ready < kNever || warp.parked) continue;
    // What the block stored before its barrier is before a fence behind it, whoever makes it (PTX ISA 8,
    // causality order). Charged only in kernels whose blocks wait for each other.
    if (waits_) warp.last_store = last_store;
    prepare(sm, warp, now + parameters_.barrier, Stall::Barrier);
    SubCore& core = sm.cores[static_cast<std::size_t>(warp.sub_core)];
    core.next = std::min(core.next, std::max(core.issued, warp.ready));
  }
}

void SmSimulation::finish_warp(Sm& sm, Warp& warp, Cycle now) {
  const int index = static_cast<int>(&warp - sm.warps.data());
  counts_.warp_cycles += static_cast<double>(now - warp.started);
  SubCore& core = sm.cores[static_cast<std::size_t>(warp.sub_core)];
  std::erase(core.warps, index);
  if (core.last == index) core.last = -1;
  warp.ready = kNever;
  const int slot = warp.block;
  Block& block = sm.blocks[static_cast<std::size_t>(slot)];
  --block.warps;
  if (block.warps > 0) {
    // Those that wait need no longer wait for this one.
    if (block.waiting >= block.warps) release(sm, block, now);
    return;
  }
  for (int member : block.members) sm.free_warps.push_back(member);
  std::ranges::sort(sm.free_warps, std::greater<>());
  block.live = false;
  ++counts_.blocks;
  launch(sm.index, slot, now + parameters_.block_start);
}

// By the samples that its lanes need; surfaces are not filtered.
Cycle SmSimulation::texture_busy(const Warp& warp) const {
  for (const MachineAccess& access : warp.replay->accesses()) {
    const TraceEvent* const event = warp.replay->event_of(access);
    if (event == nullptr) continue;
    const double each = event->filtered ? parameters_.texture_sample : parameters_.texture_nearest;
    const double wide = event->bytes_per_lane > 8 ? parameters_.texture_wide : 1;
    return std::max<Cycle>(1, std::llround(std::ceil(event->samples * each * wide)));
  }
  return 1;
}

// Texels come through the L1, by the tags of its lines; stores pass it.
Cycle SmSimulation::issue_texture(Sm& sm, Warp& warp, Cycle start, Cycle busy) {
  Cycle done = start + busy + parameters_.texture_latency + parameters_.l1_latency;
  for (const MachineAccess& access : warp.replay->accesses()) {
    const TraceEvent* const event = warp.replay->event_of(access);
    if (event == nullptr) continue;
    const analysis::WarpTrace& trace = warp.replay->trace();
    int lines = 0;
    std::uint64_t last = UINT64_MAX;
    for (std::uint32_t i = 0; i < event->count; ++i) {
      const std::uint64_t line = trace.sectors[event->payload + i] / L1Cache::kSectorsPerLine;
      if (line != last) ++lines;
      last = line;
    }
    const double tags = std::max(1.0, lines / parameters_.l1_lines_per_cycle);
    counts_.l1_busy += tags;
    // The L1 is the load/store path's too.
    const double begin = std::max(static_cast<double>(start), sm.load_store_free);
    sm.load_store_free = begin + tags;
    CodeCycles& code = code_of(warp);
    code.accesses += 1;
    code.transfers += event->count;
    code.least_transfers += std::ceil(__builtin_popcount(event->mask) *
                                      static_cast<double>(event->bytes_per_lane) / kSectorBytes);
    const Cycle back = access_global(sm, warp, access, *event, static_cast<Cycle>(begin + tags));
    if (access.is_store) {
      warp.last_store = std::max(warp.last_store, back);
      return start + 1;
    }
    done = std::max(done, back + busy + parameters_.texture_latency);
  }
  return done;
}

Cycle SmSimulation::issue_memory(Sm& sm, SubCore& core, Warp& warp, const MachineAccess& access, Cycle now) {
  const MachineOperation& operation = warp.replay->operation();
  const TraceEvent* const event = warp.replay->event_of(access);
  if (operation.is_bulk)
    return event != nullptr ? access_global(sm, warp, access, *event, now + parameters_.request_interval)
                            : now + 1;
  // Where memory is far behind, the load/store path stops taking more.
  const Cycle behind = memory_.backlog(now) - parameters_.dram_latency;
  // A generic address may turn out to be one of shared memory.
  const bool shared =
      event != nullptr ? event->space == analysis::AccessSpace::Shared : access.space == MemorySpace::Shared;
  const double start = std::max(
      {static_cast<double>(now), sm.load_store_free, shared ? 0.0 : static_cast<double>(now + behind)});
  const double least =
      shared ? parameters_.shared_interval : static_cast<double>(parameters_.request_interval);
  double busy = least;
  Cycle done = now + parameters_.l1_latency;
  const auto at = static_cast<Cycle>(start);
  if (event != nullptr && shared) {
    double passes = event->count;
    Cycle turns = 0;
    if (operation.swap_loop) {
      // In each turn one lane of those on an address gets its sum in: a load and a swap.
      passes *= 2.0 * event->serial;
      turns = (event->serial - 1) * parameters_.shared_swap_turn;
    } else if (event->atomic && !operation.combines) {
      // An atomic on shared memory is done lane by lane where lanes meet on one address.
      passes = std::max<double>(passes, 2.0 * event->serial);
    }
    busy = std::max(busy, passes);
    counts_.shared_passes += event->count;
    counts_.shared_busy += busy;
    CodeCycles& code = code_of(warp);
    code.accesses += 1;
    code.transfers += passes;
    code.least_transfers += std::ceil(__builtin_popcount(event->mask) * event->bytes_per_lane / kBankBytes);
    done = static_cast<Cycle>(start + busy - least) + parameters_.shared_latency + turns;
  } else if (event != nullptr) {
    const int lanes = __builtin_popcount(event->mask);
    // Tags, data and banks are looked at in turn; the slowest sets the pace.
    const double moved = lanes * static_cast<double>(event->bytes_per_lane) / parameters_.l1_bytes_per_cycle;
    const analysis::WarpTrace& trace = warp.replay->trace();
    int lines = 0;
    std::uint64_t last = UINT64_MAX;
    for (std::uint32_t i = 0; i < event->count; ++i) {
      const std::uint64_t line = trace.sectors[event->payload + i] / L1Cache::kSectorsPerLine;
      if (line != last) ++lines;
      last = line;
    }
    const double tags = 1 + lines / parameters_.l1_lines_per_cycle;
    const double banks = event->atomic ? 1 : event->serial;
    busy = std::max({busy, moved, lines > 1 ? tags : 0.0, banks});
    counts_.l1_busy += busy;
    CodeCycles& code = code_of(warp);
    code.accesses += 1;
    code.transfers += event->count;
    code.least_transfers += std::ceil(lanes * static_cast<double>(event->bytes_per_lane) / kSectorBytes);
    done = access_global(sm, warp, access, *event,
                         static_cast<Cycle>(start + busy) - parameters_.request_interval);
  } else if (operation.spill_word != machine::kNoSpill) {
    busy = std::max(busy, 32.0 * access.bytes_per_lane / parameters_.l1_bytes_per_cycle);
    counts_.l1_busy += busy;
    done = access_spilled(sm, warp, access, static_cast<Cycle>(start + busy) - parameters_.request_interval);
  }
  sm.load_store_free = start + busy;
  counts_.load_store_busy += busy;
  core.queue[core.queue_head] = at;
  core.queue_head = (core.queue_head + 1) % core.queue.size();
  if (access.is_store) {
    warp.last_store = std::max(warp.last_store, done);
    return now + 1;
  }
  return std::max(done, now + 1);
}

Cycle SmSimulation::pass_port(Sm& sm, int sectors, Cycle start) const {
  // Requests and data share the SM's port in their own directions: data is what fills it.
  const double begin = std::max(sm.port_free, static_cast<double>(start));
  sm.port_free = begin + sectors * 32.0 / parameters_.port_bytes_per_cycle;
  return static_cast<Cycle>(begin);
}

// Local memory of a warp: the same word of its lanes side by side in a line. Stores pass through the L1 and
// leave their line there, since the warp comes back to it.
Cycle SmSimulation::access_spilled(Sm& sm, const Warp& warp, const MachineAccess& access, Cycle start) {
  const auto place = static_cast<std::uint64_t>(&warp - sm.warps.data());
  const std::uint64_t line = kSpillLines + place * program_.spill_words + warp.replay->operation().spill_word;
  const std::uint64_t first = line * L1Cache::kSectorsPerLine;
  const int count = static_cast<int>(access.bytes_per_lane / 4) * L1Cache::kSectorsPerLine;
  Cycle done = start + parameters_.l1_latency;
  if (access.is_store) {
    done = memory_.store_spilled(count * 32.0, pass_port(sm, count, start));
    for (int k = 0; k < count; ++k) sm.l1.fill(first + static_cast<std::uint64_t>(k), start + 1);
    return done;
  }
  counts_.l1_sectors += count;
  std::vector<std::uint64_t> missing;
  for (int k = 0; k < count; ++k) {
    const std::uint64_t sector = first + static_cast<std::uint64_t>(k);
    const Cycle ready = sm.l1.find(sector);
    if (ready < kNever) {
      counts_.l1_hits += 1;
      done = std::max(done, ready);
    } else {
      missing.push_back(sector);
    }
  }
  if (missing.empty()) return done;
  const int sectors = static_cast<int>(missing.size());
  const Cycle back = memory_.load_spilled(sectors * 32.0, pass_port(sm, sectors, start));
  for (std::uint64_t sector : missing) sm.l1.fill(sector, back);
  return std::max(done, back);
}

Cycle SmSimulation::access_global(Sm& sm, Warp& warp, const MachineAccess& access, const TraceEvent& event,
                                  Cycle start) {
  const MachineOperation& operation = warp.replay->operation();
  const analysis::WarpTrace& trace = warp.replay->trace();
  const BlockPlacement& placement = sm.blocks[static_cast<std::size_t>(warp.block)].placement;
  const std::uint32_t pattern = patterns_.index_of(warp.replay->function(), operation.instruction);
  const AddressPattern& moves = patterns_[pattern];
  const std::uint64_t traced = event.count > 0 ? trace.sectors[event.payload] : 0;
  std::uint64_t shift = moves.affine ? moves.moved(traced, placement.traced, placement.block) - traced : 0;
  const auto to_port = [&](int count) { return pass_port(sm, count, start); };
  // Flags and counters have a sector for themselves.
  const bool flag = waits_ && event.count == 1;
  const bool polls = flag && warp.replay->polls();
  const std::uint64_t flag_line = (traced + shift) / L1Cache::kSectorsPerLine;
  Cycle done = start + (access.is_store ? 1 : parameters_.l1_latency);
  for (std::uint32_t i = 0; i < event.count;) {
    const std::uint64_t first = trace.sectors[event.payload + i];
    int count = 1;
    while (i + static_cast<std::uint32_t>(count) < event.count &&
           trace.sectors[event.payload + i + static_cast<std::uint32_t>(count)] ==
               first + static_cast<std::uint64_t>(count) &&
           (first + static_cast<std::uint64_t>(count)) % L1Cache::kSectorsPerLine != 0) {
      ++count;
    }
    i += static_cast<std::uint32_t>(count);
    if (operation.is_atomic) {
      // The lanes on one address one after the other, where they are not combined; a sector a cycle at most.
      int operations = count;
      if (!operation.combines) {
        operations = 0;
        const std::size_t lanes = event.payload + event.count + i - static_cast<std::uint32_t>(count);
        for (int k = 0; k < count; ++k)
          operations += static_cast<int>(trace.sectors[lanes + static_cast<std::size_t>(k)]);
      }
      const Cycle at = to_port(count);
      done = std::max(done, memory_.atomic(pattern, placement, first, count, operations, at));
      if (polls) {
        poll(sm, warp, flag_line, at);
      } else if (flag) {
        note_write(sm, warp, flag_line, memory_.atomics_done_at(pattern, placement, first));
      }
      continue;
    }
    if (access.is_store) {
      const Cycle at = to_port(count);
      done = std::max(done, memory_.store(pattern, placement, first, count, at));
      if (flag) note_write(sm, warp, flag_line, at);
      continue;
    }
    counts_.l1_sectors += count;
    if (operation.bypasses_l1) {
      Cycle at = to_port(count);
      if (polls) {
        at = memory_.poll(pattern, placement, first, at);
        poll(sm, warp, flag_line, at);
        if (written_.contains(flag_line)) memory_.keep(pattern, placement, first);
      }
      done = std::max(done, memory_.load(pattern, placement, first, count, at));
      if (polls) memory_.keep(pattern, placement, first);
      continue;
    }
    if (!moves.affine) shift = moves.moved(first, placement.traced, placement.block) - first;
    int missing = 0;
    std::uint64_t first_missing = 0;
    for (int k = 0; k < count; ++k) {
      const std::uint64_t sector = first + shift + static_cast<std::uint64_t>(k);
      const Cycle ready = sm.l1.find(sector);
      if (ready < kNever) {
        counts_.l1_hits += 1;
        done = std::max(done, ready);
      } else {
        if (missing == 0) first_missing = first + static_cast<std::uint64_t>(k);
        ++missing;
      }
    }
    if (missing > 0) {
      const Cycle back = memory_.load(pattern, placement, first_missing, missing, to_port(missing));
      for (int k = 0; k < count; ++k) {
        const std::uint64_t sector = first + shift + static_cast<std::uint64_t>(k);
        if (sm.l1.find(sector) >= kNever) sm.l1.fill(sector, back);
      }
      done = std::max(done, back);
    }
  }
  return done;
}

// What a block will write to single sectors, so that others do not wait for what never comes.
void SmSimulation::expect_writes(const analysis::BlockTrace& trace, Block& block) {
  block.writes.clear();
  for (const analysis::WarpTrace& warp : trace.warps) {
    const analysis::SpinLoop* loop = nullptr;
    for (const TraceEvent& event : warp.events) {
      if (event.kind == TraceEvent::Kind::Block)
        loop = analysis::spin_loop_of(program_.spin_loops, analysis::TraceBlockId{event.id});
      const bool polls = loop != nullptr && loop->on_memory();
      if (event.kind != TraceEvent::Kind::Access || event.count != 1 || polls) continue;
      if (event.space != analysis::AccessSpace::Global || event.id >= writes_.size() || !writes_[event.id])
        continue;
      const std::uint64_t traced = warp.sectors[event.payload];
      const AddressPattern& moves = patterns_[event.id];
      const std::uint64_t sector =
          moves.affine ? moves.moved(traced, block.placement.traced, block.placement.block) : traced;
      ++block.writes[sector / L1Cache::kSectorsPerLine].all;
    }
  }
}

void SmSimulation::note_write(Sm& sm, const Warp& warp, std::uint64_t line, Cycle at) {
  ++sm.blocks[static_cast<std::size_t>(warp.block)].writes[line].done;
  Cycle& last = written_[line];
  last = std::max(last, at);
}

// A poll finds what it waits for when L2 has done what was written to the line before; and where the warp's
// own block writes there too (it arrives at a barrier of the grid), when the other blocks have done so as
// often, as far as they will.
void SmSimulation::poll(const Sm& sm, Warp& warp, std::uint64_t line, Cycle at) {
  if (at - progress_ > kPatience) return;
  const auto written = written_.find(line);
  if (written == written_.end()) return;
  bool found = at >= written->second;
  const Block& own = sm.blocks[static_cast<std::size_t>(warp.block)];
  const auto mine = own.writes.find(line);
  if (mine != own.writes.end()) {
    for (const Sm& each : sms_) {
      for (const Block& other : each.blocks) {
        if (!other.live || !found) continue;
        const auto theirs = other.writes.find(line);
        if (theirs == other.writes.end()) continue;
        found = theirs->second.done >= std::min(mine->second.done, theirs->second.all);
      }
    }
  }
  if (!found) warp.replay->poll_again();
}

double SmSimulation::warp_cycles() const {
  double sum = counts_.warp_cycles;
  for (const Sm& sm : sms_) {
    for (const SubCore& core : sm.cores) {
      for (const int index : core.warps) {
        const Cycle started = sm.warps[static_cast<std::size_t>(index)].started;
        sum += static_cast<double>(std::max<Cycle>(0, now_ - started));
      }
    }
  }
  return sum;
}

bool SmSimulation::run(std::uint64_t operations) {
  const std::uint64_t end = counts_.operations + operations;
  while (counts_.operations < end) {
    Sm* sm = nullptr;
    SubCore* core = nullptr;
    Cycle next = kNever;
    for (Sm& candidate : sms_) {
      for (SubCore& sub_core : candidate.cores) {
        if (sub_core.next < next) {
          next = sub_core.next;
          sm = &candidate;
          core = &sub_core;
        }
      }
    }
    if (core == nullptr) {
      // Only warps at barriers that never fill are left (a trace that was cut short): let them go.
      bool released = false;
      for (Sm& candidate : sms_) {
        for (Block& block : candidate.blocks) {
          if (block.live && block.waiting > 0) {
            release(candidate, block, now_);
            released = true;
          }
          const auto is_parked = [&](int member) {
            return candidate.warps[static_cast<std::size_t>(member)].parked;
          };
          if (block.live && std::ranges::any_of(block.members, is_parked)) {
            for (Block::Phase& phase : block.phases) phase.missing = 0;
            wake_parked(candidate, block);
            released = true;
          }
        }
      }
      if (!released) break;
      continue;
    }
    step(*sm, *core);
  }
  counts_.cycles = now_;
  for (const Sm& sm : sms_) {
    for (const SubCore& core : sm.cores) {
      if (core.next < kNever) return true;
    }
  }
  counts_.cycles = std::max(now_, memory_.all_done());
  return false;
}

}  // namespace doppel::timing
