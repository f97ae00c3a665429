// SPDX-License-Identifier: Apache-2.0
#include "driver/launch_request.h"

#include <fmt/format.h>

#include <algorithm>

#include "driver/call.h"

namespace doppel::driver {
namespace {

struct PackedArguments {
  const void* buffer = nullptr;
  std::size_t bytes = 0;
};

// `extra` is a list of keys and values that ends in CU_LAUNCH_PARAM_END.
Result<PackedArguments> read_extra(void** extra) {
  PackedArguments packed;
  constexpr int kLongest = 16;
  for (int i = 0; i < kLongest; i += 2) {
    if (extra[i] == CU_LAUNCH_PARAM_END) return packed;
    if (extra[i] == CU_LAUNCH_PARAM_BUFFER_POINTER) {
      packed.buffer = extra[i + 1];
    } else if (extra[i] == CU_LAUNCH_PARAM_BUFFER_SIZE) {
      packed.bytes = *static_cast<const std::size_t*>(extra[i + 1]);
    } else {
      break;
    }
  }
  return fail(Error::Kind::InvalidArgument,
              "the list of extra launch options holds an unknown key or does not end");
}

Result<std::vector<std::byte>> pack(const device::Kernel& kernel, const LaunchRequest& request) {
  if (request.parameters != nullptr) return kernel.pack(request.parameters);
  if (request.extra != nullptr)
    return read_extra(request.extra).and_then([&](const PackedArguments& packed) {
      return kernel.pack(packed.buffer, packed.bytes);
    });
  if (!kernel.parameters().empty())
    return fail(Error::Kind::InvalidArgument,
                fmt::format("kernel '{}' takes {} arguments, the launch gives none", kernel.name(),
                            kernel.parameters().size()));
  return std::vector<std::byte>{};
}

}  // namespace

Result<device::KernelWork> to_work(const LaunchRequest& request) {
  return find_function(request.function).and_then([&](const auto& kernel) {
    return pack(*kernel, request).map([&](std::vector<std::byte> parameters) {
      return device::KernelWork{kernel, kernel->in_clusters(request.config), std::move(parameters)};
    });
  });
}

Result<void> apply_attributes(LaunchConfig& config, const CUlaunchAttribute* attributes, unsigned count) {
  if (count != 0 && attributes == nullptr)
    return fail(Error::Kind::InvalidArgument, "launch attributes without their array");
  for (unsigned i = 0; i < count; ++i) {
    const CUlaunchAttributeValue& value = attributes[i].value;
    switch (attributes[i].id) {
      case CU_LAUNCH_ATTRIBUTE_COOPERATIVE:
        config.cooperative = value.cooperative != 0;
        break;
      case CU_LAUNCH_ATTRIBUTE_PREFERRED_SHARED_MEMORY_CARVEOUT:
        config.preferred_carveout = static_cast<int>(value.sharedMemCarveout);
        break;
      case CU_LAUNCH_ATTRIBUTE_CLUSTER_DIMENSION:
        config.cluster = {std::max(value.clusterDim.x, 1U), std::max(value.clusterDim.y, 1U),
                          std::max(value.clusterDim.z, 1U)};
        break;
      case CU_LAUNCH_ATTRIBUTE_PROGRAMMATIC_EVENT:
      case CU_LAUNCH_ATTRIBUTE_LAUNCH_COMPLETION_EVENT:
        return fail(Error::Kind::NotSupported, "events recorded by a launch attribute are not supported yet");
      case CU_LAUNCH_ATTRIBUTE_DEVICE_UPDATABLE_KERNEL_NODE:
        if (value.deviceUpdatableKernelNode.deviceUpdatable != 0)
          return fail(Error::Kind::NotSupported,
                      "kernel nodes that the device updates are not supported yet");
        break;
      // Hints, and permissions to start early that need not be used.
      case CU_LAUNCH_ATTRIBUTE_IGNORE:
      case CU_LAUNCH_ATTRIBUTE_ACCESS_POLICY_WINDOW:
      case CU_LAUNCH_ATTRIBUTE_SYNCHRONIZATION_POLICY:
      case CU_LAUNCH_ATTRIBUTE_CLUSTER_SCHEDULING_POLICY_PREFERENCE:
      case CU_LAUNCH_ATTRIBUTE_PROGRAMMATIC_STREAM_SERIALIZATION:
      case CU_LAUNCH_ATTRIBUTE_PRIORITY:
      case CU_LAUNCH_ATTRIBUTE_MEM_SYNC_DOMAIN_MAP:
      case CU_LAUNCH_ATTRIBUTE_MEM_SYNC_DOMAIN:
      case CU_LAUNCH_ATTRIBUTE_PREFERRED_CLUSTER_DIMENSION:
      case CU_LAUNCH_ATTRIBUTE_NVLINK_UTIL_CENTRIC_SCHEDULING:
        break;
      default:
        return fail(Error::Kind::NotSupported,
                    fmt::format("launch attribute {} is not known", static_cast<int>(attributes[i].id)));
    }
  }
  return {};
}

}  // namespace doppel::driver
