// The tests of --check: every access before it happens.
#pragma once

#include <cstdint>
#include <optional>
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
  // epoch: the number of barriers that the block has completed.
  std::optional<Finding> access(std::uint32_t offset, std::uint32_t bytes, std::uint32_t warp,
                                std::uint32_t epoch, bool store, bool atomic);

 private:
  static constexpr std::uint16_t kNobody = 0xffff;
  static constexpr std::uint16_t kSeveral = 0xfffe;
  struct Byte {
    std::uint32_t write_epoch = 0, read_epoch = 0;
    std::uint16_t writer = kNobody, reader = kNobody;  // warps
    bool initialized = false;
    bool atomic = false;  // the last write was
  };
  std::vector<Byte> bytes_;
};

// Out of bounds, freed, misaligned, uninitialised or racing: the first lane's finding, or none.
std::optional<Fault> find_bad_access(Warp& warp, std::uint32_t function, std::uint32_t instruction,
                                     std::uint32_t mask, std::uint32_t access_flags,
                                     const std::uint64_t* addresses);

}  // namespace doppel::engine
