// SPDX-License-Identifier: Apache-2.0
// Every function of the table is there; structures have the sizes that clients have.
#include <fstream>

#include "library.h"

namespace doppel::nvml {
namespace {

using EntryPoints = Library;

// As the versions in a client's own structures say (size in the lower bytes), or their layouts come to.
static_assert(sizeof(nvmlPciInfo_t) == 68 && sizeof(nvmlPciInfo_v1_t) == 36 &&
              sizeof(nvmlPciInfoExt_v1_t) == 64);
static_assert(sizeof(nvmlMemory_t) == 24 && version_of<nvmlMemory_v2_t>(2) == 0x02000028);
static_assert(sizeof(nvmlProcessInfo_v1_t) == 16 && sizeof(nvmlProcessInfo_v2_t) == 24);
static_assert(version_of<nvmlProcessDetailList_v1_t>(1) == 0x01000018 &&
              sizeof(nvmlProcessDetail_v1_t) == 32);
static_assert(version_of<nvmlTemperature_v1_t>(1) == 0x0100000C &&
              version_of<nvmlPowerValue_v2_t>(2) == 0x0200000C);
static_assert(sizeof(nvmlFieldValue_t) == 40 && sizeof(nvmlEventData_t) == 32);
static_assert(version_of<nvmlGpuInstanceProfileInfo_v2_t>(2) == 0x02000098 &&
              version_of<nvmlGpuInstanceProfileInfo_v3_t>(3) == 0x03000098 &&
              sizeof(nvmlGpuInstanceProfileInfo_t) == 48);
static_assert(version_of<nvmlComputeInstanceProfileInfo_v2_t>(2) == 0x02000088 &&
              version_of<nvmlComputeInstanceProfileInfo_v3_t>(3) == 0x0300008C &&
              sizeof(nvmlComputeInstanceProfileInfo_t) == 36);
static_assert(sizeof(nvmlGpuInstanceInfo_t) == 24 && sizeof(nvmlComputeInstanceInfo_t) == 32 &&
              sizeof(nvmlDeviceAttributes_t) == 40 && version_of<nvmlUUID_t>(1) == 0x01000034);
static_assert(sizeof(nvmlProcessUtilizationSample_t) == 32 && sizeof(nvmlBAR1Memory_t) == 24);

TEST_F(EntryPoints, AreAllThereAndThoseThatAreRefusedSaySo) {
  start();
  std::ifstream table(DOPPEL_SOURCE_DIR "/src/nvml/entry_points.txt");
  std::string state, name;
  int works = 0, refused = 0;
  for (std::string line; std::getline(table, line);) {
    if (line.empty() || line[0] == '#') continue;
    const auto space = line.find_last_of(' ');
    name = line.substr(space + 1);
    ASSERT_NE(dlsym(library(), name.c_str()), nullptr) << name;
    if (line.starts_with("works")) {
      ++works;
      continue;
    }
    ++refused;
    // Whatever they take.
    EXPECT_EQ(call(name.c_str(), a6000, nullptr, nullptr, nullptr), NVML_ERROR_NOT_SUPPORTED) << name;
  }
  EXPECT_GE(works, 163);
  EXPECT_GE(works + refused, 427);
}

TEST_F(EntryPoints, ExplainCodesInEveryState) {
  auto* words = reinterpret_cast<const char* (*)(nvmlReturn_t)>(dlsym(library(), "nvmlErrorString"));
  ASSERT_NE(words, nullptr);
  EXPECT_STREQ(words(NVML_SUCCESS), "Success");
  EXPECT_STREQ(words(NVML_ERROR_NOT_SUPPORTED), "Not Supported");
  EXPECT_STREQ(words(static_cast<nvmlReturn_t>(12345)), "Unknown Error");
}

// Nothing of the engine comes with it.
TEST_F(EntryPoints, NeedNoOtherLibraryOfDoppel) {
  ASSERT_NE(library(), nullptr);
  EXPECT_EQ(dlopen("libdoppel.so.0", RTLD_NOW | RTLD_NOLOAD), nullptr);
}

}  // namespace
}  // namespace doppel::nvml
