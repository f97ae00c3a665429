// SPDX-License-Identifier: Apache-2.0
// Turns described work into an operation: what it does, where on the timeline it takes place, and what it
// leaves in the record.
#pragma once

#include <cstdint>
#include <memory>

#include "device/context.h"
#include "device/operation.h"
#include "device/residence.h"
#include "device/work.h"

namespace doppel::device {

struct LaunchTree;  // of kernel_launch.cpp

struct Submission {
  std::shared_ptr<Context> context;
  std::uint64_t stream_id = 0;
  int priority = 0;  // of the stream, as CUDA counts: smaller goes first
  bool in_graph = false;
  // Of a launch by a kernel: one more than that kernel's, and what all launches below one of the host's
  // share.
  std::uint32_t depth = 0;
  std::shared_ptr<LaunchTree> tree;
};

// Not for ChildGraphWork, nor for event work: those are dependencies only (they become operations without
// work).
std::shared_ptr<Operation> make_operation(Work work, const Submission& submission);

// The single kinds.
std::shared_ptr<Operation> make_kernel_operation(KernelWork work, const Submission& submission);
std::shared_ptr<Operation> make_copy_operation(const CopyWork& work, const Submission& submission);
std::shared_ptr<Operation> make_memset_operation(const MemsetWork& work, const Submission& submission);
std::shared_ptr<Operation> make_prefetch_operation(const PrefetchWork& work, const Submission& submission);

// cuMemAdvise: holds for all that is submitted behind it.
struct AdviceWork {
  std::uint64_t address = 0, bytes = 0;
  Advice advice = Advice::ReadMostly;
  bool set = true;
  int place = kHostPlace;
};
void submit_advice(const AdviceWork& work, const std::shared_ptr<Context>& context);

// Does a copy touch memory of the program's that is not pinned? Then it is done when the call returns.
bool touches_pageable_memory(const CopyWork& work, const Device& device);
bool touches_host_memory(const CopyWork& work, const Device& device);
bool between_host_memory(const CopyWork& work, const Device& device);

}  // namespace doppel::device
