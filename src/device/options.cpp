// SPDX-License-Identifier: Apache-2.0
#include "device/options.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstdlib>
#include <string_view>
#include <utility>

extern char** environ;

namespace doppel::device {
namespace {

std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> parts;
  while (true) {
    const auto comma = text.find(',');
    if (const auto part = text.substr(0, comma); !part.empty()) parts.emplace_back(part);
    if (comma == std::string_view::npos) return parts;
    text.remove_prefix(comma + 1);
  }
}

tl::unexpected<Error> bad(std::string_view name, std::string_view value, std::string_view expected) {
  return fail(Error::Kind::InvalidArgument, fmt::format("{}={}: expected {}", name, value, expected));
}

}  // namespace

Result<Options> Options::from(const std::map<std::string, std::string>& variables) {
  const auto get = [&](const char* name) -> std::string {
    const auto found = variables.find(name);
    return found != variables.end() ? found->second : std::string();
  };
  Options options;
  options.names_cards = !get("DOPPEL_CARDS").empty() || !get("DOPPEL_CARD").empty();
  if (const std::string several = get("DOPPEL_CARDS"); !several.empty()) {
    options.cards = split(several);
    if (options.cards.empty())
      return bad("DOPPEL_CARDS", several, "names of cards, with commas between them");
  } else if (const std::string one = get("DOPPEL_CARD"); !one.empty()) {
    options.cards = split(one);
    if (options.cards.empty()) return bad("DOPPEL_CARD", one, "the name of a card");
  }
  if (const std::string depth = get("DOPPEL_TIMING"); !depth.empty()) {
    if (depth == "off") {
      options.depth = timing::Depth::Off;
    } else if (depth == "fast") {
      options.depth = timing::Depth::Fast;
    } else if (depth == "full") {
      options.depth = timing::Depth::Full;
    } else {
      return bad("DOPPEL_TIMING", depth, "off, fast or full");
    }
  }
  for (const auto& [name, flag] : {std::pair{"DOPPEL_CHECK", &options.check},
                                   {"DOPPEL_PREDICT_ONLY", &options.predict_only},
                                   {"DOPPEL_TIMELINE", &options.keep_timeline},
                                   {"DOPPEL_NVLINK", &options.nvlink},
                                   {"DOPPEL_TIME_PASSES", &options.time_passes}}) {
    const std::string value = get(name);
    if (value.empty()) continue;
    if (value != "0" && value != "1") return bad(name, value, "0 or 1");
    *flag = value == "1";
  }
  if (const std::string ecc = get("DOPPEL_ECC"); !ecc.empty()) {
    if (ecc != "0" && ecc != "1") return bad("DOPPEL_ECC", ecc, "0 or 1");
    options.ecc = ecc == "1";
  }
  if (const std::string limit = get("DOPPEL_POWER_LIMIT"); !limit.empty()) {
    char* end = nullptr;
    options.power_limit_w = std::strtod(limit.c_str(), &end);
    if (*end != '\0' || !(*options.power_limit_w > 0))
      return bad("DOPPEL_POWER_LIMIT", limit, "a number of watts");
  }
  if (options.predict_only && (options.check || options.depth == timing::Depth::Off))
    return bad("DOPPEL_PREDICT_ONLY", "1", "neither DOPPEL_CHECK=1 nor DOPPEL_TIMING=off with it");
  if (const std::string clock = get("DOPPEL_CLOCK"); !clock.empty()) {
    if (clock != "host" && clock != "virtual") return bad("DOPPEL_CLOCK", clock, "host or virtual");
    options.virtual_clock = clock == "virtual";
  }
  if (const std::string timeout = get("DOPPEL_TIMEOUT_S"); !timeout.empty()) {
    char* end = nullptr;
    options.timeout_s = std::strtod(timeout.c_str(), &end);
    if (*end != '\0' || !(options.timeout_s >= 0))
      return bad("DOPPEL_TIMEOUT_S", timeout, "a number of seconds");
  }
  if (const std::string version = get("DOPPEL_DRIVER_VERSION"); !version.empty()) {
    const auto known = parse_driver_version(version);
    if (!known) return bad("DOPPEL_DRIVER_VERSION", version, "a version of CUDA from 11.0 to 13.5");
    options.driver_version = *known;
  }
  if (const std::string threads = get("DOPPEL_THREADS"); !threads.empty()) {
    char* end = nullptr;
    const long count = std::strtol(threads.c_str(), &end, 10);
    if (*end != '\0' || count < 0 || count > 4096)
      return bad("DOPPEL_THREADS", threads, "a number of threads, 0 for all");
    options.host_threads = static_cast<unsigned>(count);
  }
  if (const std::string cache = get("DOPPEL_CACHE"); !cache.empty()) {
    if (cache != "off") options.cache_directory = cache;
  } else if (const std::string base = get("XDG_CACHE_HOME"); !base.empty()) {
    options.cache_directory = base + "/doppel";
  } else if (const std::string home = get("HOME"); !home.empty()) {
    options.cache_directory = home + "/.cache/doppel";
  }
  options.host = get("DOPPEL_HOST");
  if (const auto visible = variables.find("CUDA_VISIBLE_DEVICES"); visible != variables.end())
    options.visible_devices = visible->second;
  if (const std::string node = get("DOPPEL_NODE"); node != "off") options.node = node;
  options.host_part = get("DOPPEL_HOST_PART");
  options.record_folder = get("DOPPEL_RECORD");
  options.dump_after = get("DOPPEL_DUMP_AFTER");
  options.dump_directory = get("DOPPEL_DUMP_DIR");
  return options;
}

Result<Options> Options::from_environment() {
  std::map<std::string, std::string> variables;
  for (char** each = environ; each != nullptr && *each != nullptr; ++each) {
    const std::string_view entry(*each);
    const auto equals = entry.find('=');
    if (equals != std::string_view::npos)
      variables.emplace(entry.substr(0, equals), entry.substr(equals + 1));
  }
  return from(variables);
}

}  // namespace doppel::device
