// SPDX-License-Identifier: Apache-2.0
// What a module names: variables with their initial contents, and what a function declares about its launch.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "ir/types.h"

namespace doppel::ir {

// Where something stands in its front end's text: both 1-based, 0 where there is no text.
struct TextLocation {
  std::uint32_t line = 0;
  std::uint32_t column = 0;
};

// Where it came from in the user's source, by line information; file indexes Module::files, line 0: not
// known.
struct SourceLocation {
  std::uint32_t file = 0;
  std::uint32_t line = 0;
  bool operator==(const SourceLocation&) const = default;
};

using RegisterId = std::uint32_t;  // index in Function::registers
inline constexpr RegisterId kNoRegister = UINT32_MAX;
using FunctionId = std::uint32_t;  // index in Module::functions

// A variable: of the module, or of the function that holds the operation (its own, or a parameter).
struct SymbolRef {
  enum class Scope : std::uint8_t { Module, Function, Parameter, ReturnParameter };
  Scope scope = Scope::Module;
  std::uint32_t index = 0;  // in Module::variables, Function::variables, ::parameters or ::return_parameters
  bool operator==(const SymbolRef&) const = default;
};

enum class Linkage : std::uint8_t { Internal, Extern, Visible, Weak, Common };

// A symbol's address placed in an initialised variable: the bytes at `offset` become address(target) +
// addend.
struct Relocation {
  std::uint64_t offset = 0;
  std::uint8_t size = 8;  // 4 or 8 bytes
  bool generic = false;   // the address in generic space
  bool is_function = false;
  std::uint32_t target = 0;  // in Module::variables, or Module::functions where is_function
  std::int64_t addend = 0;
  bool operator==(const Relocation&) const = default;
};

// What a variable of 64 bits holds the handle of (PTX ISA 5.3).
enum class OpaqueType : std::uint8_t { None, Texture, Sampler, Surface };

struct Variable {
  std::string name;
  Space space = Space::Global;
  Type type = Type::B8;  // of one element
  std::uint64_t size =
      0;  // in bytes, arrays and vectors included; 0: extern unsized array (dynamic shared memory)
  std::uint32_t alignment = 1;  // in bytes, a power of two
  Linkage linkage = Linkage::Internal;
  bool managed = false;
  OpaqueType opaque = OpaqueType::None;
  std::vector<std::byte> initializer;  // empty: zero; else exactly `size` bytes
  std::vector<Relocation> relocations;
  TextLocation text;
};

// The parameters of what an indirect call may reach.
struct Prototype {
  std::string name;
  std::vector<Variable> return_parameters;
  std::vector<Variable> parameters;
};

// What a kernel promises of its launches (PTX ISA 11.4). Zero: not given.
struct LaunchBounds {
  std::uint32_t max_threads[3] = {0, 0, 0};
  std::uint32_t required_threads[3] = {0, 0, 0};
  std::uint32_t min_blocks_per_sm = 0;
  std::uint32_t max_registers = 0;
  std::uint32_t required_cluster[3] = {0, 0, 0};  // blocks
  std::uint32_t max_cluster_blocks = 0;
  bool explicit_cluster = false;  // it has to be launched in clusters
  bool no_return = false;
};

}  // namespace doppel::ir
