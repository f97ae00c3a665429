// SPDX-License-Identifier: Apache-2.0
#include <dlfcn.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <system_error>

#include "card/load_card.h"
#include "support/nearest.h"

namespace doppel::card {
namespace {

namespace fs = std::filesystem;

// The folder of the program or shared library that this code is linked into.
fs::path own_folder() {
  Dl_info info{};
  if (dladdr(reinterpret_cast<const void*>(&own_folder), &info) == 0 || info.dli_fname == nullptr) return {};
  std::error_code ignored;
  // A program started through PATH may name itself without a folder; the link in /proc does not.
  fs::path self = fs::path(info.dli_fname);
  if (!self.has_parent_path()) self = fs::read_symlink("/proc/self/exe", ignored);
  return fs::weakly_canonical(self, ignored).parent_path();
}

}  // namespace

std::vector<fs::path> card_folders() {
  std::vector<fs::path> folders;
  if (const char* path = std::getenv("DOPPEL_CARD_PATH"); path != nullptr) {
    std::string_view rest = path;
    while (!rest.empty()) {
      const std::size_t colon = rest.find(':');
      if (colon != 0) folders.emplace_back(rest.substr(0, colon));
      if (colon == std::string_view::npos) break;
      rest.remove_prefix(colon + 1);
    }
  }
  // PREFIX/bin/doppel and PREFIX/lib/doppel/libcuda.so.1 both find PREFIX/share/doppel/cards.
  std::error_code ignored;
  fs::path folder = own_folder();
  for (int depth = 0; depth < 4 && folder.has_relative_path(); ++depth, folder = folder.parent_path()) {
    const fs::path cards = folder / "share" / "doppel" / "cards";
    if (fs::is_directory(cards, ignored)) folders.push_back(cards);
  }
  return folders;
}

std::vector<std::string> known_cards() {
  std::vector<std::string> ids;
  for (const fs::path& folder : card_folders()) {
    std::error_code error;
    for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
      if (entry->path().extension() == ".toml") ids.push_back(entry->path().stem().string());
    }
  }
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  return ids;
}

Result<Card> find_card(const std::string& name) {
  const Result<fs::path> file = find_card_file(name);
  if (!file) return tl::unexpected<Error>(file.error());
  return load_card(*file);
}

Result<fs::path> find_card_file(const std::string& name) {
  if (name.ends_with(".toml")) return fs::path(name);
  for (const fs::path& folder : card_folders()) {
    std::error_code ignored;
    const fs::path file = folder / (name + ".toml");
    if (name.find('/') == std::string::npos && fs::is_regular_file(file, ignored)) return file;
  }
  const std::vector<std::string> known = known_cards();
  if (known.empty()) {
    return fail(Error::Kind::NotFound,
                fmt::format("no card '{}': no card files found; set DOPPEL_CARD_PATH to their folder", name));
  }
  const std::string near = nearest_name(name, known);
  return fail(
      Error::Kind::NotFound,
      fmt::format("no card '{}'{} known: {}", name,
                  near.empty() ? ";" : fmt::format("; did you mean '{}'?", near), fmt::join(known, ", ")));
}

}  // namespace doppel::card
