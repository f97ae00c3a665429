// SPDX-License-Identifier: Apache-2.0
// What a launch left for its prediction.
#pragma once

#include <memory>
#include <string>

#include "analysis/analysed_module.h"
#include "card/card.h"
#include "device/launch_prediction.h"
#include "doppel/session.h"
#include "engine/engine.h"
#include "timing/l2_history.h"

namespace doppel {

struct Trace::Implementation {
  std::shared_ptr<const analysis::AnalysedModule> module;
  std::uint32_t function = 0;
  LaunchConfig config;
  engine::Outcome outcome;  // counts of the whole grid
};

namespace session {

// On a card whose L2 has seen `l2`; the launch is added to it.
Prediction predict(const Trace::Implementation& trace, const timing::KernelModel& model,
                   const timing::LaunchResources& launch, const card::Card& card, timing::L2History& l2);

}  // namespace session
}  // namespace doppel
