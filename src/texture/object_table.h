// SPDX-License-Identifier: Apache-2.0
// The textures and surfaces of a card, by the handles that programs and kernels have of them.
//
// Looking one up takes no lock. What was removed is freed when no kernel runs that may still read it.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "texture/image.h"
#include "texture/sampler.h"
#include "texture/touched.h"

namespace doppel::texture {

struct Texture;
// A fetch of all lanes of a warp: words by row as the form has them, four rows of results, which may lie in
// the same place. touched: null where nobody asks.
using FastFetch = void (*)(const Texture& texture, std::uint32_t mask, const std::uint32_t (*words)[32],
                           std::uint32_t (*results)[32], Touched* touched);

struct Texture {
  Image image;
  Sampler sampler;
  FastFetch fast =
      nullptr;  // null: none suits. Of a plain fetch with as many coordinates as the image has dimensions
};

class ObjectTable {
 public:
  ObjectTable() = default;
  ~ObjectTable();
  ObjectTable(const ObjectTable&) = delete;
  ObjectTable& operator=(const ObjectTable&) = delete;

  // 0: there are no places left.
  std::uint64_t add_texture(Texture texture);
  std::uint64_t add_surface(Image image);
  // Another texture behind the same handle; false for a handle of none.
  bool replace_texture(std::uint64_t handle, Texture texture);
  bool replace_surface(std::uint64_t handle, Image image);
  bool remove(std::uint64_t handle);

  // Null for a handle that stands for nothing of the kind. Good until the reader ends.
  const Texture* texture(std::uint64_t handle) const;
  const Image* surface(std::uint64_t handle) const;

  // While one lives, nothing that was found goes away.
  class Reader {
   public:
    explicit Reader(ObjectTable& table) : table_(table) { table_.begin(); }
    ~Reader() { table_.end(); }
    Reader(const Reader&) = delete;
    Reader& operator=(const Reader&) = delete;

   private:
    ObjectTable& table_;
  };

 private:
  struct Object {
    std::uint64_t handle = 0;
    Texture texture;  // of a surface only its image
  };
  struct Place {
    std::atomic<const Object*> object{nullptr};
    std::uint32_t uses = 0;
  };
  static constexpr std::uint32_t kChunk = 1024;
  static constexpr std::uint32_t kChunks = 1024;
  using Chunk = std::array<Place, kChunk>;

  std::uint64_t add(std::uint64_t tag, Texture texture);
  bool replace(std::uint64_t handle, std::unique_ptr<Object> object);
  const Object* find(std::uint64_t handle) const;
  Place* place(std::uint32_t index) const;
  void begin();
  void end();

  mutable std::mutex mutex_;
  std::array<std::atomic<Chunk*>, kChunks> chunks_{};
  std::uint32_t count_ = 0;
  std::vector<std::uint32_t> free_;
  std::uint32_t readers_ = 0;
  std::vector<std::unique_ptr<const Object>> removed_;
};

}  // namespace doppel::texture
