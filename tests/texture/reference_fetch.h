// SPDX-License-Identifier: Apache-2.0
// A fetch by the CUDA C++ Programming Guide, "Texture Fetching": independent of src/texture.
#pragma once

#include <functional>
#include <vector>

namespace doppel::texture_test {

enum class Mode { Wrap, Clamp, Mirror, Border };

struct ReferenceTexture {
  std::vector<int> size;                                      // of each dimension
  std::function<long double(const std::vector<int>&)> texel;  // its value, as the read mode gives it
  std::vector<Mode> modes;
  bool normalized = false;
  bool linear = false;
  long double border = 0;
};

float reference_fetch(const ReferenceTexture& texture, const std::vector<float>& at,
                      const std::vector<int>& offset = {});

}  // namespace doppel::texture_test
