// SPDX-License-Identifier: Apache-2.0
// Streams: made, queried, waited for; functions of the program called in their order.
#include "device/stream.h"

#include "device/context.h"
#include "device/device.h"
#include "driver/call.h"
#include "driver/objects.h"

namespace doppel::driver {
namespace {

CUresult create(CUstream* stream, unsigned flags, int priority) {
  if (stream == nullptr || (flags & ~static_cast<unsigned>(CU_STREAM_NON_BLOCKING)) != 0)
    return CUDA_ERROR_INVALID_VALUE;
  const device::StreamOptions options{.non_blocking = (flags & CU_STREAM_NON_BLOCKING) != 0,
                                      .priority = priority};
  return answer(current_context()
                    .and_then([&](const auto& context) { return context->create_stream(options); })
                    .map([](const auto& made) { return objects().streams.add(made); }),
                stream);
}

bool is_implicit(CUstream handle) {
  return handle == nullptr || handle == CU_STREAM_LEGACY || handle == CU_STREAM_PER_THREAD;
}

CUresult destroy(CUstream handle) {
  if (is_implicit(handle)) return CUDA_ERROR_INVALID_HANDLE;
  const auto stream = find_stream(handle);
  if (!stream) return to_result(stream.error());
  objects().streams.remove(handle);
  return answer((*stream)->context()->destroy_stream(*stream));
}

CUresult call_in_order(CUstream handle, CUhostFn function, void* user_data) {
  if (function == nullptr) return CUDA_ERROR_INVALID_VALUE;
  device::HostWork work{[function, user_data] { function(user_data); }, reinterpret_cast<void*>(function),
                        user_data};
  return answer(
      find_stream(handle).and_then([&](const auto& stream) { return stream->enqueue(std::move(work)); }));
}

// The older form also hands over the stream's state; it runs only while that is good.
CUresult call_back(CUstream handle, CUstreamCallback callback, void* user_data, unsigned flags) {
  if (callback == nullptr || flags != 0) return CUDA_ERROR_INVALID_VALUE;
  device::HostWork work{[=] { callback(handle, CUDA_SUCCESS, user_data); }, reinterpret_cast<void*>(callback),
                        user_data};
  return answer(
      find_stream(handle).and_then([&](const auto& stream) { return stream->enqueue(std::move(work)); }));
}

unsigned flags_of(const device::Stream& stream) {
  return stream.kind() == device::StreamKind::NonBlocking ? CU_STREAM_NON_BLOCKING : CU_STREAM_DEFAULT;
}

CUresult get_context(CUstream handle, CUcontext* context) {
  if (context == nullptr) return CUDA_ERROR_INVALID_VALUE;
  return answer(find_stream(handle).map([](const auto& stream) { return handle_of(stream->context()); }),
                context);
}

CUresult get_attribute(CUstream handle, CUstreamAttrID attribute, CUstreamAttrValue* value) {
  if (value == nullptr) return CUDA_ERROR_INVALID_VALUE;
  const auto stream = find_stream(handle);
  if (!stream) return to_result(stream.error());
  *value = CUstreamAttrValue{};
  switch (attribute) {
    case CU_LAUNCH_ATTRIBUTE_SYNCHRONIZATION_POLICY:
      value->syncPolicy = CU_SYNC_POLICY_AUTO;
      return CUDA_SUCCESS;
    case CU_LAUNCH_ATTRIBUTE_PRIORITY:
      value->priority = (*stream)->priority();
      return CUDA_SUCCESS;
    case CU_LAUNCH_ATTRIBUTE_ACCESS_POLICY_WINDOW:
    case CU_LAUNCH_ATTRIBUTE_MEM_SYNC_DOMAIN_MAP:
    case CU_LAUNCH_ATTRIBUTE_MEM_SYNC_DOMAIN:
      return CUDA_SUCCESS;
    default:
      return CUDA_ERROR_INVALID_VALUE;
  }
}

// Hints of where data should stay and how to wait: taken, and without effect on a result.
CUresult set_attribute(CUstream handle, CUstreamAttrID attribute, const CUstreamAttrValue* value) {
  if (value == nullptr) return CUDA_ERROR_INVALID_VALUE;
  switch (attribute) {
    case CU_LAUNCH_ATTRIBUTE_SYNCHRONIZATION_POLICY:
    case CU_LAUNCH_ATTRIBUTE_PRIORITY:
    case CU_LAUNCH_ATTRIBUTE_ACCESS_POLICY_WINDOW:
    case CU_LAUNCH_ATTRIBUTE_MEM_SYNC_DOMAIN_MAP:
    case CU_LAUNCH_ATTRIBUTE_MEM_SYNC_DOMAIN:
      return answer(find_stream(handle).map([](const auto&) {}));
    default:
      return CUDA_ERROR_INVALID_VALUE;
  }
}

}  // namespace
}  // namespace doppel::driver

extern "C" {
using namespace doppel::driver;

CUresult cuStreamCreate(CUstream* stream, unsigned flags) {
  return call(__func__, std::tuple(stream, flags), [&] { return create(stream, flags, 0); });
}
CUresult cuStreamCreateWithPriority(CUstream* stream, unsigned flags, int priority) {
  return call(__func__, std::tuple(stream, flags, priority), [&] { return create(stream, flags, priority); });
}
CUresult cuStreamDestroy_v2(CUstream stream) {
  return call(__func__, std::tuple(stream), [&] { return destroy(stream); });
}

CUresult cuStreamQuery(CUstream stream) {
  return call(__func__, std::tuple(stream), [&] {
    return answer(find_stream(stream).and_then([](const auto& found) { return found->query(); }));
  });
}
CUresult cuStreamSynchronize(CUstream stream) {
  return call(__func__, std::tuple(stream), [&] {
    return answer(find_stream(stream).and_then([](const auto& found) { return found->synchronize(); }));
  });
}

CUresult cuStreamWaitEvent(CUstream stream, CUevent event, unsigned flags) {
  return call(__func__, std::tuple(stream, event, flags), [&] {
    if ((flags & ~static_cast<unsigned>(CU_EVENT_WAIT_EXTERNAL)) != 0) return CUDA_ERROR_INVALID_VALUE;
    return answer(find_stream(stream).and_then([&](const auto& found) {
      return find_event(event).and_then(
          [&](const auto& awaited) { return found->wait(awaited, (flags & CU_EVENT_WAIT_EXTERNAL) != 0); });
    }));
  });
}

CUresult cuLaunchHostFunc(CUstream stream, CUhostFn function, void* user_data) {
  return call(__func__, std::tuple(stream, function, user_data),
              [&] { return call_in_order(stream, function, user_data); });
}
// The modes say how the caller's threads are told: here one of Doppel's own calls the function in either.
CUresult cuLaunchHostFunc_v2(CUstream stream, CUhostFn function, void* user_data, unsigned sync_mode) {
  return call(__func__, std::tuple(stream, function, user_data, sync_mode), [&] {
    constexpr unsigned kSpin = 1;  // CU_HOST_TASK_SPINWAIT; 0 is CU_HOST_TASK_BLOCKING
    if (sync_mode > kSpin) return CUDA_ERROR_INVALID_VALUE;
    return call_in_order(stream, function, user_data);
  });
}
CUresult cuStreamAddCallback(CUstream stream, CUstreamCallback callback, void* user_data, unsigned flags) {
  return call(__func__, std::tuple(stream, callback, user_data, flags),
              [&] { return call_back(stream, callback, user_data, flags); });
}

CUresult cuStreamGetPriority(CUstream stream, int* priority) {
  return call(__func__, std::tuple(stream, priority), [&] {
    if (priority == nullptr) return CUDA_ERROR_INVALID_VALUE;
    return answer(find_stream(stream).map([](const auto& found) { return found->priority(); }), priority);
  });
}
CUresult cuStreamGetFlags(CUstream stream, unsigned* flags) {
  return call(__func__, std::tuple(stream, flags), [&] {
    if (flags == nullptr) return CUDA_ERROR_INVALID_VALUE;
    return answer(find_stream(stream).map([](const auto& found) { return flags_of(*found); }), flags);
  });
}
CUresult cuStreamGetId(CUstream stream, unsigned long long* id) {
  return call(__func__, std::tuple(stream, id), [&] {
    if (id == nullptr) return CUDA_ERROR_INVALID_VALUE;
    return answer(find_stream(stream).map([](const auto& found) { return found->id(); }), id);
  });
}
CUresult cuStreamGetCtx(CUstream stream, CUcontext* context) {
  return call(__func__, std::tuple(stream, context), [&] { return get_context(stream, context); });
}
CUresult cuStreamGetCtx_v2(CUstream stream, CUcontext* context, void** green_context) {
  return call(__func__, std::tuple(stream, context, green_context), [&] {
    if (green_context != nullptr) *green_context = nullptr;  // streams belong to whole contexts here
    return get_context(stream, context);
  });
}
CUresult cuStreamGetDevice(CUstream stream, CUdevice* device) {
  return call(__func__, std::tuple(stream, device), [&] {
    if (device == nullptr) return CUDA_ERROR_INVALID_VALUE;
    return answer(
        find_stream(stream).map([](const auto& found) { return found->context()->device().ordinal(); }),
        device);
  });
}

CUresult cuStreamGetAttribute(CUstream stream, CUstreamAttrID attribute, CUstreamAttrValue* value) {
  return call(__func__, std::tuple(stream, attribute, value),
              [&] { return get_attribute(stream, attribute, value); });
}
CUresult cuStreamSetAttribute(CUstream stream, CUstreamAttrID attribute, const CUstreamAttrValue* value) {
  return call(__func__, std::tuple(stream, attribute, value),
              [&] { return set_attribute(stream, attribute, value); });
}
CUresult cuStreamCopyAttributes(CUstream destination, CUstream source) {
  return call(__func__, std::tuple(destination, source), [&] {
    return answer(find_stream(destination).and_then([&](const auto&) {
      return find_stream(source).map([](const auto&) {});
    }));
  });
}

// Managed memory may be touched by host and card at any time here, whatever stream it is attached to.
CUresult cuStreamAttachMemAsync(CUstream stream, CUdeviceptr address, size_t bytes, unsigned flags) {
  return call(__func__, std::tuple(stream, address, bytes, flags), [&] {
    if (flags != CU_MEM_ATTACH_GLOBAL && flags != CU_MEM_ATTACH_HOST && flags != CU_MEM_ATTACH_SINGLE)
      return CUDA_ERROR_INVALID_VALUE;
    return answer(find_stream(stream).and_then(
        [](const auto& found) { return found->enqueue(doppel::device::EmptyWork{}); }));
  });
}

}  // extern "C"
