// SPDX-License-Identifier: Apache-2.0
// From the interface's descriptors of textures and surfaces to what a kernel reads.
#pragma once

#include <doppel/cuda/texture.h>

#include "device/context.h"
#include "support/result.h"
#include "texture/object_table.h"

namespace doppel::driver {

// Checked as the interface says; what memory or array it names must be in the context's reach.
Result<texture::Image> image_of(const CUDA_RESOURCE_DESC& resource, const device::Context& context);
Result<texture::Sampler> sampler_of(const CUDA_TEXTURE_DESC& texture, const CUDA_RESOURCE_DESC& resource,
                                    const texture::Image& image);
// The same image seen in another way.
Result<texture::Image> viewed(texture::Image image, const CUDA_RESOURCE_VIEW_DESC& view);
// With a way to fetch from it.
texture::Texture texture_of(texture::Image image, const texture::Sampler& sampler);

}  // namespace doppel::driver
