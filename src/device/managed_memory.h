// SPDX-License-Identifier: Apache-2.0
// Managed memory of the process: who has touched what of it, and where it lies since then.
//
// The program's own accesses are found by memory/touched_pages.h whenever one of its threads calls, or reads
// its clock; what they bring back from a card is charged to that thread. What kernels touch is known when
// they are predicted (the ranges of their accesses), in the order of the submissions. While work that may
// touch an allocation is queued or runs, the program counts as touching nothing of that allocation.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "device/host_clock.h"
#include "device/residence.h"
#include "memory/touched_pages.h"
#include "timing/l2_history.h"

namespace doppel::device {

class Device;
class Platform;

class ManagedMemory : public HostMemoryWatch {
 public:
  explicit ManagedMemory(Platform& platform);
  ~ManagedMemory() override;

  // Managed memory of this device is looked after from now on, where launches are timed.
  void attach(Device& device);
  // It has some.
  void allocated(Device& device, std::uint64_t address);
  // The memory is no more.
  void forget(std::uint64_t address) { residence_.forget(address); }

  std::uint64_t look() override;
  double bring_back(double now_us) override;

  // Work of a card that may touch managed memory, from its submission until it has run.
  class Work {
   public:
    ~Work();
    Work(const Work&) = delete;
    Work& operator=(const Work&) = delete;

   private:
    friend class ManagedMemory;
    Work(std::weak_ptr<Platform*> platform, std::vector<std::uint64_t> areas)
        : platform_(std::move(platform)), areas_(std::move(areas)) {}
    std::weak_ptr<Platform*> platform_;  // what never ran may live longer
    std::vector<std::uint64_t> areas_;
  };
  // By the thread that submits it, which looks first. areas: addresses in the managed allocations that it may
  // touch; empty: in any. Null: there is no managed memory.
  std::shared_ptr<Work> begin_work(std::vector<std::uint64_t> areas);

  // In the order of the submissions. A launch, or a copy within the card, touches these: counted from the
  // start of the card's memory. whole: nothing of what is written is read before.
  Migration touch(const Device& device, std::span<const timing::MemoryRange> ranges, bool whole = false);
  Migration prefetch(int place, std::uint64_t begin, std::uint64_t end);
  void advise(std::uint64_t begin, std::uint64_t end, Advice advice, bool set, int place);

  std::uint64_t resident_bytes(int card) const { return residence_.resident_bytes(card); }
  // The devices are about to go: nothing is told to them any more.
  void stop() { alive_ = nullptr; }
  bool any() const { return any_.load(std::memory_order_relaxed); }

 private:
  Platform& platform_;
  std::shared_ptr<Platform*> alive_;
  Residence residence_;
  std::atomic<bool> any_{false};
  std::mutex mutex_;
  std::vector<memory::TouchedRange> found_;  // and not brought back yet
};

}  // namespace doppel::device
