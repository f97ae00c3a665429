// SPDX-License-Identifier: Apache-2.0
// Errors of the model by set, and what they may be quoted as.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sets.h"

namespace doppel::truth {

// Only the errors of judging sets say what to expect of a kernel that nobody has seen.
enum class Role : std::uint8_t {
  Fitted,   // parameters of a card were read from it, or rules of the model were chosen while looking at it
  Judging,  // neither
};
std::string_view name_of(Role role);

struct SetErrors {
  std::string name;
  std::string kind;  // of kernel: what the error is quoted for
  Role role = Role::Judging;
  std::vector<std::string> cards;  // ids of the measured cards
  std::vector<double> percent;     // of each row's time: |predicted / measured - 1|
};

// Of times in percent: where a row's unit is a rate, its inverse is compared. Infinite where a figure is
// zero.
double error_percent(const Row& row);

double mean(const std::vector<double>& values);              // 0 of none
double percentile(std::vector<double> values, double part);  // nearest rank, part in 0..1; 0 of none
double rank_correlation(
    const std::vector<Row>& rows);  // Spearman's, predicted against measured; 1 of fewer than two

// The file that `doppel compare` reads for its verdict (error-band.json), as text.
std::string error_band(const std::vector<SetErrors>& sets);

}  // namespace doppel::truth
