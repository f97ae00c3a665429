// SPDX-License-Identifier: Apache-2.0
#include "jit/runtime_functions.h"

#include <array>
#include <bit>
#include <cfenv>
#include <cmath>
#include <cstdlib>
#include <cstring>

#include "ir/operation.h"
#include "jit/exact_float.h"

namespace doppel::jit {
namespace {

__extension__ using Wide = unsigned __int128;
__extension__ using SignedWide = __int128;

template <typename Function>
void for_lanes(std::uint32_t mask, Function&& function) {
  for (; mask != 0; mask &= mask - 1) function(std::countr_zero(mask));
}

extern "C" {

// 9.7.1.9: division by zero gives all ones, its remainder the dividend.
void doppel_div_u64(std::uint32_t mask, const std::uint64_t* a, const std::uint64_t* b, std::uint64_t* d) {
  for_lanes(mask, [&](int i) { d[i] = b[i] == 0 ? ~std::uint64_t{0} : a[i] / b[i]; });
}
void doppel_rem_u64(std::uint32_t mask, const std::uint64_t* a, const std::uint64_t* b, std::uint64_t* d) {
  for_lanes(mask, [&](int i) { d[i] = b[i] == 0 ? a[i] : a[i] % b[i]; });
}
void doppel_div_s64(std::uint32_t mask, const std::int64_t* a, const std::int64_t* b, std::uint64_t* d) {
  for_lanes(mask, [&](int i) {
    if (b[i] == 0)
      d[i] = ~std::uint64_t{0};
    else if (b[i] == -1)
      d[i] = 0 - static_cast<std::uint64_t>(a[i]);
    else
      d[i] = static_cast<std::uint64_t>(a[i] / b[i]);
  });
}
void doppel_rem_s64(std::uint32_t mask, const std::int64_t* a, const std::int64_t* b, std::uint64_t* d) {
  for_lanes(mask, [&](int i) {
    if (b[i] == 0)
      d[i] = static_cast<std::uint64_t>(a[i]);
    else
      d[i] = b[i] == -1 ? 0 : static_cast<std::uint64_t>(a[i] % b[i]);
  });
}
void doppel_mulhi_u64(std::uint32_t mask, const std::uint64_t* a, const std::uint64_t* b, std::uint64_t* d) {
  for_lanes(mask, [&](int i) { d[i] = static_cast<std::uint64_t>(static_cast<Wide>(a[i]) * b[i] >> 64); });
}
void doppel_mulhi_s64(std::uint32_t mask, const std::int64_t* a, const std::int64_t* b, std::uint64_t* d) {
  for_lanes(mask, [&](int i) {
    d[i] = static_cast<std::uint64_t>(static_cast<Wide>(static_cast<SignedWide>(a[i]) * b[i]) >> 64);
  });
}

// 9.7.1.18: the position of the offset-th set bit from base on, downwards for a negative offset.
void doppel_fns(std::uint32_t mask, const std::uint32_t* a, const std::uint32_t* base,
                const std::int32_t* offset, std::uint32_t* d) {
  for_lanes(mask, [&](int i) {
    d[i] = 0xffffffff;
    const std::int64_t wanted = offset[i];
    if (wanted == 0) {
      if (base[i] < 32 && (a[i] >> base[i] & 1) != 0) d[i] = base[i];
      return;
    }
    std::int64_t left = wanted < 0 ? -wanted : wanted;
    for (std::int64_t at = base[i]; at >= 0 && at < 32; at += wanted < 0 ? -1 : 1) {
      if ((a[i] >> at & 1) != 0 && --left == 0) {
        d[i] = static_cast<std::uint32_t>(at);
        return;
      }
    }
  });
}

void doppel_fma_f16(std::uint32_t mask, const std::uint16_t* a, const std::uint16_t* b,
                    const std::uint16_t* c, std::uint16_t* d) {
  for_lanes(mask,
            [&](int i) { d[i] = static_cast<std::uint16_t>(fma_half(ir::Type::F16, a[i], b[i], c[i])); });
}
void doppel_fma_bf16(std::uint32_t mask, const std::uint16_t* a, const std::uint16_t* b,
                     const std::uint16_t* c, std::uint16_t* d) {
  for_lanes(mask,
            [&](int i) { d[i] = static_cast<std::uint16_t>(fma_half(ir::Type::BF16, a[i], b[i], c[i])); });
}

// from: an integer or float type; to: a float type; rounding: ir::Rounding. Integers come extended to 64
// bits.
void doppel_convert_to_float(std::uint32_t mask, const std::uint64_t* a, std::uint32_t from, std::uint32_t to,
                             std::uint32_t rounding, std::uint64_t* d) {
  for_lanes(mask, [&](int i) {
    d[i] = convert_to_float(a[i], static_cast<ir::Type>(from), static_cast<ir::Type>(to),
                            static_cast<ir::Rounding>(rounding));
  });
}

void doppel_directed_f32(std::uint32_t mask, const std::uint32_t* a, const std::uint32_t* b,
                         const std::uint32_t* c, std::uint32_t operation, std::uint32_t rounding,
                         std::uint32_t* d) {
  const DirectedRounding scope(static_cast<ir::Rounding>(rounding));
  for_lanes(mask, [&](int i) {
    d[i] = std::bit_cast<std::uint32_t>(
        compute_in_current_rounding(static_cast<FloatOperation>(operation), std::bit_cast<float>(a[i]),
                                    std::bit_cast<float>(b[i]), std::bit_cast<float>(c[i])));
  });
}
void doppel_directed_f64(std::uint32_t mask, const std::uint64_t* a, const std::uint64_t* b,
                         const std::uint64_t* c, std::uint32_t operation, std::uint32_t rounding,
                         std::uint64_t* d) {
  const DirectedRounding scope(static_cast<ir::Rounding>(rounding));
  for_lanes(mask, [&](int i) {
    d[i] = std::bit_cast<std::uint64_t>(
        compute_in_current_rounding(static_cast<FloatOperation>(operation), std::bit_cast<double>(a[i]),
                                    std::bit_cast<double>(b[i]), std::bit_cast<double>(c[i])));
  });
}

void doppel_sin_f32(std::uint32_t mask, const float* a, float* d) {
  for_lanes(mask, [&](int i) { d[i] = static_cast<float>(std::sin(static_cast<double>(a[i]))); });
}
void doppel_cos_f32(std::uint32_t mask, const float* a, float* d) {
  for_lanes(mask, [&](int i) { d[i] = static_cast<float>(std::cos(static_cast<double>(a[i]))); });
}

// Lane i's value is that of lane from[i]; every lane gives one, whether it takes part or not.
void doppel_permute(std::uint32_t, const std::uint32_t* a, const std::uint32_t* from, std::uint32_t* d) {
  for (int i = 0; i < 32; ++i) d[i] = a[from[i] & 31];
}

// The lanes of the member mask that hold the same value.
void doppel_match(std::uint32_t mask, const std::uint64_t* a, const std::uint32_t* members,
                  std::uint32_t* d) {
  for_lanes(mask, [&](int i) {
    for_lanes(mask & members[i], [&](int j) {
      if (a[i] == a[j]) d[i] |= 1u << j;
    });
  });
}

void doppel_redux(std::uint32_t mask, const std::uint32_t* a, const std::uint32_t* members,
                  std::uint32_t operation, std::uint32_t is_signed, std::uint32_t* d) {
  for_lanes(mask, [&](int i) {
    bool begun = false;
    for_lanes(mask & members[i], [&](int j) {
      const std::uint32_t value = a[j];
      if (!begun) {
        d[i] = value;
        begun = true;
        return;
      }
      const bool less =
          is_signed != 0 ? static_cast<std::int32_t>(value) < static_cast<std::int32_t>(d[i]) : value < d[i];
      switch (static_cast<ir::AtomicOp>(operation)) {
        case ir::AtomicOp::Add:
          d[i] += value;
          break;
        case ir::AtomicOp::And:
          d[i] &= value;
          break;
        case ir::AtomicOp::Or:
          d[i] |= value;
          break;
        case ir::AtomicOp::Xor:
          d[i] ^= value;
          break;
        case ir::AtomicOp::Min:
          d[i] = less ? value : d[i];
          break;
        case ir::AtomicOp::Max:
          d[i] = less ? d[i] : value;
          break;
        default:
          break;
      }
    });
  });
}

}  // extern "C"

template <typename Function>
void* address_of(Function* function) {
  return reinterpret_cast<void*>(function);
}

}  // namespace

std::span<const RuntimeSymbol> runtime_symbols() {
  static const std::array kSymbols{
      RuntimeSymbol{"doppel_div_u64", address_of(doppel_div_u64)},
      RuntimeSymbol{"doppel_rem_u64", address_of(doppel_rem_u64)},
      RuntimeSymbol{"doppel_div_s64", address_of(doppel_div_s64)},
      RuntimeSymbol{"doppel_rem_s64", address_of(doppel_rem_s64)},
      RuntimeSymbol{"doppel_mulhi_u64", address_of(doppel_mulhi_u64)},
      RuntimeSymbol{"doppel_mulhi_s64", address_of(doppel_mulhi_s64)},
      RuntimeSymbol{"doppel_fns", address_of(doppel_fns)},
      RuntimeSymbol{"doppel_fma_f16", address_of(doppel_fma_f16)},
      RuntimeSymbol{"doppel_fma_bf16", address_of(doppel_fma_bf16)},
      RuntimeSymbol{"doppel_convert_to_float", address_of(doppel_convert_to_float)},
      RuntimeSymbol{"doppel_directed_f32", address_of(doppel_directed_f32)},
      RuntimeSymbol{"doppel_directed_f64", address_of(doppel_directed_f64)},
      RuntimeSymbol{"doppel_sin_f32", address_of(doppel_sin_f32)},
      RuntimeSymbol{"doppel_cos_f32", address_of(doppel_cos_f32)},
      RuntimeSymbol{"doppel_permute", address_of(doppel_permute)},
      RuntimeSymbol{"doppel_match", address_of(doppel_match)},
      RuntimeSymbol{"doppel_redux", address_of(doppel_redux)},
      // What LLVM itself may call for lack of a host instruction.
      RuntimeSymbol{"memcpy",
                    address_of(static_cast<void* (*)(void*, const void*, std::size_t)>(std::memcpy))},
      RuntimeSymbol{"memset", address_of(static_cast<void* (*)(void*, int, std::size_t)>(std::memset))},
      RuntimeSymbol{"memmove",
                    address_of(static_cast<void* (*)(void*, const void*, std::size_t)>(std::memmove))},
      RuntimeSymbol{"fmaf", address_of(static_cast<float (*)(float, float, float)>(::fmaf))},
      RuntimeSymbol{"fma", address_of(static_cast<double (*)(double, double, double)>(::fma))},
      RuntimeSymbol{"roundevenf", address_of(static_cast<float (*)(float)>(::rintf))},
      RuntimeSymbol{"roundeven", address_of(static_cast<double (*)(double)>(::rint))},
      RuntimeSymbol{"floorf", address_of(static_cast<float (*)(float)>(::floorf))},
      RuntimeSymbol{"floor", address_of(static_cast<double (*)(double)>(::floor))},
      RuntimeSymbol{"ceilf", address_of(static_cast<float (*)(float)>(::ceilf))},
      RuntimeSymbol{"ceil", address_of(static_cast<double (*)(double)>(::ceil))},
      RuntimeSymbol{"truncf", address_of(static_cast<float (*)(float)>(::truncf))},
      RuntimeSymbol{"trunc", address_of(static_cast<double (*)(double)>(::trunc))},
  };
  return kSymbols;
}

}  // namespace doppel::jit
