// SPDX-License-Identifier: Apache-2.0
#include "frontend/ptx/function_parser.h"

#include <algorithm>
#include <utility>

#include "frontend/ptx/constant.h"
#include "frontend/ptx/declarations.h"

namespace doppel::ptx {
namespace {

constexpr std::size_t kMostDiagnostics = 20;
constexpr std::uint32_t kDeepestScope = 256;

}  // namespace

FunctionParser::FunctionParser(ParserState& state, Function& function) : state_(state), function_(function) {
  label_scopes_.emplace_back();
}

void FunctionParser::parse_body() {
  state_.expect('{');
  state_.names.push();
  parse_statements();
  state_.names.pop();
  state_.expect('}');
  put_at_entry();
  settle_wide_registers();
  // After an error labels may be missing that the text has.
  if (errors_.empty()) bind_labels();
}

void FunctionParser::note(Diagnostic error) {
  error.function = function_.name;
  const auto same =
      std::ranges::find_if(errors_, [&](const Diagnostic& each) { return each.same_as(error); });
  if (same != errors_.end()) {
    ++same->count;
  } else {
    errors_.push_back(std::move(error));
  }
}

void FunctionParser::parse_statements() {
  for (;;) {
    if (state_.token().kind == TokenKind::End)
      fail_malformed(state_.here(), "the text ends inside a function");
    if (state_.token().is('}')) {
      if (depth_ == 0) return;
      close_scope();
      state_.lexer.advance();
      continue;
    }
    try {
      parse_statement();
    } catch (Failure& failure) {
      if (failure.lexical) throw;
      note(std::move(failure.diagnostic));
      if (errors_.size() >= kMostDiagnostics) throw Failure{};
      recover();
    }
  }
}

// Goes past the ';' that ends the broken statement, or stops before the '}' of its scope. A brace with more
// of the statement behind it is a vector operand's.
void FunctionParser::recover() {
  before_.clear();
  while (state_.token().kind != TokenKind::End) {
    if (state_.accept(';')) return;
    const Lexer before_token = state_.lexer;
    const bool closes = state_.token().is('}');
    state_.lexer.advance();
    const Token& next = state_.token();
    if (closes && !next.is(',') && !next.is(';') && !next.is(']')) {
      state_.lexer = before_token;
      return;
    }
  }
}

void FunctionParser::parse_statement() {
  const Token token = state_.token();
  switch (token.kind) {
    case TokenKind::Identifier:
      if (state_.lexer.label_follows()) {
        state_.lexer.advance();
        state_.expect(':');
        parse_label(token.text, token.location);
      } else {
        parse_instruction();
      }
      return;
    case TokenKind::Directive:
      parse_directive();
      return;
    case TokenKind::Symbol:
      if (token.is('@')) {
        parse_instruction();
        return;
      }
      if (token.is('{')) {
        state_.lexer.advance();
        open_scope();
        return;
      }
      if (token.is(';')) {
        state_.lexer.advance();
        return;
      }
      break;
    default:
      break;
  }
  fail_malformed(token.location, fmt::format("statement expected, found {}", state_.found()));
}

void FunctionParser::open_scope() {
  if (++depth_ > kDeepestScope)
    throw Failure{
        {Diagnostic::Kind::Malformed, state_.here(), function_.name, {}, "scopes nested too deeply"}, true};
  state_.names.push();
  label_scopes_.push_back({label_scope_, {}});
  label_scope_ = static_cast<std::uint32_t>(label_scopes_.size() - 1);
}

void FunctionParser::close_scope() {
  --depth_;
  state_.names.pop();
  label_scope_ = label_scopes_[label_scope_].parent;
}

void FunctionParser::parse_directive() {
  if (parse_debug_directive(state_, &source_)) return;
  const Token token = state_.token();
  state_.lexer.advance();
  if (token.text == ".reg") {
    parse_registers(state_, function_);
    return;
  }
  if (token.text == ".pragma") {
    // "nounroll" and its like: hints to an assembler.
    while (state_.token().kind == TokenKind::String || state_.token().is(',')) state_.lexer.advance();
    state_.expect(';');
    return;
  }
  Space space = Space::Generic;
  if (token.text == ".param") space = Space::Param;
  if (token.text == ".local") space = Space::Local;
  if (token.text == ".shared" || token.text == ".shared::cta") space = Space::Shared;
  if (token.text == ".const") space = Space::Const;
  if (token.text == ".global") space = Space::Global;
  if (space == Space::Generic) {
    fail_malformed(token.location, fmt::format("directive '{}' does not belong in a function", token.text));
  }
  parse_variables(state_, space, Linkage::Internal, [&](Declarator declared) -> Variable& {
    const auto index = static_cast<std::uint32_t>(function_.variables.size());
    if (!state_.names.declare(declared.name, {Binding::Kind::Variable, SymbolRef::Scope::Function, index})) {
      fail_malformed(declared.variable.text, fmt::format("'{}' is declared twice", declared.name));
    }
    return function_.variables.emplace_back(std::move(declared.variable));
  });
}

void FunctionParser::parse_label(std::string_view name, TextLocation where) {
  const Token& token = state_.token();
  if (token.is_directive(".branchtargets") || token.is_directive(".calltargets") ||
      token.is_directive(".callprototype")) {
    parse_labelled_list(name, where);
    return;
  }
  const auto label = static_cast<LabelId>(function_.labels.size());
  if (!label_scopes_[label_scope_].labels.emplace(name, label).second) {
    fail_malformed(where, fmt::format("label '{}' is defined twice", name));
  }
  function_.labels.push_back(static_cast<std::uint32_t>(function_.instructions.size()));
  function_.label_names.emplace_back(name);
}

void FunctionParser::parse_labelled_list(std::string_view name, TextLocation where) {
  const std::string_view directive = state_.token().text;
  state_.lexer.advance();
  Binding binding;
  if (directive == ".branchtargets") {
    BranchList list;
    list.scope = label_scope_;
    do {
      list.where.push_back(state_.here());
      list.names.push_back(state_.expect_identifier("a label"));
    } while (state_.accept(','));
    binding = {Binding::Kind::BranchTargets, {}, static_cast<std::uint32_t>(branch_lists_.size())};
    branch_lists_.push_back(std::move(list));
  } else if (directive == ".calltargets") {
    std::vector<FunctionId> targets;
    do {
      const TextLocation at = state_.here();
      const std::string_view target = state_.expect_identifier("a function");
      const auto found = state_.find(target, at);
      if (!found || found->kind != Binding::Kind::Function)
        fail_malformed(at, fmt::format("'{}' is no function", target));
      targets.push_back(found->index);
    } while (state_.accept(','));
    binding = {Binding::Kind::CallTargets, {}, static_cast<std::uint32_t>(call_targets_.size())};
    call_targets_.push_back(std::move(targets));
  } else {
    binding = {Binding::Kind::Prototype, {}, static_cast<std::uint32_t>(function_.prototypes.size())};
    function_.prototypes.push_back(parse_prototype(name));
  }
  state_.expect(';');
  if (!state_.names.declare(name, binding))
    fail_malformed(where, fmt::format("'{}' is declared twice", name));
}

void FunctionParser::bind_labels() {
  for (const LabelUse& use : label_uses_) {
    std::uint32_t scope = use.scope;
    const LabelId* label = nullptr;
    for (;;) {
      const auto found = label_scopes_[scope].labels.find(use.name);
      if (found != label_scopes_[scope].labels.end()) label = &found->second;
      if (label != nullptr || scope == 0) break;
      scope = label_scopes_[scope].parent;
    }
    if (label == nullptr) {
      if (errors_.size() < kMostDiagnostics) {
        note({Diagnostic::Kind::Malformed,
              use.where,
              function_.name,
              {},
              fmt::format("label '{}' is not defined", use.name)});
      }
      continue;
    }
    Instruction& instruction = function_.instructions[use.instruction];
    if (use.in_branch_list) {
      instruction.branch_targets.push_back(*label);
    } else {
      instruction.operands[use.operand].label = *label;
    }
  }
}

Guard FunctionParser::parse_guard() {
  Guard guard;
  state_.expect('@');
  guard.negated = state_.accept('!');
  const TextLocation where = state_.here();
  const std::string_view name = state_.expect_identifier("a predicate");
  guard.predicate = register_operand(name, where, {OperandRule::Kind::Read, Type::Pred}).reg;
  return guard;
}

// On sm_1x every f32 operation flushes subnormals (PTX ISA 9.7.3); the vendor's assembler gives .ftz to all
// that have it, but to conversions from and to f64.
void FunctionParser::flush_as_first_targets_do(std::string_view text, Form& form) {
  const bool single = form.type == Type::F32 || form.source_type == Type::F32;
  if (!single || form.type == Type::F64 || form.source_type == Type::F64 || form.modifiers.ftz) return;
  const FormResult flushed = decode_form(fmt::format("{}.ftz", text));
  if (flushed.status == FormResult::Status::Accepted) form.modifiers.ftz = true;
}

void FunctionParser::check_form(const FormResult& result, std::string_view text, TextLocation where) const {
  Diagnostic diagnostic;
  diagnostic.text = where;
  diagnostic.form = text;
  switch (result.status) {
    case FormResult::Status::UnknownOpcode:
      diagnostic.message = fmt::format("unknown instruction '{}'", text);
      throw Failure{diagnostic};
    case FormResult::Status::Refused:
      diagnostic.kind = Diagnostic::Kind::Unsupported;
      diagnostic.message = "not supported";
      throw Failure{diagnostic};
    case FormResult::Status::Accepted:
      break;
  }
  const std::string missing = unmet(result.form.requirement, state_.target);
  if (!missing.empty()) {
    diagnostic.kind = Diagnostic::Kind::Unsupported;
    diagnostic.message = missing;
    throw Failure{diagnostic};
  }
}

void FunctionParser::parse_instruction() {
  Instruction instruction;
  if (state_.token().is('@')) instruction.guard = parse_guard();
  if (state_.token().kind != TokenKind::Identifier) {
    fail_malformed(state_.here(), fmt::format("instruction expected, found {}", state_.found()));
  }
  const TextLocation where = state_.here();
  FormText text;
  state_.lexer.read_form(text);
  auto known = text.joined.empty() ? state_.forms.find(text.text) : state_.forms.end();
  Form joined_form;
  const Form* form = nullptr;
  if (known != state_.forms.end()) {
    form = &known->second;
  } else {
    FormResult result = decode_form(text.text);
    check_form(result, text.text, where);
    if (state_.target.sm < 20) flush_as_first_targets_do(text.text, result.form);
    if (text.joined.empty()) {
      form = &state_.forms.emplace(text.text, result.form).first->second;
    } else {
      joined_form = result.form;
      form = &joined_form;
    }
  }
  instruction.opcode = form->opcode;
  instruction.type = form->type;
  instruction.source_type = form->source_type;
  instruction.modifiers = form->modifiers;
  instruction.text = where;
  instruction.source = source_;
  instruction.form = text.text;
  try {
    if (form->opcode == Opcode::Call) {
      parse_call(instruction);
    } else {
      parse_operands(*form, instruction);
    }
    state_.expect(';');
  } catch (Failure& failure) {
    if (failure.diagnostic.form.empty()) failure.diagnostic.form = instruction.form;
    throw;
  }
  for (Instruction& first : before_) function_.instructions.push_back(std::move(first));
  before_.clear();
  function_.instructions.push_back(std::move(instruction));
}

bool parse_debug_directive(ParserState& state, SourceLocation* source) {
  const Token token = state.token();
  constexpr std::uint64_t kMost = 0xffffffff;
  if (token.is_directive(".loc")) {
    state.lexer.advance();
    SourceLocation location;
    location.file = static_cast<std::uint32_t>(parse_unsigned(state.lexer, kMost, ".loc file"));
    location.line = static_cast<std::uint32_t>(parse_unsigned(state.lexer, kMost, ".loc line"));
    parse_unsigned(state.lexer, kMost, ".loc column");
    while (state.accept(',')) {
      const std::string_view attribute = state.expect_identifier("function_name or inlined_at");
      if (attribute == "function_name") {
        state.expect_identifier("a label of .debug_str");
        if (state.token().is('+')) parse_constant(state.lexer);
      } else if (attribute == "inlined_at") {
        for (int i = 0; i < 3; ++i) parse_unsigned(state.lexer, kMost, "inlined_at");
      } else {
        fail_malformed(token.location, fmt::format("unknown .loc attribute '{}'", attribute));
      }
    }
    if (source != nullptr) *source = location;
    return true;
  }
  if (token.is_directive(".file")) {
    state.lexer.advance();
    const auto index = static_cast<std::size_t>(parse_unsigned(state.lexer, 1U << 20, ".file index"));
    std::string path;
    while (state.token().kind == TokenKind::String) {  // "directory" "file", or one path
      if (!path.empty()) path += '/';
      path += state.token().text;
      state.lexer.advance();
    }
    if (path.empty()) fail_malformed(token.location, ".file needs a name");
    while (state.accept(',')) parse_constant(state.lexer);
    if (state.module.files.size() <= index) state.module.files.resize(index + 1);
    state.module.files[index] = std::move(path);
    return true;
  }
  if (token.is_directive(".section")) {
    state.lexer.advance();
    if (state.token().kind != TokenKind::Directive && state.token().kind != TokenKind::Identifier) {
      fail_malformed(state.here(), ".section needs a name");
    }
    state.lexer.advance();
    if (!state.token().is('{')) fail_malformed(state.here(), "'{' expected after .section");
    state.lexer.skip_block();
    return true;
  }
  return false;
}

}  // namespace doppel::ptx
