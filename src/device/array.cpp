// SPDX-License-Identifier: Apache-2.0
#include "device/array.h"

#include <algorithm>

#include "device/context.h"
#include "device/platform.h"

namespace doppel::device {
namespace {

constexpr std::uint64_t kAlignment = 512;

}  // namespace

Array::Array(Context& context, const ArrayDescription& description)
    : context_(context.shared_from_this()),
      description_(description),
      layout_(texture::layout_of(description.format, description.width, description.height,
                                 description.has_layers() ? 0 : description.depth, description.layers(),
                                 description.levels)),
      destroyed_(std::make_shared<std::atomic<bool>>(false)) {}

Result<std::shared_ptr<Array>> Array::create(Context& context, const ArrayDescription& description) {
  std::shared_ptr<Array> array(new Array(context, description));
  auto address = context.allocate_array(array->layout_.bytes, kAlignment);
  if (!address) return tl::unexpected(address.error());
  array->address_ = *address;
  return array;
}

Array::~Array() {
  if (parent_ == nullptr && address_ != 0) context_->free_array(address_);
}

std::shared_ptr<Array> Array::level(unsigned number) {
  if (number >= description_.levels) return nullptr;
  const std::lock_guard lock(mutex_);
  levels_.resize(description_.levels);
  if (auto known = levels_[number].lock()) return known;
  ArrayDescription one = description_;
  const auto shrunk = [number](std::uint64_t extent) {
    return extent == 0 ? 0 : std::max<std::uint64_t>(1, extent >> number);
  };
  one.width = shrunk(one.width);
  one.height = shrunk(one.height);
  if (!one.has_layers()) one.depth = shrunk(one.depth);
  one.levels = 1;
  std::shared_ptr<Array> made(new Array(*context_, one));
  // Of the whole array's layout this level alone.
  made->layout_.levels = {layout_.levels[number]};
  made->layout_.layer_bytes = layout_.layer_bytes;
  made->address_ = address_ + layout_.levels[number].offset;
  made->layout_.levels[0].offset = 0;
  made->parent_ = shared_from_this();
  made->destroyed_ = destroyed_;
  levels_[number] = made;
  return made;
}

void Array::destroy() { destroyed_->store(true); }

texture::Image Array::image() const {
  texture::Image image;
  const ArrayDescription& d = description_;
  image.format = d.format;
  image.layered = d.layered;
  image.shape = d.cube                           ? texture::Shape::Cube
                : d.height == 0                  ? texture::Shape::D1
                : d.depth == 0 || d.has_layers() ? texture::Shape::D2
                                                 : texture::Shape::D3;
  image.layers = static_cast<std::int32_t>(d.layered ? d.depth / (d.cube ? 6 : 1) : 1);
  image.layer_bytes = layout_.layer_bytes;
  image.level_count = static_cast<int>(layout_.levels.size());
  for (std::size_t i = 0; i < layout_.levels.size(); ++i) {
    const texture::LevelLayout& from = layout_.levels[i];
    texture::Level& to = image.levels[i];
    to.base = address_ + from.offset;
    to.width = static_cast<std::int32_t>(from.width);
    to.height = static_cast<std::int32_t>(from.height);
    to.depth = static_cast<std::int32_t>(from.depth);
    to.pitch = from.pitch;
    to.slice = from.slice;
    to.gobs = from.gobs;
  }
  image.memory = shared_from_this();
  image.destroyed = destroyed_;
  return image;
}

Array::Box Array::box(std::uint64_t x_bytes, std::uint64_t y, std::uint64_t z) const {
  const texture::LevelLayout& level = layout_.levels[0];
  const std::uint64_t slice = description_.has_layers() ? layout_.layer_bytes : level.slice;
  return {address_ + z * slice + y * level.pitch + x_bytes, level.pitch, slice / level.pitch};
}

std::uint64_t Array::row_bytes() const {
  const auto block = static_cast<std::uint64_t>(description_.format.block());
  return (layout_.levels[0].width + block - 1) / block *
         static_cast<std::uint64_t>(description_.format.bytes());
}

std::uint64_t Array::rows() const {
  const auto block = static_cast<std::uint64_t>(description_.format.block());
  return (layout_.levels[0].height + block - 1) / block;
}

}  // namespace doppel::device
