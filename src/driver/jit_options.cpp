// SPDX-License-Identifier: Apache-2.0
#include "driver/jit_options.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace doppel::driver {

Result<JitOptions> JitOptions::read(unsigned count, const CUjit_option* options, void** values) {
  JitOptions read;
  if (count != 0 && (options == nullptr || values == nullptr))
    return fail(Error::Kind::InvalidArgument, "compiler options without their arrays");
  for (unsigned i = 0; i < count; ++i) {
    switch (options[i]) {
      case CU_JIT_MAX_REGISTERS:
        read.max_registers_ = static_cast<unsigned>(reinterpret_cast<std::uintptr_t>(values[i]));
        break;
      case CU_JIT_INFO_LOG_BUFFER:
        read.info_.buffer = static_cast<char*>(values[i]);
        break;
      case CU_JIT_INFO_LOG_BUFFER_SIZE_BYTES:
        read.info_.size = &values[i];
        break;
      case CU_JIT_ERROR_LOG_BUFFER:
        read.error_.buffer = static_cast<char*>(values[i]);
        break;
      case CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES:
        read.error_.size = &values[i];
        break;
      case CU_JIT_WALL_TIME: {
        // A float in the pointer's place: nothing was timed.
        const float milliseconds = 0;
        values[i] = nullptr;
        std::memcpy(&values[i], &milliseconds, sizeof(milliseconds));
        break;
      }
      case CU_JIT_GLOBAL_SYMBOL_COUNT:
        if (values[i] != nullptr)
          return fail(Error::Kind::NotSupported,
                      "CU_JIT_GLOBAL_SYMBOL_NAMES: giving addresses to symbols is not supported yet");
        break;
      case CU_JIT_LTO:
        if (values[i] != nullptr)
          return fail(Error::Kind::NotSupported,
                      "CU_JIT_LTO: link-time optimisation needs code that is not PTX");
        break;
      default:
        if (options[i] < 0 || options[i] >= CU_JIT_NUM_OPTIONS)
          return fail(Error::Kind::InvalidArgument,
                      fmt::format("there is no compiler option {}", static_cast<int>(options[i])));
        break;
    }
  }
  return read;
}

void JitOptions::write(const Log& log, std::string_view text) {
  if (log.size == nullptr) return;
  const std::size_t capacity = reinterpret_cast<std::uintptr_t>(*log.size) & 0xFFFFFFFF;
  std::size_t written = 0;
  if (log.buffer != nullptr && capacity > 0) {
    written = std::min(text.size(), capacity - 1);
    std::memcpy(log.buffer, text.data(), written);
    log.buffer[written] = '\0';
  }
  *log.size = reinterpret_cast<void*>(written);
}

void JitOptions::write_info(std::string_view text) const { write(info_, text); }
void JitOptions::write_error(std::string_view text) const { write(error_, text); }

}  // namespace doppel::driver
