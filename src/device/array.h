// SPDX-License-Identifier: Apache-2.0
// Arrays: memory of the card for textures and surfaces, whose layout nobody sees (texture/layout.h), with mip
// levels where it has some.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "support/result.h"
#include "texture/image.h"
#include "texture/layout.h"

namespace doppel::device {

class Context;

struct ArrayDescription {
  // Texels; 0: there is no such dimension. Of a layered array and of a cube the depth is the number of layers
  // or faces.
  std::uint64_t width = 0, height = 0, depth = 0;
  texture::Format format;
  int interface_format = 0;  // the interface's own numbers, for queries
  unsigned channels = 1;
  unsigned flags = 0;
  bool layered = false, cube = false;
  unsigned levels = 1;

  bool has_layers() const { return layered || cube; }
  std::uint64_t layers() const { return has_layers() ? depth : 1; }
};

class Array : public std::enable_shared_from_this<Array> {
 public:
  // OutOfMemory where the card has not so much left. The description has been checked.
  static Result<std::shared_ptr<Array>> create(Context& context, const ArrayDescription& description);
  ~Array();
  Array(const Array&) = delete;
  Array& operator=(const Array&) = delete;

  Context& context() const { return *context_; }
  const ArrayDescription& description() const { return description_; }
  std::uint64_t bytes() const { return layout_.bytes; }

  // One level as an array of its own, in the same memory: the same object at every call.
  std::shared_ptr<Array> level(unsigned number);
  bool is_level() const { return parent_ != nullptr; }

  // The program has destroyed it: what still reads it is told. The memory goes when nothing is left that may.
  void destroy();
  bool is_destroyed() const { return destroyed_->load(); }

  // What a texture or surface of it reads: all its levels.
  texture::Image image() const;
  // A box of it, from byte x of row y of slice (or layer) z on: rows of blocks, where it is compressed.
  struct Box {
    std::uint64_t address = 0, pitch = 0, slice_rows = 0;
  };
  Box box(std::uint64_t x_bytes, std::uint64_t y, std::uint64_t z) const;
  std::uint64_t row_bytes() const;  // that a row has, without what fills it up
  std::uint64_t rows() const;       // at least 1

 private:
  Array(Context& context, const ArrayDescription& description);
  std::shared_ptr<Context> context_;
  ArrayDescription description_;
  texture::ArrayLayout layout_;
  std::uint64_t address_ = 0;
  std::shared_ptr<Array> parent_;  // of a level
  std::shared_ptr<std::atomic<bool>> destroyed_;
  std::mutex mutex_;
  std::vector<std::weak_ptr<Array>> levels_;
};

}  // namespace doppel::device
