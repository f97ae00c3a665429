#include "runner.h"

#include <algorithm>
#include <cstdlib>
#include <stdexcept>

#include "card/occupancy.h"
#include "frontend/ptx/parse.h"
#include "frontend/ptx/to_ir.h"

namespace doppel::truth {
namespace {

constexpr std::uint64_t kMemory = std::uint64_t{40} << 30;

}  // namespace

Runner::Runner(const char* ptx) {
  auto module = ptx::parse(ptx);
  if (!module) throw std::runtime_error(ptx::to_string(module.error().diagnostics.front()));
  module_ = std::make_shared<const analysis::AnalysedModule>(ptx::to_ir(std::move(*module)));
  jit::Options options;
  if (const char* const cache = std::getenv("DOPPEL_CACHE");
      cache != nullptr && std::string_view(cache) != "off")
    options.cache_directory = cache;
  auto compiled = jit::CompiledModule::create(module_, options);
  if (!compiled) throw std::runtime_error(compiled.error().message);
  compiled_ = *compiled;
  auto memory = memory::AddressSpace::create(0, kMemory);
  if (!memory) throw std::runtime_error(memory.error().message);
  memory_ = std::move(*memory);
  for (const ir::Variable& variable : module_->ir().variables) {
    const bool placed = variable.space == ir::Space::Global || variable.space == ir::Space::Const;
    symbols_.push_back(placed ? allocate(std::max<std::uint64_t>(variable.size, 1)) : 0);
  }
}

std::uint64_t Runner::allocate(std::uint64_t bytes) {
  const auto address = memory_->allocate(bytes, 512, memory::AllocationKind::Device);
  if (!address) throw std::runtime_error(address.error().message);
  return *address;
}

void Runner::free(std::uint64_t address) { static_cast<void>(memory_->free(address)); }

std::uint32_t Runner::find(const std::string& kernel) const {
  for (std::uint32_t id = 0; id < module_->ir().functions.size(); ++id) {
    if (module_->ir().functions[id].name == kernel && module_->ir().functions[id].is_kernel) return id;
  }
  throw std::runtime_error("no kernel " + kernel);
}

std::uint32_t Runner::shared_bytes_for(const card::Card& card, const std::string& kernel, int blocks) {
  const auto model = timing::KernelModel::build(module_, find(kernel), card);
  std::uint32_t bytes = 1024;
  for (;; bytes += 256) {
    const card::BlockResources block{32, static_cast<int>(model->registers_per_thread()), bytes};
    if (card::occupancy(card, block).blocks_per_sm <= blocks) return bytes;
  }
}

timing::Prediction Runner::predict(const card::Card& card, const Launch& launch) {
  const std::uint32_t function = find(launch.kernel);
  const auto model = timing::KernelModel::build(module_, function, card);
  const timing::LaunchResources resources = model->resources(
      {.grid = launch.grid, .block = launch.block, .dynamic_shared_bytes = launch.dynamic_shared_bytes});
  const std::vector<std::uint64_t> samples = timing::plan_samples(card, resources, timing::Depth::Fast);

  engine::Launch run;
  run.module = compiled_;
  run.function = function;
  run.config = resources.config;
  run.parameters = launch.parameters;
  run.symbols = symbols_;
  run.memory = memory_.get();
  run.sm_count = static_cast<std::uint32_t>(card.sm_count);
  run.clock_hz = card.clocks.sustained_mhz * 1e6;
  run.traced_only = true;
  const auto run_blocks = [&](std::span<const std::uint64_t> blocks) {
    run.traced_blocks = blocks;
    auto outcome = engine_.run(run);
    if (!outcome) throw std::runtime_error(outcome.error().message);
    if (outcome->fault) throw std::runtime_error(engine::describe(*outcome->fault));
    return std::move(*outcome);
  };
  const engine::Outcome traced = run_blocks(samples);
  // The blocks of these kernels are alike but for the last one: their mean stands for the grid.
  std::vector<analysis::BlockCount> counts = traced.counts;
  std::uint64_t counted = samples.size();
  if (samples.size() > 1) {
    const engine::Outcome inner = run_blocks(std::span(samples).first(samples.size() - 1));
    counts = inner.counts;
    --counted;
  }
  const double scale = static_cast<double>(launch.grid.count()) / static_cast<double>(counted);
  for (analysis::BlockCount& count : counts) {
    count.warps = static_cast<std::uint64_t>(static_cast<double>(count.warps) * scale);
    count.lanes = static_cast<std::uint64_t>(static_cast<double>(count.lanes) * scale);
  }
  // The measured programs repeat each launch; the first one does not count.
  timing::L2History l2(card.l2.bytes, card.l2.ways);
  l2.touch(timing::touched_memory(*model, launch.grid, traced.traces));
  return timing::predict(card, *model, resources, {traced.traces, counts, {}}, l2, timing::Depth::Fast);
}

}  // namespace doppel::truth
