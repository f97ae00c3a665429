// SPDX-License-Identifier: Apache-2.0
// Texels of half a warp's lanes in registers, for any Lanes. A format has kPlanes vectors of them: of bytes
// one, four to a lane, with those that the format has not as what they read as; of floats one a component.
#pragma once

namespace doppel::texture {
namespace {

// Elements of vectors that were stored there are loaded, which is quicker than to take the vectors apart.
template <typename T>
[[gnu::always_inline]] inline void keep_in_memory(T& stored) {
  asm volatile("" : "+m"(stored));
}

template <int kCount>
struct PackedBytes {
  static constexpr int kChannels = kCount, kPlanes = 1, kTexelBytes = kCount;
  static constexpr bool kWhole = true;

  // Words that hold the texels and begin at multiples of four: they lie in no page but the texels'.
  static void load(std::uint64_t base, Ints index, Ints* planes) {
    if constexpr (kCount == 4) {
      planes[0] = Lanes::gather<4>(reinterpret_cast<const void*>(base), index);
    } else {
      const auto skipped = static_cast<std::int32_t>(base & 3);
      const Ints scaled = kCount == 2 ? Lanes::shift_left<1>(index) : index;
      const Ints place = Lanes::add(scaled, Lanes::splat(skipped));
      const Ints words =
          Lanes::gather<1>(reinterpret_cast<const void*>(base - static_cast<std::uint64_t>(skipped)),
                           Lanes::and_of(place, Lanes::splat(~3)));
      const Ints bits = Lanes::shift_left<3>(Lanes::and_of(place, Lanes::splat(3)));
      const Ints texel = Lanes::shift_right_by(words, bits);
      planes[0] = Lanes::or_of(Lanes::and_of(texel, Lanes::splat((1 << 8 * kCount) - 1)), missing());
    }
  }
  // Of these and their neighbours in x.
  static void load_pairs(std::uint64_t base, Ints index, Ints* first, Ints* second) {
    if constexpr (kCount == 4) {
      Lanes::gather_pairs<4>(reinterpret_cast<const void*>(base), index, first[0], second[0]);
    } else {
      load(base, index, first);
      load(base, Lanes::add(index, Lanes::splat(1)), second);
    }
  }
  // The border's, of which a component is 0 or 1.
  static void border(const std::array<float, 4>& color, Ints* planes) {
    std::uint32_t word = 0;
    for (int c = 0; c < 4; ++c) {
      if (color[static_cast<std::size_t>(c)] == 1.0F) word |= 255U << 8 * c;
    }
    planes[0] = Lanes::splat(static_cast<std::int32_t>(word));
  }

 private:
  static Ints missing() { return Lanes::splat(static_cast<std::int32_t>(0xff000000U)); }
};

template <int kCount>
struct PlanesOfFloats {
  static constexpr int kChannels = kCount, kPlanes = kCount, kTexelBytes = 4 * kCount;
  static constexpr bool kWhole = false;

  static void load(std::uint64_t base, Ints index, Ints* planes) {
    const auto* const from = reinterpret_cast<const void*>(base);
    if constexpr (kCount == 1) planes[0] = Lanes::gather<4>(from, index);
    if constexpr (kCount == 2) Lanes::gather_pairs<8>(from, index, planes[0], planes[1]);
  }
  static void load_pairs(std::uint64_t base, Ints index, Ints* first, Ints* second) {
    if constexpr (kCount == 1) {
      Lanes::gather_pairs<4>(reinterpret_cast<const void*>(base), index, first[0], second[0]);
    } else {
      load(base, index, first);
      load(base, Lanes::add(index, Lanes::splat(1)), second);
    }
  }
  static void border(const std::array<float, 4>& color, Ints* planes) {
    for (int c = 0; c < kCount; ++c)
      planes[c] = Lanes::as_ints(Lanes::splat_float(color[static_cast<std::size_t>(c)]));
  }
};

}  // namespace
}  // namespace doppel::texture
