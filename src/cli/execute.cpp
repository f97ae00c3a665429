// SPDX-License-Identifier: Apache-2.0
#include "cli/execute.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "card/partition.h"
#include "cli/child.h"
#include "cli/compile_watch.h"
#include "cli/installation.h"
#include "cli/private_folder.h"
#include "device/run_record.h"
#include "report/advice.h"
#include "report/why.h"

namespace doppel::cli {
namespace {

namespace fs = std::filesystem;

// After a kernel's own limit has passed, its error needs a moment to reach the program.
constexpr double kSecondsAfterLaunchLimit = 1.0;

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
  for (const card::Card& card : devices_of(cards, options)) devices.push_back(reference(card));
  out.emplace("DOPPEL_CARD", reference(cards.front()));
  out.emplace("DOPPEL_CARDS", fmt::format("{}", fmt::join(devices, ",")));
  out.emplace("DOPPEL_RECORD", records.string());
  // A machine of the run's own, which ends with it; one that the user names is shared with others.
  if (const char* node = std::getenv("DOPPEL_NODE"); node == nullptr || *node == '\0') {
    out.emplace("DOPPEL_NODE", (records / "node").string());
  } else if (std::string_view(node).find('/') != std::string_view::npos ||
             std::string_view(node).ends_with(".toml")) {
    std::error_code ignored;  // programs may run elsewhere
    out.emplace("DOPPEL_NODE", fs::absolute(node, ignored).string());
  }
  out.emplace("DOPPEL_PARENT", std::to_string(getpid()));
  if (options.nvlink) out.emplace("DOPPEL_NVLINK", "1");
  if (options.ecc) out.emplace("DOPPEL_ECC", *options.ecc ? "1" : "0");
  if (options.power_limit_w > 0) out.emplace("DOPPEL_POWER_LIMIT", fmt::format("{}", options.power_limit_w));
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
  if (options.virtual_clock) out.emplace("DOPPEL_CLOCK", "virtual");
  if (!options.host_part.empty()) out.emplace("DOPPEL_HOST_PART", options.host_part);
  const Result<fs::path> library = program_library();
  if (!library) return tl::unexpected<Error>(library.error());
  out.emplace("LD_PRELOAD", prefixed("LD_PRELOAD", library->string()));
  for (const auto& [name, value] : options.variables) out.insert_or_assign(name, value);
  return out;
}

// What the figures are of: the first of the cards, or the part of one (MIG) that every process had.
card::Card card_of(const std::vector<device::RunRecord>& records, const std::vector<card::Card>& cards) {
  if (records.empty()) return cards.front();
  const device::RunRecord& first = records.front();
  const auto whole = std::ranges::find(cards, first.card, &card::Card::id);
  const bool alike = std::ranges::all_of(records, [&](const device::RunRecord& each) {
    return each.card == first.card && each.partition == first.partition;
  });
  if (first.partition.empty() || !alike || whole == cards.end()) return cards.front();
  return card::partition_by_name(*whole, first.partition).value_or(cards.front());
}

}  // namespace

std::vector<card::Card> devices_of(const std::vector<card::Card>& cards, const ExecuteOptions& options) {
  std::vector<card::Card> devices;
  for (const card::Card& card : cards)
    devices.insert(devices.end(), static_cast<std::size_t>(options.devices), card);
  return devices;
}

std::string shared_host_part(std::size_t card, const fs::path& folder) {
  return fmt::format("{}:{}", card == 0 ? "record" : "replay", folder.string());
}

std::string short_name(const card::Card& card) { return without_vendor(card.name); }

std::string without_vendor(const std::string& name) {
  constexpr std::string_view kVendor = "NVIDIA ";
  return name.starts_with(kVendor) ? name.substr(kVendor.size()) : name;
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
  const card::Card card = card_of(*records, cards);
  out.run = report::merge(card.id, short_name(card), std::move(*records));
  for (device::KernelRecord& kernel : out.run.kernels) {
    kernel.explanation = report::why(kernel, card);
    kernel.advice = report::advice(kernel, card);
  }
  out.run.exit = ended->status;
  out.run.signal = ended->signal;
  out.run.timed_out = ended->timed_out;
  out.run.wall_s = ended->wall_s;
  out.interrupted = ended->interrupted;
  return out;
}

}  // namespace doppel::cli
