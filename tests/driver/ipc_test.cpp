// SPDX-License-Identifier: Apache-2.0
// What two processes share by handles. The test itself never starts the driver: each process of a test is a
// child of its own.
#include <doppel/cuda.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <optional>
#include <vector>

extern "C" {
CUresult cuIpcGetMemHandle(CUipcMemHandle* handle, CUdeviceptr address);
CUresult cuIpcOpenMemHandle_v2(CUdeviceptr* address, CUipcMemHandle handle, unsigned flags);
CUresult cuIpcCloseMemHandle(CUdeviceptr address);
CUresult cuIpcGetEventHandle(CUipcEventHandle* handle, CUevent event);
CUresult cuIpcOpenEventHandle(CUevent* event, CUipcEventHandle handle);
CUresult cuMemHostAlloc(void** address, size_t bytes, unsigned flags);
CUresult cuMemCreate(CUmemGenericAllocationHandle* memory, size_t bytes,
                     const CUmemAllocationProp* properties, unsigned long long flags);
CUresult cuMemRelease(CUmemGenericAllocationHandle memory);
CUresult cuMemExportToShareableHandle(void* handle, CUmemGenericAllocationHandle memory,
                                      CUmemAllocationHandleType type, unsigned long long flags);
CUresult cuMemImportFromShareableHandle(CUmemGenericAllocationHandle* memory, void* handle,
                                        CUmemAllocationHandleType type);
CUresult cuMemAddressReserve(CUdeviceptr* address, size_t bytes, size_t alignment, CUdeviceptr wanted,
                             unsigned long long flags);
CUresult cuMemMap(CUdeviceptr address, size_t bytes, size_t offset, CUmemGenericAllocationHandle memory,
                  unsigned long long flags);
CUresult cuMemSetAccess(CUdeviceptr address, size_t bytes, const CUmemAccessDesc* descriptions, size_t count);
CUresult cuPointerGetAttribute(void* value, CUpointer_attribute attribute, CUdeviceptr address);
}

namespace {

constexpr unsigned kLazy = CU_IPC_MEM_LAZY_ENABLE_PEER_ACCESS;
constexpr std::size_t kBytes = 3 << 20;

// In a child: what does not hold ends it.
#define MUST(condition)                                                                  \
  do {                                                                                   \
    if (!(condition)) {                                                                  \
      std::fprintf(stderr, "%s:%d: %s does not hold\n", __FILE__, __LINE__, #condition); \
      _exit(1);                                                                          \
    }                                                                                    \
  } while (false)
#define MUST_BE(call, code)                                                                            \
  do {                                                                                                 \
    if (const int result = (call); result != (code)) {                                                 \
      std::fprintf(stderr, "%s:%d: %s is %d, not %d\n", __FILE__, __LINE__, #call, result, int{code}); \
      _exit(1);                                                                                        \
    }                                                                                                  \
  } while (false)
#define WORKS(call) MUST_BE(call, CUDA_SUCCESS)

// The end of a connection to the other process.
class Other {
 public:
  explicit Other(int end) : end_(end) {}
  template <typename T>
  void send(const T& value) const {
    MUST(write(end_, &value, sizeof value) == sizeof value);
  }
  template <typename T>
  T receive() const {
    T value{};
    MUST(read(end_, &value, sizeof value) == sizeof value);
    return value;
  }
  void say() const { send('!'); }
  void hear() const { (void)receive<char>(); }
  void wait_for_its_end() const {
    char rest = 0;
    MUST(read(end_, &rest, 1) == 0);
  }
  void send_file(int file) const { move_file(file, true); }
  int receive_file() const { return move_file(-1, false); }

 private:
  int move_file(int file, bool sends) const {
    char byte = 0;
    iovec data{&byte, 1};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
    msghdr message{};
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    if (sends) {
      cmsghdr* const head = CMSG_FIRSTHDR(&message);
      head->cmsg_level = SOL_SOCKET;
      head->cmsg_type = SCM_RIGHTS;
      head->cmsg_len = CMSG_LEN(sizeof(int));
      std::memcpy(CMSG_DATA(head), &file, sizeof file);
      MUST(sendmsg(end_, &message, 0) == 1);
      return file;
    }
    MUST(recvmsg(end_, &message, 0) == 1);
    std::memcpy(&file, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof file);
    return file;
  }
  int end_;
};

using Part = std::function<void(const Other&)>;

pid_t child(int own_end, int other_end, const Part& part) {
  const pid_t process = fork();
  if (process != 0) return process;
  close(other_end);
  alarm(600);
  part(Other(own_end));
  std::fflush(stdout);
  std::exit(0);
}

// Both parts end well; or the second, where the first is to be killed.
void run(const Part& first, const Part& second, bool first_is_killed = false) {
  std::array<int, 2> ends{};
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()), 0);
  const pid_t one = child(ends[0], ends[1], first), other = child(ends[1], ends[0], second);
  close(ends[0]);
  close(ends[1]);
  int status = 0;
  EXPECT_EQ(waitpid(other, &status, 0), other);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
  if (first_is_killed) kill(one, SIGKILL);
  EXPECT_EQ(waitpid(one, &status, 0), one);
  if (!first_is_killed) {
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
  }
}

CUcontext start(int card = 0) {
  setenv("DOPPEL_CARDS", "rtx-a6000,rtx-a6000", 1);
  setenv("DOPPEL_NVLINK", "1", 1);
  CUcontext context = nullptr;
  WORKS(cuInit(0));
  WORKS(cuDevicePrimaryCtxRetain(&context, card));
  WORKS(cuCtxSetCurrent(context));
  return context;
}

CUdeviceptr allocate(std::size_t bytes = kBytes) {
  CUdeviceptr address = 0;
  WORKS(cuMemAlloc(&address, bytes));
  return address;
}

CUipcMemHandle handle_of(CUdeviceptr address) {
  CUipcMemHandle handle{};
  WORKS(cuIpcGetMemHandle(&handle, address));
  return handle;
}

// A fill of device memory is asynchronous for the host: the other process may read what is filled after this.
void fill(CUdeviceptr address, unsigned word, std::size_t words) {
  WORKS(cuMemsetD32(address, word, words));
  WORKS(cuCtxSynchronize());
}

std::vector<unsigned> words(CUdeviceptr address, std::size_t count) {
  std::vector<unsigned> read(count);
  WORKS(cuMemcpyDtoH(read.data(), address, count * sizeof(unsigned)));
  return read;
}

// Memory of this process, zeros, in which the other one was writing when it was killed.
CUdeviceptr memory_of_killed_writer(const Other& other) {
  const CUdeviceptr memory = allocate();
  fill(memory, 0, kBytes / 4);
  other.send(handle_of(memory));
  const auto process = other.receive<pid_t>();
  while (words(memory, 1)[0] == 0) {
  }
  kill(process, SIGKILL);
  other.wait_for_its_end();
  return memory;
}

// Adds `turns` to each of `count` words, one at a time; grid of 256 threads a block.
constexpr const char* kCount = R"(.version 7.1
.target sm_86
.address_size 64
.visible .entry count(.param .u64 at, .param .u32 turns)
{
  .reg .u64 %rd<4>;
  .reg .u32 %r<6>;
  .reg .pred %p;
  ld.param.u64 %rd1, [at];
  ld.param.u32 %r1, [turns];
  mov.u32 %r2, %ctaid.x;
  mov.u32 %r3, %ntid.x;
  mov.u32 %r4, %tid.x;
  mad.lo.u32 %r2, %r2, %r3, %r4;
  mul.wide.u32 %rd2, %r2, 4;
  add.u64 %rd1, %rd1, %rd2;
again:
  ld.volatile.global.u32 %r3, [%rd1];
  add.u32 %r3, %r3, 1;
  st.volatile.global.u32 [%rd1], %r3;
  sub.u32 %r1, %r1, 1;
  setp.ne.u32 %p, %r1, 0;
  @%p bra again;
  ret;
}
)";

void count(CUdeviceptr at, unsigned turns, unsigned blocks, CUstream stream = nullptr) {
  static CUfunction function = nullptr;
  if (function == nullptr) {
    CUmodule module = nullptr;
    WORKS(cuModuleLoadData(&module, kCount));
    WORKS(cuModuleGetFunction(&function, module, "count"));
  }
  std::array<void*, 2> arguments{&at, &turns};
  WORKS(cuLaunchKernel(function, blocks, 1, 1, 256, 1, 1, 0, stream, arguments.data(), nullptr));
}

TEST(SharedMemory, IsOneForBoth) {
  run(
      [](const Other& other) {
        start();
        const CUdeviceptr memory = allocate();
        fill(memory, 7, kBytes / 4);
        other.send(handle_of(memory));
        other.hear();
        MUST(words(memory, kBytes / 4).back() == 17);
        // What it is now, is seen at once.
        fill(memory, 21, kBytes / 4);
        other.say();
        other.hear();
        WORKS(cuMemFree(memory));
      },
      [](const Other& other) {
        start();
        const auto handle = other.receive<CUipcMemHandle>();
        CUdeviceptr memory = 0;
        WORKS(cuIpcOpenMemHandle_v2(&memory, handle, kLazy));
        MUST(words(memory, kBytes / 4).back() == 7);
        count(memory, 10, kBytes / 4 / 256);
        WORKS(cuCtxSynchronize());
        other.say();
        other.hear();
        MUST(words(memory, 1)[0] == 21);
        // It is memory of the device that has it, and no more of this process's than that.
        int ordinal = -1;
        WORKS(cuPointerGetAttribute(&ordinal, CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL, memory));
        MUST(ordinal == 0);
        MUST_BE(cuMemFree(memory), CUDA_ERROR_INVALID_VALUE);
        WORKS(cuIpcCloseMemHandle(memory));
        MUST_BE(cuIpcCloseMemHandle(memory), CUDA_ERROR_INVALID_VALUE);
        unsigned word = 0;
        MUST_BE(cuMemcpyDtoH(&word, memory, 4), CUDA_ERROR_INVALID_VALUE);
        other.say();
      });
}

TEST(SharedMemory, IsOpenedOncePerContext) {
  run(
      [](const Other& other) {
        start();
        const CUdeviceptr memory = allocate();
        other.send(handle_of(memory));
        // Of any address in it, and each time the same memory.
        other.send(handle_of(memory + 4096));
        other.hear();
      },
      [](const Other& other) {
        start();
        CUdeviceptr first = 0, again = 0;
        WORKS(cuIpcOpenMemHandle_v2(&first, other.receive<CUipcMemHandle>(), kLazy));
        WORKS(cuIpcOpenMemHandle_v2(&again, other.receive<CUipcMemHandle>(), kLazy));
        MUST(first == again);
        WORKS(cuIpcCloseMemHandle(first));
        (void)words(first, 1);
        WORKS(cuIpcCloseMemHandle(first));
        MUST_BE(cuIpcCloseMemHandle(first), CUDA_ERROR_INVALID_VALUE);
        other.say();
      });
}

TEST(SharedMemory, OfAnotherCardIsReached) {
  run(
      [](const Other& other) {
        start(1);
        const CUdeviceptr memory = allocate();
        fill(memory, 1, kBytes / 4);
        other.send(handle_of(memory));
        other.hear();
        MUST(words(memory, kBytes / 4)[kBytes / 4 - 1] == 4);
      },
      [](const Other& other) {
        start(0);
        CUdeviceptr memory = 0;
        WORKS(cuIpcOpenMemHandle_v2(&memory, other.receive<CUipcMemHandle>(), kLazy));
        count(memory, 3, kBytes / 4 / 256);  // access is enabled with it
        WORKS(cuCtxSynchronize());
        other.say();
      });
}

TEST(SharedMemory, HandlesThatAreNoneAreRefused) {
  run(
      [](const Other& other) {
        start();
        const CUdeviceptr memory = allocate();
        const CUipcMemHandle handle = handle_of(memory);
        CUdeviceptr opened = 0;
        MUST_BE(cuIpcOpenMemHandle_v2(&opened, handle, kLazy), CUDA_ERROR_INVALID_CONTEXT);  // its own
        MUST_BE(cuIpcGetMemHandle(nullptr, memory), CUDA_ERROR_INVALID_VALUE);
        CUipcMemHandle none{};
        MUST_BE(cuIpcGetMemHandle(&none, memory + kBytes + (64 << 20)), CUDA_ERROR_INVALID_VALUE);
        void* pinned = nullptr;
        WORKS(cuMemHostAlloc(&pinned, 4096, 0));
        MUST_BE(cuIpcGetMemHandle(&none, reinterpret_cast<CUdeviceptr>(pinned)), CUDA_ERROR_INVALID_VALUE);
        other.send(handle);
        other.hear();
        WORKS(cuMemFree(memory));
        other.say();
        other.hear();
      },
      [](const Other& other) {
        start();
        const auto handle = other.receive<CUipcMemHandle>();
        CUdeviceptr opened = 0;
        MUST_BE(cuIpcOpenMemHandle_v2(&opened, handle, 0), CUDA_ERROR_INVALID_VALUE);
        MUST_BE(cuIpcOpenMemHandle_v2(nullptr, handle, kLazy), CUDA_ERROR_INVALID_VALUE);
        MUST_BE(cuIpcOpenMemHandle_v2(&opened, CUipcMemHandle{}, kLazy), CUDA_ERROR_INVALID_HANDLE);
        CUipcMemHandle broken = handle;
        std::memset(&broken.reserved[16], 0x55, 8);
        MUST_BE(cuIpcOpenMemHandle_v2(&opened, broken, kLazy), CUDA_ERROR_INVALID_HANDLE);
        other.say();
        other.hear();
        MUST_BE(cuIpcOpenMemHandle_v2(&opened, handle, kLazy), CUDA_ERROR_INVALID_HANDLE);  // freed
        other.say();
      });
}

TEST(SharedMemory, OutlivesTheProcessThatMadeIt) {
  run(
      [](const Other& other) {
        start();
        const CUdeviceptr memory = allocate(), second = allocate();
        fill(memory, 9, kBytes / 4);
        other.send(handle_of(memory));
        other.send(handle_of(second));
        other.hear();
        _exit(0);
      },
      [](const Other& other) {
        start();
        CUdeviceptr memory = 0, late = 0;
        WORKS(cuIpcOpenMemHandle_v2(&memory, other.receive<CUipcMemHandle>(), kLazy));
        const auto second = other.receive<CUipcMemHandle>();
        other.say();
        other.wait_for_its_end();
        count(memory, 1, 4);
        WORKS(cuCtxSynchronize());
        MUST(words(memory, 1025)[1023] == 10 && words(memory, 1025)[1024] == 9);
        MUST_BE(cuIpcOpenMemHandle_v2(&late, second, kLazy), CUDA_ERROR_INVALID_HANDLE);
      });
}

// Whoever dies while its kernel writes there leaves the memory to the others.
TEST(SharedMemory, SurvivesAKilledPeer) {
  run(
      [](const Other& other) {
        start();
        CUdeviceptr memory = 0;
        WORKS(cuIpcOpenMemHandle_v2(&memory, other.receive<CUipcMemHandle>(), kLazy));
        count(memory, 2'000'000'000, 16);
        other.send(getpid());
        WORKS(cuCtxSynchronize());
      },
      [](const Other& other) {
        start();
        const CUdeviceptr memory = memory_of_killed_writer(other);
        fill(memory, 3, kBytes / 4);
        count(memory, 2, 16);
        WORKS(cuCtxSynchronize());
        MUST(words(memory, 4096)[4095] == 5);
        WORKS(cuMemFree(memory));
      },
      true);
}

// Whose memory is copied ends, and the copies that were queued find it as it was.
TEST(SharedMemory, IsCopiedToTheEndThoughItsOwnerExits) {
  constexpr int kCopies = 400;
  run(
      [](const Other& other) {
        start();
        const CUdeviceptr memory = allocate();
        fill(memory, 0x1234, kBytes / 4);
        other.send(handle_of(memory));
        other.hear();
        _exit(0);
      },
      [](const Other& other) {
        start();
        CUdeviceptr memory = 0;
        WORKS(cuIpcOpenMemHandle_v2(&memory, other.receive<CUipcMemHandle>(), kLazy));
        const CUdeviceptr to = allocate();
        fill(to, 0, kBytes / 4);
        CUstream stream = nullptr;
        WORKS(cuStreamCreate(&stream, CU_STREAM_NON_BLOCKING));
        for (int i = 0; i < kCopies; ++i) WORKS(cuMemcpyDtoDAsync(to, memory, kBytes, stream));
        other.say();
        WORKS(cuStreamSynchronize(stream));
        other.wait_for_its_end();
        WORKS(cuMemcpyDtoDAsync(to, memory, kBytes, stream));
        WORKS(cuStreamSynchronize(stream));
        for (const unsigned word : words(to, kBytes / 4)) MUST(word == 0x1234);
        WORKS(cuIpcCloseMemHandle(memory));
      });
}

// And who copies to others' memory, and is killed in the middle of it, leaves it to them.
TEST(SharedMemory, OutlivesWhoIsKilledInTheMiddleOfACopy) {
  run(
      [](const Other& other) {
        start();
        CUdeviceptr memory = 0;
        WORKS(cuIpcOpenMemHandle_v2(&memory, other.receive<CUipcMemHandle>(), kLazy));
        const CUdeviceptr from = allocate();
        fill(from, 7, kBytes / 4);
        other.send(getpid());
        while (true) WORKS(cuMemcpyDtoDAsync(memory, from, kBytes, nullptr));
      },
      [](const Other& other) {
        start();
        const CUdeviceptr memory = memory_of_killed_writer(other);
        for (const unsigned word : words(memory, kBytes / 4)) MUST(word == 0 || word == 7);
        fill(memory, 3, kBytes / 4);
        for (const unsigned word : words(memory, kBytes / 4)) MUST(word == 3);
        WORKS(cuMemFree(memory));
      },
      true);
}

// The pages are moved while a kernel counts in them: no step is lost.
TEST(SharedMemory, IsSharedWhileKernelsWriteToIt) {
  run(
      [](const Other& other) {
        start();
        constexpr unsigned kTurns = 30'000, kBlocks = 32;
        const CUdeviceptr memory = allocate();
        fill(memory, 0, kBytes / 4);
        count(memory, kTurns, kBlocks);
        other.send(handle_of(memory));
        WORKS(cuCtxSynchronize());
        for (const unsigned word : words(memory, kBlocks * 256)) MUST(word == kTurns);
        other.hear();
      },
      [](const Other& other) {
        start();
        CUdeviceptr memory = 0;
        WORKS(cuIpcOpenMemHandle_v2(&memory, other.receive<CUipcMemHandle>(), kLazy));
        other.say();
      });
}

TEST(SharedEvents, AreWaitedForByTheOther) {
  run(
      [](const Other& other) {
        start();
        const CUdeviceptr memory = allocate();
        fill(memory, 0, kBytes / 4);
        CUevent event = nullptr;
        WORKS(cuEventCreate(&event, CU_EVENT_INTERPROCESS | CU_EVENT_DISABLE_TIMING));
        CUipcEventHandle handle{};
        WORKS(cuIpcGetEventHandle(&handle, event));
        other.send(handle_of(memory));
        other.send(handle);
        other.hear();  // it has looked at an event without a record
        count(memory, 20'000, 16);
        WORKS(cuEventRecord(event, nullptr));
        other.say();
        // And the other way round.
        other.hear();
        WORKS(cuEventSynchronize(event));
        MUST(words(memory, 4096)[4095] == 20'005);
        WORKS(cuEventQuery(event));
        other.say();
        other.hear();
      },
      [](const Other& other) {
        start();
        CUdeviceptr memory = 0;
        CUevent event = nullptr;
        WORKS(cuIpcOpenMemHandle_v2(&memory, other.receive<CUipcMemHandle>(), kLazy));
        WORKS(cuIpcOpenEventHandle(&event, other.receive<CUipcEventHandle>()));
        WORKS(cuEventQuery(event));
        WORKS(cuEventSynchronize(event));
        other.say();
        other.hear();
        CUstream stream = nullptr;
        WORKS(cuStreamCreate(&stream, CU_STREAM_NON_BLOCKING));
        WORKS(cuStreamWaitEvent(stream, event, 0));
        count(memory, 5, 16, stream);
        WORKS(cuEventRecord(event, stream));
        other.say();
        other.hear();
        MUST(words(memory, 4096)[4095] == 20'005);
        WORKS(cuEventDestroy(event));
        other.say();
      });
}

TEST(SharedEvents, OfAProcessThatHasEndedHaveCome) {
  run(
      [](const Other& other) {
        start();
        const CUdeviceptr memory = allocate();
        CUevent event = nullptr;
        WORKS(cuEventCreate(&event, CU_EVENT_INTERPROCESS | CU_EVENT_DISABLE_TIMING));
        CUipcEventHandle handle{};
        WORKS(cuIpcGetEventHandle(&handle, event));
        count(memory, 2'000'000'000, 4);
        WORKS(cuEventRecord(event, nullptr));
        other.send(handle);
        other.hear();
        kill(getpid(), SIGKILL);
      },
      [](const Other& other) {
        start();
        CUevent event = nullptr;
        const auto handle = other.receive<CUipcEventHandle>();
        WORKS(cuIpcOpenEventHandle(&event, handle));
        MUST_BE(cuEventQuery(event), CUDA_ERROR_NOT_READY);
        CUstream stream = nullptr;
        WORKS(cuStreamCreate(&stream, 0));
        WORKS(cuStreamWaitEvent(stream, event, 0));
        other.say();
        other.wait_for_its_end();
        WORKS(cuStreamSynchronize(stream));
        WORKS(cuEventSynchronize(event));
        WORKS(cuEventQuery(event));
        CUevent late = nullptr;
        MUST_BE(cuIpcOpenEventHandle(&late, handle), CUDA_ERROR_INVALID_HANDLE);
      },
      true);
}

TEST(SharedEvents, HaveNoTimeAndAreMadeForIt) {
  run(
      [](const Other& other) {
        start();
        CUevent event = nullptr, own = nullptr;
        MUST_BE(cuEventCreate(&event, CU_EVENT_INTERPROCESS), CUDA_ERROR_INVALID_VALUE);
        WORKS(cuEventCreate(&own, CU_EVENT_DISABLE_TIMING));
        CUipcEventHandle handle{};
        MUST_BE(cuIpcGetEventHandle(&handle, own), CUDA_ERROR_INVALID_HANDLE);
        WORKS(cuEventCreate(&event, CU_EVENT_INTERPROCESS | CU_EVENT_DISABLE_TIMING));
        MUST_BE(cuIpcGetEventHandle(nullptr, event), CUDA_ERROR_INVALID_VALUE);
        WORKS(cuIpcGetEventHandle(&handle, event));
        MUST_BE(cuIpcOpenEventHandle(&own, handle), CUDA_ERROR_INVALID_CONTEXT);
        MUST_BE(cuIpcOpenEventHandle(&own, CUipcEventHandle{}), CUDA_ERROR_INVALID_HANDLE);
        WORKS(cuEventRecord(event, nullptr));
        WORKS(cuEventSynchronize(event));
        float milliseconds = 0;
        MUST_BE(cuEventElapsedTime(&milliseconds, event, event), CUDA_ERROR_INVALID_HANDLE);
        other.say();
      },
      [](const Other& other) { other.hear(); });
}

CUmemAllocationProp of_card(int card, CUmemAllocationHandleType type) {
  CUmemAllocationProp properties{};
  properties.type = CU_MEM_ALLOCATION_TYPE_PINNED;
  properties.location = {CU_MEM_LOCATION_TYPE_DEVICE, card};
  properties.requestedHandleTypes = type;
  return properties;
}

TEST(SharedFiles, AreMappedByTheOther) {
  constexpr std::size_t kMapped = 2 << 20;
  constexpr auto kFile = CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR;
  const auto map = [](CUmemGenericAllocationHandle memory, int reader) {
    CUdeviceptr address = 0;
    WORKS(cuMemAddressReserve(&address, kMapped, 0, 0, 0));
    WORKS(cuMemMap(address, kMapped, 0, memory, 0));
    CUmemAccessDesc access{};
    access.location = {CU_MEM_LOCATION_TYPE_DEVICE, reader};
    access.flags = CU_MEM_ACCESS_FLAGS_PROT_READWRITE;
    WORKS(cuMemSetAccess(address, kMapped, &access, 1));
    return address;
  };
  run(
      [&](const Other& other) {
        start(1);
        CUmemGenericAllocationHandle memory = 0, own = 0;
        const CUmemAllocationProp properties = of_card(1, kFile),
                                  private_ones = of_card(1, CU_MEM_HANDLE_TYPE_NONE);
        WORKS(cuMemCreate(&memory, kMapped, &properties, 0));
        WORKS(cuMemCreate(&own, kMapped, &private_ones, 0));
        int file = -1;
        MUST_BE(cuMemExportToShareableHandle(&file, own, kFile, 0), CUDA_ERROR_INVALID_VALUE);
        MUST_BE(cuMemExportToShareableHandle(nullptr, memory, kFile, 0), CUDA_ERROR_INVALID_VALUE);
        MUST_BE(cuMemExportToShareableHandle(&file, memory, CU_MEM_HANDLE_TYPE_FABRIC, 0),
                CUDA_ERROR_INVALID_VALUE);
        WORKS(cuMemExportToShareableHandle(&file, memory, kFile, 0));
        const CUdeviceptr address = map(memory, 1);
        fill(address, 40, kMapped / 4);
        other.send_file(file);
        close(file);
        other.hear();
        MUST(words(address, kMapped / 4).back() == 42);
      },
      [&](const Other& other) {
        start(0);
        const int file = other.receive_file();
        CUmemGenericAllocationHandle memory = 0;
        MUST_BE(cuMemImportFromShareableHandle(&memory, reinterpret_cast<void*>(std::intptr_t{0}), kFile),
                CUDA_ERROR_INVALID_VALUE);  // standard input
        MUST_BE(cuMemImportFromShareableHandle(&memory, reinterpret_cast<void*>(std::intptr_t{9999}), kFile),
                CUDA_ERROR_INVALID_VALUE);
        WORKS(cuMemImportFromShareableHandle(&memory, reinterpret_cast<void*>(std::intptr_t{file}), kFile));
        close(file);
        const CUdeviceptr address = map(memory, 0);
        WORKS(cuMemRelease(memory));
        MUST(words(address, 1)[0] == 40);
        count(address, 2, kMapped / 4 / 256);  // over NVLink: it is the other card's
        WORKS(cuCtxSynchronize());
        int ordinal = -1;
        WORKS(cuPointerGetAttribute(&ordinal, CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL, address));
        MUST(ordinal == 1);
        other.say();
      });
}

}  // namespace
