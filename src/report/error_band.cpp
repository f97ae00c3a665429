// SPDX-License-Identifier: Apache-2.0
#include "report/error_band.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <system_error>
#include <utility>

#include "card/load_card.h"

namespace doppel::report {

bool ErrorBand::verifies(const std::string& card) const {
  return std::ranges::find(cards, card) != cards.end();
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
    band.cards = json.value("cards", band.cards);
    if (json.contains("p90_percent")) band.p90_percent = json.at("p90_percent").get<double>();
    const nlohmann::json kinds = json.value("kinds", nlohmann::json::object());
    for (const auto& [kind, error] : kinds.items()) {
      band.kinds.push_back({kind, error.at("mean_percent").get<double>(),
                            error.at("p90_percent").get<double>(), error.at("measurements").get<int>()});
    }
    std::ranges::sort(band.kinds, [](const KindError& a, const KindError& b) {
      return std::pair(b.mean_percent, a.kind) < std::pair(a.mean_percent, b.kind);
    });
    return std::optional<ErrorBand>(band);
  } catch (const nlohmann::json::exception& error) {
    return fail(Error::Kind::InvalidInput, fmt::format("{}: {}", file.string(), error.what()));
  }
}

std::string error_sentence(const std::optional<ErrorBand>& band, const std::vector<NamedCard>& cards) {
  if (!band) {
    return "The error of these times has not been measured against real cards yet: take the ratios as an "
           "estimate.";
  }
  std::string out =
      fmt::format("Mean error of the model's times against real cards: {:.0f} %", band->mean_percent);
  if (band->p90_percent) out += fmt::format(", nine of ten within {:.0f} %", *band->p90_percent);
  out += fmt::format(" ({} measurements: {})", band->measurements, band->set);
  std::vector<std::string> kinds;
  for (const KindError& kind : band->kinds) {
    kinds.push_back(fmt::format("{} {:.0f} % (nine of ten within {:.0f} %)", kind.kind, kind.mean_percent,
                                kind.p90_percent));
  }
  out += kinds.empty() ? "." : fmt::format("; by kind: {}.", fmt::join(kinds, ", "));
  std::vector<std::string> unverified;
  for (const NamedCard& card : cards) {
    if (!band->verifies(card.id)) unverified.push_back(card.name);
  }
  if (unverified.empty()) return out;
  return out +
         fmt::format(" {} {} unverified: nobody has measured {}, and the error of {} times is not known.",
                     fmt::join(unverified, " and "), unverified.size() > 1 ? "are" : "is",
                     unverified.size() > 1 ? "them" : "it", unverified.size() > 1 ? "their" : "its");
}

std::filesystem::path installed_error_band() {
  for (const std::filesystem::path& cards : card::card_folders()) {
    std::error_code ignored;
    std::filesystem::path file = cards.parent_path() / "truth" / "error-band.json";
    if (std::filesystem::is_regular_file(file, ignored)) return file;
  }
  return {};
}

}  // namespace doppel::report
