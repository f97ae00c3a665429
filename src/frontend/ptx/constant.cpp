// SPDX-License-Identifier: Apache-2.0
#include "frontend/ptx/constant.h"

#include <fmt/format.h>

#include <bit>

#include "frontend/ptx/failure.h"

namespace doppel::ptx {
namespace {

// Deeper nesting than any compiler's output; keeps hostile text from exhausting the stack.
constexpr int kDeepest = 64;

double as_double(const Constant& c) {
  switch (c.kind) {
    case Constant::Kind::Float32:
      return std::bit_cast<float>(static_cast<std::uint32_t>(c.bits));
    case Constant::Kind::Float64:
      return std::bit_cast<double>(c.bits);
    case Constant::Kind::Integer:
      break;
  }
  return c.is_unsigned ? static_cast<double>(c.bits) : static_cast<double>(static_cast<std::int64_t>(c.bits));
}

Constant of_double(double value) {
  return {Constant::Kind::Float64, false, std::bit_cast<std::uint64_t>(value)};
}
Constant of_signed(std::int64_t value) {
  return {Constant::Kind::Integer, false, static_cast<std::uint64_t>(value)};
}
Constant of_truth(bool value) { return of_signed(value ? 1 : 0); }

struct Operator {
  std::uint16_t symbol;
  int precedence;
};

constexpr Operator kOperators[] = {
    {symbol_code('|', '|'), 1}, {symbol_code('&', '&'), 2}, {symbol_code('|'), 3},
    {symbol_code('^'), 4},      {symbol_code('&'), 5},      {symbol_code('=', '='), 6},
    {symbol_code('!', '='), 6}, {symbol_code('<'), 7},      {symbol_code('>'), 7},
    {symbol_code('<', '='), 7}, {symbol_code('>', '='), 7}, {symbol_code('<', '<'), 8},
    {symbol_code('>', '>'), 8}, {symbol_code('+'), 9},      {symbol_code('-'), 9},
    {symbol_code('*'), 10},     {symbol_code('/'), 10},     {symbol_code('%'), 10},
};

int precedence_of(const Token& token) {
  if (token.kind != TokenKind::Symbol) return 0;
  for (const Operator& known : kOperators) {
    if (known.symbol == token.symbol) return known.precedence;
  }
  return 0;
}

class ExpressionParser {
 public:
  explicit ExpressionParser(Lexer& lexer) : lexer_(lexer) {}

  Constant conditional() {
    enter();
    Constant value = binary(1);
    if (lexer_.current().is('?')) {
      lexer_.advance();
      const Constant then = conditional();
      expect(':');
      const Constant otherwise = conditional();
      require_integer(value);
      value = value.bits != 0 ? then : otherwise;
      if (then.kind == Constant::Kind::Integer && otherwise.kind == Constant::Kind::Integer) {
        value.is_unsigned = then.is_unsigned || otherwise.is_unsigned;
      }
    }
    --depth_;
    return value;
  }

 private:
  void enter() {
    if (++depth_ > kDeepest)
      fail_malformed(lexer_.current().location, "constant expression nested too deeply");
  }

  void expect(char c) {
    if (!lexer_.current().is(c)) fail_malformed(lexer_.current().location, fmt::format("'{}' expected", c));
    lexer_.advance();
  }

  void require_integer(const Constant& value) const {
    if (value.kind != Constant::Kind::Integer) {
      fail_malformed(lexer_.current().location, "operator needs integer constants");
    }
  }

  Constant binary(int lowest) {
    Constant left = unary();
    for (;;) {
      const int precedence = precedence_of(lexer_.current());
      if (precedence < lowest || precedence == 0) return left;
      const std::uint16_t symbol = lexer_.current().symbol;
      const TextLocation where = lexer_.current().location;
      lexer_.advance();
      enter();
      const Constant right = binary(precedence + 1);
      --depth_;
      left = combine(symbol, left, right, where);
    }
  }

  Constant unary() {
    enter();
    const Constant value = unary_unbounded();
    --depth_;
    return value;
  }

  Constant unary_unbounded() {
    const Token token = lexer_.current();
    if (token.is('+')) {
      lexer_.advance();
      return unary();
    }
    if (token.is('-')) {
      lexer_.advance();
      Constant value = unary();
      switch (value.kind) {
        case Constant::Kind::Integer:
          value.bits = 0 - value.bits;
          break;
        case Constant::Kind::Float32:
          value.bits ^= 0x80000000U;
          break;
        case Constant::Kind::Float64:
          value.bits ^= 0x8000000000000000U;
          break;
      }
      return value;
    }
    if (token.is('!') || token.is('~')) {
      lexer_.advance();
      const Constant value = unary();
      require_integer(value);
      if (token.is('!')) return of_truth(value.bits == 0);
      return {Constant::Kind::Integer, true, ~value.bits};
    }
    if (token.is('(')) {
      lexer_.advance();
      if (lexer_.current().is_directive(".s64") || lexer_.current().is_directive(".u64")) {
        const bool is_unsigned = lexer_.current().text == ".u64";
        lexer_.advance();
        expect(')');
        Constant value = unary();
        require_integer(value);
        value.is_unsigned = is_unsigned;
        return value;
      }
      const Constant value = conditional();
      expect(')');
      return value;
    }
    lexer_.advance();
    switch (token.kind) {
      case TokenKind::Integer:
        return {Constant::Kind::Integer, token.is_unsigned, token.bits};
      case TokenKind::Float32:
        return {Constant::Kind::Float32, false, token.bits};
      case TokenKind::Float64:
        return {Constant::Kind::Float64, false, token.bits};
      default:
        break;
    }
    if (token.kind == TokenKind::Identifier && token.text == "WARP_SZ") return of_signed(32);
    fail_malformed(token.location, fmt::format("constant expected, found '{}'", token.text));
  }

  // PTX ISA 4.5.6: .f64 arithmetic, else both operands by the usual conversions (unsigned wins).
  Constant combine(std::uint16_t symbol, const Constant& a, const Constant& b, TextLocation where) const {
    if (a.kind != Constant::Kind::Integer || b.kind != Constant::Kind::Integer)
      return combine_floats(symbol, a, b);
    const bool is_unsigned = a.is_unsigned || b.is_unsigned;
    const auto x = static_cast<std::int64_t>(a.bits), y = static_cast<std::int64_t>(b.bits);
    const auto of = [&](std::uint64_t bits) { return Constant{Constant::Kind::Integer, is_unsigned, bits}; };
    const auto of_bits = [](std::uint64_t bits) { return Constant{Constant::Kind::Integer, true, bits}; };
    switch (symbol) {
      case symbol_code('+'):
        return of(a.bits + b.bits);
      case symbol_code('-'):
        return of(a.bits - b.bits);
      case symbol_code('*'):
        return of(a.bits * b.bits);
      case symbol_code('/'):
      case symbol_code('%'): {
        if (b.bits == 0) fail_malformed(where, "division by zero in a constant expression");
        const bool divides = symbol == symbol_code('/');
        if (!divides) return of_signed(static_cast<std::int64_t>(a.bits % b.bits));  // operands read as .u64
        if (is_unsigned) return of(a.bits / b.bits);
        if (y == -1) return of(0 - a.bits);
        return of(static_cast<std::uint64_t>(x / y));
      }
      case symbol_code('<', '<'):
        return {Constant::Kind::Integer, a.is_unsigned, b.bits > 63 ? 0 : a.bits << b.bits};
      case symbol_code('>', '>'): {
        const std::uint64_t amount = b.bits > 63 ? 63 : b.bits;
        if (!a.is_unsigned) return of_signed(x >> amount);
        return {Constant::Kind::Integer, true, b.bits > 63 ? 0 : a.bits >> b.bits};
      }
      case symbol_code('<'):
        return of_truth(is_unsigned ? a.bits < b.bits : x < y);
      case symbol_code('>'):
        return of_truth(is_unsigned ? a.bits > b.bits : x > y);
      case symbol_code('<', '='):
        return of_truth(is_unsigned ? a.bits <= b.bits : x <= y);
      case symbol_code('>', '='):
        return of_truth(is_unsigned ? a.bits >= b.bits : x >= y);
      case symbol_code('=', '='):
        return of_truth(a.bits == b.bits);
      case symbol_code('!', '='):
        return of_truth(a.bits != b.bits);
      case symbol_code('&'):
        return of_bits(a.bits & b.bits);
      case symbol_code('|'):
        return of_bits(a.bits | b.bits);
      case symbol_code('^'):
        return of_bits(a.bits ^ b.bits);
      case symbol_code('&', '&'):
        return of_truth(a.bits != 0 && b.bits != 0);
      default:
        return of_truth(a.bits != 0 || b.bits != 0);
    }
  }

  Constant combine_floats(std::uint16_t symbol, const Constant& a, const Constant& b) const {
    const double x = as_double(a), y = as_double(b);
    switch (symbol) {
      case symbol_code('+'):
        return of_double(x + y);
      case symbol_code('-'):
        return of_double(x - y);
      case symbol_code('*'):
        return of_double(x * y);
      case symbol_code('/'):
        return of_double(x / y);
      case symbol_code('<'):
        return of_truth(x < y);
      case symbol_code('>'):
        return of_truth(x > y);
      case symbol_code('<', '='):
        return of_truth(x <= y);
      case symbol_code('>', '='):
        return of_truth(x >= y);
      case symbol_code('=', '='):
        return of_truth(x == y);
      case symbol_code('!', '='):
        return of_truth(x != y);
      default:
        fail_malformed(lexer_.current().location, "operator needs integer constants");
    }
  }

  Lexer& lexer_;
  int depth_ = 0;
};

}  // namespace

bool begins_constant(const Token& token) {
  switch (token.kind) {
    case TokenKind::Integer:
    case TokenKind::Float32:
    case TokenKind::Float64:
      return true;
    case TokenKind::Symbol:
      return token.is('-') || token.is('+') || token.is('~') || token.is('(') || token.is('!');
    case TokenKind::Identifier:
      return token.text == "WARP_SZ";
    default:
      return false;
  }
}

Constant parse_constant(Lexer& lexer) { return ExpressionParser(lexer).conditional(); }

std::uint64_t parse_unsigned(Lexer& lexer, std::uint64_t most, const char* what) {
  const TextLocation where = lexer.current().location;
  const Constant value = parse_constant(lexer);
  const bool negative = !value.is_unsigned && (value.bits >> 63) != 0;
  if (value.kind != Constant::Kind::Integer || negative || value.bits > most) {
    fail_malformed(where, fmt::format("{} must be an integer from 0 to {}", what, most));
  }
  return value.bits;
}

std::optional<std::uint64_t> convert(const Constant& value, Type type) {
  const int bits = bit_width(type);
  if (value.kind == Constant::Kind::Integer) {
    if (is_float(type)) return std::nullopt;
    if (type == Type::Pred) return value.bits != 0 ? 1 : 0;
    if (bits >= 64) return value.bits;
    const int unused = 64 - bits;
    return static_cast<std::uint64_t>(static_cast<std::int64_t>(value.bits << unused) >> unused);
  }
  if (type == Type::F32)
    return std::bit_cast<std::uint32_t>(value.kind == Constant::Kind::Float32
                                            ? std::bit_cast<float>(static_cast<std::uint32_t>(value.bits))
                                            : static_cast<float>(as_double(value)));
  if (type == Type::F64) return std::bit_cast<std::uint64_t>(as_double(value));
  // Bit types take the literal's own bits where the widths agree.
  if (type == Type::B32 && value.kind == Constant::Kind::Float32) {
    return static_cast<std::uint64_t>(static_cast<std::int64_t>(static_cast<std::int32_t>(value.bits)));
  }
  if (type == Type::B64 && value.kind == Constant::Kind::Float64) return value.bits;
  return std::nullopt;
}

}  // namespace doppel::ptx
