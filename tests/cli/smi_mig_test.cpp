// SPDX-License-Identifier: Apache-2.0
// `doppel smi mig` as a user calls it.
#include <gtest/gtest.h>

#include "small_installation.h"

namespace doppel::cli {
namespace {

class SmiMig : public Cli {
 protected:
  Outcome mig(const std::string& arguments,
              const std::string& cards = "rtx-a6000,rtx-pro-5000-blackwell") const {
    return doppel("smi mig " + arguments,
                  "DOPPEL_NODE='" + (root_ / "node").string() + "' DOPPEL_CARDS=" + cards + " </dev/null");
  }
  static bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
  }
};

TEST_F(SmiMig, TheModeIsTurnedOnWhereItCanBe) {
  Outcome o = mig("-lgip");
  EXPECT_EQ(o.status, 6);
  EXPECT_EQ(o.out, "No MIG-enabled devices found.\n");
  o = mig("-mig 1");
  EXPECT_EQ(o.status, 0) << o.err;
  EXPECT_EQ(o.out,
            "Unable to enable MIG Mode for GPU 00000000:01:00.0: Not Supported\n"
            "Treating as warning and moving on.\n"
            "Enabled MIG Mode for GPU 00000000:02:00.0\n"
            "All done.\n");
  EXPECT_EQ(mig("-mig 0 -i 1").out, "Disabled MIG Mode for GPU 00000000:02:00.0\nAll done.\n");
}

TEST_F(SmiMig, ProfilesAreListed) {
  mig("-mig 1");
  const Outcome o = mig("-lgip");
  EXPECT_EQ(o.status, 0);
  EXPECT_TRUE(has(o.out,
                  "|   1  MIG 1g.24gb          5     2/2        23.50      No     54     1     1   |\n"
                  "|                                                               1     0     0   |\n"))
      << o.out;
  EXPECT_TRUE(has(mig("-lgipp").out, "GPU  1 Profile ID  5 Placements: {0,1}:1\n"));
}

TEST_F(SmiMig, InstancesAreMadeListedAndDestroyed) {
  mig("-mig 1");
  Outcome o = mig("-cgi 5,1g.24gb -C");
  EXPECT_EQ(o.status, 0) << o.err;
  EXPECT_EQ(o.out,
            "Successfully created GPU instance ID  2 on GPU  1 using profile MIG 1g.24gb (ID  5)\n"
            "Successfully created compute instance ID  0 on GPU  1 GPU instance ID  2 using profile MIG "
            "1g.24gb (ID  "
            "0)\n"
            "Successfully created GPU instance ID  1 on GPU  1 using profile MIG 1g.24gb (ID  5)\n"
            "Successfully created compute instance ID  0 on GPU  1 GPU instance ID  1 using profile MIG "
            "1g.24gb (ID  "
            "0)\n");
  EXPECT_TRUE(has(mig("-lgi").out, "|   1  MIG 1g.24gb          5        1          1:1     |\n"));
  EXPECT_TRUE(
      has(mig("-lci").out, "|   1      2       MIG 1g.24gb          0         0          0:1     |\n"));
  EXPECT_TRUE(has(mig("-lcip -gi 1").out, "MIG 1g.24gb          0*      0/1"));
  o = mig("-dgi -gi 1");
  EXPECT_EQ(o.status, 19);
  EXPECT_TRUE(has(o.out, "Unable to destroy GPU instance ID  1 from GPU  1: In use by another client\n"))
      << o.out;
  EXPECT_EQ(mig("-dci -ci 0 -gi 1").out,
            "Successfully destroyed compute instance ID  0 from GPU  1 GPU instance ID  1\n");
  EXPECT_EQ(mig("-dgi -gi 1").out, "Successfully destroyed GPU instance ID  1 from GPU  1\n");
  EXPECT_EQ(mig("-dci").status, 0);
  EXPECT_EQ(mig("-dgi").status, 0);
  EXPECT_EQ(mig("-lgi").status, 6);
  EXPECT_EQ(mig("-dci").out, "No compute instances found: Not Found\n");
}

TEST_F(SmiMig, ComputeInstancesShareAGpuInstance) {
  mig("-mig 1");
  mig("-cgi 2g.48gb");
  EXPECT_EQ(mig("-cci").out,
            "Successfully created compute instance ID  0 on GPU  1 GPU instance ID  0 using profile MIG "
            "2g.48gb (ID  "
            "1)\n");
  EXPECT_EQ(mig("-cci 0").status, 23);
  mig("-dci");
  EXPECT_EQ(mig("-cci 1c.2g.48gb,0").status, 0);
  EXPECT_TRUE(has(mig("-lci").out, "MIG 1c.2g.48gb       0         1          1:1     |\n"));
}

TEST_F(SmiMig, WhatDoesNotFitIsRefused) {
  mig("-mig 1");
  EXPECT_EQ(mig("-cgi 1g.24gb:1").status, 0);
  Outcome o = mig("-cgi 0");
  EXPECT_EQ(o.status, 23);
  EXPECT_TRUE(has(o.out, "Insufficient Resources")) << o.out;
  EXPECT_EQ(mig("-cgi 1g.24gb:1").status, 23);
  EXPECT_EQ(mig("-cgi 1g.24gb:2").status, 2);
  EXPECT_EQ(mig("-cgi 1g.24gb:x").status, 2);
  EXPECT_EQ(mig("-cgi 7g.80gb").status, 2);
  EXPECT_EQ(mig("-cci 5").status, 2);
  EXPECT_EQ(mig("-cci -gi 9").status, 6);
}

TEST_F(SmiMig, WrongArgumentsAreNamed) {
  for (const auto& [arguments, words] : {std::pair("", "expected one of -mig, -lgip"),
                                         {"-mig", "-mig needs a value"},
                                         {"-mig 2", "-mig 2: expected 0 or 1"},
                                         {"-lgip -lgi", "-lgi beside another request"},
                                         {"-lgix", "unknown flag '-lgix'"},
                                         {"-dgi -gi one", "-gi one: expected numbers"},
                                         {"-cgi", "-cgi needs a value"}}) {
    const Outcome o = mig(arguments);
    EXPECT_EQ(o.status, 2) << arguments;
    EXPECT_TRUE(has(o.err, words)) << arguments << ": " << o.err;
  }
  const Outcome o = mig("-lgip -i 7");
  EXPECT_EQ(o.status, 6);
  EXPECT_TRUE(has(o.err, "-i 7: the node has no such card")) << o.err;
}

TEST_F(SmiMig, WithoutANodeNothingIsChanged) {
  const Outcome o = doppel("smi mig -mig 1");
  EXPECT_EQ(o.status, 125);
  EXPECT_TRUE(has(o.err, "DOPPEL_NODE names no machine")) << o.err;
}

}  // namespace
}  // namespace doppel::cli
