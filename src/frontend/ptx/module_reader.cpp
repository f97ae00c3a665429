// SPDX-License-Identifier: Apache-2.0
#include "frontend/ptx/module_reader.h"

#include <utility>

#include "frontend/ptx/failure.h"
#include "frontend/ptx/module_parser.h"
#include "frontend/ptx/to_ir.h"

namespace doppel::ptx {

tl::expected<std::shared_ptr<ModuleReader>, ParseFailure> ModuleReader::open(std::string_view text,
                                                                             PassLog* passes) {
  try {
    std::shared_ptr<ModuleReader> reader(new ModuleReader(text, passes));
    reader->state_->bodies_later = true;
    ModuleParser(*reader->state_).parse();
    reader->refused_variables_ = reader->state_->refused_variables;
    return reader;
  } catch (Failure&) {
    // What is wrong in the bodies before belongs to the message.
    auto whole = parse_usable(text);
    return tl::unexpected<ParseFailure>(std::move(whole.error()));
  }
}

ir::Module ModuleReader::take_module() {
  Module& module = state_->module;
  ir::Module made = head_to_ir(module);
  for (FunctionId id = 0; id < module.functions.size(); ++id) {
    Function& function = module.functions[id];
    ir::Function& to = made.functions.emplace_back(head_to_ir(function));
    if (!state_->pending.contains(id)) body_to_ir(function, to);
  }
  return made;
}

void ModuleReader::read(ir::FunctionId id, ir::Function& into) {
  const PassTimer timer(passes_, "read");
  const std::lock_guard lock(mutex_);
  if (!state_ || !state_->pending.contains(id)) return;
  ModuleParser(*state_).read_pending(id);
  body_to_ir(state_->module.functions[id], into);
  if (!state_->pending.empty()) return;
  refused_functions_ = std::move(state_->refused_functions);
  state_.reset();
  text_ = {};
}

std::vector<Diagnostic> ModuleReader::refusal(FunctionId id) const {
  const std::lock_guard lock(mutex_);
  const auto& all = state_ ? state_->refused_functions : refused_functions_;
  const auto found = all.find(id);
  return found == all.end() ? std::vector<Diagnostic>{} : found->second;
}

}  // namespace doppel::ptx
