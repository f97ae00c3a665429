// SPDX-License-Identifier: Apache-2.0
#include "ptx_runner/test_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <sstream>

namespace doppel::ptx_runner {

namespace {

// The head's "key: value" lines; a line that begins with "//+" goes on with the one before.
std::vector<std::pair<std::string, std::string>> head_entries(const std::string& text) {
  std::vector<std::pair<std::string, std::string>> entries;
  static constexpr std::array<std::string_view, 11> kKeys = {
      "kernel", "grid", "block", "dynamic-shared", "in", "out", "out~", "after", "param", "error", "fault"};
  std::istringstream lines(text);
  std::string line;
  while (std::getline(lines, line) && (line.starts_with("//") || line.empty())) {
    if (line.starts_with("//+")) {
      if (!entries.empty()) entries.back().second += line.substr(3);
      continue;
    }
    const auto colon = line.find(':');
    if (colon == std::string::npos || line.size() < 4) continue;
    const std::string key = line.substr(3, colon - 3);
    if (std::ranges::find(kKeys, key) != kKeys.end()) entries.emplace_back(key, line.substr(colon + 1));
  }
  return entries;
}

Dim3 parse_extent(const std::string& text) {
  Dim3 d{1, 1, 1};
  std::istringstream in(text);
  in >> d.x >> d.y >> d.z;
  d.y = std::max(d.y, 1u);
  d.z = std::max(d.z, 1u);
  return d;
}

ExpectedError parse_error(const std::string& text) {
  ExpectedError e;
  std::istringstream in(text);
  std::string word;
  in >> e.kind >> word >> e.line;
  std::getline(in, e.contains);
  e.contains.erase(0, e.contains.find_first_not_of(' '));
  return e;
}

}  // namespace

Result<TestFile> read_test_file(const std::filesystem::path& path) {
  TestFile test;
  test.name = path.stem().string();
  std::ifstream file(path);
  std::stringstream all;
  all << file.rdbuf();
  if (!file) return fail(Error::Kind::Io, fmt::format("cannot read {}", path.string()));
  test.text = all.str();
  for (const auto& [key, value] : head_entries(test.text)) {
    if (key == "kernel")
      test.kernel = value.substr(value.find_first_not_of(' '));
    else if (key == "grid")
      test.grid = parse_extent(value);
    else if (key == "block")
      test.block = parse_extent(value);
    else if (key == "dynamic-shared")
      test.dynamic_shared_bytes = static_cast<std::uint32_t>(std::stoul(value));
    else if (key == "error")
      test.error = parse_error(value);
    else if (key == "fault")
      test.traps = true;
    else {
      auto values = parse_values(value);
      if (!values)
        return fail(values.error().kind,
                    fmt::format("{}: {}: {}", path.string(), key, values.error().message));
      if (key == "after") {
        if (test.parameters.empty())
          return fail(Error::Kind::InvalidInput, path.string() + ": 'after' before any 'in'");
        test.parameters.back().after = std::move(*values);
      } else {
        const auto kind = key == "in" ? Parameter::Kind::In
                                      : (key == "param" ? Parameter::Kind::Scalar : Parameter::Kind::Out);
        test.parameters.push_back({kind, std::move(*values), {}});
      }
    }
  }
  if (!test.error && !test.traps && test.parameters.empty()) {
    return fail(Error::Kind::InvalidInput, path.string() + ": the head says nothing to test");
  }
  return test;
}

}  // namespace doppel::ptx_runner
