// SPDX-License-Identifier: Apache-2.0
#include "device/program.h"

#include <algorithm>
#include <iterator>

#include "device/compilations.h"
#include "device/flag_use.h"
#include "device/prediction_cache.h"
#include "frontend/ptx/link.h"
#include "frontend/ptx/module_reader.h"
#include "frontend/ptx/parse.h"
#include "frontend/ptx/to_ir.h"
#include "jit/device_functions.h"

namespace doppel::device {
namespace {

// Each form once, in the order of the text.
Error error_of(const std::vector<ptx::Diagnostic>& all) {
  std::vector<ptx::Diagnostic> diagnostics;
  for (const ptx::Diagnostic& each : all) {
    const auto same = std::ranges::find_if(
        diagnostics, [&](const ptx::Diagnostic& listed) { return listed.same_as(each); });
    if (same != diagnostics.end()) {
      same->count += each.count;
    } else {
      diagnostics.push_back(each);
    }
  }
  Error error{Error::Kind::InvalidInput, {}};
  using Kind = ptx::Diagnostic::Kind;
  const auto has = [&](Kind kind) {
    return std::ranges::any_of(diagnostics, [&](const ptx::Diagnostic& each) { return each.kind == kind; });
  };
  // Malformed text is the program's mistake, and is told as such whatever else there is.
  if (!has(Kind::Malformed))
    error.kind = has(Kind::UnsupportedVersion) ? Error::Kind::UnsupportedVersion : Error::Kind::NotSupported;
  for (const ptx::Diagnostic& diagnostic : diagnostics) {
    if (!error.message.empty()) error.message += '\n';
    error.message += ptx::to_string(diagnostic);
  }
  return error;
}

bool is_defined_kernel(const ir::Function& function) {
  return function.is_kernel && !function.is_declaration;
}

// The launch bounds of a kernel win where they are stricter.
ir::Module with_register_limit(ir::Module module, std::uint32_t max_registers) {
  if (max_registers == 0) return module;
  for (ir::Function& function : module.functions) {
    std::uint32_t& bound = function.bounds.max_registers;
    bound = bound != 0 ? std::min(bound, max_registers) : max_registers;
  }
  return module;
}

}  // namespace

Program::Program()
    : predictions_(std::make_unique<PredictionCache>()), flags_(std::make_unique<KnownFlags>()) {}
Program::~Program() = default;

Result<std::shared_ptr<Program>> Program::load(std::span<const std::string> ptx_texts, const Options& options,
                                               std::uint32_t max_registers, Compilations* compilations) {
  if (ptx_texts.empty()) return fail(Error::Kind::InvalidInput, "a module without PTX");
  auto program = std::make_shared<Program>();
  PassLog* const passes = compilations != nullptr ? &compilations->passes() : nullptr;
  program->passes_ = passes;
  auto read = ptx_texts.size() == 1 ? program->read_one(ptx_texts.front(), max_registers)
                                    : program->link(ptx_texts, max_registers);
  if (!read) return tl::unexpected(read.error());
  if (auto some = program->require_a_kernel(); !some) return tl::unexpected(some.error());
  jit::Options jit_options;
  jit_options.cache_directory = options.cache_directory;
  if (compilations != nullptr) {
    jit_options.gate = &compilations->gate();
    jit_options.listener = compilations;
  }
  jit_options.passes = passes;
  auto code = jit::CompiledModule::create(program->analysed_, jit_options);
  if (!code) return tl::unexpected(code.error());
  program->code_ = std::move(*code);
  program->launches_kernels_ = std::ranges::any_of(program->ir().functions, [](const ir::Function& function) {
    return function.is_declaration && jit::find_device_function(function.name) != nullptr;
  });
  return program;
}

Result<void> Program::read_one(const std::string& text, std::uint32_t max_registers) {
  const PassTimer timer(passes_, "read");
  auto opened = ptx::ModuleReader::open(text, passes_);
  if (!opened) return tl::unexpected<Error>(error_of(opened.error().diagnostics));
  const std::shared_ptr<ptx::ModuleReader> reader = *std::move(opened);
  refused_variables_ = reader->refused_variables();
  wrong_in_ = [reader](ir::FunctionId id) { return reader->refusal(id); };
  analysed_ = std::make_shared<const analysis::AnalysedModule>(
      with_register_limit(reader->take_module(), max_registers), reader);
  return {};
}

Result<void> Program::link(std::span<const std::string> texts, std::uint32_t max_registers) {
  const PassTimer timer(passes_, "read");
  std::vector<ptx::Module> parts;
  std::vector<ptx::Usable> read;
  for (const std::string& text : texts) {
    auto parsed = ptx::parse_usable(text);
    if (!parsed) return tl::unexpected<Error>(error_of(parsed.error().diagnostics));
    parts.push_back(std::move(parsed->module));
    read.push_back(std::move(*parsed));
  }
  // What another text says of a variable has been read without knowing that it cannot be used.
  for (const ptx::Usable& part : read) {
    if (!part.refused_variables.empty())
      return fail(Error::Kind::NotSupported, part.refused_variables.begin()->second);
  }
  std::vector<ptx::FunctionOrigin> origins;
  auto linked = ptx::link(std::move(parts), &origins);
  if (!linked) return tl::unexpected(linked.error());
  std::map<ir::FunctionId, std::vector<ptx::Diagnostic>> refused;
  for (std::uint32_t id = 0; id < origins.size(); ++id) {
    auto& of_part = read[origins[id].module].refused_functions;
    if (const auto found = of_part.find(origins[id].function); found != of_part.end())
      refused.emplace(id, std::move(found->second));
  }
  wrong_in_ = [refused = std::move(refused)](ir::FunctionId id) {
    const auto found = refused.find(id);
    return found == refused.end() ? std::vector<ptx::Diagnostic>{} : found->second;
  };
  analysed_ = std::make_shared<const analysis::AnalysedModule>(
      with_register_limit(ptx::to_ir(std::move(*linked)), max_registers));
  return {};
}

// Kernels are read until one can run. Where none can, all is read: what is wrong with a module is told when
// it is loaded.
Result<void> Program::require_a_kernel() const {
  for (ir::FunctionId id = 0; id < ir().functions.size(); ++id) {
    if (is_defined_kernel(ir().functions[id]) && refusal(id) == nullptr) return {};
  }
  analysed_->read_all_bodies();
  std::vector<ptx::Diagnostic> all;
  for (ir::FunctionId id = 0; id < ir().functions.size(); ++id)
    std::ranges::move(wrong_in_(id), std::back_inserter(all));
  if (all.empty()) return {};
  return tl::unexpected<Error>(error_of(all));
}

const Error* Program::refusal(std::uint32_t function) const {
  const std::lock_guard lock(refusals_mutex_);
  const auto [found, is_new] = refusals_.try_emplace(function);
  if (is_new) {
    std::vector<ptx::Diagnostic> why;
    for (const ir::FunctionId each : analysed_->kernel(function).functions)
      std::ranges::move(wrong_in_(each), std::back_inserter(why));
    if (!why.empty()) found->second = error_of(why);
  }
  return found->second ? &*found->second : nullptr;
}

const Error* Program::refusal(std::string_view kernel) const {
  const auto& functions = ir().functions;
  const auto found = std::ranges::find_if(functions, [&](const ir::Function& function) {
    return is_defined_kernel(function) && function.name == kernel;
  });
  return found == functions.end() ? nullptr : refusal(static_cast<std::uint32_t>(found - functions.begin()));
}

std::shared_ptr<const timing::KernelModel> Program::model(std::uint32_t function, const card::Card& card) {
  const std::lock_guard lock(mutex_);
  const timing::KernelModel* alike = nullptr;
  for (const Model& each : models_) {
    if (each.function != function || each.card != card.id) continue;
    if (each.model->is_for(card)) return each.model;
    alike = each.model.get();
  }
  auto made = alike != nullptr ? alike->remade_for(card)
                               : timing::KernelModel::build(analysed_, function, card, passes_);
  models_.push_back({function, card.id, made});
  return made;
}

}  // namespace doppel::device
