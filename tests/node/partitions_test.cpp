// SPDX-License-Identifier: Apache-2.0
// MIG of a card in a node: what can be made, what is in use, what lasts.
#include "node/partitions.h"

#include "card/partition.h"
#include "fixture.h"
#include "node/ecc.h"

namespace doppel::node {
namespace {

constexpr int k1g = 5, k1gMe = 6, k1gMeAll = 64, k1gNoMe = 66, k2g = 0;

class PartitionsTest : public NodeTest {
 protected:
  PartitionsTest() : card(card_of("rtx-pro-5000-blackwell")), node(open()) {
    EXPECT_EQ(*node->card(card, 0, wall_ns()), 0);
  }
  Partitions partitions() const { return {*node, 0, card}; }
  const card::PartitionProfile& profile(int id) const { return *card::partition_profile(card, id); }
  Result<int> create(int id, std::optional<int> start = {}) const {
    return partitions().create(profile(id), start, wall_ns());
  }
  void enable() const { ASSERT_TRUE(*partitions().set_mode(true, wall_ns())); }
  // A GPU instance with a compute instance of all of it.
  Instance device(int id) const {
    const int gpu = create(id).value();
    return partitions().create_compute(gpu, profile(id).slices, {}, wall_ns()).value();
  }
  card::Card card;
  std::shared_ptr<Node> node;
};

template <typename T>
Error::Kind kind_of(const Result<T>& result) {
  return result ? Error::Kind::Internal : result.error().kind;
}

TEST_F(PartitionsTest, AreOfNoUseOnACardThatHasNone) {
  const card::Card a6000 = card_of("rtx-a6000");
  ASSERT_EQ(*node->card(a6000, 0, wall_ns()), 1);
  const Partitions none(*node, 1, a6000);
  EXPECT_EQ(kind_of(none.mode()), Error::Kind::NotSupported);
  EXPECT_EQ(kind_of(Partitions(*node, 1, a6000).set_mode(true, wall_ns())), Error::Kind::NotSupported);
  EXPECT_EQ(kind_of(Partitions(*node, 7, card).mode()), Error::Kind::NotFound);
}

TEST_F(PartitionsTest, NeedTheMode) {
  EXPECT_FALSE(partitions().mode()->now);
  EXPECT_EQ(kind_of(create(k1g)), Error::Kind::NotEnabled);
  EXPECT_EQ(kind_of(partitions().destroy(1, wall_ns())), Error::Kind::NotEnabled);
  EXPECT_TRUE(partitions().gpu_instances()->empty());
  enable();
  EXPECT_TRUE(partitions().mode()->now);
  EXPECT_TRUE(partitions().mode()->pending);
  EXPECT_TRUE(*partitions().set_mode(true, wall_ns()));  // it is
}

TEST_F(PartitionsTest, TwoHalvesFit) {
  enable();
  EXPECT_EQ(*partitions().room_for(profile(k1g)), 2);
  EXPECT_EQ(*create(k1g), 2);
  EXPECT_EQ(*partitions().room_for(profile(k1g)), 1);
  EXPECT_EQ(*partitions().room_for(profile(k2g)), 0);
  EXPECT_EQ(*create(k1g), 1);
  EXPECT_EQ(kind_of(create(k1g)), Error::Kind::LimitExceeded);
  const auto all = *partitions().gpu_instances();
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].id, 1);
  EXPECT_EQ(all[0].start, 1);
  EXPECT_EQ(all[1].id, 2);
  EXPECT_EQ(all[1].start, 0);
  EXPECT_EQ(all[1].profile->name, "1g.24gb");
  EXPECT_EQ(all[1].bytes, 24064ULL << 20);
  EXPECT_EQ(kind_of(create(k2g)), Error::Kind::LimitExceeded);
}

TEST_F(PartitionsTest, APlacementIsKept) {
  enable();
  EXPECT_EQ(kind_of(create(k1g, 2)), Error::Kind::InvalidArgument);
  EXPECT_EQ(kind_of(create(k2g, 1)), Error::Kind::InvalidArgument);
  EXPECT_EQ(*create(k1g, 1), 1);
  EXPECT_EQ(kind_of(create(k1g, 1)), Error::Kind::LimitExceeded);
  EXPECT_EQ(*create(k1g), 2);
}

// The engines of all instances are the card's.
TEST_F(PartitionsTest, EnginesAreGivenOnce) {
  enable();
  ASSERT_TRUE(create(k1gMeAll));
  EXPECT_EQ(kind_of(create(k1gMeAll)), Error::Kind::LimitExceeded);
  EXPECT_EQ(kind_of(create(k1g)), Error::Kind::LimitExceeded);  // no decoder is left
  EXPECT_EQ(*partitions().room_for(profile(k1gMe)), 0);
  EXPECT_EQ(*partitions().room_for(profile(k1gNoMe)), 1);
  EXPECT_TRUE(create(k1gNoMe));
}

TEST_F(PartitionsTest, ComputeInstancesTakeSlices) {
  enable();
  const int gpu = *create(k2g);
  EXPECT_EQ(gpu, 0);
  EXPECT_EQ(*partitions().room_for_compute(gpu, 1), 2);
  EXPECT_EQ(*partitions().room_for_compute(gpu, 2), 1);
  EXPECT_EQ(kind_of(partitions().create_compute(gpu, 3, {}, wall_ns())), Error::Kind::InvalidArgument);
  EXPECT_EQ(kind_of(partitions().create_compute(gpu, 0, {}, wall_ns())), Error::Kind::InvalidArgument);
  EXPECT_EQ(kind_of(partitions().create_compute(5, 1, {}, wall_ns())), Error::Kind::NotFound);
  EXPECT_EQ(*partitions().create_compute(gpu, 1, 1, wall_ns()), (Instance{0, 0}));
  EXPECT_EQ(kind_of(partitions().create_compute(gpu, 1, 1, wall_ns())), Error::Kind::LimitExceeded);
  EXPECT_EQ(kind_of(partitions().create_compute(gpu, 2, {}, wall_ns())), Error::Kind::LimitExceeded);
  EXPECT_EQ(*partitions().create_compute(gpu, 1, {}, wall_ns()), (Instance{0, 1}));
  const auto all = *partitions().compute_instances();
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].start, 1);
  EXPECT_EQ(all[1].start, 0);
  EXPECT_EQ(kind_of(partitions().destroy(gpu, wall_ns())), Error::Kind::NotPermitted);
  ASSERT_TRUE(partitions().destroy_compute({0, 0}, wall_ns()));
  EXPECT_EQ(kind_of(partitions().destroy_compute({0, 0}, wall_ns())), Error::Kind::NotFound);
  ASSERT_TRUE(partitions().destroy_compute({0, 1}, wall_ns()));
  EXPECT_TRUE(partitions().destroy(gpu, wall_ns()));
  EXPECT_EQ(kind_of(partitions().destroy(gpu, wall_ns())), Error::Kind::NotFound);
}

TEST_F(PartitionsTest, LastUntilTheyAreDestroyed) {
  ChildProcess child([&] {
    const auto mine = *Node::open(file.string());
    Partitions there(*mine, 0, card);
    if (!*there.set_mode(true, wall_ns())) _exit(1);
    const int gpu = *there.create(profile(k1g), 1, wall_ns());
    if (!there.create_compute(gpu, 1, {}, wall_ns())) _exit(1);
  });
  child.end();
  EXPECT_TRUE(partitions().mode()->now);
  const auto all = *partitions().compute_instances();
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].id, (Instance{1, 0}));
}

TEST_F(PartitionsTest, TheModeWaitsForThoseWhoUseTheCard) {
  auto client = *node->join(0, wall_ns());
  EXPECT_FALSE(*partitions().set_mode(true, wall_ns()));
  EXPECT_FALSE(partitions().mode()->now);
  EXPECT_TRUE(partitions().mode()->pending);
  client = nullptr;
  EXPECT_TRUE(*partitions().set_mode(true, wall_ns()));
  const Instance half = device(k1g);
  EXPECT_FALSE(*partitions().set_mode(false, wall_ns()));  // instances are there
  EXPECT_TRUE(partitions().mode()->now);
  EXPECT_FALSE(partitions().mode()->pending);
  ASSERT_TRUE(partitions().destroy_compute(half, wall_ns()));
  ASSERT_TRUE(partitions().destroy(half.gpu, wall_ns()));
  EXPECT_TRUE(*partitions().set_mode(false, wall_ns()));
}

TEST_F(PartitionsTest, WhatIsInUseIsNotDestroyed) {
  enable();
  const Instance half = device(k1g), other = device(k1g);
  auto client = *node->join(0, wall_ns(), half);
  EXPECT_EQ(kind_of(partitions().destroy_compute(half, wall_ns())), Error::Kind::NotPermitted);
  EXPECT_TRUE(partitions().destroy_compute(other, wall_ns()));
  client = nullptr;
  EXPECT_TRUE(partitions().destroy_compute(half, wall_ns()));
}

TEST_F(PartitionsTest, AreGoneWithAReset) {
  enable();
  const Instance made = device(k1g);
  ASSERT_FALSE(*partitions().set_mode(false, wall_ns()));  // pending: an instance is there
  Ecc ecc(node, 0);
  {
    const auto client = node->join(0, wall_ns(), made);
    ASSERT_TRUE(client);
    EXPECT_EQ(kind_of(ecc.reset(wall_ns())), Error::Kind::NotPermitted);
    EXPECT_EQ(partitions().compute_instances()->size(), 1u);
  }
  ASSERT_TRUE(ecc.reset(wall_ns()));
  EXPECT_TRUE(partitions().gpu_instances()->empty());
  EXPECT_FALSE(partitions().mode()->now);
  EXPECT_TRUE(node->join(0, wall_ns()));  // a whole card again
  // A mode that is on stays on, and there is room again.
  enable();
  (void)device(k1g);
  ASSERT_TRUE(ecc.reset(wall_ns()));
  EXPECT_TRUE(partitions().mode()->now);
  EXPECT_TRUE(partitions().compute_instances()->empty());
  EXPECT_EQ(*partitions().room_for(profile(k1g)), 2);
}

TEST_F(PartitionsTest, AKilledProcessUsesNothing) {
  enable();
  const Instance half = device(k1g);
  ChildProcess child([&] { (void)(*Node::open(file.string()))->join(0, wall_ns(), half)->release(); });
  EXPECT_EQ(kind_of(partitions().destroy_compute(half, wall_ns())), Error::Kind::NotPermitted);
  child.end();
  EXPECT_TRUE(partitions().destroy_compute(half, wall_ns()));
}

TEST_F(PartitionsTest, AreJoinedByTheirNumbers) {
  const auto whole = *node->join(0, wall_ns());
  EXPECT_EQ(kind_of(node->join(0, wall_ns(), {1, 0})), Error::Kind::NotFound);
}

TEST_F(PartitionsTest, ACardInTheModeIsNotJoinedAsAWhole) {
  enable();
  EXPECT_EQ(kind_of(node->join(0, wall_ns())), Error::Kind::NotPermitted);
  const Instance half = device(k1g);
  EXPECT_TRUE(node->join(0, wall_ns(), half));
  for (const Instance& wrong : {Instance{1, 0}, {2, 1}, {2, 100}, {100, 0}, {2, -1}})
    EXPECT_EQ(kind_of(node->join(0, wall_ns(), wrong)), Error::Kind::NotFound) << wrong.gpu << wrong.compute;
}

TEST_F(PartitionsTest, HaveMemoryOfTheirOwn) {
  enable();
  const Instance one = device(k1g), two = device(k1g);
  const auto first = *node->join(0, wall_ns(), one), second = *node->join(0, wall_ns(), two);
  const std::uint64_t all = 24064ULL << 20;
  std::uint64_t free = 0;
  EXPECT_FALSE(first->take(all + 1, free, wall_ns()));
  EXPECT_EQ(free, all);
  EXPECT_TRUE(first->take(all, free, wall_ns()));
  EXPECT_FALSE(first->take(1, free, wall_ns()));
  EXPECT_EQ(free, 0u);
  EXPECT_EQ(second->taken_by_others(wall_ns()), 0u);
  EXPECT_TRUE(second->take(1000, free, wall_ns()));
  const auto third = *node->join(0, wall_ns(), two);
  EXPECT_EQ(third->taken_by_others(wall_ns()), 1000u);
  const CardState state = *node->state(0, wall_ns());
  EXPECT_EQ(state.used_bytes, all + 1000);
  ASSERT_EQ(state.processes.size(), 2u);  // this process, on each
  EXPECT_EQ(state.processes[0].instance, one);
  EXPECT_EQ(state.processes[1].used_bytes, 1000u);
}

// Two busy halves are a busy card, at the watts of both; neither waits for the other.
TEST_F(PartitionsTest, RunAtTheSameTime) {
  enable();
  const Instance one = device(k1g), two = device(k1g);
  const auto first = *node->join(0, wall_ns(), one);
  first->begins(wall_ns());
  const double half = 54.0 / 110;
  CardState state = *node->state(0, wall_ns());
  EXPECT_NEAR(state.busy, half, 1e-12);
  EXPECT_NEAR(state.watts, card.power.awake_w + (card.power.active_w - card.power.awake_w) * half, 1e-9);
  const auto second = *node->join(0, wall_ns(), two);
  second->begins(wall_ns());
  state = *node->state(0, wall_ns());
  EXPECT_NEAR(state.busy, 2 * half, 1e-12);
  EXPECT_NEAR(state.processes[0].busy, half, 1e-12);
  EXPECT_NEAR(state.watts, card.power.awake_w + (card.power.active_w - card.power.awake_w) * 2 * half, 1e-9);
  EXPECT_EQ(first->wanted_by_others(wall_ns()), 0);
}

TEST_F(PartitionsTest, ChangesAreEvents) {
  std::uint64_t seen = 0;
  enable();
  const Instance half = device(k1g);
  EXPECT_EQ(node->next_event(0, seen)->instance, Instance{});
  EXPECT_EQ(node->next_event(0, seen)->instance, (Instance{half.gpu, -1}));
  const auto event = node->next_event(0, seen);
  ASSERT_TRUE(event);
  EXPECT_EQ(event->type, kMigChanged);
  EXPECT_EQ(event->instance, half);
  EXPECT_FALSE(node->next_event(0, seen));
}

// Instances made and destroyed by processes that are killed at any moment: what is left is whole.
TEST_F(PartitionsTest, AreWholeWhateverIsKilled) {
  enable();
  for (int i = 0; i < 20; ++i) {
    std::array<int, 2> ends{};
    ASSERT_EQ(pipe(ends.data()), 0);
    const pid_t child = fork();
    if (child == 0) {
      const auto mine = *Node::open(file.string());
      Partitions there(*mine, 0, card);
      for (int round = 0;; ++round) {
        const auto gpu = there.create(profile(k1g), {}, wall_ns());
        if (gpu) (void)there.create_compute(*gpu, 1, {}, wall_ns());
        if (round == i && write(ends[1], "x", 1) != 1) _exit(1);
        const auto devices = there.compute_instances();
        for (const ComputeInstance& each : *devices) (void)there.destroy_compute(each.id, wall_ns());
        const auto instances = there.gpu_instances();
        for (const GpuInstance& each : *instances) (void)there.destroy(each.id, wall_ns());
      }
    }
    close(ends[1]);
    char word = 0;
    ASSERT_EQ(read(ends[0], &word, 1), 1);
    close(ends[0]);
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    const auto instances = partitions().gpu_instances();
    ASSERT_TRUE(instances);
    for (const GpuInstance& each : *instances) {
      EXPECT_EQ(each.profile->name, "1g.24gb");
      EXPECT_EQ(each.bytes, 24064ULL << 20);
    }
    const auto devices = partitions().compute_instances();
    ASSERT_TRUE(devices);
    for (const ComputeInstance& each : *devices)
      EXPECT_TRUE(partitions().destroy_compute(each.id, wall_ns()));
    for (const GpuInstance& each : *instances) EXPECT_TRUE(partitions().destroy(each.id, wall_ns()));
  }
}

}  // namespace
}  // namespace doppel::node
