// SPDX-License-Identifier: Apache-2.0
// A PTX text of which bodies are read when they are asked for: of the many kernels of a module, a process
// often uses few.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "frontend/ptx/parse.h"
#include "frontend/ptx/parser_state.h"
#include "ir/bodies.h"
#include "support/pass_log.h"

namespace doppel::ptx {

class ModuleReader final : public ir::BodySource {
 public:
  // Reads all that stands outside of bodies, and finds where they end. Fails where parse_usable() does, with
  // the same words. passes: outlives the reader; null: nobody asks.
  static tl::expected<std::shared_ptr<ModuleReader>, ParseFailure> open(std::string_view text,
                                                                        PassLog* passes = nullptr);

  // The module without the bodies that read() brings. To be called once.
  ir::Module take_module();
  // As in Usable.
  const std::map<std::uint32_t, std::string>& refused_variables() const { return refused_variables_; }

  // Thread-safe. What is wrong in a body refuses the function, for which a trap stands.
  void read(ir::FunctionId id, ir::Function& into) override;
  // What is wrong with a function whose body has been read; empty: nothing.
  std::vector<Diagnostic> refusal(FunctionId id) const;

 private:
  ModuleReader(std::string_view text, PassLog* passes) : text_(text), passes_(passes), state_(text_) {}

  std::string text_;
  PassLog* passes_;
  std::map<std::uint32_t, std::string> refused_variables_;
  mutable std::mutex mutex_;
  std::optional<ParserState> state_;                                 // until there is nothing left to read
  std::map<FunctionId, std::vector<Diagnostic>> refused_functions_;  // from then on
};

}  // namespace doppel::ptx
