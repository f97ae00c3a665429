// What the runtime answers: managed variables, the codes of wrong launches and copies, parameters of graph
// nodes.
#include <cstring>

#include "expect.h"

__managed__ int counter = 5;
__managed__ int* into;

__global__ void add(int* p, int v) {
  if (p != nullptr) *p = v;
  counter += v;
}

static void managed_variables() {
  expect(counter == 5, "a managed variable's initial value, before anything else");
  counter = 7;
  into = nullptr;
  add<<<1, 1>>>(nullptr, 10);
  check(cudaDeviceSynchronize(), "add");
  expect(counter == 17, "host and card share the variable");
}

static cudaError_t launched() {
  const cudaError_t error = cudaGetLastError();
  expect(cudaGetLastError() == cudaSuccess, "the error is told once");
  return error;
}

static void launches() {
  add<<<1, 1025>>>(nullptr, 0);
  expect(launched() == cudaErrorInvalidConfiguration, "1025 threads in x");
  add<<<1, dim3(1, 1, 65)>>>(nullptr, 0);
  expect(launched() == cudaErrorInvalidConfiguration, "65 threads in z");
  add<<<1, dim3(64, 32)>>>(nullptr, 0);
  expect(launched() == cudaErrorInvalidConfiguration, "2048 threads in all");
  add<<<dim3(1, 65536), 1>>>(nullptr, 0);
  expect(launched() == cudaErrorInvalidConfiguration, "65536 blocks in y");
  add<<<0, 1>>>(nullptr, 0);
  expect(launched() == cudaErrorInvalidConfiguration, "no blocks");
  add<<<1, 0>>>(nullptr, 0);
  expect(launched() == cudaErrorInvalidConfiguration, "no threads");
  add<<<1, 1, 1 << 20>>>(nullptr, 0);
  expect(launched() == cudaErrorInvalidValue, "1 MiB of shared memory");
  add<<<1, 1024>>>(nullptr, 0);
  expect(launched() == cudaSuccess, "1024 threads");
}

static void copies() {
  int* device;
  int host = 1;
  check(cudaMalloc(&device, 64), "cudaMalloc");
  expect(cudaMemcpy(device, &host, 4, cudaMemcpyDeviceToHost) == cudaErrorInvalidValue,
         "swapped, to the host");
  expect(cudaMemcpy(&host, device, 4, cudaMemcpyHostToDevice) == cudaErrorInvalidValue,
         "swapped, to the device");
  expect(cudaMemcpy(&host, device, 4, cudaMemcpyDeviceToDevice) == cudaErrorInvalidValue,
         "not on the device");
  expect(cudaMemcpy(device, &host, 4, static_cast<cudaMemcpyKind>(9)) == cudaErrorInvalidMemcpyDirection,
         "no such direction");
  expect(cudaMemcpy(device, &host, 4, cudaMemcpyDefault) == cudaSuccess, "by the addresses");
  int rows[4] = {};
  expect(cudaMemcpy2D(device, 8, rows, 8, 8, 2, cudaMemcpyDeviceToHost) == cudaErrorInvalidValue,
         "rows, swapped, to the host");
  expect(cudaMemcpy2D(rows, 8, device, 8, 8, 2, cudaMemcpyHostToDevice) == cudaErrorInvalidValue,
         "rows, swapped, to the device");
  expect(cudaMemcpy2D(rows, 8, device, 8, 8, 2, cudaMemcpyDeviceToHost) == cudaSuccess, "rows, as they are");
  cudaGetLastError();
  check(cudaFree(device), "cudaFree");
}

static void graphs() {
  int* x;
  check(cudaMalloc(&x, 4), "cudaMalloc");
  int v = 3;
  void* arguments[] = {&x, &v};
  cudaKernelNodeParams wanted{};
  wanted.func = reinterpret_cast<void*>(add);
  wanted.gridDim = dim3(1);
  wanted.blockDim = dim3(1);
  wanted.kernelParams = arguments;
  cudaGraph_t graph;
  cudaGraphNode_t added;
  check(cudaGraphCreate(&graph, 0), "cudaGraphCreate");
  check(cudaGraphAddKernelNode(&added, graph, nullptr, 0, &wanted), "cudaGraphAddKernelNode");
  cudaKernelNodeParams read{};
  check(cudaGraphKernelNodeGetParams(added, &read), "cudaGraphKernelNodeGetParams");
  expect(read.func == reinterpret_cast<void*>(add), "the kernel of an added node");
  expect(read.kernelParams != nullptr && *static_cast<int*>(read.kernelParams[1]) == 3, "its arguments");
  int copied = 0;
  cudaGraphNode_t copy;
  check(cudaGraphAddMemcpyNode1D(&copy, graph, &added, 1, &copied, x, 4, cudaMemcpyDeviceToHost),
        "cudaGraphAddMemcpyNode1D");
  cudaMemcpy3DParms box{};
  check(cudaGraphMemcpyNodeGetParams(copy, &box), "cudaGraphMemcpyNodeGetParams");
  expect(box.kind == cudaMemcpyDeviceToHost && box.dstPtr.ptr == &copied && box.extent.width == 4,
         "the box of a copy");
  check(cudaGraphMemcpyNodeSetParams(copy, &box), "cudaGraphMemcpyNodeSetParams");
  check(cudaGraphDestroy(graph), "cudaGraphDestroy");

  cudaStream_t stream;
  check(cudaStreamCreate(&stream), "cudaStreamCreate");
  check(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal), "cudaStreamBeginCapture");
  add<<<1, 1, 0, stream>>>(x, 8);
  check(cudaStreamEndCapture(stream, &graph), "cudaStreamEndCapture");
  cudaGraphNode_t captured;
  size_t count = 1;
  check(cudaGraphGetNodes(graph, &captured, &count), "cudaGraphGetNodes");
  check(cudaGraphKernelNodeGetParams(captured, &read), "cudaGraphKernelNodeGetParams");
  expect(read.func == reinterpret_cast<void*>(add), "the kernel of a captured node");
  expect(read.kernelParams != nullptr && *static_cast<int*>(read.kernelParams[1]) == 8, "its arguments");
  // What was read can be written back, changed.
  *static_cast<int*>(arguments[1]) = 21;
  read.kernelParams = arguments;
  check(cudaGraphKernelNodeSetParams(captured, &read), "cudaGraphKernelNodeSetParams");
  cudaGraphExec_t exec;
  check(cudaGraphInstantiate(&exec, graph, 0), "cudaGraphInstantiate");
  check(cudaGraphLaunch(exec, stream), "cudaGraphLaunch");
  int host = 0;
  check(cudaMemcpyAsync(&host, x, 4, cudaMemcpyDeviceToHost, stream), "cudaMemcpyAsync");
  check(cudaStreamSynchronize(stream), "cudaStreamSynchronize");
  expect(host == 21, "the changed node ran");
  check(cudaGraphExecDestroy(exec), "cudaGraphExecDestroy");
  check(cudaGraphDestroy(graph), "cudaGraphDestroy");
  check(cudaStreamDestroy(stream), "cudaStreamDestroy");
  check(cudaFree(x), "cudaFree");
}

int main() {
  managed_variables();
  launches();
  copies();
  graphs();
  return verdict();
}
