// SPDX-License-Identifier: Apache-2.0
// Sleeps, and waits for what is outside of the process, are time that passes.
#include <poll.h>
#include <stdio.h>  // NOLINT(modernize-deprecated-headers): POSIX has more than <cstdio>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>  // NOLINT(modernize-deprecated-headers): POSIX has more than <ctime>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "preload/deadline.h"
#include "preload/program_thread.h"

namespace {

using namespace doppel::preload;

int real_sleep(std::int64_t ns, timespec* left) {
  static const auto real_function =
      next<int (*)(clockid_t, int, const timespec*, timespec*)>("clock_nanosleep");
  const timespec duration = to_timespec(ns);
  return real_function(CLOCK_MONOTONIC, 0, &duration, left);
}

// A call that may block. What it waited counts; what it computed the thread's processor time counts already.
// Where the thread never gave up its processor, it did not wait, whoever else was given that.
class Blocking {
 public:
  Blocking() : counts_(is_program()) {
    if (counts_) before_ = now();
  }
  ~Blocking() {
    if (!counts_) return;
    const int error = errno;
    const Moment after = now();
    if (after.waits > before_.waits)
      sleep_ns(
          std::max<std::int64_t>(0, after.real_ns - before_.real_ns - (after.busy_ns - before_.busy_ns)));
    errno = error;
  }
  Blocking(const Blocking&) = delete;
  Blocking& operator=(const Blocking&) = delete;

 private:
  struct Moment {
    long waits = 0;
    std::int64_t real_ns = 0, busy_ns = 0;
  };
  static Moment now() {
    static const auto real_getrusage = next<int (*)(__rusage_who_t, rusage*)>("getrusage");
    rusage usage{};
    real_getrusage(RUSAGE_THREAD, &usage);
    return {usage.ru_nvcsw, real_ns(CLOCK_MONOTONIC), real_ns(CLOCK_THREAD_CPUTIME_ID)};
  }
  bool counts_;
  Moment before_;
};

template <class Function, class... Arguments>
auto blocking(Function real, Arguments... arguments) {
  const Blocking waits;
  return real(arguments...);
}

}  // namespace

#pragma GCC visibility push(default)
extern "C" {

int clock_nanosleep(clockid_t clock, int flags, const timespec* request, timespec* left) {
  static const auto real_function =
      next<int (*)(clockid_t, int, const timespec*, timespec*)>("clock_nanosleep");
  if (!is_program()) return real_function(clock, flags, request, left);
  const std::int64_t duration = (flags & TIMER_ABSTIME) != 0 ? until_ns(clock, *request) : to_ns(*request);
  if (duration <= 0) return 0;
  timespec rest{};
  fall_asleep(duration);
  const int result = real_sleep(duration, &rest);
  if (result == 0 || result == EINTR) sleep_ns(duration - (result == EINTR ? to_ns(rest) : 0));
  if (result == EINTR && left != nullptr && (flags & TIMER_ABSTIME) == 0) *left = rest;
  return result;
}

int nanosleep(const timespec* request, timespec* left) {
  const int error = clock_nanosleep(CLOCK_REALTIME, 0, request, left);
  if (error == 0) return 0;
  errno = error;
  return -1;
}

int usleep(useconds_t microseconds) {
  const timespec duration = to_timespec(static_cast<std::int64_t>(microseconds) * 1000);
  return nanosleep(&duration, nullptr);
}

unsigned sleep(unsigned seconds) {
  const timespec duration{static_cast<time_t>(seconds), 0};
  timespec left{};
  return nanosleep(&duration, &left) == 0 ? 0 : static_cast<unsigned>(left.tv_sec);
}

// One line a function: its result and name, its parameters, and their names.
#define DOPPEL_BLOCKING(result, name, parameters, ...)                               \
  result name parameters {                                                           \
    static const auto real_function = doppel::preload::next<decltype(&name)>(#name); \
    return blocking(real_function, __VA_ARGS__);                                     \
  }

DOPPEL_BLOCKING(ssize_t, read, (int file, void* to, size_t bytes), file, to, bytes)
DOPPEL_BLOCKING(ssize_t, pread, (int file, void* to, size_t bytes, off_t at), file, to, bytes, at)
DOPPEL_BLOCKING(ssize_t, readv, (int file, const iovec* to, int count), file, to, count)
DOPPEL_BLOCKING(ssize_t, write, (int file, const void* from, size_t bytes), file, from, bytes)
DOPPEL_BLOCKING(ssize_t, writev, (int file, const iovec* from, int count), file, from, count)
DOPPEL_BLOCKING(int, fsync, (int file), file)
DOPPEL_BLOCKING(int, accept, (int file, sockaddr* address, socklen_t* bytes), file, address, bytes)
DOPPEL_BLOCKING(int, accept4, (int file, sockaddr* address, socklen_t* bytes, int flags), file, address,
                bytes, flags)
DOPPEL_BLOCKING(int, connect, (int file, const sockaddr* address, socklen_t bytes), file, address, bytes)
DOPPEL_BLOCKING(ssize_t, recv, (int file, void* to, size_t bytes, int flags), file, to, bytes, flags)
DOPPEL_BLOCKING(ssize_t, recvfrom,
                (int file, void* to, size_t bytes, int flags, sockaddr* address, socklen_t* address_bytes),
                file, to, bytes, flags, address, address_bytes)
DOPPEL_BLOCKING(ssize_t, recvmsg, (int file, msghdr* message, int flags), file, message, flags)
DOPPEL_BLOCKING(ssize_t, send, (int file, const void* from, size_t bytes, int flags), file, from, bytes,
                flags)
DOPPEL_BLOCKING(int, poll, (pollfd * files, nfds_t count, int timeout_ms), files, count, timeout_ms)
DOPPEL_BLOCKING(int, ppoll, (pollfd * files, nfds_t count, const timespec* timeout, const sigset_t* mask),
                files, count, timeout, mask)
DOPPEL_BLOCKING(int, select, (int count, fd_set* in, fd_set* out, fd_set* except, timeval* timeout), count,
                in, out, except, timeout)
DOPPEL_BLOCKING(int, pselect,
                (int count, fd_set* in, fd_set* out, fd_set* except, const timespec* timeout,
                 const sigset_t* mask),
                count, in, out, except, timeout, mask)
DOPPEL_BLOCKING(int, epoll_wait, (int file, epoll_event* events, int most, int timeout_ms), file, events,
                most, timeout_ms)
DOPPEL_BLOCKING(int, epoll_pwait,
                (int file, epoll_event* events, int most, int timeout_ms, const sigset_t* mask), file, events,
                most, timeout_ms, mask)
DOPPEL_BLOCKING(pid_t, waitpid, (pid_t process, int* status, int options), process, status, options)
DOPPEL_BLOCKING(pid_t, wait4, (pid_t process, int* status, int options, rusage* usage), process, status,
                options, usage)
DOPPEL_BLOCKING(int, waitid, (idtype_t type, id_t id, siginfo_t* info, int options), type, id, info, options)
DOPPEL_BLOCKING(size_t, fread, (void* to, size_t bytes, size_t count, FILE* file), to, bytes, count, file)
DOPPEL_BLOCKING(char*, fgets, (char* to, int bytes, FILE* file), to, bytes, file)
DOPPEL_BLOCKING(ssize_t, getline, (char** line, size_t* bytes, FILE* file), line, bytes, file)
DOPPEL_BLOCKING(ssize_t, getdelim, (char** line, size_t* bytes, int end, FILE* file), line, bytes, end, file)
DOPPEL_BLOCKING(int, fflush, (FILE * file), file)

#undef DOPPEL_BLOCKING

}  // extern "C"
#pragma GCC visibility pop
