// SPDX-License-Identifier: Apache-2.0
#include "api/common/handles.h"

#include <atomic>

namespace doppel::api {

std::uintptr_t next_handle() {
  static std::atomic<std::uintptr_t> next{0x10000};
  return next.fetch_add(0x10);
}

}  // namespace doppel::api
