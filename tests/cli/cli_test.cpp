// SPDX-License-Identifier: Apache-2.0
// The `doppel` command as a user calls it.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "device/run_record.h"
#include "small_installation.h"

namespace doppel::cli {
namespace {

TEST_F(Cli, CardsListsTheCards) {
  const Outcome o = doppel("cards");
  EXPECT_EQ(o.status, 0);
  EXPECT_NE(o.out.find("rtx-a6000"), std::string::npos);
  EXPECT_NE(o.out.find("rtx-pro-5000-blackwell"), std::string::npos);
}

TEST_F(Cli, ShowHasTheDerivedPeaks) {
  const Outcome o = doppel("show rtx-pro-5000-blackwell");
  EXPECT_EQ(o.status, 0);
  for (const char* figure : {"69.5 TFLOPS", "211.0 RT TFLOPS", "2,223 TFLOPS", "1,344 GB/s"}) {
    EXPECT_NE(o.out.find(figure), std::string::npos) << figure;
  }
}

TEST_F(Cli, ShowAsJsonCarriesSources) {
  const auto json = nlohmann::json::parse(doppel("show rtx-a6000 --json").out);
  EXPECT_NEAR(json["peaks"]["fp32_tflops"].get<double>(), 38.7, 0.05);
  EXPECT_EQ(json["values"]["sm_count"]["value"], 84);
  EXPECT_EQ(json["values"]["sm_count"]["mark"], "M");
}

TEST_F(Cli, AnUnknownCardNamesTheNearest) {
  const Outcome o = doppel("run --card rtx-a600 -- true");
  EXPECT_EQ(o.status, 2);
  EXPECT_NE(o.err.find("did you mean 'rtx-a6000'?"), std::string::npos) << o.err;
}

TEST_F(Cli, AnUnknownFlagNamesTheNearest) {
  for (const char* arguments :
       {"run --crad rtx-a6000 -- true", "compare --crad rtx-a6000 true", "bench --crad rtx-a6000"}) {
    const Outcome o = doppel(arguments);
    EXPECT_EQ(o.status, 2);
    EXPECT_NE(o.err.find("did you mean '--card'?"), std::string::npos) << arguments << ": " << o.err;
  }
}

TEST_F(Cli, AnUnknownCommandNamesTheNearest) {
  const Outcome o = doppel("comapre -- true");
  EXPECT_EQ(o.status, 2);
  EXPECT_NE(o.err.find("did you mean 'compare'?"), std::string::npos) << o.err;
}

TEST_F(Cli, RunWithoutAProgramSaysSo) {
  for (const char* arguments : {"run", "run --", "compare --check"}) {
    const Outcome o = doppel(arguments);
    EXPECT_EQ(o.status, 2) << arguments;
    EXPECT_NE(o.err.find("no program to run"), std::string::npos) << o.err;
  }
}

TEST_F(Cli, RunLeavesOutputAndStatusAlone) {
  program_with_a_kernel("exit 5\n");
  const Outcome o = doppel("run -- ./program");
  EXPECT_EQ(o.status, 5);
  EXPECT_EQ(o.out, "result 42\n");
  EXPECT_NE(o.err.find("saxpy"), std::string::npos);
}

TEST_F(Cli, RunNeedsNoMarkBeforeTheProgram) {
  script("arguments", "echo \"$@\"\n");
  EXPECT_EQ(doppel("run --quiet ./arguments --card x -v").out, "--card x -v\n");
  EXPECT_EQ(doppel("run --quiet -- ./arguments -- -v").out, "-- -v\n");
  EXPECT_EQ(doppel("run --quiet --card rtx-a6000 --report r.json ./arguments a b").out, "a b\n");
}

TEST_F(Cli, NvLinkJoinsCardsThatHaveIt) {
  script("bridge", "echo \"${DOPPEL_CARD##*/}:$DOPPEL_NVLINK\"\n");
  EXPECT_EQ(doppel("run --quiet --nvlink --devices 2 -- ./bridge").out, "rtx-a6000.toml:1\n");
  EXPECT_EQ(doppel("run --quiet --devices 2 -- ./bridge").out, "rtx-a6000.toml:\n");
  const Outcome refused = doppel("run --nvlink --card rtx-pro-5000-blackwell --devices 2 -- ./bridge");
  EXPECT_EQ(refused.status, 2);
  EXPECT_NE(refused.err.find("--nvlink: NVIDIA RTX PRO 5000 Blackwell has no NVLink"), std::string::npos)
      << refused.err;
  const Outcome alone = doppel("run --nvlink -- ./bridge");
  EXPECT_EQ(alone.status, 2);
  EXPECT_NE(alone.err.find("there is one NVIDIA RTX A6000"), std::string::npos) << alone.err;
  // Beside each other each card has the links that it has.
  EXPECT_EQ(doppel("compare --quiet --nvlink --devices 2 -- ./bridge").out,
            "rtx-a6000.toml:1\nrtx-pro-5000-blackwell.toml:\n");
  EXPECT_EQ(doppel("compare --nvlink -- ./bridge").status, 2);
  EXPECT_EQ(doppel("compare --nvlink --devices 2 --card rtx-pro-5000-blackwell -- ./bridge").status, 2);
}

TEST_F(Cli, RunGivesTheProgramItsEnvironment) {
  script("environment",
         "echo $DOPPEL_CARDS $DOPPEL_TIMING $DOPPEL_CHECK $DOPPEL_TIMEOUT_S $DOPPEL_DRIVER_VERSION; test -d "
         "$DOPPEL_RECORD && echo "
         "$LD_LIBRARY_PATH\n");
  const Outcome o = doppel(
      "run --card rtx-a6000 --devices 2 --timing full --check --timeout 30 --driver-version 12.4 --quiet -- "
      "./environment");
  std::istringstream lines(o.out);
  std::string first;
  std::string second;
  std::getline(lines, first);
  std::getline(lines, second);
  EXPECT_TRUE(first.ends_with("rtx-a6000.toml full 1 30 12.4")) << first;
  EXPECT_EQ(second.substr(0, second.find(':')), (root_ / "lib" / "doppel").string());
}

// A node of the run's own, unless the user names one.
TEST_F(Cli, RunGivesTheProgramANode) {
  script("node", "echo $DOPPEL_NODE; echo $DOPPEL_RECORD/node\n");
  unsetenv("DOPPEL_NODE");
  std::istringstream own(doppel("run --quiet -- ./node").out);
  std::string first;
  std::string second;
  std::getline(own, first);
  std::getline(own, second);
  EXPECT_EQ(first, second);
  const std::string name = fmt::format("lab-{}", getpid());
  setenv("DOPPEL_NODE", name.c_str(), 1);
  EXPECT_TRUE(doppel("run --quiet -- ./node").out.starts_with(name + "\n"));
  std::filesystem::remove(fmt::format("/dev/shm/doppel-{}-{}", getuid(), name));
  unsetenv("DOPPEL_NODE");
}

TEST_F(Cli, CardsMayStandBehindOneFlag) {
  script("cards", "echo $DOPPEL_CARDS\n");
  const std::string both = doppel("run --quiet --card rtx-a6000,rtx-pro-5000-blackwell -- ./cards").out;
  EXPECT_EQ(both, doppel("run --quiet --card rtx-a6000 --card rtx-pro-5000-blackwell -- ./cards").out);
  EXPECT_NE(both.find("rtx-a6000.toml,"), std::string::npos) << both;
}

// A program sees the cards of a machine that a file describes; its own place does not matter.
TEST_F(Cli, RunTakesTheCardsOfADescribedNode) {
  script("node", "cd /; echo $DOPPEL_CARDS; echo $DOPPEL_NODE\n");
  std::ofstream(root_ / "lab.toml")
      << "[[card]]\nmodel = \"rtx-pro-5000-blackwell\"\n[[card]]\nmodel = \"rtx-a6000\"\n";
  const std::string before = "</dev/null DOPPEL_NODE=lab.toml XDG_RUNTIME_DIR=" + root_.string();
  const Outcome all = doppel("run --quiet -- ./node", before);
  EXPECT_NE(all.out.find("rtx-pro-5000-blackwell.toml,"), std::string::npos) << all.out << all.err;
  EXPECT_NE(all.out.find("rtx-a6000.toml\n" + (root_ / "lab.toml").string()), std::string::npos) << all.out;
  const Outcome one = doppel("run --quiet --card rtx-a6000 -- ./node", before);
  EXPECT_EQ(one.out.find("blackwell"), std::string::npos) << one.out;
  const Outcome none = doppel("run --card a40 -- ./node", before);
  EXPECT_EQ(none.status, 2);
  EXPECT_NE(none.err.find("lab.toml has none of a40"), std::string::npos) << none.err;
  const Outcome many = doppel("run --card rtx-a6000 --devices 2 -- ./node", before);
  EXPECT_EQ(many.status, 2);
  EXPECT_NE(many.err.find("has 1 of rtx-a6000, and 2 are asked for"), std::string::npos) << many.err;
  std::ofstream(root_ / "lab.toml") << "[[card]]\nmodl = 1\n";
  const Outcome wrong = doppel("run -- ./node", before);
  EXPECT_EQ(wrong.status, 2);
  EXPECT_EQ(wrong.err, "doppel: lab.toml:2: card.modl: unknown key; did you mean 'model'?\n");
}

TEST_F(Cli, ASignalOfTheProgramIs128AndItsNumber) {
  EXPECT_EQ(doppel("run -- sh -c 'kill -SEGV $$'").status, 128 + 11);
}

TEST_F(Cli, AMissingProgramIs127) {
  const Outcome o = doppel("run -- ./missing");
  EXPECT_EQ(o.status, 127);
  EXPECT_NE(o.err.find("cannot run ./missing"), std::string::npos) << o.err;
}

TEST_F(Cli, AProgramThatNeverEndsIsEnded) {
  EXPECT_EQ(doppel("run --timeout 0.05 -- sh -c 'while :; do :; done'").status, 124);
}

TEST_F(Cli, AProgramThatDoesNotUseTheCardIsSaid) {
  const Outcome o = doppel("run -- true");
  EXPECT_EQ(o.status, 0);
  EXPECT_NE(o.err.find("did not use the card"), std::string::npos) << o.err;
}

// What was refused is repeated at the end, and is a failure where that is asked for.
TEST_F(Cli, WhatWasRefusedIsRepeated) {
  device::RunRecord record;
  record.card = "CARD";
  record.process_id = 1;
  record.diagnostics = {{"refused launch", "saxpy(int): a block of 2048 threads", 3},
                        {"refused launch", "other(): 2 GiB of shared memory", 1},
                        {"refused module", "no PTX that can run", 1},
                        {"illegal address", "somewhere", 1}};
  std::ofstream(root_ / "refused.json") << device::to_json({record});
  script("program", "cp refused.json $DOPPEL_RECORD/$$.json\nexit $1\n");
  const Outcome o = doppel("run -- ./program 0");
  EXPECT_EQ(o.status, 0);
  for (const char* text :
       {"On RTX A6000 4 launches were refused:\n  saxpy(int): a block of 2048 threads (3 times)\n  other()",
        "On RTX A6000 1 module was refused:\n  no PTX that can run\n",
        "On RTX A6000 a fault of a kernel was reported"})
    EXPECT_NE(o.err.find(text), std::string::npos) << text << " is missing in\n" << o.err;
  EXPECT_EQ(doppel("run --strict -- ./program 0").status, 2);
  EXPECT_EQ(doppel("run --strict -- ./program 5").status, 5);
  EXPECT_EQ(doppel("run --strict -- true").status, 0);
  EXPECT_EQ(doppel("compare -- ./program 0").status, 0);
  EXPECT_EQ(doppel("compare --strict -- ./program 0").status, 2);
}

TEST_F(Cli, ComparePrintsOneTableAfterTheProgramsOutput) {
  program_with_a_kernel();
  const Outcome o = doppel("compare -- ./program");
  EXPECT_EQ(o.status, 0) << o.err;
  EXPECT_TRUE(
      o.out.starts_with("--- on RTX A6000 ---\nresult 42\n--- on RTX PRO 5000 Blackwell ---\nresult 42\n\n"))
      << o.out;
  for (const char* text :
       {"RTX A6000", "RTX PRO 5000 Blackwell", "saxpy [grid 196, block 256]", "200 us", "100 us", "2.00x",
        "dram", "host to device, 1.00 MiB", "energy", "peak memory", "Verdict: RTX PRO 5000 Blackwell"}) {
    EXPECT_NE(o.out.find(text), std::string::npos) << text << " is missing in\n" << o.out;
  }
  EXPECT_NE(o.out.find("has not been measured"), std::string::npos)
      << "the verdict must not hide that its error is unknown";
}

TEST_F(Cli, TheVerdictCarriesTheMeasuredError) {
  program_with_a_kernel();
  fs::create_directories(root_ / "share" / "doppel" / "truth");
  std::ofstream(root_ / "share" / "doppel" / "truth" / "error-band.json")
      << R"({"mean_percent": 40, "measurements": 12, "set": "streams and matrix products",
          "cards": ["rtx-a6000"]})";
  const Outcome o = doppel("compare -- ./program");
  EXPECT_NE(o.out.find("within the model's error"), std::string::npos) << o.out;
  EXPECT_NE(o.out.find("40 % (12 measurements: streams and matrix products)"), std::string::npos) << o.out;
  EXPECT_NE(o.out.find("RTX PRO 5000 Blackwell is unverified"), std::string::npos) << o.out;
}

TEST_F(Cli, CompareEndsWithTheProgramsStatus) {
  program_with_a_kernel("test $DOPPEL_CARD != ${DOPPEL_CARD%a6000.toml} || exit 9\n");
  const Outcome o = doppel("compare -- ./program");
  EXPECT_EQ(o.status, 9);
  EXPECT_NE(o.out.find("No verdict"), std::string::npos) << o.out;
}

TEST_F(Cli, EveryReportFormIsWritten) {
  program_with_a_kernel();
  const Outcome o = doppel(
      "compare --report r.json --report r.md --report r.csv --report r.html --report r.trace.json -- "
      "./program");
  EXPECT_EQ(o.status, 0) << o.err;
  const auto json = nlohmann::json::parse(contents(root_ / "r.json"));
  EXPECT_EQ(json["runs"][0]["card"], "rtx-a6000");
  EXPECT_EQ(json["runs"][1]["kernels"][0]["calls"], 3);
  EXPECT_EQ(json["verdict"]["faster"], "rtx-pro-5000-blackwell");
  const auto trace = nlohmann::json::parse(contents(root_ / "r.trace.json"));
  EXPECT_EQ(trace["traceEvents"].back()["dur"], 66);
  EXPECT_EQ(json["flags"][0], "compare");
  EXPECT_EQ(json["date"].get<std::string>().size(), 20U);
  EXPECT_NE(contents(root_ / "r.md").find("saxpy [grid 196, block 256] | 3 |"), std::string::npos);
  EXPECT_NE(contents(root_ / "r.html").find("saxpy [grid 196, block 256]"), std::string::npos);
  EXPECT_NE(contents(root_ / "r.csv").find("rtx-a6000,kernel,\"saxpy(int, float)\",196,1,1,256,1,1,3,200,"),
            std::string::npos);
}

// The program that only one card can run: it launches nothing on the other one, and does not say so.
TEST_F(Cli, ACardThatRanNothingIsNotFaster) {
  program_with_a_kernel();
  std::ofstream(root_ / "slow.json") << device::to_json({[] {
    device::RunRecord record;
    record.process_id = 1;
    record.timing_depth = "fast";
    record.busy_us = 10;
    record.copies.push_back({"host to device", 1 << 20, 2, 10});
    return record;
  }()});
  const Outcome o = doppel("compare -- ./program");
  EXPECT_EQ(o.status, 0);
  EXPECT_NE(
      o.out.find(
          "\nNo verdict between RTX A6000 and RTX PRO 5000 Blackwell: kernels were launched 0 times on RTX "
          "A6000 and 3 times on RTX PRO 5000 Blackwell.\n"),
      std::string::npos)
      << o.out;
  EXPECT_EQ(o.out.find("Verdict:"), std::string::npos) << o.out;
}

TEST_F(Cli, ASignalIsNamed) {
  const Outcome o = doppel("run -- sh -c 'kill -SEGV $$'");
  EXPECT_EQ(o.status, 128 + 11);
  EXPECT_NE(o.err.find("On RTX A6000 the program was ended by SIGSEGV (Segmentation fault)."),
            std::string::npos)
      << o.err;
  EXPECT_EQ(o.err.find("did not use"), std::string::npos) << o.err;
}

TEST_F(Cli, EveryRunReadsTheSameInput) {
  script("reader", "cat\n");
  std::ofstream(root_ / "input.txt") << "from a file\n";
  for (const char* input : {"<input.txt", "cat input.txt |", "(read skipped; cat) <input.txt |"}) {
    const std::string line = std::string(input).starts_with("(") ? "" : "from a file\n";
    const Outcome o = doppel("compare -- ./reader", input);
    EXPECT_EQ(o.status, 0) << o.err;
    EXPECT_TRUE(o.out.starts_with("--- on RTX A6000 ---\n" + line + "--- on RTX PRO 5000 Blackwell ---\n" +
                                  line + "\n"))
        << input << "\n"
        << o.out;
  }
}

TEST_F(Cli, AMegabyteOfInputIsReadByEveryRun) {
  script("reader", "md5sum\n");
  const Outcome o = doppel("compare -- ./reader", "seq 1 200000 |");
  const std::size_t first = o.out.find("  -\n");
  ASSERT_NE(first, std::string::npos) << o.out;
  const std::string sum = o.out.substr(first - 32, 32);
  EXPECT_NE(o.out.find(sum, first), std::string::npos) << o.out;
}

// A pipe that nobody closes does not stop a program that reads nothing, or only a part.
TEST_F(Cli, InputThatNeverEndsIsOnlyReadAsFarAsItIsAskedFor) {
  script("ignores", "exit 0\n");
  EXPECT_EQ(doppel("compare -- ./ignores", "mkfifo fifo; exec 3<>fifo; <&3").status, 0);
  script("takes", "read line; echo got $line\n");
  const Outcome o = doppel("compare -- ./takes", "mkfifo fifo2; exec 4<>fifo2; echo hello >&4; <&4");
  EXPECT_TRUE(
      o.out.starts_with("--- on RTX A6000 ---\ngot hello\n--- on RTX PRO 5000 Blackwell ---\ngot hello\n"))
      << o.out;
}

TEST_F(Cli, QuietLeavesTheProgramsOutputAlone) {
  program_with_a_kernel();
  const Outcome o = doppel("compare --quiet -- ./program");
  EXPECT_EQ(o.out, "result 42\nresult 42\n");
  EXPECT_EQ(o.err, "");
}

TEST_F(Cli, AReportOnStandardOutputStandsAlone) {
  program_with_a_kernel();
  const Outcome o = doppel("compare --report - -- ./program");
  EXPECT_EQ(o.status, 0) << o.err;
  EXPECT_EQ(nlohmann::json::parse(o.out)["runs"].size(), 2U);
  EXPECT_NE(o.err.find("result 42"), std::string::npos);
  EXPECT_NE(o.err.find("Verdict:"), std::string::npos);
  EXPECT_TRUE(doppel("run --quiet --report -.csv -- ./program").out.starts_with("card,row,name,"));
  EXPECT_EQ(doppel("run --report - --report -.md -- ./program").status, 2);
}

TEST_F(Cli, AConditionDecidesTheStatus) {
  program_with_a_kernel();
  EXPECT_EQ(doppel("compare --fail-if 'ratio > 2' -- ./program").status, 0);
  const Outcome held = doppel("compare --fail-if 'ratio < 2' -- ./program");
  EXPECT_EQ(held.status, 3);
  EXPECT_NE(held.err.find("doppel: --fail-if 'ratio < 2' holds"), std::string::npos) << held.err;
  const Outcome unknown = doppel("run --fail-if 'ratio < 2' -- ./program");
  EXPECT_EQ(unknown.status, 3) << "what cannot be decided does not pass";
  EXPECT_NE(unknown.err.find("cannot be decided: ratio is not known"), std::string::npos) << unknown.err;
  EXPECT_EQ(doppel("run --fail-if 'time >' -- touch started").status, 2);
  EXPECT_FALSE(fs::exists(root_ / "started"));
  program_with_a_kernel("exit 5\n");
  EXPECT_EQ(doppel("run --fail-if 'time > 0' -- ./program").status, 5)
      << "the program's own status comes first";
}

TEST_F(Cli, ANarrowTerminalIsNotOverrun) {
  program_with_a_kernel();
  for (const char* columns : {"60", "80", "200"}) {
    const Outcome o = doppel("compare -- ./program", std::string("</dev/null COLUMNS=") + columns);
    std::istringstream lines(o.out);
    for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), std::stoul(columns)) << o.out;
    EXPECT_NE(o.out.find("saxpy"), std::string::npos);
  }
}

TEST_F(Cli, NoReportIsHalfWritten) {
  program_with_a_kernel();
  std::ofstream(root_ / "r.json") << "the old one";
  fs::permissions(root_ / "r.json", fs::perms(0640));
  script("program", "kill -INT $PPID; exec tail -f /dev/null\n");
  EXPECT_NE(doppel("compare --report r.json --report new.json -- ./program").status, 0);
  EXPECT_EQ(contents(root_ / "r.json"), "the old one");
  EXPECT_FALSE(fs::exists(root_ / "new.json"));
  program_with_a_kernel();
  EXPECT_EQ(doppel("compare --report r.json -- ./program").status, 0);
  EXPECT_EQ(fs::status(root_ / "r.json").permissions(), fs::perms(0640));
  for (const auto& entry : fs::directory_iterator(root_)) {
    EXPECT_FALSE(entry.path().filename().string().starts_with(".")) << entry.path();
  }
}

TEST_F(Cli, ExplainReadsAReport) {
  program_with_a_kernel();
  ASSERT_EQ(doppel("run --report r.json -- ./program").status, 0);
  const Outcome o = doppel("explain saxpy --from r.json");
  EXPECT_EQ(o.status, 0) << o.err;
  EXPECT_NE(o.out.find("bound by"), std::string::npos) << o.out;
  EXPECT_NE(o.out.find("3, 200 us (66.7 us each)"), std::string::npos) << o.out;
  EXPECT_NE(o.out.find("grid, block"), std::string::npos) << o.out;
  const Outcome wrong = doppel("explain saxby --from r.json");
  EXPECT_NE(wrong.status, 0);
  EXPECT_NE(wrong.err.find("no kernel 'saxby' in the report"), std::string::npos) << wrong.err;
}

TEST_F(Cli, AReportThatCannotBeWrittenStopsBeforeTheRun) {
  script("program", "touch started\n");
  const Outcome o = doppel("run --report /nonexistent/r.json -- ./program");
  EXPECT_EQ(o.status, 125);
  EXPECT_NE(o.err.find("cannot write the report /nonexistent/r.json"), std::string::npos) << o.err;
  EXPECT_FALSE(fs::exists(root_ / "started"));
}

TEST_F(Cli, AReportOfAnUnknownFormStopsBeforeTheRun) {
  const Outcome o = doppel("run --report r.pdf -- true");
  EXPECT_EQ(o.status, 2);
  EXPECT_NE(o.err.find(".json, .md, .csv, .html or .trace.json"), std::string::npos) << o.err;
}

TEST_F(Cli, AFullDiskIsAnError) {
  if (!fs::exists("/dev/full")) GTEST_SKIP() << "no /dev/full here";
  fs::create_symlink("/dev/full", root_ / "full.json");
  const Outcome o = doppel("run --report full.json -- true");
  EXPECT_EQ(o.status, 125);
  EXPECT_NE(o.err.find("No space left"), std::string::npos) << o.err;
}

// Where nobody reads, or nothing can be written, the words are lost and the status is not.
TEST_F(Cli, WordsThatCannotBeWrittenChangeNoStatus) {
  const auto status_of = [&](const std::string& command) {
    const int status = std::system(("cd '" + root_.string() + "' && " + command).c_str());
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  };
  for (const std::string where :
       {"2>&-", ">&- 2>&-", "<&- >&- 2>&-", "2>/dev/full", ">/dev/full 2>/dev/full"}) {
    if (where.find("/dev/full") != std::string::npos && !fs::exists("/dev/full")) continue;
    EXPECT_EQ(status_of("bin/doppel run -- sh -c 'exit 3' " + where), 3) << where;
    EXPECT_EQ(status_of("bin/doppel run -- true " + where), 0) << where;
    EXPECT_EQ(status_of("bin/doppel compare -- true " + where), 0) << where;
  }
  EXPECT_EQ(
      status_of("{ bin/doppel run -- sh -c 'exit 3' 2>&1; echo $? >status; } | true && exit $(cat status)"),
      3);
  // The signal that doppel ignores has its effect on the program.
  EXPECT_EQ(status_of("bin/doppel run --quiet -- sh -c 'kill -PIPE $$'"), 128 + SIGPIPE);
}

TEST_F(Cli, ATimeLimitIsANumberAboveZero) {
  for (const std::string limit : {"-5", "0", "nan", "inf", "1e400", "soon", "''", "5s"}) {
    const Outcome o = doppel("run --timeout " + limit + " -- true");
    EXPECT_EQ(o.status, 2) << limit;
    EXPECT_NE(o.err.find("seconds above 0"), std::string::npos) << o.err;
    EXPECT_LT(o.err.size(), 200U) << o.err;
  }
}

TEST_F(Cli, AMissingDriverLibraryIsNamed) {
  fs::remove(root_ / "lib" / "doppel" / "libcuda.so.1");
  const Outcome o = doppel("run -- true");
  EXPECT_NE(o.status, 0);
  EXPECT_NE(o.err.find("the driver library is missing from this installation"), std::string::npos) << o.err;
}

TEST_F(Cli, BenchPutsTheCardsSideBySide) {
  fs::create_directories(root_ / "libexec" / "doppel");
  script("libexec/doppel/doppel-suite",
         "case $DOPPEL_CARD in *a6000*) v=600;; *) v=1200;; esac\n"
         "echo '{\"test\": \"stream-read\", \"value\": '$v', \"unit\": \"GB/s\", \"check\": \"ok\", "
         "\"published\": 768, \"published_card\": \"RTX A6000\", \"published_note\": \"4096 x 4096\"}'\n");
  EXPECT_EQ(doppel("bench --card rtx-a6000 stream-read").status, 0) << "a test may follow a card";
  const Outcome o = doppel("bench");
  EXPECT_EQ(o.status, 0) << o.err;
  for (const char* text :
       {"stream-read", "GB/s", "600.0", "1,200", "2.00x", "768.0 on RTX A6000 (4096 x 4096)"}) {
    EXPECT_NE(o.out.find(text), std::string::npos) << text << " is missing in\n" << o.out;
  }
}

constexpr const char* kScale =
    ".version 8.0\n.target sm_86\n.address_size 64\n"
    ".visible .entry scale(.param .u64 p)\n{\n"
    ".reg .b32 %r<3>; .reg .f32 %f<3>; .reg .b64 %rd<4>;\n"
    "ld.param.u64 %rd1, [p];\nmov.u32 %r1, %tid.x;\nmad.wide.u32 %rd2, %r1, 4, %rd1;\n"
    "ld.global.f32 %f1, [%rd2];\nmul.rn.f32 %f2, %f1, %f1;\nst.global.f32 [%rd2], %f2;\nret;\n}\n"
    ".visible .entry other() { ret; }\n";

TEST_F(Cli, PtxShowsWhatBecomesOfAFile) {
  std::ofstream(root_ / "scale.ptx") << kScale;
  const Outcome shown =
      doppel("ptx scale.ptx --kernel scale --show ir,lanes,machine,registers --block 16,16,1");
  EXPECT_EQ(shown.status, 0) << shown.err;
  EXPECT_NE(shown.out.find("fmul.rn.f32"), std::string::npos) << shown.out;
  EXPECT_NE(shown.out.find("; 11 mul.rn.f32"), std::string::npos);
  EXPECT_NE(shown.out.find("base + 4 * (lane mod 16)"), std::string::npos);
  EXPECT_NE(shown.out.find("FMUL"), std::string::npos);
  EXPECT_NE(shown.out.find("registers \"scale\""), std::string::npos);
  const Outcome code = doppel("ptx scale.ptx --show plan,accesses,llvm,optimised --block 16,16,1");
  EXPECT_EQ(code.status, 0) << code.err;
  EXPECT_NE(code.out.find("entry: a call runs the warps of a block"), std::string::npos) << code.out;
  EXPECT_NE(code.out.find("ld.global.f32: 2 x 16 lanes side by side"), std::string::npos) << code.out;
  EXPECT_NE(code.out.find("; behind LLVM's passes"), std::string::npos);
  EXPECT_EQ(shown.out.find("other"), std::string::npos);
}

// LLVM's constructors take longer than the rest of a start.
TEST_F(Cli, OnlyPtxLoadsTheEngine) {
  const fs::path core = root_ / "lib" / "libdoppel.so.0";
  const std::string of_llvm = "LLVM ERROR: ";
  EXPECT_NE(contents(core).find(of_llvm), std::string::npos);
  EXPECT_EQ(contents(root_ / "bin" / "doppel").find(of_llvm), std::string::npos);
  fs::remove(core);
  program_with_a_kernel();
  EXPECT_EQ(doppel("run -- ./program").status, 0);
  EXPECT_EQ(doppel("compare -- ./program").status, 0);
  EXPECT_EQ(doppel("show rtx-a6000").status, 0);
  std::ofstream(root_ / "scale.ptx") << kScale;
  const Outcome ptx = doppel("ptx scale.ptx");
  EXPECT_EQ(ptx.status, 125);
  EXPECT_EQ(ptx.err,
            "doppel: the core library is missing from this installation; looked for " + core.string() + "\n");
}

TEST_F(Cli, WhatPtxShowsCanBeRead) {
  std::ofstream(root_ / "scale.ptx") << kScale;
  const std::string text = doppel("ptx scale.ptx --kernel scale").out;
  std::ofstream(root_ / "scale.ir") << "module \"ptx\" \"sm_86\" 64\n" << text;
  const Outcome again = doppel("ptx scale.ir --show machine");
  EXPECT_EQ(again.status, 0) << again.err;
  EXPECT_EQ(again.out, doppel("ptx scale.ptx --kernel scale --show machine").out);
}

TEST_F(Cli, PtxNamesWhatItCannotShow) {
  EXPECT_EQ(doppel("ptx nothing.ptx").err, "doppel: cannot read nothing.ptx\n");
  std::ofstream(root_ / "scale.ptx") << kScale;
  EXPECT_EQ(doppel("ptx scale.ptx --kernel sort").err,
            "doppel: scale.ptx: no kernel has 'sort' in its name\n");
  EXPECT_EQ(doppel("ptx scale.ptx --kernel sort").status, 125);
  EXPECT_EQ(doppel("ptx scale.ptx --show assembly").status, 2);
  std::ofstream(root_ / "broken.ir") << "module \"ir\" \"sm_86\" 64\nkernel \"k\" visible\nb0:\n  fly\nend\n";
  EXPECT_EQ(doppel("ptx broken.ir").err, "doppel: ir:4: 'fly' is no operation\n");
  std::ofstream(root_ / "refused.ptx") << ".version 8.0\n.target sm_86\n.address_size 64\n"
                                          ".visible .entry k() { wgmma.fence.sync.aligned; ret; }\n";
  const Outcome refused = doppel("ptx refused.ptx");
  EXPECT_NE(refused.err.find("wgmma.fence.sync.aligned"), std::string::npos) << refused.err;
}

}  // namespace
}  // namespace doppel::cli
