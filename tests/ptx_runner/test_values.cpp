// SPDX-License-Identifier: Apache-2.0
#include "ptx_runner/test_values.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <cstdlib>
#include <cstring>

#include "reference/float_format.h"
#include "reference/integer_ops.h"

namespace doppel::ptx_runner {

namespace {

using reference::Format;

const Format& format_of(const ValueType& t) {
  if (t.brain) return reference::kBF16;
  return t.bits == 16 ? reference::kF16 : (t.bits == 32 ? reference::kF32 : reference::kF64);
}

std::string_view trim(std::string_view s) {
  while (!s.empty() && (s.front() == ' ' || s.front() == '\t')) s.remove_prefix(1);
  while (!s.empty() && (s.back() == ' ' || s.back() == '\t' || s.back() == '\r')) s.remove_suffix(1);
  return s;
}

std::optional<ValueType> parse_type(std::string_view name) {
  using Kind = ValueType::Kind;
  if (name == "bf16") return ValueType{Kind::Float, 16, true};
  if (name.size() < 2) return std::nullopt;
  ValueType t;
  switch (name.front()) {
    case 'u':
      t.kind = Kind::Unsigned;
      break;
    case 's':
      t.kind = Kind::Signed;
      break;
    case 'b':
      t.kind = Kind::Bits;
      break;
    case 'f':
      t.kind = Kind::Float;
      break;
    default:
      return std::nullopt;
  }
  name.remove_prefix(1);
  if (std::from_chars(name.data(), name.data() + name.size(), t.bits).ec != std::errc{}) return std::nullopt;
  if (t.bits != 8 && t.bits != 16 && t.bits != 32 && t.bits != 64) return std::nullopt;
  return t;
}

std::uint64_t round_decimal(const ValueType& type, long double value) {
  const Format& f = format_of(type);
  const std::uint64_t sign = std::signbit(value) ? f.sign_bit() : 0;
  if (std::isinf(value)) return sign | f.infinity();
  int exponent = 0;
  const long double fraction = std::frexp(std::fabs(value), &exponent);
  const auto significand = static_cast<std::uint64_t>(std::ldexp(fraction, 64));
  return reference::round_to(f, {sign != 0, exponent - 64, significand}, ptx::Rounding::Rn);
}

long double to_host(const ValueType& type, std::uint64_t bits) {
  const Format& f = format_of(type);
  if (reference::is_infinity(f, bits)) return reference::is_negative(f, bits) ? -HUGE_VALL : HUGE_VALL;
  const reference::Exact e = reference::unpack(f, bits);
  const long double v = std::ldexp(static_cast<long double>(e.significand), e.exponent);
  return e.negative ? -v : v;
}

std::optional<Value> parse_value(const ValueType& type, std::string_view text) {
  Value v;
  if (text == "*") {
    v.any = true;
    return v;
  }
  const std::string copy(text);
  char* end = nullptr;
  if (text.starts_with("0x")) {
    v.bits = std::strtoull(copy.c_str(), &end, 16);
    if (type.kind == ValueType::Kind::Float && !reference::is_nan(format_of(type), v.bits))
      v.exact = to_host(type, v.bits);
  } else if (type.kind == ValueType::Kind::Float) {
    if (text == "nan") {
      v.any_nan = true;
      v.bits = format_of(type).nan;
      return v;
    }
    v.exact = std::strtold(copy.c_str(), &end);
    v.bits = round_decimal(type, v.exact);
  } else {
    v.bits = text.starts_with("-") ? static_cast<std::uint64_t>(std::strtoll(copy.c_str(), &end, 10))
                                   : std::strtoull(copy.c_str(), &end, 10);
    v.bits = reference::low_bits(v.bits, type.bits);
  }
  if (end == copy.c_str() || *end != '\0') return std::nullopt;
  return v;
}

// One element of the list: a value, "V x N" or "A..B".
bool append(ValueList& list, std::string_view item) {
  if (const auto x = item.find(" x "); x != std::string_view::npos) {
    const auto v = parse_value(list.type, trim(item.substr(0, x)));
    const int count = std::atoi(std::string(item.substr(x + 3)).c_str());
    if (!v || count <= 0) return false;
    list.values.insert(list.values.end(), static_cast<std::size_t>(count), *v);
    return true;
  }
  if (const auto dots = item.find(".."); dots != std::string_view::npos) {
    const long long first = std::atoll(std::string(item.substr(0, dots)).c_str());
    const long long last = std::atoll(std::string(item.substr(dots + 2)).c_str());
    for (long long i = first; i <= last; ++i) {
      const auto v = parse_value(list.type, fmt::format("{}", i));
      if (!v) return false;
      list.values.push_back(*v);
    }
    return true;
  }
  const auto v = parse_value(list.type, item);
  if (v) list.values.push_back(*v);
  return v.has_value();
}

// "2 ulp", "2^-22 relative", "2^-20.5 absolute"
std::optional<Tolerance> parse_tolerance(std::string_view text) {
  const std::string copy(trim(text));
  char* end = nullptr;
  double amount = 0;
  if (copy.starts_with("2^")) {
    amount = std::exp2(std::strtod(copy.c_str() + 2, &end));
  } else {
    amount = std::strtod(copy.c_str(), &end);
  }
  const std::string_view unit = trim(end);
  Tolerance t;
  if (unit == "ulp")
    t.ulp = amount;
  else if (unit == "relative")
    t.relative = amount;
  else if (unit == "absolute")
    t.absolute = amount;
  else
    return std::nullopt;
  return t;
}

bool accepts(const ValueList& list, const Value& want, std::uint64_t got) {
  if (want.any) return true;
  if (list.type.kind != ValueType::Kind::Float) return got == want.bits;
  const Format& f = format_of(list.type);
  if (want.any_nan) return reference::is_nan(f, got);
  if (!list.tolerance || reference::is_nan(f, want.bits) || reference::is_infinity(f, want.bits) ||
      want.exact == 0) {
    return got == want.bits;
  }
  if (reference::is_nan(f, got) || reference::is_infinity(f, got)) return false;
  const long double error = std::fabs(to_host(list.type, got) - want.exact);
  const long double magnitude = std::fabs(want.exact);
  const int lowest = 1 - f.bias() - f.mantissa_bits;
  const long double ulp = std::ldexp(1.0L, std::max(std::ilogb(magnitude) - f.mantissa_bits, lowest));
  return error <= list.tolerance->ulp * ulp || error <= list.tolerance->relative * magnitude ||
         error <= list.tolerance->absolute;
}

std::string show(const ValueType& type, std::uint64_t bits) {
  if (type.kind == ValueType::Kind::Float) {
    const Format& f = format_of(type);
    if (reference::is_nan(f, bits)) return fmt::format("nan (0x{:x})", bits);
    return fmt::format("{:.17g} (0x{:x})", static_cast<double>(to_host(type, bits)), bits);
  }
  if (type.kind == ValueType::Kind::Signed) {
    return fmt::format("{} (0x{:x})", reference::sign_extend(bits, type.bits), bits);
  }
  return fmt::format("{} (0x{:x})", bits, bits);
}

}  // namespace

Result<ValueList> parse_values(std::string_view text) {
  text = trim(text);
  const auto space = text.find(' ');
  const auto type = parse_type(text.substr(0, space));
  if (!type) return fail(Error::Kind::InvalidInput, fmt::format("no type of values: {}", text));
  ValueList list{*type, {}, {}};
  std::string_view rest = space == std::string_view::npos ? std::string_view{} : text.substr(space);
  if (const auto within = rest.find(" within "); within != std::string_view::npos) {
    list.tolerance = parse_tolerance(rest.substr(within + 8));
    if (!list.tolerance)
      return fail(Error::Kind::InvalidInput, fmt::format("no tolerance: {}", rest.substr(within)));
    rest = rest.substr(0, within);
  }
  while (!trim(rest).empty()) {
    const auto comma = rest.find(',');
    const std::string_view item = trim(rest.substr(0, comma));
    if (!append(list, item)) return fail(Error::Kind::InvalidInput, fmt::format("not a value: '{}'", item));
    rest = comma == std::string_view::npos ? std::string_view{} : rest.substr(comma + 1);
  }
  return list;
}

std::vector<std::byte> to_bytes(const ValueList& list) {
  const auto size = static_cast<std::size_t>(list.type.bytes());
  std::vector<std::byte> bytes(list.values.size() * size);
  for (std::size_t i = 0; i < list.values.size(); ++i)
    std::memcpy(bytes.data() + i * size, &list.values[i].bits, size);
  return bytes;
}

std::string compare(const ValueList& expected, const std::vector<std::byte>& bytes) {
  const auto size = static_cast<std::size_t>(expected.type.bytes());
  if (bytes.size() != expected.values.size() * size) return "the sizes differ";
  for (std::size_t i = 0; i < expected.values.size(); ++i) {
    std::uint64_t got = 0;
    std::memcpy(&got, bytes.data() + i * size, size);
    if (!accepts(expected, expected.values[i], got)) {
      return fmt::format("element {}: {} instead of {}", i, show(expected.type, got),
                         show(expected.type, expected.values[i].bits));
    }
  }
  return {};
}

}  // namespace doppel::ptx_runner
