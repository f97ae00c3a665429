// SPDX-License-Identifier: Apache-2.0
// A fetch by the CUDA C++ Programming Guide, "Texture Fetching": independent of src/texture.
#pragma once

#include <functional>
#include <vector>

namespace doppel::texture_test {

enum class Mode { Wrap, Clamp, Mirror, Border };

struct ReferenceTexture {
  std::vector<int> size;  // of each dimension
  // Its value in units, so that sums of whole numbers stay exact.
  std::function<long double(const std::vector<int>&)> texel;
  long double unit = 1;
  std::vector<Mode> modes;
  bool normalized = false;
  bool linear = false;
  long double border = 0;
};

float reference_fetch(const ReferenceTexture& texture, const std::vector<float>& at,
                      const std::vector<int>& offset = {});

}  // namespace doppel::texture_test
