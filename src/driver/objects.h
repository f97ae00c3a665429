// SPDX-License-Identifier: Apache-2.0
// From handles of the C interface to objects of the device part, with the errors that a wrong one gets.
#pragma once

#include <doppel/cuda/types.h>

#include <memory>

#include "api/common/handles.h"
#include "device/array.h"
#include "device/context.h"
#include "device/event.h"
#include "device/graph.h"
#include "device/memory_pool.h"
#include "device/module.h"
#include "device/stream.h"
#include "device/virtual_memory.h"

namespace doppel::driver {

inline std::uint64_t address_of(const void* host) { return reinterpret_cast<std::uintptr_t>(host); }

// A context by its handle. The handle of a primary context is its device's for ever: the context behind it
// comes and goes.
struct ContextEntry {
  std::shared_ptr<device::Context> own;  // made by cuCtxCreate
  device::Device* primary_of = nullptr;
  std::shared_ptr<device::Context> get() const;  // null: a primary context that is not active
};

// A kernel of a library (CUkernel): belongs to no context.
struct LibraryKernel {
  std::shared_ptr<device::Library> library;
  std::string name;
};

// A node by its handle: the graph must not outlive its handle's use.
struct GraphNode {
  std::weak_ptr<device::Graph> graph;
  device::NodeId id = 0;
};

struct TextureReference;  // texture_reference.cpp

using api::HandleTable;

using Streams = HandleTable<CUstream, device::Stream>;
using Events = HandleTable<CUevent, device::Event>;
using Modules = HandleTable<CUmodule, device::Module>;
using Functions = HandleTable<CUfunction, device::Kernel>;
using Libraries = HandleTable<CUlibrary, device::Library>;
using Kernels = HandleTable<CUkernel, LibraryKernel>;
using Pools = HandleTable<CUmemoryPool, device::MemoryPool>;
using PhysicalMemories = HandleTable<CUmemGenericAllocationHandle, device::PhysicalMemory>;
using Arrays = HandleTable<CUarray, device::Array>;
using MipmappedArrays = HandleTable<CUmipmappedArray, device::Array>;
using TextureReferences = HandleTable<CUtexref, TextureReference>;
using Graphs = HandleTable<CUgraph, device::Graph>;
using GraphExecs = HandleTable<CUgraphExec, device::GraphExec>;

struct Objects {
  HandleTable<CUcontext, ContextEntry> contexts;
  Streams streams;
  Events events;
  Modules modules;
  Functions functions;
  Libraries libraries;
  Kernels kernels;
  Pools pools;
  PhysicalMemories physical_memories;
  Arrays arrays;
  MipmappedArrays mipmapped_arrays;
  TextureReferences texture_references;
  Graphs graphs;
  GraphExecs graph_execs;
};
Objects& objects();

// --- Devices and contexts
// ------------------------------------------------------------------------------------
Result<device::Device*> find_device(CUdevice device);
Result<std::shared_ptr<device::Context>> find_context(CUcontext handle);
CUcontext handle_of(const std::shared_ptr<device::Context>& context);
// Of contexts that cuCtxCreate makes; remove answers null for any other.
CUcontext add_context(std::shared_ptr<device::Context> context);
std::shared_ptr<device::Context> remove_context(CUcontext handle);
// The handle of a device's primary context, active or not.
CUcontext primary_handle(device::Device& device);

// The calling thread's stack of contexts: its top is current.
CUcontext current_handle();
void set_current(CUcontext handle);  // replaces the top; null empties it
void push_current(CUcontext handle);
CUcontext pop_current();
// The current context, usable: InvalidContext where there is none or it was destroyed.
Result<std::shared_ptr<device::Context>> current_context();

// Forgets the handles of all that a context owned: called when it is destroyed.
void forget_context_objects(const device::Context& context);

// --- The rest
// ------------------------------------------------------------------------------------------------ The
// default stream (null) is the legacy one, or the thread's own inside a PerThreadDefaultStream.
Result<std::shared_ptr<device::Stream>> find_stream(CUstream handle);
Result<std::shared_ptr<device::Event>> find_event(CUevent handle);
Result<std::shared_ptr<device::Module>> find_module(CUmodule handle);
// A CUfunction, or a CUkernel cast to it: then the kernel as loaded in the current context.
Result<std::shared_ptr<device::Kernel>> find_function(CUfunction handle);
Result<std::shared_ptr<device::Library>> find_library(CUlibrary handle);
Result<std::shared_ptr<LibraryKernel>> find_kernel(CUkernel handle);
// The handle of one kernel of a library: the same at every call.
CUkernel kernel_handle(const std::shared_ptr<device::Library>& library, const std::string& name);
// The kernel as loaded in a context, which it loads if need be.
Result<std::shared_ptr<device::Kernel>> function_of(const LibraryKernel& kernel, device::Context& context);
Result<std::shared_ptr<device::Graph>> find_graph(CUgraph handle);
Result<std::shared_ptr<device::GraphExec>> find_graph_exec(CUgraphExec handle);
Result<std::shared_ptr<device::Array>> find_array(CUarray handle);
Result<std::shared_ptr<device::Array>> find_mipmapped_array(CUmipmappedArray handle);
Result<std::shared_ptr<device::MemoryPool>> find_pool(CUmemoryPool handle);

// While it lives, null streams of this thread mean the thread's own default stream: the _ptds and _ptsz
// forms.
class PerThreadDefaultStream {
 public:
  PerThreadDefaultStream();
  ~PerThreadDefaultStream();
  PerThreadDefaultStream(const PerThreadDefaultStream&) = delete;
  PerThreadDefaultStream& operator=(const PerThreadDefaultStream&) = delete;

 private:
  bool before_;
};

}  // namespace doppel::driver
