#include "jit/module_compiler.h"

#include <llvm/Analysis/CGSCCPassManager.h>
#include <llvm/Analysis/LoopAnalysisManager.h>
#include <llvm/IR/DIBuilder.h>
#include <llvm/IR/Module.h>
#include <llvm/IR/PassManager.h>
#include <llvm/IR/Verifier.h>
#include <llvm/Passes/PassBuilder.h>
#include <llvm/Support/FileSystem.h>
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

#include <cstdlib>

#include "analysis/shared_layout.h"
#include "jit/access_records.h"
#include "jit/bounds_tests.h"
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
  const bool is_entry = id == state.kernel;
  llvm::Function* result = llvm::Function::Create(
      type, is_entry ? llvm::GlobalValue::ExternalLinkage : llvm::GlobalValue::InternalLinkage,
      is_entry ? std::string(kEntryName) : code_name(id), state.llvm);
  HostTarget::get().apply(*result);
  // The context is not marked noalias: what is stored there for a fault's report must stay before the access.
  return result;
}

void optimize(llvm::Module& module, llvm::TargetMachine& machine) {
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

void dump(const llvm::Module& module, const std::string& name, const char* ending) {
  const char* directory = std::getenv("DOPPEL_DUMP");
  if (directory == nullptr) return;
  constexpr std::size_t kLongestName = 200;  // of a file: 255 with the ending
  std::error_code error;
  llvm::raw_fd_ostream file(std::string(directory) + "/" + name.substr(0, kLongestName) + ending, error,
                            llvm::sys::fs::OF_None);
  if (!error) module.print(file, nullptr);
}

}  // namespace

Result<std::unique_ptr<llvm::MemoryBuffer>> compile_kernel(const CompileRequest& request) {
  const ir::Function& kernel = request.module->functions[request.kernel];
  llvm::LLVMContext context;
  llvm::Module module("doppel", context);
  const std::unique_ptr<llvm::TargetMachine> machine = HostTarget::get().machine(Effort::Full);
  if (!machine) return fail(Error::Kind::Internal, "LLVM has no code generator for this host");
  module.setDataLayout(machine->createDataLayout());
  module.setTargetTriple(machine->getTargetTriple().str());
  module.addModuleFlag(llvm::Module::Warning, "Debug Info Version", llvm::DEBUG_METADATA_VERSION);
  module.addModuleFlag(llvm::Module::Warning, "Dwarf Version", 4);

  const analysis::SharedLayout shared = analysis::shared_layout(*request.module, request.kernel);
  ModuleState state{*request.module,
                    request.kernel,
                    request.variant,
                    module,
                    shared,
                    {},
                    *request.first_slot,
                    HostTarget::get().wide_vectors()};
  try {
    llvm::DIBuilder lines(module);
    llvm::DIFile* file = lines.createFile("ptx", "");
    lines.createCompileUnit(llvm::dwarf::DW_LANG_C, file, "doppel", true, "", 0, "",
                            llvm::DICompileUnit::LineTablesOnly);
    const std::vector<std::uint32_t> reachable =
        analysis::reachable_functions(*request.module, request.kernel);
    for (ir::FunctionId id : reachable) {
      if (!request.module->functions[id].is_declaration) state.functions[id] = declare(state, id);
    }
    for (const auto& [id, function] : state.functions) {
      // The function's index stands in its name, so that a line table entry tells both.
      llvm::DISubprogram* scope = lines.createFunction(
          file, code_name(id), "", file, request.module->functions[id].text.line,
          lines.createSubroutineType(lines.getOrCreateTypeArray({})), request.module->functions[id].text.line,
          llvm::DINode::FlagZero, llvm::DISubprogram::SPFlagDefinition | llvm::DISubprogram::SPFlagOptimized);
      function->setSubprogram(scope);
      FunctionEmitter(state, id, function).run();
    }
    lines.finalize();
  } catch (const Unsupported& unsupported) {
    return fail(Error::Kind::NotSupported, unsupported.message);
  }
  dump(module, kernel.name, ".ll");
#ifndef NDEBUG
  const bool verify = true;
#else
  const bool verify = std::getenv("DOPPEL_DUMP") != nullptr;
#endif
  if (verify) {
    std::string message;
    llvm::raw_string_ostream out(message);
    if (llvm::verifyModule(module, &out))
      return fail(Error::Kind::Internal, "generated code of '" + kernel.name + "': " + message);
  }
  optimize(module, *machine);
  dump(module, kernel.name, ".opt.ll");

  return emit_object(module, request.variant.effort, kernel.name);
}

}  // namespace doppel::jit
