// SPDX-License-Identifier: Apache-2.0
#include "card/peaks.h"

#include <gtest/gtest.h>

#include "card/load_card.h"
#include "card/uuid.h"

namespace doppel::card {
namespace {

const TensorPeak& tensor(const Peaks& peaks, const std::string& type) {
  for (const TensorPeak& peak : peaks.tensor) {
    if (peak.type == type) return peak;
  }
  static const TensorPeak none;
  return none;
}

// The published comparison of the two cards; the file holds none of these figures.
TEST(Peaks, RtxA6000AsAdvertised) {
  const Peaks p = peaks(find_card("rtx-a6000").value());
  EXPECT_NEAR(p.fp32_tflops, 38.7, 0.05);
  EXPECT_NEAR(p.ray_tracing_tflops, 75.6, 0.05);
  EXPECT_NEAR(p.memory_gb_per_second, 768, 0.5);
  EXPECT_NEAR(p.nvlink_gb_per_second, 112.5, 0.05);
  EXPECT_NEAR(tensor(p, "fp16, fp32 accumulation").sparse, 309.7, 0.05);
  EXPECT_NEAR(tensor(p, "fp16, fp32 accumulation").dense, 154.8, 0.05);
  EXPECT_EQ(tensor(p, "fp8").dense, 0);
  EXPECT_NEAR(p.pcie_gb_per_second, 31.5, 0.05);
}

TEST(Peaks, RtxPro5000AsAdvertised) {
  const Peaks p = peaks(find_card("rtx-pro-5000-blackwell").value());
  EXPECT_NEAR(p.fp32_tflops, 69.5, 0.05);
  EXPECT_NEAR(p.ray_tracing_tflops, 211, 0.5);
  EXPECT_NEAR(p.memory_gb_per_second, 1344, 0.5);
  EXPECT_EQ(p.nvlink_gb_per_second, 0);
  EXPECT_EQ(p.best_tensor.type, "fp4, block scaled (mxfp4, nvfp4)");
  EXPECT_NEAR(p.best_tensor.sparse, 2223, 1);
  EXPECT_EQ(tensor(p, "int4").dense, 0);
}

TEST(DeviceUuid, IsStableAndOwnToEachDevice) {
  const Card card = find_card("rtx-a6000").value();
  EXPECT_EQ(device_uuid(card, 0), device_uuid(card, 0));
  EXPECT_NE(device_uuid(card, 0), device_uuid(card, 1));
  EXPECT_NE(device_uuid(card, 0), device_uuid(find_card("rtx-pro-5000-blackwell").value(), 0));
  EXPECT_EQ(device_uuid(card, 0)[6] >> 4, 8);
}

}  // namespace
}  // namespace doppel::card
