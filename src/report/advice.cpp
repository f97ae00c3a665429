// SPDX-License-Identifier: Apache-2.0
#include "report/advice.h"

#include <fmt/format.h>

#include <algorithm>

#include "card/peaks.h"
#include "report/quantities.h"

namespace doppel::report {
namespace {

using Kernel = device::KernelRecord;
using device::CodeRecord;

// A place with less of the time is not worth a word; nor is an access that moves little more than it must.
constexpr double kWorthSaying = 0.05;
constexpr double kWasteful = 2;
constexpr double kMuch = 0.2;

double share_of(const std::vector<device::Utilisation>& list, const std::string& unit) {
  const auto found = std::ranges::find(list, unit, &device::Utilisation::unit);
  return found == list.end() ? 0 : found->share;
}

// The access that moves most in vain: the most costly place of those that are worth a word.
const CodeRecord* wasteful_access(const Kernel& k, bool shared_memory) {
  for (const CodeRecord& place : k.detail.instructions) {
    if (place.shared_memory == shared_memory && place.share >= kWorthSaying && place.least_transfers > 0 &&
        place.transfers >= kWasteful * place.least_transfers)
      return &place;
  }
  return nullptr;
}

const CodeRecord* costliest(const Kernel& k, const std::string& stall) {
  const auto found = std::ranges::find(k.detail.instructions, stall, &CodeRecord::stall);
  return found == k.detail.instructions.end() ? nullptr : &*found;
}

std::string at(const CodeRecord* place) {
  return place == nullptr ? "" : fmt::format(", most at {}", place_text(*place));
}

std::string of_grid(const Kernel& k, const card::Card& card) {
  if (k.bound == "launch")
    return fmt::format("{} of its time is the start of the launch: give one launch the work of several",
                       percent_text(share_of(k.detail.candidates, "launch")));
  if (k.detail.working_sms > 0 && k.detail.working_sms < card.sm_count)
    return fmt::format("only {} of {} SMs have work: split it into at least {} blocks", k.detail.working_sms,
                       card.sm_count, card.sm_count);
  return "";
}

std::string of_accesses(const Kernel& k) {
  if (const CodeRecord* place = wasteful_access(k, false)) {
    return fmt::format(
        "let neighbouring threads use neighbouring addresses: {} moves {:.3g} sectors of 32 bytes a warp "
        "where "
        "{:.3g} would do",
        place_text(*place), place->transfers, place->least_transfers);
  }
  if (const CodeRecord* place = wasteful_access(k, true)) {
    return fmt::format(
        "pad the rows of the array in shared memory, or change which thread takes which word: {} takes "
        "{:.3g} "
        "turns of its banks where {:.3g} would do",
        place_text(*place), place->transfers, place->least_transfers);
  }
  return "";
}

std::string of_waiting(const Kernel& k) {
  const double memory = share_of(k.detail.slots, "memory result");
  const double arithmetic = share_of(k.detail.slots, "arithmetic result");
  const double barrier = share_of(k.detail.slots, "barrier");
  if (barrier >= kMuch && barrier >= std::max(memory, arithmetic))
    return fmt::format(
        "{} of the time its warps wait for each other at barriers{}: smaller blocks, of which an "
        "SM runs several, fill it",
        percent_text(barrier), at(costliest(k, "barrier")));
  if (memory >= kMuch && memory >= arithmetic) {
    const std::string place = at(costliest(k, "memory result"));
    if (k.occupancy < 0.5 && k.occupancy_limit == "registers")
      return fmt::format(
          "{} of the time it waits for memory{}, and {} registers a thread leave room for few "
          "warps: limit them (__launch_bounds__), or load several values before their use",
          percent_text(memory), place, k.registers);
    if (k.occupancy < 0.5 && k.occupancy_limit == "shared memory")
      return fmt::format(
          "{} of the time it waits for memory{}, and {} of shared memory a block leave room for "
          "few warps: use less, or load several values before their use",
          percent_text(memory), place, bytes_text(k.shared_bytes));
    return fmt::format(
        "{} of the time it waits for memory{}: load several values before their use, or more "
        "at once",
        percent_text(memory), place);
  }
  if (arithmetic >= kMuch)
    return fmt::format(
        "{} of the time it waits for results of arithmetic{}: more independent operations in a "
        "thread, or more warps, fill it",
        percent_text(arithmetic), at(costliest(k, "arithmetic result")));
  return "";
}

std::string of_bound(const Kernel& k, const card::Card& card) {
  const double share = share_of(k.utilisation, k.bound);
  if (k.bound == "DRAM")
    return "only moving fewer bytes helps: smaller types, data kept on the chip between uses, kernels joined "
           "that pass arrays to each other";
  if (k.bound == "PCIe")
    return "memory of the host, or of another card, comes over the bus with each use: copy what is used more "
           "than once to the card";
  if (k.bound == "NVLink")
    return "another card's memory comes over NVLink with each use: copy what is used more than once to the "
           "card";
  if (k.bound == "L2" || k.bound == "L1" || k.bound == "load/store")
    return fmt::format(
        "{} is busy {} of the time: keep what is used again in registers or shared memory, and "
        "load vectors (float4)",
        k.bound == "load/store" ? "the path of loads and stores" : k.bound, percent_text(share));
  if (k.bound == "shared memory")
    return "shared memory is busy without conflicts: keep more of what is used again in registers, and load "
           "vectors (float4)";
  if (k.bound == "atomics")
    return "atomics on one place follow each other: add up in a warp or block first, then do one atomic";
  if (k.bound == "fp64")
    return fmt::format(
        "this card does one FP64 operation in the time of {:.0f} FP32 ones: use float where the "
        "accuracy allows it",
        card::peaks(card).fp32_tflops / card::peaks(card).fp64_tflops);
  if (k.bound == "special functions")
    return "the units for special functions are what it waits for: fewer divisions, roots and transcendental "
           "functions help";
  if (k.bound == "texture units")
    return fmt::format(
        "the texture units are busy {} of the time: fewer fetches help (keep what is fetched again in shared "
        "memory, "
        "filter only where it is needed)",
        percent_text(share));
  if (k.bound == "issue")
    return fmt::format(
        "instructions are issued {} of the time: only fewer of them help (vector loads, "
        "unrolled loops, less address arithmetic)",
        percent_text(share));
  if (k.bound == "fp32" || k.bound == "int32" || k.bound == "fp16")
    return fmt::format("the {} units are busy {} of the time: only fewer of their operations help", k.bound,
                       percent_text(share));
  return "";
}

}  // namespace

std::string place_text(const CodeRecord& place) {
  if (place.line == 0) return place.source;
  const std::string where =
      place.source.empty() ? fmt::format("line {} of the PTX", place.line) : place.source;
  return place.instruction.empty() ? where : fmt::format("{} ({})", where, place.instruction);
}

std::string advice(const Kernel& kernel, const card::Card& card) {
  if (kernel.bound.empty() || kernel.detail.slots.empty()) return "";
  std::string out = of_grid(kernel, card);
  if (out.empty()) out = of_accesses(kernel);
  if (out.empty() && (kernel.bound == "latency" || kernel.bound == "occupancy" || kernel.bound == "barriers"))
    out = of_waiting(kernel);
  if (out.empty()) out = of_bound(kernel, card);
  if (out.empty()) return "";
  out[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(out[0])));
  return out + ".";
}

}  // namespace doppel::report
