// SPDX-License-Identifier: Apache-2.0
#include "cli/suite_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "card/load_card.h"
#include "cli/commands.h"
#include "cli/execute.h"
#include "cli/installation.h"
#include "cli/progress.h"
#include "report/quantities.h"

namespace doppel::cli {
namespace {

using Json = nlohmann::ordered_json;

// The lines that the suite prints, as they come in pieces; each whole line is one JSON object
// (suite/README.md).
class Lines {
 public:
  template <typename OnObject>
  void add(const std::string& piece, OnObject on_object) {
    rest_ += piece;
    for (std::size_t end = rest_.find('\n'); end != std::string::npos; end = rest_.find('\n')) {
      const Json object = Json::parse(rest_.substr(0, end), nullptr, false);
      if (object.is_object()) on_object(object);
      rest_.erase(0, end + 1);
    }
  }

 private:
  std::string rest_;
};

// What the card's records say of the kernel that the test timed: of several shapes, that which took longest.
void add_power(Json& result, const report::Run& run) {
  if (!result.contains("kernel") || !result.contains("value")) return;
  const std::string name = result.value("kernel", "");
  const device::KernelRecord* longest = nullptr;
  for (const device::KernelRecord& kernel : run.kernels) {
    if (kernel.name == name && kernel.time_us > 0 &&
        (longest == nullptr || kernel.time_us > longest->time_us))
      longest = &kernel;
  }
  if (longest == nullptr) return;
  result["watts"] = longest->energy_j / longest->time_us * 1e6;
  result["clock_mhz"] = longest->clock_mhz;
  result["power_bound"] = longest->power_bound;
  result["bound"] = longest->bound;
}

enum class Half : bool { Answers, Times };

// One half of the suite; the lines of the second are added to those of the first.
Result<void> run_half(Half half, const card::Card& card, std::vector<std::string> command,
                      const std::string& host_part, const SuitePlace& place, SuiteRun& out) {
  const std::string where = place.name.empty() ? short_name(card) : place.name;
  Progress progress(where, Progress::Beside::Nothing);
  ExecuteOptions options;
  options.predict_only = half == Half::Times;
  options.host_part = host_part;
  options.variables = place.variables;
  std::vector<std::string> seen;
  Lines lines;
  options.on_output = [&](const std::string& piece) {
    lines.add(piece, [&](const Json& result) {
      const std::string name = result.value("test", "");
      const auto has_name = [&](const Json& each) { return each.value("test", "") == name; };
      auto row = std::ranges::find_if(out.results, has_name);
      if (row == out.results.end()) {
        row = out.results.insert(out.results.end(), result);
      } else {
        row->update(result);
      }
      seen.push_back(name);
      progress.show(fmt::format("{}: {}: {} {}", where, name, value_text(*row), row->value("unit", "")));
    });
  };
  command.insert(command.begin() + 1, half == Half::Times ? "--times" : "--answers");
  const Result<Execution> execution = execute(command, {card}, options);
  progress.clear();
  if (!execution) return tl::unexpected<Error>(execution.error());
  for (Json& result : out.results) {
    if (std::ranges::find(seen, result.value("test", "")) != seen.end()) add_power(result, execution->run);
  }
  if (out.status == 0) out.status = execution->run.exit;
  out.interrupted = execution->interrupted;
  return {};
}

}  // namespace

std::string value_text(const Json& result) {
  if (!result.is_object()) return "-";
  if (result.contains("error")) return "error";
  if (result.contains("absent")) return "none";
  std::string check = result.value("check", "ok");
  if (!result.contains("value")) return check;  // nothing was timed
  const double value = result.value("value", 0.0);
  return (value < 10 ? fmt::format("{:.2f}", value) : report::figures(value)) +
         (check == "ok" ? "" : " (" + check + ")");
}

Result<SuiteRun> run_suite(const card::Card& card, const std::vector<std::string>& tests, std::size_t index,
                           const PrivateFolder& host_part, const SuitePlace& place) {
  const Result<std::filesystem::path> suite = suite_program();
  if (!suite) return tl::unexpected<Error>(suite.error());
  std::vector<std::string> command = {suite->string()};
  command.insert(command.end(), tests.begin(), tests.end());
  SuiteRun out;
  for (const Half half : {Half::Answers, Half::Times}) {
    // The halves make other calls, so each has its own part of the host.
    const std::filesystem::path folder = host_part.path() / (half == Half::Times ? "times" : "answers");
    std::error_code error;
    std::filesystem::create_directories(folder, error);
    if (error) return fail(Error::Kind::Io, fmt::format("{}: {}", folder.string(), error.message()));
    const Result<void> ran = run_half(half, card, command, shared_host_part(index, folder), place, out);
    if (!ran) return tl::unexpected<Error>(ran.error());
    if (out.interrupted || out.status == kBadUsage) break;
  }
  return out;
}

Result<void> list_suite(const std::function<void(const Json&)>& on_test) {
  const Result<std::filesystem::path> suite = suite_program();
  if (!suite) return tl::unexpected<Error>(suite.error());
  const Result<card::Card> card = card::find_card("rtx-a6000");
  if (!card) return tl::unexpected<Error>(card.error());
  Lines lines;
  ExecuteOptions options;
  options.on_output = [&](const std::string& piece) { lines.add(piece, on_test); };
  const Result<Execution> execution = execute({suite->string(), "--list"}, {*card}, options);
  if (!execution) return tl::unexpected<Error>(execution.error());
  return {};
}

}  // namespace doppel::cli
