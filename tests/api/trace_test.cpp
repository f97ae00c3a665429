// SPDX-License-Identifier: Apache-2.0
#include "api/common/trace.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

namespace doppel::api {
namespace {

enum class Mode { First, Second };
struct Shape {};

// Read when the process first logs, which no other test of this program does.
const int traces_all = setenv("DOPPEL_LOG", "trace", 1);

std::string traced(const auto& arguments) {
  ::testing::internal::CaptureStderr();
  trace_call("apiCall", arguments);
  return ::testing::internal::GetCapturedStderr();
}

TEST(Trace, ShowsArgumentsByTheirTypes) {
  const std::string line =
      traced(std::tuple(7u, -1, 2.5, Mode::Second, text("a name"), text(nullptr), Shape{}));
  EXPECT_NE(line.find("apiCall(7, -1, 2.5, 1, a name, (null), {...})"), std::string::npos) << line;
}

TEST(Trace, ShowsPointersAsAddresses) {
  const std::string line = traced(std::tuple(reinterpret_cast<const char*>(0x10)));
  EXPECT_NE(line.find("apiCall(0x10)"), std::string::npos) << line;
}

TEST(Trace, NamesResultsThatHaveAName) {
  ::testing::internal::CaptureStderr();
  trace_result("apiCall", "API_INVALID");
  trace_result("apiCall", nullptr);
  const std::string lines = ::testing::internal::GetCapturedStderr();
  EXPECT_NE(lines.find("apiCall -> API_INVALID"), std::string::npos) << lines;
  EXPECT_NE(lines.find("apiCall -> an unknown code"), std::string::npos) << lines;
}

}  // namespace
}  // namespace doppel::api
