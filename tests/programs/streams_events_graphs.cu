// Streams ordered by events, host functions on a stream, a captured graph, and times between events.
#include <vector>

#include "expect.h"

__global__ void add_one(int* data) { data[blockIdx.x * blockDim.x + threadIdx.x] += 1; }

static void CUDART_CB mark(void* place) { *static_cast<int*>(place) += 1; }

int main() {
  constexpr int kCount = 1 << 16;
  int* data;
  check(cudaMalloc(&data, kCount * sizeof(int)), "cudaMalloc");
  check(cudaMemset(data, 0, kCount * sizeof(int)), "cudaMemset");
  cudaStream_t first, second;
  check(cudaStreamCreateWithFlags(&first, cudaStreamNonBlocking), "cudaStreamCreateWithFlags");
  check(cudaStreamCreateWithFlags(&second, cudaStreamNonBlocking), "cudaStreamCreateWithFlags");
  cudaEvent_t begin, middle, end;
  check(cudaEventCreate(&begin), "cudaEventCreate");
  check(cudaEventCreateWithFlags(&middle, cudaEventDisableTiming), "cudaEventCreateWithFlags");
  check(cudaEventCreate(&end), "cudaEventCreate");

  int marks = 0;
  check(cudaEventRecord(begin, first), "cudaEventRecord");
  add_one<<<kCount / 256, 256, 0, first>>>(data);
  check(cudaLaunchHostFunc(first, mark, &marks), "cudaLaunchHostFunc");
  check(cudaEventRecord(middle, first), "cudaEventRecord");
  check(cudaStreamWaitEvent(second, middle), "cudaStreamWaitEvent");
  add_one<<<kCount / 256, 256, 0, second>>>(data);
  check(cudaEventRecord(end, second), "cudaEventRecord");
  check(cudaEventSynchronize(end), "cudaEventSynchronize");
  expect(marks == 1, "the host function ran");
  expect(cudaStreamQuery(first) == cudaSuccess, "the first stream is done");
  float milliseconds = -1;
  check(cudaEventElapsedTime(&milliseconds, begin, end), "cudaEventElapsedTime");
  expect(milliseconds > 0, "two kernels take time");
  expect(cudaEventElapsedTime(&milliseconds, begin, middle) == cudaErrorInvalidResourceHandle,
         "an event without timing");
  cudaGetLastError();

  cudaGraph_t graph;
  cudaGraphExec_t executable;
  check(cudaStreamBeginCapture(first, cudaStreamCaptureModeGlobal), "cudaStreamBeginCapture");
  for (int i = 0; i < 3; ++i) add_one<<<kCount / 256, 256, 0, first>>>(data);
  check(cudaStreamEndCapture(first, &graph), "cudaStreamEndCapture");
  size_t nodes = 0;
  check(cudaGraphGetNodes(graph, nullptr, &nodes), "cudaGraphGetNodes");
  expect(nodes == 3, "three nodes captured");
  check(cudaGraphInstantiate(&executable, graph, 0), "cudaGraphInstantiate");
  for (int i = 0; i < 5; ++i) check(cudaGraphLaunch(executable, first), "cudaGraphLaunch");
  check(cudaStreamSynchronize(first), "cudaStreamSynchronize");
  std::vector<int> result(kCount);
  check(cudaMemcpy(result.data(), data, kCount * sizeof(int), cudaMemcpyDeviceToHost), "cudaMemcpy");
  for (const int value : result) expect(value == 2 + 3 * 5, "capture runs nothing, a launch all three");

  check(cudaGraphExecDestroy(executable), "cudaGraphExecDestroy");
  check(cudaGraphDestroy(graph), "cudaGraphDestroy");
  check(cudaStreamDestroy(first), "cudaStreamDestroy");
  check(cudaStreamDestroy(second), "cudaStreamDestroy");
  check(cudaFree(data), "cudaFree");
  return verdict();
}
