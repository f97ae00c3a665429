// SPDX-License-Identifier: Apache-2.0
#include "jit/host_target.h"

#include <llvm/ADT/StringMap.h>
#include <llvm/IR/Function.h>
#include <llvm/MC/MCSubtargetInfo.h>
#include <llvm/MC/TargetRegistry.h>
#include <llvm/Support/TargetSelect.h>
#include <llvm/TargetParser/Host.h>
#include <llvm/TargetParser/SubtargetFeature.h>
#include <llvm/TargetParser/Triple.h>

#include <cstdlib>

namespace doppel::jit {

namespace {

// What generated code must not use although the host has it. LLVM before 22 turns a masked comparison of
// halves around without its condition (llvm-project issue 159723), and the conversions to bf16 take
// subnormals for zero.
constexpr const char* kAvoided[] = {"avx512fp16", "avx512bf16", "avxneconvert"};

}  // namespace

HostTarget::HostTarget() {
  llvm::InitializeNativeTarget();
  llvm::InitializeNativeTargetAsmPrinter();
  const std::string triple = llvm::sys::getProcessTriple();
  std::string error;
  target_ = llvm::TargetRegistry::lookupTarget(triple, error);
  llvm::SubtargetFeatures features;
  if (const char* model = std::getenv("DOPPEL_HOST_CPU"); model != nullptr && *model != '\0') {
    cpu_ = model;
  } else {
    cpu_ = llvm::sys::getHostCPUName().str();
    for (const auto& feature : llvm::sys::getHostCPUFeatures())
      features.AddFeature(feature.getKey(), feature.getValue());
  }
  if (llvm::Triple(triple).isX86()) {
    for (const char* avoided : kAvoided) features.AddFeature(avoided, false);
  }
  features_ = features.getString();
}

const HostTarget& HostTarget::get() {
  static const HostTarget host;
  return host;
}

bool HostTarget::wide_vectors() const {
  static const bool wide = [this] {
    if (target_ == nullptr) return false;
    const std::unique_ptr<llvm::MCSubtargetInfo> subtarget(
        target_->createMCSubtargetInfo(llvm::sys::getProcessTriple(), cpu_, features_));
    return subtarget != nullptr && subtarget->checkFeatures("+avx512f,+avx512bw,+avx512dq,+avx512vl");
  }();
  return wide;
}

std::unique_ptr<llvm::TargetMachine> HostTarget::machine(Effort effort) const {
  llvm::TargetOptions options;
  options.AllowFPOpFusion = llvm::FPOpFusion::Strict;  // a product and a sum round twice unless PTX says fma
  options.TrapUnreachable = true;
  options.EmitStackSizeSection = true;  // the engine makes stacks large enough: see loaded_objects
  const bool quick = effort == Effort::Quick;
  std::unique_ptr<llvm::TargetMachine> machine(target_->createTargetMachine(
      llvm::sys::getProcessTriple(), cpu_, features_, options, llvm::Reloc::PIC_, llvm::CodeModel::Small,
      quick ? llvm::CodeGenOptLevel::None : llvm::CodeGenOptLevel::Default, /*JIT=*/true));
  if (machine != nullptr) machine->setO0WantsFastISel(false);
  return machine;
}

void HostTarget::apply(llvm::Function& function) const {
  if (wide_vectors()) {
    function.addFnAttr("prefer-vector-width", "512");
    function.addFnAttr("min-legal-vector-width", "512");
  }
  function.addFnAttr("target-cpu", cpu_);
  function.addFnAttr("target-features", features_);
  function.addFnAttr(llvm::Attribute::NoUnwind);
  // A frame larger than the guard below a stack touches each of its pages in turn.
  function.addFnAttr("probe-stack", "inline-asm");
  function.addFnAttr(llvm::Attribute::NullPointerIsValid);  // a wild access must fault, not vanish
}

}  // namespace doppel::jit
