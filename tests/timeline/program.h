// SPDX-License-Identifier: Apache-2.0
// A case as a program that runs: its streams, events, graphs and memory by their names, and what its
// statements do (README.md lists them).
#pragma once

#include <array>
#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "card.h"
#include "case_file.h"
#include "driver.h"
#include "expression.h"
#include "number_table.h"

namespace timeline {

// A CaseError that names the line of its statement.
class StatementError : public CaseError {
 public:
  using CaseError::CaseError;
};

class Program : public Scope {
 public:
  Program(NumberTable host, NumberTable card);
  ~Program() override;
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  // Throws CaseError with the line of the statement that cannot be run.
  void run(const Case& work);

  double value(const std::string& name) const override;
  double call(const Expression& call) const override;

 private:
  enum class Kernel : unsigned char {
    Empty,
    Fma,
    Fma64,
    Axpy,
    Read,
    UntilClock,
    UntilTimer,
    Nap,
    Await,
    Signal,
    Add,
  };
  static constexpr std::array<const char*, 11> kKernelNames{
      "empty", "fma", "fma64", "axpy", "read", "until_clock", "until_timer", "nap", "await", "signal", "add"};
  enum class Home : unsigned char { Device, Pool, Managed, Pinned, Pageable };
  struct Memory {
    Home home = Home::Device;
    CUdeviceptr address = 0;
    std::size_t bytes = 0;
  };
  struct Options {
    std::map<std::string, double> values;
    double get(const std::string& name, double otherwise) const;
  };
  struct Launch {
    unsigned blocks = 1;
    unsigned threads = 1;
    unsigned shared_bytes = 0;
  };
  // What a function queued on a stream is given.
  struct HostWork {
    double sleep_us = 0;
  };
  using Handler = void (Program::*)(const Statement&);
  static const std::map<std::string_view, Handler>& handlers();

  void run(const std::vector<Statement>& statements);
  void run(const Statement& statement);
  void warm_up(const Case& work);

  // Arguments, by their place.
  double number(const Statement& statement, std::size_t place) const;
  std::string name(const Statement& statement, std::size_t place) const;
  CUstream stream(const Statement& statement, std::size_t place) const;
  CUevent event(const Statement& statement, std::size_t place) const;
  const Memory& memory(const Statement& statement, std::size_t place) const;
  // From a place on: `threads 128`, or the name alone for flags.
  Options options(const Statement& statement, std::size_t place, std::initializer_list<const char*> values,
                  std::initializer_list<const char*> flags = {}) const;
  static void expect_arguments(const Statement& statement, std::size_t least, std::size_t most);
  void set(const std::string& name, double value);
  // The stream or event, done or not: CUDA_ERROR_NOT_READY.
  CUresult ask(const Statement& statement, std::size_t place) const;

  template <class... Arguments>
  void launch(Kernel kernel, const Launch& shape, CUstream stream, Arguments... arguments) {
    std::array<void*, sizeof...(Arguments)> pointers{static_cast<void*>(&arguments)...};
    doppel::host::check(
        cuLaunchKernel(kernels_[static_cast<std::size_t>(kernel)], shape.blocks, 1, 1, shape.threads, 1, 1,
                       shape.shared_bytes, stream, pointers.data(), nullptr),
        "cuLaunchKernel");
  }
  void allocate(const Statement& statement, Home home);
  void chain(const Statement& statement, Kernel kernel);
  void until(const Statement& statement, Kernel kernel);

  // The statements.
  void let(const Statement& statement);
  void repeat(const Statement& statement);
  void time(const Statement& statement);
  void wall(const Statement& statement);
  void make_stream(const Statement& statement);
  void make_event(const Statement& statement);
  void make_graph(const Statement& statement);
  void make_device(const Statement& statement) { allocate(statement, Home::Device); }
  void make_pool(const Statement& statement) { allocate(statement, Home::Pool); }
  void make_managed(const Statement& statement) { allocate(statement, Home::Managed); }
  void make_pinned(const Statement& statement) { allocate(statement, Home::Pinned); }
  void make_pageable(const Statement& statement) { allocate(statement, Home::Pageable); }
  void free(const Statement& statement);
  void touch(const Statement& statement);
  void see(const Statement& statement);
  void empty(const Statement& statement);
  void fma(const Statement& statement) { chain(statement, Kernel::Fma); }
  void fma64(const Statement& statement) { chain(statement, Kernel::Fma64); }
  void axpy(const Statement& statement);
  void read(const Statement& statement);
  void until_clock(const Statement& statement) { until(statement, Kernel::UntilClock); }
  void until_timer(const Statement& statement) { until(statement, Kernel::UntilTimer); }
  void nap(const Statement& statement);
  void await(const Statement& statement);
  void signal(const Statement& statement);
  void add(const Statement& statement);
  void write_value(const Statement& statement);
  void wait_value(const Statement& statement);
  void store(const Statement& statement);
  void copy(const Statement& statement);
  void fill(const Statement& statement);
  void prefetch(const Statement& statement);
  void advise(const Statement& statement);
  void host(const Statement& statement);
  void launch_graph(const Statement& statement);
  void record(const Statement& statement);
  void wait(const Statement& statement);
  void sync(const Statement& statement);
  void poll(const Statement& statement);
  void query(const Statement& statement);
  void sleep(const Statement& statement);
  void spin(const Statement& statement);
  void thread(const Statement& statement);
  void join(const Statement& statement);

  doppel::host::Card card_;
  CUcontext context_ = nullptr;
  doppel::host::Module module_;
  std::array<CUfunction, kKernelNames.size()> kernels_{};
  doppel::host::Buffer<double> out_;  // where kernels would store what they never come to

  NumberTable host_table_;
  NumberTable card_table_;
  mutable std::mutex values_mutex_;
  std::map<std::string, double> values_;
  std::map<std::string, CUstream> streams_{{"default", nullptr}};
  std::map<std::string, CUevent> events_;
  std::map<std::string, CUgraphExec> graphs_;
  std::map<std::string, Memory> memory_;
  std::deque<HostWork> host_work_;
  std::vector<std::thread> threads_;
  std::mutex errors_mutex_;
  std::string thread_error_;
};

}  // namespace timeline
