// SPDX-License-Identifier: Apache-2.0
// One of NVIDIA's CUDA runtimes on the double, without nvcc: what nvcc writes into a program (a fat binary
// with PTX, its registration, the stub's launch) is done by hand here. It initialises, copies, launches, and
// reads variables.
//
//   runtime_calls LIBCUDART.so      a shared runtime, loaded
//   runtime_calls                   built with -DLINKED and linked to a static one
#include <dlfcn.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

struct Dim3 {
  unsigned x, y, z;
};

// The runtime's functions that are called here, with the types of their parameters as the C ABI passes them.
#define RUNTIME_FUNCTIONS(each)                                                                              \
  each(int, cudaRuntimeGetVersion, (int*)) each(int, cudaDriverGetVersion, (int*))                           \
      each(int, cudaGetDeviceCount, (int*)) each(int, cudaMalloc, (void**, std::size_t))                     \
          each(int, cudaFree, (void*)) each(int, cudaMemcpy, (void*, const void*, std::size_t, int))         \
              each(int, cudaMemcpyAsync, (void*, const void*, std::size_t, int, void*))                      \
                  each(int, cudaMemset, (void*, int, std::size_t)) each(                                     \
                      int, cudaMemcpyToSymbol, (const void*, const void*, std::size_t, std::size_t, int))    \
                      each(int, cudaLaunchKernel, (const void*, Dim3, Dim3, void**, std::size_t, void*))     \
                          each(int, cudaStreamCreate, (void**)) each(int, cudaStreamSynchronize, (void*))    \
                              each(int, cudaStreamDestroy, (void*)) each(int, cudaDeviceSynchronize, ())     \
                                  each(int, cudaDeviceReset, ()) each(int, cudaGetLastError, ())             \
                                      each(const char*, cudaGetErrorString, (int))                           \
                                          each(void**, __cudaRegisterFatBinary, (void*))                     \
                                              each(void, __cudaRegisterFatBinaryEnd, (void**))               \
                                                  each(void, __cudaUnregisterFatBinary, (void**))            \
                                                      each(void, __cudaRegisterFunction,                     \
                                                           (void**, const char*, char*, const char*, int,    \
                                                            void*, void*, void*, void*, int*))               \
                                                          each(void, __cudaRegisterVar,                      \
                                                               (void**, char*, char*, const char*, int,      \
                                                                std::size_t, int, int))                      \
                                                              each(void, __cudaRegisterManagedVar,           \
                                                                   (void**, void**, char*, const char*, int, \
                                                                    std::size_t, int, int))                  \
                                                                  each(char, __cudaInitModule, (void**))

#ifdef LINKED
#define DECLARE(result, name, parameters) extern "C" result name parameters;
RUNTIME_FUNCTIONS(DECLARE)
static bool load(const char*) { return true; }
#else
#define DECLARE(result, name, parameters) static result(*name) parameters;
RUNTIME_FUNCTIONS(DECLARE)
static bool load(const char* path) {
  void* const library = dlopen(path, RTLD_NOW);
  if (library == nullptr) {
    std::printf("%s\n", dlerror());
    return false;
  }
#define FIND(result, name, parameters)                                  \
  name = reinterpret_cast<result(*) parameters>(dlsym(library, #name)); \
  if (name == nullptr) {                                                \
    std::printf("%s has no %s\n", path, #name);                         \
    return false;                                                       \
  }
  RUNTIME_FUNCTIONS(FIND)
  return true;
}
#endif

namespace {

const char kPtx[] = R"(.version 6.4
.target sm_75
.address_size 64
.visible .const .align 4 .b8 factor[4] = {3, 0, 0, 0};
.visible .global .align 4 .u32 launches = 5;
.visible .global .attribute(.managed) .align 4 .u32 shared_count = 40;
.visible .entry scale(.param .u64 out, .param .u64 in, .param .u32 count)
{
  .reg .pred %p;
  .reg .b32 %r<9>;
  .reg .b64 %rd<7>;
  ld.param.u64 %rd1, [out];
  ld.param.u64 %rd2, [in];
  ld.param.u32 %r1, [count];
  mov.u32 %r2, %ctaid.x;
  mov.u32 %r3, %ntid.x;
  mov.u32 %r4, %tid.x;
  mad.lo.s32 %r5, %r2, %r3, %r4;
  setp.ge.u32 %p, %r5, %r1;
  @%p ret;
  mul.wide.u32 %rd3, %r5, 4;
  add.u64 %rd4, %rd2, %rd3;
  ld.global.u32 %r6, [%rd4];
  ld.const.u32 %r7, [factor];
  mul.lo.u32 %r8, %r6, %r7;
  add.u64 %rd5, %rd1, %rd3;
  st.global.u32 [%rd5], %r8;
  setp.ne.u32 %p, %r5, 0;
  @%p ret;
  atom.global.add.u32 %r6, [launches], 1;
  atom.global.add.u32 %r6, [shared_count], 2;
  ret;
}
)";

struct Wrapper {
  std::uint32_t magic = 0x466243B1;
  std::uint32_t version = 1;
  const void* image = nullptr;
  const void* file = nullptr;
};

template <typename T>
void put(std::vector<char>& bytes, std::size_t offset, T value) {
  std::memcpy(bytes.data() + offset, &value, sizeof(value));
}

// A fat binary of one uncompressed PTX text: its layout is described in src/driver/fatbin.h.
std::vector<char> fatbin() {
  constexpr std::size_t kImage = 16;
  constexpr std::size_t kEntry = 64;
  const std::size_t payload = (sizeof(kPtx) + 7) / 8 * 8;
  std::vector<char> bytes(kImage + kEntry + payload);
  put<std::uint32_t>(bytes, 0, 0xBA55ED50);
  put<std::uint16_t>(bytes, 4, 1);
  put<std::uint16_t>(bytes, 6, kImage);
  put<std::uint64_t>(bytes, 8, kEntry + payload);
  put<std::uint16_t>(bytes, kImage + 0, 1);
  put<std::uint16_t>(bytes, kImage + 2, 0x0101);
  put<std::uint32_t>(bytes, kImage + 4, kEntry);
  put<std::uint64_t>(bytes, kImage + 8, payload);
  put<std::uint32_t>(bytes, kImage + 28, 75);
  put<std::uint64_t>(bytes, kImage + 40, 0x11);
  std::memcpy(bytes.data() + kImage + kEntry, kPtx, sizeof(kPtx));
  return bytes;
}

int failures = 0;

void expect(bool right, const char* what) {
  if (right) return;
  std::printf("not as expected: %s\n", what);
  ++failures;
}

void succeed(int code, const char* what) {
  if (code == 0) return;
  std::printf("%s: %d, %s\n", what, code, cudaGetErrorString(code));
  ++failures;
}
#define CALL(name, ...) succeed(name(__VA_ARGS__), #name)

// What nvcc would have made: the addresses that stand for the kernel and the variables.
char scale_stub, factor_shadow, launches_shadow;
unsigned* shared_count = nullptr;

constexpr int kToDevice = 1;
constexpr int kToHost = 2;
constexpr int kInvalidConfiguration = 9;  // cudaErrorInvalidConfiguration
constexpr unsigned kCount = 1000;

void launch(void* out, void* in, void* stream) {
  unsigned count = kCount;
  void* arguments[] = {&out, &in, &count};
  CALL(cudaLaunchKernel, &scale_stub, Dim3{(kCount + 127) / 128, 1, 1}, Dim3{128, 1, 1}, arguments, 0,
       stream);
}

void use_the_card() {
  int runtime = 0;
  int driver = 0;
  int devices = 0;
  CALL(cudaRuntimeGetVersion, &runtime);
  CALL(cudaDriverGetVersion, &driver);
  CALL(cudaGetDeviceCount, &devices);
  std::printf("runtime %d, driver %d, devices %d\n", runtime, driver, devices);
  expect(devices == 1 && driver >= runtime, "one device, and a driver that is new enough");
  // Before anything else: the runtime makes the variable's memory with the context.
  void* out = nullptr;
  void* in = nullptr;
  void* stream = nullptr;
  CALL(cudaMalloc, &out, kCount * 4);
  CALL(cudaMalloc, &in, kCount * 4);
  CALL(cudaStreamCreate, &stream);
  std::vector<unsigned> values(kCount);
  for (unsigned i = 0; i < kCount; ++i) values[i] = i;
  CALL(cudaMemcpy, in, values.data(), kCount * 4, kToDevice);
  CALL(cudaMemset, out, 0xFF, kCount * 4);
  launch(out, in, nullptr);
  CALL(cudaMemcpy, values.data(), out, kCount * 4, kToHost);
  bool right = true;
  for (unsigned i = 0; i < kCount; ++i) right = right && values[i] == 3 * i;
  expect(right, "values times three");
  const unsigned seven = 7;
  CALL(cudaMemcpyToSymbol, &factor_shadow, &seven, 4, 0, kToDevice);
  launch(out, in, stream);
  CALL(cudaMemcpyAsync, values.data(), out, kCount * 4, kToHost, stream);
  CALL(cudaStreamSynchronize, stream);
  right = true;
  for (unsigned i = 0; i < kCount; ++i) right = right && values[i] == 7 * i;
  expect(right, "values times seven");
  CALL(cudaDeviceSynchronize);
  expect(shared_count != nullptr && *shared_count == 44, "a managed variable counts two launches");
  expect(cudaLaunchKernel(&scale_stub, Dim3{1, 1, 1}, Dim3{1025, 1, 1}, nullptr, 0, nullptr) ==
                 kInvalidConfiguration &&
             cudaGetLastError() == kInvalidConfiguration,
         "a block of 1025 threads is an invalid configuration");
  CALL(cudaStreamDestroy, stream);
  CALL(cudaFree, in);
  CALL(cudaFree, out);
}

}  // namespace

int main(int argc, char** argv) {
  if (!load(argc > 1 ? argv[1] : nullptr)) return 1;
  static const std::vector<char> image = fatbin();
  static const Wrapper wrapper{.image = image.data()};
  void** const registered = __cudaRegisterFatBinary(const_cast<Wrapper*>(&wrapper));
  __cudaRegisterFunction(registered, &scale_stub, const_cast<char*>("scale"), "scale", -1, nullptr, nullptr,
                         nullptr, nullptr, nullptr);
  __cudaRegisterVar(registered, &factor_shadow, const_cast<char*>("factor"), "factor", 0, 4, 1, 0);
  __cudaRegisterVar(registered, &launches_shadow, const_cast<char*>("launches"), "launches", 0, 4, 0, 0);
  __cudaRegisterManagedVar(registered, reinterpret_cast<void**>(&shared_count),
                           const_cast<char*>("shared_count"), "shared_count", 0, 4, 0, 0);
  __cudaRegisterFatBinaryEnd(registered);
  __cudaInitModule(registered);
  use_the_card();
  __cudaUnregisterFatBinary(registered);
  if (failures != 0) return 1;
  std::printf("all as expected\n");
  return 0;
}
