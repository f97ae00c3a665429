// SPDX-License-Identifier: Apache-2.0
#include "ir/parse.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

#include "ir/attribute_names.h"
#include "ir/text_line.h"
#include "ir/verify.h"

namespace doppel::ir {
namespace {

template <typename Value>
Value enumerator(Line& line, Words words, std::string_view what) {
  const std::string_view word = line.word(what);
  const auto value = value_of<Value>(words, word);
  if (!value) throw Failure{fmt::format("'{}' is no {}", word, what)};
  return *value;
}

Type type(Line& line) {
  const std::string_view word = line.word("a type");
  const auto found = find_type(word);
  if (!found) throw Failure{fmt::format("'{}' is no type", word)};
  return *found;
}

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text), left_(text) {}

  Result<Module> run() {
    try {
      collect_names();
      module();
    } catch (const Failure& failure) {
      return fail(Error::Kind::InvalidInput, fmt::format("ir:{}: {}", number_, failure.message));
    }
    if (const std::string wrong = verify(module_); !wrong.empty())
      return fail(Error::Kind::InvalidInput, wrong);
    return std::move(module_);
  }

 private:
  // Variables and functions may be named before they stand.
  void collect_names() {
    std::uint32_t variables = 0, functions = 0;
    for (next_line(); !done_; next_line()) {
      Line line(line_);
      if (line.accept("variable")) {
        variables_.emplace(line.quoted(), variables++);
      } else if (line.accept("kernel") || line.accept("function")) {
        functions_.emplace(line.quoted(), functions++);
      }
    }
    left_ = text_;
    number_ = 0;
    done_ = false;
  }

  // The next one with anything on it.
  void next_line() {
    while (!left_.empty()) {
      const std::size_t end = std::min(left_.find('\n'), left_.size());
      line_ = left_.substr(0, end);
      left_.remove_prefix(std::min(end + 1, left_.size()));
      ++number_;
      if (!Line(line_).at_end()) return;
    }
    done_ = true;
  }

  void module() {
    next_line();
    Line head(line_);
    if (done_ || !head.accept("module")) throw Failure{"'module' expected"};
    module_.front_end = head.quoted();
    module_.target = head.quoted();
    module_.address_size = head.count();
    finish(head);
    for (next_line(); !done_;) {
      Line line(line_);
      if (line.accept("file")) {
        const std::uint32_t index = line.count();
        if (index > kMostFiles) throw Failure{"too many files"};
        if (module_.files.size() <= index) module_.files.resize(index + 1);
        module_.files[index] = line.quoted();
        finish(line);
        next_line();
      } else if (line.accept("variable")) {
        module_.variables.push_back(variable(line));
        finish(line);
        next_line();
      } else if (line.is('k') || line.is('f')) {
        function();
      } else {
        throw Failure{fmt::format("a file, variable, kernel or function expected, found '{}'", line.rest())};
      }
    }
  }

  static void finish(const Line& line) {
    if (!line.at_end()) throw Failure{fmt::format("end of the line expected, found '{}'", line.rest())};
  }

  Variable variable(Line& line, std::vector<RegisterId>* registers = nullptr) {
    Variable v;
    v.name = line.quoted();
    v.space = enumerator<Space>(line, kSpaceWords, "space");
    v.type = type(line);
    if (!line.accept("align")) throw Failure{"'align' expected"};
    v.alignment = line.count();
    if (!line.accept("size")) throw Failure{"'size' expected"};
    v.size = static_cast<std::uint64_t>(line.integer());
    v.linkage = enumerator<Linkage>(line, kLinkageWords, "linkage");
    v.managed = line.accept("managed");
    for (std::size_t i = 1; i < std::size(kOpaqueWords); ++i) {
      if (line.accept(kOpaqueWords[i])) v.opaque = static_cast<OpaqueType>(i);
    }
    v.text.line = number_;
    if (line.accept("bytes")) v.initializer = bytes(line.word("bytes"));
    while (line.accept("address")) v.relocations.push_back(relocation(line));
    if (registers != nullptr) {
      RegisterId reg = kNoRegister;
      if (line.accept("in")) {
        line.expect('%');
        reg = line.count();
      }
      registers->push_back(reg);
    }
    return v;
  }

  static std::vector<std::byte> bytes(std::string_view digits) {
    std::vector<std::byte> result;
    for (std::size_t i = 0; i + 1 < digits.size() + digits.size() % 2; i += 2) {
      unsigned value = 0;
      const char* const first = digits.data() + i;
      const auto [end, error] =
          std::from_chars(first, first + std::min<std::size_t>(2, digits.size() - i), value, 16);
      if (error != std::errc() || end != first + 2) throw Failure{"two digits make a byte"};
      result.push_back(static_cast<std::byte>(value));
    }
    return result;
  }

  Relocation relocation(Line& line) {
    Relocation r;
    r.offset = static_cast<std::uint64_t>(line.integer());
    r.size = static_cast<std::uint8_t>(line.count());
    r.generic = line.accept("generic");
    if (!r.generic && !line.accept("plain")) throw Failure{"'generic' or 'plain' expected"};
    r.is_function = line.is('&');
    r.target = r.is_function ? function_name(line) : symbol(line).index;
    r.addend = line.integer();
    return r;
  }

  void function() {
    Line line(line_);
    Function f;
    f.is_kernel = line.accept("kernel");
    if (!f.is_kernel && !line.accept("function")) throw Failure{"'kernel' or 'function' expected"};
    f.name = line.quoted();
    f.linkage = enumerator<Linkage>(line, kLinkageWords, "linkage");
    f.is_declaration = line.accept("declared");
    f.text.line = number_;
    bounds(line, f.bounds);
    finish(line);
    next_line();
    declarations(f);
    forms_.clear();
    if (!f.is_declaration) body(f);
    module_.functions.push_back(std::move(f));
  }

  static void bounds(Line& line, LaunchBounds& b) {
    const auto three = [&](std::string_view word, std::uint32_t(&counts)[3]) {
      if (!line.accept(word)) return;
      for (std::uint32_t& each : counts) each = line.count();
    };
    three("max_threads", b.max_threads);
    three("required_threads", b.required_threads);
    if (line.accept("min_blocks")) b.min_blocks_per_sm = line.count();
    if (line.accept("max_registers")) b.max_registers = line.count();
    three("required_cluster", b.required_cluster);
    if (line.accept("max_cluster")) b.max_cluster_blocks = line.count();
    b.explicit_cluster = line.accept("explicit_cluster");
    b.no_return = line.accept("no_return");
  }

  void declarations(Function& f) {
    for (; !done_; next_line()) {
      Line line(line_);
      if (line.accept("result")) {
        f.return_parameters.push_back(variable(line, f.is_declaration ? nullptr : &f.return_registers));
      } else if (line.accept("parameter")) {
        f.parameters.push_back(variable(line, f.is_declaration ? nullptr : &f.parameter_registers));
      } else if (line.accept("local")) {
        f.variables.push_back(variable(line));
      } else if (line.accept("prototype")) {
        f.prototypes.push_back(prototype(line));
        continue;
      } else if (line.accept("register")) {
        undefined_registers(line, f);
      } else {
        return;
      }
      finish(line);
    }
  }

  Prototype prototype(Line& head) {
    Prototype p;
    p.name = head.quoted();
    for (next_line(); !done_; next_line()) {
      Line line(line_);
      if (line.accept("result")) {
        p.return_parameters.push_back(variable(line));
      } else if (line.accept("parameter")) {
        p.parameters.push_back(variable(line));
      } else {
        break;
      }
      finish(line);
    }
    if (done_ || Line(line_).peek() != "end") throw Failure{"'end' of the prototype expected"};
    return p;
  }

  static void undefined_registers(Line& line, Function& f) {
    line.expect('%');
    const RegisterId first = line.count();
    line.expect('%');
    const RegisterId last = line.count();
    line.expect(':');
    const std::uint32_t width = line.count();
    if (first > last) throw Failure{"the first register stands behind the last"};
    for (RegisterId reg = first; reg <= last; ++reg) set_width(f, reg, width);
  }

  static void set_width(Function& f, RegisterId reg, std::uint32_t width) {
    if (reg > kMostRegisters) throw Failure{fmt::format("register %{} is out of range", reg)};
    if (width != 1 && width != 8 && width != 16 && width != 32 && width != 64 && width != 128)
      throw Failure{fmt::format("no register has {} bits", width)};
    if (f.registers.size() <= reg) f.registers.resize(reg + 1, 0);
    if (f.registers[reg] != 0 && f.registers[reg] != width)
      throw Failure{fmt::format("register %{} has {} bits elsewhere", reg, f.registers[reg])};
    f.registers[reg] = static_cast<std::uint8_t>(width);
  }

  void body(Function& f) {
    for (; !done_; next_line()) {
      Line line(line_);
      if (line.accept("end")) {
        finish(line);
        next_line();
        return;
      }
      if (line.is('b') && line.rest().find(':') != std::string_view::npos && is_block_head(line.peek())) {
        const std::string_view name = line.word("a block");
        line.expect(':');
        finish(line);
        if (name != fmt::format("b{}", f.blocks.size()))
          throw Failure{fmt::format("block b{} expected", f.blocks.size())};
        const auto at = static_cast<std::uint32_t>(f.operations.size());
        f.blocks.push_back({at, at});
        continue;
      }
      if (f.blocks.empty()) throw Failure{"an operation stands before the first block"};
      f.operations.push_back(operation(line, f));
      f.blocks.back().last = static_cast<std::uint32_t>(f.operations.size());
    }
    throw Failure{fmt::format("the function '{}' does not end", f.name)};
  }

  static bool is_block_head(std::string_view word) {
    return word.size() > 1 && std::ranges::all_of(word.substr(1), [](char c) {
             return std::isdigit(static_cast<unsigned char>(c)) != 0;
           });
  }

  Operation operation(Line& line, Function& f) {
    Operation o;
    o.origin.index = static_cast<std::uint32_t>(f.operations.size());
    o.origin.text.line = number_;
    if (line.accept('@')) {
      Guard guard;
      guard.negated = line.accept('!');
      line.expect('%');
      guard.predicate = line.count();
      o.guard = guard;
    }
    if (line.is('%') || line.is('_') || is_function_symbol(line)) {
      do {
        o.results.push_back(result(line, f));
      } while (line.accept(','));
      line.expect('=');
    }
    name(line, o);
    o.origin.form = form(f, std::string(name_of(o.op)));
    if (o.op == Op::Call) callee(line, o);
    while (!line.at_end() && !line.is('[') && !line.is('-')) {
      o.sources.push_back(source(line));
      if (!line.accept(',')) break;
    }
    // A first source that is a negative number.
    if (line.is('-') && !line.rest().starts_with("->")) {
      do {
        o.sources.push_back(source(line));
      } while (line.accept(','));
    }
    while (line.is('[')) o.accesses.push_back(access(line));
    if (line.accept('-')) {
      line.expect('>');
      while (!line.at_end()) o.targets.push_back(target(line));
    }
    finish(line);
    return o;
  }

  Operand result(Line& line, Function& f) {
    if (line.accept("_")) return {};
    if (is_function_symbol(line)) return Operand::of_symbol(symbol(line), 0);
    line.expect('%');
    const RegisterId reg = line.count();
    line.expect(':');
    set_width(f, reg, line.count());
    return Operand::of_register(reg);
  }

  // "ffma.rn.ftz.f32"
  static void name(Line& line, Operation& o) {
    std::string_view left = line.word("an operation");
    const auto next = [&] {
      const std::size_t dot = std::min(left.find('.'), left.size());
      const std::string_view part = left.substr(0, dot);
      left.remove_prefix(std::min(dot + 1, left.size()));
      return part;
    };
    const std::string_view first = next();
    const auto op = find_operation(first);
    if (!op) throw Failure{fmt::format("'{}' is no operation", first)};
    o.op = *op;
    const AttributeSet has = row(o).attributes;
    while (!left.empty()) {
      const std::string_view part = next();
      bool taken = false;
      for_each_attribute(o.attributes, [&]<typename Field>(AttributeSet which, Field& field, Words words) {
        if (taken || (has & which) == 0) return;
        if (const auto value = value_of<Field>(words, part)) {
          field = *value;
          taken = true;
        }
      });
      if (!taken && (has & kLut) != 0 && part.starts_with("lut")) {
        const auto [end, error] =
            std::from_chars(part.data() + 3, part.data() + part.size(), o.attributes.lut);
        taken = error == std::errc() && end == part.data() + part.size();
      }
      if (!taken && (has & kMatrix) != 0) {
        if (const auto form = find_matrix_form(part)) {
          o.attributes.matrix = *form;
          taken = true;
        }
      }
      if (!taken && (has & kTexture) != 0 && o.attributes.texture == TextureForm{}) {
        if (const auto form = find_texture_form(part)) {
          o.attributes.texture = *form;
          taken = true;
        }
      }
      if (taken) continue;
      const auto type = find_type(part);
      if (!type || o.source_type != Type::None)
        throw Failure{fmt::format("'{}' does not suit {}", part, first)};
      (o.type == Type::None ? o.type : o.source_type) = *type;
    }
  }

  Operand source(Line& line) {
    const bool negated = line.accept('!');
    Operand o = plain_source(line);
    o.negated = negated;
    return o;
  }

  Operand plain_source(Line& line) {
    if (line.accept("_")) return {};
    if (line.is('@') || is_function_symbol(line)) {
      const SymbolRef of = symbol(line);
      return Operand::of_symbol(of, line.accept('+') ? line.integer() : 0);
    }
    if (line.is('&')) return Operand::of_function(function_name(line));
    if (line.accept("WARP_SZ")) return Operand::of_special(SpecialRegister::WarpSize, 0);
    if (!line.accept('%')) return Operand::of_immediate(static_cast<std::uint64_t>(line.integer()));
    const std::string_view word = line.peek();
    if (!word.empty() && std::isdigit(static_cast<unsigned char>(word[0])) != 0)
      return Operand::of_register(line.count());
    return special(line.word("a register"));
  }

  static Operand special(std::string_view word) {
    const std::size_t dot = std::min(word.find('.'), word.size());
    const auto found = find_special(fmt::format("%{}", word.substr(0, dot)));
    if (!found) throw Failure{fmt::format("'%{}' is no register", word)};
    std::uint8_t component = 0;
    if (dot < word.size()) {
      const std::string_view part = word.substr(dot + 1);
      const std::size_t letter = std::string_view("xyzw").find(part);
      if (part.size() == 1 && letter != std::string_view::npos) {
        component = static_cast<std::uint8_t>(letter);
      } else {
        const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), component);
        if (error != std::errc() || end != part.data() + part.size())
          throw Failure{fmt::format("'%{}' has no such component", word)};
      }
    }
    return Operand::of_special(*found, component);
  }

  static bool is_function_symbol(const Line& line) {
    const std::string_view rest = line.rest();
    return rest.starts_with("local#") || rest.starts_with("parameter#") || rest.starts_with("result#");
  }

  SymbolRef symbol(Line& line) {
    using Scope = SymbolRef::Scope;
    if (!line.accept('@')) {
      const std::string_view scope = line.word("a variable");
      line.expect('#');
      const std::uint32_t index = line.count();
      if (scope == "local") return {Scope::Function, index};
      if (scope == "parameter") return {Scope::Parameter, index};
      if (scope == "result") return {Scope::ReturnParameter, index};
      throw Failure{fmt::format("'{}' is no scope of variables", scope)};
    }
    return {Scope::Module, index_of(line, variables_, "variable")};
  }

  FunctionId function_name(Line& line) {
    line.expect('&');
    return index_of(line, functions_, "function");
  }

  using Names = std::unordered_map<std::string, std::uint32_t>;
  static std::uint32_t index_of(Line& line, const Names& names, std::string_view what) {
    if (line.accept('#')) return line.count();
    const std::string_view name = line.word(what);
    const auto found = names.find(std::string(name));
    if (found == names.end()) throw Failure{fmt::format("there is no {} '{}'", what, name)};
    return found->second;
  }

  Access access(Line& line) {
    line.expect('[');
    Access a;
    a.space = enumerator<Space>(line, kSpaceWords, "space");
    a.type = type(line);
    if (line.peek().starts_with("x")) {
      const std::string_view vector = line.word("a vector").substr(1);
      const auto [end, error] = std::from_chars(vector.data(), vector.data() + vector.size(), a.vector);
      if (error != std::errc() || end != vector.data() + vector.size() || a.vector == 0)
        throw Failure{fmt::format("'x{}' is no vector", vector)};
    }
    a.address = address(line);
    while (line.accept(',')) {
      if (line.accept("async")) {
        a.completion = enumerator<Completion>(line, kCompletionWords, "end of an asynchronous access");
        if (a.completion == Completion::Mbarrier) a.barrier = address(line);
        continue;
      }
      const std::string_view word = line.word("an attribute of an access");
      if (const auto semantics = value_of<MemorySemantics>(kSemanticsWords, word)) {
        a.semantics = *semantics;
      } else if (const auto scope = value_of<Scope>(kScopeWords, word)) {
        a.scope = *scope;
      } else if (const auto cache = value_of<CacheOp>(kCacheWords, word)) {
        a.cache = *cache;
      } else {
        throw Failure{fmt::format("'{}' is no attribute of an access", word)};
      }
    }
    line.expect(']');
    return a;
  }

  Address address(Line& line) {
    Address a;
    if (line.accept('%')) {
      a.base = Address::Base::Register;
      a.reg = line.count();
    } else if (line.is('-') ||
               std::isdigit(static_cast<unsigned char>(line.rest().empty() ? ' ' : line.rest()[0])) != 0) {
      a.offset = line.integer();
    } else {
      a.base = Address::Base::Symbol;
      a.symbol = symbol(line);
    }
    if (a.base != Address::Base::None && line.accept('+')) a.offset = line.integer();
    return a;
  }

  void callee(Line& line, Operation& o) {
    Callee c;
    if (line.is('&')) {
      c.function = function_name(line);
    } else {
      if (!line.accept("any")) throw Failure{"a function or 'any' expected"};
      if (line.accept("prototype")) c.prototype = line.count();
      while (line.is('&')) c.possible_targets.push_back(function_name(line));
    }
    line.expect(':');
    o.callee = std::make_shared<const Callee>(std::move(c));
  }

  static BlockId target(Line& line) {
    const std::string_view word = line.word("a block");
    BlockId id = 0;
    const auto [end, error] = std::from_chars(word.data() + 1, word.data() + word.size(), id);
    if (!is_block_head(word) || word[0] != 'b' || error != std::errc() || end != word.data() + word.size())
      throw Failure{fmt::format("'{}' is no block", word)};
    return id;
  }

  std::uint32_t form(Function& f, const std::string& name) {
    const auto [found, is_new] = forms_.emplace(name, static_cast<std::uint32_t>(f.forms.size()));
    if (is_new) f.forms.push_back(name);
    return found->second;
  }

  // Beyond them a text is malformed rather than large.
  static constexpr RegisterId kMostRegisters = 1u << 24;
  static constexpr std::uint32_t kMostFiles = 1u << 20;

  std::string_view text_;
  std::string_view left_;
  std::string_view line_;
  std::uint32_t number_ = 0;
  bool done_ = false;
  Module module_;
  Names variables_, functions_;
  Names forms_;  // of the function in work
};

}  // namespace

Result<Module> parse(std::string_view text) { return Parser(text).run(); }

}  // namespace doppel::ir
