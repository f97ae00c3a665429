// SPDX-License-Identifier: Apache-2.0
// Libraries: images that belong to no context and are loaded into one when they are first used there. The
// runtime loads its modules in this way.
#include <fmt/format.h>

#include <algorithm>

#include "device/context.h"
#include "device/module.h"
#include "device/platform.h"
#include "driver/call.h"
#include "driver/load.h"
#include "driver/objects.h"
#include "driver/process.h"
#include "driver/refusals.h"

namespace doppel::driver {
namespace {

// A library is loaded before it is known where it will run: the current context's card, or else the first
// one's, chooses the code.
const card::Card& choosing_card() {
  const auto context = current_context();
  return context ? (*context)->device().card() : platform().device(0).card();
}

CUresult add_library(CUlibrary* library, const Loaded& program) {
  if (!program) return program.error();
  *library = objects().libraries.add(std::make_shared<device::Library>(*program));
  return CUDA_SUCCESS;
}

template <typename Load>
CUresult load(CUlibrary* library, unsigned option_count, CUjit_option* options, void** values,
              Load load_with) {
  const auto read = JitOptions::read(option_count, options, values);
  if (!read) return to_result(read.error());
  return add_library(library, load_with(*read));
}

CUresult unload(CUlibrary handle) {
  const auto library = find_library(handle);
  if (!library) return to_result(library.error());
  objects().libraries.remove(handle);
  objects().kernels.remove_if([&](const LibraryKernel& kernel) { return kernel.library == *library; });
  (*library)->unload();
  objects().functions.remove_if([](const device::Kernel& kernel) { return kernel.module() == nullptr; });
  return CUDA_SUCCESS;
}

// All kernels of a library in the order of its text, each with one handle.
std::vector<CUkernel> kernels_of(const std::shared_ptr<device::Library>& library) {
  std::vector<CUkernel> handles;
  for (const ir::Function& function : library->program()->ir().functions)
    if (function.is_kernel && !function.is_declaration)
      handles.push_back(kernel_handle(library, function.name));
  return handles;
}

Result<CUkernel> kernel_of(const std::shared_ptr<device::Library>& library, const char* name) {
  const ir::Function* function = library->program()->ir().find_function(name);
  if (function == nullptr || !function->is_kernel)
    return fail(Error::Kind::NotFound, fmt::format("the library has no kernel '{}'", name));
  if (const Error* refused = library->program()->refusal(name)) {
    note_refused_kernel(name, *refused);
    return tl::unexpected<Error>(*refused);
  }
  return kernel_handle(library, name);
}

Result<device::Global> global_of(CUlibrary handle, const char* name) {
  return find_library(handle).and_then([&](const auto& library) {
    return current_context()
        .and_then([&](const auto& context) { return library->module(*context); })
        .and_then([&](const auto& module) { return module->global(name); });
  });
}

CUresult get_global(CUdeviceptr* address, size_t* bytes, CUlibrary library, const char* name) {
  if (name == nullptr) return CUDA_ERROR_INVALID_VALUE;
  return answer(global_of(library, name).map([&](const device::Global& global) {
    if (address != nullptr) *address = global.address;
    if (bytes != nullptr) *bytes = global.bytes;
  }));
}

// Works before there is a context: the runtime asks while it starts.
CUresult get_managed(CUdeviceptr* address, size_t* bytes, CUlibrary handle, const char* name) {
  if (name == nullptr || (address == nullptr && bytes == nullptr)) return CUDA_ERROR_INVALID_VALUE;
  const auto context = current_context();
  device::Device& device = context ? (*context)->device() : platform().device(0);
  return answer(find_library(handle)
                    .and_then([&](const auto& library) { return library->managed(device, name); })
                    .map([&](const device::Global& global) {
                      if (address != nullptr) *address = global.address;
                      if (bytes != nullptr) *bytes = global.bytes;
                    }));
}

}  // namespace
}  // namespace doppel::driver

extern "C" {
using namespace doppel::driver;

CUresult cuLibraryLoadData(CUlibrary* library, const void* image, CUjit_option* options, void** values,
                           unsigned count, CUlibraryOption* library_options, void** library_values,
                           unsigned library_count) {
  return call(
      __func__,
      std::tuple(library, image, options, values, count, library_options, library_values, library_count),
      [&] {
        if (library == nullptr || image == nullptr) return CUDA_ERROR_INVALID_VALUE;
        return load(library, count, options, values,
                    [&](const JitOptions& read) { return load_image(image, choosing_card(), read); });
      });
}

CUresult cuLibraryLoadFromFile(CUlibrary* library, const char* path, CUjit_option* options, void** values,
                               unsigned count, CUlibraryOption* library_options, void** library_values,
                               unsigned library_count) {
  return call(
      __func__,
      std::tuple(library, text(path), options, values, count, library_options, library_values, library_count),
      [&] {
        if (library == nullptr || path == nullptr) return CUDA_ERROR_INVALID_VALUE;
        return load(library, count, options, values,
                    [&](const JitOptions& read) { return load_file(path, choosing_card(), read); });
      });
}

CUresult cuLibraryUnload(CUlibrary library) {
  return call(__func__, std::tuple(library), [&] { return unload(library); });
}

CUresult cuLibraryGetKernel(CUkernel* kernel, CUlibrary library, const char* name) {
  return call(__func__, std::tuple(kernel, library, text(name)), [&] {
    if (kernel == nullptr || name == nullptr) return CUDA_ERROR_INVALID_VALUE;
    return answer(find_library(library).and_then([&](const auto& found) { return kernel_of(found, name); }),
                  kernel);
  });
}

CUresult cuLibraryGetKernelCount(unsigned* count, CUlibrary library) {
  return call(__func__, std::tuple(count, library), [&] {
    if (count == nullptr) return CUDA_ERROR_INVALID_VALUE;
    return answer(find_library(library).map([](const auto& found) { return kernels_of(found).size(); }),
                  count);
  });
}

CUresult cuLibraryEnumerateKernels(CUkernel* kernels, unsigned count, CUlibrary library) {
  return call(__func__, std::tuple(kernels, count, library), [&] {
    if (kernels == nullptr) return CUDA_ERROR_INVALID_VALUE;
    return answer(find_library(library).map([&](const auto& found) {
      const std::vector<CUkernel> all = kernels_of(found);
      std::copy_n(all.begin(), std::min<std::size_t>(count, all.size()), kernels);
    }));
  });
}

CUresult cuLibraryGetModule(CUmodule* module, CUlibrary library) {
  return call(__func__, std::tuple(module, library), [&] {
    if (module == nullptr) return CUDA_ERROR_INVALID_VALUE;
    return answer(
        find_library(library)
            .and_then([](const auto& found) {
              return current_context().and_then([&](const auto& context) { return found->module(*context); });
            })
            .map([](const auto& loaded) { return objects().modules.add(loaded); }),
        module);
  });
}

CUresult cuLibraryGetGlobal(CUdeviceptr* address, size_t* bytes, CUlibrary library, const char* name) {
  return call(__func__, std::tuple(address, bytes, library, text(name)),
              [&] { return get_global(address, bytes, library, name); });
}

CUresult cuLibraryGetManaged(CUdeviceptr* address, size_t* bytes, CUlibrary library, const char* name) {
  return call(__func__, std::tuple(address, bytes, library, text(name)),
              [&] { return get_managed(address, bytes, library, name); });
}

}  // extern "C"
