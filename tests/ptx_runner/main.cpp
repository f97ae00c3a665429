// Runs every tests/ptx/*.ptx on the reference and on the engine, each as a test of its own.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>

#include "harness/launch_case.h"
#include "ptx/parse.h"
#include "ptx_runner/test_file.h"

namespace doppel::ptx_runner {
namespace {

using RunLaunch = std::function<Result<harness::Buffers>(const harness::LaunchCase&)>;

harness::LaunchCase make_case(const TestFile& test, std::shared_ptr<const ptx::Module> module) {
  harness::LaunchCase launch{std::move(module),         test.kernel, test.grid, test.block,
                             test.dynamic_shared_bytes, {},          {}};
  for (const Parameter& p : test.parameters) {
    std::vector<std::byte> bytes = to_bytes(p.values);
    if (p.kind == Parameter::Kind::Scalar) {
      launch.arguments.emplace_back(std::move(bytes));
      continue;
    }
    // What a kernel has to write is filled with what it should not be.
    if (p.kind == Parameter::Kind::Out) std::ranges::fill(bytes, std::byte{0xa5});
    launch.arguments.emplace_back(harness::BufferArgument{launch.buffers.size()});
    launch.buffers.push_back(std::move(bytes));
  }
  return launch;
}

std::string check_refusal(const TestFile& test, const ptx::ParseFailure& failure) {
  using Kind = ptx::Diagnostic::Kind;
  const ptx::Diagnostic& first = failure.diagnostics.front();
  const Kind kind = test.error->kind == "malformed"     ? Kind::Malformed
                    : test.error->kind == "unsupported" ? Kind::Unsupported
                                                        : Kind::UnsupportedVersion;
  const std::string said = to_string(first);
  if (first.kind != kind) return "refused as another kind: " + said;
  if (first.text.line != test.error->line) return "refused at another line: " + said;
  if (said.find(test.error->contains) == std::string::npos) return "refused in other words: " + said;
  return {};
}

// Empty where the test passes, else why not.
std::string verdict(const TestFile& test, const RunLaunch& run) {
  auto module = ptx::parse(test.text);
  if (!module) {
    return test.error ? check_refusal(test, module.error()) : to_string(module.error().diagnostics.front());
  }
  if (test.error) return "the text is accepted, and should be refused";
  const harness::LaunchCase launch = make_case(test, std::make_shared<const ptx::Module>(std::move(*module)));
  const auto after = run(launch);
  if (test.traps) return after ? "the launch ends well, and should not" : "";
  if (!after) return after.error().message;
  std::size_t buffer = 0;
  for (std::size_t i = 0; i < test.parameters.size(); ++i) {
    const Parameter& p = test.parameters[i];
    if (p.kind == Parameter::Kind::Scalar) continue;
    const auto& bytes = after->at(buffer++);
    const ValueList* expected = p.kind == Parameter::Kind::Out ? &p.values : (p.after ? &*p.after : nullptr);
    if (expected == nullptr) continue;
    if (const std::string difference = compare(*expected, bytes); !difference.empty()) {
      return fmt::format("parameter {}: {}", i, difference);
    }
  }
  return {};
}

// tests/ptx/expected_failures.txt: "NAME: reason" a line, of tests that the engine does not pass yet.
std::map<std::string, std::string> expected_failures(const std::filesystem::path& folder) {
  std::map<std::string, std::string> reasons;
  std::ifstream file(folder / "expected_failures.txt");
  std::string line;
  while (std::getline(file, line)) {
    const auto colon = line.find(": ");
    if (line.starts_with("#") || colon == std::string::npos) continue;
    reasons[line.substr(0, colon)] = line.substr(colon + 2);
  }
  return reasons;
}

class FormTest : public ::testing::Test {
 public:
  FormTest(std::filesystem::path path, RunLaunch run, std::string expected_failure)
      : path_(std::move(path)), run_(std::move(run)), expected_failure_(std::move(expected_failure)) {}
  void TestBody() override {
    const auto test = read_test_file(path_);
    ASSERT_TRUE(test) << test.error().message;
    if (!run_) GTEST_SKIP() << "this build has no engine";
    if (expected_failure_.starts_with("hangs"))
      GTEST_SKIP() << "expected failure, not run: " << expected_failure_;
    const std::string why_not = verdict(*test, run_);
    if (expected_failure_.empty()) {
      EXPECT_EQ(why_not, "") << path_.string();
    } else {
      EXPECT_NE(why_not, "") << "passes: take it out of expected_failures.txt";
      if (!why_not.empty()) GTEST_SKIP() << "expected failure: " << expected_failure_ << "\n" << why_not;
    }
  }

 private:
  std::filesystem::path path_;
  RunLaunch run_;
  std::string expected_failure_;
};

void register_tests(const std::filesystem::path& folder) {
  const auto failures = expected_failures(folder);
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() == ".ptx") paths.push_back(entry.path());
  }
  std::ranges::sort(paths);
  const auto engine = std::shared_ptr<harness::Runner>(harness::make_engine_runner());
  const RunLaunch on_engine =
      engine ? RunLaunch([engine](const harness::LaunchCase& c) { return engine->run(c); }) : RunLaunch{};
  for (const auto& path : paths) {
    const std::string name = path.stem().string();
    const auto expected = failures.find(name);
    const std::string reason = expected == failures.end() ? "" : expected->second;
    for (const bool reference : {true, false}) {
      const RunLaunch run = reference ? RunLaunch(harness::run_on_reference) : on_engine;
      ::testing::RegisterTest(reference ? "PtxReference" : "PtxEngine", name.c_str(), nullptr, nullptr,
                              path.c_str(), 1,
                              [path, run, why = reference ? "" : reason]() -> ::testing::Test* {
                                return new FormTest(path, run, why);
                              });
    }
  }
}

}  // namespace
}  // namespace doppel::ptx_runner

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  doppel::ptx_runner::register_tests(argc > 1 ? argv[1] : DOPPEL_SOURCE_DIR "/tests/ptx");
  return RUN_ALL_TESTS();
}
