// SPDX-License-Identifier: Apache-2.0
// Loops over the lanes without branches, which compilers make vectors of: for the host's widest of those that
// it may have, and for all hosts.
#include "texture/general_fetch.h"

#include <array>
#include <bit>
#include <cstring>

#include "texture/coordinates.h"
#include "texture/sample.h"

namespace doppel::texture {
namespace {

constexpr int kLanes = 32;
template <typename T>
using Row = std::array<T, kLanes>;

// What std::floor and std::nearbyint give, of numbers whose whole part fits 32 bits.
[[gnu::always_inline]] inline std::int32_t floor_of(float value) {
  const auto whole = static_cast<std::int32_t>(value);
  return whole - (static_cast<float>(whole) > value ? 1 : 0);
}
[[gnu::always_inline]] inline std::int32_t nearest_of(float value) {
  const auto whole = static_cast<std::int32_t>(value);
  const float rest = value - static_cast<float>(whole);
  const std::int32_t odd = whole & 1;
  const std::int32_t up = (rest > 0.5F ? 1 : 0) | ((rest == 0.5F ? 1 : 0) & odd);
  const std::int32_t down = (rest < -0.5F ? 1 : 0) | ((rest == -0.5F ? 1 : 0) & odd);
  return whole + up - down;
}

struct Axis {
  Row<std::int32_t> first, second, fraction;
  Row<std::int32_t> outside;  // not 0: one of the two texels is the border
};

// to_texels() of all lanes.
[[gnu::always_inline]] inline void to_texels_of_all(const std::uint32_t* words, AddressMode mode,
                                                    bool normalized, std::int32_t size, Row<float>& texels) {
  constexpr float kWhole = 1 << 30;  // from here on all floats are whole and even
  const auto extent = normalized ? static_cast<float>(size) : 1.0F;
  const bool folds = normalized && (mode == AddressMode::Wrap || mode == AddressMode::Mirror);
  const std::int32_t mirrors = mode == AddressMode::Mirror ? 1 : 0;
  if (folds) {
    for (int i = 0; i < kLanes; ++i) {
      auto at = std::bit_cast<float>(words[i]);
      at = at == at ? at : 0.0F;
      at = at < -kWhole ? -kWhole : at;
      at = at > kWhole ? kWhole : at;
      const std::int32_t whole = floor_of(at);
      const float part = at - static_cast<float>(whole);
      // 1 - part where it is mirrored, without a branch.
      const auto odd = static_cast<float>(whole & mirrors);
      texels[static_cast<std::size_t>(i)] = (odd + (1.0F - 2.0F * odd) * part) * extent;
    }
    return;
  }
  for (int i = 0; i < kLanes; ++i) {
    float at = std::bit_cast<float>(words[i]) * extent;
    at = at == at ? at : 0.0F;
    at = at < -kFarthest ? -kFarthest : at;
    texels[static_cast<std::size_t>(i)] = at > kFarthest ? kFarthest : at;
  }
}

// to_index() of all lanes, of texels that are at most one beyond an end where a mode folds; the border's are
// brought inside and noted.
[[gnu::always_inline]] inline void to_indices(Row<std::int32_t>& texels, Row<std::int32_t>& outside,
                                              AddressMode mode, bool normalized, std::int32_t size) {
  if (mode == AddressMode::Wrap && normalized) {
    for (std::int32_t& each : texels) {
      each = each < 0 ? each + size : each;
      each = each >= size ? each - size : each;
    }
    return;
  }
  const std::int32_t border = mode == AddressMode::Border ? 1 : 0;
  for (std::size_t i = 0; i < kLanes; ++i) {
    const std::int32_t texel = texels[i];
    const std::int32_t low = texel < 0 ? 0 : texel;
    const std::int32_t inside = low >= size ? size - 1 : low;
    outside[i] |= (inside != texel ? 1 : 0) & border;
    texels[i] = inside;
  }
}

template <bool kLinear>
[[gnu::always_inline]] inline void prepare(const std::uint32_t* words, const Sampler& sampler, int which,
                                           std::int32_t size, Axis& axis) {
  const AddressMode mode = sampler.modes[static_cast<std::size_t>(which)];
  const bool normalized = sampler.normalized_coordinates;
  Row<float> texels;
  to_texels_of_all(words, mode, normalized, size, texels);
  if constexpr (kLinear) {
    for (std::size_t i = 0; i < kLanes; ++i) {
      const std::int32_t fixed = nearest_of(texels[i] * kFractionOne) - kFractionOne / 2;
      axis.first[i] = fixed >> 8;
      axis.second[i] = (fixed >> 8) + 1;
      axis.fraction[i] = fixed & 255;
    }
    to_indices(axis.first, axis.outside, mode, normalized, size);
    to_indices(axis.second, axis.outside, mode, normalized, size);
  } else {
    for (std::size_t i = 0; i < kLanes; ++i) axis.first[i] = floor_of(texels[i]);
    to_indices(axis.first, axis.outside, mode, normalized, size);
  }
}

struct Layers {
  Row<std::int32_t> at;
  std::uint64_t bytes;  // 0: there are none
};

// The texels of all lanes in the mask, but of those at a border.
void note_touched(const Level& level, std::uint32_t mask, int dimensions, bool linear, std::size_t bytes,
                  const Axis& x, const Axis& y, const Axis& z, const Layers& layers, Touched& touched) {
  touched.texel_bytes = static_cast<std::uint32_t>(bytes);
  touched.filtered = touched.filtered || linear;
  const int corners = linear ? 1 << dimensions : 1;
  for (; mask != 0; mask &= mask - 1) {
    const auto i = static_cast<std::size_t>(std::countr_zero(mask));
    touched.samples += linear && dimensions == 3 ? 2 : 1;
    for (int corner = 0; corner < corners; ++corner) {
      const auto at = [&](const Axis& axis, int which) {
        return static_cast<std::uint64_t>((corner >> which & 1) != 0 ? axis.second[i] : axis.first[i]);
      };
      const std::uint64_t slice =
          dimensions > 2 ? at(z, 2) * level.slice : static_cast<std::uint64_t>(layers.at[i]) * layers.bytes;
      touched.add(level, level.base + slice, at(x, 0) * bytes, dimensions > 1 ? at(y, 1) : 0);
    }
  }
}

// Formats. Words are what a texel is loaded by, into rows of their own: a component comes out of them without
// another look at memory, which the results might be.
template <typename Word, int kCount>
struct Bytes {
  static constexpr int kChannels = kCount;
  static constexpr bool kWhole = true;
  using Texel = Word;
  using Loaded = Row<std::uint32_t>;
  [[gnu::always_inline]] static void load(const Texel* base, const Row<std::int32_t>& at, Loaded& to) {
    for (std::size_t i = 0; i < kLanes; ++i) to[i] = base[at[i]];
  }
  [[gnu::always_inline]] static std::int32_t get(const Loaded& loaded, std::size_t i, int c) {
    return static_cast<std::int32_t>(loaded[i] >> (8 * c) & 255);
  }
};
template <int kCount>
struct Floats {
  static constexpr int kChannels = kCount;
  static constexpr bool kWhole = false;
  struct Texel {
    std::array<float, kCount> components;
  };
  using Loaded = std::array<Row<float>, kCount>;
  [[gnu::always_inline]] static void load(const Texel* base, const Row<std::int32_t>& at, Loaded& to) {
    for (std::size_t i = 0; i < kLanes; ++i) {
      const Texel texel = base[at[i]];
      for (std::size_t c = 0; c < kCount; ++c) to[c][i] = texel.components[c];
    }
  }
  [[gnu::always_inline]] static double get(const Loaded& loaded, std::size_t i, int c) {
    return static_cast<double>(loaded[static_cast<std::size_t>(c)][i]);
  }
};

// What a texel of weight 0 holds does not count.
[[gnu::always_inline]] inline double weighted(std::int32_t weight, double number) {
  const double product = weight * number;
  return weight == 0 ? 0.0 : product;
}
[[gnu::always_inline]] inline std::uint32_t bits(float value) { return std::bit_cast<std::uint32_t>(value); }

// The results may lie where the words do: those are read first.
template <typename Format, int kDimensions, bool kLinear>
[[gnu::always_inline]] inline void fetch_all(const Texture& texture, std::uint32_t mask,
                                             const std::uint32_t (*words)[kLanes],
                                             std::uint32_t (*results)[kLanes], Touched* touched) {
  using Texel = typename Format::Texel;
  const Level& level = texture.image.levels[0];
  const Sampler& sampler = texture.sampler;
  Layers layers{{}, texture.image.layered ? texture.image.layer_bytes : 0};
  if (texture.image.layered) {
    std::memcpy(&layers.at, words++, sizeof(layers.at));
    for (std::int32_t& each : layers.at) {
      each = each < 0 ? 0 : each;
      each = each >= texture.image.layers ? texture.image.layers - 1 : each;
    }
  }
  std::array<Row<std::uint32_t>, kDimensions> kept;
  std::memcpy(kept.data(), words, sizeof(kept));
  Axis x, y, z;
  x.outside = {};
  prepare<kLinear>(kept[0].data(), sampler, 0, level.width, x);
  if constexpr (kDimensions > 1) {
    y.outside = {};
    prepare<kLinear>(kept[1].data(), sampler, 1, level.height, y);
  }
  if constexpr (kDimensions > 2) {
    z.outside = {};
    prepare<kLinear>(kept[2].data(), sampler, 2, level.depth, z);
  }
  if (touched != nullptr)
    note_touched(level, mask, kDimensions, kLinear, sizeof(Texel), x, y, z, layers, *touched);
  const auto* const base = reinterpret_cast<const Texel*>(level.base);
  const auto pitch = static_cast<std::int32_t>(level.pitch / sizeof(Texel));
  const auto slice = static_cast<std::int32_t>(level.slice / sizeof(Texel));
  const auto layer = static_cast<std::int32_t>(layers.bytes / sizeof(Texel));
  constexpr int kCorners = kLinear ? 1 << kDimensions : 1;
  // Texels of the corners, and their weights; the lowest bit of a corner's number is x.
  typename Format::Loaded loaded[kCorners];
  Row<std::int32_t> weight[kCorners];
  for (int corner = 0; corner < kCorners; ++corner) {
    Row<std::int32_t> at;
    for (std::size_t i = 0; i < kLanes; ++i) {
      std::int32_t place = ((corner & 1) != 0 ? x.second[i] : x.first[i]) + layers.at[i] * layer;
      std::int32_t part = 1;
      if constexpr (kLinear) part = (corner & 1) != 0 ? x.fraction[i] : kFractionOne - x.fraction[i];
      if constexpr (kDimensions > 1) {
        place += ((corner & 2) != 0 ? y.second[i] : y.first[i]) * pitch;
        if constexpr (kLinear) part *= (corner & 2) != 0 ? y.fraction[i] : kFractionOne - y.fraction[i];
      }
      if constexpr (kDimensions > 2) {
        place += ((corner & 4) != 0 ? z.second[i] : z.first[i]) * slice;
        if constexpr (kLinear) part *= (corner & 4) != 0 ? z.fraction[i] : kFractionOne - z.fraction[i];
      }
      at[i] = place;
      weight[corner][i] = part;
    }
    Format::load(base, at, loaded[corner]);
  }
  constexpr int kBits = kLinear ? 8 * kDimensions : 0;
  for (int c = 0; c < 4; ++c) {
    if (c >= Format::kChannels) {
      const std::uint32_t missing = c == 3 ? bits(1.0F) : 0;
      for (std::size_t i = 0; i < kLanes; ++i) results[c][i] = missing;
    } else if constexpr (Format::kWhole && kDimensions < 3) {
      // At most 2^16 times 255: exact in 32 bits, and in a float.
      constexpr float kUnit = 255.0F * (1 << kBits);
      for (std::size_t i = 0; i < kLanes; ++i) {
        std::int32_t sum = 0;
        for (int corner = 0; corner < kCorners; ++corner)
          sum += weight[corner][i] * Format::get(loaded[corner], i, c);
        results[c][i] = bits(static_cast<float>(sum) / kUnit);
      }
    } else if constexpr (!kLinear) {
      for (std::size_t i = 0; i < kLanes; ++i)
        results[c][i] =
            bits(static_cast<float>(Format::get(loaded[0], i, c) / (Format::kWhole ? 255.0 : 1.0)));
    } else {
      constexpr double kUnit = 1.0 / (1 << kBits);
      for (std::size_t i = 0; i < kLanes; ++i) {
        double sum = 0;
        for (int corner = 0; corner < kCorners; ++corner)
          sum += weighted(weight[corner][i], Format::get(loaded[corner], i, c));
        sum *= kUnit;
        results[c][i] = canonical_nan(bits(static_cast<float>(Format::kWhole ? sum / 255.0 : sum)));
      }
    }
  }
  std::int32_t any = 0;
  for (std::size_t i = 0; i < kLanes; ++i) {
    if constexpr (kDimensions > 1) x.outside[i] |= y.outside[i];
    if constexpr (kDimensions > 2) x.outside[i] |= z.outside[i];
    any |= x.outside[i];
  }
  if (any == 0) return;
  for (std::size_t i = 0; i < kLanes; ++i) {
    if (x.outside[i] == 0 || (mask >> i & 1) == 0) continue;
    ir::TextureForm form;
    form.geometry = texture.image.geometry();
    LaneWords lane{};
    std::size_t word = 0;
    if (texture.image.layered) lane[word++] = static_cast<std::uint32_t>(layers.at[i]);
    for (std::size_t k = 0; k < kDimensions; ++k) lane[word++] = kept[k][i];
    const auto result = fetch_lane(texture.image, sampler, form, lane, nullptr);
    for (std::size_t c = 0; c < 4; ++c) results[c][i] = result[c];
  }
}

template <typename Format, int kDimensions, bool kLinear>
void fetch_anywhere(const Texture& texture, std::uint32_t mask, const std::uint32_t (*words)[kLanes],
                    std::uint32_t (*results)[kLanes], Touched* touched) {
  fetch_all<Format, kDimensions, kLinear>(texture, mask, words, results, touched);
}

#if defined(__x86_64__)
template <typename Format, int kDimensions, bool kLinear>
[[gnu::target("avx2")]] void fetch_with_avx2(const Texture& texture, std::uint32_t mask,
                                             const std::uint32_t (*words)[kLanes],
                                             std::uint32_t (*results)[kLanes], Touched* touched) {
  fetch_all<Format, kDimensions, kLinear>(texture, mask, words, results, touched);
}

template <typename Format, int kDimensions, bool kLinear>
[[gnu::target("avx512f,avx512bw,avx512dq,avx512vl")]] void fetch_with_avx512(
    const Texture& texture, std::uint32_t mask, const std::uint32_t (*words)[kLanes],
    std::uint32_t (*results)[kLanes], Touched* touched) {
  fetch_all<Format, kDimensions, kLinear>(texture, mask, words, results, touched);
}

bool has_avx512() {
  static const bool has = __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512bw") != 0 &&
                          __builtin_cpu_supports("avx512dq") != 0 && __builtin_cpu_supports("avx512vl") != 0;
  return has;
}
#endif

template <typename Format, int kDimensions, bool kLinear>
FastFetch for_host() {
#if defined(__x86_64__)
  if (has_avx512()) return fetch_with_avx512<Format, kDimensions, kLinear>;
  static const bool has_avx2 = __builtin_cpu_supports("avx2") != 0;
  if (has_avx2) return fetch_with_avx2<Format, kDimensions, kLinear>;
#endif
  return fetch_anywhere<Format, kDimensions, kLinear>;
}

template <typename Format>
FastFetch for_shape(Shape shape, bool linear) {
  switch (shape) {
    case Shape::D1:
      return linear ? for_host<Format, 1, true>() : for_host<Format, 1, false>();
    case Shape::D2:
      return linear ? for_host<Format, 2, true>() : for_host<Format, 2, false>();
    case Shape::D3:
      return linear ? for_host<Format, 3, true>() : for_host<Format, 3, false>();
    case Shape::Cube:
      break;
  }
  return nullptr;
}

}  // namespace

FastFetch general_fetch_for(const Image& image, const Sampler& sampler) {
  const Format& format = image.format;
  if (format.element == Element::U8) {
    if (format.channels == 1) return for_shape<Bytes<std::uint8_t, 1>>(image.shape, sampler.linear);
    if (format.channels == 2) return for_shape<Bytes<std::uint16_t, 2>>(image.shape, sampler.linear);
    return for_shape<Bytes<std::uint32_t, 4>>(image.shape, sampler.linear);
  }
  if (format.element == Element::F32) {
    if (format.channels == 1) return for_shape<Floats<1>>(image.shape, sampler.linear);
    if (format.channels == 2) return for_shape<Floats<2>>(image.shape, sampler.linear);
    return for_shape<Floats<4>>(image.shape, sampler.linear);
  }
  return nullptr;
}

}  // namespace doppel::texture
