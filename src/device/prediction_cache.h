// Predictions of launches, kept by kernel and shape, so that a loop of launches is traced only now and then.
//
// The rule (docs/timing-model.md): of the launches of one kernel with one shape on one card, counted in the
// order of submission, number 1, 2, 4, 8, ... are traced. The others take the latest traced prediction before
// them, scaled by the ratio of the warp instructions that both counted. So the same program gives the same
// predictions, however its streams overlapped.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <span>
#include <string>
#include <tuple>

#include "card/card.h"
#include "kernel/trace.h"
#include "power/energy.h"
#include "timing/launch_timing.h"

namespace doppel::device {

struct LaunchPrediction {
  timing::Prediction timing;
  power::State power;
  std::uint64_t counted = 0;  // basic blocks entered by warps, over the grid
};

// Energy and clock of a launch; lowers the clock of the prediction where power binds.
LaunchPrediction with_power(const card::Card& card, const timing::LaunchShape& shape,
                            timing::Prediction prediction);
std::uint64_t count_entries(std::span<const kernel::BlockCount> counts);

class PredictionCache {
 public:
  using Key = std::tuple<std::uint32_t, int, std::uint32_t, std::uint32_t, std::uint32_t, std::uint32_t,
                         std::uint32_t, std::uint32_t, std::uint32_t>;
  static Key key(std::uint32_t function, int device, const timing::LaunchShape& shape);

  // At submission: is this launch to be traced?
  bool submit(const Key& key);
  // In the order of submission: a traced launch leaves its prediction, any other takes one.
  void store(const Key& key, const LaunchPrediction& prediction);
  LaunchPrediction scaled(const Key& key, std::uint64_t counted);

 private:
  struct Entry {
    std::uint64_t launches = 0;
    LaunchPrediction latest;
  };
  std::mutex mutex_;
  std::map<Key, Entry> entries_;
};

}  // namespace doppel::device
