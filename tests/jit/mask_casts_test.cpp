// SPDX-License-Identifier: Apache-2.0
// Logic of lane masks that LLVM 19 would turn to and fro between integers and vectors for ever, on a host
// with AVX-512 (llvm-project issue 123333). A fault of separate_mask_types() shows as a test that does not
// end.
#include "jit/mask_casts.h"

#include <gtest/gtest.h>
#include <llvm/AsmParser/Parser.h>
#include <llvm/IR/InstIterator.h>
#include <llvm/IR/Instructions.h>
#include <llvm/IR/LegacyPassManager.h>
#include <llvm/IR/Module.h>
#include <llvm/IR/Verifier.h>
#include <llvm/MC/TargetRegistry.h>
#include <llvm/Support/SourceMgr.h>
#include <llvm/Support/TargetSelect.h>
#include <llvm/Support/raw_ostream.h>
#include <llvm/Target/TargetMachine.h>

#include <memory>
#include <string>

namespace doppel::jit {
namespace {

std::unique_ptr<llvm::Module> parse(llvm::LLVMContext& context, const std::string& body) {
  llvm::SMDiagnostic error;
  auto module = llvm::parseAssemblyString(
      "target triple = \"x86_64-pc-linux-gnu\"\n"
      "define void @f(i32 %x, i32 %y, <32 x i32> %a, <32 x i64> %v, ptr %out, ptr %more) "
      "\"target-cpu\"=\"znver4\" {\n" +
          body + "ret void\n}\n",
      error, context);
  if (module == nullptr) ADD_FAILURE() << error.getMessage().str();
  return module;
}

bool is_integers_mask(const llvm::Value* value) {
  const auto* cast = llvm::dyn_cast<llvm::BitCastInst>(value);
  return cast != nullptr && cast->getSrcTy()->isIntegerTy();
}

// Nothing of what LLVM would turn is left, and code comes out.
void expect_code(const std::string& body) {
  llvm::LLVMContext context;
  const auto module = parse(context, body);
  ASSERT_NE(module, nullptr);
  separate_mask_types(*module);
  ASSERT_FALSE(llvm::verifyModule(*module, &llvm::errs()));
  for (const llvm::Instruction& each : llvm::instructions(*module->getFunction("f"))) {
    if (!each.getType()->isVectorTy() || !each.getType()->getScalarType()->isIntegerTy(1)) continue;
    const bool logic = each.isBitwiseLogicOp();
    EXPECT_FALSE(logic && is_integers_mask(each.getOperand(0)) && is_integers_mask(each.getOperand(1)));
    if (!is_integers_mask(&each)) continue;
    const auto* integer = llvm::dyn_cast<llvm::Instruction>(each.getOperand(0));
    EXPECT_FALSE(integer != nullptr && integer->isBitwiseLogicOp());
  }
  llvm::InitializeNativeTarget();
  llvm::InitializeNativeTargetAsmPrinter();
  std::string error;
  const llvm::Target* target = llvm::TargetRegistry::lookupTarget("x86_64-pc-linux-gnu", error);
  if (target == nullptr) GTEST_SKIP() << "no code generator for x86: " << error;
  const std::unique_ptr<llvm::TargetMachine> machine(
      target->createTargetMachine("x86_64-pc-linux-gnu", "znver4", "", {}, {}));
  module->setDataLayout(machine->createDataLayout());
  llvm::raw_null_ostream nowhere;
  llvm::legacy::PassManager passes;
  ASSERT_FALSE(machine->addPassesToEmitFile(passes, nowhere, nullptr, llvm::CodeGenFileType::ObjectFile));
  passes.run(*module);
}

TEST(MaskCasts, AnIntegersLogicBesideTheVectorOfItsOperand) {
  expect_code(R"(
    %mask = bitcast i32 %x to <32 x i1>
    %flipped = xor i32 1, %x
    %other = icmp sgt <32 x i32> %a, zeroinitializer
    %n = xor <32 x i1> %mask, %other
    %one = bitcast i32 1 to <32 x i1>
    %first = and <32 x i1> %n, %one
    %value = zext <32 x i1> %first to <32 x i64>
    %taken = bitcast i32 %flipped to <32 x i1>
    %result = select <32 x i1> %taken, <32 x i64> %value, <32 x i64> %v
    store <32 x i64> %result, ptr %out
  )");
}

TEST(MaskCasts, AVectorOfLogicBesideThoseOfItsOperands) {
  expect_code(R"(
    %p = bitcast i32 %x to <32 x i1>
    %q = bitcast i32 %y to <32 x i1>
    %both = or i32 %x, %y
    %r = bitcast i32 %both to <32 x i1>
    %s = or <32 x i1> %r, %q
    %first = select <32 x i1> %s, <32 x i32> %a, <32 x i32> zeroinitializer
    store <32 x i32> %first, ptr %out
    %not = xor <32 x i1> %q, splat (i1 true)
    %t = and <32 x i1> %not, %p
    %second = select <32 x i1> %t, <32 x i32> zeroinitializer, <32 x i32> %a
    store <32 x i32> %second, ptr %more
  )");
}

TEST(MaskCasts, ASelectionThatIsLogic) {
  expect_code(R"(
    %p = bitcast i32 %x to <32 x i1>
    %q = bitcast i32 %y to <32 x i1>
    %s = select <32 x i1> %p, <32 x i1> %q, <32 x i1> zeroinitializer
    %t = select <32 x i1> %q, <32 x i1> splat (i1 true), <32 x i1> %p
    %u = select <32 x i1> %q, <32 x i1> zeroinitializer, <32 x i1> %p
    %w = select <32 x i1> %q, <32 x i1> %p, <32 x i1> splat (i1 true)
    %first = select <32 x i1> %s, <32 x i32> %a, <32 x i32> zeroinitializer
    store <32 x i32> %first, ptr %out
    %tu = and <32 x i1> %t, %u
    %tuw = and <32 x i1> %tu, %w
    %second = select <32 x i1> %tuw, <32 x i32> zeroinitializer, <32 x i32> %a
    store <32 x i32> %second, ptr %more
  )");
}

TEST(MaskCasts, AComparisonKeepsLogicAVector) {
  llvm::LLVMContext context;
  const auto module = parse(context, R"(
    %c = icmp sgt <32 x i32> %a, zeroinitializer
    %bits = bitcast <32 x i1> %c to i32
    %here = and i32 %bits, %x
    %mask = bitcast i32 %here to <32 x i1>
    %result = select <32 x i1> %mask, <32 x i32> %a, <32 x i32> zeroinitializer
    store <32 x i32> %result, ptr %out
  )");
  separate_mask_types(*module);
  bool found = false;
  for (const llvm::Instruction& each : llvm::instructions(*module->getFunction("f")))
    found = found || (each.isBitwiseLogicOp() && each.getType()->isVectorTy());
  EXPECT_TRUE(found);
}

}  // namespace
}  // namespace doppel::jit
