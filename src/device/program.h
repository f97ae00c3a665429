// A program image: parsed PTX and its host code, shared by every context that loads it.
#pragma once

#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "device/options.h"
#include "jit/compiled_module.h"
#include "ptx/module.h"
#include "support/result.h"
#include "timing/launch_timing.h"

namespace doppel::device {

class PredictionCache;

class Program {
 public:
  // More than one text: relocatable code, linked first. InvalidInput (malformed), NotSupported (a form this
  // version refuses), UnsupportedVersion; the message has a line for each diagnostic.
  // max_registers: of a thread of any kernel, as .maxnreg says it; 0: no limit.
  static Result<std::shared_ptr<Program>> load(std::span<const std::string> ptx_texts, const Options& options,
                                               std::uint32_t max_registers = 0,
                                               jit::CompileGate* gate = nullptr);

  const std::shared_ptr<const ptx::Module>& ptx() const { return ptx_; }
  const std::shared_ptr<jit::CompiledModule>& code() const { return code_; }
  // The kernel lowered for a card: built once.
  std::shared_ptr<const timing::KernelModel> model(std::uint32_t function, const card::Card& card);
  const std::vector<std::uint32_t>& first_slots() const { return first_slots_; }
  // Does it call the functions by which kernels launch kernels?
  bool launches_kernels() const { return launches_kernels_; }
  PredictionCache& predictions() { return *predictions_; }
  Program();
  ~Program();

 private:
  std::shared_ptr<const ptx::Module> ptx_;
  std::shared_ptr<jit::CompiledModule> code_;
  std::vector<std::uint32_t> first_slots_;
  bool launches_kernels_ = false;
  std::unique_ptr<PredictionCache> predictions_;
  std::mutex mutex_;
  std::vector<std::pair<std::pair<std::uint32_t, std::string>, std::shared_ptr<const timing::KernelModel>>>
      models_;
};

}  // namespace doppel::device
