// SPDX-License-Identifier: Apache-2.0
#include "runner.h"

#include <cstdlib>
#include <string_view>

namespace doppel::truth {
namespace {

constexpr double kNoLimitW = 10'000;

SessionOptions options() {
  SessionOptions result;
  if (const char* const cache = std::getenv("DOPPEL_CACHE");
      cache != nullptr && std::string_view(cache) != "off")
    result.cache_directory = cache;
  return result;
}

}  // namespace

Card find_card(const std::string& id) {
  return Card::find(std::string(DOPPEL_SOURCE_DIR) + "/cards/" + id + ".toml")
      .with("power.max_limit_w", kNoLimitW)
      .with("power.limit_w", kNoLimitW);
}

Runner::Runner(const Card& card, const char* ptx) : session(card, options()), module(session.load(ptx)) {}

Buffer Runner::allocate(std::size_t bytes) {
  constexpr std::size_t kUnit = 512;
  return session.allocate((bytes + kUnit - 1) / kUnit * kUnit);
}

Prediction Runner::predict(const Launch& launch) { return session.predict(module, launch, /*cold=*/false); }

std::uint32_t Runner::shared_bytes_for(const std::string& kernel, std::uint32_t blocks) const {
  std::uint32_t bytes = 1024;
  while (session.resources(module, kernel, {32}, bytes).blocks_per_sm > blocks) bytes += 256;
  return bytes;
}

}  // namespace doppel::truth
