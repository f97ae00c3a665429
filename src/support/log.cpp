#include "support/log.h"

#include <spdlog/cfg/helpers.h>
#include <spdlog/sinks/stdout_color_sinks.h>

#include <cstdlib>

namespace doppel {

spdlog::logger& log() {
  // Never destroyed: the program's exit handlers may still log through it.
  static spdlog::logger* const logger = [] {
    auto made =
        std::make_unique<spdlog::logger>("doppel", std::make_shared<spdlog::sinks::stderr_color_sink_mt>());
    // no-color.org: set and not empty.
    const char* no_color = std::getenv("NO_COLOR");
    if (no_color != nullptr && *no_color != '\0')
      static_cast<spdlog::sinks::stderr_color_sink_mt&>(*made->sinks().front())
          .set_color_mode(spdlog::color_mode::never);
    made->set_pattern("doppel: %^%l%$: %v");
    const char* level = std::getenv("DOPPEL_LOG");
    made->set_level(level != nullptr ? spdlog::level::from_str(level) : spdlog::level::warn);
    return made.release();
  }();
  return *logger;
}

}  // namespace doppel
