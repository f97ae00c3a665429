// SPDX-License-Identifier: Apache-2.0
#include "frontend/ptx/parse.h"

#include <fmt/format.h>

#include "frontend/ptx/failure.h"
#include "frontend/ptx/module_parser.h"

namespace doppel::ptx {

std::string to_string(const Diagnostic& diagnostic) {
  std::string text = fmt::format("ptx:{}:{}: error: ", diagnostic.text.line, diagnostic.text.column);
  if (!diagnostic.function.empty()) text += fmt::format("in '{}': ", diagnostic.function);
  if (!diagnostic.form.empty()) text += fmt::format("{}: ", diagnostic.form);
  text += diagnostic.message;
  return diagnostic.count > 1 ? fmt::format("{} ({} times)", text, diagnostic.count) : text;
}

namespace {

constexpr std::size_t kMostDiagnostics = 20;

struct Reading {
  Usable usable;
  std::vector<Diagnostic> diagnostics;
  bool to_its_end = false;
};

Reading read(std::string_view text) {
  Reading reading;
  try {
    ParserState state(text);
    try {
      ModuleParser(state).parse();
      reading.to_its_end = true;
    } catch (Failure& failure) {
      // An empty one only ends the reading: what is wrong has been recorded.
      if (!failure.diagnostic.message.empty()) state.diagnostics.push_back(std::move(failure.diagnostic));
    }
    reading.usable = {std::move(state.module), std::move(state.refused_functions),
                      std::move(state.refused_variables)};
    reading.diagnostics = std::move(state.diagnostics);
  } catch (Failure& failure) {  // in the very first token
    reading.diagnostics.push_back(std::move(failure.diagnostic));
  }
  if (reading.diagnostics.size() > kMostDiagnostics) reading.diagnostics.resize(kMostDiagnostics);
  return reading;
}

}  // namespace

tl::expected<Module, ParseFailure> parse(std::string_view text) {
  Reading reading = read(text);
  if (reading.to_its_end && reading.diagnostics.empty()) return std::move(reading.usable.module);
  return tl::unexpected<ParseFailure>(ParseFailure{std::move(reading.diagnostics)});
}

tl::expected<Usable, ParseFailure> parse_usable(std::string_view text) {
  Reading reading = read(text);
  if (reading.to_its_end) return std::move(reading.usable);
  return tl::unexpected<ParseFailure>(ParseFailure{std::move(reading.diagnostics)});
}

}  // namespace doppel::ptx
