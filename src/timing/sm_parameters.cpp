// SPDX-License-Identifier: Apache-2.0
#include "timing/sm_parameters.h"

#include <algorithm>
#include <cmath>

namespace doppel::timing {
namespace {

using machine::Pipe;

Cycle to_cycles(double value) { return static_cast<Cycle>(std::llround(value)); }

// A warp of 32 lanes on `lanes` lanes of one unit.
Cycle busy_cycles(double lanes) {
  return lanes > 0 ? std::max<Cycle>(1, to_cycles(std::ceil(32 / lanes - 1e-9))) : 32;
}

PipeTiming on_unit(const card::Card& card, Unit unit, const card::Pipe& pipe) {
  PipeTiming timing;
  timing.unit = unit;
  // A pipe with less than two lanes for each sub-core is one that all of them share.
  timing.shared_by_sub_cores = pipe.per_cycle < 2 * card.sm.sub_cores;
  timing.busy = busy_cycles(timing.shared_by_sub_cores ? pipe.per_cycle : pipe.per_cycle / card.sm.sub_cores);
  timing.latency = to_cycles(pipe.latency_cycles);
  return timing;
}

// A pass is a product of 16 by 8, along k of elements of so many bits in 128 (machine/select_matrix.cpp).
// flops: of an SM in a cycle; where the card has none of them, as slow as can be: the form does not run
// there.
PipeTiming on_tensor_core(const card::Card& card, double flops, int bits) {
  PipeTiming timing;
  timing.unit = Unit::Tensor;
  const double of_pass = 2.0 * 16 * 8 * 128 / bits;
  const auto busy = [&](double per_cycle) {
    return per_cycle > 0 ? std::max<Cycle>(1, to_cycles(of_pass / per_cycle)) : to_cycles(of_pass);
  };
  timing.busy = busy(flops / card.sm.sub_cores);
  timing.sparse_busy = busy(card.tensor.sparse_factor * flops / card.sm.sub_cores);
  timing.latency = to_cycles(card.tensor.latency_cycles);
  return timing;
}

}  // namespace

SmParameters sm_parameters(const card::Card& card, double clock_mhz) {
  SmParameters p;
  p.sub_cores = card.sm.sub_cores;
  p.cycles_per_ns = clock_mhz * 1e-3;
  const card::Pipes& pipes = card.pipes;
  const auto set = [&](Pipe pipe, Unit unit, const card::Pipe& numbers) {
    p.pipes[static_cast<int>(pipe)] = on_unit(card, unit, numbers);
  };
  const double float_only = pipes.fp32.per_cycle - pipes.int32_shared_lanes;
  set(Pipe::Fp32, float_only > 0 ? Unit::FloatOnly : Unit::FloatInteger, pipes.fp32);
  PipeTiming& fp32 = p.pipes[static_cast<int>(Pipe::Fp32)];
  if (float_only > 0 && pipes.int32_shared_lanes > 0) {
    // Two half-wide units: each takes a warp in twice the time, issue alternates.
    fp32.either_float_unit = true;
    fp32.busy = busy_cycles(pipes.int32_shared_lanes / static_cast<double>(card.sm.sub_cores));
  }
  set(Pipe::Alu, Unit::FloatInteger, pipes.int32);
  set(Pipe::IntegerMultiply, float_only > 0 ? Unit::FloatOnly : Unit::Multiply, pipes.int32_multiply);
  set(Pipe::Fp16, Unit::Half, pipes.fp16);
  set(Pipe::Fp64, Unit::Double, pipes.fp64);
  const card::Tensor& tensor = card.tensor;
  const auto set_tensor = [&](Pipe pipe, double flops, int bits) {
    p.pipes[static_cast<int>(pipe)] = on_tensor_core(card, flops, bits);
  };
  set_tensor(Pipe::TensorF16, tensor.fp16_acc_fp16, 16);
  set_tensor(Pipe::TensorF16ToF32, tensor.fp16_acc_fp32, 16);
  set_tensor(Pipe::TensorBf16, tensor.bf16_acc_fp32, 16);
  set_tensor(Pipe::TensorTf32, tensor.tf32, 32);
  set_tensor(Pipe::TensorInt8, tensor.int8, 8);
  // Without such units the assembler makes int8 of them: at most its rate. What it unpacks comes on top.
  set_tensor(Pipe::TensorInt4, tensor.int4 > 0 ? tensor.int4 : tensor.int8, 4);
  set_tensor(Pipe::TensorBit, tensor.binary > 0 ? tensor.binary : tensor.int8, 1);
  set_tensor(Pipe::TensorFp8, tensor.fp8, 8);
  set_tensor(Pipe::TensorFp6, tensor.fp6, 8);
  set_tensor(Pipe::TensorFp4, tensor.fp4, 8);
  set_tensor(Pipe::TensorScaledFp4, tensor.fp4_block_scaled, 4);
  set(Pipe::Special, Unit::Special, pipes.sfu);
  set(Pipe::Convert, Unit::Special, pipes.convert);
  set(Pipe::Convert64, Unit::Double, pipes.convert64);
  set(Pipe::BitCount, Unit::Special, pipes.bit_count);
  set(Pipe::Shuffle, Unit::Shuffle, pipes.shuffle);
  set(Pipe::Vote, Unit::FloatInteger, pipes.vote);
  set(Pipe::WarpReduce, Unit::Special, pipes.warp_reduce);
  set(Pipe::Branch, Unit::Control, pipes.branch);
  set(Pipe::SpecialRegister, Unit::Special, pipes.sfu);
  // An indexed constant takes the same path as a shared-memory load with one address.
  PipeTiming& constant = p.pipes[static_cast<int>(Pipe::ConstantLoad)];
  constant = PipeTiming{Unit::Uniform, false, false, 2, to_cycles(card.shared.uniform_load_latency_cycles)};
  for (Pipe pipe : {Pipe::Barrier, Pipe::Fence, Pipe::Memory, Pipe::Nop}) {
    p.pipes[static_cast<int>(pipe)] =
        PipeTiming{Unit::Control, false, false, 1, to_cycles(pipes.branch.latency_cycles)};
  }
  const card::Textures& textures = card.textures;
  p.pipes[static_cast<int>(Pipe::Texture)] =
      PipeTiming{Unit::Texture, false, true, 1, 1, to_cycles(textures.latency_cycles)};
  p.texture_sample = 1 / textures.samples_per_cycle;
  p.texture_nearest = p.texture_sample / textures.nearest_factor;
  p.texture_wide = textures.wide_texel_cycles;
  p.texture_latency = std::max<Cycle>(0, to_cycles(textures.latency_cycles - card.l1.load_latency_cycles));
  p.predicate_latency = to_cycles(pipes.predicate.latency_cycles);
  p.taken_branch = to_cycles(pipes.branch.latency_cycles);
  p.barrier = to_cycles(pipes.barrier_cycles);
  p.warp_start = card.launch.warp_start_cycles;
  p.block_interval = card.launch.block_interval_cycles;
  p.block_start = to_cycles(card.launch.block_start_cycles);
  p.queue_entries = std::max(1, card.load_store.queue_entries_per_sub_core);
  p.request_interval = std::max<Cycle>(1, to_cycles(card.load_store.request_interval_cycles));
  p.shared_interval = card.load_store.shared_interval_cycles;
  p.shared_latency = to_cycles(card.shared.load_latency_cycles);
  p.shared_bytes_per_cycle = card.shared.bytes_per_cycle;
  p.shared_swap_turn =
      2 * p.shared_latency + to_cycles(pipes.fp32.latency_cycles) + p.predicate_latency + p.taken_branch;
  p.l1_latency = to_cycles(card.l1.load_latency_cycles);
  p.l1_bytes_per_cycle = card.l1.load_bytes_per_cycle;
  p.l1_lines_per_cycle = card.l1.lines_per_cycle;
  p.l2_latency = to_cycles(card.l2.latency_cycles);
  p.dram_latency = to_cycles(card.memory.latency_ns * clock_mhz / 1000);
  p.dram_write_wait = card.memory.write_wait_ns * clock_mhz / 1000;
  p.dram_access_sectors = std::max(1, card.memory.access_bytes / card.l2.sector_bytes);
  p.port_bytes_per_cycle = card.l2.port_bytes_per_cycle;
  p.l2_read_bytes_per_cycle = card.l2.read_bytes_per_cycle;
  p.l2_write_bytes_per_cycle = card.l2.write_bytes_per_cycle;
  p.l2_ways = std::max(1, card.l2.ways);
  p.l2_slices = std::max(1, card.l2.slices);
  const double dram_peak = card.memory.peak_bytes_per_second() / (clock_mhz * 1e6);
  p.dram_read_bytes_per_cycle = dram_peak * card.memory.read_efficiency;
  p.dram_write_bytes_per_cycle = dram_peak * card.memory.write_efficiency;
  p.dram_copy_bytes_per_cycle = dram_peak * card.memory.copy_efficiency;
  const double hz = clock_mhz * 1e6;
  for (std::size_t sectors = 1; sectors < p.bus.read.size(); ++sectors) {
    const double bytes = static_cast<double>(sectors) * card.l2.sector_bytes;
    // So many requests as the card has numbers for are under way at once, each for a round trip.
    p.bus.read[sectors] =
        hz * std::max(card.pcie.answer_s(bytes), card.pcie.round_trip_ns * 1e-9 / card.pcie.read_requests);
    p.bus.write[sectors] = hz * card.pcie.write_s(bytes);
    if (card.nvlink.links > 0)
      p.nvlink.read[sectors] = p.nvlink.write[sectors] = hz * card.nvlink.packet_s(bytes);
  }
  p.bus.latency = to_cycles(card.pcie.round_trip_ns * clock_mhz / 1000);
  p.bus.in_l2 = true;
  if (card.nvlink.links > 0) {
    p.nvlink.ask = hz * card.nvlink.packet_s(0);
    p.nvlink.latency = to_cycles(card.nvlink.round_trip_ns * clock_mhz / 1000);
  }
  p.fence_latency = {0, to_cycles(pipes.membar_block_cycles), to_cycles(pipes.membar_device_cycles),
                     to_cycles(pipes.membar_system_cycles)};
  return p;
}

double dram_cycles(const SmParameters& parameters, double read_bytes, double write_bytes, double writes) {
  const double read_cost = 1 / parameters.dram_read_bytes_per_cycle;
  const double write_cost = 1 / parameters.dram_write_bytes_per_cycle;
  const double turn = std::max(0.0, 1 / parameters.dram_copy_bytes_per_cycle - (read_cost + write_cost) / 2);
  return read_bytes * read_cost + write_bytes * write_cost +
         (read_bytes + write_bytes) * turn * 4 * writes * (1 - writes);
}

}  // namespace doppel::timing
