// SPDX-License-Identifier: Apache-2.0
#include "node/ecc.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "card/load_card.h"
#include "node/client.h"
#include "node/process_life.h"

namespace doppel::node {
namespace {

class EccTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto opened = Node::open("");
    ASSERT_TRUE(opened);
    node = *opened;
    for (const char* name : {"rtx-a6000", "rtx-pro-5000-blackwell"}) {
      const auto card = card::find_card(name);
      ASSERT_TRUE(card);
      ASSERT_TRUE(node->card(*card, 0, wall_ns()));
    }
  }
  std::uint64_t next_xid(std::uint64_t& seen) const {
    while (const auto event = node->next_event(0, seen)) {
      if (event->type == 8) return event->data;
    }
    return 0;
  }
  // The first card's, with a process on it.
  void open(bool with_ecc) {
    ASSERT_TRUE(ecc.set_mode(with_ecc));
    ASSERT_TRUE(ecc.reset(wall_ns()));
    auto joined = node->join(0, wall_ns());
    ASSERT_TRUE(joined);
    client = std::move(*joined);
  }
  std::shared_ptr<Node> node;
  Ecc ecc{nullptr, 0};
  std::unique_ptr<Client> client;
};

TEST_F(EccTest, TheModeChangesWithAReset) {
  ecc = Ecc(node, 0);
  auto state = ecc.state();
  ASSERT_TRUE(state);
  EXPECT_TRUE(state->supported);
  EXPECT_FALSE(state->on || state->pending || state->on_by_default);  // as the RTX A6000 is delivered
  ASSERT_TRUE(ecc.set_mode(true));
  EXPECT_FALSE(ecc.state()->on);
  EXPECT_TRUE(ecc.state()->pending);
  {
    auto joined = node->join(0, wall_ns());
    ASSERT_TRUE(joined);
    EXPECT_EQ(ecc.reset(wall_ns()).error().kind, Error::Kind::NotPermitted);
    std::uint64_t free_bytes = 0;
    EXPECT_TRUE((*joined)->take(std::uint64_t{47} << 30, free_bytes, wall_ns()));
    (*joined)->give_back(std::uint64_t{47} << 30, wall_ns());
  }
  ASSERT_TRUE(ecc.reset(wall_ns()));
  EXPECT_TRUE(ecc.state()->on);
  // A sixteenth of the memory is gone.
  auto joined = node->join(0, wall_ns());
  ASSERT_TRUE(joined);
  std::uint64_t free_bytes = 0;
  EXPECT_FALSE((*joined)->take(std::uint64_t{47} << 30, free_bytes, wall_ns()));
  EXPECT_NEAR(static_cast<double>(free_bytes), 51160023040 * 15.0 / 16, 1 << 20);

  const auto pro = Ecc(node, 1).state();
  ASSERT_TRUE(pro);
  EXPECT_TRUE(pro->on && pro->pending && pro->on_by_default);
}

TEST_F(EccTest, ErrorsWaitForTheirProcess) {
  ecc = Ecc(node, 0);
  EXPECT_EQ(ecc.plant({.pid = getpid()}, wall_ns()).error().kind, Error::Kind::NotFound);
  open(true);
  EXPECT_EQ(ecc.plant({.pid = getpid(), .bits = 3}, wall_ns()).error().kind, Error::Kind::InvalidArgument);
  EXPECT_EQ(ecc.planted(), 0U);
  const auto first = ecc.plant({.pid = getpid(), .address = 0x1000}, wall_ns());
  const auto later = ecc.plant({.pid = getpid(), .bits = 2, .at_launch = 3}, wall_ns());
  ASSERT_TRUE(first && later);
  EXPECT_EQ(ecc.planted(), 2U);
  EXPECT_TRUE(ecc.take(getpid() + 1, 10, wall_ns()).empty());
  const auto taken = ecc.take(getpid(), 1, wall_ns());
  ASSERT_EQ(taken.size(), 1U);
  EXPECT_EQ(taken[0].number, *first);
  EXPECT_EQ(taken[0].address, 0x1000U);
  EXPECT_TRUE(ecc.waits_for_launch(getpid()));
  EXPECT_EQ(ecc.take(getpid(), 3, wall_ns()).size(), 1U);
  EXPECT_FALSE(ecc.waits_for_launch(getpid()));
  EXPECT_TRUE(ecc.take(getpid(), 3, wall_ns()).empty());
  client = nullptr;
  const auto errors = ecc.errors();
  ASSERT_TRUE(errors && errors->size() == 2);
  EXPECT_EQ((*errors)[0].fate, ErrorFate::Lost);  // with its process
}

TEST_F(EccTest, CountsAndEventsFollowWhatBecameOfThem) {
  ecc = Ecc(node, 0);
  open(true);
  std::uint64_t seen = 0;
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(ecc.plant({.pid = getpid()}, wall_ns()));
  (void)ecc.take(getpid(), 0, wall_ns());
  ecc.tell(1, ErrorFate::Corrected, 0x2000, wall_ns());
  ecc.tell(2, ErrorFate::Uncorrectable, 0x3000, wall_ns());
  ecc.tell(3, ErrorFate::Overwritten, 0x4000, wall_ns());
  auto state = ecc.state();
  ASSERT_TRUE(state);
  EXPECT_EQ(state->since_reset.corrected, 1U);
  EXPECT_EQ(state->since_reset.uncorrectable, 1U);
  EXPECT_EQ(state->in_all.corrected, 1U);
  EXPECT_EQ(state->remapped_rows, 1U);
  EXPECT_TRUE(state->remap_pending);
  EXPECT_EQ(next_xid(seen), Ecc::kXidUncorrectable);
  EXPECT_EQ(next_xid(seen), Ecc::kXidRowRemapped);
  EXPECT_EQ(next_xid(seen), 0U);
  EXPECT_EQ((*ecc.errors())[1].address, 0x3000U);
  ASSERT_TRUE(ecc.clear_counts(true));
  EXPECT_EQ(ecc.state()->since_reset.corrected, 0U);
  EXPECT_EQ(ecc.state()->in_all.corrected, 1U);
  client = nullptr;
  ASSERT_TRUE(ecc.reset(wall_ns()));
  state = ecc.state();
  EXPECT_FALSE(state->remap_pending);
  EXPECT_EQ(state->remapped_rows, 1U);
  EXPECT_EQ(state->in_all.uncorrectable, 1U);
}

TEST_F(EccTest, RowsRunOut) {
  ecc = Ecc(node, 0);
  open(true);
  for (int i = 0; i < 513; ++i) {
    const auto number = ecc.plant({.pid = getpid(), .bits = 2}, wall_ns());
    ASSERT_TRUE(number);
    (void)ecc.take(getpid(), 0, wall_ns());
    ecc.tell(*number, ErrorFate::Uncorrectable, 0, wall_ns());
  }
  EXPECT_EQ(ecc.state()->remapped_rows, 512U);
  EXPECT_TRUE(ecc.state()->remap_failed);
}

TEST_F(EccTest, SomeWaitAndNoMore) {
  ecc = Ecc(node, 0);
  open(true);
  for (std::size_t i = 0; i < kMostErrors; ++i) ASSERT_TRUE(ecc.plant({.pid = getpid()}, wall_ns()));
  EXPECT_EQ(ecc.plant({.pid = getpid()}, wall_ns()).error().kind, Error::Kind::LimitExceeded);
  EXPECT_EQ(ecc.take(getpid(), 0, wall_ns()).size(), kMostErrors);
}

TEST_F(EccTest, CardsThatAreNone) {
  const Ecc none(node, 9);
  EXPECT_EQ(none.state().error().kind, Error::Kind::NotFound);
  EXPECT_EQ(Ecc(node, 9).plant({.pid = getpid()}, wall_ns()).error().kind, Error::Kind::NotFound);
}

}  // namespace
}  // namespace doppel::node
