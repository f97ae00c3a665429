// SPDX-License-Identifier: Apache-2.0
// What each statement does.
#include <cstring>
#include <ctime>

#include "program.h"

namespace timeline {
namespace {

using doppel::host::check;

// Microseconds of the program's clock.
double clock_us(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) * 1e6 + static_cast<double>(now.tv_nsec) * 1e-3;
}

void sleep_us(double microseconds) {
  constexpr long kNanosecondsPerSecond = 1'000'000'000;
  const long nanoseconds = static_cast<long>(microseconds * 1000);
  const timespec duration{nanoseconds / kNanosecondsPerSecond, nanoseconds % kNanosecondsPerSecond};
  nanosleep(&duration, nullptr);
}

}  // namespace

const std::map<std::string_view, Program::Handler>& Program::handlers() {
  static const std::map<std::string_view, Handler> all{{"let", &Program::let},
                                                       {"repeat", &Program::repeat},
                                                       {"time", &Program::time},
                                                       {"wall", &Program::wall},
                                                       {"stream", &Program::make_stream},
                                                       {"event", &Program::make_event},
                                                       {"graph", &Program::make_graph},
                                                       {"device", &Program::make_device},
                                                       {"pool", &Program::make_pool},
                                                       {"managed", &Program::make_managed},
                                                       {"pinned", &Program::make_pinned},
                                                       {"pageable", &Program::make_pageable},
                                                       {"free", &Program::free},
                                                       {"touch", &Program::touch},
                                                       {"see", &Program::see},
                                                       {"empty", &Program::empty},
                                                       {"fma", &Program::fma},
                                                       {"fma64", &Program::fma64},
                                                       {"axpy", &Program::axpy},
                                                       {"read", &Program::read},
                                                       {"until_clock", &Program::until_clock},
                                                       {"until_timer", &Program::until_timer},
                                                       {"nap", &Program::nap},
                                                       {"await", &Program::await},
                                                       {"signal", &Program::signal},
                                                       {"add", &Program::add},
                                                       {"write_value", &Program::write_value},
                                                       {"wait_value", &Program::wait_value},
                                                       {"store", &Program::store},
                                                       {"copy", &Program::copy},
                                                       {"fill", &Program::fill},
                                                       {"prefetch", &Program::prefetch},
                                                       {"advise", &Program::advise},
                                                       {"host", &Program::host},
                                                       {"launch", &Program::launch_graph},
                                                       {"record", &Program::record},
                                                       {"wait", &Program::wait},
                                                       {"sync", &Program::sync},
                                                       {"poll", &Program::poll},
                                                       {"query", &Program::query},
                                                       {"sleep", &Program::sleep},
                                                       {"spin", &Program::spin},
                                                       {"thread", &Program::thread},
                                                       {"join", &Program::join}};
  return all;
}

// let NAME = EXPRESSION
void Program::let(const Statement& statement) { set(name(statement, 0), number(statement, 1)); }

// repeat COUNT [as NAME] { ... }
void Program::repeat(const Statement& statement) {
  expect_arguments(statement, 1, 3);
  const auto count = static_cast<long>(number(statement, 0));
  const bool is_named = statement.arguments.size() == 3 && name(statement, 1) == "as";
  if (statement.arguments.size() > 1 && !is_named) throw CaseError("expected 'repeat COUNT as NAME'");
  for (long i = 0; i < count; ++i) {
    if (is_named) set(name(statement, 2), static_cast<double>(i));
    run(statement.body);
  }
}

// time NAME { ... }: by events on the default stream, which waits for the others, and they for it. A kernel
// before the first event holds up the card while the host queues the body, so that what the host needs for
// that is no part of the time.
void Program::time(const Statement& statement) {
  expect_arguments(statement, 1, 1);
  constexpr unsigned kHoldingMultiplyAdds = 100'000;  // some 2 ms
  card_.synchronize();
  doppel::host::Stopwatch stopwatch;
  launch(Kernel::Fma64, {.threads = 32}, nullptr, out_.address(), kHoldingMultiplyAdds);
  stopwatch.start();
  run(statement.body);
  set(name(statement, 0), stopwatch.stop_us());
}

// wall NAME { ... }: by the program's clock.
void Program::wall(const Statement& statement) {
  expect_arguments(statement, 1, 1);
  const double begin_us = clock_us(CLOCK_MONOTONIC);
  run(statement.body);
  set(name(statement, 0), clock_us(CLOCK_MONOTONIC) - begin_us);
}

// stream NAME [nonblocking] [priority NUMBER] [count NUMBER]: with a count, NAME[0] and so on.
void Program::make_stream(const Statement& statement) {
  const Options given = options(statement, 1, {"priority", "count"}, {"nonblocking"});
  const auto count = static_cast<long>(given.get("count", 0));
  const auto make = [&](const std::string& made) {
    const unsigned flags = given.get("nonblocking", 0) != 0 ? CU_STREAM_NON_BLOCKING : CU_STREAM_DEFAULT;
    CUstream stream = nullptr;
    check(cuStreamCreateWithPriority(&stream, flags, static_cast<int>(given.get("priority", 0))),
          "cuStreamCreateWithPriority");
    streams_[made] = stream;
  };
  if (count == 0) make(name(statement, 0));
  for (long i = 0; i < count; ++i) make(name(statement, 0) + "[" + std::to_string(i) + "]");
}

// event NAME [count NUMBER]
void Program::make_event(const Statement& statement) {
  const auto count = static_cast<long>(options(statement, 1, {"count"}).get("count", 0));
  const auto make = [&](const std::string& made) {
    check(cuEventCreate(&events_[made], CU_EVENT_DEFAULT), "cuEventCreate");
  };
  if (count == 0) make(name(statement, 0));
  for (long i = 0; i < count; ++i) make(name(statement, 0) + "[" + std::to_string(i) + "]");
}

// graph NAME STREAM { ... }: what the stream, and those that join it by events, are given is captured.
void Program::make_graph(const Statement& statement) {
  expect_arguments(statement, 2, 2);
  CUgraph graph = nullptr;
  check(cuStreamBeginCapture_v2(stream(statement, 1), CU_STREAM_CAPTURE_MODE_THREAD_LOCAL),
        "cuStreamBeginCapture");
  run(statement.body);
  check(cuStreamEndCapture(stream(statement, 1), &graph), "cuStreamEndCapture");
  check(cuGraphInstantiateWithFlags(&graphs_[name(statement, 0)], graph, 0), "cuGraphInstantiate");
  check(cuGraphDestroy(graph), "cuGraphDestroy");
}

// device|managed|pinned|pageable NAME BYTES, pool NAME BYTES STREAM
void Program::allocate(const Statement& statement, Home home) {
  expect_arguments(statement, home == Home::Pool ? 3 : 2, home == Home::Pool ? 3 : 2);
  Memory made{.home = home, .bytes = static_cast<std::size_t>(number(statement, 1))};
  void* host = nullptr;
  switch (home) {
    case Home::Device:
      check(cuMemAlloc(&made.address, made.bytes), "cuMemAlloc");
      break;
    case Home::Pool:
      check(cuMemAllocAsync(&made.address, made.bytes, stream(statement, 2)), "cuMemAllocAsync");
      break;
    case Home::Managed:
      check(cuMemAllocManaged(&made.address, made.bytes, CU_MEM_ATTACH_GLOBAL), "cuMemAllocManaged");
      break;
    case Home::Pinned:
      check(cuMemAllocHost(&host, made.bytes), "cuMemAllocHost");
      made.address = reinterpret_cast<CUdeviceptr>(host);
      break;
    case Home::Pageable:
      made.address = reinterpret_cast<CUdeviceptr>(new char[made.bytes]());
      break;
  }
  memory_[name(statement, 0)] = made;
}

// free NAME [STREAM]: with the stream, memory of its pool.
void Program::free(const Statement& statement) {
  expect_arguments(statement, 1, 2);
  const Memory freed = memory(statement, 0);
  memory_.erase(name(statement, 0));
  if (statement.arguments.size() == 2) {
    check(cuMemFreeAsync(freed.address, stream(statement, 1)), "cuMemFreeAsync");
    return;
  }
  if (freed.home == Home::Pageable)
    delete[] reinterpret_cast<char*>(freed.address);
  else if (freed.home == Home::Pinned)
    check(cuMemFreeHost(reinterpret_cast<void*>(freed.address)), "cuMemFreeHost");
  else
    check(cuMemFree(freed.address), "cuMemFree");
}

// touch NAME: the host writes all of it.
void Program::touch(const Statement& statement) {
  expect_arguments(statement, 1, 1);
  const Memory& touched = memory(statement, 0);
  if (touched.home == Home::Device || touched.home == Home::Pool)
    throw CaseError("the host cannot write '" + name(statement, 0) + "'");
  std::memset(reinterpret_cast<void*>(touched.address), 1, touched.bytes);
}

// see NAME: the host reads all of it.
void Program::see(const Statement& statement) {
  expect_arguments(statement, 1, 1);
  const Memory& seen = memory(statement, 0);
  constexpr std::size_t kLine = 64;
  for (std::size_t at = 0; at < seen.bytes; at += kLine)
    (void)*reinterpret_cast<const volatile char*>(seen.address + at);
}

// empty STREAM
void Program::empty(const Statement& statement) {
  expect_arguments(statement, 1, 1);
  launch(Kernel::Empty, {}, stream(statement, 0));
}

// fma|fma64 STREAM BLOCKS COUNT [threads NUMBER] [shared BYTES]
void Program::chain(const Statement& statement, Kernel kernel) {
  const Options given = options(statement, 3, {"threads", "shared"});
  launch(kernel,
         {.blocks = static_cast<unsigned>(number(statement, 1)),
          .threads = static_cast<unsigned>(given.get("threads", 32)),
          .shared_bytes = static_cast<unsigned>(given.get("shared", 0))},
         stream(statement, 0), out_.address(), static_cast<unsigned>(number(statement, 2)));
}

// axpy STREAM Y X FLOATS
void Program::axpy(const Statement& statement) {
  expect_arguments(statement, 4, 4);
  constexpr unsigned kThreads = 256;
  const auto count = static_cast<unsigned>(number(statement, 3));
  launch(Kernel::Axpy, {.blocks = (count + kThreads - 1) / kThreads, .threads = kThreads},
         stream(statement, 0), memory(statement, 1).address, memory(statement, 2).address, count);
}

// read STREAM FROM WORDS [blocks NUMBER]
void Program::read(const Statement& statement) {
  constexpr unsigned kThreads = 512;
  const Options given = options(statement, 3, {"blocks"});
  launch(Kernel::Read,
         {.blocks = static_cast<unsigned>(given.get("blocks", 2 * value("sms"))), .threads = kThreads},
         stream(statement, 0), memory(statement, 1).address, out_.address(),
         static_cast<unsigned>(number(statement, 2)));
}

// copy STREAM TO FROM BYTES: the direction follows from the memory.
void Program::copy(const Statement& statement) {
  expect_arguments(statement, 4, 4);
  check(cuMemcpyAsync(memory(statement, 1).address, memory(statement, 2).address,
                      static_cast<std::size_t>(number(statement, 3)), stream(statement, 0)),
        "cuMemcpyAsync");
}

// fill STREAM TO BYTES
void Program::fill(const Statement& statement) {
  expect_arguments(statement, 3, 3);
  check(cuMemsetD8Async(memory(statement, 1).address, 0, static_cast<std::size_t>(number(statement, 2)),
                        stream(statement, 0)),
        "cuMemsetD8Async");
}

// prefetch STREAM NAME [host]: managed memory comes to the card, or to the host.
void Program::prefetch(const Statement& statement) {
  expect_arguments(statement, 2, 3);
  const Memory& wanted = memory(statement, 1);
  CUdevice device = CU_DEVICE_CPU;
  if (statement.arguments.size() == 2) check(cuDeviceGet(&device, 0), "cuDeviceGet");
  check(cuMemPrefetchAsync(wanted.address, wanted.bytes, device, stream(statement, 0)), "cuMemPrefetchAsync");
}

// advise NAME read_mostly|prefer_host|prefer_card|accessed_by_card
void Program::advise(const Statement& statement) {
  expect_arguments(statement, 2, 2);
  const Memory& advised = memory(statement, 0);
  CUdevice device = 0;
  check(cuDeviceGet(&device, 0), "cuDeviceGet");
  const std::map<std::string, std::pair<CUmem_advise, CUdevice>> all = {
      {"read_mostly", {CU_MEM_ADVISE_SET_READ_MOSTLY, device}},
      {"prefer_host", {CU_MEM_ADVISE_SET_PREFERRED_LOCATION, CU_DEVICE_CPU}},
      {"prefer_card", {CU_MEM_ADVISE_SET_PREFERRED_LOCATION, device}},
      {"accessed_by_card", {CU_MEM_ADVISE_SET_ACCESSED_BY, device}}};
  const auto found = all.find(name(statement, 1));
  if (found == all.end()) throw CaseError("no advice '" + name(statement, 1) + "'");
  check(cuMemAdvise(advised.address, advised.bytes, found->second.first, found->second.second),
        "cuMemAdvise");
}

// host STREAM MICROSECONDS: a function in the stream's order that sleeps so long.
void Program::host(const Statement& statement) {
  expect_arguments(statement, 2, 2);
  HostWork* work = nullptr;
  {
    const std::lock_guard lock(values_mutex_);
    work = &host_work_.emplace_back(HostWork{0});
  }
  work->sleep_us = number(statement, 1);
  check(cuLaunchHostFunc(
            stream(statement, 0),
            [](void* given) { sleep_us(static_cast<const HostWork*>(given)->sleep_us); }, work),
        "cuLaunchHostFunc");
}

// launch GRAPH STREAM
void Program::launch_graph(const Statement& statement) {
  expect_arguments(statement, 2, 2);
  const auto found = graphs_.find(name(statement, 0));
  if (found == graphs_.end()) throw CaseError("no graph is named '" + name(statement, 0) + "'");
  check(cuGraphLaunch(found->second, stream(statement, 1)), "cuGraphLaunch");
}

// record EVENT STREAM
void Program::record(const Statement& statement) {
  expect_arguments(statement, 2, 2);
  check(cuEventRecord(event(statement, 0), stream(statement, 1)), "cuEventRecord");
}

// wait STREAM EVENT: the stream waits.
void Program::wait(const Statement& statement) {
  expect_arguments(statement, 2, 2);
  check(cuStreamWaitEvent(stream(statement, 0), event(statement, 1), 0), "cuStreamWaitEvent");
}

// sync [STREAM or EVENT]: the host waits, without a name for all.
void Program::sync(const Statement& statement) {
  expect_arguments(statement, 0, 1);
  if (statement.arguments.empty())
    card_.synchronize();
  else if (events_.contains(name(statement, 0)))
    check(cuEventSynchronize(event(statement, 0)), "cuEventSynchronize");
  else
    check(cuStreamSynchronize(stream(statement, 0)), "cuStreamSynchronize");
}

CUresult Program::ask(const Statement& statement, std::size_t place) const {
  const bool is_event = events_.contains(name(statement, place));
  const CUresult answer =
      is_event ? cuEventQuery(event(statement, place)) : cuStreamQuery(stream(statement, place));
  if (answer != CUDA_ERROR_NOT_READY) check(answer, is_event ? "cuEventQuery" : "cuStreamQuery");
  return answer;
}

// poll STREAM or EVENT: asks until it is done.
void Program::poll(const Statement& statement) {
  expect_arguments(statement, 1, 1);
  while (ask(statement, 0) == CUDA_ERROR_NOT_READY) {
  }
}

// query NAME STREAM or EVENT: NAME is 1 where it is done, else 0.
void Program::query(const Statement& statement) {
  expect_arguments(statement, 2, 2);
  set(name(statement, 0), ask(statement, 1) == CUDA_SUCCESS ? 1 : 0);
}

// sleep MICROSECONDS
void Program::sleep(const Statement& statement) {
  expect_arguments(statement, 1, 1);
  sleep_us(number(statement, 0));
}

// spin MICROSECONDS: the thread computes for so long, by its clock.
void Program::spin(const Statement& statement) {
  expect_arguments(statement, 1, 1);
  const double end_us = clock_us(CLOCK_MONOTONIC) + number(statement, 0);
  while (clock_us(CLOCK_MONOTONIC) < end_us) {
  }
}

// thread { ... }
void Program::thread(const Statement& statement) {
  expect_arguments(statement, 0, 0);
  threads_.emplace_back([this, &body = statement.body] {
    try {
      check(cuCtxSetCurrent(context_), "cuCtxSetCurrent");
      run(body);
    } catch (const std::exception& error) {
      const std::lock_guard lock(errors_mutex_);
      thread_error_ = error.what();
    }
  });
}

// join: of all threads that were begun.
void Program::join(const Statement& statement) {
  expect_arguments(statement, 0, 0);
  for (std::thread& each : threads_) each.join();
  threads_.clear();
  if (!thread_error_.empty()) throw StatementError(thread_error_);
}

}  // namespace timeline
