// SPDX-License-Identifier: Apache-2.0
// Streams that record their work as a graph in place of running it.
#include <vector>

#include "driver/call.h"
#include "driver/graph_nodes.h"
#include "driver/objects.h"

namespace doppel::driver {
namespace {

Result<device::CaptureMode> mode_of(CUstreamCaptureMode mode) {
  switch (mode) {
    case CU_STREAM_CAPTURE_MODE_GLOBAL:
      return device::CaptureMode::Global;
    case CU_STREAM_CAPTURE_MODE_THREAD_LOCAL:
      return device::CaptureMode::ThreadLocal;
    case CU_STREAM_CAPTURE_MODE_RELAXED:
      return device::CaptureMode::Relaxed;
    default:
      return fail(Error::Kind::InvalidArgument, "there is no such mode of capture");
  }
}

CUstreamCaptureMode to_mode(device::CaptureMode mode) {
  switch (mode) {
    case device::CaptureMode::ThreadLocal:
      return CU_STREAM_CAPTURE_MODE_THREAD_LOCAL;
    case device::CaptureMode::Relaxed:
      return CU_STREAM_CAPTURE_MODE_RELAXED;
    case device::CaptureMode::Global:
      break;
  }
  return CU_STREAM_CAPTURE_MODE_GLOBAL;
}

CUstreamCaptureStatus to_status(device::CaptureStatus status) {
  switch (status) {
    case device::CaptureStatus::Active:
      return CU_STREAM_CAPTURE_STATUS_ACTIVE;
    case device::CaptureStatus::Invalidated:
      return CU_STREAM_CAPTURE_STATUS_INVALIDATED;
    case device::CaptureStatus::None:
      break;
  }
  return CU_STREAM_CAPTURE_STATUS_NONE;
}

CUresult begin(CUstream stream, CUstreamCaptureMode mode) {
  return answer(mode_of(mode).and_then([&](device::CaptureMode chosen) {
    return find_stream(stream).and_then([&](const auto& found) { return found->begin_capture(chosen); });
  }));
}

// What the newer forms tell of a capture; each may be left out but the status.
struct CaptureAnswer {
  CUstreamCaptureStatus* status = nullptr;
  cuuint64_t* id = nullptr;
  CUgraph* graph = nullptr;
  const CUgraphNode** dependencies = nullptr;
  const CUgraphEdgeData** edges = nullptr;
  std::size_t* count = nullptr;
};

CUresult get_info(CUstream handle, const CaptureAnswer& out) {
  if (out.status == nullptr) return CUDA_ERROR_INVALID_VALUE;
  return answer(find_stream(handle).map([&](const auto& stream) {
    *out.status = to_status(stream->capture_status());
    const auto info = stream->capture_info();
    if (!info) return;
    if (out.id != nullptr) *out.id = info->id;
    if (out.graph != nullptr) *out.graph = objects().graphs.add(info->graph);
    // The lists belong to the driver and hold until the thread's next such call.
    thread_local std::vector<CUgraphNode> nodes;
    thread_local std::vector<CUgraphEdgeData> edges;
    nodes.clear();
    for (const device::NodeId id : info->dependencies) nodes.push_back(node_handle(info->graph, id));
    edges.assign(nodes.size(), CUgraphEdgeData{});
    if (out.dependencies != nullptr) *out.dependencies = nodes.data();
    if (out.edges != nullptr) *out.edges = edges.data();
    if (out.count != nullptr) *out.count = nodes.size();
  }));
}

CUresult update_dependencies(CUstream handle, const CUgraphNode* nodes, std::size_t count, unsigned flags) {
  if (flags != CU_STREAM_ADD_CAPTURE_DEPENDENCIES && flags != CU_STREAM_SET_CAPTURE_DEPENDENCIES)
    return CUDA_ERROR_INVALID_VALUE;
  return answer(find_stream(handle).and_then([&](const auto& stream) -> Result<void> {
    const auto info = stream->capture_info();
    if (!info) return fail(Error::Kind::NotPermitted, "the stream does not capture");
    return node_ids(*info->graph, nodes, count).and_then([&](const auto& ids) {
      return stream->set_capture_dependencies(ids, flags == CU_STREAM_ADD_CAPTURE_DEPENDENCIES);
    });
  }));
}

}  // namespace
}  // namespace doppel::driver

extern "C" {
using namespace doppel::driver;
namespace device = doppel::device;

CUresult cuStreamBeginCapture(CUstream stream) {
  return call(__func__, std::tuple(stream), [&] { return begin(stream, CU_STREAM_CAPTURE_MODE_GLOBAL); });
}
CUresult cuStreamBeginCapture_v2(CUstream stream, CUstreamCaptureMode mode) {
  return call(__func__, std::tuple(stream, mode), [&] { return begin(stream, mode); });
}
CUresult cuStreamBeginCaptureToGraph(CUstream stream, CUgraph graph, const CUgraphNode* dependencies,
                                     const CUgraphEdgeData* edges, size_t count, CUstreamCaptureMode mode) {
  return call(__func__, std::tuple(stream, graph, dependencies, edges, count, mode), [&] {
    return answer(mode_of(mode).and_then([&](device::CaptureMode chosen) {
      return find_graph(graph).and_then([&](const auto& into) {
        return node_ids(*into, dependencies, count).and_then([&](const auto& ids) {
          return find_stream(stream).and_then(
              [&](const auto& found) { return found->begin_capture(chosen, into, ids); });
        });
      });
    }));
  });
}

CUresult cuStreamEndCapture(CUstream stream, CUgraph* graph) {
  return call(__func__, std::tuple(stream, graph), [&] {
    if (graph == nullptr) return CUDA_ERROR_INVALID_VALUE;
    *graph = nullptr;
    return answer(find_stream(stream)
                      .and_then([](const auto& found) { return found->end_capture(); })
                      .map([](const auto& captured) { return objects().graphs.add(captured); }),
                  graph);
  });
}

CUresult cuStreamIsCapturing(CUstream stream, CUstreamCaptureStatus* status) {
  return call(__func__, std::tuple(stream, status), [&] {
    if (status == nullptr) return CUDA_ERROR_INVALID_VALUE;
    return answer(
        find_stream(stream).map([](const auto& found) { return to_status(found->capture_status()); }),
        status);
  });
}
CUresult cuStreamGetCaptureInfo(CUstream stream, CUstreamCaptureStatus* status, cuuint64_t* id) {
  return call(__func__, std::tuple(stream, status, id),
              [&] { return get_info(stream, {.status = status, .id = id}); });
}
CUresult cuStreamGetCaptureInfo_v2(CUstream stream, CUstreamCaptureStatus* status, cuuint64_t* id,
                                   CUgraph* graph, const CUgraphNode** dependencies, size_t* count) {
  return call(__func__, std::tuple(stream, status, id, graph, dependencies, count), [&] {
    return get_info(
        stream, {.status = status, .id = id, .graph = graph, .dependencies = dependencies, .count = count});
  });
}
CUresult cuStreamGetCaptureInfo_v3(CUstream stream, CUstreamCaptureStatus* status, cuuint64_t* id,
                                   CUgraph* graph, const CUgraphNode** dependencies,
                                   const CUgraphEdgeData** edges, size_t* count) {
  return call(__func__, std::tuple(stream, status, id, graph, dependencies, edges, count), [&] {
    return get_info(stream, {.status = status,
                             .id = id,
                             .graph = graph,
                             .dependencies = dependencies,
                             .edges = edges,
                             .count = count});
  });
}

CUresult cuStreamUpdateCaptureDependencies(CUstream stream, CUgraphNode* nodes, size_t count,
                                           unsigned flags) {
  return call(__func__, std::tuple(stream, nodes, count, flags),
              [&] { return update_dependencies(stream, nodes, count, flags); });
}
CUresult cuStreamUpdateCaptureDependencies_v2(CUstream stream, CUgraphNode* nodes,
                                              const CUgraphEdgeData* edges, size_t count, unsigned flags) {
  return call(__func__, std::tuple(stream, nodes, edges, count, flags),
              [&] { return update_dependencies(stream, nodes, count, flags); });
}

CUresult cuThreadExchangeStreamCaptureMode(CUstreamCaptureMode* mode) {
  return call(__func__, std::tuple(mode), [&] {
    if (mode == nullptr) return CUDA_ERROR_INVALID_VALUE;
    return answer(mode_of(*mode).map([](device::CaptureMode wanted) {
      return to_mode(device::Stream::exchange_thread_capture_mode(wanted));
    }),
                  mode);
  });
}

}  // extern "C"
