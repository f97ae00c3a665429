// SPDX-License-Identifier: Apache-2.0
#include "driver/driver_api.h"

#include "driver/call.h"
#include "driver/errors.h"
#include "driver/objects.h"
#include "driver/refusals.h"
#include "support/log.h"

namespace doppel::driver {

namespace {

CUresult code_of(const engine::Fault& fault) {
  using Kind = engine::Fault::Kind;
  switch (fault.kind) {
    case Kind::IllegalAddress:
      return CUDA_ERROR_ILLEGAL_ADDRESS;
    case Kind::MisalignedAddress:
      return CUDA_ERROR_MISALIGNED_ADDRESS;
    case Kind::Assert:
      return CUDA_ERROR_ASSERT;
    case Kind::Cancelled:
    case Kind::Deadlock:
      return CUDA_ERROR_LAUNCH_TIMEOUT;
    case Kind::StackOverflow:
      return CUDA_ERROR_HARDWARE_STACK_ERROR;
    case Kind::WrongTensorMap:
      return CUDA_ERROR_ILLEGAL_INSTRUCTION;
    case Kind::HostOutOfMemory:
      return CUDA_ERROR_OUT_OF_MEMORY;
    case Kind::UncorrectableMemory:
      return CUDA_ERROR_ECC_UNCORRECTABLE;
    case Kind::Trap:
    case Kind::UninitializedShared:
    case Kind::SharedRace:
    case Kind::WrongBarrier:
      break;
  }
  return CUDA_ERROR_LAUNCH_FAILED;
}

// The fault that poisoned the current context.
CUresult current_fault() {
  const auto handle = current_handle();
  const auto entry = objects().contexts.find(handle);
  const auto context = entry ? entry->get() : nullptr;
  const auto fault = context ? context->fault() : std::nullopt;
  return fault ? code_of(*fault) : CUDA_ERROR_LAUNCH_FAILED;
}

}  // namespace

CUresult DriverApi::code_of(const Error& error) {
  switch (error.kind) {
    case Error::Kind::InvalidArgument:
      return CUDA_ERROR_INVALID_VALUE;
    case Error::Kind::InvalidInput:
      return CUDA_ERROR_INVALID_PTX;
    case Error::Kind::NotSupported:
      return CUDA_ERROR_NOT_SUPPORTED;
    case Error::Kind::NotFound:
      return CUDA_ERROR_NOT_FOUND;
    case Error::Kind::OutOfMemory:
      return CUDA_ERROR_OUT_OF_MEMORY;
    case Error::Kind::LimitExceeded:
      return CUDA_ERROR_INVALID_VALUE;
    case Error::Kind::Io:
      return CUDA_ERROR_OPERATING_SYSTEM;
    case Error::Kind::Internal:
      return CUDA_ERROR_UNKNOWN;
    case Error::Kind::InvalidHandle:
      return CUDA_ERROR_INVALID_HANDLE;
    case Error::Kind::InvalidContext:
      return CUDA_ERROR_INVALID_CONTEXT;
    case Error::Kind::NotReady:
      return CUDA_ERROR_NOT_READY;
    case Error::Kind::DeviceFault:
      return current_fault();
    case Error::Kind::NotPermitted:
      return CUDA_ERROR_NOT_PERMITTED;
    case Error::Kind::AlreadyDone:
      return CUDA_ERROR_ALREADY_MAPPED;
    case Error::Kind::NotEnabled:
      return CUDA_ERROR_INVALID_VALUE;
    case Error::Kind::UnsupportedVersion:
      return CUDA_ERROR_UNSUPPORTED_PTX_VERSION;
    case Error::Kind::CaptureUnsupported:
      return CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
    case Error::Kind::CaptureInvalidated:
      return CUDA_ERROR_STREAM_CAPTURE_INVALIDATED;
    case Error::Kind::CaptureMerge:
      return CUDA_ERROR_STREAM_CAPTURE_MERGE;
    case Error::Kind::CaptureUnmatched:
      return CUDA_ERROR_STREAM_CAPTURE_UNMATCHED;
    case Error::Kind::CaptureUnjoined:
      return CUDA_ERROR_STREAM_CAPTURE_UNJOINED;
    case Error::Kind::CaptureIsolation:
      return CUDA_ERROR_STREAM_CAPTURE_ISOLATION;
    case Error::Kind::CaptureImplicit:
      return CUDA_ERROR_STREAM_CAPTURE_IMPLICIT;
    case Error::Kind::CaptureWrongThread:
      return CUDA_ERROR_STREAM_CAPTURE_WRONG_THREAD;
    case Error::Kind::GraphUpdateFailed:
      return CUDA_ERROR_GRAPH_EXEC_UPDATE_FAILURE;
    case Error::Kind::CooperativeTooLarge:
      return CUDA_ERROR_COOPERATIVE_LAUNCH_TOO_LARGE;
    case Error::Kind::ClusterSize:
      return CUDA_ERROR_INVALID_CLUSTER_SIZE;
    case Error::Kind::NoDevice:
      return CUDA_ERROR_INVALID_DEVICE;
  }
  return CUDA_ERROR_UNKNOWN;
}

CUresult without_context(const Error& error) {
  if (error.kind != Error::Kind::NotPermitted) return to_result(error);
  log().error("{}", error.message);
  return CUDA_ERROR_DEVICE_UNAVAILABLE;
}

const char* DriverApi::name_of(CUresult result) { return error_name(result); }

void DriverApi::note_refused(const char* function) { note_refused_call(function); }

}  // namespace doppel::driver
