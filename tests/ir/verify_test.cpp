// SPDX-License-Identifier: Apache-2.0
// Each rule of the IR that the verifier holds, broken once.
#include "ir/verify.h"

#include <gtest/gtest.h>

#include <string>

#include "ir/parse.h"

namespace doppel::ir {
namespace {

// A valid kernel, to be broken by each test.
Module valid() {
  auto module = parse(R"(module "ir" "sm_86" 64
variable "table" global u32 align 4 size 4 visible
kernel "k" visible
b0:
  %0:32 = mov.u32 %tid.x
  %1:1 = icmp.lt.s32 %0, 5
  @%1 branch -> b2
b1:
  %2:64 = mov.u64 @table
  %3:32, %4:32 = load.u32 [global u32 x2 %2]
  store.u32 %3 [global u32 %2 + 4]
  %5:64 = pack.b64 %3, %4
b2:
  exit
end
)");
  EXPECT_TRUE(module) << module.error().message;
  return module ? std::move(*module) : Module{};
}

std::string broken(void (*how)(Module&, Function&)) {
  Module module = valid();
  how(module, module.functions.at(0));
  return verify(module);
}

TEST(IrVerify, AValidModuleIsFine) { EXPECT_EQ(verify(valid()), ""); }

TEST(IrVerify, NamesWhatIsWrong) {
  const std::string k = "ir: function 'k', operation ";
  EXPECT_EQ(broken([](Module&, Function& f) { f.operations[0].results.clear(); }),
            k + "0 (line 5), mov: 0 results where 1 to 1 belong");
  EXPECT_EQ(broken([](Module&, Function& f) { f.operations[1].sources.resize(1); }),
            k + "1 (line 6), icmp: 1 sources where 2 to 3 belong");
  EXPECT_EQ(broken([](Module&, Function& f) { f.operations[1].results[0].reg = 0; }),
            k + "1 (line 6), icmp: %0 has 32 bits where 1 belong");
  EXPECT_EQ(broken([](Module&, Function& f) { f.operations[1].sources[0].reg = 99; }),
            k + "1 (line 6), icmp: there is no register %99");
  EXPECT_EQ(broken([](Module&, Function& f) { f.operations[1].sources[0].negated = true; }),
            k + "1 (line 6), icmp: only a predicate may be negated");
  EXPECT_EQ(broken([](Module&, Function& f) { f.operations[1].attributes.ftz = true; }),
            k + "1 (line 6), icmp: it has no 'ftz'");
  EXPECT_EQ(broken([](Module&, Function& f) { f.operations[1].attributes.lut = 3; }),
            k + "1 (line 6), icmp: it has no table");
  EXPECT_EQ(broken([](Module&, Function& f) { f.operations[1].type = Type::None; }),
            k + "1 (line 6), icmp: its type is missing");
  EXPECT_EQ(broken([](Module&, Function& f) { f.operations[1].sources[1] = {}; }),
            k + "1 (line 6), icmp: a source is missing");
  EXPECT_EQ(broken([](Module&, Function& f) {
              f.operations[1].sources[1] = Operand::of_special(SpecialRegister::Laneid, 0);
            }),
            k + "1 (line 6), icmp: only mov reads a special register or the address of a function");
  EXPECT_EQ(broken([](Module&, Function& f) { f.operations[2].guard->predicate = 0; }),
            k + "2 (line 7), branch: %0 is no predicate");
  EXPECT_EQ(broken([](Module&, Function& f) { f.operations[2].targets[0] = 7; }),
            k + "2 (line 7), branch: there is no block b7");
  EXPECT_EQ(broken([](Module&, Function& f) { f.operations[2].targets.clear(); }),
            k + "2 (line 7), branch: 0 targets");
  EXPECT_EQ(broken([](Module&, Function& f) { f.operations[3].targets.push_back(0); }),
            k + "3 (line 9), mov: 1 targets");
  EXPECT_EQ(broken([](Module&, Function& f) { f.operations[3].sources[0].symbol_index = 1; }),
            k + "3 (line 9), mov: there is no variable 1 in its scope");
  EXPECT_EQ(broken([](Module&, Function& f) { f.operations[4].results.pop_back(); }),
            k + "4 (line 10), load: 1 values where the access has 2");
  EXPECT_EQ(broken([](Module&, Function& f) { f.operations[4].accesses.clear(); }),
            k + "4 (line 10), load: 0 accesses where 1 belong");
  EXPECT_EQ(broken([](Module&, Function& f) { f.operations[4].accesses[0].address.reg = 1; }),
            k + "4 (line 10), load: %1 of 1 bits holds no address");
  EXPECT_EQ(broken([](Module&, Function& f) { f.operations[4].accesses[0].type = Type::Pred; }),
            k + "4 (line 10), load: an access of no bytes");
  EXPECT_EQ(broken([](Module&, Function& f) { f.operations[5].accesses[0].barrier.offset = 8; }),
            k + "5 (line 11), store: an mbarrier that nothing arrives at");
  EXPECT_EQ(broken([](Module&, Function& f) { f.operations[4].accesses[0].completion = Completion::Group; }),
            k + "4 (line 10), load: a register would have its result before it ends");
  EXPECT_EQ(broken([](Module&, Function& f) { f.operations[6].sources[0].reg = 1; }),
            k + "6 (line 12), pack: %1 has 1 bits where a part has 32");
  EXPECT_EQ(broken([](Module&, Function& f) { f.operations[7].op = Op::Call; }),
            k + "7 (line 14), call: whom it calls is missing");
  EXPECT_EQ(broken([](Module&, Function& f) { f.operations[7].origin.form = 99; }),
            k + "7 (line 14), exit: its form is none of the function's");
}

TEST(IrVerify, BlocksCoverTheOperations) {
  EXPECT_EQ(broken([](Module&, Function& f) { f.blocks.pop_back(); }),
            "ir: function 'k': operations stand outside of all blocks");
  EXPECT_EQ(broken([](Module&, Function& f) { f.blocks[1].first = 2; }),
            "ir: function 'k': block b1 does not begin where the one before it ends");
  EXPECT_EQ(broken([](Module&, Function& f) { f.blocks.insert(f.blocks.begin(), {0, 0}); }),
            "ir: function 'k': block b0 is empty");
  EXPECT_EQ(broken([](Module&, Function& f) { f.operations[4].op = Op::Exit; }),
            "ir: function 'k': operation 4 ends block b1 before its end");
}

TEST(IrVerify, DeclarationsAreLookedAt) {
  EXPECT_EQ(broken([](Module&, Function& f) { f.registers[0] = 24; }),
            "ir: function 'k': no register has 24 bits");
  EXPECT_EQ(broken([](Module&, Function& f) { f.parameters.emplace_back(); }),
            "ir: function 'k': a parameter lacks its register");
  EXPECT_EQ(broken([](Module& m, Function&) { m.variables[0].initializer.resize(3); }),
            "ir: variable 'table': 3 bytes of contents where it has 4");
  EXPECT_EQ(
      broken([](Module& m, Function&) { m.variables[0].relocations.push_back({0, 8, false, false, 0, 0}); }),
      "ir: variable 'table': an address in it lies outside, or is of nothing");
}

}  // namespace
}  // namespace doppel::ir
