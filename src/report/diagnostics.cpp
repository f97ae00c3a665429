// SPDX-License-Identifier: Apache-2.0
#include "report/diagnostics.h"

#include <algorithm>

namespace doppel::report {
namespace {

template <typename Is>
std::uint64_t count(const Run& run, Is is) {
  std::uint64_t sum = 0;
  for (const device::Diagnostic& diagnostic : run.diagnostics) sum += is(diagnostic) ? diagnostic.count : 0;
  return sum;
}

}  // namespace

bool is_refusal(const device::Diagnostic& diagnostic) { return diagnostic.kind.starts_with("refused"); }

bool is_unfinished(const device::Diagnostic& diagnostic) { return diagnostic.kind == "unfinished"; }

bool is_assumption(const device::Diagnostic& diagnostic) { return diagnostic.kind == "assumed"; }

bool is_fault(const device::Diagnostic& diagnostic) {
  return !is_refusal(diagnostic) && !is_unfinished(diagnostic) && !is_assumption(diagnostic);
}

std::uint64_t refusals(const Run& run) { return count(run, is_refusal); }
std::uint64_t faults(const Run& run) { return count(run, is_fault); }
std::uint64_t unfinished(const Run& run) { return count(run, is_unfinished); }

}  // namespace doppel::report
