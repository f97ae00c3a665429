#include "jit/host_target.h"

#include <llvm/ADT/StringMap.h>
#include <llvm/IR/Function.h>
#include <llvm/MC/TargetRegistry.h>
#include <llvm/Support/TargetSelect.h>
#include <llvm/TargetParser/Host.h>
#include <llvm/TargetParser/SubtargetFeature.h>

namespace doppel::jit {

HostTarget::HostTarget() {
  llvm::InitializeNativeTarget();
  llvm::InitializeNativeTargetAsmPrinter();
  cpu_ = llvm::sys::getHostCPUName().str();
  llvm::SubtargetFeatures features;
  const llvm::StringMap<bool> found = llvm::sys::getHostCPUFeatures();
  for (const auto& feature : found) features.AddFeature(feature.getKey(), feature.getValue());
  features_ = features.getString();
  const auto has = [&](const char* name) {
    const auto at = found.find(name);
    return at != found.end() && at->getValue();
  };
  wide_vectors_ = has("avx512f") && has("avx512bw") && has("avx512dq") && has("avx512vl");
  std::string error;
  target_ = llvm::TargetRegistry::lookupTarget(llvm::sys::getProcessTriple(), error);
}

const HostTarget& HostTarget::get() {
  static const HostTarget host;
  return host;
}

std::unique_ptr<llvm::TargetMachine> HostTarget::machine() const {
  llvm::TargetOptions options;
  options.AllowFPOpFusion = llvm::FPOpFusion::Strict;  // a product and a sum round twice unless PTX says fma
  options.TrapUnreachable = true;
  return std::unique_ptr<llvm::TargetMachine>(
      target_->createTargetMachine(llvm::sys::getProcessTriple(), cpu_, features_, options, llvm::Reloc::PIC_,
                                   llvm::CodeModel::Small, llvm::CodeGenOptLevel::Default, /*JIT=*/true));
}

void HostTarget::apply(llvm::Function& function) const {
  if (wide_vectors_) {
    function.addFnAttr("prefer-vector-width", "512");
    function.addFnAttr("min-legal-vector-width", "512");
  }
  function.addFnAttr("target-cpu", cpu_);
  function.addFnAttr("target-features", features_);
  function.addFnAttr(llvm::Attribute::NoUnwind);
  function.addFnAttr(llvm::Attribute::NullPointerIsValid);  // a wild access must fault, not vanish
}

}  // namespace doppel::jit
