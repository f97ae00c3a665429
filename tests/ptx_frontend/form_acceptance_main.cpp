// SPDX-License-Identifier: Apache-2.0
// form_acceptance TARGET VERSION: of each line of PTX that it reads, whether the front end takes it in a
// kernel, or why not. For tests/ptx/generator/check_forms.py, which asks the vendor's assembler the same.
#include <cstdio>
#include <iostream>
#include <string>

#include "form_lines.h"
#include "frontend/ptx/parse.h"

int main(int count, char** arguments) {
  if (count != 3) {
    std::fputs("form_acceptance TARGET VERSION < LINES\n", stderr);
    return 2;
  }
  std::string line;
  while (std::getline(std::cin, line)) {
    const auto parsed = doppel::ptx::parse(doppel::ptx::test::line_module(line, arguments[1], arguments[2]));
    std::puts(parsed ? "ok" : parsed.error().diagnostics.front().message.c_str());
  }
  return 0;
}
