// SPDX-License-Identifier: Apache-2.0
// `doppel review`; a script stands for the suite.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "../report/page_reader.h"
#include "small_installation.h"

namespace doppel::cli {
namespace {

class ReviewCommand : public Cli {
 protected:
  void SetUp() override {
    Cli::SetUp();
    fs::create_directories(root_ / "libexec" / "doppel");
  }

  // Its answers come with all tests, its times with the tests of which those are told apart.
  void suite(const std::string& more = "") const {
    script("libexec/doppel/doppel-suite",
           "echo \"$@\" >>" + (root_ / "calls.txt").string() +
               "\ncase $DOPPEL_CARD in *a6000*) v=600; n=\"NVIDIA RTX A6000\";; *) v=1200; n=other;; esac\n"
               "case $CUDA_VISIBLE_DEVICES in MIG-*) v=$((v / 2));; esac\n"
               "if [ \"$1\" = --answers ]; then\n"
               "echo '{\"test\": \"stream-read\", \"what\": \"reads 1 array\", \"value\": '$v', \"unit\": "
               "\"GB/s\", "
               "\"check\": \"ok\", \"detail\": \"64 Mi doubles\"}'\n"
               "echo '{\"test\": \"sgemm-step-6\", \"what\": \"product\", \"check\": \"ok\"}'\n"
               "else echo '{\"test\": \"sgemm-step-6\", \"what\": \"product\", \"value\": '$v'.5, \"unit\": "
               "\"GFLOP/s\", \"published\": 18237.3, \"published_card\": \"NVIDIA RTX A6000\", "
               "\"published_note\": \"somewhere\"}'; fi\n" +
               more);
  }
};

TEST_F(ReviewCommand, WritesThePageAndItsFigures) {
  suite();
  const Outcome o = doppel("review -o page.html");
  EXPECT_EQ(o.status, 0) << o.err;
  EXPECT_EQ(o.out, "page.html is the review, page.json what stands on it\n");
  EXPECT_EQ(report::faults_of_page(contents(root_ / "page.html"), contents(root_ / "page.json")),
            std::vector<std::string>{});
  const nlohmann::json json = nlohmann::json::parse(contents(root_ / "page.json"));
  EXPECT_EQ(json["figures"]["run.rtx-a6000.stream-read"]["value"], 600);
  EXPECT_EQ(json["figures"]["run.rtx-pro-5000-blackwell.sgemm-step-6"]["value"], 1200.5);
  EXPECT_EQ(json["figures"]["share.rtx-pro-5000-blackwell.1g.24gb.stream-read"]["value"], 0.5);
  EXPECT_EQ(json["figures"]["run.rtx-pro-5000-blackwell.2g.48gb.stream-read"]["value"], 600)
      << "as the script has it of all MIG devices";
  EXPECT_FALSE(contents(root_ / "page.json").find("rtx-a6000.1g") != std::string::npos)
      << "it cannot be divided";
  EXPECT_TRUE(json["figures"].contains("published.rtx-a6000.sgemm-step-6.0"));
  EXPECT_FALSE(json["figures"].contains("published.rtx-pro-5000-blackwell.sgemm-step-6.0"))
      << "a figure of another card is none of this one";
}

TEST_F(ReviewCommand, PrintsTheJsonWhereItIsAskedFor) {
  suite();
  const Outcome o = doppel("review --json");
  EXPECT_EQ(o.status, 0) << o.err;
  EXPECT_EQ(o.out, contents(root_ / "doppel-review.json"));
  EXPECT_TRUE(nlohmann::json::accept(o.out));
}

TEST_F(ReviewCommand, TakesAnyTwoCardsAndFewTests) {
  suite();
  const Outcome o = doppel("review --quick --card a40 --card rtx-a6000 -o two.html");
  EXPECT_EQ(o.status, 0) << o.err;
  const std::string html = contents(root_ / "two.html");
  EXPECT_NE(html.find(">A40<"), std::string::npos);
  EXPECT_NE(html.find("--quick"), std::string::npos) << "the page says that it knows little";
  EXPECT_NE(contents(root_ / "calls.txt").find("--answers fma-fp32"), std::string::npos);
}

TEST_F(ReviewCommand, AWrongAnswerIsSaidAndIsTheStatus) {
  suite("exit 1\n");
  EXPECT_EQ(doppel("review").status, 1);
  EXPECT_TRUE(fs::exists(root_ / "doppel-review.html"));
}

TEST_F(ReviewCommand, BadUsageIsNamedBeforeAnythingRuns) {
  suite();
  const auto expect = [&](const std::string& flags, int status, const std::string& word) {
    const Outcome o = doppel("review " + flags);
    EXPECT_EQ(o.status, status) << flags;
    EXPECT_NE(o.err.find(word), std::string::npos) << flags << ": " << o.err;
  };
  expect("--card rtx-a6000", 2, "a review is of two cards, not of 1");
  expect("--card rtx-a6000 --card a40 --card rtx-a6000", 2, "not of 3");
  expect("--card rtx-a6000 --card rtx-a6000", 2, "rtx-a6000 is one");
  expect("--card rtx-a6000 --card rtx-7", 2, "rtx-7");
  expect("-o page.pdf", 2, "ending in .html");
  expect("-o .html", 2, "ending in .html");
  expect("-o", 2, "");
  expect("-o nowhere/page.html", 125, "nowhere/page.html");
  expect("--slow", 2, "unknown flag '--slow'");
  expect("stream-read", 2, "stream-read");
  EXPECT_FALSE(fs::exists(root_ / "calls.txt"));
}

TEST_F(ReviewCommand, NamesTheInstanceThatGaveNoResult) {
  suite("case $CUDA_VISIBLE_DEVICES in MIG-[0-9a-f]*-*-*-*-*) ;; MIG*) exit 4;; esac\n");
  EXPECT_EQ(doppel("review").status, 0) << "a UUID as CUDA takes it";
  script("libexec/doppel/doppel-suite",
         "case $CUDA_VISIBLE_DEVICES in MIG-*) exit 3;; esac\necho '{\"test\": \"fma-fp32\", \"value\": 1}'");
  const Outcome o = doppel("review");
  EXPECT_EQ(o.status, 125);
  EXPECT_NE(o.err.find("no result on RTX PRO 5000 Blackwell MIG 1g.24gb and ended with status 3"),
            std::string::npos)
      << o.err;
}

TEST_F(ReviewCommand, WithoutResultsThereIsNoPage) {
  script("libexec/doppel/doppel-suite", "exit 3\n");
  const Outcome o = doppel("review");
  EXPECT_EQ(o.status, 125);
  EXPECT_NE(o.err.find("no result on RTX A6000 and ended with status 3"), std::string::npos) << o.err;
  EXPECT_FALSE(fs::exists(root_ / "doppel-review.html"));
  fs::remove(root_ / "libexec" / "doppel" / "doppel-suite");
  EXPECT_EQ(doppel("review").status, 125);
}

}  // namespace
}  // namespace doppel::cli
