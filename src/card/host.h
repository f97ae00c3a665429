// SPDX-License-Identifier: Apache-2.0
// The host around the cards, as data: what calls of CUDA take on a plain machine of the day, whatever this
// one takes. Every number is one key of hosts/*.toml, where it stands with its source and its mark.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "card/card.h"

namespace doppel::card {

struct Host {
  // Microseconds in which the calling thread is busy, before the work that a call queues may begin.
  struct Calls {
    double any_us = 0;     // of every call, beside what follows
    double launch_us = 0;  // a kernel
    double copy_us = 0;    // a copy
    double fill_us = 0;
    double pageable_copy_us = 0;  // more, where it goes through the driver's own pinned memory
    double record_us = 0;         // an event, or a wait for one on a stream
    double host_function_us = 0;
    double poll_us = 0;    // asking whether an event or stream is done
    double wait_us = 0;    // a call that waits, where there is nothing to wait for
    double notice_us = 0;  // from the end of what was waited for to the return of the call
    double stream_create_us = 0, stream_destroy_us = 0;
    double event_create_us = 0, event_destroy_us = 0;
    double graph_instantiate_node_us = 0;  // for each node
    double graph_launch_us = 0;
    double graph_launch_node_us = 0;  // for each node
  } calls;

  struct Memory {
    double allocate_us = 0, free_us = 0;  // of a card
    double map_us_per_mib = 0;            // more, for each MiB of it
    double pool_allocate_us = 0, pool_free_us = 0;
    double pin_us = 0;            // pinned memory: once a call,
    double pin_us_per_page = 0;   // and for each page of 4 KiB: it is found, cleared and locked
    double lock_us_per_page = 0;  // of memory that is there already (registered)
    double unpin_us_per_page = 0;
    double copy_bytes_per_second = 0;  // memcpy by one thread

    double allocation_us(std::uint64_t bytes) const {
      return allocate_us + static_cast<double>(bytes) / (1 << 20) * map_us_per_mib;
    }
    // A call that pins, locks or unpins memory, by what it takes for a page.
    double pages_us(std::uint64_t bytes, double us_per_page) const {
      constexpr std::uint64_t kPageBytes = 4096;
      const std::uint64_t pages = (bytes + kPageBytes - 1) / kPageBytes;
      return pin_us + static_cast<double>(pages) * us_per_page;
    }
  } memory;

  struct Start {
    double context_us = 0;       // making one
    double context_end_us = 0;   // destroying it
    double module_us = 0;        // loading one
    double library_us = 0;       // the same lazily, as runtimes do (cuLibraryLoadData): little but its names
    double first_launch_us = 0;  // more, of a module's first kernel: its code is loaded then
  } start;

  struct Threads {
    double create_us = 0;         // from the call that creates one to its first instruction
    double host_function_us = 0;  // from the end of what came before on the stream to the function's start
  } threads;

  // The program's own processor time here, times this, is what it takes there.
  double processor_factor = 1;

  std::string id;
  std::map<std::string, Provenance> provenance;  // by key
};

}  // namespace doppel::card
