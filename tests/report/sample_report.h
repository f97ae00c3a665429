// SPDX-License-Identifier: Apache-2.0
// A comparison with everything in it that a report can hold.
#pragma once

#include "report/report.h"

namespace doppel::report {

inline device::KernelRecord sample_kernel(const std::string& name, unsigned grid, double time_us) {
  device::KernelRecord kernel;
  kernel.name = name;
  kernel.grid = {grid, 1, 1};
  kernel.block = {256, 1, 1};
  kernel.calls = 2;
  kernel.time_us = time_us;
  kernel.min_us = time_us / 4;
  kernel.max_us = 3 * time_us / 4;
  kernel.bound = "dram";
  kernel.registers = 32;
  kernel.occupancy = 0.75;
  kernel.thread_instructions = 1000;
  kernel.utilisation = {{"dram", 0.9}, {"issue", 0.2}};
  kernel.detail.simulated = 0.125;
  kernel.detail.achieved_occupancy = 0.625;
  kernel.detail.working_sms = 84;
  kernel.detail.slots = {{"issuing", 0.25}, {"memory result", 0.5}, {"barrier", 0.125}, {"idle", 0.125}};
  kernel.detail.candidates = {{"dram", 0.9}, {"latency", 0.5}, {"issue", 0.25}};
  device::CodeRecord load;
  load.function = name;
  load.line = 31;
  load.source = "axpy.cu:12";
  load.instruction = "ld.global.f32";
  load.share = 0.5;
  load.issued = 0.0625;
  load.stall = "memory result";
  load.stalled = 0.4375;
  load.transfers = 4;
  load.least_transfers = 4;
  kernel.detail.instructions = {load};
  load.line = 0;
  load.instruction.clear();
  kernel.detail.lines = {load};
  kernel.detail.blocks = {{name, 0, 20, 40, 0.875, 512}};
  return kernel;
}

inline device::RunRecord sample_record(double scale) {
  device::RunRecord record;
  record.process_id = 12;
  record.timing_depth = "fast";
  record.time_us = 400 * scale;
  record.busy_us = 350 * scale;
  record.host_us = 50 * scale;
  record.energy_j = 0.01 * scale;
  record.waiting_energy_j = 0.0015 * scale;
  record.peak_memory_bytes = 4096;
  record.kernels = {sample_kernel("void fill<float>(float*, \"quoted\", <a&b>)", 64, 10 * scale),
                    sample_kernel("axpy(int)", 84, 200 * scale)};
  for (auto& kernel : record.kernels) kernel.energy_j = 0.004 * scale;
  record.copies = {{"host to device", 4096, 2, 5 * scale, 0.0005 * scale}};
  record.timeline = {{"host thread 1", "cuMemcpyHtoD_v2", 8, 6 * scale, "host call", -1, 0},
                     {"host thread 1", "waits for the card", 9, 6 * scale - 1, "host waits", -1, 0},
                     {"stream 0", "axpy(int)", 7 + 5 * scale, 100 * scale, "kernel", 1, 0},
                     {"copies to the card", "host to device", 7, 5 * scale, "copy", -1, 4096}};
  record.power = {{7, 85, 1800}, {7 + 5 * scale, 210.5, 1785}, {7 + 105 * scale, 83, 1800}};
  record.sm_room = {{7 + 5 * scale, "axpy(int)", 14}, {7 + 105 * scale, "axpy(int)", -14}};
  return record;
}

inline Report sample_comparison() {
  Report report;
  report.program = {"./program", "--size", "12"};
  report.runs = {merge("rtx-a6000", "RTX A6000", {sample_record(2)}),
                 merge("rtx-pro-5000-blackwell", "RTX PRO 5000 Blackwell", {sample_record(1)})};
  report.error_band = ErrorBand{15, 20, "streams", {"rtx-a6000", "rtx-pro-5000-blackwell"}};
  judge(report);
  return report;
}

}  // namespace doppel::report
