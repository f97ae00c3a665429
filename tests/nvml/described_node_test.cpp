// SPDX-License-Identifier: Apache-2.0
// What the library says of a machine that a file describes.
#include <array>
#include <fstream>

#include "library.h"

namespace doppel::nvml {
namespace {

class DescribedNode : public Library {
 protected:
  // Without cards of the process's own, unless a test names some.
  void describe(const std::string& text) {
    unsetenv("DOPPEL_CARDS");
    setenv("XDG_RUNTIME_DIR", folder.c_str(), 1);
    std::ofstream(folder / "node.toml") << text;
    setenv("DOPPEL_NODE", (folder / "node.toml").c_str(), 1);
  }
  ~DescribedNode() override { unsetenv("XDG_RUNTIME_DIR"); }
  static nvmlDevice_t card(unsigned index) {
    nvmlDevice_t handle = nullptr;
    EXPECT_EQ(call("nvmlDeviceGetHandleByIndex_v2", index, &handle), NVML_SUCCESS);
    return handle;
  }
  static unsigned number(const char* name, nvmlDevice_t device) {
    unsigned value = 0;
    EXPECT_EQ(call(name, device, &value), NVML_SUCCESS) << name;
    return value;
  }
  static int level(unsigned one, unsigned other) {
    int found = -1;
    EXPECT_EQ(call("nvmlDeviceGetTopologyCommonAncestor", card(one), card(other), &found), NVML_SUCCESS);
    return found;
  }
};

TEST_F(DescribedNode, HasItsCardsAndTheirLinks) {
  describe(R"(
[[card]]
model = "rtx-a6000"
[[card]]
model = "rtx-a6000"
pcie_generation = 5
[[card]]
model = "rtx-pro-5000-blackwell"
pcie_generation = 3
pcie_lanes = 8
[[nvlink]]
cards = [0, 1]
)");
  ASSERT_EQ(call("nvmlInit_v2"), NVML_SUCCESS);
  unsigned count = 0;
  ASSERT_EQ(call("nvmlDeviceGetCount_v2", &count), NVML_SUCCESS);
  EXPECT_EQ(count, 3u);
  EXPECT_EQ(number("nvmlDeviceGetMaxPcieLinkGeneration", card(2)), 3u);
  EXPECT_EQ(number("nvmlDeviceGetGpuMaxPcieLinkGeneration", card(2)), 5u);
  EXPECT_EQ(number("nvmlDeviceGetMaxPcieLinkWidth", card(2)), 8u);
  EXPECT_EQ(number("nvmlDeviceGetMaxPcieLinkGeneration", card(1)), 4u);
  int state = 0;
  EXPECT_EQ(call("nvmlDeviceGetNvLinkState", card(1), 0U, &state), NVML_SUCCESS);
  EXPECT_EQ(state, 1);
}

TEST_F(DescribedNode, KnowsWhatLiesBetweenItsCards) {
  const std::string a = "[[card]]\nmodel = \"rtx-a6000\"\n";
  describe(a + "pcie_switch = 0\n" + a + "pcie_switch = 0\n" + a + "pcie_switch = 1\n" + a +
           "host_bridge = 1\n" + a + "numa_node = 1\n");
  ASSERT_EQ(call("nvmlInit_v2"), NVML_SUCCESS);
  EXPECT_EQ(level(0, 0), NVML_TOPOLOGY_INTERNAL);
  EXPECT_EQ(level(0, 1), NVML_TOPOLOGY_SINGLE);
  EXPECT_EQ(level(0, 2), NVML_TOPOLOGY_HOSTBRIDGE);
  EXPECT_EQ(level(0, 3), NVML_TOPOLOGY_NODE);
  EXPECT_EQ(level(4, 0), NVML_TOPOLOGY_SYSTEM);
  unsigned count = 4;
  std::array<nvmlDevice_t, 4> near{};
  ASSERT_EQ(call("nvmlDeviceGetTopologyNearestGpus", card(0), int{NVML_TOPOLOGY_SINGLE}, &count, near.data()),
            NVML_SUCCESS);
  ASSERT_EQ(count, 1u);
  EXPECT_EQ(near[0], card(1));
  count = 0;
  EXPECT_EQ(call("nvmlDeviceGetTopologyNearestGpus", card(0), int{NVML_TOPOLOGY_SYSTEM}, &count, near.data()),
            NVML_ERROR_INSUFFICIENT_SIZE);
  EXPECT_EQ(count, 1u);
}

TEST_F(DescribedNode, IsRefusedWhereItIsWrongOrLacksACard) {
  describe("[[card]]\nmodel = 5\n");
  EXPECT_NE(call("nvmlInit_v2"), NVML_SUCCESS);
  describe("[[card]]\nmodel = \"rtx-a6000\"\n");
  setenv("DOPPEL_CARDS", "rtx-pro-5000-blackwell", 1);
  EXPECT_EQ(call("nvmlInit_v2"), NVML_ERROR_GPU_NOT_FOUND);
  setenv("DOPPEL_CARDS", "rtx-a6000", 1);
  EXPECT_EQ(call("nvmlInit_v2"), NVML_SUCCESS);
}

// Who only looks at a node brings no card to it.
TEST_F(DescribedNode, OfANameHasTheCardsThatAreThere) {
  auto opened = node::Node::open((folder / "node").string());
  const auto a40 = card::load_card(DOPPEL_SOURCE_DIR "/cards/a40.toml");
  ASSERT_TRUE((*opened)->card(*a40, 0, node::wall_ns()));
  unsetenv("DOPPEL_CARDS");
  ASSERT_EQ(call("nvmlInit_v2"), NVML_SUCCESS);
  unsigned count = 0;
  ASSERT_EQ(call("nvmlDeviceGetCount_v2", &count), NVML_SUCCESS);
  EXPECT_EQ(count, 1u);
}

}  // namespace
}  // namespace doppel::nvml
