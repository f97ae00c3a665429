// SPDX-License-Identifier: Apache-2.0
// What a monitor shows is one state: no card is busy without a process, energy is the integral of power,
// memory in use is the sum over the processes and the reserve. Seen through the C interface while processes
// come, work, and die.
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <numeric>
#include <vector>

#include "library.h"

namespace doppel::nvml {
namespace {

class Consistency : public Library {
 protected:
  struct Seen {
    unsigned busy = 0;
    unsigned state = 0;
    unsigned long long used = 0, reserved = 0;
    std::vector<nvmlProcessInfo_v2_t> processes;
    unsigned long long taken() const {
      return std::accumulate(
          processes.begin(), processes.end(), 0ULL,
          [](unsigned long long sum, const auto& each) { return sum + each.usedGpuMemory; });
    }
  };
  static Seen look(nvmlDevice_t card) {
    Seen seen;
    nvmlUtilization_t rates{};
    EXPECT_EQ(call("nvmlDeviceGetUtilizationRates", card, &rates), NVML_SUCCESS);
    seen.busy = rates.gpu;
    EXPECT_EQ(call("nvmlDeviceGetPerformanceState", card, &seen.state), NVML_SUCCESS);
    nvmlMemory_t memory{};
    nvmlMemory_v2_t parts{.version = version_of<nvmlMemory_v2_t>(2)};
    EXPECT_EQ(call("nvmlDeviceGetMemoryInfo", card, &memory), NVML_SUCCESS);
    EXPECT_EQ(call("nvmlDeviceGetMemoryInfo_v2", card, &parts), NVML_SUCCESS);
    seen.used = memory.used;
    seen.reserved = parts.reserved;
    seen.processes.resize(16);
    auto count = static_cast<unsigned>(seen.processes.size());
    EXPECT_EQ(call("nvmlDeviceGetComputeRunningProcesses_v3", card, &count, seen.processes.data()),
              NVML_SUCCESS);
    seen.processes.resize(count);
    return seen;
  }
  static unsigned long long energy_mj(nvmlDevice_t card) {
    unsigned long long energy = 0;
    EXPECT_EQ(call("nvmlDeviceGetTotalEnergyConsumption", card, &energy), NVML_SUCCESS);
    return energy;
  }
  static unsigned power_mw(nvmlDevice_t card) {
    unsigned power = 0;
    EXPECT_EQ(call("nvmlDeviceGetPowerUsage", card, &power), NVML_SUCCESS);
    return power;
  }
  // A process that took `bytes` of a card and is in a kernel; ended by kill().
  static pid_t busy_process(const std::string& node, int card, std::uint64_t bytes) {
    std::array<int, 2> ends{};
    EXPECT_EQ(pipe(ends.data()), 0);
    const pid_t child = fork();
    if (child == 0) {
      auto* const client = (*(*node::Node::open(node))->join(card, node::wall_ns())).release();
      std::uint64_t free = 0;
      const bool taken = client->take(bytes, free, node::wall_ns());
      client->begins(node::wall_ns());
      const char done = 1;
      if (!taken || write(ends[1], &done, 1) != 1) _exit(1);
      while (true) pause();
    }
    close(ends[1]);
    char done = 0;
    EXPECT_EQ(read(ends[0], &done, 1), 1);
    close(ends[0]);
    return child;
  }
  static void end(pid_t process) {
    kill(process, SIGKILL);
    waitpid(process, nullptr, 0);
  }
};

TEST_F(Consistency, NoCardIsBusyWithoutAProcess) {
  start();
  const std::string name = (folder / "node").string();
  EXPECT_EQ(look(a6000).busy, 0u);
  const pid_t first = busy_process(name, 0, 1 << 20), second = busy_process(name, 0, 3 << 20);
  const pid_t other = busy_process(name, 1, 5 << 20);
  Seen seen = look(a6000);
  EXPECT_EQ(seen.busy, 100u);
  EXPECT_EQ(seen.state, 2u);
  EXPECT_EQ(seen.processes.size(), 2u);
  EXPECT_EQ(seen.taken(), 4u << 20);
  EXPECT_EQ(seen.used, seen.taken() + seen.reserved);
  end(first);
  seen = look(a6000);
  EXPECT_EQ(seen.busy, 100u);
  ASSERT_EQ(seen.processes.size(), 1u);
  EXPECT_EQ(seen.processes[0].pid, static_cast<unsigned>(second));
  EXPECT_EQ(seen.used, (3u << 20) + seen.reserved);
  end(second);
  seen = look(a6000);
  EXPECT_EQ(seen.busy, 0u);
  EXPECT_TRUE(seen.processes.empty());
  EXPECT_EQ(seen.used, seen.reserved);
  EXPECT_EQ(look(pro).busy, 100u);
  end(other);
  EXPECT_EQ(look(pro).busy, 0u);
}

// Read between two clocks, so that it holds however long each call takes.
TEST_F(Consistency, EnergyIsTheIntegralOfPower) {
  start();
  const auto over = [&](nvmlDevice_t card, double watts) {
    const std::int64_t before_first = node::wall_ns();
    const unsigned long long first = energy_mj(card);
    const std::int64_t behind_first = node::wall_ns();
    for (int i = 0; i < 2000; ++i) EXPECT_EQ(power_mw(card), static_cast<unsigned>(watts * 1000));
    const std::int64_t before_last = node::wall_ns();
    const unsigned long long last = energy_mj(card);
    const std::int64_t behind_last = node::wall_ns();
    const auto joules = static_cast<double>(last - first) * 1e-3;
    EXPECT_GE(joules + 1e-3, watts * static_cast<double>(before_last - behind_first) * 1e-9);
    EXPECT_LE(joules - 1e-3, watts * static_cast<double>(behind_last - before_first) * 1e-9);
  };
  over(a6000, power_mw(a6000) * 1e-3);
  const pid_t process = busy_process((folder / "node").string(), 0, 4096);
  const double busy_w = power_mw(a6000) * 1e-3;
  EXPECT_GT(busy_w, 100);
  over(a6000, busy_w);
  over(pro, power_mw(pro) * 1e-3);  // the other one idles on
  end(process);
}

}  // namespace
}  // namespace doppel::nvml
