// SPDX-License-Identifier: Apache-2.0
// What AddressSanitizer has to be told of a change of stacks; nothing in other builds.
#pragma once

#include <cstddef>

#if defined(__SANITIZE_ADDRESS__)
#define DOPPEL_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define DOPPEL_ASAN 1
#endif
#endif
#ifdef DOPPEL_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

namespace doppel::engine {

#ifdef DOPPEL_ASAN
inline void before_switch(void** save, const void* bottom, std::size_t bytes) {
  __sanitizer_start_switch_fiber(save, bottom, bytes);
}
inline void after_switch(void* saved, const void** bottom, std::size_t* bytes) {
  __sanitizer_finish_switch_fiber(saved, bottom, bytes);
}
inline void clean_stack(const void* low, std::size_t bytes) { __asan_unpoison_memory_region(low, bytes); }
#else
inline void before_switch(void**, const void*, std::size_t) {}
inline void after_switch(void*, const void**, std::size_t*) {}
inline void clean_stack(const void*, std::size_t) {}
#endif

}  // namespace doppel::engine
