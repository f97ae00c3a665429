// SPDX-License-Identifier: Apache-2.0
// Two cards: copies from one to the other, and kernels of one that read the other's memory. And kernels that
// read the host's.
#include <numeric>

#include "kernels.h"
#include "tests.h"

extern "C" {
CUresult cuCtxEnablePeerAccess(CUcontext peer, unsigned flags);
CUresult cuCtxDisablePeerAccess(CUcontext peer);
CUresult cuMemcpyPeerAsync(CUdeviceptr destination, CUcontext destination_context, CUdeviceptr source,
                           CUcontext source_context, size_t bytes, CUstream stream);
}

namespace doppel::suite {

namespace {

constexpr std::size_t kBytes = 64UL << 20U;
constexpr unsigned kWords = kBytes / sizeof(double);
constexpr host::Extent kBlock{256};
constexpr CUdevice kOther = 1;

// The second card of the process, which the first reaches, and it the first.
class Other {
 public:
  Other() {
    int cards = 0;
    host::check(cuDeviceGetCount(&cards), "cuDeviceGetCount");
    if (cards < 2) throw Absent("it needs two cards");
    host::check(cuCtxGetCurrent(&here_), "cuCtxGetCurrent");
    host::check(cuDevicePrimaryCtxRetain(&context_, kOther), "cuDevicePrimaryCtxRetain");
    host::check(cuCtxEnablePeerAccess(context_, 0), "cuCtxEnablePeerAccess");
    enter();
    host::check(cuCtxEnablePeerAccess(here_, 0), "cuCtxEnablePeerAccess");
    leave();
  }
  ~Other() {
    cuCtxDisablePeerAccess(context_);
    cuDevicePrimaryCtxRelease(kOther);
  }
  Other(const Other&) = delete;
  Other& operator=(const Other&) = delete;
  CUcontext context() const { return context_; }
  CUcontext here() const { return here_; }
  void enter() const { host::check(cuCtxSetCurrent(context_), "cuCtxSetCurrent"); }
  void leave() const { host::check(cuCtxSetCurrent(here_), "cuCtxSetCurrent"); }

 private:
  CUcontext here_ = nullptr, context_ = nullptr;
};

// Memory of the other card.
class There {
 public:
  explicit There(const Other& other) : other_(other) {
    other_.enter();
    host::check(cuMemAlloc(&address_, kBytes), "cuMemAlloc");
    other_.leave();
  }
  ~There() {
    cuCtxSetCurrent(other_.context());
    cuMemFree(address_);
    cuCtxSetCurrent(other_.here());
  }
  There(const There&) = delete;
  There& operator=(const There&) = delete;
  CUdeviceptr address() const { return address_; }

 private:
  const Other& other_;
  CUdeviceptr address_ = 0;
};

std::vector<double> numbers() {
  std::vector<double> all(kWords);
  std::iota(all.begin(), all.end(), 1.0);
  return all;
}

Result bandwidth(double time_us, double bytes, bool correct) {
  Result result;
  result.time_us = time_us;
  result.value = bytes / time_us * 1e-3;
  result.unit = "GB/s";
  result.correct = correct;
  result.detail = "64 MiB";
  return result;
}

Result copy(bool both_ways) {
  const Other other;
  const std::vector<double> sent = numbers();
  const host::Buffer<double> here{std::span<const double>(sent)}, from_there(kWords);
  const There there(other), back(other);
  host::check(
      cuMemcpyPeerAsync(back.address(), other.context(), here.address(), other.here(), kBytes, nullptr),
      "cuMemcpyPeerAsync");
  CUstream aside = nullptr;
  CUevent begun = nullptr, done = nullptr;
  host::check(cuStreamCreate(&aside, CU_STREAM_NON_BLOCKING), "cuStreamCreate");
  host::check(cuEventCreate(&begun, CU_EVENT_DISABLE_TIMING), "cuEventCreate");
  host::check(cuEventCreate(&done, CU_EVENT_DISABLE_TIMING), "cuEventCreate");
  const double time_us = host::time_us([&] {
    if (both_ways) {
      host::check(cuEventRecord(begun, nullptr), "cuEventRecord");
      host::check(cuStreamWaitEvent(aside, begun, 0), "cuStreamWaitEvent");
      host::check(cuMemcpyPeerAsync(from_there.address(), other.here(), back.address(), other.context(),
                                    kBytes, aside),
                  "cuMemcpyPeerAsync");
      host::check(cuEventRecord(done, aside), "cuEventRecord");
    }
    host::check(
        cuMemcpyPeerAsync(there.address(), other.context(), here.address(), other.here(), kBytes, nullptr),
        "cuMemcpyPeerAsync");
    if (both_ways) host::check(cuStreamWaitEvent(nullptr, done, 0), "cuStreamWaitEvent");
  });
  std::vector<double> arrived(kWords);
  host::check(cuMemcpyDtoH(arrived.data(), there.address(), kBytes), "cuMemcpyDtoH");
  const bool correct = arrived == sent && (!both_ways || from_there.download() == sent);
  cuEventDestroy(begun);
  cuEventDestroy(done);
  cuStreamDestroy(aside);
  return bandwidth(time_us, static_cast<double>(kBytes) * (both_ways ? 2 : 1), correct);
}

// A kernel of the first card reads memory that is not its own.
Result read(CUdeviceptr from) {
  const host::Module module(kStreamPtx);
  const CUfunction kernel = module.kernel("stream_far");
  const host::Buffer<double> to(kWords);
  const double time_us = host::time_us(
      [&] { host::launch(kernel, {kWords / kBlock.x}, kBlock, to.address(), from, 2.0, kWords); });
  std::vector<double> expected = numbers();
  for (double& each : expected) each *= 2;
  Result result = bandwidth(time_us, kBytes, to.download() == expected);
  result.kernel = "stream_far";
  return result;
}

Result read_other_card() {
  const Other other;
  const There there(other);
  const std::vector<double> all = numbers();
  host::check(cuMemcpyHtoD(there.address(), all.data(), kBytes), "cuMemcpyHtoD");
  return read(there.address());
}

Result read_host() {
  void* memory = nullptr;
  host::check(cuMemAllocHost(&memory, kBytes), "cuMemAllocHost");
  std::iota(static_cast<double*>(memory), static_cast<double*>(memory) + kWords, 1.0);
  CUdeviceptr address = 0;
  host::check(cuMemHostGetDevicePointer(&address, memory, 0), "cuMemHostGetDevicePointer");
  Result result = read(address);
  cuMemFreeHost(memory);
  return result;
}

constexpr std::array kTests{
    Test{"peer-copy", "copy from one card to another", [](const host::Card&) { return copy(false); }},
    Test{"peer-both", "copies both ways between two cards at once",
         [](const host::Card&) { return copy(true); }},
    Test{"peer-read", "kernel that reads the other card's memory",
         [](const host::Card&) { return read_other_card(); }},
    Test{"host-read", "kernel that reads pinned memory of the host",
         [](const host::Card&) { return read_host(); }},
};

}  // namespace

std::span<const Test> peer_tests() { return kTests; }

}  // namespace doppel::suite
