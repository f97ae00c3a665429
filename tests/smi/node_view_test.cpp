// SPDX-License-Identifier: Apache-2.0
// `doppel node` as text and JSON.
#include "smi/node_view.h"

#include <unistd.h>

#include <nlohmann/json.hpp>

#include "fixture.h"

namespace doppel::smi {
namespace {

using NodeView = Smi;
const NodeTitle kTitle{"lab", "/dev/shm/doppel-1000-lab", ""};

TEST_F(NodeView, OfAnIdleNode) {
  start("rtx-a6000,rtx-a6000,rtx-pro-5000-blackwell");
  ASSERT_TRUE(node->join_by_nvlink(0, 1));
  expect_view("node.txt", node_text(kTitle, gpus));
  expect_view("node.json", node_json(kTitle, gpus));
}

TEST_F(NodeView, NamesWhoUsesIt) {
  start();
  const auto client = *node->join(1, node::wall_ns());
  std::uint64_t free = 0;
  ASSERT_TRUE(client->take(9U << 20, free, node::wall_ns()));
  client->begins(node::wall_ns());
  const std::string text = node_text(kTitle, gpus);
  EXPECT_NE(text.find("9 MiB  100 %  "), std::string::npos) << text;
  const auto json = nlohmann::json::parse(node_json(kTitle, gpus));
  EXPECT_EQ(json["cards"][0]["processes"].size(), 0u);
  const auto& process = json["cards"][1]["processes"][0];
  EXPECT_EQ(process["pid"], getpid());
  EXPECT_EQ(process["memory_bytes"], 9U << 20);
  EXPECT_EQ(process["busy_percent"], 100);
  EXPECT_EQ(json["cards"][1]["state"]["busy_percent"], 100);
  EXPECT_EQ(json["cards"][1]["nvlink"], nullptr);
}

}  // namespace
}  // namespace doppel::smi
