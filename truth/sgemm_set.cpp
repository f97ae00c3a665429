// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <array>
#include <cstdio>

#include "inputs.h"
#include "runner.h"
#include "sets.h"
#include "shapes.h"
#include "truth_kernels.h"

namespace doppel::truth {

std::vector<Row> run_sgemm() {
  const Card card = find_card("rtx-a6000");
  Runner runner(card, kSgemmStepsPtx);
  const std::uint64_t bytes = std::uint64_t{kSgemmSize} * kSgemmSize * sizeof(float);
  const Buffer a = runner.allocate(bytes), b = runner.allocate(bytes), c = runner.allocate(bytes);
  std::ifstream in = open("sgemm-a6000.csv");
  std::vector<Row> rows;
  for (std::string line; std::getline(in, line);) {
    int step = 0;
    double gflops = 0;
    const std::size_t last = line.rfind(',');
    if (std::sscanf(line.c_str(), "%d,", &step) != 1 || step < 1 || step > 6 || last == std::string::npos)
      continue;
    gflops = std::stod(line.substr(last + 1));
    const SgemmStep& what = kSgemmSteps[static_cast<std::size_t>(step - 1)];
    const Prediction prediction = runner.predict({what.kernel,
                                                  {kSgemmSize / what.tile, kSgemmSize / what.tile, 1},
                                                  {what.block.x, what.block.y, what.block.z},
                                                  {a, b, c, static_cast<int>(kSgemmSize), 2.0F, 0.5F}});
    rows.push_back({fmt::format("step {}", step), gflops,
                    2.0 * kSgemmSize * kSgemmSize * kSgemmSize / prediction.time_us * 1e-3, "GFLOP/s",
                    note_of(prediction)});
  }
  return rows;
}

}  // namespace doppel::truth
