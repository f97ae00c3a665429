// SPDX-License-Identifier: Apache-2.0
// Kernels: what they need and what may be set of them; CUfunction (in a context) and CUkernel (of a library).
#include "driver/call.h"
#include "driver/objects.h"
#include "driver/process.h"

namespace doppel::driver {
namespace {

// Of REQUIRED_CLUSTER_WIDTH, _HEIGHT and _DEPTH.
std::size_t axis_of(CUfunction_attribute attribute) {
  return static_cast<std::size_t>(attribute - CU_FUNC_ATTRIBUTE_REQUIRED_CLUSTER_WIDTH);
}

Result<int> attribute_of(const device::Kernel& kernel, CUfunction_attribute attribute) {
  const device::KernelAttributes known = kernel.attributes();
  switch (attribute) {
    case CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK:
      return static_cast<int>(known.max_threads_per_block);
    case CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES:
      return static_cast<int>(known.shared_bytes);
    case CU_FUNC_ATTRIBUTE_CONST_SIZE_BYTES:
      return static_cast<int>(known.const_bytes);
    case CU_FUNC_ATTRIBUTE_LOCAL_SIZE_BYTES:
      return static_cast<int>(known.local_bytes);
    case CU_FUNC_ATTRIBUTE_NUM_REGS:
      return static_cast<int>(known.registers);
    case CU_FUNC_ATTRIBUTE_PTX_VERSION:
      return known.ptx_version;
    case CU_FUNC_ATTRIBUTE_BINARY_VERSION:
      return known.binary_version;
    case CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES:
      return static_cast<int>(known.max_dynamic_shared_bytes);
    case CU_FUNC_ATTRIBUTE_PREFERRED_SHARED_MEMORY_CARVEOUT:
      return known.preferred_carveout;
    case CU_FUNC_ATTRIBUTE_CLUSTER_SIZE_MUST_BE_SET:
      return known.cluster_must_be_set ? 1 : 0;
    case CU_FUNC_ATTRIBUTE_REQUIRED_CLUSTER_WIDTH:
    case CU_FUNC_ATTRIBUTE_REQUIRED_CLUSTER_HEIGHT:
    case CU_FUNC_ATTRIBUTE_REQUIRED_CLUSTER_DEPTH:
      return static_cast<int>(known.required_cluster[axis_of(attribute)]);
    case CU_FUNC_ATTRIBUTE_NON_PORTABLE_CLUSTER_SIZE_ALLOWED:
      return known.non_portable_cluster ? 1 : 0;
    case CU_FUNC_ATTRIBUTE_CACHE_MODE_CA:
    case CU_FUNC_ATTRIBUTE_CLUSTER_SCHEDULING_POLICY_PREFERENCE:
      return 0;
    default:
      return fail(Error::Kind::InvalidArgument, "there is no such attribute of a function");
  }
}

Result<void> set_attribute(device::Kernel& kernel, CUfunction_attribute attribute, int value) {
  switch (attribute) {
    case CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES:
      if (value < 0) return fail(Error::Kind::InvalidArgument, "a negative size of shared memory");
      return kernel.set_max_dynamic_shared_bytes(static_cast<std::uint32_t>(value));
    case CU_FUNC_ATTRIBUTE_PREFERRED_SHARED_MEMORY_CARVEOUT:
      if (value < CU_SHAREDMEM_CARVEOUT_DEFAULT || value > CU_SHAREDMEM_CARVEOUT_MAX_SHARED)
        return fail(Error::Kind::InvalidArgument, "a carveout is -1 or a percentage");
      kernel.set_preferred_carveout(value);
      return {};
    case CU_FUNC_ATTRIBUTE_NON_PORTABLE_CLUSTER_SIZE_ALLOWED:
      kernel.set_non_portable_cluster(value != 0);
      return {};
    case CU_FUNC_ATTRIBUTE_REQUIRED_CLUSTER_WIDTH:
    case CU_FUNC_ATTRIBUTE_REQUIRED_CLUSTER_HEIGHT:
    case CU_FUNC_ATTRIBUTE_REQUIRED_CLUSTER_DEPTH:
      return kernel.set_required_cluster(static_cast<int>(axis_of(attribute)), value);
    case CU_FUNC_ATTRIBUTE_CLUSTER_SCHEDULING_POLICY_PREFERENCE:  // a hint
      if (value < CU_CLUSTER_SCHEDULING_POLICY_DEFAULT || value > CU_CLUSTER_SCHEDULING_POLICY_LOAD_BALANCING)
        return fail(Error::Kind::InvalidArgument, "there is no such policy");
      return {};
    default:
      return fail(Error::Kind::InvalidArgument, "this attribute of a function cannot be set");
  }
}

Result<void> get_parameter(const device::Kernel& kernel, std::size_t index, std::size_t* offset,
                           std::size_t* bytes) {
  if (index >= kernel.parameters().size())
    return fail(Error::Kind::InvalidArgument, "the kernel has fewer parameters");
  if (offset != nullptr) *offset = kernel.parameters()[index].offset;
  if (bytes != nullptr) *bytes = kernel.parameters()[index].bytes;
  return {};
}

// A library's kernel as the current context has it, or else the primary context of `device`.
Result<std::shared_ptr<device::Kernel>> kernel_on_device(CUkernel handle, CUdevice device) {
  return find_kernel(handle).and_then([&](const auto& kernel) {
    return find_device(device).and_then(
        [&](device::Device* found) -> Result<std::shared_ptr<device::Kernel>> {
          if (const auto current = current_context(); current && &(*current)->device() == found)
            return function_of(*kernel, **current);
          if (const auto primary = found->primary()) return function_of(*kernel, *primary);
          return fail(Error::Kind::InvalidContext, "the device has no active context");
        });
  });
}

bool is_preference(CUfunc_cache preference) {
  return preference >= CU_FUNC_CACHE_PREFER_NONE && preference <= CU_FUNC_CACHE_PREFER_EQUAL;
}

}  // namespace
}  // namespace doppel::driver

extern "C" {
using namespace doppel::driver;

CUresult cuFuncGetAttribute(int* value, CUfunction_attribute attribute, CUfunction function) {
  return call(__func__, std::tuple(value, attribute, function), [&] {
    if (value == nullptr) return CUDA_ERROR_INVALID_VALUE;
    return answer(find_function(function).and_then(
                      [&](const auto& kernel) { return attribute_of(*kernel, attribute); }),
                  value);
  });
}

CUresult cuFuncSetAttribute(CUfunction function, CUfunction_attribute attribute, int value) {
  return call(__func__, std::tuple(function, attribute, value), [&] {
    return answer(find_function(function).and_then(
        [&](const auto& kernel) { return set_attribute(*kernel, attribute, value); }));
  });
}

CUresult cuFuncSetCacheConfig(CUfunction function, CUfunc_cache preference) {
  return call(__func__, std::tuple(function, preference), [&] {
    if (!is_preference(preference)) return CUDA_ERROR_INVALID_VALUE;
    return answer(find_function(function).map([](const auto&) {}));
  });
}

CUresult cuFuncSetSharedMemConfig(CUfunction function, CUsharedconfig config) {
  return call(__func__, std::tuple(function, config),
              [&] { return answer(find_function(function).map([](const auto&) {})); });
}

CUresult cuFuncGetModule(CUmodule* module, CUfunction function) {
  return call(__func__, std::tuple(module, function), [&] {
    if (module == nullptr) return CUDA_ERROR_INVALID_VALUE;
    return answer(find_function(function).map(
                      [](const auto& kernel) { return objects().modules.add(kernel->module()); }),
                  module);
  });
}

CUresult cuFuncGetName(const char** name, CUfunction function) {
  return call(__func__, std::tuple(name, function), [&] {
    if (name == nullptr) return CUDA_ERROR_INVALID_VALUE;
    return answer(find_function(function).map([](const auto& kernel) { return kernel->name().c_str(); }),
                  name);
  });
}

CUresult cuFuncGetParamInfo(CUfunction function, size_t index, size_t* offset, size_t* bytes) {
  return call(__func__, std::tuple(function, index, offset, bytes), [&] {
    return answer(find_function(function).and_then(
        [&](const auto& kernel) { return get_parameter(*kernel, index, offset, bytes); }));
  });
}

CUresult cuFuncGetParamCount(CUfunction function, size_t* count) {
  return call(__func__, std::tuple(function, count), [&] {
    if (count == nullptr) return CUDA_ERROR_INVALID_VALUE;
    return answer(find_function(function).map([](const auto& kernel) { return kernel->parameters().size(); }),
                  count);
  });
}

CUresult cuFuncIsLoaded(CUfunctionLoadingState* state, CUfunction function) {
  return call(__func__, std::tuple(state, function), [&] {
    if (state == nullptr) return CUDA_ERROR_INVALID_VALUE;
    return answer(find_function(function).map([](const auto&) { return CU_FUNCTION_LOADING_STATE_LOADED; }),
                  state);
  });
}

CUresult cuFuncLoad(CUfunction function) {
  return call(__func__, std::tuple(function),
              [&] { return answer(find_function(function).map([](const auto&) {})); });
}

CUresult cuKernelGetFunction(CUfunction* function, CUkernel kernel) {
  return call(__func__, std::tuple(function, kernel), [&] {
    if (function == nullptr) return CUDA_ERROR_INVALID_VALUE;
    return answer(find_kernel(kernel)
                      .and_then([](const auto& found) {
                        return current_context().and_then(
                            [&](const auto& context) { return function_of(*found, *context); });
                      })
                      .map([](const auto& loaded) { return objects().functions.add(loaded); }),
                  function);
  });
}

CUresult cuKernelGetLibrary(CUlibrary* library, CUkernel kernel) {
  return call(__func__, std::tuple(library, kernel), [&] {
    if (library == nullptr) return CUDA_ERROR_INVALID_VALUE;
    return answer(
        find_kernel(kernel).map([](const auto& found) { return objects().libraries.add(found->library); }),
        library);
  });
}

CUresult cuKernelGetName(const char** name, CUkernel kernel) {
  return call(__func__, std::tuple(name, kernel), [&] {
    if (name == nullptr) return CUDA_ERROR_INVALID_VALUE;
    return answer(find_kernel(kernel).map([](const auto& found) { return found->name.c_str(); }), name);
  });
}

CUresult cuKernelGetAttribute(int* value, CUfunction_attribute attribute, CUkernel kernel, CUdevice device) {
  return call(__func__, std::tuple(value, attribute, kernel, device), [&] {
    if (value == nullptr) return CUDA_ERROR_INVALID_VALUE;
    return answer(kernel_on_device(kernel, device).and_then([&](const auto& loaded) {
      return attribute_of(*loaded, attribute);
    }),
                  value);
  });
}

CUresult cuKernelSetAttribute(CUfunction_attribute attribute, int value, CUkernel kernel, CUdevice device) {
  return call(__func__, std::tuple(attribute, value, kernel, device), [&] {
    return answer(kernel_on_device(kernel, device).and_then([&](const auto& loaded) {
      return set_attribute(*loaded, attribute, value);
    }));
  });
}

CUresult cuKernelSetCacheConfig(CUkernel kernel, CUfunc_cache preference, CUdevice device) {
  return call(__func__, std::tuple(kernel, preference, device), [&] {
    if (!is_preference(preference)) return CUDA_ERROR_INVALID_VALUE;
    return answer(kernel_on_device(kernel, device).map([](const auto&) {}));
  });
}

CUresult cuKernelGetParamCount(CUkernel kernel, size_t* count) {
  return call(__func__, std::tuple(kernel, count), [&] {
    if (count == nullptr) return CUDA_ERROR_INVALID_VALUE;
    return answer(find_kernel(kernel).map([](const auto& found) {
      return found->library->program()->ir().find_function(found->name)->parameters.size();
    }),
                  count);
  });
}

CUresult cuKernelGetParamInfo(CUkernel kernel, size_t index, size_t* offset, size_t* bytes) {
  return call(__func__, std::tuple(kernel, index, offset, bytes), [&] {
    return answer(
        find_kernel(kernel)
            .and_then([](const auto& found) {
              return current_context().and_then(
                  [&](const auto& context) { return function_of(*found, *context); });
            })
            .and_then([&](const auto& loaded) { return get_parameter(*loaded, index, offset, bytes); }));
  });
}

}  // extern "C"
