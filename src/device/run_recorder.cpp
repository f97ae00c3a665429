// SPDX-License-Identifier: Apache-2.0
#include "device/run_recorder.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "device/device.h"
#include "device/kernel_record.h"
#include "device/node_report.h"
#include "device/operation.h"
#include "power/energy.h"
#include "power/power_timeline.h"
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

// Whose line of the timeline a copy is on; null: the SMs make it.
const char* engine_of(const std::string& kind) {
  if (kind.starts_with("host to device")) return "copies to the card";
  if (kind.starts_with("device to host")) return "copies to the host";
  return kind.starts_with("peer") ? "copies to another card" : nullptr;
}

void add_weighted(double& mean, double value, std::uint64_t calls_before) {
  mean += (value - mean) / static_cast<double>(calls_before + 1);
}

}  // namespace

struct RunRecorder::Card {
  Card(const card::Card& of, bool keeps)
      : hardware(of), keeps_timeline(keeps), power(of, keeps ? kMaxTimelineSlices : 0) {}

  using Key = std::tuple<std::string, Dim3, Dim3>;
  std::map<Key, std::size_t> index;
  std::vector<KernelRecord> kernels;                                     // in the order of their first launch
  std::vector<std::shared_ptr<const timing::Explanation>> explanations;  // of their last launch
  std::vector<std::size_t> kernel_accounts;                              // of `power`
  struct Copies {
    CopyRecord record;
    std::size_t account = 0;
  };
  std::map<std::string, Copies> copies;
  std::vector<TimelineSlice> timeline;
  std::uint64_t dropped = 0;
  std::vector<Diagnostic> diagnostics;
  std::map<std::string, std::uint64_t> open_launches;  // by kernel
  double last_us = 0;
  bool used = false;
  const card::Card& hardware;
  bool keeps_timeline = false;
  power::PowerTimeline power;
  std::size_t accounts = 0;
  std::vector<SmRoomRecord> sm_room;

  void slice(const Place& place, const std::string& label, int kernel, std::uint64_t bytes) {
    last_us = std::max(last_us, place.end_us);
    if (!keeps_timeline) return;
    if (timeline.size() >= kMaxTimelineSlices) {
      ++dropped;
      return;
    }
    // What the SMs do is seen by stream, what the copy engines do by engine.
    const char* engine = kernel >= 0 ? nullptr : engine_of(label);
    timeline.push_back({engine != nullptr ? engine : fmt::format("stream {}", place.stream), label,
                        place.start_us, place.end_us - place.start_us, kernel >= 0 ? "kernel" : "copy",
                        kernel, bytes});
  }
};

RunRecorder::RunRecorder(const Options& options) : options_(options) {}

void RunRecorder::add_device(int device, const card::Card& card) {
  const std::lock_guard lock(mutex_);
  cards_[device] = std::make_shared<Card>(card, options_.keep_timeline);
}

void RunRecorder::note_limit(int device, double watts) {
  const std::lock_guard lock(mutex_);
  cards_.at(device)->power.raise_limit(watts);
}

RunRecorder::Card& RunRecorder::card(int device) {
  Card& used = *cards_.at(device);
  used.used = true;
  return used;
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
    to.kernel_accounts.push_back(to.accounts++);
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
  to.power.add({place.start_us, place.end_us, power.busy_sms, power.dynamic_j, power.clock_mhz,
                to.kernel_accounts[found->second]});
  if (node_ != nullptr) {
    node_->ran(place.device, {.start_us = place.start_us,
                              .end_us = place.end_us,
                              .kernel = true,
                              .own_share = prediction.time_us / std::max(place.end_us - place.start_us, 1e-9),
                              .energy_j = power.energy_j,
                              .clock_mhz = power.clock_mhz,
                              .power_bound = power.power_bound,
                              .memory_bytes = prediction.dram_read_bytes + prediction.dram_write_bytes,
                              .bus_to_card_bytes = prediction.bus.read_bytes,
                              .bus_to_host_bytes = prediction.bus.write_bytes});
  }
  to.explanations[found->second] = prediction.explanation;
  ++record.calls;
  if (simulated && record.simulated_calls.size() < kMostSimulatedNamed)
    record.simulated_calls.push_back(record.calls);
}

void RunRecorder::copy(const Place& place, const std::string& kind, std::uint64_t bytes, const Moved& moved) {
  const std::lock_guard lock(mutex_);
  Card& to = card(place.device);
  to.slice(place, kind, -1, bytes);
  const auto [found, fresh] = to.copies.try_emplace(kind);
  if (fresh) found->second.account = to.accounts++;
  CopyRecord& record = found->second.record;
  record.kind = kind;
  record.bytes += bytes;
  ++record.calls;
  record.time_us += place.end_us - place.start_us;
  power::Activity activity;
  activity.dram_bytes = moved.dram_bytes;
  activity.l2_bytes = moved.l2_bytes;
  activity.bus_bytes = moved.bus_bytes;
  activity.busy_sms = moved.busy_sms;
  const double dynamic_j = power::dynamic_energy_j(to.hardware, activity);
  to.power.add({place.start_us, place.end_us, activity.busy_sms, dynamic_j, 0, found->second.account});
  if (node_ != nullptr) {
    const double seconds = (place.end_us - place.start_us) * 1e-6;
    const card::Power& w = to.hardware.power;
    const double watts = w.awake_w + (w.active_w - w.awake_w) * std::clamp(moved.busy_sms, 0.0, 1.0);
    node_->ran(place.device, {.start_us = place.start_us,
                              .end_us = place.end_us,
                              .energy_j = watts * seconds + dynamic_j,
                              .memory_bytes = moved.dram_bytes,
                              .bus_to_card_bytes = kind.starts_with("host to device") ? moved.bus_bytes : 0,
                              .bus_to_host_bytes = kind.starts_with("device to host") ? moved.bus_bytes : 0});
  }
}

void RunRecorder::sm_room(int device, const std::string& label,
                          const std::vector<timing::ChipSchedule::RoomStep>& steps) {
  const std::lock_guard lock(mutex_);
  Card& to = card(device);
  // All of a grid's steps, or none: what takes room gives it back.
  if (to.sm_room.size() + steps.size() > kMaxTimelineSlices) return;
  for (const timing::ChipSchedule::RoomStep& step : steps)
    to.sm_room.push_back({step.time_us, label, step.sms});
}

void RunRecorder::host_call(const char* name, double start_us, double end_us, double waited_us) {
  const std::lock_guard lock(mutex_);
  const bool waited = waited_us > 0;
  if (host_calls_.size() + (waited ? 2 : 1) > kMaxTimelineSlices) {
    ++host_calls_dropped_;
    return;
  }
  const int thread =
      host_threads_.try_emplace(std::this_thread::get_id(), static_cast<int>(host_threads_.size()) + 1)
          .first->second;
  const std::string track = fmt::format("host thread {}", thread);
  host_calls_.push_back({track, name, start_us, end_us - start_us, "host call", -1, 0});
  // A call does its own part first, and returns when what it waits for has ended.
  const double wait_us = std::min(waited_us, end_us - start_us);
  if (waited)
    host_calls_.push_back({track, "waits for the card", end_us - wait_us, wait_us, "host waits", -1, 0});
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

std::vector<RunRecord> RunRecorder::records(const std::vector<const Device*>& devices, double host_us,
                                            double context_us) const {
  const std::lock_guard lock(mutex_);
  std::vector<RunRecord> all;
  for (const Device* device : devices) {
    const auto found = cards_.find(device->ordinal());
    if (found == cards_.end()) continue;
    const Card& used = *found->second;
    if (!used.used && device->memory().peak() == 0) continue;
    RunRecord record;
    record.card = device->card().id;
    record.partition = device->partition();
    record.device_ordinal = device->ordinal();
    record.process_id = getpid();
    record.program = program_name();
    // Under --check nothing is timed.
    record.timing_depth = name_of(options_.check ? timing::Depth::Off : options_.depth);
    record.predict_only = options_.predict_only;
    record.time_us = std::max(used.last_us, host_us);
    const power::PowerTimeline::Sums drawn = used.power.until(record.time_us);
    record.busy_us = drawn.busy_us;
    record.host_us = std::max(0.0, record.time_us - record.busy_us);
    record.context_us = std::min(context_us, record.host_us);
    record.waiting_energy_j = drawn.waiting_j;
    record.energy_j = drawn.waiting_j;
    record.peak_memory_bytes = device->memory().peak();
    record.kernels = used.kernels;
    for (std::size_t i = 0; i < record.kernels.size(); ++i) {
      if (used.explanations[i] != nullptr) record.kernels[i].detail = record_of(*used.explanations[i]);
    }
    for (std::size_t i = 0; i < record.kernels.size(); ++i) {
      record.kernels[i].energy_j = drawn.account(used.kernel_accounts[i]);
      record.energy_j += record.kernels[i].energy_j;
    }
    for (const auto& [kind, copies] : used.copies) {
      record.copies.push_back(copies.record);
      record.copies.back().energy_j = drawn.account(copies.account);
      record.energy_j += record.copies.back().energy_j;
    }
    for (const power::PowerStep& step : drawn.steps)
      record.power.push_back({step.time_us, step.watts, step.clock_mhz});
    record.sm_room = used.sm_room;
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
