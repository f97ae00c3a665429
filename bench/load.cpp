// SPDX-License-Identifier: Apache-2.0
// bench-load [KERNELS] [all or print]: how fast a module of many kernels is loaded, up to the attributes of
// one of them, as one JSON line; beside it, the same text told into words and counted, which is less than any
// reader of it must do. With `all`, the attributes of all kernels are asked for. `print` writes the module
// instead.
#include <algorithm>
#include <cctype>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>
#include <string_view>

#include "card.h"
#include "many_kernels.h"
#include "repeats.h"

namespace {

std::size_t count_words(std::string_view text) {
  std::size_t words = 0;
  bool inside = false;
  for (const char c : text) {
    const bool part = std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '.';
    if (part && !inside) ++words;
    inside = part;
  }
  return words;
}

void ask(const doppel::host::Module& module, int kernel) {
  int registers = 0;
  const std::string name = "kernel_" + std::to_string(kernel);
  doppel::host::check(cuFuncGetAttribute(&registers, CU_FUNC_ATTRIBUTE_NUM_REGS, module.kernel(name.c_str())),
                      "cuFuncGetAttribute");
}

void measure(int kernels, bool all) {
  const std::string text = bench::many_kernels(kernels);
  const doppel::host::Card card;
  std::size_t words = 0;
  const double scan =
      bench::smallest_seconds([&] { return bench::processor_seconds([&] { words = count_words(text); }); });
  const double load = bench::smallest_seconds([&] {
    return bench::processor_seconds([&] {
      const doppel::host::Module module(text.c_str());
      for (int kernel = all ? 0 : kernels - 1; kernel < kernels; ++kernel) ask(module, kernel);
    });
  });
  const double megabytes = static_cast<double>(text.size()) * 1e-6;
  std::printf(
      "{\"work\":\"load\",\"seconds\":%.6g,\"megabytes\":%.4g,\"rate\":%.6g,\"unit\":\"MB/s\","
      "\"words_rate\":%.6g,\"correct\":%s}\n",
      load, megabytes, megabytes / load, megabytes / scan, words > 0 ? "true" : "false");
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const int kernels = argc > 1 ? std::atoi(argv[1]) : 3000;
    const std::string_view what = argc > 2 ? argv[2] : "";
    if (what == "print") {
      std::fputs(bench::many_kernels(kernels).c_str(), stdout);
    } else {
      measure(std::max(kernels, 1), what == "all");
    }
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench-load: %s\n", error.what());
    return 1;
  }
}
