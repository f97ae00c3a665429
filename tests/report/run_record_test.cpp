// SPDX-License-Identifier: Apache-2.0
#include "device/run_record.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

namespace doppel::device {
namespace {

std::filesystem::path fresh_folder(const std::string& name) {
  const std::filesystem::path folder = std::filesystem::path(testing::TempDir()) / name;
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  return folder;
}

RunRecord sample() {
  RunRecord record;
  record.card = "rtx-a6000";
  record.process_id = 7;
  record.time_us = 12.5;
  KernelRecord kernel;
  kernel.name = "matrixMulCUDA<32>";
  kernel.grid = {20, 10, 1};
  kernel.calls = 301;
  kernel.thread_instructions = 1ULL << 60;
  record.kernels.push_back(kernel);
  record.copies.push_back({"host to device", 4096, 2, 3.5, 0.25});
  record.waiting_energy_j = 1.5;
  record.power.push_back({2, 83.5, 1800});
  record.sm_room.push_back({3, "matrixMulCUDA<32>", -4.5});
  record.timeline.push_back({"stream 0", "matrixMulCUDA<32>", 1, 2});
  record.diagnostics.push_back({"out of bounds", "kernel \xff writes", 3});
  return record;
}

TEST(RunRecord, SurvivesItsFile) {
  const std::filesystem::path folder = fresh_folder("doppel-run-record");
  ASSERT_TRUE(write_run_records(folder, {sample()}));
  const auto read = read_run_records(folder);
  ASSERT_TRUE(read) << read.error().message;
  ASSERT_EQ(read->size(), 1U);
  EXPECT_EQ(read->front().kernels.front().grid[1], 10U);
  EXPECT_EQ(read->front().kernels.front().thread_instructions, 1ULL << 60);
  EXPECT_EQ(read->front().copies.front().kind, "host to device");
  EXPECT_EQ(read->front().copies.front().energy_j, 0.25);
  EXPECT_EQ(read->front().waiting_energy_j, 1.5);
  EXPECT_EQ(read->front().power.front().watts, 83.5);
  EXPECT_EQ(read->front().sm_room.front().sms, -4.5);
  EXPECT_EQ(read->front().timeline.front().duration_us, 2);
  EXPECT_EQ(read->front().diagnostics.front().count, 3U);
  std::filesystem::remove_all(folder);
}

TEST(RunRecord, ADamagedFileIsNamed) {
  const std::filesystem::path folder = fresh_folder("doppel-run-record-damaged");
  std::ofstream(folder / "12.json") << "[{\"card\": 3}]";
  const auto read = read_run_records(folder);
  ASSERT_FALSE(read);
  EXPECT_NE(read.error().message.find("12.json: not a run record"), std::string::npos)
      << read.error().message;
  std::filesystem::remove_all(folder);
}

TEST(RunRecord, AFolderThatIsMissingIsAnError) {
  EXPECT_FALSE(write_run_records("/nonexistent/folder", {sample()}));
  EXPECT_FALSE(read_run_records("/nonexistent/folder"));
}

}  // namespace
}  // namespace doppel::device
