// SPDX-License-Identifier: Apache-2.0
// Contexts and the calling thread's stack of them; limits and preferences of the current one.
#include "device/context.h"

#include <fmt/format.h>

#include "device/platform.h"
#include "driver/call.h"
#include "driver/context_storage.h"
#include "driver/objects.h"

namespace doppel::driver {
namespace {

// The form of contexts that cuCtxCreate_v2 and later make, as cuCtxGetApiVersion numbers it.
constexpr unsigned kContextInterface = 3020;

CUresult create(CUcontext* context, unsigned flags, CUdevice device) {
  if (context == nullptr || (flags & ~static_cast<unsigned>(CU_CTX_FLAGS_MASK)) != 0)
    return CUDA_ERROR_INVALID_VALUE;
  const auto found = find_device(device);
  if (!found) return to_result(found.error());
  auto made = (*found)->create_context(flags);
  if (!made) return without_context(made.error());
  *context = add_context(*std::move(made));
  push_current(*context);
  return CUDA_SUCCESS;
}

CUresult destroy(CUcontext handle) {
  const auto context = find_context(handle);
  if (!context) return to_result(context.error());
  drop_context_values(handle);
  // A primary context is its device's: it ends with its last release.
  if (!remove_context(handle)) return CUDA_ERROR_INVALID_CONTEXT;
  if (current_handle() == handle) pop_current();
  (*context)->destroy();
  forget_context_objects(**context);
  return CUDA_SUCCESS;
}

// Known is enough: the runtime makes a primary context current before it retains it.
bool is_known(CUcontext handle) { return objects().contexts.find(handle) != nullptr; }

CUresult pop(CUcontext* context) {
  const CUcontext top = pop_current();
  if (top == nullptr) return CUDA_ERROR_INVALID_CONTEXT;
  if (context != nullptr) *context = top;
  return CUDA_SUCCESS;
}

Result<int> device_of(CUcontext handle) {
  // Answered for a primary context that is not active, too.
  const auto entry = objects().contexts.find(handle);
  if (entry && entry->primary_of != nullptr) return entry->primary_of->ordinal();
  return find_context(handle).map([](const auto& context) { return context->device().ordinal(); });
}

// Only cards below 9.0 have a depth down to which kernels may wait for kernels (driver API, cuCtxSetLimit).
bool is_limit_of_card(CUlimit limit) {
  const auto context = current_context();
  return limit != CU_LIMIT_DEV_RUNTIME_SYNC_DEPTH || !context ||
         (*context)->device().card().compute_capability.number() < 90;
}

Result<device::Limit> limit_of(CUlimit limit) {
  switch (limit) {
    case CU_LIMIT_STACK_SIZE:
      return device::Limit::StackSize;
    case CU_LIMIT_PRINTF_FIFO_SIZE:
      return device::Limit::PrintfFifoSize;
    case CU_LIMIT_MALLOC_HEAP_SIZE:
      return device::Limit::MallocHeapSize;
    case CU_LIMIT_DEV_RUNTIME_SYNC_DEPTH:
      return device::Limit::RuntimeSyncDepth;
    case CU_LIMIT_DEV_RUNTIME_PENDING_LAUNCH_COUNT:
      return device::Limit::RuntimePendingLaunchCount;
    case CU_LIMIT_MAX_L2_FETCH_GRANULARITY:
      return device::Limit::MaxL2FetchGranularity;
    case CU_LIMIT_PERSISTING_L2_CACHE_SIZE:
      return device::Limit::PersistingL2Bytes;
    default:
      return fail(Error::Kind::InvalidArgument, fmt::format("there is no limit {}", static_cast<int>(limit)));
  }
}

CUresult synchronize(const Result<std::shared_ptr<device::Context>>& context) {
  return answer(context.and_then([](const auto& found) { return found->synchronize(); }));
}

}  // namespace
}  // namespace doppel::driver

extern "C" {
using namespace doppel::driver;
using doppel::Result;

CUresult cuCtxCreate_v2(CUcontext* context, unsigned flags, CUdevice device) {
  return call(__func__, std::tuple(context, flags, device), [&] { return create(context, flags, device); });
}

CUresult cuCtxCreate_v3(CUcontext* context, CUexecAffinityParam* affinity, int count, unsigned flags,
                        CUdevice device) {
  return call(__func__, std::tuple(context, affinity, count, flags, device), [&] {
    if (count != 0) return CUDA_ERROR_UNSUPPORTED_EXEC_AFFINITY;
    return create(context, flags, device);
  });
}

CUresult cuCtxCreate_v4(CUcontext* context, CUctxCreateParams* parameters, unsigned flags, CUdevice device) {
  return call(__func__, std::tuple(context, parameters, flags, device), [&] {
    if (parameters != nullptr && parameters->numExecAffinityParams != 0)
      return CUDA_ERROR_UNSUPPORTED_EXEC_AFFINITY;
    if (parameters != nullptr && parameters->cigParams != nullptr) return CUDA_ERROR_NOT_SUPPORTED;
    return create(context, flags, device);
  });
}

CUresult cuCtxDestroy_v2(CUcontext context) {
  return call(__func__, std::tuple(context), [&] { return destroy(context); });
}

CUresult cuCtxPushCurrent_v2(CUcontext context) {
  return call(__func__, std::tuple(context), [&] {
    if (!is_known(context)) return CUDA_ERROR_INVALID_CONTEXT;
    push_current(context);
    return CUDA_SUCCESS;
  });
}

CUresult cuCtxPopCurrent_v2(CUcontext* context) {
  return call(__func__, std::tuple(context), [&] { return pop(context); });
}

CUresult cuCtxSetCurrent(CUcontext context) {
  return call(__func__, std::tuple(context), [&] {
    if (context != nullptr && !is_known(context)) return CUDA_ERROR_INVALID_CONTEXT;
    set_current(context);
    return CUDA_SUCCESS;
  });
}

CUresult cuCtxGetCurrent(CUcontext* context) {
  return call(__func__, std::tuple(context), [&] {
    if (context == nullptr) return CUDA_ERROR_INVALID_VALUE;
    *context = current_handle();
    return CUDA_SUCCESS;
  });
}

CUresult cuCtxGetDevice(CUdevice* device) {
  return call(__func__, std::tuple(device), [&] {
    if (device == nullptr) return CUDA_ERROR_INVALID_VALUE;
    if (current_handle() == nullptr) return CUDA_ERROR_INVALID_CONTEXT;
    return answer(device_of(current_handle()), device);
  });
}

CUresult cuCtxGetDevice_v2(CUdevice* device, CUcontext context) {
  return call(__func__, std::tuple(device, context), [&] {
    if (device == nullptr) return CUDA_ERROR_INVALID_VALUE;
    const CUcontext wanted = context != nullptr ? context : current_handle();
    if (wanted == nullptr) return CUDA_ERROR_INVALID_CONTEXT;
    return answer(device_of(wanted), device);
  });
}

CUresult cuCtxGetFlags(unsigned* flags) {
  return call(__func__, std::tuple(flags), [&] {
    if (flags == nullptr) return CUDA_ERROR_INVALID_VALUE;
    return answer(current_context().map([](const auto& context) { return context->flags(); }), flags);
  });
}

CUresult cuCtxSetFlags(unsigned flags) {
  return call(__func__, std::tuple(flags), [&] {
    if ((flags & ~static_cast<unsigned>(CU_CTX_FLAGS_MASK)) != 0) return CUDA_ERROR_INVALID_VALUE;
    return answer(current_context().map([&](const auto& context) { context->set_flags(flags); }));
  });
}

CUresult cuCtxGetId(CUcontext context, unsigned long long* id) {
  return call(__func__, std::tuple(context, id), [&] {
    if (id == nullptr) return CUDA_ERROR_INVALID_VALUE;
    const auto found = context != nullptr ? find_context(context) : current_context();
    return answer(found.map([](const auto& of) { return of->id(); }), id);
  });
}

CUresult cuCtxGetApiVersion(CUcontext context, unsigned* version) {
  return call(__func__, std::tuple(context, version), [&] {
    if (version == nullptr) return CUDA_ERROR_INVALID_VALUE;
    const auto found = context != nullptr ? find_context(context) : current_context();
    return answer(found.map([](const auto&) { return kContextInterface; }), version);
  });
}

CUresult cuCtxSynchronize() {
  return call(__func__, std::tuple(), [] { return synchronize(current_context()); });
}

CUresult cuCtxSynchronize_v2(CUcontext context) {
  return call(__func__, std::tuple(context),
              [&] { return synchronize(context != nullptr ? find_context(context) : current_context()); });
}

CUresult cuCtxGetStreamPriorityRange(int* least, int* greatest) {
  return call(__func__, std::tuple(least, greatest), [&] {
    return answer(current_context().map([&](const auto&) {
      int lowest = 0;
      int highest = 0;
      doppel::device::Context::priority_range(lowest, highest);
      if (least != nullptr) *least = lowest;
      if (greatest != nullptr) *greatest = highest;
    }));
  });
}

CUresult cuCtxGetLimit(size_t* value, CUlimit limit) {
  return call(__func__, std::tuple(value, limit), [&] {
    if (value == nullptr) return CUDA_ERROR_INVALID_VALUE;
    const auto known = limit_of(limit);
    if (!known || !is_limit_of_card(limit)) return CUDA_ERROR_UNSUPPORTED_LIMIT;
    return answer(current_context().map([&](const auto& context) { return context->limit(*known); }), value);
  });
}

CUresult cuCtxSetLimit(CUlimit limit, size_t value) {
  return call(__func__, std::tuple(limit, value), [&] {
    const auto known = limit_of(limit);
    if (!known || !is_limit_of_card(limit)) return CUDA_ERROR_UNSUPPORTED_LIMIT;
    return answer(
        current_context().and_then([&](const auto& context) { return context->set_limit(*known, value); }));
  });
}

// Preferences: hints that the card's split of L1 and shared memory, which follows each kernel's need, does
// not use.
CUresult cuCtxGetCacheConfig(CUfunc_cache* preference) {
  return call(__func__, std::tuple(preference), [&] {
    if (preference == nullptr) return CUDA_ERROR_INVALID_VALUE;
    return answer(current_context().map([](const auto&) { return CU_FUNC_CACHE_PREFER_NONE; }), preference);
  });
}
CUresult cuCtxSetCacheConfig(CUfunc_cache preference) {
  return call(__func__, std::tuple(preference), [&] {
    if (preference < CU_FUNC_CACHE_PREFER_NONE || preference > CU_FUNC_CACHE_PREFER_EQUAL)
      return CUDA_ERROR_INVALID_VALUE;
    return answer(current_context().map([](const auto&) {}));
  });
}

// Both cards have banks of four bytes and no other choice.
CUresult cuCtxGetSharedMemConfig(CUsharedconfig* config) {
  return call(__func__, std::tuple(config), [&] {
    if (config == nullptr) return CUDA_ERROR_INVALID_VALUE;
    return answer(current_context().map([](const auto&) { return CU_SHARED_MEM_CONFIG_FOUR_BYTE_BANK_SIZE; }),
                  config);
  });
}
CUresult cuCtxSetSharedMemConfig(CUsharedconfig config) {
  return call(__func__, std::tuple(config),
              [&] { return answer(current_context().map([](const auto&) {})); });
}

CUresult cuCtxResetPersistingL2Cache() {
  return call(__func__, std::tuple(), [] { return answer(current_context().map([](const auto&) {})); });
}

CUresult cuCtxGetExecAffinity(CUexecAffinityParam* affinity, CUexecAffinityType type) {
  return call(__func__, std::tuple(affinity, type), [] { return CUDA_ERROR_UNSUPPORTED_EXEC_AFFINITY; });
}

}  // extern "C"
