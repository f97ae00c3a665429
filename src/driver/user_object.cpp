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

CUresult retain(CUuserObject handle, unsigned count) {
  const auto object = user_objects().find(handle);
  if (!object || count == 0) return CUDA_ERROR_INVALID_VALUE;
  const std::lock_guard lock(object->mutex);
  object->references += count;
  return CUDA_SUCCESS;
}

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
CUresult cuUserObjectRelease(CUuserObject handle, unsigned count) {
  return call(__func__, std::tuple(handle, count), [&] { return release(handle, count); });
}

}  // extern "C"
