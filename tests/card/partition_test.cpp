// SPDX-License-Identifier: Apache-2.0
// What a card's partitions are, and the smaller card that one is to programs.
#include "card/partition.h"

#include <gtest/gtest.h>

#include <fstream>
#include <regex>
#include <sstream>

#include "card/contradiction.h"
#include "card/load_card.h"
#include "card/uuid.h"

namespace doppel::card {
namespace {

std::string file_of(const std::string& id) {
  return std::string(DOPPEL_SOURCE_DIR) + "/cards/" + id + ".toml";
}
Card card_of(const std::string& id) { return load_card(file_of(id)).value(); }

const PartitionProfile& profile(const Card& card, const std::string& name) {
  for (const PartitionProfile& each : card.partitions) {
    if (each.name == name) return each;
  }
  throw std::runtime_error(name);
}

TEST(Partition, TheVendorsTableIsInTheFile) {
  const Card card = card_of("rtx-pro-5000-blackwell");
  const PartitionProfile& small = profile(card, "1g.24gb");
  EXPECT_EQ(small.sm_count, 54);  // whole TPCs
  EXPECT_EQ(small.memory_mib, 24064);
  EXPECT_EQ(small.copy_engines, 1);
  EXPECT_EQ(small.max_instances, 2);
  EXPECT_EQ(small.placements, (std::vector{0, 1}));
  EXPECT_EQ(small.instance_ids, (std::vector{2, 1}));
  EXPECT_EQ(profile(card, "1g.24gb+me.all").nvdec, 3);
  EXPECT_EQ(profile(card, "1g.24gb-me").nvenc, 0);
  EXPECT_EQ(profile(card, "2g.48gb").copy_engines, 4);
  EXPECT_EQ(most_partitions(card), 2);
  EXPECT_EQ(partition_profile(card, small.id), &small);
  EXPECT_EQ(partition_profile(card, 99), nullptr);
  EXPECT_EQ(most_partitions(card_of("rtx-a6000")), 0);
}

TEST(Partition, EachNumberHasItsSource) {
  const Card card = card_of("rtx-pro-5000-blackwell");
  const PartitionProfile& small = profile(card, "1g.24gb");
  EXPECT_EQ(small.provenance_of("sm_fraction").mark, "V");
  EXPECT_EQ(small.provenance_of("memory_mib").mark, "D");
  EXPECT_NE(small.provenance_of("memory_mib").source.find("128 MiB"), std::string::npos);
}

TEST(Partition, IsASmallerCard) {
  const Card whole = card_of("rtx-pro-5000-blackwell");
  const Card half = partition_of(whole, profile(whole, "1g.24gb"), 1);
  EXPECT_EQ(half.name, "NVIDIA RTX PRO 5000 Blackwell MIG 1g.24gb");
  EXPECT_EQ(half.id, whole.id);
  EXPECT_EQ(half.sm_count, 54);
  EXPECT_EQ(half.memory.bytes, 24064LL << 20);
  EXPECT_EQ(half.l2.bytes * 2, whole.l2.bytes);
  EXPECT_EQ(half.memory.peak_bytes_per_second() * 2, whole.memory.peak_bytes_per_second());
  EXPECT_EQ(half.l2.read_bytes_per_cycle * 2, whole.l2.read_bytes_per_cycle);
  EXPECT_EQ(half.engines.copy, 1);
  EXPECT_EQ(half.engines.jpeg, 0);
  EXPECT_DOUBLE_EQ(half.power.limit_w, 300.0 * 54 / 110);
  EXPECT_TRUE(half.partitions.empty());
  EXPECT_FALSE(contradiction(half)) << contradiction(half)->key;
  // An SM is what it was, and so is the host's bus.
  EXPECT_EQ(half.sm.max_warps, whole.sm.max_warps);
  EXPECT_EQ(half.pcie.peak_bytes_per_second(), whole.pcie.peak_bytes_per_second());
}

TEST(Partition, OfAllOfItIsTheCard) {
  const Card whole = card_of("rtx-pro-5000-blackwell");
  const Card all = partition_of(whole, profile(whole, "2g.48gb"), 2);
  EXPECT_EQ(all.sm_count, whole.sm_count);
  EXPECT_EQ(all.l2.bytes, whole.l2.bytes);
  EXPECT_EQ(all.power.limit_w, whole.power.limit_w);
  EXPECT_EQ(all.memory.bytes, 48384LL << 20);
  EXPECT_FALSE(contradiction(all));
}

// Two compute instances in one GPU instance share its memory, and have SMs of their own.
TEST(Partition, MayBeSharedByComputeInstances) {
  const Card whole = card_of("rtx-pro-5000-blackwell");
  const Card one = partition_of(whole, profile(whole, "2g.48gb"), 1);
  EXPECT_EQ(one.name, "NVIDIA RTX PRO 5000 Blackwell MIG 1c.2g.48gb");
  EXPECT_EQ(one.sm_count, 54);
  EXPECT_EQ(one.memory.bytes, 48384LL << 20);
  EXPECT_EQ(one.l2.bytes, whole.l2.bytes);
  EXPECT_FALSE(contradiction(one));
}

TEST(Partition, UuidsFollowFromTheNumbers) {
  const auto one = partition_uuid("rtx-pro-5000-blackwell", 0, 2, 0);
  EXPECT_EQ(one, partition_uuid("rtx-pro-5000-blackwell", 0, 2, 0));
  EXPECT_NE(one, partition_uuid("rtx-pro-5000-blackwell", 0, 1, 0));
  EXPECT_NE(one, partition_uuid("rtx-pro-5000-blackwell", 0, 2, 1));
  EXPECT_NE(one, partition_uuid("rtx-pro-5000-blackwell", 1, 2, 0));
  EXPECT_NE(one, device_uuid("rtx-pro-5000-blackwell", 0));
  const std::string text = uuid_text("MIG", one);
  EXPECT_TRUE(std::regex_match(text, std::regex("MIG-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"))) << text;
}

// The message that a file gives in which the text was replaced once.
std::string message_of(const std::string& text, const std::string& by) {
  std::ifstream in(file_of("rtx-pro-5000-blackwell"));
  std::ostringstream all;
  all << in.rdbuf();
  std::string changed = all.str();
  const auto at = changed.find(text);
  if (at == std::string::npos) return "not in the file: " + text;
  changed.replace(at, text.size(), by);
  const Result<Card> card = parse_card(changed, "bad.toml");
  return card ? "no error" : card.error().message.substr(card.error().message.find(' ') + 1);
}

TEST(Partition, AFileThatContradictsItselfIsRefused) {
  EXPECT_EQ(message_of("slices = 1\n", ""), "partition.slices: expected this key, found nothing");
  EXPECT_EQ(message_of("slices = 1\n", "slices = 1\nslicez = 2\n"), "partition.slicez: unknown key");
  EXPECT_EQ(message_of("max_instances = 2", "max_instances = 3"),
            "partition: '1g.24gb': expected 3 instances to take at most the whole card, found 1.5 of it");
  EXPECT_EQ(message_of("sm_count = { value = 54", "sm_count = { value = 56"),
            "partition: '1g.24gb': expected 2 instances of 56 SMs in 110 (sm_count)");
  EXPECT_EQ(message_of("memory_mib = { value = 24064", "memory_mib = { value = 240640"),
            "partition: '1g.24gb': expected 2 instances of 240640 MiB in memory.board_bytes, 48935 MiB");
  EXPECT_EQ(message_of("value = [2, 1]", "value = [2]"),
            "partition: '1g.24gb': expected a number in instance_ids for each of placements, found 1 for 2");
  EXPECT_EQ(message_of("value = [2, 1]", "value = [2, 16]"),
            "instance_ids: expected a number from 0 to 15, found 16");
  EXPECT_EQ(message_of("id = { value = 6,", "id = { value = 5,"),
            "partition: '1g.24gb+me': expected another name, id and kind than '1g.24gb'");
  EXPECT_EQ(message_of("nvdec = 1\n", "nvdec = 4\n"),
            "partition: expected at most engines.nvdec (3), found 4");
  EXPECT_EQ(message_of("kind = { value = 0, mark = \"V\"", "kind = { value = 0, mark = \"Z\""),
            "partition.kind.mark: expected one of M, M-n, V, R, D, K, found 'Z'");
}

}  // namespace
}  // namespace doppel::card
