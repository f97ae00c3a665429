#include "device/program.h"

#include <algorithm>
#include <optional>

#include "device/compilations.h"
#include "device/prediction_cache.h"
#include "frontend/ptx/link.h"
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
void limit_registers(ptx::Module& module, std::uint32_t max_registers) {
  for (ptx::Function& function : module.functions) {
    std::uint32_t& bound = function.bounds.max_registers;
    bound = bound != 0 ? std::min(bound, max_registers) : max_registers;
  }
}

}  // namespace

Program::Program() : predictions_(std::make_unique<PredictionCache>()) {}
Program::~Program() = default;

Result<std::shared_ptr<Program>> Program::load(std::span<const std::string> ptx_texts, const Options& options,
                                               std::uint32_t max_registers, Compilations* compilations) {
  if (ptx_texts.empty()) return fail(Error::Kind::InvalidInput, "a module without PTX");
  PassLog* const passes = compilations != nullptr ? &compilations->passes() : nullptr;
  std::optional<PassTimer> timer(std::in_place, passes, "read");
  std::vector<ptx::Module> parts;
  std::vector<ptx::Usable> read;
  for (const std::string& text : ptx_texts) {
    auto parsed = ptx::parse_usable(text);
    if (!parsed) return tl::unexpected<Error>(error_of(parsed.error().diagnostics));
    if (max_registers != 0) limit_registers(parsed->module, max_registers);
    parts.push_back(std::move(parsed->module));
    read.push_back(std::move(*parsed));
  }
  auto program = std::make_shared<Program>();
  std::map<std::uint32_t, std::vector<ptx::Diagnostic>> refused;
  if (parts.size() == 1) {
    program->analysed_ =
        std::make_shared<const analysis::AnalysedModule>(ptx::to_ir(std::move(parts.front())));
    program->refused_variables_ = std::move(read.front().refused_variables);
    refused = std::move(read.front().refused_functions);
  } else {
    // What another text says of a variable has been read without knowing that it cannot be used.
    for (const ptx::Usable& part : read) {
      if (!part.refused_variables.empty())
        return fail(Error::Kind::NotSupported, part.refused_variables.begin()->second);
    }
    std::vector<ptx::FunctionOrigin> origins;
    auto linked = ptx::link(std::move(parts), &origins);
    if (!linked) return tl::unexpected(linked.error());
    program->analysed_ = std::make_shared<const analysis::AnalysedModule>(ptx::to_ir(std::move(*linked)));
    for (std::uint32_t id = 0; id < origins.size(); ++id) {
      auto& of_part = read[origins[id].module].refused_functions;
      if (const auto found = of_part.find(origins[id].function); found != of_part.end())
        refused.emplace(id, std::move(found->second));
    }
  }
  timer.reset();
  if (auto some = program->refuse_kernels(refused); !some) return tl::unexpected(some.error());
  jit::Options jit_options;
  jit_options.cache_directory = options.cache_directory;
  if (compilations != nullptr) {
    jit_options.gate = &compilations->gate();
    jit_options.listener = compilations;
  }
  jit_options.passes = program->passes_ = passes;
  auto code = jit::CompiledModule::create(program->analysed_, jit_options);
  if (!code) return tl::unexpected(code.error());
  program->code_ = std::move(*code);
  program->launches_kernels_ = std::ranges::any_of(program->ir().functions, [](const ir::Function& function) {
    return function.is_declaration && jit::find_device_function(function.name) != nullptr;
  });
  return program;
}

// By the functions that cannot run. An error where no kernel is left.
Result<void> Program::refuse_kernels(const std::map<std::uint32_t, std::vector<ptx::Diagnostic>>& refused) {
  if (refused.empty()) return {};
  std::size_t left = 0;
  for (std::uint32_t index = 0; index < ir().functions.size(); ++index) {
    if (!is_defined_kernel(ir().functions[index])) continue;
    std::vector<ptx::Diagnostic> why;
    for (const std::uint32_t each : analysed_->kernel(index).functions) {
      if (const auto found = refused.find(each); found != refused.end())
        why.insert(why.end(), found->second.begin(), found->second.end());
    }
    if (why.empty()) {
      ++left;
    } else {
      refusals_.emplace(index, error_of(why));
    }
  }
  if (left > 0) return {};
  std::vector<ptx::Diagnostic> all;
  for (const auto& [function, why] : refused) all.insert(all.end(), why.begin(), why.end());
  return tl::unexpected<Error>(error_of(all));
}

const Error* Program::refusal(std::uint32_t function) const {
  const auto found = refusals_.find(function);
  return found == refusals_.end() ? nullptr : &found->second;
}

const Error* Program::refusal(std::string_view kernel) const {
  const auto found = std::ranges::find_if(
      refusals_, [&](const auto& each) { return ir().functions[each.first].name == kernel; });
  return found == refusals_.end() ? nullptr : &found->second;
}

std::shared_ptr<const timing::KernelModel> Program::model(std::uint32_t function, const card::Card& card) {
  const std::lock_guard lock(mutex_);
  for (const auto& [key, model] : models_) {
    if (key.first == function && key.second == card.id) return model;
  }
  auto made = timing::KernelModel::build(analysed_, function, card, passes_);
  models_.push_back({{function, card.id}, made});
  return made;
}

}  // namespace doppel::device
