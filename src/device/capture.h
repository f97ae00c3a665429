// SPDX-License-Identifier: Apache-2.0
// A capture under way: the graph that streams of a program write in place of running.
#pragma once

#include <pthread.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "device/graph.h"
#include "device/stream.h"

namespace doppel::device {

struct Stream::Capture {
  std::uint64_t id = 0;
  std::shared_ptr<Graph> graph;
  CaptureMode mode = CaptureMode::Global;
  pthread_t thread{};
  std::atomic<bool> invalidated{false};
  std::mutex mutex;
  std::vector<std::weak_ptr<Stream>> streams;  // that have joined, the origin first
};

}  // namespace doppel::device
