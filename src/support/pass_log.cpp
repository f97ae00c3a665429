// SPDX-License-Identifier: Apache-2.0
#include "support/pass_log.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>

#include "support/log.h"

namespace doppel {
namespace {

struct Pass {
  const char* name;
  const char* what;  // stands after it; empty: it is only timed
};

// In the order in which a kernel goes through them.
constexpr Pass kPasses[] = {
    {"read", ""},
    {"ir", "operations of the IR"},
    {"lanes", "lane patterns, who waits at which block, why lanes are scheduled"},
    {"plan", "how host code is entered, for which lanes it is made, where registers stand"},
    {"accesses", "how the lanes of each memory access touch memory"},
    {"emit", "LLVM code as it is emitted"},
    {"optimise", "LLVM code behind LLVM's passes"},
    {"object", ""},
    {"load", ""},
    {"select", "operations of the card, by instruction"},
    {"branches", "less the jumps that layout saves"},
    {"if-convert", "short blocks under a predicate"},
    {"reconverge", "where lanes meet again"},
    {"merge", "blocks that always follow each other as one"},
    {"dead", "less what nobody reads"},
    {"atomics", "atomics in the form that the card has"},
    {"schedule", "in the order of issue"},
    {"registers", "with what registers cannot hold in local memory"},
};

constexpr std::size_t kLongestName = 180;  // of a file: 255 with what follows

// What a file may be called everywhere.
std::string file_name(std::string_view kernel, std::string_view variant) {
  std::string name(kernel.substr(0, kLongestName));
  std::ranges::replace_if(
      name, [](unsigned char c) { return std::isalnum(c) == 0 && c != '_' && c != '$'; }, '_');
  return fmt::format("{}.{}.txt", name, variant);
}

}  // namespace

std::string dumpable_passes() {
  std::string names;
  for (const Pass& each : kPasses) {
    if (each.what[0] != '\0') names += fmt::format("{}{}", names.empty() ? "" : ", ", each.name);
  }
  return names;
}

Result<void> PassLog::ask(const std::string& dump_after, const std::string& directory) {
  std::string_view rest = dump_after;
  while (!rest.empty()) {
    const auto comma = rest.find(',');
    const std::string_view one = rest.substr(0, comma);
    rest = comma == std::string_view::npos ? std::string_view() : rest.substr(comma + 1);
    const auto colon = one.find(':');
    const std::string pass(one.substr(0, colon));
    const std::string kernel(colon == std::string_view::npos ? "" : one.substr(colon + 1));
    const bool known = std::ranges::any_of(
        kPasses, [&](const Pass& each) { return each.what[0] != '\0' && pass == each.name; });
    if (pass != "all" && !known) {
      return fail(Error::Kind::InvalidArgument,
                  fmt::format("no pass '{}' can be dumped; there are: all, {}", pass, dumpable_passes()));
    }
    wishes_.push_back({pass == "all" ? "" : pass, kernel});
  }
  directory_ = directory.empty() ? "." : directory;
  std::error_code error;
  std::filesystem::create_directories(directory_, error);
  if (error)
    return fail(Error::Kind::Io, fmt::format("cannot make the folder {}: {}", directory_, error.message()));
  return {};
}

bool PassLog::wants(std::string_view pass, std::string_view kernel) const {
  return std::ranges::any_of(wishes_, [&](const Wish& wish) {
    return (wish.pass.empty() || wish.pass == pass) && kernel.find(wish.kernel) != std::string_view::npos;
  });
}

bool PassLog::wants_any(std::span<const std::string_view> passes, std::string_view kernel) const {
  return std::ranges::any_of(passes, [&](std::string_view pass) { return wants(pass, kernel); });
}

void PassLog::dump(std::string_view pass, std::string_view kernel, std::string_view variant,
                   const std::string& text) {
  const std::lock_guard lock(mutex_);
  const std::string path = (std::filesystem::path(directory_) / file_name(kernel, variant)).string();
  const bool fresh = written_.insert(path).second;
  std::ofstream file(path, fresh ? std::ios::trunc : std::ios::app);
  file << fmt::format("==== {}: {} after {} ====\n", kernel, variant, pass) << text;
  if (!text.ends_with('\n')) file << '\n';
  file.flush();
  if (!file) log().error("cannot write {}", path);
}

void PassLog::add_time(std::string_view pass, double seconds) {
  const std::lock_guard lock(mutex_);
  auto found = times_.find(pass);
  if (found == times_.end()) found = times_.emplace(std::string(pass), PassTime{std::string(pass)}).first;
  found->second.seconds += seconds;
  ++found->second.runs;
}

std::vector<PassTime> PassLog::times() const {
  const std::lock_guard lock(mutex_);
  std::vector<PassTime> out;
  for (const Pass& pass : kPasses) {
    if (const auto found = times_.find(pass.name); found != times_.end()) out.push_back(found->second);
  }
  return out;
}

}  // namespace doppel
