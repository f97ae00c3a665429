// SPDX-License-Identifier: Apache-2.0
#include "report/review/review.h"

#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "card/load_card.h"
#include "page_reader.h"
#include "report/review/rules.h"

namespace doppel::report::review {
namespace {

Measure measure(const std::string& test, double value, double watts = 200) {
  Measure out;
  out.test = test;
  out.what = "what 1 test of 32-bit numbers does";
  out.unit = "GFLOP/s";
  out.detail = "4096x4096 matrices, <b>";
  out.value = value;
  out.time_us = 10;
  out.watts = watts;
  out.clock_mhz = 1800;
  out.bound = "fp32";
  return out;
}

CardRun run_on(const std::string& card, std::vector<Measure> measures) {
  CardRun out;
  out.card = *card::load_card(std::string(DOPPEL_SOURCE_DIR) + "/cards/" + card + ".toml");
  out.name = out.card.name.substr(std::string("NVIDIA ").size());
  out.measures = std::move(measures);
  return out;
}

ErrorBand band() {
  ErrorBand out;
  out.mean_percent = 11.7;
  out.p90_percent = 36.2;
  out.measurements = 25;
  out.set = "kernels that the model was not fitted to";
  out.cards = {"rtx-a6000"};
  return out;
}

Review sample() {
  Review out;
  out.version = "1.2.3";
  out.date = "2026-01-02T03:04:05Z";
  out.band = band();
  std::vector<Measure> first = {measure("fma-fp32", 36864), measure("fma-fp64", 604),
                                measure("copy-h2d-pinned", 25), measure("sgemm-step-6", 18500),
                                measure("gemm-s4", 600)};
  first[3].published.push_back({18237.3, "RTX A6000", "truth/sgemm-a6000.csv"});
  std::vector<Measure> second = {measure("fma-fp32", 62915), measure("fma-fp64", 620),
                                 measure("copy-h2d-pinned", 56), measure("sgemm-step-6", 30000),
                                 measure("stream-read", 0)};
  second[4].trouble = "cuMemAlloc: out of memory after 512 MiB";
  out.cards.push_back(run_on("rtx-a6000", std::move(first)));
  out.cards.push_back(run_on("rtx-pro-5000-blackwell", std::move(second)));
  return out;
}

std::string choice(const nlohmann::json& json, const std::string& rule) {
  for (const nlohmann::json& each : json.at("choices")) {
    if (each.at("rule") == rule) return each.at("choose").is_null() ? "either" : each.at("choose");
  }
  return "no such rule";
}

TEST(Review, EachNumberOfThePageIsInTheJsonWithHowItWasObtained) {
  const Page made = page(sample());
  EXPECT_EQ(faults_of_page(made.html, made.json), std::vector<std::string>{});
}

TEST(Review, SoItIsWithoutBandOrFigures) {
  Review bare = sample();
  bare.band.reset();
  bare.quick = true;
  for (CardRun& run : bare.cards) run.measures.clear();
  const Page made = page(bare);
  EXPECT_EQ(faults_of_page(made.html, made.json), std::vector<std::string>{});
  EXPECT_NE(made.html.find("nothing to conclude"), std::string::npos);
}

TEST(Review, ANumberWithoutAnEntryIsFound) {
  const Page made = page(sample());
  const auto with = [&](const std::string& text) {
    std::string html = made.html;
    return faults_of_page(html.insert(html.find("</main>"), text), made.json);
  };
  EXPECT_EQ(with("<p>38.7 TFLOPS</p>"), std::vector<std::string>{"no entry for '38.7'"});
  EXPECT_EQ(with("<p>twice (2x) as fast</p>"), std::vector<std::string>{"no entry for '(2x)'"});
  EXPECT_EQ(with("<p>fp16 on sm_120</p>"), std::vector<std::string>{});
  EXPECT_EQ(with("<data data-figure=\"none.such\">7</data>"), std::vector<std::string>{"no entry for '7'"});
  EXPECT_EQ(with("<data>7</data>"), std::vector<std::string>{"no entry for '7'"});
  EXPECT_EQ(with("<span class=\"name\">RTX 9</span>"), std::vector<std::string>{"'RTX 9' is not in names"});
  EXPECT_EQ(with("<cite>arXiv 1</cite>"), std::vector<std::string>{"'arXiv 1' is not in sources"});
  EXPECT_EQ(with("<img src=\"a.png\"/>"), std::vector<std::string>{"fetched: a.png"});
  EXPECT_NE(with("<i>"), std::vector<std::string>{});
  std::string other = made.html;
  const std::size_t at = other.find(">36,864<");
  ASSERT_NE(at, std::string::npos);
  EXPECT_EQ(faults_of_page(other.replace(at, 8, ">36,865<"), made.json),
            std::vector<std::string>{"run.rtx-a6000.fma-fp32 is '36,865' here and '36,864' in the JSON"});
}

TEST(Review, ThereAreSixPartsAndUnitsThatDoNotRunSaySo) {
  const std::string html = page(sample()).html;
  std::size_t from = 0;
  for (const char* part :
       {"Specification", "The units at work", "Benchmarks", "Power and clocks", "Use cases", "Conclusion"}) {
    from = html.find(std::string("<h2>") + part, from);
    ASSERT_NE(from, std::string::npos) << part;
  }
  for (const char* id : {"ray-tracing", "nvlink", "partitions", "video"}) {
    const std::size_t begin = html.find(std::string("<section id=\"") + id);
    ASSERT_NE(begin, std::string::npos) << id;
    const std::string section = html.substr(begin, html.find("</section>", begin) - begin);
    EXPECT_NE(section.find("nothing here was predicted"), std::string::npos) << id;
    EXPECT_EQ(section.find("class=\"predicted\""), std::string::npos) << id;
  }
}

// Two cards, ECC and power limits: runs of their own.
TEST(Review, OtherStatesOfTheCardsHaveTheirSections) {
  Review with = sample();
  for (CardRun& run : with.cards) {
    const bool first = run.card.id == "rtx-a6000";
    run.apart = {measure("peer-copy", first ? 26.3 : 56.6)};
    if (first) run.joined = {measure("peer-copy", 52.8), measure("peer-read", 43)};
    run.without_ecc = {measure("stream-read", first ? 712 : 1222)};
    run.with_ecc = {measure("stream-read", first ? 641 : 1222)};
    for (const double watts : {200.0, 300.0})
      run.at_limits.push_back({watts, {measure("fma-fp32", watts * 100, watts)}});
  }
  const Page made = page(with);
  EXPECT_EQ(faults_of_page(made.html, made.json), std::vector<std::string>{});
  const nlohmann::json figures = nlohmann::json::parse(made.json)["figures"];
  EXPECT_EQ(figures["run.rtx-a6000.peer-copy.joined"]["value"], 52.8);
  EXPECT_EQ(figures["run.rtx-a6000.peer-copy.apart"]["value"], 26.3);
  EXPECT_EQ(figures["run.rtx-a6000.stream-read.ecc-on"]["value"], 641);
  EXPECT_NEAR(figures["ecc.rtx-a6000.memory.on"]["value"].get<double>(), 44.67, 0.01);
  EXPECT_EQ(figures["per_watt.rtx-a6000.fma-fp32.at-200-w"]["value"], 100);
  const std::size_t nvlink = made.html.find("<section id=\"nvlink\"");
  ASSERT_NE(nvlink, std::string::npos);
  EXPECT_EQ(made.html.substr(nvlink, made.html.find("</section>", nvlink) - nvlink)
                .find("nothing here was predicted"),
            std::string::npos);
}

TEST(Review, InstancesStandBesideTheWholeCard) {
  Review review = sample();
  CardRun& whole = review.cards[1];
  CardRun& half =
      whole.instances.emplace_back(run_on("rtx-pro-5000-blackwell", {measure("fma-fp32", 30886)}));
  half.card.id += ".1g.24gb";
  half.name = "1g.24gb";
  half.measures.push_back(measure("stream-read", 550));  // which the whole card did not run
  const Page made = page(review);
  EXPECT_EQ(faults_of_page(made.html, made.json), std::vector<std::string>{});
  const nlohmann::json figures = nlohmann::json::parse(made.json)["figures"];
  EXPECT_EQ(figures["run.rtx-pro-5000-blackwell.1g.24gb.fma-fp32"]["value"], 30886);
  const double of_the_card = find(whole, "fma-fp32")->value;
  EXPECT_NEAR(figures["share.rtx-pro-5000-blackwell.1g.24gb.fma-fp32"]["value"], 30886 / of_the_card, 1e-9);
  EXPECT_FALSE(figures.contains("share.rtx-pro-5000-blackwell.1g.24gb.stream-read"));
  EXPECT_EQ(made.html.find("No test ran in an instance"), std::string::npos);
}

TEST(Review, PredictionsCarryTheModelsErrorAsABand) {
  const Page made = page(sample());
  const nlohmann::json figure = nlohmann::json::parse(made.json)["figures"]["run.rtx-a6000.fma-fp32"];
  EXPECT_EQ(figure["how"], "predicted");
  EXPECT_NEAR(figure["low"].get<double>(), 36864 / 1.117, 1);
  EXPECT_NEAR(figure["high"].get<double>(), 36864 / 0.883, 1);
  EXPECT_NE(made.html.find("class=\"band\""), std::string::npos);
  EXPECT_NE(made.html.find("is unverified"), std::string::npos) << "of a card that nobody has measured";
  Review without = sample();
  without.band.reset();
  EXPECT_EQ(page(without).html.find("class=\"band\""), std::string::npos);
}

// The same rules say the opposite of the opposite runs: no verdict stands in the program.
TEST(Review, ChoicesFollowFromTheFiguresAlone) {
  const nlohmann::json there = nlohmann::json::parse(page(sample()).json);
  EXPECT_EQ(choice(there, "single"), "rtx-pro-5000-blackwell");
  EXPECT_EQ(choice(there, "double"), "either") << "604 and 620 lie within the error";
  EXPECT_EQ(choice(there, "copies"), "rtx-pro-5000-blackwell");
  EXPECT_EQ(choice(there, "int4"), "rtx-a6000") << "the other does not run it";
  EXPECT_EQ(choice(there, "link"), "rtx-a6000");
  EXPECT_EQ(choice(there, "share"), "rtx-pro-5000-blackwell");
  Review turned = sample();
  std::swap(turned.cards[0].measures, turned.cards[1].measures);
  const nlohmann::json other = nlohmann::json::parse(page(turned).json);
  EXPECT_EQ(choice(other, "single"), "rtx-a6000");
  EXPECT_EQ(choice(other, "copies"), "rtx-a6000");
  EXPECT_EQ(choice(other, "int4"), "rtx-pro-5000-blackwell");
  std::swap(turned.cards[0], turned.cards[1]);
  EXPECT_EQ(choice(nlohmann::json::parse(page(turned).json), "single"), "rtx-a6000");
}

TEST(Review, PowerAtItsLimitIsExplained) {
  const auto explained = [](double watts, bool bound, const std::string& words) {
    Review review = sample();
    review.cards[0].measures[0].watts = watts;
    review.cards[0].measures[0].power_bound = bound;
    return page(review).html.find(words) != std::string::npos;
  };
  EXPECT_TRUE(explained(299.9999, false, "too short for the power limit to slow it"));
  EXPECT_TRUE(explained(298, true, "slowed by the power limit"));
  EXPECT_FALSE(explained(280, false, "the power limit to slow it"));
}

TEST(Review, EnergyIsOfTheWorkAJoule) {
  Review review = sample();
  for (Measure& measure : review.cards[1].measures) measure.watts = 1000;
  const nlohmann::json json = nlohmann::json::parse(page(review).json);
  EXPECT_EQ(choice(json, "energy"), "rtx-a6000");
  EXPECT_EQ(choice(json, "single"), "rtx-pro-5000-blackwell");
}

TEST(Review, TheVerdictNamesTheFasterCardAndWhatSpeaksForTheOther) {
  const auto verdict = [](const Review& review) {
    const std::string html = page(review).html;
    return html.substr(html.find("<section id=\"conclusion\""));
  };
  const std::string there = verdict(sample());
  EXPECT_NE(there.find("RTX PRO 5000 Blackwell</span> is the faster card"), std::string::npos) << there;
  const std::size_t other = there.find("What speaks for <span class=\"name\">RTX A6000");
  ASSERT_NE(other, std::string::npos) << there;
  EXPECT_NE(there.find("two cards must work on the same data", other), std::string::npos);
  EXPECT_NE(there.find("integers of four bits", other), std::string::npos);
  EXPECT_EQ(there.find("single precision", other), std::string::npos);
  Review turned = sample();
  std::swap(turned.cards[0].measures, turned.cards[1].measures);
  EXPECT_NE(verdict(turned).find("RTX A6000</span> is the faster card"), std::string::npos);
  turned.cards[1].measures = turned.cards[0].measures;
  EXPECT_NE(verdict(turned).find("Neither card is the faster"), std::string::npos);
}

// The same amount reads the same wherever it stands.
TEST(Review, SizesOfMemoryReadTheSameInTheTableAndInTheUses) {
  const nlohmann::json figures = nlohmann::json::parse(page(sample()).json)["figures"];
  for (const char* card : {"rtx-a6000", "rtx-pro-5000-blackwell"}) {
    const std::string id = card;
    EXPECT_EQ(figures["file." + id + ".memory.bytes"]["text"],
              figures["rule.room." + id]["text"].get<std::string>() + " GiB");
  }
}

TEST(Review, ATestThatHasNoFigureOnEitherCardIsNotListed) {
  Review review = sample();
  for (CardRun& run : review.cards) run.measures.push_back(measure("peer-copy", 0));
  EXPECT_EQ(page(review).html.find("<b>peer-copy</b>"), std::string::npos);
}

TEST(Review, WhatDidNotRunIsSaid) {
  const std::string html = page(sample()).html;
  EXPECT_NE(html.find("out of memory after 512 MiB"), std::string::npos);
  EXPECT_NE(html.find("&lt;b&gt;"), std::string::npos) << "words of the suite are no HTML";
}

}  // namespace
}  // namespace doppel::report::review
