// SPDX-License-Identifier: Apache-2.0
// The functions beside the interface that NVIDIA's nvidia-smi finds by places in a table.
#include <unistd.h>

#include <array>
#include <vector>

#include "library.h"

namespace doppel::nvml {
namespace {

class SmiTable : public Library {
 protected:
  // A function's address by its place.
  static std::uintptr_t function(std::size_t place) {
    const std::array<unsigned char, 16> id = {0xc4, 0xfe, 0x3e, 0x6c, 0xc9, 0x8f, 0x6c, 0x4e,
                                              0xa3, 0x27, 0xee, 0x69, 0x6e, 0x12, 0xf7, 0xc4};
    const void* table = nullptr;
    EXPECT_EQ(call("nvmlInternalGetExportTable", &table, static_cast<const void*>(id.data())), NVML_SUCCESS);
    const auto* places = static_cast<const std::uintptr_t*>(table);
    EXPECT_GT(places[0], place * sizeof(std::uintptr_t));
    return places[place];
  }
  struct Process {
    nvmlProcessDetail_v1_t numbers;
    std::array<char, 4096> name;
  };
  using List = nvmlReturn_t (*)(nvmlDevice_t, unsigned*, Process*);
  static List list(std::size_t place) { return reinterpret_cast<List>(function(place)); }
};

TEST_F(SmiTable, ListsProcesses) {
  start();
  const auto client = *node->join(0, node::wall_ns());
  std::uint64_t free = 0;
  ASSERT_TRUE(client->take(4096, free, node::wall_ns()));
  std::vector<Process> found(2);
  unsigned count = 2;
  ASSERT_EQ(list(213)(a6000, &count, found.data()), NVML_SUCCESS);
  ASSERT_EQ(count, 1u);
  EXPECT_EQ(found[0].numbers.pid, static_cast<unsigned>(getpid()));
  EXPECT_EQ(found[0].numbers.usedGpuMemory, 4096u);
  EXPECT_EQ(found[0].numbers.gpuInstanceId, kNoInstance);
  EXPECT_NE(std::string_view(found[0].name.data()).find("nvml_tests"), std::string_view::npos);
  for (const std::size_t none : {214, 215}) {
    count = 2;
    EXPECT_EQ(list(none)(a6000, &count, found.data()), NVML_SUCCESS);
    EXPECT_EQ(count, 0u);
  }
  count = 0;
  EXPECT_EQ(list(213)(a6000, &count, found.data()), NVML_SUCCESS);
  EXPECT_EQ(count, 0u);
}

// Of a card in MIG mode, nvidia-smi asks each MIG device.
TEST_F(SmiTable, ListsProcessesOfMigDevices) {
  start();
  nvmlReturn_t activation = NVML_ERROR_UNKNOWN;
  ASSERT_EQ(call("nvmlDeviceSetMigMode", pro, 1U, &activation), NVML_SUCCESS);
  std::array<nvmlDevice_t, 2> devices{};
  for (int i = 0; i < 2; ++i) {
    nvmlGpuInstance_t gpu = nullptr;
    nvmlComputeInstance_t compute = nullptr;
    ASSERT_EQ(call("nvmlDeviceCreateGpuInstance", pro, 5U, &gpu), NVML_SUCCESS);
    ASSERT_EQ(call("nvmlGpuInstanceCreateComputeInstance", gpu, 0U, &compute), NVML_SUCCESS);
  }
  for (unsigned i = 0; i < 2; ++i)
    ASSERT_EQ(call("nvmlDeviceGetMigDeviceHandleByIndex", pro, i, &devices.at(i)), NVML_SUCCESS);
  const auto client = *node->join(1, node::wall_ns(), {2, 0});
  std::vector<Process> found(2);
  for (unsigned i = 0; i < 2; ++i) {
    unsigned count = 2;
    ASSERT_EQ(list(213)(devices.at(i), &count, found.data()), NVML_SUCCESS);
    EXPECT_EQ(count, i);  // in the second, GPU instance 2
    count = 2;
    EXPECT_EQ(list(214)(devices.at(i), &count, found.data()), NVML_SUCCESS);
    EXPECT_EQ(count, 0u);
  }
  EXPECT_EQ(found[0].numbers.pid, static_cast<unsigned>(getpid()));
  EXPECT_EQ(found[0].numbers.gpuInstanceId, 2u);
  EXPECT_EQ(found[0].numbers.computeInstanceId, 0u);
}

TEST_F(SmiTable, RefusesTheRest) {
  start();
  unsigned value = 7;
  for (const std::size_t place : {1, 20, 72, 230, 255}) {
    const std::uintptr_t other = function(place);
    EXPECT_EQ(reinterpret_cast<nvmlReturn_t (*)(nvmlDevice_t, unsigned*)>(other)(a6000, &value),
              NVML_ERROR_NOT_SUPPORTED);
  }
  EXPECT_EQ(value, 7u);
}

TEST_F(SmiTable, TakesNothingWrong) {
  const void* table = nullptr;
  const std::array<unsigned char, 16> other{};
  EXPECT_EQ(call("nvmlInternalGetExportTable", &table, static_cast<const void*>(other.data())),
            NVML_ERROR_NOT_FOUND);
  EXPECT_EQ(call("nvmlInternalGetExportTable", static_cast<const void**>(nullptr),
                 static_cast<const void*>(other.data())),
            NVML_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(call("nvmlInternalGetExportTable", &table, static_cast<const void*>(nullptr)),
            NVML_ERROR_INVALID_ARGUMENT);
  unsigned count = 2;
  std::vector<Process> found(2);
  EXPECT_EQ(list(213)(a6000, &count, found.data()), NVML_ERROR_UNINITIALIZED);
  start();
  EXPECT_EQ(list(213)(nullptr, &count, found.data()), NVML_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(list(213)(a6000, nullptr, found.data()), NVML_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(list(213)(a6000, &count, nullptr), NVML_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(list(214)(a6000, nullptr, nullptr), NVML_ERROR_INVALID_ARGUMENT);
}

}  // namespace
}  // namespace doppel::nvml
