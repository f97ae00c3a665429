#include "driver/call.h"

#include "driver/errors.h"

namespace doppel::driver {

CUresult to_result(const Error& error) {
  switch (error.kind) {
    case Error::Kind::InvalidArgument: log().info("{}", error.message); return CUDA_ERROR_INVALID_VALUE;
    case Error::Kind::InvalidInput: log().error("{}", error.message); return CUDA_ERROR_INVALID_PTX;
    case Error::Kind::NotSupported: log().error("{}", error.message); return CUDA_ERROR_NOT_SUPPORTED;
    case Error::Kind::NotFound: log().info("{}", error.message); return CUDA_ERROR_NOT_FOUND;
    case Error::Kind::OutOfMemory: log().warn("{}", error.message); return CUDA_ERROR_OUT_OF_MEMORY;
    case Error::Kind::LimitExceeded: log().info("{}", error.message); return CUDA_ERROR_INVALID_VALUE;
    case Error::Kind::Io: log().error("{}", error.message); return CUDA_ERROR_OPERATING_SYSTEM;
    case Error::Kind::Internal: log().error("{}", error.message); return CUDA_ERROR_UNKNOWN;
  }
  return CUDA_ERROR_UNKNOWN;
}

namespace detail {

void log_call(const char* name, const std::string& arguments) { log().trace("{}({})", name, arguments); }

void log_result(const char* name, CUresult result) { log().trace("{} -> {}", name, error_name(result)); }

CUresult on_exception(const char* name) noexcept {
  try {
    throw;
  } catch (const std::bad_alloc&) {
    return CUDA_ERROR_OUT_OF_MEMORY;
  } catch (const std::exception& error) {
    log().error("{}: {}", name, error.what());
  } catch (...) {
    log().error("{}: an unknown exception", name);
  }
  return CUDA_ERROR_UNKNOWN;
}

}  // namespace detail
}  // namespace doppel::driver
