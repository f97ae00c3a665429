// Stream, event, launch and graph calls whose default stream is the calling thread's own: what a program
// built for per-thread default streams calls.
#include <doppel/cuda/types.h>

#include "driver/objects.h"

extern "C" {

CUresult cuEventRecord(CUevent event, CUstream stream);
CUresult cuEventRecordWithFlags(CUevent event, CUstream stream, unsigned flags);
CUresult cuGraphInstantiateWithParams(CUgraphExec* exec, CUgraph graph,
                                      CUDA_GRAPH_INSTANTIATE_PARAMS* parameters);
CUresult cuGraphLaunch(CUgraphExec exec, CUstream stream);
CUresult cuGraphUpload(CUgraphExec exec, CUstream stream);
CUresult cuLaunchCooperativeKernel(CUfunction function, unsigned grid_x, unsigned grid_y, unsigned grid_z,
                                   unsigned block_x, unsigned block_y, unsigned block_z,
                                   unsigned shared_bytes, CUstream stream, void** parameters);
CUresult cuLaunchHostFunc(CUstream stream, CUhostFn function, void* user_data);
CUresult cuLaunchHostFunc_v2(CUstream stream, CUhostFn function, void* user_data, unsigned sync_mode);
CUresult cuLaunchKernel(CUfunction function, unsigned grid_x, unsigned grid_y, unsigned grid_z,
                        unsigned block_x, unsigned block_y, unsigned block_z, unsigned shared_bytes,
                        CUstream stream, void** parameters, void** extra);
CUresult cuLaunchKernelEx(const CUlaunchConfig* config, CUfunction function, void** parameters, void** extra);
CUresult cuStreamAddCallback(CUstream stream, CUstreamCallback callback, void* user_data, unsigned flags);
CUresult cuStreamAttachMemAsync(CUstream stream, CUdeviceptr address, size_t bytes, unsigned flags);
CUresult cuStreamBatchMemOp(CUstream stream, unsigned count, CUstreamBatchMemOpParams* operations,
                            unsigned flags);
CUresult cuStreamBatchMemOp_v2(CUstream stream, unsigned count, CUstreamBatchMemOpParams* operations,
                               unsigned flags);
CUresult cuStreamBeginCapture(CUstream stream);
CUresult cuStreamBeginCapture_v2(CUstream stream, CUstreamCaptureMode mode);
CUresult cuStreamBeginCaptureToGraph(CUstream stream, CUgraph graph, const CUgraphNode* dependencies,
                                     const CUgraphEdgeData* edges, size_t count, CUstreamCaptureMode mode);
CUresult cuStreamCopyAttributes(CUstream destination, CUstream source);
CUresult cuStreamEndCapture(CUstream stream, CUgraph* graph);
CUresult cuStreamGetAttribute(CUstream stream, CUstreamAttrID attribute, CUstreamAttrValue* value);
CUresult cuStreamGetCaptureInfo(CUstream stream, CUstreamCaptureStatus* status, cuuint64_t* id);
CUresult cuStreamGetCaptureInfo_v2(CUstream stream, CUstreamCaptureStatus* status, cuuint64_t* id,
                                   CUgraph* graph, const CUgraphNode** dependencies, size_t* count);
CUresult cuStreamGetCaptureInfo_v3(CUstream stream, CUstreamCaptureStatus* status, cuuint64_t* id,
                                   CUgraph* graph, const CUgraphNode** dependencies,
                                   const CUgraphEdgeData** edges, size_t* count);
CUresult cuStreamGetCtx(CUstream stream, CUcontext* context);
CUresult cuStreamGetCtx_v2(CUstream stream, CUcontext* context, void** green_context);
CUresult cuStreamGetDevice(CUstream stream, CUdevice* device);
CUresult cuStreamGetFlags(CUstream stream, unsigned* flags);
CUresult cuStreamGetId(CUstream stream, unsigned long long* id);
CUresult cuStreamGetPriority(CUstream stream, int* priority);
CUresult cuStreamIsCapturing(CUstream stream, CUstreamCaptureStatus* status);
CUresult cuStreamQuery(CUstream stream);
CUresult cuStreamSetAttribute(CUstream stream, CUstreamAttrID attribute, const CUstreamAttrValue* value);
CUresult cuStreamSynchronize(CUstream stream);
CUresult cuStreamUpdateCaptureDependencies(CUstream stream, CUgraphNode* nodes, size_t count, unsigned flags);
CUresult cuStreamUpdateCaptureDependencies_v2(CUstream stream, CUgraphNode* nodes,
                                              const CUgraphEdgeData* edges, size_t count, unsigned flags);
CUresult cuStreamWaitEvent(CUstream stream, CUevent event, unsigned flags);
CUresult cuStreamWaitValue32(CUstream stream, CUdeviceptr address, cuuint32_t value, unsigned flags);
CUresult cuStreamWaitValue32_v2(CUstream stream, CUdeviceptr address, cuuint32_t value, unsigned flags);
CUresult cuStreamWaitValue64(CUstream stream, CUdeviceptr address, cuuint64_t value, unsigned flags);
CUresult cuStreamWaitValue64_v2(CUstream stream, CUdeviceptr address, cuuint64_t value, unsigned flags);
CUresult cuStreamWriteValue32(CUstream stream, CUdeviceptr address, cuuint32_t value, unsigned flags);
CUresult cuStreamWriteValue32_v2(CUstream stream, CUdeviceptr address, cuuint32_t value, unsigned flags);
CUresult cuStreamWriteValue64(CUstream stream, CUdeviceptr address, cuuint64_t value, unsigned flags);
CUresult cuStreamWriteValue64_v2(CUstream stream, CUdeviceptr address, cuuint64_t value, unsigned flags);

using doppel::driver::PerThreadDefaultStream;

CUresult cuEventRecord_ptsz(CUevent event, CUstream stream) {
  const PerThreadDefaultStream scope;
  return cuEventRecord(event, stream);
}
CUresult cuEventRecordWithFlags_ptsz(CUevent event, CUstream stream, unsigned flags) {
  const PerThreadDefaultStream scope;
  return cuEventRecordWithFlags(event, stream, flags);
}
CUresult cuGraphInstantiateWithParams_ptsz(CUgraphExec* exec, CUgraph graph,
                                           CUDA_GRAPH_INSTANTIATE_PARAMS* parameters) {
  const PerThreadDefaultStream scope;
  return cuGraphInstantiateWithParams(exec, graph, parameters);
}
CUresult cuGraphLaunch_ptsz(CUgraphExec exec, CUstream stream) {
  const PerThreadDefaultStream scope;
  return cuGraphLaunch(exec, stream);
}
CUresult cuGraphUpload_ptsz(CUgraphExec exec, CUstream stream) {
  const PerThreadDefaultStream scope;
  return cuGraphUpload(exec, stream);
}
CUresult cuLaunchCooperativeKernel_ptsz(CUfunction function, unsigned grid_x, unsigned grid_y,
                                        unsigned grid_z, unsigned block_x, unsigned block_y, unsigned block_z,
                                        unsigned shared_bytes, CUstream stream, void** parameters) {
  const PerThreadDefaultStream scope;
  return cuLaunchCooperativeKernel(function, grid_x, grid_y, grid_z, block_x, block_y, block_z, shared_bytes,
                                   stream, parameters);
}
CUresult cuLaunchHostFunc_ptsz(CUstream stream, CUhostFn function, void* user_data) {
  const PerThreadDefaultStream scope;
  return cuLaunchHostFunc(stream, function, user_data);
}
CUresult cuLaunchHostFunc_v2_ptsz(CUstream stream, CUhostFn function, void* user_data, unsigned sync_mode) {
  const PerThreadDefaultStream scope;
  return cuLaunchHostFunc_v2(stream, function, user_data, sync_mode);
}
CUresult cuLaunchKernel_ptsz(CUfunction function, unsigned grid_x, unsigned grid_y, unsigned grid_z,
                             unsigned block_x, unsigned block_y, unsigned block_z, unsigned shared_bytes,
                             CUstream stream, void** parameters, void** extra) {
  const PerThreadDefaultStream scope;
  return cuLaunchKernel(function, grid_x, grid_y, grid_z, block_x, block_y, block_z, shared_bytes, stream,
                        parameters, extra);
}
CUresult cuLaunchKernelEx_ptsz(const CUlaunchConfig* config, CUfunction function, void** parameters,
                               void** extra) {
  const PerThreadDefaultStream scope;
  return cuLaunchKernelEx(config, function, parameters, extra);
}
CUresult cuStreamAddCallback_ptsz(CUstream stream, CUstreamCallback callback, void* user_data,
                                  unsigned flags) {
  const PerThreadDefaultStream scope;
  return cuStreamAddCallback(stream, callback, user_data, flags);
}
CUresult cuStreamAttachMemAsync_ptsz(CUstream stream, CUdeviceptr address, size_t bytes, unsigned flags) {
  const PerThreadDefaultStream scope;
  return cuStreamAttachMemAsync(stream, address, bytes, flags);
}
CUresult cuStreamBatchMemOp_ptsz(CUstream stream, unsigned count, CUstreamBatchMemOpParams* operations,
                                 unsigned flags) {
  const PerThreadDefaultStream scope;
  return cuStreamBatchMemOp(stream, count, operations, flags);
}
CUresult cuStreamBatchMemOp_v2_ptsz(CUstream stream, unsigned count, CUstreamBatchMemOpParams* operations,
                                    unsigned flags) {
  const PerThreadDefaultStream scope;
  return cuStreamBatchMemOp_v2(stream, count, operations, flags);
}
CUresult cuStreamBeginCapture_ptsz(CUstream stream) {
  const PerThreadDefaultStream scope;
  return cuStreamBeginCapture(stream);
}
CUresult cuStreamBeginCapture_v2_ptsz(CUstream stream, CUstreamCaptureMode mode) {
  const PerThreadDefaultStream scope;
  return cuStreamBeginCapture_v2(stream, mode);
}
CUresult cuStreamBeginCaptureToGraph_ptsz(CUstream stream, CUgraph graph, const CUgraphNode* dependencies,
                                          const CUgraphEdgeData* edges, size_t count,
                                          CUstreamCaptureMode mode) {
  const PerThreadDefaultStream scope;
  return cuStreamBeginCaptureToGraph(stream, graph, dependencies, edges, count, mode);
}
CUresult cuStreamCopyAttributes_ptsz(CUstream destination, CUstream source) {
  const PerThreadDefaultStream scope;
  return cuStreamCopyAttributes(destination, source);
}
CUresult cuStreamEndCapture_ptsz(CUstream stream, CUgraph* graph) {
  const PerThreadDefaultStream scope;
  return cuStreamEndCapture(stream, graph);
}
CUresult cuStreamGetAttribute_ptsz(CUstream stream, CUstreamAttrID attribute, CUstreamAttrValue* value) {
  const PerThreadDefaultStream scope;
  return cuStreamGetAttribute(stream, attribute, value);
}
CUresult cuStreamGetCaptureInfo_ptsz(CUstream stream, CUstreamCaptureStatus* status, cuuint64_t* id) {
  const PerThreadDefaultStream scope;
  return cuStreamGetCaptureInfo(stream, status, id);
}
CUresult cuStreamGetCaptureInfo_v2_ptsz(CUstream stream, CUstreamCaptureStatus* status, cuuint64_t* id,
                                        CUgraph* graph, const CUgraphNode** dependencies, size_t* count) {
  const PerThreadDefaultStream scope;
  return cuStreamGetCaptureInfo_v2(stream, status, id, graph, dependencies, count);
}
CUresult cuStreamGetCaptureInfo_v3_ptsz(CUstream stream, CUstreamCaptureStatus* status, cuuint64_t* id,
                                        CUgraph* graph, const CUgraphNode** dependencies,
                                        const CUgraphEdgeData** edges, size_t* count) {
  const PerThreadDefaultStream scope;
  return cuStreamGetCaptureInfo_v3(stream, status, id, graph, dependencies, edges, count);
}
CUresult cuStreamGetCtx_ptsz(CUstream stream, CUcontext* context) {
  const PerThreadDefaultStream scope;
  return cuStreamGetCtx(stream, context);
}
CUresult cuStreamGetCtx_v2_ptsz(CUstream stream, CUcontext* context, void** green_context) {
  const PerThreadDefaultStream scope;
  return cuStreamGetCtx_v2(stream, context, green_context);
}
CUresult cuStreamGetDevice_ptsz(CUstream stream, CUdevice* device) {
  const PerThreadDefaultStream scope;
  return cuStreamGetDevice(stream, device);
}
CUresult cuStreamGetFlags_ptsz(CUstream stream, unsigned* flags) {
  const PerThreadDefaultStream scope;
  return cuStreamGetFlags(stream, flags);
}
CUresult cuStreamGetId_ptsz(CUstream stream, unsigned long long* id) {
  const PerThreadDefaultStream scope;
  return cuStreamGetId(stream, id);
}
CUresult cuStreamGetPriority_ptsz(CUstream stream, int* priority) {
  const PerThreadDefaultStream scope;
  return cuStreamGetPriority(stream, priority);
}
CUresult cuStreamIsCapturing_ptsz(CUstream stream, CUstreamCaptureStatus* status) {
  const PerThreadDefaultStream scope;
  return cuStreamIsCapturing(stream, status);
}
CUresult cuStreamQuery_ptsz(CUstream stream) {
  const PerThreadDefaultStream scope;
  return cuStreamQuery(stream);
}
CUresult cuStreamSetAttribute_ptsz(CUstream stream, CUstreamAttrID attribute,
                                   const CUstreamAttrValue* value) {
  const PerThreadDefaultStream scope;
  return cuStreamSetAttribute(stream, attribute, value);
}
CUresult cuStreamSynchronize_ptsz(CUstream stream) {
  const PerThreadDefaultStream scope;
  return cuStreamSynchronize(stream);
}
CUresult cuStreamUpdateCaptureDependencies_ptsz(CUstream stream, CUgraphNode* nodes, size_t count,
                                                unsigned flags) {
  const PerThreadDefaultStream scope;
  return cuStreamUpdateCaptureDependencies(stream, nodes, count, flags);
}
CUresult cuStreamUpdateCaptureDependencies_v2_ptsz(CUstream stream, CUgraphNode* nodes,
                                                   const CUgraphEdgeData* edges, size_t count,
                                                   unsigned flags) {
  const PerThreadDefaultStream scope;
  return cuStreamUpdateCaptureDependencies_v2(stream, nodes, edges, count, flags);
}
CUresult cuStreamWaitEvent_ptsz(CUstream stream, CUevent event, unsigned flags) {
  const PerThreadDefaultStream scope;
  return cuStreamWaitEvent(stream, event, flags);
}
CUresult cuStreamWaitValue32_ptsz(CUstream stream, CUdeviceptr address, cuuint32_t value, unsigned flags) {
  const PerThreadDefaultStream scope;
  return cuStreamWaitValue32(stream, address, value, flags);
}
CUresult cuStreamWaitValue32_v2_ptsz(CUstream stream, CUdeviceptr address, cuuint32_t value, unsigned flags) {
  const PerThreadDefaultStream scope;
  return cuStreamWaitValue32_v2(stream, address, value, flags);
}
CUresult cuStreamWaitValue64_ptsz(CUstream stream, CUdeviceptr address, cuuint64_t value, unsigned flags) {
  const PerThreadDefaultStream scope;
  return cuStreamWaitValue64(stream, address, value, flags);
}
CUresult cuStreamWaitValue64_v2_ptsz(CUstream stream, CUdeviceptr address, cuuint64_t value, unsigned flags) {
  const PerThreadDefaultStream scope;
  return cuStreamWaitValue64_v2(stream, address, value, flags);
}
CUresult cuStreamWriteValue32_ptsz(CUstream stream, CUdeviceptr address, cuuint32_t value, unsigned flags) {
  const PerThreadDefaultStream scope;
  return cuStreamWriteValue32(stream, address, value, flags);
}
CUresult cuStreamWriteValue32_v2_ptsz(CUstream stream, CUdeviceptr address, cuuint32_t value,
                                      unsigned flags) {
  const PerThreadDefaultStream scope;
  return cuStreamWriteValue32_v2(stream, address, value, flags);
}
CUresult cuStreamWriteValue64_ptsz(CUstream stream, CUdeviceptr address, cuuint64_t value, unsigned flags) {
  const PerThreadDefaultStream scope;
  return cuStreamWriteValue64(stream, address, value, flags);
}
CUresult cuStreamWriteValue64_v2_ptsz(CUstream stream, CUdeviceptr address, cuuint64_t value,
                                      unsigned flags) {
  const PerThreadDefaultStream scope;
  return cuStreamWriteValue64_v2(stream, address, value, flags);
}

}  // extern "C"
