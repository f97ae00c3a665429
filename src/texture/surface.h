// SPDX-License-Identifier: Apache-2.0
// Accesses to surfaces (PTX ISA 9.7.11): bytes of an image's first level, or elements in its format.
#pragma once

#include <cstdint>
#include <optional>

#include "ir/texture_form.h"
#include "texture/image.h"
#include "texture/touched.h"

namespace doppel::texture {

// Where one thread's access lies.
struct SurfacePlace {
  enum class Kind : std::uint8_t { Inside, Nowhere, Outside, Misaligned };
  Kind kind = Kind::Nowhere;  // Outside and Misaligned end the launch
  std::uint64_t address = 0;
};

// coordinates: as the form has them (ir::TextureForm::words); x in bytes, or in elements where it is
// formatted.
SurfacePlace surface_place(const Image& image, const ir::TextureForm& form, const std::uint32_t* coordinates,
                           std::uint32_t bytes, Touched* touched);

// sust.p: four values of 32 bits, floats or whole numbers by the format, clamped to its range.
void store_formatted(const Format& format, std::uint64_t address, const std::uint32_t* values, int count);

}  // namespace doppel::texture
