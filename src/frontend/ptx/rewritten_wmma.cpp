// SPDX-License-Identifier: Apache-2.0
// wmma as the loads, stores and products that it is made of (PTX ISA 9.7.14.4): those that the vendor's
// assembler makes of it for sm_86 and sm_120. A lane loads its own elements, where two of a column are a word
// pairs that movmatrix transposes; from shared memory ldmatrix loads A and B of 16 and 8 bits.
#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <utility>

#include "frontend/ptx/function_parser.h"

namespace doppel::ptx {

namespace {

using ir::MatrixElement;
using ir::MatrixForm;
using Part = WmmaForm::Part;

Operand immediate(std::uint64_t value) {
  Operand operand;
  operand.kind = Operand::Kind::Immediate;
  operand.immediate = value;
  return operand;
}

Operand vector_of(std::vector<Operand> elements) {
  Operand operand;
  operand.kind = Operand::Kind::Vector;
  operand.elements = std::move(elements);
  return operand;
}

MatrixElement element_of(const WmmaForm& form) {
  switch (form.part) {
    case Part::A:
      return form.matrix.a;
    case Part::B:
      return form.matrix.b;
    case Part::C:
      return form.matrix.c;
    default:
      return form.matrix.d;
  }
}

std::string_view space_word(Space space) {
  if (space == Space::Shared) return ".shared";
  return space == Space::Global ? ".global" : "";
}

bool is_register(const Operand& operand) { return operand.kind == Operand::Kind::Register; }

bool reads(const std::vector<Operand>& registers, const Operand& target) {
  return std::ranges::any_of(
      registers, [&](const Operand& each) { return is_register(each) && each.reg == target.reg; });
}

}  // namespace

// Where a lane's elements are: the address of its first one, and the stride between the rows of memory, in
// elements.
struct FunctionParser::LanePlace {
  Operand start;
  std::int64_t offset = 0;
  Operand stride;
  int bits = 32;
  std::vector<std::pair<int, Operand>> rows;  // further down by so many, that are known already
};

void FunctionParser::append_before(std::string_view form, std::vector<Operand> operands,
                                   const std::optional<Guard>& guard) {
  before_.push_back(made_here(form, std::move(operands)));
  before_.back().guard = guard;
}

// The lane's element in row `major` and column `minor` of memory.
FunctionParser::LanePlace FunctionParser::lane_place(const Operand& address, Space space,
                                                     const Operand& stride, int bits, const Operand& major,
                                                     const Operand& minor) {
  LanePlace place;
  place.stride = stride;
  place.bits = bits;
  Operand base;
  switch (address.address_base) {
    case Operand::AddressBase::None:
      base = compute_before("mov.u64", {immediate(static_cast<std::uint64_t>(address.offset))});
      break;
    case Operand::AddressBase::Register:
      base.kind = Operand::Kind::Register;
      base.reg = address.reg;
      if (bit_width(register_type(base)) == 32) base = compute_before("cvt.u64.u32", {base});
      place.offset = address.offset;
      break;
    case Operand::AddressBase::Symbol: {
      Operand symbol;
      symbol.kind = Operand::Kind::Symbol;
      symbol.symbol = address.symbol;
      symbol.offset = address.offset;
      base = space == Space::Generic
                 ? compute_before(fmt::format("cvta.{}.u64", name_of(variable_of(address.symbol).space)),
                                  {symbol})
                 : compute_before("mov.u64", {symbol});
      break;
    }
  }
  Operand index = compute_before("mad.lo.u32", {major, stride, minor});
  if (bits < 8)
    index = compute_before(
        "shr.u32",
        {index, immediate(static_cast<std::uint64_t>(std::countr_zero(static_cast<unsigned>(8 / bits))))});
  place.start = compute_before("mad.wide.u32",
                               {index, immediate(static_cast<std::uint64_t>(std::max(1, bits / 8))), base});
  return place;
}

Operand FunctionParser::lane_address(LanePlace& place, int major, int minor) {
  Operand address = place.start;
  address.kind = Operand::Kind::Address;
  address.address_base = Operand::AddressBase::Register;
  address.offset = place.offset + minor * place.bits / 8;
  if (major == 0) return address;
  const auto bytes = static_cast<std::uint64_t>(major * place.bits / 8);
  if (!is_register(place.stride)) {
    address.offset += static_cast<std::int64_t>(static_cast<std::uint32_t>(place.stride.immediate) * bytes);
    return address;
  }
  const auto known = std::ranges::find(place.rows, major, &std::pair<int, Operand>::first);
  if (known != place.rows.end()) {
    address.reg = known->second.reg;
  } else {
    const Operand row = compute_before("mad.wide.u32", {place.stride, immediate(bytes), place.start});
    place.rows.emplace_back(major, row);
    address.reg = row.reg;
  }
  return address;
}

Operand FunctionParser::lane_number() {
  Operand laneid;
  laneid.kind = Operand::Kind::Special;
  laneid.special = SpecialRegister::Laneid;
  return compute_at_entry("mov.u32", {laneid});
}

// lane / 4, and of the lane in its four the first of so many elements.
std::pair<Operand, Operand> FunctionParser::lane_in_fragment(int elements) {
  const Operand lane = lane_number();
  const Operand group = compute_at_entry("shr.u32", {lane, immediate(2)});
  Operand first = compute_at_entry("and.b32", {lane, immediate(3)});
  if (elements > 1)
    first = compute_at_entry(
        "shl.b32",
        {first, immediate(static_cast<std::uint64_t>(std::countr_zero(static_cast<unsigned>(elements))))});
  return {group, first};
}

// The elements of A and B that a lane loads itself. In memory they lie along k, or across it.
void FunctionParser::load_factor(const WmmaForm& form, const Instruction& in, const Operand& stride,
                                 const std::vector<Operand>& to) {
  const bool of_a = form.part == Part::A;
  const WmmaBlocks blocks = wmma_blocks(form.matrix, of_a);
  const int bits = form.matrix.bits_of(element_of(form));
  const bool along_k = of_a != form.columns;
  const bool pairs = !along_k && bits == 16;
  const int elements = along_k ? blocks.run : pairs ? 2 : 1;
  const auto [group, first] = lane_in_fragment(along_k || pairs ? elements : blocks.run);
  LanePlace place = along_k || pairs
                        ? lane_place(in.operands[1], in.modifiers.space, stride, bits, group, first)
                        : lane_place(in.operands[1], in.modifiers.space, stride, bits, first, group);
  const std::string_view space = space_word(in.modifiers.space);
  for (int outer = 0; outer < blocks.outer; ++outer) {
    for (int k = 0; k < blocks.k; ++k) {
      const Operand& target = to[static_cast<std::size_t>(blocks.register_of(outer, k))];
      const int first_k = 4 * blocks.run * k;
      if (!is_register(target)) continue;
      if (along_k) {
        append_before(fmt::format("ld{}.b{}", space, std::max(32, bits)),
                      {target, lane_address(place, 8 * outer, first_k)}, in.guard);
      } else if (pairs) {
        const Operand row = fresh(Type::B32);
        append_before(fmt::format("ld{}.b32", space), {row, lane_address(place, first_k, 8 * outer)},
                      in.guard);
        append_before("movmatrix.sync.aligned.m8n8.trans.b16", {target, row}, in.guard);
      } else if (bits >= 32) {
        append_before(fmt::format("ld{}.b{}", space, bits), {target, lane_address(place, first_k, 8 * outer)},
                      in.guard);
      } else {
        std::vector<Operand> bytes;
        for (int i = 0; i < 4; ++i) {
          bytes.push_back(fresh(Type::B32));
          append_before(fmt::format("ld{}.u8", space),
                        {bytes.back(), lane_address(place, first_k + i, 8 * outer)}, in.guard);
        }
        const Operand low = fresh(Type::B32), high = fresh(Type::B32);
        append_before("prmt.b32", {low, bytes[0], bytes[1], immediate(0x0040)}, in.guard);
        append_before("prmt.b32", {high, bytes[2], bytes[3], immediate(0x0040)}, in.guard);
        append_before("prmt.b32", {target, low, high, immediate(0x5410)}, in.guard);
      }
    }
  }
}

// Of A and B in shared memory, by matrices of eight rows of 16 bytes: each of the lanes that address one
// finds it by its bits, as a register is found by those of its number.
void FunctionParser::load_factor_by_matrices(const WmmaForm& form, const Instruction& in,
                                             const Operand& stride, const std::vector<Operand>& to) {
  const bool of_a = form.part == Part::A;
  const WmmaBlocks blocks = wmma_blocks(form.matrix, of_a);
  const int bits = form.matrix.bits_of(element_of(form)), row_elements = 128 / bits;
  const bool along_k = of_a != form.columns;
  // In memory, of a register: its eight along the rows, and its row's first element.
  const auto where = [&](int reg) {
    for (int outer = 0; outer < blocks.outer; ++outer) {
      for (int k = 0; k < blocks.k; ++k) {
        if (blocks.register_of(outer, k) == reg)
          return along_k ? std::pair{8 * outer, row_elements * k} : std::pair{8 * k, row_elements * outer};
      }
    }
    return std::pair{0, 0};
  };
  const int at_once = std::min(4, blocks.registers());
  const Operand lane = lane_number();
  Operand major = compute_at_entry("and.b32", {lane, immediate(7)}), minor = immediate(0);
  const auto add = [&](Operand& sum, int bit, int step) {
    if (step == 0) return;
    Operand part = compute_at_entry("and.b32", {lane, immediate(static_cast<std::uint64_t>(bit))});
    if (step > bit)
      part = compute_at_entry("mul.lo.u32", {part, immediate(static_cast<std::uint64_t>(step / bit))});
    if (step < bit)
      part = compute_at_entry(
          "shr.u32",
          {part, immediate(static_cast<std::uint64_t>(std::countr_zero(static_cast<unsigned>(bit / step))))});
    sum = is_register(sum) ? compute_at_entry("add.u32", {sum, part}) : part;
  };
  for (int matrices = 1; matrices < at_once; matrices *= 2) {
    const auto [down, right] = where(matrices);
    add(major, 8 * matrices, down);
    add(minor, 8 * matrices, right);
  }
  LanePlace place = lane_place(in.operands[1], in.modifiers.space, stride, bits, major, minor);
  for (int reg = 0; reg < blocks.registers(); reg += at_once) {
    const auto [down, right] = where(reg);
    std::vector<Operand> some(to.begin() + reg, to.begin() + reg + at_once);
    append_before(
        fmt::format("ldmatrix.sync.aligned.m8n8.x{}{}.shared.b16", at_once, along_k ? "" : ".trans"),
        {vector_of(std::move(some)), lane_address(place, down, right)}, in.guard);
  }
}

// C, or D where it is stored: two of a row of a tile side by side.
void FunctionParser::transfer_sum(const WmmaForm& form, const Instruction& in, const Operand& stride,
                                  const std::vector<Operand>& registers) {
  const WmmaTiles tiles = wmma_tiles(form.matrix);
  const bool stores = form.part == Part::D;
  const int bits = form.matrix.bits_of(element_of(form));
  const bool along_rows = tiles.swapped == form.columns;  // of the tiles
  const bool halves = bits == 16, in_pairs = along_rows || halves;
  const auto [group, first] = lane_in_fragment(2);
  const Operand& address = in.operands[stores ? 0 : 1];
  LanePlace place = in_pairs ? lane_place(address, in.modifiers.space, stride, bits, group, first)
                             : lane_place(address, in.modifiers.space, stride, bits, first, group);
  const std::string_view space = space_word(in.modifiers.space);
  const auto move = [&](std::string_view type, const Operand& value, const Operand& at) {
    const std::string text = fmt::format("{}{}.{}", stores ? "st" : "ld", space, type);
    if (stores) {
      append_before(text, {at, value}, in.guard);
    } else if (value.kind != Operand::Kind::Sink) {
      append_before(text, {value, at}, in.guard);
    }
  };
  const int eights = tiles.step.m / 8;
  std::size_t next = 0;
  for (int row = 0; row < tiles.row_tiles; ++row) {
    for (int column = 0; column < tiles.column_tiles; ++column) {
      for (int eight = 0; eight < eights; ++eight) {
        const int at_row = 8 * (row * eights + eight), at_column = 8 * column;
        if (halves) {
          const Operand& pair = registers[next++];
          if (along_rows) {
            move("b32", pair, lane_address(place, at_row, at_column));
          } else {
            const Operand transposed = fresh(Type::B32);
            constexpr std::string_view kTranspose = "movmatrix.sync.aligned.m8n8.trans.b16";
            if (stores) append_before(kTranspose, {transposed, pair}, in.guard);
            move("b32", transposed, lane_address(place, at_column, at_row));
            if (!stores) append_before(kTranspose, {pair, transposed}, in.guard);
          }
          continue;
        }
        const Operand &low = registers[next], &high = registers[next + 1];
        next += 2;
        if (along_rows) {
          move(fmt::format("v2.b{}", bits), vector_of({low, high}), lane_address(place, at_row, at_column));
        } else {
          move(fmt::format("b{}", bits), low, lane_address(place, at_column, at_row));
          move(fmt::format("b{}", bits), high, lane_address(place, at_column + 1, at_row));
        }
      }
    }
  }
}

void FunctionParser::multiply_fragments(const WmmaForm& form, const Instruction& in) {
  const MatrixForm& matrix = form.matrix;
  const WmmaTiles tiles = wmma_tiles(matrix);
  const WmmaBlocks of_a = wmma_blocks(matrix, !tiles.swapped), of_b = wmma_blocks(matrix, tiles.swapped);
  const std::vector<Operand>&d = in.operands[0].elements, &c = in.operands[3].elements,
        &a = in.operands[tiles.swapped ? 2 : 1].elements, &b = in.operands[tiles.swapped ? 1 : 2].elements;
  const MatrixForm& step = tiles.step;
  const Modifiers& m = in.modifiers;
  static constexpr std::string_view kRoundings[] = {"", ".rn", ".rz", ".rm", ".rp"};
  const std::string text =
      fmt::format("mma.sync.aligned.m{}n{}k{}.row.col{}{}.{}.{}.{}.{}{}", step.m, step.n, step.k,
                  m.satfinite ? ".satfinite" : "", kRoundings[static_cast<std::size_t>(m.rounding)],
                  name_of(step.d), name_of(step.a), name_of(step.b), name_of(step.c),
                  m.atomic_op == AtomicOp::Xor   ? ".xor.popc"
                  : m.atomic_op == AtomicOp::And ? ".and.popc"
                                                 : "");
  const Type sum_type = step.d == MatrixElement::F64   ? Type::F64
                        : step.d == MatrixElement::F32 ? Type::F32
                                                       : Type::B32;
  const int c_registers = step.c_registers();
  const bool widens = matrix.c != step.c, narrows = matrix.d != step.d;
  // A result may not be written while a later product reads the register.
  bool overlaps = false;
  for (std::size_t i = 0; i < d.size(); ++i) {
    if (!is_register(d[i])) continue;
    overlaps = overlaps || reads(a, d[i]) || reads(b, d[i]);
    for (std::size_t k = 0; k < c.size(); ++k)
      overlaps = overlaps || (is_register(c[k]) && c[k].reg == d[i].reg && (k != i || widens || narrows));
  }
  const auto slice = [](const std::vector<Operand>& of, int first, int count) {
    return std::vector<Operand>(of.begin() + first, of.begin() + first + count);
  };
  // C in the type of the sums.
  std::vector<Operand> sums = c;
  if (widens) {
    sums.clear();
    for (const Operand& pair : c) {
      const Operand low = fresh(Type::B16), high = fresh(Type::B16);
      append_before("mov.b32", {vector_of({low, high}), pair}, in.guard);
      for (const Operand& half : {low, high}) {
        sums.push_back(fresh(Type::F32));
        append_before("cvt.f32.f16", {sums.back(), half}, in.guard);
      }
    }
  }
  std::vector<Operand> results = d;
  if (narrows || overlaps) {
    results.clear();
    const std::size_t count = narrows ? 2 * d.size() : d.size();
    for (std::size_t i = 0; i < count; ++i) results.push_back(fresh(sum_type));
  }
  for (int row = 0; row < tiles.row_tiles; ++row) {
    for (int column = 0; column < tiles.column_tiles; ++column) {
      const int first = (row * tiles.column_tiles + column) * c_registers;
      std::vector<Operand> sum = slice(sums, first, c_registers);
      for (int k = 0; k < tiles.k_steps; ++k) {
        std::vector<Operand> to = slice(results, first, c_registers);
        if (k + 1 < tiles.k_steps) std::ranges::generate(to, [&] { return fresh(sum_type); });
        const int a_count = step.a_registers(), b_count = step.b_registers();
        append_before(text,
                      {vector_of(to), vector_of(slice(a, row * of_a.halves * of_a.k + k * a_count, a_count)),
                       vector_of(slice(b, column * of_b.k + k * b_count, b_count)), vector_of(sum)},
                      in.guard);
        sum = std::move(to);
      }
    }
  }
  for (std::size_t i = 0; i < d.size(); ++i) {
    if (d[i].kind == Operand::Kind::Sink) continue;
    if (narrows) {
      append_before("cvt.rn.f16x2.f32", {d[i], results[2 * i + 1], results[2 * i]}, in.guard);
    } else if (overlaps) {
      append_before(sum_type == Type::F64 ? "mov.b64" : "mov.b32", {d[i], results[i]}, in.guard);
    }
  }
}

void FunctionParser::rewrite_wmma(const Form& form, Instruction& instruction) {
  const WmmaForm& wmma = form.wmma;
  const MatrixForm& matrix = wmma.matrix;
  if (wmma.part == Part::Product) {
    multiply_fragments(wmma, instruction);
  } else {
    // Without a stride the rows of memory follow each other.
    const int rows = wmma.part == Part::B ? matrix.k : matrix.m,
              columns = wmma.part == Part::A ? matrix.k : matrix.n;
    Operand stride = instruction.operands.size() > 2
                         ? instruction.operands[2]
                         : immediate(static_cast<std::uint64_t>(wmma.columns ? rows : columns));
    std::vector<Operand> registers = instruction.operands[wmma.part == Part::D ? 1 : 0].elements;
    // A register that is loaded may be the stride's.
    if (is_register(stride) && reads(registers, stride)) stride = compute_before("mov.b32", {stride});
    if (wmma.part == Part::C || wmma.part == Part::D) {
      transfer_sum(wmma, instruction, stride, registers);
    } else {
      const bool of_a = wmma.part == Part::A;
      const auto distinct = static_cast<std::size_t>(wmma_blocks(matrix, of_a).registers());
      // What is repeated may be all that is wanted.
      for (std::size_t i = 0; i < distinct; ++i) {
        if (!is_register(registers[i]) && registers.size() > distinct) registers[i] = fresh(Type::B32);
      }
      const int bits = matrix.bits_of(element_of(wmma));
      const bool by_matrices =
          instruction.modifiers.space == Space::Shared && (bits == 16 || (bits == 8 && of_a != wmma.columns));
      if (by_matrices) {
        load_factor_by_matrices(wmma, instruction, stride, registers);
      } else {
        load_factor(wmma, instruction, stride, registers);
      }
      for (std::size_t i = distinct; i < registers.size(); ++i) {
        if (is_register(registers[i]))
          append_before("mov.b32", {registers[i], registers[i % distinct]}, instruction.guard);
      }
    }
  }
  instruction = std::move(before_.back());
  before_.pop_back();
}

}  // namespace doppel::ptx
