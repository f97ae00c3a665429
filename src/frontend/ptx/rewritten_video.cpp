// SPDX-License-Identifier: Apache-2.0
// Video instructions as the ordinary ones that give the same bits (PTX ISA 9.7.18).
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "frontend/ptx/function_parser.h"

namespace doppel::ptx {

namespace {

Operand whole_number(std::int64_t value) {
  Operand operand;
  operand.kind = Operand::Kind::Immediate;
  operand.immediate = static_cast<std::uint64_t>(value);
  return operand;
}

bool is_two_lanes(Opcode opcode) { return opcode >= Opcode::Vadd2 && opcode <= Opcode::Vset2; }
bool is_four_lanes(Opcode opcode) { return opcode >= Opcode::Vadd4 && opcode <= Opcode::Vset4; }

struct Field {
  int position = 0;
  int width = 32;
};

// .b0 to .b3, .h0, .h1; the whole where there is no selector.
Field scalar_field(std::string_view selector, TextLocation where) {
  if (selector.empty()) return {};
  const int number = selector.size() == 3 ? selector[2] - '0' : -1;
  if (selector.starts_with(".b") && number >= 0 && number < 4) return {8 * number, 8};
  if (selector.starts_with(".h") && number >= 0 && number < 2) return {16 * number, 16};
  fail_malformed(where, fmt::format("'{}' selects no byte or half", selector));
}

// The digits of .h32 or .b7654, the lowest lane's first; `preset` where there is no selector.
std::vector<int> lane_digits(std::string_view selector, int lanes, int most, std::vector<int> preset,
                             TextLocation where) {
  if (selector.empty()) return preset;
  std::vector<int> digits;
  for (std::size_t i = selector.size(); i-- > 2;) digits.push_back(selector[i] - '0');
  const bool fits = selector[1] == (lanes == 2 ? 'h' : 'b') && !digits.empty() &&
                    static_cast<int>(digits.size()) <= lanes &&
                    std::ranges::all_of(digits, [&](int d) { return d >= 0 && d <= most; });
  if (!fits) fail_malformed(where, fmt::format("'{}' selects no lanes", selector));
  return digits;
}

std::string compare_name(Compare compare) {
  static constexpr std::string_view kNames[] = {"", "eq", "ne", "lt", "le", "gt", "ge"};
  return std::string(kNames[static_cast<std::size_t>(compare)]);
}

}  // namespace

// The value as a signed number of 64 bits, which every one of 33 bits is.
Operand FunctionParser::video_source(const Operand& from, Type type, std::string_view selector,
                                     TextLocation where) {
  const Field field = scalar_field(selector, where);
  const bool sign = is_signed(type);
  if (from.kind == Operand::Kind::Immediate) {
    if (!selector.empty()) fail_malformed(where, "a constant takes no selector");
    const auto low = static_cast<std::uint32_t>(from.immediate);
    return whole_number(sign ? static_cast<std::int64_t>(static_cast<std::int32_t>(low))
                             : static_cast<std::int64_t>(low));
  }
  const std::string_view letter = sign ? "s" : "u";
  Operand part = from;
  if (field.width != 32)
    part = compute_before(fmt::format("bfe.{}32", letter),
                          {part, whole_number(field.position), whole_number(field.width)});
  return compute_before(fmt::format("cvt.{}64.{}32", letter, letter), {part});
}

Operand FunctionParser::clamped(Operand value, std::int64_t least, std::int64_t most, std::string_view type) {
  value = compute_before(fmt::format("min.{}", type), {value, whole_number(most)});
  return compute_before(fmt::format("max.{}", type), {value, whole_number(least)});
}

// The range of a field with or without a sign.
Operand FunctionParser::saturated_field(const Operand& value, bool sign, int width, std::string_view type) {
  const std::int64_t top = std::int64_t{1} << width;
  return clamped(value, sign ? -top / 2 : 0, sign ? top / 2 - 1 : top - 1, type);
}

void FunctionParser::rewrite_video(const Form& form, Instruction& instruction) {
  if (instruction.opcode == Opcode::Vmad)
    finish_video(instruction, video_multiply_add(form, instruction));
  else if (is_two_lanes(instruction.opcode) || is_four_lanes(instruction.opcode))
    finish_video(instruction, video_lanes(form, instruction));
  else
    finish_video(instruction, video_scalar(form, instruction));
}

// The guarded instruction is a move of what the others worked out.
void FunctionParser::finish_video(Instruction& instruction, const Operand& value) {
  instruction.opcode = Opcode::Mov;
  instruction.type = Type::B32;
  instruction.source_type = Type::None;
  instruction.modifiers = {};
  instruction.form = "mov.b32";
  instruction.operands = {instruction.operands[0], value};
}

Operand FunctionParser::video_scalar(const Form& form, const Instruction& instruction) {
  const TextLocation where = instruction.text;
  const Modifiers& m = instruction.modifiers;
  const VideoForm& v = form.video;
  const std::vector<Operand>& in = instruction.operands;
  const Field target = scalar_field(selectors_[0], where);
  const bool merges = !selectors_[0].empty();
  const bool second = v.second != VideoForm::Second::None;
  if (merges && second) fail_malformed(where, "a second operation and a selector of the destination");
  if ((merges || second) != (in.size() == 4))
    fail_malformed(where, "operand c goes with a second operation or a selector of the destination");
  const Operand a = video_source(in[1], v.a, selectors_[1], where);
  const Operand b = video_source(in[2], v.b, selectors_[2], where);
  Operand value;
  switch (instruction.opcode) {
    case Opcode::Vadd:
      value = compute_before("add.s64", {a, b});
      break;
    case Opcode::Vsub:
      value = compute_before("sub.s64", {a, b});
      break;
    case Opcode::Vabsdiff:
      value = compute_before("abs.s64", {compute_before("sub.s64", {a, b})});
      break;
    case Opcode::Vmin:
      value = compute_before("min.s64", {a, b});
      break;
    case Opcode::Vmax:
      value = compute_before("max.s64", {a, b});
      break;
    case Opcode::Vset:
      value = compute_before("selp.b64",
                             {whole_number(1), whole_number(0),
                              compute_before(fmt::format("setp.{}.s64", compare_name(m.compare)), {a, b})});
      break;
    case Opcode::Vshl:
    case Opcode::Vshr: {
      const Operand amount = compute_before(
          "cvt.u32.u64", {m.shift == ShiftMode::Wrap ? compute_before("and.b64", {b, whole_number(31)})
                                                     : compute_before("min.s64", {b, whole_number(32)})});
      value = compute_before(instruction.opcode == Opcode::Vshl ? "shl.b64" : "shr.s64", {a, amount});
      // The intermediate result has 34 bits.
      if (m.sat)
        value = compute_before("shr.s64",
                               {compute_before("shl.b64", {value, whole_number(30)}), whole_number(30)});
      break;
    }
    default:
      fail_unsupported(where, "not a video instruction of one value");
  }
  if (m.sat) {
    value = saturated_field(value, is_signed(v.result), target.width, "s64");
  } else if (second && v.second != VideoForm::Second::Add) {
    // optSaturate() hands on 33 bits.
    value =
        compute_before("shr.s64", {compute_before("shl.b64", {value, whole_number(31)}), whole_number(31)});
  }
  if (second) {
    static constexpr std::string_view kForms[] = {"", "add.s64", "min.s64", "max.s64"};
    value = compute_before(kForms[static_cast<std::size_t>(v.second)],
                           {value, video_source(in[3], v.result, {}, where)});
  }
  value = compute_before("cvt.u32.u64", {value});
  if (merges)
    value =
        compute_before("bfi.b32", {value, in[3], whole_number(target.position), whole_number(target.width)});
  return value;
}

Operand FunctionParser::video_multiply_add(const Form& form, const Instruction& instruction) {
  const TextLocation where = instruction.text;
  const VideoForm& v = form.video;
  const std::vector<Operand>& in = instruction.operands;
  if (!selectors_[3].empty()) fail_malformed(where, "operand c takes no selector");
  const bool negates_product = negations_[1] != negations_[2];
  const bool negates_c = negations_[3];
  if (v.plus_one && (negations_[1] || negations_[2] || negates_c))
    fail_malformed(where, ".po with a negated operand");
  if (negates_product && negates_c) fail_malformed(where, "both the product and c are negated");
  const bool unsigned_product = v.a == Type::U32 && v.b == Type::U32;
  const bool sign = !unsigned_product || negates_product || negates_c;
  Operand product = compute_before("mul.lo.s64", {video_source(in[1], v.a, selectors_[1], where),
                                                  video_source(in[2], v.b, selectors_[2], where)});
  // An unsigned product in a signed sum may need 65 bits: what is beyond 2^62 saturates all the same, and
  // does not touch the lower bits that count without saturation.
  if (unsigned_product && sign && instruction.modifiers.sat)
    product = compute_before("min.u64", {product, whole_number(std::int64_t{1} << 62)});
  const Operand c = video_source(in[3], sign ? Type::S32 : Type::U32, {}, where);
  Operand sum;
  if (negates_product)
    sum = compute_before("sub.s64", {c, product});
  else
    sum = compute_before(negates_c ? "sub.s64" : "add.s64", {product, c});
  if (v.plus_one) sum = compute_before("add.s64", {sum, whole_number(1)});
  if (v.scale != 0) sum = compute_before(sign ? "shr.s64" : "shr.u64", {sum, whole_number(v.scale)});
  if (instruction.modifiers.sat) {
    sum = sign ? clamped(sum, INT32_MIN, INT32_MAX, "s64")
               : compute_before("min.u64", {sum, whole_number(0xffffffff)});
  }
  return compute_before("cvt.u32.u64", {sum});
}

Operand FunctionParser::video_lanes(const Form& form, const Instruction& instruction) {
  const TextLocation where = instruction.text;
  const Modifiers& m = instruction.modifiers;
  const VideoForm& v = form.video;
  const std::vector<Operand>& in = instruction.operands;
  const int lanes = is_two_lanes(instruction.opcode) ? 2 : 4, width = 32 / lanes;
  for (std::size_t i = 1; i < 4; ++i) {
    if (in[i].kind != Operand::Kind::Register) fail_malformed(where, "lanes are of registers");
  }
  std::vector<int> low, high;
  for (int i = 0; i < lanes; ++i) {
    low.push_back(i);
    high.push_back(i + lanes);
  }
  const std::vector<int> mask = lane_digits(selectors_[0], lanes, lanes - 1, low, where);
  if (!std::ranges::is_sorted(mask) || std::ranges::adjacent_find(mask) != mask.end())
    fail_malformed(where, fmt::format("'{}' is no mask of lanes", selectors_[0]));
  const std::vector<int> of_a = lane_digits(selectors_[1], lanes, 2 * lanes - 1, low, where);
  const std::vector<int> of_b = lane_digits(selectors_[2], lanes, 2 * lanes - 1, high, where);
  if (static_cast<int>(of_a.size()) != lanes || static_cast<int>(of_b.size()) != lanes)
    fail_malformed(where, fmt::format("{} lanes are selected one by one", lanes));
  // Lanes are numbered through a and then b.
  const auto lane = [&](int number, Type type) {
    return compute_before(
        is_signed(type) ? "bfe.s32" : "bfe.u32",
        {in[number < lanes ? 1 : 2], whole_number(number % lanes * width), whole_number(width)});
  };
  Operand result = in[3];
  for (const int i : mask) {
    const Operand a = lane(of_a[static_cast<std::size_t>(i)], v.a),
                  b = lane(of_b[static_cast<std::size_t>(i)], v.b);
    Operand value;
    switch (instruction.opcode) {
      case Opcode::Vadd2:
      case Opcode::Vadd4:
        value = compute_before("add.s32", {a, b});
        break;
      case Opcode::Vsub2:
      case Opcode::Vsub4:
        value = compute_before("sub.s32", {a, b});
        break;
      case Opcode::Vavrg2:
      case Opcode::Vavrg4: {
        // A sum that is not negative is rounded up.
        const Operand sum = compute_before("add.s32", {a, b});
        const Operand up =
            compute_before("add.s32", {compute_before("shr.s32", {sum, whole_number(31)}), whole_number(1)});
        value = compute_before("shr.s32", {compute_before("add.s32", {sum, up}), whole_number(1)});
        break;
      }
      case Opcode::Vabsdiff2:
      case Opcode::Vabsdiff4:
        value = compute_before("abs.s32", {compute_before("sub.s32", {a, b})});
        break;
      case Opcode::Vmin2:
      case Opcode::Vmin4:
        value = compute_before("min.s32", {a, b});
        break;
      case Opcode::Vmax2:
      case Opcode::Vmax4:
        value = compute_before("max.s32", {a, b});
        break;
      case Opcode::Vset2:
      case Opcode::Vset4:
        value = compute_before("selp.b32",
                               {whole_number(1), whole_number(0),
                                compute_before(fmt::format("setp.{}.s32", compare_name(m.compare)), {a, b})});
        break;
      default:
        fail_unsupported(where, "not a video instruction of lanes");
    }
    if (m.sat) value = saturated_field(value, is_signed(v.result), width, "s32");
    result = v.second == VideoForm::Second::Add
                 ? compute_before("add.s32", {result, value})
                 : compute_before("bfi.b32", {value, result, whole_number(i * width), whole_number(width)});
  }
  return result;
}

}  // namespace doppel::ptx
