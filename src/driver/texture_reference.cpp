// SPDX-License-Identifier: Apache-2.0
// Texture and surface references: variables of modules (.texref, .surfref) that the program binds to memory.
// A change is seen by launches from then on; what is queued runs first.
#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "device/array.h"
#include "device/context.h"
#include "device/module.h"
#include "driver/call.h"
#include "driver/objects.h"
#include "driver/texture_formats.h"
#include "driver/texture_resource.h"

namespace doppel::driver {

// What the program has set; it stands behind the variable's handle as far as it is complete.
struct TextureReference {
  std::weak_ptr<device::Module> module;
  std::uint64_t handle = 0;  // of the module's variable; 0: of none
  std::optional<CUDA_RESOURCE_DESC> resource;
  CUDA_TEXTURE_DESC texture{};
  CUarray_format format = CU_AD_FORMAT_UNSIGNED_INT8;
  int channels = 1;
  bool is_surface = false;
};

namespace {

// A fresh reference clamps, takes the nearest texel, and reads floats (cuTexRefCreate and its like).
CUDA_TEXTURE_DESC initial_texture() {
  CUDA_TEXTURE_DESC texture{};
  std::ranges::fill(texture.addressMode, CU_TR_ADDRESS_MODE_CLAMP);
  texture.maxAnisotropy = 1;
  return texture;
}

Result<std::shared_ptr<TextureReference>> find_reference(CUtexref handle) {
  auto found = objects().texture_references.find(handle);
  if (!found) return fail(Error::Kind::InvalidHandle, "no such texture reference");
  return found;
}

Result<std::shared_ptr<TextureReference>> find_reference(CUsurfref handle) {
  return find_reference(reinterpret_cast<CUtexref>(handle))
      .and_then([](auto found) -> Result<std::shared_ptr<TextureReference>> {
        if (!found->is_surface) return fail(Error::Kind::InvalidHandle, "no such surface reference");
        return found;
      });
}

// Puts what was set behind the variable's handle.
Result<void> bind(TextureReference& reference) {
  const auto module = reference.module.lock();
  if (!module || reference.handle == 0 || !reference.resource) return {};
  device::Device& device = module->context().device();
  return image_of(*reference.resource, module->context()).and_then([&](texture::Image image) -> Result<void> {
    if (reference.is_surface) {
      module->context().wait_until_run();
      device.textures().replace_surface(reference.handle, std::move(image));
      return {};
    }
    return sampler_of(reference.texture, *reference.resource, image)
        .map([&](const texture::Sampler& sampler) {
          module->context().wait_until_run();
          device.textures().replace_texture(reference.handle, texture_of(std::move(image), sampler));
        });
  });
}

// change(reference): a Result<void>.
template <typename Handle, typename Change>
CUresult set(Handle handle, Change change) {
  return answer(find_reference(handle).and_then([&](const auto& reference) -> Result<void> {
    TextureReference before = *reference;
    auto done = change(*reference).and_then([&] { return bind(*reference); });
    if (!done) *reference = std::move(before);
    return done;
  }));
}

template <typename Out, typename Handle, typename Read>
CUresult get(Out* out, Handle handle, Read read) {
  if (out == nullptr) return CUDA_ERROR_INVALID_VALUE;
  return answer(find_reference(handle).map([&](const auto& reference) { return read(*reference); }), out);
}

Result<void> refused(const char* why) { return fail(Error::Kind::InvalidArgument, why); }

Result<void> bind_array(TextureReference& reference, CUarray handle) {
  return find_array(handle).map([&](const auto& array) {
    CUDA_RESOURCE_DESC resource{};
    resource.resType = CU_RESOURCE_TYPE_ARRAY;
    resource.res.array.hArray = handle;
    reference.resource = resource;
    // The format is the array's, as CU_TRSA_OVERRIDE_FORMAT says.
    reference.format = static_cast<CUarray_format>(array->description().interface_format);
    reference.channels = static_cast<int>(array->description().channels);
  });
}

Result<std::uint64_t> reference_of(CUmodule handle, const char* name, bool surface) {
  return find_module(handle).and_then([&](const auto& module) {
    return module->opaque_variable(name, surface ? ir::OpaqueType::Surface : ir::OpaqueType::Texture)
        .map([&](std::uint64_t variable) -> std::uint64_t {
          // The same reference at every call.
          auto& slot = module->reference_slot(variable);
          auto reference = std::static_pointer_cast<TextureReference>(slot);
          if (!reference) {
            reference = std::make_shared<TextureReference>();
            reference->module = module;
            reference->handle = variable;
            reference->texture = initial_texture();
            reference->is_surface = surface;
            slot = reference;
          }
          return reinterpret_cast<std::uintptr_t>(objects().texture_references.add(reference));
        });
  });
}

}  // namespace
}  // namespace doppel::driver

extern "C" {
using namespace doppel::driver;

CUresult cuModuleGetTexRef(CUtexref* reference, CUmodule module, const char* name) {
  return call(__func__, std::tuple(reference, module, text(name)), [&] {
    if (reference == nullptr || name == nullptr) return CUDA_ERROR_INVALID_VALUE;
    return answer(reference_of(module, name, false).map([](std::uint64_t handle) {
      return reinterpret_cast<CUtexref>(handle);
    }),
                  reference);
  });
}
CUresult cuModuleGetSurfRef(CUsurfref* reference, CUmodule module, const char* name) {
  return call(__func__, std::tuple(reference, module, text(name)), [&] {
    if (reference == nullptr || name == nullptr) return CUDA_ERROR_INVALID_VALUE;
    return answer(reference_of(module, name, true).map([](std::uint64_t handle) {
      return reinterpret_cast<CUsurfref>(handle);
    }),
                  reference);
  });
}

CUresult cuTexRefCreate(CUtexref* reference) {
  return call(__func__, std::tuple(reference), [&] {
    if (reference == nullptr) return CUDA_ERROR_INVALID_VALUE;
    auto made = std::make_shared<TextureReference>();
    made->texture = initial_texture();
    *reference = objects().texture_references.add(std::move(made));
    return CUDA_SUCCESS;
  });
}
CUresult cuTexRefDestroy(CUtexref reference) {
  return call(__func__, std::tuple(reference), [&] {
    return objects().texture_references.remove(reference) ? CUDA_SUCCESS : CUDA_ERROR_INVALID_HANDLE;
  });
}

CUresult cuTexRefSetArray(CUtexref reference, CUarray array, unsigned flags) {
  return call(__func__, std::tuple(reference, array, flags),
              [&] { return set(reference, [&](TextureReference& r) { return bind_array(r, array); }); });
}
CUresult cuTexRefSetMipmappedArray(CUtexref reference, CUmipmappedArray array, unsigned flags) {
  return call(__func__, std::tuple(reference, array, flags), [&] {
    return set(reference, [&](TextureReference& r) {
      return find_mipmapped_array(array).map([&](const auto&) {
        CUDA_RESOURCE_DESC resource{};
        resource.resType = CU_RESOURCE_TYPE_MIPMAPPED_ARRAY;
        resource.res.mipmap.hMipmappedArray = array;
        r.resource = resource;
      });
    });
  });
}
CUresult cuTexRefSetAddress_v2(size_t* offset, CUtexref reference, CUdeviceptr address, size_t bytes) {
  return call(__func__, std::tuple(offset, reference, address, bytes), [&] {
    // The texture begins at an aligned address: how far before the given one is told, where there is a place.
    const CUdeviceptr start = address & ~CUdeviceptr{255};
    if (offset == nullptr && start != address) return CUDA_ERROR_INVALID_VALUE;
    const CUresult result = set(reference, [&](TextureReference& r) -> doppel::Result<void> {
      CUDA_RESOURCE_DESC resource{};
      resource.resType = CU_RESOURCE_TYPE_LINEAR;
      resource.res.linear = {start, r.format, static_cast<unsigned>(r.channels), bytes + (address - start)};
      r.resource = resource;
      return {};
    });
    if (result == CUDA_SUCCESS && offset != nullptr) *offset = address - start;
    return result;
  });
}
CUresult cuTexRefSetAddress2D_v3(CUtexref reference, const CUDA_ARRAY_DESCRIPTOR* descriptor,
                                 CUdeviceptr address, size_t pitch) {
  return call(__func__, std::tuple(reference, descriptor, address, pitch), [&] {
    if (descriptor == nullptr) return CUDA_ERROR_INVALID_VALUE;
    return set(reference, [&](TextureReference& r) -> doppel::Result<void> {
      CUDA_RESOURCE_DESC resource{};
      resource.resType = CU_RESOURCE_TYPE_PITCH2D;
      resource.res.pitch2D = {address,           descriptor->Format, descriptor->NumChannels,
                              descriptor->Width, descriptor->Height, pitch};
      r.resource = resource;
      r.format = descriptor->Format;
      r.channels = static_cast<int>(descriptor->NumChannels);
      return {};
    });
  });
}
CUresult cuTexRefSetFormat(CUtexref reference, CUarray_format format, int channels) {
  return call(__func__, std::tuple(reference, format, channels), [&] {
    return set(reference, [&](TextureReference& r) -> doppel::Result<void> {
      const auto known = format_of(format, static_cast<unsigned>(channels));
      if (!known) return tl::unexpected(known.error());
      r.format = format;
      r.channels = channels;
      if (r.resource && r.resource->resType == CU_RESOURCE_TYPE_LINEAR) {
        r.resource->res.linear.format = format;
        r.resource->res.linear.numChannels = static_cast<unsigned>(channels);
      }
      return {};
    });
  });
}
CUresult cuTexRefSetAddressMode(CUtexref reference, int dimension, CUaddress_mode mode) {
  return call(__func__, std::tuple(reference, dimension, mode), [&] {
    return set(reference, [&](TextureReference& r) {
      if (dimension < 0 || dimension > 2 || mode < CU_TR_ADDRESS_MODE_WRAP ||
          mode > CU_TR_ADDRESS_MODE_BORDER)
        return refused("an address mode or a dimension that does not exist");
      r.texture.addressMode[dimension] = mode;
      return doppel::Result<void>();
    });
  });
}
CUresult cuTexRefSetFilterMode(CUtexref reference, CUfilter_mode mode) {
  return call(__func__, std::tuple(reference, mode), [&] {
    return set(reference, [&](TextureReference& r) {
      if (mode != CU_TR_FILTER_MODE_POINT && mode != CU_TR_FILTER_MODE_LINEAR)
        return refused("there is no such filter");
      r.texture.filterMode = mode;
      return doppel::Result<void>();
    });
  });
}
CUresult cuTexRefSetMipmapFilterMode(CUtexref reference, CUfilter_mode mode) {
  return call(__func__, std::tuple(reference, mode), [&] {
    return set(reference, [&](TextureReference& r) {
      if (mode != CU_TR_FILTER_MODE_POINT && mode != CU_TR_FILTER_MODE_LINEAR)
        return refused("there is no such filter");
      r.texture.mipmapFilterMode = mode;
      return doppel::Result<void>();
    });
  });
}
CUresult cuTexRefSetMipmapLevelBias(CUtexref reference, float bias) {
  return call(__func__, std::tuple(reference, bias), [&] {
    return set(reference, [&](TextureReference& r) {
      r.texture.mipmapLevelBias = bias;
      return doppel::Result<void>();
    });
  });
}
CUresult cuTexRefSetMipmapLevelClamp(CUtexref reference, float least, float most) {
  return call(__func__, std::tuple(reference, least, most), [&] {
    return set(reference, [&](TextureReference& r) {
      r.texture.minMipmapLevelClamp = least;
      r.texture.maxMipmapLevelClamp = most;
      return doppel::Result<void>();
    });
  });
}
CUresult cuTexRefSetMaxAnisotropy(CUtexref reference, unsigned most) {
  return call(__func__, std::tuple(reference, most), [&] {
    return set(reference, [&](TextureReference& r) {
      r.texture.maxAnisotropy = most;
      return doppel::Result<void>();
    });
  });
}
CUresult cuTexRefSetBorderColor(CUtexref reference, float* color) {
  return call(__func__, std::tuple(reference, color), [&] {
    if (color == nullptr) return CUDA_ERROR_INVALID_VALUE;
    return set(reference, [&](TextureReference& r) {
      std::copy_n(color, 4, r.texture.borderColor);
      return doppel::Result<void>();
    });
  });
}
CUresult cuTexRefSetFlags(CUtexref reference, unsigned flags) {
  return call(__func__, std::tuple(reference, flags), [&] {
    return set(reference, [&](TextureReference& r) {
      r.texture.flags = flags;
      return doppel::Result<void>();
    });
  });
}

CUresult cuTexRefGetAddress_v2(CUdeviceptr* address, CUtexref reference) {
  return call(__func__, std::tuple(address, reference), [&] {
    if (address == nullptr) return CUDA_ERROR_INVALID_VALUE;
    const auto found = find_reference(reference);
    if (!found) return to_result(found.error());
    const auto& resource = (*found)->resource;
    if (resource && resource->resType == CU_RESOURCE_TYPE_LINEAR) {
      *address = resource->res.linear.devPtr;
    } else if (resource && resource->resType == CU_RESOURCE_TYPE_PITCH2D) {
      *address = resource->res.pitch2D.devPtr;
    } else {
      return CUDA_ERROR_INVALID_VALUE;  // it is bound to no memory
    }
    return CUDA_SUCCESS;
  });
}
CUresult cuTexRefGetArray(CUarray* array, CUtexref reference) {
  return call(__func__, std::tuple(array, reference), [&] {
    if (array == nullptr) return CUDA_ERROR_INVALID_VALUE;
    const auto found = find_reference(reference);
    if (!found) return to_result(found.error());
    const auto& resource = (*found)->resource;
    if (!resource || resource->resType != CU_RESOURCE_TYPE_ARRAY) return CUDA_ERROR_INVALID_VALUE;
    *array = resource->res.array.hArray;
    return CUDA_SUCCESS;
  });
}
CUresult cuTexRefGetMipmappedArray(CUmipmappedArray* array, CUtexref reference) {
  return call(__func__, std::tuple(array, reference), [&] {
    if (array == nullptr) return CUDA_ERROR_INVALID_VALUE;
    const auto found = find_reference(reference);
    if (!found) return to_result(found.error());
    const auto& resource = (*found)->resource;
    if (!resource || resource->resType != CU_RESOURCE_TYPE_MIPMAPPED_ARRAY) return CUDA_ERROR_INVALID_VALUE;
    *array = resource->res.mipmap.hMipmappedArray;
    return CUDA_SUCCESS;
  });
}
CUresult cuTexRefGetAddressMode(CUaddress_mode* mode, CUtexref reference, int dimension) {
  return call(__func__, std::tuple(mode, reference, dimension), [&] {
    if (dimension < 0 || dimension > 2) return CUDA_ERROR_INVALID_VALUE;
    return get(mode, reference, [&](const TextureReference& r) { return r.texture.addressMode[dimension]; });
  });
}
CUresult cuTexRefGetFilterMode(CUfilter_mode* mode, CUtexref reference) {
  return call(__func__, std::tuple(mode, reference), [&] {
    return get(mode, reference, [](const TextureReference& r) { return r.texture.filterMode; });
  });
}
CUresult cuTexRefGetFormat(CUarray_format* format, int* channels, CUtexref reference) {
  return call(__func__, std::tuple(format, channels, reference), [&] {
    const auto found = find_reference(reference);
    if (!found) return to_result(found.error());
    if (format != nullptr) *format = (*found)->format;
    if (channels != nullptr) *channels = (*found)->channels;
    return CUDA_SUCCESS;
  });
}
CUresult cuTexRefGetMipmapFilterMode(CUfilter_mode* mode, CUtexref reference) {
  return call(__func__, std::tuple(mode, reference), [&] {
    return get(mode, reference, [](const TextureReference& r) { return r.texture.mipmapFilterMode; });
  });
}
CUresult cuTexRefGetMipmapLevelBias(float* bias, CUtexref reference) {
  return call(__func__, std::tuple(bias, reference), [&] {
    return get(bias, reference, [](const TextureReference& r) { return r.texture.mipmapLevelBias; });
  });
}
CUresult cuTexRefGetMipmapLevelClamp(float* least, float* most, CUtexref reference) {
  return call(__func__, std::tuple(least, most, reference), [&] {
    if (least == nullptr || most == nullptr) return CUDA_ERROR_INVALID_VALUE;
    const auto found = find_reference(reference);
    if (!found) return to_result(found.error());
    *least = (*found)->texture.minMipmapLevelClamp;
    *most = (*found)->texture.maxMipmapLevelClamp;
    return CUDA_SUCCESS;
  });
}
CUresult cuTexRefGetMaxAnisotropy(int* most, CUtexref reference) {
  return call(__func__, std::tuple(most, reference), [&] {
    return get(most, reference,
               [](const TextureReference& r) { return static_cast<int>(r.texture.maxAnisotropy); });
  });
}
CUresult cuTexRefGetBorderColor(float* color, CUtexref reference) {
  return call(__func__, std::tuple(color, reference), [&] {
    if (color == nullptr) return CUDA_ERROR_INVALID_VALUE;
    const auto found = find_reference(reference);
    if (!found) return to_result(found.error());
    std::copy_n((*found)->texture.borderColor, 4, color);
    return CUDA_SUCCESS;
  });
}
CUresult cuTexRefGetFlags(unsigned* flags, CUtexref reference) {
  return call(__func__, std::tuple(flags, reference), [&] {
    return get(flags, reference, [](const TextureReference& r) { return r.texture.flags; });
  });
}

// Before the driver bound textures by itself, a function had to be told of them.
CUresult cuParamSetTexRef(CUfunction function, int unit, CUtexref reference) {
  return call(__func__, std::tuple(function, unit, reference), [&] {
    const auto found = find_reference(reference);
    return found ? CUDA_SUCCESS : to_result(found.error());
  });
}

CUresult cuSurfRefSetArray(CUsurfref reference, CUarray array, unsigned flags) {
  return call(__func__, std::tuple(reference, array, flags), [&] {
    if (flags != 0) return CUDA_ERROR_INVALID_VALUE;
    return set(reference, [&](TextureReference& r) -> doppel::Result<void> {
      const auto found = find_array(array);
      if (!found) return tl::unexpected(found.error());
      if (((*found)->description().flags & CUDA_ARRAY3D_SURFACE_LDST) == 0)
        return refused("the array was not made for surfaces");
      return bind_array(r, array);
    });
  });
}
CUresult cuSurfRefGetArray(CUarray* array, CUsurfref reference) {
  return call(__func__, std::tuple(array, reference), [&] {
    if (array == nullptr) return CUDA_ERROR_INVALID_VALUE;
    const auto found = find_reference(reference);
    if (!found) return to_result(found.error());
    if (!(*found)->resource) return CUDA_ERROR_INVALID_VALUE;
    *array = (*found)->resource->res.array.hArray;
    return CUDA_SUCCESS;
  });
}

}  // extern "C"
