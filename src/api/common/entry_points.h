// SPDX-License-Identifier: Apache-2.0
// The functions of a C interface: what the library exports, and what is found by name and version. A table of
// them is written at build time from a text file (cmake/EntryPoints.cmake).
#pragma once

#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace doppel::api {

struct EntryPoint {
  const char* name;  // without revision: "cuMemAlloc"
  int since;         // the interface version that brought this form: 3020
  void* function;
  void* per_thread;  // the form whose default stream is the calling thread's own; null where there is none
};

enum class Lookup { Found, UnknownName, VersionTooOld };

struct LookupResult {
  Lookup outcome = Lookup::UnknownName;
  void* function = nullptr;
};

class EntryPointIndex {
 public:
  // The table outlives the index; the forms of one name stand in it oldest first.
  explicit EntryPointIndex(std::span<const EntryPoint> table);

  // The form of `name` that a program built for interface version `version` means: the newest not younger
  // than it, nor than `served`, the version that the library claims. Names that came after that are unknown.
  LookupResult find(std::string_view name, int version, int served, bool per_thread_default_stream) const;

 private:
  std::unordered_map<std::string_view, std::vector<const EntryPoint*>> forms_;
};

}  // namespace doppel::api
