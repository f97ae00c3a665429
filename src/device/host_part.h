// SPDX-License-Identifier: Apache-2.0
// The program's own part of a run: what it computed and slept between its calls. A comparison measures it on
// the first card and takes it for all others, so that what this machine happened to do decides nothing.
//
// Each thread's part is a list of stretches, each named by the call that ended it. Where a later run makes
// the same calls, it takes the stretches; where it does not any more, it measures its own from there on.
// Polls and readings of a clock are as many as they have to be on each card, and do not count for that.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "support/result.h"

namespace doppel::device {

class HostPart {
 public:
  enum class Mode : std::uint8_t { Own, Record, Replay };
  // What ended a stretch.
  struct Tag {
    std::uint32_t value = 0;
    constexpr explicit Tag(std::string_view name) {
      value = 2166136261;  // FNV-1a
      for (const char each : name) value = (value ^ static_cast<unsigned char>(each)) * 16777619;
      constexpr std::uint32_t kRepeats = std::uint32_t{1} << 31;
      const bool repeats = name == "cuEventQuery" || name == "cuStreamQuery" || name == "clock";
      value = repeats ? value | kRepeats : value & ~kRepeats;
    }
    constexpr bool repeats() const { return (value >> 31) != 0; }
  };
  // One thread's.
  class Line {
   public:
    // What counts for a stretch of which so much was measured.
    double take(Tag tag, double measured_us);
    // What the next stretch will count for, where that is not what is measured: else more than any does.
    double next_us() const;

   private:
    friend class HostPart;
    struct Stretch {
      std::uint32_t tag = 0;
      float us = 0;
    };
    HostPart* part_ = nullptr;
    std::vector<Stretch> stretches_;
    std::size_t next_ = 0;
    double of_last_repeat_us_ = -1;
    bool own_ = true;  // measured from here on
  };

  // `spec`: "record:FOLDER", "replay:FOLDER", or empty; the processes of a run are told apart by their
  // program and the order in which they begin. Errors name the spec, the folder or the file.
  static Result<std::unique_ptr<HostPart>> create(const std::string& spec, const std::string& program);

  // In the order in which the threads first call.
  Line& add_line();
  // Writes what was recorded.
  Result<void> write();

  static constexpr std::size_t kMostStretches = std::size_t{4} << 20;  // of a process; 8 bytes each

 private:
  Result<void> read();
  Mode mode_ = Mode::Own;
  std::filesystem::path file_;
  std::mutex mutex_;
  std::deque<Line> lines_;
  std::vector<std::vector<Line::Stretch>> recorded_;  // to be replayed, by line
  std::atomic<std::size_t> stretches_{0};
};

}  // namespace doppel::device
