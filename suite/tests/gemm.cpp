// SPDX-License-Identifier: Apache-2.0
// Products of matrices on the tensor cores by type, timed at the size of published figures and checked on one
// block's worth: elements are 0, 1 and -1 and factors 1 and 2, so that every sum is exact.
#include <algorithm>
#include <array>
#include <cstdint>
#include <type_traits>

#include "kernels.h"
#include "tests.h"
#include "timed.h"

namespace doppel::suite {

namespace {

constexpr int kSize = 4096;
constexpr int kBlockRows = 128;  // gemm_device.h
constexpr int kBlockColumns = 128;
constexpr int kThreads = 128;

// One type: how its elements stand in memory, and what it needs.
struct Type {
  const char* kernel;
  const char* const* ptx;
  int capability;                         // of the card, at least
  int bits;                               // of an element in memory
  std::array<std::uint32_t, 3> codes;     // of 0, 1 and -1
  bool whole;                             // C holds whole numbers
  int block = 0;                          // elements with one factor; 0: none
  std::array<std::uint8_t, 2> factors{};  // the codes of 1 and 2
  const char* unit = "TFLOP/s";
  Published published{0, nullptr, nullptr};
};

constexpr std::array kTypes{
    Type{"gemm_f16_f32",
         &kGemmPtx,
         86,
         16,
         {0, 0x3C00, 0xBC00},
         false,
         0,
         {},
         "TFLOP/s",
         {119.7, "NVIDIA RTX A6000",
          "a hand-written mma.sync kernel, Bruce-Lee-LY/cuda_hgemm @0d26c2e (truth/kernels.csv)"}},
    Type{"gemm_bf16", &kGemmPtx, 86, 16, {0, 0x3F80, 0xBF80}, false},
    Type{"gemm_tf32", &kGemmPtx, 86, 32, {0, 0x3F800000, 0xBF800000}, false},
    Type{"gemm_s8", &kGemmPtx, 86, 8, {0, 1, 0xFF}, true, 0, {}, "TOP/s"},
    Type{"gemm_s4", &kGemmPtx, 86, 4, {0, 1, 0xF}, true, 0, {}, "TOP/s"},
    Type{"gemm_e4m3", &kGemmSm120aPtx, 120, 8, {0, 0x38, 0xB8}, false},
    Type{"gemm_e3m2", &kGemmSm120aPtx, 120, 8, {0, 0x0C, 0x2C}, false},
    Type{"gemm_mxf4", &kGemmSm120aPtx, 120, 4, {0, 2, 0xA}, false, 32, {0x7F, 0x80}},
    Type{
        "gemm_nvf4",
        &kGemmSm120aPtx,
        120,
        4,
        {0, 2, 0xA},
        false,
        16,
        {0x38, 0x40},
        "TFLOP/s",
        {808, "NVIDIA RTX PRO 5000 Blackwell", "CUTLASS, public notes on the same card (truth/kernels.csv)"}},
};

void need(const host::Card& card, const Type& type) {
  const int capability = card.attribute(CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR) * 10 +
                         card.attribute(CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR);
  if (capability < type.capability) throw Absent("the card has no such units");
}

// A matrix of rows along k, and its factors where the type has them.
struct Matrix {
  std::vector<std::uint8_t> bytes;
  std::vector<std::uint8_t> factors;
  std::vector<int> values;  // elements times factors
};

Matrix matrix(const Type& type, int rows, int k, unsigned seed) {
  Matrix out;
  const std::size_t count = static_cast<std::size_t>(rows) * static_cast<std::size_t>(k);
  out.bytes.resize(count * static_cast<std::size_t>(type.bits) / 8);
  out.values.resize(count);
  if (type.block > 0) out.factors.resize(count / static_cast<std::size_t>(type.block));
  // Those of 128 rows and of a tile's 64 bytes along k stand together, row after row.
  const auto factor_at = [&](std::size_t row, std::size_t along) -> std::uint8_t& {
    const std::size_t of_tile = 512 / static_cast<std::size_t>(type.bits * type.block);
    const std::size_t tiles = static_cast<std::size_t>(k * type.bits) / 512;
    const std::size_t block = along / static_cast<std::size_t>(type.block);
    return out.factors[((row / 128 * tiles + block / of_tile) * 128 + row % 128) * of_tile + block % of_tile];
  };
  unsigned state = seed;
  const auto next = [&](unsigned below) {
    state = state * 1664525U + 1013904223U;
    return (state >> 16U) % below;
  };
  for (std::size_t i = 0; i < count; ++i) {
    const unsigned which = next(3);
    int factor = 1;
    if (type.block > 0) {
      const std::size_t along = i % static_cast<std::size_t>(k);
      std::uint8_t& code = factor_at(i / static_cast<std::size_t>(k), along);
      if (along % static_cast<std::size_t>(type.block) == 0) code = type.factors[next(2)];
      factor = code == type.factors[0] ? 1 : 2;
    }
    out.values[i] = (which == 0 ? 0 : which == 1 ? 1 : -1) * factor;
    const std::size_t bit = i * static_cast<std::size_t>(type.bits);
    for (int b = 0; b < type.bits; b += 4) {
      out.bytes[(bit + static_cast<std::size_t>(b)) / 8] |= static_cast<std::uint8_t>(
          (type.codes[which] >> b & 0xFU) << (bit + static_cast<std::size_t>(b)) % 8);
    }
  }
  return out;
}

template <class Out>
void launch(const Type& type, CUfunction kernel, CUdeviceptr a, CUdeviceptr b, const host::Buffer<Out>& c,
            int m, int n, int k, CUdeviceptr factors_a, CUdeviceptr factors_b) {
  const host::Extent grid{static_cast<unsigned>(n / kBlockColumns), static_cast<unsigned>(m / kBlockRows)};
  const int k_bytes = k * type.bits / 8;
  if (type.block > 0) {
    host::launch(kernel, grid, {kThreads}, a, b, c.address(), n, k_bytes, factors_a, factors_b);
  } else {
    host::launch(kernel, grid, {kThreads}, a, b, c.address(), n, k_bytes);
  }
}

Result time(const host::Card& card, const Type& type) {
  need(card, type);
  const host::Module module(*type.ptx);
  const CUfunction kernel = module.kernel(type.kernel);
  constexpr std::size_t kElements = static_cast<std::size_t>(kSize) * kSize;
  host::Buffer<std::uint8_t> a(kElements * static_cast<std::size_t>(type.bits) / 8);
  host::Buffer<std::uint8_t> b(a.size());
  host::Buffer<std::uint8_t> factors(type.block > 0 ? kElements / static_cast<std::size_t>(type.block) : 1);
  const host::Buffer<float> c(kElements);
  for (host::Buffer<std::uint8_t>* buffer : {&a, &b, &factors}) buffer->clear();

  Result result;
  result.time_us = timed_us([&] {
    launch(type, kernel, a.address(), b.address(), c, kSize, kSize, kSize, factors.address(),
           factors.address());
  });
  result.value = 2.0 * kSize * kSize * kSize / result.time_us * 1e-6;
  result.unit = type.unit;
  result.kernel = type.kernel;
  result.detail = "4096x4096x4096, tiles of 128x128";
  if (type.published.value > 0) result.published.push_back(type.published);
  return result;
}

template <class Out>
bool is_right(const Type& type) {
  constexpr int kRows = kBlockRows;
  constexpr int kColumns = kBlockColumns;
  constexpr int kTiles = 3;  // along k
  const int k = kTiles * 64 * 8 / type.bits;
  const host::Module module(*type.ptx);
  const Matrix a = matrix(type, kRows, k, 1);
  const Matrix b = matrix(type, kColumns, k, 2);
  const host::Buffer<std::uint8_t> on_card_a{std::span<const std::uint8_t>(a.bytes)};
  const host::Buffer<std::uint8_t> on_card_b{std::span<const std::uint8_t>(b.bytes)};
  const std::vector<std::uint8_t> none(1);
  const host::Buffer<std::uint8_t> factors_a{
      std::span<const std::uint8_t>(type.block > 0 ? a.factors : none)};
  const host::Buffer<std::uint8_t> factors_b{
      std::span<const std::uint8_t>(type.block > 0 ? b.factors : none)};
  const host::Buffer<Out> c(static_cast<std::size_t>(kRows) * kColumns);
  launch(type, module.kernel(type.kernel), on_card_a.address(), on_card_b.address(), c, kRows, kColumns, k,
         factors_a.address(), factors_b.address());
  const std::vector<Out> stored = c.download();
  for (int row = 0; row < kRows; ++row) {
    for (int column = 0; column < kColumns; ++column) {
      int sum = 0;
      for (int i = 0; i < k; ++i) {
        sum += a.values[static_cast<std::size_t>(row * k + i)] *
               b.values[static_cast<std::size_t>(column * k + i)];
      }
      if (stored[static_cast<std::size_t>(row * kColumns + column)] != static_cast<Out>(sum)) return false;
    }
  }
  return true;
}

bool check(const host::Card& card, const Type& type) {
  need(card, type);
  return type.whole ? is_right<int>(type) : is_right<float>(type);
}

template <std::size_t Row>
constexpr Test test(const char* name, const char* what) {
  return {name, what, [](const host::Card& card) { return time(card, kTypes[Row]); },
          [](const host::Card& card) { return check(card, kTypes[Row]); }};
}

constexpr std::array kTests{
    test<0>("gemm-f16-f32", "matrix product, fp16 into fp32"),
    test<1>("gemm-bf16", "matrix product, bf16 into fp32"),
    test<2>("gemm-tf32", "matrix product, tf32 into fp32"),
    test<3>("gemm-s8", "matrix product, int8"),
    test<4>("gemm-s4", "matrix product, int4"),
    test<5>("gemm-e4m3", "matrix product, fp8 (e4m3) into fp32"),
    test<6>("gemm-e3m2", "matrix product, fp6 (e3m2) into fp32"),
    test<7>("gemm-mxf4", "matrix product, mxfp4"),
    test<8>("gemm-nvf4", "matrix product, nvfp4"),
};

}  // namespace

std::span<const Test> gemm_tests() { return kTests; }

}  // namespace doppel::suite
