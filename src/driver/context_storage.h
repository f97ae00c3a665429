// SPDX-License-Identifier: Apache-2.0
// Values that a library keeps with a context: key to value, with a function to be called when the context
// goes. NVIDIA's runtime keeps its own state of a context here and looks it up at almost every call.
#pragma once

#include <doppel/cuda/handles.h>

#include <optional>

namespace doppel::driver {

using StorageDestructor = void (*)(CUcontext context, void* key, void* value);

// Replaces the value that the key had.
void put_context_value(CUcontext context, void* key, void* value, StorageDestructor destructor);
std::optional<void*> get_context_value(CUcontext context, void* key);
// False where there was none. The destructor is not called.
bool remove_context_value(CUcontext context, void* key);
// Calls the destructors of all of the context's values and forgets them.
void drop_context_values(CUcontext context);

}  // namespace doppel::driver
