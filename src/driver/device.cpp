// SPDX-License-Identifier: Apache-2.0
// Cards: cuDevice* without primary contexts.
#include "device/device.h"

#include <fmt/format.h>

#include <cctype>
#include <cstdio>
#include <cstring>

#include "driver/call.h"
#include "driver/device_attributes.h"
#include "driver/objects.h"
#include "driver/process.h"
#include "driver/texture_formats.h"

namespace doppel::driver {
namespace {

PciLocation location_of(const device::Device& device) {
  const device::PciAddress at = device.pci();
  return {at.domain, at.bus, at.device};
}

// Copies with the closing zero; cut where there is no room, as the interface says.
CUresult copy_text(const std::string& text, char* out, int capacity) {
  if (out == nullptr || capacity <= 0) return CUDA_ERROR_INVALID_VALUE;
  std::snprintf(out, static_cast<std::size_t>(capacity), "%s", text.c_str());
  return CUDA_SUCCESS;
}

std::string bus_id(const device::Device& device) {
  const device::PciAddress at = device.pci();
  return fmt::format("{:04X}:{:02X}:{:02X}.0", at.domain, at.bus, at.device);
}

CUresult get_uuid(CUuuid* uuid, CUdevice device, const device::Uuid& (device::Device::*which)() const) {
  if (uuid == nullptr) return CUDA_ERROR_INVALID_VALUE;
  return answer(find_device(device).map([&](const device::Device* found) {
    std::memcpy(uuid->bytes, (found->*which)().data(), sizeof(uuid->bytes));
  }));
}

CUresult get_properties(CUdevprop* out, const device::Device& device) {
  const card::Card& card = device.card();
  *out = CUdevprop{};
  out->maxThreadsPerBlock = card.sm.max_threads_per_block;
  for (std::size_t i = 0; i < 3; ++i) {
    out->maxThreadsDim[i] = card.sm.max_block_dim[i];
    out->maxGridSize[i] = card.sm.max_grid_dim[i];
  }
  out->sharedMemPerBlock = card.shared.bytes_per_block;
  out->totalConstantMemory = static_cast<int>(card.constant_bytes);
  out->SIMDWidth = card.sm.warp_size;
  out->memPitch = static_cast<int>(card.textures.max_pitch_bytes);
  out->regsPerBlock = card.sm.registers_per_block;
  out->clockRate = static_cast<int>(card.clocks.boost_mhz * 1000);
  out->textureAlign = card.textures.alignment_bytes;
  return CUDA_SUCCESS;
}

}  // namespace
}  // namespace doppel::driver

extern "C" {
using namespace doppel::driver;

CUresult cuDeviceGetCount(int* count) {
  return call(__func__, std::tuple(count), [&] {
    if (count == nullptr) return CUDA_ERROR_INVALID_VALUE;
    *count = platform().device_count();
    return CUDA_SUCCESS;
  });
}

CUresult cuDeviceGet(CUdevice* device, int ordinal) {
  return call(__func__, std::tuple(device, ordinal), [&] {
    if (device == nullptr) return CUDA_ERROR_INVALID_VALUE;
    return answer(find_device(ordinal).map([&](const auto*) { return ordinal; }), device);
  });
}

CUresult cuDeviceGetName(char* name, int capacity, CUdevice device) {
  return call(__func__, std::tuple(name, capacity, device), [&] {
    const auto found = find_device(device);
    return found ? copy_text((*found)->card().name, name, capacity) : to_result(found.error());
  });
}

CUresult cuDeviceTotalMem_v2(size_t* bytes, CUdevice device) {
  return call(__func__, std::tuple(bytes, device), [&] {
    if (bytes == nullptr) return CUDA_ERROR_INVALID_VALUE;
    return answer(find_device(device).map([](const auto* found) { return found->card().memory.bytes; }),
                  bytes);
  });
}

CUresult cuDeviceGetUuid(CUuuid* uuid, CUdevice device) {
  return call(__func__, std::tuple(uuid, device),
              [&] { return get_uuid(uuid, device, &doppel::device::Device::card_uuid); });
}

// Of a MIG device: its own (driver API, cuDeviceGetUuid_v2).
CUresult cuDeviceGetUuid_v2(CUuuid* uuid, CUdevice device) {
  return call(__func__, std::tuple(uuid, device),
              [&] { return get_uuid(uuid, device, &doppel::device::Device::uuid); });
}

CUresult cuDeviceGetAttribute(int* value, CUdevice_attribute attribute, CUdevice device) {
  return call(__func__, std::tuple(value, attribute, device), [&] {
    if (value == nullptr) return CUDA_ERROR_INVALID_VALUE;
    const auto found = find_device(device);
    if (!found) return to_result(found.error());
    const auto known = device_attribute((*found)->card(), location_of(**found), attribute);
    if (!known) return CUDA_ERROR_INVALID_VALUE;
    *value = *known;
    return CUDA_SUCCESS;
  });
}

CUresult cuDeviceComputeCapability(int* major, int* minor, CUdevice device) {
  return call(__func__, std::tuple(major, minor, device), [&] {
    if (major == nullptr || minor == nullptr) return CUDA_ERROR_INVALID_VALUE;
    return answer(find_device(device).map([&](const auto* found) {
      *major = found->card().compute_capability.major;
      *minor = found->card().compute_capability.minor;
    }));
  });
}

CUresult cuDeviceGetProperties(CUdevprop* properties, CUdevice device) {
  return call(__func__, std::tuple(properties, device), [&] {
    if (properties == nullptr) return CUDA_ERROR_INVALID_VALUE;
    const auto found = find_device(device);
    return found ? get_properties(properties, **found) : to_result(found.error());
  });
}

CUresult cuDeviceGetPCIBusId(char* text, int capacity, CUdevice device) {
  return call(__func__, std::tuple(text, capacity, device), [&] {
    const auto found = find_device(device);
    return found ? copy_text(bus_id(**found), text, capacity) : to_result(found.error());
  });
}

// "DOMAIN:BUS:DEVICE.FUNCTION", where domain and function may be left out.
CUresult cuDeviceGetByPCIBusId(CUdevice* device, const char* text) {
  return call(__func__, std::tuple(device, text), [&] {
    if (device == nullptr || text == nullptr) return CUDA_ERROR_INVALID_VALUE;
    unsigned domain = 0;
    unsigned bus = 0;
    unsigned slot = 0;
    if (std::sscanf(text, "%x:%x:%x", &domain, &bus, &slot) != 3) {
      domain = 0;
      if (std::sscanf(text, "%x:%x", &bus, &slot) != 2) return CUDA_ERROR_INVALID_VALUE;
    }
    for (int ordinal = 0; ordinal < platform().device_count(); ++ordinal) {
      const auto at = platform().device(ordinal).pci();
      if (at.domain == static_cast<int>(domain) && at.bus == static_cast<int>(bus) &&
          at.device == static_cast<int>(slot)) {
        *device = ordinal;
        return CUDA_SUCCESS;
      }
    }
    return CUDA_ERROR_INVALID_DEVICE;
  });
}

CUresult cuDeviceGetExecAffinitySupport(int* supported, CUexecAffinityType type, CUdevice device) {
  return call(__func__, std::tuple(supported, type, device), [&] {
    if (supported == nullptr) return CUDA_ERROR_INVALID_VALUE;
    return answer(find_device(device).map([](const auto*) { return 0; }), supported);
  });
}

// The widest array of such elements that a one-dimensional texture over plain memory can cover.
CUresult cuDeviceGetTexture1DLinearMaxWidth(size_t* width, CUarray_format format, unsigned channels,
                                            CUdevice device) {
  return call(__func__, std::tuple(width, format, channels, device), [&] {
    if (width == nullptr) return CUDA_ERROR_INVALID_VALUE;
    if (const auto known = format_of(format, channels); !known) return to_result(known.error());
    return answer(
        find_device(device).map([](const auto* found) { return found->card().textures.max_1d_linear; }),
        width);
  });
}

}  // extern "C"
