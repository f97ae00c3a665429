// SPDX-License-Identifier: Apache-2.0
// Handles of a C interface and the objects that they stand for. A handle is a number that is never used
// twice, so that a freed, foreign or invented one is recognised and never followed.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <unordered_map>
#include <utility>
#include <vector>

namespace doppel::api {

// One sequence for all kinds and all interfaces of the process; starts above the handles with a meaning of
// their own (CU_STREAM_LEGACY and its like).
std::uintptr_t next_handle();

template <typename Handle, typename Object>
class HandleTable {
 public:
  // The object's handle: a new one at the first call, the same while it stays in the table.
  Handle add(std::shared_ptr<Object> object) {
    const std::unique_lock lock(mutex_);
    const auto [at, inserted] = handles_.try_emplace(object.get(), std::uintptr_t{0});
    if (inserted) {
      at->second = next_handle();
      objects_.emplace(at->second, std::move(object));
    }
    return to_handle(at->second);
  }

  // Null for a handle that stands for nothing.
  std::shared_ptr<Object> find(Handle handle) const {
    const std::shared_lock lock(mutex_);
    const auto found = objects_.find(to_number(handle));
    return found == objects_.end() ? nullptr : found->second;
  }

  std::shared_ptr<Object> remove(Handle handle) {
    const std::unique_lock lock(mutex_);
    const auto found = objects_.find(to_number(handle));
    if (found == objects_.end()) return nullptr;
    std::shared_ptr<Object> object = std::move(found->second);
    objects_.erase(found);
    handles_.erase(object.get());
    return object;
  }

  // Removes all for which `condition(object)` holds; they are destroyed after the table is unlocked.
  template <typename Condition>
  void remove_if(Condition condition) {
    std::vector<std::shared_ptr<Object>> removed;
    const std::unique_lock lock(mutex_);
    for (auto at = objects_.begin(); at != objects_.end();) {
      if (condition(*at->second)) {
        handles_.erase(at->second.get());
        removed.push_back(std::move(at->second));
        at = objects_.erase(at);
      } else {
        ++at;
      }
    }
  }

 private:
  static Handle to_handle(std::uintptr_t number) {
    if constexpr (std::is_pointer_v<Handle>)
      return reinterpret_cast<Handle>(number);  // never followed
    else
      return static_cast<Handle>(number);
  }
  static std::uintptr_t to_number(Handle handle) {
    if constexpr (std::is_pointer_v<Handle>)
      return reinterpret_cast<std::uintptr_t>(handle);
    else
      return static_cast<std::uintptr_t>(handle);
  }

  mutable std::shared_mutex mutex_;
  std::unordered_map<std::uintptr_t, std::shared_ptr<Object>> objects_;
  std::unordered_map<const Object*, std::uintptr_t> handles_;
};

}  // namespace doppel::api
