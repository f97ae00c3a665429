// SPDX-License-Identifier: Apache-2.0
#include "cli/installation.h"

#include <fmt/format.h>

#include <system_error>
#include <vector>

namespace doppel::cli {
namespace {

namespace fs = std::filesystem;

// PREFIX of PREFIX/bin/doppel.
fs::path prefix() {
  std::error_code ignored;
  return fs::read_symlink("/proc/self/exe", ignored).parent_path().parent_path();
}

Result<fs::path> first_that_exists(const std::string& what, const std::vector<fs::path>& candidates) {
  std::string looked;
  for (const fs::path& candidate : candidates) {
    std::error_code ignored;
    if (fs::exists(candidate, ignored)) return candidate;
    looked += (looked.empty() ? "" : ", ") + candidate.string();
  }
  return fail(Error::Kind::NotFound,
              fmt::format("{} is missing from this installation; looked for {}", what, looked));
}

}  // namespace

Result<fs::path> driver_folder() {
  const fs::path root = prefix();
  return first_that_exists("the driver library",
                           {root / "lib" / "doppel" / "libcuda.so.1", root / "lib" / "libcuda.so.1"})
      .map([](const fs::path& library) { return library.parent_path(); });
}

Result<fs::path> management_library() {
  const fs::path root = prefix();
  return first_that_exists("the management library", {root / "lib" / "doppel" / "libnvidia-ml.so.1",
                                                      root / "lib" / "libnvidia-ml.so.1"});
}

Result<fs::path> core_library() {
  return first_that_exists("the core library", {prefix() / "lib" / DOPPEL_CORE_LIBRARY});
}

Result<fs::path> program_library() {
  const fs::path root = prefix();
  return first_that_exists("the library for programs", {root / "lib" / "doppel" / "libdoppel_program.so",
                                                        root / "lib" / "libdoppel_program.so"});
}

Result<fs::path> suite_program() {
  const fs::path root = prefix();
  return first_that_exists("the suite",
                           {root / "libexec" / "doppel" / "doppel-suite", root / "bin" / "doppel-suite"});
}

fs::path error_band_file() { return prefix() / "share" / "doppel" / "truth" / "error-band.json"; }

}  // namespace doppel::cli
