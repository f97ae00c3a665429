// SPDX-License-Identifier: Apache-2.0
#include "cli/program_flags.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>

#include "card/ecc.h"
#include "cli/installation.h"
#include "cli/output.h"
#include "cli/terminal.h"
#include "device/driver_version.h"
#include "report/diagnostics.h"
#include "report/kernel_details.h"
#include "report/power_sweep.h"
#include "report/summary.h"
#include "report/write_report.h"
#include "support/pass_log.h"

namespace doppel::cli {
namespace {

// What is wrong with the text, or nothing. A billion seconds are more than thirty years.
std::string seconds_above_zero(const std::string& text) {
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  const bool good = !text.empty() && *end == '\0' && value > 0 && value <= 1e9;
  return good ? "" : fmt::format("expected a number of seconds above 0, not '{}'", text);
}

}  // namespace

std::shared_ptr<ProgramFlags> add_program_flags(CLI::App& command, const std::string& card_help) {
  auto flags = std::make_shared<ProgramFlags>();
  command.add_option("--card", flags->cards, card_help)
      ->type_name("NAME,...")
      ->take_all()
      ->expected(1)
      ->delimiter(',')
      ->allow_extra_args(false);
  command.add_option("--devices", flags->execute.devices, "How many such cards the program sees (default 1)")
      ->type_name("N")
      ->check(CLI::Range(1, 16).description(""));
  command.add_flag("--nvlink", flags->execute.nvlink,
                   "NVLink bridges join the program's cards two by two, in their order");
  command
      .add_option("--ecc", flags->ecc,
                  "ECC of the cards' memory, with what it takes of memory and bandwidth (default: as the "
                  "card's file has it)")
      ->type_name("on|off")
      ->check(CLI::IsMember({"on", "off"}).description(""));
  command
      .add_option("--power-limit", flags->power_limits_w,
                  "The cards' power limit in watts; of compare also several: a table of time, clock, power "
                  "and work per joule by limit")
      ->type_name("W[,W...]")
      ->delimiter(',')
      ->check(CLI::PositiveNumber.description(""));
  command
      .add_option("--clock", flags->clock,
                  "What the program's own clocks show: host (default), or virtual, the modelled card's time")
      ->type_name("host|virtual")
      ->check(CLI::IsMember({"host", "virtual"}).description(""));
  command
      .add_option("--timing", flags->timing,
                  "fast (default): from a sample of blocks; full: from more of them; off: results only")
      ->type_name("fast|full|off")
      ->check(CLI::IsMember({"fast", "full", "off"}).description(""));
  command
      .add_option("--driver-version", flags->execute.driver_version,
                  "The CUDA version that the driver reports (default 13.5), to try a program on an older one")
      ->type_name("X.Y")
      ->check(CLI::Validator(
          [](const std::string& text) {
            return device::parse_driver_version(text)
                       ? std::string()
                       : fmt::format("{}: expected a version of CUDA from 11.0 to 13.5", text);
          },
          ""));
  command.add_flag(
      "--check", flags->execute.check,
      "Test every memory access: bounds, use after free, alignment, shared memory (slower; no times)");
  command.add_flag("--predict-only", flags->execute.predict_only,
                   "Run only the blocks of each launch that its prediction needs: times in seconds where the "
                   "whole would take minutes, but what the program computes is not there");
  command
      .add_option("--timeout", flags->timeout_s,
                  "A kernel that runs for S seconds of this machine fails; a program still running a second "
                  "later is ended with status 124. What it takes to compile kernels is not counted")
      ->type_name("S")
      ->check(CLI::Validator(seconds_above_zero, ""));
  command.add_flag(
      "--strict", flags->strict,
      "End with status 2 where anything was refused (a launch, a kernel, a module, a call) and the "
      "program ended with 0 all the same");
  command
      .add_option(
          "--report", flags->reports,
          "Write a report: .json, .md, .csv, .html, .trace.json (Perfetto); may be repeated; - is JSON on "
          "standard output (-.md: Markdown, and so on), where nothing else is written then")
      ->type_name("FILE")
      ->take_all()
      ->expected(1)
      ->allow_extra_args(false);
  command
      .add_option("--fail-if", flags->fail_if,
                  "End with status 3 where this holds of the report, such as 'time > 5 ms or faults > 0' "
                  "(docs/command-line.md)")
      ->type_name("EXPRESSION");
  command
      .add_option("--dump-after", flags->execute.dump_after,
                  fmt::format("Write each kernel as it is after a pass into --dump-dir: {}, or all; with "
                              ":KERNEL, only kernels with this in their name",
                              dumpable_passes()))
      ->type_name("PASS[:KERNEL],...");
  command.add_option("--dump-dir", flags->execute.dump_directory, "The folder for it [doppel-dump]")
      ->type_name("DIR");
  command.add_flag("--time-passes", flags->execute.time_passes,
                   "Print what reading, compiling and lowering kernels took on this machine, pass by pass");
  command.add_flag("--quiet", flags->quiet,
                   "Only the program's own output: no table, no labels, no progress");
  return flags;
}

Result<void> prepare(ProgramFlags& flags, const Program& program) {
  if (program.empty())
    return fail(Error::Kind::InvalidArgument, "no program to run: expected -- PROGRAM [ARG...]");
  if (flags.execute.predict_only && (flags.execute.check || flags.timing == "off"))
    return fail(Error::Kind::InvalidArgument,
                "--predict-only predicts times: not with --check or --timing off");
  if (!flags.execute.dump_after.empty()) {
    if (auto known = PassLog().ask(flags.execute.dump_after, flags.execute.dump_directory); !known)
      return tl::unexpected<Error>(known.error());
  }
  flags.execute.virtual_clock = flags.clock == "virtual";
  if (!flags.ecc.empty()) flags.execute.ecc = flags.ecc == "on";
  if (!flags.timing.empty()) flags.execute.timing = flags.timing;
  if (flags.timeout_s > 0) flags.execute.timeout_s = flags.timeout_s;
  if (!flags.fail_if.empty()) {
    Result<report::Condition> condition = report::Condition::parse(flags.fail_if);
    if (!condition) return tl::unexpected<Error>(condition.error());
    flags.condition = std::move(*condition);
  }
  for (const std::string& file : flags.reports) {
    const auto form = report::form_of(file);
    if (!form) return tl::unexpected<Error>(form.error());
    flags.execute.timeline |= *form == report::Form::Trace;
    if (report::is_standard_output(file)) {
      if (flags.reports_to_output)
        return fail(Error::Kind::InvalidArgument, "only one report can go to standard output");
      flags.reports_to_output = true;
    }
    if (const auto writable = report::check_writable(file); !writable) return writable;
  }
  flags.execute.output_to_error = flags.reports_to_output;
  return {};
}

int status_of(const report::Run& run, const ProgramFlags& flags) {
  return run.exit == 0 && flags.strict && report::refusals(run) > 0 ? kRefused : run.exit;
}

int status_of(const Error& error) {
  if (error.kind == Error::Kind::NotFound) return kNotFound;
  return error.kind == Error::Kind::InvalidArgument ? kNotExecutable : kFailed;
}

int finish(report::Report& report, const ProgramFlags& flags) {
  Result<std::optional<report::ErrorBand>> band = report::load_error_band(error_band_file());
  if (!band) {
    complain(band.error().message);
    return kFailed;
  }
  report.error_band = std::move(*band);
  report::judge(report);
  int status = 0;
  for (const std::string& file : flags.reports) {
    if (const Result<void> written = report::write_report(report, file); !written) {
      complain(written.error().message);
      status = kFailed;
    }
  }
  return status;
}

int decide(const report::Report& report, const ProgramFlags& flags) {
  if (!flags.condition) return 0;
  const Result<bool> holds = flags.condition->holds(report);
  if (!holds) {
    complain(fmt::format("--fail-if '{}' cannot be decided: {}", flags.fail_if, holds.error().message));
    return kConditionHolds;
  }
  if (*holds) complain(fmt::format("--fail-if '{}' holds", flags.fail_if));
  return *holds ? kConditionHolds : 0;
}

Result<void> check_settings(const ProgramFlags& flags, const std::vector<card::Card>& cards) {
  for (const card::Card& card : cards) {
    if (!flags.ecc.empty() && !card::has_ecc(card))
      return fail(Error::Kind::InvalidArgument,
                  fmt::format("--ecc: the file of {} does not say what ECC takes", card.name));
    const double least = card.management.min_limit_w, most = card.power.max_limit_w;
    for (const double limit : flags.power_limits_w) {
      if (least <= 0)
        return fail(
            Error::Kind::InvalidArgument,
            fmt::format("--power-limit: the file of {} does not say which limits may be set", card.name));
      if (limit < least || limit > most)
        return fail(Error::Kind::InvalidArgument,
                    fmt::format("--power-limit {}: {} takes {} to {} W", limit, card.name, least, most));
    }
  }
  return {};
}

void print(const report::Report& report, std::FILE* out) {
  const int descriptor = fileno(out);
  const std::size_t width = columns_of(descriptor);
  const bool sweep = report::is_power_sweep(report);
  say(out, "\n{}", report::to_text(sweep ? report::power_sweep(report) : report::comparison(report), width));
  if (sweep)
    say(out, "\nof the kernels; work per joule is that of {} at the highest limit times so much\n",
        report.runs.front().card_name);
  const std::vector<std::string> remarks = report::remarks(report, report::Reader::Terminal);
  if (!remarks.empty()) say(out, "\n");
  // What goes to a file is left to its reader, who may say how wide it is.
  const bool wraps = isatty(descriptor) != 0 || std::getenv("COLUMNS") != nullptr;
  for (const std::string& remark : remarks) say(out, "{}\n", wraps ? report::wrapped(remark, width) : remark);
  for (const report::Run& run : report.runs) {
    if (!run.passes.empty()) say(out, "\n{}", report::to_text(report::passes_table(run), width));
  }
}

report::Report new_report(const Program& program, const CLI::App& command) {
  report::Report report;
  report.program = program;
  report.date = fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr)));
  report.flags = {command.get_name()};
  for (const CLI::Option* option : command.get_options()) {
    if (option->count() == 0 || option->get_lnames().empty()) continue;
    for (const std::string& value : option->results()) {
      report.flags.push_back("--" + option->get_lnames().front());
      if (option->get_items_expected_max() > 0) report.flags.push_back(value);
    }
  }
  return report;
}

}  // namespace doppel::cli
