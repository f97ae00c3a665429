// SPDX-License-Identifier: Apache-2.0
// What is asked wrongly, and when nothing may be asked.
#include <fstream>
#include <vector>

#include "library.h"

namespace doppel::nvml {
namespace {

using Arguments = Library;

// Functions of a card that answer one number.
constexpr const char* kNumbers[] = {
    "nvmlDeviceGetIndex",
    "nvmlDeviceGetPowerUsage",
    "nvmlDeviceGetNumGpuCores",
    "nvmlDeviceGetComputeMode",
    "nvmlDeviceGetPerformanceState",
    "nvmlDeviceGetEnforcedPowerLimit",
    "nvmlDeviceGetMaxPcieLinkGeneration",
    "nvmlDeviceGetPersistenceMode",
    "nvmlDeviceGetNumFans",
};

TEST_F(Arguments, BeforeInitEverythingIsUninitialized) {
  unsigned count = 0;
  EXPECT_EQ(call("nvmlDeviceGetCount_v2", &count), NVML_ERROR_UNINITIALIZED);
  EXPECT_EQ(call("nvmlShutdown"), NVML_ERROR_UNINITIALIZED);
  for (const char* name : kNumbers) EXPECT_EQ(call(name, a6000, &count), NVML_ERROR_UNINITIALIZED) << name;
  EXPECT_EQ(call("nvmlDeviceGetVbiosVersion"), NVML_ERROR_UNINITIALIZED);  // refused afterwards
}

TEST_F(Arguments, AfterShutdownHandlesAreOfNoUse) {
  start();
  ASSERT_EQ(call("nvmlInitWithFlags", 0U), NVML_SUCCESS);  // counted
  ASSERT_EQ(call("nvmlShutdown"), NVML_SUCCESS);
  unsigned value = 0;
  EXPECT_EQ(call("nvmlDeviceGetIndex", pro, &value), NVML_SUCCESS);
  ASSERT_EQ(call("nvmlShutdown"), NVML_SUCCESS);
  for (const char* name : kNumbers) EXPECT_EQ(call(name, pro, &value), NVML_ERROR_UNINITIALIZED) << name;
  EXPECT_EQ(call("nvmlDeviceGetVbiosVersion"), NVML_ERROR_UNINITIALIZED);
  // In use again, they name the same cards.
  ASSERT_EQ(call("nvmlInit_v2"), NVML_SUCCESS);
  EXPECT_EQ(call("nvmlDeviceGetIndex", pro, &value), NVML_SUCCESS);
  EXPECT_EQ(value, 1u);
}

TEST_F(Arguments, NullPointersAreInvalid) {
  start();
  unsigned value = 0;
  for (const char* name : kNumbers) {
    EXPECT_EQ(call(name, a6000, static_cast<unsigned*>(nullptr)), NVML_ERROR_INVALID_ARGUMENT) << name;
    EXPECT_EQ(call(name, nvmlDevice_t{}, &value), NVML_ERROR_INVALID_ARGUMENT) << name;
    EXPECT_EQ(call(name, reinterpret_cast<nvmlDevice_t>(&value), &value), NVML_ERROR_INVALID_ARGUMENT)
        << name;
  }
  for (const char* name :
       {"nvmlDeviceGetMemoryInfo", "nvmlDeviceGetMemoryInfo_v2", "nvmlDeviceGetPciInfo_v3",
        "nvmlDeviceGetUtilizationRates", "nvmlDeviceGetTemperatureV", "nvmlDeviceGetBAR1MemoryInfo",
        "nvmlDeviceGetRunningProcessDetailList", "nvmlDeviceSetPowerManagementLimit_v2"})
    EXPECT_EQ(call(name, a6000, static_cast<void*>(nullptr)), NVML_ERROR_INVALID_ARGUMENT) << name;
  EXPECT_EQ(call("nvmlDeviceGetCount_v2", static_cast<unsigned*>(nullptr)), NVML_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(call("nvmlDeviceGetHandleByUUID", static_cast<const char*>(nullptr), &a6000),
            NVML_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(call("nvmlDeviceGetName", a6000, static_cast<char*>(nullptr), 96U), NVML_ERROR_INVALID_ARGUMENT);
}

TEST_F(Arguments, UnknownCardsAreNotFound) {
  start();
  nvmlDevice_t found = nullptr;
  EXPECT_EQ(call("nvmlDeviceGetHandleByIndex_v2", 2U, &found), NVML_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(call("nvmlDeviceGetHandleByUUID", "GPU-00000000-0000-0000-0000-000000000000", &found),
            NVML_ERROR_NOT_FOUND);
  EXPECT_EQ(call("nvmlDeviceGetHandleByPciBusId_v2", "00000000:7F:00.0", &found), NVML_ERROR_NOT_FOUND);
  EXPECT_EQ(call("nvmlDeviceGetHandleByPciBusId_v2", "the second one", &found), NVML_ERROR_INVALID_ARGUMENT);
}

TEST_F(Arguments, TextsNeedRoom) {
  start();
  char name[96] = "";
  EXPECT_EQ(call("nvmlDeviceGetName", a6000, +name, 16U), NVML_ERROR_INSUFFICIENT_SIZE);  // without the end
  EXPECT_EQ(call("nvmlDeviceGetName", a6000, +name, 17U), NVML_SUCCESS);
  EXPECT_STREQ(name, "NVIDIA RTX A6000");
}

TEST_F(Arguments, StructuresOfOtherVersionsAreRefused) {
  start();
  nvmlMemory_v2_t memory{};
  nvmlTemperature_v1_t temperature{};
  nvmlProcessDetailList_v1_t list{};
  nvmlPciInfoExt_v1_t place{};
  nvmlPowerValue_v2_t power{};
  for (const unsigned version : {0U, 1U << 24, 7U << 24, static_cast<unsigned>(sizeof memory)}) {
    memory.version = temperature.version = list.version = place.version = power.version = version;
    EXPECT_EQ(call("nvmlDeviceGetMemoryInfo_v2", a6000, &memory), NVML_ERROR_ARGUMENT_VERSION_MISMATCH);
    EXPECT_EQ(call("nvmlDeviceGetTemperatureV", a6000, &temperature), NVML_ERROR_ARGUMENT_VERSION_MISMATCH);
    EXPECT_EQ(call("nvmlDeviceGetRunningProcessDetailList", a6000, &list),
              NVML_ERROR_ARGUMENT_VERSION_MISMATCH);
    EXPECT_EQ(call("nvmlDeviceGetPciInfoExt", a6000, &place), NVML_ERROR_ARGUMENT_VERSION_MISMATCH);
    EXPECT_EQ(call("nvmlDeviceSetPowerManagementLimit_v2", a6000, &power),
              NVML_ERROR_ARGUMENT_VERSION_MISMATCH);
  }
  memory.version = version_of<nvmlMemory_v2_t>(2);
  EXPECT_EQ(call("nvmlDeviceGetMemoryInfo_v2", a6000, &memory), NVML_SUCCESS);
  EXPECT_EQ(memory.version, version_of<nvmlMemory_v2_t>(2));
}

TEST_F(Arguments, UnknownEnumeratorsAreInvalid) {
  start();
  unsigned value = 0;
  for (const int wrong : {-1, 4, 1000}) {
    EXPECT_EQ(call("nvmlDeviceGetClockInfo", a6000, wrong, &value), NVML_ERROR_INVALID_ARGUMENT);
    EXPECT_EQ(call("nvmlDeviceGetClock", a6000, 0, wrong, &value), NVML_ERROR_INVALID_ARGUMENT);
    EXPECT_EQ(call("nvmlDeviceGetTemperature", a6000, wrong, &value), NVML_ERROR_INVALID_ARGUMENT);
    EXPECT_EQ(call("nvmlDeviceGetPcieThroughput", a6000, wrong, &value), NVML_ERROR_INVALID_ARGUMENT);
    EXPECT_EQ(call("nvmlDeviceSetComputeMode", a6000, wrong), NVML_ERROR_INVALID_ARGUMENT);
  }
}

TEST_F(Arguments, LimitsOutOfRangeAreInvalid) {
  start();
  EXPECT_EQ(call("nvmlDeviceSetPowerManagementLimit", a6000, 99'000U), NVML_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(call("nvmlDeviceSetPowerManagementLimit", a6000, 301'000U), NVML_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(call("nvmlDeviceSetGpuLockedClocks", a6000, 1500U, 1200U), NVML_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(call("nvmlDeviceSetComputeMode", a6000, 1), NVML_ERROR_NOT_SUPPORTED);  // for one thread
  EXPECT_EQ(call("nvmlDeviceSetEccMode", a6000, 2), NVML_ERROR_INVALID_ARGUMENT);
}

TEST_F(Arguments, OfTheEnvironmentThatAreWrongEndTheInit) {
  setenv("DOPPEL_CARDS", "rtx-a6001", 1);
  EXPECT_EQ(call("nvmlInit_v2"), NVML_ERROR_GPU_NOT_FOUND);
  setenv("DOPPEL_CARDS", "rtx-a6000", 1);
  std::ofstream(folder / "node") << "no node, and longer than the head of one";
  EXPECT_NE(call("nvmlInit_v2"), NVML_SUCCESS);
  std::filesystem::remove(folder / "node");
  EXPECT_EQ(call("nvmlInit_v2"), NVML_SUCCESS);
}

TEST_F(Arguments, ANodeOfAnotherVersionIsAMismatch) {
  start();
  ASSERT_EQ(call("nvmlShutdown"), NVML_SUCCESS);
  std::fstream file(folder / "node", std::ios::binary | std::ios::in | std::ios::out);
  file.seekp(8);
  file.put(99);
  file.close();
  EXPECT_EQ(call("nvmlInit_v2"), NVML_ERROR_LIB_RM_VERSION_MISMATCH);
}

}  // namespace
}  // namespace doppel::nvml
