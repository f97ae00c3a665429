// SPDX-License-Identifier: Apache-2.0
// The runtime's functions that kernels call to launch kernels (CUDA C++ Programming Guide, "CUDA Dynamic
// Parallelism", version 2): their names in PTX, and their signatures. Generated code calls them as it calls
// malloc (RuntimeCallbacks::call), by kFirstDeviceFunction + the index here.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "jit/warp_abi.h"

namespace doppel::jit {

enum class DeviceFunction : std::uint32_t {
  GetParameterBufferV2,
  LaunchDeviceV2,
  GetParameterBuffer,
  LaunchDevice,
  GetLastError,
  PeekAtLastError,
  StreamCreateWithFlags,
  StreamDestroy,
  StreamWaitEvent,
  EventCreateWithFlags,
  EventDestroy,
  EventRecord,
  EventRecordWithFlags,
  Malloc,
  Free,
  MemcpyAsync,
  MemsetAsync,
  GetDevice,
  GetDeviceCount,
  DeviceGetAttribute,
  DeviceGetLimit,
  RuntimeGetVersion,
};

struct DeviceSignature {
  DeviceFunction function;
  std::string_view name;  // behind "__cudaCDP2" or "cuda"; one with a stream also with "_ptsz"
  std::array<std::uint8_t, 6> arguments;  // bytes of each parameter; 0: none
  std::uint8_t result;                    // bytes
  std::uint8_t stored;                    // bytes that it writes to where its first argument points
};

inline constexpr DeviceSignature kDeviceFunctions[] = {
    {DeviceFunction::GetParameterBufferV2, "GetParameterBufferV2", {8, 12, 12, 4}, 8, 0},
    {DeviceFunction::LaunchDeviceV2, "LaunchDeviceV2", {8, 8}, 4, 0},
    {DeviceFunction::GetParameterBuffer, "GetParameterBuffer", {8, 8}, 8, 0},
    {DeviceFunction::LaunchDevice, "LaunchDevice", {8, 8, 12, 12, 4, 8}, 4, 0},
    {DeviceFunction::GetLastError, "GetLastError", {}, 4, 0},
    {DeviceFunction::PeekAtLastError, "PeekAtLastError", {}, 4, 0},
    {DeviceFunction::StreamCreateWithFlags, "StreamCreateWithFlags", {8, 4}, 4, 8},
    {DeviceFunction::StreamDestroy, "StreamDestroy", {8}, 4, 0},
    {DeviceFunction::StreamWaitEvent, "StreamWaitEvent", {8, 8, 4}, 4, 0},
    {DeviceFunction::EventCreateWithFlags, "EventCreateWithFlags", {8, 4}, 4, 8},
    {DeviceFunction::EventDestroy, "EventDestroy", {8}, 4, 0},
    {DeviceFunction::EventRecord, "EventRecord", {8, 8}, 4, 0},
    {DeviceFunction::EventRecordWithFlags, "EventRecordWithFlags", {8, 8, 4}, 4, 0},
    {DeviceFunction::Malloc, "Malloc", {8, 8}, 4, 8},
    {DeviceFunction::Free, "Free", {8}, 4, 0},
    {DeviceFunction::MemcpyAsync, "MemcpyAsync", {8, 8, 8, 4, 8}, 4, 0},
    {DeviceFunction::MemsetAsync, "MemsetAsync", {8, 4, 8, 8}, 4, 0},
    {DeviceFunction::GetDevice, "GetDevice", {8}, 4, 4},
    {DeviceFunction::GetDeviceCount, "GetDeviceCount", {8}, 4, 4},
    {DeviceFunction::DeviceGetAttribute, "DeviceGetAttribute", {8, 4, 4}, 4, 4},
    {DeviceFunction::DeviceGetLimit, "DeviceGetLimit", {8, 4}, 4, 8},
    {DeviceFunction::RuntimeGetVersion, "RuntimeGetVersion", {8}, 4, 4},
};

// Their numbers in RuntimeCallbacks::call follow those of RuntimeFunction.
inline constexpr std::uint32_t kFirstDeviceFunction = 256;

// Null: no such function. NVIDIA's library has each under two names.
inline const DeviceSignature* find_device_function(std::string_view name) {
  constexpr std::string_view kPerThread = "_ptsz";
  for (const std::string_view prefix : {std::string_view("__cudaCDP2"), std::string_view("cuda")}) {
    if (!name.starts_with(prefix)) continue;
    std::string_view rest = name.substr(prefix.size());
    if (rest.ends_with(kPerThread)) rest.remove_suffix(kPerThread.size());
    for (const DeviceSignature& each : kDeviceFunctions)
      if (each.name == rest) return &each;
  }
  return nullptr;
}

}  // namespace doppel::jit
