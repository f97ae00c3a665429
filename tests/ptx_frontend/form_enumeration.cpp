// SPDX-License-Identifier: Apache-2.0
#include "form_enumeration.h"

#include <string_view>
#include <unordered_set>

#include "form_lines.h"

namespace doppel::ptx::test {
namespace {

using Choices = std::vector<std::string_view>;  // of one position; "" where the suffix may be missing

const Choices kRounding = {"", "rn", "rz", "rm", "rp"};
const Choices kAnyRounding = {"", "rn", "rz", "rm", "rp", "rni", "rzi", "rmi", "rpi", "rna"};
const Choices kFtz = {"", "ftz"};
const Choices kSat = {"", "sat"};
const Choices kTypes = {"pred",  "b8",   "b16",    "b32",  "b64", "u8",    "u16",   "u32",
                        "u64",   "s8",   "s16",    "s32",  "s64", "u16x2", "s16x2", "f16",
                        "f16x2", "bf16", "bf16x2", "tf32", "f32", "f32x2", "f64"};
const Choices kCompare = {"eq", "ne",  "lt",  "le",  "gt",  "ge",  "lo",  "ls",  "hi",
                          "hs", "equ", "neu", "ltu", "leu", "gtu", "geu", "num", "nan"};
const Choices kBoolOp = {"", "and", "or", "xor"};
const Choices kSpaces = {"", "global", "shared", "local", "const", "param"};
const Choices kSharedSpaces = {"", "shared", "shared::cta", "shared::cluster", "global"};
const Choices kScopes = {"", "cta", "cluster", "gpu", "sys"};
const Choices kDimensions = {"1d", "2d", "3d", "4d", "5d"};
const Choices kTensorModes = {"", "tile", "tile::gather4", "im2col", "im2col::w", "im2col_no_offs"};
const Choices kNothing = {""};
const Choices kVideoTypes = {"u32.u32.u32", "s32.s32.s32", "s32.u32.s32", "u32.s32.u32"};
const Choices kMatrixShapes = {"m8n8k4",   "m8n8k16",  "m8n8k32",  "m8n8k128",  "m16n8k4",  "m16n8k8",
                               "m16n8k16", "m16n8k32", "m16n8k64", "m16n8k128", "m16n8k256"};
const Choices kWmmaShapes = {"m16n16k16", "m32n8k16", "m8n32k16", "m16n16k8",
                             "m8n8k4",    "m8n8k32",  "m8n8k128"};
const Choices kMatrixElements = {"f16", "bf16", "tf32", "f32", "f64", "s8",
                                 "u8",  "s4",   "u4",   "b1",  "s32", "e4m3"};
// D and C, then A and B: all that tensor cores multiply, and pairs that they do not.
Choices matrix_types() {
  static const auto* const all = [] {
    auto* made = new std::vector<std::string>;
    for (const char* sum : {"f16", "f32", "f64", "s32"}) {
      for (const char* a : {"f16", "bf16", "tf32", "f64", "s8", "u8", "s4", "u4", "b1", "e4m3", "e5m2",
                            "e3m2", "e2m3", "e2m1"}) {
        for (const char* b : {"f16", "bf16", "tf32", "f64", "s8", "u8", "s4", "u4", "b1", "e4m3", "e5m2",
                              "e3m2", "e2m3", "e2m1"})
          made->push_back(std::string(sum) + "." + a + "." + b + "." + sum);
      }
    }
    return made;
  }();
  return {all->begin(), all->end()};
}
// Of what is scaled in blocks: all there are, and some that there are not.
Choices small_float_types() {
  static const auto* const all = [] {
    auto* made = new std::vector<std::string>{"f16.e2m1.e2m1.f16", "f16.e4m3.e4m3.f16", "f32.s4.s4.f32"};
    for (const char* a : {"e4m3", "e5m2", "e3m2", "e2m3", "e2m1"}) {
      for (const char* b : {"e4m3", "e5m2", "e3m2", "e2m3", "e2m1"})
        made->push_back(std::string("f32.") + a + "." + b + ".f32");
    }
    return made;
  }();
  return {all->begin(), all->end()};
}
const Choices kGeometries = {"1d", "2d", "3d", "a1d", "a2d", "cube", "acube", "2dms", "a2dms"};
const Choices kVectors = {"", "v2", "v4"};
const Choices kBitTypes = {"b8", "b16", "b32", "b64", "u32"};
const Choices kBounds = {"", "trap", "clamp", "zero"};
const Choices kSecond = {"", "add", "min", "max"};

struct Pattern {
  std::string_view word;
  std::vector<Choices> positions;
};

const std::vector<Pattern>& patterns() {
  static const auto* const all = new std::vector<Pattern>{
      {"add", {kRounding, kFtz, kSat, {"", "cc"}, kTypes}},
      {"sub", {kRounding, kFtz, kSat, {"", "cc"}, kTypes}},
      {"mul", {{"", "lo", "hi", "wide"}, kRounding, kFtz, kSat, kTypes}},
      {"mad", {{"", "lo", "hi", "wide"}, kRounding, kFtz, kSat, {"", "cc"}, kTypes}},
      {"fma", {kRounding, kFtz, kSat, {"", "relu"}, kTypes}},
      {"div", {{"", "approx", "full", "rn", "rz", "rm", "rp"}, kFtz, kTypes}},
      {"rem", {kTypes}},
      {"abs", {kFtz, kTypes}},
      {"neg", {kFtz, kTypes}},
      {"min", {kFtz, {"", "NaN"}, {"", "xorsign"}, {"", "abs"}, {"", "relu"}, kTypes}},
      {"max", {kFtz, {"", "NaN"}, {"", "xorsign"}, {"", "abs"}, {"", "relu"}, kTypes}},
      {"mul24", {{"lo", "hi"}, kTypes}},
      {"mad24", {{"lo", "hi"}, kSat, kTypes}},
      {"sad", {kTypes}},
      {"popc", {kTypes}},
      {"clz", {kTypes}},
      {"bfind", {{"", "shiftamt"}, kTypes}},
      {"fns", {kTypes}},
      {"brev", {kTypes}},
      {"bfe", {kTypes}},
      {"bfi", {kTypes}},
      {"szext", {{"clamp", "wrap"}, kTypes}},
      {"bmsk", {{"clamp", "wrap"}, kTypes}},
      {"dp4a", {{"u32", "s32"}, {"u32", "s32"}}},
      {"dp2a", {{"lo", "hi"}, {"u32", "s32"}, {"u32", "s32"}}},
      {"addc", {{"", "cc"}, kTypes}},
      {"subc", {{"", "cc"}, kTypes}},
      {"madc", {{"lo", "hi"}, {"", "cc"}, kTypes}},
      {"testp", {{"finite", "infinite", "number", "notanumber", "normal", "subnormal"}, kTypes}},
      {"copysign", {kTypes}},
      {"rcp", {{"", "approx", "rn", "rz", "rm", "rp"}, kFtz, kTypes}},
      {"sqrt", {{"", "approx", "rn", "rz", "rm", "rp"}, kFtz, kTypes}},
      {"rsqrt", {{"", "approx"}, kFtz, kTypes}},
      {"sin", {{"approx"}, kFtz, kTypes}},
      {"cos", {{"approx"}, kFtz, kTypes}},
      {"lg2", {{"approx"}, kFtz, kTypes}},
      {"ex2", {{"approx"}, kFtz, kTypes}},
      {"tanh", {{"approx"}, kFtz, kTypes}},
      {"set", {kCompare, kBoolOp, kFtz, kTypes, kTypes}},
      {"setp", {kCompare, kBoolOp, kFtz, kTypes}},
      {"selp", {kTypes}},
      {"slct", {kFtz, kTypes, {"s32", "f32"}}},
      {"and", {kTypes}},
      {"or", {kTypes}},
      {"xor", {kTypes}},
      {"not", {kTypes}},
      {"cnot", {kTypes}},
      {"lop3", {{"", "or", "and"}, kTypes}},
      {"shf", {{"l", "r"}, {"clamp", "wrap"}, kTypes}},
      {"shl", {kTypes}},
      {"shr", {kTypes}},
      {"mov", {{"", "v2", "v4"}, kTypes}},
      {"prmt", {kTypes, {"", "f4e", "b4e", "rc8", "ecl", "ecr", "rc16"}}},
      {"shfl", {{"", "sync"}, {"up", "down", "bfly", "idx"}, kTypes}},
      {"cvta", {{"", "to"}, {"global", "shared", "local", "const", "param"}, {"u32", "u64"}}},
      {"isspacep", {{"global", "shared", "local", "const", "param"}}},
      {"ld",
       {{"", "weak", "volatile", "relaxed", "acquire", "mmio.relaxed"},
        kScopes,
        kSpaces,
        {"", "ca", "cg", "cs", "lu", "cv", "nc"},
        {"", "v2", "v4", "v8"},
        kTypes}},
      {"ldu", {{"", "global"}, {"", "v2", "v4"}, kTypes}},
      {"st",
       {{"", "weak", "volatile", "relaxed", "release", "mmio.relaxed"},
        kScopes,
        kSpaces,
        {"", "wb", "cg", "cs", "wt"},
        {"", "v2", "v4", "v8"},
        kTypes}},
      {"prefetch", {{"", "global", "local"}, {"L1", "L2", "L2::evict_last", "L2::evict_normal"}}},
      {"prefetchu", {{"L1"}}},
      {"applypriority", {{"", "global"}, {"L2::evict_normal"}}},
      {"discard", {{"", "global"}, {"L2"}}},
      {"createpolicy",
       {{"fractional"},
        {"L2::evict_last", "L2::evict_normal", "L2::evict_first", "L2::evict_unchanged"},
        {"b64"}}},
      {"createpolicy", {{"range"}, {"", "global"}, {"L2::evict_last", "L2::evict_first"}, {"b64"}}},
      {"createpolicy", {{"cvt"}, {"L2"}, {"b64"}}},
      {"cvt", {kAnyRounding, {"", "ftz"}, kSat, {"", "relu"}, {"", "satfinite"}, kTypes, kTypes}},
      {"cvt", {{"pack"}, {"sat"}, {"u8", "s8", "u16", "s16"}, {"s32"}, {"", "b32"}}},
      {"bra", {{"", "uni"}}},
      {"brx", {{"idx"}, {"", "uni"}}},
      {"call", {{"", "uni"}}},
      {"ret", {{"", "uni"}}},
      {"exit", {kNothing}},
      {"trap", {kNothing}},
      {"pmevent", {{"", "mask"}}},
      {"nanosleep", {{"u32"}}},
      {"griddepcontrol", {{"wait", "launch_dependents"}}},
      {"bar", {{"", "cta"}, {"sync", "arrive", "red.popc.u32", "red.and.pred", "red.or.pred"}}},
      {"bar", {{"warp"}, {"sync"}}},
      {"barrier",
       {{"", "cta"},
        {"sync", "arrive", "red.popc", "red.and", "red.or"},
        {"", "aligned"},
        {"", "u32", "pred"}}},
      {"membar", {{"cta", "gl", "sys"}}},
      {"fence", {{"", "sc", "acq_rel", "acquire", "release"}, kScopes}},
      {"fence", {{"proxy"}, {"alias"}}},
      {"cp",
       {{"async"},
        {"ca", "cg", "cs"},
        {"shared", "shared::cta", "shared::cluster"},
        {"global"},
        {"", "L2::64B", "L2::128B", "L2::256B", "L2::cache_hint"}}},
      {"cp", {{"async"}, {"commit_group", "wait_group", "wait_all"}}},
      {"cp",
       {{"async"},
        {"bulk"},
        {"global", "shared::cta", "shared::cluster"},
        {"global", "shared::cta", "shared::cluster"},
        {"mbarrier::complete_tx::bytes", "bulk_group"},
        {"", "multicast::cluster"},
        {"", "L2::cache_hint"},
        {"", "cp_mask"}}},
      {"cp",
       {{"reduce"},
        {"async"},
        {"bulk"},
        {"global", "shared::cta", "shared::cluster"},
        {"global", "shared::cta"},
        {"mbarrier::complete_tx::bytes", "bulk_group"},
        {"", "L2::cache_hint"},
        {"and", "or", "xor", "add", "inc", "dec", "min", "max"},
        {"", "noftz"},
        kTypes}},
      {"cp", {{"async"}, {"bulk"}, {"commit_group", "wait_group", "wait_group.read"}}},
      {"cp", {{"async"}, {"bulk"}, {"prefetch"}, {"L2"}, {"global"}, {"", "L2::cache_hint"}}},
      {"cp",
       {{"async"},
        {"bulk"},
        {"tensor"},
        kDimensions,
        {"shared::cta.global", "shared::cluster.global", "global.shared::cta"},
        kTensorModes,
        {"mbarrier::complete_tx::bytes", "bulk_group"},
        {"", "multicast::cluster"},
        {"", "L2::cache_hint"}}},
      {"cp",
       {{"reduce"},
        {"async"},
        {"bulk"},
        {"tensor"},
        kDimensions,
        {"global.shared::cta"},
        {"add", "min", "max", "inc", "dec", "and", "or", "xor"},
        kTensorModes,
        {"bulk_group"},
        {"", "L2::cache_hint"}}},
      {"cp",
       {{"async"},
        {"bulk"},
        {"prefetch"},
        {"tensor"},
        kDimensions,
        {"L2"},
        {"global"},
        kTensorModes,
        {"", "L2::cache_hint"}}},
      {"tensormap",
       {{"replace"},
        {"tile"},
        {"global_address", "rank", "box_dim", "global_dim", "global_stride", "element_stride", "elemtype",
         "interleave_layout", "swizzle_mode", "swizzle_atomicity", "fill_mode"},
        {"", "global", "shared::cta"},
        {"b1024"},
        {"b32", "b64"}}},
      {"tensormap",
       {{"cp_fenceproxy"},
        {"global"},
        {"shared::cta"},
        {"tensormap::generic"},
        {"release", "acquire"},
        kScopes,
        {"sync"},
        {"aligned"}}},
      {"fence", {{"proxy"}, {"tensormap::generic"}, {"release", "acquire"}, kScopes}},
      {"fence", {{"proxy"}, {"async"}, {"", "global", "shared::cta", "shared::cluster"}}},
      {"prefetch", {{"", "const", "param"}, {"tensormap"}}},
      {"cp", {{"async"}, {"mbarrier"}, {"arrive"}, {"", "noinc"}, kSharedSpaces, {"b64"}}},
      {"mbarrier", {{"init", "inval", "pending_count"}, kSharedSpaces, {"b64"}}},
      {"mbarrier",
       {{"expect_tx", "complete_tx"}, {"", "relaxed", "release"}, kScopes, kSharedSpaces, {"b64"}}},
      {"mbarrier",
       {{"arrive", "arrive_drop"},
        {"", "expect_tx", "noComplete"},
        {"", "release", "relaxed", "acquire"},
        kScopes,
        kSharedSpaces,
        {"b64"}}},
      {"mbarrier",
       {{"test_wait", "try_wait"},
        {"", "parity"},
        {"", "acquire", "relaxed", "release"},
        kScopes,
        kSharedSpaces,
        {"b64"}}},
      {"vote", {{"", "sync"}, {"all", "any", "uni", "ballot"}, {"pred", "b32"}}},
      {"match", {{"any", "all"}, {"sync"}, {"b32", "b64"}}},
      {"activemask", {{"b32"}}},
      {"redux", {{"sync"}, {"add", "min", "max", "and", "or", "xor"}, kTypes}},
      {"elect", {{"sync"}}},
      {"movmatrix", {{"sync"}, {"aligned"}, {"m8n8"}, {"trans"}, {"b16"}}},
      {"mma",
       {{"sync"},
        {"aligned"},
        {"", "kind::f8f6f4"},
        kMatrixShapes,
        {"row"},
        {"col"},
        {"", "satfinite"},
        matrix_types(),
        {"", "xor.popc", "and.popc"}}},
      {"mma",
       {{"sp", "sp::ordered_metadata"},
        {"sync"},
        {"aligned"},
        {"", "kind::f8f6f4"},
        kMatrixShapes,
        {"row"},
        {"col"},
        {"", "satfinite"},
        matrix_types()}},
      {"mma",
       {{"", "sp", "sp::ordered_metadata"},
        {"sync"},
        {"aligned"},
        {"kind::f8f6f4", "kind::mxf8f6f4", "kind::mxf4", "kind::mxf4nvf4"},
        {"", "block_scale"},
        {"", "scale_vec::1X", "scale_vec::2X", "scale_vec::4X"},
        {"m16n8k32", "m16n8k64", "m16n8k128"},
        {"row"},
        {"col"},
        small_float_types(),
        {"ue8m0", "ue4m3"}}},
      {"mma",
       {{"sync"},
        {"aligned"},
        kMatrixShapes,
        {"row"},
        {"col"},
        {"rn", "rz", "rm", "rp"},
        {"f64.f64.f64.f64", "f32.f16.f16.f32"}}},
      {"wmma",
       {{"load"},
        {"a", "b", "c"},
        {"sync"},
        {"aligned"},
        {"row", "col"},
        kWmmaShapes,
        {"", "global", "shared"},
        kMatrixElements}},
      {"wmma",
       {{"store"},
        {"d"},
        {"sync"},
        {"aligned"},
        {"row", "col"},
        kWmmaShapes,
        {"", "global", "shared"},
        {"f16", "f32", "f64", "s32"}}},
      {"wmma",
       {{"mma"},
        {"", "xor.popc", "and.popc"},
        {"sync"},
        {"aligned"},
        {"row", "col"},
        {"row", "col"},
        kWmmaShapes,
        {"", "rn", "rz", "rm", "rp"},
        {"f16.f16", "f16.f32", "f32.f16", "f32.f32", "f32.bf16.bf16.f32", "f32.tf32.tf32.f32",
         "f64.f64.f64.f64", "s32.s8.s8.s32", "s32.u8.u8.s32", "s32.s8.u8.s32", "s32.s4.s4.s32",
         "s32.u4.u4.s32", "s32.b1.b1.s32"},
        {"", "satfinite"}}},
      {"ldmatrix",
       {{"sync"},
        {"aligned"},
        {"m8n8", "m8n16", "m16n16"},
        {"x1", "x2", "x4"},
        {"", "trans"},
        {"", "shared", "global"},
        {"b16", "b8", "b8x16.b6x16_p32", "b8x16.b4x16_p64"}}},
      {"stmatrix",
       {{"sync"},
        {"aligned"},
        {"m8n8", "m16n8"},
        {"x1", "x2", "x4"},
        {"", "trans"},
        {"", "shared"},
        {"b16", "b8"}}},
      {"atom",
       {{"", "relaxed", "acquire", "release", "acq_rel"},
        kScopes,
        {"", "global", "shared"},
        {"add", "and", "or", "xor", "cas", "exch", "inc", "dec", "min", "max"},
        {"", "noftz"},
        kTypes}},
      {"vadd", {kVideoTypes, kSat, kSecond}},
      {"vsub", {kVideoTypes, kSat, kSecond}},
      {"vabsdiff", {kVideoTypes, kSat, kSecond}},
      {"vmin", {kVideoTypes, kSat, kSecond}},
      {"vmax", {kVideoTypes, kSat, kSecond}},
      {"vshl", {kVideoTypes, {"clamp", "wrap"}, kSat, kSecond}},
      {"vshr", {kVideoTypes, {"clamp", "wrap"}, kSat, kSecond}},
      {"vmad", {kVideoTypes, {"", "po"}, kSat, {"", "shr7", "shr15"}}},
      {"vset", {{"u32", "s32"}, {"u32", "s32"}, kCompare, kSecond}},
      {"vadd2", {kVideoTypes, kSat, {"", "add"}}},
      {"vsub2", {kVideoTypes, kSat, {"", "add"}}},
      {"vavrg2", {kVideoTypes, kSat, {"", "add"}}},
      {"vabsdiff2", {kVideoTypes, kSat, {"", "add"}}},
      {"vmin2", {kVideoTypes, kSat, {"", "add"}}},
      {"vmax2", {kVideoTypes, kSat, {"", "add"}}},
      {"vset2", {{"u32", "s32"}, {"u32", "s32"}, kCompare, {"", "add"}}},
      {"vadd4", {kVideoTypes, kSat, {"", "add"}}},
      {"vsub4", {kVideoTypes, kSat, {"", "add"}}},
      {"vavrg4", {kVideoTypes, kSat, {"", "add"}}},
      {"vabsdiff4", {kVideoTypes, kSat, {"", "add"}}},
      {"vmin4", {kVideoTypes, kSat, {"", "add"}}},
      {"vmax4", {kVideoTypes, kSat, {"", "add"}}},
      {"vset4", {{"u32", "s32"}, {"u32", "s32"}, kCompare, {"", "add"}}},
      {"tex",
       {{"", "base", "level", "grad"},
        kGeometries,
        {"v2", "v4"},
        {"u32", "s32", "f16", "f16x2", "f32", "b32"},
        {"s32", "f32"}}},
      {"tld4",
       {{"r", "g", "b", "a"}, kGeometries, {"v2", "v4"}, {"u32", "s32", "f16", "f32"}, {"s32", "f32"}}},
      {"txq",
       {{"", "level"},
        {"width", "height", "depth", "channel_data_type", "channel_order", "normalized_coords", "array_size",
         "num_mipmap_levels", "num_samples", "force_unnormalized_coords", "filter_mode", "addr_mode_0",
         "addr_mode_1", "addr_mode_2"},
        {"b32", "u32"}}},
      {"suq",
       {{"width", "height", "depth", "channel_data_type", "channel_order", "array_size", "memory_layout"},
        {"b32"}}},
      {"istypep", {{"texref", "samplerref", "surfref"}}},
      {"suld", {{"b", "p"}, kGeometries, {"", "ca", "cg", "cs", "cv"}, kVectors, kBitTypes, kBounds}},
      {"sust", {{"b", "p"}, kGeometries, {"", "wb", "cg", "cs", "wt"}, kVectors, kBitTypes, kBounds}},
      {"sured",
       {{"b", "p"},
        {"add", "min", "max", "and", "or", "xor"},
        kGeometries,
        {"b32", "b64", "u32", "u64", "s32", "s64"},
        kBounds}},
      {"red",
       {{"", "relaxed", "release"},
        kScopes,
        {"", "global", "shared"},
        {"add", "and", "or", "xor", "inc", "dec", "min", "max"},
        {"", "noftz"},
        kTypes}},
  };
  return *all;
}

void expand(const Pattern& pattern, std::size_t position, const std::string& so_far,
            std::vector<std::string>& forms) {
  if (position == pattern.positions.size()) {
    // Not those that only early targets have: the modules of these tests are for a late one.
    const FormResult result = decode_form(so_far);
    if (result.status == FormResult::Status::Accepted && result.form.requirement.last_sm == 0)
      forms.push_back(so_far);
    return;
  }
  for (const std::string_view choice : pattern.positions[position]) {
    std::string longer = so_far;
    if (!choice.empty()) longer.append(".").append(choice);
    expand(pattern, position + 1, longer, forms);
  }
}

std::string reg(Type type, int number) {
  std::string_view prefix = "%r";
  switch (bit_width(type)) {
    case 1:
      prefix = "%p";
      break;
    case 8:
    case 16:
      prefix = "%h";
      break;
    case 64:
      prefix = type == Type::F64 ? "%d" : "%rd";
      break;
    default:
      prefix = type == Type::F32 ? "%f" : "%r";
      break;
  }
  return std::string(prefix) + std::to_string(number);
}

std::string operand_text(const OperandRule& rule, const Form& form, int number) {
  using Kind = OperandRule::Kind;
  if (rule.type == Type::B128) {  // both halves
    const int low = number == 1 ? 8 : number;
    return "{%rd" + std::to_string(low) + ", %rd" + std::to_string(low + 1) + "}";
  }
  if (bit_width(rule.type) == 8 && !rule.relaxed) return "%b" + std::to_string(number);
  switch (rule.kind) {
    case Kind::ReadPredicate:
      return "%p" + std::to_string(number);
    case Kind::Immediate:
      if (rule.constants[0] != 0 || rule.most != 0) return "0";
      return form.opcode == Opcode::Applypriority || form.opcode == Opcode::Discard ? "128" : "7";
    case Kind::RegisterCount:
      return "40";
    case Kind::Zero:
      return "0";
    case Kind::NoResult:
      return "_";
    case Kind::CopyBytes:
      return "16";
    case Kind::Address:
      if (form.modifiers.space == Space::Param) return form.opcode == Opcode::St ? "[a]" : "[p]";
      return "[%rd1+32]";  // aligned for the widest access
    case Kind::Label:
      return "L";
    case Kind::BranchList:
      return "ts";
    case Kind::WriteVector:
    case Kind::ReadVector: {
      std::string text = "{";
      for (int i = 0; i < rule.vector; ++i) text.append(i > 0 ? ", " : "").append(reg(rule.type, 8 + i));
      return text + "}";
    }
    case Kind::Unified:
      return {};
    case Kind::TensorMapSize:
      return "128";
    case Kind::TensorAddress: {
      std::string text = "[%rd1, {";
      for (int i = 0; i < rule.vector; ++i) text.append(i > 0 ? ", " : "").append(reg(rule.type, 8 + i));
      return text + "}]";
    }
    case Kind::TextureObject:
    case Kind::SamplerObject:
    case Kind::SurfaceObject:
      return "[%rd1]";
    case Kind::TextureCoordinates: {
      std::string text = "[%rd1, {";
      for (int i = 0; i < rule.vector; ++i) {
        const bool layer = i == 0 && form.modifiers.texture.is_layered();
        text.append(i > 0 ? ", " : "").append(reg(layer ? Type::U32 : rule.type, 8 + i));
      }
      return text + "}]";
    }
    default:
      return reg(rule.type, number);
  }
}

}  // namespace

std::vector<std::string> accepted_forms(bool with_hints) {
  std::vector<std::string> forms;
  for (const Pattern& pattern : patterns()) expand(pattern, 0, std::string(pattern.word), forms);
  // And those that the vendor's assembler was asked about.
  std::unordered_set<std::string> known(forms.begin(), forms.end());
  for (const FormLine& line : form_lines()) {
    if (!line.on_sm_120a || line.form.find("::") != std::string::npos || !known.insert(line.form).second)
      continue;
    if (decode_form(line.form).status == FormResult::Status::Accepted) forms.push_back(line.form);
  }
  if (with_hints) {
    for (const char* form : {"ld.global.L1::evict_last.u32", "ld.global.L1::no_allocate.L2::128B.v2.f32",
                             "ld.global.nc.L1::evict_first.L2::256B.u32", "ld.global.L2::cache_hint.u32",
                             "st.global.L1::evict_last.u32", "st.global.L2::cache_hint.v4.f32",
                             "atom.global.add.L2::cache_hint.u32", "red.global.add.L2::cache_hint.u32"}) {
      if (decode_form(form).status == FormResult::Status::Accepted) forms.emplace_back(form);
    }
  }
  return forms;
}

std::string sample_line(const std::string& text, const Form& form) {
  if (form.opcode == Opcode::Call) return text + " f;";
  std::string line = text;
  int number = 1;
  for (std::size_t i = 0; i < form.operand_count; ++i) {
    const OperandRule& rule = form.operands[i];
    if (rule.optional) continue;
    line += number == 1 ? " " : ", ";
    line += operand_text(rule, form, number);
    if (number == 1 && form.pipe_required) line.append("|").append(reg(form.pipe_type, 7));
    ++number;
  }
  return line + ";";
}

}  // namespace doppel::ptx::test
