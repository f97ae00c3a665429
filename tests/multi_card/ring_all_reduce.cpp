// SPDX-License-Identifier: Apache-2.0
// The sum of an array over all cards, by a ring over peer memory, in one process or two, and its bus
// bandwidth as all_reduce_perf defines it.
//
// ring_all_reduce [--processes 1|2] [--turns N] [--near GBPS] BYTES...: a line for each size; ends with 1
// where a result is wrong, or a bandwidth more than 20 % from GBPS.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <condition_variable>
#include <cstdio>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "process_pair.h"
#include "rank.h"

extern "C" CUresult cuCtxEnablePeerAccess(CUcontext peer, unsigned flags);

namespace {

using doppel::host::check;
using multi_card::Mailbox;
using multi_card::ProcessPair;
using multi_card::Rank;

constexpr double kTolerance = 0.2;

struct Options {
  int processes = 1;
  int turns = 3;
  double near = 0;  // GB/s; 0: any
  std::vector<std::size_t> sizes;
};

template <typename T>
T number(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value <= 0)
    throw std::invalid_argument(fmt::format("'{}' is not a number above 0", text));
  return value;
}

Options read_options(const std::vector<std::string_view>& arguments) {
  Options options;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const auto value = [&] {
      if (i + 1 == arguments.size())
        throw std::invalid_argument(fmt::format("{} needs a value", arguments[i]));
      return arguments[++i];
    };
    if (arguments[i] == "--processes")
      options.processes = number<int>(value());
    else if (arguments[i] == "--turns")
      options.turns = number<int>(value());
    else if (arguments[i] == "--near")
      options.near = number<double>(value());
    else
      options.sizes.push_back(number<std::size_t>(arguments[i]));
  }
  if (options.processes > 2) throw std::invalid_argument("--processes is 1 or 2");
  if (options.sizes.empty()) throw std::invalid_argument("no size is given");
  return options;
}

// What streams wait for.
class Gate {
 public:
  static void wait(void* gate) { static_cast<Gate*>(gate)->wait(); }
  void open() {
    {
      const std::lock_guard lock(mutex_);
      is_open_ = true;
    }
    opened_.notify_all();
  }

 private:
  void wait() {
    std::unique_lock lock(mutex_);
    opened_.wait(lock, [this] { return is_open_; });
  }
  std::mutex mutex_;
  std::condition_variable opened_;
  bool is_open_ = false;
};

// The ranks of this process; with a pair, half of them.
class Ring {
 public:
  Ring(int ranks, std::size_t bytes, const ProcessPair* pair) : pair_(pair) {
    const int here = pair == nullptr ? ranks : ranks / 2;
    const int first = pair != nullptr && pair->second() ? here : 0;
    const unsigned flags = CU_EVENT_DISABLE_TIMING | (pair == nullptr ? 0U : unsigned{CU_EVENT_INTERPROCESS});
    for (int i = 0; i < here; ++i) ranks_.push_back(std::make_unique<Rank>(first + i, ranks, bytes, flags));
    Rank &lowest = *ranks_.front(), &highest = *ranks_.back();
    Mailbox around = lowest.mailbox();  // what follows the highest; of its own: without another process
    Mailbox before = highest.mailbox();
    if (pair != nullptr) {
      lowest.make_current();
      pair->give(lowest.mailbox().received, lowest.mailbox().output, highest.mailbox().sent);
      around = before = pair->take_memory_and_events(highest.context(), lowest.context(), before.sent.size());
    }
    for (std::size_t i = 0; i < ranks_.size(); ++i) {
      const bool last = i + 1 == ranks_.size();
      ranks_[i]->join(i == 0 ? before : ranks_[i - 1]->mailbox(), last ? around : ranks_[i + 1]->mailbox());
      if (last && pair != nullptr) continue;  // its handles gave it the access
      ranks_[i]->make_current();
      check(cuCtxEnablePeerAccess(ranks_[last ? 0 : i + 1]->context(), 0), "cuCtxEnablePeerAccess");
    }
  }

  // Milliseconds of a turn, of the rank that took longest. All is queued before anything begins, so that the
  // time is the cards' alone: two processes that queue step by step wait for each other as long as this
  // machine takes.
  double run(int turns) {
    Gate gate;
    for (const auto& rank : ranks_) rank->queue_gate(Gate::wait, &gate);
    queue_turn(0);
    for (const auto& rank : ranks_) rank->mark_begin();
    for (int turn = 1; turn <= turns; ++turn) queue_turn(turn);
    for (const auto& rank : ranks_) rank->mark_end();
    gate.open();
    double longest = 0;
    for (const auto& rank : ranks_) {
      rank->synchronize();
      longest = std::max(longest, rank->milliseconds());
    }
    if (pair_ != nullptr) longest = pair_->greater(longest);
    return longest / turns;
  }

  void check_output() const {
    for (const auto& rank : ranks_) rank->check_output();
    if (pair_ != nullptr) pair_->meet();  // nobody frees what the other still uses
  }

 private:
  void queue_turn(int turn) {
    for (int step = 0; step < Rank::steps(all()); ++step) {
      for (const auto& rank : ranks_) rank->queue_step(turn, step);
      // Who waits for an event waits for it as it was last recorded.
      if (pair_ != nullptr) pair_->meet();
    }
    for (const auto& rank : ranks_) rank->queue_end();
    if (pair_ != nullptr) pair_->meet();
  }
  int all() const { return static_cast<int>(ranks_.size()) * (pair_ == nullptr ? 1 : 2); }
  const ProcessPair* pair_;
  std::vector<std::unique_ptr<Rank>> ranks_;
};

void measure(const Options& options, const ProcessPair* pair) {
  int cards = 0;
  check(cuInit(0), "cuInit");
  check(cuDeviceGetCount(&cards), "cuDeviceGetCount");
  if (cards < 2 || cards % options.processes != 0)
    throw std::runtime_error(fmt::format("{} cards for {} processes: a ring needs two, and an even share",
                                         cards, options.processes));
  for (const std::size_t size : options.sizes) {
    if (size % (static_cast<std::size_t>(cards) * 16) != 0)
      throw std::runtime_error(fmt::format("{} bytes are not {} chunks of 16", size, cards));
    Ring ring(cards, size, pair);
    const double milliseconds = ring.run(options.turns);
    ring.check_output();
    if (pair != nullptr && pair->second()) continue;
    // nccl-tests' doc/PERFORMANCE.md: the size over the time, times 2 (n - 1) / n.
    const double bus = static_cast<double>(size) / (milliseconds * 1e6) * 2 * (cards - 1) / cards;
    std::printf("%zu bytes, %d cards, %d processes: %.1f us, bus bandwidth %.2f GB/s\n", size, cards,
                options.processes, milliseconds * 1e3, bus);
    if (options.near > 0 && std::abs(bus / options.near - 1) > kTolerance)
      throw std::runtime_error(fmt::format("{:.2f} GB/s is not near {} GB/s", bus, options.near));
  }
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const Options options = read_options({argv + 1, argv + argc});
    if (options.processes == 1) {
      measure(options, nullptr);
      return 0;
    }
    ProcessPair pair;
    measure(options, &pair);
    if (!pair.second()) pair.wait_for_child();
    return 0;
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "ring_all_reduce: %s\n", failure.what());
    return 1;
  }
}
