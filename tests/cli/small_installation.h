// SPDX-License-Identifier: Apache-2.0
// The `doppel` command in an installation of its own. The program on the double is a script that writes the
// record that the driver library would write, so these tests need no kernel.
#pragma once

#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "device/run_record.h"

namespace doppel::cli {

namespace fs = std::filesystem;

struct Outcome {
  int status = 0;
  std::string out;
  std::string err;
};

inline std::string contents(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

// A small installation: the command, the cards, and an empty file in place of the driver library.
class Cli : public testing::Test {
 protected:
  void SetUp() override {
    root_ = fs::path(testing::TempDir()) /
            ("doppel-cli-" + std::string(testing::UnitTest::GetInstance()->current_test_info()->name()));
    fs::remove_all(root_);
    fs::create_directories(root_ / "bin");
    fs::create_directories(root_ / "lib" / "doppel");
    fs::create_directories(root_ / "share" / "doppel");
    fs::copy_file(fs::path(DOPPEL_BUILD_DIR) / "bin" / "doppel", root_ / "bin" / "doppel");
    fs::create_directory_symlink(fs::path(DOPPEL_SOURCE_DIR) / "cards", root_ / "share" / "doppel" / "cards");
    std::ofstream(root_ / "lib" / "doppel" / "libcuda.so.1");
    fs::create_symlink(fs::path(DOPPEL_BUILD_DIR) / "lib" / "libdoppel.so.0",
                       root_ / "lib" / "libdoppel.so.0");
    fs::copy_file(fs::path(DOPPEL_BUILD_DIR) / "lib" / "libdoppel_program.so",
                  root_ / "lib" / "doppel" / "libdoppel_program.so");
  }
  void TearDown() override { fs::remove_all(root_); }

  // `before`: what the shell does in front of the command, such as a variable or a pipe into it.
  Outcome doppel(const std::string& arguments, const std::string& before = "</dev/null") const {
    const std::string command = "cd '" + root_.string() + "' && unset DOPPEL_CARD DOPPEL_CARDS COLUMNS; " +
                                before + " bin/doppel " + arguments + " >out.txt 2>err.txt";
    const int status = std::system(command.c_str());
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, contents(root_ / "out.txt"),
            contents(root_ / "err.txt")};
  }

  // An executable script of the installation's folder.
  void script(const std::string& name, const std::string& text) const {
    std::ofstream(root_ / name) << "#!/bin/sh\n" << text;
    fs::permissions(root_ / name, fs::perms::owner_all);
  }

  // A program that leaves the record of one kernel: twice as long on the A6000.
  void program_with_a_kernel(const std::string& more = "") const {
    device::RunRecord record;
    record.card = "CARD";
    record.process_id = 1;
    record.timing_depth = "fast";
    record.time_us = 500;
    record.busy_us = 250;
    record.energy_j = 0.5;
    record.peak_memory_bytes = 1 << 20;
    device::KernelRecord kernel;
    kernel.name = "saxpy(int, float)";
    kernel.grid = {196, 1, 1};
    kernel.block = {256, 1, 1};
    kernel.calls = 3;
    kernel.time_us = 200;
    kernel.bound = "dram";
    record.kernels.push_back(kernel);
    record.copies.push_back({"host to device", 1 << 20, 2, 50});
    record.timeline.push_back({"stream 0", "saxpy(int, float)", 1, 66});
    std::ofstream(root_ / "slow.json") << device::to_json({record});
    record.kernels[0].time_us = 100;
    record.busy_us = 150;
    record.energy_j = 0.3;
    std::ofstream(root_ / "fast.json") << device::to_json({record});
    script("program",
           "case $DOPPEL_CARD in *a6000*) cp slow.json $DOPPEL_RECORD/$$.json;; *) cp fast.json "
           "$DOPPEL_RECORD/$$.json;; "
           "esac\necho result 42\n" +
               more);
  }

  fs::path root_;
};

}  // namespace doppel::cli
