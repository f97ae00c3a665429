// SPDX-License-Identifier: Apache-2.0
// What went wrong or was assumed in a run, by kind: what a verdict, a remark and --fail-if ask of it.
#pragma once

#include <cstdint>

#include "report/report.h"

namespace doppel::report {

// The card, or this version of Doppel, refused something that the program asked for: a module, a kernel, a
// launch, a function.
bool is_refusal(const device::Diagnostic& diagnostic);
// Launches that the program's end left without one.
bool is_unfinished(const device::Diagnostic& diagnostic);
// Something that this machine cannot find out was assumed, and times rest on it.
bool is_assumption(const device::Diagnostic& diagnostic);
// A kernel did what it must not: an illegal address, a trap, a race found by --check.
bool is_fault(const device::Diagnostic& diagnostic);

std::uint64_t refusals(const Run& run);  // all together
std::uint64_t faults(const Run& run);
std::uint64_t unfinished(const Run& run);

}  // namespace doppel::report
