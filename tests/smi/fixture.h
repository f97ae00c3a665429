// SPDX-License-Identifier: Apache-2.0
// The library in use on a node of the test's own, with both cards; and what views are compared with.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>  // NOLINT(modernize-deprecated-headers): mkdtemp and setenv are POSIX

#include <filesystem>
#include <fstream>
#include <optional>
#include <regex>
#include <sstream>
#include <string>
#include <vector>

#include "card/load_card.h"
#include "node/client.h"
#include "node/node.h"
#include "node/process_life.h"
#include "smi/nvml_client.h"

namespace doppel::smi {

class Smi : public testing::Test {
 protected:
  Smi() {
    std::string name = testing::TempDir() + "doppel-smi-XXXXXX";
    EXPECT_NE(mkdtemp(name.data()), nullptr);
    folder = name;
    setenv("DOPPEL_CARD_PATH", DOPPEL_SOURCE_DIR "/cards", 1);
    setenv("DOPPEL_NODE", (folder / "node").c_str(), 1);
    setenv("DOPPEL_DRIVER_VERSION", "12.4", 1);
  }
  ~Smi() override {
    nvml.reset();
    unsetenv("DOPPEL_DRIVER_VERSION");
    std::error_code ignored;
    std::filesystem::remove_all(folder, ignored);
  }
  void start(const char* cards = "rtx-a6000,rtx-pro-5000-blackwell") {
    setenv("DOPPEL_CARDS", cards, 1);
    auto opened = Nvml::open(DOPPEL_NVML_LIBRARY);
    ASSERT_TRUE(opened) << opened.error().message;
    nvml.emplace(std::move(*opened));
    auto all = all_gpus(*nvml);
    ASSERT_TRUE(all);
    gpus = *all;
    auto shared = node::Node::open((folder / "node").string());
    ASSERT_TRUE(shared);
    node = *shared;
  }
  std::filesystem::path folder;
  std::optional<Nvml> nvml;
  std::vector<Gpu> gpus;
  std::shared_ptr<node::Node> node;
};

// Holds a view against tests/smi/expected/NAME, but for its energy, which grows with the time that a test
// takes. What it is now is left in the build folder, in smi_views/NAME.
inline void expect_view(const std::string& name, const std::string& found) {
  namespace fs = std::filesystem;
  const std::regex energy(R"re((TOTAL_ENERGY_CONSUMPTION\{[^}]*\} |"energy_mj": )[0-9]+)re");
  const std::string view = std::regex_replace(found, energy, "$010");
  const fs::path left = fs::path(DOPPEL_BUILD_DIR) / "smi_views";
  fs::create_directories(left);
  std::ofstream(left / name, std::ios::binary) << view;
  std::ifstream in(fs::path(DOPPEL_SOURCE_DIR) / "tests" / "smi" / "expected" / name, std::ios::binary);
  std::istringstream now(view);
  std::string line, expected;
  for (int number = 1;; ++number) {
    const bool is_line = static_cast<bool>(std::getline(now, line));
    const bool is_expected = static_cast<bool>(std::getline(in, expected));
    ASSERT_TRUE(is_line == is_expected && (!is_line || line == expected))
        << name << ":" << number << ": " << (is_line ? line : "(end)")
        << "\nexpected: " << (is_expected ? expected : "(end)") << "\ncopy " << (left / name).string()
        << " where this is right";
    if (!is_line) return;
  }
}

}  // namespace doppel::smi
