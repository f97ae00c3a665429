// SPDX-License-Identifier: Apache-2.0
// The figures that several sections show, each in one form.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "report/review/figures.h"
#include "report/review/html.h"
#include "report/review/review.h"

namespace doppel::report::review {

// A number of the card's file under its key; `text` as printed, "" for the figure itself.
std::string of_file(Figures& figures, const card::Card& card, const std::string& key, double value,
                    const std::string& unit, const std::string& text = "");

// What follows from the card's file alone; `how` says it in words, `keys` of which of its numbers.
struct Derived {
  std::string name;  // in its id
  double value = 0;
  std::string unit;
  std::string how;
  std::vector<std::string> keys;
};
std::string derived(Figures& figures, const card::Card& card, const Derived& peak);

// The test on a card where it gave a figure, else where it was tried; null: nowhere.
const Measure* any(const Review& review, std::string_view test);
// "0.60", "38.7", "2,223"
std::string rounded(double value);

// A test's figure on a card, with its band; "-" or its trouble where there is none.
std::string measured(Figures& figures, const Review& review, const CardRun& run, const std::string& test);
// The same of a run in another state: `state` in its id, `in` in words ("with ECC").
std::string measured(Figures& figures, const Review& review, const CardRun& run, const Measure* measure,
                     const std::string& state, const std::string& in);
// How many times the first card's figure the second's is.
std::string ratio(Figures& figures, const Review& review, const std::string& test);
// The published figures of a test on this very card, each with its source beside it as words or behind it, as
// all figures have theirs; "" where there are none.
enum class Sources : bool { BehindThem, Beside };
std::string published(Figures& figures, const CardRun& run, const Measure& measure, Sources sources);
// The size and settings of a test.
std::string setting(Figures& figures, const Measure& measure);
// Name of a test and what it does.
std::string title(Figures& figures, const Measure& measure);

// The names of the cards, as heads of columns.
std::vector<std::string> card_columns(Figures& figures, const Review& review, const std::string& first);

// A bar for each card that ran the test, with the peak that it works towards as its mark where that is asked
// for. No bars where no card ran it.
enum class Against : bool { Nothing, Peak };
BarGroup bars_of(Figures& figures, const Review& review, const std::string& test,
                 Against against = Against::Nothing);

// How far the model's times are from measured ones; and, in short, under a chart whose whiskers show it.
std::string error_note(Figures& figures, const Review& review);
std::string band_note(Figures& figures, const Review& review);

}  // namespace doppel::report::review
