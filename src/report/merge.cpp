// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <utility>

#include "report/report.h"

namespace doppel::report {
namespace {

using device::KernelRecord;

// Shares and rates of two groups of launches together, weighted by their time.
void fold(KernelRecord& into, const KernelRecord& from) {
  const double total = into.time_us + from.time_us;
  const double weight = total > 0 ? from.time_us / total : 0;
  const auto mean = [&](double& a, double b) { a += (b - a) * weight; };
  mean(into.occupancy, from.occupancy);
  mean(into.l1_hit, from.l1_hit);
  mean(into.l2_hit, from.l2_hit);
  mean(into.clock_mhz, from.clock_mhz);
  mean(into.waves, from.waves);
  if (from.time_us > into.time_us) {
    into.bound = from.bound;
    into.explanation = from.explanation;
    into.occupancy_limit = from.occupancy_limit;
    into.registers = from.registers;
    into.spilled_bytes = from.spilled_bytes;
    into.shared_bytes = from.shared_bytes;
    into.utilisation = from.utilisation;
    into.detail = from.detail;
  }
  into.min_us = std::min(into.min_us, from.min_us);
  into.max_us = std::max(into.max_us, from.max_us);
  into.calls += from.calls;
  into.time_us = total;
  into.thread_instructions += from.thread_instructions;
  into.warp_instructions += from.warp_instructions;
  into.flops += from.flops;
  into.dram_bytes += from.dram_bytes;
  into.power_bound = into.power_bound || from.power_bound;
  into.energy_j += from.energy_j;
}

std::vector<KernelRecord> merged_kernels(const std::vector<device::RunRecord>& records) {
  std::map<std::tuple<std::string, std::array<unsigned, 3>, std::array<unsigned, 3>>, KernelRecord> by_shape;
  for (const device::RunRecord& record : records) {
    for (const KernelRecord& kernel : record.kernels) {
      const auto [at, fresh] = by_shape.try_emplace({kernel.name, kernel.grid, kernel.block}, kernel);
      if (!fresh) fold(at->second, kernel);
    }
  }
  std::vector<KernelRecord> out;
  for (auto& [shape, kernel] : by_shape) out.push_back(std::move(kernel));
  std::ranges::sort(out, [](const auto& a, const auto& b) {
    return std::tie(b.time_us, a.name, a.grid, a.block) < std::tie(a.time_us, b.name, b.grid, b.block);
  });
  return out;
}

std::vector<device::CopyRecord> merged_copies(const std::vector<device::RunRecord>& records) {
  std::map<std::string, device::CopyRecord> by_kind;
  for (const device::RunRecord& record : records) {
    for (const device::CopyRecord& copy : record.copies) {
      device::CopyRecord& into = by_kind[copy.kind];
      into.kind = copy.kind;
      into.bytes += copy.bytes;
      into.calls += copy.calls;
      into.time_us += copy.time_us;
      into.energy_j += copy.energy_j;
    }
  }
  std::vector<device::CopyRecord> out;
  for (auto& [kind, copy] : by_kind) out.push_back(std::move(copy));
  return out;
}

}  // namespace

double Run::kernel_us() const {
  double sum = 0;
  for (const auto& kernel : kernels) sum += kernel.time_us;
  return sum;
}

double Run::kernel_energy_j() const {
  double sum = 0;
  for (const auto& kernel : kernels) sum += kernel.energy_j;
  return sum;
}

double Run::copy_us() const {
  double sum = 0;
  for (const auto& copy : copies) sum += copy.time_us;
  return sum;
}

double Run::copy_energy_j() const {
  double sum = 0;
  for (const auto& copy : copies) sum += copy.energy_j;
  return sum;
}

std::uint64_t Run::launches() const {
  std::uint64_t sum = 0;
  for (const auto& kernel : kernels) sum += kernel.calls;
  return sum;
}

Run merge(const std::string& card, const std::string& card_name, std::vector<device::RunRecord> records) {
  Run run;
  run.card = card;
  run.card_name = card_name;
  run.devices = static_cast<int>(records.size());
  run.kernels = merged_kernels(records);
  run.copies = merged_copies(records);
  std::set<std::int64_t> processes;
  for (device::RunRecord& record : records) {
    processes.insert(record.process_id);
    run.timing_depth = record.timing_depth;
    run.predict_only = run.predict_only || record.predict_only;
    for (const device::PassRecord& pass : record.passes) {
      const auto same = std::ranges::find(run.passes, pass.pass, &device::PassRecord::pass);
      if (same == run.passes.end()) {
        run.passes.push_back(pass);
      } else {
        same->seconds += pass.seconds;
        same->runs += pass.runs;
      }
    }
    run.time_us = std::max(run.time_us, record.time_us);
    run.busy_us = std::max(run.busy_us, record.busy_us);
    run.context_us = std::max(run.context_us, record.context_us);
    run.energy_j += record.energy_j;
    run.waiting_energy_j += record.waiting_energy_j;
    run.peak_memory_bytes = std::max(run.peak_memory_bytes, record.peak_memory_bytes);
    run.diagnostics.insert(run.diagnostics.end(), record.diagnostics.begin(), record.diagnostics.end());
    run.timeline.push_back({record.process_id, record.device_ordinal, std::move(record.timeline),
                            record.timeline_dropped, std::move(record.kernels), std::move(record.power),
                            std::move(record.sm_room)});
  }
  run.host_us = std::max(0.0, run.time_us - run.busy_us);
  run.context_us = std::min(run.context_us, run.host_us);
  run.processes = static_cast<int>(processes.size());
  return run;
}

}  // namespace doppel::report
