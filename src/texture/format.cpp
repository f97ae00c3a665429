// SPDX-License-Identifier: Apache-2.0
#include "texture/format.h"

namespace doppel::texture {

int Format::bytes() const {
  switch (element) {
    case Element::U8:
    case Element::S8:
      return channels;
    case Element::U16:
    case Element::S16:
    case Element::F16:
      return 2 * channels;
    case Element::U32:
    case Element::S32:
    case Element::F32:
      return 4 * channels;
    case Element::U10:
      return 4;
    case Element::Bc1:
    case Element::Bc4U:
    case Element::Bc4S:
      return 8;
    case Element::Bc2:
    case Element::Bc3:
    case Element::Bc5U:
    case Element::Bc5S:
      return 16;
  }
  return 0;
}

double Format::one() const {
  switch (element) {
    case Element::U8:
      return 255;
    case Element::S8:
      return 127;
    case Element::U16:
      return 65535;
    case Element::S16:
      return 32767;
    default:
      return 1;
  }
}

}  // namespace doppel::texture
