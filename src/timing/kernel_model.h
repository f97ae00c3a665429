// SPDX-License-Identifier: Apache-2.0
// What KernelModel hides: the machine code, and the numbers of the card's SM.
#pragma once

#include <map>
#include <memory>
#include <mutex>

#include "machine/operation_builder.h"
#include "timing/launch_timing.h"
#include "timing/sm_parameters.h"

namespace doppel::timing {

class LoweredKernel final : public KernelModel {
 public:
  LoweredKernel(std::shared_ptr<const analysis::AnalysedModule> module, std::uint32_t function,
                const card::Card& card, PassLog* passes = nullptr);
  LoweredKernel(const LoweredKernel& other, const card::Card& card);
  bool is_for(const card::Card& card) const override;
  std::shared_ptr<const KernelModel> remade_for(const card::Card& card) const override {
    return std::make_shared<LoweredKernel>(*this, card);
  }
  std::uint32_t registers_per_thread() const override;
  std::uint32_t spilled_bytes() const override { return 4 * program_.spill_words; }
  LaunchResources resources(const LaunchConfig& config) const override;
  const analysis::AnalysedModule& module() const override { return *module_; }
  const analysis::AnalysedKernel& kernel() const override { return module_->kernel(function_); }
  bool follows_data() const override { return kernel().follows_data; }

  const machine::MachineProgram& program() const { return program_; }
  // What blocks of so many threads run: where the estimated registers of so many do not fit into an SM, code
  // that takes fewer and spills. Its blocks, instructions and accesses are numbered as program()'s are.
  const machine::MachineProgram& program_for(std::uint32_t block_threads) const;
  const SmParameters& parameters() const { return parameters_; }
  // By pattern of an access (address_pattern.h): does it write?
  const std::vector<bool>& writes() const { return writes_; }

 private:
  std::shared_ptr<const analysis::AnalysedModule> module_;
  card::Card card_;
  std::uint32_t function_ = 0;
  machine::LoweringOptions options_;
  machine::MachineProgram program_;
  mutable std::mutex mutex_;
  mutable std::map<std::uint32_t, machine::MachineProgram> narrow_;  // by the most registers; under mutex_
  SmParameters parameters_;
  std::vector<bool> writes_;
};

// Work of a whole grid, from its counts.
struct GridWork {
  double operations = 0;           // machine operations, warps
  double thread_instructions = 0;  // PTX instructions, lanes
  double flops = 0;
  double fp16_flops = 0, fp64_flops = 0, tensor_flops = 0;  // of these
  double tensor_fp16_flops = 0;                             // machine/machine_operation.h
};
GridWork grid_work(const machine::MachineProgram& program, std::span<const analysis::BlockCount> counts,
                   const analysis::AnalysedKernel& kernel);

// Machine operations of one traced block.
std::uint64_t traced_operations(const machine::MachineProgram& program, const analysis::BlockTrace& trace);

}  // namespace doppel::timing
