// SPDX-License-Identifier: Apache-2.0
#include "engine/clock_reads.h"

#include <algorithm>

#include "analysis/analysed_module.h"
#include "analysis/trace.h"

namespace doppel::engine {
namespace {

// A loop that does nothing but wait for the clock goes round millions of times on a card. Here the clock is
// set forward by this part of what it has waited for already, so that the loop ends after some hundreds of
// rounds, later than it would by no more than this.
constexpr std::uint64_t kPartSkipped = 512;

}  // namespace

ClockLoops::ClockLoops(const analysis::AnalysedKernel& kernel) {
  for (const analysis::SpinLoop& loop : kernel.spin_loops) {
    if (!loop.by_clock) continue;
    const std::uint32_t first = kernel.first_operation(loop.function);
    for (const std::uint32_t operation : loop.clock_reads) reads_.push_back({first + operation, &loop});
    for (const std::uint32_t operation : loop.counts_from) bases_.push_back({first + operation, &loop});
  }
}

const analysis::SpinLoop* ClockLoops::loop_of(std::uint32_t operation) const {
  const auto found = std::ranges::find(reads_, operation, &Read::operation);
  return found != reads_.end() ? found->loop : nullptr;
}

bool ClockLoops::counts_from(const analysis::SpinLoop& loop, std::uint32_t operation) const {
  return std::ranges::any_of(
      bases_, [&](const Read& base) { return base.loop == &loop && base.operation == operation; });
}

ClockReads::Step ClockReads::read(const ClockLoops& loops, std::uint32_t operation, const Moment& moment) {
  Step step{loops.loop_of(operation), 0};
  const std::uint64_t issued = moment.issued - last_.issued;
  const bool again = step.loop != nullptr && step.loop == loop_;
  // The rounds of a loop that only waits have one length. Where more was issued, it has been left meanwhile.
  if (again && step.loop->only_waits && !step.loop->or_by_memory && (round_ == 0 || round_ == issued)) {
    round_ = issued;
    step.skipped = (moment.now - began_) / kPartSkipped;
  } else {
    began_ = moment.now;
    round_ = 0;
  }
  const std::uint64_t now = moment.now + step.skipped;
  // How long it takes here until a write comes says nothing.
  if (again && !step.loop->or_by_memory) waited_ += now - last_.now - (moment.slept - last_.slept);
  loop_ = step.loop;
  last_ = {now, moment.issued, moment.slept};
  return step;
}

void ClockBases::note(std::uint32_t operation, std::uint64_t now) {
  const auto found = std::ranges::find(last_, operation, &Last::operation);
  if (found != last_.end()) {
    found->cycles = now;
  } else {
    last_.push_back({operation, now});
  }
}

ClockBases::Base ClockBases::of(const ClockLoops& loops, const analysis::SpinLoop& loop) const {
  const Last* best = nullptr;
  bool best_is_known = false;
  for (const Last& each : last_) {
    if (loops.loop_of(each.operation) == &loop) continue;
    const bool known = loops.counts_from(loop, each.operation);
    if (best != nullptr && (best_is_known > known || (best_is_known == known && best->cycles > each.cycles)))
      continue;
    best = &each;
    best_is_known = known;
  }
  return best != nullptr ? Base{best->operation, best->cycles} : Base{analysis::kFromStart, 0};
}

}  // namespace doppel::engine
