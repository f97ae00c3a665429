// SPDX-License-Identifier: Apache-2.0
#include "device/context.h"

#include <fmt/format.h>
#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <cstdio>

#include "device/event.h"
#include "device/host_clock.h"
#include "device/managed_memory.h"
#include "device/module.h"
#include "device/node_report.h"
#include "device/operation.h"
#include "device/platform.h"
#include "device/scheduler.h"
#include "device/shared_event.h"
#include "device/stream.h"
#include "engine/signals.h"

namespace doppel::device {
namespace {

std::atomic<std::uint64_t> next_context{1};

// What a fresh context has (CUDA C++ Programming Guide, "Memory Allocation" of device printf, malloc and
// stacks).
constexpr std::uint64_t kDefaultStackBytes = 1024;
constexpr std::uint64_t kDefaultPrintfBytes = std::uint64_t{1} << 20;
constexpr std::uint64_t kDefaultHeapBytes = std::uint64_t{8} << 20;
constexpr std::uint64_t kDefaultSyncDepth = 2;
constexpr std::uint64_t kDefaultPendingLaunches = 2048;
constexpr std::uint64_t kMaxStackBytes = std::uint64_t{512} << 10;
constexpr int kLeastPriority = 0;
constexpr int kGreatestPriority = -5;
// Of a card in a machine without NVSwitch (CUDA C++ Programming Guide, "Peer-to-Peer Memory Access").
constexpr std::size_t kMostPeers = 8;

std::uint64_t thread_key() { return static_cast<std::uint64_t>(pthread_self()); }

}  // namespace

Context::Context(Device& device, unsigned flags) : device_(device), id_(next_context++), flags_(flags) {
  limits_ = {{Limit::StackSize, kDefaultStackBytes},
             {Limit::PrintfFifoSize, kDefaultPrintfBytes},
             {Limit::MallocHeapSize, kDefaultHeapBytes},
             {Limit::RuntimeSyncDepth, kDefaultSyncDepth},
             {Limit::RuntimePendingLaunchCount, kDefaultPendingLaunches},
             {Limit::MaxL2FetchGranularity, 64},
             {Limit::PersistingL2Bytes, 0}};
}

Context::~Context() = default;

std::optional<engine::Fault> Context::fault() const {
  const std::lock_guard lock(mutex_);
  return fault_;
}

void Context::set_fault(const engine::Fault& fault) {
  const std::lock_guard lock(mutex_);
  if (!fault_) fault_ = fault;
}

Result<void> Context::check() const {
  const std::lock_guard lock(mutex_);
  if (destroyed_) return fail(Error::Kind::InvalidContext, "the context was destroyed");
  if (fault_)
    return fail(Error::Kind::DeviceFault,
                fmt::format("an earlier launch of kernel '{}' failed", fault_->kernel));
  return {};
}

bool Context::destroyed() const {
  const std::lock_guard lock(mutex_);
  return destroyed_;
}

void Context::destroy() {
  if (destroyed()) return;
  finish_work();
  flush_output();
  platform().clock().advance_context_us(platform().host().start.context_end_us);
  decltype(modules_) modules;
  decltype(allocations_) allocations;
  decltype(host_allocations_) host_allocations;
  decltype(imports_) imports;
  {
    const std::lock_guard lock(mutex_);
    destroyed_ = true;
    modules.swap(modules_);
    allocations.swap(allocations_);
    host_allocations.swap(host_allocations_);
    legacy_ = nullptr;
    per_thread_.clear();
    streams_.clear();
    imports.swap(imports_);
  }
  for (const auto& [address, import] : imports) {
    platform().set_owner(address, nullptr);
    (void)import.device->memory().remove_import(address);
  }
  for (const auto& module : modules) module->release();
  for (const std::uint64_t address : allocations) {
    platform().set_owner(address, nullptr);
    (void)device_.memory().free(address);
  }
  for (const std::uint64_t address : host_allocations) {
    platform().set_owner(address, nullptr);
    if (!device_.memory().free_host(address)) (void)device_.memory().unregister_host(address);
  }
}

namespace {

// Remembers whose the allocation is.
Result<std::uint64_t> owned(Context& context, std::mutex& mutex, std::set<std::uint64_t>& set,
                            Result<std::uint64_t> address) {
  if (!address) return address;
  context.platform().set_owner(*address, &context);
  const std::lock_guard lock(mutex);
  set.insert(*address);
  return address;
}

}  // namespace

void Context::charge(double microseconds) const { platform().clock().advance_us(microseconds); }

Result<std::uint64_t> Context::allocate(std::uint64_t bytes) {
  if (auto good = check(); !good) return tl::unexpected(good.error());
  charge(platform().host().memory.allocation_us(bytes));
  return owned(*this, mutex_, allocations_,
               device_.memory().allocate(bytes, 256, memory::AllocationKind::Device));
}

Result<std::uint64_t> Context::allocate_pitched(std::uint64_t width, std::uint64_t height,
                                                std::uint64_t& pitch) {
  if (auto good = check(); !good) return tl::unexpected(good.error());
  if (width == 0 || height == 0)
    return fail(Error::Kind::InvalidArgument, "a pitched allocation without width or height");
  const auto unit = static_cast<std::uint64_t>(std::max(device_.card().textures.alignment_bytes, 256));
  const std::uint64_t row = (width + unit - 1) / unit * unit;
  if (row < width || height > ~std::uint64_t{0} / row)
    return fail(Error::Kind::OutOfMemory, "more bytes than there are addresses");
  charge(platform().host().memory.allocation_us(row * height));
  auto address = owned(*this, mutex_, allocations_,
                       device_.memory().allocate(row * height, unit, memory::AllocationKind::Pitched));
  if (address) pitch = row;
  return address;
}

Result<std::uint64_t> Context::allocate_managed(std::uint64_t bytes) {
  if (auto good = check(); !good) return tl::unexpected(good.error());
  // Its pages are mapped where they are first touched.
  charge(platform().host().memory.allocation_us(0));
  auto address = owned(*this, mutex_, allocations_,
                       device_.memory().allocate(bytes, 256, memory::AllocationKind::Managed));
  if (address) platform().managed().allocated(device_, *address);
  return address;
}

Result<std::uint64_t> Context::allocate_array(std::uint64_t bytes, std::uint64_t alignment) {
  if (auto good = check(); !good) return tl::unexpected(good.error());
  charge(platform().host().memory.allocation_us(bytes));
  return device_.memory().allocate(bytes, alignment, memory::AllocationKind::Array);
}

void Context::wait_for_work() {
  finish_work();
  charge(platform().host().memory.free_us);
}

void Context::wait_until_run() {
  std::vector<std::shared_ptr<Operation>> last;
  for (const auto& stream : streams()) {
    if (auto tail = stream->tail()) last.push_back(std::move(tail));
  }
  {
    const std::lock_guard lock(mutex_);
    last.insert(last.end(), orphans_.begin(), orphans_.end());
  }
  for (const auto& operation : last) platform().scheduler().wait(*operation);
}

// Nothing that may use it is left.
void Context::free_array(std::uint64_t address) { (void)device_.memory().free(address); }

Result<void> Context::free(std::uint64_t address) {
  if (auto good = check(); !good) return good;
  const PointerInfo info = platform().classify(address);
  Device& holder = info.device != nullptr ? *info.device : device_;
  Context& owner = info.context != nullptr ? *info.context : *this;
  // The driver waits for work that may use the memory.
  owner.finish_work();
  charge(platform().host().memory.free_us);
  auto freed = holder.memory().free(address);
  if (!freed) return fail(Error::Kind::InvalidArgument, freed.error().message);
  if (info.kind == PointerInfo::Kind::Managed) platform().managed().forget(address);
  platform().set_owner(address, nullptr);
  const std::lock_guard lock(owner.mutex_);
  owner.allocations_.erase(address);
  return {};
}

Result<std::uint64_t> Context::allocate_host(std::uint64_t bytes) {
  if (auto good = check(); !good) return tl::unexpected(good.error());
  // Page-locking waits for the card (CUDA C++ Programming Guide, "Implicit Synchronization").
  finish_work();
  const card::Host::Memory& costs = platform().host().memory;
  charge(costs.pages_us(bytes, costs.pin_us_per_page));
  return owned(*this, mutex_, host_allocations_, device_.memory().allocate_host(bytes));
}

Result<void> Context::free_host(std::uint64_t address) {
  const PointerInfo info = platform().classify(address);
  Device& holder = info.device != nullptr ? *info.device : device_;
  Context& owner = info.context != nullptr ? *info.context : *this;
  owner.finish_work();
  const card::Host::Memory& costs = platform().host().memory;
  charge(costs.pages_us(info.allocation ? info.allocation->size : 0, costs.unpin_us_per_page));
  auto freed = holder.memory().free_host(address);
  if (!freed) return fail(Error::Kind::InvalidArgument, freed.error().message);
  platform().set_owner(address, nullptr);
  const std::lock_guard lock(owner.mutex_);
  owner.host_allocations_.erase(address);
  return {};
}

Result<void> Context::register_host(std::uint64_t address, std::uint64_t bytes) {
  if (auto good = check(); !good) return good;
  if (auto registered = device_.memory().register_host(address, bytes); !registered) return registered;
  const card::Host::Memory& costs = platform().host().memory;
  charge(costs.pages_us(bytes, costs.lock_us_per_page));
  return owned(*this, mutex_, host_allocations_, address).map([](std::uint64_t) {});
}

Result<void> Context::unregister_host(std::uint64_t address) {
  const PointerInfo info = platform().classify(address);
  Device& holder = info.device != nullptr ? *info.device : device_;
  Context& owner = info.context != nullptr ? *info.context : *this;
  auto done = holder.memory().unregister_host(address);
  if (!done) return done;
  const card::Host::Memory& costs = platform().host().memory;
  charge(costs.pages_us(info.allocation ? info.allocation->size : 0, costs.unpin_us_per_page));
  platform().set_owner(address, nullptr);
  const std::lock_guard lock(owner.mutex_);
  owner.host_allocations_.erase(address);
  return {};
}

Result<IpcMemoryHandle> Context::export_memory(std::uint64_t address) {
  if (auto good = check(); !good) return tl::unexpected(good.error());
  const PointerInfo info = platform().classify(address);
  if (info.kind != PointerInfo::Kind::Device || !info.allocation)
    return fail(Error::Kind::InvalidArgument, fmt::format("{:#x} is no memory of a device", address));
  // A write that meets the move of its page waits in the handler.
  engine::install_fault_handlers();
  const auto part = info.device->memory().share_allocation(info.allocation->address);
  if (!part) {
    const Error& error = part.error();
    return fail(error.kind == Error::Kind::NotFound ? Error::Kind::InvalidArgument : error.kind,
                error.message);
  }
  return IpcMemoryHandle{own_ipc_file(IpcMemoryHandle::kMagic, part->file.descriptor, part->file.serial),
                         part->offset, part->bytes, info.device->uuid()};
}

Result<std::uint64_t> Context::open_memory(const IpcMemoryHandle& handle) {
  if (auto good = check(); !good) return tl::unexpected(good.error());
  if (handle.file.magic == IpcMemoryHandle::kMagic && is_of_this_process(handle.file))
    return fail(Error::Kind::InvalidContext, "the memory is this process's own");
  const std::lock_guard lock(mutex_);
  for (auto& [address, import] : imports_) {
    if (import.file != handle.file) continue;
    ++import.count;
    return address;
  }
  auto file = open_ipc_file(handle.file, IpcMemoryHandle::kMagic, memory::serial_of_shared_file);
  if (!file) return tl::unexpected(file.error());
  Device* holder = nullptr;
  for (int i = 0; i < platform().device_count(); ++i) {
    if (platform().device(i).uuid() == handle.card) holder = &platform().device(i);
  }
  if (holder == nullptr || handle.bytes == 0 || file->bytes() < handle.bytes ||
      handle.offset > file->bytes() - handle.bytes)
    return fail(Error::Kind::InvalidHandle, "the memory is of a card that this process does not have");
  if (holder != &device_ && !device_.can_access_peer(*holder))
    return fail(Error::Kind::NotPermitted, "the devices cannot reach each other's memory");
  charge(platform().host().memory.allocation_us(handle.bytes));
  auto address = holder->memory().import(file->descriptor(), handle.offset, handle.bytes);
  if (!address) return address;
  platform().set_owner(*address, this);
  imports_.emplace(*address, Import{holder, handle.file, 1});
  return address;
}

Result<void> Context::close_memory(std::uint64_t address) {
  {
    const std::lock_guard lock(mutex_);
    const auto found = imports_.find(address);
    if (found == imports_.end())
      return fail(Error::Kind::InvalidArgument, fmt::format("{:#x} was not opened here", address));
    if (--found->second.count > 0) return {};
  }
  // What is queued may use it.
  finish_work();
  charge(platform().host().memory.free_us);
  const std::lock_guard lock(mutex_);
  const auto found = imports_.find(address);
  if (found == imports_.end() || found->second.count > 0) return {};
  platform().set_owner(address, nullptr);
  auto removed = found->second.device->memory().remove_import(address);
  imports_.erase(found);
  return removed;
}

void Context::memory_info(std::uint64_t& free_bytes, std::uint64_t& total_bytes) const {
  total_bytes = device_.memory().capacity();
  const std::uint64_t taken =
      device_.memory().used() + platform().managed().resident_bytes(device_.ordinal());
  NodeReport* node = platform().node();
  const std::uint64_t of_others = node != nullptr ? node->pool(device_.ordinal())->taken_by_others() : 0;
  free_bytes = total_bytes - std::min(total_bytes, taken + of_others);
}

Result<std::shared_ptr<Module>> Context::load(std::shared_ptr<Program> program,
                                              const std::shared_ptr<Library>& library) {
  if (auto good = check(); !good) return tl::unexpected(good.error());
  auto module = Module::create(*this, std::move(program), library);
  if (!module) return module;
  const card::Host::Start& costs = platform().host().start;
  charge(library != nullptr ? costs.library_us : costs.module_us);
  const std::lock_guard lock(mutex_);
  modules_.push_back(*module);
  return module;
}

Result<void> Context::unload(const std::shared_ptr<Module>& module) {
  {
    const std::lock_guard lock(mutex_);
    const auto found = std::ranges::find(modules_, module);
    if (found == modules_.end())
      return fail(Error::Kind::InvalidHandle, "the module is not of this context, or was unloaded before");
    modules_.erase(found);
  }
  // Launches of it may still be queued.
  finish_work();
  module->release();
  return {};
}

std::shared_ptr<Stream> Context::legacy() {
  const std::lock_guard lock(mutex_);
  if (legacy_ == nullptr) {
    legacy_ = std::make_shared<Stream>(shared_from_this(), StreamKind::Legacy, 0);
    streams_.push_back(legacy_);
  }
  return legacy_;
}

std::shared_ptr<Stream> Context::per_thread() {
  const std::lock_guard lock(mutex_);
  auto& stream = per_thread_[thread_key()];
  if (stream == nullptr) {
    stream = std::make_shared<Stream>(shared_from_this(), StreamKind::PerThread, 0);
    streams_.push_back(stream);
  }
  return stream;
}

Result<std::shared_ptr<Stream>> Context::create_stream(const StreamOptions& options) {
  if (auto good = check(); !good) return tl::unexpected(good.error());
  charge(platform().host().calls.stream_create_us);
  const int priority = std::clamp(options.priority, kGreatestPriority, kLeastPriority);
  auto stream = std::make_shared<Stream>(
      shared_from_this(), options.non_blocking ? StreamKind::NonBlocking : StreamKind::Blocking, priority);
  const std::lock_guard lock(mutex_);
  std::erase_if(streams_, [](const auto& each) { return each.expired(); });
  streams_.push_back(stream);
  return stream;
}

Result<void> Context::destroy_stream(const std::shared_ptr<Stream>& stream) {
  charge(platform().host().calls.stream_destroy_us);
  // Its last operation stays known to the default stream until it is done.
  const auto tail = stream->tail();
  const std::lock_guard lock(mutex_);
  std::erase_if(streams_, [&](const auto& each) { return each.lock() == stream; });
  std::erase_if(orphans_, [](const auto& each) { return each->done(); });
  if (tail != nullptr && !tail->done()) orphans_.push_back(tail);
  return {};
}

Result<std::shared_ptr<Event>> Context::create_event(const EventOptions& options) {
  if (auto good = check(); !good) return tl::unexpected(good.error());
  charge(platform().host().calls.event_create_us);
  std::shared_ptr<SharedEvent> shared;
  if (options.interprocess) {
    auto made = SharedEvent::create();
    if (!made) return tl::unexpected(made.error());
    shared = std::move(*made);
  }
  return std::make_shared<Event>(shared_from_this(), options, std::move(shared));
}

Result<std::shared_ptr<Event>> Context::open_event(const IpcEventHandle& handle) {
  if (auto good = check(); !good) return tl::unexpected(good.error());
  if (handle.file.magic == IpcEventHandle::kMagic && is_of_this_process(handle.file))
    return fail(Error::Kind::InvalidContext, "the event is this process's own");
  auto shared = SharedEvent::open(handle);
  if (!shared) return tl::unexpected(shared.error());
  charge(platform().host().calls.event_create_us);
  return std::make_shared<Event>(shared_from_this(), EventOptions{.timing = false, .interprocess = true},
                                 std::move(*shared));
}

std::vector<std::shared_ptr<Stream>> Context::streams() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::shared_ptr<Stream>> all;
  for (const auto& each : streams_) {
    if (auto stream = each.lock()) all.push_back(std::move(stream));
  }
  return all;
}

Result<void> Context::synchronize() {
  if (auto good = check(); !good) return good;
  for (const auto& stream : streams()) {
    if (stream->capture_status() != CaptureStatus::None)
      return fail(Error::Kind::CaptureUnsupported, "a stream of the context is being captured");
  }
  charge(platform().host().calls.wait_us);
  finish_work();
  flush_output();
  return check();
}

void Context::finish_work() {
  double end_us = 0;
  const auto wait_for = [&](Operation& operation) {
    platform().clock().waits_for(operation);
    platform().scheduler().wait_placed(operation, platform().clock().now_us());
    end_us = std::max(end_us, operation.end_us());
  };
  for (const auto& stream : streams()) {
    if (const auto tail = stream->tail()) wait_for(*tail);
  }
  std::vector<std::shared_ptr<Operation>> orphans;
  {
    const std::lock_guard lock(mutex_);
    orphans.swap(orphans_);
  }
  for (const auto& orphan : orphans) wait_for(*orphan);
  platform().clock().wait_for_card_us(end_us);
}

void Context::priority_range(int& least, int& greatest) {
  least = kLeastPriority;
  greatest = kGreatestPriority;
}

std::uint64_t Context::limit(Limit limit) const {
  const std::lock_guard lock(mutex_);
  const auto found = limits_.find(limit);
  return found != limits_.end() ? found->second : 0;
}

Result<void> Context::set_limit(Limit limit, std::uint64_t value) {
  switch (limit) {
    case Limit::StackSize:
      if (value > kMaxStackBytes)
        return fail(Error::Kind::InvalidArgument,
                    fmt::format("a stack of {} bytes: at most {}", value, kMaxStackBytes));
      break;
    case Limit::MallocHeapSize:
      if (value > device_.memory().capacity())
        return fail(Error::Kind::OutOfMemory,
                    fmt::format("a heap of {} bytes: the card has {}", value, device_.memory().capacity()));
      break;
    case Limit::PersistingL2Bytes:
      value =
          std::min<std::uint64_t>(value, static_cast<std::uint64_t>(device_.card().l2.max_persisting_bytes));
      break;
    // Launches from device code wait in the host's memory, and no kernel waits for another: nothing to
    // reserve.
    case Limit::RuntimeSyncDepth:
    case Limit::RuntimePendingLaunchCount:
    case Limit::PrintfFifoSize:
    case Limit::MaxL2FetchGranularity:
      break;
  }
  const std::lock_guard lock(mutex_);
  limits_[limit] = value;
  return {};
}

Result<void> Context::enable_peer(Context& peer) {
  if (&peer == this) return fail(Error::Kind::InvalidContext, "a context is no peer of its own");
  if (!device_.can_access_peer(peer.device_))
    return fail(Error::Kind::NotPermitted, "the devices cannot reach each other's memory");
  const std::lock_guard lock(mutex_);
  std::set<const Device*> reached{&peer.device_};
  for (const auto& [id, device] : peers_) reached.insert(device);
  if (reached.size() > kMostPeers)
    return fail(Error::Kind::LimitExceeded, fmt::format("a card has {} peers at most", kMostPeers));
  if (!peers_.emplace(peer.id(), &peer.device_).second)
    return fail(Error::Kind::AlreadyDone, "access to that context's memory is enabled already");
  return {};
}

Result<void> Context::disable_peer(Context& peer) {
  const std::lock_guard lock(mutex_);
  if (peers_.erase(peer.id()) == 0)
    return fail(Error::Kind::NotEnabled, "access to that context's memory is not enabled");
  return {};
}

bool Context::enabled_peer(const Device& device) const {
  const std::lock_guard lock(mutex_);
  return std::ranges::any_of(peers_, [&](const auto& peer) { return peer.second == &device; });
}

bool Context::reaches(std::uint64_t address, std::uint64_t bytes) const {
  const PointerInfo info = platform().classify(address);
  if (!info.allocation || bytes > info.allocation->address + info.allocation->size - address) return false;
  if (info.kind != PointerInfo::Kind::Device || info.device == &device_) return true;
  if (info.allocation->kind == memory::AllocationKind::Imported) {
    const std::lock_guard lock(mutex_);
    return imports_.contains(info.allocation->address);
  }
  const bool by_location = info.allocation->kind == memory::AllocationKind::Mapped ||
                           info.allocation->kind == memory::AllocationKind::Pool;
  if (by_location) return info.device->shares_with(device_.ordinal());
  return enabled_peer(*info.device);
}

void Context::print(std::string_view text) {
  const std::uint64_t most = limit(Limit::PrintfFifoSize);
  std::unique_lock lock(output_mutex_);
  output_ += text;
  if (output_.size() < most) return;
  lock.unlock();
  flush_output();
}

void Context::flush_output() {
  const std::lock_guard lock(output_mutex_);
  if (output_.empty()) return;
  std::fwrite(output_.data(), 1, output_.size(), stdout);
  std::fflush(stdout);
  output_.clear();
}

std::vector<std::shared_ptr<Operation>> Context::implicit_dependencies(const Stream& stream) {
  std::vector<std::shared_ptr<Operation>> needed;
  if (stream.kind() == StreamKind::NonBlocking) return needed;
  const auto add = [&](const Stream& other) {
    if (&other == &stream) return;
    if (auto tail = other.tail()) needed.push_back(std::move(tail));
  };
  if (stream.kind() != StreamKind::Legacy) {
    std::shared_ptr<Stream> legacy_stream;
    {
      const std::lock_guard lock(mutex_);
      legacy_stream = legacy_;
    }
    if (legacy_stream != nullptr) add(*legacy_stream);
    return needed;
  }
  for (const auto& each : streams()) {
    if (each->kind() != StreamKind::NonBlocking) add(*each);
  }
  const std::lock_guard lock(mutex_);
  needed.insert(needed.end(), orphans_.begin(), orphans_.end());
  return needed;
}

}  // namespace doppel::device
