// SPDX-License-Identifier: Apache-2.0
// A card seen from a host program: a thin C++ face on the driver API, for programs that are meant to be read.
// Every call is checked; a failure throws CudaError with the call's name and the driver's own words.
#pragma once

#include <doppel/cuda.h>

#include <array>
#include <cstddef>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace doppel::host {

class CudaError : public std::runtime_error {
 public:
  CudaError(CUresult result, const std::string& call);
  CUresult result() const { return result_; }

 private:
  CUresult result_;
};

// Throws CudaError where result is not CUDA_SUCCESS; call names what was tried.
void check(CUresult result, const char* call);

struct Extent {
  unsigned x = 1;
  unsigned y = 1;
  unsigned z = 1;
};

// The first card of this process and its primary context, current in the creating thread.
class Card {
 public:
  Card();
  ~Card();
  Card(const Card&) = delete;
  Card& operator=(const Card&) = delete;

  const std::string& name() const { return name_; }
  int attribute(CUdevice_attribute attribute) const;
  unsigned multiprocessors() const;
  void synchronize() const;

 private:
  CUdevice device_ = 0;
  CUcontext context_ = nullptr;
  std::string name_;
};

// PTX loaded on the current card. Kernels die with their module.
class Module {
 public:
  explicit Module(const char* ptx);
  ~Module();
  Module(const Module&) = delete;
  Module& operator=(const Module&) = delete;

  CUfunction kernel(const char* name) const;

 private:
  CUmodule module_ = nullptr;
};

// An array of T in the card's memory.
template <class T>
class Buffer {
 public:
  explicit Buffer(std::size_t count) : count_(count) {
    check(cuMemAlloc(&address_, count * sizeof(T)), "cuMemAlloc");
  }
  explicit Buffer(std::span<const T> from) : Buffer(from.size()) { upload(from); }
  ~Buffer() { cuMemFree(address_); }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;

  std::size_t size() const { return count_; }
  CUdeviceptr address() const { return address_; }
  void upload(std::span<const T> from) {
    check(cuMemcpyHtoD(address_, from.data(), from.size_bytes()), "cuMemcpyHtoD");
  }
  std::vector<T> download() const {
    std::vector<T> to(count_);
    check(cuMemcpyDtoH(to.data(), address_, count_ * sizeof(T)), "cuMemcpyDtoH");
    return to;
  }
  void clear() { check(cuMemsetD8(address_, 0, count_ * sizeof(T)), "cuMemsetD8"); }

 private:
  std::size_t count_;
  CUdeviceptr address_ = 0;
};

// Launches on the default stream. The arguments must have exactly the types of the kernel's parameters;
// addresses go in as CUdeviceptr.
template <class... Arguments>
void launch(CUfunction kernel, Extent grid, Extent block, Arguments... arguments) {
  std::array<void*, sizeof...(Arguments)> pointers{static_cast<void*>(&arguments)...};
  check(cuLaunchKernel(kernel, grid.x, grid.y, grid.z, block.x, block.y, block.z, 0, nullptr, pointers.data(),
                       nullptr),
        "cuLaunchKernel");
}

// The card's time between two points of the default stream.
class Stopwatch {
 public:
  Stopwatch();
  ~Stopwatch();
  Stopwatch(const Stopwatch&) = delete;
  Stopwatch& operator=(const Stopwatch&) = delete;

  void start();
  double stop_us();  // waits for all work since start()

 private:
  CUevent begin_ = nullptr;
  CUevent end_ = nullptr;
};

// Microseconds of the card's time that the work put on the default stream takes.
template <class Work>
double time_us(Work&& work) {
  Stopwatch stopwatch;
  stopwatch.start();
  std::forward<Work>(work)();
  return stopwatch.stop_us();
}

}  // namespace doppel::host
