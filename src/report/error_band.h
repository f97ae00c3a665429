// SPDX-License-Identifier: Apache-2.0
// How far the timing model's times are from measured ones: truth/error-band.json as the verdict prints it.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "support/result.h"

namespace doppel::report {

struct KindError {
  std::string kind;         // of kernel, in words
  double mean_percent = 0;  // mean absolute percentage error of the times
  double p90_percent = 0;   // nine of ten are no further off
  int measurements = 0;
};

struct ErrorBand {
  double mean_percent = 0;  // of all kinds together
  int measurements = 0;
  std::string set;  // what was compared, in words
  std::vector<std::string>
      cards;  // ids of the cards that were measured; a card that is not among them is unverified
  std::optional<double> p90_percent;
  std::vector<KindError> kinds;  // the largest error first
  bool verifies(const std::string& card) const;
};

// Reads what doppel_truth --write leaves; none where the file is missing. Error InvalidInput
// names the file.
Result<std::optional<ErrorBand>> load_error_band(const std::filesystem::path& file);

// The file of this installation: PREFIX/share/doppel/truth, beside the cards. Empty: there is none.
std::filesystem::path installed_error_band();

// What to say of the error of times of these cards: one sentence or two.
struct NamedCard {
  std::string id;
  std::string name;
};
std::string error_sentence(const std::optional<ErrorBand>& band, const std::vector<NamedCard>& cards);

}  // namespace doppel::report
