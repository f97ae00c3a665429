// SPDX-License-Identifier: Apache-2.0
#include "timing/sm_simulation.h"

#include <gtest/gtest.h>

#include "synthetic.h"

namespace doppel::timing {
namespace {

using machine::MemorySpace;
using machine::Pipe;
using namespace synthetic;

analysis::BlockTrace block_of(int warps, const analysis::WarpTrace& trace) {
  analysis::BlockTrace block;
  block.warps.assign(static_cast<std::size_t>(warps), trace);
  return block;
}

analysis::WarpTrace repeats(int count) {
  analysis::WarpTrace trace;
  trace.events.assign(static_cast<std::size_t>(count), block_event());
  return trace;
}

TEST(SmSimulation, ADependentMultiplyAddTakesFourCycles) {
  std::vector<Step> operations(64, arithmetic(Pipe::Fp32, 0, {0, 1, 2}));
  const Kernel kernel(operations, 3);
  const Result result = run(a40(), kernel, {block_of(1, repeats(10))}, 1);
  EXPECT_EQ(result.counts.operations, 640u);
  EXPECT_NEAR(static_cast<double>(result.counts.cycles), 640 * 4, 8);
}

TEST(SmSimulation, IndependentMultiplyAddsReachTheFullRate) {
  std::vector<Step> operations;
  for (machine::ValueId i = 0; i < 8; ++i) operations.push_back(arithmetic(Pipe::Fp32, i, {i, 8, 9}));
  const Kernel kernel(operations, 10);
  const Result result = run(a40(), kernel, {block_of(8, repeats(500))}, 1);
  const double lanes =
      32.0 * static_cast<double>(result.counts.operations) / static_cast<double>(result.counts.cycles);
  EXPECT_NEAR(lanes, 128, 1);
}

TEST(SmSimulation, IntegersTakeHalfOfTheLanesAndLeaveTheRestToFloats) {
  std::vector<Step> operations;
  for (machine::ValueId i = 0; i < 8; ++i) {
    operations.push_back(arithmetic(Pipe::Fp32, i, {i}));
    operations.push_back(arithmetic(Pipe::Alu, i + 8, {i + 8}));
  }
  const Kernel kernel(operations, 16);
  const Result result = run(a40(), kernel, {block_of(16, repeats(200))}, 1);
  EXPECT_NEAR(
      32.0 * static_cast<double>(result.counts.operations) / static_cast<double>(result.counts.cycles), 128,
      4);
  std::vector<Step> integers;
  for (machine::ValueId i = 0; i < 8; ++i) integers.push_back(arithmetic(Pipe::Alu, i, {i}));
  const Result alone = run(a40(), Kernel(integers, 8), {block_of(16, repeats(200))}, 1);
  EXPECT_NEAR(32.0 * static_cast<double>(alone.counts.operations) / static_cast<double>(alone.counts.cycles),
              64, 1);
}

TEST(SmSimulation, DoublesShareOneNarrowUnit) {
  std::vector<Step> operations;
  for (machine::ValueId i = 0; i < 4; ++i) operations.push_back(arithmetic(Pipe::Fp64, i, {i}));
  const Result result = run(a40(), Kernel(operations, 4), {block_of(8, repeats(50))}, 1);
  EXPECT_NEAR(
      32.0 * static_cast<double>(result.counts.operations) / static_cast<double>(result.counts.cycles), 2,
      0.05);
}

TEST(SmSimulation, BankConflictsTakeAPassEach) {
  for (int passes : {1, 2, 8, 32}) {
    std::vector<Step> operations;
    analysis::WarpTrace trace;
    for (std::uint32_t i = 0; i < 4; ++i)
      operations.push_back(access(MemorySpace::Shared, i, i, i, false, 4));
    for (int repeat = 0; repeat < 100; ++repeat) {
      trace.events.push_back(block_event());
      for (std::uint32_t i = 0; i < 4; ++i) trace.events.push_back(shared_event(i, passes));
    }
    const Result result = run(a40(), Kernel(operations, 4), {block_of(16, trace)}, 1);
    const double cycles =
        static_cast<double>(result.counts.cycles) / static_cast<double>(result.counts.operations);
    EXPECT_NEAR(cycles, std::max<double>(a40().load_store.shared_interval_cycles, passes), 0.1) << passes;
  }
}

// Every warp reads its own part of memory once.
Result stream(const card::Card& card, int blocks, int warps, int loads, L2 l2, double share) {
  std::vector<Step> operations;
  operations.push_back(access(MemorySpace::Global, 0, 0, 0, false, 4));
  operations.push_back(arithmetic(Pipe::Fp32, 1, {0, 1}));
  std::vector<analysis::BlockTrace> traces;
  std::uint64_t sector = 0;
  for (int block = 0; block < blocks; ++block) {
    analysis::BlockTrace trace;
    trace.block_index = static_cast<std::uint64_t>(block);
    trace.warps.resize(static_cast<std::size_t>(warps));
    for (auto& warp : trace.warps) {
      for (int i = 0; i < loads; ++i) {
        warp.events.push_back(block_event());
        add_global(warp, 0, sector, 4, 4);
        sector += 4;
      }
    }
    traces.push_back(std::move(trace));
  }
  return run(card, Kernel(operations, 2), traces, share, l2);
}

TEST(SmSimulation, AStreamReachesTheMemorysRate) {
  const card::Card card = a40();
  const double share = 1.0 / card.sm_count;
  const Result result = stream(card, 6, 8, 200, L2::Cold, share);
  const double bytes = 6 * 8 * 200 * 128.0;
  EXPECT_DOUBLE_EQ(result.traffic.dram_read_bytes, bytes);
  const double rate =
      bytes / share / static_cast<double>(result.counts.cycles) * card.clocks.sustained_mhz * 1e6;
  EXPECT_NEAR(rate, card.memory.peak_bytes_per_second() * card.memory.read_efficiency, 0.05 * rate);
}

TEST(SmSimulation, DataThatFitsComesFromL2AtItsRate) {
  const card::Card card = a40();
  const double share = 1.0 / card.sm_count;
  const Result result = stream(card, 6, 8, 200, L2::Warm, share);
  EXPECT_EQ(result.traffic.dram_read_bytes, 0);
  const double rate = 6 * 8 * 200 * 128.0 / share / static_cast<double>(result.counts.cycles);
  EXPECT_NEAR(rate, card.l2.read_bytes_per_cycle, 0.05 * rate);
}

TEST(SmSimulation, ADependentLoadSeesTheLatencyOfItsLevel) {
  const card::Card card = a40();
  const SmParameters parameters = sm_parameters(card, card.clocks.sustained_mhz);
  std::vector<Step> operations{access(MemorySpace::Global, 0, 0, 0, false, 8)};
  operations[0].reads = {0};
  const auto cycles = [&](int sectors_apart, int distinct, L2 l2) {
    analysis::WarpTrace trace;
    for (int i = 0; i < 1000; ++i) {
      trace.events.push_back(block_event());
      add_global(trace, 0,
                 static_cast<std::uint64_t>(i % distinct) * static_cast<std::uint64_t>(sectors_apart), 1, 8);
      trace.events.back().mask = 1;
    }
    return static_cast<double>(run(card, Kernel(operations, 1), {block_of(1, trace)}, 1, l2).counts.cycles) /
           1000;
  };
  EXPECT_NEAR(cycles(4, 4, L2::Cold), parameters.l1_latency, 4);
  EXPECT_NEAR(cycles(4, 1000, L2::Warm), parameters.l2_latency, 2);
  EXPECT_NEAR(cycles(4, 1000, L2::Cold), parameters.dram_latency, 2);
}

TEST(SmSimulation, ABarrierHoldsUntilTheLastWarpArrives) {
  std::vector<Step> operations(16, arithmetic(Pipe::Fp32, 0, {0}));
  Step barrier;
  barrier.pipe = Pipe::Barrier;
  operations.push_back(barrier);
  const Kernel kernel(operations, 1);
  const card::Card card = a40();
  const Result result = run(card, kernel, {block_of(4, repeats(10))}, 1);
  EXPECT_NEAR(static_cast<double>(result.counts.cycles), 10 * (16 * 4 + 1 + card.pipes.barrier_cycles), 60);
}

TEST(SmSimulation, TwoRunsAreTheSame) {
  const card::Card card = a40();
  EXPECT_EQ(stream(card, 3, 5, 50, L2::Cold, 0.1).counts.cycles,
            stream(card, 3, 5, 50, L2::Cold, 0.1).counts.cycles);
}

// A value that registers cannot hold: a store that passes through the L1, and loads that find it there.
TEST(SmSimulation, SpilledValuesStayInTheL1) {
  const auto spilled = [](bool store, std::uint32_t word) {
    Step step = access(MemorySpace::Local, machine::kNoAccess, 0, 0, store, 4);
    step.spill_word = word;
    if (store) step.reads = {0};
    return step;
  };
  std::vector<Step> operations;
  for (std::uint32_t word = 0; word < 8; ++word) operations.push_back(spilled(true, word));
  for (std::uint32_t word = 0; word < 8; ++word) operations.push_back(spilled(false, word));
  Kernel kernel(operations, 1);
  kernel.program.spill_words = 8;
  const Result result = run(a40(), kernel, {block_of(4, repeats(10))}, 1);
  EXPECT_EQ(result.counts.l1_sectors, 4 * 10 * 8 * 4);
  EXPECT_EQ(result.counts.l1_hits, result.counts.l1_sectors);
  EXPECT_EQ(result.traffic.l2_bytes, 4 * 10 * 8 * 128);
  EXPECT_EQ(result.traffic.dram_write_bytes, 0);
  // More of them than the L1 has lines: they come back from L2.
  std::vector<Step> many;
  for (std::uint32_t word = 0; word < 1200; ++word) many.push_back(spilled(true, word));
  for (std::uint32_t word = 0; word < 1200; ++word) many.push_back(spilled(false, word));
  Kernel larger(many, 1);
  larger.program.spill_words = 1200;
  const Result missed = run(a40(), larger, {block_of(4, repeats(4))}, 1);
  EXPECT_LT(missed.counts.l1_hits, missed.counts.l1_sectors / 2);
  EXPECT_GT(missed.traffic.l2_bytes, 1.5 * 4 * 4 * 1200 * 128);
}

// Arrives at a barrier of the grid behind so much work, and polls until all have: block 0 of the code, then
// the loop, block 1. All on one line of memory.
struct GridBarrier {
  static constexpr std::uint32_t kArrive = 0, kPoll = 1;
  machine::MachineProgram program;

  explicit GridBarrier(bool atomic_arrival) {
    machine::MachineFunction function;
    function.blocks.resize(3);
    function.value_registers.assign(3, 1);
    const auto add = [&](std::size_t block, const Step& step) {
      machine::MachineOperation& operation = function.blocks[block].operations.emplace_back(step);
      for (const machine::ValueId value : step.writes) function.add_result(operation, value);
      for (const machine::ValueId value : step.reads) function.add_operand(operation, value);
      for (const machine::MachineAccess& access : step.touches) {
        function.add_access(operation, access);
        function.blocks[block].access_instructions.push_back(step.instruction);
        ++function.blocks[block].accesses;
      }
    };
    Step arrive = access(MemorySpace::Global, 0, kArrive, 0, !atomic_arrival, 4);
    arrive.is_atomic = atomic_arrival;
    Step poll = access(MemorySpace::Global, 0, kPoll, 1, false, 4);
    poll.bypasses_l1 = true;
    add(0, arrive);
    add(1, poll);
    add(1, arithmetic(Pipe::Alu, 2, {0, 1}));
    Step back = arithmetic(Pipe::Branch, 2, {2});
    back.is_branch = true;
    add(1, back);
    add(2, arithmetic(Pipe::Fp32, 0, {0}));
    for (std::uint32_t i = 0; i < 2; ++i) function.blocks[i].fall_through = i + 1;
    program.accesses = 1;
    program.functions.push_back(std::move(function));
    program.value_base = {0};
    program.values = 3;
    program.instruction_base = {0, 2};
    program.spin_loops = {{0, 1, 1, 0, {1}}};
  }

  // Of a warp that makes `turns` barriers, with so many operations before each.
  static analysis::BlockTrace block(int turns, int work, std::uint64_t arrivals, std::uint64_t flag) {
    analysis::WarpTrace warp;
    const auto enter = [&](std::uint32_t id) {
      warp.events.push_back(block_event());
      warp.events.back().id = id;
    };
    for (int turn = 0; turn < turns; ++turn) {
      for (int i = 0; i < work; ++i) enter(2);
      enter(0);
      add_global(warp, kArrive, arrivals, 1, 4);
      warp.events.back().atomic = true;
      warp.events.back().mask = 1;
      warp.sectors.push_back(1);
      enter(1);
      add_global(warp, kPoll, flag, 1, 4);
      warp.events.back().mask = 1;
    }
    analysis::BlockTrace made;
    made.warps.push_back(std::move(warp));
    return made;
  }

  SimulationCounts simulate(std::vector<analysis::BlockTrace> blocks) const {
    for (std::size_t i = 0; i < blocks.size(); ++i) blocks[i].block_index = i;
    const card::Card card = a40();
    const SmParameters parameters = sm_parameters(card, card.clocks.sustained_mhz);
    const AddressPatterns patterns(blocks, Dim3{static_cast<std::uint32_t>(blocks.size()), 1, 1},
                                   program.instruction_base);
    ChipMemory memory(parameters, patterns,
                      {card.l2.bytes, std::vector<double>(patterns.size(), 1.0), 0, 1.0});
    std::size_t next = 0;
    SmSimulation simulation(parameters, program, patterns, memory,
                            {1, static_cast<int>(blocks.size()), 128 * 1024},
                            [&](int, Cycle, SmSimulation::Work& work) {
                              if (next == blocks.size()) return false;
                              const BlockIndex index{static_cast<std::int64_t>(next), 0, 0};
                              work.trace = &blocks[next++];
                              work.placement = {index, index, {index}};
                              return true;
                            });
    while (simulation.run(1'000'000)) {
    }
    return simulation.counts();
  }
};

TEST(SmSimulation, APollFindsNothingBeforeTheLastBlockHasCome) {
  constexpr int kWork = 3000;
  const GridBarrier barrier(true);
  const auto early = GridBarrier::block(1, 1, 0, 0), late = GridBarrier::block(1, kWork, 0, 0);
  const SimulationCounts alone = barrier.simulate({early});
  const SimulationCounts with = barrier.simulate({early, late});
  EXPECT_EQ(alone.polls, 0u);
  EXPECT_GT(with.polls, 10u);
  // What is polled in vain is no work of the program.
  EXPECT_EQ(with.operations, alone.operations + barrier.simulate({late}).operations);
  const SmParameters parameters = sm_parameters(a40(), a40().clocks.sustained_mhz);
  EXPECT_GT(with.cycles, alone.cycles);
  EXPECT_GE(with.cycles, 4 * kWork + parameters.l2_latency);
  EXPECT_LE(with.cycles, 6 * kWork + 4 * parameters.l2_latency);
}

TEST(SmSimulation, BlocksMeetAtEachBarrierOfTheGrid) {
  const GridBarrier barrier(true);
  const SmParameters parameters = sm_parameters(a40(), a40().clocks.sustained_mhz);
  const Cycle both =
      barrier.simulate({GridBarrier::block(10, 500, 0, 0), GridBarrier::block(10, 500, 0, 0)}).cycles;
  const Cycle one =
      barrier.simulate({GridBarrier::block(10, 500, 0, 0), GridBarrier::block(10, 1, 0, 0)}).cycles;
  EXPECT_GE(both, 10 * (4 * 500 + parameters.l2_latency));
  EXPECT_NEAR(static_cast<double>(one), static_cast<double>(both), 0.1 * static_cast<double>(both));
}

// Where blocks wait for each other, a fence behind the block's barrier waits for what other warps stored
// before it.
TEST(SmSimulation, AFenceWaitsForTheStoresOfAllThatMet) {
  std::vector<Step> operations{access(MemorySpace::Global, 0, 0, 0, true, 4)};
  Step step;
  step.pipe = Pipe::Barrier;
  operations.push_back(step);
  step.pipe = Pipe::Fence;
  step.fence = machine::FenceScope::Device;
  operations.push_back(step);
  operations.push_back(arithmetic(Pipe::Special, 0, {0}));
  Kernel kernel(operations, 1);
  std::vector<machine::MachineBlock>& code = kernel.program.functions[0].blocks;
  code.emplace_back().operations.assign(100, code[0].operations.back());
  analysis::BlockTrace block = block_of(2, repeats(1));
  add_global(block.warps[0], 0, 0, 4, 4);
  // The other warp stores nothing, and goes on for longer behind the fence.
  block.warps[1].events.push_back(block_event());
  block.warps[1].events.back().id = 1;
  const SmParameters parameters = sm_parameters(a40(), a40().clocks.sustained_mhz);
  const Cycle apart = run(a40(), kernel, {block}, 1).counts.cycles;
  kernel.program.spin_loops = {{0, 7, 7, 0, {7}}};
  const Cycle together = run(a40(), kernel, {block}, 1).counts.cycles;
  EXPECT_GT(together, apart + parameters.l2_latency / 2);
}

// A flag that no simulated block writes is taken for written.
TEST(SmSimulation, WhatIsNotSimulatedIsNotWaitedFor) {
  const GridBarrier barrier(false);
  const SimulationCounts counts = barrier.simulate({GridBarrier::block(3, 1, 0, 400)});
  EXPECT_EQ(counts.polls, 0u);
  // A block that has come for the last time is not waited for.
  const SimulationCounts uneven =
      barrier.simulate({GridBarrier::block(1, 1, 0, 0), GridBarrier::block(2, 1, 0, 0)});
  EXPECT_EQ(uneven.operations, 3u * 5u);
}

double sum_of_slots(const SimulationCounts& counts) {
  double sum = static_cast<double>(counts.operations);
  for (const double stalled : counts.stalled) sum += stalled;
  return sum;
}

double stalled(const SimulationCounts& counts, Stall stall) {
  return counts.stalled[static_cast<std::size_t>(stall)];
}

// Reads the clock in block 0 of the code, waits for it in block 1, and goes on in block 2.
struct ClockWait {
  static constexpr std::uint32_t kStart = 0, kLook = 1;
  static constexpr Cycle kCycles = 50'000;
  Kernel kernel{{read(kStart)}, 3};

  ClockWait() {
    machine::MachineFunction& function = kernel.program.functions[0];
    function.blocks.resize(3);
    const auto add = [&](std::size_t block, const Step& step) {
      machine::MachineOperation& operation = function.blocks[block].operations.emplace_back(step);
      for (const machine::ValueId value : step.writes) function.add_result(operation, value);
      for (const machine::ValueId value : step.reads) function.add_operand(operation, value);
    };
    add(1, read(kLook));
    Step back = arithmetic(Pipe::Branch, 2, {1});
    back.is_branch = true;
    add(1, back);
    add(2, arithmetic(Pipe::Fp32, 0, {0}));
    for (std::uint32_t i = 0; i < 2; ++i) function.blocks[i].fall_through = i + 1;
    kernel.program.instruction_base = {0, 2};
    analysis::SpinLoop loop{0, 1, 1, 0, {1}};
    loop.by_clock = true;
    kernel.program.spin_loops = {loop};
  }

  static Step read(std::uint32_t instruction) {
    Step step = arithmetic(Pipe::SpecialRegister, instruction == kStart ? 0 : 1, {});
    step.instruction = instruction;
    step.reads_clock = true;
    return step;
  }

  // So much work before the first reading, and between it and the loop.
  static analysis::WarpTrace warp(int before, int between, std::uint32_t from = kStart) {
    analysis::WarpTrace trace;
    const auto enter = [&](std::uint32_t id) {
      trace.events.push_back(block_event());
      trace.events.back().id = id;
    };
    for (int i = 0; i < before; ++i) enter(2);
    enter(0);
    for (int i = 0; i < between; ++i) enter(2);
    analysis::TraceEvent clock;
    clock.kind = analysis::TraceEvent::Kind::Clock;
    clock.id = from;
    clock.payload = static_cast<std::uint32_t>(trace.sectors.size());
    trace.sectors.push_back(kCycles);
    trace.events.push_back(clock);
    enter(1);
    enter(2);
    return trace;
  }
  double cycles(const analysis::BlockTrace& block) const {
    return static_cast<double>(run(a40(), kernel, {block}, 1).counts.cycles);
  }
};

TEST(ClockLoops, EndWhenTheClockHasComeSoFar) {
  const ClockWait wait;
  EXPECT_NEAR(wait.cycles(block_of(1, ClockWait::warp(0, 0))), ClockWait::kCycles, 100);
  EXPECT_NEAR(wait.cycles(block_of(32, ClockWait::warp(0, 0))), ClockWait::kCycles, 300);
}

TEST(ClockLoops, CountFromTheReadingThatTheyAreComputedFrom) {
  const ClockWait wait;
  constexpr int kWork = 1000;  // of four cycles each
  EXPECT_NEAR(wait.cycles(block_of(1, ClockWait::warp(0, kWork))), ClockWait::kCycles, 100);
  EXPECT_NEAR(wait.cycles(block_of(1, ClockWait::warp(kWork, 0))), ClockWait::kCycles + 4 * kWork, 100);
  EXPECT_NEAR(wait.cycles(block_of(1, ClockWait::warp(kWork, 0, analysis::kFromStart))), ClockWait::kCycles,
              100);
  // What has taken longer is not waited for any more.
  EXPECT_NEAR(wait.cycles(block_of(1, ClockWait::warp(0, 20 * kWork))), 80 * kWork, 200);
}

TEST(ClockLoops, TheWaitIsTold) {
  const ClockWait wait;
  const SimulationCounts counts = run(a40(), wait.kernel, {block_of(1, ClockWait::warp(0, 0))}, 1).counts;
  EXPECT_NEAR(stalled(counts, Stall::Clock), ClockWait::kCycles, 100);
}

TEST(Sleep, TakesItsTime) {
  Step nap;
  nap.instruction = 0;
  const Kernel kernel({nap, arithmetic(Pipe::Fp32, 0, {0})}, 1);
  analysis::WarpTrace trace;
  for (int i = 0; i < 10; ++i) {
    trace.events.push_back(block_event());
    analysis::TraceEvent sleep;
    sleep.kind = analysis::TraceEvent::Kind::Sleep;
    sleep.payload = 1000;
    trace.events.push_back(sleep);
  }
  const auto cycles = static_cast<double>(run(a40(), kernel, {block_of(1, trace)}, 1).counts.cycles);
  EXPECT_NEAR(cycles, 10'000 * a40().clocks.sustained_mhz / 1000, 200);
}

TEST(Stalls, EveryCycleOfASubCoreWithWorkIsIssueOrStall) {
  std::vector<Step> operations(16, arithmetic(Pipe::Fp32, 0, {0, 1, 2}));
  const Result result = run(a40(), Kernel(operations, 3), {block_of(4, repeats(100))}, 1);
  EXPECT_NEAR(sum_of_slots(result.counts), 4 * static_cast<double>(result.counts.cycles), 40);
  // Each waits three cycles for the one before it, but for the first.
  EXPECT_NEAR(stalled(result.counts, Stall::Dependence), 3 * static_cast<double>(result.counts.operations),
              40);
}

TEST(Stalls, AWarpAloneAtABarrierIsCounted) {
  // One warp a sub-core: where it waits at the barrier for the longest, its sub-core has nothing else.
  std::vector<Step> operations(32, arithmetic(Pipe::Fp32, 0, {0}));
  operations.push_back({});
  operations.back().pipe = Pipe::Barrier;
  operations.push_back(arithmetic(Pipe::Fp32, 1, {1}));
  analysis::BlockTrace block = block_of(4, repeats(1));
  block.warps[0] = repeats(1);
  const Kernel kernel(operations, 2);
  const Result alike = run(a40(), kernel, {block}, 1);
  EXPECT_GT(stalled(alike.counts, Stall::Barrier), 0);
  EXPECT_NEAR(sum_of_slots(alike.counts), 4 * static_cast<double>(alike.counts.cycles), 40);
}

TEST(Stalls, GoToTheOperationThatWaits) {
  std::vector<Step> operations = {access(MemorySpace::Global, 0, 0, 0, false, 4),
                                  arithmetic(Pipe::Fp32, 1, {0})};
  operations[1].instruction = 1;
  analysis::WarpTrace trace;
  trace.events.push_back(block_event());
  add_global(trace, 0, 0, 4, 4);
  Kernel kernel(operations, 2);
  kernel.program.instruction_base = {0, 2};
  const Result result = run(a40(), kernel, {block_of(1, trace)}, 1);
  const std::vector<CodeCycles>& code = result.counts.code.at(0);
  EXPECT_EQ(code.at(0).issued, 1);
  EXPECT_EQ(code.at(1).issued, 1);
  EXPECT_GT(code.at(1).stalled[static_cast<std::size_t>(Stall::Memory)], 300);
  EXPECT_EQ(code.at(0).stalled[static_cast<std::size_t>(Stall::Memory)], 0);
  EXPECT_EQ(code.at(0).accesses, 1);
  EXPECT_EQ(code.at(0).transfers, 4);
  EXPECT_EQ(code.at(0).least_transfers, 4);
}

TEST(Stalls, AnAccessTellsWhatItMovesInVain) {
  std::vector<Step> operations = {access(MemorySpace::Shared, 0, 0, 0, false, 4),
                                  access(MemorySpace::Global, 1, 1, 1, false, 4)};
  analysis::WarpTrace trace;
  trace.events.push_back(block_event());
  trace.events.push_back(shared_event(0, 8));
  add_global(trace, 1, 0, 32, 4);
  const Result result = run(a40(), Kernel(operations, 2), {block_of(1, trace)}, 1);
  const std::vector<CodeCycles>& code = result.counts.code.at(0);
  EXPECT_EQ(code.at(0).transfers, 8);
  EXPECT_EQ(code.at(0).least_transfers, 1);
  EXPECT_EQ(code.at(1).transfers, 32);
  EXPECT_EQ(code.at(1).least_transfers, 4);
}

TEST(WideOperation, WaitsForEveryOperand) {
  // The ninth comes from memory.
  std::vector<Step> operations = {access(MemorySpace::Global, 0, 0, 8, false, 4),
                                  arithmetic(Pipe::Fp32, 9, {0, 1, 2, 3, 4, 5, 6, 7, 8})};
  operations[1].instruction = 1;
  operations[1].flops = 4096;
  analysis::WarpTrace trace;
  trace.events.push_back(block_event());
  add_global(trace, 0, 0, 4, 4);
  Kernel kernel(operations, 10);
  kernel.program.instruction_base = {0, 2};
  const Result result = run(a40(), kernel, {block_of(1, trace)}, 1);
  EXPECT_GT(result.counts.code.at(0).at(1).stalled[static_cast<std::size_t>(Stall::Memory)], 300);
}

TEST(WideOperation, MoreValuesThan16BitsNumber) {
  const machine::ValueId far = 70000;
  const auto waited = [&](machine::ValueId read) {
    const Kernel kernel({arithmetic(Pipe::Fp32, far, {0}), arithmetic(Pipe::Fp32, 1, {read})}, far + 1);
    return stalled(run(a40(), kernel, {block_of(1, repeats(1))}, 1).counts, Stall::Dependence);
  };
  EXPECT_EQ(waited(far % 65536), 0);
  EXPECT_GT(waited(far), 0);
}

// Global memory to shared memory, as cp.async does, `copies` a group; then a wait for all groups but
// `pending`, and something that goes on.
std::vector<Step> copies_and_wait(int groups, std::uint32_t pending) {
  std::vector<Step> operations;
  for (std::uint32_t i = 0; i < static_cast<std::uint32_t>(groups); ++i) {
    Step copy = access(MemorySpace::Global, 2 * i, i, 0, true, 4);
    copy.touches = {{MemorySpace::Global, false, 4, 2 * i}, {MemorySpace::Shared, true, 4, 2 * i + 1}};
    copy.asynchronous = machine::Asynchronous::Joins;
    operations.push_back(copy);
    Step close;
    close.asynchronous = machine::Asynchronous::Closes;
    operations.push_back(close);
  }
  Step wait;
  wait.asynchronous = machine::Asynchronous::Waits;
  wait.pending_groups = pending;
  operations.push_back(wait);
  return operations;
}

Result run_copies(int groups, std::uint32_t pending) {
  analysis::WarpTrace trace;
  trace.events.push_back(block_event());
  for (std::uint32_t i = 0; i < static_cast<std::uint32_t>(groups); ++i) {
    add_global(trace, i, 4 * i, 4, 4);
    trace.events.push_back(shared_event(i, 2));
  }
  return run(a40(), Kernel(copies_and_wait(groups, pending), 1), {block_of(1, trace)}, 1);
}

TEST(AsynchronousCopies, BothAccessesAreMade) {
  const Result result = run_copies(3, 0);
  EXPECT_EQ(result.traffic.dram_read_bytes, 3 * 128);
  EXPECT_EQ(result.counts.shared_passes, 3 * 2);
  EXPECT_EQ(result.counts.code.at(0).at(0).accesses, 2);
}

TEST(AsynchronousCopies, NothingWaitsButTheWait) {
  EXPECT_GT(stalled(run_copies(3, 0).counts, Stall::Memory), 300);
  EXPECT_EQ(stalled(run_copies(3, 3).counts, Stall::Memory), 0);
  // The groups end in their order, the last some cycles behind the first.
  EXPECT_LT(stalled(run_copies(3, 2).counts, Stall::Memory), stalled(run_copies(3, 0).counts, Stall::Memory));
  EXPECT_GT(stalled(run_copies(3, 2).counts, Stall::Memory), 300);
}

// Loads or stores of whole lines that nobody touched before, in memory of the host; a warp has so many under
// way at once.
Result over_bus(int warps, int rounds, bool store, machine::ValueId at_once) {
  std::vector<Step> operations;
  for (machine::ValueId i = 0; i < at_once; ++i) {
    operations.push_back(access(MemorySpace::Global, i, i, i, store, 4));
    operations.back().reads = {i};
  }
  analysis::BlockTrace trace;
  trace.warps.resize(static_cast<std::size_t>(warps));
  std::uint64_t sector = analysis::kFirstBusSector;
  for (auto& warp : trace.warps) {
    for (int round = 0; round < rounds; ++round) {
      warp.events.push_back(block_event());
      for (machine::ValueId i = 0; i < at_once; ++i, sector += 4) add_global(warp, i, sector, 4, 4);
    }
  }
  return run(a40(), Kernel(operations, at_once), {trace}, 1);
}

TEST(HostMemory, IsReadInARoundTrip) {
  const card::Card card = a40();
  const double round_trip = card.pcie.round_trip_ns * card.clocks.sustained_mhz / 1000;
  const Result result = over_bus(1, 200, false, 1);
  EXPECT_NEAR(static_cast<double>(result.counts.cycles) / 200, round_trip, 0.01 * round_trip);
  EXPECT_EQ(result.traffic.dram_read_bytes, 0);
  EXPECT_EQ(result.traffic.bus.read_bytes, 200 * 128);
}

TEST(HostMemory, IsReadAndWrittenAtTheRateOfTheBus) {
  const card::Card card = a40();
  const double packets = 32 * 100 * 16;
  const double hz = card.clocks.sustained_mhz * 1e6;
  const double read = packets * card.pcie.answer_s(128) * hz, written = packets * card.pcie.write_s(128) * hz;
  EXPECT_NEAR(static_cast<double>(over_bus(32, 100, false, 16).counts.cycles), read, 0.02 * read);
  const Result stores = over_bus(32, 100, true, 16);
  EXPECT_NEAR(static_cast<double>(stores.counts.cycles), written, 0.02 * written);
  EXPECT_EQ(stores.traffic.bus.write_bytes, packets * 128);
  EXPECT_EQ(stores.traffic.dram_write_bytes, 0);
}

}  // namespace
}  // namespace doppel::timing
