// SPDX-License-Identifier: Apache-2.0
// What the library says of cards, against their files and what processes told the node.
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstring>

#include "library.h"

namespace doppel::nvml {
namespace {

class Values : public Library {
 protected:
  unsigned number(const char* name, nvmlDevice_t device) {
    unsigned value = 0;
    EXPECT_EQ(call(name, device, &value), NVML_SUCCESS) << name;
    return value;
  }
  unsigned clock(nvmlDevice_t device, int type) {
    unsigned value = 0;
    EXPECT_EQ(call("nvmlDeviceGetClockInfo", device, type, &value), NVML_SUCCESS);
    return value;
  }
};

TEST_F(Values, IdentityIsThatOfTheDriversDevices) {
  start();
  EXPECT_EQ(number("nvmlDeviceGetIndex", pro), 1u);
  nvmlPciInfo_t place{};
  ASSERT_EQ(call("nvmlDeviceGetPciInfo_v3", pro, &place), NVML_SUCCESS);
  EXPECT_STREQ(place.busId.data(), "00000000:02:00.0");
  EXPECT_STREQ(place.busIdLegacy.data(), "0000:02:00.0");
  EXPECT_EQ(place.pciDeviceId, 0x2BB310DEu);
  char uuid[96] = "";
  ASSERT_EQ(call("nvmlDeviceGetUUID", pro, +uuid, 96U), NVML_SUCCESS);
  nvmlDevice_t found = nullptr;
  EXPECT_EQ(call("nvmlDeviceGetHandleByUUID", static_cast<const char*>(uuid), &found), NVML_SUCCESS);
  EXPECT_EQ(found, pro);
  for (const char* id : {"00000000:02:00.0", "0000:02:00.0", "02:00.0", "0:2:0"}) {
    found = nullptr;
    EXPECT_EQ(call("nvmlDeviceGetHandleByPciBusId_v2", id, &found), NVML_SUCCESS) << id;
    EXPECT_EQ(found, pro);
  }
  int major = 0, minor = 0;
  ASSERT_EQ(call("nvmlDeviceGetCudaComputeCapability", a6000, &major, &minor), NVML_SUCCESS);
  EXPECT_EQ(major * 10 + minor, 86);
  char serial[30];
  EXPECT_EQ(call("nvmlDeviceGetSerial", a6000, +serial, 30U), NVML_ERROR_NOT_SUPPORTED);
}

TEST_F(Values, TheVersionFollowsTheDrivers) {
  setenv("DOPPEL_DRIVER_VERSION", "12.4", 1);
  start();
  int cuda = 0;
  ASSERT_EQ(call("nvmlSystemGetCudaDriverVersion_v2", &cuda), NVML_SUCCESS);
  EXPECT_EQ(cuda, 12040);
  char version[80] = "";
  ASSERT_EQ(call("nvmlSystemGetDriverVersion", +version, 80U), NVML_SUCCESS);
  EXPECT_STREQ(version, "550.00");
}

TEST_F(Values, AnIdleCardIsIdleInEveryAnswer) {
  start();
  nvmlUtilization_t rates{1, 1};
  ASSERT_EQ(call("nvmlDeviceGetUtilizationRates", a6000, &rates), NVML_SUCCESS);
  EXPECT_EQ(rates.gpu + rates.memory, 0u);
  EXPECT_EQ(number("nvmlDeviceGetPowerUsage", a6000), 24'000u);
  EXPECT_EQ(number("nvmlDeviceGetPerformanceState", a6000), 8u);
  EXPECT_EQ(clock(a6000, NVML_CLOCK_SM), 210u);
  EXPECT_EQ(clock(a6000, NVML_CLOCK_MEM), 405u);
  EXPECT_EQ(number("nvmlDeviceGetCurrPcieLinkGeneration", a6000), 1u);
  unsigned long long reasons = 0;
  ASSERT_EQ(call("nvmlDeviceGetCurrentClocksThrottleReasons", a6000, &reasons), NVML_SUCCESS);
  EXPECT_EQ(reasons, kReasonGpuIdle);
  unsigned processes = 0;
  EXPECT_EQ(call("nvmlDeviceGetComputeRunningProcesses_v3", a6000, &processes, nullptr), NVML_SUCCESS);
  EXPECT_EQ(processes, 0u);
}

TEST_F(Values, ABusyCardIsBusyInEveryAnswerAndNamesTheProcess) {
  start();
  const auto client = *node->join(0, node::wall_ns());
  std::uint64_t free = 0;
  ASSERT_TRUE(client->take(1 << 30, free, node::wall_ns()));
  client->begins(node::wall_ns());
  nvmlUtilization_t rates{};
  ASSERT_EQ(call("nvmlDeviceGetUtilizationRates", a6000, &rates), NVML_SUCCESS);
  EXPECT_EQ(rates.gpu, 100u);
  EXPECT_GT(number("nvmlDeviceGetPowerUsage", a6000), 100'000u);
  EXPECT_EQ(number("nvmlDeviceGetPerformanceState", a6000), 2u);
  EXPECT_EQ(clock(a6000, NVML_CLOCK_SM), 1800u);
  EXPECT_EQ(clock(a6000, NVML_CLOCK_MEM), 8001u);
  EXPECT_EQ(number("nvmlDeviceGetCurrPcieLinkGeneration", a6000), 4u);
  unsigned long long reasons = 1;
  ASSERT_EQ(call("nvmlDeviceGetCurrentClocksEventReasons", a6000, &reasons), NVML_SUCCESS);
  EXPECT_EQ(reasons, 0u);

  unsigned count = 0;
  EXPECT_EQ(call("nvmlDeviceGetComputeRunningProcesses_v3", a6000, &count, nullptr),
            NVML_ERROR_INSUFFICIENT_SIZE);
  ASSERT_EQ(count, 1u);
  std::array<nvmlProcessInfo_v2_t, 4> infos{};
  count = infos.size();
  ASSERT_EQ(call("nvmlDeviceGetComputeRunningProcesses_v3", a6000, &count, infos.data()), NVML_SUCCESS);
  ASSERT_EQ(count, 1u);
  EXPECT_EQ(infos[0].pid, static_cast<unsigned>(getpid()));
  EXPECT_EQ(infos[0].usedGpuMemory, 1u << 30);
  EXPECT_EQ(infos[0].gpuInstanceId, kNoInstance);
  std::array<nvmlProcessInfo_v1_t, 4> first_form{};
  count = first_form.size();
  ASSERT_EQ(call("nvmlDeviceGetComputeRunningProcesses", a6000, &count, first_form.data()), NVML_SUCCESS);
  EXPECT_EQ(first_form[0].usedGpuMemory, 1u << 30);
  std::array<nvmlProcessUtilizationSample_t, 4> samples{};
  count = samples.size();
  ASSERT_EQ(call("nvmlDeviceGetProcessUtilization", a6000, samples.data(), &count, 0ULL), NVML_SUCCESS);
  EXPECT_EQ(samples[0].smUtil, 100u);
  // The other card has no part in it.
  ASSERT_EQ(call("nvmlDeviceGetUtilizationRates", pro, &rates), NVML_SUCCESS);
  EXPECT_EQ(rates.gpu, 0u);
}

TEST_F(Values, MemoryInUseIsThatOfTheProcessesAndTheReserve) {
  start();
  const auto client = *node->join(0, node::wall_ns());
  std::uint64_t free = 0;
  ASSERT_TRUE(client->take(12345678, free, node::wall_ns()));
  nvmlMemory_t first{};
  nvmlMemory_v2_t second{.version = version_of<nvmlMemory_v2_t>(2)};
  ASSERT_EQ(call("nvmlDeviceGetMemoryInfo", a6000, &first), NVML_SUCCESS);
  ASSERT_EQ(call("nvmlDeviceGetMemoryInfo_v2", a6000, &second), NVML_SUCCESS);
  EXPECT_EQ(first.total, 51527024640u);
  EXPECT_EQ(first.used + first.free, first.total);
  EXPECT_EQ(second.reserved, 51527024640u - 51160023040u);
  EXPECT_EQ(second.used, 12345678u);
  EXPECT_EQ(first.used, second.used + second.reserved);
  EXPECT_EQ(second.used + second.reserved + second.free, second.total);
}

TEST_F(Values, WhatACardLacksIsNotSupported) {
  start();
  unsigned now = 0, pending = 0, count = 9;
  EXPECT_EQ(call("nvmlDeviceGetMigMode", a6000, &now, &pending), NVML_ERROR_NOT_SUPPORTED);
  EXPECT_EQ(call("nvmlDeviceGetMigMode", pro, &now, &pending), NVML_SUCCESS);
  EXPECT_EQ(call("nvmlDeviceGetMaxMigDeviceCount", a6000, &count), NVML_SUCCESS);
  EXPECT_EQ(count, 0u);
  EXPECT_EQ(number("nvmlDeviceGetMaxMigDeviceCount", pro), 0u);  // it is not in MIG mode
  int state = 1;
  EXPECT_EQ(call("nvmlDeviceGetNvLinkState", pro, 0U, &state), NVML_ERROR_NOT_SUPPORTED);
  EXPECT_EQ(call("nvmlDeviceGetNvLinkState", a6000, 0U, &state), NVML_SUCCESS);
  EXPECT_EQ(state, 0);  // nobody is at the other end
  EXPECT_EQ(call("nvmlDeviceGetNvLinkState", a6000, 4U, &state), NVML_ERROR_INVALID_ARGUMENT);
  unsigned long long errors = 0;
  EXPECT_EQ(call("nvmlDeviceGetTotalEccErrors", a6000, 0, 0, &errors),
            NVML_ERROR_NOT_SUPPORTED);  // ECC is off
  EXPECT_EQ(call("nvmlDeviceGetTotalEccErrors", pro, 0, 0, &errors), NVML_SUCCESS);
  EXPECT_EQ(call("nvmlDeviceGetClockInfo", a6000, int{NVML_CLOCK_VIDEO}, &now), NVML_ERROR_NOT_SUPPORTED);
}

TEST_F(Values, WithoutABridgeNothingIsJoined) {
  setenv("DOPPEL_CARDS", "rtx-a6000,rtx-a6000", 1);
  start();
  int state = 1, status = 9;
  ASSERT_EQ(call("nvmlDeviceGetNvLinkState", a6000, 3U, &state), NVML_SUCCESS);
  EXPECT_EQ(state, 0);
  ASSERT_EQ(call("nvmlDeviceGetP2PStatus", a6000, pro, int{NVML_P2P_CAPS_INDEX_NVLINK}, &status),
            NVML_SUCCESS);
  EXPECT_EQ(status, NVML_P2P_STATUS_NOT_SUPPORTED);
  ASSERT_EQ(call("nvmlDeviceGetP2PStatus", a6000, pro, int{NVML_P2P_CAPS_INDEX_READ}, &status), NVML_SUCCESS);
  EXPECT_EQ(status, NVML_P2P_STATUS_OK);
}

TEST_F(Values, ABridgeJoinsTwoCardsOfAKind) {
  setenv("DOPPEL_CARDS", "rtx-a6000,rtx-a6000", 1);
  setenv("DOPPEL_NVLINK", "1", 1);
  start();
  unsetenv("DOPPEL_NVLINK");
  int state = 0;
  ASSERT_EQ(call("nvmlDeviceGetNvLinkState", a6000, 3U, &state), NVML_SUCCESS);
  EXPECT_EQ(state, 1);
  nvmlPciInfo_t place{};
  ASSERT_EQ(call("nvmlDeviceGetNvLinkRemotePciInfo_v2", a6000, 0U, &place), NVML_SUCCESS);
  EXPECT_STREQ(place.busId.data(), "00000000:02:00.0");
  int status = 9, level = 0;
  EXPECT_EQ(call("nvmlDeviceGetP2PStatus", a6000, pro, int{NVML_P2P_CAPS_INDEX_NVLINK}, &status),
            NVML_SUCCESS);
  EXPECT_EQ(status, NVML_P2P_STATUS_OK);
  EXPECT_EQ(call("nvmlDeviceGetTopologyCommonAncestor", a6000, pro, &level), NVML_SUCCESS);
  EXPECT_EQ(level, NVML_TOPOLOGY_HOSTBRIDGE);
  unsigned count = 0;
  const int bridge = NVML_TOPOLOGY_HOSTBRIDGE;
  ASSERT_EQ(call("nvmlDeviceGetTopologyNearestGpus", pro, bridge, &count, nullptr), NVML_SUCCESS);
  ASSERT_EQ(count, 1u);
  nvmlDevice_t nearest = nullptr;
  ASSERT_EQ(call("nvmlDeviceGetTopologyNearestGpus", pro, bridge, &count, &nearest), NVML_SUCCESS);
  EXPECT_EQ(nearest, a6000);
  EXPECT_EQ(call("nvmlDeviceGetTopologyNearestGpus", pro, 77, &count, &nearest), NVML_ERROR_INVALID_ARGUMENT);
}

TEST_F(Values, LimitsThatAreSetHoldForEveryProcess) {
  start();
  ASSERT_EQ(call("nvmlDeviceSetPowerManagementLimit", a6000, 200'000U), NVML_SUCCESS);
  ASSERT_EQ(call("nvmlDeviceSetGpuLockedClocks", a6000, 0U, 1200U), NVML_SUCCESS);
  const node::CardState state = *node->state(0, node::wall_ns());
  EXPECT_EQ(state.limit_w, 200);
  EXPECT_EQ(state.locked_max_mhz, 1200);
  EXPECT_EQ(number("nvmlDeviceGetEnforcedPowerLimit", a6000), 200'000u);
  EXPECT_EQ(number("nvmlDeviceGetPowerManagementDefaultLimit", a6000), 300'000u);
  ASSERT_EQ(call("nvmlDeviceResetGpuLockedClocks", a6000), NVML_SUCCESS);
  EXPECT_EQ(node->state(0, node::wall_ns())->locked_max_mhz, 0);
}

TEST_F(Values, ModesThatAreSetAreSeenByEveryProcess) {
  start();
  int mode = 0, now = 1, pending = 0;
  ASSERT_EQ(call("nvmlDeviceSetComputeMode", a6000, 3), NVML_SUCCESS);
  ASSERT_EQ(call("nvmlDeviceGetComputeMode", a6000, &mode), NVML_SUCCESS);
  EXPECT_EQ(mode, 3);
  EXPECT_EQ(node->state(0, node::wall_ns())->compute_mode, node::ComputeMode::ExclusiveProcess);
  EXPECT_EQ(node->state(1, node::wall_ns())->compute_mode, node::ComputeMode::Default);
  // ECC from the next start on.
  ASSERT_EQ(call("nvmlDeviceSetEccMode", a6000, 1), NVML_SUCCESS);
  ASSERT_EQ(call("nvmlDeviceGetEccMode", a6000, &now, &pending), NVML_SUCCESS);
  EXPECT_EQ(now, 0);
  EXPECT_EQ(pending, 1);
  ASSERT_EQ(call("nvmlDeviceGetEccMode", pro, &now, &pending), NVML_SUCCESS);
  EXPECT_EQ(now + pending, 2);
}

TEST_F(Values, FieldsSayWhatTheFunctionsSay) {
  start();
  std::array<nvmlFieldValue_t, 4> fields{};
  fields[0].fieldId = 186;  // power
  fields[1].fieldId = 91;   // links
  fields[2].fieldId = 90;   // their speed
  fields[3].fieldId = 99999;
  ASSERT_EQ(call("nvmlDeviceGetFieldValues", a6000, 4, fields.data()), NVML_SUCCESS);
  EXPECT_EQ(fields[0].value.uiVal, number("nvmlDeviceGetPowerUsage", a6000));
  EXPECT_EQ(fields[1].value.uiVal, 4u);
  EXPECT_EQ(fields[2].value.uiVal, 14062u);
  EXPECT_EQ(fields[3].nvmlReturn, NVML_ERROR_NOT_SUPPORTED);
  EXPECT_EQ(call("nvmlDeviceGetFieldValues", a6000, 0, fields.data()), NVML_ERROR_INVALID_ARGUMENT);
  // Of the module and the memory alone nothing is known.
  fields[1] = fields[2] = fields[0];
  fields[1].scopeId = 1;
  fields[2].scopeId = 2;
  ASSERT_EQ(call("nvmlDeviceGetFieldValues", a6000, 3, fields.data()), NVML_SUCCESS);
  EXPECT_EQ(fields[0].nvmlReturn, NVML_SUCCESS);
  EXPECT_EQ(fields[1].nvmlReturn, NVML_ERROR_NOT_SUPPORTED);
  EXPECT_EQ(fields[2].nvmlReturn, NVML_ERROR_NOT_SUPPORTED);
}

TEST_F(Values, WithoutANodeTheCardsAreTheProcesssOwn) {
  unsetenv("DOPPEL_NODE");
  ASSERT_EQ(call("nvmlInit_v2"), NVML_SUCCESS);
  unsigned count = 0;
  ASSERT_EQ(call("nvmlDeviceGetCount_v2", &count), NVML_SUCCESS);
  EXPECT_EQ(count, 2u);
}

// Cards that other processes brought are there, whatever this one names.
TEST_F(Values, CardsOfTheNodeAreAllSeen) {
  auto opened = node::Node::open((folder / "node").string());
  ASSERT_TRUE(opened);
  const auto a40 = card::load_card(DOPPEL_SOURCE_DIR "/cards/a40.toml");
  ASSERT_TRUE(a40);
  ASSERT_TRUE((*opened)->card(*a40, 0, node::wall_ns()));
  ASSERT_EQ(call("nvmlInit_v2"), NVML_SUCCESS);
  unsigned count = 0;
  ASSERT_EQ(call("nvmlDeviceGetCount_v2", &count), NVML_SUCCESS);
  EXPECT_EQ(count, 3u);
  nvmlDevice_t first = nullptr;
  ASSERT_EQ(call("nvmlDeviceGetHandleByIndex_v2", 0U, &first), NVML_SUCCESS);
  char name[96] = "";
  ASSERT_EQ(call("nvmlDeviceGetName", first, +name, 96U), NVML_SUCCESS);
  EXPECT_STREQ(name, "NVIDIA A40");
  unsigned speed = 0;
  EXPECT_EQ(call("nvmlDeviceGetFanSpeed", first, &speed), NVML_ERROR_NOT_SUPPORTED);  // it has none
}

}  // namespace
}  // namespace doppel::nvml
