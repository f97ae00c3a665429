// SPDX-License-Identifier: Apache-2.0
#include "jit/object_emission.h"

#include <llvm/Analysis/TargetTransformInfo.h>
#include <llvm/CodeGen/MachineModuleInfo.h>
#include <llvm/CodeGen/Passes.h>
#include <llvm/CodeGen/TargetPassConfig.h>
#include <llvm/IR/Instructions.h>
#include <llvm/IR/LegacyPassManager.h>
#include <llvm/IR/Module.h>
#include <llvm/Support/SmallVectorMemoryBuffer.h>
#include <llvm/Support/raw_ostream.h>
#include <llvm/Target/TargetMachine.h>

#include <algorithm>
#include <vector>

#include "jit/host_target.h"
#include "jit/near_addresses.h"

namespace doppel::jit {
namespace {

// Instructions a block. A block of 20,000 takes LLVM half the time in blocks of 100, and a tenth more in
// blocks of 300; what fills a block of a thousand is still as quick as one.
constexpr std::size_t kLongBlock = 1000;
constexpr std::size_t kSplitBlock = 100;

// Instructions of a function. MachineSinking walks all blocks again for each round of changes: two
// minutes for a kernel of 4,000 unrolled multiply-adds.
constexpr std::size_t kLargeFunction = 10000;

bool may_begin_block(const llvm::Instruction& instruction) {
  return !llvm::isa<llvm::PHINode>(instruction) && !llvm::isa<llvm::AllocaInst>(instruction) &&
         !instruction.isTerminator();
}

// True where there was a long block. What decides a block's branch stays with it.
bool split_long_blocks(llvm::Function& function) {
  std::vector<llvm::BasicBlock*> blocks;
  for (llvm::BasicBlock& block : function) {
    if (block.size() > kLongBlock) blocks.push_back(&block);
  }
  for (llvm::BasicBlock* block : blocks) {
    std::vector<llvm::Instruction*> first;
    std::size_t at = 0;
    const std::size_t size = block->size();
    for (llvm::Instruction& instruction : *block) {
      ++at;
      if (at % kSplitBlock == 0 && at + kSplitBlock / 2 < size && may_begin_block(instruction))
        first.push_back(&instruction);
    }
    // From the end, so that each instruction moves once.
    // NOLINTNEXTLINE(modernize-loop-convert)
    for (auto it = first.rbegin(); it != first.rend(); ++it) block->splitBasicBlock(*it, "part");
  }
  return !blocks.empty();
}

bool split_long_blocks(llvm::Module& module) {
  bool any = false;
  for (llvm::Function& function : module) any |= split_long_blocks(function);
  return any;
}

bool has_large_function(const llvm::Module& module) {
  return std::ranges::any_of(
      module, [](const llvm::Function& function) { return function.getInstructionCount() > kLargeFunction; });
}

struct Size {
  bool parts = false;  // long blocks were split; CodeGenPrepare would join them again
  bool large = false;
};

// TargetMachine::addPassesToEmitFile with fewer passes.
bool add_passes(llvm::LLVMTargetMachine& machine, llvm::legacy::PassManager& passes, const Size& size,
                llvm::raw_pwrite_stream& out) {
  auto* modules = new llvm::MachineModuleInfoWrapperPass(&machine);  // the pass manager's
  llvm::TargetPassConfig* config = machine.createPassConfig(passes);
  config->setDisableVerify(true);
  // There are no variables to follow: lines are all that debug information tells.
  config->disablePass(&llvm::LiveDebugValuesID);
  config->disablePass(&llvm::RemoveRedundantDebugValuesID);
  if (size.large) config->disablePass(&llvm::MachineSinkingID);
  if (size.parts) {
    // They look for the best order of what the host reorders itself, and take a tenth of the time each.
    config->disablePass(&llvm::MachineSchedulerID);
    config->disablePass(&llvm::PostRASchedulerID);
    config->disablePass(&llvm::MachineCSEID);
  }
  passes.add(config);
  passes.add(modules);
  passes.add(llvm::createTargetTransformInfoWrapperPass(machine.getTargetIRAnalysis()));
  passes.add(llvm::createPreISelIntrinsicLoweringPass());
  passes.add(llvm::createExpandLargeDivRemPass());
  passes.add(llvm::createExpandLargeFpConvertPass());
  config->addIRPasses();
  if (!size.parts) config->addCodeGenPrepare();
  config->addPassesToHandleExceptions();
  config->addISelPrepare();
  if (config->addInstSelector()) return false;
  passes.add(llvm::Pass::createPass(&llvm::FinalizeISelID));
  config->addMachinePasses();
  config->setInitialized();
  if (machine.addAsmPrinter(passes, out, nullptr, llvm::CodeGenFileType::ObjectFile,
                            modules->getMMI().getContext()))
    return false;
  passes.add(llvm::createFreeMachineFunctionPass());
  return true;
}

}  // namespace

Result<std::unique_ptr<llvm::MemoryBuffer>> emit_object(llvm::Module& module, Effort effort,
                                                        const std::string& name) {
  const std::unique_ptr<llvm::TargetMachine> machine = HostTarget::get().machine(effort);
  const bool split = split_long_blocks(module);
  for (llvm::Function& function : module) {
    if (effort == Effort::Quick) compute_addresses_near_uses(function);
  }
  const Size size{split && effort == Effort::Full, has_large_function(module)};
  llvm::SmallVector<char, 0> object;
  {
    llvm::raw_svector_ostream out(object);
    llvm::legacy::PassManager emit;
    if (!add_passes(static_cast<llvm::LLVMTargetMachine&>(*machine), emit, size, out))
      return fail(Error::Kind::Internal, "LLVM cannot write objects for this host");
    emit.run(module);
  }
  return std::make_unique<llvm::SmallVectorMemoryBuffer>(std::move(object), name,
                                                         /*RequiresNullTerminator=*/false);
}

}  // namespace doppel::jit
