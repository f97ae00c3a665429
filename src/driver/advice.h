// SPDX-License-Identifier: Apache-2.0
// What to do about an image without PTX: whoever made it has a switch of its own.
#pragma once

#include <string>
#include <vector>

namespace doppel::driver {

// Where an image comes from.
struct Origin {
  std::string file;                 // that holds it in the process; empty: memory that the program filled
  std::vector<std::string> loaded;  // paths of all files that are loaded into the process
};

// Of an image in this process's memory.
Origin origin_of(const void* image);

enum class ImageKind { Fatbin, Cubin };

// One clause, for the end of a sentence. compute_capability: 86, 120.
std::string advice(const Origin& origin, ImageKind kind, int compute_capability);

}  // namespace doppel::driver
