// SPDX-License-Identifier: Apache-2.0
#include "driver/graph_nodes.h"

#include <fmt/format.h>

#include <map>
#include <mutex>

#include "device/device.h"
#include "device/memory_pool.h"
#include "driver/copy_shape.h"
#include "driver/launch_request.h"
#include "driver/process.h"
#include "driver/value_steps.h"

namespace doppel::driver {
namespace {

// Node ids are never reused, so a node's handle is its id in a range of its own.
constexpr std::uintptr_t kFirstNodeHandle = std::uintptr_t{1} << 46;

// What is kept of a node whose handle was given out.
struct Record {
  std::weak_ptr<device::Graph> graph;
  std::vector<std::byte> arguments;  // what the pointers of kernel_parameters point to
  std::vector<void*> argument_pointers;
  std::vector<CUstreamBatchMemOpParams> steps;  // of batch_parameters
};

struct Registry {
  std::mutex mutex;
  std::map<device::NodeId, Record> records;
};
Registry& registry() {
  static auto* const made = new Registry;
  return *made;
}

std::uintptr_t number(CUgraphNode handle) { return reinterpret_cast<std::uintptr_t>(handle); }

}  // namespace

CUgraphNode node_handle(const std::shared_ptr<device::Graph>& graph, device::NodeId id) {
  const std::lock_guard lock(registry().mutex);
  registry().records[id].graph = graph;
  return reinterpret_cast<CUgraphNode>(kFirstNodeHandle + id);
}

Result<NodeReference> find_node(CUgraphNode handle) {
  const auto wrong = [&] {
    return fail(Error::Kind::InvalidHandle, fmt::format("{} is no node of a graph", fmt::ptr(handle)));
  };
  if (number(handle) < kFirstNodeHandle) return wrong();
  const device::NodeId id = number(handle) - kFirstNodeHandle;
  const std::lock_guard lock(registry().mutex);
  const auto found = registry().records.find(id);
  if (found == registry().records.end()) return wrong();
  auto graph = found->second.graph.lock();
  if (!graph || !graph->node(id)) {
    registry().records.erase(found);
    return wrong();
  }
  return NodeReference{std::move(graph), id};
}

Result<device::Graph::Node> read_node(CUgraphNode handle) {
  return find_node(handle).and_then([](const NodeReference& node) { return node.graph->node(node.id); });
}

Result<std::vector<device::NodeId>> node_ids(const device::Graph& graph, const CUgraphNode* nodes,
                                             std::size_t count) {
  if (count != 0 && nodes == nullptr) return fail(Error::Kind::InvalidArgument, "a list of nodes is missing");
  std::vector<device::NodeId> ids;
  for (std::size_t i = 0; i < count; ++i) {
    const auto node = find_node(nodes[i]);
    if (!node) return tl::unexpected(node.error());
    if (node->graph.get() != &graph)
      return fail(Error::Kind::InvalidArgument, "a node belongs to another graph");
    ids.push_back(node->id);
  }
  return ids;
}

CUDA_KERNEL_NODE_PARAMS widen(const CUDA_KERNEL_NODE_PARAMS_v1& p) {
  return {p.func,      p.gridDimX,       p.gridDimY,     p.gridDimZ, p.blockDimX, p.blockDimY,
          p.blockDimZ, p.sharedMemBytes, p.kernelParams, p.extra,    nullptr,     nullptr};
}

Result<device::Work> kernel_work(const CUDA_KERNEL_NODE_PARAMS& p) {
  const CUfunction function = p.func != nullptr ? p.func : reinterpret_cast<CUfunction>(p.kern);
  return to_work({.function = function,
                  .config = {.grid = {p.gridDimX, p.gridDimY, p.gridDimZ},
                             .block = {p.blockDimX, p.blockDimY, p.blockDimZ},
                             .dynamic_shared_bytes = p.sharedMemBytes},
                  .parameters = p.kernelParams,
                  .extra = p.extra})
      .map([](device::KernelWork work) { return device::Work(std::move(work)); });
}

Result<device::Work> copy_work(const CUDA_MEMCPY3D& parameters) {
  return to_work(parameters).map([](const device::CopyWork& work) { return device::Work(work); });
}

device::Work memset_work(const CUDA_MEMSET_NODE_PARAMS& p) {
  return device::MemsetWork{.address = p.dst,
                            .pitch = p.pitch,
                            .value = p.value,
                            .element_bytes = p.elementSize,
                            .width = p.width,
                            .height = p.height};
}

device::Work host_work(const CUDA_HOST_NODE_PARAMS& p) {
  return device::HostWork{[fn = p.fn, data = p.userData] { fn(data); }, reinterpret_cast<void*>(p.fn),
                          p.userData};
}

Result<device::Work> work_of(CUgraphNodeParams& p) {
  switch (p.type) {
    case CU_GRAPH_NODE_TYPE_KERNEL:
      return kernel_work(p.kernel);
    case CU_GRAPH_NODE_TYPE_MEMCPY:
      return copy_work(p.memcpy.copyParams);
    case CU_GRAPH_NODE_TYPE_MEMSET:
      return memset_work({p.memset.dst, p.memset.pitch, p.memset.value, p.memset.elementSize, p.memset.width,
                          p.memset.height});
    case CU_GRAPH_NODE_TYPE_HOST:
      if (p.host.fn == nullptr) return fail(Error::Kind::InvalidArgument, "a host node without a function");
      return host_work(p.host);
    case CU_GRAPH_NODE_TYPE_GRAPH:
      return find_graph(p.graph.graph).map([](const auto& child) {
        return device::Work(device::ChildGraphWork{child->clone()});
      });
    case CU_GRAPH_NODE_TYPE_EMPTY:
      return device::Work(device::EmptyWork{});
    case CU_GRAPH_NODE_TYPE_WAIT_EVENT:
      return find_event(p.eventWait.event).map([](const auto& event) {
        return device::Work(device::EventWaitWork{event});
      });
    case CU_GRAPH_NODE_TYPE_EVENT_RECORD:
      return find_event(p.eventRecord.event).map([](const auto& event) {
        return device::Work(device::EventRecordWork{event});
      });
    case CU_GRAPH_NODE_TYPE_MEM_ALLOC:
      return allocate_work(p.alloc);
    case CU_GRAPH_NODE_TYPE_MEM_FREE:
      return free_work(p.free.dptr);
    case CU_GRAPH_NODE_TYPE_BATCH_MEM_OP:
      return batch_work(p.memOp);
    default:
      return fail(Error::Kind::NotSupported,
                  fmt::format("graph nodes of type {} are not supported yet", static_cast<int>(p.type)));
  }
}

Result<device::Work> changed_work(CUgraphNodeParams& p) {
  if (p.type == CU_GRAPH_NODE_TYPE_MEM_ALLOC || p.type == CU_GRAPH_NODE_TYPE_MEM_FREE)
    return fail(Error::Kind::NotSupported, "nodes that allocate or free memory cannot be changed");
  return work_of(p);
}

Result<device::Work> allocate_work(CUDA_MEM_ALLOC_NODE_PARAMS& p) {
  if (p.bytesize == 0 || p.poolProps.allocType != CU_MEM_ALLOCATION_TYPE_PINNED ||
      p.poolProps.handleTypes != CU_MEM_HANDLE_TYPE_NONE ||
      (p.accessDescs == nullptr && p.accessDescCount != 0))
    return fail(Error::Kind::InvalidArgument,
                "a node that allocates needs a size and pinned memory of a device");
  if (p.poolProps.location.type != CU_MEM_LOCATION_TYPE_DEVICE)
    return fail(Error::Kind::NotSupported, "graphs allocate memory of devices only");
  return find_device(p.poolProps.location.id).and_then([&](device::Device* on) {
    const auto pool = on->default_pool();
    return pool->allocate(p.bytesize).map([&](std::uint64_t address) {
      p.dptr = address;
      return device::Work(device::AllocateWork{pool, address, p.bytesize});
    });
  });
}

Result<device::Work> free_work(CUdeviceptr address) {
  const auto info = platform().classify(address);
  if (!info.allocation || info.allocation->address != address ||
      info.kind != device::PointerInfo::Kind::Device)
    return fail(Error::Kind::InvalidArgument, "a node that frees needs the start of an allocation");
  return device::Work(device::FreeWork{address});
}

Result<device::Work> batch_work(const CUDA_BATCH_MEM_OP_NODE_PARAMS& p) {
  return value_work(p.count, p.paramArray, p.flags).map([](device::ValueWork work) {
    return device::Work(std::move(work));
  });
}

CUDA_KERNEL_NODE_PARAMS kernel_parameters(const device::Graph::Node& node, const device::KernelWork& work) {
  CUDA_KERNEL_NODE_PARAMS p{};
  p.func = objects().functions.add(work.kernel);
  // The runtime finds its own function again by the library's kernel.
  if (const auto module = work.kernel->module(); module && module->library())
    p.kern = kernel_handle(module->library(), work.kernel->name());
  const Dim3 &grid = work.config.grid, &block = work.config.block;
  p.gridDimX = grid.x, p.gridDimY = grid.y, p.gridDimZ = grid.z;
  p.blockDimX = block.x, p.blockDimY = block.y, p.blockDimZ = block.z;
  p.sharedMemBytes = work.config.dynamic_shared_bytes;
  p.ctx = handle_of(node.context);
  const std::lock_guard lock(registry().mutex);
  Record& record = registry().records[node.id];
  record.arguments = work.parameters;
  record.argument_pointers.clear();
  for (const device::KernelParameter& parameter : work.kernel->parameters())
    record.argument_pointers.push_back(record.arguments.data() + parameter.offset);
  p.kernelParams = record.argument_pointers.data();
  return p;
}

CUDA_MEMCPY3D copy_parameters(const device::CopyWork& work) {
  CUDA_MEMCPY3D p{};
  const auto type_of_memory = [](std::uint64_t address) {
    using Kind = device::PointerInfo::Kind;
    const Kind kind = platform().classify(address).kind;
    return kind == Kind::PageableHost || kind == Kind::PinnedHost ? CU_MEMORYTYPE_HOST : CU_MEMORYTYPE_DEVICE;
  };
  p.dstMemoryType = type_of_memory(work.destination.address);
  p.srcMemoryType = type_of_memory(work.source.address);
  p.dstHost = reinterpret_cast<void*>(work.destination.address);
  p.srcHost = reinterpret_cast<const void*>(work.source.address);
  p.dstDevice = work.destination.address;
  p.dstPitch = work.destination.pitch;
  p.dstHeight = work.destination.slice_rows;
  p.srcDevice = work.source.address;
  p.srcPitch = work.source.pitch;
  p.srcHeight = work.source.slice_rows;
  if (work.destination.array != nullptr) {
    p.dstMemoryType = CU_MEMORYTYPE_ARRAY;
    p.dstArray = objects().arrays.add(work.destination.array);
    p.dstXInBytes = work.destination.place.x_bytes;
    p.dstY = work.destination.place.y;
    p.dstZ = work.destination.place.z;
  }
  if (work.source.array != nullptr) {
    p.srcMemoryType = CU_MEMORYTYPE_ARRAY;
    p.srcArray = objects().arrays.add(work.source.array);
    p.srcXInBytes = work.source.place.x_bytes;
    p.srcY = work.source.place.y;
    p.srcZ = work.source.place.z;
  }
  p.WidthInBytes = work.width;
  p.Height = work.height;
  p.Depth = work.depth;
  return p;
}

CUDA_MEMSET_NODE_PARAMS memset_parameters(const device::MemsetWork& work) {
  return {work.address, work.pitch, work.value, work.element_bytes, work.width, work.height};
}

CUDA_HOST_NODE_PARAMS host_parameters(const device::HostWork& work) {
  return {reinterpret_cast<CUhostFn>(work.user_function), work.user_data};
}

CUDA_MEM_ALLOC_NODE_PARAMS allocate_parameters(const device::AllocateWork& work) {
  CUDA_MEM_ALLOC_NODE_PARAMS p{};
  p.poolProps.allocType = CU_MEM_ALLOCATION_TYPE_PINNED;
  p.poolProps.location = {CU_MEM_LOCATION_TYPE_DEVICE, work.pool->device().ordinal()};
  p.bytesize = work.bytes;
  p.dptr = work.address;
  return p;
}

CUDA_BATCH_MEM_OP_NODE_PARAMS batch_parameters(const device::Graph::Node& node,
                                               const device::ValueWork& work) {
  const std::lock_guard lock(registry().mutex);
  Record& record = registry().records[node.id];
  record.steps.clear();
  for (const device::ValueWork::Step& step : work.steps) record.steps.push_back(value_parameters(step));
  return {handle_of(node.context), static_cast<unsigned>(record.steps.size()), record.steps.data(), 0};
}

Result<CUgraphNodeParams> parameters_of(const device::Graph::Node& node) {
  CUgraphNodeParams p{};
  p.type = type_of(node.work);
  if (const auto* kernel = std::get_if<device::KernelWork>(&node.work)) {
    p.kernel = kernel_parameters(node, *kernel);
  } else if (const auto* copy = std::get_if<device::CopyWork>(&node.work)) {
    p.memcpy = {0, 0, handle_of(node.context), copy_parameters(*copy)};
  } else if (const auto* fill = std::get_if<device::MemsetWork>(&node.work)) {
    const auto known = memset_parameters(*fill);
    p.memset = {known.dst,
                known.pitch,
                known.value,
                known.elementSize,
                known.width,
                known.height,
                handle_of(node.context)};
  } else if (const auto* host = std::get_if<device::HostWork>(&node.work)) {
    p.host = host_parameters(*host);
  } else if (const auto* child = std::get_if<device::ChildGraphWork>(&node.work)) {
    p.graph.graph = objects().graphs.add(child->graph);
  } else if (const auto* wait = std::get_if<device::EventWaitWork>(&node.work)) {
    p.eventWait.event = objects().events.add(wait->event);
  } else if (const auto* record = std::get_if<device::EventRecordWork>(&node.work)) {
    p.eventRecord.event = objects().events.add(record->event);
  } else if (const auto* allocate = std::get_if<device::AllocateWork>(&node.work)) {
    p.alloc = allocate_parameters(*allocate);
  } else if (const auto* free = std::get_if<device::FreeWork>(&node.work)) {
    p.free.dptr = free->address;
  } else if (const auto* values = std::get_if<device::ValueWork>(&node.work)) {
    p.memOp = batch_parameters(node, *values);
  }
  return p;
}

CUgraphNodeType type_of(const device::Work& work) {
  struct {
    CUgraphNodeType operator()(const device::EmptyWork&) const { return CU_GRAPH_NODE_TYPE_EMPTY; }
    CUgraphNodeType operator()(const device::KernelWork&) const { return CU_GRAPH_NODE_TYPE_KERNEL; }
    CUgraphNodeType operator()(const device::CopyWork&) const { return CU_GRAPH_NODE_TYPE_MEMCPY; }
    CUgraphNodeType operator()(const device::MemsetWork&) const { return CU_GRAPH_NODE_TYPE_MEMSET; }
    CUgraphNodeType operator()(const device::HostWork&) const { return CU_GRAPH_NODE_TYPE_HOST; }
    CUgraphNodeType operator()(const device::EventRecordWork&) const {
      return CU_GRAPH_NODE_TYPE_EVENT_RECORD;
    }
    CUgraphNodeType operator()(const device::EventWaitWork&) const { return CU_GRAPH_NODE_TYPE_WAIT_EVENT; }
    CUgraphNodeType operator()(const device::ChildGraphWork&) const { return CU_GRAPH_NODE_TYPE_GRAPH; }
    CUgraphNodeType operator()(const device::AllocateWork&) const { return CU_GRAPH_NODE_TYPE_MEM_ALLOC; }
    CUgraphNodeType operator()(const device::FreeWork&) const { return CU_GRAPH_NODE_TYPE_MEM_FREE; }
    CUgraphNodeType operator()(const device::ValueWork&) const { return CU_GRAPH_NODE_TYPE_BATCH_MEM_OP; }
    // The interface has no node for it.
    CUgraphNodeType operator()(const device::PrefetchWork&) const { return CU_GRAPH_NODE_TYPE_EMPTY; }
  } type;
  return std::visit(type, work);
}

Result<std::shared_ptr<device::Context>> context_of_node(CUcontext named) {
  return named != nullptr ? find_context(named) : current_context();
}

}  // namespace doppel::driver
