// SPDX-License-Identifier: Apache-2.0
// A kernel reaches its card's memory and what was mapped for it, and nothing else of the process
// (SECURITY.md): tried with every form of access on places of each kind, and with one of each kind of access
// on random host addresses.
#include "attack.h"

#include <dlfcn.h>
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "card.h"
#include "expect.h"

// What include/doppel/cuda.h does not declare.
extern "C" {
CUresult cuLibraryLoadData(void** library, const void* code, void*, void*, unsigned, void*, void*, unsigned);
CUresult cuLibraryGetKernel(void** kernel, void* library, const char* name);
CUresult cuKernelGetFunction(CUfunction* function, void* kernel);
CUresult cuCtxEnablePeerAccess(CUcontext peer, unsigned flags);
}

namespace {

using doppel::host::check;
using e2e::Access;

std::uint32_t in_data = 5;

struct Mapping {
  std::uint64_t begin = 0, end = 0;
  std::string rights, path;
};

std::vector<Mapping> mappings() {
  std::vector<Mapping> found;
  std::FILE* file = std::fopen("/proc/self/maps", "r");
  std::array<char, 1024> line{};
  while (file != nullptr && std::fgets(line.data(), static_cast<int>(line.size()), file) != nullptr) {
    Mapping mapping;
    std::array<char, 8> rights{};
    int path = 0;
    if (std::sscanf(line.data(), "%" SCNx64 "-%" SCNx64 " %7s %*s %*s %*s %n", &mapping.begin, &mapping.end,
                    rights.data(), &path) < 3)
      continue;
    mapping.rights = rights.data();
    mapping.path = line.data() + path;
    found.push_back(std::move(mapping));
  }
  if (file != nullptr) std::fclose(file);
  return found;
}

class Attacker {
 public:
  explicit Attacker(const std::string& module) {
    check(cuLibraryLoadData(&library_, module.c_str(), nullptr, nullptr, 0, nullptr, nullptr, 0),
          "cuLibraryLoadData");
  }

  // Runs a kernel in a context of its own.
  CUresult run(std::string_view name, std::uint64_t address, unsigned blocks = 1,
               std::uint64_t* result = nullptr) {
    CUcontext context = nullptr;
    check(cuCtxCreate(&context, 0, 0), "cuCtxCreate");
    void* kernel = nullptr;
    CUfunction function = nullptr;
    check(cuLibraryGetKernel(&kernel, library_, std::string(name).c_str()), "cuLibraryGetKernel");
    check(cuKernelGetFunction(&function, kernel), "cuKernelGetFunction");
    CUdeviceptr out = 0;
    check(cuMemAlloc(&out, kOutBytes), "cuMemAlloc");
    check(cuMemsetD8(out, 0, kOutBytes), "cuMemsetD8");
    doppel::host::launch(function, {blocks}, {32}, out, address);
    const CUresult ended = cuCtxSynchronize();
    if (result != nullptr && ended == CUDA_SUCCESS) check(cuMemcpyDtoH(result, out, 8), "cuMemcpyDtoH");
    check(cuCtxDestroy(context), "cuCtxDestroy");
    return ended;
  }

  // Whether the kernel got there.
  bool reaches(std::string_view name, std::uint64_t address) {
    return run(name, address) != CUDA_ERROR_ILLEGAL_ADDRESS;
  }

 private:
  static constexpr std::size_t kOutBytes = 4096;
  void* library_ = nullptr;
};

struct Place {
  const char* name;
  std::uint64_t address;
};

std::uint64_t number(const void* pointer) { return reinterpret_cast<std::uint64_t>(pointer) / 16 * 16; }

std::vector<Place> places() {
  static std::array<std::uint32_t, 16> in_stack_of_main{};
  std::vector<Place> found{{"data", number(&in_data)},
                           {"constant data", number("a text of the program")},
                           {"code", number(reinterpret_cast<void*>(&mappings))},
                           {"data (zero)", number(in_stack_of_main.data())},
                           {"libc's code", number(dlsym(RTLD_DEFAULT, "memcpy"))},
                           {"libc's data", number(dlsym(RTLD_DEFAULT, "stdout"))},
                           {"libcuda's code", number(dlsym(RTLD_DEFAULT, "cuInit"))},
                           {"null", 0},
                           {"near null", 4096},
                           {"the middle of nowhere", std::uint64_t{1} << 46},
                           {"no address", std::uint64_t{0xdead} << 48},
                           {"the last", ~std::uint64_t{0} / 16 * 16}};
  for (const Mapping& mapping : mappings()) {
    const auto add = [&](const char* name) { found.push_back({name, mapping.begin}); };
    if (mapping.path.find("libcuda") != std::string::npos && mapping.rights[1] == 'w') add("libcuda's data");
    if (mapping.path.find("[stack]") != std::string::npos)
      found.push_back({"main's stack", mapping.end - 4096});
    if (mapping.path.find("[heap]") != std::string::npos) add("heap");
    if (mapping.path.find("[vvar]") != std::string::npos) add("the kernel's variables");
    if (mapping.path.find("[vdso]") != std::string::npos) add("the kernel's code");
    if (mapping.path.empty() && mapping.rights[2] == 'x') add("generated code");
  }
  return found;
}

void attack_places(Attacker& attacker) {
  std::uint32_t in_stack[8] = {5, 5, 5, 5, 5, 5, 5, 5};
  const std::vector<std::uint32_t> in_heap(64, 5);
  std::vector<Place> all = places();
  all.push_back({"stack", number(&in_stack[4])});
  all.push_back({"an allocation", number(&in_heap[32])});
  bool generated = false;
  for (const Place& place : all) {
    generated |= std::strcmp(place.name, "generated code") == 0;
    for (const e2e::Attack& attack : e2e::attacks()) {
      if (!attacker.reaches(attack.name, place.address)) continue;
      std::printf("FAILED: %s reaches %s\n", std::string(attack.name).c_str(), place.name);
      ++e2e::failures;
    }
    if (place.address != 0 && attacker.reaches("print", place.address)) {
      std::printf("FAILED: a printf's format in %s\n", place.name);
      ++e2e::failures;
    }
  }
  e2e::expect(generated, "generated code was found");
  e2e::expect(std::ranges::all_of(in_heap, [](std::uint32_t value) { return value == 5; }),
              "the heap is as it was");
  e2e::expect(std::ranges::all_of(in_stack, [](std::uint32_t value) { return value == 5; }),
              "the stack is as it was");
  e2e::expect(in_data == 5, "data are as they were");
}

// Half of them where something is mapped, the card's own range apart; half anywhere.
void attack_random_places(Attacker& attacker, std::uint64_t card) {
  constexpr int kPlaces = 1000;
  constexpr std::uint64_t kCardBytes = std::uint64_t{1} << 40;
  std::mt19937_64 random(20260801);
  std::vector<Mapping> mapped = mappings();
  std::erase_if(mapped,
                [&](const Mapping& each) { return each.begin < card + kCardBytes && each.end > card; });
  int reached = 0;
  for (int i = 0; i < kPlaces; ++i) {
    std::uint64_t address = random() >> 17;
    if (i % 2 == 0) {
      const Mapping& in = mapped[random() % mapped.size()];
      address = in.begin + random() % (in.end - in.begin);
    }
    address = address / 16 * 16;
    if (address - card < kCardBytes) continue;
    for (const char* kernel : {"read_global", "write_global", "atomic_add"})
      reached += attacker.reaches(kernel, address);
  }
  e2e::expect(reached == 0, "no random address is reached");
  std::printf("%d of %d random addresses, read, written and changed, were reached\n", reached, kPlaces);
}

void attack_windows(Attacker& attacker) {
  for (const std::uint64_t offset :
       {1u << 16, 1u << 24, 0x7ffffff0u, 0x80000000u, 0xffff0000u, 0xfffffff0u}) {
    e2e::expect_result(attacker.run("shared_beyond", offset), CUDA_ERROR_ILLEGAL_ADDRESS,
                       "beyond shared memory");
  }
  e2e::expect_result(attacker.run("shared_beyond", 128), CUDA_SUCCESS, "in shared memory");
  e2e::expect_result(attacker.run("shared_beyond", 130), CUDA_ERROR_MISALIGNED_ADDRESS,
                     "misaligned shared memory");
  for (const std::uint64_t offset : {std::uint64_t{16}, std::uint64_t{1} << 20, ~std::uint64_t{0} - 15}) {
    e2e::expect_result(attacker.run("parameter_beyond", offset), CUDA_ERROR_ILLEGAL_ADDRESS,
                       "beyond the parameters");
  }
  e2e::expect_result(attacker.run("parameter_beyond", 8), CUDA_SUCCESS, "a parameter");
  for (const char* kernel : {"write_global", "read_double", "write_v2", "atomic_add", "read_row"}) {
    CUdeviceptr odd = 0;
    CUcontext context = nullptr;
    check(cuCtxCreate(&context, 0, 0), "cuCtxCreate");
    check(cuMemAlloc(&odd, 4096), "cuMemAlloc");
    e2e::expect_result(attacker.run(kernel, odd + 2), CUDA_ERROR_MISALIGNED_ADDRESS, "a misaligned address");
    check(cuCtxDestroy(context), "cuCtxDestroy");
  }
  e2e::expect_result(attacker.run("peek_shared", 0, 2), CUDA_ERROR_ILLEGAL_ADDRESS,
                     "another block's shared memory");
  std::uint64_t result = 0;
  e2e::expect_result(attacker.run("recurse", 40, 1, &result), CUDA_SUCCESS, "calls that nest");
  e2e::expect(result == 40, "calls that nest give their depth");
  e2e::expect(attacker.run("recurse", 1u << 30) != CUDA_SUCCESS, "calls without end end");
  e2e::expect_result(attacker.run("wide", 0, 1, &result), CUDA_SUCCESS, "a frame of many values");
}

// What may be reached is, with all forms: the attacks would show nothing if they always failed.
void use_what_is_mapped(Attacker& attacker) {
  const auto all_reach = [&](const char* what, std::uint64_t address) {
    for (const e2e::Attack& attack : e2e::attacks()) {
      if (attack.name.ends_with("local")) continue;
      const CUresult result = attacker.run(attack.name, address);
      if (result == CUDA_SUCCESS) continue;
      std::printf("FAILED: %s does not reach %s\n", std::string(attack.name).c_str(), what);
      ++e2e::failures;
    }
  };
  CUcontext context = nullptr;
  check(cuCtxCreate(&context, 0, 0), "cuCtxCreate");
  CUdeviceptr own = 0;
  check(cuMemAlloc(&own, 4096), "cuMemAlloc");
  all_reach("device memory", own);
  CUdeviceptr managed = 0;
  check(cuMemAllocManaged(&managed, 4096, 1), "cuMemAllocManaged");
  all_reach("managed memory", managed);
  check(cuCtxSetCurrent(context), "cuCtxSetCurrent");
  void* pinned = nullptr;
  check(cuMemHostAlloc(&pinned, 4096, 0), "cuMemHostAlloc");
  all_reach("pinned memory", reinterpret_cast<std::uint64_t>(pinned));
  check(cuCtxSetCurrent(context), "cuCtxSetCurrent");
  constexpr std::size_t kBytes = 8192;
  std::uint8_t* program = static_cast<std::uint8_t*>(std::aligned_alloc(4096, kBytes));
  std::memset(program, 0, kBytes);
  check(cuMemHostRegister(program, 4096, 0), "cuMemHostRegister");
  all_reach("registered memory", reinterpret_cast<std::uint64_t>(program));
  e2e::expect(!attacker.reaches("write_global", reinterpret_cast<std::uint64_t>(program) + 4096),
              "behind registered memory");
  e2e::expect(!attacker.reaches("write_row", reinterpret_cast<std::uint64_t>(program) + 4080),
              "across its end");
  check(cuCtxSetCurrent(context), "cuCtxSetCurrent");
  check(cuMemHostUnregister(program), "cuMemHostUnregister");
  e2e::expect(!attacker.reaches("read_global", reinterpret_cast<std::uint64_t>(program)),
              "registered no more");
  std::free(program);
}

// Memory of another card, before access to it is enabled and after.
void attack_another_card(const std::string& module) {
  int count = 0;
  check(cuDeviceGetCount(&count), "cuDeviceGetCount");
  e2e::expect(count == 2, "there are two cards");
  if (count < 2) return;
  CUcontext other = nullptr, own = nullptr;
  check(cuCtxCreate(&other, 0, 1), "cuCtxCreate");
  CUdeviceptr there = 0;
  check(cuMemAlloc(&there, 4096), "cuMemAlloc");
  check(cuMemsetD8(there, 5, 4096), "cuMemsetD8");
  Attacker attacker(module);
  for (const e2e::Attack& attack : e2e::attacks()) {
    if (!attacker.reaches(attack.name, there)) continue;
    std::printf("FAILED: %s reaches another card's memory\n", std::string(attack.name).c_str());
    ++e2e::failures;
  }
  check(cuCtxSetCurrent(other), "cuCtxSetCurrent");
  std::array<std::uint8_t, 4096> bytes{};
  check(cuMemcpyDtoH(bytes.data(), there, bytes.size()), "cuMemcpyDtoH");
  e2e::expect(std::ranges::all_of(bytes, [](std::uint8_t byte) { return byte == 5; }),
              "its memory is as it was");

  check(cuCtxCreate(&own, 0, 0), "cuCtxCreate");
  check(cuCtxEnablePeerAccess(other, 0), "cuCtxEnablePeerAccess");
  CUmodule loaded = nullptr;
  CUfunction write = nullptr;
  check(cuModuleLoadData(&loaded, module.c_str()), "cuModuleLoadData");
  check(cuModuleGetFunction(&write, loaded, "write_global"), "cuModuleGetFunction");
  CUdeviceptr out = 0;
  check(cuMemAlloc(&out, 4096), "cuMemAlloc");
  doppel::host::launch(write, {1}, {32}, out, std::uint64_t{there});
  e2e::expect_result(cuCtxSynchronize(), CUDA_SUCCESS, "another card's memory, with access");
  check(cuMemcpyDtoH(bytes.data(), there, bytes.size()), "cuMemcpyDtoH");
  e2e::expect(bytes[0] == 0x41, "and it is written");
}

}  // namespace

int main() {
  check(cuInit(0), "cuInit");
  const std::string module = e2e::attack_module();
  Attacker attacker(module);
  use_what_is_mapped(attacker);
  attack_windows(attacker);
  attack_places(attacker);
  CUcontext context = nullptr;
  CUdeviceptr own = 0;
  check(cuCtxCreate(&context, 0, 0), "cuCtxCreate");
  check(cuMemAlloc(&own, 4096), "cuMemAlloc");
  attack_random_places(attacker, own >> 40 << 40);
  attack_another_card(module);
  return e2e::verdict();
}
