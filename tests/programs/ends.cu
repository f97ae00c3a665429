// A runtime program that ends in the way its first argument names, while a kernel is compiled or runs. It
// ends with status 7.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <thread>

__global__ void work(float* p, int n) {
  for (int i = 0; i < n; i++) p[i & 63] = sinf(p[(i * 7) & 63]) + powf(p[i & 31], 1.5f);
}

__global__ void spin(volatile int* p, int turns) {
  for (int i = 0; *p == 0 && i != turns; i++) {
  }
}

constexpr int kStatus = 7;

struct Memory {
  void* address = nullptr;
  ~Memory() {
    if (address != nullptr) cudaFree(address);
  }
};
Memory freed_after_main;

void start_spinning(void* memory) {
  spin<<<1, 1>>>(static_cast<int*>(memory), 1);
  cudaDeviceSynchronize();
  spin<<<1, 1>>>(static_cast<int*>(memory), -1);
}

int main(int argc, char** argv) {
  const char* mode = argc > 1 ? argv[1] : "";
  void* memory = nullptr;
  cudaMalloc(&memory, 256);
  cudaMemset(memory, 0, 256);
  if (std::strcmp(mode, "return-without-waiting") == 0) {
    work<<<1, 64>>>(static_cast<float*>(memory), 1000);
    return kStatus;
  }
  if (std::strcmp(mode, "return-while-running") == 0) {
    start_spinning(memory);
    return kStatus;
  }
  if (std::strcmp(mode, "destructor-frees-while-running") == 0) {
    freed_after_main.address = memory;
    start_spinning(memory);
    return kStatus;
  }
  if (std::strcmp(mode, "exit-in-another-thread") == 0) {
    std::thread([] { std::exit(kStatus); }).detach();
    while (true) {
      work<<<1, 64>>>(static_cast<float*>(memory), 1000);
      if (cudaGetLastError() != cudaSuccess) std::_Exit(99);
    }
  }
  if (std::strcmp(mode, "throw") == 0) {
    work<<<1, 64>>>(static_cast<float*>(memory), 1000);
    throw std::runtime_error("thrown by the program");
  }
  std::printf("usage: %s MODE\n", argv[0]);
  return 1;
}
