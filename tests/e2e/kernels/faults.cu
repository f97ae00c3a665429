// Kernels that do what a program should not.
#include "device.h"

extern "C" __global__ void store_at(unsigned long long address, unsigned value) {
  *reinterpret_cast<unsigned*>(address) = value;
}

extern "C" __global__ void fill(unsigned* words, unsigned value) {
  words[blockIdx.x * blockDim.x + threadIdx.x] = value;
}

// Ends only when someone else changes the word.
extern "C" __global__ void never_end(volatile unsigned* word) {
  while (*word != 0xdeadbeefU) {
  }
}

extern "C" __global__ void divide_integers(const int* a, const int* b, int* quotient, int* remainder) {
  quotient[threadIdx.x] = a[threadIdx.x] / b[threadIdx.x];
  remainder[threadIdx.x] = a[threadIdx.x] % b[threadIdx.x];
}
