// SPDX-License-Identifier: Apache-2.0
// The form of an instruction: what its opcode and suffixes mean, and which operands must follow.
// decode_form() is the one gate: a form that no forms_*.cpp file accepts on purpose is refused.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "frontend/ptx/instruction.h"
#include "frontend/ptx/target.h"
#include "frontend/ptx/wmma_tiles.h"

namespace doppel::ptx {

// What one operand position takes.
struct OperandRule {
  enum class Kind : std::uint8_t {
    Write,          // a register, or `_`
    WriteOne,       // the same, perhaps in braces: a list of one element, as of ld
    Read,           // a register or an immediate
    ReadOne,        // the same, perhaps in braces: of st
    ReadPredicate,  // a predicate, possibly with `!`
    Immediate,      // a constant only
    Address,        // [address]
    Label,          // of bra
    BranchList,     // of brx.idx: the name of a .branchtargets list
    WriteVector,    // {a, b, ...} of `vector` elements, or `_` in place of one
    ReadVector,
    MoveSource,       // of mov: also special registers, symbols and {pack}
    MoveTarget,       // of mov: also {unpack}
    SpecialRead,      // of cvt: a register, an immediate or a special register
    AddressOrSymbol,  // of cvta: a register, or a variable's name
    CopyBytes,        // of cp.async: 4, 8 or 16, which becomes the vector of its accesses
    SourceBytes,      // of cp.async: of these those that are read, or a predicate that says that none are
    NoResult,         // `_` only
    RegisterCount,    // of setmaxnreg: a constant, 24 to 256 in eights
    Zero,             // the constant 0
    ArrivalCount,     // of mbarrier.arrive: more than one arrival, which needs sm_90
    CachePolicy,      // a hint, as the 64 bits after ld, st, atom, red: checked, then dropped
    Unified,          // `.unified` after an address: dropped
    TextureObject,    // [a]: a 64-bit handle, or a variable that holds one
    SamplerObject,
    SurfaceObject,
    TextureCoordinates,  // [a, c] or [a, b, c]: texture or surface, sampler, `vector` coordinates
    TensorAddress,       // [a, {b, c}]: a tensor map, `vector` coordinates
    TensorMapSize,       // 128: dropped
    TextureOptions,      // {, e} {, f}: offsets, and the reference of a depth comparison
  };
  Kind kind = Kind::Read;
  Type type = Type::None;
  bool relaxed = false;   // a wider register is allowed (PTX ISA 9.4.1)
  bool optional = false;  // may be missing, with all that follow
  std::uint8_t vector = 1;
  bool part = false;       // may be followed by a selector of bytes or halves: %r1.b2
  bool negatable = false;  // may have a `-` before its register
  // Constants that are taken, a bit each, of the operand or its elements, the first and others; 0: any.
  std::array<std::uint8_t, 2> constants{};
  std::uint8_t most = 0;  // of a constant: the largest that is taken; 0: any
};

// What only video instructions have (PTX ISA 9.7.18); they are rewritten where they are read.
struct VideoForm {
  enum class Second : std::uint8_t { None, Add, Min, Max };  // with operand c
  Type result = Type::None, a = Type::None, b = Type::None;
  Second second = Second::None;
  bool plus_one = false;   // vmad.po
  std::uint8_t scale = 0;  // vmad.shr7, vmad.shr15
};

// What tensormap and the fences of its proxy have; they are rewritten where they are read.
struct TensorMapForm {
  enum class Part : std::uint8_t {
    None,
    Field,     // of the object: type, offset
    Elements,  // the same, of an array
    Copy,      // of the whole object, and a fence
    Fence
  };
  Part part = Part::None;
  Type type = Type::None;
  std::uint8_t offset = 0;
};
// Of clusterlaunchcontrol.query_cancel: what is asked of the answer.
enum class CancelQuery : std::uint8_t { None, IsCanceled, All, X, Y, Z };

struct Form {
  Opcode opcode = Opcode::Mov;
  Type type = Type::None;
  Type source_type = Type::None;
  Modifiers modifiers;
  std::array<OperandRule, 10> operands;
  std::uint8_t operand_count = 0;
  Type pipe_type = Type::None;  // of a second destination after `|`; None: there is none
  bool pipe_required = false;
  VideoForm video;
  WmmaForm wmma;
  TensorMapForm tensor_map;
  CancelQuery cancel_query = CancelQuery::None;
  Requirement requirement;
};

struct FormResult {
  enum class Status : std::uint8_t { Accepted, UnknownOpcode, Refused };
  Status status = Status::Refused;
  Form form;
};

// `text` as written, "ld.global.v4.f32".
FormResult decode_form(std::string_view text);

class FormBuilder;
// Reads the suffixes and fills the form; false refuses it.
using FormDecoder = bool (*)(FormBuilder& builder);

struct OpcodeForms {
  std::string_view word;  // the first word of the form
  Opcode opcode;
  FormDecoder decode;
};

std::span<const OpcodeForms> integer_forms();
std::span<const OpcodeForms> float_forms();
std::span<const OpcodeForms> arithmetic_forms();  // opcodes that serve integers and floats
std::span<const OpcodeForms> comparison_forms();
std::span<const OpcodeForms> logic_forms();
std::span<const OpcodeForms> memory_forms();
std::span<const OpcodeForms> move_forms();
std::span<const OpcodeForms> conversion_forms();
std::span<const OpcodeForms> control_forms();
std::span<const OpcodeForms> synchronisation_forms();
std::span<const OpcodeForms> matrix_forms();
std::span<const OpcodeForms> matrix_memory_forms();
std::span<const OpcodeForms> wmma_forms();
std::span<const OpcodeForms> asynchronous_forms();
std::span<const OpcodeForms> mbarrier_forms();
std::span<const OpcodeForms> tensor_forms();
std::span<const OpcodeForms> atomic_forms();
std::span<const OpcodeForms> video_forms();
std::span<const OpcodeForms> texture_forms();
std::span<const OpcodeForms> cluster_forms();

}  // namespace doppel::ptx
