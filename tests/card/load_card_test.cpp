// SPDX-License-Identifier: Apache-2.0
#include "card/load_card.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <regex>
#include <sstream>

#include "card/card_fields.h"

namespace doppel::card {
namespace {

std::string a6000_text() {
  std::ifstream in(std::string(DOPPEL_SOURCE_DIR) + "/cards/rtx-a6000.toml");
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

// The A6000's file with one line changed, and the error it gives.
std::string error_of(const std::string& pattern, const std::string& replacement) {
  const std::string text = std::regex_replace(a6000_text(), std::regex(pattern), replacement);
  const Result<Card> card = parse_card(text, "bad.toml");
  return card ? "no error" : card.error().message;
}

TEST(LoadCard, EveryCardInTheTreeIsRead) {
  for (const std::string id : {"rtx-a6000", "rtx-pro-5000-blackwell", "a40"}) {
    const Result<Card> card = find_card(id);
    ASSERT_TRUE(card) << card.error().message;
    EXPECT_EQ(card->id, id);
  }
}

TEST(LoadCard, EveryNumberHasAMarkAndASource) {
  for (const std::string& id : known_cards()) {
    Card card = find_card(id).value();
    for (const auto& [key, provenance] : card.provenance) {
      EXPECT_FALSE(provenance.source.empty()) << id << " " << key;
      EXPECT_GT(provenance.line, 0) << id << " " << key;
    }
    for (const Field& field : fields(card)) {
      if (!field.optional) {
        EXPECT_TRUE(card.provenance.contains(std::string(field.key))) << id << " " << field.key;
      }
    }
  }
}

TEST(LoadCard, NumbersArriveWhereTheyBelong) {
  const Card card = find_card("rtx-a6000").value();
  EXPECT_EQ(card.name, "NVIDIA RTX A6000");
  EXPECT_EQ(card.compute_capability.number(), 86);
  EXPECT_EQ(card.sm_count, 84);
  EXPECT_EQ(card.sm.max_warps, 48);
  EXPECT_EQ(card.sm.registers, 65536);
  EXPECT_EQ(card.sm.max_grid_dim[0], 2147483647);
  EXPECT_EQ(card.l2.bytes, 6291456);
  EXPECT_EQ(card.memory.bytes, 51160023040);
  EXPECT_NEAR(card.memory.peak_bytes_per_second(), 768.096e9, 1e3);
  EXPECT_EQ(card.nvlink.links, 4);
  EXPECT_EQ(card.provenance.at("l2.bytes").mark, "M");
  const Card blackwell = find_card("rtx-pro-5000-blackwell").value();
  EXPECT_EQ(blackwell.compute_capability.number(), 120);
  EXPECT_EQ(blackwell.nvlink.links, 0);
  EXPECT_EQ(blackwell.tensor.int4, 0);
  EXPECT_EQ(blackwell.partitions.size(), 7U);
  EXPECT_EQ(blackwell.partitions[0].name, "1g.24gb");
}

TEST(LoadCard, AWrongTypeNamesFileLineKeyAndExpectation) {
  EXPECT_TRUE(
      std::regex_match(error_of("max_warps = \\{ value = 48", "max_warps = { value = \"48\""),
                       std::regex("bad.toml:\\d+: sm.max_warps: expected a whole number, found a string")));
  EXPECT_TRUE(std::regex_match(
      error_of("max_warps = \\{ value = 48", "max_warps = { value = 48.5"),
      std::regex("bad.toml:\\d+: sm.max_warps: expected a whole number, found a number with a fraction")));
  EXPECT_TRUE(
      std::regex_match(error_of("max_block_dim = \\{ value = \\[1024, ", "max_block_dim = { value = ["),
                       std::regex("bad.toml:\\d+: sm.max_block_dim: expected 3 numbers, found 2")));
}

TEST(LoadCard, ANumberOutOfRangeIsRefused) {
  EXPECT_TRUE(std::regex_match(
      error_of("max_warps = \\{ value = 48", "max_warps = { value = 480"),
      std::regex("bad.toml:\\d+: sm.max_warps: expected a number from 1 to 128, found 480")));
}

TEST(LoadCard, AnUnknownKeyIsRefusedWithTheNearest) {
  EXPECT_TRUE(std::regex_match(
      error_of("max_warps =", "max_warp ="),
      std::regex("bad.toml:\\d+: sm.max_warp: unknown key; did you mean 'sm.max_warps'\\?")));
  EXPECT_TRUE(std::regex_match(error_of("\\[front_end\\]", "[frontend]"),
                               std::regex("bad.toml:\\d+: frontend: unknown key.*")));
}

TEST(LoadCard, AMissingKeyIsRefused) {
  EXPECT_EQ(error_of("max_warps = [^\\n]*\\n", ""),
            "bad.toml:1: sm.max_warps: expected this key, found nothing");
}

TEST(LoadCard, AMarkAndASourceMustBeKnown) {
  EXPECT_TRUE(std::regex_match(
      error_of("max_warps = \\{ value = 48, mark = \"R\"", "max_warps = { value = 48, mark = \"Q\""),
      std::regex("bad.toml:\\d+: sm.max_warps.mark: expected one of M, M-n, V, R, D, K, found 'Q'")));
  EXPECT_TRUE(
      std::regex_match(error_of("max_warps = \\{ value = 48, mark = \"R\", source = \"huerta\"",
                                "max_warps = { value = 48, mark = \"R\", source = \"huert\""),
                       std::regex("bad.toml:\\d+: sm.max_warps.source: expected a name from .*'huerta'\\?")));
}

TEST(LoadCard, NumbersThatContradictEachOtherAreRefused) {
  struct Case {
    const char* pattern;
    const char* replacement;
    const char* error;
  };
  for (const Case& each : std::vector<Case>{
           {"max_threads = \\{ value = 1536", "max_threads = { value = 2048",
            "sm.max_threads: expected sm.max_warps x sm.warp_size \\(1536\\), found 2048"},
           {"sm_count = \\{ value = 84", "sm_count = { value = 85",
            "sm_count: expected a multiple of chip.tpc_count \\(42\\), found 85"},
           {"fp32_cores = \\{ value = 128", "fp32_cores = { value = 64",
            "pipes.fp32.per_cycle: expected sm.fp32_cores \\(64\\), found 128"},
           {"boost_mhz = \\{ value = 1800", "boost_mhz = { value = 1900",
            "clocks.boost_mhz: expected at most clocks.max_mhz \\(1800\\), found 1900"},
           {"max_blocks = \\{ value = 16", "max_blocks = { value = 64",
            "sm.max_blocks: expected at most sm.max_warps \\(48\\), found 64"},
           {"bus_width_bits = \\{ value = 384", "bus_width_bits = { value = 380",
            "memory.bus_width_bits: expected a multiple of memory.channels \\(24\\), found 380"},
           {"tensor_cores = \\{ value = 4", "tensor_cores = { value = 0",
            "sm.tensor_cores: expected more than 0 with rates in \\[tensor\\]"},
           {"links = \\{ value = 4", "links = { value = 0", "nvlink.links: expected more than 0 with .*"}}) {
    EXPECT_TRUE(std::regex_match(error_of(each.pattern, each.replacement),
                                 std::regex(std::string("bad.toml:[0-9]+: ") + each.error)))
        << error_of(each.pattern, each.replacement);
  }
}

constexpr const char* kDerived = R"(id = "mine"
name = "NVIDIA RTX A4500 or so"
description = "what differs"
based_on = "rtx-a6000"
without = ["nvlink", "tensor.int4"]
sm_count = { value = 56, mark = "V", source = "sheet" }
[sources]
sheet = "a data sheet"
[chip]
tpc_count = { value = 28, mark = "V", source = "sheet" }
[shared]
carveout_kib = { value = [0, 100], mark = "K", source = "sheet" }
)";

TEST(LoadCard, ACardSaysWhatDiffersFromAnother) {
  const Result<Card> card = parse_card(kDerived, "mine.toml");
  ASSERT_TRUE(card) << card.error().message;
  const Card base = find_card("rtx-a6000").value();
  EXPECT_EQ(card->id, "mine");
  EXPECT_EQ(card->based_on, "rtx-a6000");
  EXPECT_EQ(card->file, "mine.toml");
  EXPECT_EQ(card->sm_count, 56);
  EXPECT_EQ(card->provenance.at("sm_count").source, "a data sheet");
  EXPECT_EQ(card->sm.max_warps, base.sm.max_warps);
  EXPECT_EQ(card->memory.bytes, base.memory.bytes);
  EXPECT_EQ(card->shared.carveout_kib, (std::vector<int>{0, 100}));
  EXPECT_EQ(card->nvlink.links, 0);
  EXPECT_EQ(card->tensor.int4, 0);
  EXPECT_GT(card->tensor.int8, 0);
  EXPECT_FALSE(card->provenance.contains("nvlink.links"));
}

TEST(LoadCard, WhatWasMeasuredOnTheBaseWasMeasuredOnANeighbour) {
  const Card card = parse_card(kDerived, "mine.toml").value();
  const Card base = find_card("rtx-a6000").value();
  ASSERT_EQ(base.provenance.at("l2.bytes").mark, "M");
  EXPECT_EQ(card.provenance.at("l2.bytes").mark, "M-n");
  EXPECT_EQ(card.provenance.at("l2.bytes").source, base.provenance.at("l2.bytes").source + " [as rtx-a6000]");
  EXPECT_EQ(card.provenance.at("sm.max_warps").mark, "R");
}

TEST(LoadCard, MistakesInADerivedCardAreNamed) {
  const auto error = [](const std::string& pattern, const std::string& replacement) {
    const Result<Card> card =
        parse_card(std::regex_replace(std::string(kDerived), std::regex(pattern), replacement), "mine.toml");
    return card ? "no error" : card.error().message;
  };
  EXPECT_EQ(error("rtx-a6000", "rtx-a600").substr(0, 75),
            "mine.toml:4: based_on: no card 'rtx-a600'; did you mean 'rtx-a6000'? known:");
  EXPECT_EQ(error("\"nvlink\"", "\"nvlunk\""), "mine.toml:5: without: expected a key, found 'nvlunk'");
  EXPECT_EQ(error("\"nvlink\"", "\"sm\""), "mine.toml:5: without: every card has the key 'sm.sub_cores'");
  EXPECT_EQ(error("tpc_count = \\{ value = 28", "tpc_count = { value = 42"),
            "mine.toml:6: sm_count: expected a multiple of chip.tpc_count (42), found 56");
  EXPECT_EQ(error("based_on = \"rtx-a6000\"", ""), "mine.toml:5: without: expected only with based_on");
}

TEST(LoadCard, CardsThatAreBasedOnEachOtherAreRefused) {
  const std::filesystem::path folder = std::filesystem::path(testing::TempDir()) / "doppel-based-on";
  std::filesystem::create_directories(folder);
  for (const auto& [id, base] : {std::pair("one", "two"), std::pair("two", "one")}) {
    std::ofstream(folder / (std::string(id) + ".toml"))
        << "id = \"" << id << "\"\nname = \"n\"\ndescription = \"d\"\nbased_on = \"" << base << "\"\n";
  }
  const Result<Card> card = load_card(folder / "one.toml");
  ASSERT_FALSE(card);
  EXPECT_NE(card.error().message.find("expected a card that is not based on this one"), std::string::npos)
      << card.error().message;
  std::filesystem::remove_all(folder);
}

TEST(LoadCard, TextThatIsNotTomlNamesTheLine) {
  const Result<Card> card = parse_card("id = \"x\"\nname = \n", "bad.toml");
  ASSERT_FALSE(card);
  EXPECT_EQ(card.error().kind, Error::Kind::InvalidInput);
  EXPECT_TRUE(card.error().message.starts_with("bad.toml:2: not TOML: ")) << card.error().message;
}

TEST(FindCard, AnUnknownNameSuggestsTheNearest) {
  const Result<Card> card = find_card("rtx-a600");
  ASSERT_FALSE(card);
  EXPECT_EQ(card.error().kind, Error::Kind::NotFound);
  EXPECT_NE(card.error().message.find("did you mean 'rtx-a6000'?"), std::string::npos)
      << card.error().message;
}

TEST(FindCard, AFolderInTheEnvironmentComesFirst) {
  const std::filesystem::path folder = std::filesystem::path(testing::TempDir()) / "doppel-find-card";
  std::filesystem::create_directories(folder);
  std::ofstream(folder / "my-card.toml")
      << std::regex_replace(a6000_text(), std::regex("id = \"rtx-a6000\""), "id = \"my-card\"");
  setenv("DOPPEL_CARD_PATH", folder.c_str(), 1);
  EXPECT_EQ(find_card("my-card").value().id, "my-card");
  EXPECT_EQ(find_card("rtx-a6000").value().id, "rtx-a6000");
  unsetenv("DOPPEL_CARD_PATH");
  std::filesystem::remove_all(folder);
}

TEST(FindCard, AFileMustCarryItsOwnName) {
  const std::filesystem::path file = std::filesystem::path(testing::TempDir()) / "other-name.toml";
  std::ofstream(file) << a6000_text();
  const Result<Card> card = find_card(file.string());
  ASSERT_FALSE(card);
  EXPECT_NE(card.error().message.find("id: expected 'other-name'"), std::string::npos)
      << card.error().message;
  std::filesystem::remove(file);
}

}  // namespace
}  // namespace doppel::card
