// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "engine/device_printf.h"

namespace doppel::engine {
namespace {

class Packed {
 public:
  template <typename T>
  Packed& add(T value) {
    while (bytes_.size() % sizeof(T) != 0) bytes_.push_back(std::byte{0});
    const auto* start = reinterpret_cast<const std::byte*>(&value);
    bytes_.insert(bytes_.end(), start, start + sizeof(T));
    return *this;
  }
  std::string print(const char* format, int* count = nullptr) const {
    std::string text;
    const int printed = format_device_printf(text, format, bytes_.data());
    if (count != nullptr) *count = printed;
    return text;
  }

 private:
  std::vector<std::byte> bytes_;
};

TEST(DevicePrintf, FormatsPackedArguments) {
  int count = 0;
  EXPECT_EQ(Packed().add(7).add(2.5).add('x' + 0).print("a %d b %5.2f c %c%%\n", &count),
            "a 7 b  2.50 c x%\n");
  EXPECT_EQ(count, 3);
}

TEST(DevicePrintf, AlignsLongsAndStrings) {
  EXPECT_EQ(Packed()
                .add(-1)
                .add(std::int64_t{1} << 40)
                .add(std::uint64_t{reinterpret_cast<std::uint64_t>("text")})
                .print("%u %lld [%-6s]"),
            "4294967295 1099511627776 [text  ]");
}

TEST(DevicePrintf, TakesWidthsFromArguments) {
  EXPECT_EQ(Packed().add(6).add(2).add(3.14159).print("%*.*f|"), "  3.14|");
}

TEST(DevicePrintf, KeepsWhatIsNoConversion) {
  EXPECT_EQ(Packed().print("100%"), "100%");
  EXPECT_EQ(Packed().add(1).print("%y %d"), "%y 1");
}

TEST(DevicePrintf, TakesThirtyTwoArguments) {
  Packed packed;
  std::string format, expected;
  for (int i = 1; i <= 34; ++i) {
    packed.add(i);
    format += "%d ";
    expected += i <= 32 ? std::to_string(i) + " " : "%d ";
  }
  int count = 0;
  EXPECT_EQ(packed.print((format + "%-5.2lf%%|%*d").c_str(), &count), expected + "%-5.2lf%|%*d");
  EXPECT_EQ(count, 32);
}

TEST(DevicePrintf, NullStringsAndFormats) {
  EXPECT_EQ(Packed().add(std::uint64_t{0}).print("%s"), "(null)");
  std::string text;
  EXPECT_EQ(format_device_printf(text, nullptr, nullptr), -1);
}

TEST(DevicePrintf, LongTextIsNotCut) {
  const std::string long_text(1000, 'z');
  EXPECT_EQ(Packed().add(reinterpret_cast<std::uint64_t>(long_text.c_str())).print("<%s>"),
            "<" + long_text + ">");
}

}  // namespace
}  // namespace doppel::engine
