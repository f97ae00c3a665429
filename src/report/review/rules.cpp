// SPDX-License-Identifier: Apache-2.0
#include "report/review/rules.h"

#include <algorithm>
#include <cmath>

#include "card/peaks.h"

namespace doppel::report::review {
namespace {

bool is_named(const std::string& test, const std::string& name) {
  return test == name || (test.starts_with(name) && test.size() > name.size() && test[name.size()] == '-');
}

std::vector<std::string> named_tests(const CardRun& run, const std::vector<std::string>& names) {
  std::vector<std::string> out;
  for (const Measure& measure : run.measures) {
    if (std::ranges::any_of(names, [&](const std::string& name) { return is_named(measure.test, name); }) &&
        find(run, measure.test) != nullptr)
      out.push_back(measure.test);
  }
  return out;
}

double figure(const Measure& measure, bool per_watt) {
  return per_watt ? (measure.watts > 0 ? measure.value / measure.watts : 0) : measure.value;
}

double instances(const card::Card& card) {
  int most = 0;
  for (const card::PartitionProfile& profile : card.partitions) most = std::max(most, profile.max_instances);
  return most;
}

}  // namespace

std::span<const RunRule> run_rules() {
  static const std::vector<RunRule> rules = {
      {"single",
       "your programs compute in single precision",
       {"fma-fp32", "nbody", "sgemm-step-6", "mandelbrot-fp32"}},
      {"double", "your programs compute in double precision", {"fma-fp64", "mandelbrot-fp64"}},
      {"integers",
       "your programs compute with integers: hashes, codes, indices",
       {"fma-int32", "mandelbrot-int32", "sha256", "aes"}},
      {"bandwidth",
       "your programs stream through memory and hardly compute",
       {"stream", "transpose", "reduction"}},
      {"latency", "your programs follow pointers through memory", {"latency"}},
      {"finance", "you price options", {"black-scholes", "binomial", "monte-carlo"}},
      {"science", "you simulate: bodies, grids, transforms", {"nbody", "stencil", "fft"}},
      {"training",
       "you train networks, or run them in sixteen bits",
       {"gemm-f16-f32", "gemm-bf16", "attention"}},
      {"eight", "you run networks in eight bits", {"gemm-s8", "gemm-e4m3"}},
      {"four", "you run networks in floating point of four bits", {"gemm-mxf4", "gemm-nvf4"}},
      {"int4", "you run networks in integers of four bits", {"gemm-s4"}},
      {"copies", "your data come from the host again and again", {"copy"}},
      {"launches", "you launch many small kernels", {"launch"}},
      {"energy",
       "the energy that the work takes counts",
       {"fma-fp32", "stream-triad", "sgemm-step-6", "gemm-f16-f32", "attention"},
       true},
  };
  return rules;
}

std::span<const FileRule> file_rules() {
  static const std::vector<FileRule> rules = {
      {"room",
       "your data must fit the card's memory",
       "memory for programs",
       "GiB",
       [](const card::Card& c) { return double(c.memory.bytes) / (1 << 30); },
       {"memory.bytes"}},
      {"cache",
       "what your programs use again and again would fit a large cache",
       "L2 cache",
       "MiB",
       [](const card::Card& c) { return double(c.l2.bytes) / (1 << 20); },
       {"l2.bytes"}},
      {"link",
       "two cards must work on the same data",
       "NVLink, both directions together",
       "GB/s",
       [](const card::Card& c) { return card::peaks(c).nvlink_gb_per_second; },
       {"nvlink.links"}},
      {"share",
       "several users must share a card, each with a part of its own",
       "parts of a card, at most",
       "",
       instances,
       {}},
      {"rays",
       "you trace rays",
       "ray tracing as the vendor counts it",
       "RT TFLOPS",
       [](const card::Card& c) { return card::peaks(c).ray_tracing_tflops; },
       {"ray_tracing.tflops_per_core_ghz"}},
      {"encode",
       "you encode many videos at once",
       "NVENC engines",
       "",
       [](const card::Card& c) { return double(c.engines.nvenc); },
       {"engines.nvenc"}},
      {"decode",
       "you decode many videos at once",
       "NVDEC engines",
       "",
       [](const card::Card& c) { return double(c.engines.nvdec); },
       {"engines.nvdec"}},
  };
  return rules;
}

Decision decide(const RunRule& rule, const Review& review) {
  Decision out;
  double logarithms = 0;
  int of_both = 0;
  const std::vector<std::string> first = named_tests(review.cards[0], rule.tests);
  const std::vector<std::string> second = named_tests(review.cards[1], rule.tests);
  for (const std::string& test : first) {
    if (std::ranges::find(second, test) == second.end()) continue;
    const double a = figure(*find(review.cards[0], test), rule.per_watt);
    const double b = figure(*find(review.cards[1], test), rule.per_watt);
    if (a <= 0 || b <= 0) continue;
    logarithms += std::log(b / a);
    ++of_both;
    out.tests.push_back(test);
  }
  if (of_both == 0) {
    if (first.empty() != second.empty()) {
      out.only = first.empty() ? 1 : 0;
      out.tests = first.empty() ? second : first;
    }
    return out;
  }
  out.ratio = std::exp(logarithms / of_both);
  const double error = error_of(review);
  if (std::max(out.ratio, 1 / out.ratio) > 1 + error) out.better = out.ratio > 1 ? 1 : 0;
  return out;
}

Decision decide(const FileRule& rule, const Review& review) {
  constexpr double kSame = 1.02;  // nobody chooses by less
  Decision out;
  const double a = rule.value(review.cards[0].card);
  const double b = rule.value(review.cards[1].card);
  if (a > 0 && b > 0) {
    out.ratio = b / a;
    if (std::max(out.ratio, 1 / out.ratio) > kSame) out.better = out.ratio > 1 ? 1 : 0;
  } else if (a > 0 || b > 0) {
    out.only = a > 0 ? 0 : 1;
  }
  return out;
}

}  // namespace doppel::report::review
