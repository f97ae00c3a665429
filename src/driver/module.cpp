// SPDX-License-Identifier: Apache-2.0
// Modules: images loaded into the current context, and what they define.
#include "device/module.h"

#include <algorithm>

#include "driver/call.h"
#include "driver/load.h"
#include "driver/objects.h"
#include "driver/refusals.h"

namespace doppel::driver {
namespace {

CUresult load_into_context(CUmodule* module, const Loaded& program, device::Context& context) {
  if (!program) return program.error();
  return answer(context.load(*program).map([](const auto& loaded) { return objects().modules.add(loaded); }),
                module);
}

CUresult load(CUmodule* module, const void* image, unsigned count, CUjit_option* options, void** values) {
  if (module == nullptr || image == nullptr) return CUDA_ERROR_INVALID_VALUE;
  const auto context = current_context();
  if (!context) return to_result(context.error());
  const auto read = JitOptions::read(count, options, values);
  if (!read) return to_result(read.error());
  return load_into_context(module, load_image(image, (*context)->device().card(), *read), **context);
}

CUresult load_from_file(CUmodule* module, const char* path) {
  if (module == nullptr || path == nullptr) return CUDA_ERROR_INVALID_VALUE;
  const auto context = current_context();
  if (!context) return to_result(context.error());
  return load_into_context(module, load_file(path, (*context)->device().card(), JitOptions{}), **context);
}

Result<std::shared_ptr<device::Kernel>> kernel_of(const device::Module& module, const char* name) {
  auto kernel = module.kernel(name);
  if (!kernel) note_refused_kernel(name, kernel.error());
  return kernel;
}

CUresult unload(CUmodule handle) {
  const auto module = find_module(handle);
  if (!module) return to_result(module.error());
  objects().modules.remove(handle);
  objects().functions.remove_if([&](const device::Kernel& kernel) { return kernel.module() == *module; });
  const auto context = (*module)->context().shared_from_this();
  return answer(context->unload(*module));
}

}  // namespace
}  // namespace doppel::driver

extern "C" {
using namespace doppel::driver;

CUresult cuModuleLoad(CUmodule* module, const char* path) {
  return call(__func__, std::tuple(module, text(path)), [&] { return load_from_file(module, path); });
}

CUresult cuModuleLoadData(CUmodule* module, const void* image) {
  return call(__func__, std::tuple(module, image), [&] { return load(module, image, 0, nullptr, nullptr); });
}

CUresult cuModuleLoadDataEx(CUmodule* module, const void* image, unsigned count, CUjit_option* options,
                            void** values) {
  return call(__func__, std::tuple(module, image, count, options, values),
              [&] { return load(module, image, count, options, values); });
}

CUresult cuModuleLoadFatBinary(CUmodule* module, const void* image) {
  return call(__func__, std::tuple(module, image), [&] { return load(module, image, 0, nullptr, nullptr); });
}

CUresult cuModuleUnload(CUmodule module) {
  return call(__func__, std::tuple(module), [&] { return unload(module); });
}

CUresult cuModuleGetLoadingMode(CUmoduleLoadingMode* mode) {
  return call_always(__func__, std::tuple(mode), [&] {
    if (mode == nullptr) return CUDA_ERROR_INVALID_VALUE;
    const char* wanted = std::getenv("CUDA_MODULE_LOADING");
    *mode = wanted != nullptr && std::string_view(wanted) == "EAGER" ? CU_MODULE_EAGER_LOADING
                                                                     : CU_MODULE_LAZY_LOADING;
    return CUDA_SUCCESS;
  });
}

CUresult cuModuleGetFunction(CUfunction* function, CUmodule module, const char* name) {
  return call(__func__, std::tuple(function, module, text(name)), [&] {
    if (function == nullptr || name == nullptr) return CUDA_ERROR_INVALID_VALUE;
    return answer(find_module(module)
                      .and_then([&](const auto& found) { return kernel_of(*found, name); })
                      .map([](const auto& kernel) { return objects().functions.add(kernel); }),
                  function);
  });
}

CUresult cuModuleGetFunctionCount(unsigned* count, CUmodule module) {
  return call(__func__, std::tuple(count, module), [&] {
    if (count == nullptr) return CUDA_ERROR_INVALID_VALUE;
    return answer(find_module(module).map([](const auto& found) { return found->kernels().size(); }), count);
  });
}

CUresult cuModuleEnumerateFunctions(CUfunction* functions, unsigned count, CUmodule module) {
  return call(__func__, std::tuple(functions, count, module), [&] {
    if (functions == nullptr) return CUDA_ERROR_INVALID_VALUE;
    return answer(find_module(module).map([&](const auto& found) {
      const std::size_t filled = std::min<std::size_t>(count, found->kernels().size());
      for (std::size_t i = 0; i < filled; ++i) functions[i] = objects().functions.add(found->kernels()[i]);
    }));
  });
}

CUresult cuModuleGetGlobal_v2(CUdeviceptr* address, size_t* bytes, CUmodule module, const char* name) {
  return call(__func__, std::tuple(address, bytes, module, text(name)), [&] {
    if (name == nullptr || (address == nullptr && bytes == nullptr)) return CUDA_ERROR_INVALID_VALUE;
    return answer(find_module(module)
                      .and_then([&](const auto& found) { return found->global(name); })
                      .map([&](const auto& global) {
                        if (address != nullptr) *address = global.address;
                        if (bytes != nullptr) *bytes = global.bytes;
                      }));
  });
}

}  // extern "C"
