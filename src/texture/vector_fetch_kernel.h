// SPDX-License-Identifier: Apache-2.0
// Fetches of a warp by its two halves, for any Lanes.
#pragma once

namespace doppel::texture {
namespace {

constexpr int kHalf = 16;
constexpr float kMissing[4] = {0, 0, 0, 1};

// What all lanes have in common. Steps are in texels.
struct Source {
  std::uint64_t base;
  std::int32_t pitch, slice, layer, layers;
  Dimension dimensions[3];
  const std::array<float, 4>* border;

  Source(const Texture& texture, std::uint64_t texel_bytes) {
    const Image& image = texture.image;
    const Sampler& sampler = texture.sampler;
    const Level& level = image.levels[0];
    base = level.base;
    pitch = static_cast<std::int32_t>(level.pitch / texel_bytes);
    slice = static_cast<std::int32_t>(level.slice / texel_bytes);
    layer = static_cast<std::int32_t>(image.layer_bytes / texel_bytes);
    layers = image.layered ? image.layers : 0;
    const std::int32_t sizes[3] = {level.width, level.height, level.depth};
    for (std::size_t d = 0; d < 3; ++d)
      dimensions[d] = {sampler.modes[d], sampler.normalized_coordinates, sizes[d]};
    border = &sampler.border;
  }
};

template <typename Format, int kDimensions, bool kLinear>
class HalfWarp {
 public:
  HalfWarp(const Source& source, std::uint32_t active, Ints layer, const Ints* at)
      : source_(source), active_(Lanes::mask_of(active)), layer_(layer), at_(at) {}

  // False: they would not all be those of fetch_lane().
  [[gnu::always_inline]] bool fetch(std::uint32_t (*results)[2 * kHalf], int lane) {
    const bool at_border = locate([&](auto adjacent) __attribute__((always_inline)) { load<adjacent>(); });
    Floats values[4];
    if (at_border) {
      color_outside();
      mix<4>(values);
    } else {
      mix<Format::kChannels>(values);
    }
    return give(values, results, lane);
  }

  // The same in two steps, of floats in fours, which are mixed where they lie in memory. The steps of both
  // halves stand beside each other, so that neither waits for where its texels lie.
  static constexpr bool kQuads = Format::kPlanes == 4;
  static constexpr int kCorners = kLinear ? 1 << kDimensions : 1;
  struct Quads {
    alignas(64) std::uint32_t halves[kCorners][kHalf];  // twice the number of a texel
    Doubles weights[kCorners];
    bool at_border;
    std::uint32_t outside[kCorners];  // lanes
  };
  [[gnu::always_inline]] void find_quads(Quads& quads) {
    quads.at_border = locate([&](auto adjacent) __attribute__((always_inline)) {
      for (int corner = 0; corner < kCorners; ++corner)
        Lanes::store(quads.halves[corner], Lanes::shift_left<1>(index<adjacent>(corner)));
    });
    keep_in_memory(quads.halves);
    if (quads.at_border) {
      for (int corner = 0; corner < kCorners; ++corner)
        quads.outside[corner] = Lanes::bits_of(outside_[corner]);
    }
    if constexpr (kLinear) weights_of<kDimensions>(places_, quads.weights);
  }
  [[gnu::always_inline]] bool fetch_quads(const Quads& quads, std::uint32_t (*results)[2 * kHalf],
                                          int lane) const {
    Floats values[4];
    if (quads.at_border) {
      mix_quads<true>(quads, values);
    } else {
      mix_quads<false>(quads, values);
    }
    return give(values, results, lane);
  }

 private:
  static constexpr int kRows = kLinear ? kCorners / 2 : 1;

  // Calls `then` when places_ and rows_ are known, with whether the texels of a dimension are neighbours, as
  // a constant. Whether a corner is the border's.
  template <typename Then>
  [[gnu::always_inline]] bool locate(const Then& then) {
    Mask inside = active_;
    for (int d = 0; d < kDimensions; ++d) {
      unbounded_places<kLinear>(Lanes::as_floats(at_[d]), source_.dimensions[d], active_, places_[d]);
      inside = Lanes::both(inside, are_inside<kLinear>(source_.dimensions[d], places_[d]));
    }
    if (Lanes::bits_of(inside) == Lanes::bits_of(active_)) {
      find_rows<true>();
      then(std::true_type{});
      return false;
    }
    for (int d = 0; d < kDimensions; ++d) bring_inside<kLinear>(source_.dimensions[d], places_[d]);
    find_rows<false>();
    then(std::false_type{});
    return find_outside();
  }

  [[gnu::always_inline]] bool give(const Floats* values, std::uint32_t (*results)[2 * kHalf],
                                   int lane) const {
    for (int c = 0; c < 4; ++c) Lanes::store(results[c] + lane, Lanes::as_ints(values[c]));
    if constexpr (Format::kWhole || !kLinear) return true;
    Mask numbers = Lanes::is_number(values[0]);
    for (int c = 1; c < 4; ++c) numbers = Lanes::both(numbers, Lanes::is_number(values[c]));
    return Lanes::bits_of(Lanes::both(numbers, active_)) == Lanes::bits_of(active_);
  }

  // kAdjacent: texels of a dimension are neighbours.
  template <bool kAdjacent>
  [[gnu::always_inline]] void find_rows() {
    const auto times = [](Ints at, std::int32_t step) { return Lanes::multiply(at, Lanes::splat(step)); };
    Ints base = Lanes::splat(0);
    if (source_.layers != 0) {
      const Ints last = Lanes::splat(source_.layers - 1);
      base = times(Lanes::smaller(Lanes::larger(layer_, Lanes::splat(0)), last), source_.layer);
    }
    // The lowest bit of a row's number is y.
    rows_[0] = Lanes::add(base, times(places_[1].first, source_.pitch));
    if constexpr (kLinear)
      rows_[1] = kAdjacent ? Lanes::add(rows_[0], Lanes::splat(source_.pitch))
                           : Lanes::add(base, times(places_[1].second, source_.pitch));
    if constexpr (kDimensions == 3) {
      const Ints front = times(places_[2].first, source_.slice);
      if constexpr (kLinear) {
        const Ints back = kAdjacent ? Lanes::add(front, Lanes::splat(source_.slice))
                                    : times(places_[2].second, source_.slice);
        for (int i = 0; i < 2; ++i) rows_[2 + i] = Lanes::add(rows_[i], back);
        rows_[1] = Lanes::add(rows_[1], front);
      }
      rows_[0] = Lanes::add(rows_[0], front);
    }
  }

  template <bool kAdjacent>
  [[gnu::always_inline]] Ints index(int corner) const {
    const Ints first = Lanes::add(rows_[corner / 2], places_[0].first);
    if ((corner & 1) == 0) return first;
    return kAdjacent ? Lanes::add(first, Lanes::splat(1)) : Lanes::add(rows_[corner / 2], places_[0].second);
  }

  template <bool kAdjacent>
  [[gnu::always_inline]] void load() {
    for (int corner = 0; corner < kCorners; ++corner) {
      if constexpr (kAdjacent && kLinear) {
        if ((corner & 1) == 0)
          Format::load_pairs(source_.base, index<true>(corner), texels_[corner], texels_[corner + 1]);
      } else {
        Format::load(source_.base, index<kAdjacent>(corner), texels_[corner]);
      }
    }
  }

  template <bool kBorder>
  [[gnu::always_inline]] void mix_quads(const Quads& quads, Floats* values) const {
    const auto* const texels = reinterpret_cast<const float*>(source_.base);
    const float* const border = source_.border->data();
    const auto quad = [&](int corner, int lane) __attribute__((always_inline)) {
      const bool outside = kBorder && (quads.outside[corner] >> lane & 1) != 0;
      return _mm_loadu_ps(outside ? border : texels + 2 * std::size_t{quads.halves[corner][lane]});
    };
    if constexpr (kLinear) {
      Lanes::mix_quads<kCorners>(quad, quads.weights, values);
    } else {
      Lanes::planes_of([&](int lane) __attribute__((always_inline)) { return quad(0, lane); }, values);
    }
  }

  // Whether a lane's corner is the border's.
  [[gnu::always_inline]] bool find_outside() {
    Mask any = Lanes::mask_of(0);
    for (int corner = 0; corner < kCorners; ++corner) {
      outside_[corner] = Lanes::mask_of(0);
      for (int d = 0; d < kDimensions; ++d) {
        const bool second = (corner >> d & 1) != 0;
        outside_[corner] =
            Lanes::either(outside_[corner], second ? places_[d].second_outside : places_[d].first_outside);
      }
      any = Lanes::either(any, outside_[corner]);
    }
    return Lanes::bits_of(Lanes::both(any, active_)) != 0;
  }

  [[gnu::always_inline]] void color_outside() {
    Ints border[Format::kPlanes];
    Format::border(*source_.border, border);
    for (int corner = 0; corner < kCorners; ++corner) {
      for (int plane = 0; plane < Format::kPlanes; ++plane)
        texels_[corner][plane] = Lanes::select(outside_[corner], border[plane], texels_[corner][plane]);
    }
  }

  // kCount components; those beyond the format's differ from what is missing at a border only.
  template <int kCount>
  [[gnu::always_inline]] void mix(Floats* values) const {
    for (int c = kCount; c < 4; ++c) values[c] = Lanes::splat_float(kMissing[c]);
    if constexpr (Format::kWhole) {
      Ints words[kCorners];
      for (int corner = 0; corner < kCorners; ++corner) words[corner] = texels_[corner][0];
      if constexpr (kLinear) {
        mix_bytes<kDimensions, kCount>(words, places_, values);
      } else {
        nearest_bytes<kCount>(words[0], values);
      }
    } else {
      Doubles weights[kCorners];
      if constexpr (kLinear) weights_of<kDimensions>(places_, weights);
      for (int c = 0; c < kCount; ++c) {
        Floats numbers[kCorners];
        for (int corner = 0; corner < kCorners; ++corner) {
          if (c < Format::kChannels) {
            numbers[corner] = Lanes::as_floats(texels_[corner][c < Format::kChannels ? c : 0]);
          } else {
            const float color = (*source_.border)[static_cast<std::size_t>(c)];
            numbers[corner] =
                Lanes::select(outside_[corner], Lanes::splat_float(color), Lanes::splat_float(kMissing[c]));
          }
        }
        if constexpr (kLinear) {
          values[c] = mix_floats<kCorners>(numbers, weights);
        } else {
          values[c] = numbers[0];
        }
      }
    }
  }

  const Source& source_;
  Mask active_;
  Ints layer_;
  const Ints* at_;
  Places places_[kDimensions];
  Ints rows_[kRows];  // in y and z; y is the lowest bit of a row's number
  Ints texels_[kCorners][Format::kPlanes];
  Mask outside_[kCorners];
};

// The results may lie where the words do: those are read first.
template <typename Format, int kDimensions, bool kLinear>
void fetch_in_vectors(const Texture& texture, std::uint32_t mask, const std::uint32_t (*words)[2 * kHalf],
                      std::uint32_t (*results)[2 * kHalf], Touched* touched) {
  const auto anyhow = [&](const std::uint32_t(*from)[2 * kHalf]) {
    general_fetch_for(texture.image, texture.sampler)(texture, mask, from, results, touched);
  };
  if (touched != nullptr) return anyhow(words);
  const Source source(texture, Format::kTexelBytes);
  const int layers = source.layers != 0 ? 1 : 0;
  Ints layer[2], at[2][kDimensions];
  for (int half = 0; half < 2; ++half) {
    layer[half] = Lanes::load(words[0] + half * kHalf);
    for (int d = 0; d < kDimensions; ++d) at[half][d] = Lanes::load(words[layers + d] + half * kHalf);
  }
  using Half = HalfWarp<Format, kDimensions, kLinear>;
  const auto half_warp = [&](int i) __attribute__((always_inline)) {
    return Half(source, mask >> i * kHalf & 0xffff, layer[i], at[i]);
  };
  bool good = true;
  if constexpr (Half::kQuads) {
    typename Half::Quads quads[2];
    for (int i = 0; i < 2; ++i) half_warp(i).find_quads(quads[i]);
    for (int i = 0; i < 2; ++i) good = half_warp(i).fetch_quads(quads[i], results, i * kHalf) && good;
  } else {
    for (int i = 0; i < 2; ++i) good = half_warp(i).fetch(results, i * kHalf) && good;
  }
  if (good) return;
  std::uint32_t kept[4][2 * kHalf];
  for (int half = 0; half < 2; ++half) {
    Lanes::store(kept[0] + half * kHalf, layer[half]);
    for (int d = 0; d < kDimensions; ++d) Lanes::store(kept[layers + d] + half * kHalf, at[half][d]);
  }
  anyhow(kept);
}

template <typename Format>
FastFetch vectors_of(Shape shape, bool linear) {
  if (shape == Shape::D2)
    return linear ? fetch_in_vectors<Format, 2, true> : fetch_in_vectors<Format, 2, false>;
  if (shape == Shape::D3)
    return linear ? fetch_in_vectors<Format, 3, true> : fetch_in_vectors<Format, 3, false>;
  return nullptr;
}

FastFetch vectors_of(const Image& image, const Sampler& sampler) {
  const bool whole = image.format.element == Element::U8;
  // A border of bytes is one of bytes.
  if (whole) {
    bool at_border = false, plain = true;
    for (std::size_t d = 0; d < (image.shape == Shape::D3 ? 3 : 2); ++d)
      at_border = at_border || sampler.modes[d] == AddressMode::Border;
    for (const float each : sampler.border) plain = plain && (each == 0.0F || each == 1.0F);
    if (at_border && !plain) return nullptr;
  }
  switch (image.format.channels) {
    case 1:
      return whole ? vectors_of<PackedBytes<1>>(image.shape, sampler.linear)
                   : vectors_of<PlanesOfFloats<1>>(image.shape, sampler.linear);
    case 2:
      return whole ? vectors_of<PackedBytes<2>>(image.shape, sampler.linear)
                   : vectors_of<PlanesOfFloats<2>>(image.shape, sampler.linear);
    default:
      return whole ? vectors_of<PackedBytes<4>>(image.shape, sampler.linear)
                   : vectors_of<PlanesOfFloats<4>>(image.shape, sampler.linear);
  }
}

}  // namespace
}  // namespace doppel::texture
