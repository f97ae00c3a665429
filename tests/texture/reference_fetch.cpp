// SPDX-License-Identifier: Apache-2.0
#include "reference_fetch.h"

#include <cmath>

namespace doppel::texture_test {
namespace {

// The texel's index in its dimension; -1: the border.
int folded(long long i, int size, Mode mode, bool normalized) {
  if (i >= 0 && i < size) return static_cast<int>(i);
  switch (normalized ? mode : mode == Mode::Border ? mode : Mode::Clamp) {
    case Mode::Border:
      return -1;
    case Mode::Wrap:
      while (i < 0) i += size;
      return static_cast<int>(i % size);
    case Mode::Mirror: {
      while (i < 0) i += 2LL * size;
      i %= 2LL * size;
      return static_cast<int>(i < size ? i : 2LL * size - 1 - i);
    }
    case Mode::Clamp:
      break;
  }
  return i < 0 ? 0 : size - 1;
}

// x of [0, N): in f32, as the coordinate is one.
float scaled(float x, int size, Mode mode, bool normalized) {
  if (!normalized) return std::isnan(x) ? 0 : x;
  if (mode == Mode::Wrap || mode == Mode::Mirror) {
    const double whole = std::floor(static_cast<double>(x));
    const float part = static_cast<float>(static_cast<double>(x) - whole);
    const bool odd = std::fabs(std::fmod(whole, 2.0)) == 1.0;
    x = mode == Mode::Mirror && odd ? 1 - part : part;
  }
  const float product = x * static_cast<float>(size);
  return std::isnan(product) ? 0 : product;
}

}  // namespace

float reference_fetch(const ReferenceTexture& texture, const std::vector<float>& at,
                      const std::vector<int>& offset) {
  const std::size_t dimensions = texture.size.size();
  std::vector<long long> first(dimensions);
  std::vector<long double> fraction(dimensions);
  for (std::size_t d = 0; d < dimensions; ++d) {
    long double x = scaled(at[d], texture.size[d], texture.modes[d], texture.normalized);
    x = std::fmin(std::fmax(x, -4194304.0L), 4194304.0L);
    if (texture.linear) {
      // 9-bit fixed point with 8 bits of fractional value: 1.0 is exactly represented.
      const long double place = std::rint((x - 0.5L) * 256) / 256;
      first[d] = static_cast<long long>(std::floor(place));
      fraction[d] = place - std::floor(place);
    } else {
      first[d] = static_cast<long long>(std::floor(x));
    }
    if (!offset.empty()) first[d] += offset[d];
  }
  long double sum = 0;
  for (unsigned corner = 0; corner < (texture.linear ? 1U << dimensions : 1U); ++corner) {
    long double weight = 1;
    std::vector<int> index(dimensions);
    bool outside = false;
    for (std::size_t d = 0; d < dimensions; ++d) {
      const bool second = (corner >> d & 1) != 0;
      if (texture.linear) weight *= second ? fraction[d] : 1 - fraction[d];
      index[d] = folded(first[d] + (second ? 1 : 0), texture.size[d], texture.modes[d], texture.normalized);
      outside = outside || index[d] < 0;
    }
    if (weight == 0) continue;
    sum += weight * (outside ? texture.border * texture.unit : texture.texel(index));
  }
  return static_cast<float>(sum / texture.unit);
}

}  // namespace doppel::texture_test
