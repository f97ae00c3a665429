// SPDX-License-Identifier: Apache-2.0
// Machines that a file describes.
#include "node/description.h"

#include <fstream>

#include "fixture.h"

namespace doppel::node {
namespace {

constexpr const char* kPair = R"(
[[card]]
model = "rtx-a6000"
pcie_generation = 3
pcie_lanes = 8
host_bridge = 1

[[card]]
model = "rtx-a6000"
pcie_switch = 4

[[card]]
model = "rtx-pro-5000-blackwell"
numa_node = 1

[[nvlink]]
cards = [1, 0]
)";

class Described : public NodeTest {
 protected:
  Described() {
    setenv("DOPPEL_CARD_PATH", DOPPEL_SOURCE_DIR "/cards", 1);
    setenv("XDG_RUNTIME_DIR", folder.c_str(), 1);  // where the stores lie
    toml = folder / "node.toml";
  }
  ~Described() override { unsetenv("XDG_RUNTIME_DIR"); }
  std::shared_ptr<Node> open(const std::string& text) const {
    std::ofstream(toml) << text;
    auto node = Node::open(toml.string());
    EXPECT_TRUE(node) << node.error().message;
    return node ? *node : nullptr;
  }
  std::filesystem::path toml;
};

TEST_F(Described, HasItsCardsInTheirSlots) {
  const auto description = parse_description(kPair, "node.toml");
  ASSERT_TRUE(description) << description.error().message;
  ASSERT_EQ(description->cards.size(), 3u);
  EXPECT_EQ(description->cards[0].card.id, "rtx-a6000");
  EXPECT_EQ(description->cards[0].slot,
            (card::Slot{.pcie_generation = 3, .pcie_lanes = 8, .host_bridge = 1}));
  EXPECT_EQ(description->cards[1].slot.pcie_switch, 4);
  EXPECT_EQ(description->cards[2].slot.numa_node, 1);
  EXPECT_EQ(description->bridges, (std::vector<std::pair<int, int>>{{1, 0}}));
  EXPECT_EQ(description->host, "");
}

TEST_F(Described, IsTheSameForEveryProcess) {
  const auto node = open(kPair);
  EXPECT_EQ(*node->card_count(), 3);
  EXPECT_EQ(node->name(0)->slot.pcie_generation, 3);
  EXPECT_EQ(*node->nvlink_peer(0), 1);
  EXPECT_EQ(*node->nvlink_peer(2), std::nullopt);
  EXPECT_EQ(*node->description(), toml.string());
  // The second of two of a kind.
  EXPECT_EQ(*node->card(card_of("rtx-a6000"), 1, at(0)), 1);
  ASSERT_TRUE(node->set_power_limit(1, 200, wall_ns()));
  const ChildProcess child([&] {
    const auto other = Node::open(toml.string());
    if (!other || (*other)->state(1, wall_ns())->limit_w != 200 || *(*other)->card_count() != 3) _exit(1);
  });
}

TEST_F(Described, HasNoOtherCards) {
  const auto node = open(kPair);
  const auto third = node->card(card_of("rtx-a6000"), 2, at(0));
  ASSERT_FALSE(third);
  EXPECT_EQ(third.error().kind, Error::Kind::NotFound);
  EXPECT_EQ(third.error().message, toml.string() + " has 2 of rtx-a6000, and 3 are asked for");
  EXPECT_EQ(node->card(card_of("a40"), 0, at(0)).error().message,
            toml.string() + " has none of a40, and 1 are asked for");
  EXPECT_EQ(*node->card_count(), 3);
}

TEST_F(Described, HasNoOtherBridges) {
  const auto node = open(R"([[card]]
model = "rtx-a6000"
[[card]]
model = "rtx-a6000"
)");
  const auto joined = node->join_by_nvlink(0, 1);
  ASSERT_FALSE(joined);
  EXPECT_NE(joined.error().message.find("says which cards bridges join"), std::string::npos);
  const auto pair = open(kPair);
  EXPECT_TRUE(pair->join_by_nvlink(0, 1));  // as it is
}

// Another text is another machine: what was set of the first does not hold for it.
TEST_F(Described, IsAnotherMachineWithAnotherText) {
  const auto first = open(kPair);
  ASSERT_TRUE(first->set_power_limit(0, 200, wall_ns()));
  const auto second = open(std::string(kPair) + "# a comment");
  EXPECT_EQ(second->state(0, wall_ns())->limit_w, 300);
  EXPECT_EQ(open(kPair)->state(0, wall_ns())->limit_w, 200);
}

TEST_F(Described, NamesFilesFromItsOwnFolder) {
  std::filesystem::create_directory(folder / "parts");
  std::filesystem::copy_file(DOPPEL_SOURCE_DIR "/cards/rtx-a6000.toml", folder / "parts" / "rtx-a6000.toml");
  std::filesystem::copy_file(DOPPEL_SOURCE_DIR "/hosts/workstation.toml", folder / "parts" / "host.toml");
  const auto node = open("host = \"parts/host.toml\"\n[[card]]\nmodel = \"parts/rtx-a6000.toml\"\n");
  EXPECT_EQ(node->name(0)->reference, (folder / "parts" / "rtx-a6000.toml").string());
  EXPECT_EQ(*node->host(), (folder / "parts" / "host.toml").string());
}

TEST_F(Described, ThatIsWrongNamesFileLineAndKey) {
  const std::string card = "[[card]]\nmodel = \"rtx-a6000\"\n";
  const auto message = [](const std::string& text) {
    const auto description = parse_description(text, "node.toml");
    return description ? std::string("none") : description.error().message;
  };
  EXPECT_EQ(message(""), "node.toml:1: card: expected at least one [[card]], found nothing");
  EXPECT_EQ(message("card = 1"), "node.toml:1: card: expected tables, [[card]], found a whole number");
  EXPECT_EQ(message("[card]\nmodel = \"x\""), "node.toml:1: card: expected tables, [[card]], found a table");
  EXPECT_EQ(message("[[card]]\n"), "node.toml:1: card.model: expected a string, found nothing");
  EXPECT_EQ(message("[[card]]\nmodel = 3"),
            "node.toml:2: card.model: expected a string, found a whole number");
  EXPECT_EQ(message("[[card]]\nmodl = \"rtx-a6000\""),
            "node.toml:2: card.modl: unknown key; did you mean 'model'?");
  EXPECT_TRUE(message("[[card]]\nmodel = \"rtx-a600\"")
                  .starts_with("node.toml:2: card.model: no card 'rtx-a600'; did you mean 'rtx-a6000'?"));
  EXPECT_EQ(message(card + "pcie_generation = 6"),
            "node.toml:3: card.pcie_generation: expected a number from 1 to 5, found 6");
  EXPECT_EQ(message(card + "pcie_lanes = 0"),
            "node.toml:3: card.pcie_lanes: expected a number from 1 to 16, found 0");
  EXPECT_EQ(message(card + "pcie_lanes = 12"),
            "node.toml:3: card.pcie_lanes: expected 1, 2, 4, 8 or 16, found 12");
  EXPECT_EQ(message(card + "numa_node = -1"),
            "node.toml:3: card.numa_node: expected a number from 0 to 255, found -1");
  EXPECT_TRUE(message(card + "host_bridge = \"x\"").starts_with("node.toml:3: card.host_bridge: expected"));
  EXPECT_EQ(message("speed = 1\n" + card), "node.toml:1: speed: unknown key");
  EXPECT_TRUE(message("host = \"no/host.toml\"\n" + card)
                  .starts_with("node.toml:1: host: cannot read the host file"));
  EXPECT_TRUE(message("host = \"farm\"\n" + card).starts_with("node.toml:1: host: "));
  EXPECT_EQ(message(card + "[[nvlink]]\n"),
            "node.toml:3: nvlink.cards: expected two numbers of cards, found nothing");
  for (const char* wrong : {"0", "[0]", "[0, 1, 2]", "[0, \"1\"]", "[0.0, 1.0]"})
    EXPECT_EQ(message(card + "[[nvlink]]\ncards = " + wrong),
              "node.toml:4: nvlink.cards: expected two numbers of cards, from 0, as [0, 1]");
  EXPECT_EQ(message(card + "[[nvlink]]\ncards = [0, 1]"),
            "node.toml:4: nvlink.cards: there is no card 1: they are 0 to 0");
  EXPECT_EQ(message(card + "[[nvlink]]\ncards = [0, 0]"),
            "node.toml:4: nvlink.cards: expected two cards, found one twice");
  EXPECT_EQ(message(card + card + "[[nvlink]]\ncards = [0, 1]\nlinks = 4"),
            "node.toml:7: nvlink.links: unknown key");
  const std::string pro = "[[card]]\nmodel = \"rtx-pro-5000-blackwell\"\n",
                    a40 = "[[card]]\nmodel = \"a40\"\n";
  EXPECT_EQ(message(pro + pro + "[[nvlink]]\ncards = [0, 1]"),
            "node.toml:6: nvlink.cards: NVIDIA RTX PRO 5000 Blackwell has no NVLink");
  EXPECT_EQ(message(card + a40 + "[[nvlink]]\ncards = [0, 1]"),
            "node.toml:6: nvlink.cards: a bridge joins two cards of one model, not rtx-a6000 and a40");
  EXPECT_EQ(message(card + card + card + "[[nvlink]]\ncards = [0, 1]\n[[nvlink]]\ncards = [1, 2]"),
            "node.toml:10: nvlink.cards: card 1 has a bridge already");
  EXPECT_TRUE(message(card + "pcie_lanes = ").starts_with("node.toml:3: not TOML: "));
  std::string many;
  for (int i = 0; i <= kMostCards; ++i) many += card;
  EXPECT_EQ(message(many), "node.toml:33: card: expected 16 cards at most");
}

TEST_F(Described, ThatIsMissingIsNamed) {
  const auto node = Node::open((folder / "none.toml").string());
  ASSERT_FALSE(node);
  EXPECT_EQ(node.error().kind, Error::Kind::Io);
  EXPECT_EQ(node.error().message,
            "cannot read the description of a node, " + (folder / "none.toml").string());
  std::ofstream(toml) << "[[card]]\n";
  EXPECT_EQ(Node::open(toml.string()).error().message,
            toml.string() + ":1: card.model: expected a string, found nothing");
}

}  // namespace
}  // namespace doppel::node
