// SPDX-License-Identifier: Apache-2.0
// The body of a function: declarations, labels, nested scopes, instructions (PTX ISA 4.3, 7).
#pragma once

#include <array>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "frontend/ptx/constant.h"
#include "frontend/ptx/form.h"
#include "frontend/ptx/parser_state.h"

namespace doppel::ptx {

class FunctionParser {
 public:
  // `function` has its name and parameters; they are declared in the scope that the caller opened.
  FunctionParser(ParserState& state, Function& function);

  // From the '{' of the body to past its '}'. Errors of a statement are noted, and reading goes on after it;
  // what leaves the rest of the body unreadable is thrown.
  void parse_body();
  void note(Diagnostic error);
  std::vector<Diagnostic>& errors() { return errors_; }

 private:
  // A label's name where it is used; bound at the end of the body, when all labels are known.
  struct LabelUse {
    std::string_view name;
    std::uint32_t scope = 0;
    TextLocation where;
    std::uint32_t instruction = 0;
    bool in_branch_list = false;
    std::uint32_t operand = 0;
  };
  // .branchtargets: names, bound where a brx.idx uses them.
  struct BranchList {
    std::vector<std::string_view> names;
    std::vector<TextLocation> where;
    std::uint32_t scope = 0;
  };
  struct LabelScope {
    std::uint32_t parent = 0;
    std::unordered_map<std::string_view, LabelId> labels;
  };

  // statements: function_parser.cpp
  void parse_statements();
  void parse_statement();
  void parse_directive();
  void parse_label(std::string_view name, TextLocation where);
  void parse_labelled_list(std::string_view name, TextLocation where);
  void open_scope();
  void close_scope();
  void bind_labels();
  void recover();
  Guard parse_guard();
  void parse_instruction();
  static void flush_as_first_targets_do(std::string_view text, Form& form);
  void check_form(const FormResult& result, std::string_view text, TextLocation where) const;

  // operands: operand_parser.cpp
  void parse_operands(const Form& form, Instruction& instruction);
  void parse_operand(const OperandRule& rule, Instruction& instruction);
  void parse_pipe(const Form& form, Instruction& instruction);
  Operand parse_write(const OperandRule& rule);
  Operand parse_read(const OperandRule& rule);
  Operand parse_predicate();
  Operand parse_address(const Instruction& instruction);
  void parse_tensor_address(const OperandRule& rule, Instruction& instruction);
  Operand parse_vector(const OperandRule& rule, bool writes);
  Operand parse_pack(const OperandRule& rule, bool writes);
  Operand parse_move_source(const OperandRule& rule);
  Operand parse_cvta_source(const OperandRule& rule);
  Operand parse_special(const OperandRule& rule);
  Operand parse_immediate(Type type);
  Operand parse_constant_of(const OperandRule& rule);
  Operand symbol_operand(const Binding& binding, std::string_view name);
  Operand register_operand(std::string_view name, TextLocation where, const OperandRule& rule) const;
  RegisterId fresh_register(Type type);
  RegisterId special_to_register(const Operand& special, const OperandRule& rule);
  bool register_follows(int bits);
  void parse_copy_bytes(const OperandRule& rule, Instruction& instruction);
  Operand parse_source_bytes(const OperandRule& rule, const Instruction& instruction);
  void parse_branch_list();
  bool optional_operand_follows(const OperandRule& rule) const;
  bool accept_negation();
  std::string_view accept_selector();
  Operand with_addend(Operand operand);
  Type register_type(const Operand& operand) const { return function_.registers[operand.reg].type; }

  // texture_operands.cpp
  Operand handle_of(SymbolRef symbol);
  Operand parse_handle(ir::OpaqueType wanted, std::string_view what);
  Operand parse_bracketed_handle(ir::OpaqueType wanted, std::string_view what);
  bool sampler_follows() const;
  Operand parse_words(const OperandRule& rule, bool layered);
  void parse_texture_coordinates(const OperandRule& rule, Instruction& instruction);
  void parse_texture_options(Instruction& instruction);

  // array_elements.cpp
  struct ElementOffset {
    std::int64_t bytes = 0;
    std::optional<Operand> varying;  // a register with the bytes instead
  };
  ElementOffset parse_element_offset(SymbolRef variable);
  Operand element_address(SymbolRef variable, const ElementOffset& offset, Type type, Space space);

  // wide_registers.cpp
  Operand halves_of(RegisterId wide);
  Operand parse_wide(const OperandRule& rule, bool writes);
  void rewrite_wide(Instruction& instruction);
  void settle_wide_registers();

  // rewritten_forms.cpp
  Instruction made_here(std::string_view form, std::vector<Operand> operands) const;
  Operand fresh(Type type);
  Operand compute_before(std::string_view form, std::vector<Operand> sources);
  Operand compute_at_entry(std::string_view form, std::vector<Operand> sources);
  void put_at_entry();
  void rewrite(const Form& form, Instruction& instruction);
  void rewrite_three_inputs(Instruction& instruction);
  void rewrite_vector_move(Instruction& instruction);
  void rewrite_mixed_precision(Instruction& instruction);
  void rewrite_cancel_query(CancelQuery query, Instruction& instruction);
  void rewrite_without_sync(Instruction& instruction);

  // rewritten_tensor_maps.cpp
  void rewrite_tensor_map(const Form& form, Instruction& instruction);
  void replace_field(const Form& form, Instruction& instruction);
  void copy_tensor_map(Instruction& instruction);

  // rewritten_video.cpp
  void rewrite_video(const Form& form, Instruction& instruction);
  static void finish_video(Instruction& instruction, const Operand& value);
  Operand video_scalar(const Form& form, const Instruction& instruction);
  Operand video_multiply_add(const Form& form, const Instruction& instruction);
  Operand video_lanes(const Form& form, const Instruction& instruction);
  Operand video_source(const Operand& from, Type type, std::string_view selector, TextLocation where);
  Operand clamped(Operand value, std::int64_t least, std::int64_t most, std::string_view type);
  Operand saturated_field(const Operand& value, bool sign, int width, std::string_view type);

  // rewritten_wmma.cpp
  struct LanePlace;
  void rewrite_wmma(const Form& form, Instruction& instruction);
  void append_before(std::string_view form, std::vector<Operand> operands, const std::optional<Guard>& guard);
  LanePlace lane_place(const Operand& address, Space space, const Operand& stride, int bits,
                       const Operand& major, const Operand& minor);
  Operand lane_address(LanePlace& place, int major, int minor);
  Operand lane_number();
  std::pair<Operand, Operand> lane_in_fragment(int elements);
  void load_factor(const WmmaForm& form, const Instruction& in, const Operand& stride,
                   const std::vector<Operand>& to);
  void load_factor_by_matrices(const WmmaForm& form, const Instruction& in, const Operand& stride,
                               const std::vector<Operand>& to);
  void transfer_sum(const WmmaForm& form, const Instruction& in, const Operand& stride,
                    const std::vector<Operand>& registers);
  void multiply_fragments(const WmmaForm& form, const Instruction& in);

  // call_parser.cpp
  struct CallValue {
    Operand operand;
    std::optional<Constant> constant;
    TextLocation where;
  };
  void parse_call(Instruction& instruction);
  void parse_call_suffix(Call& call);
  std::vector<CallValue> parse_call_list();
  std::vector<Operand> match_call_list(std::vector<CallValue> given, const std::vector<Variable>& wanted,
                                       std::string_view what, TextLocation where) const;
  const Variable& variable_of(SymbolRef symbol) const;
  Prototype parse_prototype(std::string_view name);

  ParserState& state_;
  std::vector<Diagnostic> errors_;
  Function& function_;
  SourceLocation source_;
  std::uint32_t label_scope_ = 0;
  std::uint32_t depth_ = 0;
  std::vector<LabelScope> label_scopes_;
  std::vector<LabelUse> label_uses_;
  std::vector<BranchList> branch_lists_;
  std::vector<std::vector<FunctionId>> call_targets_;
  std::unordered_map<RegisterId, std::pair<RegisterId, RegisterId>> wide_registers_;  // of 128 bits: halves
  std::array<std::string_view, 4> selectors_;  // of the video instruction in work, by operand
  std::array<bool, 4> negations_{};
  std::vector<Instruction> before_;  // instructions that an operand needs first
  std::vector<Instruction> entry_;   // those that stand before the function's first
};

// .loc, .file and their like, which stand both in bodies and at module scope: true if the current token began
// one.
bool parse_debug_directive(ParserState& state, SourceLocation* source);

}  // namespace doppel::ptx
