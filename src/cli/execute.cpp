// SPDX-License-Identifier: Apache-2.0
#include "cli/execute.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <stdlib.h>  // NOLINT(modernize-deprecated-headers): mkdtemp is POSIX
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "cli/child.h"
#include "cli/compile_watch.h"
#include "cli/installation.h"
#include "device/run_record.h"
#include "report/advice.h"
#include "report/why.h"

namespace doppel::cli {
namespace {

namespace fs = std::filesystem;

// After a kernel's own limit has passed, its error needs a moment to reach the program.
constexpr double kSecondsAfterLaunchLimit = 1.0;

// A folder of this process alone, gone with its owner.
class PrivateFolder {
 public:
  static Result<PrivateFolder> make() {
    std::error_code ignored;
    const fs::path base = fs::temp_directory_path(ignored);
    std::string name = ((base.empty() ? fs::path("/tmp") : base) / "doppel-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) {
      return fail(Error::Kind::Io, fmt::format("cannot make a folder {}: {}", name, std::strerror(errno)));
    }
    PrivateFolder folder(name);
    // Held for as long as this process lives: by it, a process of the program tells that this one was killed.
    folder.lock_ = open((folder.path_ / "lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (folder.lock_ < 0 || flock(folder.lock_, LOCK_EX) != 0) {
      return fail(Error::Kind::Io, fmt::format("cannot write in {}: {}", name, std::strerror(errno)));
    }
    return folder;
  }
  PrivateFolder(PrivateFolder&& other) noexcept
      : path_(std::exchange(other.path_, {})), lock_(std::exchange(other.lock_, -1)) {}
  PrivateFolder(const PrivateFolder&) = delete;
  PrivateFolder& operator=(const PrivateFolder&) = delete;
  ~PrivateFolder() {
    std::error_code ignored;
    // Gone before the lock is: its processes that live on are left alone.
    if (!path_.empty()) fs::remove_all(path_, ignored);
    if (lock_ >= 0) close(lock_);
  }
  const fs::path& path() const { return path_; }

 private:
  explicit PrivateFolder(fs::path path) : path_(std::move(path)) {}
  fs::path path_;
  int lock_ = -1;
};

// `first` before what the variable holds already.
std::string prefixed(const char* variable, const std::string& first) {
  const char* old = std::getenv(variable);
  return old == nullptr || *old == '\0' ? first : fmt::format("{}:{}", first, old);
}

// How the library finds the same card: by its id, or by its file where it came from elsewhere.
std::string reference(const card::Card& card) {
  std::error_code ignored;
  return fs::path(card.file).has_parent_path() ? fs::absolute(card.file, ignored).string() : card.id;
}

Result<std::map<std::string, std::string>> environment(const std::vector<card::Card>& cards,
                                                       const ExecuteOptions& options,
                                                       const fs::path& records) {
  std::map<std::string, std::string> out;
  const Result<fs::path> driver = driver_folder();
  if (!driver) return tl::unexpected<Error>(driver.error());
  out.emplace("LD_LIBRARY_PATH", prefixed("LD_LIBRARY_PATH", driver->string()));
  std::vector<std::string> devices;
  for (const card::Card& card : cards) {
    for (int i = 0; i < options.devices; ++i) devices.push_back(reference(card));
  }
  out.emplace("DOPPEL_CARD", reference(cards.front()));
  out.emplace("DOPPEL_CARDS", fmt::format("{}", fmt::join(devices, ",")));
  out.emplace("DOPPEL_RECORD", records.string());
  out.emplace("DOPPEL_PARENT", std::to_string(getpid()));
  if (options.timing) out.emplace("DOPPEL_TIMING", *options.timing);
  if (options.timeline) out.emplace("DOPPEL_TIMELINE", "1");
  if (!options.driver_version.empty()) out.emplace("DOPPEL_DRIVER_VERSION", options.driver_version);
  if (options.check) out.emplace("DOPPEL_CHECK", "1");
  if (options.predict_only) out.emplace("DOPPEL_PREDICT_ONLY", "1");
  if (!options.dump_after.empty()) {
    out.emplace("DOPPEL_DUMP_AFTER", options.dump_after);
    // Programs may run elsewhere.
    std::error_code ignored;
    out.emplace("DOPPEL_DUMP_DIR", fs::absolute(options.dump_directory, ignored).string());
  }
  if (options.time_passes) out.emplace("DOPPEL_TIME_PASSES", "1");
  if (options.timeout_s) out.emplace("DOPPEL_TIMEOUT_S", fmt::format("{}", *options.timeout_s));
  const Result<fs::path> compiler = compiler_library();
  if (!compiler) return tl::unexpected<Error>(compiler.error());
  std::string preloaded = prefixed("LD_PRELOAD", compiler->string());
  if (options.virtual_clock) {
    const Result<fs::path> clock = clock_library();
    if (!clock) return tl::unexpected<Error>(clock.error());
    out.emplace("DOPPEL_CLOCK", "virtual");
    preloaded = clock->string() + ":" + preloaded;
  }
  out.emplace("LD_PRELOAD", preloaded);
  return out;
}

}  // namespace

std::string short_name(const card::Card& card) {
  constexpr std::string_view kVendor = "NVIDIA ";
  return card.name.starts_with(kVendor) ? card.name.substr(kVendor.size()) : card.name;
}

Result<Execution> execute(const std::vector<std::string>& command, const std::vector<card::Card>& cards,
                          const ExecuteOptions& options) {
  Result<PrivateFolder> folder = PrivateFolder::make();
  if (!folder) return tl::unexpected<Error>(folder.error());
  Result<std::map<std::string, std::string>> variables = environment(cards, options, folder->path());
  if (!variables) return tl::unexpected<Error>(variables.error());

  // Without it, nothing is known of compilations.
  Result<CompileWatch> compiling = CompileWatch::make(folder->path());

  ChildOptions child;
  child.command = command;
  child.environment = std::move(*variables);
  if (options.timeout_s) child.timeout_s = *options.timeout_s + kSecondsAfterLaunchLimit;
  child.on_output = options.on_output;
  child.on_tick = options.on_tick;
  child.compiling = compiling ? &*compiling : nullptr;
  child.on_compiling = options.on_compiling;
  child.output_to_error = options.output_to_error;
  child.input = options.input;
  const Result<ChildResult> ended = run_child(child);
  if (!ended) return tl::unexpected<Error>(ended.error());

  Result<std::vector<device::RunRecord>> records = device::read_run_records(folder->path());
  if (!records) return tl::unexpected<Error>(records.error());
  Execution out;
  out.run = report::merge(cards.front().id, short_name(cards.front()), std::move(*records));
  for (device::KernelRecord& kernel : out.run.kernels) {
    kernel.explanation = report::why(kernel, cards.front());
    kernel.advice = report::advice(kernel, cards.front());
  }
  out.run.exit = ended->status;
  out.run.signal = ended->signal;
  out.run.timed_out = ended->timed_out;
  out.run.wall_s = ended->wall_s;
  out.interrupted = ended->interrupted;
  return out;
}

}  // namespace doppel::cli
