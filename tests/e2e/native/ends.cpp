// SPDX-License-Identifier: Apache-2.0
// A program that ends in the way its first argument names, while kernels are compiled, run or wait. It ends
// with status 7 where it can choose. The second argument is the length of the kernel that is compiled: so the
// end falls into other moments of it.
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>

#include "card.h"

extern "C" CUresult cuStreamBeginCapture_v2(CUstream stream, CUstreamCaptureMode mode);

namespace {

namespace host = doppel::host;

constexpr int kStatus = 7;
constexpr int kUnexpected = 99;

// `work` takes long to compile and is short to run; `spin` runs until its word is not 0.
std::string ptx(int statements) {
  std::string text =
      ".version 7.1\n.target sm_86\n.address_size 64\n"
      ".visible .entry spin(.param .u64 p)\n{\n.reg .b64 %a;\n.reg .b32 %r;\n.reg .pred %c;\n"
      "ld.param.u64 %a, [p];\nagain:\nld.volatile.global.u32 %r, [%a];\nsetp.eq.u32 %c, %r, 0;\n@%c bra "
      "again;\nret;\n}\n"
      ".visible .entry work(.param .u64 p)\n{\n.reg .b64 %a;\n.reg .f32 %f<3>;\n"
      "ld.param.u64 %a, [p];\nld.global.f32 %f1, [%a];\nmov.f32 %f2, 0f3F800000;\n";
  for (int i = 0; i < statements; ++i) text += "fma.rn.f32 %f1, %f1, %f2, %f1;\nsin.approx.f32 %f2, %f1;\n";
  return text + "st.global.f32 [%a], %f1;\nret;\n}\n";
}

struct Work {
  host::Card card;
  std::unique_ptr<host::Module> module;
  std::unique_ptr<host::Buffer<unsigned>> word;
  CUcontext context = nullptr;
};

// Never destroyed: exit() must not need that.
Work& work(int statements = 0) {
  static auto* const made = [&] {
    auto* all = new Work;
    all->module = std::make_unique<host::Module>(ptx(statements).c_str());
    all->word = std::make_unique<host::Buffer<unsigned>>(1);
    all->word->clear();
    host::check(cuCtxGetCurrent(&all->context), "cuCtxGetCurrent");
    return all;
  }();
  return *made;
}

void launch(const char* kernel) {
  host::launch(work().module->kernel(kernel), {1}, {64}, work().word->address());
}

// Launches `spin` so that it runs: it has been compiled before, and told not to spin.
void start_spinning() {
  constexpr unsigned kOne = 1;
  host::check(cuMemcpyHtoD(work().word->address(), &kOne, sizeof kOne), "cuMemcpyHtoD");
  launch("spin");
  work().card.synchronize();
  work().word->clear();
  launch("spin");
}

// Waits for a kernel that never ends: the call must not come back with an error that the program would act
// upon.
void wait_in_vain() {
  cuCtxSetCurrent(work().context);
  cuCtxSynchronize();
  _exit(kUnexpected);
}

void launch_for_ever() {
  cuCtxSetCurrent(work().context);
  try {
    while (true) launch("work");
  } catch (const host::CudaError&) {
    _exit(kUnexpected);
  }
}

// Destroyed at exit, after main.
struct AtExit {
  void (*action)() = nullptr;
  ~AtExit() {
    if (action != nullptr) action();
  }
};
AtExit at_exit;

std::thread* pool = nullptr;

int status_of(pid_t child) {
  int status = 0;
  waitpid(child, &status, 0);
  return status;
}

void end_by(int signal) {
  start_spinning();
  std::thread(wait_in_vain).detach();
  raise(signal);
  _exit(kUnexpected);
}

const std::map<std::string, void (*)()> kModes = {
    {"return", [] { launch("work"); }},
    {"return-with-many-queued",
     [] {
       for (int i = 0; i < 200; ++i) launch("work");
     }},
    {"return-while-running", start_spinning},
    {"exit-in-another-thread",
     [] {
       std::thread([] { std::exit(kStatus); }).detach();
       launch_for_ever();
     }},
    {"exit-while-another-waits",
     [] {
       start_spinning();
       std::thread(wait_in_vain).detach();
       std::exit(kStatus);
     }},
    {"exit-in-callback",
     [] {
       launch("work");
       cuLaunchHostFunc(nullptr, [](void*) { std::exit(kStatus); }, nullptr);
       wait_in_vain();
     }},
    {"exit-in-capture",
     [] {
       CUstream stream = nullptr;
       cuStreamCreate(&stream, CU_STREAM_NON_BLOCKING);
       launch("work");
       cuStreamBeginCapture_v2(stream, CU_STREAM_CAPTURE_MODE_RELAXED);
       CUdeviceptr address = work().word->address();
       void* arguments[] = {&address};
       cuLaunchKernel(work().module->kernel("work"), 1, 1, 1, 32, 1, 1, 0, stream, arguments, nullptr);
       std::exit(kStatus);
     }},
    {"quick_exit",
     [] {
       launch("work");
       std::quick_exit(kStatus);
     }},
    {"_exit",
     [] {
       launch("work");
       _exit(kStatus);
     }},
    {"_exit-after-work",
     [] {
       launch("work");
       work().card.synchronize();
       _exit(kStatus);
     }},
    {"_exit-while-running",
     [] {
       start_spinning();
       _exit(kStatus);
     }},
    {"throw",
     [] {
       launch("work");
       throw std::runtime_error("thrown by the program");
     }},
    {"abort-while-running",
     [] {
       start_spinning();
       std::abort();
     }},
    {"fault",
     [] {
       launch("work");
       work().card.synchronize();
       *static_cast<volatile int*>(nullptr) = 1;
     }},
    {"sigterm", [] { end_by(SIGTERM); }},
    {"sigint", [] { end_by(SIGINT); }},
    {"sigkill", [] { end_by(SIGKILL); }},
    {"destructor-frees",
     [] {
       at_exit.action = [] { cuMemFree(work().word->address()); };
       start_spinning();
     }},
    {"destructor-synchronizes",
     [] {
       at_exit.action = [] { cuCtxSynchronize(); };
       start_spinning();
     }},
    {"destructor-joins-a-waiting-thread",
     [] {
       at_exit.action = [] { pool->join(); };
       start_spinning();
       pool = new std::thread([] {
         cuCtxSetCurrent(work().context);
         cuCtxSynchronize();
       });
     }},
    {"destructor-reads-results",
     [] {
       at_exit.action = [] {
         unsigned value = 0;
         // Whether the kernel has ended by then is a matter of time.
         const CUresult result = cuMemcpyDtoH(&value, work().word->address(), sizeof value);
         if (result != CUDA_SUCCESS && result != CUDA_ERROR_DEINITIALIZED) _exit(kUnexpected);
       };
       launch("work");
     }},
    {"fork-and-exec",
     [] {
       start_spinning();
       const pid_t child = fork();
       if (child == 0) {
         execlp("true", "true", nullptr);
         _exit(kUnexpected);
       }
       if (status_of(child) != 0) _exit(kUnexpected);
     }},
    {"fork-and-exit",
     [] {
       launch("work");
       const pid_t child = fork();
       if (child == 0) std::exit(3);
       const int status = status_of(child);
       if (!WIFEXITED(status) || WEXITSTATUS(status) != 3) _exit(kUnexpected);
       work().card.synchronize();
     }},
    {"fork-and-terminate",
     [] {
       launch("work");
       const pid_t child = fork();
       if (child == 0) {
         while (true) pause();
       }
       kill(child, SIGTERM);
       const int status = status_of(child);
       if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGTERM) _exit(kUnexpected);
       work().card.synchronize();
     }},
    // For the runner, which ends it when it has read the line.
    {"spin",
     [] {
       start_spinning();
       std::puts("spinning");
       std::fflush(stdout);
       wait_in_vain();
     }},
    {"spin-in-a-child",
     [] {
       const pid_t child = fork();
       if (child == 0) {
         work(1);
         start_spinning();
         std::puts("spinning");
         std::fflush(stdout);
         wait_in_vain();
       }
       while (true) pause();
     }},
};

}  // namespace

int main(int argc, char** argv) {
  const auto mode = argc > 2 ? kModes.find(argv[1]) : kModes.end();
  if (mode == kModes.end()) {
    std::printf("usage: %s MODE LENGTH\n", argv[0]);
    return kUnexpected;
  }
  if (mode->first != "spin-in-a-child") work(std::atoi(argv[2]));
  mode->second();
  return kStatus;
}
