// SPDX-License-Identifier: Apache-2.0
// Linked into libdoppel.so and into each of its doors. They never destroy their static objects, nor those of
// LLVM: threads may still be compiling or running a kernel when the program's main returns. The linker leads
// every registration of a destructor here (--wrap=__cxa_atexit).
#include "core/static_objects.h"

// NOLINTBEGIN(readability-identifier-naming): the linker's and the ABI's names
extern "C" {

using Destructor = void (*)(void*);
int __real___cxa_atexit(Destructor destructor, void* object, void* library);
extern void* __dso_handle;
// Of std::ios_base::Init: the last of these objects in the process flushes std::cout, so ours have to go.
void ios_base_init_destructor(void*) __asm__("_ZNSt8ios_base4InitD1Ev");

int __wrap___cxa_atexit(Destructor destructor, void* object, void* library) {
  return destructor == ios_base_init_destructor ? __real___cxa_atexit(destructor, object, library) : 0;
}

}  // extern "C"
// NOLINTEND(readability-identifier-naming)

namespace doppel::core {

bool at_exit(void (*handler)()) {
  const auto call = [](void* given) { reinterpret_cast<void (*)()>(given)(); };
  return __real___cxa_atexit(call, reinterpret_cast<void*>(handler), static_cast<void*>(&__dso_handle)) == 0;
}

}  // namespace doppel::core
