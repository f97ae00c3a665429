// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "on_card.h"

namespace bench {
namespace {

using doppel::host::check;

// An array and the texture that reads it.
class TurnedTexture {
 public:
  TurnedTexture(const Turn& how, std::size_t side) {
    const std::vector<unsigned char> texels = texels_of(how, side);
    const std::size_t width = how.width(side);
    CUDA_ARRAY3D_DESCRIPTOR shape{};
    shape.Width = shape.Height = width;
    shape.Depth = how.planes();
    shape.Format = how.texels == Texels::Bytes4 ? CU_AD_FORMAT_UNSIGNED_INT8 : CU_AD_FORMAT_FLOAT;
    shape.NumChannels = static_cast<unsigned>(how.components());
    shape.Flags = how.layers != 0 ? CUDA_ARRAY3D_LAYERED : 0;
    check(cuArray3DCreate(&array_, &shape), "cuArray3DCreate");
    CUDA_MEMCPY3D copy{};
    copy.srcMemoryType = CU_MEMORYTYPE_HOST;
    copy.srcHost = texels.data();
    copy.srcPitch = copy.WidthInBytes = width * how.texel_bytes();
    copy.srcHeight = copy.Height = width;
    copy.dstMemoryType = CU_MEMORYTYPE_ARRAY;
    copy.dstArray = array_;
    copy.Depth = how.planes() != 0 ? how.planes() : 1;
    check(cuMemcpy3D(&copy), "cuMemcpy3D");
    CUDA_RESOURCE_DESC resource{};
    resource.resType = CU_RESOURCE_TYPE_ARRAY;
    resource.res.array.hArray = array_;
    static constexpr std::array kModes{CU_TR_ADDRESS_MODE_CLAMP, CU_TR_ADDRESS_MODE_WRAP,
                                       CU_TR_ADDRESS_MODE_MIRROR, CU_TR_ADDRESS_MODE_BORDER};
    CUDA_TEXTURE_DESC description{};
    for (CUaddress_mode& mode : description.addressMode) mode = kModes[static_cast<std::size_t>(how.beyond)];
    description.filterMode = how.linear ? CU_TR_FILTER_MODE_LINEAR : CU_TR_FILTER_MODE_POINT;
    description.flags = how.normalized ? CU_TRSF_NORMALIZED_COORDINATES : 0;
    check(cuTexObjectCreate(&texture_, &resource, &description, nullptr), "cuTexObjectCreate");
  }
  ~TurnedTexture() {
    cuTexObjectDestroy(texture_);
    cuArrayDestroy(array_);
  }
  TurnedTexture(const TurnedTexture&) = delete;
  TurnedTexture& operator=(const TurnedTexture&) = delete;

  CUtexObject texture() const { return texture_; }

 private:
  CUarray array_ = nullptr;
  CUtexObject texture_ = 0;
};

const char* kernel_of(const Turn& how) {
  const bool alone = how.components() == 1;
  if (how.depth != 0) return alone ? "turn_floats_of_volume" : "turn_volume";
  if (how.layers != 0) return "turn_layers";
  return alone ? "turn_floats" : "turn_image";
}

}  // namespace

void turn(const doppel::host::Card& card, const doppel::host::Module& module, const Turn& how, int side) {
  const auto width = static_cast<std::size_t>(side);
  const TurnedTexture image(how, width);
  const doppel::host::Buffer<float> out(width * width * how.components());
  const auto blocks = static_cast<unsigned>(side) / 16;
  const float scale = how.normalized ? 1.0F / static_cast<float>(side) : 1.0F;
  const auto repeat = [&] {
    doppel::host::launch(module.kernel(kernel_of(how)), {blocks, blocks}, {16, 16}, out.address(),
                         image.texture(), side, kCosine, kSine, scale);
    card.synchronize();
  };
  repeat();
  report(how.work, static_cast<double>(width * width) * 1e-9, "Gpixel/s",
         is_mean_of_turned(how, width, out.download()), repeat, Clock::Processor);
}

}  // namespace bench
