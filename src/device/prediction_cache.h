// SPDX-License-Identifier: Apache-2.0
// Predictions of launches, kept by kernel and shape, so that a loop of launches is simulated only where
// something changes that its time rests on.
//
// The rule (docs/timing-model.md): a launch is traced when it is the first with its arguments
// (argument_signature.h), when its addresses or loops may follow what is in memory, and at number 1, 2, 4, 8,
// ... of its kernel and shape. What its traces and counts show (timing/launch_signature.h) is compared with
// the launches that were simulated before: where it is alike, it takes their time, by the ratio of what both
// issued; else it is simulated. So is a launch like one before that finds L2 in another state. All that
// counts is the order of submission, so that the same program gives the same predictions, however its streams
// overlapped.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "device/argument_signature.h"
#include "device/launch_prediction.h"
#include "engine/engine.h"
#include "timing/l2_history.h"
#include "timing/launch_signature.h"

namespace doppel::device {

class PredictionCache {
 public:
  PredictionCache();
  ~PredictionCache();

  struct Key {
    std::uint32_t function = 0;
    int device = 0;
    int settings = 0;  // of the device: Device::look_at_settings
    LaunchConfig config;
    auto operator<=>(const Key&) const = default;
  };

  struct Submission {
    std::uint64_t number = 0;  // 1 for the first launch of its key
    bool traced = false;       // its sampled blocks are to be traced
  };
  // At submission.
  Submission submit(const Key& key, std::uint64_t arguments, const timing::KernelModel& model);

  // A launch that has run.
  struct Launch {
    Key key;
    const card::Card& card;
    std::shared_ptr<const timing::KernelModel> model;
    timing::LaunchResources resources;
    timing::Depth depth = timing::Depth::Fast;
    const ArgumentSignature& arguments;
    std::uint64_t memory_base = 0;  // of the card: traces count from there
    engine::Outcome outcome;        // with traces where it was to be traced; without counts: it was not run
  };
  struct Answer {
    LaunchPrediction prediction;
    bool simulated = false;                   // by its own traces, not taken from a launch before
    std::vector<timing::MemoryRange> ranges;  // of the card's memory that it touches
  };
  // In the order of submission. l2: what the launches and copies before left there; this one is added.
  Answer predict(Launch launch, timing::L2History& l2);

 private:
  struct Kept;
  struct Submitted {
    std::uint64_t launches = 0;
    std::unordered_set<std::uint64_t> arguments;
  };
  struct Entry {
    std::unordered_map<std::uint64_t, std::size_t> by_arguments;  // index of the kept launch
    std::vector<std::unique_ptr<Kept>> kept;
  };
  Kept* like(Entry& entry, const timing::LaunchSignature& signature, double tolerance) const;
  Kept& keep(Entry& entry, Launch launch, timing::LaunchSignature signature);
  static LaunchPrediction predict(Kept& kept, const timing::L2Start& start, bool& simulated);
  void forget_old_traces();

  // Launches are submitted while others are simulated.
  std::mutex submit_mutex_;
  std::map<Key, Submitted> submitted_;
  std::mutex mutex_;
  std::map<Key, Entry> entries_;
  std::vector<Kept*> with_traces_;  // the oldest first
  std::size_t trace_bytes_ = 0;
};

}  // namespace doppel::device
