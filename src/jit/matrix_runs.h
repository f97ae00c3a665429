// SPDX-License-Identifier: Apache-2.0
// Products of matrices of a block that are made by one call: then what the engine makes of their factors, it
// makes once. They follow each other with nothing between them but what neither needs them nor changes what
// they read, such as the loads of the next ones' factors; all are made where the last of them stands.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "analysis/control_flow_graph.h"
#include "ir/operation.h"

namespace doppel::jit {

class FunctionEmitter;

// The registers of a product.
struct MatrixFactors {
  explicit MatrixFactors(const ir::Operation& product);
  std::span<const ir::Operand> a, b, c, selectors;
};

struct MatrixRun {
  std::uint32_t last = 0;  // operation of the function
  // As RuntimeCallbacks::multiply_run has them; empty where there is but one product.
  std::vector<std::uint32_t> words;
};

class MatrixRuns {
 public:
  explicit MatrixRuns(FunctionEmitter& emitter) : emitter_(emitter) {}
  // That which the product belongs to: the same whenever it is asked for.
  const MatrixRun& of(std::uint32_t operation);

 private:
  void find_in(analysis::BlockId block);

  FunctionEmitter& emitter_;
  std::vector<bool> looked_at_;  // blocks
  std::vector<MatrixRun> runs_;
  std::map<std::uint32_t, std::size_t> run_of_;  // by operation
};

}  // namespace doppel::jit
