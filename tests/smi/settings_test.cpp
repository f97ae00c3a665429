// SPDX-License-Identifier: Apache-2.0
// What is set, and what cannot be.
#include "smi/settings.h"

#include "fixture.h"
#include "node/ecc.h"

namespace doppel::smi {
namespace {

using Settings = Smi;

TEST_F(Settings, PowerLimits) {
  start();
  const auto set = set_power_limit(gpus, "200");
  ASSERT_TRUE(set);
  EXPECT_EQ(set->status, 0);
  EXPECT_EQ(set->text,
            "Power limit for GPU 00000000:01:00.0 was set to 200.00 W from 300.00 W.\n"
            "Power limit for GPU 00000000:02:00.0 was set to 200.00 W from 300.00 W.\nAll done.\n");
  EXPECT_EQ(node->state(1, node::wall_ns())->limit_w, 200);
  // What one card takes, it gets.
  const auto low = set_power_limit(gpus, "120.5");
  EXPECT_EQ(low->status, kBadUsage);
  EXPECT_EQ(low->text,
            "Power limit for GPU 00000000:01:00.0 was set to 120.50 W from 200.00 W.\n"
            "Provided power limit 120.50 W is not a valid power limit which should be between 150.00 W and "
            "350.00 W "
            "for GPU 00000000:02:00.0\nTerminating early due to previous errors.\n");
  EXPECT_EQ(node->state(0, node::wall_ns())->limit_w, 120.5);
  EXPECT_EQ(node->state(1, node::wall_ns())->limit_w, 200);
  for (const char* wrong : {"", "many", "200W", "nan", "1e999"})
    EXPECT_EQ(set_power_limit(gpus, wrong).error().status, kBadUsage) << wrong;
  EXPECT_EQ(set_power_limit(gpus, "-5")->status, kBadUsage);
}

TEST_F(Settings, LockedClocks) {
  start();
  const auto set = lock_clocks({gpus[0]}, "1000,1500");
  ASSERT_TRUE(set);
  EXPECT_EQ(set->text,
            "GPU clocks set to \"(gpuClkMin 1000, gpuClkMax 1500)\" for GPU 00000000:01:00.0\nAll done.\n");
  EXPECT_EQ(node->state(0, node::wall_ns())->locked_max_mhz, 1500);
  EXPECT_EQ(lock_clocks({gpus[0]}, "1200")->status, 0);
  EXPECT_EQ(node->state(0, node::wall_ns())->locked_min_mhz, 1200);
  const auto turned = lock_clocks({gpus[0]}, "1500,1000");
  EXPECT_EQ(turned->status, NVML_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(
      turned->text,
      "Setting locked GPU clocks \"(gpuClkMin 1500, gpuClkMax 1000)\" for GPU 00000000:01:00.0: Invalid "
      "Argument\nTerminating early due to previous errors.\n");
  for (const char* wrong : {"", "fast", "1,2,3", "1000,", ",1000", "-1", "1000.5"})
    EXPECT_FALSE(lock_clocks(gpus, wrong)) << wrong;
  EXPECT_EQ(reset_clocks(gpus).status, 0);
  EXPECT_EQ(node->state(0, node::wall_ns())->locked_max_mhz, 0);
}

TEST_F(Settings, ModesAreWordsOrNumbers) {
  start();
  EXPECT_EQ(set_persistence({gpus[0]}, "enabled")->text,
            "Persistence mode is already Enabled for GPU 00000000:01:00.0.\nAll done.\n");
  EXPECT_EQ(set_compute_mode({gpus[0]}, "DEFAULT")->text,
            "Compute mode is already set to DEFAULT for GPU 00000000:01:00.0.\nAll done.\n");
  EXPECT_EQ(set_ecc({gpus[1]}, "1")->text,
            "ECC support is already Enabled for GPU 00000000:02:00.0.\nAll done.\n");
  EXPECT_EQ(set_persistence(gpus, "2").error().message, "-pm 2: expected 0/DISABLED or 1/ENABLED");
  EXPECT_EQ(set_compute_mode(gpus, "4").error().status, kBadUsage);
  EXPECT_EQ(set_ecc(gpus, "on").error().status, kBadUsage);
}

TEST_F(Settings, ComputeModeAndEcc) {
  start();
  EXPECT_EQ(set_compute_mode({gpus[0]}, "EXCLUSIVE_PROCESS")->text,
            "Set compute mode to EXCLUSIVE_PROCESS for GPU 00000000:01:00.0.\nAll done.\n");
  EXPECT_EQ(node->state(0, node::wall_ns())->compute_mode, node::ComputeMode::ExclusiveProcess);
  const auto thread = set_compute_mode({gpus[0]}, "1");
  EXPECT_EQ(thread->status, NVML_ERROR_NOT_SUPPORTED);
  EXPECT_EQ(set_ecc(gpus, "1")->text,
            "Enabled ECC support for GPU 00000000:01:00.0.\nECC support is already Enabled for GPU "
            "00000000:02:00.0.\n"
            "All done.\nReboot required.\n");
  EXPECT_TRUE(node::Ecc(node, 0).state()->pending);
}

}  // namespace
}  // namespace doppel::smi
