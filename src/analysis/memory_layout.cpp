// SPDX-License-Identifier: Apache-2.0
#include "analysis/memory_layout.h"

#include <algorithm>
#include <functional>
#include <map>
#include <set>

#include "analysis/shared_layout.h"
#include "support/units.h"

namespace doppel::analysis {
namespace {

using ir::FunctionId;

// Functions that one call may enter.
std::vector<FunctionId> callees(const ir::Module& module, FunctionId function) {
  std::vector<FunctionId> result;
  for (FunctionId id : reachable_functions(module, function)) {
    if (id == function) continue;
    result.push_back(id);
  }
  // Direct calls only, where there are no indirect ones: a chain is shorter than the sum of all that can be
  // reached.
  std::set<FunctionId> direct;
  bool recursive = false, indirect = false;
  for (const ir::Operation& operation : module.functions[function].operations) {
    if (!operation.callee) continue;
    if (!operation.callee->function)
      indirect = true;
    else if (*operation.callee->function == function)
      recursive = true;
    else
      direct.insert(*operation.callee->function);
  }
  if (!indirect) result.assign(direct.begin(), direct.end());
  if (recursive) result.push_back(function);
  return result;
}

}  // namespace

ParameterLayout parameter_layout(const std::vector<ir::Variable>& parameters) {
  ParameterLayout layout;
  for (const ir::Variable& parameter : parameters) {
    layout.size = align_up(layout.size, parameter.alignment);
    layout.offsets.push_back(layout.size);
    layout.size += parameter.size;
  }
  return layout;
}

LocalLayout local_layout(const ir::Function& function) {
  LocalLayout layout;
  for (std::uint32_t index = 0; index < function.variables.size(); ++index) {
    const ir::Variable& variable = function.variables[index];
    if (variable.space != ir::Space::Local) continue;
    layout.bytes = align_up(layout.bytes, variable.alignment);
    layout.variables[index] = layout.bytes;
    layout.bytes += variable.size;
  }
  layout.bytes = align_up(layout.bytes, 16);
  return layout;
}

LocalBytes local_bytes(const ir::Module& module, FunctionId kernel) {
  std::map<FunctionId, std::uint64_t> deepest;
  std::set<FunctionId> open;
  bool recursive = false;
  const std::function<std::uint64_t(FunctionId)> depth = [&](FunctionId id) -> std::uint64_t {
    if (const auto found = deepest.find(id); found != deepest.end()) return found->second;
    if (!open.insert(id).second) {
      recursive = true;
      return 0;
    }
    std::uint64_t below = 0;
    for (FunctionId callee : callees(module, id)) below = std::max(below, depth(callee));
    open.erase(id);
    return deepest[id] = local_layout(module.functions[id]).bytes + below;
  };
  const std::uint64_t chain = depth(kernel);
  return {chain, recursive};
}

}  // namespace doppel::analysis
