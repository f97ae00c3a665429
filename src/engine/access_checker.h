// SPDX-License-Identifier: Apache-2.0
// The tests of --check: every access before it happens.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/fault.h"

namespace doppel::engine {

struct Warp;

// Who touched each byte of a block's shared memory since its last barrier.
class SharedChecker {
 public:
  struct Finding {
    Fault::Kind kind;
    std::string message;
  };
  void reset(std::uint32_t bytes);
  // epoch: the number of barriers that the block has completed. defined: of a store, that its value is.
  std::optional<Finding> access(std::uint32_t offset, std::uint32_t bytes, std::uint32_t warp,
                                std::uint32_t epoch, bool store, bool atomic, bool defined = true);
  // Whether any of the bytes holds a value: a load of what is filled up (the end of a structure) reads some
  // that do not.
  bool holds_value(std::uint32_t offset, std::uint32_t bytes) const;

  // A copy that goes on behind its instruction will write these bytes; it has, when the warp waited for it.
  void copy_begins(std::uint32_t offset, std::uint32_t bytes);
  void copy_ends(std::uint32_t offset, std::uint32_t bytes, std::uint32_t warp, std::uint32_t epoch);

  // Where a lane last read bytes that hold none.
  struct UndefinedRead {
    std::uint32_t offset = 0, bytes = 0, function = 0, instruction = 0;
  };
  UndefinedRead& undefined_read(std::uint32_t warp, int lane);

 private:
  static constexpr std::uint16_t kNobody = 0xffff;
  static constexpr std::uint16_t kSeveral = 0xfffe;
  struct Byte {
    std::uint32_t write_epoch = 0, read_epoch = 0;
    std::uint16_t writer = kNobody, reader = kNobody;  // warps
    bool initialized = false;
    bool atomic = false;  // the last write was
    bool copied = false;  // by what nobody has waited for yet
  };
  std::vector<Byte> bytes_;
  std::vector<UndefinedRead> reads_;  // by warp and lane
};

// The number under which the checkers of a cluster know a warp.
std::uint32_t checked_warp(const Warp& warp);

// Out of bounds, freed, misaligned, racing, or a store of a value that nobody wrote where others see it: the
// first lane's finding, or none. elements, undefined: as in RuntimeCallbacks::check_access.
std::optional<Fault> find_bad_access(Warp& warp, std::uint32_t function, std::uint32_t instruction,
                                     std::uint32_t mask, std::uint32_t access_flags,
                                     const std::uint64_t* addresses, std::span<std::uint32_t> undefined);
// An instruction whose effect depends on what these lanes read of shared memory that nobody had written.
Fault use_of_undefined(Warp& warp, std::uint32_t lanes, std::uint32_t function, std::uint32_t instruction);

}  // namespace doppel::engine
