// SPDX-License-Identifier: Apache-2.0
// The interface's formats of texels.
#pragma once

#include <doppel/cuda/texture.h>

#include "support/result.h"
#include "texture/format.h"

namespace doppel::driver {

// InvalidArgument for what is no format, NotSupported for one that is refused: BC6H, BC7, and those of video.
Result<texture::Format> format_of(CUarray_format format, unsigned channels);
Result<texture::Format> format_of(CUresourceViewFormat format);
// Of a view: what formats the array must have, so that its bytes are the view's.
bool may_view(const texture::Format& of_array, const texture::Format& of_view);

}  // namespace doppel::driver
