// SPDX-License-Identifier: Apache-2.0
// The management library: how long its start takes, and how many calls a second it answers, on a node of its
// own with processes on it. `bench-nvml`; DOPPEL_CARDS says which cards (both doubles).
#include <dlfcn.h>
#include <doppel/nvml/types.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <stdlib.h>  // NOLINT(modernize-deprecated-headers): mkdtemp and setenv are POSIX
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "card/load_card.h"
#include "node/client.h"
#include "node/node.h"
#include "node/process_life.h"

namespace {

using doppel::node::wall_ns;

double processor_s() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

template <typename Function>
Function* find(void* library, const char* name) {
  return reinterpret_cast<Function*>(dlsym(library, name));
}

struct Start {
  double wall_us = 0, processor_us = 0;
};

// In a process of its own: from before the library is opened until nvmlInit_v2 has answered.
Start start_once() {
  std::array<int, 2> ends{};
  if (pipe(ends.data()) != 0) return {};
  const pid_t child = fork();
  if (child == 0) {
    const std::int64_t before_ns = wall_ns();
    const double before_s = processor_s();
    void* const library = dlopen(DOPPEL_NVML_LIBRARY, RTLD_NOW | RTLD_LOCAL);
    auto* const init = library != nullptr ? find<nvmlReturn_t()>(library, "nvmlInit_v2") : nullptr;
    if (init == nullptr || init() != NVML_SUCCESS) _exit(1);
    const Start start{static_cast<double>(wall_ns() - before_ns) * 1e-3, (processor_s() - before_s) * 1e6};
    _exit(write(ends[1], &start, sizeof start) == sizeof start ? 0 : 1);
  }
  close(ends[1]);
  Start start;
  if (read(ends[0], &start, sizeof start) != sizeof start) start = {};
  close(ends[0]);
  waitpid(child, nullptr, 0);
  return start;
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

// Calls a second of processor time.
double rate(const std::function<void()>& call) {
  constexpr int kBatch = 1000;
  const double begun = processor_s();
  double calls = 0;
  while (processor_s() - begun < 0.25) {
    for (int i = 0; i < kBatch; ++i) call();
    calls += kBatch;
  }
  return calls / (processor_s() - begun);
}

int bench(const std::filesystem::path& node_file) {
  std::vector<double> wall, processor;
  for (int i = 0; i < 41; ++i) {
    const Start start = start_once();
    if (start.wall_us == 0) {
      std::fputs("bench-nvml: the library does not start\n", stderr);
      return 1;
    }
    if (i == 0)
      fmt::print("start, the node being made      {:8.0f} us, of them {:.0f} us processor time\n",
                 start.wall_us, start.processor_us);
    wall.push_back(start.wall_us);
    processor.push_back(start.processor_us);
  }
  fmt::print("start, median of {}             {:8.0f} us, of them {:.0f} us processor time\n", wall.size(),
             median(wall), median(processor));

  const auto node = *doppel::node::Node::open(node_file.string());
  std::vector<std::unique_ptr<doppel::node::Client>> clients;
  for (int i = 0; i < 8; ++i) clients.push_back(*node->join(i % 2, wall_ns()));
  for (const auto& client : clients) client->begins(wall_ns());

  void* const library = dlopen(DOPPEL_NVML_LIBRARY, RTLD_NOW | RTLD_LOCAL);
  (void)find<nvmlReturn_t()>(library, "nvmlInit_v2")();
  nvmlDevice_t card = nullptr;
  (void)find<nvmlReturn_t(unsigned, nvmlDevice_t*)>(library, "nvmlDeviceGetHandleByIndex_v2")(0, &card);
  unsigned number = 0;
  const auto of_number = [&](const char* name) {
    return [function = find<nvmlReturn_t(nvmlDevice_t, unsigned*)>(library, name), card, &number] {
      (void)function(card, &number);
    };
  };
  nvmlUtilization_t rates{};
  nvmlMemory_t memory{};
  std::array<nvmlProcessInfo_v2_t, 64> processes{};
  auto* const get_rates =
      find<nvmlReturn_t(nvmlDevice_t, nvmlUtilization_t*)>(library, "nvmlDeviceGetUtilizationRates");
  auto* const get_memory =
      find<nvmlReturn_t(nvmlDevice_t, nvmlMemory_t*)>(library, "nvmlDeviceGetMemoryInfo");
  auto* const get_processes = find<nvmlReturn_t(nvmlDevice_t, unsigned*, nvmlProcessInfo_v2_t*)>(
      library, "nvmlDeviceGetComputeRunningProcesses_v3");
  const auto print = [](const char* name, double calls) {
    fmt::print("{:<42}{:10.0f} calls a second and core\n", name, calls);
  };
  print("nvmlDeviceGetIndex", rate(of_number("nvmlDeviceGetIndex")));
  print("nvmlDeviceGetNumGpuCores", rate(of_number("nvmlDeviceGetNumGpuCores")));
  print("nvmlDeviceGetPowerUsage", rate(of_number("nvmlDeviceGetPowerUsage")));
  print("nvmlDeviceGetUtilizationRates", rate([&] { (void)get_rates(card, &rates); }));
  print("nvmlDeviceGetMemoryInfo", rate([&] { (void)get_memory(card, &memory); }));
  print("nvmlDeviceGetComputeRunningProcesses_v3", rate([&] {
          number = processes.size();
          (void)get_processes(card, &number, processes.data());
        }));
  return 0;
}

}  // namespace

int main() {
  std::string folder = std::filesystem::temp_directory_path() / "doppel-bench-XXXXXX";
  if (mkdtemp(folder.data()) == nullptr) return 1;
  const std::filesystem::path node = std::filesystem::path(folder) / "node";
  setenv("DOPPEL_NODE", node.c_str(), 1);
  setenv("DOPPEL_CARDS", "rtx-a6000,rtx-pro-5000-blackwell", 0);
  const int status = bench(node);
  std::error_code ignored;
  std::filesystem::remove_all(folder, ignored);
  return status;
}
