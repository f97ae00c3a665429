// SPDX-License-Identifier: Apache-2.0
// Tensor maps: 128 bytes in the program's memory, of the layout of ir/tensor_map.h.
#include "ir/tensor_map.h"

#include <fmt/format.h>

#include <array>
#include <cstring>
#include <span>

#include "device/context.h"
#include "driver/call.h"
#include "driver/objects.h"
#include "driver/process.h"

namespace doppel::driver {
namespace {

using ir::TensorMap;
using ir::TensorType;

static_assert(sizeof(CUtensorMap) == sizeof(TensorMap));

// What all kinds of maps are made of.
struct Request {
  CUtensorMap* map = nullptr;
  CUtensorMapDataType type{};
  cuuint32_t rank = 0;
  void* address = nullptr;
  const cuuint64_t* sizes = nullptr;
  const cuuint64_t* strides = nullptr;
  const cuuint32_t* element_strides = nullptr;
  CUtensorMapInterleave interleave{};
  CUtensorMapSwizzle swizzle{};
  CUtensorMapL2promotion promotion{};
  CUtensorMapFloatOOBfill fill{};
};

// The interface numbers them otherwise than the ISA.
constexpr std::array kTypes = {
    TensorType::U8,      TensorType::U16,   TensorType::U32,      TensorType::S32,
    TensorType::U64,     TensorType::S64,   TensorType::F16,      TensorType::F32,
    TensorType::F64,     TensorType::BF16,  TensorType::F32Ftz,   TensorType::Tf32,
    TensorType::Tf32Ftz, TensorType::B4x16, TensorType::B4x16P64, TensorType::B6x16};

struct Swizzle {
  ir::TensorSwizzle span;
  ir::SwizzleAtom atom;
};
constexpr std::array kSwizzles = {Swizzle{ir::TensorSwizzle::None, ir::SwizzleAtom::Of16Bytes},
                                  Swizzle{ir::TensorSwizzle::Of32Bytes, ir::SwizzleAtom::Of16Bytes},
                                  Swizzle{ir::TensorSwizzle::Of64Bytes, ir::SwizzleAtom::Of16Bytes},
                                  Swizzle{ir::TensorSwizzle::Of128Bytes, ir::SwizzleAtom::Of16Bytes},
                                  Swizzle{ir::TensorSwizzle::Of128Bytes, ir::SwizzleAtom::Of32Bytes},
                                  Swizzle{ir::TensorSwizzle::Of128Bytes, ir::SwizzleAtom::Of32BytesFlipped},
                                  Swizzle{ir::TensorSwizzle::Of128Bytes, ir::SwizzleAtom::Of64Bytes}};

auto invalid(std::string why) { return fail(Error::Kind::InvalidArgument, std::move(why)); }

Result<void> card_has_them(int least) {
  return current_context().and_then([&](const auto& context) -> Result<void> {
    if (context->device().card().compute_capability.number() >= least) return {};
    return fail(
        Error::Kind::NotSupported,
        fmt::format("such tensor maps are of compute capability {}.{} and later", least / 10, least % 10));
  });
}

bool is_aligned(const void* map) {
  return map != nullptr && reinterpret_cast<std::uintptr_t>(map) % TensorMap::kAlignment == 0;
}

template <typename Number>
bool below(Number value, std::size_t count) {
  return static_cast<std::size_t>(value) < count;
}

Result<TensorMap> common_part(const Request& given) {
  constexpr std::uint64_t kMostElements = std::uint64_t{1} << 32;
  if (!is_aligned(given.map)) return invalid("a tensor map's address is a multiple of 64");
  if (!below(given.type, kTypes.size()) || !below(given.swizzle, kSwizzles.size()) ||
      !below(given.interleave, 3) || !below(given.promotion, 4) || !below(given.fill, 2))
    return invalid("there is no such type, layout, swizzle, promotion or fill");
  if (given.rank == 0 || given.rank > TensorMap::kMostDimensions)
    return invalid("a tensor has 1 to 5 dimensions");
  if (given.address == nullptr || given.sizes == nullptr || given.element_strides == nullptr ||
      (given.rank > 1 && given.strides == nullptr))
    return invalid("an address, sizes or strides are missing");
  TensorMap map{};
  map.address = reinterpret_cast<std::uint64_t>(given.address);
  map.last_dimension = given.rank - 1;
  map.type = kTypes[given.type];
  map.interleave = static_cast<ir::TensorInterleave>(given.interleave);
  map.swizzle = kSwizzles[given.swizzle].span;
  map.atom = kSwizzles[given.swizzle].atom;
  map.fill = static_cast<ir::TensorFill>(given.fill);
  map.l2_promotion = static_cast<std::uint8_t>(given.promotion);
  for (std::size_t i = 0; i < given.rank; ++i) {
    if (given.sizes[i] == 0 || given.sizes[i] > kMostElements)
      return invalid(fmt::format("{} elements in dimension {}", given.sizes[i], i));
    map.sizes[i] = static_cast<std::uint32_t>(given.sizes[i]);
    map.element_strides[i] = given.element_strides[i];
    if (i + 1 < given.rank) map.strides[i] = given.strides[i];
  }
  if (map.type == TensorType::B4x16P64 && map.atom == ir::SwizzleAtom::Of64Bytes)
    return invalid("elements of 4 bits with gaps are not swizzled in parts of 64 bytes");
  return map;
}

Result<void> finish(const TensorMap& map, CUtensorMap* out) {
  if (std::string why = ir::problem_of(map); !why.empty()) return invalid(std::move(why));
  if (map.interleave != ir::TensorInterleave::None)
    return fail(Error::Kind::NotSupported,
                "interleaved tensors are not supported: where their slices lie stands in no text");
  std::memcpy(out, &map, sizeof map);
  return {};
}

// Corners of the bounding box by W, H, D; the interface has them by D, H, W.
Result<void> set_corners(TensorMap& map, std::span<const int> lower, std::span<const int> upper) {
  for (std::size_t i = 0; i < lower.size(); ++i) {
    const int low = lower[lower.size() - 1 - i], high = upper[upper.size() - 1 - i];
    if (low != static_cast<std::int16_t>(low) || high != static_cast<std::int16_t>(high))
      return invalid("a corner of the bounding box lies too far out");
    map.box[2 + i] =
        static_cast<std::uint16_t>(low) | static_cast<std::uint32_t>(static_cast<std::uint16_t>(high)) << 16;
  }
  return {};
}

Result<void> encode_tiled(const Request& given, const cuuint32_t* box) {
  return card_has_them(90).and_then([&] { return common_part(given); }).and_then([&](TensorMap map) {
    if (box == nullptr) return Result<void>(invalid("the box is missing"));
    std::copy_n(box, given.rank, map.box.begin());
    return finish(map, given.map);
  });
}

Result<void> encode_im2col(const Request& given, const int* lower, const int* upper, cuuint32_t channels,
                           cuuint32_t pixels) {
  return card_has_them(90)
      .and_then([&] { return common_part(given); })
      .and_then([&](TensorMap map) -> Result<void> {
        if (lower == nullptr || upper == nullptr || given.rank < 3)
          return invalid("im2col is of 3 to 5 dimensions, with corners of the bounding box");
        map.access = ir::TensorAccess::Im2col;
        map.box = {channels, pixels};
        const std::size_t corners = given.rank - 2;
        return set_corners(map, {lower, corners}, {upper, corners}).and_then([&] {
          return finish(map, given.map);
        });
      });
}

Result<void> encode_wide(const Request& given, int lower, int upper, cuuint32_t channels, cuuint32_t pixels,
                         CUtensorMapIm2ColWideMode mode) {
  return card_has_them(100)
      .and_then([&] { return common_part(given); })
      .and_then([&](TensorMap map) -> Result<void> {
        const bool swizzles = given.swizzle == CU_TENSOR_MAP_SWIZZLE_64B ||
                              given.swizzle == CU_TENSOR_MAP_SWIZZLE_128B ||
                              given.swizzle == CU_TENSOR_MAP_SWIZZLE_128B_ATOM_32B;
        if (given.rank < 3 || !below(mode, 2) || !swizzles)
          return invalid("im2col::w is of 3 to 5 dimensions, swizzled within 64 or 128 bytes");
        map.access = mode == CU_TENSOR_MAP_IM2COL_WIDE_MODE_W ? ir::TensorAccess::Im2colW
                                                              : ir::TensorAccess::Im2colW128;
        map.box = {channels, pixels};
        return set_corners(map, {&lower, 1}, {&upper, 1}).and_then([&] { return finish(map, given.map); });
      });
}

Result<void> replace_address(CUtensorMap* object, void* address) {
  if (!is_aligned(object) || address == nullptr)
    return invalid("a tensor map's address is a multiple of 64, a tensor's not null");
  return card_has_them(90).and_then([&] {
    TensorMap map;
    std::memcpy(&map, object, sizeof map);
    map.address = reinterpret_cast<std::uint64_t>(address);
    return finish(map, object);
  });
}

}  // namespace
}  // namespace doppel::driver

extern "C" {
using namespace doppel::driver;

CUresult cuTensorMapEncodeTiled(CUtensorMap* map, CUtensorMapDataType type, cuuint32_t rank, void* address,
                                const cuuint64_t* sizes, const cuuint64_t* strides, const cuuint32_t* box,
                                const cuuint32_t* element_strides, CUtensorMapInterleave interleave,
                                CUtensorMapSwizzle swizzle, CUtensorMapL2promotion promotion,
                                CUtensorMapFloatOOBfill fill) {
  return call(__func__,
              std::tuple(map, type, rank, address, sizes, strides, box, element_strides, interleave, swizzle,
                         promotion, fill),
              [&] {
                return answer(encode_tiled({map, type, rank, address, sizes, strides, element_strides,
                                            interleave, swizzle, promotion, fill},
                                           box));
              });
}
CUresult cuTensorMapEncodeIm2col(CUtensorMap* map, CUtensorMapDataType type, cuuint32_t rank, void* address,
                                 const cuuint64_t* sizes, const cuuint64_t* strides, const int* lower,
                                 const int* upper, cuuint32_t channels, cuuint32_t pixels,
                                 const cuuint32_t* element_strides, CUtensorMapInterleave interleave,
                                 CUtensorMapSwizzle swizzle, CUtensorMapL2promotion promotion,
                                 CUtensorMapFloatOOBfill fill) {
  return call(__func__,
              std::tuple(map, type, rank, address, sizes, strides, lower, upper, channels, pixels,
                         element_strides, interleave, swizzle, promotion, fill),
              [&] {
                return answer(encode_im2col({map, type, rank, address, sizes, strides, element_strides,
                                             interleave, swizzle, promotion, fill},
                                            lower, upper, channels, pixels));
              });
}
CUresult cuTensorMapEncodeIm2colWide(CUtensorMap* map, CUtensorMapDataType type, cuuint32_t rank,
                                     void* address, const cuuint64_t* sizes, const cuuint64_t* strides,
                                     int lower, int upper, cuuint32_t channels, cuuint32_t pixels,
                                     const cuuint32_t* element_strides, CUtensorMapInterleave interleave,
                                     CUtensorMapIm2ColWideMode mode, CUtensorMapSwizzle swizzle,
                                     CUtensorMapL2promotion promotion, CUtensorMapFloatOOBfill fill) {
  return call(__func__,
              std::tuple(map, type, rank, address, sizes, strides, lower, upper, channels, pixels,
                         element_strides, interleave, mode, swizzle, promotion, fill),
              [&] {
                return answer(encode_wide({map, type, rank, address, sizes, strides, element_strides,
                                           interleave, swizzle, promotion, fill},
                                          lower, upper, channels, pixels, mode));
              });
}
CUresult cuTensorMapReplaceAddress(CUtensorMap* map, void* address) {
  return call(__func__, std::tuple(map, address), [&] { return answer(replace_address(map, address)); });
}
}
