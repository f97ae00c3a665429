// SPDX-License-Identifier: Apache-2.0
// doppel_random: random kernels on the reference and on another machine.
//   --seeds A..B      kernels to run, B included; exits 1 where any differs
//   --machine NAME    engine (default), or driver: the card behind a libcuda.so.1
//   --libcuda PATH    that library (default: the one that the system's loader finds)
//   --seconds N       begins no module later than this
//   --jobs N          processes (default 1)
//   --per-module N    kernels compiled together (default 8)
//   --recent         kernels for sm_120a, with forms that only it has
//   --quick-code      all kernels in the code that the engine makes quickly for the first launches of large
//   ones
//   --reference-only  no other machine: checks that the generator makes valid kernels
//   --refused TEXT    a machine that refuses a kernel with TEXT in its reason is counted apart, not as a
//   difference
//   --known-of-cards  counts apart the kernels with a form in which cards leave the ISA's text
//   --print SEED      writes the module of one kernel
//   --reduce SEED     writes the smallest .ptx test that still shows the difference of that seed
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <map>
#include <memory>

#include "harness/driver_runner.h"
#include "random/card_differences.h"
#include "random/differential.h"
#include "random/generator.h"
#include "random/reducer.h"

namespace doppel::random {
namespace {

using Clock = std::chrono::steady_clock;

enum class MachineKind : std::uint8_t { None, Engine, Driver };

struct Settings {
  MachineKind machine = MachineKind::Engine;
  std::string libcuda = "libcuda.so.1";
  std::uint64_t first = 0, last = 0;
  int jobs = 1;
  int per_module = 8;
  bool recent = false;
  bool quick_code = false;
  std::string refused;
  bool known_of_cards = false;
  Clock::time_point no_module_after = Clock::time_point::max();
};

std::unique_ptr<harness::Runner> make_machine(const Settings& s) {
  switch (s.machine) {
    case MachineKind::Engine:
      return harness::make_engine_runner(s.quick_code);
    case MachineKind::Driver:
      return harness::make_driver_runner(s.libcuda);
    default:
      return nullptr;
  }
}

// Shared with the processes that do the work.
struct JobState {
  std::atomic<std::uint64_t> next;     // the first seed not yet begun
  std::atomic<std::uint64_t> begun;    // seeds of the module in work: [begun, next)
  std::atomic<std::uint64_t> kernels;  // that were run
  std::atomic<std::uint64_t> differences;
  std::atomic<std::uint64_t> refused;
  std::atomic<std::uint64_t> known;  // that differ, and have a form in which cards leave the ISA's text
};

const char* name_of(Difference::Kind kind) {
  switch (kind) {
    case Difference::Kind::Generator:
      return "generator";
    case Difference::Kind::Machine:
      return "machine";
    default:
      return "values";
  }
}

void report(const Difference& d) {
  fmt::print("seed {}: {}: {}\n", d.seed, name_of(d.kind), d.what);
  std::fflush(stdout);
}

// Seeds of job j are the modules j, j + jobs, …: the same ones whatever the others do.
void work(const Settings& s, JobState& state) {
  const auto machine = make_machine(s);
  const auto size = static_cast<std::uint64_t>(s.per_module);
  for (std::uint64_t at = state.next; at <= s.last; at += size * static_cast<std::uint64_t>(s.jobs)) {
    if (Clock::now() > s.no_module_after) return;
    state.begun = at;
    state.next = at + size * static_cast<std::uint64_t>(s.jobs);
    std::vector<Kernel> kernels;
    for (std::uint64_t seed = at; seed < at + size && seed <= s.last; ++seed)
      kernels.push_back(generate(seed, s.recent));
    state.kernels += kernels.size();
    for (const Difference& d : run_kernels(kernels, machine.get())) {
      if (d.kind == Difference::Kind::Machine && !s.refused.empty() &&
          d.what.find(s.refused) != std::string::npos) {
        ++state.refused;
        continue;
      }
      const std::string known =
          s.known_of_cards ? known_card_difference(generate(d.seed, s.recent)) : std::string();
      if (known.empty()) {
        report(d);
        ++state.differences;
      } else {
        fmt::print("seed {}: known of cards ({}): {}\n", d.seed, known, d.what);
        std::fflush(stdout);
        ++state.known;
      }
    }
  }
}

int run(const Settings& s) {
  void* shared = mmap(nullptr, sizeof(JobState) * static_cast<std::size_t>(s.jobs), PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED) return 2;
  auto* states = static_cast<JobState*>(shared);
  std::vector<pid_t> processes(static_cast<std::size_t>(s.jobs));
  const auto start = [&](std::size_t job) {
    const pid_t child = fork();
    if (child == 0) {
      work(s, states[job]);
      std::fflush(stdout);
      _exit(0);
    }
    processes[job] = child;
  };
  for (std::size_t job = 0; job < processes.size(); ++job) {
    states[job].next = s.first + job * static_cast<std::uint64_t>(s.per_module);
    start(job);
  }
  std::uint64_t crashes = 0;
  std::size_t live = processes.size();
  while (live > 0) {
    int status = 0;
    const pid_t ended = wait(&status);
    if (ended < 0) break;
    const auto job = static_cast<std::size_t>(std::ranges::find(processes, ended) - processes.begin());
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
      --live;
      continue;
    }
    // The machine took the process down: name the kernels and go on behind them.
    ++crashes;
    fmt::print("seeds {}..{}: the process ended by signal {}\n", states[job].begun.load(),
               states[job].begun + static_cast<std::uint64_t>(s.per_module) - 1,
               WIFSIGNALED(status) ? WTERMSIG(status) : 0);
    std::fflush(stdout);
    start(job);
  }
  std::uint64_t differences = crashes;
  std::uint64_t refused = 0;
  std::uint64_t known = 0;
  std::uint64_t kernels = 0;
  std::uint64_t not_begun = UINT64_MAX;
  for (std::size_t job = 0; job < processes.size(); ++job) {
    differences += states[job].differences;
    refused += states[job].refused;
    known += states[job].known;
    kernels += states[job].kernels;
    not_begun = std::min<std::uint64_t>(not_begun, states[job].next);
  }
  if (not_begun <= s.last) fmt::print("out of time: every seed below {} was run\n", not_begun);
  if (s.known_of_cards) fmt::print("{} differences that are known of cards\n", known);
  fmt::print("{} kernels, {} differences, {} refused{}\n", kernels, differences, refused,
             s.machine == MachineKind::None ? " (reference only)"
                                            : (s.machine == MachineKind::Driver || harness::has_engine()
                                                   ? ""
                                                   : " (reference only: this build has no engine)"));
  return differences == 0 ? 0 : 1;
}

// 0: no difference, 1: one, 3: the machine refuses the kernel or ends with a fault.
int outcome_on(harness::Runner* machine, const Kernel& kernel) {
  const auto differences = run_kernels({kernel}, machine);
  if (differences.empty() || differences.front().kind == Difference::Kind::Generator) return 0;
  return differences.front().kind == Difference::Kind::Machine ? 3 : 1;
}

// Runs one kernel in a process of its own. As outcome_on, and 2: the process died or hung.
int outcome_apart(const Settings& s, const Kernel& kernel) {
  const pid_t child = fork();
  if (child == 0) {
    alarm(20);
    _exit(outcome_on(make_machine(s).get(), kernel));
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 2;
}

int reduce_seed(const Settings& s, std::uint64_t seed) {
  const Kernel kernel = generate(seed, s.recent);
  // The driver already is in a process of its own, which takes long to start on a real card.
  const auto driver = s.machine == MachineKind::Driver ? make_machine(s) : nullptr;
  const auto outcome_of = [&](const Kernel& k) {
    return driver ? outcome_on(driver.get(), k) : outcome_apart(s, k);
  };
  const int outcome = outcome_of(kernel);
  if (outcome == 0) {
    fmt::print(stderr, "seed {} shows no difference\n", seed);
    return 1;
  }
  const Kernel smallest = reduce(kernel, [&](const Kernel& k) { return outcome_of(k) == outcome; });
  const auto text = test_text(smallest, fmt::format("reduced from random kernel {}", seed));
  if (!text) {
    fmt::print(stderr, "{}\n", text.error().message);
    return 2;
  }
  fmt::print("{}", *text);
  return 0;
}

}  // namespace
}  // namespace doppel::random

int main(int argc, char** argv) {
  CLI::App app{"Random PTX kernels on the reference and on another machine"};
  doppel::random::Settings settings;
  std::string seeds;
  std::uint64_t print = 0;
  std::uint64_t reduce = 0;
  unsigned seconds = 0;
  app.add_option("--seeds", seeds, "A..B, both included");
  app.add_option("--jobs", settings.jobs)->check(CLI::PositiveNumber);
  app.add_option("--per-module", settings.per_module)->check(CLI::PositiveNumber);
  app.add_flag("--recent", settings.recent);
  app.add_flag("--quick-code", settings.quick_code);
  app.add_option("--refused", settings.refused);
  app.add_flag("--known-of-cards", settings.known_of_cards);
  using doppel::random::MachineKind;
  const std::map<std::string, MachineKind> machines{{"engine", MachineKind::Engine},
                                                    {"driver", MachineKind::Driver}};
  app.add_option("--machine", settings.machine)->transform(CLI::CheckedTransformer(machines));
  app.add_option("--libcuda", settings.libcuda);
  auto* seconds_option = app.add_option("--seconds", seconds)->check(CLI::PositiveNumber);
  auto* reference_only = app.add_flag("--reference-only");
  auto* print_option = app.add_option("--print", print);
  auto* reduce_option = app.add_option("--reduce", reduce);
  CLI11_PARSE(app, argc, argv);
  if (*reference_only) settings.machine = MachineKind::None;
  if (*seconds_option)
    settings.no_module_after = doppel::random::Clock::now() + std::chrono::seconds(seconds);
  if (*print_option) {
    const doppel::random::Kernel kernel = doppel::random::generate(print, settings.recent);
    fmt::print("// grid: {} {} {}\n// block: {} {} {}\n{}", kernel.grid.x, kernel.grid.y, kernel.grid.z,
               kernel.block.x, kernel.block.y, kernel.block.z, doppel::random::module_text({&kernel}));
    return 0;
  }
  if (*reduce_option) return doppel::random::reduce_seed(settings, reduce);
  const auto dots = seeds.find("..");
  if (dots == std::string::npos) {
    fmt::print(stderr, "--seeds A..B is needed\n");
    return 2;
  }
  settings.first = std::stoull(seeds.substr(0, dots));
  settings.last = std::stoull(seeds.substr(dots + 2));
  return doppel::random::run(settings);
}
