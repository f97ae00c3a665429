// SPDX-License-Identifier: Apache-2.0
// Fetches of a warp by its two halves, for any Lanes.
#pragma once

namespace doppel::texture {
namespace {

constexpr int kHalf = 16;
constexpr float kMissing[4] = {0, 0, 0, 1};

// What all lanes have in common, read where it is needed: most fetches need little of it. Steps are in
// texels.
template <typename Format>
struct Source {
  const Image& image;
  const Sampler& sampler;

  const Level& level() const { return image.levels[0]; }
  std::uint64_t base() const { return level().base; }
  std::int32_t pitch() const { return static_cast<std::int32_t>(level().pitch / Format::kTexelBytes); }
  std::int32_t slice() const { return static_cast<std::int32_t>(level().slice / Format::kTexelBytes); }
  std::int32_t layer() const { return static_cast<std::int32_t>(image.layer_bytes / Format::kTexelBytes); }
  Dimension dimension(int which) const {
    const std::int32_t size = which == 0 ? level().width : which == 1 ? level().height : level().depth;
    return {sampler.modes[static_cast<std::size_t>(which)], sampler.normalized_coordinates, size};
  }
  const std::array<float, 4>& border() const { return sampler.border; }
};

using Words = const std::uint32_t (*)[2 * kHalf];
using Results = std::uint32_t (*)[2 * kHalf];

template <typename Format, int kDimensions, bool kLinear>
class HalfWarp {
 public:
  // words: of the warp. half: 0 or 1.
  HalfWarp(const Texture& texture, std::uint32_t mask, Words words, int half)
      : source_{texture.image, texture.sampler},
        active_(Lanes::mask_of(mask >> half * kHalf & 0xffff)),
        words_(words),
        lane_(half * kHalf) {}

  // False: they would not all be those of fetch_lane(), and are not written.
  [[gnu::always_inline]] bool fetch(Results results) {
    const bool at_border = locate([&](auto adjacent) __attribute__((always_inline)) { load<adjacent>(); });
    Floats values[4];
    if (at_border) {
      color_outside();
      mix<4>(values);
    } else {
      mix<Format::kChannels>(values);
    }
    return give(values, results);
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
  [[gnu::always_inline]] bool fetch_quads(const Quads& quads, Results results) const {
    Floats values[4];
    if (quads.at_border) {
      mix_quads<true>(quads, values);
    } else {
      mix_quads<false>(quads, values);
    }
    return give(values, results);
  }

 private:
  static constexpr bool kMayFail = !Format::kWhole && kLinear;
  static constexpr int kRows = kLinear ? kCorners / 2 : 1;

  // Calls `then` when places_ and rows_ are known, with whether the texels of a dimension are neighbours, as
  // a constant. Whether a corner is the border's.
  template <typename Then>
  [[gnu::always_inline]] bool locate(const Then& then) {
    Mask inside = active_;
    for (int d = 0; d < kDimensions; ++d) {
      const Floats at = Lanes::as_floats(Lanes::load(words_[layers() + d] + lane_));
      unbounded_places<kLinear>(at, source_.dimension(d), active_, places_[d]);
      inside = Lanes::both(inside, are_inside<kLinear>(source_.dimension(d), places_[d]));
    }
    if (Lanes::bits_of(inside) == Lanes::bits_of(active_)) {
      find_rows<true>();
      then(std::true_type{});
      return false;
    }
    for (int d = 0; d < kDimensions; ++d) bring_inside<kLinear>(source_.dimension(d), places_[d]);
    find_rows<false>();
    then(std::false_type{});
    return find_outside();
  }

  [[gnu::always_inline]] bool give(const Floats* values, Results results) const {
    if constexpr (kMayFail) {
      Mask numbers = Lanes::both(active_, Lanes::is_number(values[0]));
      for (int c = 1; c < 4; ++c) numbers = Lanes::both(numbers, Lanes::is_number(values[c]));
      if (Lanes::bits_of(numbers) != Lanes::bits_of(active_)) return false;
    }
    for (int c = 0; c < 4; ++c) Lanes::store(results[c] + lane_, Lanes::as_ints(values[c]));
    return true;
  }

  // kAdjacent: texels of a dimension are neighbours.
  template <bool kAdjacent>
  [[gnu::always_inline]] void find_rows() {
    const auto times = [](Ints at, std::int32_t step) { return Lanes::multiply(at, Lanes::splat(step)); };
    Ints base = Lanes::splat(0);
    if (layers() != 0) {
      const Ints layer = Lanes::load(words_[0] + lane_), last = Lanes::splat(source_.image.layers - 1);
      base = times(Lanes::smaller(Lanes::larger(layer, Lanes::splat(0)), last), source_.layer());
    }
    // The lowest bit of a row's number is y.
    rows_[0] = Lanes::add(base, times(places_[1].first, source_.pitch()));
    if constexpr (kLinear)
      rows_[1] = kAdjacent ? Lanes::add(rows_[0], Lanes::splat(source_.pitch()))
                           : Lanes::add(base, times(places_[1].second, source_.pitch()));
    if constexpr (kDimensions == 3) {
      const Ints front = times(places_[2].first, source_.slice());
      if constexpr (kLinear) {
        const Ints back = kAdjacent ? Lanes::add(front, Lanes::splat(source_.slice()))
                                    : times(places_[2].second, source_.slice());
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
          Format::load_pairs(source_.base(), index<true>(corner), texels_[corner], texels_[corner + 1]);
      } else {
        Format::load(source_.base(), index<kAdjacent>(corner), texels_[corner]);
      }
    }
  }

  template <bool kBorder>
  [[gnu::always_inline]] void mix_quads(const Quads& quads, Floats* values) const {
    const auto* const texels = reinterpret_cast<const float*>(source_.base());
    const float* const border = source_.border().data();
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
    Format::border(source_.border(), border);
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
            const float color = source_.border()[static_cast<std::size_t>(c)];
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

  // Rows of words before the coordinates.
  int layers() const { return source_.image.layered ? 1 : 0; }

  const Source<Format> source_;
  Mask active_;
  const Words words_;
  const int lane_;
  Places places_[kDimensions];
  Ints rows_[kRows];  // in y and z; y is the lowest bit of a row's number
  Ints texels_[kCorners][Format::kPlanes];
  Mask outside_[kCorners];
};

// A half that the vectors cannot: where the results are, the words may have been, but not those of this half.
void fetch_half_anyhow(const Texture& texture, std::uint32_t mask, Words words, Results results, int half) {
  const std::size_t first = static_cast<std::size_t>(half) * kHalf, bytes = kHalf * sizeof(std::uint32_t);
  std::uint32_t kept[4][2 * kHalf] = {}, some[4][2 * kHalf];
  const int rows = (texture.image.layered ? 1 : 0) + (texture.image.shape == Shape::D3 ? 3 : 2);
  for (int row = 0; row < rows; ++row) std::memcpy(kept[row] + first, words[row] + first, bytes);
  general_fetch_for(texture.image, texture.sampler)(texture, mask & 0xffffU << first, kept, some, nullptr);
  for (int c = 0; c < 4; ++c) std::memcpy(results[c] + first, some[c] + first, bytes);
}

// The results may lie where the words do: a lane's are read before any of its results is written.
template <typename Format, int kDimensions, bool kLinear>
void fetch_in_vectors(const Texture& texture, std::uint32_t mask, Words words, Results results,
                      Touched* touched) {
  if (touched != nullptr)
    return general_fetch_for(texture.image, texture.sampler)(texture, mask, words, results, touched);
  using Half = HalfWarp<Format, kDimensions, kLinear>;
  bool good[2];
  if constexpr (Half::kQuads) {
    typename Half::Quads quads[2];
    for (int i = 0; i < 2; ++i) Half(texture, mask, words, i).find_quads(quads[i]);
    for (int i = 0; i < 2; ++i) good[i] = Half(texture, mask, words, i).fetch_quads(quads[i], results);
  } else {
    for (int i = 0; i < 2; ++i) good[i] = Half(texture, mask, words, i).fetch(results);
  }
  for (int i = 0; i < 2; ++i) {
    if (!good[i]) fetch_half_anyhow(texture, mask, words, results, i);
  }
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
