// SPDX-License-Identifier: Apache-2.0
#include "api/common/call.h"

#include <exception>
#include <new>

#include "support/log.h"

namespace doppel::api::detail {

Exception log_exception(const char* function) noexcept {
  try {
    throw;
  } catch (const std::bad_alloc&) {
    return Exception::OutOfMemory;
  } catch (const std::exception& error) {
    log().error("{}: {}", function, error.what());
  } catch (...) {
    log().error("{}: an unknown exception", function);
  }
  return Exception::Other;
}

}  // namespace doppel::api::detail
