// SPDX-License-Identifier: Apache-2.0
#include "report/review/sections.h"

#include <array>

namespace doppel::report::review {

std::span<const Section> sections() {
  static constexpr std::array kSections{
      Section{Part::Specification, "specification", "The cards on paper", specification},
      Section{Part::Specification, "peaks", "Peak rates that follow", derived_peaks},
      Section{Part::Units, "cuda-cores", "CUDA cores", cuda_cores},
      Section{Part::Units, "tensor-cores", "Tensor cores", tensor_cores},
      Section{Part::Units, "memory", "Memory and caches", memory},
      Section{Part::Units, "bus", "The bus to the host (PCI Express)", bus},
      Section{Part::Units, "ray-tracing", "Ray tracing", ray_tracing},
      Section{Part::Units, "nvlink", "Two cards together: NVLink", nvlink},
      Section{Part::Units, "ecc", "Error-correcting memory (ECC)", ecc},
      Section{Part::Units, "partitions", "Several users on one card (MIG)", partitions},
      Section{Part::Units, "video", "Video engines", video},
      Section{Part::Benchmarks, "benchmarks", "All tests on both cards", benchmarks},
      Section{Part::Power, "power", "Power and clock in each test", power},
      Section{Part::Power, "power-limits", "The same work at lower power limits", power_limits},
      Section{Part::UseCases, "use-cases", "Choose it if", use_cases},
      Section{Part::Conclusion, "conclusion", "The verdict", conclusion},
  };
  return kSections;
}

const char* title_of(Part part) {
  switch (part) {
    case Part::Specification:
      return "Specification";
    case Part::Units:
      return "The units at work";
    case Part::Benchmarks:
      return "Benchmarks";
    case Part::Power:
      return "Power and clocks";
    case Part::UseCases:
      return "Use cases";
    case Part::Conclusion:
      return "Conclusion";
  }
  return "";
}

}  // namespace doppel::report::review
