// Memory calls whose default stream is the calling thread's own: what a program built for per-thread default
// streams calls.
#include <doppel/cuda/types.h>

#include "driver/objects.h"

extern "C" {

CUresult cuMemAllocAsync(CUdeviceptr* address, size_t bytes, CUstream stream);
CUresult cuMemAllocFromPoolAsync(CUdeviceptr* address, size_t bytes, CUmemoryPool pool, CUstream stream);
CUresult cuMemcpy(CUdeviceptr destination, CUdeviceptr source, size_t bytes);
CUresult cuMemcpy2D_v2(const CUDA_MEMCPY2D* shape);
CUresult cuMemcpy2DAsync_v2(const CUDA_MEMCPY2D* shape, CUstream stream);
CUresult cuMemcpy2DUnaligned_v2(const CUDA_MEMCPY2D* shape);
CUresult cuMemcpy3D_v2(const CUDA_MEMCPY3D* shape);
CUresult cuMemcpy3DAsync_v2(const CUDA_MEMCPY3D* shape, CUstream stream);
CUresult cuMemcpy3DPeer(const CUDA_MEMCPY3D_PEER* shape);
CUresult cuMemcpy3DPeerAsync(const CUDA_MEMCPY3D_PEER* shape, CUstream stream);
CUresult cuMemcpyAsync(CUdeviceptr destination, CUdeviceptr source, size_t bytes, CUstream stream);
CUresult cuMemcpyBatchAsync(CUdeviceptr* destinations, CUdeviceptr* sources, size_t* sizes, size_t count,
                            CUmemcpyAttributes* attributes, size_t* attribute_starts, size_t attribute_count,
                            size_t* failed, CUstream stream);
CUresult cuMemcpyBatchAsync_v2(CUdeviceptr* destinations, CUdeviceptr* sources, size_t* sizes, size_t count,
                               CUmemcpyAttributes* attributes, size_t* attribute_starts,
                               size_t attribute_count, CUstream stream);
CUresult cuMemcpyWithAttributesAsync(CUdeviceptr destination, CUdeviceptr source, size_t bytes,
                                     CUmemcpyAttributes* attributes, CUstream stream);
CUresult cuMemcpyDtoD_v2(CUdeviceptr destination, CUdeviceptr source, size_t bytes);
CUresult cuMemcpyDtoDAsync_v2(CUdeviceptr destination, CUdeviceptr source, size_t bytes, CUstream stream);
CUresult cuMemcpyDtoH_v2(void* destination, CUdeviceptr source, size_t bytes);
CUresult cuMemcpyDtoHAsync_v2(void* destination, CUdeviceptr source, size_t bytes, CUstream stream);
CUresult cuMemcpyHtoD_v2(CUdeviceptr destination, const void* source, size_t bytes);
CUresult cuMemcpyHtoDAsync_v2(CUdeviceptr destination, const void* source, size_t bytes, CUstream stream);
CUresult cuMemcpyPeer(CUdeviceptr destination, CUcontext destination_context, CUdeviceptr source,
                      CUcontext source_context, size_t bytes);
CUresult cuMemcpyPeerAsync(CUdeviceptr destination, CUcontext destination_context, CUdeviceptr source,
                           CUcontext source_context, size_t bytes, CUstream stream);
CUresult cuMemFreeAsync(CUdeviceptr address, CUstream stream);
CUresult cuMemPrefetchAsync(CUdeviceptr address, size_t bytes, CUdevice device, CUstream stream);
CUresult cuMemPrefetchAsync_v2(CUdeviceptr address, size_t bytes, CUmemLocation place, unsigned flags,
                               CUstream stream);
CUresult cuMemsetD16_v2(CUdeviceptr address, unsigned short value, size_t count);
CUresult cuMemsetD16Async(CUdeviceptr address, unsigned short value, size_t count, CUstream stream);
CUresult cuMemsetD2D16_v2(CUdeviceptr address, size_t pitch, unsigned short value, size_t width,
                          size_t height);
CUresult cuMemsetD2D16Async(CUdeviceptr address, size_t pitch, unsigned short value, size_t width,
                            size_t height, CUstream stream);
CUresult cuMemsetD2D32_v2(CUdeviceptr address, size_t pitch, unsigned int value, size_t width, size_t height);
CUresult cuMemsetD2D32Async(CUdeviceptr address, size_t pitch, unsigned int value, size_t width,
                            size_t height, CUstream stream);
CUresult cuMemsetD2D8_v2(CUdeviceptr address, size_t pitch, unsigned char value, size_t width, size_t height);
CUresult cuMemsetD2D8Async(CUdeviceptr address, size_t pitch, unsigned char value, size_t width,
                           size_t height, CUstream stream);
CUresult cuMemsetD32_v2(CUdeviceptr address, unsigned int value, size_t count);
CUresult cuMemsetD32Async(CUdeviceptr address, unsigned int value, size_t count, CUstream stream);
CUresult cuMemsetD8_v2(CUdeviceptr address, unsigned char value, size_t count);
CUresult cuMemsetD8Async(CUdeviceptr address, unsigned char value, size_t count, CUstream stream);

using doppel::driver::PerThreadDefaultStream;

CUresult cuMemAllocAsync_ptsz(CUdeviceptr* address, size_t bytes, CUstream stream) {
  const PerThreadDefaultStream scope;
  return cuMemAllocAsync(address, bytes, stream);
}
CUresult cuMemAllocFromPoolAsync_ptsz(CUdeviceptr* address, size_t bytes, CUmemoryPool pool,
                                      CUstream stream) {
  const PerThreadDefaultStream scope;
  return cuMemAllocFromPoolAsync(address, bytes, pool, stream);
}
CUresult cuMemcpy_ptds(CUdeviceptr destination, CUdeviceptr source, size_t bytes) {
  const PerThreadDefaultStream scope;
  return cuMemcpy(destination, source, bytes);
}
CUresult cuMemcpy2D_v2_ptds(const CUDA_MEMCPY2D* shape) {
  const PerThreadDefaultStream scope;
  return cuMemcpy2D_v2(shape);
}
CUresult cuMemcpy2DAsync_v2_ptsz(const CUDA_MEMCPY2D* shape, CUstream stream) {
  const PerThreadDefaultStream scope;
  return cuMemcpy2DAsync_v2(shape, stream);
}
CUresult cuMemcpy2DUnaligned_v2_ptds(const CUDA_MEMCPY2D* shape) {
  const PerThreadDefaultStream scope;
  return cuMemcpy2DUnaligned_v2(shape);
}
CUresult cuMemcpy3D_v2_ptds(const CUDA_MEMCPY3D* shape) {
  const PerThreadDefaultStream scope;
  return cuMemcpy3D_v2(shape);
}
CUresult cuMemcpy3DAsync_v2_ptsz(const CUDA_MEMCPY3D* shape, CUstream stream) {
  const PerThreadDefaultStream scope;
  return cuMemcpy3DAsync_v2(shape, stream);
}
CUresult cuMemcpy3DPeer_ptds(const CUDA_MEMCPY3D_PEER* shape) {
  const PerThreadDefaultStream scope;
  return cuMemcpy3DPeer(shape);
}
CUresult cuMemcpy3DPeerAsync_ptsz(const CUDA_MEMCPY3D_PEER* shape, CUstream stream) {
  const PerThreadDefaultStream scope;
  return cuMemcpy3DPeerAsync(shape, stream);
}
CUresult cuMemcpyAsync_ptsz(CUdeviceptr destination, CUdeviceptr source, size_t bytes, CUstream stream) {
  const PerThreadDefaultStream scope;
  return cuMemcpyAsync(destination, source, bytes, stream);
}
CUresult cuMemcpyBatchAsync_ptsz(CUdeviceptr* destinations, CUdeviceptr* sources, size_t* sizes, size_t count,
                                 CUmemcpyAttributes* attributes, size_t* attribute_starts,
                                 size_t attribute_count, size_t* failed, CUstream stream) {
  const PerThreadDefaultStream scope;
  return cuMemcpyBatchAsync(destinations, sources, sizes, count, attributes, attribute_starts,
                            attribute_count, failed, stream);
}
CUresult cuMemcpyBatchAsync_v2_ptsz(CUdeviceptr* destinations, CUdeviceptr* sources, size_t* sizes,
                                    size_t count, CUmemcpyAttributes* attributes, size_t* attribute_starts,
                                    size_t attribute_count, CUstream stream) {
  const PerThreadDefaultStream scope;
  return cuMemcpyBatchAsync_v2(destinations, sources, sizes, count, attributes, attribute_starts,
                               attribute_count, stream);
}
CUresult cuMemcpyWithAttributesAsync_ptsz(CUdeviceptr destination, CUdeviceptr source, size_t bytes,
                                          CUmemcpyAttributes* attributes, CUstream stream) {
  const PerThreadDefaultStream scope;
  return cuMemcpyWithAttributesAsync(destination, source, bytes, attributes, stream);
}
CUresult cuMemcpyDtoD_v2_ptds(CUdeviceptr destination, CUdeviceptr source, size_t bytes) {
  const PerThreadDefaultStream scope;
  return cuMemcpyDtoD_v2(destination, source, bytes);
}
CUresult cuMemcpyDtoDAsync_v2_ptsz(CUdeviceptr destination, CUdeviceptr source, size_t bytes,
                                   CUstream stream) {
  const PerThreadDefaultStream scope;
  return cuMemcpyDtoDAsync_v2(destination, source, bytes, stream);
}
CUresult cuMemcpyDtoH_v2_ptds(void* destination, CUdeviceptr source, size_t bytes) {
  const PerThreadDefaultStream scope;
  return cuMemcpyDtoH_v2(destination, source, bytes);
}
CUresult cuMemcpyDtoHAsync_v2_ptsz(void* destination, CUdeviceptr source, size_t bytes, CUstream stream) {
  const PerThreadDefaultStream scope;
  return cuMemcpyDtoHAsync_v2(destination, source, bytes, stream);
}
CUresult cuMemcpyHtoD_v2_ptds(CUdeviceptr destination, const void* source, size_t bytes) {
  const PerThreadDefaultStream scope;
  return cuMemcpyHtoD_v2(destination, source, bytes);
}
CUresult cuMemcpyHtoDAsync_v2_ptsz(CUdeviceptr destination, const void* source, size_t bytes,
                                   CUstream stream) {
  const PerThreadDefaultStream scope;
  return cuMemcpyHtoDAsync_v2(destination, source, bytes, stream);
}
CUresult cuMemcpyPeer_ptds(CUdeviceptr destination, CUcontext destination_context, CUdeviceptr source,
                           CUcontext source_context, size_t bytes) {
  const PerThreadDefaultStream scope;
  return cuMemcpyPeer(destination, destination_context, source, source_context, bytes);
}
CUresult cuMemcpyPeerAsync_ptsz(CUdeviceptr destination, CUcontext destination_context, CUdeviceptr source,
                                CUcontext source_context, size_t bytes, CUstream stream) {
  const PerThreadDefaultStream scope;
  return cuMemcpyPeerAsync(destination, destination_context, source, source_context, bytes, stream);
}
CUresult cuMemFreeAsync_ptsz(CUdeviceptr address, CUstream stream) {
  const PerThreadDefaultStream scope;
  return cuMemFreeAsync(address, stream);
}
CUresult cuMemPrefetchAsync_ptsz(CUdeviceptr address, size_t bytes, CUdevice device, CUstream stream) {
  const PerThreadDefaultStream scope;
  return cuMemPrefetchAsync(address, bytes, device, stream);
}
CUresult cuMemPrefetchAsync_v2_ptsz(CUdeviceptr address, size_t bytes, CUmemLocation place, unsigned flags,
                                    CUstream stream) {
  const PerThreadDefaultStream scope;
  return cuMemPrefetchAsync_v2(address, bytes, place, flags, stream);
}
CUresult cuMemsetD16_v2_ptds(CUdeviceptr address, unsigned short value, size_t count) {
  const PerThreadDefaultStream scope;
  return cuMemsetD16_v2(address, value, count);
}
CUresult cuMemsetD16Async_ptsz(CUdeviceptr address, unsigned short value, size_t count, CUstream stream) {
  const PerThreadDefaultStream scope;
  return cuMemsetD16Async(address, value, count, stream);
}
CUresult cuMemsetD2D16_v2_ptds(CUdeviceptr address, size_t pitch, unsigned short value, size_t width,
                               size_t height) {
  const PerThreadDefaultStream scope;
  return cuMemsetD2D16_v2(address, pitch, value, width, height);
}
CUresult cuMemsetD2D16Async_ptsz(CUdeviceptr address, size_t pitch, unsigned short value, size_t width,
                                 size_t height, CUstream stream) {
  const PerThreadDefaultStream scope;
  return cuMemsetD2D16Async(address, pitch, value, width, height, stream);
}
CUresult cuMemsetD2D32_v2_ptds(CUdeviceptr address, size_t pitch, unsigned int value, size_t width,
                               size_t height) {
  const PerThreadDefaultStream scope;
  return cuMemsetD2D32_v2(address, pitch, value, width, height);
}
CUresult cuMemsetD2D32Async_ptsz(CUdeviceptr address, size_t pitch, unsigned int value, size_t width,
                                 size_t height, CUstream stream) {
  const PerThreadDefaultStream scope;
  return cuMemsetD2D32Async(address, pitch, value, width, height, stream);
}
CUresult cuMemsetD2D8_v2_ptds(CUdeviceptr address, size_t pitch, unsigned char value, size_t width,
                              size_t height) {
  const PerThreadDefaultStream scope;
  return cuMemsetD2D8_v2(address, pitch, value, width, height);
}
CUresult cuMemsetD2D8Async_ptsz(CUdeviceptr address, size_t pitch, unsigned char value, size_t width,
                                size_t height, CUstream stream) {
  const PerThreadDefaultStream scope;
  return cuMemsetD2D8Async(address, pitch, value, width, height, stream);
}
CUresult cuMemsetD32_v2_ptds(CUdeviceptr address, unsigned int value, size_t count) {
  const PerThreadDefaultStream scope;
  return cuMemsetD32_v2(address, value, count);
}
CUresult cuMemsetD32Async_ptsz(CUdeviceptr address, unsigned int value, size_t count, CUstream stream) {
  const PerThreadDefaultStream scope;
  return cuMemsetD32Async(address, value, count, stream);
}
CUresult cuMemsetD8_v2_ptds(CUdeviceptr address, unsigned char value, size_t count) {
  const PerThreadDefaultStream scope;
  return cuMemsetD8_v2(address, value, count);
}
CUresult cuMemsetD8Async_ptsz(CUdeviceptr address, unsigned char value, size_t count, CUstream stream) {
  const PerThreadDefaultStream scope;
  return cuMemsetD8Async(address, value, count, stream);
}

}  // extern "C"
