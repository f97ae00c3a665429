// SPDX-License-Identifier: Apache-2.0
// Initialisers of module variables (PTX ISA 5.4.4): nested braces, numbers, addresses of variables and
// functions.
#include <algorithm>
#include <cstring>
#include <map>

#include "frontend/ptx/constant.h"
#include "frontend/ptx/declarations.h"

namespace doppel::ptx {
namespace {

class InitializerParser {
 public:
  InitializerParser(ParserState& state, Variable& variable, std::vector<std::uint64_t> dimensions)
      : state_(state),
        variable_(variable),
        dimensions_(std::move(dimensions)),
        element_bytes_(static_cast<std::uint64_t>(byte_size(variable.type))) {}

  void run() {
    const bool counted = !dimensions_.empty() && dimensions_[0] == 0;
    variable_.initializer.resize(variable_.size);
    counting_ = counted;
    if (state_.token().kind == TokenKind::String) {
      string();
    } else if (dimensions_.empty()) {
      // A scalar may stand in braces or not.
      const bool braces = state_.accept('{');
      element(0);
      if (braces) state_.expect('}');
    } else {
      list(0, 0);
    }
    if (counted) variable_.size = variable_.initializer.size();
    join_masked_bytes();
  }

 private:
  // The bytes of one value of the array at nesting `depth`: an element, or a whole inner array.
  std::uint64_t stride(std::size_t depth) const {
    std::uint64_t bytes = element_bytes_;
    for (std::size_t i = depth + 1; i < dimensions_.size(); ++i) bytes *= dimensions_[i];
    return bytes;
  }

  void list(std::size_t depth, std::uint64_t offset) {
    state_.expect('{');
    const std::uint64_t step = stride(depth);
    std::uint64_t flat = offset;  // where the next element of an unbraced inner array goes
    while (!state_.token().is('}')) {
      const bool outermost = depth == 0 && counting_;
      if (state_.token().is('{') && depth + 1 < dimensions_.size()) {
        check_room(depth, outermost, flat, offset, step);
        list(depth + 1, flat);
        flat += step;
      } else {
        check_room(depth, outermost, flat, offset, element_bytes_);
        element(flat);
        flat += element_bytes_;
      }
      if (!state_.accept(',')) break;
    }
    state_.expect('}');
  }

  void check_room(std::size_t depth, bool outermost, std::uint64_t at, std::uint64_t start,
                  std::uint64_t bytes) {
    if (outermost) {
      if (at + bytes > variable_.initializer.size()) variable_.initializer.resize(at + bytes);
      return;
    }
    const std::uint64_t whole = dimensions_[depth] * stride(depth);
    if (at + bytes > start + whole)
      fail_malformed(state_.here(), fmt::format("too many initialisers for '{}'", variable_.name));
  }

  void string() {
    const std::string_view text = state_.token().text;
    if (bit_width(variable_.type) != 8)
      fail_malformed(state_.here(), "a string initialises 8-bit elements only");
    if (counting_) variable_.initializer.resize(text.size() + 1);
    if (text.find('\\') != std::string_view::npos)
      fail_unsupported(state_.here(), "escapes in string initialisers are not supported");
    if (text.size() > variable_.initializer.size())
      fail_malformed(state_.here(), fmt::format("too many initialisers for '{}'", variable_.name));
    std::memcpy(variable_.initializer.data(), text.data(), text.size());
    state_.lexer.advance();
  }

  void element(std::uint64_t offset) {
    const Token token = state_.token();
    if (token.kind == TokenKind::Identifier && token.text != "WARP_SZ") {
      address(offset);
      return;
    }
    const TextLocation where = state_.here();
    const Constant value = parse_constant(state_.lexer);
    if (value.kind == Constant::Kind::Integer && state_.token().is('(')) {
      masked_address(offset, value.bits, where);
      return;
    }
    std::optional<std::uint64_t> bits = convert(value, variable_.type);
    // Halves are written as the hex digits of their bits.
    if (!bits && value.kind == Constant::Kind::Integer && bit_width(variable_.type) == 16) bits = value.bits;
    if (!bits) fail_malformed(where, fmt::format("constant does not suit type .{}", name_of(variable_.type)));
    // Above the 64 bits that a constant has there are zeros.
    std::memcpy(variable_.initializer.data() + offset, &*bits, std::min<std::size_t>(element_bytes_, 8));
  }

  // name, name+8, generic(name)+8
  void address(std::uint64_t offset) {
    const TextLocation where = state_.here();
    if (element_bytes_ != 8 && element_bytes_ != 4)
      fail_malformed(where, "an address needs an element of 4 or 8 bytes");
    Relocation relocation;
    relocation.offset = offset;
    relocation.size = static_cast<std::uint8_t>(element_bytes_);
    std::string_view name = state_.expect_identifier("a name");
    if (name == "generic" && state_.accept('(')) {
      relocation.generic = true;
      name = state_.expect_identifier("a variable's name");
      resolve(name, where, relocation);
      addend(relocation);
      state_.expect(')');
    } else {
      resolve(name, where, relocation);
    }
    addend(relocation);
    variable_.relocations.push_back(relocation);
  }

  void addend(Relocation& relocation) {
    if (!state_.token().is('+') && !state_.token().is('-')) return;
    const Constant value = parse_constant(state_.lexer);
    if (value.kind != Constant::Kind::Integer)
      fail_malformed(state_.here(), "an address offset is an integer");
    relocation.addend = static_cast<std::int64_t>(static_cast<std::uint64_t>(relocation.addend) + value.bits);
  }

  void resolve(std::string_view name, TextLocation where, Relocation& relocation) const {
    const auto binding = state_.find(name, where);
    if (!binding || (binding->kind != Binding::Kind::Variable && binding->kind != Binding::Kind::Function) ||
        (binding->kind == Binding::Kind::Variable && binding->scope != SymbolRef::Scope::Module)) {
      fail_malformed(where, fmt::format("'{}' is no variable or function of the module", name));
    }
    relocation.is_function = binding->kind == Binding::Kind::Function;
    relocation.target = binding->index;
  }

  // 0xFF00(name+4): one byte of an address, as packed structures hold them.
  void masked_address(std::uint64_t offset, std::uint64_t mask, TextLocation where) {
    state_.expect('(');
    MaskedByte byte;
    const TextLocation name_at = state_.here();
    std::string_view name = state_.expect_identifier("a name");
    const bool generic = name == "generic" && state_.accept('(');
    if (generic) name = state_.expect_identifier("a variable's name");
    byte.whole.generic = generic;
    resolve(name, name_at, byte.whole);
    addend(byte.whole);
    if (generic) {
      state_.expect(')');
      addend(byte.whole);
    }
    state_.expect(')');
    for (byte.number = 0; byte.number < 8; ++byte.number) {
      if (mask == std::uint64_t{0xff} << (8 * byte.number)) break;
    }
    if (byte.number == 8 || element_bytes_ != 1) {
      fail_unsupported(where, "a masked address must take one whole byte of it for an 8-bit element");
    }
    masked_[offset] = byte;
  }

  struct MaskedByte {
    Relocation whole;
    unsigned number = 0;
  };

  // Bytes 0..7 (or 0..3) of one address side by side are one relocation.
  void join_masked_bytes() {
    for (auto at = masked_.begin(); at != masked_.end();) {
      const std::uint64_t offset = at->first;
      const MaskedByte first = at->second;
      unsigned count = 0;
      while (at != masked_.end() && count < 8 && at->first == offset + count && at->second.number == count &&
             at->second.whole.target == first.whole.target &&
             at->second.whole.is_function == first.whole.is_function &&
             at->second.whole.addend == first.whole.addend &&
             at->second.whole.generic == first.whole.generic) {
        ++at;
        ++count;
      }
      if (count != 8 && count != 4) {
        fail_unsupported(variable_.text, fmt::format("'{}' holds part of an address", variable_.name));
      }
      Relocation relocation = first.whole;
      relocation.offset = offset;
      relocation.size = static_cast<std::uint8_t>(count);
      variable_.relocations.push_back(relocation);
    }
  }

  ParserState& state_;
  Variable& variable_;
  std::vector<std::uint64_t> dimensions_;
  std::uint64_t element_bytes_;
  bool counting_ = false;
  std::map<std::uint64_t, MaskedByte> masked_;
};

}  // namespace

void parse_initializer(ParserState& state, Variable& variable, std::vector<std::uint64_t> dimensions) {
  InitializerParser(state, variable, std::move(dimensions)).run();
}

}  // namespace doppel::ptx
