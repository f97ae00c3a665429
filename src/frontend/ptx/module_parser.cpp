// SPDX-License-Identifier: Apache-2.0
#include "frontend/ptx/module_parser.h"

#include <algorithm>
#include <cstring>

#include "frontend/ptx/constant.h"
#include "frontend/ptx/declarations.h"
#include "frontend/ptx/function_parser.h"

namespace doppel::ptx {
namespace {

constexpr std::uint64_t kMost32 = 0xffffffff;

bool same_types(const std::vector<Variable>& a, const std::vector<Variable>& b) {
  return std::ranges::equal(a, b, {}, &Variable::type, &Variable::type);
}

// Files are the module's, wherever they are named.
bool names_file(std::string_view body) {
  static constexpr std::string_view kDirective = ".file";
  return memmem(body.data(), body.size(), kDirective.data(), kDirective.size()) != nullptr;
}

}  // namespace

bool same_signature(const std::vector<Variable>& a, const std::vector<Variable>& b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i].size != b[i].size || a[i].space != b[i].space) return false;
  }
  return true;
}

void ModuleParser::parse() {
  parse_version();
  parse_target();
  if (state_.token().is_directive(".address_size")) parse_address_size();
  while (state_.token().kind != TokenKind::End) parse_item();
}

void ModuleParser::parse_version() {
  const TextLocation where = state_.here();
  if (!state_.accept_directive(".version"))
    fail_malformed(where, fmt::format(".version expected, found {}", state_.found()));
  const Token number = state_.token();
  const std::size_t dot = number.text.find('.');
  if (number.kind != TokenKind::Float64 || dot == std::string_view::npos || dot == 0 || dot > 2 ||
      number.text.size() != dot + 2 ||
      number.text.find_first_not_of("0123456789.") != std::string_view::npos) {
    fail_malformed(number.location,
                   fmt::format(".version needs a number like 8.5, found {}", state_.found()));
  }
  for (const char c : number.text.substr(0, dot))
    state_.module.version_major = state_.module.version_major * 10 + static_cast<std::uint32_t>(c - '0');
  state_.module.version_minor = static_cast<std::uint32_t>(number.text[dot + 1] - '0');
  state_.target.version = state_.module.version_major * 10 + state_.module.version_minor;
  state_.lexer.advance();
}

void ModuleParser::parse_target() {
  const TextLocation where = state_.here();
  if (!state_.accept_directive(".target"))
    fail_malformed(where, fmt::format(".target expected, found {}", state_.found()));
  const TextLocation name_at = state_.here();
  const std::string_view name = state_.expect_identifier("a target");
  if (!read_target(name, state_.target)) {
    const bool is_target = name.starts_with("sm_") || name.starts_with("compute_");
    throw Failure{{is_target ? Diagnostic::Kind::UnsupportedVersion : Diagnostic::Kind::Malformed,
                   name_at,
                   {},
                   {},
                   fmt::format(".target '{}' is not known", name)}};
  }
  state_.module.target = name;
  while (state_.accept(',')) {
    const TextLocation option_at = state_.here();
    const std::string_view option = state_.expect_identifier("a target option");
    // map_f64_to_f32 is for sm_10 to sm_12, which have no doubles; the vendor's assembler keeps them as they
    // are.
    if (option != "debug" && option != "texmode_independent" && option != "texmode_unified" &&
        option != "map_f64_to_f32") {
      fail_unsupported(option_at, fmt::format(".target option '{}' is not supported", option));
    }
    if (option == "texmode_independent") state_.independent_textures = true;
  }
}

void ModuleParser::parse_address_size() {
  state_.lexer.advance();
  const TextLocation where = state_.here();
  const std::uint64_t bits = parse_unsigned(state_.lexer, 64, ".address_size");
  if (bits != 32 && bits != 64) fail_malformed(where, ".address_size is 32 or 64");
  if (bits == 32) fail_unsupported(where, ".address_size 32 is not supported");
  state_.module.address_size = static_cast<std::uint32_t>(bits);
}

Linkage ModuleParser::parse_linkage() {
  if (state_.accept_directive(".visible")) return Linkage::Visible;
  if (state_.accept_directive(".extern")) return Linkage::Extern;
  if (state_.accept_directive(".weak")) return Linkage::Weak;
  if (state_.accept_directive(".common")) return Linkage::Common;
  return Linkage::Internal;
}

void ModuleParser::parse_item() {
  if (parse_debug_directive(state_, nullptr)) return;
  if (state_.accept(';')) return;
  if (state_.accept_directive(".pragma")) {
    while (state_.token().kind == TokenKind::String || state_.token().is(',')) state_.lexer.advance();
    state_.expect(';');
    return;
  }
  const Linkage linkage = parse_linkage();
  const Token token = state_.token();
  if (token.kind != TokenKind::Directive) {
    fail_malformed(token.location, fmt::format("directive expected, found {}", state_.found()));
  }
  state_.lexer.advance();
  if (token.text == ".entry") {
    parse_function(true, linkage);
  } else if (token.text == ".func") {
    parse_function(false, linkage);
  } else if (token.text == ".global") {
    parse_module_variables(Space::Global, linkage);
  } else if (token.text == ".const") {
    parse_module_variables(Space::Const, linkage);
  } else if (token.text == ".shared" || token.text == ".shared::cta") {
    parse_module_variables(Space::Shared, linkage);
  } else if (token.text == ".tex") {
    parse_old_textures(linkage);
  } else if (token.text == ".local") {
    parse_module_variables(Space::Local, linkage);
  } else if (token.text == ".alias") {
    parse_alias();
  } else if (token.text == ".param" || token.text == ".reg" || token.text == ".sreg") {
    fail_unsupported(token.location, fmt::format("{} at module scope is not supported", token.text));
  } else {
    fail_malformed(token.location, fmt::format("unknown directive '{}'", token.text));
  }
}

void ModuleParser::parse_module_variables(Space space, Linkage linkage) {
  const Lexer start = state_.lexer;
  try {
    parse_variables_of_module(space, linkage);
  } catch (Failure& failure) {
    if (failure.diagnostic.kind != Diagnostic::Kind::Unsupported) throw;
    state_.lexer = start;
    refuse_variables(space, linkage, failure.diagnostic);
  }
}

// `.tex .u32 name, ...;`, a texture's declaration before PTX ISA 1.5 (5.1.8).
void ModuleParser::parse_old_textures(Linkage linkage) {
  if (!state_.accept_directive(".u32") && !state_.accept_directive(".u64"))
    fail_malformed(state_.here(), fmt::format(".u32 or .u64 expected, found {}", state_.found()));
  do {
    Variable variable;
    variable.text = state_.here();
    const std::string_view name = state_.expect_identifier("a texture's name");
    variable.name = name;
    variable.type = Type::B64;
    variable.size = variable.alignment = 8;
    variable.opaque = ir::OpaqueType::Texture;
    variable.linkage = linkage;
    const auto index = static_cast<std::uint32_t>(state_.module.variables.size());
    if (!state_.names.declare(name, {Binding::Kind::Variable, SymbolRef::Scope::Module, index}))
      fail_malformed(variable.text, fmt::format("'{}' is declared twice", name));
    state_.module.variables.push_back(std::move(variable));
  } while (state_.accept(','));
  state_.expect(';');
}

void ModuleParser::parse_variables_of_module(Space space, Linkage linkage) {
  parse_variables(state_, space, linkage, [&](Declarator declared) -> Variable& {
    std::vector<Variable>& variables = state_.module.variables;
    const auto index = static_cast<std::uint32_t>(variables.size());
    if (state_.names.declare(declared.name, {Binding::Kind::Variable, SymbolRef::Scope::Module, index})) {
      return variables.emplace_back(std::move(declared.variable));
    }
    // An extern declaration may precede or repeat the definition.
    const auto earlier = state_.names.find(declared.name);
    if (earlier->kind == Binding::Kind::Variable) {
      Variable& first = variables[earlier->index];
      const bool one_is_extern =
          first.linkage == Linkage::Extern || declared.variable.linkage == Linkage::Extern;
      const bool same_size =
          first.size == declared.variable.size || first.size == 0 || declared.variable.size == 0;
      if (one_is_extern && first.space == declared.variable.space && same_size) {
        if (first.linkage == Linkage::Extern) {
          if (first.type != declared.variable.type) read_all_pending();
          first = std::move(declared.variable);
        }
        return first;
      }
    }
    fail_malformed(declared.variable.text, fmt::format("'{}' is declared twice", declared.name));
  });
}

void ModuleParser::parse_bounds(LaunchBounds& bounds) {
  const auto three = [this](std::uint32_t(&into)[3]) {
    for (int i = 0; i < 3; ++i) {
      if (i > 0 && !state_.accept(',')) {
        into[i] = 1;
        continue;
      }
      into[i] = static_cast<std::uint32_t>(parse_unsigned(state_.lexer, kMost32, "thread count"));
    }
  };
  const auto needs_clusters = [this](const Token& token) {
    const std::string missing = unmet({78, 90}, state_.target);
    if (!missing.empty()) fail_unsupported(token.location, fmt::format("{} {}", token.text, missing));
  };
  for (;;) {
    const Token token = state_.token();
    if (token.kind != TokenKind::Directive) return;
    state_.lexer.advance();
    if (token.text == ".maxntid") {
      three(bounds.max_threads);
    } else if (token.text == ".reqntid") {
      three(bounds.required_threads);
    } else if (token.text == ".minnctapersm" || token.text == ".maxnctapersm") {
      const auto count = static_cast<std::uint32_t>(parse_unsigned(state_.lexer, kMost32, "block count"));
      if (token.text == ".minnctapersm") bounds.min_blocks_per_sm = count;
    } else if (token.text == ".maxnreg") {
      bounds.max_registers =
          static_cast<std::uint32_t>(parse_unsigned(state_.lexer, kMost32, "register count"));
    } else if (token.text == ".reqnctapercluster") {
      needs_clusters(token);
      three(bounds.required_cluster);
    } else if (token.text == ".maxclusterrank") {
      needs_clusters(token);
      bounds.max_cluster_blocks =
          static_cast<std::uint32_t>(parse_unsigned(state_.lexer, kMost32, "block count"));
    } else if (token.text == ".explicitcluster") {
      needs_clusters(token);
      bounds.explicit_cluster = true;
    } else if (token.text == ".noreturn") {
      bounds.no_return = true;
    } else if (token.text == ".abi_preserve" || token.text == ".abi_preserve_control") {
      parse_unsigned(state_.lexer, kMost32,
                     "a number of registers");  // of a register allocation that is not made here
    } else if (token.text == ".pragma") {
      while (state_.token().kind == TokenKind::String || state_.token().is(',')) state_.lexer.advance();
      state_.expect(';');
    } else {
      fail_unsupported(token.location, fmt::format("{} is not supported", token.text));
    }
  }
}

std::uint32_t ModuleParser::declare_function(Function head, std::string_view name) {
  std::vector<Function>& functions = state_.module.functions;
  const auto index = static_cast<std::uint32_t>(functions.size());
  if (state_.names.declare(name, {Binding::Kind::Function, {}, index})) {
    functions.push_back(std::move(head));
    return index;
  }
  const auto earlier = state_.names.find(name);
  if (earlier->kind != Binding::Kind::Function)
    fail_malformed(head.text, fmt::format("'{}' is declared twice", name));
  Function& first = functions[earlier->index];
  if (first.is_kernel != head.is_kernel || !same_signature(first.parameters, head.parameters) ||
      !same_signature(first.return_parameters, head.return_parameters)) {
    fail_malformed(head.text, fmt::format("'{}' is declared again with other parameters", name));
  }
  if (!head.is_declaration) {
    if (!first.is_declaration) fail_malformed(head.text, fmt::format("'{}' is defined twice", name));
    if (head.linkage == Linkage::Internal && first.linkage != Linkage::Extern) head.linkage = first.linkage;
    if (!same_types(first.parameters, head.parameters) ||
        !same_types(first.return_parameters, head.return_parameters))
      read_all_pending();
    first = std::move(head);
  }
  return earlier->index;
}

void ModuleParser::declare_parameters(Function& function, const std::vector<std::string_view>& names,
                                      const std::vector<std::string_view>& return_names) {
  const auto declare = [&](std::vector<Variable>& parameters, const std::vector<std::string_view>& text_names,
                           SymbolRef::Scope scope, std::vector<RegisterId>& registers) {
    for (std::uint32_t i = 0; i < parameters.size(); ++i) {
      Binding binding{Binding::Kind::Variable, scope, i};
      RegisterId id = ir::kNoRegister;
      if (parameters[i].space == Space::Reg) {
        id = static_cast<RegisterId>(function.registers.size());
        function.registers.push_back({parameters[i].name, 0, false, parameters[i].type});
        binding = {Binding::Kind::Register, {}, id};
      }
      registers.push_back(id);
      if (text_names[i] != "_" && !state_.names.declare(text_names[i], binding)) {
        fail_malformed(parameters[i].text, fmt::format("parameter '{}' is declared twice", text_names[i]));
      }
    }
  };
  declare(function.return_parameters, return_names, SymbolRef::Scope::ReturnParameter,
          function.return_registers);
  declare(function.parameters, names, SymbolRef::Scope::Parameter, function.parameter_registers);
}

// .attribute(.unified(a, b)) names the function across devices; a single address space needs no more.
void ModuleParser::parse_function_attribute() {
  state_.expect('(');
  if (!state_.accept_directive(".unified"))
    fail_unsupported(state_.here(), fmt::format("function attribute {} is not supported", state_.found()));
  state_.expect('(');
  parse_constant(state_.lexer);
  state_.expect(',');
  parse_constant(state_.lexer);
  state_.expect(')');
  state_.expect(')');
}

// Name, parameters and bounds, up to the body or the ';'.
std::string_view ModuleParser::parse_head(Function& function, std::vector<std::string_view>& names,
                                          std::vector<std::string_view>& return_names) {
  const auto take_parameters = [&](std::vector<Variable>& into, std::vector<std::string_view>& into_names) {
    for (Declarator& declared : parse_parameters(state_)) {
      into.push_back(std::move(declared.variable));
      into_names.push_back(declared.name);
    }
  };
  if (state_.accept_directive(".attribute")) parse_function_attribute();
  if (!function.is_kernel && state_.token().is('('))
    take_parameters(function.return_parameters, return_names);
  function.text = state_.here();
  const std::string_view name = state_.expect_identifier("a function's name");
  function.name = name;
  if (state_.token().is('(')) take_parameters(function.parameters, names);
  if (function.is_kernel) {
    for (const Variable& parameter : function.parameters) {
      if (parameter.space != Space::Param)
        fail_malformed(parameter.text, "a kernel's parameters are in .param");
    }
  }
  parse_bounds(function.bounds);
  return name;
}

// Past a head that could not be read: the function's name, or nothing where even that is not to be found.
std::optional<std::string_view> ModuleParser::skip_head() {
  std::optional<std::string_view> name;
  int depth = 0;
  for (; state_.token().kind != TokenKind::End; state_.lexer.advance()) {
    const Token& token = state_.token();
    if (token.is('(')) ++depth;
    if (token.is(')')) --depth;
    if (depth > 0) continue;
    if (token.is('{') || token.is(';')) return name;
    if (token.is_directive(".entry") || token.is_directive(".func")) return std::nullopt;
    if (token.is_directive(".pragma")) {
      while (!state_.token().is(';') && state_.token().kind != TokenKind::End) state_.lexer.advance();
    } else if (token.kind == TokenKind::Identifier && !name) {
      name = token.text;
    }
  }
  return std::nullopt;
}

// The rest of a function that is refused: a trap stands for its body.
void ModuleParser::refuse(Function& function, FunctionId id, std::vector<Diagnostic> why) {
  state_.diagnostics.insert(state_.diagnostics.end(), why.begin(), why.end());
  state_.refused_functions[id] = std::move(why);
  Instruction trap;
  trap.opcode = Opcode::Trap;
  trap.form = "trap";
  trap.text = function.text;
  function.instructions = {trap};
  function.registers.clear();
  function.variables.clear();
  function.prototypes.clear();
  function.labels.clear();
  function.label_names.clear();
  if (state_.accept(';')) return;
  // An empty failure only ends the reading: why is known.
  if (!state_.token().is('{')) throw Failure{};
  try {
    state_.lexer.skip_block();
  } catch (Failure&) {
    throw Failure{};
  }
}

// The current token is behind the head that could not be read.
void ModuleParser::refuse_head(Function function, std::string_view name, Diagnostic why) {
  why.function = name;
  const auto earlier = state_.names.find(name);
  if (earlier && earlier->kind != Binding::Kind::Function) fail_malformed(why.text, why.message);
  function.name = name;
  function.parameters.clear();
  function.return_parameters.clear();
  function.bounds = {};
  function.is_declaration = state_.token().is(';');
  std::uint32_t index = 0;
  if (earlier) {
    index = earlier->index;
    Function& first = state_.module.functions[index];
    if (!first.is_declaration) fail_malformed(why.text, fmt::format("'{}' is defined twice", name));
    // The earlier head may serve: whoever calls it is refused with it.
    const bool declaration = function.is_declaration;
    function = first;
    function.is_declaration = declaration;
  } else {
    index = static_cast<std::uint32_t>(state_.module.functions.size());
    state_.names.declare(name, {Binding::Kind::Function, {}, index});
    state_.module.functions.emplace_back();
    state_.functions_without_head.insert(index);
  }
  refuse(function, index, {std::move(why)});
  state_.module.functions[index] = std::move(function);
}

void ModuleParser::parse_function(bool is_kernel, Linkage linkage) {
  Function function;
  function.is_kernel = is_kernel;
  function.linkage = linkage;
  std::vector<std::string_view> names, return_names;
  std::string_view name;
  const Lexer start = state_.lexer;
  try {
    name = parse_head(function, names, return_names);
  } catch (Failure& failure) {
    if (failure.lexical) throw;
    state_.lexer = start;
    const auto found = skip_head();
    failure.diagnostic.function = found.value_or("");
    if (!found) throw;
    refuse_head(std::move(function), *found, std::move(failure.diagnostic));
    return;
  }
  try {
    function.is_declaration = state_.accept(';');
    if (function.is_declaration) {
      declare_function(std::move(function), name);
      return;
    }
    if (linkage == Linkage::Extern)
      fail_malformed(function.text, fmt::format("extern function '{}' has a body", name));
    // The head is declared first: the body may call or name its own function.
    const std::uint32_t index = declare_function(function, name);
    function.linkage = state_.module.functions[index].linkage;
    parse_body(function, index, names, return_names);
    state_.module.functions[index] = std::move(function);
  } catch (Failure& failure) {
    if (failure.diagnostic.function.empty() && !failure.diagnostic.message.empty())
      failure.diagnostic.function = name;
    throw;
  }
}

// Reads the body, or keeps it for later.
void ModuleParser::parse_body(Function& function, FunctionId id, const std::vector<std::string_view>& names,
                              const std::vector<std::string_view>& return_names) {
  if (state_.bodies_later && state_.token().is('{')) {
    PendingBody body{state_.lexer, names, return_names, state_.names.module_names()};
    if (!names_file(state_.lexer.skip_block())) {
      state_.pending.emplace(id, std::move(body));
      return;
    }
    state_.lexer = body.lexer;
  }
  read_body(function, id, names, return_names);
}

void ModuleParser::read_pending(FunctionId id) {
  const PendingBody body = std::move(state_.pending.extract(id).mapped());
  state_.lexer = body.lexer;
  state_.names.see_module_names(body.module_names);
  read_body(state_.module.functions[id], id, body.names, body.return_names);
  state_.names.see_module_names(UINT32_MAX);
}

// Before something that a body may have seen is declared otherwise.
void ModuleParser::read_all_pending() {
  const Lexer here = state_.lexer;
  while (!state_.pending.empty()) read_pending(state_.pending.begin()->first);
  state_.lexer = here;
}

// Reads the body, or refuses the function and goes past it.
void ModuleParser::read_body(Function& function, FunctionId id, const std::vector<std::string_view>& names,
                             const std::vector<std::string_view>& return_names) {
  const Lexer body = state_.lexer;
  const std::size_t depth = state_.names.depth();
  FunctionParser parser(state_, function);
  try {
    state_.names.push();
    declare_parameters(function, names, return_names);
    parser.parse_body();
  } catch (Failure& failure) {
    if (!failure.diagnostic.message.empty()) parser.note(std::move(failure.diagnostic));
  }
  state_.names.pop_to(depth);
  if (parser.errors().empty()) return;
  state_.lexer = body;
  refuse(function, id, std::move(parser.errors()));
}

// Behind the state space of variables that cannot be had: their names are known, so that what uses them is
// refused.
void ModuleParser::refuse_variables(Space space, Linkage linkage, const Diagnostic& why) {
  state_.diagnostics.push_back(why);
  int depth = 0;
  bool in_value = false;
  for (; state_.token().kind != TokenKind::End; state_.lexer.advance()) {
    const Token& token = state_.token();
    if (token.is('(') || token.is('[') || token.is('{')) ++depth;
    if (token.is(')') || token.is(']') || token.is('}')) --depth;
    if (depth > 0) continue;
    if (state_.accept(';')) return;
    if (token.is(',')) in_value = false;
    if (token.is('=')) in_value = true;
    if (token.kind != TokenKind::Identifier || in_value) continue;
    const auto index = static_cast<std::uint32_t>(state_.module.variables.size());
    if (state_.names.declare(token.text, {Binding::Kind::Variable, SymbolRef::Scope::Module, index})) {
      Variable& made = state_.module.variables.emplace_back();
      made.name = token.text;
      made.space = space;
      made.linkage = linkage;
      made.text = token.location;
    } else {
      read_all_pending();
    }
    const auto binding = state_.names.find(token.text);
    if (binding->kind == Binding::Kind::Variable) state_.refused_variables[binding->index] = why.message;
  }
  throw Failure{};  // the text ends within the statement: why is known
}

}  // namespace doppel::ptx
