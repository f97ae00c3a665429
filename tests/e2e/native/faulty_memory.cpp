// SPDX-License-Identifier: Apache-2.0
// What a program sees of errors in its memory. Usage: faulty_memory DOPPEL [CARD]: the command that plants
// them, and the number of the program's card on its node (0).
#include <doppel/cuda.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "card.h"
#include "expect.h"

extern "C" CUresult cuDevicePrimaryCtxReset_v2(CUdevice device);

namespace {

constexpr std::size_t kCount = 1 << 16;

std::string command, card_number = "0";

bool inject(const std::string& flags) {
  return std::system((command + " inject --card " + card_number + " --pid " + std::to_string(getpid()) + " " +
                      flags + " >&2")
                         .c_str()) == 0;
}

std::string at(CUdeviceptr address) {
  char text[32];
  std::snprintf(text, sizeof text, "%#llx", static_cast<unsigned long long>(address));
  return std::string("--address ") + text;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  command = argv[1];
  if (argc > 2) card_number = argv[2];
  std::vector<float> numbers(kCount, 1.5F), back(kCount);
  {
    const doppel::host::Card card;
    int ecc = 0;
    doppel::host::check(cuDeviceGetAttribute(&ecc, CU_DEVICE_ATTRIBUTE_ECC_ENABLED, 0),
                        "cuDeviceGetAttribute");
    e2e::expect(ecc == 1, "ECC is on");
    CUdeviceptr memory = 0, other = 0;
    doppel::host::check(cuMemAlloc(&memory, kCount * sizeof(float)), "cuMemAlloc");
    doppel::host::check(cuMemAlloc(&other, kCount * sizeof(float)), "cuMemAlloc");
    doppel::host::check(cuMemcpyHtoD(memory, numbers.data(), kCount * sizeof(float)), "cuMemcpyHtoD");

    e2e::expect(inject("--single " + at(memory + 400)), "one bit is turned");
    e2e::expect(cuMemcpyDtoH(back.data(), memory, kCount * sizeof(float)) == CUDA_SUCCESS && back == numbers,
                "it is corrected");

    e2e::expect(inject("--double " + at(memory + 800)), "two bits are turned");
    e2e::expect(cuMemcpyDtoH(back.data(), memory, 800) == CUDA_SUCCESS, "what nobody reads ends nobody");
    e2e::expect(cuMemcpyDtoD(other, memory, kCount * sizeof(float)) == CUDA_SUCCESS ||
                    cuCtxSynchronize() == CUDA_ERROR_ECC_UNCORRECTABLE,
                "a copy reads them");
    e2e::expect(cuCtxSynchronize() == CUDA_ERROR_ECC_UNCORRECTABLE, "the context has ended");
    e2e::expect(cuMemAlloc(&other, 16) == CUDA_ERROR_ECC_UNCORRECTABLE, "for every later call");
    e2e::expect(cuDevicePrimaryCtxReset_v2(0) == CUDA_SUCCESS, "it is destroyed");
  }
  // And anew.
  const doppel::host::Card card;
  doppel::host::Buffer<float> buffer{std::span<const float>(numbers)};
  e2e::expect(buffer.download() == numbers, "the next context works");
  e2e::expect(inject("--log"), "the log is there");
  return e2e::verdict();
}
