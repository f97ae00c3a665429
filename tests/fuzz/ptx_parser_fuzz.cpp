// SPDX-License-Identifier: Apache-2.0
// libFuzzer on the reader of PTX: any bytes are a module or an error. A module prints to text that is the
// same module, and becomes IR that keeps the IR's rules.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>

#include "frontend/ptx/parse.h"
#include "frontend/ptx/print.h"
#include "frontend/ptx/to_ir.h"
#include "ir/verify.h"

namespace {

[[noreturn]] void wrong(const char* what, const std::string& detail) {
  std::fprintf(stderr, "%s: %s\n", what, detail.c_str());
  std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace doppel;
  const std::string text(std::string_view(reinterpret_cast<const char*>(data), size));
  auto parsed = ptx::parse(text);
  if (!parsed) {
    if (parsed.error().diagnostics.empty()) wrong("an error that says nothing", "");
    return 0;
  }
  const std::string printed = ptx::print(*parsed);
  const auto again = ptx::parse(printed);
  if (again && ptx::print(*again) != printed) wrong("its own text is another module", printed);
  // What stands for a form may be newer than the form, and the module's .version.
  if (!again && again.error().diagnostics.front().kind != ptx::Diagnostic::Kind::Unsupported)
    wrong("its own text is refused", ptx::to_string(again.error().diagnostics.front()) + "\n" + printed);
  const ir::Module module = ptx::to_ir(std::move(*parsed));
  if (const std::string broken = ir::verify(module); !broken.empty()) wrong("not IR", broken);
  return 0;
}
