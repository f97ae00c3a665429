// SPDX-License-Identifier: Apache-2.0
#include "card/card_fields.h"

namespace doppel::card {
namespace {

void add_chip(std::vector<Field>& out, Card& c) {
  out.insert(out.end(), {
                            {"compute_capability.major", &c.compute_capability.major, 5, 99},
                            {"compute_capability.minor", &c.compute_capability.minor, 0, 9},
                            {"sm_count", &c.sm_count, 1, 4096},
                            {"constant_bytes", &c.constant_bytes, 1},
                            {"chip.name", &c.chip.name},
                            {"chip.architecture", &c.chip.architecture},
                            {"chip.gpc_count", &c.chip.gpc_count, 1, 64, true},
                            {"chip.tpc_count", &c.chip.tpc_count, 1, 2048, true},
                            {"chip.process_nm", &c.chip.process_nm, 1, 1000, true},
                            {"chip.transistors_billions", &c.chip.transistors_billions, 0, 10000, true},
                            {"clocks.base_mhz", &c.clocks.base_mhz, 100, 10000, true},
                            {"clocks.boost_mhz", &c.clocks.boost_mhz, 100, 10000},
                            {"clocks.max_mhz", &c.clocks.max_mhz, 100, 10000},
                            {"clocks.sustained_mhz", &c.clocks.sustained_mhz, 100, 10000},
                            {"clocks.event_tick_us", &c.clocks.event_tick_us, 0.001, 1000},
                        });
}

void add_sm(std::vector<Field>& out, Card& c) {
  out.insert(
      out.end(),
      {
          {"sm.sub_cores", &c.sm.sub_cores, 1, 16},
          {"sm.warp_size", &c.sm.warp_size, 32, 32},
          {"sm.max_warps", &c.sm.max_warps, 1, 128},
          {"sm.max_threads", &c.sm.max_threads, 32, 4096},
          {"sm.max_blocks", &c.sm.max_blocks, 1, 64},
          {"sm.registers", &c.sm.registers, 1},
          {"sm.registers_per_block", &c.sm.registers_per_block, 1},
          {"sm.max_registers_per_thread", &c.sm.max_registers_per_thread, 16, 255},
          {"sm.register_allocation_unit", &c.sm.register_allocation_unit, 1, 4096},
          {"sm.warp_allocation_granularity", &c.sm.warp_allocation_granularity, 1, 16},
          {"sm.max_threads_per_block", &c.sm.max_threads_per_block, 32, 4096},
          {"sm.max_block_dim", std::span<int>(c.sm.max_block_dim), 1},
          {"sm.max_grid_dim", std::span<int>(c.sm.max_grid_dim), 1},
          {"sm.max_cluster_blocks", &c.sm.max_cluster_blocks, 0, 16, true},
          {"sm.fp32_cores", &c.sm.fp32_cores, 1, 1024},
          {"sm.tensor_cores", &c.sm.tensor_cores, 0, 64},
          {"sm.rt_cores", &c.sm.rt_cores, 0, 16},
          {"shared.bytes_per_sm", &c.shared.bytes_per_sm, 1},
          {"shared.bytes_per_block", &c.shared.bytes_per_block, 1},
          {"shared.bytes_per_block_optin", &c.shared.bytes_per_block_optin, 1},
          {"shared.reserved_bytes_per_block", &c.shared.reserved_bytes_per_block, 0},
          {"shared.allocation_unit_bytes", &c.shared.allocation_unit_bytes, 1},
          {"shared.carveout_kib", &c.shared.carveout_kib, 0, 1024},
          {"shared.banks", &c.shared.banks, 1, 128},
          {"shared.bank_bytes", &c.shared.bank_bytes, 1, 16},
          {"shared.bytes_per_cycle", &c.shared.bytes_per_cycle, 1, 4096},
          {"shared.load_latency_cycles", &c.shared.load_latency_cycles, 1, 1000},
          {"shared.uniform_load_latency_cycles", &c.shared.uniform_load_latency_cycles, 1, 1000},
          {"shared.atomic_units", &c.shared.atomic_units, 0, 128, true},
          {"front_end.issue_per_sub_core", &c.front_end.issue_per_sub_core, 1, 8},
          {"front_end.instruction_buffer_entries", &c.front_end.instruction_buffer_entries, 1, 64},
          {"front_end.l0_instruction_bytes", &c.front_end.l0_instruction_bytes, 1},
          {"front_end.l1_instruction_bytes", &c.front_end.l1_instruction_bytes, 1},
          {"front_end.l0_miss_latency_cycles", &c.front_end.l0_miss_latency_cycles, 0, 1000},
          {"front_end.prefetch_entries", &c.front_end.prefetch_entries, 0, 64},
          {"front_end.constant_miss_latency_cycles", &c.front_end.constant_miss_latency_cycles, 0, 1000},
          {"front_end.register_file_banks", &c.front_end.register_file_banks, 1, 16},
          {"front_end.register_file_read_ports", &c.front_end.register_file_read_ports, 1, 8},
          {"front_end.operand_read_cycles", &c.front_end.operand_read_cycles, 0, 32},
      });
}

void add_pipes(std::vector<Field>& out, Card& c) {
  Pipes& p = c.pipes;
  const auto pipe = [&](std::string_view rate, std::string_view latency, Pipe& target) {
    out.push_back({rate, &target.per_cycle, 0.01, 4096});
    out.push_back({latency, &target.latency_cycles, 1, 10000});
  };
  pipe("pipes.fp32.per_cycle", "pipes.fp32.latency_cycles", p.fp32);
  pipe("pipes.int32.per_cycle", "pipes.int32.latency_cycles", p.int32);
  out.push_back({"pipes.int32_shared_lanes", &p.int32_shared_lanes, 0, 1024});
  pipe("pipes.int32_multiply.per_cycle", "pipes.int32_multiply.latency_cycles", p.int32_multiply);
  pipe("pipes.fp16.per_cycle", "pipes.fp16.latency_cycles", p.fp16);
  pipe("pipes.fp64.per_cycle", "pipes.fp64.latency_cycles", p.fp64);
  pipe("pipes.sfu.per_cycle", "pipes.sfu.latency_cycles", p.sfu);
  pipe("pipes.convert.per_cycle", "pipes.convert.latency_cycles", p.convert);
  pipe("pipes.convert64.per_cycle", "pipes.convert64.latency_cycles", p.convert64);
  pipe("pipes.bit_count.per_cycle", "pipes.bit_count.latency_cycles", p.bit_count);
  pipe("pipes.shuffle.per_cycle", "pipes.shuffle.latency_cycles", p.shuffle);
  pipe("pipes.vote.per_cycle", "pipes.vote.latency_cycles", p.vote);
  pipe("pipes.warp_reduce.per_cycle", "pipes.warp_reduce.latency_cycles", p.warp_reduce);
  pipe("pipes.uniform.per_cycle", "pipes.uniform.latency_cycles", p.uniform);
  pipe("pipes.predicate.per_cycle", "pipes.predicate.latency_cycles", p.predicate);
  pipe("pipes.branch.per_cycle", "pipes.branch.latency_cycles", p.branch);
  out.push_back({"pipes.barrier_cycles", &p.barrier_cycles, 0, 1e6});
  out.push_back({"pipes.membar_block_cycles", &p.membar_block_cycles, 0, 1e6});
  out.push_back({"pipes.membar_device_cycles", &p.membar_device_cycles, 0, 1e6});
  out.push_back({"pipes.membar_system_cycles", &p.membar_system_cycles, 0, 1e6});
}

void add_tensor(std::vector<Field>& out, Card& c) {
  Tensor& t = c.tensor;
  out.insert(out.end(),
             {
                 {"tensor.fp16_acc_fp16", &t.fp16_acc_fp16, 0, 1e6, true},
                 {"tensor.fp16_acc_fp32", &t.fp16_acc_fp32, 0, 1e6, true},
                 {"tensor.bf16_acc_fp32", &t.bf16_acc_fp32, 0, 1e6, true},
                 {"tensor.tf32", &t.tf32, 0, 1e6, true},
                 {"tensor.int8", &t.int8, 0, 1e6, true},
                 {"tensor.int4", &t.int4, 0, 1e6, true},
                 {"tensor.binary", &t.binary, 0, 1e6, true},
                 {"tensor.fp8", &t.fp8, 0, 1e6, true},
                 {"tensor.fp6", &t.fp6, 0, 1e6, true},
                 {"tensor.fp4", &t.fp4, 0, 1e6, true},
                 {"tensor.fp4_block_scaled", &t.fp4_block_scaled, 0, 1e6, true},
                 {"tensor.sparse_factor", &t.sparse_factor, 1, 4, true},
                 {"tensor.latency_cycles", &t.latency_cycles, 1, 1000, true},
                 {"tensor.fraction_bits", &t.fraction_bits, 20, 40, true},
                 {"tensor.bits_of_sum", &t.bits_of_sum, 64, 1024, true},
                 {"tensor.fp4_fraction_bits", &t.fp4_fraction_bits, 20, 36, true},
                 {"ray_tracing.tflops_per_core_ghz", &c.ray_tracing.tflops_per_core_ghz, 0, 1000, true},
             });
}

void add_memory_system(std::vector<Field>& out, Card& c) {
  out.insert(out.end(),
             {
                 {"load_store.queue_entries_per_sub_core", &c.load_store.queue_entries_per_sub_core, 1, 64},
                 {"load_store.request_interval_cycles", &c.load_store.request_interval_cycles, 0.25, 64},
                 {"load_store.shared_interval_cycles", &c.load_store.shared_interval_cycles, 0.25, 64},
                 {"load_store.sub_core_interval_cycles", &c.load_store.sub_core_interval_cycles, 0.25, 64},
                 {"load_store.address_latency_cycles", &c.load_store.address_latency_cycles, 0, 1000},
                 {"load_store.store_read_latency_cycles", &c.load_store.store_read_latency_cycles, 0, 1000},
                 {"l1.bytes", &c.l1.bytes, 1},
                 {"l1.line_bytes", &c.l1.line_bytes, 32, 1024},
                 {"l1.sector_bytes", &c.l1.sector_bytes, 16, 1024},
                 {"l1.load_bytes_per_cycle", &c.l1.load_bytes_per_cycle, 1, 4096},
                 {"l1.lines_per_cycle", &c.l1.lines_per_cycle, 0.25, 64},
                 {"l1.load_latency_cycles", &c.l1.load_latency_cycles, 1, 1000},
                 {"l1.uniform_load_latency_cycles", &c.l1.uniform_load_latency_cycles, 1, 1000},
                 {"l2.bytes", &c.l2.bytes, 1},
                 {"l2.line_bytes", &c.l2.line_bytes, 32, 1024},
                 {"l2.sector_bytes", &c.l2.sector_bytes, 16, 1024},
                 {"l2.slices", &c.l2.slices, 1, 1024},
                 {"l2.ways", &c.l2.ways, 1, 1024},
                 {"l2.read_bytes_per_cycle", &c.l2.read_bytes_per_cycle, 1, 1e6},
                 {"l2.write_bytes_per_cycle", &c.l2.write_bytes_per_cycle, 1, 1e6},
                 {"l2.port_bytes_per_cycle", &c.l2.port_bytes_per_cycle, 1, 1024},
                 {"l2.latency_cycles", &c.l2.latency_cycles, 1, 10000},
                 {"l2.max_persisting_bytes", &c.l2.max_persisting_bytes, 0},
                 {"l2.max_access_window_bytes", &c.l2.max_access_window_bytes, 0},
                 {"memory.type", &c.memory.type},
                 {"memory.bytes", &c.memory.bytes, 1},
                 {"memory.board_bytes", &c.memory.board_bytes, 1},
                 {"memory.bus_width_bits", &c.memory.bus_width_bits, 16, 65536},
                 {"memory.clock_mhz", &c.memory.clock_mhz, 100, 100000},
                 {"memory.channels", &c.memory.channels, 1, 1024},
                 {"memory.sub_partitions", &c.memory.sub_partitions, 1, 64},
                 {"memory.page_bytes", &c.memory.page_bytes, 0, 1 << 20, true},
                 {"memory.access_bytes", &c.memory.access_bytes, 32, 128, true},
                 {"memory.write_wait_ns", &c.memory.write_wait_ns, 0, 10000},
                 {"memory.latency_ns", &c.memory.latency_ns, 1, 100000},
                 {"memory.read_efficiency", &c.memory.read_efficiency, 0.01, 1},
                 {"memory.write_efficiency", &c.memory.write_efficiency, 0.01, 1},
                 {"memory.copy_efficiency", &c.memory.copy_efficiency, 0.01, 1},
                 {"memory.ecc", &c.memory.ecc},
                 {"ecc.memory_share", &c.ecc.memory_share, 0.5, 1, true},
                 {"ecc.bandwidth_share", &c.ecc.bandwidth_share, 0.5, 1, true},
                 {"ecc.on_die", &c.ecc.on_die, 0, 1, true},
                 {"ecc.spare_rows", &c.ecc.spare_rows, 0, 65536, true},
             });
}

void add_system(std::vector<Field>& out, Card& c) {
  out.insert(out.end(),
             {
                 {"launch.start_us", &c.launch.start_us, 0, 1000},
                 {"launch.block_interval_cycles", &c.launch.block_interval_cycles, 0, 1000},
                 {"launch.warp_start_cycles", &c.launch.warp_start_cycles, 0, 1000},
                 {"launch.block_start_cycles", &c.launch.block_start_cycles, 0, 100000},
                 {"launch.gap_us", &c.launch.gap_us, 0, 1000},
                 {"launch.graph_gap_us", &c.launch.graph_gap_us, 0, 1000},
                 {"launch.round_trip_us", &c.launch.round_trip_us, 0, 1000},
                 {"pcie.generation", &c.pcie.generation, 1, 9},
                 {"pcie.lanes", &c.pcie.lanes, 1, 32},
                 {"pcie.gigatransfers_per_second", &c.pcie.gigatransfers_per_second, 1, 1000},
                 {"pcie.encoding_efficiency", &c.pcie.encoding_efficiency, 0.1, 1},
                 {"pcie.to_device_efficiency", &c.pcie.to_device_efficiency, 0.01, 1},
                 {"pcie.to_host_efficiency", &c.pcie.to_host_efficiency, 0.01, 1},
                 {"pcie.pageable_efficiency", &c.pcie.pageable_efficiency, 0.01, 1},
                 {"pcie.latency_us", &c.pcie.latency_us, 0, 1000},
                 {"pcie.max_payload_bytes", &c.pcie.max_payload_bytes, 32, 4096},
                 {"pcie.answer_header_bytes", &c.pcie.answer_header_bytes, 0, 256},
                 {"pcie.write_header_bytes", &c.pcie.write_header_bytes, 0, 256},
                 {"pcie.read_requests", &c.pcie.read_requests, 1, 16384},
                 {"pcie.round_trip_ns", &c.pcie.round_trip_ns, 0, 1000000},
                 {"pcie.peer_efficiency", &c.pcie.peer_efficiency, 0.01, 1},
                 {"pcie.staging_bytes", &c.pcie.staging_bytes, 1, 1LL << 40},
                 {"pcie.vendor_id", &c.pcie.vendor_id, 1, 0xFFFF},
                 {"pcie.device_id", &c.pcie.device_id, 1, 0xFFFF},
                 {"managed.fault_us", &c.managed.fault_us, 0, 10000},
                 {"managed.fault_efficiency", &c.managed.fault_efficiency, 0.01, 1},
                 {"nvlink.links", &c.nvlink.links, 0, 64, true},
                 {"nvlink.bytes_per_second_per_link", &c.nvlink.bytes_per_second_per_link, 0, 1e13, true},
                 {"nvlink.efficiency", &c.nvlink.efficiency, 0, 1, true},
                 {"nvlink.reverse_share", &c.nvlink.reverse_share, 0, 1, true},
                 {"nvlink.latency_us", &c.nvlink.latency_us, 0, 1000, true},
                 {"nvlink.header_bytes", &c.nvlink.header_bytes, 0, 256, true},
                 {"nvlink.round_trip_ns", &c.nvlink.round_trip_ns, 0, 1000000, true},
                 {"nvlink.max_peers", &c.nvlink.max_peers, 0, 64, true},
                 {"engines.copy", &c.engines.copy, 1, 64},
                 {"engines.nvenc", &c.engines.nvenc, 0, 64},
                 {"engines.nvenc_generation", &c.engines.nvenc_generation, 0, 99, true},
                 {"engines.nvdec", &c.engines.nvdec, 0, 64},
                 {"engines.nvdec_generation", &c.engines.nvdec_generation, 0, 99, true},
                 {"engines.jpeg", &c.engines.jpeg, 0, 64, true},
                 {"engines.optical_flow", &c.engines.optical_flow, 0, 64, true},
                 {"power.limit_w", &c.power.limit_w, 1, 10000},
                 {"power.max_limit_w", &c.power.max_limit_w, 1, 10000},
                 {"power.limiter_ms", &c.power.limiter_ms, 0.001, 10000},
                 {"power.idle_w", &c.power.idle_w, 0, 10000},
                 {"power.idle_after_s", &c.power.idle_after_s, 0, 3600, true},
                 {"power.awake_w", &c.power.awake_w, 0, 10000},
                 {"power.active_w", &c.power.active_w, 0, 10000},
                 {"power.fp32_pj_per_flop", &c.power.fp32_pj_per_flop, 0, 10000},
                 {"power.fp16_pj_per_flop", &c.power.fp16_pj_per_flop, 0, 10000},
                 {"power.fp64_pj_per_flop", &c.power.fp64_pj_per_flop, 0, 10000},
                 {"power.tensor_pj_per_flop", &c.power.tensor_pj_per_flop, 0, 10000},
                 {"power.instruction_pj", &c.power.instruction_pj, 0, 10000},
                 {"power.dram_pj_per_byte", &c.power.dram_pj_per_byte, 0, 10000},
                 {"power.l2_pj_per_byte", &c.power.l2_pj_per_byte, 0, 10000},
                 {"power.bus_pj_per_byte", &c.power.bus_pj_per_byte, 0, 10000},
                 {"power.reference_mhz", &c.power.reference_mhz, 1, 10000},
                 {"power.min_mhz", &c.power.min_mhz, 1, 10000},
                 {"power.clock_step_mhz", &c.power.clock_step_mhz, 1, 1000},
                 {"power.voltage_exponent", &c.power.voltage_exponent, 0, 4},
             });
}

void add_textures(std::vector<Field>& out, Card& c) {
  Textures& t = c.textures;
  const auto dims = [](auto& array) { return std::span<int>(array); };
  out.insert(out.end(), {
                            {"textures.alignment_bytes", &t.alignment_bytes, 1},
                            {"textures.pitch_alignment_bytes", &t.pitch_alignment_bytes, 1},
                            {"textures.surface_alignment_bytes", &t.surface_alignment_bytes, 1},
                            {"textures.samples_per_cycle", &t.samples_per_cycle, 0.25, 64},
                            {"textures.nearest_factor", &t.nearest_factor, 1, 16},
                            {"textures.wide_texel_cycles", &t.wide_texel_cycles, 1, 16},
                            {"textures.latency_cycles", &t.latency_cycles, 1, 1000},
                            {"textures.max_pitch_bytes", &t.max_pitch_bytes, 1},
                            {"textures.max_1d", &t.max_1d, 1},
                            {"textures.max_1d_linear", &t.max_1d_linear, 1},
                            {"textures.max_1d_mipmapped", &t.max_1d_mipmapped, 1},
                            {"textures.max_1d_layered", dims(t.max_1d_layered), 1},
                            {"textures.max_2d", dims(t.max_2d), 1},
                            {"textures.max_2d_linear", dims(t.max_2d_linear), 1},
                            {"textures.max_2d_mipmapped", dims(t.max_2d_mipmapped), 1},
                            {"textures.max_2d_gather", dims(t.max_2d_gather), 1},
                            {"textures.max_2d_layered", dims(t.max_2d_layered), 1},
                            {"textures.max_3d", dims(t.max_3d), 1},
                            {"textures.max_3d_alternate", dims(t.max_3d_alternate), 1},
                            {"textures.max_cubemap", &t.max_cubemap, 1},
                            {"textures.max_cubemap_layered", dims(t.max_cubemap_layered), 1},
                            {"textures.max_surface_1d", &t.max_surface_1d, 1},
                            {"textures.max_surface_1d_layered", dims(t.max_surface_1d_layered), 1},
                            {"textures.max_surface_2d", dims(t.max_surface_2d), 1},
                            {"textures.max_surface_2d_layered", dims(t.max_surface_2d_layered), 1},
                            {"textures.max_surface_3d", dims(t.max_surface_3d), 1},
                            {"textures.max_surface_cubemap", &t.max_surface_cubemap, 1},
                            {"textures.max_surface_cubemap_layered", dims(t.max_surface_cubemap_layered), 1},
                        });
}

void add_management(std::vector<Field>& out, Card& c) {
  Thermal& t = c.thermal;
  Management& m = c.management;
  out.insert(out.end(), {
                            {"thermal.ambient_c", &t.ambient_c, -50, 100, true},
                            {"thermal.c_per_w", &t.c_per_w, 0, 10, true},
                            {"thermal.time_constant_s", &t.time_constant_s, 0, 10000, true},
                            {"thermal.max_operating_c", &t.max_operating_c, 0, 200, true},
                            {"thermal.slowdown_c", &t.slowdown_c, 0, 200, true},
                            {"thermal.shutdown_c", &t.shutdown_c, 0, 200, true},
                            {"management.brand", &m.brand, 0, 0, true},
                            {"management.min_limit_w", &m.min_limit_w, 0, 10000, true},
                            {"management.idle_memory_mhz", &m.idle_memory_mhz, 0, 100000, true},
                            {"management.busy_state", &m.busy_state, 0, 15, true},
                            {"management.awake_state", &m.awake_state, 0, 15, true},
                            {"management.idle_state", &m.idle_state, 0, 15, true},
                            {"management.fans", &m.fans, 0, 16, true},
                            {"management.fan_percent", &m.fan_percent, 0, 100, true},
                            {"management.bar1_bytes", &m.bar1_bytes, 0, 1e18, true},
                            {"time_slicing.slice_us", &c.time_slicing.slice_us, 1, 1e6, true},
                            {"time_slicing.switch_us", &c.time_slicing.switch_us, 0, 1e6, true},
                        });
}

}  // namespace

std::vector<Field> fields(Card& card) {
  std::vector<Field> out;
  add_chip(out, card);
  add_sm(out, card);
  add_pipes(out, card);
  add_tensor(out, card);
  add_memory_system(out, card);
  add_system(out, card);
  add_textures(out, card);
  add_management(out, card);
  return out;
}

}  // namespace doppel::card
