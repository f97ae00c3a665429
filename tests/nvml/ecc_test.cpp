// SPDX-License-Identifier: Apache-2.0
// ECC: what a client sees of the mode, the counters and the rows.
#include "node/ecc.h"

#include <unistd.h>

#include <utility>
#include <vector>

#include "library.h"

namespace doppel::nvml {
namespace {

class EccCalls : public Library {
 protected:
  unsigned long long errors(nvmlDevice_t device, int type, int counter) {
    unsigned long long count = ~0ULL;
    EXPECT_EQ(call("nvmlDeviceGetTotalEccErrors", device, type, counter, &count), NVML_SUCCESS);
    return count;
  }
  unsigned long long field(nvmlDevice_t device, unsigned id) {
    nvmlFieldValue_t value{};
    value.fieldId = id;
    EXPECT_EQ(call("nvmlDeviceGetFieldValues", device, 1, &value), NVML_SUCCESS);
    EXPECT_EQ(value.nvmlReturn, NVML_SUCCESS) << id;
    return value.valueType == NVML_VALUE_TYPE_UNSIGNED_INT ? value.value.uiVal : value.value.ullVal;
  }
};

TEST_F(EccCalls, TheModeWaitsForAReset) {
  start();
  int now = 9, pending = 9, usual = 9;
  ASSERT_EQ(call("nvmlDeviceGetEccMode", a6000, &now, &pending), NVML_SUCCESS);
  EXPECT_EQ(now, 0);
  EXPECT_EQ(pending, 0);
  ASSERT_EQ(call("nvmlDeviceSetEccMode", a6000, 1), NVML_SUCCESS);
  ASSERT_EQ(call("nvmlDeviceGetEccMode", a6000, &now, &pending), NVML_SUCCESS);
  EXPECT_EQ(now, 0);
  EXPECT_EQ(pending, 1);
  EXPECT_EQ(field(a6000, 1), 0U);
  EXPECT_EQ(field(a6000, 2), 1U);
  ASSERT_TRUE(node::Ecc(node, 0).reset(node::wall_ns()));
  ASSERT_EQ(call("nvmlDeviceGetEccMode", a6000, &now, &pending), NVML_SUCCESS);
  EXPECT_EQ(now, 1);
  EXPECT_EQ(call("nvmlDeviceGetDefaultEccMode", a6000, &usual), NVML_SUCCESS);
  EXPECT_EQ(usual, 0);
  // As nvidia-smi shows it of cards of 48 GB with GDDR6: 46068 MiB of 49140.
  nvmlMemory_t memory{};
  ASSERT_EQ(call("nvmlDeviceGetMemoryInfo", a6000, &memory), NVML_SUCCESS);
  EXPECT_NEAR(static_cast<double>(memory.total >> 20), 46068, 1);
  EXPECT_EQ(call("nvmlDeviceSetEccMode", a6000, 2), NVML_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(call("nvmlDeviceSetEccMode", nvmlDevice_t{}, 1), NVML_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(call("nvmlDeviceGetEccMode", a6000, &now, static_cast<int*>(nullptr)),
            NVML_ERROR_INVALID_ARGUMENT);
}

TEST_F(EccCalls, ErrorsAreCountedAndCleared) {
  start();
  const auto joined = node->join(1, node::wall_ns());
  ASSERT_TRUE(joined);
  nvmlEventSet_t set = nullptr;
  ASSERT_EQ(call("nvmlEventSetCreate", &set), NVML_SUCCESS);
  ASSERT_EQ(call("nvmlDeviceRegisterEvents", pro, 0x1ULL | 0x2ULL | 0x8ULL, set), NVML_SUCCESS);
  node::Ecc ecc(node, 1);
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(ecc.plant({.pid = getpid()}, node::wall_ns()));
  (void)ecc.take(getpid(), 0, node::wall_ns());
  ecc.tell(1, node::ErrorFate::Corrected, 0x1000, node::wall_ns());
  ecc.tell(2, node::ErrorFate::Uncorrectable, 0x2000, node::wall_ns());
  for (const int counter : {0, 1}) {
    EXPECT_EQ(errors(pro, 0, counter), 1U);
    EXPECT_EQ(errors(pro, 1, counter), 1U);
    nvmlEccErrorCounts_t counts{};
    ASSERT_EQ(call("nvmlDeviceGetDetailedEccErrors", pro, 1, counter, &counts), NVML_SUCCESS);
    EXPECT_EQ(counts.deviceMemory, 1U);
    EXPECT_EQ(counts.l2Cache, 0U);
  }
  for (const unsigned id : {3U, 4U, 5U, 6U, 11U, 12U, 22U, 23U, 143U, 144U})
    EXPECT_EQ(field(pro, id), 1U) << id;
  for (const unsigned id : {7U, 10U, 28U, 142U, 145U}) EXPECT_EQ(field(pro, id), 0U) << id;
  unsigned corrected = 9, uncorrected = 9, pending = 9, failed = 9;
  ASSERT_EQ(call("nvmlDeviceGetRemappedRows", pro, &corrected, &uncorrected, &pending, &failed),
            NVML_SUCCESS);
  EXPECT_EQ(corrected, 0U);
  EXPECT_EQ(uncorrected, 1U);
  EXPECT_EQ(pending, 1U);
  EXPECT_EQ(failed, 0U);
  std::vector<std::pair<unsigned long long, unsigned long long>> told;
  nvmlEventData_t data{};
  while (call("nvmlEventSetWait_v2", set, &data, 0U) == NVML_SUCCESS)
    told.emplace_back(data.eventType, data.eventData);
  const decltype(told) expected{{1, 0}, {2, 0}, {8, 48}, {8, 63}};
  EXPECT_EQ(told, expected);
  ASSERT_EQ(call("nvmlDeviceClearEccErrorCounts", pro, 0), NVML_SUCCESS);
  EXPECT_EQ(errors(pro, 0, 0), 0U);
  EXPECT_EQ(errors(pro, 0, 1), 1U);
  EXPECT_EQ(call("nvmlDeviceClearEccErrorCounts", pro, 2), NVML_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(call("nvmlDeviceClearEccErrorCounts", a6000, 0), NVML_ERROR_NOT_SUPPORTED);  // off
}

}  // namespace
}  // namespace doppel::nvml
