// SPDX-License-Identifier: Apache-2.0
#include "jit/compiled_module.h"

#include <llvm/Support/MemoryBuffer.h>

#include <condition_variable>
#include <map>
#include <mutex>
#include <tuple>
#include <vector>

#include "jit/loaded_objects.h"
#include "jit/module_compiler.h"
#include "jit/object_cache.h"

namespace doppel::jit {
namespace {

// However the compilation ends, the listener hears of it.
class Announcement {
 public:
  Announcement(CompileListener* listener, const ir::Module& module, std::uint32_t function)
      : listener_(listener) {
    if (listener_ != nullptr) listener_->begins(module, function);
  }
  ~Announcement() {
    if (listener_ != nullptr) listener_->ends();
  }
  Announcement(const Announcement&) = delete;
  Announcement& operator=(const Announcement&) = delete;

 private:
  CompileListener* listener_;
};

class LazyModule final : public CompiledModule {
 public:
  LazyModule(std::shared_ptr<const analysis::AnalysedModule> module, Options options,
             std::unique_ptr<LoadedObjects> objects)
      : module_(std::move(module)),
        gate_(options.gate),
        listener_(options.listener),
        passes_(options.passes),
        cache_(std::move(options), module_),
        objects_(std::move(objects)) {}

  const analysis::AnalysedModule& analysed() const override { return *module_; }
  bool locate(const void* address, CodeLocation& location) const override {
    return objects_->locate(address, location);
  }

  Result<KernelCode> kernel(std::uint32_t function, Variant variant) override {
    const auto& functions = module().functions;
    if (function >= functions.size() || !functions[function].is_kernel ||
        functions[function].is_declaration) {
      return fail(Error::Kind::InvalidArgument, "not a kernel of the module");
    }
    const Key key{function, static_cast<int>(variant.shape), variant.full_warps,
                  static_cast<int>(variant.build), static_cast<int>(variant.effort)};
    std::unique_lock lock(mutex_);
    Slot& slot = code_[key];
    // Another thread compiles it: its result is ours.
    compiled_.wait(lock, [&] { return !slot.busy; });
    if (slot.done) return slot.result;
    slot.busy = true;
    lock.unlock();
    Result<KernelCode> result = make(function, variant);
    lock.lock();
    slot.result = std::move(result);
    slot.busy = false;
    slot.done = true;
    compiled_.notify_all();
    return slot.result;
  }

 private:
  const std::string& name_of(std::uint32_t function) const { return module().functions[function].name; }

  using Key = std::tuple<std::uint32_t, int, bool, int, int>;
  struct Slot {
    bool busy = false, done = false;
    Result<KernelCode> result;
  };

  Result<KernelCode> make(std::uint32_t function, Variant variant) {
    const CompileRequest request{*module_, function, variant, passes_};
    std::unique_ptr<llvm::MemoryBuffer> object;
    // Who wants to see its passes sees them whatever the cache holds.
    const bool compiles = passes_ != nullptr && passes_->wants_any(kDumpedPasses, name_of(function));
    if (!compiles && variant.effort == Effort::Quick) {
      Variant full = variant;
      full.effort = Effort::Full;
      object = cache_.find(function, full);
    }
    if (!compiles && !object) object = cache_.find(function, variant);
    if (!object) {
      const CompileGate::Pass pass(gate_);
      if (!pass) return fail(Error::Kind::NotPermitted, "the process ends: nothing is compiled any more");
      auto compiled = [&] {
        const Announcement announcement(listener_, module(), function);
        return compile_kernel(request);
      }();
      if (!compiled) return tl::unexpected(compiled.error());
      object = std::move(*compiled);
      cache_.store(function, variant, *object);
    }
    const PassTimer timer(passes_, "load");
    const auto loaded = objects_->load(std::move(object));
    if (!loaded) return tl::unexpected(loaded.error());
    KernelCode code;
    if (loaded->kind == LoadedObjects::Kind::Block) {
      code.block_entry = reinterpret_cast<BlockEntry>(loaded->entry);
    } else {
      code.entry = reinterpret_cast<WarpEntry>(loaded->entry);
    }
    code.coroutine = loaded->kind == LoadedObjects::Kind::Coroutine;
    const analysis::LocalBytes& local = module_->kernel(function).local;
    code.local_bytes = local.chain;
    code.recursive = local.recursive;
    code.frames = loaded->frames;
    return code;
  }

  std::shared_ptr<const analysis::AnalysedModule> module_;
  CompileGate* gate_;
  CompileListener* listener_;
  PassLog* passes_;
  ObjectCache cache_;
  std::unique_ptr<LoadedObjects> objects_;
  std::mutex mutex_;
  std::condition_variable compiled_;
  std::map<Key, Slot> code_;
};

}  // namespace

std::string name_of(const Variant& variant) {
  std::string name;
  for (const char c : analysis::name_of(variant.shape)) {
    if (c == ' ') continue;
    name += c;
  }
  name += variant.full_warps ? "-full" : "-some";
  switch (variant.build) {
    case Build::Plain:
      name += "-plain";
      break;
    case Build::Traced:
      name += "-traced";
      break;
    case Build::Checked:
      name += "-checked";
      break;
  }
  if (variant.effort == Effort::Quick) name += "-quick";
  return name;
}

Result<std::shared_ptr<CompiledModule>> CompiledModule::create(
    std::shared_ptr<const analysis::AnalysedModule> module, Options options) {
  auto objects = LoadedObjects::create();
  if (!objects) return tl::unexpected(objects.error());
  return std::shared_ptr<CompiledModule>(
      std::make_shared<LazyModule>(std::move(module), std::move(options), std::move(*objects)));
}

}  // namespace doppel::jit
