// SPDX-License-Identifier: Apache-2.0
#include "card/load_host.h"

#include <gtest/gtest.h>

#include <fstream>
#include <regex>
#include <sstream>

#include "card/load_card.h"

namespace doppel::card {
namespace {

std::string workstation_text() {
  std::ifstream in(std::string(DOPPEL_SOURCE_DIR) + "/hosts/workstation.toml");
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

std::string host_error(const std::string& pattern, const std::string& replacement) {
  const std::string text = std::regex_replace(workstation_text(), std::regex(pattern), replacement);
  const Result<Host> host = parse_host(text, "bad.toml");
  return host ? "no error" : host.error().message;
}

TEST(LoadHost, EveryNumberHasAMarkAndASource) {
  Result<Host> host = find_host();
  ASSERT_TRUE(host) << host.error().message;
  for (const Field& field : fields(*host)) {
    const auto from = host->provenance.find(std::string(field.key));
    ASSERT_NE(from, host->provenance.end()) << field.key;
    EXPECT_FALSE(from->second.source.empty()) << field.key;
  }
}

TEST(LoadHost, NumbersArriveWhereTheyBelong) {
  const Host host =
      parse_host(std::regex_replace(workstation_text(), std::regex("launch_us = \\{ value = 2.0"),
                                    "launch_us = { value = 7.25"),
                 "host.toml")
          .value();
  EXPECT_EQ(host.calls.launch_us, 7.25);
  EXPECT_EQ(host.id, "workstation");
}

// A launch and the wait for it, with what the card takes in between: what was measured as one round trip on a
// card of the same architecture.
TEST(LoadHost, ALaunchAndItsWaitTakeARoundTrip) {
  const Host host = find_host().value();
  const Card card = find_card("rtx-pro-5000-blackwell").value();
  const double trip = host.calls.launch_us + card.launch.gap_us + card.launch.start_us + host.calls.notice_us;
  EXPECT_NEAR(trip, card.launch.round_trip_us, 0.3);
}

TEST(LoadHost, MistakesAreNamed) {
  EXPECT_EQ(host_error("poll_us =", "pol_us ="),
            "bad.toml:25: calls.pol_us: unknown key; did you mean 'calls.poll_us'?");
  EXPECT_NE(host_error("launch_us = \\{ value = 2.0", "launch_us = { value = -1").find("calls.launch_us"),
            std::string::npos);
  EXPECT_NE(host_error("processor_factor[^\n]*\n", "").find("processor_factor: expected this key"),
            std::string::npos);
  const auto missing = find_host("/nowhere/host.toml");
  ASSERT_FALSE(missing);
  EXPECT_NE(missing.error().message.find("/nowhere/host.toml"), std::string::npos);
}

// A page in part is a page.
TEST(LoadHost, PinnedMemoryIsPaidByThePage) {
  Host::Memory memory;
  memory.pin_us = 10;
  EXPECT_EQ(memory.pages_us(1, 2), 12);
  EXPECT_EQ(memory.pages_us(4097, 2), 14);
  EXPECT_EQ(memory.pages_us(0, 2), 10);
}

}  // namespace
}  // namespace doppel::card
