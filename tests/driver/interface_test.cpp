// SPDX-License-Identifier: Apache-2.0
// Our declarations of the driver interface agree with the toolkit's, where a toolkit is installed.
#include <gtest/gtest.h>

#include "interface_facts.h"

TEST(DriverInterface, AgreesWithTheToolkitsHeader) {
#ifdef DOPPEL_TOOLKIT
  const std::vector<Fact> ours = our_facts();
  const std::vector<Fact> theirs = their_facts();
  ASSERT_EQ(ours.size(), theirs.size());
  ASSERT_GT(ours.size(), 500U);
  for (std::size_t i = 0; i < ours.size(); ++i) EXPECT_EQ(ours[i].value, theirs[i].value) << ours[i].name;
#else
  GTEST_SKIP() << "no toolkit with cuda.h is installed";
#endif
}
