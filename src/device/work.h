// SPDX-License-Identifier: Apache-2.0
// What can be queued on a stream or stand as a node in a graph: plain descriptions, checked when they are
// queued.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <variant>
#include <vector>

#include "support/launch_config.h"

namespace doppel::device {

class Array;
class Kernel;
class Event;
class Graph;
class MemoryPool;

struct KernelWork {
  std::shared_ptr<Kernel> kernel;
  LaunchConfig config;
  std::vector<std::byte> parameters;  // laid out by the PTX rules; see Kernel::pack
};

// Bytes from one box to another. One row: height = depth = 1. Addresses are device or host addresses: what
// they are is looked up.
struct CopyWork {
  struct Side {
    std::uint64_t address = 0;
    std::uint64_t pitch = 0;       // bytes from row to row; 0: width
    std::uint64_t slice_rows = 0;  // rows from slice to slice; 0: height
    // Of an array: the place in it that the address stands for, and what keeps its memory.
    struct InArray {
      std::uint64_t x_bytes = 0, y = 0, z = 0;
    };
    std::shared_ptr<Array> array;
    InArray place;
  };
  Side destination, source;
  std::uint64_t width = 0;  // bytes
  std::uint64_t height = 1;
  std::uint64_t depth = 1;
};

struct MemsetWork {
  std::uint64_t address = 0;
  std::uint64_t pitch = 0;  // bytes from row to row; 0: width * element_bytes
  std::uint32_t value = 0;
  std::uint32_t element_bytes = 1;  // 1, 2 or 4
  std::uint64_t width = 0;          // elements
  std::uint64_t height = 1;
};

// A function of the program, called in stream order on a thread of Doppel's.
struct HostWork {
  std::function<void()> function;
  // The program's own, for graph queries.
  void* user_function = nullptr;
  void* user_data = nullptr;
};

struct EventRecordWork {
  std::shared_ptr<Event> event;
};
struct EventWaitWork {
  std::shared_ptr<Event> event;
};
// Managed memory moves to the host (-1) or to a card.
struct PrefetchWork {
  std::uint64_t address = 0, bytes = 0;
  int place = -1;
};
struct EmptyWork {};
struct ChildGraphWork {
  std::shared_ptr<Graph> graph;  // a copy of its own
};
// Stream-ordered allocation: the address is known when it is queued.
struct AllocateWork {
  std::shared_ptr<MemoryPool> pool;
  std::uint64_t address = 0;
  std::uint64_t bytes = 0;
};
struct FreeWork {
  std::uint64_t address = 0;
};
// Waits for, or writes, words in memory (32 or 64 bits), one after the other.
struct ValueWork {
  // Barrier: what came before is visible to what follows, which stream order gives anyway.
  enum class Operation : std::uint8_t { Write, WaitGreaterOrEqual, WaitEqual, WaitAnd, WaitNor, Barrier };
  struct Step {
    Operation operation = Operation::Write;
    std::uint64_t address = 0;
    std::uint64_t value = 0;
    std::uint8_t bytes = 4;
  };
  std::vector<Step> steps;
};

using Work = std::variant<EmptyWork, KernelWork, CopyWork, MemsetWork, HostWork, EventRecordWork,
                          EventWaitWork, ChildGraphWork, AllocateWork, FreeWork, ValueWork, PrefetchWork>;

}  // namespace doppel::device
