// SPDX-License-Identifier: Apache-2.0
#include "driver/context_storage.h"

#include <map>
#include <mutex>
#include <shared_mutex>
#include <utility>
#include <vector>

namespace doppel::driver {
namespace {

struct Slot {
  void* value = nullptr;
  StorageDestructor destructor = nullptr;
};

struct Storage {
  std::shared_mutex mutex;
  std::map<std::pair<CUcontext, void*>, Slot> slots;
};

// Never destroyed: libraries clean up in exit handlers that may run after ours.
Storage& storage() {
  static auto* const made = new Storage;
  return *made;
}

}  // namespace

void put_context_value(CUcontext context, void* key, void* value, StorageDestructor destructor) {
  const std::unique_lock lock(storage().mutex);
  storage().slots[{context, key}] = {value, destructor};
}

std::optional<void*> get_context_value(CUcontext context, void* key) {
  const std::shared_lock lock(storage().mutex);
  const auto found = storage().slots.find({context, key});
  if (found == storage().slots.end()) return std::nullopt;
  return found->second.value;
}

bool remove_context_value(CUcontext context, void* key) {
  const std::unique_lock lock(storage().mutex);
  return storage().slots.erase({context, key}) != 0;
}

void drop_context_values(CUcontext context) {
  std::vector<std::pair<void*, Slot>> dropped;
  {
    const std::unique_lock lock(storage().mutex);
    auto& slots = storage().slots;
    for (auto at = slots.lower_bound({context, nullptr}); at != slots.end() && at->first.first == context;) {
      dropped.emplace_back(at->first.second, at->second);
      at = slots.erase(at);
    }
  }
  // Outside the lock: a destructor may call back.
  for (const auto& [key, slot] : dropped)
    if (slot.destructor != nullptr) slot.destructor(context, key, slot.value);
}

}  // namespace doppel::driver
