// SPDX-License-Identifier: Apache-2.0
// Kernel launches.
#include "driver/call.h"
#include "driver/launch_request.h"
#include "driver/objects.h"
#include "driver/refusals.h"

namespace doppel::driver {
namespace {

CUresult launch(const LaunchRequest& request, CUstream stream) {
  const Result<void> queued = find_stream(stream).and_then([&](const auto& found) {
    return to_work(request).and_then([&](device::KernelWork work) { return found->launch(std::move(work)); });
  });
  if (!queued) {
    const auto kernel = find_function(request.function);
    note_refused_launch(kernel ? (*kernel)->name() : "a function that is none", queued.error());
  }
  return answer(queued);
}

}  // namespace
}  // namespace doppel::driver

extern "C" {
using namespace doppel::driver;

CUresult cuLaunchKernel(CUfunction function, unsigned grid_x, unsigned grid_y, unsigned grid_z,
                        unsigned block_x, unsigned block_y, unsigned block_z, unsigned shared_bytes,
                        CUstream stream, void** parameters, void** extra) {
  return call(__func__,
              std::tuple(function, grid_x, grid_y, grid_z, block_x, block_y, block_z, shared_bytes, stream,
                         parameters, extra),
              [&] {
                return launch({.function = function,
                               .config = {.grid = {grid_x, grid_y, grid_z},
                                          .block = {block_x, block_y, block_z},
                                          .dynamic_shared_bytes = shared_bytes},
                               .parameters = parameters,
                               .extra = extra},
                              stream);
              });
}

CUresult cuLaunchCooperativeKernel(CUfunction function, unsigned grid_x, unsigned grid_y, unsigned grid_z,
                                   unsigned block_x, unsigned block_y, unsigned block_z,
                                   unsigned shared_bytes, CUstream stream, void** parameters) {
  return call(__func__,
              std::tuple(function, grid_x, grid_y, grid_z, block_x, block_y, block_z, shared_bytes, stream,
                         parameters),
              [&] {
                return launch({.function = function,
                               .config = {.grid = {grid_x, grid_y, grid_z},
                                          .block = {block_x, block_y, block_z},
                                          .dynamic_shared_bytes = shared_bytes,
                                          .cooperative = true},
                               .parameters = parameters},
                              stream);
              });
}

CUresult cuLaunchKernelEx(const CUlaunchConfig* config, CUfunction function, void** parameters,
                          void** extra) {
  return call(__func__, std::tuple(config, function, parameters, extra), [&] {
    if (config == nullptr) return CUDA_ERROR_INVALID_VALUE;
    LaunchRequest request{.function = function,
                          .config = {.grid = {config->gridDimX, config->gridDimY, config->gridDimZ},
                                     .block = {config->blockDimX, config->blockDimY, config->blockDimZ},
                                     .dynamic_shared_bytes = config->sharedMemBytes},
                          .parameters = parameters,
                          .extra = extra};
    if (const auto applied = apply_attributes(request.config, config->attrs, config->numAttrs); !applied)
      return to_result(applied.error());
    return launch(request, config->hStream);
  });
}

}  // extern "C"
