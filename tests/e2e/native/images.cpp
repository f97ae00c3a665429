// SPDX-License-Identifier: Apache-2.0
// Module images that cannot be loaded: each gets its error, and where it is PTX a log that says where and
// why.
#include <cstring>

#include "card.h"
#include "expect.h"
#include "kernels.h"

extern "C" {
CUresult cuModuleEnumerateFunctions(CUfunction* functions, unsigned count, CUmodule module);
CUresult cuLibraryLoadData(CUlibrary* library, const void* image, CUjit_option* options, void** values,
                           unsigned count, void* library_options, void** library_values,
                           unsigned library_count);
CUresult cuLibraryGetKernel(CUkernel* kernel, CUlibrary library, const char* name);
CUresult cuModuleLoad(CUmodule* module, const char* path);
}

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

// A form that is not there refuses the kernel that has it, and not its module.
void expect_refusal_of_one_kernel() {
  constexpr const char* kText =
      ".version 8.0\n.target sm_86\n.address_size 64\n"
      ".visible .entry good(.param .u64 p)\n{\n.reg .b64 %a;\nld.param.u64 %a, [p];\nst.global.u32 [%a], "
      "7;\nret;\n}\n"
      ".visible .entry bad()\n{\nwgmma.fence.sync.aligned;\nwgmma.fence.sync.aligned;\nret;\n}\n";
  CUmodule module = nullptr;
  CUfunction function = nullptr;
  e2e::expect_result(cuModuleLoadData(&module, kText), CUDA_SUCCESS,
                     "a module with a kernel that is refused");
  e2e::expect_result(cuModuleGetFunction(&function, module, "bad"), CUDA_ERROR_NOT_SUPPORTED, "the kernel");
  e2e::expect_result(cuModuleGetFunction(&function, module, "good"), CUDA_SUCCESS, "the other kernel");
  const doppel::host::Buffer<unsigned> word(1);
  doppel::host::launch(function, {1}, {1}, word.address());
  e2e::expect(word.download()[0] == 7, "the other kernel runs");
  // Handles of all kernels are given out; a launch by the one of the refused kernel is refused.
  std::array<CUfunction, 2> all{};
  e2e::expect_result(cuModuleEnumerateFunctions(all.data(), 2, module), CUDA_SUCCESS, "all kernels");
  e2e::expect_result(cuLaunchKernel(all[1], 1, 1, 1, 1, 1, 1, 0, nullptr, nullptr, nullptr),
                     CUDA_ERROR_NOT_SUPPORTED, "a launch of the refused kernel");
  CUlibrary library = nullptr;
  CUkernel kernel = nullptr;
  e2e::expect_result(cuLibraryLoadData(&library, kText, nullptr, nullptr, 0, nullptr, nullptr, 0),
                     CUDA_SUCCESS, "a library with a kernel that is refused");
  e2e::expect_result(cuLibraryGetKernel(&kernel, library, "bad"), CUDA_ERROR_NOT_SUPPORTED,
                     "the library's kernel");
  e2e::expect_result(cuLibraryGetKernel(&kernel, library, "good"), CUDA_SUCCESS,
                     "the library's other kernel");
  // Files that are no image: a device without end, a folder.
  e2e::expect(cuModuleLoad(&module, "/dev/zero") != CUDA_SUCCESS, "a device in place of a file");
  e2e::expect(cuModuleLoad(&module, "/tmp") != CUDA_SUCCESS, "a folder in place of a file");
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
  expect_refusal_of_one_kernel();
  return e2e::verdict();
}
