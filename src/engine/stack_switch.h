// SPDX-License-Identifier: Apache-2.0
// What AddressSanitizer and ThreadSanitizer have to be told of a change of stacks; nothing in other builds.
#pragma once

#include <cstddef>

#ifdef DOPPEL_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#elif defined(DOPPEL_TSAN)
#include <sanitizer/tsan_interface.h>
#endif

namespace doppel::engine {

// For AddressSanitizer: where the stack's own fake stack is saved, and the bounds of the next. For
// ThreadSanitizer: the calls on the next.
#ifdef DOPPEL_ASAN
inline void before_switch(void** save, const void* bottom, std::size_t bytes, void*) {
  __sanitizer_start_switch_fiber(save, bottom, bytes);
}
inline void after_switch(void* saved, const void** bottom, std::size_t* bytes) {
  __sanitizer_finish_switch_fiber(saved, bottom, bytes);
}
inline void clean_stack(const void* low, std::size_t bytes) { __asan_unpoison_memory_region(low, bytes); }
#else
#ifdef DOPPEL_TSAN
inline void before_switch(void**, const void*, std::size_t, void* calls) { __tsan_switch_to_fiber(calls, 0); }
#else
inline void before_switch(void**, const void*, std::size_t, void*) {}
#endif
inline void after_switch(void*, const void**, std::size_t*) {}
inline void clean_stack(const void*, std::size_t) {}
#endif

// The calls that are open on a stack, as ThreadSanitizer follows them.
#ifdef DOPPEL_TSAN
inline void* new_calls() { return __tsan_create_fiber(0); }
inline void* current_calls() { return __tsan_get_current_fiber(); }
inline void drop_calls(void* calls) {
  if (calls != nullptr) __tsan_destroy_fiber(calls);
}
#else
inline void* new_calls() { return nullptr; }
inline void* current_calls() { return nullptr; }
inline void drop_calls(void*) {}
#endif

}  // namespace doppel::engine
