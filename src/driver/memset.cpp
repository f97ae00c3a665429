// SPDX-License-Identifier: Apache-2.0
// Fills. Counts and widths are elements, pitches are bytes.
#include "driver/call.h"
#include "driver/objects.h"

namespace doppel::driver {
namespace {

CUresult set_now(const device::MemsetWork& work) {
  return answer(
      find_stream(nullptr).and_then([&](const auto& stream) { return stream->memset_and_wait(work); }));
}

CUresult set_on(CUstream stream, const device::MemsetWork& work) {
  return answer(find_stream(stream).and_then([&](const auto& found) { return found->enqueue(work); }));
}

template <typename Value>
device::MemsetWork line(CUdeviceptr address, Value value, std::size_t count) {
  return {.address = address, .value = value, .element_bytes = sizeof(Value), .width = count};
}

template <typename Value>
device::MemsetWork rectangle(CUdeviceptr address, std::size_t pitch, Value value, std::size_t width,
                             std::size_t height) {
  return {.address = address,
          .pitch = pitch,
          .value = value,
          .element_bytes = sizeof(Value),
          .width = width,
          .height = height};
}

}  // namespace
}  // namespace doppel::driver

extern "C" {
using namespace doppel::driver;

CUresult cuMemsetD8_v2(CUdeviceptr address, unsigned char value, size_t count) {
  return call(__func__, std::tuple(address, value, count),
              [&] { return set_now(line(address, value, count)); });
}
CUresult cuMemsetD8Async(CUdeviceptr address, unsigned char value, size_t count, CUstream stream) {
  return call(__func__, std::tuple(address, value, count, stream),
              [&] { return set_on(stream, line(address, value, count)); });
}
CUresult cuMemsetD2D8_v2(CUdeviceptr address, size_t pitch, unsigned char value, size_t width,
                         size_t height) {
  return call(__func__, std::tuple(address, pitch, value, width, height),
              [&] { return set_now(rectangle(address, pitch, value, width, height)); });
}
CUresult cuMemsetD2D8Async(CUdeviceptr address, size_t pitch, unsigned char value, size_t width,
                           size_t height, CUstream stream) {
  return call(__func__, std::tuple(address, pitch, value, width, height, stream),
              [&] { return set_on(stream, rectangle(address, pitch, value, width, height)); });
}

CUresult cuMemsetD16_v2(CUdeviceptr address, unsigned short value, size_t count) {
  return call(__func__, std::tuple(address, value, count),
              [&] { return set_now(line(address, value, count)); });
}
CUresult cuMemsetD16Async(CUdeviceptr address, unsigned short value, size_t count, CUstream stream) {
  return call(__func__, std::tuple(address, value, count, stream),
              [&] { return set_on(stream, line(address, value, count)); });
}
CUresult cuMemsetD2D16_v2(CUdeviceptr address, size_t pitch, unsigned short value, size_t width,
                          size_t height) {
  return call(__func__, std::tuple(address, pitch, value, width, height),
              [&] { return set_now(rectangle(address, pitch, value, width, height)); });
}
CUresult cuMemsetD2D16Async(CUdeviceptr address, size_t pitch, unsigned short value, size_t width,
                            size_t height, CUstream stream) {
  return call(__func__, std::tuple(address, pitch, value, width, height, stream),
              [&] { return set_on(stream, rectangle(address, pitch, value, width, height)); });
}

CUresult cuMemsetD32_v2(CUdeviceptr address, unsigned int value, size_t count) {
  return call(__func__, std::tuple(address, value, count),
              [&] { return set_now(line(address, value, count)); });
}
CUresult cuMemsetD32Async(CUdeviceptr address, unsigned int value, size_t count, CUstream stream) {
  return call(__func__, std::tuple(address, value, count, stream),
              [&] { return set_on(stream, line(address, value, count)); });
}
CUresult cuMemsetD2D32_v2(CUdeviceptr address, size_t pitch, unsigned int value, size_t width,
                          size_t height) {
  return call(__func__, std::tuple(address, pitch, value, width, height),
              [&] { return set_now(rectangle(address, pitch, value, width, height)); });
}
CUresult cuMemsetD2D32Async(CUdeviceptr address, size_t pitch, unsigned int value, size_t width,
                            size_t height, CUstream stream) {
  return call(__func__, std::tuple(address, pitch, value, width, height, stream),
              [&] { return set_on(stream, rectangle(address, pitch, value, width, height)); });
}

}  // extern "C"
