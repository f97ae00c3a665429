// SPDX-License-Identifier: Apache-2.0
// `doppel smi` as a user calls it: the flags of the original, and exit statuses. What its views show is
// tested in tests/smi.
#include <doppel/nvml/types.h>

#include <nlohmann/json.hpp>

#include "card/load_card.h"
#include "node/client.h"
#include "node/ecc.h"
#include "node/process_life.h"
#include "small_installation.h"

namespace doppel::cli {
namespace {

class SmiCommand : public Cli {
 protected:
  void SetUp() override {
    Cli::SetUp();
    fs::copy_file(fs::path(DOPPEL_BUILD_DIR) / "lib" / "libnvidia-ml.so.1",
                  root_ / "lib" / "doppel" / "libnvidia-ml.so.1");
  }
  Outcome smi(const std::string& arguments, const std::string& before = "") const {
    return doppel("smi " + arguments,
                  before + "DOPPEL_NODE=./node DOPPEL_CARDS=rtx-a6000,rtx-pro-5000-blackwell </dev/null");
  }
};

TEST_F(SmiCommand, HasTheViewsOfTheOriginal) {
  EXPECT_NE(smi("").out.find("| Fan  Temp   Perf          Pwr:Usage/Cap |"), std::string::npos);
  EXPECT_TRUE(smi("-L").out.starts_with("GPU 0: NVIDIA RTX A6000 (UUID: GPU-"));
  EXPECT_EQ(smi("--query-gpu=index,name --format=csv,noheader").out,
            "0, NVIDIA RTX A6000\n1, NVIDIA RTX PRO 5000 Blackwell\n");
  EXPECT_EQ(smi("-i 1 --query-gpu=index --format=csv").out, "index\n1\n");
  EXPECT_EQ(smi("-i=1 --query-gpu=index --format=csv,noheader").out, "1\n");
  EXPECT_EQ(smi("--query-compute-apps=pid --format=csv").out, "pid\n");
  EXPECT_TRUE(smi("-q").out.starts_with("\n==============DOPPEL-SMI LOG=============="));
  EXPECT_TRUE(smi("-q -x").out.starts_with("<?xml version=\"1.0\" ?>\n<nvidia_smi_log>\n"));
  EXPECT_NE(smi("-q -d MEMORY").out.find("FB Memory Usage"), std::string::npos);
  EXPECT_TRUE(smi("dmon -c 1").out.starts_with("# gpu    pwr"));
  EXPECT_TRUE(smi("pmon -s m -c 1 -i 0").out.starts_with("# gpu         pid   type     fb    command"));
  EXPECT_TRUE(smi("topo -m").out.starts_with("\tGPU0\tGPU1\tCPU Affinity"));
  EXPECT_TRUE(smi("topo -p2p r").out.starts_with("\tGPU0\tGPU1\n GPU0\tX\tOK\n"));
  EXPECT_NE(smi("nvlink -s").out.find("Link 0: <inactive>"), std::string::npos);
  EXPECT_NE(smi("--help-query-gpu").out.find("clocks.current.sm, clocks.sm"), std::string::npos);
}

TEST_F(SmiCommand, SetsWhatCanBeSetForWhoComesNext) {
  const Outcome set = smi("-i 0 -pl 200 -lgc 900,1200");
  EXPECT_EQ(set.status, 0) << set.err;
  EXPECT_EQ(set.out,
            "Power limit for GPU 00000000:01:00.0 was set to 200.00 W from 300.00 W.\nAll done.\n"
            "GPU clocks set to \"(gpuClkMin 900, gpuClkMax 1200)\" for GPU 00000000:01:00.0\nAll done.\n");
  EXPECT_EQ(smi("--query-gpu=power.limit,clocks.sm --format=csv,noheader").out,
            "200.00 W, 900 MHz\n300.00 W, 180 MHz\n");
  EXPECT_EQ(smi("-rgc").status, 0);
  EXPECT_EQ(smi("-i 0 --query-gpu=clocks.sm --format=csv,noheader").out, "210 MHz\n");
}

TEST_F(SmiCommand, ResetsACardThatNobodyUses) {
  EXPECT_EQ(smi("-i 0 -e 1").status, 0);
  const std::string mode = "-i 0 --query-gpu=ecc.mode.current,ecc.mode.pending --format=csv,noheader";
  EXPECT_EQ(smi(mode).out, "Disabled, Enabled\n");
  const auto node = *node::Node::open((root_ / "node").string());
  {
    const auto process = node->join(0, node::wall_ns());
    ASSERT_TRUE(process);
    const Outcome refused = smi("-r");
    EXPECT_EQ(refused.status, NVML_ERROR_IN_USE);
    EXPECT_EQ(refused.out,
              "GPU 00000000:02:00.0 was successfully reset.\n"
              "The following GPUs could not be reset:\n  GPU 00000000:01:00.0: In use by another client\n\n"
              "1 device is currently being used by one or more processes. End these first.\n");
    EXPECT_EQ(smi(mode).out, "Disabled, Enabled\n");
  }
  const Outcome done = smi("--gpu-reset -i 0");
  EXPECT_EQ(done.status, 0) << done.err;
  EXPECT_EQ(done.out, "GPU 00000000:01:00.0 was successfully reset.\nAll done.\n");
  EXPECT_EQ(smi(mode).out, "Enabled, Enabled\n");
  // And what is set in the same call is there at once.
  EXPECT_EQ(smi("-i 0 -e 0 -r").status, 0);
  EXPECT_EQ(smi(mode).out, "Disabled, Disabled\n");
  const Outcome own = doppel("smi -r", "DOPPEL_NODE=off DOPPEL_CARDS=rtx-a6000 </dev/null");
  EXPECT_EQ(own.status, 2);
  EXPECT_NE(own.err.find("-r: DOPPEL_NODE names no node"), std::string::npos) << own.err;
}

TEST_F(SmiCommand, HasTheStatusesOfTheOriginal) {
  const auto ends = [&](const std::string& arguments, int status, const std::string& said) {
    const Outcome o = smi(arguments);
    EXPECT_EQ(o.status, status) << arguments << "\n" << o.err;
    EXPECT_NE((o.out + o.err).find(said), std::string::npos) << arguments << "\n" << o.out << o.err;
  };
  ends("-zz", 2, "unknown flag '-zz' (see doppel smi --help)");
  ends("--list-gpu", 2, "did you mean '--list-gpus'?");
  ends("dmon --cuont 3", 2, "did you mean '--count'? (see doppel smi dmon --help)");
  ends("--query-gpu=indx --format=csv", 2, "did you mean \"index\"?");
  ends("--query-gpu=index", 2, "--format=csv is missing");
  ends("-pl 500 -i 0", 2, "should be between 100.00 W and 300.00 W");
  ends("-pl lots", 2, "-pl lots: expected watts");
  ends("-lgc 2000,1000", 2, "Invalid Argument");
  ends("-c 3x", 2, "-c 3x: expected");
  ends("-mig 1 -i 0", 0, "Unable to enable MIG Mode for GPU 00000000:01:00.0: Not Supported");
  ends("mig -lgip", 6, "No MIG-enabled devices found.");
  ends("-ac 8001,1800", 3, "smi --applications-clocks: not supported");
  ends("stats", 3, "smi stats: not supported");
  ends("-i 7", 6, "no card '7'");
  ends("-i GPU-0000", 6, "no card 'GPU-0000'");
  ends("topo", 2, "topo: expected -m or -p2p");
  ends("nvlink", 2, "nvlink: expected");
  ends("dmon -s q", 2, "'q' is none of pucvmet");
  ends("dmon -o X", 2, "-o X: expected D, T or DT");
  ends("-l 0", 2, "");
  ends("-L -f no/such/folder", 125, "cannot write no/such/folder");
  EXPECT_EQ(smi("", "echo not a node and longer than a head is >node; ").status, 255);
  fs::remove(root_ / "lib" / "doppel" / "libnvidia-ml.so.1");
  ends("", 125, "the management library is missing from this installation");
}

TEST_F(SmiCommand, NamesACardThatIsNone) {
  const Outcome o = doppel("smi -L", "DOPPEL_NODE=off DOPPEL_CARDS=rtx-a6000,rtx-a6001 </dev/null");
  EXPECT_EQ(o.status, NVML_ERROR_GPU_NOT_FOUND);
  EXPECT_NE(o.err.find("no card 'rtx-a6001'; did you mean 'rtx-a6000'?"), std::string::npos) << o.err;
}

TEST_F(SmiCommand, LooksAgainUntilItsReaderLeaves) {
  const Outcome o = smi("-lms 1 --query-gpu=index --format=csv -i 0 2>&1 | head -3");
  EXPECT_EQ(o.out, "index\n0\n0\n");
}

TEST_F(SmiCommand, WritesFiles) {
  EXPECT_EQ(smi("-L -f list.txt").out, "");
  EXPECT_TRUE(contents(root_ / "list.txt").starts_with("GPU 0: "));
}

TEST_F(SmiCommand, SaysThatNobodyIsSeenWithoutANode) {
  const Outcome o = doppel("smi -L", "unset DOPPEL_NODE; DOPPEL_CARDS=rtx-a6000 </dev/null");
  EXPECT_EQ(o.status, 0);
  EXPECT_NE(o.err.find("DOPPEL_NODE names no node"), std::string::npos) << o.err;
  EXPECT_EQ(doppel("smi -L", "DOPPEL_NODE=off </dev/null").err, "");
}

TEST_F(SmiCommand, HasMetrics) {
  const Outcome o = smi("--prometheus");
  EXPECT_EQ(o.status, 0) << o.err;
  EXPECT_TRUE(o.out.starts_with("# HELP DCGM_FI_DEV_SM_CLOCK ")) << o.out;
}

TEST_F(SmiCommand, NodeShowsANodeThatIsThere) {
  const Outcome none = doppel("node", "unset DOPPEL_NODE; </dev/null");
  EXPECT_EQ(none.status, 2);
  EXPECT_EQ(none.err, "doppel: no node: name one, or set DOPPEL_NODE\n");
  const Outcome missing = doppel("node ./node");
  EXPECT_EQ(missing.status, 125);
  EXPECT_NE(missing.err.find("there is no node ./node"), std::string::npos) << missing.err;
  EXPECT_FALSE(fs::exists(root_ / "node"));
  EXPECT_EQ(smi("-L").status, 0);
  for (const Outcome& o : {doppel("node ./node"), doppel("node", "DOPPEL_NODE=./node </dev/null")}) {
    EXPECT_EQ(o.status, 0) << o.err;
    EXPECT_TRUE(o.out.starts_with("Node ./node (./node)\n\nGPU 0: NVIDIA RTX A6000 (UUID: GPU-")) << o.out;
  }
  EXPECT_EQ(nlohmann::json::parse(doppel("node ./node --json").out)["cards"].size(), 2u);
  EXPECT_EQ(doppel("node ./node --listen 0.0.0.0:1").status, 2);
  EXPECT_EQ(doppel("node a/b/../node").status, 125);
  EXPECT_EQ(doppel("node ..").status, 2);
}

// What lies there stays as it is.
TEST_F(SmiCommand, NamesAStoreThatItCannotUse) {
  EXPECT_EQ(smi("-L").status, 0);
  fs::permissions(root_ / "node", fs::perms::all);
  const Outcome open_to_others = smi("-L");
  EXPECT_EQ(open_to_others.status, 4);
  EXPECT_NE(open_to_others.err.find("./node is another user's, or others may write it"), std::string::npos)
      << open_to_others.err;
  EXPECT_EQ(doppel("node ./node").status, 125);
  fs::permissions(root_ / "node", fs::perms::owner_read | fs::perms::owner_write);
  std::fstream file(root_ / "node", std::ios::binary | std::ios::in | std::ios::out);
  file.seekp(8);
  file.put(99);
  file.close();
  const Outcome other_version = smi("-L");
  EXPECT_EQ(other_version.status, 18);
  EXPECT_NE(other_version.err.find("./node is a node of layout 99"), std::string::npos) << other_version.err;
  EXPECT_EQ(doppel("node ./node").status, 125);
  EXPECT_EQ(doppel("smi -L", "ulimit -f 8; DOPPEL_NODE=./fresh </dev/null").out, "");
}

TEST_F(SmiCommand, NodeShowsAMachineThatAFileDescribes) {
  std::ofstream(root_ / "lab.toml") << "[[card]]\nmodel = \"rtx-a6000\"\n[[card]]\nmodel = "
                                       "\"rtx-a6000\"\npcie_lanes = 8\n[[nvlink]]\ncards = [0, 1]\n";
  const std::string before = "</dev/null XDG_RUNTIME_DIR=" + root_.string();
  const Outcome o = doppel("node lab.toml", before);
  EXPECT_EQ(o.status, 0) << o.err;
  EXPECT_TRUE(o.out.starts_with("Node lab.toml (" + root_.string() + "/doppel-node-lab-")) << o.out;
  EXPECT_NE(o.out.find("NVLink      4 links of 14.062 GB/s to GPU 1"), std::string::npos) << o.out;
  EXPECT_NE(o.out.find("PCIe 4.0 x8"), std::string::npos) << o.out;
  EXPECT_EQ(nlohmann::json::parse(doppel("node lab.toml --json", before).out)["cards"][1]["nvlink"]["peer"],
            0);
  std::ofstream(root_ / "lab.toml") << "[[card]]\n";
  const Outcome wrong = doppel("node lab.toml", before);
  EXPECT_NE(wrong.status, 0);
  EXPECT_NE(wrong.err.find("lab.toml:1: card.model: expected a string, found nothing"), std::string::npos)
      << wrong.err;
  EXPECT_EQ(doppel("node none.toml", before).err,
            "doppel: cannot read the description of a node, none.toml\n");
}

TEST_F(SmiCommand, NodeListensUntilItIsEnded) {
  EXPECT_EQ(smi("-L").status, 0);
  script("listens",
         "bin/doppel node ./node --listen 127.0.0.1:0 >address &\n"
         "until test -s address; do :; done\nkill -TERM $!\nwait $!\necho $?; cat address\n");
  const Outcome o = doppel("run --quiet -- ./listens");
  EXPECT_TRUE(o.out.starts_with("0\nhttp://127.0.0.1:")) << o.out << o.err;
}

}  // namespace
}  // namespace doppel::cli
