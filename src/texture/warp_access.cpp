// SPDX-License-Identifier: Apache-2.0
#include "texture/warp_access.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstring>

#include "ir/opaque_handle.h"
#include "texture/half.h"
#include "texture/query.h"
#include "texture/sample.h"
#include "texture/surface.h"

namespace doppel::texture {
namespace {

using ir::Op;
using ir::TextureForm;
using ir::TextureGeometry;
using ir::TextureLevel;
using ir::TextureQuery;

constexpr int kLanes = 32;
constexpr std::size_t kHandleBytes = kLanes * 8;
constexpr std::size_t kWordBytes = kLanes * 4;

std::size_t words_of(const WarpRequest& request) {
  if (request.op == Op::TextureQuery) return request.form.level == TextureLevel::Level ? 1 : 0;
  return static_cast<std::size_t>(request.form.words());
}

Sampler with_state(const Sampler& own, std::uint64_t handle) {
  const ir::PtxSampler state = ir::sampler_of(handle);
  Sampler result = own;
  static constexpr std::array kModes{AddressMode::Wrap, AddressMode::Mirror, AddressMode::Clamp,
                                     AddressMode::Clamp, AddressMode::Border};
  for (std::size_t i = 0; i < 3; ++i)
    result.modes[i] = kModes[std::min<std::size_t>(static_cast<std::size_t>(state.modes[i]), 4)];
  result.linear = state.linear;
  if (state.force_unnormalized) result.normalized_coordinates = false;
  result.most_anisotropy = 1;
  return result;
}

const char* name_of(TextureGeometry geometry) {
  static constexpr std::array kNames{
      "nothing",          "one dimension",           "two dimensions",
      "three dimensions", "layers of one dimension", "layers of two dimensions",
      "a cube",           "layers of cubes"};
  return kNames[static_cast<std::size_t>(geometry)];
}

std::uint64_t first_handle(const WarpRequest& request) {
  std::uint64_t handle = 0;
  std::memcpy(&handle, request.operands, sizeof handle);
  return handle;
}

// A fetch that a texture has a fast way for. Of the one level that there is, whatever the level asked for.
bool is_plain(const WarpRequest& request, const Texture& texture) {
  return texture.fast != nullptr && request.op == Op::TextureFetch && !request.form.sampler &&
         !request.form.texels && !request.form.offsets && request.form.geometry == texture.image.geometry();
}
// Whether what it gives are the results as they stand.
bool takes_floats(const WarpRequest& request) {
  return request.type == ir::Type::F32 && !request.form.resident;
}

using Rows = std::uint32_t (*)[kLanes];
void fetch_fast(const WarpRequest& request, const Texture& texture, std::uint32_t lanes, Rows results,
                Touched* touched) {
  texture.fast(texture, lanes, reinterpret_cast<Rows>(request.operands + kHandleBytes), results, touched);
}

// Most fetches, without a look at anything else. False: it is none of these, and nothing was done.
bool fetch_at_once(const ObjectTable* table, const WarpRequest& request, Touched* touched) {
  if (!request.one_handle || table == nullptr || !takes_floats(request)) return false;
  const Texture* const texture = table->texture(first_handle(request));
  if (texture == nullptr || !is_plain(request, *texture) || !texture->image.is_usable()) return false;
  fetch_fast(request, *texture, request.mask, reinterpret_cast<Rows>(request.operands), touched);
  return true;
}

class WarpAccess {
 public:
  WarpAccess(const ObjectTable* table, const WarpRequest& request, Touched* touched)
      : table_(table), request_(request), form_(request.form), touched_(touched) {
    if (request.one_handle) {
      handles_.fill(first_handle(request));
    } else {
      std::memcpy(handles_.data(), request.operands, kHandleBytes);
    }
    words_ = request.operands + (form_.sampler ? 2 : 1) * kHandleBytes;
    word_count_ = words_of(request);
    values_ = words_ + word_count_ * kWordBytes;
  }

  // Lanes with one handle together, in the order of their first.
  std::optional<AccessFault> run() {
    for (std::uint32_t left = request_.mask; left != 0 && !fault_;) {
      const int first = std::countr_zero(left);
      std::uint64_t differs = 0;
      for (const std::uint64_t each : handles_) differs |= each ^ handles_[index(first)];
      std::uint32_t group = left;
      if (differs != 0 || form_.sampler) {
        group = 0;
        for (int lane = first; lane < kLanes; ++lane) {
          const bool same = handles_[index(lane)] == handles_[index(first)] && same_sampler(lane, first);
          group |= (same ? 1U : 0U) << lane;
        }
        group &= left;
      }
      left &= ~group;
      access(group, first);
    }
    if (!fault_ && !written_) write_results();
    return fault_;
  }

 private:
  using Results = std::array<std::array<std::uint32_t, kLanes>, 4>;

  static std::size_t index(int lane) { return static_cast<std::size_t>(lane); }

  std::uint64_t sampler_handle(int lane) const {
    std::uint64_t handle = 0;
    std::memcpy(&handle, request_.operands + kHandleBytes + index(lane) * 8, 8);
    return handle;
  }
  bool same_sampler(int a, int b) const { return !form_.sampler || sampler_handle(a) == sampler_handle(b); }

  std::uint32_t word(std::size_t row, int lane) const {
    std::uint32_t value = 0;
    std::memcpy(&value, words_ + row * kWordBytes + index(lane) * 4, 4);
    return value;
  }

  LaneWords lane_words(int lane) const {
    LaneWords words{};
    for (std::size_t i = 0; i < word_count_; ++i) words[i] = word(i, lane);
    return words;
  }

  void fail(int lane, std::string message, bool misaligned = false) {
    if (!fault_) fault_ = AccessFault{lane, misaligned, handles_[index(lane)], std::move(message)};
  }

  template <typename Function>
  void for_lanes(std::uint32_t group, Function&& function) {
    for (; group != 0 && !fault_; group &= group - 1) function(std::countr_zero(group));
  }

  void access(std::uint32_t group, int first) {
    switch (request_.op) {
      case Op::TextureFetch:
      case Op::TextureGather:
        fetch(group, first);
        return;
      case Op::TextureQuery:
        query(group, first);
        return;
      default:
        access_surface(group, first);
        return;
    }
  }

  const Texture* find_texture(int lane) {
    const std::uint64_t handle = handles_[index(lane)];
    const Texture* const texture = table_ != nullptr ? table_->texture(handle) : nullptr;
    if (texture == nullptr) {
      fail(lane, fmt::format("{:#x} is no texture object of this card, or was destroyed", handle));
      return nullptr;
    }
    if (!texture->image.is_usable()) {
      fail(lane, "the memory that the texture object reads was destroyed or freed");
      return nullptr;
    }
    return texture;
  }

  // Of a cube its faces may be read as layers; the rest has to be what the texture is.
  bool suits(const Image& image, int lane) {
    const TextureGeometry own = image.geometry();
    if (form_.geometry == own) return true;
    if (form_.geometry == TextureGeometry::D1 && own == TextureGeometry::D2 && image.levels[0].height == 1)
      return true;
    fail(lane, fmt::format("a texture of {} is read as one of {}", name_of(own), name_of(form_.geometry)));
    return false;
  }

  void fetch(std::uint32_t group, int first) {
    const Texture* const texture = find_texture(first);
    if (texture == nullptr || !suits(texture->image, first)) return;
    if (form_.sampler && ir::tag_of(sampler_handle(first)) == ir::kSamplerTag) {
      fetch_lanes(texture->image, with_state(texture->sampler, sampler_handle(first)), group);
    } else if (form_.sampler) {
      const Texture* const other = table_->texture(sampler_handle(first));
      if (other == nullptr) {
        fail(first, fmt::format("{:#x} is no sampler", sampler_handle(first)));
        return;
      }
      fetch_lanes(texture->image, other->sampler, group);
    } else if (is_plain(request_, *texture)) {
      fetch_group(*texture, group);
    } else {
      fetch_lanes(texture->image, texture->sampler, group);
    }
  }

  void fetch_group(const Texture& texture, std::uint32_t group) {
    if (group == request_.mask && takes_floats(request_)) {
      fetch_fast(request_, texture, group, reinterpret_cast<Rows>(request_.operands), touched_);
      written_ = true;
      return;
    }
    Results some;
    fetch_fast(request_, texture, group, reinterpret_cast<Rows>(some.data()), touched_);
    for (std::size_t c = 0; c < 4; ++c) {
      for_lanes(group, [&](int lane) { results_[c][index(lane)] = some[c][index(lane)]; });
    }
  }

  void fetch_lanes(const Image& image, const Sampler& sampler, std::uint32_t group) {
    if (touched_ != nullptr) touched_->texel_bytes = static_cast<std::uint32_t>(image.format.bytes());
    for_lanes(group, [&](int lane) {
      const LaneWords words = lane_words(lane);
      const auto result = request_.op == Op::TextureGather
                              ? gather_lane(image, sampler, form_, words, touched_)
                              : fetch_lane(image, sampler, form_, words, touched_);
      for (std::size_t c = 0; c < 4; ++c) results_[c][index(lane)] = result[c];
    });
  }

  void query(std::uint32_t group, int first) {
    const std::uint64_t handle = handles_[index(first)];
    const auto give = [&](std::uint32_t value) {
      for_lanes(group, [&](int lane) { results_[0][index(lane)] = value; });
    };
    switch (form_.query) {
      case TextureQuery::IsTexture:
        give(table_ != nullptr && table_->texture(handle) != nullptr ? 1 : 0);
        return;
      case TextureQuery::IsSurface:
        give(table_ != nullptr && table_->surface(handle) != nullptr ? 1 : 0);
        return;
      case TextureQuery::IsSampler:
        give(ir::tag_of(handle) == ir::kSamplerTag ? 1 : 0);
        return;
      default:
        break;
    }
    if (asks_sampler(form_.query) && ir::tag_of(handle) == ir::kSamplerTag) {
      give(query_sampler(with_state({.normalized_coordinates = true}, handle), form_.query));
      return;
    }
    if (const Image* const surface = table_ != nullptr ? table_->surface(handle) : nullptr) {
      give(query_image(*surface, nullptr, form_.query, 0));
      return;
    }
    const Texture* const texture = find_texture(first);
    if (texture == nullptr) return;
    for_lanes(group, [&](int lane) {
      const auto level = form_.level == TextureLevel::Level ? static_cast<std::int32_t>(word(0, lane)) : 0;
      results_[0][index(lane)] = query_image(texture->image, &texture->sampler, form_.query, level);
    });
  }

  std::uint32_t element_bytes() const { return static_cast<std::uint32_t>(ir::byte_size(request_.type)); }
  std::size_t value_bytes() const { return element_bytes() == 8 ? 8 : 4; }  // as operands and results
  std::byte* value(int which, int lane) const {
    return values_ + (static_cast<std::size_t>(which) * kLanes + index(lane)) * value_bytes();
  }

  const Image* find_surface(int lane) {
    const std::uint64_t handle = handles_[index(lane)];
    const Image* const image = table_ != nullptr ? table_->surface(handle) : nullptr;
    if (image == nullptr) {
      fail(lane, fmt::format("{:#x} is no surface object of this card, or was destroyed", handle));
      return nullptr;
    }
    if (!image->is_usable()) {
      fail(lane, "the array of the surface object was destroyed");
      return nullptr;
    }
    return image;
  }

  void access_surface(std::uint32_t group, int first) {
    const Image* const image = find_surface(first);
    if (image == nullptr) return;
    if (touched_ != nullptr)
      touched_->texel_bytes = element_bytes() * static_cast<std::uint32_t>(request_.values);
    const std::uint32_t bytes = element_bytes() * static_cast<std::uint32_t>(request_.values);
    for_lanes(group, [&](int lane) {
      const LaneWords coordinates = lane_words(lane);
      const SurfacePlace place = surface_place(*image, form_, coordinates.data(), bytes, touched_);
      switch (place.kind) {
        case SurfacePlace::Kind::Outside:
          fail(lane, fmt::format("outside of the surface of {} by {} by {} elements", image->levels[0].width,
                                 image->levels[0].height, std::max(image->levels[0].depth, image->layers)));
          return;
        case SurfacePlace::Kind::Misaligned:
          fail(lane,
               fmt::format("byte {} of a surface's row is no multiple of {}",
                           static_cast<std::int32_t>(coordinates[form_.is_layered() ? 1 : 0]), bytes),
               true);
          return;
        case SurfacePlace::Kind::Nowhere:
          if (request_.op == Op::SurfaceLoad) {
            for (auto& row : loaded_) row[index(lane)] = 0;
          }
          return;
        case SurfacePlace::Kind::Inside:
          break;
      }
      if (request_.op == Op::SurfaceLoad) {
        load(lane, place.address);
      } else if (request_.op == Op::SurfaceReduce) {
        reduce(*image, lane, place.address);
      } else if (form_.formatted) {
        std::array<std::uint32_t, 4> values{};
        for (int i = 0; i < request_.values; ++i)
          std::memcpy(&values[static_cast<std::size_t>(i)], value(i, lane), 4);
        store_formatted(image->format, place.address, values.data(), request_.values);
      } else {
        for (int i = 0; i < request_.values; ++i)
          std::memcpy(
              reinterpret_cast<void*>(place.address + static_cast<std::uint32_t>(i) * element_bytes()),
              value(i, lane), element_bytes());
      }
    });
  }

  void load(int lane, std::uint64_t address) {
    for (int i = 0; i < request_.values; ++i) {
      std::uint64_t loaded = 0;
      std::memcpy(&loaded,
                  reinterpret_cast<const void*>(address + static_cast<std::uint32_t>(i) * element_bytes()),
                  element_bytes());
      loaded_[static_cast<std::size_t>(i)][index(lane)] = loaded;
    }
  }

  template <typename T>
  void reduce_as(std::uint64_t address, T operand) {
    auto* const at = reinterpret_cast<T*>(address);
    T old = __atomic_load_n(at, __ATOMIC_RELAXED);
    const auto changed = [&](T before) -> T {
      switch (request_.atomic) {
        case ir::AtomicOp::Add:
          return static_cast<T>(static_cast<std::make_unsigned_t<T>>(before) +
                                static_cast<std::make_unsigned_t<T>>(operand));
        case ir::AtomicOp::Min:
          return std::min(before, operand);
        case ir::AtomicOp::Max:
          return std::max(before, operand);
        case ir::AtomicOp::And:
          return before & operand;
        default:
          return before | operand;
      }
    };
    while (!__atomic_compare_exchange_n(at, &old, changed(old), false, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
    }
  }

  // sured.p takes its type from the format (PTX ISA 9.7.11.3).
  void reduce(const Image& image, int lane, std::uint64_t address) {
    const bool is_signed = form_.formatted ? image.format.is_signed() : ir::is_signed(request_.type);
    if (form_.formatted && static_cast<std::uint32_t>(image.format.bytes()) < element_bytes()) {
      fail(lane, "an element of the surface is smaller than the operand of sured.p");
      return;
    }
    if (element_bytes() == 8) {
      std::uint64_t operand = 0;
      std::memcpy(&operand, value(0, lane), 8);
      if (is_signed) {
        reduce_as(address, static_cast<std::int64_t>(operand));
      } else {
        reduce_as(address, operand);
      }
    } else {
      std::uint32_t operand = 0;
      std::memcpy(&operand, value(0, lane), 4);
      if (is_signed) {
        reduce_as(address, static_cast<std::int32_t>(operand));
      } else {
        reduce_as(address, operand);
      }
    }
  }

  void write_results() {
    std::byte* const to = request_.operands;
    if (request_.op == Op::SurfaceLoad) {
      for (int i = 0; i < request_.values; ++i) {
        for (int lane = 0; lane < kLanes; ++lane)
          std::memcpy(to + (static_cast<std::size_t>(i) * kLanes + index(lane)) * value_bytes(),
                      &loaded_[static_cast<std::size_t>(i)][index(lane)], value_bytes());
      }
      return;
    }
    if (request_.op == Op::SurfaceStore || request_.op == Op::SurfaceReduce) return;
    if (request_.type == ir::Type::F16 || request_.type == ir::Type::F16x2) to_halves();
    const std::size_t rows = request_.op == Op::TextureQuery ? 1 : static_cast<std::size_t>(request_.values);
    std::memcpy(to, results_.data(), rows * kWordBytes);
    // Nothing of an array is ever missing: sparse ones do not exist here.
    if (form_.resident) std::memset(to + rows * kWordBytes, 0xff, kWordBytes);
  }

  void to_halves() {
    for (auto& row : results_) {
      for (std::uint32_t& each : row) each = to_half(std::bit_cast<float>(each));
    }
    if (request_.type != ir::Type::F16x2) return;
    for (std::size_t i = 0; i < kLanes; ++i) {
      results_[0][i] |= results_[1][i] << 16;
      results_[1][i] = results_[2][i] | results_[3][i] << 16;
    }
  }

  const ObjectTable* table_;
  const WarpRequest& request_;
  const TextureForm& form_;
  Touched* touched_;
  std::array<std::uint64_t, kLanes> handles_;
  std::byte* words_ = nullptr;
  std::size_t word_count_ = 0;
  std::byte* values_ = nullptr;
  bool written_ = false;  // the results are in their place already
  Results results_;       // of lanes in the mask
  std::array<std::array<std::uint64_t, kLanes>, 4> loaded_;
  std::optional<AccessFault> fault_;
};

}  // namespace

std::size_t operand_bytes(const WarpRequest& request) {
  const std::size_t value = ir::bit_width(request.type) == 64 ? kHandleBytes : kWordBytes;
  const std::size_t values = static_cast<std::size_t>(request.values) * value;
  const std::size_t operands = (request.form.sampler ? 2 : 1) * kHandleBytes + words_of(request) * kWordBytes;
  const bool writes = request.op == Op::SurfaceStore || request.op == Op::SurfaceReduce;
  return std::max(operands + (writes ? values : 0), values + (request.form.resident ? kWordBytes : 0));
}

std::optional<AccessFault> access_textures(const ObjectTable* table, const WarpRequest& request,
                                           Touched* touched) {
  if (fetch_at_once(table, request, touched)) return std::nullopt;
  return WarpAccess(table, request, touched).run();
}

}  // namespace doppel::texture
