// SPDX-License-Identifier: Apache-2.0
// `doppel inject`, and the settings of cards that a run asks for.
#include <gtest/gtest.h>
#include <unistd.h>

#include "card/load_card.h"
#include "node/client.h"
#include "node/ecc.h"
#include "node/process_life.h"
#include "small_installation.h"

namespace doppel::cli {
namespace {

using node::wall_ns;

class Inject : public Cli {
 protected:
  void SetUp() override {
    Cli::SetUp();
    auto opened = node::Node::open((root_ / "node").string());
    ASSERT_TRUE(opened);
    shared = *opened;
    for (const char* name : {"rtx-a6000", "rtx-pro-5000-blackwell"}) {
      const auto card = card::find_card(name);
      ASSERT_TRUE(card) << card.error().message;
      ASSERT_TRUE(shared->card(*card, 0, wall_ns()));
    }
  }
  Outcome inject(const std::string& flags) const { return doppel("inject --node ./node " + flags); }
  std::shared_ptr<node::Node> shared;
};

TEST_F(Inject, PlantsForTheProcessThatIsThere) {
  const auto process = shared->join(1, wall_ns());
  ASSERT_TRUE(process);
  const Outcome o = inject("--card 1 --double --address 0x7f0000001000 --at-launch 12");
  EXPECT_EQ(o.status, 0) << o.err;
  EXPECT_NE(o.out.find("error 1 of two bits for process " + std::to_string(getpid())), std::string::npos)
      << o.out;
  EXPECT_NE(o.out.find("before its kernel number 12"), std::string::npos) << o.out;
  EXPECT_EQ(inject("--card 1 --single --random --count 3 --seed 7").status, 0);
  const auto errors = node::Ecc(shared, 1).errors();
  ASSERT_TRUE(errors);
  ASSERT_EQ(errors->size(), 4U);
  EXPECT_EQ((*errors)[0].address, 0x7f0000001000U);
  EXPECT_EQ((*errors)[0].bits, 2);
  EXPECT_EQ((*errors)[0].at_launch, 12U);
  EXPECT_EQ((*errors)[3].bits, 1);
  EXPECT_EQ((*errors)[3].seed, 9U);
  const Outcome log = inject("--card 1 --log");
  EXPECT_EQ(log.status, 0);
  for (const char* text :
       {"card 1: ECC on", "0 corrected", "0x7f0000001000", "random", "waits for the process"})
    EXPECT_NE(log.out.find(text), std::string::npos) << text << " is missing in\n" << log.out;
}

TEST_F(Inject, TurnsEccOnWithAReset) {
  EXPECT_EQ(inject("--ecc on").status, 0);
  EXPECT_NE(inject("--log").out.find("ECC off, on from the next reset on"), std::string::npos);
  {
    const auto process = shared->join(0, wall_ns());
    const Outcome o = inject("--reset");
    EXPECT_EQ(o.status, 2);
    EXPECT_NE(o.err.find("in use by process"), std::string::npos) << o.err;
  }
  EXPECT_EQ(inject("--reset --log").out.find("card 0: ECC on\n"), 0U);
}

TEST_F(Inject, SaysWhatIsWrong) {
  const auto says = [&](const std::string& flags, const char* text) {
    const Outcome o = inject(flags);
    EXPECT_EQ(o.status, 2) << flags;
    EXPECT_NE(o.err.find(text), std::string::npos) << flags << ": " << o.err;
  };
  says("", "nothing to do");
  says("--single", "where does the error lie");
  says("--single --random", "no process uses card 0");
  says("--single --random --card 5", "no card 5");
  says("--single --random --pid 1", "process 1 does not use card 0");
  const auto process = shared->join(0, wall_ns());
  says("--single --address here", "expected a device address");
  says("--single --address 0", "expected a device address");
  EXPECT_NE(inject("--single --double --random").status, 0);
  EXPECT_NE(inject("--single --random --count 65").status, 0);
  EXPECT_NE(inject("--single --random --address 0x1000").status, 0);
  const Outcome nobody = doppel("inject --single --random", "env -u DOPPEL_NODE");
  EXPECT_EQ(nobody.status, 2);
  EXPECT_NE(nobody.err.find("no node is named"), std::string::npos) << nobody.err;
}

using Settings = Cli;

TEST_F(Settings, OfTheCardsReachTheProgram) {
  script("settings", "echo \"$DOPPEL_ECC:$DOPPEL_POWER_LIMIT\"\n");
  EXPECT_EQ(doppel("run --quiet -- ./settings").out, ":\n");
  EXPECT_EQ(doppel("run --quiet --ecc on --power-limit 212.5 -- ./settings").out, "1:212.5\n");
  EXPECT_EQ(doppel("compare --quiet --ecc off --power-limit 250,300 -- ./settings").out,
            "0:250\n0:250\n0:300\n0:300\n");
  const Outcome low = doppel("compare --power-limit 5,300 -- ./settings");
  EXPECT_EQ(low.status, 2);
  EXPECT_NE(low.err.find("--power-limit 5: NVIDIA RTX A6000 takes"), std::string::npos) << low.err;
  EXPECT_EQ(doppel("run --power-limit 200,250 -- ./settings").status, 2);
  EXPECT_NE(doppel("run --power-limit none -- ./settings").status, 0);
  EXPECT_NE(doppel("run --ecc maybe -- ./settings").status, 0);
}

TEST_F(Settings, SeveralLimitsGiveATableByLimit) {
  program_with_a_kernel();
  const Outcome o = doppel("compare --power-limit 250,300 --report limits.json -- ./program");
  EXPECT_EQ(o.status, 0) << o.err;
  for (const char* text : {"--- on RTX A6000 at 250 W ---", "--- on RTX PRO 5000 Blackwell at 300 W ---",
                           "power limit", "250 W", "300 W", "work per joule"})
    EXPECT_NE(o.out.find(text), std::string::npos) << text << " is missing in\n" << o.out;
  EXPECT_NE(contents(root_ / "limits.json").find("\"power_limit_w\": 250"), std::string::npos);
}

}  // namespace
}  // namespace doppel::cli
