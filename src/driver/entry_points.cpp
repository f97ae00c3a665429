#include "driver/entry_points.h"

#include <doppel/cuda/result.h>

#include <algorithm>
#include <mutex>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "driver/refusals.h"
#include "support/log.h"

namespace doppel::driver {
namespace {

// Rows of one name, oldest first (the order of entry_points.txt).
using Index = std::unordered_map<std::string_view, std::vector<const EntryPoint*>>;

const Index& index() {
  static const Index made = [] {
    Index by_name;
    for (const EntryPoint& row : entry_points()) by_name[row.name].push_back(&row);
    return by_name;
  }();
  return made;
}

}  // namespace

LookupResult find_entry_point(std::string_view name, int version, int driver_version,
                              bool per_thread_default_stream) {
  const auto found = index().find(name);
  if (found == index().end() || found->second.front()->since > driver_version)
    return {Lookup::UnknownName, nullptr};
  version = std::min(version, driver_version);
  const EntryPoint* best = nullptr;
  for (const EntryPoint* row : found->second)
    if (row->since <= version) best = row;
  if (best == nullptr) return {Lookup::VersionTooOld, nullptr};
  const bool own_stream = per_thread_default_stream && best->per_thread != nullptr;
  return {Lookup::Found, own_stream ? best->per_thread : best->function};
}

int refuse(const char* symbol) {
  static std::mutex mutex;
  static std::set<std::string> named;
  note_refused_call(symbol);
  const std::lock_guard lock(mutex);
  if (named.insert(symbol).second) log().error("{} is not supported yet", symbol);
  return CUDA_ERROR_NOT_SUPPORTED;
}

}  // namespace doppel::driver
