#include "device/program.h"

#include <algorithm>

#include "device/prediction_cache.h"
#include "jit/device_functions.h"
#include "ptx/link.h"
#include "ptx/parse.h"

namespace doppel::device {
namespace {

tl::unexpected<Error> refused(const ptx::ParseFailure& failure) {
  Error error{Error::Kind::InvalidInput, {}};
  using Kind = ptx::Diagnostic::Kind;
  const auto has = [&](Kind kind) {
    return std::any_of(failure.diagnostics.begin(), failure.diagnostics.end(),
                       [&](const ptx::Diagnostic& each) { return each.kind == kind; });
  };
  // Malformed text is the program's mistake, and is told as such whatever else there is.
  if (!has(Kind::Malformed))
    error.kind = has(Kind::UnsupportedVersion) ? Error::Kind::UnsupportedVersion : Error::Kind::NotSupported;
  for (const ptx::Diagnostic& diagnostic : failure.diagnostics) {
    if (!error.message.empty()) error.message += '\n';
    error.message += ptx::to_string(diagnostic);
  }
  return tl::unexpected<Error>(std::move(error));
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
                                               std::uint32_t max_registers, jit::CompileGate* gate) {
  if (ptx_texts.empty()) return fail(Error::Kind::InvalidInput, "a module without PTX");
  std::vector<ptx::Module> parts;
  for (const std::string& text : ptx_texts) {
    auto parsed = ptx::parse(text);
    if (!parsed) return refused(parsed.error());
    if (max_registers != 0) limit_registers(*parsed, max_registers);
    parts.push_back(std::move(*parsed));
  }
  auto program = std::make_shared<Program>();
  if (parts.size() == 1) {
    program->ptx_ = std::make_shared<const ptx::Module>(std::move(parts.front()));
  } else {
    auto linked = ptx::link(std::move(parts));
    if (!linked) return tl::unexpected(linked.error());
    program->ptx_ = std::make_shared<const ptx::Module>(std::move(*linked));
  }
  jit::Options jit_options;
  jit_options.cache_directory = options.cache_directory;
  jit_options.gate = gate;
  auto code = jit::CompiledModule::create(program->ptx_, jit_options);
  if (!code) return tl::unexpected(code.error());
  program->code_ = std::move(*code);
  for (std::uint32_t function = 0; function < program->ptx_->functions.size(); ++function)
    program->first_slots_.push_back(program->code_->first_slot(function));
  program->launches_kernels_ =
      std::ranges::any_of(program->ptx_->functions, [](const ptx::Function& function) {
        return function.is_declaration && jit::find_device_function(function.name) != nullptr;
      });
  return program;
}

std::shared_ptr<const timing::KernelModel> Program::model(std::uint32_t function, const card::Card& card) {
  const std::lock_guard lock(mutex_);
  for (const auto& [key, model] : models_) {
    if (key.first == function && key.second == card.id) return model;
  }
  auto made = timing::KernelModel::build(ptx_, function, card);
  models_.push_back({{function, card.id}, made});
  return made;
}

}  // namespace doppel::device
