// SPDX-License-Identifier: Apache-2.0
#include "device/kernel_record.h"

#include "support/demangle.h"

namespace doppel::device {
namespace {

CodeRecord record_of(const timing::CodeCost& cost) {
  CodeRecord record;
  record.function = demangled(cost.function);
  record.line = static_cast<int>(cost.line);
  record.source = cost.source;
  record.instruction = cost.instruction;
  record.share = cost.share;
  record.issued = cost.issued;
  if (cost.stalled > 0) record.stall = std::string(timing::name_of(cost.stall));
  record.stalled = cost.stalled;
  record.transfers = cost.transfers;
  record.least_transfers = cost.least_transfers;
  record.shared_memory = cost.is_shared_memory;
  return record;
}

}  // namespace

ExplanationRecord record_of(const timing::Explanation& known) {
  ExplanationRecord record;
  record.simulated = known.simulated;
  record.achieved_occupancy = known.achieved_occupancy;
  record.working_sms = known.working_sms;
  record.slots.push_back({"issuing", known.issuing});
  for (std::size_t i = 0; i < known.stalled.size(); ++i)
    record.slots.push_back({std::string(timing::name_of(static_cast<timing::Stall>(i))), known.stalled[i]});
  record.slots.push_back({"idle", known.idle});
  for (const auto& [bound, share] : known.candidates)
    record.candidates.push_back({std::string(timing::name_of(bound)), share});
  for (const timing::CodeCost& cost : known.instructions) record.instructions.push_back(record_of(cost));
  for (const timing::CodeCost& cost : known.lines) record.lines.push_back(record_of(cost));
  for (const timing::BlockCost& cost : known.blocks) {
    record.blocks.push_back({demangled(cost.function), static_cast<int>(cost.block),
                             static_cast<int>(cost.first_line), static_cast<int>(cost.last_line), cost.share,
                             cost.warps});
  }
  return record;
}

void describe(KernelRecord& record, const timing::LaunchResources& launch,
              const timing::Prediction& prediction) {
  const Dim3 &grid = launch.config.grid, &block = launch.config.block;
  record.grid = {grid.x, grid.y, grid.z};
  record.block = {block.x, block.y, block.z};
  record.bound = std::string(timing::name_of(prediction.bound));
  record.registers = static_cast<int>(prediction.registers);
  record.spilled_bytes = static_cast<int>(prediction.spilled_bytes);
  record.shared_bytes = static_cast<int>(launch.shared_bytes);
  record.occupancy = prediction.occupancy;
  record.occupancy_limit = prediction.occupancy_limit;
  record.waves = prediction.waves;
  record.utilisation.clear();
  for (const auto& [unit, share] : prediction.utilisation)
    record.utilisation.push_back({std::string(timing::name_of(unit)), share});
}

}  // namespace doppel::device
