// SPDX-License-Identifier: Apache-2.0
// Events.
#include "device/event.h"

#include "device/context.h"
#include "device/host_clock.h"
#include "device/platform.h"
#include "driver/call.h"
#include "driver/objects.h"
#include "driver/process.h"

namespace doppel::driver {
namespace {

constexpr unsigned kEventFlags = CU_EVENT_BLOCKING_SYNC | CU_EVENT_DISABLE_TIMING | CU_EVENT_INTERPROCESS;

CUresult create(CUevent* event, unsigned flags) {
  if (event == nullptr || (flags & ~kEventFlags) != 0) return CUDA_ERROR_INVALID_VALUE;
  // An event of several processes has no time.
  if ((flags & CU_EVENT_INTERPROCESS) != 0 && (flags & CU_EVENT_DISABLE_TIMING) == 0)
    return CUDA_ERROR_INVALID_VALUE;
  const device::EventOptions options{.timing = (flags & CU_EVENT_DISABLE_TIMING) == 0,
                                     .blocking_sync = (flags & CU_EVENT_BLOCKING_SYNC) != 0,
                                     .interprocess = (flags & CU_EVENT_INTERPROCESS) != 0};
  return answer(current_context()
                    .and_then([&](const auto& context) { return context->create_event(options); })
                    .map([](const auto& made) { return objects().events.add(made); }),
                event);
}

CUresult record(CUevent event, CUstream stream, bool external = false) {
  return answer(find_event(event).and_then([&](const auto& found) {
    return find_stream(stream).and_then([&](const auto& on) { return on->record(found, external); });
  }));
}

CUresult elapsed(float* milliseconds, CUevent start, CUevent end) {
  if (milliseconds == nullptr) return CUDA_ERROR_INVALID_VALUE;
  return answer(find_event(start).and_then([&](const auto& from) {
    return find_event(end).and_then([&](const auto& to) { return device::Event::elapsed_ms(*from, *to); });
  }),
                milliseconds);
}

}  // namespace
}  // namespace doppel::driver

extern "C" {
using namespace doppel::driver;

CUresult cuEventCreate(CUevent* event, unsigned flags) {
  return call(__func__, std::tuple(event, flags), [&] { return create(event, flags); });
}
CUresult cuEventDestroy_v2(CUevent event) {
  return call(__func__, std::tuple(event), [&] {
    platform().clock().advance_us(platform().host().calls.event_destroy_us);
    return objects().events.remove(event) ? CUDA_SUCCESS : CUDA_ERROR_INVALID_HANDLE;
  });
}

CUresult cuEventRecord(CUevent event, CUstream stream) {
  return call(__func__, std::tuple(event, stream), [&] { return record(event, stream); });
}
CUresult cuEventRecordWithFlags(CUevent event, CUstream stream, unsigned flags) {
  return call(__func__, std::tuple(event, stream, flags), [&] {
    if ((flags & ~static_cast<unsigned>(CU_EVENT_RECORD_EXTERNAL)) != 0) return CUDA_ERROR_INVALID_VALUE;
    return record(event, stream, (flags & CU_EVENT_RECORD_EXTERNAL) != 0);
  });
}

CUresult cuEventQuery(CUevent event) {
  return call(__func__, std::tuple(event), [&] {
    return answer(find_event(event).and_then([](const auto& found) { return found->query(); }));
  });
}
CUresult cuEventSynchronize(CUevent event) {
  return call(__func__, std::tuple(event), [&] {
    return answer(find_event(event).and_then([](const auto& found) { return found->synchronize(); }));
  });
}

CUresult cuEventElapsedTime(float* milliseconds, CUevent start, CUevent end) {
  return call(__func__, std::tuple(milliseconds, start, end),
              [&] { return elapsed(milliseconds, start, end); });
}
CUresult cuEventElapsedTime_v2(float* milliseconds, CUevent start, CUevent end) {
  return call(__func__, std::tuple(milliseconds, start, end),
              [&] { return elapsed(milliseconds, start, end); });
}

CUresult cuCtxRecordEvent(CUcontext context, CUevent event) {
  return call(__func__, std::tuple(context, event), [&] {
    return answer(find_context(context).and_then([&](const auto& of) {
      return find_event(event).and_then([&](const auto& found) { return of->legacy()->record(found); });
    }));
  });
}
CUresult cuCtxWaitEvent(CUcontext context, CUevent event) {
  return call(__func__, std::tuple(context, event), [&] {
    return answer(find_context(context).and_then([&](const auto& of) {
      return find_event(event).and_then([&](const auto& found) { return of->legacy()->wait(found); });
    }));
  });
}

}  // extern "C"
