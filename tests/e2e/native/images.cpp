// Module images that cannot be loaded: each gets its error, and where it is PTX a log that says where and
// why.
#include <cstring>

#include "card.h"
#include "expect.h"
#include "kernels.h"

namespace {

struct Attempt {
  CUresult result;
  std::string log;
};

Attempt load(const void* image) {
  std::array<char, 2048> log{};
  std::array<CUjit_option, 2> options{CU_JIT_ERROR_LOG_BUFFER, CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES};
  std::array<void*, 2> values{log.data(), reinterpret_cast<void*>(log.size())};
  CUmodule module = nullptr;
  const CUresult result = cuModuleLoadDataEx(&module, image, static_cast<unsigned>(options.size()),
                                             options.data(), values.data());
  return {result, log.data()};
}

void expect_in_log(const Attempt& attempt, const char* text) {
  if (attempt.log.find(text) != std::string::npos) return;
  std::printf("FAILED: the log says '%s', expected in it: '%s'\n", attempt.log.c_str(), text);
  ++e2e::failures;
}

std::string kernel_with(const char* instruction) {
  return std::string(
             ".version 7.1\n.target sm_86\n.address_size 64\n.visible .entry broken()\n{\n.reg .b32 "
             "%r<4>;\n") +
         instruction + "\nret;\n}\n";
}

}  // namespace

int main() {
  const doppel::host::Card card;
  e2e::expect_result(load(kernel_with("add.s32 %r1, %r2;").c_str()).result, CUDA_ERROR_INVALID_PTX,
                     "an operand is missing");
  const Attempt unknown = load(kernel_with("frobnicate.s32 %r1, %r2;").c_str());
  e2e::expect_result(unknown.result, CUDA_ERROR_INVALID_PTX, "an instruction that does not exist");
  expect_in_log(unknown, "frobnicate");
  expect_in_log(unknown, "7");  // its line
  const Attempt unsupported = load(kernel_with("wgmma.fence.sync.aligned;").c_str());
  e2e::expect(unsupported.result != CUDA_SUCCESS, "an instruction of another card is refused");
  expect_in_log(unsupported, "wgmma");
  e2e::expect_result(load(".version 7.1\n.target sm_86\n.address_size 64\n.entry k(").result,
                     CUDA_ERROR_INVALID_PTX, "PTX that ends in the middle");
  e2e::expect(load("").result != CUDA_SUCCESS, "an empty image");
  e2e::expect(load("this is no module at all").result != CUDA_SUCCESS, "a text that is no module");

  // A fatbin's magic and version, then nonsense or nothing.
  std::array<unsigned char, 256> fatbin{0x50, 0xed, 0x55, 0xba, 0x01, 0x00, 0x10, 0x00};
  e2e::expect(load(fatbin.data()).result != CUDA_SUCCESS, "a fatbin without entries");
  fatbin[8] = 0xf0;  // 240 bytes of entries follow, all zero
  e2e::expect(load(fatbin.data()).result != CUDA_SUCCESS, "a fatbin with empty entries");
  std::memset(fatbin.data() + 16, 0xff, fatbin.size() - 16);
  e2e::expect(load(fatbin.data()).result != CUDA_SUCCESS, "a fatbin of garbage");
  // An ELF image of machine code: nothing in it for a reader of PTX.
  std::array<unsigned char, 128> elf{0x7f, 'E', 'L', 'F', 2, 1, 1, 0x33};
  elf[18] = 190;  // EM_CUDA
  e2e::expect(load(elf.data()).result != CUDA_SUCCESS, "machine code alone");
  e2e::expect(load(nullptr).result != CUDA_SUCCESS, "no image");

  e2e::expect_result(load(e2e::kFaultsPtx).result, CUDA_SUCCESS, "a good image after all of them");
  return e2e::verdict();
}
