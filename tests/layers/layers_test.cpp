// SPDX-License-Identifier: Apache-2.0
// The parts and who may include whom (docs/architecture.md): every include of src/ is read.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <string>

namespace {

namespace fs = std::filesystem;

// By part: those that it may include, besides itself, support, and what those may include.
const std::map<std::string, std::set<std::string>>& arrows() {
  static const std::map<std::string, std::set<std::string>> kArrows{
      {"support", {}},
      {"card", {}},
      {"ir", {}},
      {"frontend/ptx", {"ir"}},
      {"analysis", {"ir"}},
      {"machine", {"analysis"}},
      {"jit", {"analysis"}},
      {"memory", {}},
      {"texture", {"ir"}},
      {"engine", {"jit", "memory", "texture"}},
      {"timing", {"machine", "card"}},
      {"power", {"card"}},
      {"link", {"card"}},
      {"node", {"card"}},
      {"device", {"engine", "timing", "power", "link", "node", "frontend/ptx"}},
      {"api/common", {}},
      {"core", {}},
      {"driver", {"device", "core", "api/common"}},
      {"nvml", {"node", "api/common"}},
      {"preload", {}},
      {"report", {"device"}},
      {"session", {"report"}},
      {"smi", {}},
      {"cli", {"session", "smi", "node"}},
  };
  return kArrows;
}

std::set<std::string> allowed(const std::string& part) {
  std::set<std::string> result{part, "support"};
  for (const std::string& below : arrows().at(part)) result.merge(allowed(below));
  return result;
}

// "frontend/ptx" of "frontend/ptx/parse.h"; empty for what stands in no part.
std::string part_of(const std::string& path) {
  for (const auto& [part, below] : arrows()) {
    if (path.size() > part.size() && path.starts_with(part) && path[part.size()] == '/') return part;
  }
  return {};
}

TEST(Layers, NoIncludePointsUpward) {
  const fs::path root = fs::path(DOPPEL_SOURCE_DIR) / "src";
  const std::regex include("^\\s*#\\s*include\\s+\"([^\"]+)\"");
  std::size_t read = 0;
  for (const auto& entry : fs::recursive_directory_iterator(root)) {
    const std::string ending = entry.path().extension();
    if (ending != ".h" && ending != ".cpp") continue;
    const std::string name = fs::relative(entry.path(), root);
    const std::string part = part_of(name);
    ASSERT_FALSE(part.empty()) << name
                               << " stands in no part: name it in this test and in docs/architecture.md";
    const std::set<std::string> below = allowed(part);
    std::ifstream file(entry.path());
    int number = 0;
    for (std::string line; std::getline(file, line);) {
      ++number;
      std::smatch found;
      if (!std::regex_search(line, found, include)) continue;
      const std::string target = part_of(found[1]);
      EXPECT_TRUE(target.empty() || below.contains(target))
          << "src/" << name << ":" << number << ": '" << part << "' may not include '" << found[1] << "'";
    }
    ++read;
  }
  EXPECT_GT(read, 400u);
}

// Every source file says its licence in its first lines (spdx.dev); REUSE.toml says it for the rest.
TEST(Sources, NameTheirLicence) {
  const fs::path root = DOPPEL_SOURCE_DIR;
  std::size_t read = 0;
  for (const char* folder :
       {"src", "include", "tests", "suite", "truth", "bench", "examples", "cmake", "scripts"}) {
    for (const auto& entry : fs::recursive_directory_iterator(root / folder)) {
      const std::string ending = entry.path().extension();
      if (ending != ".h" && ending != ".cpp" && ending != ".def" && ending != ".py" && ending != ".cmake" &&
          entry.path().filename() != "CMakeLists.txt")
        continue;
      std::ifstream file(entry.path());
      std::string first, second;
      std::getline(file, first);
      std::getline(file, second);
      EXPECT_NE((first + second).find("SPDX-License-Identifier: Apache-2.0"), std::string::npos)
          << fs::relative(entry.path(), root);
      ++read;
    }
  }
  EXPECT_GT(read, 700u);
}

}  // namespace
