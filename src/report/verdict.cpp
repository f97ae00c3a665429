// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <string.h>  // NOLINT(modernize-deprecated-headers): sigabbrev_np is not in <cstring>

#include <algorithm>
#include <cmath>

#include "report/diagnostics.h"
#include "report/power_sweep.h"
#include "report/quantities.h"
#include "report/report.h"
#include "report/same_launches.h"

namespace doppel::report {
namespace {

// Kernels and copies of several streams overlap, so their sum can exceed the time that the card is at work.
double work_us(const Run& run) { return run.busy_us > 0 ? run.busy_us : run.kernel_us() + run.copy_us(); }

constexpr double kWorthSaying = 0.05;

std::string times(std::uint64_t count, std::string_view what) {
  return count == 1 ? fmt::format("one {}", what) : fmt::format("{} {}s", count, what);
}

// Why a run says nothing about its card; empty where it does.
std::string unusable(const Run& run) {
  if (const std::string end = bad_end(run); !end.empty()) return "the program " + end;
  if (run.devices == 0) return "the program did not use the card";
  if (const std::uint64_t refused = refusals(run); refused > 0)
    return fmt::format("Doppel refused {}", times(refused, "request"));
  if (const std::uint64_t failed = faults(run); failed > 0)
    return fmt::format("{} found in its kernels", times(failed, "fault") + (failed == 1 ? " was" : " were"));
  if (const std::uint64_t open = unfinished(run); open > 0)
    return fmt::format("the program ended before {} had",
                       open == 1 ? "one launch" : fmt::format("{} launches", open));
  if (run.timing_depth == "off") return "nothing was timed";
  if (work_us(run) <= 0) return "the program launched and copied nothing";
  return "";
}

std::string why_withheld(const Report& report) {
  for (const Run& run : report.runs) {
    if (const std::string why = unusable(run); !why.empty())
      return fmt::format("on {} {}", run.card_name, why);
  }
  if (is_power_sweep(report)) return "they ran at several power limits";
  return difference_of_launches(report);
}

std::string names_of_cards(const Report& report) {
  std::string out;
  for (std::size_t i = 0; i < report.runs.size(); ++i) {
    out += i == 0 ? "" : i + 1 == report.runs.size() ? " and " : ", ";
    out += report.runs[i].card_name;
  }
  return out;
}

}  // namespace

std::string Verdict::text() const { return fmt::format("{}", fmt::join(sentences, " ")); }

std::string bad_end(const Run& run) {
  if (run.timed_out) return "did not end in its time";
  // A shell answers 128 + signal for a child of its own that one ended.
  const int number = run.signal != 0 ? run.signal : run.exit > 128 ? run.exit - 128 : 0;
  const char* name = number > 0 ? sigabbrev_np(number) : nullptr;
  if (run.signal != 0 && name == nullptr) return fmt::format("was ended by signal {}", run.signal);
  if (run.signal != 0) return fmt::format("was ended by SIG{} ({})", name, sigdescr_np(number));
  if (name != nullptr)
    return fmt::format("ended with status {}, as shells say of SIG{} ({})", run.exit, name,
                       sigdescr_np(number));
  return run.exit != 0 ? fmt::format("ended with status {}", run.exit) : "";
}

void judge(Report& report) {
  Verdict& verdict = report.verdict;
  verdict = {};
  if (report.runs.size() < 2) return;
  const auto say = [&](std::string sentence) { verdict.sentences.push_back(std::move(sentence)); };
  verdict.withheld = why_withheld(report);
  if (!verdict.withheld.empty()) {
    say(fmt::format("No verdict between {}: {}.", names_of_cards(report), verdict.withheld));
    return;
  }
  const auto by_work = [](const Run& a, const Run& b) { return work_us(a) < work_us(b); };
  const auto by_energy = [](const Run& a, const Run& b) { return a.kernel_energy_j() < b.kernel_energy_j(); };
  const auto [fast, slow] = std::ranges::minmax_element(report.runs, by_work);
  const auto [thrifty, hungry] = std::ranges::minmax_element(report.runs, by_energy);
  verdict.faster = fast->card;
  verdict.time_ratio = work_us(*slow) / work_us(*fast);
  verdict.thriftier = thrifty->card;
  verdict.energy_ratio =
      thrifty->kernel_energy_j() > 0 ? hungry->kernel_energy_j() / thrifty->kernel_energy_j() : 0;
  // Two times, each off by the band, can differ by twice the band with nothing behind it.
  verdict.within_error =
      report.error_band && verdict.time_ratio < 1 + 2 * report.error_band->mean_percent / 100;
  say(verdict.within_error
          ? fmt::format("{} and {} are equally fast for this program within the model's error ({} apart).",
                        fast->card_name, slow->card_name, ratio_text(verdict.time_ratio))
          : fmt::format("{} does this program's work {} as fast as {}.", fast->card_name,
                        ratio_text(verdict.time_ratio), slow->card_name));
  // Where the host's part is large, the cards differ less for the program as a whole.
  const double whole = slow->time_us / fast->time_us;
  if (std::abs(whole / verdict.time_ratio - 1) > kWorthSaying) {
    const std::string contexts =
        fast->context_us > kWorthSaying * fast->time_us
            ? fmt::format(" ({} of each to make and end CUDA's contexts)", time_text(fast->context_us))
            : "";
    say(fmt::format(
        "From start to end, the host's part as on this machine, the program takes {} on {} and {} on {}{}: "
        "{}.",
        time_text(fast->time_us), fast->card_name, time_text(slow->time_us), slow->card_name, contexts,
        ratio_text(whole)));
  }
  if (verdict.energy_ratio > 0) {
    say(fmt::format("Its kernels take {} of the energy on {} that they take on {}.",
                    percent_text(1 / verdict.energy_ratio), thrifty->card_name, hungry->card_name));
  }
  std::vector<NamedCard> cards;
  for (const Run& run : report.runs) cards.push_back({run.card, run.card_name});
  say(error_sentence(report.error_band, cards));
}

}  // namespace doppel::report
