// SPDX-License-Identifier: Apache-2.0
// Event sets.
#include "library.h"

namespace doppel::nvml {
namespace {

using Events = Library;
constexpr unsigned long long kXid = 0x8;

TEST_F(Events, OfACardAreToldToWhoRegistered) {
  start();
  nvmlEventSet_t set = nullptr;
  ASSERT_EQ(call("nvmlEventSetCreate", &set), NVML_SUCCESS);
  ASSERT_TRUE(node->tell_event(1, kXid, 13));  // before: not told
  ASSERT_EQ(call("nvmlDeviceRegisterEvents", pro, kXid, set), NVML_SUCCESS);
  nvmlEventData_t data{};
  EXPECT_EQ(call("nvmlEventSetWait_v2", set, &data, 0U), NVML_ERROR_TIMEOUT);
  ASSERT_TRUE(node->tell_event(1, kXid, 31));
  ASSERT_TRUE(node->tell_event(0, kXid, 13));  // of the other card
  ASSERT_EQ(call("nvmlEventSetWait_v2", set, &data, 0U), NVML_SUCCESS);
  EXPECT_EQ(data.device, pro);
  EXPECT_EQ(data.eventType, kXid);
  EXPECT_EQ(data.eventData, 31u);
  EXPECT_EQ(call("nvmlEventSetWait_v2", set, &data, 0U), NVML_ERROR_TIMEOUT);
  EXPECT_EQ(call("nvmlEventSetFree", set), NVML_SUCCESS);
  EXPECT_EQ(call("nvmlEventSetWait_v2", set, &data, 0U), NVML_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(call("nvmlEventSetFree", set), NVML_ERROR_INVALID_ARGUMENT);
}

TEST_F(Events, OfOtherTypesAreNotSupported) {
  start();
  nvmlEventSet_t set = nullptr;
  unsigned long long types = 0;
  ASSERT_EQ(call("nvmlEventSetCreate", &set), NVML_SUCCESS);
  EXPECT_EQ(call("nvmlDeviceGetSupportedEventTypes", a6000, &types), NVML_SUCCESS);
  EXPECT_EQ(types, kXid | 0x1 | 0x2);
  EXPECT_EQ(call("nvmlDeviceRegisterEvents", pro, kXid | 0x4, set), NVML_ERROR_NOT_SUPPORTED);
  EXPECT_EQ(call("nvmlDeviceRegisterEvents", pro, 0ULL, set), NVML_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(call("nvmlDeviceRegisterEvents", pro, kXid, nvmlEventSet_t{}), NVML_ERROR_INVALID_ARGUMENT);
}

}  // namespace
}  // namespace doppel::nvml
