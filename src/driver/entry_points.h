// The table of the driver interface's functions: what cuGetProcAddress searches and what the library exports.
// The table itself is written at build time from entry_points.txt.
#pragma once

#include <span>
#include <string_view>

namespace doppel::driver {

struct EntryPoint {
  const char* name;  // without revision: "cuMemAlloc"
  int since;         // the interface version that brought this form: 3020
  void* function;
  void* per_thread;  // the form whose default stream is the calling thread's own; null where there is none
};

std::span<const EntryPoint> entry_points();

enum class Lookup { Found, UnknownName, VersionTooOld };

struct LookupResult {
  Lookup outcome = Lookup::UnknownName;
  void* function = nullptr;
};

// The form of `name` that a program built for interface version `version` means: the newest not younger than
// it, nor than the driver. Names that came after `driver_version` are unknown.
LookupResult find_entry_point(std::string_view name, int version, int driver_version,
                              bool per_thread_default_stream);

// The answer of a function that is not there yet: CUDA_ERROR_NOT_SUPPORTED, and its name once on standard
// error.
int refuse(const char* symbol);

}  // namespace doppel::driver
