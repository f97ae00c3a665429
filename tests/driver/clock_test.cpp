// The clock library, linked in as a preloaded one would be, with a source that the test sets.
#include <gtest/gtest.h>
#include <sys/time.h>

#include <chrono>
#include <ctime>

#include "driver/clock_source.h"

extern "C" void doppel_clock_install(const DoppelClockSource* source);

namespace {

double virtual_us = 0;
bool is_virtual = true;

bool now_us(double* time_us) {
  *time_us = virtual_us;
  return is_virtual;
}
void advance_us(double microseconds) { virtual_us += microseconds; }

constexpr DoppelClockSource kSource{now_us, advance_us};

TEST(VirtualClock, EveryClockOfTheHostAnswersWithIt) {
  doppel_clock_install(&kSource);
  const auto steady = std::chrono::steady_clock::now();
  const auto system = std::chrono::system_clock::now();
  const time_t seconds = time(nullptr);
  timeval before{};
  gettimeofday(&before, nullptr);
  virtual_us += 5e6;
  EXPECT_EQ(std::chrono::steady_clock::now() - steady, std::chrono::seconds(5));
  EXPECT_EQ(std::chrono::system_clock::now() - system, std::chrono::seconds(5));
  EXPECT_EQ(time(nullptr) - seconds, 5);
  timeval after{};
  gettimeofday(&after, nullptr);
  EXPECT_EQ(after.tv_sec - before.tv_sec, 5);
}

TEST(VirtualClock, SleepingTakesVirtualTime) {
  doppel_clock_install(&kSource);
  const double before_us = virtual_us;
  const timespec one_nanosecond{0, 1};
  nanosleep(&one_nanosecond, nullptr);
  EXPECT_DOUBLE_EQ(virtual_us, before_us + 0.001);
}

TEST(VirtualClock, OtherThreadsAndProcessorTimeKeepTheHosts) {
  doppel_clock_install(&kSource);
  is_virtual = false;
  timespec now{};
  EXPECT_EQ(clock_gettime(CLOCK_MONOTONIC, &now), 0);
  virtual_us += 1e12;
  timespec later{};
  EXPECT_EQ(clock_gettime(CLOCK_MONOTONIC, &later), 0);
  EXPECT_LT(later.tv_sec - now.tv_sec, 1000);
  is_virtual = true;
  EXPECT_EQ(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now), 0);
  EXPECT_LT(now.tv_sec, 1000);
}

}  // namespace
