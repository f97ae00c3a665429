// SPDX-License-Identifier: Apache-2.0
// What `doppel review` knows of two cards: their files, and what the suite found on each.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "card/card.h"
#include "report/error_band.h"

namespace doppel::report::review {

// A figure of the same work at the same size, measured on a real card elsewhere.
struct Published {
  double value = 0;
  std::string card;  // its name
  std::string source;
};

// One test of the suite on one card (suite/README.md).
struct Measure {
  std::string test;
  std::string what;     // it measures, in words
  std::string unit;     // "GB/s"; larger is better
  std::string detail;   // sizes and settings, in words
  std::string trouble;  // why there is no figure, or what is wrong with it; empty: the answer was right
  double value = 0;     // 0: there is none
  double time_us = 0;   // of the card
  std::vector<Published> published;
  // What the card's records say of the kernel that was timed; 0 where the test times none.
  double watts = 0;      // on average while it ran
  double clock_mhz = 0;  // mean
  bool power_bound = false;
  std::string bound;  // what limits it, in a word
};

struct CardRun {
  card::Card card;
  std::string name;  // "RTX A6000"
  std::vector<Measure> measures;
  // Of two such cards: with a bridge (none: they have no NVLink), and on the bus alone.
  std::vector<Measure> joined, apart;
  std::vector<Measure> with_ecc, without_ecc;
  struct AtLimit {
    double watts = 0;
    std::vector<Measure> measures;
  };
  std::vector<AtLimit> at_limits;  // of power, ascending
  // Of a card that can be divided: instances, each alone on it. Their ids and names differ from the card's.
  std::vector<CardRun> instances;
};

struct Review {
  std::string version;         // of Doppel
  std::string date;            // UTC, as ISO 8601 writes it
  bool quick = false;          // a few tests stand for the suite
  std::vector<CardRun> cards;  // two
  std::optional<ErrorBand> band;
};

// Null where the test gave no figure on this card.
const Measure* find(const CardRun& run, std::string_view test);
const Measure* find(const std::vector<Measure>& measures, std::string_view test);

// The model's mean error as a share; 0 where it has not been measured.
double error_of(const Review& review);

// The page: one file, nothing fetched. And what stands on it, number by number (docs/command-line.md).
struct Page {
  std::string html;
  std::string json;
};
Page page(const Review& review);

}  // namespace doppel::report::review
