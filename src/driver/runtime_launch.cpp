// SPDX-License-Identifier: Apache-2.0
#include "driver/runtime_launch.h"

#include <doppel/cuda/types.h>

#include "device/device.h"
#include "driver/objects.h"

extern "C" {
CUresult cuLaunchKernel(CUfunction function, unsigned grid_x, unsigned grid_y, unsigned grid_z,
                        unsigned block_x, unsigned block_y, unsigned block_z, unsigned shared_bytes,
                        CUstream stream, void** parameters, void** extra);
CUresult cuLaunchCooperativeKernel(CUfunction function, unsigned grid_x, unsigned grid_y, unsigned grid_z,
                                   unsigned block_x, unsigned block_y, unsigned block_z,
                                   unsigned shared_bytes, CUstream stream, void** parameters);
CUresult cuLaunchKernelEx(const CUlaunchConfig* config, CUfunction function, void** parameters, void** extra);
decltype(cuLaunchKernel) cuLaunchKernel_ptsz;
decltype(cuLaunchCooperativeKernel) cuLaunchCooperativeKernel_ptsz;
decltype(cuLaunchKernelEx) cuLaunchKernelEx_ptsz;
}

namespace doppel::driver {
namespace {

constexpr auto kInvalidConfiguration = static_cast<CUresult>(9);  // cudaErrorInvalidConfiguration

bool is_outside_limits(const Dim3& grid, const Dim3& block) {
  const auto context = current_context();
  if (!context) return false;
  const card::Sm& sm = (*context)->device().card().sm;
  const std::uint32_t blocks[] = {grid.x, grid.y, grid.z};
  const std::uint32_t threads[] = {block.x, block.y, block.z};
  for (std::size_t axis = 0; axis < 3; ++axis) {
    if (blocks[axis] == 0 || blocks[axis] > static_cast<std::uint32_t>(sm.max_grid_dim[axis]) ||
        threads[axis] == 0 || threads[axis] > static_cast<std::uint32_t>(sm.max_block_dim[axis]))
      return true;
  }
  return block.count() > static_cast<std::uint64_t>(sm.max_threads_per_block);
}

CUresult told_apart(CUresult result, const Dim3& grid, const Dim3& block) {
  return result == CUDA_ERROR_INVALID_VALUE && is_outside_limits(grid, block) ? kInvalidConfiguration
                                                                              : result;
}

template <auto Launch>
CUresult launch(CUfunction function, unsigned grid_x, unsigned grid_y, unsigned grid_z, unsigned block_x,
                unsigned block_y, unsigned block_z, unsigned shared_bytes, CUstream stream, void** parameters,
                void** extra) {
  return told_apart(Launch(function, grid_x, grid_y, grid_z, block_x, block_y, block_z, shared_bytes, stream,
                           parameters, extra),
                    {grid_x, grid_y, grid_z}, {block_x, block_y, block_z});
}

template <auto Launch>
CUresult launch_cooperative(CUfunction function, unsigned grid_x, unsigned grid_y, unsigned grid_z,
                            unsigned block_x, unsigned block_y, unsigned block_z, unsigned shared_bytes,
                            CUstream stream, void** parameters) {
  return told_apart(
      Launch(function, grid_x, grid_y, grid_z, block_x, block_y, block_z, shared_bytes, stream, parameters),
      {grid_x, grid_y, grid_z}, {block_x, block_y, block_z});
}

template <auto Launch>
CUresult launch_with_attributes(const CUlaunchConfig* config, CUfunction function, void** parameters,
                                void** extra) {
  const CUresult result = Launch(config, function, parameters, extra);
  if (config == nullptr) return result;
  return told_apart(result, {config->gridDimX, config->gridDimY, config->gridDimZ},
                    {config->blockDimX, config->blockDimY, config->blockDimZ});
}

template <typename Function>
void* address(Function* function) {
  return reinterpret_cast<void*>(function);
}

}  // namespace

void* runtime_form(void* function) {
  struct Form {
    void* plain;
    void* runtime;
  };
  static const Form forms[] = {
      {address(cuLaunchKernel), address(launch<cuLaunchKernel>)},
      {address(cuLaunchKernel_ptsz), address(launch<cuLaunchKernel_ptsz>)},
      {address(cuLaunchCooperativeKernel), address(launch_cooperative<cuLaunchCooperativeKernel>)},
      {address(cuLaunchCooperativeKernel_ptsz), address(launch_cooperative<cuLaunchCooperativeKernel_ptsz>)},
      {address(cuLaunchKernelEx), address(launch_with_attributes<cuLaunchKernelEx>)},
      {address(cuLaunchKernelEx_ptsz), address(launch_with_attributes<cuLaunchKernelEx_ptsz>)},
  };
  for (const Form& form : forms)
    if (form.plain == function) return form.runtime;
  return function;
}

}  // namespace doppel::driver
