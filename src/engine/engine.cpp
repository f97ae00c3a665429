// SPDX-License-Identifier: Apache-2.0
#include "engine/engine.h"

#include <fmt/format.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>  // NOLINT(modernize-deprecated-headers): POSIX has more than <csignal>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <list>
#include <map>
#include <mutex>
#include <thread>

#include "engine/device_heap.h"
#include "engine/grid_run.h"
#include "engine/launch_shape.h"
#include "engine/prepared_kernel.h"
#include "engine/signals.h"
#include "engine/worker.h"

namespace doppel::engine {
namespace {

using Clock = std::chrono::steady_clock;

// Waking a thread costs a few microseconds: only for more work than that.
constexpr double kWorthAThreadUs = 30;
// Quick code is run until it has run as long as it would take to compile it with full effort, on one core.
// Measured: 0.85 ms an instruction of cub's radix sort histogram (673), 6.5 of its onesweep sort (3,133), 3.0
// of its segmented sort (8,196), over 4 where 4,000 multiply-adds are unrolled (12,119).
constexpr double kFullEffortUsPerInstruction = 4000;
// How often stopped grids are looked at whose threads do not come to see it by themselves.
constexpr auto kInterruptEvery = std::chrono::milliseconds(50);

// What a recursive kernel gets at least of local memory, whatever the card's limit: a card keeps registers
// there too.
constexpr std::uint64_t kLeastRecursiveBytes = 16384;
// A call takes at least so much of a card's stack, for its return address and a register or two.
constexpr std::uint64_t kLeastCardFrame = 16;
// The host's stack below generated code: callbacks, down to what a program's own output does.
constexpr std::uint64_t kCallbackStack = std::uint64_t{256} << 10;
constexpr std::uint64_t kLeastStack = std::uint64_t{512} << 10;
constexpr std::uint64_t kMostStack = std::uint64_t{256} << 20;

// The stack that one warp of the kernel may need, with what it takes on the card for recursive calls.
std::uint64_t stack_bytes(const jit::KernelCode& code, std::uint64_t recursive_bytes) {
  std::uint64_t bytes = kCallbackStack + code.frames.all;
  if (code.recursive) bytes += recursive_bytes / kLeastCardFrame * code.frames.largest;
  return std::clamp(bytes, kLeastStack, std::max(kMostStack, kCallbackStack + code.frames.all));
}

// All blocks of a cluster run, where one of them does.
void set_up_clusters(GridRun& grid) {
  const Launch& launch = grid.launch;
  const Dim3 &all = launch.config.grid, &cluster = launch.config.cluster;
  grid.cluster_blocks = static_cast<std::uint32_t>(cluster.count());
  grid.starts = all.count() / cluster.count();
  if (!launch.traced_only) return;
  for (const std::uint64_t index : launch.traced_blocks)
    grid.traced_clusters.push_back(cluster_of(all, cluster, index));
  std::ranges::sort(grid.traced_clusters);
  const auto repeated = std::ranges::unique(grid.traced_clusters);
  grid.traced_clusters.erase(repeated.begin(), repeated.end());
  grid.starts = grid.traced_clusters.size();
  grid.blocks = grid.starts * grid.cluster_blocks;
}

unsigned usable_processors() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) == 0) return std::max(1, CPU_COUNT(&set));
  return std::max(1u, std::thread::hardware_concurrency());
}

}  // namespace

class Engine::Implementation {
 public:
  Implementation(unsigned host_threads, std::uint64_t quick_above)
      : host_threads_(host_threads == 0 ? usable_processors() : host_threads), quick_above_(quick_above) {}
  ~Implementation();

  Result<Outcome> run(const Launch& launch);
  unsigned host_threads() const { return host_threads_; }

 private:
  struct Active {
    GridRun* grid;
    pthread_t thread;
  };
  Result<void> set_up(GridRun& grid);
  void ask_for_help(GridRun& grid);
  void leave_help(GridRun& grid);
  void help();
  void watch();
  void work(GridRun& grid);
  std::unique_ptr<Worker> take_worker();
  void give_back(std::unique_ptr<Worker> worker);
  DeviceHeap& heap_of(memory::AddressSpace& memory);

  const unsigned host_threads_;
  const std::uint64_t quick_above_;
  PreparedKernels prepared_;
  std::mutex mutex_;
  std::condition_variable work_to_do_, watch_;
  std::vector<std::thread> threads_;
  std::thread watcher_;
  bool ending_ = false;
  std::list<GridRun*> needing_;  // help; the helper takes the first and puts it last
  std::list<Active> active_;     // threads in grids
  std::vector<std::unique_ptr<Worker>> workers_;
  std::map<memory::AddressSpace*, std::unique_ptr<DeviceHeap>> heaps_;
  unsigned idle_ = 0;
};

Engine::Implementation::~Implementation() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  work_to_do_.notify_all();
  watch_.notify_all();
  for (std::thread& thread : threads_) thread.join();
  if (watcher_.joinable()) watcher_.join();
}

std::unique_ptr<Worker> Engine::Implementation::take_worker() {
  {
    const std::lock_guard lock(mutex_);
    if (!workers_.empty()) {
      auto worker = std::move(workers_.back());
      workers_.pop_back();
      return worker;
    }
  }
  return std::make_unique<Worker>();
}

void Engine::Implementation::give_back(std::unique_ptr<Worker> worker) {
  const std::lock_guard lock(mutex_);
  workers_.push_back(std::move(worker));
}

DeviceHeap& Engine::Implementation::heap_of(memory::AddressSpace& memory) {
  const std::lock_guard lock(mutex_);
  auto& heap = heaps_[&memory];
  if (heap == nullptr) heap = std::make_unique<DeviceHeap>(memory);
  return *heap;
}

void Engine::Implementation::work(GridRun& grid) {
  auto worker = take_worker();
  std::list<Active>::iterator self;
  {
    const std::lock_guard lock(mutex_);
    self = active_.insert(active_.end(), {&grid, pthread_self()});
  }
  worker->run(grid);
  {
    const std::lock_guard lock(mutex_);
    active_.erase(self);
  }
  give_back(std::move(worker));
}

// A thread of the pool.
void Engine::Implementation::help() {
  // The program's signals are for its own threads; faults have to reach this one.
  sigset_t all;
  sigfillset(&all);
  for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGURG})
    sigdelset(&all, signal);
  pthread_sigmask(SIG_SETMASK, &all, nullptr);
  std::unique_lock lock(mutex_);
  while (true) {
    ++idle_;
    work_to_do_.wait(lock, [&] { return ending_ || !needing_.empty(); });
    --idle_;
    if (ending_) return;
    GridRun* grid = needing_.front();
    needing_.splice(needing_.end(), needing_, needing_.begin());
    {
      const std::lock_guard grid_lock(grid->mutex);
      ++grid->helpers;
    }
    lock.unlock();
    work(*grid);
    lock.lock();
    // Nothing is left to start: others need not look.
    needing_.remove(grid);
    const std::lock_guard grid_lock(grid->mutex);
    if (--grid->helpers == 0) grid->helpers_left.notify_all();
  }
}

// Interrupts the threads of stopped grids that run on: a kernel without end, that neither waits nor asks.
void Engine::Implementation::watch() {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, nullptr);
  std::unique_lock lock(mutex_);
  while (!ending_) {
    watch_.wait_for(lock, kInterruptEvery);
    for (const Active& active : active_) {
      if (active.grid->stopped()) interrupt(active.thread);
    }
  }
}

void Engine::Implementation::ask_for_help(GridRun& grid) {
  const std::lock_guard lock(mutex_);
  if (threads_.empty() && host_threads_ > 1) {
    for (unsigned i = 1; i < host_threads_; ++i) threads_.emplace_back([this] { help(); });
  }
  needing_.push_back(&grid);
  const std::uint64_t wanted = std::min<std::uint64_t>(grid.starts - 1, host_threads_ - 1);
  if (wanted >= idle_) {
    work_to_do_.notify_all();
  } else {
    for (std::uint64_t i = 0; i < wanted; ++i) work_to_do_.notify_one();
  }
}

void Engine::Implementation::leave_help(GridRun& grid) {
  {
    const std::lock_guard lock(mutex_);
    needing_.remove(&grid);
  }
  std::unique_lock lock(grid.mutex);
  grid.helpers_left.wait(lock, [&] { return grid.helpers == 0; });
}

Result<void> Engine::Implementation::set_up(GridRun& grid) {
  const Launch& launch = grid.launch;
  grid.blocks = launch.traced_only ? launch.traced_blocks.size() : launch.config.grid.count();
  grid.starts = grid.blocks;
  if (launch.config.cluster.count() > 1 || grid.kernel->analysed->uses_cluster) set_up_clusters(grid);
  grid.warps_per_block = warps_of(launch.config.block);
  grid.shape = lane_shape(launch.config.block);
  grid.shared_bytes = grid.kernel->analysed->shared.static_bytes + launch.config.dynamic_shared_bytes;
  const bool full_warps = launch.config.block.count() % jit::kWarpLanes == 0;
  jit::Variant variant{grid.shape, full_warps, launch.check ? jit::Build::Checked : jit::Build::Plain};
  PreparedKernel& kernel = *grid.kernel;
  const bool traces = !launch.traced_blocks.empty() && !launch.check;
  const std::uint64_t operations = kernel.analysed->operations;
  grid.quick = operations > quick_above_ &&
               kernel.quick_us < kFullEffortUsPerInstruction * static_cast<double>(operations);
  if (grid.quick) {
    variant.effort = jit::Effort::Quick;
    if (traces) kernel.has_traced_code = true;
    if (kernel.has_traced_code && !launch.check) variant.build = jit::Build::Traced;
  }
  // Only traced code tells of every access.
  if (launch.finds_error && !launch.check) variant.build = jit::Build::Traced;
  const auto code = launch.module->kernel(launch.function, variant);
  if (!code) return tl::unexpected(code.error());
  grid.entry = code->entry;
  grid.coroutine = code->coroutine;
  grid.block_entry = code->block_entry;
  const std::uint64_t recursive_bytes = std::max(launch.stack_bytes, kLeastRecursiveBytes);
  const auto local_bytes = [&](const jit::KernelCode& each) {
    return each.local_bytes + (each.recursive ? recursive_bytes : 0);
  };
  grid.local_bytes = local_bytes(*code);
  grid.stack_bytes = stack_bytes(*code, recursive_bytes);
  if (traces) {
    variant.build = jit::Build::Traced;
    const auto traced = launch.module->kernel(launch.function, variant);
    if (!traced) return tl::unexpected(traced.error());
    grid.traced_entry = traced->entry;
    grid.local_bytes = std::max(grid.local_bytes, local_bytes(*traced));
    grid.stack_bytes = std::max(grid.stack_bytes, stack_bytes(*traced, recursive_bytes));
    grid.outcome.traces.resize(launch.traced_blocks.size());
    for (std::size_t i = 0; i < launch.traced_blocks.size(); ++i)
      grid.outcome.traces[i].block_index = launch.traced_blocks[i];
  }
  grid.local_bytes = (grid.local_bytes + 15) / 16 * 16;
  grid.outcome.counts.resize(grid.kernel->analysed->counter_slots);
  const bool measured = launch.measure_blocks && !launch.traced_only && grid.kernel->analysed->has_loops &&
                        grid.blocks <= kMostMeasuredBlocks;
  if (measured) grid.outcome.work.resize(grid.blocks);
  grid.counts_warps = measured || grid.kernel->analysed->reads_clock;
  grid.residency_limit =
      launch.config.cooperative
          ? grid.blocks
          : std::max<std::uint64_t>(std::uint64_t{launch.sm_count} * launch.resident_blocks_per_sm,
                                    grid.cluster_blocks);
  if (launch.memory != nullptr) grid.heap = &heap_of(*launch.memory);
  return {};
}

Result<Outcome> Engine::Implementation::run(const Launch& launch) {
  if (launch.config.grid.count() == 0 || launch.config.block.count() == 0)
    return fail(Error::Kind::InvalidArgument, "a grid or block without threads");
  GridRun grid(launch, prepared_.get(launch.module, launch.function));
  if (auto ready = set_up(grid); !ready) return tl::unexpected(ready.error());
  if (launch.starts) launch.starts();
  install_fault_handlers();
  if (launch.cancel != nullptr) {
    const std::lock_guard lock(mutex_);
    if (!watcher_.joinable()) watcher_ = std::thread([this] { watch(); });
  }

  const double known = grid.kernel->microseconds_per_block;
  const bool helped = host_threads_ > 1 && grid.starts > 1 &&
                      (known < 0 || known * static_cast<double>(grid.blocks) > kWorthAThreadUs);
  if (helped) {
    grid.threads =
        std::min(host_threads_, static_cast<unsigned>(std::min<std::uint64_t>(grid.starts, 1u << 16)));
    ask_for_help(grid);
  }
  const auto start = Clock::now();
  work(grid);
  if (helped) leave_help(grid);
  const double elapsed_us = std::chrono::duration<double, std::micro>(Clock::now() - start).count();
  if (grid.quick) grid.kernel->quick_us = grid.kernel->quick_us + elapsed_us * grid.threads;
  grid.kernel->microseconds_per_block = elapsed_us * grid.threads / static_cast<double>(grid.blocks);

  if (!grid.fault && launch.cancel != nullptr && *launch.cancel && grid.cut_short) {
    Fault fault;
    fault.kind = Fault::Kind::Cancelled;
    fault.kernel = launch.module->module().functions[launch.function].name;
    grid.fault = std::move(fault);
  }
  grid.outcome.latest_globaltimer_ns = grid.latest_globaltimer_ns;
  analysis::count_without_polls(*grid.kernel->analysed, grid.outcome.traces, grid.outcome.counts);
  grid.outcome.fault = std::move(grid.fault);
  if (grid.outcome.fault && grid.outcome.fault->kernel.empty())
    grid.outcome.fault->kernel = launch.module->module().functions[launch.function].name;
  std::erase_if(grid.outcome.traces, [](const analysis::BlockTrace& trace) { return trace.warps.empty(); });
  return std::move(grid.outcome);
}

Engine::Engine(unsigned host_threads, std::uint64_t quick_above)
    : implementation_(std::make_unique<Implementation>(host_threads, quick_above)) {}
Engine::~Engine() = default;
Result<Outcome> Engine::run(const Launch& launch) { return implementation_->run(launch); }
unsigned Engine::host_threads() const { return implementation_->host_threads(); }

}  // namespace doppel::engine
