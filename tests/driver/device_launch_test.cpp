// SPDX-License-Identifier: Apache-2.0
// Kernels that launch kernels, by the functions that nvcc -rdc=true calls.
#include <doppel/cuda.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

extern "C" {
CUresult cuLinkCreate_v2(unsigned count, CUjit_option* options, void** values, CUlinkState* state);
CUresult cuLinkAddData_v2(CUlinkState state, CUjitInputType type, void* data, size_t bytes, const char* name,
                          unsigned count, CUjit_option* options, void** values);
CUresult cuLinkComplete(CUlinkState state, void** image, size_t* bytes);
CUresult cuLinkDestroy(CUlinkState state);
}

namespace {

// launch(child, stream): one block of `threads` threads; `log` and `value` are the child's arguments. As nvcc
// writes it: nothing is launched where there is no buffer.
const char* const kPtx = R"(.version 7.8
.target sm_86
.address_size 64
.extern .func (.param .b64 func_retval0) __cudaCDP2GetParameterBufferV2
(.param .b64 p0, .param .align 4 .b8 p1[12], .param .align 4 .b8 p2[12], .param .b32 p3);
.extern .func (.param .b32 func_retval0) __cudaCDP2LaunchDeviceV2 (.param .b64 p0, .param .b64 p1);
.extern .func (.param .b32 func_retval0) __cudaCDP2GetLastError ();
.extern .func (.param .b32 func_retval0) __cudaCDP2StreamCreateWithFlags (.param .b64 p0, .param .b32 p1);
.extern .func (.param .b32 func_retval0) __cudaCDP2MemcpyAsync
(.param .b64 p0, .param .b64 p1, .param .b64 p2, .param .b32 p3, .param .b64 p4);
.extern .func (.param .b32 func_retval0) __cudaCDP2MemsetAsync
(.param .b64 p0, .param .b32 p1, .param .b64 p2, .param .b64 p3);

// Appends `value` to log[1..], whose number of entries is log[0].
.visible .entry append(.param .u64 log, .param .u32 value)
{
  .reg .u64 %rd<4>;
  .reg .u32 %r<4>;
  ld.param.u64 %rd1, [log];
  ld.param.u32 %r1, [value];
  atom.global.add.u32 %r2, [%rd1], 1;
  mul.wide.u32 %rd2, %r2, 4;
  add.u64 %rd3, %rd1, %rd2;
  st.global.u32 [%rd3+4], %r1;
  ret;
}

.func (.param .b32 result) launch
(.param .b64 kernel, .param .b32 threads, .param .b64 stream, .param .b64 log, .param .b32 value)
{
  .reg .u64 %rd<6>;
  .reg .u32 %r<6>;
  .reg .pred %p;
  ld.param.u64 %rd1, [kernel];
  ld.param.u32 %r1, [threads];
  ld.param.u64 %rd2, [stream];
  ld.param.u64 %rd3, [log];
  ld.param.u32 %r2, [value];
  {
    .param .b64 a0;
    .param .align 4 .b8 a1[12];
    .param .align 4 .b8 a2[12];
    .param .b32 a3;
    .param .b64 r0;
    st.param.b64 [a0], %rd1;
    st.param.b32 [a1], 1;
    st.param.b32 [a1+4], 1;
    st.param.b32 [a1+8], 1;
    st.param.b32 [a2], %r1;
    st.param.b32 [a2+4], 1;
    st.param.b32 [a2+8], 1;
    st.param.b32 [a3], 0;
    call.uni (r0), __cudaCDP2GetParameterBufferV2, (a0, a1, a2, a3);
    ld.param.b64 %rd4, [r0];
  }
  setp.eq.u64 %p, %rd4, 0;
  @%p bra NONE;
  st.u64 [%rd4], %rd3;
  st.u32 [%rd4+8], %r2;
  {
    .param .b64 a0;
    .param .b64 a1;
    .param .b32 r0;
    st.param.b64 [a0], %rd4;
    st.param.b64 [a1], %rd2;
    call.uni (r0), __cudaCDP2LaunchDeviceV2, (a0, a1);
    ld.param.b32 %r3, [r0];
  }
  st.param.b32 [result], %r3;
  ret;
NONE:
  {
    .param .b32 r0;
    call.uni (r0), __cudaCDP2GetLastError, ();
    ld.param.b32 %r3, [r0];
  }
  st.param.b32 [result], %r3;
  ret;
}

// Appends by children: a tail launch first in the text, then two in the block's own stream, in one more each
// block of the grid.
.visible .entry parent(.param .u64 log)
{
  .reg .u64 %rd<4>;
  .reg .u32 %r<6>;
  .reg .pred %p;
  mov.u32 %r1, %tid.x;
  setp.ne.u32 %p, %r1, 0;
  @%p ret;
  ld.param.u64 %rd1, [log];
  mov.u32 %r2, %ctaid.x;
  mul.lo.u32 %r3, %r2, 10;
  mov.u64 %rd2, append;
  {
    .param .b64 a0; .param .b32 a1; .param .b64 a2; .param .b64 a3; .param .b32 a4; .param .b32 r0;
    st.param.b64 [a0], %rd2;
    st.param.b32 [a1], 1;
    st.param.b64 [a2], 3;
    st.param.b64 [a3], %rd1;
    add.u32 %r4, %r3, 1000;
    st.param.b32 [a4], %r4;
    call.uni (r0), launch, (a0, a1, a2, a3, a4);
  }
  {
    .param .b64 a0; .param .b32 a1; .param .b64 a2; .param .b64 a3; .param .b32 a4; .param .b32 r0;
    st.param.b64 [a0], %rd2;
    st.param.b32 [a1], 1;
    st.param.b64 [a2], 0;
    st.param.b64 [a3], %rd1;
    add.u32 %r4, %r3, 1;
    st.param.b32 [a4], %r4;
    call.uni (r0), launch, (a0, a1, a2, a3, a4);
  }
  {
    .param .b64 a0; .param .b32 a1; .param .b64 a2; .param .b64 a3; .param .b32 a4; .param .b32 r0;
    st.param.b64 [a0], %rd2;
    st.param.b32 [a1], 1;
    st.param.b64 [a2], 0;
    st.param.b64 [a3], %rd1;
    add.u32 %r4, %r3, 2;
    st.param.b32 [a4], %r4;
    call.uni (r0), launch, (a0, a1, a2, a3, a4);
  }
  ret;
}

// Launches itself with one less until 0, and appends what the launch answered where it is not 0.
.visible .entry nested(.param .u64 log, .param .u32 left)
{
  .reg .u64 %rd<4>;
  .reg .u32 %r<6>;
  .reg .pred %p;
  ld.param.u64 %rd1, [log];
  ld.param.u32 %r1, [left];
  atom.global.add.u32 %r2, [%rd1], 1;
  setp.eq.u32 %p, %r1, 0;
  @%p ret;
  mov.u64 %rd2, nested;
  sub.u32 %r3, %r1, 1;
  {
    .param .b64 a0; .param .b32 a1; .param .b64 a2; .param .b64 a3; .param .b32 a4; .param .b32 r0;
    st.param.b64 [a0], %rd2;
    st.param.b32 [a1], 1;
    st.param.b64 [a2], 4;
    st.param.b64 [a3], %rd1;
    st.param.b32 [a4], %r3;
    call.uni (r0), launch, (a0, a1, a2, a3, a4);
    ld.param.b32 %r4, [r0];
  }
  st.global.u32 [%rd1+4], %r4;
  ret;
}

// Launches `append` with `threads` threads, and stores the answer.
.visible .entry wrong(.param .u64 log, .param .u32 threads, .param .u64 kernel, .param .u64 stream)
{
  .reg .u64 %rd<5>;
  .reg .u32 %r<6>;
  .reg .pred %p;
  ld.param.u64 %rd1, [log];
  ld.param.u32 %r1, [threads];
  ld.param.u64 %rd3, [kernel];
  ld.param.u64 %rd4, [stream];
  mov.u64 %rd2, append;
  setp.ne.u64 %p, %rd3, 0;
  @%p mov.u64 %rd2, %rd3;
  {
    .param .b64 a0; .param .b32 a1; .param .b64 a2; .param .b64 a3; .param .b32 a4; .param .b32 r0;
    st.param.b64 [a0], %rd2;
    st.param.b32 [a1], %r1;
    st.param.b64 [a2], %rd4;
    st.param.b64 [a3], %rd1;
    st.param.b32 [a4], 1;
    call.uni (r0), launch, (a0, a1, a2, a3, a4);
    ld.param.b32 %r2, [r0];
  }
  st.global.u32 [%rd1+64], %r2;
  ret;
}

// A stream of its own, whose handle goes to a local variable.
.visible .entry own_stream(.param .u64 log)
{
  .local .align 8 .b8 place[8];
  .reg .u64 %rd<6>;
  .reg .u32 %r<6>;
  ld.param.u64 %rd1, [log];
  mov.u64 %rd2, place;
  cvta.local.u64 %rd3, %rd2;
  {
    .param .b64 a0; .param .b32 a1; .param .b32 r0;
    st.param.b64 [a0], %rd3;
    st.param.b32 [a1], 1;
    call.uni (r0), __cudaCDP2StreamCreateWithFlags, (a0, a1);
    ld.param.b32 %r1, [r0];
  }
  st.global.u32 [%rd1+64], %r1;
  ld.local.u64 %rd4, [%rd2];
  mov.u64 %rd5, append;
  {
    .param .b64 a0; .param .b32 a1; .param .b64 a2; .param .b64 a3; .param .b32 a4; .param .b32 r0;
    st.param.b64 [a0], %rd5;
    st.param.b32 [a1], 1;
    st.param.b64 [a2], %rd4;
    st.param.b64 [a3], %rd1;
    st.param.b32 [a4], 77;
    call.uni (r0), launch, (a0, a1, a2, a3, a4);
  }
  ret;
}

// A place for the stream's handle that is no memory of the kernel's.
.visible .entry wild_place(.param .u64 address)
{
  .reg .u64 %rd<2>;
  ld.param.u64 %rd1, [address];
  {
    .param .b64 a0; .param .b32 a1; .param .b32 r0;
    st.param.b64 [a0], %rd1;
    st.param.b32 [a1], 1;
    call.uni (r0), __cudaCDP2StreamCreateWithFlags, (a0, a1);
  }
  ret;
}

// Copies and fills; what they answer goes to out and out + 4.
.visible .entry wild_copy(.param .u64 to, .param .u64 from, .param .u64 bytes, .param .u64 out)
{
  .reg .u64 %rd<5>;
  .reg .u32 %r<3>;
  ld.param.u64 %rd1, [to];
  ld.param.u64 %rd2, [from];
  ld.param.u64 %rd3, [bytes];
  ld.param.u64 %rd4, [out];
  {
    .param .b64 a0; .param .b64 a1; .param .b64 a2; .param .b32 a3; .param .b64 a4; .param .b32 r0;
    st.param.b64 [a0], %rd1;
    st.param.b64 [a1], %rd2;
    st.param.b64 [a2], %rd3;
    st.param.b32 [a3], 4;
    st.param.b64 [a4], 0;
    call.uni (r0), __cudaCDP2MemcpyAsync, (a0, a1, a2, a3, a4);
    ld.param.b32 %r1, [r0];
  }
  {
    .param .b64 a0; .param .b32 a1; .param .b64 a2; .param .b64 a3; .param .b32 r0;
    st.param.b64 [a0], %rd1;
    st.param.b32 [a1], 7;
    st.param.b64 [a2], %rd3;
    st.param.b64 [a3], 0;
    call.uni (r0), __cudaCDP2MemsetAsync, (a0, a1, a2, a3);
    ld.param.b32 %r2, [r0];
  }
  st.global.v2.u32 [%rd4], {%r1, %r2};
  ret;
}
)";

class DeviceLaunch : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(cuInit(0), CUDA_SUCCESS);
    ASSERT_EQ(cuCtxCreate(&context_, 0, 0), CUDA_SUCCESS);
    ASSERT_EQ(cuModuleLoadData(&module_, kPtx), CUDA_SUCCESS);
    ASSERT_EQ(cuMemAlloc(&log_, 4096), CUDA_SUCCESS);
    ASSERT_EQ(cuMemsetD8(log_, 0, 4096), CUDA_SUCCESS);
  }
  void TearDown() override { EXPECT_EQ(cuCtxDestroy(context_), CUDA_SUCCESS); }

  CUresult launch(const char* name, unsigned blocks, std::vector<void*> arguments) {
    CUfunction function = nullptr;
    EXPECT_EQ(cuModuleGetFunction(&function, module_, name), CUDA_SUCCESS);
    const CUresult launched =
        cuLaunchKernel(function, blocks, 1, 1, 32, 1, 1, 0, nullptr, arguments.data(), nullptr);
    return launched == CUDA_SUCCESS ? cuCtxSynchronize() : launched;
  }
  std::vector<unsigned> log(std::size_t words) {
    std::vector<unsigned> read(words);
    EXPECT_EQ(cuMemcpyDtoH(read.data(), log_, words * 4), CUDA_SUCCESS);
    return read;
  }
  CUresult launch_one(const char* name, std::vector<void*> arguments) {
    CUfunction function = nullptr;
    EXPECT_EQ(cuModuleGetFunction(&function, module_, name), CUDA_SUCCESS);
    const CUresult launched =
        cuLaunchKernel(function, 1, 1, 1, 1, 1, 1, 0, nullptr, arguments.data(), nullptr);
    return launched == CUDA_SUCCESS ? cuCtxSynchronize() : launched;
  }

  CUcontext context_ = nullptr;
  CUmodule module_ = nullptr;
  CUdeviceptr log_ = 0;
};

TEST_F(DeviceLaunch, ChildrenRunInTheirStreamsOrderAndTailsBehindAll) {
  ASSERT_EQ(launch("parent", 3, {&log_}), CUDA_SUCCESS);
  EXPECT_EQ(log(10), (std::vector<unsigned>{9, 1, 2, 11, 12, 21, 22, 1000, 1010, 1020}));
}

TEST_F(DeviceLaunch, WorkBehindTheParentWaitsForItsChildren) {
  CUfunction function = nullptr;
  ASSERT_EQ(cuModuleGetFunction(&function, module_, "parent"), CUDA_SUCCESS);
  void* arguments[] = {&log_};
  ASSERT_EQ(cuLaunchKernel(function, 3, 1, 1, 32, 1, 1, 0, nullptr, arguments, nullptr), CUDA_SUCCESS);
  // No synchronisation between: the copy is in the stream's order.
  EXPECT_EQ(log(1).front(), 9U);
}

TEST_F(DeviceLaunch, ChildrenHaveChildrenDownTo24Levels) {
  unsigned left = 24;
  ASSERT_EQ(launch_one("nested", {&log_, &left}), CUDA_SUCCESS);
  EXPECT_EQ(log(2), (std::vector<unsigned>{25, 0}));
  ASSERT_EQ(cuMemsetD8(log_, 0, 8), CUDA_SUCCESS);
  left = 30;
  ASSERT_EQ(launch_one("nested", {&log_, &left}), CUDA_SUCCESS);
  EXPECT_EQ(log(2), (std::vector<unsigned>{25, 65})) << "cudaErrorLaunchMaxDepthExceeded";
}

TEST_F(DeviceLaunch, WrongLaunchesAnswerAnErrorAndLaunchNothing) {
  const auto answer = [&](unsigned threads, CUdeviceptr kernel, CUdeviceptr stream) {
    EXPECT_EQ(launch_one("wrong", {&log_, &threads, &kernel, &stream}), CUDA_SUCCESS);
    return log(17)[16];
  };
  EXPECT_EQ(answer(1, 0, 0), 0U);
  EXPECT_EQ(answer(1025, 0, 0), 9U) << "cudaErrorInvalidConfiguration";
  EXPECT_EQ(answer(1, 12345, 0), 98U) << "cudaErrorInvalidDeviceFunction";
  EXPECT_EQ(answer(1, 0, 12345), 400U) << "cudaErrorInvalidResourceHandle";
  EXPECT_EQ(log(1).front(), 1U);
}

TEST_F(DeviceLaunch, StreamsOfTheGridTakeLaunches) {
  ASSERT_EQ(launch_one("own_stream", {&log_}), CUDA_SUCCESS);
  EXPECT_EQ(log(17)[16], 0U);
  EXPECT_EQ(log(2), (std::vector<unsigned>{1, 77}));
}

TEST_F(DeviceLaunch, ResultsAreNotStoredOutsideOfTheKernelsMemory) {
  static unsigned long long host = 42;
  CUdeviceptr address = reinterpret_cast<std::uintptr_t>(&host);
  EXPECT_EQ(launch_one("wild_place", {&address}), CUDA_ERROR_ILLEGAL_ADDRESS);
  EXPECT_EQ(host, 42U);
}

TEST_F(DeviceLaunch, CopiesStayInWhatTheKernelReaches) {
  struct Answers {
    unsigned copied, filled;
  };
  const auto answers = [&](CUdeviceptr to, CUdeviceptr from, std::uint64_t bytes) {
    EXPECT_EQ(launch("wild_copy", 1, {&to, &from, &bytes, &log_}), CUDA_SUCCESS);
    Answers given{};
    EXPECT_EQ(cuMemcpyDtoH(&given, log_, sizeof given), CUDA_SUCCESS);
    return given;
  };
  static std::array<unsigned char, 64> host{};
  const CUdeviceptr own = reinterpret_cast<std::uintptr_t>(host.data());
  const CUdeviceptr inside = log_ + 1024;
  Answers given = answers(inside, log_ + 2048, 16);
  EXPECT_EQ(given.copied, 0U);
  EXPECT_EQ(given.filled, 0U);
  constexpr unsigned kInvalidValue = 1;  // cudaErrorInvalidValue
  // Of the program's; behind the allocation; so long that the end wraps around to before it.
  for (const auto& [to, bytes] :
       {std::pair<CUdeviceptr, std::uint64_t>{own, 16}, {inside, 8192}, {inside, -inside}, {inside, -8}}) {
    given = answers(to, inside, bytes);
    EXPECT_EQ(given.copied, kInvalidValue) << bytes;
    EXPECT_EQ(given.filled, kInvalidValue) << bytes;
  }
  EXPECT_EQ(host, (std::array<unsigned char, 64>{}));
}

// The archive member that numba and nvcc link for every kernel that syncs a grid holds machine code alone.
// What makes it the device runtime is the function that it defines.
TEST_F(DeviceLaunch, OtherLibrariesOfMachineCodeAreRefused) {
  CUlinkState linker = nullptr;
  ASSERT_EQ(cuLinkCreate_v2(0, nullptr, nullptr, &linker), CUDA_SUCCESS);
  std::string archive = "!<arch>\n";
  archive += "object.o/       0           0     0     644     64        `\n";
  std::string object(64, '\0');
  object.replace(0, 6, "\177ELF\2\1");
  object[18] = 62;  // EM_X86_64, and no sections
  archive += object;
  EXPECT_EQ(cuLinkAddData_v2(linker, CU_JIT_INPUT_LIBRARY, archive.data(), archive.size(), "library.a", 0,
                             nullptr, nullptr),
            CUDA_ERROR_NO_BINARY_FOR_GPU);
  EXPECT_EQ(cuLinkDestroy(linker), CUDA_SUCCESS);
}

}  // namespace
