// SPDX-License-Identifier: Apache-2.0
// The sections of the review. One is one file: a function that is declared here and has its row in
// sections.cpp.
#pragma once

#include <span>
#include <string>

#include "report/review/figures.h"
#include "report/review/review.h"

namespace doppel::report::review {

enum class Part : std::uint8_t { Specification, Units, Benchmarks, Power, UseCases, Conclusion };

struct Section {
  Part part;
  const char* id;     // of its element
  const char* title;  // no digits but in words
  std::string (*html)(const Review& review, Figures& figures);
};

// In the order of the page.
std::span<const Section> sections();
const char* title_of(Part part);

std::string specification(const Review& review, Figures& figures);
std::string derived_peaks(const Review& review, Figures& figures);
std::string cuda_cores(const Review& review, Figures& figures);
std::string tensor_cores(const Review& review, Figures& figures);
std::string memory(const Review& review, Figures& figures);
std::string bus(const Review& review, Figures& figures);
std::string ray_tracing(const Review& review, Figures& figures);
std::string nvlink(const Review& review, Figures& figures);
std::string partitions(const Review& review, Figures& figures);
std::string ecc(const Review& review, Figures& figures);
std::string video(const Review& review, Figures& figures);
std::string benchmarks(const Review& review, Figures& figures);
std::string power(const Review& review, Figures& figures);
std::string power_limits(const Review& review, Figures& figures);
std::string use_cases(const Review& review, Figures& figures);
std::string conclusion(const Review& review, Figures& figures);

}  // namespace doppel::report::review
