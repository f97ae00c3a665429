// SPDX-License-Identifier: Apache-2.0
// `doppel review`: the suite on two cards, and the page that tells which of them is for whom.
#include <fmt/chrono.h>
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <ctime>
#include <filesystem>
#include <memory>
#include <optional>

#include "cli/commands.h"
#include "cli/execute.h"
#include "cli/installation.h"
#include "cli/output.h"
#include "cli/partition_suite.h"
#include "cli/private_folder.h"
#include "cli/review_measures.h"
#include "cli/review_states.h"
#include "cli/suite_run.h"
#include "report/review/review.h"
#include "report/write_report.h"

namespace doppel::cli {
namespace {

namespace fs = std::filesystem;
namespace review = report::review;
using Json = nlohmann::ordered_json;

struct ReviewFlags {
  std::vector<std::string> cards;
  std::string file = "doppel-review.html";
  bool json = false;
  bool quick = false;
};

// One or two tests of each unit, all of them short.
const std::vector<std::string>& quick_tests() {
  static const std::vector<std::string> tests = {"fma-fp32",       "fma-fp64", "copy-h2d-pinned",
                                                 "tensor-f16-f32", "cache-l2", "black-scholes"};
  return tests;
}

// What is wrong with the flags; empty: nothing.
std::string bad_usage(const ReviewFlags& flags, const std::vector<card::Card>& cards) {
  if (cards.size() != 2) return fmt::format("a review is of two cards, not of {}", cards.size());
  if (cards[0].id == cards[1].id) return fmt::format("a review is of two cards, and {} is one", cards[0].id);
  if (!flags.file.ends_with(".html") || fs::path(flags.file).stem().empty() || flags.file == ".html")
    return fmt::format("review {}: expected a name ending in .html", flags.file);
  return "";
}

// The status of a review that ends here; none: it goes on.
std::optional<int> ends_review(const SuiteRun& suite, const std::string& where) {
  if (suite.interrupted) {
    complain("interrupted: no review is written");
    return 130;
  }
  if (!suite.results.empty()) return std::nullopt;
  complain(fmt::format("the suite gave no result on {} and ended with status {}", where, suite.status));
  return kFailed;
}

int run(const ReviewFlags& flags) {
  const Result<std::vector<card::Card>> cards = find_cards(flags.cards);
  if (!cards) return kBadUsage;
  if (const std::string wrong = bad_usage(flags, *cards); !wrong.empty()) {
    complain(wrong);
    return kBadUsage;
  }
  const fs::path html = flags.file;
  const fs::path json = fs::path(flags.file).replace_extension(".json");
  const auto failed = [](const Error& error) {
    complain(error.message);
    return kFailed;
  };
  for (const fs::path& file : {html, json}) {
    if (const Result<void> writable = report::check_writable(file); !writable)
      return failed(writable.error());
  }
  const Result<PrivateFolder> host_part = PrivateFolder::make();
  if (!host_part) return failed(host_part.error());
  Result<std::optional<report::ErrorBand>> band = report::load_error_band(error_band_file());
  if (!band) return failed(band.error());

  review::Review out;
  out.version = DOPPEL_VERSION;
  out.date = fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr)));
  out.quick = flags.quick;
  out.band = std::move(*band);
  int status = 0;
  for (std::size_t i = 0; i < cards->size(); ++i) {
    const card::Card& card = (*cards)[i];
    const Result<SuiteRun> suite =
        run_suite(card, flags.quick ? quick_tests() : std::vector<std::string>{}, i, *host_part);
    if (!suite) return failed(suite.error());
    if (const std::optional<int> end = ends_review(*suite, short_name(card))) return *end;
    if (status == 0) status = suite->status;
    review::CardRun& run = out.cards.emplace_back();
    run.card = card;
    run.name = short_name(card);
    run.measures = measures_of(*suite, card);
    OtherStates states(*host_part, i, flags.quick);
    if (const Result<void> done = states.run(run); !done) return failed(done.error());
    if (states.interrupted()) {
      complain("interrupted: no review is written");
      return 130;
    }
    if (status == 0) status = states.status();
    const auto divided =
        run_suite_in_partitions(card, flags.quick ? quick_tests() : std::vector<std::string>{});
    if (!divided) return failed(divided.error());
    for (const PartitionSuite& each : *divided) {
      if (const std::optional<int> end = ends_review(each.suite, short_name(each.card))) return *end;
      if (status == 0) status = each.suite.status;
      review::CardRun& instance = run.instances.emplace_back();
      instance.card = each.card;
      instance.name = each.profile;
      instance.measures = measures_of(each.suite, each.card);
    }
  }
  const review::Page page = review::page(out);
  for (const auto& [text, file] : {std::pair{&page.html, html}, {&page.json, json}}) {
    if (const Result<void> written = report::write_text(*text, file); !written)
      return failed(written.error());
  }
  if (flags.json) {
    say(stdout, "{}", page.json);
  } else {
    say(stdout, "{} is the review, {} what stands on it\n", html.string(), json.string());
  }
  return status;
}

}  // namespace

void add_review(CLI::App& app, int& status) {
  CLI::App* command = app.add_subcommand(
      "review", "Run the suite on two cards and write the review of both as one page, with JSON beside it");
  auto flags = std::make_shared<ReviewFlags>();
  flags->cards = {"rtx-a6000", "rtx-pro-5000-blackwell"};
  command
      ->add_option("--card", flags->cards,
                   "A card, by name or file; twice: these (default: rtx-a6000, rtx-pro-5000-blackwell)")
      ->type_name("NAME")
      ->take_all()
      ->expected(1)
      ->allow_extra_args(false);
  command
      ->add_option("-o,--output", flags->file,
                   "The page (default: doppel-review.html); the JSON stands beside it, ending in .json")
      ->type_name("FILE.html");
  command->add_flag("--json", flags->json, "The JSON on standard output as well");
  command->add_flag("--quick", flags->quick, "A few short tests in place of the whole suite");
  command->footer(
      "The page fetches nothing. Each number on it is in the JSON with how it was obtained: specification, "
      "derived, predicted by a run, or published. The status is 1 where an answer of the suite was wrong.");
  command->callback([flags, &status] { status = run(*flags); });
}

}  // namespace doppel::cli
