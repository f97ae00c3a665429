// SPDX-License-Identifier: Apache-2.0
// Objects of the program that graphs keep alive: counted, and destroyed by the program's function with the
// last reference.
#include <map>
#include <mutex>

#include "driver/call.h"
#include "driver/objects.h"

namespace doppel::driver {
namespace {

struct UserObject {
  void* object = nullptr;
  CUhostFn destroy = nullptr;
  std::mutex mutex;
  unsigned references = 0;
};

HandleTable<CUuserObject, UserObject>& user_objects() {
  static auto* const made = new HandleTable<CUuserObject, UserObject>;
  return *made;
}

bool has_references(CUuserObject handle, unsigned count) {
  const auto object = user_objects().find(handle);
  if (!object) return false;
  const std::lock_guard lock(object->mutex);
  return object->references >= count;
}

CUresult retain(CUuserObject handle, unsigned count) {
  const auto object = user_objects().find(handle);
  if (!object || count == 0) return CUDA_ERROR_INVALID_VALUE;
  const std::lock_guard lock(object->mutex);
  object->references += count;
  return CUDA_SUCCESS;
}

// One reference, as a graph holds it: released when the last copy of the pointer goes.
std::shared_ptr<void> held_reference(CUuserObject handle);

CUresult release(CUuserObject handle, unsigned count) {
  const auto object = user_objects().find(handle);
  if (!object || count == 0) return CUDA_ERROR_INVALID_VALUE;
  {
    const std::lock_guard lock(object->mutex);
    if (count > object->references) return CUDA_ERROR_INVALID_VALUE;
    object->references -= count;
    if (object->references != 0) return CUDA_SUCCESS;
  }
  user_objects().remove(handle);
  object->destroy(object->object);
  return CUDA_SUCCESS;
}

std::shared_ptr<void> held_reference(CUuserObject handle) {
  return {reinterpret_cast<void*>(handle),
          [](void* held) { release(reinterpret_cast<CUuserObject>(held), 1); }};
}

CUresult retain_by_graph(CUgraph graph, CUuserObject handle, unsigned count, unsigned flags) {
  if (count == 0 || (flags & ~static_cast<unsigned>(CU_GRAPH_USER_OBJECT_MOVE)) != 0)
    return CUDA_ERROR_INVALID_VALUE;
  const auto found = find_graph(graph);
  if (!found) return to_result(found.error());
  // Moved references are the caller's own, which it must have.
  const bool moved = (flags & CU_GRAPH_USER_OBJECT_MOVE) != 0;
  if (!moved) {
    if (const CUresult retained = retain(handle, count); retained != CUDA_SUCCESS) return retained;
  } else if (!has_references(handle, count)) {
    return CUDA_ERROR_INVALID_VALUE;
  }
  (*found)->keep(handle, count, [handle] { return held_reference(handle); });
  return CUDA_SUCCESS;
}

}  // namespace
}  // namespace doppel::driver

extern "C" {
using namespace doppel::driver;

CUresult cuUserObjectCreate(CUuserObject* handle, void* object, CUhostFn destroy, unsigned references,
                            unsigned flags) {
  return call(__func__, std::tuple(handle, object, destroy, references, flags), [&] {
    if (handle == nullptr || destroy == nullptr || references == 0 ||
        flags != CU_USER_OBJECT_NO_DESTRUCTOR_SYNC)
      return CUDA_ERROR_INVALID_VALUE;
    auto made = std::make_shared<UserObject>();
    made->object = object;
    made->destroy = destroy;
    made->references = references;
    *handle = user_objects().add(std::move(made));
    return CUDA_SUCCESS;
  });
}
CUresult cuUserObjectRetain(CUuserObject handle, unsigned count) {
  return call(__func__, std::tuple(handle, count), [&] { return retain(handle, count); });
}
CUresult cuGraphRetainUserObject(CUgraph graph, CUuserObject object, unsigned count, unsigned flags) {
  return call(__func__, std::tuple(graph, object, count, flags),
              [&] { return retain_by_graph(graph, object, count, flags); });
}
CUresult cuGraphReleaseUserObject(CUgraph graph, CUuserObject object, unsigned count) {
  return call(__func__, std::tuple(graph, object, count), [&] {
    if (count == 0) return CUDA_ERROR_INVALID_VALUE;
    return answer(find_graph(graph).and_then([&](const auto& found) { return found->drop(object, count); }));
  });
}
CUresult cuUserObjectRelease(CUuserObject handle, unsigned count) {
  return call(__func__, std::tuple(handle, count), [&] { return release(handle, count); });
}

}  // extern "C"
