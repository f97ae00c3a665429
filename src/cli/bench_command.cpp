// SPDX-License-Identifier: Apache-2.0
// `doppel bench`: the suite on each card, side by side.
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/execute.h"
#include "cli/output.h"
#include "cli/private_folder.h"
#include "cli/suite_run.h"
#include "cli/terminal.h"
#include "report/quantities.h"
#include "report/suite_peaks.h"
#include "report/table.h"

namespace doppel::cli {
namespace {

using Json = nlohmann::ordered_json;

struct BenchFlags {
  std::vector<std::string> cards;
  std::vector<std::string> tests;
  bool list = false;
  bool json = false;
};

// One test on all cards; a card on which it did not run holds null.
struct TestRow {
  std::string name;
  std::vector<Json> of_card;
};

double value_of(const Json& result) {
  return result.is_object() && !result.contains("error") ? result.value("value", 0.0) : 0.0;
}

// Each published figure once: a card that was measured itself has its own, another one may have that of the
// first.
std::string published_text(const TestRow& row) {
  std::string out;
  std::vector<std::string> seen;
  for (const Json& result : row.of_card) {
    if (!result.is_object() || !result.contains("published")) continue;
    std::string text = fmt::format("{} on {} ({})", report::figures(result.value("published", 0.0)),
                                   without_vendor(result.value("published_card", "a real card")),
                                   result.value("published_note", ""));
    if (std::ranges::find(seen, text) != seen.end()) continue;
    out += (out.empty() ? "" : "; ") + text;
    seen.push_back(std::move(text));
  }
  return out;
}

void print_table(const std::vector<TestRow>& rows, const std::vector<card::Card>& cards) {
  report::Table table;
  table.columns = {{"test"}, {"unit"}};
  const bool any_peak = std::ranges::any_of(rows, [&](const TestRow& row) {
    return std::ranges::any_of(
        cards, [&](const card::Card& card) { return report::peak_of_test(card, row.name) > 0; });
  });
  for (std::size_t i = 0; i < cards.size(); ++i) {
    table.columns.push_back({short_name(cards[i]), report::Align::Right});
    if (any_peak) table.columns.push_back({"advertised", report::Align::Right});
    if (i > 0) table.columns.push_back({"ratio", report::Align::Right});
  }
  const bool any_published = std::ranges::any_of(rows, [](const TestRow& row) {
    return std::ranges::any_of(
        row.of_card, [](const Json& result) { return result.is_object() && result.contains("published"); });
  });
  if (any_published) table.columns.push_back({"published"});
  std::vector<std::string> notes;
  for (const TestRow& row : rows) {
    Json first;
    for (const Json& result : row.of_card) {
      if (first.is_null() || !first.contains("unit")) first = result;
    }
    std::vector<std::string> cells = {row.name, first.value("unit", "")};
    for (std::size_t i = 0; i < row.of_card.size(); ++i) {
      cells.push_back(value_text(row.of_card[i]));
      if (any_peak) {
        const double peak = report::peak_of_test(cards[i], row.name);
        cells.push_back(peak > 0 ? report::figures(peak) : "");
      }
      const double base = value_of(row.of_card[0]);
      if (i > 0) cells.push_back(base > 0 ? report::ratio_text(value_of(row.of_card[i]) / base) : "-");
      if (row.of_card[i].is_object() && row.of_card[i].contains("error")) {
        notes.push_back(
            fmt::format("{} on {}: {}", row.name, short_name(cards[i]), row.of_card[i].value("error", "")));
      }
    }
    if (any_published) cells.push_back(published_text(row));
    table.add(std::move(cells));
  }
  say(stdout, "{}", report::to_text(table, columns_of(STDOUT_FILENO)));
  if (!notes.empty()) say(stdout, "\n{}\n", fmt::join(notes, "\n"));
}

int list() {
  const Result<void> listed = list_suite(
      [](const Json& test) { say(stdout, "{:<24}{}\n", test.value("test", ""), test.value("what", "")); });
  if (listed) return 0;
  complain(listed.error().message);
  return kFailed;
}

int bench(const BenchFlags& flags) {
  const Result<std::vector<card::Card>> cards = find_cards(flags.cards);
  if (!cards) return kBadUsage;
  if (flags.list) return list();

  // As in a comparison: what this machine does besides must not tell the cards apart.
  const Result<PrivateFolder> host_part = PrivateFolder::make();
  if (!host_part) {
    complain(host_part.error().message);
    return kFailed;
  }
  std::vector<TestRow> rows;
  int status = 0;
  bool interrupted = false;
  for (std::size_t i = 0; i < cards->size(); ++i) {
    Result<SuiteRun> run = run_suite((*cards)[i], flags.tests, i, *host_part);
    if (!run) {
      complain(run.error().message);
      return kFailed;
    }
    for (Json& result : run->results) {
      const std::string name = result.value("test", "");
      auto row = std::ranges::find(rows, name, &TestRow::name);
      if (row == rows.end()) row = rows.insert(rows.end(), {name, std::vector<Json>(cards->size())});
      row->of_card[i] = std::move(result);
    }
    if (status == 0) status = run->status;
    interrupted = run->interrupted;
    if (interrupted) break;                  // what is there is printed
    if (status == kBadUsage) return status;  // an unknown test: the suite has named it
  }
  if (flags.json) {
    Json out = Json::array();
    for (std::size_t i = 0; i < cards->size(); ++i) {
      for (const TestRow& row : rows) {
        if (!row.of_card[i].is_object()) continue;
        Json result = row.of_card[i];
        result["card"] = (*cards)[i].id;
        out.push_back(result);
      }
    }
    say(stdout, "{}\n", out.dump(2));
  } else if (!rows.empty()) {
    print_table(rows, *cards);
    if (interrupted) complain("interrupted: the table is not complete");
  }
  return status;
}

}  // namespace

void add_bench(CLI::App& app, int& status) {
  CLI::App* command =
      app.add_subcommand("bench", "Run the built-in suite on each card and print the figures side by side");
  auto flags = std::make_shared<BenchFlags>();
  flags->cards = {"rtx-a6000", "rtx-pro-5000-blackwell"};
  command
      ->add_option("--card", flags->cards,
                   "A card, by name or file; repeated: these (default: rtx-a6000, rtx-pro-5000-blackwell)")
      ->type_name("NAME")
      ->take_all()
      ->expected(1)
      ->allow_extra_args(false);
  command->add_flag("--list", flags->list, "List the tests");
  command->add_flag("--json", flags->json, "The results as JSON on standard output");
  command->add_option("test", flags->tests, "Tests or groups of tests (default: all)")->type_name("TEST");
  command->footer(
      "Larger is better throughout; 'advertised' is the card's peak at its boost clock. Figures that were "
      "published of the same work at the same size stand "
      "beside, with their card. Of large work only the blocks are run that the prediction needs; its answer "
      "is "
      "checked on less. The status is 1 where an answer was wrong.");
  command->callback([flags, &status] { status = bench(*flags); });
}

}  // namespace doppel::cli
