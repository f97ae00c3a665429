// SPDX-License-Identifier: Apache-2.0
// What a process takes from its node where it does not say otherwise.
#include "device/node_defaults.h"

#include <gtest/gtest.h>
#include <stdlib.h>  // NOLINT(modernize-deprecated-headers): mkdtemp and setenv are POSIX

#include <filesystem>
#include <fstream>

#include "card/load_card.h"
#include "device/device.h"
#include "device/platform.h"
#include "node/node.h"
#include "node/process_life.h"

namespace doppel::device {
namespace {

class NodeDefaults : public ::testing::Test {
 protected:
  NodeDefaults() {
    std::string name = ::testing::TempDir() + "doppel-defaults-XXXXXX";
    EXPECT_NE(mkdtemp(name.data()), nullptr);
    folder = name;
    setenv("DOPPEL_CARD_PATH", DOPPEL_SOURCE_DIR "/cards", 1);
    setenv("XDG_RUNTIME_DIR", folder.c_str(), 1);
  }
  ~NodeDefaults() override {
    unsetenv("XDG_RUNTIME_DIR");
    std::error_code ignored;
    std::filesystem::remove_all(folder, ignored);
  }
  Options of(const std::string& node) const {
    auto options = Options::from({{"DOPPEL_NODE", node}, {"DOPPEL_CACHE", (folder / "cache").string()}});
    EXPECT_TRUE(options);
    return *options;
  }
  std::string described(const std::string& text) const {
    std::ofstream(folder / "node.toml") << text;
    return (folder / "node.toml").string();
  }
  std::filesystem::path folder;
};

TEST_F(NodeDefaults, AreItsCardsInTheirSlots) {
  const Options options =
      of(described("[[card]]\nmodel = \"rtx-pro-5000-blackwell\"\npcie_generation = 3\n[[card]]\nmodel = "
                   "\"rtx-a6000\"\n"));
  auto platform = Platform::create(options);
  ASSERT_TRUE(platform) << platform.error().message;
  ASSERT_EQ((*platform)->device_count(), 2);
  EXPECT_EQ((*platform)->device(0).card().id, "rtx-pro-5000-blackwell");
  EXPECT_EQ((*platform)->device(0).card().pcie.generation, 3);
  EXPECT_EQ((*platform)->device(1).card().pcie.generation, 4);
}

TEST_F(NodeDefaults, GiveWayToCardsThatAreNamed) {
  const std::string node = described("[[card]]\nmodel = \"rtx-a6000\"\n[[card]]\nmodel = \"rtx-a6000\"\n");
  auto options = Options::from({{"DOPPEL_NODE", node}, {"DOPPEL_CARDS", "rtx-a6000"}});
  ASSERT_TRUE(options && take_from_node(*options));
  EXPECT_EQ(options->cards, std::vector<std::string>{"rtx-a6000"});
  options->cards = {"a40"};
  const auto platform = Platform::create(*options);
  ASSERT_FALSE(platform);
  EXPECT_EQ(platform.error().message, node + " has none of a40, and 1 are asked for");
}

TEST_F(NodeDefaults, OfANameAreTheCardsThatAreThere) {
  const std::string name = (folder / "node").string();
  Options options = of(name);
  ASSERT_TRUE(take_from_node(options));
  EXPECT_EQ(options.cards, std::vector<std::string>{"rtx-a6000"});  // an empty node
  const auto card = card::find_card("a40");
  ASSERT_TRUE((*node::Node::open(name))->card(*card, 0, node::wall_ns()));
  ASSERT_TRUE(take_from_node(options));
  EXPECT_EQ(options.cards, std::vector<std::string>{card->file});
}

TEST_F(NodeDefaults, AreItsHostWhereNoneIsNamed) {
  std::filesystem::copy_file(DOPPEL_SOURCE_DIR "/hosts/workstation.toml", folder / "host.toml");
  const std::string node = described("host = \"host.toml\"\n[[card]]\nmodel = \"rtx-a6000\"\n");
  Options options = of(node);
  ASSERT_TRUE(take_from_node(options));
  EXPECT_EQ(options.host, (folder / "host.toml").string());
  options.host = "other.toml";
  ASSERT_TRUE(take_from_node(options));
  EXPECT_EQ(options.host, "other.toml");
}

}  // namespace
}  // namespace doppel::device
