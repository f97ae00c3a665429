#include "driver/graph_nodes.h"

#include <fmt/format.h>

#include <map>
#include <mutex>

#include "driver/copy_shape.h"
#include "driver/launch_request.h"

namespace doppel::driver {
namespace {

// Node ids are never reused, so a node's handle is its id in a range of its own.
constexpr std::uintptr_t kFirstNodeHandle = std::uintptr_t{1} << 46;

// What is kept of a node whose handle was given out.
struct Record {
  std::weak_ptr<device::Graph> graph;
  std::vector<std::byte> arguments;  // what the pointers of kernel_parameters point to
  std::vector<void*> argument_pointers;
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

Result<device::Work> kernel_work(const CUDA_KERNEL_NODE_PARAMS& p) {
  const CUfunction function = p.func != nullptr ? p.func : reinterpret_cast<CUfunction>(p.kern);
  return to_work({.function = function,
                  .grid = {p.gridDimX, p.gridDimY, p.gridDimZ},
                  .block = {p.blockDimX, p.blockDimY, p.blockDimZ},
                  .dynamic_shared_bytes = p.sharedMemBytes,
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

Result<device::Work> work_of(const CUgraphNodeParams& p) {
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
    default:
      return fail(Error::Kind::NotSupported,
                  fmt::format("graph nodes of type {} are not supported yet", static_cast<int>(p.type)));
  }
}

CUDA_KERNEL_NODE_PARAMS kernel_parameters(const device::Graph::Node& node, const device::KernelWork& work) {
  CUDA_KERNEL_NODE_PARAMS p{};
  p.func = objects().functions.add(work.kernel);
  p.gridDimX = work.grid.x, p.gridDimY = work.grid.y, p.gridDimZ = work.grid.z;
  p.blockDimX = work.block.x, p.blockDimY = work.block.y, p.blockDimZ = work.block.z;
  p.sharedMemBytes = work.dynamic_shared_bytes;
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
  p.dstMemoryType = p.srcMemoryType = CU_MEMORYTYPE_UNIFIED;
  p.dstDevice = work.destination.address;
  p.dstPitch = work.destination.pitch;
  p.dstHeight = work.destination.slice_rows;
  p.srcDevice = work.source.address;
  p.srcPitch = work.source.pitch;
  p.srcHeight = work.source.slice_rows;
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
  } type;
  return std::visit(type, work);
}

Result<std::shared_ptr<device::Context>> context_of_node(CUcontext named) {
  return named != nullptr ? find_context(named) : current_context();
}

}  // namespace doppel::driver
