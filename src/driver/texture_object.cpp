// SPDX-License-Identifier: Apache-2.0
// Texture and surface objects: handles that kernels take as arguments.
#include <map>
#include <mutex>
#include <optional>

#include "device/context.h"
#include "device/platform.h"
#include "driver/call.h"
#include "driver/objects.h"
#include "driver/process.h"
#include "driver/texture_resource.h"

namespace doppel::driver {
namespace {

// What an object was made of, for queries.
struct Made {
  device::Device* device = nullptr;
  CUDA_RESOURCE_DESC resource{};
  CUDA_TEXTURE_DESC texture{};
  std::optional<CUDA_RESOURCE_VIEW_DESC> view;
};

struct Registry {
  std::mutex mutex;
  std::map<std::uint64_t, Made> objects;
};
Registry& textures() {
  static auto* const made = new Registry;
  return *made;
}
Registry& surfaces() {
  static auto* const made = new Registry;
  return *made;
}

Result<Made> find(Registry& registry, std::uint64_t handle) {
  const std::lock_guard lock(registry.mutex);
  const auto found = registry.objects.find(handle);
  if (found == registry.objects.end())
    return fail(Error::Kind::InvalidArgument, "no such texture or surface object, or it was destroyed");
  return found->second;
}

Result<std::uint64_t> keep(Registry& registry, std::uint64_t handle, const Made& made) {
  if (handle == 0) return fail(Error::Kind::OutOfMemory, "no places for texture objects are left");
  const std::lock_guard lock(registry.mutex);
  registry.objects[handle] = made;
  return handle;
}

Result<std::uint64_t> create_texture(const CUDA_RESOURCE_DESC& resource, const CUDA_TEXTURE_DESC& texture,
                                     const CUDA_RESOURCE_VIEW_DESC* view) {
  return current_context().and_then([&](const auto& context) {
    device::Device& device = context->device();
    return image_of(resource, *context)
        .and_then([&](texture::Image image) {
          return view != nullptr ? viewed(std::move(image), *view) : Result<texture::Image>(std::move(image));
        })
        .and_then([&](texture::Image image) {
          return sampler_of(texture, resource, image).map([&](const texture::Sampler& sampler) {
            return texture_of(std::move(image), sampler);
          });
        })
        .and_then([&](texture::Texture made) {
          Made record{&device, resource, texture, {}};
          if (view != nullptr) record.view = *view;
          return keep(textures(), device.textures().add_texture(std::move(made)), record);
        });
  });
}

Result<std::uint64_t> create_surface(const CUDA_RESOURCE_DESC& resource) {
  if (resource.resType != CU_RESOURCE_TYPE_ARRAY)
    return fail(Error::Kind::InvalidArgument, "a surface is of an array");
  return current_context().and_then([&](const auto& context) {
    device::Device& device = context->device();
    return find_array(resource.res.array.hArray)
        .and_then([](const auto& array) -> Result<void> {
          if ((array->description().flags & CUDA_ARRAY3D_SURFACE_LDST) != 0) return {};
          return fail(Error::Kind::InvalidArgument, "the array was not made for surfaces");
        })
        .and_then([&] { return image_of(resource, *context); })
        .and_then([&](texture::Image image) {
          return keep(surfaces(), device.textures().add_surface(std::move(image)),
                      {&device, resource, {}, {}});
        });
  });
}

CUresult destroy(Registry& registry, std::uint64_t handle) {
  const auto made = find(registry, handle);
  if (!made) return to_result(made.error());
  // Launches that are queued still find it.
  if (const auto context = current_context()) (*context)->wait_until_run();
  made->device->textures().remove(handle);
  const std::lock_guard lock(registry.mutex);
  registry.objects.erase(handle);
  return CUDA_SUCCESS;
}

}  // namespace
}  // namespace doppel::driver

extern "C" {
using namespace doppel::driver;

CUresult cuTexObjectCreate(CUtexObject* object, const CUDA_RESOURCE_DESC* resource,
                           const CUDA_TEXTURE_DESC* texture, const CUDA_RESOURCE_VIEW_DESC* view) {
  return call(__func__, std::tuple(object, resource, texture, view), [&] {
    if (object == nullptr || resource == nullptr || texture == nullptr) return CUDA_ERROR_INVALID_VALUE;
    return answer(create_texture(*resource, *texture, view), object);
  });
}
CUresult cuTexObjectDestroy(CUtexObject object) {
  return call(__func__, std::tuple(object), [&] { return destroy(textures(), object); });
}
CUresult cuTexObjectGetResourceDesc(CUDA_RESOURCE_DESC* resource, CUtexObject object) {
  return call(__func__, std::tuple(resource, object), [&] {
    if (resource == nullptr) return CUDA_ERROR_INVALID_VALUE;
    return answer(find(textures(), object).map([](const Made& made) { return made.resource; }), resource);
  });
}
CUresult cuTexObjectGetTextureDesc(CUDA_TEXTURE_DESC* texture, CUtexObject object) {
  return call(__func__, std::tuple(texture, object), [&] {
    if (texture == nullptr) return CUDA_ERROR_INVALID_VALUE;
    return answer(find(textures(), object).map([](const Made& made) { return made.texture; }), texture);
  });
}
CUresult cuTexObjectGetResourceViewDesc(CUDA_RESOURCE_VIEW_DESC* view, CUtexObject object) {
  return call(__func__, std::tuple(view, object), [&] {
    if (view == nullptr) return CUDA_ERROR_INVALID_VALUE;
    const auto made = find(textures(), object);
    if (!made) return to_result(made.error());
    if (!made->view) return CUDA_ERROR_INVALID_VALUE;  // it was made without
    *view = *made->view;
    return CUDA_SUCCESS;
  });
}

CUresult cuSurfObjectCreate(CUsurfObject* object, const CUDA_RESOURCE_DESC* resource) {
  return call(__func__, std::tuple(object, resource), [&] {
    if (object == nullptr || resource == nullptr) return CUDA_ERROR_INVALID_VALUE;
    return answer(create_surface(*resource), object);
  });
}
CUresult cuSurfObjectDestroy(CUsurfObject object) {
  return call(__func__, std::tuple(object), [&] { return destroy(surfaces(), object); });
}
CUresult cuSurfObjectGetResourceDesc(CUDA_RESOURCE_DESC* resource, CUsurfObject object) {
  return call(__func__, std::tuple(resource, object), [&] {
    if (resource == nullptr) return CUDA_ERROR_INVALID_VALUE;
    return answer(find(surfaces(), object).map([](const Made& made) { return made.resource; }), resource);
  });
}

}  // extern "C"
