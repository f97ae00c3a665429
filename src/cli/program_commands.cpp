// `doppel run` and `doppel compare`.
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>
#include <memory>

#include "card/load_card.h"
#include "cli/commands.h"
#include "cli/execute.h"
#include "cli/installation.h"
#include "cli/progress.h"
#include "report/summary.h"
#include "report/write_report.h"

namespace doppel::cli {
namespace {

struct Flags {
  std::vector<std::string> cards;
  std::string clock = "host";
  std::string timing;
  double timeout_s = 0;
  std::vector<std::string> reports;
  bool quiet = false;
  ExecuteOptions execute;
};

std::shared_ptr<Flags> add_flags(CLI::App& command, const std::string& card_help) {
  auto flags = std::make_shared<Flags>();
  command.add_option("--card", flags->cards, card_help)
      ->type_name("NAME")
      ->take_all()
      ->expected(1)
      ->allow_extra_args(false);
  command.add_option("--devices", flags->execute.devices, "How many such cards the program sees (default 1)")
      ->type_name("N")
      ->check(CLI::Range(1, 16).description(""));
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
  command.add_flag("--check", flags->execute.check,
                   "Test every memory access: bounds, use after free, alignment, shared memory (slower)");
  command
      .add_option("--timeout", flags->timeout_s,
                  "A kernel that runs for S seconds of this machine fails; a program still running a second "
                  "later is ended "
                  "with status 124")
      ->type_name("S")
      ->check(CLI::Validator(CLI::PositiveNumber).description(""));
  command
      .add_option("--report", flags->reports,
                  "Write a report: .json, .md, .csv, .html, .trace.json (Perfetto); may be repeated")
      ->type_name("FILE")
      ->take_all()
      ->expected(1)
      ->allow_extra_args(false);
  return flags;
}

// What must hold before a program is started.
Result<void> prepare(Flags& flags, const Program& program) {
  if (program.empty())
    return fail(Error::Kind::InvalidArgument, "no program to run: expected -- PROGRAM [ARG...]");
  flags.execute.virtual_clock = flags.clock == "virtual";
  if (!flags.timing.empty()) flags.execute.timing = flags.timing;
  if (flags.timeout_s > 0) flags.execute.timeout_s = flags.timeout_s;
  for (const std::string& file : flags.reports) {
    const auto form = report::form_of(file);
    if (!form) return tl::unexpected<Error>(form.error());
    flags.execute.timeline |= *form == report::Form::Trace;
    if (const auto writable = report::check_writable(file); !writable) return writable;
  }
  return {};
}

// The status for an error of execute(), as shells and coreutils give it.
int status_of(const Error& error) {
  if (error.kind == Error::Kind::NotFound) return kNotFound;
  return error.kind == Error::Kind::InvalidArgument ? kNotExecutable : kFailed;
}

int finish(report::Report& report, const Flags& flags) {
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

void print(const report::Report& report, std::FILE* out) {
  fmt::print(out, "\n{}", report::to_text(report::comparison(report)));
  const std::vector<std::string> remarks = report::remarks(report);
  if (!remarks.empty()) fmt::print(out, "\n");
  for (const std::string& remark : remarks) fmt::print(out, "{}\n", remark);
}

// The cards of a run without --card: those of the environment, as the library takes them.
std::vector<std::string> cards_of_environment() {
  const char* names = std::getenv("DOPPEL_CARDS");
  if (names == nullptr || *names == '\0') names = std::getenv("DOPPEL_CARD");
  if (names == nullptr || *names == '\0') return {"rtx-a6000"};
  return CLI::detail::split(names, ',');
}

int run(Flags& flags, const Program& program) {
  const Result<std::vector<card::Card>> cards =
      find_cards(flags.cards.empty() ? cards_of_environment() : flags.cards);
  if (!cards) return kBadUsage;
  if (const Result<void> ready = prepare(flags, program); !ready) {
    complain(ready.error().message);
    return ready.error().kind == Error::Kind::InvalidArgument ? kBadUsage : kFailed;
  }
  Result<Execution> execution = execute(program, *cards, flags.execute);
  if (!execution) {
    complain(execution.error().message);
    return status_of(execution.error());
  }
  const int status = execution->run.exit;
  report::Report report;
  report.program = program;
  report.runs.push_back(std::move(execution->run));
  const int failed = finish(report, flags);
  if (!flags.quiet && !execution->interrupted) print(report, stderr);
  return status != 0 ? status : failed;
}

int compare(Flags& flags, const Program& program) {
  if (flags.cards.empty()) flags.cards = {"rtx-a6000", "rtx-pro-5000-blackwell"};
  const Result<std::vector<card::Card>> cards = find_cards(flags.cards);
  if (!cards) return kBadUsage;
  if (const Result<void> ready = prepare(flags, program); !ready) {
    complain(ready.error().message);
    return ready.error().kind == Error::Kind::InvalidArgument ? kBadUsage : kFailed;
  }
  report::Report report;
  report.program = program;
  int status = 0;
  for (std::size_t i = 0; i < cards->size(); ++i) {
    const card::Card& card = (*cards)[i];
    Progress progress(fmt::format("{} ({} of {})", short_name(card), i + 1, cards->size()));
    flags.execute.on_tick = progress.on_tick();
    Result<Execution> execution = execute(program, {card}, flags.execute);
    progress.clear();
    if (!execution) {
      complain(execution.error().message);
      return status_of(execution.error());
    }
    if (execution->interrupted) {
      complain("interrupted");
      return execution->run.exit != 0 ? execution->run.exit : 130;
    }
    if (status == 0) status = execution->run.exit;
    report.runs.push_back(std::move(execution->run));
  }
  const int failed = finish(report, flags);
  print(report, stdout);
  if (std::fflush(stdout) != 0) return kFailed;
  return status != 0 ? status : failed;
}

}  // namespace

void add_run(CLI::App& app, const Program& program, int& status) {
  CLI::App* command = app.add_subcommand("run", "Run a program on a card");
  auto flags =
      add_flags(*command, "The card, by name or file (see 'doppel cards'); repeated: several devices");
  command->add_flag("--quiet", flags->quiet, "No summary on standard error");
  command->prefix_command();
  command->footer(
      "usage: doppel run [FLAG...] -- PROGRAM [ARG...]\n\n"
      "Ends with the program's status. The program's standard output is left alone; the summary goes to "
      "standard error.");
  command->callback([flags, &program, &status] { status = run(*flags, program); });
}

void add_compare(CLI::App& app, const Program& program, int& status) {
  CLI::App* command =
      app.add_subcommand("compare", "Run a program on each card and print the cards side by side");
  auto flags = add_flags(
      *command, "A card, by name or file; repeated: these (default: rtx-a6000, rtx-pro-5000-blackwell)");
  command->prefix_command();
  command->footer(
      "usage: doppel compare [FLAG...] -- PROGRAM [ARG...]\n\n"
      "The program runs once on each card. The table follows its output; the status is the first that is not "
      "0.");
  command->callback([flags, &program, &status] { status = compare(*flags, program); });
}

}  // namespace doppel::cli
