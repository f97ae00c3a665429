// SPDX-License-Identifier: Apache-2.0
#include "card/peaks.h"

#include <algorithm>

namespace doppel::card {
namespace {

std::vector<TensorPeak> tensor_peaks(const Card& card, double giga_sm_cycles) {
  const Tensor& t = card.tensor;
  std::vector<TensorPeak> out;
  const auto add = [&](const char* type, const char* unit, double rate) {
    if (rate == 0) return;
    const double dense = rate * giga_sm_cycles / 1e3;
    out.push_back({type, unit, dense, t.sparse_factor > 1 ? dense * t.sparse_factor : 0});
  };
  add("fp16, fp16 accumulation", "TFLOPS", t.fp16_acc_fp16);
  add("fp16, fp32 accumulation", "TFLOPS", t.fp16_acc_fp32);
  add("bf16, fp32 accumulation", "TFLOPS", t.bf16_acc_fp32);
  add("tf32", "TFLOPS", t.tf32);
  add("int8", "TOPS", t.int8);
  add("int4", "TOPS", t.int4);
  add("fp8", "TFLOPS", t.fp8);
  add("fp6", "TFLOPS", t.fp6);
  add("fp4", "TFLOPS", t.fp4);
  add("fp4, block scaled (mxfp4, nvfp4)", "TFLOPS", t.fp4_block_scaled);
  return out;
}

}  // namespace

Peaks peaks(const Card& card) {
  const double ghz = card.clocks.boost_mhz / 1e3;
  const double giga_sm_cycles = card.sm_count * ghz;
  Peaks out;
  out.fp32_tflops = card.pipes.fp32.per_cycle * 2 * giga_sm_cycles / 1e3;
  out.fp16_tflops = card.pipes.fp16.per_cycle * 4 * giga_sm_cycles / 1e3;  // two halves, multiply and add
  out.fp64_tflops = card.pipes.fp64.per_cycle * 2 * giga_sm_cycles / 1e3;
  out.int32_tops = card.pipes.int32.per_cycle * giga_sm_cycles / 1e3;
  out.ray_tracing_tflops = card.sm.rt_cores * card.ray_tracing.tflops_per_core_ghz * giga_sm_cycles;
  out.memory_gb_per_second = card.memory.peak_bytes_per_second() / 1e9;
  out.l2_gb_per_second = card.l2.read_bytes_per_cycle * ghz;
  out.shared_gb_per_second = card.shared.bytes_per_cycle * giga_sm_cycles;
  out.pcie_gb_per_second = card.pcie.peak_bytes_per_second() / 1e9;
  out.nvlink_gb_per_second = card.nvlink.peak_bytes_per_second() * 2 / 1e9;
  out.tensor = tensor_peaks(card, giga_sm_cycles);
  for (const TensorPeak& peak : out.tensor) {
    if (std::max(peak.dense, peak.sparse) > std::max(out.best_tensor.dense, out.best_tensor.sparse)) {
      out.best_tensor = peak;
    }
  }
  return out;
}

}  // namespace doppel::card
