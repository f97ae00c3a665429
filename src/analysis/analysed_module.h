// SPDX-License-Identifier: Apache-2.0
// What is found out about a module whatever the launch: once for all that compile, run and time its kernels.
// What depends on the launch's shape is in analysed_function.h.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "analysis/control_flow_graph.h"
#include "analysis/memory_layout.h"
#include "analysis/shared_layout.h"
#include "analysis/spin_loops.h"
#include "ir/bodies.h"
#include "ir/module.h"

namespace doppel::analysis {

// A kernel with the functions that it can reach.
struct AnalysedKernel {
  ir::FunctionId id = 0;
  std::vector<ir::FunctionId> functions;  // that it can reach, itself among them, ascending
  // Where counters of blocks stand: that of block b of functions[i] in place first_slots[i] + b.
  std::vector<std::uint32_t> first_slots;
  std::uint32_t counter_slots = 0;
  // How traces number operations, so that each says itself which function it is of: operation i of
  // functions[f] is first_operations[f] + i.
  std::vector<std::uint32_t> first_operations;
  SharedLayout shared;
  LocalBytes local;
  std::uint64_t operations = 0;  // of all these functions
  bool reads_clock = false;      // %clock or its like, or nanosleep
  bool uses_cluster = false;     // its barrier, or addresses in its blocks: a block alone is a cluster then
  bool uses_reserved_shared = false;  // %reserved_smem_offset_begin and its like
  bool has_loops = false;             // or calls: its blocks can differ much in what they run
  bool follows_data = false;          // data_dependence.h
  bool may_wait_for_others = false;   // it loops until memory says what another thread may write there
  std::vector<SpinLoop> spin_loops;   // of these functions, ascending by function and header

  // Of a function that it can reach.
  std::uint32_t first_slot(ir::FunctionId function) const { return first_slots[place_of(function)]; }
  std::uint32_t first_operation(ir::FunctionId function) const {
    return first_operations[place_of(function)];
  }
  std::size_t place_of(ir::FunctionId function) const;  // among functions
};

// Everything is made when it is first asked for, and lives as long as this. Thread-safe.
//
// Bodies, too, may be read late: those of the functions that a kernel can reach are there when kernel() has
// answered. Of all others, ir() may have no more than their heads.
class AnalysedModule {
 public:
  // bodies: of the functions that have none yet; null: the module is whole.
  explicit AnalysedModule(ir::Module module, std::shared_ptr<ir::BodySource> bodies = nullptr);
  AnalysedModule(const AnalysedModule&) = delete;
  AnalysedModule& operator=(const AnalysedModule&) = delete;

  const ir::Module& ir() const { return module_; }
  const AnalysedKernel& kernel(ir::FunctionId id) const;
  void read_all_bodies() const;
  // Of a function with a body: its blocks as traces and counters number them.
  const ControlFlowGraph& graph(ir::FunctionId id) const;

 private:
  // With mutex_ held.
  const ControlFlowGraph& graph_under_lock(ir::FunctionId id) const;
  bool read_body(ir::FunctionId id) const;
  std::vector<ir::FunctionId> read_reachable(ir::FunctionId kernel) const;

  mutable std::mutex mutex_;
  mutable ir::Module module_;  // a body is written once, before anybody else knows of it
  std::shared_ptr<ir::BodySource> bodies_;
  mutable std::vector<bool> has_body_;
  mutable std::map<ir::FunctionId, std::unique_ptr<const ControlFlowGraph>> graphs_;
  mutable std::map<ir::FunctionId, std::unique_ptr<const AnalysedKernel>> kernels_;
};

}  // namespace doppel::analysis
