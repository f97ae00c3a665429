// SPDX-License-Identifier: Apache-2.0
// What a kernel launches (CUDA C++ Programming Guide, "CUDA Dynamic Parallelism", version 2): gathered while
// its grid runs, and run when it has ended. The guide promises no child a start before that, and no parent
// can wait for its children: so this order is one that every correct program allows for.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <utility>
#include <vector>

#include "device/context.h"
#include "device/module.h"
#include "device/work.h"
#include "engine/device_runtime.h"

namespace doppel::device {

class DeviceLaunches : public engine::DeviceRuntime {
 public:
  // depth: of the launching grid; 0: launched by the host.
  DeviceLaunches(std::shared_ptr<Context> context, std::shared_ptr<Module> module, std::uint32_t depth);
  ~DeviceLaunches() override;

  engine::DeviceAnswer call(const engine::DeviceCall& call) override;

  struct Item {
    Work work;
    // Items of one queue run one after the other: a stream of the grid, or a block's default stream. Every
    // fire-and-forget launch is a queue of its own.
    std::uint64_t queue = 0;
    bool tail = false;  // behind all others, and behind the tails before it
    std::uint64_t block = 0;
    std::uint64_t sequence = 0;  // of the calls in the grid
  };
  // In an order that all rules allow, the same in every run where the grid makes no streams of its own:
  // blocks by index, each in its order; then the tails.
  std::vector<Item> take();

 private:
  struct Configuration {
    std::shared_ptr<Kernel> kernel;
    LaunchConfig config;
  };
  using Thread = std::pair<std::uint64_t, std::uint32_t>;  // block and thread

  engine::DeviceAnswer answer(const engine::DeviceCall& call);
  std::uint64_t parameter_buffer(std::uint64_t alignment, std::uint64_t bytes);
  std::uint64_t launch(const Configuration& configuration, std::uint64_t buffer, std::uint64_t stream,
                       std::uint64_t block);
  std::uint64_t add(Work work, std::uint64_t stream, std::uint64_t block);
  std::shared_ptr<Kernel> kernel_at(std::uint64_t address) const;

  std::shared_ptr<Context> context_;
  std::shared_ptr<Module> module_;
  std::uint32_t depth_;
  std::mutex mutex_;
  std::vector<std::uint64_t> chunks_;  // of the memory for parameters
  std::uint64_t free_ = 0, free_end_ = 0;
  std::map<std::uint64_t, Configuration> prepared_;  // by parameter buffer
  std::map<Thread, std::uint64_t> errors_;           // the last of each thread that had one
  std::set<std::uint64_t> handles_;                  // of streams and events
  std::uint64_t next_handle_ = 0;
  std::vector<Item> items_;
};

}  // namespace doppel::device
