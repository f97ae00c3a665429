// SPDX-License-Identifier: Apache-2.0
#include "device/run_recorder.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "device/device.h"
#include "device/kernel_record.h"
#include "power/energy.h"
#include "support/demangle.h"

namespace doppel::device {
namespace {

const char* name_of(timing::Depth depth) {
  switch (depth) {
    case timing::Depth::Off:
      return "off";
    case timing::Depth::Fast:
      return "fast";
    case timing::Depth::Full:
      return "full";
  }
  return "";
}

std::string program_name() {
  std::error_code error;
  const auto path = std::filesystem::read_symlink("/proc/self/exe", error);
  return error ? std::string() : path.string();
}

// Length of a union of intervals that come nearly in order. Gaps that lie far back are closed to new
// intervals.
class BusyTime {
 public:
  void add(double start, double end) {
    if (end <= start) return;
    auto next = open_.lower_bound(start);
    if (next != open_.begin()) {
      const auto before = std::prev(next);
      if (before->second >= start) {
        start = before->first;
        end = std::max(end, before->second);
        next = open_.erase(before);
      }
    }
    while (next != open_.end() && next->first <= end) {
      end = std::max(end, next->second);
      next = open_.erase(next);
    }
    open_.emplace(start, end);
    while (open_.size() > kKept) {
      closed_us_ += open_.begin()->second - open_.begin()->first;
      open_.erase(open_.begin());
    }
  }
  double total_us() const {
    double sum = closed_us_;
    for (const auto& [start, end] : open_) sum += end - start;
    return sum;
  }

 private:
  static constexpr std::size_t kKept = 1024;
  std::map<double, double> open_;
  double closed_us_ = 0;
};

void add_weighted(double& mean, double value, std::uint64_t calls_before) {
  mean += (value - mean) / static_cast<double>(calls_before + 1);
}

}  // namespace

struct RunRecorder::Card {
  using Key = std::tuple<std::string, Dim3, Dim3>;
  std::map<Key, std::size_t> index;
  std::vector<KernelRecord> kernels;                                     // in the order of their first launch
  std::vector<std::shared_ptr<const timing::Explanation>> explanations;  // of their last launch
  std::map<std::string, CopyRecord> copies;
  std::vector<TimelineSlice> timeline;
  std::uint64_t dropped = 0;
  std::vector<Diagnostic> diagnostics;
  std::map<std::string, std::uint64_t> open_launches;  // by kernel
  BusyTime busy;
  double first_us = -1, last_us = 0;
  double energy_j = 0;

  bool keeps_timeline = false;

  void slice(const Place& place, const std::string& label, int kernel, std::uint64_t bytes) {
    if (first_us < 0 || place.start_us < first_us) first_us = place.start_us;
    last_us = std::max(last_us, place.end_us);
    busy.add(place.start_us, place.end_us);
    if (!keeps_timeline) return;
    if (timeline.size() >= kMaxTimelineSlices) {
      ++dropped;
      return;
    }
    // A stream's copies have a line of their own: with several streams in one process it is seen what
    // overlaps.
    const bool is_kernel = kernel >= 0;
    timeline.push_back({"stream " + std::to_string(place.stream) + (is_kernel ? "" : ", copies"), label,
                        place.start_us, place.end_us - place.start_us, is_kernel ? "kernel" : "copy", kernel,
                        bytes});
  }
};

RunRecorder::RunRecorder(const Options& options) : options_(options) {}

RunRecorder::Card& RunRecorder::card(int device) {
  auto& entry = cards_[device];
  if (entry == nullptr) {
    entry = std::make_shared<Card>();
    entry->keeps_timeline = options_.keep_timeline;
  }
  return *entry;
}

void RunRecorder::kernel(const Place& place, const std::string& name, const timing::LaunchResources& launch,
                         const timing::Prediction& prediction, const power::State& power, bool simulated) {
  const std::lock_guard lock(mutex_);
  Card& to = card(place.device);
  const Card::Key key{name, launch.config.grid, launch.config.block};
  const auto [found, fresh] = to.index.try_emplace(key, to.kernels.size());
  if (fresh) {
    KernelRecord made;
    made.name = demangled(name);
    made.min_us = prediction.time_us;
    to.kernels.push_back(std::move(made));
    to.explanations.emplace_back();
  }
  KernelRecord& record = to.kernels[found->second];
  to.slice(place, record.name, static_cast<int>(found->second), 0);
  record.time_us += prediction.time_us;
  record.min_us = std::min(record.min_us, prediction.time_us);
  record.max_us = std::max(record.max_us, prediction.time_us);
  describe(record, launch, prediction);
  if (options_.depth == timing::Depth::Off || options_.check) record.bound.clear();
  record.thread_instructions += prediction.thread_instructions;
  record.warp_instructions += prediction.warp_instructions;
  record.flops += static_cast<std::uint64_t>(prediction.flops);
  record.dram_bytes += static_cast<std::uint64_t>(prediction.dram_read_bytes + prediction.dram_write_bytes);
  add_weighted(record.l1_hit, prediction.l1_hit, record.calls);
  add_weighted(record.l2_hit, prediction.l2_hit, record.calls);
  add_weighted(record.clock_mhz, prediction.clock_mhz, record.calls);
  record.power_bound = record.power_bound || power.power_bound;
  record.energy_j += power.energy_j;
  to.energy_j += power.energy_j;
  to.explanations[found->second] = prediction.explanation;
  ++record.calls;
  if (simulated && record.simulated_calls.size() < kMostSimulatedNamed)
    record.simulated_calls.push_back(record.calls);
}

void RunRecorder::copy(const Place& place, const std::string& kind, std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  Card& to = card(place.device);
  to.slice(place, kind, -1, bytes);
  CopyRecord& record = to.copies[kind];
  record.kind = kind;
  record.bytes += bytes;
  ++record.calls;
  record.time_us += place.end_us - place.start_us;
}

void RunRecorder::host_call(const char* name, double start_us, double end_us) {
  const std::lock_guard lock(mutex_);
  if (host_calls_.size() >= kMaxTimelineSlices) {
    ++host_calls_dropped_;
    return;
  }
  const int thread =
      host_threads_.try_emplace(std::this_thread::get_id(), static_cast<int>(host_threads_.size()) + 1)
          .first->second;
  host_calls_.push_back(
      {"host thread " + std::to_string(thread), name, start_us, end_us - start_us, "host call", -1, 0});
}

void RunRecorder::diagnostic(int device, const std::string& kind, const std::string& text) {
  const std::lock_guard lock(mutex_);
  auto& all = card(device).diagnostics;
  const auto same = std::ranges::find_if(
      all, [&](const Diagnostic& each) { return each.kind == kind && each.text == text; });
  if (same != all.end()) {
    ++same->count;
  } else {
    all.push_back({kind, text, 1});
  }
}

void RunRecorder::launch_begun(int device, const std::string& name) {
  const std::lock_guard lock(mutex_);
  ++card(device).open_launches[name];
}

void RunRecorder::launch_placed(int device, const std::string& name) {
  const std::lock_guard lock(mutex_);
  --card(device).open_launches[name];
}

std::vector<RunRecord> RunRecorder::records(const std::vector<const Device*>& devices, double host_us) const {
  const std::lock_guard lock(mutex_);
  std::vector<RunRecord> all;
  for (const Device* device : devices) {
    const auto found = cards_.find(device->ordinal());
    if (found == cards_.end() && device->memory().peak() == 0) continue;
    static const Card unused;
    const Card& used = found != cards_.end() ? *found->second : unused;
    RunRecord record;
    record.card = device->card().id;
    record.device_ordinal = device->ordinal();
    record.process_id = getpid();
    record.program = program_name();
    // Under --check nothing is timed.
    record.timing_depth = name_of(options_.check ? timing::Depth::Off : options_.depth);
    record.predict_only = options_.predict_only;
    record.busy_us = used.busy.total_us();
    record.time_us = std::max(used.last_us, host_us);
    record.host_us = std::max(0.0, record.time_us - record.busy_us);
    record.energy_j = used.energy_j + power::waiting_energy_j(device->card(), record.host_us);
    record.peak_memory_bytes = device->memory().peak();
    record.kernels = used.kernels;
    for (std::size_t i = 0; i < record.kernels.size(); ++i) {
      if (used.explanations[i] != nullptr) record.kernels[i].detail = record_of(*used.explanations[i]);
    }
    for (const auto& [kind, copies] : used.copies) record.copies.push_back(copies);
    record.timeline = used.timeline;
    record.timeline_dropped = used.dropped;
    record.diagnostics = used.diagnostics;
    for (const auto& [name, count] : used.open_launches) {
      if (count == 0) continue;
      record.diagnostics.push_back(
          {"unfinished", demangled(name) + " had not ended when the program did: it is in no figure", count});
    }
    all.push_back(std::move(record));
  }
  if (!all.empty()) {
    RunRecord& first = all.front();
    first.timeline.insert(first.timeline.begin(), host_calls_.begin(), host_calls_.end());
    first.timeline_dropped += host_calls_dropped_;
  }
  return all;
}

}  // namespace doppel::device
