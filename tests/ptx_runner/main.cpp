// SPDX-License-Identifier: Apache-2.0
// ptx_forms [--machine driver [--libcuda PATH] [--known-of-cards]] [FOLDER]: runs every .ptx of tests/ptx on
// the reference and on the engine, or through a driver on the card behind it, each as a test of its own. The
// last line counts them.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>

#include "frontend/ptx/parse.h"
#include "harness/driver_runner.h"
#include "harness/launch_case.h"
#include "ptx_runner/test_file.h"

namespace doppel::ptx_runner {
namespace {

using RunLaunch = std::function<Result<harness::Buffers>(const harness::LaunchCase&)>;

harness::LaunchCase make_case(const TestFile& test, std::shared_ptr<const ptx::Module> module) {
  harness::LaunchCase launch{std::move(module),         test.kernel, test.grid, test.block,
                             test.dynamic_shared_bytes, {},          {},        test.text};
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

// Empty where what the launch left is what the test expects, else why not.
std::string check_launch(const TestFile& test, const Result<harness::Buffers>& after) {
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

// Empty where the test passes, else why not.
std::string verdict(const TestFile& test, const RunLaunch& run) {
  auto module = ptx::parse(test.text);
  if (!module) {
    return test.error ? check_refusal(test, module.error()) : to_string(module.error().diagnostics.front());
  }
  if (test.error) return "the text is accepted, and should be refused";
  return check_launch(test, run(make_case(test, std::make_shared<const ptx::Module>(std::move(*module)))));
}

// Whether a module for this .target runs on a card of this capability (PTX ISA 11.1.2): later ones run it,
// but for the suffixes a (this one alone) and f (its family).
bool runs_on(const std::string& target, unsigned capability) {
  unsigned wanted = 0;
  char suffix = 0;
  if (std::sscanf(target.c_str(), "sm_%u%c", &wanted, &suffix) < 1) return false;
  if (suffix == 'a') return capability == wanted;
  if (suffix == 'f') return capability >= wanted && capability / 10 == wanted / 10;
  return capability >= wanted;
}

// "NAME: reason" a line.
std::map<std::string, std::string> reasons_in(const std::filesystem::path& list) {
  std::map<std::string, std::string> reasons;
  std::ifstream file(list);
  std::string line;
  while (std::getline(file, line)) {
    const auto colon = line.find(": ");
    if (line.starts_with("#") || colon == std::string::npos) continue;
    reasons[line.substr(0, colon)] = line.substr(colon + 2);
  }
  return reasons;
}

std::string reason_of(const std::filesystem::path& form, const std::map<std::string, std::string>& reasons) {
  const auto found = reasons.find(form.stem().string());
  return found == reasons.end() ? "" : found->second;
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

// The driver compiles the text itself, and says in its own words what it refuses. `known_difference`: why a
// card's compiler is known to leave the text here, empty where none is.
class DriverFormTest : public ::testing::Test {
 public:
  DriverFormTest(std::filesystem::path path, std::shared_ptr<harness::DriverRunner> driver,
                 unsigned capability, std::string known_difference)
      : path_(std::move(path)),
        driver_(std::move(driver)),
        capability_(capability),
        known_difference_(std::move(known_difference)) {}
  void TestBody() override {
    const auto test = read_test_file(path_);
    ASSERT_TRUE(test) << test.error().message;
    if (test->error) {
      if (test->error->kind != "malformed") GTEST_SKIP() << "what Doppel does not support, a card may";
      EXPECT_FALSE(driver_->load(test->text)) << path_.string() << ": accepted, and should be refused";
      return;
    }
    auto module = ptx::parse(test->text);
    ASSERT_TRUE(module) << to_string(module.error().diagnostics.front());
    if (!runs_on(module->target, capability_))
      GTEST_SKIP() << fmt::format("needs {}, the card is sm_{}", module->target, capability_);
    const auto launch = make_case(*test, std::make_shared<const ptx::Module>(std::move(*module)));
    const auto after = driver_->run(launch);
    if (!after && after.error().kind == Error::Kind::UnsupportedVersion)
      GTEST_SKIP() << "newer than the driver: " << after.error().message;
    if (test->traps && !after) {
      EXPECT_EQ(after.error().kind, Error::Kind::DeviceFault) << after.error().message;
      return;
    }
    const std::string why_not = check_launch(*test, after);
    if (!why_not.empty() && !known_difference_.empty())
      GTEST_SKIP() << "known of cards: " << known_difference_ << "\n" << why_not;
    EXPECT_EQ(why_not, "") << path_.string();
  }

 private:
  std::filesystem::path path_;
  std::shared_ptr<harness::DriverRunner> driver_;
  unsigned capability_;
  std::string known_difference_;
};

std::vector<std::filesystem::path> form_files(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() == ".ptx") paths.push_back(entry.path());
  }
  std::ranges::sort(paths);
  return paths;
}

void register_form(const char* suite, const std::filesystem::path& path,
                   const std::function<::testing::Test*()>& make) {
  ::testing::RegisterTest(suite, path.stem().c_str(), nullptr, nullptr, path.c_str(), 1, make);
}

void register_own_machines(const std::filesystem::path& folder) {
  // Of tests that the engine does not pass yet.
  const auto failures = reasons_in(folder / "expected_failures.txt");
  const auto engine = std::shared_ptr<harness::Runner>(harness::make_engine_runner());
  const RunLaunch on_engine =
      engine ? RunLaunch([engine](const harness::LaunchCase& c) { return engine->run(c); }) : RunLaunch{};
  for (const auto& path : form_files(folder)) {
    const std::string reason = reason_of(path, failures);
    register_form("PtxReference", path, [path] { return new FormTest(path, harness::run_on_reference, ""); });
    register_form("PtxEngine", path, [=] { return new FormTest(path, on_engine, reason); });
  }
}

// False where there is no driver, or no card behind it.
bool register_driver(const std::filesystem::path& folder, const std::string& library, bool known_of_cards) {
  const std::shared_ptr<harness::DriverRunner> driver = harness::make_driver_runner(library);
  const auto card = driver->card();
  if (!card) {
    fmt::print(stderr, "ptx_forms: {}: {}\n", library, card.error().message);
    return false;
  }
  fmt::print("{}, sm_{}, driver of CUDA {}.{}\n", card->name, card->capability, card->driver_version / 1000,
             card->driver_version % 1000 / 10);
  std::map<std::string, std::string> known;
  if (known_of_cards) known = reasons_in(folder / "card_differences.txt");
  for (const auto& path : form_files(folder)) {
    const std::string reason = reason_of(path, known);
    register_form("PtxDriver", path, [=, capability = card->capability] {
      return new DriverFormTest(path, driver, capability, reason);
    });
  }
  return true;
}

}  // namespace
}  // namespace doppel::ptx_runner

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  std::string folder = DOPPEL_SOURCE_DIR "/tests/ptx";
  std::string machine = "own";
  std::string library = "libcuda.so.1";
  bool known_of_cards = false;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument == "--machine" && i + 1 < argc)
      machine = argv[++i];
    else if (argument == "--libcuda" && i + 1 < argc)
      library = argv[++i];
    else if (argument == "--known-of-cards")
      known_of_cards = true;
    else
      folder = argument;
  }
  if (machine == "driver") {
    if (!doppel::ptx_runner::register_driver(folder, library, known_of_cards)) return 2;
  } else if (machine == "own") {
    doppel::ptx_runner::register_own_machines(folder);
  } else {
    fmt::print(stderr,
               "ptx_forms: no machine '{}'; there are own (the reference and the engine) and driver\n",
               machine);
    return 2;
  }
  const int status = RUN_ALL_TESTS();
  const auto& all = *::testing::UnitTest::GetInstance();
  fmt::print("{} passed, {} failed, {} skipped\n", all.successful_test_count(), all.failed_test_count(),
             all.skipped_test_count());
  return status;
}
