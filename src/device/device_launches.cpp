// SPDX-License-Identifier: Apache-2.0
#include "device/device_launches.h"

#include <algorithm>
#include <cstring>
#include <tuple>

#include "device/device.h"
#include "device/platform.h"
#include "device/validate.h"
#include "jit/warp_abi.h"

namespace doppel::device {
namespace {

using engine::DeviceAnswer;
using engine::DeviceCall;
using jit::DeviceFunction;

// cudaError_t, as device code sees it.
constexpr std::uint64_t kSuccess = 0;
constexpr std::uint64_t kInvalidValue = 1;
constexpr std::uint64_t kOutOfMemory = 2;
constexpr std::uint64_t kInvalidConfiguration = 9;
constexpr std::uint64_t kMaxDepthExceeded = 65;
constexpr std::uint64_t kInvalidFunction = 98;
constexpr std::uint64_t kInvalidHandle = 400;
constexpr std::uint64_t kLaunchOutOfResources = 701;
constexpr std::uint64_t kUnsupportedLimit = 215;
constexpr std::uint64_t kNotSupported = 801;

// Streams that mean something of themselves (driver_types.h).
constexpr std::uint64_t kLegacyStream = 1;
constexpr std::uint64_t kPerThreadStream = 2;
constexpr std::uint64_t kTailLaunch = 3;
constexpr std::uint64_t kFireAndForget = 4;
constexpr std::uint32_t kNonBlocking = 1;
constexpr std::uint32_t kDisableTiming = 2;

constexpr std::uint32_t kMaxDepth = 24;  // "Nesting depth" of the guide's limits
constexpr std::uint64_t kChunkBytes = std::uint64_t{1} << 20;
constexpr std::uint64_t kParameterAlignment = 64;

Dim3 dim3_argument(const DeviceCall& call, std::size_t index) {
  struct {
    std::uint32_t x, y, z;
  } words{};
  std::memcpy(&words, call.arguments[index].data(), sizeof(words));
  return {words.x, words.y, words.z};
}

// Grid, block and bytes of shared memory, from the argument `first` on.
LaunchConfig config_argument(const DeviceCall& call, std::size_t first) {
  return {.grid = dim3_argument(call, first),
          .block = dim3_argument(call, first + 1),
          .dynamic_shared_bytes = call.argument<std::uint32_t>(first + 2)};
}

std::uint64_t code_of(const Error& error) {
  switch (error.kind) {
    case Error::Kind::LimitExceeded:
      return kLaunchOutOfResources;
    case Error::Kind::InvalidArgument:
      return kInvalidConfiguration;
    default:
      return kInvalidValue;
  }
}

}  // namespace

DeviceLaunches::DeviceLaunches(std::shared_ptr<Context> context, std::shared_ptr<Module> module,
                               std::uint32_t depth)
    : context_(std::move(context)), module_(std::move(module)), depth_(depth) {}

DeviceLaunches::~DeviceLaunches() {
  for (const std::uint64_t chunk : chunks_) (void)context_->device().memory().free(chunk);
}

DeviceAnswer DeviceLaunches::call(const DeviceCall& call) {
  const std::lock_guard lock(mutex_);
  const Thread thread{call.block, call.thread};
  if (call.function == DeviceFunction::GetLastError || call.function == DeviceFunction::PeekAtLastError) {
    const auto found = errors_.find(thread);
    if (found == errors_.end()) return {kSuccess, 0};
    const std::uint64_t error = found->second;
    if (call.function == DeviceFunction::GetLastError) errors_.erase(found);
    return {error, 0};
  }
  const DeviceAnswer given = answer(call);
  const bool is_buffer = call.function == DeviceFunction::GetParameterBuffer ||
                         call.function == DeviceFunction::GetParameterBufferV2;
  if (!is_buffer && given.result != kSuccess) errors_[thread] = given.result;
  // The compiler's code launches nothing where there is no buffer: the error tells why.
  if (is_buffer && given.result == 0) errors_[thread] = given.stored;
  return given;
}

DeviceAnswer DeviceLaunches::answer(const DeviceCall& call) {
  switch (call.function) {
    case DeviceFunction::GetParameterBufferV2: {
      Configuration made{kernel_at(call.argument<std::uint64_t>(0)), config_argument(call, 1)};
      if (made.kernel == nullptr) return {0, kInvalidFunction};
      const std::uint64_t bytes = made.kernel->parameter_bytes();
      KernelWork work{made.kernel, made.config, {}};
      work.parameters.resize(std::max<std::uint64_t>(bytes, 8));
      if (const auto good = validate(work, context_->device()); !good) return {0, code_of(good.error())};
      const std::uint64_t buffer = parameter_buffer(kParameterAlignment, bytes);
      if (buffer == 0) return {0, kOutOfMemory};
      prepared_[buffer] = std::move(made);
      return {buffer, 0};
    }
    case DeviceFunction::LaunchDeviceV2: {
      const auto buffer = call.argument<std::uint64_t>(0);
      const auto found = prepared_.find(buffer);
      if (found == prepared_.end()) return {kInvalidValue, 0};
      const Configuration configuration = std::move(found->second);
      prepared_.erase(found);
      return {launch(configuration, buffer, call.argument<std::uint64_t>(1), call.block), 0};
    }
    case DeviceFunction::GetParameterBuffer: {
      const std::uint64_t buffer =
          parameter_buffer(call.argument<std::uint64_t>(0), call.argument<std::uint64_t>(1));
      return {buffer, buffer != 0 ? kSuccess : kOutOfMemory};
    }
    case DeviceFunction::LaunchDevice: {
      const Configuration configuration{kernel_at(call.argument<std::uint64_t>(0)), config_argument(call, 2)};
      if (configuration.kernel == nullptr) return {kInvalidFunction, 0};
      return {
          launch(configuration, call.argument<std::uint64_t>(1), call.argument<std::uint64_t>(5), call.block),
          0};
    }
    case DeviceFunction::StreamCreateWithFlags:
      if (call.argument<std::uint32_t>(1) != kNonBlocking) return {kInvalidValue, 0};
      handles_.insert(next_handle_ += 0x10);
      return {kSuccess, next_handle_};
    case DeviceFunction::EventCreateWithFlags:
      if (call.argument<std::uint32_t>(1) != kDisableTiming) return {kInvalidValue, 0};
      handles_.insert(next_handle_ += 0x10);
      return {kSuccess, next_handle_};
    // What was queued stays queued. Everything runs in the order of the calls where a grid has streams of its
    // own: what an event stands for comes before what waits for it.
    case DeviceFunction::StreamDestroy:
    case DeviceFunction::EventDestroy:
    case DeviceFunction::EventRecord:
    case DeviceFunction::EventRecordWithFlags:
      return {handles_.contains(call.argument<std::uint64_t>(0)) ? kSuccess : kInvalidHandle, 0};
    case DeviceFunction::StreamWaitEvent:
      return {handles_.contains(call.argument<std::uint64_t>(1)) ? kSuccess : kInvalidHandle, 0};
    case DeviceFunction::MemcpyAsync: {
      const auto bytes = call.argument<std::uint64_t>(2);
      return {add(CopyWork{.destination = {.address = call.argument<std::uint64_t>(0)},
                           .source = {.address = call.argument<std::uint64_t>(1)},
                           .width = bytes},
                  call.argument<std::uint64_t>(4), call.block),
              0};
    }
    case DeviceFunction::MemsetAsync:
      return {add(MemsetWork{.address = call.argument<std::uint64_t>(0),
                             .value = call.argument<std::uint32_t>(1) & 0xff,
                             .width = call.argument<std::uint64_t>(2)},
                  call.argument<std::uint64_t>(3), call.block),
              0};
    case DeviceFunction::GetDevice:
      return {kSuccess, static_cast<std::uint64_t>(context_->device().ordinal())};
    case DeviceFunction::GetDeviceCount:
      return {kSuccess, static_cast<std::uint64_t>(context_->platform().device_count())};
    case DeviceFunction::DeviceGetLimit:
      switch (call.argument<std::uint32_t>(1)) {
        case 0:  // cudaLimitStackSize
          return {kSuccess, context_->limit(Limit::StackSize)};
        case 1:  // cudaLimitPrintfFifoSize
          return {kSuccess, context_->limit(Limit::PrintfFifoSize)};
        case 2:  // cudaLimitMallocHeapSize
          return {kSuccess, context_->limit(Limit::MallocHeapSize)};
        default:
          return {kUnsupportedLimit, 0};
      }
    case DeviceFunction::RuntimeGetVersion:
      return {kSuccess, static_cast<std::uint64_t>(context_->platform().options().driver_version)};
    case DeviceFunction::DeviceGetAttribute:
    case DeviceFunction::GetLastError:
    case DeviceFunction::PeekAtLastError:
    case DeviceFunction::Malloc:
    case DeviceFunction::Free:
      break;
  }
  return {kNotSupported, 0};
}

std::shared_ptr<Kernel> DeviceLaunches::kernel_at(std::uint64_t address) const {
  for (const auto& kernel : module_->kernels())
    if (jit::function_address(kernel->function()) == address) return kernel;
  return nullptr;
}

std::uint64_t DeviceLaunches::parameter_buffer(std::uint64_t alignment, std::uint64_t bytes) {
  bytes = std::max<std::uint64_t>(bytes, 8);
  if (alignment == 0 || (alignment & (alignment - 1)) != 0 || alignment > kChunkBytes || bytes > kChunkBytes)
    return 0;
  std::uint64_t start = (free_ + alignment - 1) & ~(alignment - 1);
  if (free_ == 0 || start + bytes > free_end_) {
    const auto chunk = context_->device().memory().allocate(2 * kChunkBytes, kParameterAlignment,
                                                            memory::AllocationKind::Pool);
    if (!chunk) return 0;
    chunks_.push_back(*chunk);
    free_end_ = *chunk + 2 * kChunkBytes;
    start = (*chunk + alignment - 1) & ~(alignment - 1);
  }
  free_ = start + bytes;
  return start;
}

std::uint64_t DeviceLaunches::launch(const Configuration& configuration, std::uint64_t buffer,
                                     std::uint64_t stream, std::uint64_t block) {
  if (depth_ >= kMaxDepth) return kMaxDepthExceeded;
  KernelWork work{configuration.kernel, configuration.config, {}};
  const std::uint64_t bytes = configuration.kernel->parameter_bytes();
  const bool known = std::ranges::any_of(chunks_, [&](std::uint64_t chunk) {
    return buffer >= chunk && buffer + bytes <= chunk + 2 * kChunkBytes;
  });
  if (!known) return kInvalidValue;
  const auto* values = reinterpret_cast<const std::byte*>(buffer);
  work.parameters.assign(values, values + bytes);
  work.parameters.resize(std::max<std::uint64_t>(bytes, 8));
  return add(std::move(work), stream, block);
}

std::uint64_t DeviceLaunches::add(Work work, std::uint64_t stream, std::uint64_t block) {
  if (const auto good = validate(work, context_->device()); !good)
    return std::holds_alternative<KernelWork>(work) ? code_of(good.error()) : kInvalidValue;
  // Device code copies and fills what its loads and stores reach: neither the program's own memory nor that
  // of cards without access. That a range stays in its allocation was validated.
  const auto is_reached = [&](std::uint64_t address, std::uint64_t bytes) {
    return bytes == 0 || context_->device().memory().contains(address) || context_->reaches(address, bytes);
  };
  if (const auto* copy = std::get_if<CopyWork>(&work);
      copy != nullptr &&
      (!is_reached(copy->destination.address, copy->width) || !is_reached(copy->source.address, copy->width)))
    return kInvalidValue;
  if (const auto* memset = std::get_if<MemsetWork>(&work);
      memset != nullptr && !is_reached(memset->address, memset->width))
    return kInvalidValue;
  Item item{.work = std::move(work), .block = block, .sequence = items_.size()};
  switch (stream) {
    case 0:
    case kLegacyStream:
    case kPerThreadStream:
      item.queue = 2 * block;
      break;
    case kTailLaunch:
      item.tail = true;
      break;
    case kFireAndForget:
      item.queue = 2 * (next_handle_ += 0x10) + 1;
      break;
    default:
      if (!handles_.contains(stream)) return kInvalidHandle;
      item.queue = 2 * stream + 1;
      break;
  }
  items_.push_back(std::move(item));
  return kSuccess;
}

std::vector<DeviceLaunches::Item> DeviceLaunches::take() {
  const std::lock_guard lock(mutex_);
  std::vector<Item> items = std::exchange(items_, {});
  const bool by_block = handles_.empty();
  std::ranges::sort(items, {}, [&](const Item& each) {
    return std::tuple(each.tail, by_block ? each.block : 0, each.sequence);
  });
  return items;
}

}  // namespace doppel::device
