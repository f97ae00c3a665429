// SPDX-License-Identifier: Apache-2.0
// The library as a client has it: opened, its functions found by name, with the structures of
// include/doppel/nvml.
#pragma once

#include <dlfcn.h>
#include <doppel/nvml/types.h>
#include <gtest/gtest.h>
#include <stdlib.h>  // NOLINT(modernize-deprecated-headers): mkdtemp and setenv are POSIX

#include <filesystem>
#include <string>
#include <string_view>

#include "card/load_card.h"
#include "node/client.h"
#include "node/node.h"
#include "node/process_life.h"

namespace doppel::nvml {

inline void* library() {
  static void* const opened = dlopen(DOPPEL_NVML_LIBRARY, RTLD_NOW | RTLD_LOCAL);
  return opened;
}

// The result of a function by its name. Clients in C and Python pass whole numbers where the interface has
// enumerations, as these tests do: -fsanitize=function would have the types of C++ alike.
template <typename... Arguments>
#if defined(__clang__)
__attribute__((no_sanitize("function")))
#endif
nvmlReturn_t
call(const char* name, Arguments... arguments) {
  void* const function = dlsym(library(), name);
  if (function == nullptr) {
    ADD_FAILURE() << name << " is not there";
    return NVML_ERROR_FUNCTION_NOT_FOUND;
  }
  return reinterpret_cast<nvmlReturn_t (*)(Arguments...)>(function)(arguments...);
}

// A node of the test's own with both cards, and the library in use.
class Library : public testing::Test {
 protected:
  Library() {
    std::string name = testing::TempDir() + "doppel-nvml-XXXXXX";
    EXPECT_NE(mkdtemp(name.data()), nullptr);
    folder = name;
    setenv("DOPPEL_CARD_PATH", DOPPEL_SOURCE_DIR "/cards", 1);
    setenv("DOPPEL_CARDS", "rtx-a6000,rtx-pro-5000-blackwell", 1);
    setenv("DOPPEL_NODE", (folder / "node").c_str(), 1);
    unsetenv("DOPPEL_DRIVER_VERSION");
  }
  ~Library() override {
    while (call("nvmlShutdown") == NVML_SUCCESS) {
    }
    std::error_code ignored;
    std::filesystem::remove_all(folder, ignored);
  }
  void start() {
    ASSERT_NE(library(), nullptr) << dlerror();
    ASSERT_EQ(call("nvmlInit_v2"), NVML_SUCCESS);
    ASSERT_EQ(call("nvmlDeviceGetHandleByIndex_v2", 0U, &a6000), NVML_SUCCESS);
    ASSERT_EQ(call("nvmlDeviceGetHandleByIndex_v2", 1U, &pro), NVML_SUCCESS);
    auto opened = node::Node::open((folder / "node").string());
    ASSERT_TRUE(opened);
    node = *opened;
  }
  std::filesystem::path folder;
  nvmlDevice_t a6000 = nullptr, pro = nullptr;
  std::shared_ptr<node::Node> node;
};

}  // namespace doppel::nvml
