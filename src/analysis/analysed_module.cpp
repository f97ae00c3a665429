// SPDX-License-Identifier: Apache-2.0
#include "analysis/analysed_module.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <string>

#include "analysis/clock_reads.h"
#include "analysis/data_dependence.h"
#include "analysis/warp_progress.h"
#include "ir/verify.h"

namespace doppel::analysis {
namespace {

bool uses_cluster(ir::Op op) {
  return op == ir::Op::ClusterArrive || op == ir::Op::ClusterWait || op == ir::Op::MapShared;
}

bool uses_reserved_shared(const ir::Operation& operation) {
  return std::ranges::any_of(operation.sources, [](const ir::Operand& operand) {
    return operand.kind == ir::Operand::Kind::Special &&
           operand.special == ir::SpecialRegister::ReservedSmemOffset;
  });
}

// A call to whatever function has its address taken.
bool calls_anything(const ir::Module& module, ir::FunctionId id) {
  return std::ranges::any_of(module.functions[id].operations, [](const ir::Operation& operation) {
    return operation.callee != nullptr && !operation.callee->function &&
           operation.callee->possible_targets.empty();
  });
}

#if !defined(NDEBUG) || defined(DOPPEL_VERIFY_IR)
constexpr bool kVerifies = true;
#else
constexpr bool kVerifies = false;
#endif

// A module, or a module and one of its functions, as a front end made it.
template <typename... Ir>
void expect_valid([[maybe_unused]] const Ir&... made) {
  if constexpr (kVerifies) {
    const std::string wrong = ir::verify(made...);
    if (wrong.empty()) return;
    std::fprintf(stderr, "%s\n", wrong.c_str());
    std::abort();
  }
}

}  // namespace

std::size_t AnalysedKernel::place_of(ir::FunctionId function) const {
  return static_cast<std::size_t>(std::ranges::lower_bound(functions, function) - functions.begin());
}

AnalysedModule::AnalysedModule(ir::Module module, std::shared_ptr<ir::BodySource> bodies)
    : module_(std::move(module)),
      bodies_(std::move(bodies)),
      has_body_(module_.functions.size(), bodies_ == nullptr) {
  // What a front end made. Nothing behind it changes the IR. Bodies that are read late are looked at then.
  if (bodies_ == nullptr) expect_valid(module_);
}

// Whether it had to be read.
bool AnalysedModule::read_body(ir::FunctionId id) const {
  if (has_body_[id]) return false;
  has_body_[id] = true;
  bodies_->read(id, module_.functions[id]);
  expect_valid(module_, module_.functions[id]);
  return true;
}

void AnalysedModule::read_all_bodies() const {
  const std::lock_guard lock(mutex_);
  for (ir::FunctionId id = 0; id < module_.functions.size(); ++id) read_body(id);
}

// What a function reaches is known when its body has been read.
std::vector<ir::FunctionId> AnalysedModule::read_reachable(ir::FunctionId kernel) const {
  for (;;) {
    std::vector<ir::FunctionId> reached = reachable_functions(module_, kernel);
    bool has_read = false;
    for (const ir::FunctionId each : reached) has_read = read_body(each) || has_read;
    if (!has_read) return reached;
    // Any body of the module may say whom such a call can reach.
    if (std::ranges::none_of(reached, [&](ir::FunctionId id) { return calls_anything(module_, id); }))
      continue;
    for (ir::FunctionId id = 0; id < module_.functions.size(); ++id) read_body(id);
  }
}

const ControlFlowGraph& AnalysedModule::graph_under_lock(ir::FunctionId id) const {
  read_body(id);
  auto& graph = graphs_[id];
  if (graph == nullptr)
    graph = std::make_unique<const ControlFlowGraph>(ControlFlowGraph::build(module_.functions.at(id)));
  return *graph;
}

const ControlFlowGraph& AnalysedModule::graph(ir::FunctionId id) const {
  const std::lock_guard lock(mutex_);
  return graph_under_lock(id);
}

const AnalysedKernel& AnalysedModule::kernel(ir::FunctionId id) const {
  const std::lock_guard lock(mutex_);
  auto& entry = kernels_[id];
  if (entry != nullptr) return *entry;
  auto made = std::make_unique<AnalysedKernel>();
  made->id = id;
  made->functions = read_reachable(id);
  std::ranges::sort(made->functions);
  made->shared = shared_layout(module_, id);
  made->local = local_bytes(module_, id);
  made->has_loops = made->functions.size() > 1;
  for (const ir::FunctionId each : made->functions) {
    const ir::Function& function = module_.functions[each];
    made->first_operations.push_back(static_cast<std::uint32_t>(made->operations));
    made->operations += function.operations.size();
    // The graph has no more blocks than the function: those that cannot be reached are missing.
    made->first_slots.push_back(made->counter_slots);
    made->counter_slots += static_cast<std::uint32_t>(function.blocks.size());
    for (const ir::Operation& operation : function.operations) {
      made->reads_clock = made->reads_clock || reads_clock(operation);
      made->uses_cluster = made->uses_cluster || uses_cluster(operation.op);
      made->uses_reserved_shared = made->uses_reserved_shared || uses_reserved_shared(operation);
    }
    if (function.operations.empty()) continue;
    const ControlFlowGraph& graph = graph_under_lock(each);
    made->has_loops = made->has_loops || !graph.reducible() || !graph.loops().empty();
    made->may_wait_for_others = made->may_wait_for_others || loops_on_memory(function, graph);
    std::ranges::copy(spin_loops(each, function, graph), std::back_inserter(made->spin_loops));
  }
  made->follows_data = follows_data(module_.functions[id], graph_under_lock(id));
  entry = std::move(made);
  return *entry;
}

}  // namespace doppel::analysis
