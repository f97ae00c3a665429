// SPDX-License-Identifier: Apache-2.0
// coordinates.h for any Lanes: from the coordinates of half a warp to the texels along one dimension.
#pragma once

namespace doppel::texture {
namespace {

using Ints = Lanes::Ints;
using Floats = Lanes::Floats;
using Doubles = Lanes::Doubles;
using Mask = Lanes::Mask;

// How one dimension is read.
struct Dimension {
  AddressMode mode;
  bool normalized;
  std::int32_t size;

  bool folds() const { return normalized && (mode == AddressMode::Wrap || mode == AddressMode::Mirror); }
};

// Texels along a dimension: of a filter two, and how much of the second in 1/256.
struct Places {
  Ints first, second, fraction;
  Mask first_outside, second_outside;  // the border's; their numbers are of texels inside
};

// to_texels().
inline Floats place_in_texels(Floats at, const Dimension& dimension) {
  const Floats extent = Lanes::splat_float(dimension.normalized ? static_cast<float>(dimension.size) : 1.0F);
  if (!dimension.folds()) {
    const Floats texels = Lanes::multiply(at, extent);
    const Floats number = Lanes::or_zero(Lanes::is_number(texels), texels);
    return Lanes::larger(Lanes::smaller(number, Lanes::splat_float(kFarthest)),
                         Lanes::splat_float(-kFarthest));
  }
  const Floats whole = Lanes::floor(at);
  Floats part = Lanes::subtract(at, whole);
  if (dimension.mode == AddressMode::Mirror) {
    const Floats half = Lanes::multiply(whole, Lanes::splat_float(0.5F));
    const Mask odd = Lanes::differ(half, Lanes::floor(half));
    part = Lanes::select(odd, Lanes::subtract(Lanes::splat_float(1), part), part);
  }
  // Of an infinity the part is no number.
  return Lanes::multiply(Lanes::or_zero(Lanes::is_number(part), part), extent);
}

// Not yet inside: `first` may be any, `second` is not set. Inactive lanes are at 0.
template <bool kLinear>
inline void unbounded_places(Floats at, const Dimension& dimension, Mask active, Places& places) {
  const Floats texels = place_in_texels(at, dimension);
  if constexpr (kLinear) {
    const Ints fixed =
        Lanes::subtract(Lanes::nearest(Lanes::multiply(texels, Lanes::splat_float(kFractionOne))),
                        Lanes::splat(kFractionOne / 2));
    places.fraction = Lanes::and_of(fixed, Lanes::splat(kFractionOne - 1));
    places.first = Lanes::or_zero(active, Lanes::shift_signed_right<8>(fixed));
  } else {
    places.first = Lanes::or_zero(active, Lanes::floor_to_ints(texels));
  }
}

// Whether what is read along the dimension, from `first` on, lies inside.
template <bool kLinear>
inline Mask are_inside(const Dimension& dimension, const Places& places) {
  return Lanes::is_less(places.first, Lanes::splat(dimension.size - (kLinear ? 1 : 0)));
}

// to_index(), of texels that are at most one beyond an end where a mode folds.
inline Ints inside(Ints texel, const Dimension& dimension, Mask& outside) {
  const Ints zero = Lanes::splat(0), size = Lanes::splat(dimension.size);
  outside = Lanes::mask_of(0);
  if (dimension.mode == AddressMode::Wrap && dimension.normalized) {
    const Ints above = Lanes::add(texel, Lanes::and_of(Lanes::shift_signed_right<31>(texel), size));
    return Lanes::select(Lanes::is_less(above, size), above, Lanes::subtract(above, size));
  }
  const Ints nearest = Lanes::smaller(Lanes::larger(texel, zero), Lanes::splat(dimension.size - 1));
  if (dimension.mode == AddressMode::Border) outside = Lanes::differ(nearest, texel);
  return nearest;
}

template <bool kLinear>
inline void bring_inside(const Dimension& dimension, Places& places) {
  if constexpr (kLinear)
    places.second = inside(Lanes::add(places.first, Lanes::splat(1)), dimension, places.second_outside);
  places.first = inside(places.first, dimension, places.first_outside);
}

}  // namespace
}  // namespace doppel::texture
