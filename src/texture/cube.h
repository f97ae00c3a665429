// SPDX-License-Identifier: Apache-2.0
// The face of a cube that a direction meets, and where (CUDA C++ Programming Guide, "Cubemap Textures").
#pragma once

#include <cmath>
#include <cstdint>

namespace doppel::texture {

struct FacePlace {
  std::int32_t face = 0;  // +x -x +y -y +z -z
  float s = 0, t = 0;     // in [0, 1]
};

// The major axis is the largest of the three; x before y before z where they are alike.
inline FacePlace face_of(float x, float y, float z) {
  const float ax = std::fabs(x), ay = std::fabs(y), az = std::fabs(z);
  FacePlace place;
  float m = 0, s = 0, t = 0;
  if (ax >= ay && ax >= az) {
    place.face = std::signbit(x) ? 1 : 0;
    m = ax;
    s = std::signbit(x) ? z : -z;
    t = -y;
  } else if (ay >= az) {
    place.face = std::signbit(y) ? 3 : 2;
    m = ay;
    s = x;
    t = std::signbit(y) ? -z : z;
  } else {
    place.face = std::signbit(z) ? 5 : 4;
    m = az;
    s = std::signbit(z) ? -x : x;
    t = -y;
  }
  place.s = (s / m + 1) / 2;
  place.t = (t / m + 1) / 2;
  return place;
}

// The direction of a point of a face, of which s and t may lie outside of [0, 1].
inline void direction_of(std::int32_t face, float s, float t, float& x, float& y, float& z) {
  const float a = 2 * s - 1, b = 2 * t - 1;
  switch (face) {
    case 0:
      x = 1, y = -b, z = -a;
      return;
    case 1:
      x = -1, y = -b, z = a;
      return;
    case 2:
      x = a, y = 1, z = b;
      return;
    case 3:
      x = a, y = -1, z = -b;
      return;
    case 4:
      x = a, y = -b, z = 1;
      return;
    default:
      x = -a, y = -b, z = -1;
      return;
  }
}

}  // namespace doppel::texture
