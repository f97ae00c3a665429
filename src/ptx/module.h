// A PTX module in typed form: what the parser makes, and what analyses, code generation and tests read.
// Names are resolved, nested scopes are flattened (a register or variable declared in a block has its own
// entry), and every instruction has been checked against the ISA's forms; see parse.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ptx/instruction.h"
#include "ptx/types.h"

namespace doppel::ptx {

enum class Linkage : std::uint8_t { Internal, Extern, Visible, Weak, Common };

struct Register {
  std::string name;  // "%r12"
  Type type = Type::None;
};

// A symbol's address placed in an initialised variable: the bytes at `offset` become address(target) +
// addend.
struct Relocation {
  std::uint64_t offset = 0;
  std::uint8_t size = 8;  // 4 or 8 bytes
  bool generic = false;   // generic(name): the address in generic space
  bool is_function = false;
  std::uint32_t target = 0;  // in Module::variables, or Module::functions where is_function
  std::int64_t addend = 0;
};

struct Variable {
  std::string name;
  Space space = Space::Global;
  Type type = Type::B8;  // of one element
  std::uint64_t size =
      0;  // in bytes, arrays and vectors included; 0: extern unsized array (dynamic shared memory)
  std::uint32_t alignment = 1;  // in bytes, a power of two
  Linkage linkage = Linkage::Internal;
  bool managed = false;                // .attribute(.managed)
  std::vector<std::byte> initializer;  // empty: zero; else exactly `size` bytes
  std::vector<Relocation> relocations;
  TextLocation text;
};

struct Prototype {
  std::string name;
  std::vector<Variable> return_parameters;
  std::vector<Variable> parameters;
};

// .maxntid and its like (PTX ISA 11.4). Zero: not given.
struct LaunchBounds {
  std::uint32_t max_threads[3] = {0, 0, 0};
  std::uint32_t required_threads[3] = {0, 0, 0};
  std::uint32_t min_blocks_per_sm = 0;
  std::uint32_t max_registers = 0;
  bool no_return = false;
};

struct Function {
  std::string name;
  bool is_kernel = false;       // .entry
  bool is_declaration = false;  // no body: extern, to be linked or one of the runtime's (vprintf, malloc, …)
  Linkage linkage = Linkage::Internal;
  std::vector<Variable> parameters;         // space Param or Reg
  std::vector<Variable> return_parameters;  // of .func
  // For parameters in space Reg: the register that stands for it, same index as in (return_)parameters.
  std::vector<RegisterId> parameter_registers;
  std::vector<RegisterId> return_registers;
  std::vector<Register> registers;
  std::vector<Variable> variables;  // .local, .shared, .param (of calls), .const declared in the body
  std::vector<Prototype> prototypes;
  std::vector<Instruction> instructions;
  std::vector<std::uint32_t>
      labels;  // label -> index of the instruction after it (may be instructions.size())
  std::vector<std::string> label_names;
  LaunchBounds bounds;
  TextLocation text;
};

struct Module {
  std::uint32_t version_major = 0, version_minor = 0;  // .version
  std::string target;                                  // "sm_86"
  std::uint32_t address_size = 64;
  std::vector<Variable> variables;  // module scope: .global, .const, .shared
  std::vector<Function> functions;
  std::vector<std::string> files;  // .file, by its index (gaps are empty)

  const Function* find_function(std::string_view name) const;
  const Variable* find_variable(std::string_view name) const;
};

}  // namespace doppel::ptx
