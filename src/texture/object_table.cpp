// SPDX-License-Identifier: Apache-2.0
#include "texture/object_table.h"

#include <utility>

#include "ir/opaque_handle.h"

namespace doppel::texture {
namespace {

constexpr std::uint64_t kIndexMask = 0xffffffff;
constexpr int kUsesShift = 32;
constexpr std::uint32_t kMostUses = 0xffffff;

}  // namespace

ObjectTable::~ObjectTable() {
  for (std::atomic<Chunk*>& each : chunks_) {
    const std::unique_ptr<Chunk> chunk(each.load());
    if (chunk == nullptr) continue;
    for (Place& place : *chunk) delete place.object.load();
  }
}

ObjectTable::Place* ObjectTable::place(std::uint32_t index) const {
  if (index / kChunk >= kChunks) return nullptr;
  Chunk* const chunk = chunks_[index / kChunk].load(std::memory_order_acquire);
  return chunk == nullptr ? nullptr : &(*chunk)[index % kChunk];
}

const ObjectTable::Object* ObjectTable::find(std::uint64_t handle) const {
  const Place* const there = place(static_cast<std::uint32_t>(handle & kIndexMask));
  if (there == nullptr) return nullptr;
  const Object* const object = there->object.load(std::memory_order_acquire);
  return object != nullptr && object->handle == handle ? object : nullptr;
}

const Texture* ObjectTable::texture(std::uint64_t handle) const {
  if (ir::tag_of(handle) != ir::kTextureTag) return nullptr;
  const Object* const object = find(handle);
  return object == nullptr ? nullptr : &object->texture;
}

const Image* ObjectTable::surface(std::uint64_t handle) const {
  if (ir::tag_of(handle) != ir::kSurfaceTag) return nullptr;
  const Object* const object = find(handle);
  return object == nullptr ? nullptr : &object->texture.image;
}

std::uint64_t ObjectTable::add(std::uint64_t tag, Texture texture) {
  const std::lock_guard lock(mutex_);
  std::uint32_t index = 0;
  if (!free_.empty()) {
    index = free_.back();
    free_.pop_back();
  } else {
    if (count_ == kChunk * kChunks) return 0;
    index = count_++;
    std::atomic<Chunk*>& chunk = chunks_[index / kChunk];
    if (chunk.load() == nullptr) chunk.store(new Chunk, std::memory_order_release);
  }
  Place& there = *place(index);
  ++there.uses;
  const std::uint64_t handle =
      tag << ir::kTagShift | std::uint64_t{there.uses & kMostUses} << kUsesShift | index;
  there.object.store(new Object{handle, std::move(texture)}, std::memory_order_release);
  return handle;
}

std::uint64_t ObjectTable::add_texture(Texture texture) { return add(ir::kTextureTag, std::move(texture)); }

std::uint64_t ObjectTable::add_surface(Image image) {
  return add(ir::kSurfaceTag, Texture{std::move(image), {}, nullptr});
}

bool ObjectTable::replace(std::uint64_t handle, std::unique_ptr<Object> object) {
  const std::lock_guard lock(mutex_);
  if (find(handle) == nullptr) return false;
  const auto index = static_cast<std::uint32_t>(handle & kIndexMask);
  Place& there = *place(index);
  if (object == nullptr) free_.push_back(index);
  removed_.emplace_back(there.object.exchange(object.release(), std::memory_order_acq_rel));
  if (readers_ == 0) removed_.clear();
  return true;
}

bool ObjectTable::replace_texture(std::uint64_t handle, Texture texture) {
  return ir::tag_of(handle) == ir::kTextureTag &&
         replace(handle, std::make_unique<Object>(Object{handle, std::move(texture)}));
}

bool ObjectTable::replace_surface(std::uint64_t handle, Image image) {
  return ir::tag_of(handle) == ir::kSurfaceTag &&
         replace(handle, std::make_unique<Object>(Object{handle, Texture{std::move(image), {}, nullptr}}));
}

bool ObjectTable::remove(std::uint64_t handle) { return replace(handle, nullptr); }

void ObjectTable::begin() {
  const std::lock_guard lock(mutex_);
  ++readers_;
}

void ObjectTable::end() {
  const std::lock_guard lock(mutex_);
  if (--readers_ == 0) removed_.clear();
}

}  // namespace doppel::texture
