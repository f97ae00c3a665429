// SPDX-License-Identifier: Apache-2.0
// Gathers what a process did on each card for its run record. Memory does not grow with the number of
// launches.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

#include "card/card.h"
#include "device/options.h"
#include "device/run_record.h"
#include "power/energy.h"
#include "timing/chip_schedule.h"
#include "timing/launch_timing.h"

namespace doppel::device {

struct Moved;

class Device;
class NodeReport;

class RunRecorder {
 public:
  explicit RunRecorder(const Options& options);
  // Before anything of it is recorded. The card outlives the recorder's last call.
  void add_device(int device, const card::Card& card);

  // The card's power limit was set anew.
  void note_limit(int device, double watts);

  // What is recorded is told there, too.
  void report_to(NodeReport* node) { node_ = node; }

  struct Place {
    int device = 0;
    std::uint64_t stream = 0;
    double start_us = 0, end_us = 0;
  };
  void kernel(const Place& place, const std::string& name, const timing::LaunchResources& launch,
              const timing::Prediction& prediction, const power::State& power, bool simulated);
  // kind: as CopyRecord names it.
  void copy(const Place& place, const std::string& kind, std::uint64_t bytes, const Moved& moved);
  // The room of the SMs that a grid took and gave back, for the timeline.
  void sm_room(int device, const std::string& label,
               const std::vector<timing::ChipSchedule::RoomStep>& steps);
  // A call of the interface by the calling thread, for the timeline. waited_us: so much of it it waited for
  // the card.
  void host_call(const char* name, double start_us, double end_us, double waited_us);
  void diagnostic(int device, const std::string& kind, const std::string& text);

  // Of every launch: submitted, and at its place on the timeline. What is between is told as unfinished.
  void launch_begun(int device, const std::string& name);
  void launch_placed(int device, const std::string& name);

  // One record a device that was used.
  std::vector<RunRecord> records(const std::vector<const Device*>& devices, double host_us,
                                 double context_us = 0) const;

 private:
  struct Card;
  Card& card(int device);
  const Options& options_;
  NodeReport* node_ = nullptr;
  mutable std::mutex mutex_;
  std::map<int, std::shared_ptr<Card>> cards_;
  std::vector<TimelineSlice> host_calls_;
  std::uint64_t host_calls_dropped_ = 0;
  std::map<std::thread::id, int> host_threads_;  // numbered from 1, in the order of their first call
};

}  // namespace doppel::device
