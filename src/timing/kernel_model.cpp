// SPDX-License-Identifier: Apache-2.0
#include "timing/kernel_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <ranges>

#include "machine/machine_lowering.h"

namespace doppel::timing {

std::string_view name_of(Bound bound) {
  switch (bound) {
    case Bound::Launch:
      return "launch";
    case Bound::Issue:
      return "issue";
    case Bound::Fp32:
      return "fp32";
    case Bound::Int32:
      return "int32";
    case Bound::Fp16:
      return "fp16";
    case Bound::Fp64:
      return "fp64";
    case Bound::Special:
      return "special functions";
    case Bound::Tensor:
      return "tensor";
    case Bound::Texture:
      return "texture units";
    case Bound::LoadStore:
      return "load/store";
    case Bound::SharedMemory:
      return "shared memory";
    case Bound::L1:
      return "L1";
    case Bound::L2:
      return "L2";
    case Bound::Dram:
      return "DRAM";
    case Bound::Latency:
      return "latency";
    case Bound::Occupancy:
      return "occupancy";
    case Bound::Barrier:
      return "barriers";
    case Bound::Atomics:
      return "atomics";
    case Bound::Pcie:
      return "PCIe";
    case Bound::NvLink:
      return "NVLink";
  }
  return "unknown";
}

namespace {

// The assembler gives no kernel fewer.
constexpr std::uint32_t kFewestRegisters = 16;

// The most registers that the assembler may give a kernel: what the card has for a thread, and what the
// kernel promises of its launches (PTX ISA 11.4). Without such a promise a block of any size may follow.
std::uint32_t allowed_registers(const card::Card& card, const ir::LaunchBounds& bounds) {
  auto most = static_cast<std::uint32_t>(card.sm.max_registers_per_thread);
  if (bounds.max_registers != 0) most = std::min(most, bounds.max_registers);
  for (const auto& extents : {bounds.max_threads, bounds.required_threads}) {
    if (extents[0] == 0) continue;
    std::uint64_t threads = 1;
    for (int axis = 0; axis < 3; ++axis) threads *= std::max<std::uint32_t>(1, extents[axis]);
    const int of_block = static_cast<int>(
        std::min<std::uint64_t>(threads, static_cast<std::uint64_t>(card.sm.max_threads_per_block)));
    const int blocks = std::clamp(static_cast<int>(bounds.min_blocks_per_sm), 1,
                                  std::max(1, card.sm.max_threads / of_block));
    most = std::min(most, static_cast<std::uint32_t>(card::most_registers(card, of_block, blocks)));
  }
  return std::max(most, kFewestRegisters);
}

}  // namespace

LoweredKernel::LoweredKernel(std::shared_ptr<const analysis::AnalysedModule> module, std::uint32_t function,
                             const card::Card& card, PassLog* passes)
    : module_(std::move(module)),
      card_(card),
      function_(function),
      parameters_(sm_parameters(card, card.clocks.sustained_mhz)) {
  options_.wide_integer_add = card.compute_capability.number() >= 100;
  options_.passes = passes;
  options_.variant = card.id;
  options_.most_registers = allowed_registers(card, module_->ir().functions[function].bounds);
  program_ = machine::lower_to_machine(*module_, function, options_);
  writes_ = machine::writing_instructions(program_);
}

LoweredKernel::LoweredKernel(const LoweredKernel& other, const card::Card& card)
    : module_(other.module_),
      card_(card),
      function_(other.function_),
      options_(other.options_),
      program_(other.program_),
      parameters_(sm_parameters(card, card.clocks.sustained_mhz)),
      writes_(other.writes_) {}

bool LoweredKernel::is_for(const card::Card& card) const {
  return card_.id == card.id && card_.sm_count == card.sm_count &&
         parameters_ == sm_parameters(card, card.clocks.sustained_mhz);
}

std::uint32_t LoweredKernel::registers_per_thread() const {
  return program_.functions[program_.entry].registers;
}

const machine::MachineProgram& LoweredKernel::program_for(std::uint32_t block_threads) const {
  const int threads = static_cast<int>(std::clamp<std::uint32_t>(
      block_threads, 1, static_cast<std::uint32_t>(card_.sm.max_threads_per_block)));
  const auto most = static_cast<std::uint32_t>(card::most_registers(card_, threads, 1));
  if (registers_per_thread() <= most) return program_;
  const std::lock_guard lock(mutex_);
  const auto known = narrow_.find(most);
  if (known != narrow_.end()) return known->second;
  machine::LoweringOptions options = options_;
  options.most_registers = most;
  options.variant += fmt::format("-{}-registers", most);
  return narrow_.emplace(most, machine::lower_to_machine(*module_, function_, options)).first->second;
}

std::shared_ptr<const KernelModel> KernelModel::build(std::shared_ptr<const analysis::AnalysedModule> module,
                                                      std::uint32_t function, const card::Card& card,
                                                      PassLog* passes) {
  return std::make_shared<LoweredKernel>(std::move(module), function, card, passes);
}

LaunchResources LoweredKernel::resources(const LaunchConfig& config) const {
  card::BlockResources block;
  block.threads = static_cast<int>(std::clamp<std::uint64_t>(config.block.count(), 1, 1 << 20));
  LaunchResources result;
  result.config = config;
  result.shared_bytes =
      std::uint64_t{module_->kernel(function_).shared.static_bytes} + config.dynamic_shared_bytes;
  block.shared_bytes = static_cast<std::int64_t>(result.shared_bytes);
  const auto run = [&](const machine::MachineProgram& program) {
    result.registers = program.functions[program.entry].registers;
    result.spilled_bytes = 4 * program.spill_words;
    block.registers_per_thread = static_cast<int>(result.registers);
    result.occupancy = card::occupancy(card_, block);
  };
  run(program_);
  // No block fits: with fewer registers, perhaps.
  if (result.occupancy.blocks_per_sm == 0) run(program_for(static_cast<std::uint32_t>(block.threads)));
  result.blocks_per_sm = std::max(1, result.occupancy.blocks_per_sm);
  result.active_sms = static_cast<int>(
      std::clamp<std::uint64_t>(config.grid.count(), 1, static_cast<std::uint64_t>(card_.sm_count)));
  // The driver picks the smallest share of the L1 that holds the shared memory of all resident blocks.
  std::int64_t wanted = block.shared_bytes == 0
                            ? 0
                            : card::shared_bytes_taken(card_, block.shared_bytes) * result.blocks_per_sm;
  // What the program prefers is a hint: no blocks are given up for it (CUDA C++ Programming Guide, shared
  // memory of each compute capability).
  if (config.preferred_carveout > 0)
    wanted = std::max(
        wanted, std::int64_t{card_.shared.bytes_per_sm} * std::min(config.preferred_carveout, 100) / 100);
  std::int64_t carveout = 0;
  if (wanted > 0 && !card_.shared.carveout_kib.empty()) {
    carveout = std::int64_t{card_.shared.carveout_kib.back()} * 1024;
    for (const auto size : std::ranges::reverse_view(card_.shared.carveout_kib)) {
      if (std::int64_t{size} * 1024 >= wanted) carveout = std::int64_t{size} * 1024;
    }
  }
  result.l1_bytes = std::max<std::int64_t>(card_.l1.bytes - carveout, 16 * 1024);
  return result;
}

GridWork grid_work(const machine::MachineProgram& program, std::span<const analysis::BlockCount> counts,
                   const analysis::AnalysedKernel& kernel) {
  GridWork work;
  for (std::size_t f = 0; f < kernel.functions.size(); ++f) {
    const auto& blocks = program.functions[kernel.functions[f]].blocks;
    const auto count_of = [&](std::size_t block) {
      const std::size_t slot = kernel.first_slots[f] + block;
      return slot < counts.size() ? counts[slot] : analysis::BlockCount{};
    };
    for (std::size_t b = 0; b < blocks.size(); ++b) {
      const analysis::BlockCount count = count_of(b);
      const auto operations = static_cast<double>(blocks[b].operations.size());
      work.operations += static_cast<double>(count.warps) * operations;
      work.thread_instructions += static_cast<double>(count.lanes) * blocks[b].ptx_instructions;
      work.flops += static_cast<double>(count.lanes) * blocks[b].flops;
      work.fp16_flops += static_cast<double>(count.lanes) * blocks[b].fp16_flops;
      work.fp64_flops += static_cast<double>(count.lanes) * blocks[b].fp64_flops;
      work.tensor_flops += static_cast<double>(count.lanes) * blocks[b].tensor_flops;
      work.tensor_fp16_flops += static_cast<double>(count.lanes) * blocks[b].tensor_fp16_flops;
    }
  }
  return work;
}

std::uint64_t traced_operations(const machine::MachineProgram& program, const analysis::BlockTrace& trace) {
  std::uint64_t operations = 0;
  for (const analysis::WarpTrace& warp : trace.warps) {
    for (const analysis::TraceEvent& event : warp.events) {
      if (event.kind != analysis::TraceEvent::Kind::Block) continue;
      const analysis::TraceBlockId id{event.id};
      if (id.function() < program.functions.size() &&
          id.block() < program.functions[id.function()].blocks.size()) {
        operations += program.functions[id.function()].blocks[id.block()].operations.size();
      }
    }
  }
  return operations;
}

}  // namespace doppel::timing
