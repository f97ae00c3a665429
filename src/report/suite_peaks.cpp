// SPDX-License-Identifier: Apache-2.0
#include "report/suite_peaks.h"

#include <algorithm>
#include <array>
#include <string>

#include "card/peaks.h"

namespace doppel::report {
namespace {

constexpr double kGigaOfTera = 1e3;

// Types of the tensor cores as the tests' names end, and as card::Peaks calls them.
struct TensorName {
  std::string_view ending;
  std::string_view type;
};
constexpr std::array kTensorNames{
    TensorName{"f16", "fp16, fp16 accumulation"},
    TensorName{"f16-f32", "fp16, fp32 accumulation"},
    TensorName{"bf16", "bf16, fp32 accumulation"},
    TensorName{"tf32", "tf32"},
    TensorName{"s8", "int8"},
    TensorName{"s4", "int4"},
    TensorName{"e4m3", "fp8"},
    TensorName{"e3m2", "fp6"},
    TensorName{"e2m1", "fp4"},
    TensorName{"mxf8", "fp8"},
    TensorName{"mxf4", "fp4, block scaled (mxfp4, nvfp4)"},
    TensorName{"nvf4", "fp4, block scaled (mxfp4, nvfp4)"},
};

double tensor_peak(const card::Peaks& peaks, std::string_view ending, bool sparse) {
  const auto name = std::ranges::find(kTensorNames, ending, &TensorName::ending);
  if (name == kTensorNames.end()) return 0;
  const auto peak = std::ranges::find(peaks.tensor, name->type, &card::TensorPeak::type);
  if (peak == peaks.tensor.end()) return 0;
  return sparse ? peak->sparse : peak->dense;
}

}  // namespace

double peak_of_test(const card::Card& card, std::string_view test) {
  const card::Peaks peaks = card::peaks(card);
  constexpr std::string_view kTensor = "tensor-", kSparse = "sparse-", kProduct = "gemm-";
  if (test == "tensor-f64" || test == "fma-fp64") return kGigaOfTera * peaks.fp64_tflops;
  if (test.starts_with(kTensor)) {
    const std::string_view type = test.substr(kTensor.size());
    return type.starts_with(kSparse) ? tensor_peak(peaks, type.substr(kSparse.size()), true)
                                     : tensor_peak(peaks, type, false);
  }
  if (test.starts_with(kProduct)) return tensor_peak(peaks, test.substr(kProduct.size()), false);
  if (test == "fma-fp32" || test.starts_with("sgemm-")) return kGigaOfTera * peaks.fp32_tflops;
  if (test == "fma-fp16") return kGigaOfTera * peaks.fp16_tflops;
  // A multiply-add counts as two.
  if (test == "fma-int32")
    return 2 * card.pipes.int32_multiply.per_cycle * card.sm_count * card.clocks.boost_mhz / 1e3;
  if (test.starts_with("stream-") || test == "transpose" || test == "reduction")
    return peaks.memory_gb_per_second;
  // Fetches: samples of the texture units.
  if (test.starts_with("texture-")) {
    const double samples = card.textures.samples_per_cycle * card.sm_count * card.clocks.boost_mhz / 1e3;
    return test == "texture-nearest" ? samples * card.textures.nearest_factor : samples;
  }
  if (test.starts_with("copy-")) return peaks.pcie_gb_per_second;
  return 0;
}

}  // namespace doppel::report
