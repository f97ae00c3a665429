// SPDX-License-Identifier: Apache-2.0
// The views of an idle node, whole; and what a process on it changes.
#include <fmt/format.h>
#include <unistd.h>

#include "fixture.h"
#include "smi/details.h"
#include "smi/monitor.h"
#include "smi/table.h"
#include "smi/topology.h"

namespace doppel::smi {
namespace {

using Views = Smi;
constexpr const char* kDate = "Tue Dec  1 12:00:00 2026";

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST_F(Views, OfAnIdleNode) {
  start();
  expect_view("table.txt", table(*nvml, gpus, kDate, "0.1.0"));
  expect_view("list.txt", list(gpus));
  expect_view("dmon.txt", dmon_head({"pucvmet"}) + dmon_lines(gpus, {"pucvmet"}));
  expect_view("pmon.txt", pmon_head({"um"}) + pmon_lines(gpus, {"um"}));
  expect_view("nvlink.txt", nvlink_status(gpus).text + nvlink_capabilities(gpus).text +
                                nvlink_errors(gpus).text + nvlink_remotes(gpus).text);
}

TEST_F(Views, OfAllThatIsKnown) {
  start();
  const auto text = details(*nvml, gpus, kDate, "", false);
  ASSERT_TRUE(text);
  expect_view("query.txt", *text);
  const auto xml = details(*nvml, gpus, kDate, "", true);
  ASSERT_TRUE(xml);
  expect_view("query.xml", *xml);
}

TEST_F(Views, OfSectionsAlone) {
  start();
  const auto text = details(*nvml, {gpus[1]}, kDate, "power,pids", false);
  ASSERT_TRUE(text);
  expect_view("query_power.txt", *text);
  const auto wrong = details(*nvml, gpus, kDate, "POWR", false);
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().status, kBadUsage);
  EXPECT_TRUE(has(wrong.error().message, "did you mean 'POWER'?")) << wrong.error().message;
}

TEST_F(Views, OfAProcess) {
  start();
  const auto client = *node->join(0, node::wall_ns());
  std::uint64_t free = 0;
  ASSERT_TRUE(client->take(3U << 20, free, node::wall_ns()));
  client->begins(node::wall_ns());
  const std::string busy = table(*nvml, gpus, kDate, "0.1.0");
  EXPECT_TRUE(has(busy, "3MiB / 49140MiB |    100%      Default |")) << busy;
  EXPECT_TRUE(has(busy, fmt::format("|    0  N/A  N/A {:>10}      C   ", getpid()))) << busy;
  EXPECT_TRUE(has(busy, "      3MiB |\n")) << busy;
  EXPECT_FALSE(has(busy, "No running processes")) << busy;
  const std::string lines = pmon_lines(gpus, {"um"});
  EXPECT_TRUE(has(lines, fmt::format("    0 {:>10}      C    100 ", getpid()))) << lines;
  EXPECT_TRUE(has(lines, "    smi_tests")) << lines;
  EXPECT_TRUE(has(lines, "    1          -      -      -      -")) << lines;
  const std::string xml = *details(*nvml, gpus, kDate, "", true);
  EXPECT_TRUE(has(xml, fmt::format("<pid>{}</pid>", getpid()))) << xml;
  EXPECT_TRUE(has(xml, "<used_memory>3 MiB</used_memory>"));
  EXPECT_TRUE(has(xml, "<gpu_util>100 %</gpu_util>"));
}

TEST_F(Views, OfAPairAndACardBeside) {
  start("rtx-a6000,rtx-a6000,rtx-pro-5000-blackwell");
  ASSERT_TRUE(node->join_by_nvlink(0, 1));
  const std::string ways = topology_matrix(gpus);
  EXPECT_TRUE(has(ways, "\tGPU0\tGPU1\tGPU2\tCPU Affinity\tNUMA Affinity\tGPU NUMA ID\n"));
  EXPECT_TRUE(has(ways, "GPU0\t X \tNV4\tPHB\t")) << ways;
  EXPECT_TRUE(has(ways, "GPU2\tPHB\tPHB\t X \t")) << ways;
  const auto peers = peer_matrix(gpus, "n");
  ASSERT_TRUE(peers);
  EXPECT_TRUE(
      peers->starts_with("\tGPU0\tGPU1\tGPU2\n GPU0\tX\tOK\tNS\n GPU1\tOK\tX\tNS\n GPU2\tNS\tNS\tX\n"))
      << *peers;
  EXPECT_EQ(peer_matrix(gpus, "z").error().status, kBadUsage);
  const std::string links = nvlink_status({gpus[0]}).text;
  EXPECT_TRUE(has(links, "\t Link 3: 14.062 GB/s\n")) << links;
  EXPECT_TRUE(has(nvlink_remotes({gpus[0]}).text, "\t Link 0: Remote Device 00000000:02:00.0\n"));
  const Said none = nvlink_status({gpus[2]});
  EXPECT_EQ(none.status, NVML_ERROR_NOT_SUPPORTED);
  EXPECT_TRUE(has(none.text, "NVLink: Not Supported")) << none.text;
}

TEST_F(Views, OfLettersThatAreNone) {
  EXPECT_EQ(check_dmon({"pz"}).error().message, "dmon -s pz: 'z' is none of pucvmet");
  EXPECT_EQ(check_pmon({"p"}).error().status, kBadUsage);
  EXPECT_TRUE(check_dmon({"tu"}));
}

TEST_F(Views, DatesStandBeforeTheLines) {
  start();
  EXPECT_TRUE(dmon_head({"p", true, true})
                  .starts_with("#     Date     Time gpu    pwr  gtemp  mtemp \n# YYYYMMDD HH:MM:SS Idx"))
      << dmon_head({"p", true, true});
  const std::string lines = dmon_lines({gpus[0]}, {"p", true, true});
  EXPECT_EQ(lines.size(), std::string("  20261201 12:00:00   0     24     25      - \n").size()) << lines;
}

}  // namespace
}  // namespace doppel::smi
