// SPDX-License-Identifier: Apache-2.0
// `doppel smi`: what src/smi makes of the values of the management library of this installation.
#include <fmt/format.h>
#include <time.h>  // NOLINT(modernize-deprecated-headers): nanosleep is POSIX

#include <CLI/CLI.hpp>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <utility>

#include "cli/commands.h"
#include "cli/management.h"
#include "cli/output.h"
#include "cli/smi_flags.h"
#include "cli/smi_mig.h"
#include "cli/smi_reset.h"
#include "smi/details.h"
#include "smi/monitor.h"
#include "smi/query.h"
#include "smi/settings.h"
#include "smi/table.h"
#include "smi/topology.h"
#include "smi/wall_time.h"

namespace doppel::cli {
namespace {

using smi::Gpu;
using smi::Nvml;
using smi::Outcome;
using smi::Said;

class File {
 public:
  explicit File(const std::string& name)
      : name_(name), to_(name.empty() ? stdout : std::fopen(name.c_str(), "we")) {}
  ~File() {
    if (to_ != nullptr && to_ != stdout) (void)std::fclose(to_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  // Not where nobody reads any more, or there is no room.
  bool write(const std::string& text) const {
    return to_ != nullptr && std::fwrite(text.data(), 1, text.size(), to_) == text.size() &&
           std::fflush(to_) == 0;
  }
  bool is_open() const { return to_ != nullptr; }
  int complain_of_it() const {
    complain(fmt::format("cannot write {}", name_.empty() ? "to standard output" : name_));
    return kFailed;
  }

 private:
  std::string name_;
  std::FILE* to_;
};

void wait_for(double seconds) {
  constexpr double kNano = 1e9;
  const double whole = std::floor(seconds);
  const timespec time{static_cast<std::time_t>(whole), std::lround((seconds - whole) * (kNano - 1))};
  nanosleep(&time, nullptr);
}

int tell(const smi::Failure& failure) {
  complain(failure.message);
  return failure.status;
}

Outcome<Said> said(Outcome<std::string> text) {
  if (!text) return tl::unexpected(text.error());
  return Said{std::move(*text), 0};
}

// `look(first)`, once or again and again.
int repeat(const SmiFlags& flags, bool loops, unsigned count, double every_s,
           const std::function<Outcome<Said>(bool first)>& look) {
  const File file(flags.file);
  if (!file.is_open()) return file.complain_of_it();
  for (unsigned i = 0; loops || i == 0; ++i) {
    if (i > 0) wait_for(every_s);
    const Outcome<Said> seen = look(i == 0);
    if (!seen) return tell(seen.error());
    if (!file.write(seen->text)) return file.complain_of_it();
    if (seen->status != 0) return seen->status;
    if (count > 0 && i + 1 == count) return 0;
  }
  return 0;
}

// With a header once.
Outcome<Said> query(const SmiFlags& flags, const std::vector<Gpu>& gpus, bool first) {
  auto form = smi::csv_form(flags.format);
  if (!form) return tl::unexpected(form.error());
  form->header &= first;
  if (!flags.query_gpu.empty()) return said(smi::query_gpu(gpus, flags.query_gpu, *form));
  if (!flags.query_apps.empty()) return said(smi::query_compute_apps(gpus, flags.query_apps, *form));
  return said(smi::query_supported_clocks(gpus, flags.query_clocks, *form));
}

Outcome<Said> view(const SmiFlags& flags, const Nvml& nvml, const std::vector<Gpu>& gpus, bool first) {
  const bool queries = !flags.query_gpu.empty() || !flags.query_apps.empty() || !flags.query_clocks.empty();
  if (queries) return query(flags, gpus, first);
  if (flags.list) return Said{smi::list(gpus), 0};
  if (flags.query || flags.xml || !flags.display.empty())
    return said(smi::details(nvml, gpus, smi::date_line(), flags.display, flags.xml));
  return Said{smi::table(nvml, gpus, smi::date_line(), DOPPEL_VERSION), 0};
}

// What is to be set, one after the other, until one fails; nothing where nothing is.
std::vector<std::function<Outcome<Said>()>> settings(const SmiFlags& flags, const std::vector<Gpu>& gpus) {
  std::vector<std::function<Outcome<Said>()>> all;
  if (!flags.power_limit.empty())
    all.emplace_back([&] { return smi::set_power_limit(gpus, flags.power_limit); });
  if (!flags.lock_clocks.empty()) all.emplace_back([&] { return smi::lock_clocks(gpus, flags.lock_clocks); });
  if (flags.reset_clocks) all.emplace_back([&] { return smi::reset_clocks(gpus); });
  if (!flags.persistence.empty())
    all.emplace_back([&] { return smi::set_persistence(gpus, flags.persistence); });
  if (!flags.compute_mode.empty())
    all.emplace_back([&] { return smi::set_compute_mode(gpus, flags.compute_mode); });
  if (!flags.ecc.empty()) all.emplace_back([&] { return smi::set_ecc(gpus, flags.ecc); });
  if (!flags.mig.empty()) {
    all.emplace_back([&]() -> Outcome<Said> {
      std::vector<std::string> arguments{"-mig", flags.mig};
      for (const Gpu& each : gpus) {
        arguments.emplace_back("-i");
        arguments.push_back(each.uuid());
      }
      return Said{"", smi_mig(arguments, stdout)};
    });
  }
  if (flags.reset) all.emplace_back([&] { return smi_reset(gpus); });
  return all;
}

int monitor(const SmiFlags& flags, const std::vector<Gpu>& gpus, bool of_processes) {
  smi::MonitorForm form{flags.groups, flags.moments.find('D') != std::string::npos,
                        flags.moments.find('T') != std::string::npos};
  if (form.groups.empty()) form.groups = of_processes ? "u" : "puc";
  const auto good = of_processes ? smi::check_pmon(form) : smi::check_dmon(form);
  if (!good) return tell(good.error());
  if (flags.moments.find_first_not_of("DT") != std::string::npos)
    return tell({kBadUsage, fmt::format("-o {}: expected D, T or DT", flags.moments)});
  return repeat(flags, true, flags.count, flags.delay_s, [&](bool first) -> Outcome<Said> {
    std::string text = !first ? "" : of_processes ? smi::pmon_head(form) : smi::dmon_head(form);
    text += of_processes ? smi::pmon_lines(gpus, form) : smi::dmon_lines(gpus, form);
    return Said{std::move(text), 0};
  });
}

Outcome<Said> topology(const SmiFlags& flags, const std::vector<Gpu>& gpus) {
  if (!flags.peers.empty()) return said(smi::peer_matrix(gpus, flags.peers));
  if (flags.matrix) return Said{smi::topology_matrix(gpus), 0};
  return smi::failed(kBadUsage, "topo: expected -m or -p2p");
}

Outcome<Said> nvlink(const SmiFlags& flags, const std::vector<Gpu>& gpus) {
  if (flags.status) return smi::nvlink_status(gpus);
  if (flags.capabilities) return smi::nvlink_capabilities(gpus);
  if (flags.errors) return smi::nvlink_errors(gpus);
  if (flags.remotes) return smi::nvlink_remotes(gpus);
  return smi::failed(kBadUsage, "nvlink: expected -s, -c, -e or -R");
}

int print(Outcome<Said> seen) {
  if (!seen) return tell(seen.error());
  say(stdout, "{}", seen->text);
  return seen->status;
}

// A command of its own below `smi`.
int below(const CLI::App& command, const SmiFlags& flags, const std::vector<Gpu>& gpus) {
  const std::string& name = command.get_name();
  if (name == "mig") return smi_mig(command.remaining(), stdout);
  if (name == "topo") return print(topology(flags, gpus));
  if (name == "nvlink") return print(nvlink(flags, gpus));
  return monitor(flags, gpus, name == "pmon");
}

int run(const SmiFlags& flags, const CLI::App& command) {
  restore_pipe_signal();  // its reader may leave, as `head` does
  if (flags.help_gpu || flags.help_apps || flags.help_clocks) {
    say(stdout, "{}",
        flags.help_gpu    ? smi::help_query_gpu()
        : flags.help_apps ? smi::help_query_compute_apps()
                          : smi::help_query_supported_clocks());
    return 0;
  }
  if (!flags.refused.empty())
    return tell(
        {NVML_ERROR_NOT_SUPPORTED, fmt::format("smi {}: not supported of the double", flags.refused)});
  if (flags.prometheus) {
    return repeat(flags, flags.loops, 0, flags.every_s,
                  [&](bool) -> Outcome<Said> { return said(metrics_text()); });
  }
  const Outcome<Nvml> nvml = open_management();
  if (!nvml) return tell(nvml.error());
  if (const char* node = std::getenv("DOPPEL_NODE"); node == nullptr || *node == '\0')
    complain("DOPPEL_NODE names no node: these cards are this command's own, and no program is seen on them");
  const auto gpus = smi::chosen_gpus(*nvml, flags.id);
  if (!gpus) return tell(gpus.error());
  if (const auto chosen = command.get_subcommands(); !chosen.empty())
    return below(*chosen.front(), flags, *gpus);
  const auto set = settings(flags, *gpus);
  for (const auto& each : set) {
    if (const int status = print(each()); status != 0) return status;
  }
  if (!set.empty()) return 0;
  return repeat(flags, flags.loops, 0, flags.every_s,
                [&](bool first) { return view(flags, *nvml, *gpus, first); });
}

}  // namespace

void add_smi(CLI::App& app, int& status) {
  CLI::App* command =
      app.add_subcommand("smi", "Show the cards of a node, as nvidia-smi does, and set what can be set");
  auto flags = std::make_shared<SmiFlags>();
  add_smi_flags(*command, *flags);
  command->footer(
      "The node is that of DOPPEL_NODE: programs that run on the same one are seen. Flags have the short "
      "names of "
      "nvidia-smi too, and the exit status is NVML's code.");
  command->callback([flags, &status, command] { status = run(*flags, *command); });
}

}  // namespace doppel::cli
