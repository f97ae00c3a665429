// SPDX-License-Identifier: Apache-2.0
// Cards, memory and events of a node, in one process.
#include "node/node.h"

#include "fixture.h"

namespace doppel::node {
namespace {

using Cards = NodeTest;

TEST_F(Cards, AreTheSameForWhoeverAsksForThem) {
  const card::Card a6000 = card_of("rtx-a6000"), pro = card_of("rtx-pro-5000-blackwell");
  EXPECT_EQ(*open()->cards({a6000, pro, a6000}, at(0)), (std::vector<int>{0, 1, 2}));
  EXPECT_EQ(*open()->cards({pro}, at(0)), std::vector<int>{1});
  EXPECT_EQ(*open()->cards({a6000, a6000}, at(0)), (std::vector<int>{0, 2}));
  EXPECT_EQ(*open()->card_count(), 3);
  const CardName name = *open()->name(2);
  EXPECT_EQ(name.id, "rtx-a6000");
  EXPECT_EQ(name.nth, 1);
  EXPECT_TRUE(*open()->has_card(name.reference, 1));
  EXPECT_FALSE(*open()->has_card(name.reference, 2));
}

TEST_F(Cards, ThatAreTooManyAreRefused) {
  const std::vector<card::Card> cards(kMostCards + 1, card_of("rtx-a6000"));
  const auto numbers = open()->cards(cards, at(0));
  ASSERT_FALSE(numbers);
  EXPECT_EQ(numbers.error().kind, Error::Kind::LimitExceeded);
}

TEST_F(Cards, ThatAreNotThereAreNotFound) {
  EXPECT_EQ(open()->state(0, at(0)).error().kind, Error::Kind::NotFound);
  EXPECT_EQ(open()->join(-1, at(0)).error().kind, Error::Kind::NotFound);
  EXPECT_EQ(open()->name(kMostCards).error().kind, Error::Kind::NotFound);
}

TEST_F(Cards, HaveOnePoolOfMemory) {
  const card::Card card = card_of("rtx-a6000");
  const auto node = open();
  ASSERT_EQ(*node->card(card, 0, at(0)), 0);
  const auto first = *node->join(0, at(0)), second = *node->join(0, at(0));
  const auto all = static_cast<std::uint64_t>(card.memory.bytes);
  std::uint64_t free = 0;
  EXPECT_TRUE(first->take(all - 1000, free, at(0)));
  EXPECT_FALSE(second->take(1001, free, at(0)));
  EXPECT_EQ(free, 1000u);
  EXPECT_TRUE(second->take(1000, free, at(0)));
  EXPECT_EQ(first->taken_by_others(at(0)), 1000u);
  EXPECT_EQ(node->state(0, at(0))->used_bytes, all);
  first->give_back(all - 1000, at(0));
  EXPECT_EQ(node->state(0, at(0))->used_bytes, 1000u);
  first->give_back(1, at(0));  // more than it has
  EXPECT_EQ(node->state(0, at(0))->used_bytes, 1000u);
}

TEST_F(Cards, ForgetWhoLeaves) {
  const auto node = open();
  ASSERT_EQ(*node->card(card_of("rtx-a6000"), 0, wall_ns()), 0);
  auto client = *node->join(0, wall_ns());
  std::uint64_t free = 0;
  EXPECT_TRUE(client->take(1 << 20, free, wall_ns()));
  client->begins(wall_ns());
  EXPECT_EQ(node->state(0, wall_ns())->busy, 1);
  client = nullptr;
  const CardState now = *node->state(0, wall_ns());
  EXPECT_EQ(now.used_bytes, 0u);
  EXPECT_EQ(now.busy, 0);
  EXPECT_TRUE(now.processes.empty());
}

TEST_F(Cards, HaveRoomForManyClientsAndSayWhenItIsFull) {
  const auto node = open();
  ASSERT_EQ(*node->card(card_of("rtx-a6000"), 0, at(0)), 0);
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < kMostClients; ++i) clients.push_back(*node->join(0, at(0)));
  EXPECT_EQ(node->join(0, at(0)).error().kind, Error::Kind::LimitExceeded);
  clients.pop_back();
  EXPECT_TRUE(node->join(0, at(0)));
}

TEST_F(Cards, TellTheirEventsInTheirOrder) {
  const auto node = open();
  ASSERT_EQ(*node->card(card_of("rtx-a6000"), 0, at(0)), 0);
  std::uint64_t seen = 0;
  EXPECT_FALSE(node->next_event(0, seen));
  for (std::uint64_t i = 0; i < kMostEvents + 2; ++i) ASSERT_TRUE(node->tell_event(0, 8, i));
  EXPECT_EQ(*node->event_count(0), kMostEvents + 2);
  // The first two were forgotten.
  for (std::uint64_t i = 2; i < kMostEvents + 2; ++i) EXPECT_EQ(node->next_event(0, seen)->data, i);
  EXPECT_FALSE(node->next_event(0, seen));
}

TEST_F(Cards, AreJoinedInEveryProcess) {
  const auto node = open();
  for (int i = 0; i < 3; ++i) ASSERT_EQ(*node->card(card_of("rtx-a6000"), i, at(0)), i);
  ASSERT_EQ(*node->card(card_of("rtx-pro-5000-blackwell"), 0, at(0)), 3);
  ASSERT_EQ(*node->card(card_of("a40"), 0, at(0)), 4);
  EXPECT_EQ(*node->nvlink_peer(0), std::nullopt);
  ASSERT_TRUE(node->join_by_nvlink(2, 0));
  EXPECT_TRUE(node->join_by_nvlink(0, 2));  // as it is
  EXPECT_EQ(*open()->nvlink_peer(0), 2);
  EXPECT_EQ(*open()->nvlink_peer(2), 0);
  EXPECT_EQ(*open()->nvlink_peer(1), std::nullopt);
  EXPECT_EQ(node->join_by_nvlink(0, 1).error().kind, Error::Kind::AlreadyDone);
  EXPECT_EQ(node->join_by_nvlink(1, 1).error().kind, Error::Kind::InvalidArgument);
  EXPECT_EQ(node->join_by_nvlink(1, 4).error().kind, Error::Kind::InvalidArgument);
  EXPECT_EQ(node->join_by_nvlink(1, 3).error().message, "rtx-pro-5000-blackwell has no NVLink");
  EXPECT_EQ(node->join_by_nvlink(0, 5).error().kind, Error::Kind::NotFound);
  EXPECT_EQ(node->nvlink_peer(-1).error().kind, Error::Kind::NotFound);
}

TEST_F(Cards, OfAPrivateNodeAreNobodyElses) {
  auto one = *Node::open(""), other = *Node::open("");
  ASSERT_EQ(*one->card(card_of("rtx-a6000"), 0, at(0)), 0);
  EXPECT_EQ(*other->card_count(), 0);
}

TEST_F(NodeTest, RemembersTheLastEvent) {
  const auto node = open();
  const int card = *node->card(card_of("rtx-a6000"), 0, kStart);
  EXPECT_EQ(*node->last_event(card, 8), std::nullopt);
  ASSERT_TRUE(node->tell_event(card, 8, 31));
  ASSERT_TRUE(node->tell_event(card, 8, 13));
  ASSERT_TRUE(node->tell_event(card, 16, 5));
  EXPECT_EQ(*node->last_event(card, 8), 13u);
  for (std::size_t i = 0; i < kMostEvents; ++i) ASSERT_TRUE(node->tell_event(card, 16, i));
  EXPECT_EQ(*node->last_event(card, 8), std::nullopt);  // forgotten
  EXPECT_FALSE(node->last_event(7, 8));
}

}  // namespace
}  // namespace doppel::node
