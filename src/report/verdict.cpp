#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "report/quantities.h"
#include "report/report.h"

namespace doppel::report {
namespace {

// Kernels and copies of several streams overlap, so their sum can exceed the time that the card is at work.
double work_us(const Run& run) { return run.busy_us > 0 ? run.busy_us : run.kernel_us() + run.copy_us(); }

constexpr double kWorthSaying = 0.05;

std::string error_words(const std::optional<ErrorBand>& band) {
  if (!band) {
    return "The error of these times has not been measured against real cards yet: take the ratios as an "
           "estimate.";
  }
  return fmt::format("Mean error of the model's times against real cards: {:.0f} % ({} measurements: {}).",
                     band->mean_percent, band->measurements, band->set);
}

}  // namespace

std::string Verdict::text() const { return fmt::format("{}", fmt::join(sentences, " ")); }

void judge(Report& report) {
  Verdict& verdict = report.verdict;
  verdict = {};
  const auto unusable = std::find_if(report.runs.begin(), report.runs.end(), [](const Run& run) {
    return run.devices == 0 || run.timing_depth == "off" || work_us(run) <= 0;
  });
  if (report.runs.size() < 2) return;
  const auto say = [&](std::string sentence) { verdict.sentences.push_back(std::move(sentence)); };
  if (unusable != report.runs.end()) {
    say(fmt::format("No verdict: the run on {} {}.", unusable->card_name,
                    unusable->devices == 0            ? "did not use the card"
                    : unusable->timing_depth == "off" ? "was not timed"
                                                      : "launched and copied nothing"));
    return;
  }
  const auto failed =
      std::find_if(report.runs.begin(), report.runs.end(), [](const Run& run) { return run.exit != 0; });
  if (failed != report.runs.end()) {
    say(fmt::format("No verdict: on {} the program ended with status {}.", failed->card_name, failed->exit));
    return;
  }
  const auto by_work = [](const Run& a, const Run& b) { return work_us(a) < work_us(b); };
  const auto by_energy = [](const Run& a, const Run& b) { return a.kernel_energy_j() < b.kernel_energy_j(); };
  const auto [fast, slow] = std::minmax_element(report.runs.begin(), report.runs.end(), by_work);
  const auto [thrifty, hungry] = std::minmax_element(report.runs.begin(), report.runs.end(), by_energy);
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
    say(fmt::format("From start to end, the host's part as on this machine, the program takes {} and {}: {}.",
                    time_text(fast->time_us), time_text(slow->time_us), ratio_text(whole)));
  }
  if (verdict.energy_ratio > 0) {
    say(fmt::format("Its kernels take {} of the energy on {} that they take on {}.",
                    percent_text(1 / verdict.energy_ratio), thrifty->card_name, hungry->card_name));
  }
  say(error_words(report.error_band));
}

Result<std::optional<ErrorBand>> load_error_band(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) return std::optional<ErrorBand>{};
  try {
    const nlohmann::json json = nlohmann::json::parse(in);
    ErrorBand band;
    json.at("mean_percent").get_to(band.mean_percent);
    json.at("measurements").get_to(band.measurements);
    json.at("set").get_to(band.set);
    return std::optional<ErrorBand>(band);
  } catch (const nlohmann::json::exception& error) {
    return fail(Error::Kind::InvalidInput, fmt::format("{}: {}", file.string(), error.what()));
  }
}

}  // namespace doppel::report
