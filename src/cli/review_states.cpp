// SPDX-License-Identifier: Apache-2.0
#include "cli/review_states.h"

#include <fmt/format.h>

#include "card/ecc.h"
#include "cli/review_measures.h"
#include "cli/suite_run.h"

namespace doppel::cli {

namespace review = report::review;

Result<void> OtherStates::run(review::CardRun& out) {
  const card::Card& card = out.card;
  ExecuteOptions pair;
  pair.devices = 2;
  if (auto done = add({"peer"}, pair, "two cards", card, out.apart); !done) return done;
  if (card.nvlink.links > 0) {
    pair.nvlink = true;
    if (auto done = add({"peer"}, pair, "two cards joined", card, out.joined); !done) return done;
  }
  if (card::has_ecc(card)) {
    for (const bool on : {false, true}) {
      ExecuteOptions ecc;
      ecc.ecc = on;
      auto& measures = on ? out.with_ecc : out.without_ecc;
      if (auto done = add(memory_tests(), ecc, on ? "with ECC" : "without ECC", card, measures); !done)
        return done;
    }
  }
  for (const double limit : limits_of(card)) {
    ExecuteOptions limited;
    limited.power_limit_w = limit;
    review::CardRun::AtLimit at{limit, {}};
    const std::string name = fmt::format("at {} W", limit);
    if (auto done = add(power_tests(), limited, name, card, at.measures); !done) return done;
    out.at_limits.push_back(std::move(at));
  }
  return {};
}

std::vector<std::string> OtherStates::memory_tests() const {
  return quick_ ? std::vector<std::string>{"stream-read"}
                : std::vector<std::string>{"stream-read", "stream-triad", "transpose"};
}

std::vector<std::string> OtherStates::power_tests() const {
  return quick_ ? std::vector<std::string>{"fma-fp32"}
                : std::vector<std::string>{"fma-fp32", "stream-triad", "gemm-f16-f32"};
}

std::vector<double> OtherStates::limits_of(const card::Card& card) const {
  std::vector<double> limits;
  for (const double limit : {150.0, 200.0, 250.0, 300.0}) {
    const bool taken = card.management.min_limit_w > 0 && limit >= card.management.min_limit_w &&
                       limit <= card.power.max_limit_w;
    if (taken && (!quick_ || limit == 200 || limit == 300)) limits.push_back(limit);
  }
  return limits;
}

Result<void> OtherStates::add(const std::vector<std::string>& tests, const ExecuteOptions& settings,
                              const std::string& name, const card::Card& card,
                              std::vector<review::Measure>& out) {
  if (interrupted_) return {};
  const Result<SuiteRun> suite = run_suite(card, tests, index_, host_part_, settings, name);
  if (!suite) return tl::unexpected<Error>(suite.error());
  interrupted_ = suite->interrupted;
  if (status_ == 0) status_ = suite->status;
  out = measures_of(*suite, card);
  return {};
}

}  // namespace doppel::cli
