// SPDX-License-Identifier: Apache-2.0
#include "every_form/form_kernel.h"

#include <fmt/format.h>

#include <bit>
#include <cstring>
#include <random>
#include <set>
#include <span>

#include "every_form/values.h"
#include "form_enumeration.h"
#include "frontend/ptx/form.h"
#include "frontend/ptx/parse.h"

namespace doppel::every_form {
namespace {

using ptx::Opcode;

constexpr int kOperands = 4;  // numbered 2, 3, ... as sample_line() has them
constexpr std::size_t kInputBytes =
    16;  // of an operand: an 8-byte, a 4-byte and a 2-byte value, and a predicate

bool is_approximate(const ptx::Form& form) {
  switch (form.opcode) {
    case Opcode::Sin:
    case Opcode::Cos:
    case Opcode::Lg2:
    case Opcode::Ex2:
    case Opcode::Tanh:
    case Opcode::Rsqrt:
      return true;
    case Opcode::Rcp:
    case Opcode::Sqrt:
    case Opcode::Div:
      return form.modifiers.approx || form.modifiers.full;
    default:
      return false;
  }
}

Trial trial_of(const ptx::Form& form) {
  switch (form.opcode) {
    case Opcode::Ld:
    case Opcode::Ldu:
    case Opcode::Ldmatrix:
      return Trial::Load;
    case Opcode::St:
    case Opcode::Stmatrix:
      return Trial::Store;
    case Opcode::Atom:
    case Opcode::Red:
      return Trial::Atomic;
    case Opcode::Bra:
    case Opcode::BrxIdx:
    case Opcode::Call:
    case Opcode::Ret:
    case Opcode::Exit:
    case Opcode::Trap:
    case Opcode::Brkpt:
    case Opcode::Bar:
    case Opcode::Cvta:
    case Opcode::Isspacep:
    case Opcode::Prefetch:
    case Opcode::Prefetchu:
    case Opcode::Applypriority:
    case Opcode::Discard:
    case Opcode::Createpolicy:
    case Opcode::Activemask:
    case Opcode::Elect:
    case Opcode::Nanosleep:
    case Opcode::CpAsync:
    case Opcode::CpAsyncCommitGroup:
    case Opcode::CpAsyncWaitGroup:
    case Opcode::CpAsyncWaitAll:
    case Opcode::CpAsyncMbarrierArrive:
    case Opcode::CpAsyncBulk:
    case Opcode::CpAsyncBulkCommitGroup:
    case Opcode::CpAsyncBulkWaitGroup:
    case Opcode::CpAsyncBulkPrefetch:
    case Opcode::CpAsyncBulkTensor:  // of tensor maps: tests/ptx, tests/driver
    case Opcode::CpAsyncBulkPrefetchTensor:
    case Opcode::Tensormap:
    case Opcode::Mbarrier:
    case Opcode::MbarrierWait:
    case Opcode::Mapa:
    case Opcode::Getctarank:
    case Opcode::BarrierCluster:
    case Opcode::StAsync:
    case Opcode::StBulk:
    case Opcode::RedAsync:
    case Opcode::ClusterlaunchcontrolTryCancel:
    case Opcode::ClusterlaunchcontrolQueryCancel:
    case Opcode::Setmaxnreg:
    case Opcode::Tex:  // of a texture that a kernel alone has not: tests/texture, tests/programs
    case Opcode::Tld4:
    case Opcode::Txq:
    case Opcode::Istypep:
    case Opcode::Suld:
    case Opcode::Sust:
    case Opcode::Sured:
    case Opcode::Suq:
      return Trial::CompileOnly;
    case Opcode::Wmma:  // whole matrices that are loaded and stored: tests/ptx
      return form.wmma.part == ptx::WmmaForm::Part::Product ? Trial::Values : Trial::CompileOnly;
    default:
      return Trial::Values;
  }
}

// The space whose address %rd1 must hold before the line.
std::string_view address_of(const ptx::Form& form) {
  switch (form.modifiers.space) {
    case ptx::Space::Shared:
    case ptx::Space::SharedCluster:
      return "%rd20";
    case ptx::Space::Local:
      return "%rd21";
    case ptx::Space::Const:
      return "%rd22";
    default:
      return "%rd23";
  }
}

std::string_view store_suffix(int bits) {
  return bits == 8 || bits == 16 ? "b16" : bits == 64 ? "b64" : "b32";
}

std::string register_of(ptx::Type type, int number) {
  std::string_view prefix = "%r";
  const int bits = ptx::bit_width(type);
  if (bits <= 16) prefix = "%h";
  if (bits == 64) prefix = type == ptx::Type::F64 ? "%d" : "%rd";
  if (type == ptx::Type::F32) prefix = "%f";
  return fmt::format("{}{}", prefix, number);
}

// Stores a destination to [%rd18+at].
std::string store_result(ptx::Type type, int number, std::size_t at) {
  if (type == ptx::Type::B128) return fmt::format("st.global.v2.b64 [%rd18+{}], {{%rd8, %rd9}};\n", at);
  if (type == ptx::Type::Pred)
    return fmt::format("selp.b32 %r20, 1, 0, %p{}; st.global.b32 [%rd18+{}], %r20;\n", number, at);
  return fmt::format("st.global.{} [%rd18+{}], {};\n", store_suffix(ptx::bit_width(type)), at,
                     register_of(type, number));
}

// Warp operations with a member mask that holds every lane.
std::string warp_line(const TrialForm& trial, const ptx::Form& form) {
  std::string line = ptx::test::sample_line(trial.text, form);
  switch (form.opcode) {
    case Opcode::Shfl:
    case Opcode::Vote:
    case Opcode::Match:
    case Opcode::Redux:
      return line.substr(0, line.rfind(',')).append(", -1;");
    case Opcode::BarWarpSync:
      return trial.text + " -1;";
    default:
      return line;
  }
}

std::string values_trial(const TrialForm& trial, const ptx::Form& form) {
  std::string text;
  const bool writes = form.operand_count > 0 && (form.operands[0].kind == ptx::OperandRule::Kind::Write ||
                                                 form.operands[0].kind == ptx::OperandRule::Kind::MoveTarget);
  const ptx::Type result = writes ? form.operands[0].type : ptx::Type::None;
  if (form.modifiers.carry_in) text += "add.cc.u32 %r20, %r2, %r3;\n";
  std::string line = warp_line(trial, form);
  const std::size_t first_comma = line.find(',');
  const bool pipes = form.pipe_type != ptx::Type::None;
  if (pipes && !form.pipe_required && first_comma != std::string::npos) line.insert(first_comma, "|%p7");
  text += line + "\n";
  if (writes && ptx::bit_width(result) == 8 && !form.operands[0].relaxed) text += "mov.b16 %h1, {%b1, 0};\n";
  if (writes) text += store_result(result, 1, 0);
  if (pipes) text += "selp.b32 %r20, 1, 0, %p7; st.global.b32 [%rd18+8], %r20;\n";
  if (form.modifiers.carry_out) text += "addc.u32 %r20, 0, 0; st.global.b32 [%rd18+8], %r20;\n";
  return text;
}

// Behind C: metadata, factors and which of them count, the last that the form takes.
std::string matrix_selectors(const ptx::Form& form, std::string& loads) {
  std::string line;
  const auto last = [](std::uint8_t constants) { return std::bit_width(constants) - 1; };
  for (std::size_t i = 4; i < form.operand_count; ++i) {
    const ptx::OperandRule& rule = form.operands[i];
    if (rule.kind == ptx::OperandRule::Kind::ReadOne) {
      loads += fmt::format(".reg .b32 %e{0};\nld.global.b32 %e{0}, [%rd16+{1}];\n", i, i * 8 % 64);
      line += fmt::format(", %e{}", i);
    } else if (rule.kind == ptx::OperandRule::Kind::Immediate) {
      line += fmt::format(", {}", last(rule.constants[0]));
    } else {
      line += fmt::format(", {{{}, {}}}", last(rule.constants[0]), last(rule.constants[1]));
    }
  }
  return line;
}

// Fragments of what the buffer has for the thread, each register of another place.
std::string matrix_trial(const TrialForm& trial, const ptx::Form& form) {
  std::string text = "{\n", line = trial.text;
  constexpr std::string_view kNames = "dabc";
  for (std::size_t operand = 0; operand < kNames.size(); ++operand) {
    const ptx::OperandRule& rule = form.operands[operand];
    const std::string_view type = ptx::name_of(rule.type);
    text += fmt::format(".reg .{} %{}<{}>;\n", type, kNames[operand], rule.vector);
    line += operand == 0 ? " {" : ", {";
    for (int i = 0; i < rule.vector; ++i) {
      line += fmt::format("{}%{}{}", i > 0 ? ", " : "", kNames[operand], i);
      const std::size_t at = (static_cast<std::size_t>(i) + operand) * 8 % (kOperands * kInputBytes);
      if (operand > 0) text += fmt::format("ld.global.{} %{}{}, [%rd16+{}];\n", type, kNames[operand], i, at);
    }
    line += "}";
  }
  line += matrix_selectors(form, text);
  text += line + ";\n";
  for (int i = 0; i < form.operands[0].vector; ++i) {
    // A NaN has any payload.
    if (form.operands[0].type == ptx::Type::F64)
      text +=
          fmt::format("setp.nan.f64 %p7, %d{0}, %d{0}; selp.f64 %d{0}, 0d7ff8000000000000, %d{0}, %p7;\n", i);
    text += fmt::format("st.global.{} [%rd18+{}], %d{};\n", ptx::name_of(form.operands[0].type),
                        i * ptx::bit_width(form.operands[0].type) / 8, i);
  }
  return text + "}\n";
}

std::string load_trial(const TrialForm& trial, const ptx::Form& form) {
  std::string text =
      fmt::format("add.s64 %rd1, {}, 0;\n{}\n", address_of(form), ptx::test::sample_line(trial.text, form));
  const int count = form.operands[0].vector;
  const int first = form.operands[0].kind == ptx::OperandRule::Kind::WriteVector ? 8 : 1;
  const int bytes = ptx::bit_width(form.type) <= 16 ? 2 : ptx::bit_width(form.type) / 8;
  for (int i = 0; i < count; ++i)
    text += store_result(form.type, first + i, static_cast<std::size_t>(i * bytes));
  return text;
}

// After a store or an atomic: 64 bytes of the thread's memory of the space, by plain loads.
std::string read_back(std::string_view address, std::string_view space, std::size_t bytes, std::size_t at) {
  std::string text;
  for (std::size_t i = 0; i < bytes; i += 8) {
    text += fmt::format("ld{}.b64 %rd19, [{}+{}]; st.global.b64 [%rd18+{}], %rd19;\n", space, address, i + 32,
                        at + i);
  }
  return text;
}

// Values in the registers of a vector operand.
std::string vector_registers() {
  std::string text;
  for (int i = 0; i < 8; ++i) {
    text += fmt::format(
        "mov.b64 %rd{0}, %rd{1}; mov.b64 %d{0}, %d{1}; mov.b32 %r{0}, %r{1}; mov.b32 %f{0}, %f{1}; mov.b16 "
        "%h{0}, %h{1};\n",
        8 + i, 2 + i % kOperands);
  }
  return text;
}

std::string store_trial(const TrialForm& trial, const ptx::Form& form) {
  if (form.modifiers.space == ptx::Space::Param) {
    return fmt::format("{{ .param .align 16 .b8 a[64];\n{} }}\n", ptx::test::sample_line(trial.text, form));
  }
  const std::string_view space =
      form.modifiers.space == ptx::Space::Shared || form.modifiers.space == ptx::Space::SharedCluster
          ? ".shared"
      : form.modifiers.space == ptx::Space::Local ? ".local"
                                                  : ".global";
  const std::string_view address = address_of(form);
  // The vector's registers: the first operands, as sample_line() numbers them.
  std::string text;
  if (form.modifiers.vector > 1) {
    text += vector_registers();
  }
  text += fmt::format("add.s64 %rd1, {}, 0;\n{}\n", address, ptx::test::sample_line(trial.text, form));
  text += read_back(address, space, 32, 0);
  return text;
}

std::string atomic_trial(const TrialForm& trial, const ptx::Form& form) {
  const std::string_view space =
      form.modifiers.space == ptx::Space::Shared || form.modifiers.space == ptx::Space::SharedCluster
          ? ".shared"
          : ".global";
  const std::string_view address = address_of(form);
  const int count = form.modifiers.vector;
  std::string text = count > 1 ? vector_registers() : "";
  text += fmt::format("add.s64 %rd1, {}, 0;\n{}\n", address, ptx::test::sample_line(trial.text, form));
  const int bytes = std::max(2, ptx::bit_width(form.type) / 8);
  for (int i = 0; form.opcode == Opcode::Atom && i < count; ++i)
    text += store_result(form.type, count > 1 ? 8 + i : 1, static_cast<std::size_t>(i * bytes));
  return text + read_back(address, space, 16, 16);
}

std::string trial_text(const TrialForm& trial) {
  const ptx::Form form = ptx::decode_form(trial.text).form;
  switch (trial.trial) {
    case Trial::Values:
      return form.opcode == Opcode::Mma || form.opcode == Opcode::Wmma ? matrix_trial(trial, form)
                                                                       : values_trial(trial, form);
    case Trial::Load:
      return load_trial(trial, form);
    case Trial::Store:
      return store_trial(trial, form);
    case Trial::Atomic:
      return atomic_trial(trial, form);
    case Trial::CompileOnly:
      break;
  }
  // Never reached, but the machines cannot know.
  return fmt::format("@%p6 {}\n", ptx::test::sample_line(trial.text, form));
}

std::string prologue(std::size_t forms) {
  std::string text =
      ".reg .pred %p<24>; .reg .b8 %b<8>; .reg .b16 %h<24>; .reg .b32 %r<24>; .reg .b64 %rd<24>; .reg .f32 "
      "%f<24>; .reg .f64 "
      "%d<24>;\n"
      ".shared .align 64 .b8 sh[16384]; .local .align 64 .b8 lo[64];\n"
      "ts: .branchtargets L;\n"
      "mov.u32 %r16, %tid.x; ld.param.u64 %rd16, [in]; ld.param.u64 %rd17, [out]; ld.param.u64 %rd23, "
      "[mem];\n";
  text += fmt::format(
      "mad.wide.u32 %rd16, %r16, {}, %rd16; mad.wide.u32 %rd18, %r16, {}, %rd17; mad.wide.u32 %rd23, %r16, "
      "64, %rd23;\n",
      kOperands * kInputBytes, forms * kResultBytes);
  text +=
      "mov.u64 %rd20, sh; mad.wide.u32 %rd20, %r16, 64, %rd20; mov.u64 %rd21, lo; mov.u64 %rd22, table;\n";
  for (int i = 0; i < 64; i += 8) {
    text += fmt::format(
        "ld.global.b64 %rd19, [%rd23+{0}]; st.shared.b64 [%rd20+{0}], %rd19; st.local.b64 [%rd21+{0}], "
        "%rd19;\n",
        i);
  }
  for (int i = 0; i < kOperands; ++i) {
    const int number = i + 2;
    const std::size_t at = static_cast<std::size_t>(i) * kInputBytes;
    text += fmt::format(
        "ld.global.b64 %rd{0}, [%rd16+{1}]; mov.b64 %d{0}, %rd{0}; ld.global.b32 %r{0}, [%rd16+{2}]; mov.b32 "
        "%f{0}, %r{0};\n",
        number, at, at + 8);
    text += fmt::format(
        "ld.global.b16 %h{0}, [%rd16+{1}]; ld.global.u8 %r20, [%rd16+{2}]; setp.ne.u32 %p{0}, %r20, 0; "
        "mov.b16 "
        "{{%b{0}, _}}, %h{0};\n",
        number, at + 12, at + 14);
  }
  // A predicate that is false in every thread.
  return text + "setp.eq.u32 %p6, %r16, 1000000;\nL:\n";
}

}  // namespace

std::vector<std::string> opcode_words() {
  std::vector<std::string> words;
  std::set<std::string> seen;
  for (const std::string& form : ptx::test::accepted_forms()) {
    const std::string word = form.substr(0, form.find('.'));
    if (seen.insert(word).second) words.push_back(word);
  }
  return words;
}

std::vector<TrialForm> trial_forms(std::string_view word) {
  std::vector<TrialForm> trials;
  for (const std::string& text : ptx::test::accepted_forms()) {
    if (text.substr(0, text.find('.')) != word) continue;
    const ptx::Form form = ptx::decode_form(text).form;
    const ptx::Modifiers& m = form.modifiers;
    const Trial trial = trial_of(form);
    if (trial == Trial::Load || trial == Trial::Store || form.opcode == Opcode::Set) {
      const bool plain = m.semantics == ptx::MemorySemantics::None && m.cache_op == ptx::CacheOp::None &&
                         m.bool_op == ptx::BoolOp::None;
      const bool one_type = form.type == ptx::Type::U32 && m.vector == 1;
      if (!plain && !one_type) continue;
    }
    if (trial == Trial::Atomic && m.semantics != ptx::MemorySemantics::None && form.type != ptx::Type::U32)
      continue;
    if (trial == Trial::Store && m.space == ptx::Space::Generic && m.vector * ptx::bit_width(form.type) > 256)
      continue;
    trials.push_back({text, trial, is_approximate(form)});
  }
  return trials;
}

std::string kernel_text(const std::vector<TrialForm>& forms) {
  std::string text = ".version 9.1\n.target sm_120a\n.address_size 64\n.const .align 64 .b8 table[64] = {";
  for (int i = 0; i < 64; ++i) text += fmt::format("{}{}", i > 0 ? "," : "", (i * 37 + 11) % 256);
  text +=
      "};\n.func f { ret; }\n.visible .entry k(.param .u64 in, .param .u64 out, .param .u64 mem, .param "
      ".align 64 .b8 p[64]) {\n";
  text += prologue(forms.size());
  for (const TrialForm& form : forms) {
    text +=
        "mov.b16 %h1, 0; mov.b32 %r1, 0; mov.b64 %rd1, 0; mov.b32 %f1, 0; mov.b64 %d1, 0; setp.ne.u32 %p1, "
        "0, 0;\n";
    text += trial_text(form);
    text += fmt::format("add.s64 %rd18, %rd18, {};\n", kResultBytes);
  }
  return text + "ret;\n}\n";
}

Result<harness::LaunchCase> make_case(const std::vector<TrialForm>& forms) {
  auto parsed = ptx::parse(kernel_text(forms));
  if (!parsed) return fail(Error::Kind::InvalidInput, ptx::to_string(parsed.error().diagnostics.front()));
  harness::LaunchCase launch;
  launch.module = std::make_shared<const ptx::Module>(std::move(*parsed));
  launch.kernel = std::string("k");
  launch.grid = {1, 1, 1};
  launch.block = {kThreads, 1, 1};
  std::mt19937 random(1);
  std::vector<std::byte> inputs(kThreads * kOperands * kInputBytes);
  for (std::size_t at = 0; at < inputs.size(); at += kInputBytes) {
    const std::uint64_t wide = interesting64(random);
    const std::uint32_t word = interesting32(random);
    const std::uint16_t half = interesting16(random);
    std::memcpy(&inputs[at], &wide, 8);
    std::memcpy(&inputs[at + 8], &word, 4);
    std::memcpy(&inputs[at + 12], &half, 2);
    inputs[at + 14] = static_cast<std::byte>(random() & 1);
  }
  std::vector<std::byte> memory(kThreads * 64);
  for (std::size_t at = 0; at < memory.size(); at += 8) {
    const std::uint64_t wide = interesting64(random);
    std::memcpy(&memory[at], &wide, 8);
  }
  std::vector<std::byte> parameter(memory.begin(), memory.begin() + 64);
  launch.buffers = {std::move(inputs), std::vector<std::byte>(kThreads * forms.size() * kResultBytes),
                    std::move(memory)};
  launch.arguments = {harness::BufferArgument{0}, harness::BufferArgument{1}, harness::BufferArgument{2},
                      std::move(parameter)};
  return launch;
}

}  // namespace doppel::every_form
