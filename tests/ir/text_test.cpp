// SPDX-License-Identifier: Apache-2.0
// The IR's text: what is printed is read back as the same, and what is wrong is named with its line.
#include <gtest/gtest.h>

#include <string>

#include "ir/parse.h"
#include "ir/print.h"

namespace doppel::ir {
namespace {

constexpr const char* kEverything = R"(module "ir" "sm_86" 64
file 1 "a \"file\".cu"
variable "table" global u32 align 4 size 8 visible managed bytes 0100000002000000
variable "links" global u64 align 8 size 16 internal bytes 00000000000000000000000000000000 address 0 8 generic @table 4 address 8 8 plain &helper 0
variable "2 names" shared b8 align 16 size 0 extern
variable "2 names" shared b8 align 16 size 64 internal
function "vprintf" extern declared
result "r" param b32 align 4 size 4 internal
parameter "format" param b64 align 8 size 8 internal
function "helper" internal
result "out" reg f32 align 4 size 4 internal in %0
parameter "in" reg f32 align 4 size 4 internal in %1
register %1 %1:32
b0:
  %0:32 = fadd.rz.ftz.sat.f32 %1, 0x3f800000
  return
end
kernel "k" visible max_threads 256 1 1 min_blocks 2 max_registers 64
parameter "p" param b64 align 8 size 8 internal
parameter "q" param b8 align 8 size 24 internal
local "tile" shared f32 align 4 size 1024 internal
local "argument" param b64 align 8 size 16 internal
prototype "shape"
result "" param b32 align 4 size 4 internal
parameter "" param b64 align 8 size 8 internal
end
register %29 %31:16
b0:
  %0:64 = load.b64 [param b64 parameter#0]
  %1:32 = mov.u32 %tid.x
  %2:32 = mov.u32 %ntid.x
  %3:32 = mov.b32 %envreg.2
  %4:1 = icmp.ge.s32 %1, 100
  %5:1, %6:1 = fcmp.ltu.and.ftz.f32 %3, 0, !%4
  @!%4 branch -> b2
b1:
  %7:64 = imul.wide.u32 %1, 4
  %8:64 = iadd.s64 %0, %7
  %9:32, %10:32 = load.f32 [global f32 x2 %8 + -16, nc]
  %11:32 = ffma.rn.f32 %9, %10, %3
  @%4 store.f32 %11 [shared f32 local#0 + 64, relaxed, cta]
  %12:32 = atomic.add.u32 1 [global u32 @#0 + 4, acq_rel, gpu]
  reduce.max.s32 %12 [shared s32 %1]
  store.u32 %12 [global u32 %8, cta, async group]
  reduce.add.u32 1 [shared_cluster u32 %1, relaxed, cluster, async mbarrier local#0 + 8]
  converge_set 2
  @%4 converge_break 2
  yield
  %13:32, %14:1 = iadd_carry.u32 %1, %2, 0
  %15:32, _ = iadd_carry.u32 %1, %2, %14
  %16:32, %17:1 = lop3.or.lut150.b32 %1, %2, %3, %14
  %18:64 = pack.b64 %1, %2
  %19:32, _ = unpack.b64 %18
  %20:64 = mov.u64 @#2
  %21:64 = mov.u64 &helper
  %22:64 = to_generic.shared.u64 local#0 + 4
  %23:32 = itof.rn.f32.s32 -1
  fence.seq_cst.gpu
  barrier 0
  %24:32 = barrier_reduce.popc.u32 0, 64, !%4
  %25:32, %26:1 = shuffle.bfly.b32 %1, 1, 31, -1
  call &vprintf : local#1
  %27:32 = call &helper : %23
  local#1 = call &vprintf : local#1
  %28:32 = call any prototype 0 &helper : %21, %23
  branch_table.u32 %1 -> b1 b2 b3
b2:
  exit
b3:
end
)";

std::string error_of(const std::string& text) {
  const auto module = parse(text);
  return module ? std::string() : module.error().message;
}

std::string kernel(const std::string& body) {
  return "module \"ir\" \"sm_86\" 64\nkernel \"k\" visible\n" + body + "end\n";
}

TEST(IrText, IsReadBackAsItWasPrinted) {
  const auto module = parse(kEverything);
  ASSERT_TRUE(module) << module.error().message;
  std::string expected = kEverything;
  // A name that is the only one of its kind is written as it is.
  expected.replace(expected.find("@#0 + 4"), 2 + 1, "@table");
  EXPECT_EQ(print(*module, {.origins = false}), expected);
}

TEST(IrText, EachOperationCanBeWritten) {
  for (const OperationRow& each : all_operations()) {
    ASSERT_EQ(find_operation(each.name), each.op);
    EXPECT_EQ(row(each.op).name, each.name);
  }
  EXPECT_FALSE(find_operation("fadd3"));
}

TEST(IrText, AnOriginIsTheLineOfTheText) {
  const auto module = parse(kernel("b0:\n\n  ; nothing\n  exit\n"));
  ASSERT_TRUE(module) << module.error().message;
  EXPECT_EQ(module->functions[0].operations[0].origin.text.line, 6u);
  EXPECT_EQ(module->functions[0].form_of(module->functions[0].operations[0]), "exit");
}

TEST(IrText, ErrorsNameTheirLine) {
  EXPECT_EQ(error_of(""), "ir:0: 'module' expected");
  EXPECT_EQ(error_of(kernel("b0:\n  fly\n")), "ir:4: 'fly' is no operation");
  EXPECT_EQ(error_of(kernel("b0:\n  %0:32 = fadd.up.f32 %1, %2\n")), "ir:4: 'up' does not suit fadd");
  EXPECT_EQ(error_of(kernel("b0:\n  %0:33 = mov.b32 0\n")), "ir:4: no register has 33 bits");
  EXPECT_EQ(error_of(kernel("b0:\n  %0:32 = mov.b32 0\n  %0:64 = mov.b64 0\n")),
            "ir:5: register %0 has 32 bits elsewhere");
  EXPECT_EQ(error_of(kernel("b1:\n")), "ir:3: block b0 expected");
  EXPECT_EQ(error_of(kernel("b0:\n  store.u32 1 [global u32 0, async later]\n")),
            "ir:4: 'later' is no end of an asynchronous access");
  EXPECT_EQ(error_of(kernel("b0:\n  call &nobody :\n")), "ir:4: there is no function 'nobody'");
  EXPECT_EQ(error_of(kernel("b0:\n  exit now\n")), "ir:4: 'now' is no number");
  EXPECT_EQ(error_of("module \"ir\" \"sm_86\" 64\nkernel \"k\" visible\nb0:\n"),
            "ir:3: the function 'k' does not end");
}

}  // namespace
}  // namespace doppel::ir
