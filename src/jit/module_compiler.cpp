// SPDX-License-Identifier: Apache-2.0
#include "jit/module_compiler.h"

#include <fmt/format.h>
#include <llvm/Analysis/CGSCCPassManager.h>
#include <llvm/Analysis/LoopAnalysisManager.h>
#include <llvm/IR/DIBuilder.h>
#include <llvm/IR/Module.h>
#include <llvm/IR/PassManager.h>
#include <llvm/IR/Verifier.h>
#include <llvm/Passes/PassBuilder.h>
#include <llvm/Support/MemoryBuffer.h>
#include <llvm/Support/raw_ostream.h>
#include <llvm/Transforms/InstCombine/InstCombine.h>
#include <llvm/Transforms/Scalar/ADCE.h>
#include <llvm/Transforms/Scalar/EarlyCSE.h>
#include <llvm/Transforms/Scalar/GVN.h>
#include <llvm/Transforms/Scalar/LICM.h>
#include <llvm/Transforms/Scalar/LoopPassManager.h>
#include <llvm/Transforms/Scalar/SROA.h>
#include <llvm/Transforms/Scalar/SimplifyCFG.h>

#include <map>

#include "analysis/analysed_function.h"
#include "ir/print.h"
#include "jit/access_records.h"
#include "jit/bounds_tests.h"
#include "jit/emission_plan.h"
#include "jit/function_emitter.h"
#include "jit/host_target.h"
#include "jit/logic_selects.h"
#include "jit/mask_casts.h"
#include "jit/object_emission.h"
#include "jit/warp_coroutine.h"

namespace doppel::jit {
namespace {

// The name of a device function in generated code. Twine, because gcc 12 warns of "f" + std::to_string (its
// bug 105651).
std::string code_name(ir::FunctionId id) { return ("f" + llvm::Twine(id)).str(); }

// Device functions: f(context, lanes, frame offset, results..., parameters...), results and parameters as
// pointers to 32 values each.
llvm::Function* declare(ModuleState& state, ir::FunctionId id) {
  llvm::LLVMContext& context = state.llvm.getContext();
  const ir::Function& function = state.ir.functions[id];
  llvm::Type* pointer = llvm::PointerType::get(context, 0);
  std::vector<llvm::Type*> types{pointer};
  if (!function.is_kernel) {
    types.push_back(llvm::Type::getInt32Ty(context));
    types.push_back(llvm::Type::getInt64Ty(context));
    types.insert(types.end(), function.return_parameters.size() + function.parameters.size(), pointer);
  }
  auto* type = llvm::FunctionType::get(llvm::Type::getVoidTy(context), types, false);
  const bool is_entry = id == state.kernel.id;
  llvm::Function* result = llvm::Function::Create(
      type, is_entry ? llvm::GlobalValue::ExternalLinkage : llvm::GlobalValue::InternalLinkage,
      is_entry ? std::string(kEntryName) : code_name(id), state.llvm);
  HostTarget::get().apply(*result);
  // The context is not marked noalias: what is stored there for a fault's report must stay before the access.
  return result;
}

void optimise(llvm::Module& module, llvm::TargetMachine& machine) {
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager components;
  llvm::ModuleAnalysisManager modules;
  llvm::PassBuilder builder(&machine);
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(components);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, components, modules);

  llvm::FunctionPassManager passes;
  prepare_coroutines(module, modules);
  passes.addPass(llvm::SROAPass(llvm::SROAOptions::ModifyCFG));
  passes.addPass(llvm::EarlyCSEPass(/*UseMemorySSA=*/false));
  passes.addPass(llvm::InstCombinePass());
  passes.addPass(llvm::SimplifyCFGPass());
  passes.addPass(llvm::createFunctionToLoopPassAdaptor(
      llvm::LICMPass(llvm::LICMOptions()), /*UseMemorySSA=*/true, /*UseBlockFrequencyInfo=*/false));
  passes.addPass(llvm::EarlyCSEPass(/*UseMemorySSA=*/true));
  passes.addPass(llvm::ADCEPass());
  passes.addPass(llvm::SimplifyCFGPass());
  for (llvm::Function& function : module) {
    if (function.isDeclaration()) continue;
    passes.run(function, functions);
    drop_repeated_records(function);
  }
  split_coroutines(module, modules, functions);
  for (llvm::Function& function : module) expand_bounds_tests(function);
  if (!HostTarget::get().wide_vectors()) return;
  hide_logic_from_masks(module);
  separate_mask_types(module);
}

std::string text_of(const llvm::Module& module) {
  std::string text;
  llvm::raw_string_ostream out(text);
  module.print(out, nullptr);
  return text;
}

// A kernel on its way to an object.
class Compilation {
 public:
  Compilation(const CompileRequest& request, bool notes_accesses)
      : request_(request),
        module_("doppel", context_),
        state_{request.module,
               request.module.ir(),
               request.module.kernel(request.kernel),
               request.variant,
               module_,
               {},
               HostTarget::get().wide_vectors(),
               notes_accesses ? &accesses_ : nullptr} {}

  Result<void> emit();
  void optimise() { jit::optimise(module_, *machine_); }
  llvm::Module& module() { return module_; }
  const std::string& name() const { return state_.ir.functions[request_.kernel].name; }
  const std::vector<AccessNote>& accesses() const { return accesses_; }

 private:
  Result<void> verify();
  void dump_analysis(const analysis::AnalysedFunction& analysed);

  const CompileRequest& request_;
  llvm::LLVMContext context_;
  llvm::Module module_;
  std::unique_ptr<llvm::TargetMachine> machine_;
  std::vector<AccessNote> accesses_;
  ModuleState state_;
};

void Compilation::dump_analysis(const analysis::AnalysedFunction& analysed) {
  PassLog* log = request_.passes;
  if (log == nullptr) return;
  const std::string variant = jit::name_of(request_.variant);
  if (log->wants("ir", name())) log->dump("ir", name(), variant, ir::print(state_.ir, analysed.function));
  if (log->wants("lanes", name())) log->dump("lanes", name(), variant, analysis::to_string(analysed));
  if (log->wants("plan", name()))
    log->dump("plan", name(), variant, jit::to_string(analysed, plan_emission(analysed, request_.variant)));
}

Result<void> Compilation::emit() {
  machine_ = HostTarget::get().machine(Effort::Full);
  if (!machine_) return fail(Error::Kind::Internal, "LLVM has no code generator for this host");
  module_.setDataLayout(machine_->createDataLayout());
  module_.setTargetTriple(machine_->getTargetTriple().str());
  module_.addModuleFlag(llvm::Module::Warning, "Debug Info Version", llvm::DEBUG_METADATA_VERSION);
  module_.addModuleFlag(llvm::Module::Warning, "Dwarf Version", 4);
  try {
    llvm::DIBuilder lines(module_);
    llvm::DIFile* file = lines.createFile("ptx", "");
    lines.createCompileUnit(llvm::dwarf::DW_LANG_C, file, "doppel", true, "", 0, "",
                            llvm::DICompileUnit::LineTablesOnly);
    for (ir::FunctionId id : state_.kernel.functions) {
      if (!state_.ir.functions[id].is_declaration) state_.functions[id] = declare(state_, id);
    }
    const auto basis = analysis::lane_basis(request_.variant.shape, request_.variant.full_warps);
    for (const auto& [id, function] : state_.functions) {
      // The function's index stands in its name, so that a line table entry tells both.
      const ir::Function& source = state_.ir.functions[id];
      llvm::DISubprogram* scope = lines.createFunction(
          file, code_name(id), "", file, source.text.line,
          lines.createSubroutineType(lines.getOrCreateTypeArray({})), source.text.line,
          llvm::DINode::FlagZero, llvm::DISubprogram::SPFlagDefinition | llvm::DISubprogram::SPFlagOptimized);
      function->setSubprogram(scope);
      PassTimer timer(request_.passes, "lanes");
      const analysis::AnalysedFunction analysed(source, request_.module.graph(id), basis);
      dump_analysis(analysed);
      timer.next("emit");
      FunctionEmitter(state_, analysed, id, *function).run();
    }
    lines.finalize();
  } catch (const Unsupported& unsupported) {
    return fail(Error::Kind::NotSupported, unsupported.message);
  }
  return verify();
}

Result<void> Compilation::verify() {
#ifdef NDEBUG
  if (request_.passes == nullptr || !request_.passes->wants("emit", name())) return {};
#endif
  std::string message;
  llvm::raw_string_ostream out(message);
  if (llvm::verifyModule(module_, &out))
    return fail(Error::Kind::Internal, "generated code of '" + name() + "': " + message);
  return {};
}

}  // namespace

Result<std::unique_ptr<llvm::MemoryBuffer>> compile_kernel(const CompileRequest& request) {
  const std::string& name = request.module.ir().functions[request.kernel].name;
  const auto wants = [&](const char* pass) {
    return request.passes != nullptr && request.passes->wants(pass, name);
  };
  const auto dump = [&](const char* pass, auto&& text) {
    if (wants(pass)) request.passes->dump(pass, name, name_of(request.variant), text());
  };
  Compilation compilation(request, wants("accesses"));
  if (auto emitted = compilation.emit(); !emitted) return tl::unexpected(emitted.error());
  dump("accesses", [&] { return to_string(request.module.ir(), compilation.accesses()); });
  dump("emit", [&] { return text_of(compilation.module()); });
  PassTimer timer(request.passes, "optimise");
  compilation.optimise();
  dump("optimise", [&] { return text_of(compilation.module()); });
  timer.next("object");
  return emit_object(compilation.module(), request.variant.effort, name);
}

Result<KernelStages> stages_of(const CompileRequest& request) {
  Compilation compilation(request, true);
  if (auto emitted = compilation.emit(); !emitted) return tl::unexpected(emitted.error());
  KernelStages stages{compilation.accesses(), text_of(compilation.module()), {}};
  compilation.optimise();
  stages.optimised = text_of(compilation.module());
  return stages;
}

std::string to_string(const ir::Module& module, const std::vector<AccessNote>& accesses) {
  std::string text;
  for (const AccessNote& access : accesses) {
    const ir::Function& function = module.functions[access.function];
    const ir::Operation& operation = function.operations[access.operation];
    text += fmt::format("  line {}: {}: {}\n", operation.origin.text.line, function.form_of(operation),
                        access.text);
  }
  return text;
}

}  // namespace doppel::jit
