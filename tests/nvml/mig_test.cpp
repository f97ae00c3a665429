// SPDX-License-Identifier: Apache-2.0
// MIG through the interface: mode, GPU and compute instances, MIG devices, and what is refused.
#include <array>
#include <cstring>
#include <regex>

#include "library.h"
#include "node/partitions.h"

namespace doppel::nvml {
namespace {

constexpr unsigned k1g = 5, k1gMe = 6, k2g = 0;  // profiles, by the card's file

class Mig : public Library {
 protected:
  void enable() {
    nvmlReturn_t activation = NVML_ERROR_UNKNOWN;
    ASSERT_EQ(call("nvmlDeviceSetMigMode", pro, 1U, &activation), NVML_SUCCESS);
    ASSERT_EQ(activation, NVML_SUCCESS);
  }
  nvmlGpuInstance_t create(unsigned profile) {
    nvmlGpuInstance_t made = nullptr;
    EXPECT_EQ(call("nvmlDeviceCreateGpuInstance", pro, profile, &made), NVML_SUCCESS);
    return made;
  }
  nvmlComputeInstance_t create_compute(nvmlGpuInstance_t in, unsigned profile = 0) {
    nvmlComputeInstance_t made = nullptr;
    EXPECT_EQ(call("nvmlGpuInstanceCreateComputeInstance", in, profile, &made), NVML_SUCCESS);
    return made;
  }
  nvmlDevice_t device(unsigned index) {
    nvmlDevice_t found = nullptr;
    EXPECT_EQ(call("nvmlDeviceGetMigDeviceHandleByIndex", pro, index, &found), NVML_SUCCESS);
    return found;
  }
  // Two halves with a compute instance each.
  void divide() {
    enable();
    for (auto& each : halves) {
      each.gpu = create(k1g);
      each.compute = create_compute(each.gpu);
    }
  }
  unsigned number(const char* name, nvmlDevice_t of) {
    unsigned value = 77;
    EXPECT_EQ(call(name, of, &value), NVML_SUCCESS) << name;
    return value;
  }
  std::string text(const char* name, nvmlDevice_t of) {
    std::array<char, 96> value{};
    EXPECT_EQ(call(name, of, value.data(), 96U), NVML_SUCCESS) << name;
    return value.data();
  }
  struct Half {
    nvmlGpuInstance_t gpu = nullptr;
    nvmlComputeInstance_t compute = nullptr;
  };
  std::array<Half, 2> halves;
};

TEST_F(Mig, TheModeIsSetAndShared) {
  start();
  unsigned now = 9, pending = 9;
  ASSERT_EQ(call("nvmlDeviceGetMigMode", pro, &now, &pending), NVML_SUCCESS);
  EXPECT_EQ(now + pending, 0u);
  enable();
  ASSERT_EQ(call("nvmlDeviceGetMigMode", pro, &now, &pending), NVML_SUCCESS);
  EXPECT_EQ(now, 1u);
  EXPECT_EQ(pending, 1u);
  EXPECT_TRUE(node->state(1, node::wall_ns())->mig);
  EXPECT_EQ(number("nvmlDeviceGetMaxMigDeviceCount", pro), 2u);
}

TEST_F(Mig, TheModeIsPendingWhileTheCardIsInUse) {
  start();
  auto client = *node->join(1, node::wall_ns());
  nvmlReturn_t activation = NVML_SUCCESS;
  ASSERT_EQ(call("nvmlDeviceSetMigMode", pro, 1U, &activation), NVML_SUCCESS);
  EXPECT_EQ(activation, NVML_ERROR_IN_USE);
  unsigned now = 9, pending = 9;
  ASSERT_EQ(call("nvmlDeviceGetMigMode", pro, &now, &pending), NVML_SUCCESS);
  EXPECT_EQ(now, 0u);
  EXPECT_EQ(pending, 1u);
  client = nullptr;
  enable();
}

TEST_F(Mig, ACardThatCannotBeDividedSaysSo) {
  start();
  unsigned number_out = 0, pending = 0;
  nvmlReturn_t activation = NVML_SUCCESS;
  nvmlGpuInstanceProfileInfo_t info{};
  nvmlGpuInstance_t gpu = nullptr;
  nvmlDevice_t found = nullptr;
  nvmlDeviceAttributes_t attributes{};
  EXPECT_EQ(call("nvmlDeviceGetMigMode", a6000, &number_out, &pending), NVML_ERROR_NOT_SUPPORTED);
  EXPECT_EQ(call("nvmlDeviceSetMigMode", a6000, 1U, &activation), NVML_ERROR_NOT_SUPPORTED);
  EXPECT_EQ(call("nvmlDeviceGetGpuInstanceProfileInfo", a6000, 0U, &info), NVML_ERROR_NOT_SUPPORTED);
  EXPECT_EQ(call("nvmlDeviceCreateGpuInstance", a6000, 0U, &gpu), NVML_ERROR_NOT_SUPPORTED);
  EXPECT_EQ(call("nvmlDeviceGetGpuInstances", a6000, 0U, &gpu, &number_out), NVML_ERROR_NOT_SUPPORTED);
  EXPECT_EQ(call("nvmlDeviceGetMigDeviceHandleByIndex", a6000, 0U, &found), NVML_ERROR_NOT_SUPPORTED);
  EXPECT_EQ(call("nvmlDeviceGetAttributes_v2", a6000, &attributes), NVML_ERROR_NOT_SUPPORTED);
  EXPECT_EQ(number("nvmlDeviceGetMaxMigDeviceCount", a6000), 0u);
  EXPECT_EQ(number("nvmlDeviceIsMigDeviceHandle", a6000), 0u);
}

TEST_F(Mig, ProfilesAreThoseOfTheCardsFile) {
  start();
  nvmlGpuInstanceProfileInfo_t first{};
  ASSERT_EQ(call("nvmlDeviceGetGpuInstanceProfileInfo", pro, 0U, &first), NVML_SUCCESS);
  EXPECT_EQ(first.id, k1g);
  EXPECT_EQ(first.sliceCount, 1u);
  EXPECT_EQ(first.instanceCount, 2u);
  EXPECT_EQ(first.multiprocessorCount, 54u);
  EXPECT_EQ(first.memorySizeMB, 24064u);
  EXPECT_EQ(first.copyEngineCount, 1u);
  nvmlGpuInstanceProfileInfo_v2_t second{.version = version_of<nvmlGpuInstanceProfileInfo_v2_t>(2)};
  ASSERT_EQ(call("nvmlDeviceGetGpuInstanceProfileInfoV", pro, 1U, &second), NVML_SUCCESS);
  EXPECT_EQ(second.id, k2g);
  EXPECT_STREQ(second.name.data(), "MIG 2g.48gb");
  EXPECT_EQ(second.decoderCount, 3u);
  nvmlGpuInstanceProfileInfo_v3_t third{.version = version_of<nvmlGpuInstanceProfileInfo_v3_t>(3)};
  ASSERT_EQ(call("nvmlDeviceGetGpuInstanceProfileInfoV", pro, 0xAU, &third), NVML_SUCCESS);
  EXPECT_STREQ(third.name.data(), "MIG 1g.24gb+gfx");
  EXPECT_EQ(third.memorySizeMB, 24064u);
  EXPECT_EQ(third.capabilities, unsigned{NVML_GPU_INSTANCE_PROFILE_CAPS_GFX});
  ASSERT_EQ(call("nvmlDeviceGetGpuInstanceProfileInfoByIdV", pro, k1gMe, &second), NVML_SUCCESS);
  EXPECT_STREQ(second.name.data(), "MIG 1g.24gb+me");
  int known = 0;
  for (unsigned kind = 0; kind < NVML_GPU_INSTANCE_PROFILE_COUNT; ++kind)
    known += call("nvmlDeviceGetGpuInstanceProfileInfo", pro, kind, &first) == NVML_SUCCESS ? 1 : 0;
  EXPECT_EQ(known, 7);
}

TEST_F(Mig, ProfilesAskedWronglyAreRefused) {
  start();
  nvmlGpuInstanceProfileInfo_t info{};
  EXPECT_EQ(call("nvmlDeviceGetGpuInstanceProfileInfo", pro, 0x12U, &info), NVML_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(call("nvmlDeviceGetGpuInstanceProfileInfo", pro, 2U, &info), NVML_ERROR_NOT_SUPPORTED);
  nvmlGpuInstanceProfileInfo_v2_t versioned{.version = 0x01000098};
  EXPECT_EQ(call("nvmlDeviceGetGpuInstanceProfileInfoV", pro, 0U, &versioned),
            NVML_ERROR_ARGUMENT_VERSION_MISMATCH);
  versioned.version = 0;
  EXPECT_EQ(call("nvmlDeviceGetGpuInstanceProfileInfoByIdV", pro, k1g, &versioned),
            NVML_ERROR_ARGUMENT_VERSION_MISMATCH);
  EXPECT_EQ(versioned.id, 0u);
  EXPECT_EQ(call("nvmlDeviceGetGpuInstanceProfileInfoByIdV", pro, 99U, &versioned), NVML_ERROR_NOT_SUPPORTED);
}

TEST_F(Mig, InstancesAreMadeFoundAndDestroyed) {
  start();
  enable();
  std::array<nvmlGpuInstancePlacement_t, 4> places{};
  unsigned count = 9;
  ASSERT_EQ(call("nvmlDeviceGetGpuInstancePossiblePlacements_v2", pro, k1g,
                 static_cast<nvmlGpuInstancePlacement_t*>(nullptr), &count),
            NVML_SUCCESS);
  EXPECT_EQ(count, 2u);
  ASSERT_EQ(call("nvmlDeviceGetGpuInstancePossiblePlacements", pro, k1g, places.data(), &count),
            NVML_SUCCESS);
  EXPECT_EQ(places[1].start, 1u);
  EXPECT_EQ(places[1].size, 1u);
  ASSERT_EQ(call("nvmlDeviceGetGpuInstanceRemainingCapacity", pro, k1g, &count), NVML_SUCCESS);
  EXPECT_EQ(count, 2u);
  const nvmlGpuInstance_t one = create(k1g);
  nvmlGpuInstance_t two = nullptr;
  ASSERT_EQ(call("nvmlDeviceCreateGpuInstanceWithPlacement", pro, k1g,
                 static_cast<const nvmlGpuInstancePlacement_t*>(&places[1]), &two),
            NVML_SUCCESS);
  nvmlGpuInstanceInfo_t info{};
  ASSERT_EQ(call("nvmlGpuInstanceGetInfo", two, &info), NVML_SUCCESS);
  EXPECT_EQ(info.device, pro);
  EXPECT_EQ(info.id, 1u);
  EXPECT_EQ(info.profileId, k1g);
  EXPECT_EQ(info.placement.start, 1u);
  std::array<nvmlGpuInstance_t, 2> all{};
  ASSERT_EQ(call("nvmlDeviceGetGpuInstances", pro, k1g, all.data(), &count), NVML_SUCCESS);
  EXPECT_EQ(count, 2u);
  EXPECT_EQ(all[0], two);  // by number
  EXPECT_EQ(all[1], one);
  ASSERT_EQ(call("nvmlDeviceGetGpuInstances", pro, k2g, all.data(), &count), NVML_SUCCESS);
  EXPECT_EQ(count, 0u);
  nvmlGpuInstance_t found = nullptr;
  ASSERT_EQ(call("nvmlDeviceGetGpuInstanceById", pro, 2U, &found), NVML_SUCCESS);
  EXPECT_EQ(found, one);
  EXPECT_EQ(call("nvmlDeviceGetGpuInstanceById", pro, 0U, &found), NVML_ERROR_NOT_FOUND);
  ASSERT_EQ(call("nvmlGpuInstanceDestroy", one), NVML_SUCCESS);
  EXPECT_EQ(call("nvmlGpuInstanceDestroy", one), NVML_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(call("nvmlGpuInstanceGetInfo", one, &info), NVML_ERROR_INVALID_ARGUMENT);
}

TEST_F(Mig, WhatDoesNotFitIsRefused) {
  start();
  nvmlGpuInstance_t made = nullptr;
  EXPECT_EQ(call("nvmlDeviceCreateGpuInstance", pro, k1g, &made), NVML_ERROR_NOT_SUPPORTED);  // no MIG mode
  enable();
  EXPECT_EQ(call("nvmlDeviceCreateGpuInstance", pro, 99U, &made), NVML_ERROR_INVALID_ARGUMENT);
  for (const nvmlGpuInstancePlacement_t& wrong :
       {nvmlGpuInstancePlacement_t{2, 1}, {0, 2}, {0xFFFFFFFF, 1}}) {
    EXPECT_EQ(call("nvmlDeviceCreateGpuInstanceWithPlacement", pro, k1g,
                   static_cast<const nvmlGpuInstancePlacement_t*>(&wrong), &made),
              NVML_ERROR_INVALID_ARGUMENT);
  }
  create(k1g);
  EXPECT_EQ(call("nvmlDeviceCreateGpuInstance", pro, k2g, &made), NVML_ERROR_INSUFFICIENT_RESOURCES);
  const nvmlGpuInstancePlacement_t taken{0, 1};
  EXPECT_EQ(call("nvmlDeviceCreateGpuInstanceWithPlacement", pro, k1g, &taken, &made),
            NVML_ERROR_INSUFFICIENT_RESOURCES);
  create(k1g);
  EXPECT_EQ(call("nvmlDeviceCreateGpuInstance", pro, k1g, &made), NVML_ERROR_INSUFFICIENT_RESOURCES);
  EXPECT_EQ(made, nullptr);
}

TEST_F(Mig, ComputeInstancesShareAGpuInstance) {
  start();
  enable();
  const nvmlGpuInstance_t whole = create(k2g);
  nvmlComputeInstanceProfileInfo_v2_t info{.version = version_of<nvmlComputeInstanceProfileInfo_v2_t>(2)};
  ASSERT_EQ(call("nvmlGpuInstanceGetComputeInstanceProfileInfoV", whole, 0U, 0U, &info), NVML_SUCCESS);
  EXPECT_STREQ(info.name.data(), "MIG 1c.2g.48gb");
  EXPECT_EQ(info.instanceCount, 2u);
  EXPECT_EQ(info.multiprocessorCount, 54u);
  EXPECT_EQ(info.sharedCopyEngineCount, 4u);
  nvmlComputeInstanceProfileInfo_t plain{};
  ASSERT_EQ(call("nvmlGpuInstanceGetComputeInstanceProfileInfo", whole, 1U, 0U, &plain), NVML_SUCCESS);
  EXPECT_EQ(plain.id, 1u);
  EXPECT_EQ(plain.multiprocessorCount, 110u);
  EXPECT_EQ(call("nvmlGpuInstanceGetComputeInstanceProfileInfo", whole, 2U, 0U, &plain),
            NVML_ERROR_NOT_SUPPORTED);
  EXPECT_EQ(call("nvmlGpuInstanceGetComputeInstanceProfileInfo", whole, 9U, 0U, &plain),
            NVML_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(call("nvmlGpuInstanceGetComputeInstanceProfileInfo", whole, 0U, 1U, &plain),
            NVML_ERROR_INVALID_ARGUMENT);
  std::array<nvmlComputeInstancePlacement_t, 2> places{};
  unsigned count = 0;
  ASSERT_EQ(call("nvmlGpuInstanceGetComputeInstancePossiblePlacements", whole, 0U, places.data(), &count),
            NVML_SUCCESS);
  EXPECT_EQ(count, 2u);
  EXPECT_EQ(places[1].start, 1u);
  nvmlComputeInstance_t second = nullptr;
  ASSERT_EQ(call("nvmlGpuInstanceCreateComputeInstanceWithPlacement", whole, 0U,
                 static_cast<const nvmlComputeInstancePlacement_t*>(&places[1]), &second),
            NVML_SUCCESS);
  const nvmlComputeInstance_t first = create_compute(whole);
  nvmlComputeInstance_t none = nullptr;
  EXPECT_EQ(call("nvmlGpuInstanceCreateComputeInstance", whole, 0U, &none),
            NVML_ERROR_INSUFFICIENT_RESOURCES);
  ASSERT_EQ(call("nvmlGpuInstanceGetComputeInstanceRemainingCapacity", whole, 0U, &count), NVML_SUCCESS);
  EXPECT_EQ(count, 0u);
  std::array<nvmlComputeInstance_t, 2> all{};
  ASSERT_EQ(call("nvmlGpuInstanceGetComputeInstances", whole, 0U, all.data(), &count), NVML_SUCCESS);
  EXPECT_EQ(count, 2u);
  EXPECT_EQ(all[0], second);
  nvmlComputeInstance_t found = nullptr;
  ASSERT_EQ(call("nvmlGpuInstanceGetComputeInstanceById", whole, 1U, &found), NVML_SUCCESS);
  EXPECT_EQ(found, first);
  EXPECT_EQ(call("nvmlGpuInstanceGetComputeInstanceById", whole, 2U, &found), NVML_ERROR_NOT_FOUND);
  nvmlComputeInstanceInfo_t info2{};
  ASSERT_EQ(call("nvmlComputeInstanceGetInfo_v2", second, &info2), NVML_SUCCESS);
  EXPECT_EQ(info2.device, pro);
  EXPECT_EQ(info2.gpuInstance, whole);
  EXPECT_EQ(info2.id, 0u);
  EXPECT_EQ(info2.placement.start, 1u);
  EXPECT_EQ(call("nvmlGpuInstanceDestroy", whole), NVML_ERROR_IN_USE);
  EXPECT_EQ(text("nvmlDeviceGetName", device(1)), "NVIDIA RTX PRO 5000 Blackwell MIG 1c.2g.48gb");
  ASSERT_EQ(call("nvmlComputeInstanceDestroy", first), NVML_SUCCESS);
  EXPECT_EQ(call("nvmlComputeInstanceDestroy", first), NVML_ERROR_INVALID_ARGUMENT);
}

TEST_F(Mig, DevicesAreFoundByIndexAndUuid) {
  start();
  nvmlDevice_t found = nullptr;
  EXPECT_EQ(call("nvmlDeviceGetMigDeviceHandleByIndex", pro, 0U, &found), NVML_ERROR_NOT_SUPPORTED);
  divide();
  const nvmlDevice_t first = device(0), second = device(1);
  EXPECT_NE(first, second);
  EXPECT_EQ(call("nvmlDeviceGetMigDeviceHandleByIndex", pro, 2U, &found), NVML_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(number("nvmlDeviceGetGpuInstanceId", first), 1u);
  EXPECT_EQ(number("nvmlDeviceGetGpuInstanceId", second), 2u);
  EXPECT_EQ(number("nvmlDeviceGetComputeInstanceId", second), 0u);
  EXPECT_EQ(number("nvmlDeviceIsMigDeviceHandle", second), 1u);
  EXPECT_EQ(number("nvmlDeviceGetIndex", second), 1u);
  ASSERT_EQ(call("nvmlDeviceGetDeviceHandleFromMigDeviceHandle", second, &found), NVML_SUCCESS);
  EXPECT_EQ(found, pro);
  EXPECT_EQ(call("nvmlDeviceGetDeviceHandleFromMigDeviceHandle", pro, &found), NVML_ERROR_INVALID_ARGUMENT);
  const std::string uuid = text("nvmlDeviceGetUUID", second);
  EXPECT_TRUE(std::regex_match(uuid, std::regex("MIG-[0-9a-f-]{36}"))) << uuid;
  ASSERT_EQ(call("nvmlDeviceGetHandleByUUID", uuid.c_str(), &found), NVML_SUCCESS);
  EXPECT_EQ(found, second);
  EXPECT_EQ(call("nvmlDeviceGetHandleByUUID", uuid.substr(0, 20).c_str(), &found), NVML_ERROR_NOT_FOUND);
  EXPECT_EQ(call("nvmlDeviceGetHandleByUUID", "MIG-0", &found), NVML_ERROR_NOT_FOUND);
  nvmlUUID_t asked{.version = version_of<nvmlUUID_t>(1), .type = NVML_UUID_TYPE_ASCII};
  uuid.copy(asked.value.data(), asked.value.size() - 1);
  found = nullptr;
  ASSERT_EQ(call("nvmlDeviceGetHandleByUUIDV", static_cast<const nvmlUUID_t*>(&asked), &found), NVML_SUCCESS);
  EXPECT_EQ(found, second);
  asked.type = 7;
  EXPECT_EQ(call("nvmlDeviceGetHandleByUUIDV", static_cast<const nvmlUUID_t*>(&asked), &found),
            NVML_ERROR_INVALID_ARGUMENT);
  asked.version = 1;
  EXPECT_EQ(call("nvmlDeviceGetHandleByUUIDV", static_cast<const nvmlUUID_t*>(&asked), &found),
            NVML_ERROR_ARGUMENT_VERSION_MISMATCH);
}

TEST_F(Mig, ADeviceSaysWhatItsInstanceHas) {
  start();
  divide();
  const nvmlDevice_t half = device(1);
  EXPECT_EQ(text("nvmlDeviceGetName", half), "NVIDIA RTX PRO 5000 Blackwell MIG 1g.24gb");
  nvmlDeviceAttributes_t attributes{};
  ASSERT_EQ(call("nvmlDeviceGetAttributes_v2", half, &attributes), NVML_SUCCESS);
  EXPECT_EQ(attributes.multiprocessorCount, 54u);
  EXPECT_EQ(attributes.sharedCopyEngineCount, 1u);
  EXPECT_EQ(attributes.gpuInstanceSliceCount, 1u);
  EXPECT_EQ(attributes.computeInstanceSliceCount, 1u);
  EXPECT_EQ(attributes.memorySizeMB, 24064u);
  EXPECT_EQ(call("nvmlDeviceGetAttributes_v2", pro, &attributes), NVML_ERROR_NOT_SUPPORTED);
  nvmlMemory_t memory{};
  ASSERT_EQ(call("nvmlDeviceGetMemoryInfo", half, &memory), NVML_SUCCESS);
  EXPECT_EQ(memory.total, 24064ULL << 20);
  EXPECT_EQ(memory.free, memory.total);
  int major = 0, minor = 0;
  ASSERT_EQ(call("nvmlDeviceGetCudaComputeCapability", half, &major, &minor), NVML_SUCCESS);
  EXPECT_EQ(major, 12);
}

TEST_F(Mig, ProcessesAndMemoryAreTheInstances) {
  start();
  divide();
  const auto client = *node->join(1, node::wall_ns(), {2, 0});
  std::uint64_t free = 0;
  ASSERT_TRUE(client->take(1 << 30, free, node::wall_ns()));
  nvmlMemory_v2_t memory{.version = version_of<nvmlMemory_v2_t>(2)};
  ASSERT_EQ(call("nvmlDeviceGetMemoryInfo_v2", device(0), &memory), NVML_SUCCESS);
  EXPECT_EQ(memory.used, 0u);
  ASSERT_EQ(call("nvmlDeviceGetMemoryInfo_v2", device(1), &memory), NVML_SUCCESS);
  EXPECT_EQ(memory.used, 1u << 30);
  ASSERT_EQ(call("nvmlDeviceGetMemoryInfo_v2", pro, &memory), NVML_SUCCESS);
  EXPECT_EQ(memory.used, 1u << 30);
  std::array<nvmlProcessInfo_v2_t, 2> infos{};
  unsigned count = infos.size();
  ASSERT_EQ(call("nvmlDeviceGetComputeRunningProcesses_v3", device(0), &count, infos.data()), NVML_SUCCESS);
  EXPECT_EQ(count, 0u);
  for (const nvmlDevice_t of : {device(1), pro}) {
    count = infos.size();
    ASSERT_EQ(call("nvmlDeviceGetComputeRunningProcesses_v3", of, &count, infos.data()), NVML_SUCCESS);
    ASSERT_EQ(count, 1u);
    EXPECT_EQ(infos[0].gpuInstanceId, 2u);
    EXPECT_EQ(infos[0].computeInstanceId, 0u);
    EXPECT_EQ(infos[0].usedGpuMemory, 1u << 30);
  }
}

TEST_F(Mig, WhatIsInUseIsNotDestroyed) {
  start();
  divide();
  auto client = *node->join(1, node::wall_ns(), {2, 0});
  EXPECT_EQ(call("nvmlComputeInstanceDestroy", halves[0].compute), NVML_ERROR_IN_USE);
  EXPECT_EQ(call("nvmlGpuInstanceDestroy", halves[0].gpu), NVML_ERROR_IN_USE);
  EXPECT_EQ(call("nvmlComputeInstanceDestroy", halves[1].compute), NVML_SUCCESS);
  EXPECT_EQ(call("nvmlGpuInstanceDestroy", halves[1].gpu), NVML_SUCCESS);
  nvmlReturn_t activation = NVML_SUCCESS;
  ASSERT_EQ(call("nvmlDeviceSetMigMode", pro, 0U, &activation), NVML_SUCCESS);
  EXPECT_EQ(activation, NVML_ERROR_IN_USE);
  client = nullptr;
  EXPECT_EQ(call("nvmlComputeInstanceDestroy", halves[0].compute), NVML_SUCCESS);
  EXPECT_EQ(call("nvmlGpuInstanceDestroy", halves[0].gpu), NVML_SUCCESS);
  ASSERT_EQ(call("nvmlDeviceSetMigMode", pro, 0U, &activation), NVML_SUCCESS);
  EXPECT_EQ(activation, NVML_SUCCESS);
}

TEST_F(Mig, HandlesOfWhatWasDestroyedAreOfNoUse) {
  start();
  divide();
  const nvmlDevice_t half = device(1);
  ASSERT_EQ(call("nvmlComputeInstanceDestroy", halves[0].compute), NVML_SUCCESS);
  unsigned value = 0;
  nvmlMemory_t memory{};
  EXPECT_EQ(call("nvmlDeviceGetIndex", half, &value), NVML_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(call("nvmlDeviceGetMemoryInfo", half, &memory), NVML_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(call("nvmlDeviceGetPowerUsage", half, &value), NVML_ERROR_INVALID_ARGUMENT);
  nvmlDevice_t found = nullptr;
  EXPECT_EQ(call("nvmlDeviceGetMigDeviceHandleByIndex", pro, 1U, &found), NVML_ERROR_NOT_FOUND);
}

// What is a card's alone.
TEST_F(Mig, ADeviceIsNotAskedForWhatIsTheCards) {
  start();
  divide();
  unsigned value = 0;
  nvmlPciInfo_t place{};
  for (const char* name :
       {"nvmlDeviceGetPowerUsage", "nvmlDeviceGetEnforcedPowerLimit", "nvmlDeviceGetMinorNumber",
        "nvmlDeviceGetPerformanceState", "nvmlDeviceGetMaxMigDeviceCount"})
    EXPECT_EQ(call(name, device(0), &value), NVML_ERROR_NOT_SUPPORTED) << name;
  EXPECT_EQ(call("nvmlDeviceGetPciInfo_v3", device(0), &place), NVML_ERROR_NOT_SUPPORTED);
  nvmlGpuInstance_t gpu = nullptr;
  EXPECT_EQ(call("nvmlDeviceCreateGpuInstance", device(0), k1g, &gpu), NVML_ERROR_NOT_SUPPORTED);
}

TEST_F(Mig, InTheModeNoUtilisationIsTold) {
  start();
  nvmlUtilization_t rates{};
  ASSERT_EQ(call("nvmlDeviceGetUtilizationRates", pro, &rates), NVML_SUCCESS);
  divide();
  unsigned used = 0, period = 0;
  EXPECT_EQ(call("nvmlDeviceGetUtilizationRates", pro, &rates), NVML_ERROR_NOT_SUPPORTED);
  EXPECT_EQ(call("nvmlDeviceGetUtilizationRates", device(0), &rates), NVML_ERROR_NOT_SUPPORTED);
  EXPECT_EQ(call("nvmlDeviceGetDecoderUtilization", pro, &used, &period), NVML_ERROR_NOT_SUPPORTED);
  EXPECT_EQ(call("nvmlDeviceGetUtilizationRates", a6000, &rates), NVML_SUCCESS);
}

TEST_F(Mig, NullPointersAndForeignHandlesAreInvalid) {
  start();
  divide();
  unsigned* const no_number = nullptr;
  nvmlReturn_t activation = NVML_SUCCESS;
  EXPECT_EQ(call("nvmlDeviceSetMigMode", pro, 1U, static_cast<nvmlReturn_t*>(nullptr)),
            NVML_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(call("nvmlDeviceSetMigMode", pro, 2U, &activation), NVML_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(call("nvmlDeviceGetMigMode", pro, no_number, no_number), NVML_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(call("nvmlDeviceGetGpuInstanceRemainingCapacity", pro, k1g, no_number),
            NVML_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(call("nvmlDeviceGetGpuInstances", pro, k1g, static_cast<nvmlGpuInstance_t*>(nullptr), no_number),
            NVML_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(call("nvmlDeviceCreateGpuInstance", pro, k1g, static_cast<nvmlGpuInstance_t*>(nullptr)),
            NVML_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(call("nvmlDeviceGetHandleByUUIDV", static_cast<const nvmlUUID_t*>(nullptr), &pro),
            NVML_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(call("nvmlGpuInstanceGetInfo", halves[0].gpu, static_cast<nvmlGpuInstanceInfo_t*>(nullptr)),
            NVML_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(call("nvmlComputeInstanceGetInfo_v2", halves[0].compute,
                 static_cast<nvmlComputeInstanceInfo_t*>(nullptr)),
            NVML_ERROR_INVALID_ARGUMENT);
  int here = 0;
  for (void* const foreign :
       {static_cast<void*>(nullptr), static_cast<void*>(&here), static_cast<void*>(pro)}) {
    EXPECT_EQ(call("nvmlGpuInstanceDestroy", foreign), NVML_ERROR_INVALID_ARGUMENT);
    EXPECT_EQ(call("nvmlComputeInstanceDestroy", foreign), NVML_ERROR_INVALID_ARGUMENT);
  }
  unsigned is = 0;
  EXPECT_EQ(call("nvmlDeviceIsMigDeviceHandle", static_cast<void*>(&here), &is), NVML_ERROR_INVALID_ARGUMENT);
  ASSERT_EQ(call("nvmlShutdown"), NVML_SUCCESS);
  EXPECT_EQ(call("nvmlGpuInstanceDestroy", halves[0].gpu), NVML_ERROR_UNINITIALIZED);
  EXPECT_EQ(call("nvmlDeviceIsMigDeviceHandle", pro, &is), NVML_ERROR_UNINITIALIZED);
}

TEST_F(Mig, ChangesAreEvents) {
  start();
  unsigned long long types = 0;
  ASSERT_EQ(call("nvmlDeviceGetSupportedEventTypes", pro, &types), NVML_SUCCESS);
  EXPECT_EQ(types, kEventXid | kEventSingleBitEcc | kEventDoubleBitEcc | kEventMigChanged);
  nvmlEventSet_t set = nullptr;
  ASSERT_EQ(call("nvmlEventSetCreate", &set), NVML_SUCCESS);
  ASSERT_EQ(call("nvmlDeviceRegisterEvents", pro, kEventMigChanged, set), NVML_SUCCESS);
  EXPECT_EQ(call("nvmlDeviceRegisterEvents", a6000, kEventMigChanged, set), NVML_ERROR_NOT_SUPPORTED);
  enable();
  create(k1g);
  nvmlEventData_t data{};
  ASSERT_EQ(call("nvmlEventSetWait_v2", set, &data, 0U), NVML_SUCCESS);
  EXPECT_EQ(data.gpuInstanceId, kNoInstance);
  ASSERT_EQ(call("nvmlEventSetWait_v2", set, &data, 0U), NVML_SUCCESS);
  EXPECT_EQ(data.device, pro);
  EXPECT_EQ(data.eventType, kEventMigChanged);
  EXPECT_EQ(data.gpuInstanceId, 2u);
  EXPECT_EQ(call("nvmlEventSetFree", set), NVML_SUCCESS);
}

}  // namespace
}  // namespace doppel::nvml
