// SPDX-License-Identifier: Apache-2.0
#include "texture/sample.h"

#include <bit>
#include <cmath>

#include "texture/coordinates.h"
#include "texture/cube.h"
#include "texture/level_of_detail.h"
#include "texture/texel.h"

namespace doppel::texture {
namespace {

using ir::TextureForm;
using ir::TextureGeometry;
using ir::TextureLevel;

using Numbers = std::array<double, 4>;
using Bits = std::array<std::uint32_t, 4>;

// The texels along one dimension and their weights, which add up to `whole`.
struct Axis {
  std::array<std::int32_t, 2> index{};
  std::array<std::int32_t, 2> weight{1, 0};
  int count = 1;
  std::int32_t whole = 1;
};

class LaneFetch {
 public:
  LaneFetch(const Image& image, const Sampler& sampler, const TextureForm& form, const LaneWords& words,
            Touched* touched)
      : image_(image),
        sampler_(sampler),
        form_(form),
        words_(words),
        touched_(touched),
        integers_(reads_integers(image.format, sampler)),
        srgb_(!integers_ && (sampler.srgb || image.format.srgb)),
        cube_(image.shape == Shape::Cube) {
    read_operands();
  }

  Bits fetch() {
    if (image_.buffer) return fetch_from_buffer();
    if (integers_ || form_.texels) return fetch_nearest();
    Detail detail = level_of_detail(image_, sampler_, form_, place());
    if (!sampler_.linear && detail.samples == 1 && (!sampler_.linear_levels || detail.fraction == 0))
      return nearest_of(plane_of(detail.level, detail.place(coordinates_, 0)));
    Numbers sum{};
    double whole = 0;
    for (int sample = 0; sample < detail.samples; ++sample) {
      add_sample(detail, sample, sum);
      whole += weight_;
    }
    Bits result = to_floats(sum, whole);
    for (std::uint32_t& each : result) each = canonical_nan(each);
    return result;
  }

  Bits gather() {
    const int component = static_cast<int>(form_.component) - 1;
    const Plane plane = plane_of(0, coordinates_);
    const Axis x = axis(plane, 0, true), y = axis(plane, 1, true);
    static constexpr std::array<std::pair<int, int>, 4> kOrder{{{0, 1}, {1, 1}, {1, 0}, {0, 0}}};
    Bits result{};
    count_sample(true);
    for (std::size_t i = 0; i < kOrder.size(); ++i) {
      const std::int32_t at_x = x.index[static_cast<std::size_t>(kOrder[i].first)];
      const std::int32_t at_y = y.index[static_cast<std::size_t>(kOrder[i].second)];
      result[i] = bits_at(plane, at_x, at_y, 0)[static_cast<std::size_t>(component)];
    }
    return result;
  }

 private:
  // A level's plane of one layer and face, and the place in it.
  struct Plane {
    const Level* level = nullptr;
    std::uint64_t base = 0;
    std::array<float, 3> place{};  // as the coordinates are: normalised or in texels
    std::int32_t face = 0;
    int number = 0;
  };

  float real(int word) const { return std::bit_cast<float>(words_[static_cast<std::size_t>(word)]); }

  void read_operands() {
    int at = 0;
    if (form_.is_layered()) {
      const auto layer = static_cast<std::int32_t>(words_[static_cast<std::size_t>(at++)]);
      layer_ = std::clamp(layer, 0, image_.layers - 1);
    }
    const int dimensions = form_.dimensions();
    for (int i = 0; i < dimensions; ++i) {
      const std::uint32_t word = words_[static_cast<std::size_t>(at + i)];
      if (form_.texels) {
        texels_[static_cast<std::size_t>(i)] = static_cast<std::int32_t>(word);
      } else {
        coordinates_[static_cast<std::size_t>(i)] = std::bit_cast<float>(word);
      }
    }
    at = form_.coordinates();
    if (form_.level == TextureLevel::Level) {
      level_word_ = words_[static_cast<std::size_t>(at++)];
    } else if (form_.level == TextureLevel::Gradient) {
      const int count = form_.gradient_coordinates();
      for (int i = 0; i < dimensions; ++i) {
        gradients_[0][static_cast<std::size_t>(i)] = real(at + i);
        gradients_[1][static_cast<std::size_t>(i)] = real(at + count + i);
      }
      at += 2 * count;
    }
    if (form_.offsets) {
      for (int i = 0; i < dimensions; ++i)
        offsets_[static_cast<std::size_t>(i)] =
            static_cast<std::int32_t>(words_[static_cast<std::size_t>(at + i)]);
    }
  }

  DetailPlace place() const { return {coordinates_, gradients_, std::bit_cast<float>(level_word_)}; }

  int dimensions() const {
    return cube_ ? 2 : image_.shape == Shape::D3 ? 3 : image_.shape == Shape::D2 ? 2 : 1;
  }

  static std::int32_t size_of(const Level& level, int axis) {
    return axis == 0 ? level.width : axis == 1 ? level.height : level.depth;
  }

  // Unnormalised coordinates of a cube do not exist.
  bool normalized() const { return sampler_.normalized_coordinates || cube_; }
  AddressMode mode(int axis) const {
    return cube_ ? AddressMode::Clamp : sampler_.modes[static_cast<std::size_t>(axis)];
  }

  Plane plane_of(int number, const std::array<float, 3>& at) const {
    Plane plane;
    plane.number = number;
    plane.level = &image_.levels[static_cast<std::size_t>(number)];
    plane.place = at;
    std::int64_t layer = layer_;
    if (cube_) {
      const FacePlace face = face_of(at[0], at[1], at[2]);
      plane.face = face.face;
      plane.place = {face.s, face.t, 0};
      layer = 6 * layer + face.face;
    }
    plane.base = plane.level->base + static_cast<std::uint64_t>(layer) * image_.layer_bytes;
    return plane;
  }

  Axis axis(const Plane& plane, int which, bool linear) const {
    const auto i = static_cast<std::size_t>(which);
    const std::int32_t size = size_of(*plane.level, which);
    const float texels = to_texels(plane.place[i], mode(which), normalized(), size);
    Axis result;
    if (!linear) {
      result.index[0] = index(to_nearest(texels) + offsets_[i], which, size);
      return result;
    }
    const Pair pair = to_pair(texels);
    result.count = 2;
    result.whole = kFractionOne;
    result.weight = {kFractionOne - pair.fraction, pair.fraction};
    for (std::size_t k = 0; k < 2; ++k)
      result.index[k] = index(pair.first + static_cast<std::int64_t>(k) + offsets_[i], which, size);
    return result;
  }

  // Beyond a cube's face: seen by the texel that lies there, of another face.
  std::int32_t index(std::int64_t texel, int which, std::int32_t size) const {
    if (cube_ && sampler_.seamless)
      return static_cast<std::int32_t>(std::clamp<std::int64_t>(texel, -1, size));
    return to_index(texel, mode(which), normalized(), size);
  }

  std::uint64_t address(const Plane& plane, std::int32_t x, std::int32_t y, std::int32_t z) {
    const Level& level = *plane.level;
    const auto block = static_cast<std::uint32_t>(image_.format.block());
    const std::uint64_t slice = plane.base + static_cast<std::uint64_t>(z) * level.slice;
    const std::uint64_t at_x =
        static_cast<std::uint32_t>(x) / block * static_cast<std::uint64_t>(image_.format.bytes());
    const std::uint64_t at_y = static_cast<std::uint32_t>(y) / block;
    if (touched_ != nullptr) touched_->add(level, slice, at_x, at_y);
    return slice + at_y * level.pitch + at_x;
  }

  static const std::byte* bytes(std::uint64_t address) { return reinterpret_cast<const std::byte*>(address); }

  bool across_edge(const Plane& plane, std::int32_t x, std::int32_t y) const {
    return cube_ && (x < 0 || y < 0 || x >= plane.level->width || y >= plane.level->height);
  }

  Numbers numbers_at(const Plane& plane, std::int32_t x, std::int32_t y, std::int32_t z) {
    if (across_edge(plane, x, y)) return numbers_across_edge(plane, x, y);
    if (x < 0 || y < 0 || z < 0) {
      Numbers border;
      for (std::size_t i = 0; i < 4; ++i)
        border[i] = static_cast<double>(sampler_.border[i]) * unit_of(image_.format, srgb_);
      return border;
    }
    return read_numbers(image_.format, srgb_, bytes(address(plane, x, y, z)), x & 3, y & 3);
  }

  // The texel of the neighbouring face in that direction; at a corner, where there is none, the mean of the
  // three that meet.
  Numbers numbers_across_edge(const Plane& plane, std::int32_t x, std::int32_t y) {
    const std::int32_t size = plane.level->width;
    const bool out_x = x < 0 || x >= size, out_y = y < 0 || y >= size;
    const std::int32_t in_x = std::clamp(x, 0, size - 1), in_y = std::clamp(y, 0, size - 1);
    if (out_x && out_y) {
      Numbers sum = numbers_at(plane, in_x, in_y, 0);
      for (const Numbers& other :
           {numbers_across_edge(plane, x, in_y), numbers_across_edge(plane, in_x, y)}) {
        for (std::size_t i = 0; i < 4; ++i) sum[i] += other[i];
      }
      for (double& each : sum) each /= 3;
      return sum;
    }
    float dx = 0, dy = 0, dz = 0;
    const auto middle = [size](std::int32_t texel) {
      return (static_cast<float>(texel) + 0.5F) / static_cast<float>(size);
    };
    direction_of(plane.face, middle(x), middle(y), dx, dy, dz);
    const Plane there = plane_of(plane.number, {dx, dy, dz});
    const auto nearest = [&](float place) {
      return std::clamp(static_cast<std::int32_t>(std::floor(place * static_cast<float>(size))), 0, size - 1);
    };
    return numbers_at(there, nearest(there.place[0]), nearest(there.place[1]), 0);
  }

  Bits border_bits() const {
    Bits border;
    for (std::size_t i = 0; i < 4; ++i) border[i] = std::bit_cast<std::uint32_t>(sampler_.border[i]);
    return border;
  }

  Bits integers_at(const Plane& plane, std::int32_t x, std::int32_t y, std::int32_t z) {
    if (x < 0 || y < 0 || z < 0) return border_bits();
    return read_integers(image_.format, bytes(address(plane, x, y, z)));
  }

  void count_sample(bool filtered) {
    if (touched_ == nullptr) return;
    touched_->samples += 1;
    touched_->filtered = touched_->filtered || filtered;
  }

  // Adds the weighted sum of one level, times `share`.
  void add_level(int number, const std::array<float, 3>& at, double share, Numbers& sum) {
    const Plane plane = plane_of(number, at);
    const int count = dimensions();
    const Axis x = axis(plane, 0, sampler_.linear);
    const Axis y = count > 1 ? axis(plane, 1, sampler_.linear) : Axis{};
    const Axis z = count > 2 ? axis(plane, 2, sampler_.linear) : Axis{};
    for (int k = 0; k < z.count; ++k) {
      count_sample(sampler_.linear);
      for (int j = 0; j < y.count; ++j) {
        for (int i = 0; i < x.count; ++i) {
          const auto at_x = static_cast<std::size_t>(i), at_y = static_cast<std::size_t>(j),
                     at_z = static_cast<std::size_t>(k);
          const double weight = static_cast<double>(x.weight[at_x]) * y.weight[at_y] * z.weight[at_z];
          const Numbers texel = numbers_at(plane, x.index[at_x], y.index[at_y], z.index[at_z]);
          if (weight == 0) continue;
          for (std::size_t c = 0; c < 4; ++c) sum[c] += weight * share * texel[c];
        }
      }
    }
    weight_ = static_cast<double>(x.whole) * y.whole * z.whole;
  }

  void add_sample(const Detail& detail, int sample, Numbers& sum) {
    const std::array<float, 3> at = detail.place(coordinates_, sample);
    if (!sampler_.linear_levels || detail.fraction == 0) {
      add_level(detail.level, at, 1, sum);
      return;
    }
    add_level(detail.level, at, kFractionOne - detail.fraction, sum);
    add_level(std::min(detail.level + 1, image_.level_count - 1), at, detail.fraction, sum);
    weight_ *= kFractionOne;
  }

  Bits to_floats(const Numbers& sum, double whole) const {
    Bits result;
    const double unit = whole * unit_of(image_.format, srgb_);
    for (std::size_t i = 0; i < 4; ++i)
      result[i] = std::bit_cast<std::uint32_t>(static_cast<float>(sum[i] / unit));
    return result;
  }

  // One texel. A float is not looked at: its bits may be anything to the program.
  Bits bits_at(const Plane& plane, std::int32_t x, std::int32_t y, std::int32_t z) {
    if (integers_) return integers_at(plane, x, y, z);
    if (image_.format.element != Element::F32 || across_edge(plane, x, y))
      return to_floats(numbers_at(plane, x, y, z), 1);
    if (x < 0 || y < 0 || z < 0) return border_bits();
    Bits bits = read_integers(image_.format, bytes(address(plane, x, y, z)));
    if (image_.format.channels < 4) bits[3] = std::bit_cast<std::uint32_t>(1.0F);
    return bits;
  }

  Bits values_at(const Plane& plane, std::int32_t x, std::int32_t y, std::int32_t z) {
    count_sample(false);
    return bits_at(plane, x, y, z);
  }

  Bits nearest_of(const Plane& plane) {
    std::array<std::int32_t, 3> at{};
    for (int i = 0; i < dimensions(); ++i) at[static_cast<std::size_t>(i)] = axis(plane, i, false).index[0];
    return values_at(plane, at[0], at[1], at[2]);
  }

  // tex1Dfetch: zero outside.
  Bits fetch_from_buffer() {
    std::int64_t at = form_.texels ? texels_[0]
                                   : to_nearest(to_texels(coordinates_[0], AddressMode::Clamp, normalized(),
                                                          image_.levels[0].width));
    at += offsets_[0];
    const Level& level = image_.levels[0];
    if (at < 0 || at >= level.width) return {};
    Plane plane;
    plane.level = &level;
    plane.base = level.base;
    return values_at(plane, static_cast<std::int32_t>(at), 0, 0);
  }

  Bits fetch_nearest() {
    int number = 0;
    if (form_.texels) {
      if (form_.level == TextureLevel::Level)
        number = std::clamp(static_cast<std::int32_t>(level_word_), 0, image_.level_count - 1);
    } else {
      number = level_of_detail(image_, sampler_, form_, place()).nearest(image_.level_count);
    }
    const Plane plane = plane_of(number, coordinates_);
    if (!form_.texels) return nearest_of(plane);
    std::array<std::int32_t, 3> at{};
    for (int i = 0; i < dimensions(); ++i) {
      const auto k = static_cast<std::size_t>(i);
      // Whole numbers of texels are not normalised.
      at[k] = to_index(std::int64_t{texels_[k]} + offsets_[k], mode(i), false, size_of(*plane.level, i));
    }
    return values_at(plane, at[0], at[1], at[2]);
  }

  const Image& image_;
  const Sampler& sampler_;
  const TextureForm& form_;
  const LaneWords& words_;
  Touched* touched_;
  const bool integers_, srgb_, cube_;
  std::int32_t layer_ = 0;
  std::array<float, 3> coordinates_{};
  std::array<std::int32_t, 3> texels_{}, offsets_{};
  std::array<std::array<float, 3>, 2> gradients_{};
  std::uint32_t level_word_ = 0;
  double weight_ = 1;
};

}  // namespace

bool reads_integers(const Format& format, const Sampler& sampler) {
  if (format.normalized || format.is_float() || format.is_compressed() || format.element == Element::U10)
    return false;
  return sampler.as_integers || format.element == Element::U32 || format.element == Element::S32;
}

Bits fetch_lane(const Image& image, const Sampler& sampler, const TextureForm& form, const LaneWords& words,
                Touched* touched) {
  return LaneFetch(image, sampler, form, words, touched).fetch();
}

Bits gather_lane(const Image& image, const Sampler& sampler, const TextureForm& form, const LaneWords& words,
                 Touched* touched) {
  return LaneFetch(image, sampler, form, words, touched).gather();
}

}  // namespace doppel::texture
