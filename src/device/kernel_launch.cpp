// SPDX-License-Identifier: Apache-2.0
// Runs a kernel and predicts what it takes on the card.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <map>
#include <optional>
#include <set>

#include "device/device_launches.h"
#include "device/engine_launch.h"
#include "device/execute.h"
#include "device/flag_use.h"
#include "device/host_clock.h"
#include "device/managed_memory.h"
#include "device/memory_faults.h"
#include "device/module.h"
#include "device/node_report.h"
#include "device/platform.h"
#include "device/prediction_cache.h"
#include "device/run_recorder.h"
#include "device/shared_resource.h"
#include "support/demangle.h"
#include "support/log.h"

namespace doppel::device {
namespace {

std::atomic<std::uint64_t> next_grid{1};

// Of a cooperative launch: its size and its barrier, as cooperative groups read them (%envreg1, %envreg2).
constexpr std::uint64_t kWorkspaceBytes = 256;

}  // namespace

// The first launch of each kind below a launch of the host's is traced: they are predicted together, when
// others may not have been.
struct LaunchTree {
  std::set<PredictionCache::Key> seen;
};

namespace {

// A launch under way: all that outlives the call that made it.
struct LaunchState {
  KernelWork work;
  std::shared_ptr<Context> context;
  std::shared_ptr<Module> module;
  timing::LaunchResources resources;
  ArgumentSignature arguments;
  PredictionCache::Submission submission;
  HostFlags host_flags;
  std::shared_ptr<ManagedMemory::Work> managed_work;  // until it has run
  const card::Card* card = nullptr;                   // as it was set when the launch was submitted
  std::shared_ptr<const timing::KernelModel> model;   // for that
  int settings = 0;
  bool simulated = false;  // predicted by its own traces
  bool timed = false;
  bool in_graph = false;
  int priority = 0;
  bool samples_only = false;  // --predict-only: nothing but what its prediction needs is run
  std::uint64_t grid_id = 0;
  std::unique_ptr<engine::Outcome> outcome;  // from when it has run until it is placed
  LaunchPrediction prediction;
  bool ran = false;
  bool limiter_acts = false;  // its clock follows on the timeline
  std::uint32_t depth = 0;
  std::shared_ptr<LaunchTree> tree;
  // What the kernel launched: run behind it, inside of the same operation.
  struct Child {
    std::shared_ptr<Operation> operation;
    Cost cost;
    std::uint64_t queue = 0;
    bool tail = false;
    double start_us = 0;  // from the start of the kernel that launched it
  };
  std::vector<Child> children;
};

// It is made for every launch: glibc looks through its heap for memory of a kibibyte and more.
static_assert(sizeof(LaunchState) < 1008);

PredictionCache::Key key_of(const LaunchState& state) {
  return {state.work.kernel->function(), state.context->device().ordinal(), state.settings,
          state.resources.config};
}

// In the order that DeviceLaunches gives. Ends early where one of them fails.
void run_children(LaunchState& state, const Operation& parent, DeviceLaunches& launches) {
  if (state.tree == nullptr) state.tree = std::make_shared<LaunchTree>();
  for (DeviceLaunches::Item& item : launches.take()) {
    LaunchState::Child child;
    child.operation = make_operation(std::move(item.work), {.context = state.context,
                                                            .stream_id = parent.stream_id,
                                                            .in_graph = true,
                                                            .depth = state.depth + 1,
                                                            .tree = state.tree});
    child.queue = item.queue;
    child.tail = item.tail;
    child.cost = child.operation->run_inside();
    state.children.push_back(std::move(child));
    if (!state.context->check()) return;
  }
}

double share_of_card(const timing::GridDemand& grid) {
  return std::min(1.0, static_cast<double>(grid.blocks) / static_cast<double>(grid.blocks_at_once));
}

// When each child starts: behind its parent and the one before it in its queue, and where the card has room;
// tails one by one behind all others. Returns the end of the last, from the parent's start.
double place_children(LaunchState& state, double parent_us) {
  SharedResource sms;
  std::map<std::uint64_t, double> ends;  // by queue
  double end_us = parent_us;
  for (LaunchState::Child& child : state.children) {
    if (child.cost.resolve) child.cost.resolve(child.cost);
    const auto before = ends.find(child.queue);
    const double ready = child.tail ? end_us : before != ends.end() ? before->second : parent_us;
    child.start_us =
        sms.take(ready + child.cost.gap_us, child.cost.duration_us, share_of_card(child.cost.grid));
    const double child_end_us = child.start_us + child.cost.duration_us;
    if (!child.tail) ends[child.queue] = child_end_us;
    end_us = std::max(end_us, child_end_us);
  }
  return end_us;
}

// Of NVIDIA's list of XID errors; 0: the driver tells of none.
std::uint64_t xid_of(engine::Fault::Kind kind) {
  using Kind = engine::Fault::Kind;
  if (kind == Kind::IllegalAddress) return 31;      // a fault of the memory's page tables
  if (kind == Kind::UncorrectableMemory) return 0;  // the node tells of it (node/ecc.h)
  const bool of_host = kind == Kind::Cancelled || kind == Kind::HostOutOfMemory;
  return of_host ? 0 : 13;  // an exception of the SMs
}

void report_fault(LaunchState& state, const engine::Fault& fault) {
  Context& context = *state.context;
  context.set_fault(fault);
  // The process ends: that is no fault of the kernel's.
  if (context.platform().cancelled()) return;
  if (NodeReport* node = context.platform().node(); node != nullptr && xid_of(fault.kind) != 0)
    node->faulted(context.device().ordinal(), xid_of(fault.kind));
  context.flush_output();
  if (fault.kind == engine::Fault::Kind::Assert) {
    // The driver writes it to standard error, where the program's user looks for it.
    std::fputs((fault.message + "\n").c_str(), stderr);
  }
  const std::string text = engine::describe(fault);
  log().error("{}", text);
  context.platform().recorder().diagnostic(
      context.device().ordinal(),
      fault.kind == engine::Fault::Kind::IllegalAddress        ? "illegal address"
      : fault.kind == engine::Fault::Kind::UncorrectableMemory ? "uncorrectable ECC error"
                                                               : "fault",
      text);
}

engine::Fault fault_of_error(const LaunchState& state, const Error& error) {
  engine::Fault fault;
  fault.kind = error.kind == Error::Kind::OutOfMemory ? engine::Fault::Kind::HostOutOfMemory
                                                      : engine::Fault::Kind::Trap;
  fault.kernel = state.work.kernel->name();
  fault.message = error.message;
  return fault;
}

// In the order of submission, when the launches before it are placed.
void predict(LaunchState& state) {
  Device& device = state.context->device();
  PredictionCache::Answer answer = state.module->program()->predictions().predict(
      {key_of(state), *state.card, state.model, state.resources, state.context->platform().options().depth,
       state.arguments, device.memory().base(), std::move(*state.outcome)},
      device.l2());
  state.outcome = nullptr;
  const Migration moved = state.context->platform().managed().touch(device, answer.ranges);
  state.prediction = with_migration(*state.card, state.resources, std::move(answer.prediction), moved);
  state.simulated = answer.simulated;
}

// By which memory it waits for others, and others for it.
std::shared_ptr<const FlagUse> flags_of(LaunchState& state, const engine::Outcome& outcome) {
  if (!state.timed) return nullptr;
  const memory::AddressSpace& memory = state.context->device().memory();
  KnownFlags& known = state.module->program()->flags();
  FlagUse use;
  if (outcome.traces.empty()) {
    use = known.of(key_of(state), state.arguments);
  } else {
    use = flag_use(timing::flag_accesses(*state.model, outcome.traces), memory,
                   state.context->device().peers());
    if (!use.empty()) known.note(key_of(state), state.arguments, use);
  }
  if (use.empty()) return nullptr;
  use.changed_on_host = state.host_flags.changed(use.polled);
  return std::make_shared<const FlagUse>(std::move(use));
}

Cost run_launch(LaunchState& state, Operation& operation) {
  Context& context = *state.context;
  Platform& platform = context.platform();
  if (!context.check()) return {};
  const card::Card& card = *state.card;
  for (int i = 0; i < platform.device_count(); ++i) {
    MemoryFaults& faults = platform.device(i).memory_faults();
    &platform.device(i) == &context.device() ? faults.begin_launch() : faults.look();
  }

  engine::Launch launch = engine_launch(context, *state.module, state.work, state.resources);
  std::uint64_t workspace = 0;
  if (state.work.config.cooperative) {
    const auto made =
        context.device().memory().allocate(kWorkspaceBytes, kWorkspaceBytes, memory::AllocationKind::Pool);
    if (!made) {
      report_fault(state, fault_of_error(state, made.error()));
      return {};
    }
    workspace = *made;
    std::memset(reinterpret_cast<void*>(workspace), 0, kWorkspaceBytes);
  }
  launch.grid_workspace = workspace;
  launch.grid_id = state.grid_id;
  launch.waiting = &operation.waiting;
  launch.globaltimer_ns = std::max(static_cast<std::uint64_t>(operation.submitted_us() * 1000),
                                   context.device().latest_globaltimer_ns());

  std::optional<DeviceLaunches> launches;
  if (state.module->program()->launches_kernels()) {
    launches.emplace(state.context, state.module, state.depth);
    launch.device_runtime = &*launches;
  }

  std::vector<std::uint64_t> samples;
  if (state.submission.traced)
    samples = timing::plan_samples(card, state.resources, platform.options().depth);
  launch.traced_blocks = samples;
  launch.measure_blocks = state.submission.traced;
  launch.traced_only = state.samples_only;

  std::atomic<bool> cancel{false};
  launch.cancel = &cancel;
  Result<engine::Outcome> outcome = [&]() -> Result<engine::Outcome> {
    // It takes the time of one that was sampled.
    if (state.samples_only && samples.empty()) return engine::Outcome{};
    const texture::ObjectTable::Reader reader(context.device().textures());
    Platform::Watch watch(platform, cancel);
    launch.starts = [&watch] { watch.starts(); };
    return platform.engine().run(launch);
  }();
  if (workspace != 0) (void)context.device().memory().free(workspace);
  if (outcome) context.device().note_globaltimer(outcome->latest_globaltimer_ns);
  if (!outcome) {
    report_fault(state, fault_of_error(state, outcome.error()));
    return {};
  }
  if (outcome->fault) {
    if (outcome->fault->kind == engine::Fault::Kind::Cancelled) {
      outcome->fault->message =
          fmt::format("it ran for longer than the time-out of {} s", platform.options().timeout_s);
    }
    report_fault(state, *outcome->fault);
    return {};
  }

  state.ran = true;
  operation.flags = flags_of(state, *outcome);
  if (launches) run_children(state, operation, *launches);
  Cost cost;
  cost.lane = Lane::Compute;
  cost.grid = grid_demand(card, state.resources);
  cost.grid.priority = state.priority;
  cost.gap_us = state.in_graph ? card.launch.graph_gap_us : card.launch.gap_us;
  if (!state.timed) return cost;
  state.outcome = std::make_unique<engine::Outcome>(*std::move(outcome));
  if (state.samples_only && !state.outcome->traces.empty()) {
    state.outcome->counts = timing::counts_of_grid(*state.model, state.work.config.grid.count(),
                                                   state.outcome->traces, state.outcome->counts);
  }
  // Its time depends on what the launches and copies submitted before it left in L2, whatever order they ran
  // in.
  cost.resolves_slowly = state.submission.traced;
  cost.resolve = [&state](Cost& resolved) {
    predict(state);
    add_rates(resolved.grid, *state.card, state.resources, state.prediction.timing);
    if (state.children.empty() && state.depth == 0 && state.prediction.power.power_bound) {
      // The timeline knows what the limiter lets it do.
      state.limiter_acts = true;
      resolved.duration_us = state.prediction.burst.time_us;
    } else {
      resolved.duration_us = place_children(state, state.prediction.timing.time_us);
    }
    add_power(resolved.grid, *state.card, state.prediction);
    if (!state.limiter_acts) resolved.grid.limited_time = 1;
  };
  return cost;
}

// The managed memory that it may touch: what its arguments point to, and variables; any, where it takes
// addresses from memory, launches kernels, or another card's memory may be meant.
std::shared_ptr<ManagedMemory::Work> begin_managed_work(const LaunchState& state) {
  Platform& platform = state.context->platform();
  if (!platform.managed().any()) return nullptr;
  const memory::AddressSpace& memory = state.context->device().memory();
  std::vector<std::uint64_t> areas;
  for (const PointerArgument& pointer : state.arguments.pointers) areas.push_back(pointer.allocation);
  const bool any = state.model->follows_data() || state.module->program()->launches_kernels() ||
                   platform.device_count() > 1;
  if (any) {
    areas.clear();
  } else {
    for (const std::uint64_t variable : memory.managed_variables()) areas.push_back(variable);
    // None of them: it has no part in managed memory.
    if (areas.empty()) areas.push_back(0);
  }
  return platform.managed().begin_work(std::move(areas));
}

}  // namespace

std::shared_ptr<Operation> make_kernel_operation(KernelWork the_work, const Submission& submission) {
  Platform& platform = submission.context->platform();
  auto state = std::make_shared<LaunchState>();
  state->work = std::move(the_work);
  const KernelWork& work = state->work;
  state->context = submission.context;
  state->module = work.kernel->module();
  const Device::Settings& settings = submission.context->device().look_at_settings();
  state->settings = settings.number;
  state->card = &settings.card;
  state->model = work.kernel->model(settings.card);
  if (settings.number != 0)
    platform.recorder().note_limit(submission.context->device().ordinal(), settings.card.power.limit_w);
  state->resources = work.kernel->resources(work.config);
  state->in_graph = submission.in_graph;
  state->priority = submission.priority;
  state->depth = submission.depth;
  state->tree = submission.tree;
  state->grid_id = next_grid++;
  work.kernel->note_launch(platform.compilations());
  state->timed = platform.options().depth != timing::Depth::Off && !platform.options().check;
  if (state->timed) {
    Program& program = *state->module->program();
    const PredictionCache::Key key = key_of(*state);
    state->arguments = argument_signature(work.parameters, submission.context->device().memory());
    state->submission = program.predictions().submit(key, state->arguments.value, *state->model);
    // Blocks that wait for others need them, and so do kernels that say what is launched next.
    const analysis::AnalysedKernel& analysed = program.analysed()->kernel(work.kernel->function());
    state->samples_only = platform.options().predict_only && !work.config.cooperative &&
                          !analysed.may_wait_for_others && !program.launches_kernels();
    if (analysed.may_wait_for_others)
      state->host_flags = HostFlags(state->arguments, submission.context->device().memory());
    if (state->tree != nullptr && state->tree->seen.insert(key).second) state->submission.traced = true;
  }
  auto operation = std::make_shared<Operation>(submission.context, nullptr, platform.clock().now_us());
  operation->stream_id = submission.stream_id;
  if (platform.options().keep_timeline) operation->name = demangled(work.kernel->name());
  if (state->timed && state->depth == 0) state->managed_work = begin_managed_work(*state);
  operation->set_run([state, self = operation.get()] {
    const NodeReport::Running running(state->context->platform().node(), state->context->device().ordinal());
    const Cost cost = run_launch(*state, *self);
    state->managed_work = nullptr;
    return cost;
  });
  platform.recorder().launch_begun(submission.context->device().ordinal(), work.kernel->name());
  operation->on_placed = [state](const Operation& placed) {
    Platform& owner = state->context->platform();
    // What the end of the process cut off stays unfinished.
    if (state->ran || !owner.cancelled())
      owner.recorder().launch_placed(state->context->device().ordinal(), state->work.kernel->name());
    if (!state->ran) return;
    if (state->limiter_acts)
      state->prediction = limited(*state->card, std::move(state->prediction), placed.limited_share());
    state->context->platform().recorder().kernel(
        {state->context->device().ordinal(), placed.stream_id, placed.start_us(),
         state->children.empty() ? placed.end_us() : placed.start_us() + state->prediction.timing.time_us},
        state->work.kernel->name(), state->resources, state->prediction.timing, state->prediction.power,
        state->simulated);
    for (const LaunchState::Child& child : state->children) {
      const double start_us = placed.start_us() + child.start_us;
      child.operation->place_inside(start_us, start_us + child.cost.duration_us);
    }
  };
  return operation;
}

}  // namespace doppel::device
