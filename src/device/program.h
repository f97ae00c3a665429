// SPDX-License-Identifier: Apache-2.0
// A program image in the IR and its host code, shared by every context that loads it.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "analysis/analysed_module.h"
#include "device/options.h"
#include "frontend/ptx/diagnostic.h"
#include "jit/compiled_module.h"
#include "support/result.h"
#include "timing/launch_timing.h"

namespace doppel::device {

class Compilations;
class KnownFlags;
class PredictionCache;

class Program {
 public:
  // More than one text: relocatable code, linked first. Of one alone, the body of a function is read when a
  // kernel that can reach it is first asked for. What one function has wrong refuses the kernels that can
  // reach it (refusal()); the program is refused where no kernel is left, or where a text cannot be read:
  // InvalidInput (malformed), NotSupported (a form this version refuses), UnsupportedVersion. The message has
  // a line for each diagnostic.
  // max_registers: of a thread of any kernel, as .maxnreg says it; 0: no limit.
  static Result<std::shared_ptr<Program>> load(std::span<const std::string> ptx_texts, const Options& options,
                                               std::uint32_t max_registers = 0,
                                               Compilations* compilations = nullptr);

  const ir::Module& ir() const { return analysed_->ir(); }
  const std::shared_ptr<const analysis::AnalysedModule>& analysed() const { return analysed_; }
  const std::shared_ptr<jit::CompiledModule>& code() const { return code_; }
  // The kernel lowered for a card: built once for each that it is another one for (KernelModel::is_for).
  std::shared_ptr<const timing::KernelModel> model(std::uint32_t function, const card::Card& card);
  // Does it call the functions by which kernels launch kernels?
  bool launches_kernels() const { return launches_kernels_; }
  PredictionCache& predictions() { return *predictions_; }
  KnownFlags& flags() { return *flags_; }
  // Why a kernel cannot be launched: null where it can. Reads it first.
  const Error* refusal(std::uint32_t function) const;
  const Error* refusal(std::string_view kernel) const;
  // Why variables cannot be used, by their index.
  const std::map<std::uint32_t, std::string>& refused_variables() const { return refused_variables_; }
  Program();
  ~Program();

 private:
  Result<void> read_one(const std::string& text, std::uint32_t max_registers);
  Result<void> link(std::span<const std::string> texts, std::uint32_t max_registers);
  Result<void> require_a_kernel() const;

  std::shared_ptr<const analysis::AnalysedModule> analysed_;
  // What is wrong with a function whose body has been read.
  std::function<std::vector<ptx::Diagnostic>(ir::FunctionId)> wrong_in_;
  mutable std::mutex refusals_mutex_;
  mutable std::map<std::uint32_t, std::optional<Error>> refusals_;  // by kernel, of those asked for
  std::map<std::uint32_t, std::string> refused_variables_;          // by index
  std::shared_ptr<jit::CompiledModule> code_;
  bool launches_kernels_ = false;
  std::unique_ptr<PredictionCache> predictions_;
  std::unique_ptr<KnownFlags> flags_;
  PassLog* passes_ = nullptr;  // null: nobody asks
  std::mutex mutex_;
  struct Model {
    std::uint32_t function;
    std::string card;  // its id
    std::shared_ptr<const timing::KernelModel> model;
  };
  std::vector<Model> models_;
};

}  // namespace doppel::device
