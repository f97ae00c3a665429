#include "support/log.h"

#include <signal.h>  // NOLINT(modernize-deprecated-headers): POSIX has more than <csignal>
#include <spdlog/cfg/helpers.h>
#include <spdlog/sinks/stdout_color_sinks.h>

#include <cstdlib>
#include <ctime>
#include <string_view>

namespace doppel {
namespace {

// Standard error, which may be a pipe that nobody reads any more: our words are then lost, but the program
// that did not write them does not get the signal for it.
class StandardError final : public spdlog::sinks::stderr_color_sink_mt {
 public:
  void log(const spdlog::details::log_msg& message) override {
    sigset_t pipe;
    sigset_t before;
    sigset_t pending;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    sigpending(&pending);
    const bool was_pending = sigismember(&pending, SIGPIPE) == 1;
    pthread_sigmask(SIG_BLOCK, &pipe, &before);
    spdlog::sinks::stderr_color_sink_mt::log(message);
    // The signal of a write goes to the thread that wrote.
    const timespec at_once{};
    if (!was_pending) sigtimedwait(&pipe, nullptr, &at_once);
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }
};

}  // namespace

spdlog::logger& log() {
  // Never destroyed: the program's exit handlers may still log through it.
  static spdlog::logger* const logger = [] {
    auto made = std::make_unique<spdlog::logger>("doppel", std::make_shared<StandardError>());
    // no-color.org: set and not empty.
    const char* no_color = std::getenv("NO_COLOR");
    if (no_color != nullptr && *no_color != '\0')
      static_cast<StandardError&>(*made->sinks().front()).set_color_mode(spdlog::color_mode::never);
    made->set_pattern("doppel: %^%l%$: %v");
    // A line that cannot be written is lost.
    made->set_error_handler([](const std::string&) {});
    made->set_level(spdlog::level::warn);
    if (const char* text = std::getenv("DOPPEL_LOG"); text != nullptr && *text != '\0') {
      const spdlog::level::level_enum level = spdlog::level::from_str(text);
      // An unknown word is "off" to spdlog.
      if (level == spdlog::level::off && std::string_view(text) != "off") {
        made->warn("DOPPEL_LOG={}: expected error, warn, info, debug, trace or off", text);
      } else {
        made->set_level(level);
      }
    }
    return made.release();
  }();
  return *logger;
}

}  // namespace doppel
