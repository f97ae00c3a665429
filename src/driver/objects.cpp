// SPDX-License-Identifier: Apache-2.0
#include "driver/objects.h"

#include <fmt/format.h>
#include <pthread.h>

#include <map>

#include "driver/process.h"

namespace doppel::driver {
namespace {

// Handlers of exit() still call, when the C++ objects of their thread are gone: so a plain pointer, and a key
// that frees it where a thread ends and the process lives on (POSIX: key destructors do not run at exit()).
thread_local std::vector<CUcontext>* stack_of_thread = nullptr;

std::vector<CUcontext>& context_stack() {
  if (stack_of_thread == nullptr) {
    static const pthread_key_t key = [] {
      pthread_key_t made{};
      pthread_key_create(&made, [](void* stack) {
        stack_of_thread = nullptr;
        delete static_cast<std::vector<CUcontext>*>(stack);
      });
      return made;
    }();
    stack_of_thread = new std::vector<CUcontext>;
    pthread_setspecific(key, stack_of_thread);
  }
  return *stack_of_thread;
}

thread_local bool per_thread_default_stream = false;

// Handles of the contexts that cuCtxCreate made.
struct OwnContexts {
  std::mutex mutex;
  std::map<const device::Context*, CUcontext> handles;
};
OwnContexts& own_contexts() {
  static auto* const made = new OwnContexts;
  return *made;
}

template <typename Table, typename Handle>
auto find_in(const Table& table, Handle handle, const char* kind) -> Result<decltype(table.find(handle))> {
  auto object = table.find(handle);
  if (!object)
    return fail(Error::Kind::InvalidHandle,
                fmt::format("{} is no {} of this process, or was destroyed", fmt::ptr(handle), kind));
  return object;
}

}  // namespace

Objects& objects() {
  static auto* const made = new Objects;  // never destroyed: handles are still used while the process ends
  return *made;
}

std::shared_ptr<device::Context> ContextEntry::get() const {
  return primary_of != nullptr ? primary_of->primary() : own;
}

Result<device::Device*> find_device(CUdevice device) {
  if (device < 0 || device >= platform().device_count())
    return fail(Error::Kind::NoDevice, fmt::format("there is no device {}", device));
  return &platform().device(device);
}

CUcontext primary_handle(device::Device& device) {
  static std::mutex mutex;
  static auto* const entries = new std::map<device::Device*, std::shared_ptr<ContextEntry>>;
  const std::lock_guard lock(mutex);
  auto& entry = (*entries)[&device];
  if (!entry) entry = std::make_shared<ContextEntry>(ContextEntry{nullptr, &device});
  return objects().contexts.add(entry);
}

Result<std::shared_ptr<device::Context>> find_context(CUcontext handle) {
  const auto entry = objects().contexts.find(handle);
  auto context = entry ? entry->get() : nullptr;
  if (!context || context->destroyed())
    return fail(Error::Kind::InvalidContext,
                fmt::format("{} is no context of this process, or was destroyed", fmt::ptr(handle)));
  return context;
}

CUcontext handle_of(const std::shared_ptr<device::Context>& context) {
  if (!context) return nullptr;
  device::Device& device = context->device();
  if (device.primary() == context) return primary_handle(device);
  const std::lock_guard lock(own_contexts().mutex);
  const auto found = own_contexts().handles.find(context.get());
  return found == own_contexts().handles.end() ? nullptr : found->second;
}

CUcontext add_context(std::shared_ptr<device::Context> context) {
  const device::Context* key = context.get();
  const CUcontext handle =
      objects().contexts.add(std::make_shared<ContextEntry>(ContextEntry{std::move(context), nullptr}));
  const std::lock_guard lock(own_contexts().mutex);
  own_contexts().handles[key] = handle;
  return handle;
}

std::shared_ptr<device::Context> remove_context(CUcontext handle) {
  const auto entry = objects().contexts.find(handle);
  if (!entry || entry->primary_of != nullptr) return nullptr;
  objects().contexts.remove(handle);
  const std::lock_guard lock(own_contexts().mutex);
  own_contexts().handles.erase(entry->own.get());
  return entry->own;
}

CUcontext current_handle() { return context_stack().empty() ? nullptr : context_stack().back(); }

void set_current(CUcontext handle) {
  if (!context_stack().empty()) context_stack().pop_back();
  if (handle != nullptr) context_stack().push_back(handle);
}

void push_current(CUcontext handle) { context_stack().push_back(handle); }

CUcontext pop_current() {
  const CUcontext top = current_handle();
  if (top != nullptr) context_stack().pop_back();
  return top;
}

Result<std::shared_ptr<device::Context>> current_context() {
  if (context_stack().empty())
    return fail(Error::Kind::InvalidContext, "no context is current to the calling thread");
  return find_context(context_stack().back());
}

void forget_context_objects(const device::Context& context) {
  Objects& all = objects();
  all.functions.remove_if([&](const device::Kernel& kernel) {
    const auto module = kernel.module();
    return !module || &module->context() == &context;
  });
  all.modules.remove_if([&](const device::Module& module) { return &module.context() == &context; });
  const auto of_context = [&](device::Array& array) {
    if (&array.context() != &context) return false;
    array.destroy();
    return true;
  };
  all.arrays.remove_if(of_context);
  all.mipmapped_arrays.remove_if(of_context);
  all.streams.remove_if([&](const device::Stream& stream) { return stream.context().get() == &context; });
  all.events.remove_if([&](const device::Event& event) { return event.context().get() == &context; });
}

Result<std::shared_ptr<device::Stream>> find_stream(CUstream handle) {
  const bool own = handle == CU_STREAM_PER_THREAD || (handle == nullptr && per_thread_default_stream);
  if (own || handle == nullptr || handle == CU_STREAM_LEGACY)
    return current_context().map(
        [own](const auto& context) { return own ? context->per_thread() : context->legacy(); });
  return find_in(objects().streams, handle, "stream");
}

Result<std::shared_ptr<device::Event>> find_event(CUevent handle) {
  return find_in(objects().events, handle, "event");
}
Result<std::shared_ptr<device::Module>> find_module(CUmodule handle) {
  return find_in(objects().modules, handle, "module");
}
Result<std::shared_ptr<device::Library>> find_library(CUlibrary handle) {
  return find_in(objects().libraries, handle, "library");
}
Result<std::shared_ptr<LibraryKernel>> find_kernel(CUkernel handle) {
  return find_in(objects().kernels, handle, "kernel");
}
Result<std::shared_ptr<device::Graph>> find_graph(CUgraph handle) {
  return find_in(objects().graphs, handle, "graph");
}
Result<std::shared_ptr<device::GraphExec>> find_graph_exec(CUgraphExec handle) {
  return find_in(objects().graph_execs, handle, "executable graph");
}
Result<std::shared_ptr<device::Array>> find_array(CUarray handle) {
  return find_in(objects().arrays, handle, "array");
}
Result<std::shared_ptr<device::Array>> find_mipmapped_array(CUmipmappedArray handle) {
  return find_in(objects().mipmapped_arrays, handle, "mipmapped array");
}
Result<std::shared_ptr<device::MemoryPool>> find_pool(CUmemoryPool handle) {
  return find_in(objects().pools, handle, "memory pool");
}

CUkernel kernel_handle(const std::shared_ptr<device::Library>& library, const std::string& name) {
  static std::mutex mutex;
  static auto* const known =
      new std::map<std::pair<const device::Library*, std::string>, std::weak_ptr<LibraryKernel>>;
  const std::lock_guard lock(mutex);
  auto& slot = (*known)[{library.get(), name}];
  auto kernel = slot.lock();
  if (!kernel) {
    kernel = std::make_shared<LibraryKernel>(LibraryKernel{library, name});
    slot = kernel;
  }
  return objects().kernels.add(std::move(kernel));
}

Result<std::shared_ptr<device::Kernel>> function_of(const LibraryKernel& kernel, device::Context& context) {
  return kernel.library->module(context).and_then(
      [&](const auto& module) { return module->kernel(kernel.name); });
}

Result<std::shared_ptr<device::Kernel>> find_function(CUfunction handle) {
  if (auto kernel = objects().functions.find(handle)) {
    if (kernel->module()) return kernel;
    return fail(Error::Kind::InvalidHandle, "the function's module was unloaded");
  }
  // The interface lets a CUkernel stand where a CUfunction is expected.
  const auto of_library = find_in(objects().kernels, reinterpret_cast<CUkernel>(handle), "function");
  if (!of_library) return tl::unexpected(of_library.error());
  return current_context().and_then([&](const auto& context) { return function_of(**of_library, *context); });
}

PerThreadDefaultStream::PerThreadDefaultStream() : before_(std::exchange(per_thread_default_stream, true)) {}
PerThreadDefaultStream::~PerThreadDefaultStream() { per_thread_default_stream = before_; }

}  // namespace doppel::driver
