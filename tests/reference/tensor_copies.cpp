// SPDX-License-Identifier: Apache-2.0
// cp.async.bulk.tensor and cp.reduce.async.bulk.tensor (PTX ISA 9.7.9.25.5), at once and an element at a
// time: of each where it is in the tensor, and where in shared memory. The fields of a map are found by its
// layout alone.
#include <array>
#include <cstring>
#include <optional>
#include <vector>

#include "ir/tensor_map.h"
#include "reference/execute.h"
#include "reference/operands.h"

namespace doppel::reference {

namespace {

using ir::TensorMap;
using ir::TensorMode;
using ir::TensorType;
using Coordinates = std::array<std::int64_t, 5>;

constexpr int kShareableAlignment = 128;

struct BoxCopy {
  TensorMap map{};
  TensorMode mode = TensorMode::Tile;
  int rank = 1;
  std::vector<std::int64_t> start, offsets;
  std::uint64_t shared = 0;  // address in shared memory
};

std::int64_t as_word(std::uint64_t bits) {
  return static_cast<std::int32_t>(static_cast<std::uint32_t>(bits));
}

// In eighths of a byte: of an element in global memory, and in shared memory on average.
int global_bits(TensorType type) {
  static constexpr std::array<int, 16> kBits = {8, 16, 32, 32, 64, 64, 16, 32, 32, 64, 16, 32, 32, 4, 4, 6};
  return kBits.at(static_cast<std::size_t>(type));
}
int shared_bits(TensorType type) {
  return type == TensorType::B4x16P64 || type == TensorType::B6x16 ? 8 : global_bits(type);
}

// The tables of 5.5.7: which 16 bytes of a line of 128 stand at place `part` of line `line`; they are their
// own inverses.
std::uint64_t swizzled_place(const TensorMap& map, std::uint64_t address) {
  const std::uint64_t line = address / 128, part = address / 16 % 8, byte = address % 16;
  std::uint64_t to = part;
  const auto by_two = [&](std::uint64_t of,
                          std::uint64_t count) {  // parts of `of` 16 bytes, in groups of `count`
    const std::uint64_t unit = part / of, group = unit / count * count, within = unit % count;
    return (group + (within ^ line % count)) * of + part % of;
  };
  switch (static_cast<int>(map.swizzle)) {
    case 1:
      to = by_two(1, 2);
      break;
    case 2:
      to = by_two(1, 4);
      break;
    case 3: {
      static constexpr std::array<std::uint64_t, 4> kAtoms = {1, 2, 2, 4};  // in 16 bytes
      const std::uint64_t atom = kAtoms.at(static_cast<std::size_t>(map.atom));
      to = by_two(atom, 8 / atom);
      break;
    }
    default:
      break;
  }
  std::uint64_t at = byte;
  if (static_cast<int>(map.atom) == 2 && line % 2 == 1) at = (byte + 8) % 16;
  return line * 128 + to * 16 + at;
}

// The coordinates of each row of the box.
std::vector<Coordinates> box_rows(const BoxCopy& copy) {
  const TensorMap& map = copy.map;
  std::vector<Coordinates> all;
  if (copy.mode == TensorMode::Gather4) {
    for (int i = 1; i <= 4; ++i) all.push_back({copy.start[0], copy.start[static_cast<std::size_t>(i)]});
    return all;
  }
  Coordinates at{};
  for (std::size_t i = 0; i < copy.start.size(); ++i) at[i] = copy.start[i];
  if (copy.mode == TensorMode::Tile) {
    all.push_back(at);
    // Each dimension repeats what there is, one step further on each time.
    for (std::size_t d = 1; d < static_cast<std::size_t>(copy.rank); ++d) {
      const std::vector<Coordinates> once = all;
      for (std::int64_t step = map.element_strides[d]; step < map.box[d]; step += map.element_strides[d]) {
        for (Coordinates moved : once) {
          moved[d] += step;
          all.push_back(moved);
        }
      }
    }
    return all;
  }
  const auto image = static_cast<std::size_t>(copy.rank) - 1;
  const bool wide = copy.mode == TensorMode::Im2colW;
  for (std::uint32_t n = 0; n < map.box[1]; ++n) {
    Coordinates pixel = at;
    for (std::size_t d = 1; d < image && d - 1 < copy.offsets.size() && !wide; ++d)
      pixel[d] += copy.offsets[d - 1];
    if (wide) pixel[1] += copy.offsets[1];
    all.push_back(pixel);
    bool carries = true;
    for (std::size_t d = 1; d < image && carries; ++d) {
      const auto lower = static_cast<std::int16_t>(map.box[1 + d] & 0xffff);
      const auto upper = static_cast<std::int16_t>(map.box[1 + d] >> 16);
      at[d] += map.element_strides[d];
      carries = at[d] > std::int64_t{map.sizes[d]} - 1 + upper;
      if (carries) at[d] = lower;
      if (wide) break;
    }
    if (carries) ++at[image];
  }
  return all;
}

bool is_in_tensor(const BoxCopy& copy, const Coordinates& at) {
  for (std::size_t d = 0; d < static_cast<std::size_t>(copy.rank); ++d) {
    const std::int64_t size =
        copy.map.sizes[d] == 0 ? std::int64_t{1} << 32 : std::int64_t{copy.map.sizes[d]};
    if (at[d] < 0 || at[d] >= size) return false;
  }
  return true;
}

// In bits.
std::uint64_t global_place(const BoxCopy& copy, const Coordinates& at) {
  std::uint64_t bits = copy.map.address * 8 + static_cast<std::uint64_t>(at[0]) *
                                                  static_cast<std::uint64_t>(global_bits(copy.map.type));
  for (std::size_t d = 1; d < static_cast<std::size_t>(copy.rank); ++d)
    bits += static_cast<std::uint64_t>(at[d]) * copy.map.strides[d - 1] * 8;
  return bits;
}

std::span<std::byte> global_bytes(Block& block, std::uint64_t address, std::uint64_t count) {
  const auto found = block.memory->find(address, count);
  if (found.empty()) throw Fault("a box of a tensor outside of every allocation");
  return found;
}

std::uint64_t read_memory_bits(Block& block, std::uint64_t at, int count) {
  std::uint64_t value = 0;
  for (int i = 0; i < count; ++i) {
    const std::uint64_t bit = at + static_cast<std::uint64_t>(i);
    const auto byte = std::to_integer<std::uint64_t>(global_bytes(block, bit / 8, 1)[0]);
    value |= (byte >> bit % 8 & 1) << i;
  }
  return value;
}

void write_memory_bits(Block& block, std::uint64_t at, int count, std::uint64_t value) {
  for (int i = 0; i < count; ++i) {
    const std::uint64_t bit = at + static_cast<std::uint64_t>(i);
    std::byte& byte = global_bytes(block, bit / 8, 1)[0];
    const auto mask = static_cast<std::byte>(1u << bit % 8);
    byte = (value >> i & 1) != 0 ? byte | mask : byte & ~mask;
  }
}

std::byte& shared_byte(Block& block, const BoxCopy& copy, std::uint64_t at) {
  const std::uint64_t address = swizzled_place(copy.map, copy.shared + at);
  if (address >= block.shared.size()) throw Fault("a box of a tensor outside of shared memory");
  return block.shared[address];
}

std::uint64_t fill_bits(const TensorMap& map) {
  if (static_cast<int>(map.fill) == 0) return 0;
  const int bits = global_bits(map.type);
  return (std::uint64_t{1} << (bits - 1)) - 1;
}

// .tf32 is rounded, .ftz has no subnormals.
std::uint64_t converted_element(TensorType type, std::uint64_t bits) {
  const bool flushes = type == TensorType::F32Ftz || type == TensorType::Tf32Ftz;
  const bool rounds = type == TensorType::Tf32 || type == TensorType::Tf32Ftz;
  const std::uint64_t sign = bits & 0x80000000, exponent = bits >> 23 & 0xff, fraction = bits & 0x7fffff;
  if (flushes && exponent == 0) return sign;
  if (!rounds) return bits;
  if (exponent == 0xff && fraction != 0) return 0x7fffffff;
  const std::uint64_t kept = (bits & 0x7fffffff) / 8192, rest = bits % 8192;
  const bool up = rest > 4096 || (rest == 4096 && kept % 2 == 1);
  return sign | (kept + (up ? 1 : 0)) * 8192;
}

struct BoxElement {
  std::uint64_t at = 0;  // its first bit in shared memory, without swizzling
  bool inside = false;
  std::uint64_t place = 0;
};

template <typename Visit>
std::int64_t for_each_element(const BoxCopy& copy, const Visit& visit) {
  const TensorType type = copy.map.type;
  const bool spread = shared_bits(type) != global_bits(type);
  std::uint64_t row_start = 0;
  for (Coordinates at : box_rows(copy)) {
    const std::int64_t first = at[0];
    for (std::uint32_t i = 0; i < copy.map.box[0]; ++i) {
      at[0] = first + i;
      BoxElement element;
      element.at = row_start + (spread ? std::uint64_t{i / 16 * 128} +
                                             std::uint64_t{i % 16} * static_cast<unsigned>(global_bits(type))
                                       : std::uint64_t{i} * static_cast<unsigned>(global_bits(type)));
      element.inside = is_in_tensor(copy, at);
      if (element.inside) element.place = global_place(copy, at);
      visit(element, i);
    }
    row_start += std::uint64_t{copy.map.box[0]} * static_cast<unsigned>(shared_bits(type));
  }
  return static_cast<std::int64_t>(row_start / 8);
}

std::int64_t load_box(Block& block, const BoxCopy& copy) {
  const TensorType type = copy.map.type;
  const int bits = global_bits(type);
  return for_each_element(copy, [&](const BoxElement& element, std::uint32_t) {
    std::uint64_t value = element.inside ? read_memory_bits(block, element.place, bits) : fill_bits(copy.map);
    if (element.inside) value = converted_element(type, value);
    for (int i = 0; i < bits; ++i) {
      const std::uint64_t bit = element.at + static_cast<std::uint64_t>(i);
      std::byte& byte = shared_byte(block, copy, bit / 8);
      const auto mask = static_cast<std::byte>(1u << bit % 8);
      byte = (value >> i & 1) != 0 ? byte | mask : byte & ~mask;
    }
  });
}

void store_box(Block& block, const ptx::Instruction& in, const BoxCopy& copy) {
  const TensorType type = copy.map.type;
  const int bits = global_bits(type);
  const bool of_bytes = type == TensorType::B6x16;
  std::uint64_t row = 0;
  for_each_element(copy, [&](const BoxElement& element, std::uint32_t i) {
    std::uint64_t value = 0;
    const std::uint64_t first = of_bytes ? (row + i) * 8 : element.at;
    for (int k = 0; k < bits; ++k) {
      const std::uint64_t bit = first + static_cast<std::uint64_t>(k);
      value |= (std::to_integer<std::uint64_t>(shared_byte(block, copy, bit / 8)) >> bit % 8 & 1) << k;
    }
    if (i + 1 == copy.map.box[0]) row += copy.map.box[0];
    if (!element.inside) return;
    if (in.modifiers.atomic_op == ptx::AtomicOp::None) {
      write_memory_bits(block, element.place, bits, converted_element(type, value));
      return;
    }
    static constexpr std::array kTypes = {ptx::Type::U8,  ptx::Type::U16, ptx::Type::U32, ptx::Type::S32,
                                          ptx::Type::U64, ptx::Type::S64, ptx::Type::F16, ptx::Type::F32,
                                          ptx::Type::F32, ptx::Type::F64, ptx::Type::BF16};
    ptx::Instruction typed = in;
    typed.type = kTypes.at(static_cast<std::size_t>(type));
    write_memory_bits(block, element.place, bits,
                      combine(typed, read_memory_bits(block, element.place, bits), value, false));
  });
}

// 9.7.9.25.5.1: what a copy may not ask for, beside what makes a map wrong.
void check_use(const ptx::Instruction& in, const BoxCopy& copy) {
  const TensorType type = copy.map.type;
  const bool packed = global_bits(type) < 8, loads = in.modifiers.space != ptx::Space::Global;
  const int atom = static_cast<int>(copy.map.atom);
  if (in.modifiers.space == ptx::Space::SharedCluster && (packed || atom != 0))
    throw Fault("what .shared::cluster does not take on sm_120a");
  if (packed && copy.start[0] % (type == TensorType::B4x16 ? 16 : 128) != 0)
    throw Fault("a first coordinate within packed elements");
  if (copy.mode == TensorMode::Gather4 && copy.map.box[1] != 1)
    throw Fault("a box of several rows where rows are gathered");
  if (loads) return;
  if (atom == 2 || type == TensorType::B4x16P64) throw Fault("what is only loaded");
  for (const std::int64_t each : copy.start) {
    if (each < 0) throw Fault("a store in front of a tensor");
  }
}

std::vector<std::int64_t> words_of_vector(const Block& block, const Thread& thread,
                                          const ptx::Operand& vector) {
  std::vector<std::int64_t> all;
  for (const ptx::Operand& each : vector.elements) all.push_back(as_word(read(block, thread, each)));
  return all;
}

}  // namespace

void execute_tensor_copy(Block& block, Thread& thread, const ptx::Instruction& in) {
  const bool loads = in.modifiers.space != ptx::Space::Global;
  BoxCopy copy;
  copy.mode = in.modifiers.tensor;
  const std::size_t map = loads ? 1 : 0;
  const auto object = resolve(block, thread, ptx::Space::Generic, in.operands.at(map), sizeof copy.map, 64);
  std::memcpy(&copy.map, object.data(), sizeof copy.map);
  copy.start = words_of_vector(block, thread, in.operands.at(map + 1));
  copy.rank = copy.mode == TensorMode::Gather4 ? 2 : static_cast<int>(copy.start.size());
  if (in.operands.size() > 4 && in.operands[4].kind == ptx::Operand::Kind::Vector)
    copy.offsets = words_of_vector(block, thread, in.operands[4]);
  std::optional<std::uint64_t> mask;
  for (std::size_t i = 4; loads && i < in.operands.size(); ++i) {
    if (in.operands[i].kind != ptx::Operand::Kind::Vector)
      mask = read(block, thread, in.operands[i]) & 0xffff;
  }
  const std::string why = ir::problem_of(copy.map);
  if (!why.empty()) throw Fault("no tensor map: " + why);
  if (static_cast<int>(copy.map.last_dimension) + 1 != copy.rank) throw Fault("a tensor map of another rank");
  check_use(in, copy);
  const ptx::Space space = loads ? in.modifiers.space : ptx::Space::Shared;
  const ptx::Operand& shared = in.operands.at(loads ? 0 : 2);
  resolve(block, thread, space, shared, 16, kShareableAlignment);
  const std::uint64_t place = shared_offset(block, thread, space, shared);
  copy.shared = place % kRankUnit;
  const auto block_of = [&](std::uint64_t rank) -> Block& {
    if (rank >= block.cluster->blocks.size()) throw Fault("a block that is not in the cluster");
    return *block.cluster->blocks[rank];
  };
  Block& where = place < kRankUnit ? block : block_of(place / kRankUnit - 1);
  if (!loads) {
    store_box(where, in, copy);
  } else if (!mask) {
    const std::int64_t bytes = load_box(where, copy);
    complete_transactions(block, thread, in.modifiers.space, in.operands[3], bytes);
  } else {
    const std::uint64_t barrier = shared_offset(block, thread, in.modifiers.space, in.operands[3]);
    for (std::uint64_t rank = 0; *mask >> rank != 0; ++rank) {
      if ((*mask >> rank & 1) == 0) continue;
      const std::int64_t bytes = load_box(block_of(rank), copy);
      complete_transactions(block_of(rank), barrier % kRankUnit, bytes);
    }
  }
}

}  // namespace doppel::reference
