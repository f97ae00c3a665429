// SPDX-License-Identifier: Apache-2.0
// The rectangles and boxes of the interface's copies as work for a stream.
#pragma once

#include <doppel/cuda/copy.h>

#include "device/work.h"
#include "support/result.h"

namespace doppel::driver {

// Errors: InvalidArgument for pitches smaller than a row, and for boxes outside of an array.
Result<device::CopyWork> to_work(const CUDA_MEMCPY2D& copy);
Result<device::CopyWork> to_work(const CUDA_MEMCPY3D& copy);
Result<device::CopyWork> to_work(const CUDA_MEMCPY3D_PEER& copy);

// An array from a byte of its rows on, or memory where there is none.
struct LinearPlace {
  CUarray array = nullptr;
  std::size_t offset = 0;
  std::uint64_t address = 0;
};
// Errors: InvalidArgument for what is neither part of a row nor whole rows.
Result<device::CopyWork> array_copy(const LinearPlace& destination, const LinearPlace& source,
                                    std::size_t bytes);

inline device::CopyWork plain_copy(std::uint64_t destination, std::uint64_t source, std::uint64_t bytes) {
  return {.destination = {.address = destination}, .source = {.address = source}, .width = bytes};
}

}  // namespace doppel::driver
