// SPDX-License-Identifier: Apache-2.0
#include "device/operation.h"

#include <utility>

namespace doppel::device {

Operation::Operation(std::shared_ptr<Context> context, std::function<Cost()> run, double submitted_us)
    : context_(std::move(context)), run_(std::move(run)), submitted_us_(submitted_us) {}

Cost Operation::run_inside() {
  const auto run = std::exchange(run_, nullptr);
  return run ? run() : Cost{};
}

void Operation::place_inside(double start_us, double end_us) {
  start_us_ = start_us;
  end_us_ = end_us;
  if (on_placed) on_placed(*this);
}

}  // namespace doppel::device
