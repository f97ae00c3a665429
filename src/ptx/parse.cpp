#include "ptx/parse.h"

#include <fmt/format.h>

#include "ptx/failure.h"
#include "ptx/module_parser.h"

namespace doppel::ptx {

std::string to_string(const Diagnostic& diagnostic) {
  std::string text = fmt::format("ptx:{}:{}: error: ", diagnostic.text.line, diagnostic.text.column);
  if (!diagnostic.function.empty()) text += fmt::format("in '{}': ", diagnostic.function);
  if (!diagnostic.form.empty()) text += fmt::format("{}: ", diagnostic.form);
  return text + diagnostic.message;
}

tl::expected<Module, ParseFailure> parse(std::string_view text) {
  std::vector<Diagnostic> diagnostics;
  try {
    ParserState state(text);
    try {
      ModuleParser(state).parse();
    } catch (Failure& failure) {
      // An empty one only ends the reading: enough errors have been recorded.
      if (!failure.diagnostic.message.empty()) state.diagnostics.push_back(std::move(failure.diagnostic));
    }
    if (state.diagnostics.empty()) return std::move(state.module);
    diagnostics = std::move(state.diagnostics);
  } catch (Failure& failure) {  // in the very first token
    diagnostics.push_back(std::move(failure.diagnostic));
  }
  return tl::unexpected<ParseFailure>(ParseFailure{std::move(diagnostics)});
}

}  // namespace doppel::ptx
