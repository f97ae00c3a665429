// SPDX-License-Identifier: Apache-2.0
// The rate of the texture units.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <vector>

#include "kernels.h"
#include "tests.h"
#include "timed.h"

namespace doppel::suite {

namespace {

constexpr unsigned kSide = 64;  // texels: 16 KiB of four bytes each, which L1 holds
constexpr unsigned kThreads = 256;
constexpr unsigned kBlocksPerMultiprocessor = 64;
constexpr int kIterations = 64;
constexpr int kChecked = 8;  // iterations of the one block whose answers are looked at
constexpr int kFetches = 4;  // of an iteration
constexpr float kShift = 0.75F;

std::uint8_t component(unsigned x, unsigned y, unsigned c) {
  return static_cast<std::uint8_t>((x * 7 + y * 13 + c * 50) % 256);
}

// Four bytes a texel, read as numbers from 0 to 1, mixed where the hardware filters.
class Image {
 public:
  explicit Image(CUfilter_mode filter) {
    std::vector<std::uint8_t> texels;
    for (unsigned y = 0; y < kSide; ++y)
      for (unsigned x = 0; x < kSide; ++x)
        for (unsigned c = 0; c < 4; ++c) texels.push_back(component(x, y, c));
    const CUDA_ARRAY_DESCRIPTOR shape{kSide, kSide, CU_AD_FORMAT_UNSIGNED_INT8, 4};
    host::check(cuArrayCreate(&array_, &shape), "cuArrayCreate");
    CUDA_MEMCPY2D copy{};
    copy.srcMemoryType = CU_MEMORYTYPE_HOST;
    copy.srcHost = texels.data();
    copy.srcPitch = std::size_t{kSide} * 4;
    copy.dstMemoryType = CU_MEMORYTYPE_ARRAY;
    copy.dstArray = array_;
    copy.WidthInBytes = std::size_t{kSide} * 4;
    copy.Height = kSide;
    host::check(cuMemcpy2D(&copy), "cuMemcpy2D");
    CUDA_RESOURCE_DESC resource{};
    resource.resType = CU_RESOURCE_TYPE_ARRAY;
    resource.res.array.hArray = array_;
    CUDA_TEXTURE_DESC description{};
    for (CUaddress_mode& mode : description.addressMode) mode = CU_TR_ADDRESS_MODE_CLAMP;
    description.filterMode = filter;
    host::check(cuTexObjectCreate(&texture_, &resource, &description, nullptr), "cuTexObjectCreate");
  }
  ~Image() {
    cuTexObjectDestroy(texture_);
    cuArrayDestroy(array_);
  }
  Image(const Image&) = delete;
  Image& operator=(const Image&) = delete;
  CUtexObject texture() const { return texture_; }

 private:
  CUarray array_ = nullptr;
  CUtexObject texture_ = 0;
};

const char* kernel_of(CUfilter_mode filter) {
  return filter == CU_TR_FILTER_MODE_POINT ? "sample_nearest" : "sample_bilinear";
}

Result rate(const host::Card& card, CUfilter_mode filter, const char* detail) {
  const host::Module module(kTexturePtx);
  const Image image(filter);
  const unsigned blocks = card.multiprocessors() * kBlocksPerMultiprocessor;
  const host::Buffer<float> out(std::size_t{blocks} * kThreads);
  Result result;
  result.time_us = timed_us([&] {
    host::launch(module.kernel(kernel_of(filter)), {blocks}, {kThreads}, out.address(), image.texture(),
                 kShift, kIterations);
  });
  result.value = static_cast<double>(kFetches * kIterations) * blocks * kThreads / result.time_us * 1e-3;
  result.unit = "GTexel/s";
  result.kernel = kernel_of(filter);
  result.detail = detail;
  return result;
}

// A filtered fetch at .75 mixes the texel that it lies in and its neighbour, a quarter of that one.
double fetched(CUfilter_mode filter, unsigned x, unsigned y) {
  double sum = 0;
  for (unsigned c = 0; c < 4; ++c) {
    const auto texel = [&](unsigned dx, unsigned dy) {
      return component(std::min(x + dx, kSide - 1), std::min(y + dy, kSide - 1), c) / 255.0;
    };
    sum += filter == CU_TR_FILTER_MODE_POINT
               ? texel(0, 0)
               : 0.5625 * texel(0, 0) + 0.1875 * (texel(1, 0) + texel(0, 1)) + 0.0625 * texel(1, 1);
  }
  return sum;
}

bool is_right(CUfilter_mode filter) {
  const host::Module module(kTexturePtx);
  const Image image(filter);
  const host::Buffer<float> out(kThreads);
  host::launch(module.kernel(kernel_of(filter)), {1}, {kThreads}, out.address(), image.texture(), kShift,
               kChecked);
  const std::vector<float> stored = out.download();
  for (unsigned thread = 0; thread < kThreads; ++thread) {
    double expected = 0;
    for (unsigned i = 0; i < kChecked; ++i)
      for (unsigned k = 0; k < kFetches; ++k)
        expected += fetched(filter, thread % 16 + i % 8, thread / 16 + k);
    if (std::abs(static_cast<double>(stored[thread]) - expected) > 1e-5 * expected) return false;
  }
  return true;
}

Result bilinear(const host::Card& card) {
  return rate(card, CU_TR_FILTER_MODE_LINEAR, "four bytes a texel, bilinear, out of L1");
}
bool bilinear_is_right(const host::Card&) { return is_right(CU_TR_FILTER_MODE_LINEAR); }

Result nearest(const host::Card& card) {
  return rate(card, CU_TR_FILTER_MODE_POINT, "four bytes a texel, the nearest one, out of L1");
}
bool nearest_is_right(const host::Card&) { return is_right(CU_TR_FILTER_MODE_POINT); }

constexpr std::array kTests{
    Test{"texture-bilinear", "texture filtering rate", bilinear, bilinear_is_right},
    Test{"texture-nearest", "texture fetch rate without a filter", nearest, nearest_is_right},
};

}  // namespace

std::span<const Test> texture_tests() { return kTests; }

}  // namespace doppel::suite
