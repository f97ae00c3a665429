// SPDX-License-Identifier: Apache-2.0
// Under --check: a read of shared memory that nobody has written is told where its value is used, and not
// where it is only read, moved, or left out by a choice.
#include <fmt/format.h>

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "card.h"
#include "expect.h"

namespace {

struct Case {
  std::string_view name;
  bool used;
  // %r1: the lane; %r2: what the first half of the lanes read of what was written, and the others of what was
  // not; %r3: what is stored to global memory; %rd1: where.
  std::string_view body;
};

constexpr std::array kCases{
    Case{"not_used", false, "add.u32 %r4, %r2, 1;"},
    Case{"copied_in_shared", false, "st.shared.u32 [%r5+256], %r2; ld.shared.u32 %r4, [%r5+256];"},
    Case{"not_selected", false, "setp.lt.u32 %p1, %r1, 16; selp.u32 %r3, %r2, 7, %p1;"},
    Case{"decided_by_and", false,
         "setp.lt.u32 %p1, %r1, 16; setp.eq.u32 %p2, %r2, 5; and.pred %p3, %p1, %p2; @%p3 bra SIDE; mov.u32 "
         "%r3, 1; SIDE:"},
    Case{"decided_by_or", false,
         "setp.ge.u32 %p1, %r1, 16; setp.eq.u32 %p2, %r2, 5; or.pred %p3, %p1, %p2; @%p3 bra SIDE; mov.u32 "
         "%r3, 1; SIDE:"},
    Case{"decided_in_comparison", false,
         "setp.lt.u32 %p1, %r1, 16; setp.eq.and.u32 %p2, %r2, 5, %p1; @%p2 bra SIDE; mov.u32 %r3, 1; SIDE:"},
    Case{"decided_by_a_negated_predicate", false,
         "setp.ge.u32 %p1, %r1, 16; setp.eq.and.u32 %p2, %r2, 5, !%p1; @%p2 bra SIDE; mov.u32 %r3, 1; SIDE:"},
    Case{"not_decided_by_a_negated_predicate", true,
         "setp.lt.u32 %p1, %r1, 16; setp.eq.and.u32 %p2, %r2, 5, !%p1; @%p2 bra SIDE; mov.u32 %r3, 1; SIDE:"},
    Case{"masked_out", false,
         "setp.lt.u32 %p1, %r1, 16; selp.u32 %r4, 0xffffffff, 0, %p1; and.b32 %r3, %r2, %r4;"},
    Case{"overwritten", false, "mov.u32 %r2, 3; mov.u32 %r3, %r2;"},
    Case{"stored", true, "mov.u32 %r3, %r2;"},
    Case{"computed_with", true, "mad.lo.u32 %r3, %r2, 3, 4;"},
    Case{"selected", true, "setp.lt.u32 %p1, %r1, 20; selp.u32 %r3, %r2, 7, %p1;"},
    Case{"branched_on", true, "setp.eq.u32 %p1, %r2, 5; @%p1 bra SIDE; mov.u32 %r3, 1; SIDE:"},
    Case{"chosen_by", true, "setp.eq.u32 %p1, %r2, 5; selp.u32 %r3, 1, 2, %p1;"},
    Case{"an_address", true,
         "and.b32 %r4, %r2, 28; cvt.u64.u32 %rd2, %r4; add.s64 %rd3, %rd1, %rd2; ld.global.u32 %r4, [%rd3];"},
    Case{"an_index_of_shared", true, "and.b32 %r4, %r2, 28; ld.shared.u32 %r3, [%r4];"},
    Case{"through_shared", true, "st.shared.u32 [%r5+256], %r2; ld.shared.u32 %r3, [%r5+256];"},
    Case{"added_to", true, "atom.global.add.u32 %r4, [%rd1], %r2;"},
};

// Sorts pairs of what the lane and its neighbours wrote, and did not write, and leaves in %r4 what stands by
// the lowest: as libraries sort what a thread holds. LLVM's code generator must come to an end with what is
// followed through it.
std::string sorting_network() {
  constexpr int kPairs = 12;
  std::string text = fmt::format("{{ .reg .b32 %key<{}>, %by<{}>, %low;\n", kPairs, kPairs);
  for (int i = 0; i < kPairs; ++i)
    text += fmt::format("ld.shared.u32 %key{}, [%r5+{}];\nld.shared.u32 %by{}, [%r5+{}];\n", i, 4 * i, i,
                        4 * i + 128);
  for (int round = 0; round < kPairs; ++round) {
    for (int i = round % 2; i + 1 < kPairs; i += 2) {
      text += fmt::format("setp.lt.u32 %p2, %key{}, %key{};\n", i, i + 1);
      for (const char* of : {"key", "by"}) {
        text += fmt::format("selp.u32 %low, %{0}{1}, %{0}{2}, %p2;\n", of, i, i + 1);
        text += fmt::format("selp.u32 %{0}{2}, %{0}{2}, %{0}{1}, %p2;\n", of, i, i + 1);
        text += fmt::format("mov.u32 %{}{}, %low;\n", of, i);
      }
    }
  }
  return text + "mov.u32 %r4, %by0; }\n";
}

std::string kernel(const Case& each) {
  return R"(.version 7.0
.target sm_80
.address_size 64
.visible .entry test(.param .u64 out)
{
  .reg .pred %p<4>;
  .reg .b32 %r<8>;
  .reg .b64 %rd<5>;
  .shared .align 8 .b8 shared[512];
  ld.param.u64 %rd1, [out];
  mov.u32 %r1, %tid.x;
  mov.u32 %r3, 0;
  mov.u32 %r6, shared;
  shl.b32 %r7, %r1, 2;
  add.u32 %r5, %r6, %r7;
  setp.ge.u32 %p1, %r1, 16;
  @%p1 bra READ;
  st.shared.u32 [%r5], 5;
READ:
  ld.shared.u32 %r2, [%r5];
)" + std::string(each.body) +
         R"(
  mul.wide.u32 %rd4, %r1, 4;
  add.s64 %rd4, %rd1, %rd4;
  st.global.u32 [%rd4], %r3;
  ret;
}
)";
}

}  // namespace

int main() {
  doppel::host::check(cuInit(0), "cuInit");
  const std::string sorted = sorting_network(), used = sorted + "mov.u32 %r3, %r4;";
  std::vector<Case> cases(kCases.begin(), kCases.end());
  cases.push_back({"sorted", false, sorted});
  cases.push_back({"sorted_and_stored", true, used});
  for (const Case& each : cases) {
    CUcontext context = nullptr;
    CUmodule module = nullptr;
    CUfunction function = nullptr;
    CUdeviceptr out = 0;
    doppel::host::check(cuCtxCreate(&context, 0, 0), "cuCtxCreate");
    doppel::host::check(cuMemAlloc(&out, 256), "cuMemAlloc");
    doppel::host::check(cuModuleLoadData(&module, kernel(each).c_str()), "cuModuleLoadData");
    doppel::host::check(cuModuleGetFunction(&function, module, "test"), "cuModuleGetFunction");
    doppel::host::launch(function, {1}, {32}, out);
    e2e::expect_result(cuCtxSynchronize(), each.used ? CUDA_ERROR_LAUNCH_FAILED : CUDA_SUCCESS,
                       std::string(each.name).c_str());
    doppel::host::check(cuCtxDestroy(context), "cuCtxDestroy");
  }
  return e2e::verdict();
}
