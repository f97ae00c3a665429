// SPDX-License-Identifier: Apache-2.0
#include "device/call_costs.h"

namespace doppel::device {
namespace {

struct NamedCost {
  const card::Host& host;
  double operator()(const EmptyWork& /*work*/) const { return 0; }
  double operator()(const KernelWork& /*work*/) const { return host.calls.launch_us; }
  double operator()(const CopyWork& /*work*/) const { return host.calls.copy_us; }
  double operator()(const MemsetWork& /*work*/) const { return host.calls.fill_us; }
  double operator()(const HostWork& /*work*/) const { return host.calls.host_function_us; }
  double operator()(const EventRecordWork& /*work*/) const { return host.calls.record_us; }
  double operator()(const EventWaitWork& /*work*/) const { return host.calls.record_us; }
  // Where it stands for a whole graph, GraphExec's launch says what that costs.
  double operator()(const ChildGraphWork& /*work*/) const { return 0; }
  double operator()(const AllocateWork& /*work*/) const { return host.memory.pool_allocate_us; }
  double operator()(const FreeWork& /*work*/) const { return host.memory.pool_free_us; }
  // A word written or waited for takes an entry of the queue, as an event does.
  double operator()(const ValueWork& /*work*/) const { return host.calls.record_us; }
  double operator()(const PrefetchWork& /*work*/) const { return host.calls.copy_us; }
};

}  // namespace

double queueing_us(const Work& work, const card::Host& host) { return std::visit(NamedCost{host}, work); }

}  // namespace doppel::device
