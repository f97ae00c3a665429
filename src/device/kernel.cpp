// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <limits>

#include "card/occupancy.h"
#include "device/compilations.h"
#include "device/context.h"
#include "device/module.h"

namespace doppel::device {
namespace {

std::uint64_t align_up(std::uint64_t value, std::uint64_t alignment) {
  alignment = std::max<std::uint64_t>(alignment, 1);
  return (value + alignment - 1) / alignment * alignment;
}

}  // namespace

Kernel::Kernel(std::weak_ptr<Module> module, std::uint32_t function)
    : module_(std::move(module)),
      program_(module_.lock()->program()),
      card_(&module_.lock()->context().device().card()),
      function_(function) {
  for (const ir::Variable& parameter : ir().parameters) {
    const std::uint64_t offset = align_up(parameter_bytes_, parameter.alignment);
    parameters_.push_back({offset, parameter.size});
    parameter_bytes_ = offset + parameter.size;
  }
}

std::uint64_t Kernel::static_shared() const {
  return program_->analysed()->kernel(function_).shared.static_bytes;
}

std::uint32_t Kernel::max_dynamic_shared_bytes() const {
  if (max_dynamic_shared_) return *max_dynamic_shared_;
  const auto without_opting_in = static_cast<std::uint64_t>(card_->shared.bytes_per_block);
  return static_cast<std::uint32_t>(without_opting_in - std::min(without_opting_in, static_shared()));
}

const ir::Function& Kernel::ir() const { return program_->ir().functions[function_]; }
const std::string& Kernel::name() const { return ir().name; }

void Kernel::note_launch(Compilations& compilations) {
  if (!launched_.exchange(true)) compilations.launched(program_->ir(), function_);
}

bool Kernel::takes_first_launch() const {
  const auto of = module_.lock();
  return of != nullptr && of->take_first_launch();
}

const Kernel::Fixed& Kernel::fixed() const {
  std::call_once(fixed_once_, [this] {
    fixed_.model = program_->model(function_, *card_);
    fixed_.attributes = fixed_attributes(*fixed_.model);
  });
  return fixed_;
}

std::shared_ptr<const timing::KernelModel> Kernel::model(const card::Card& as_set) const {
  if (&as_set == card_) return model();
  const std::lock_guard lock(as_set_mutex_);
  if (as_set_ != &as_set) {
    model_as_set_ = program_->model(function_, as_set);
    as_set_ = &as_set;
  }
  return model_as_set_;
}

KernelAttributes Kernel::attributes() const {
  KernelAttributes result = fixed().attributes;
  result.max_dynamic_shared_bytes = max_dynamic_shared_bytes();
  result.preferred_carveout = carveout_;
  const auto& bounds = ir().bounds;
  for (std::size_t axis = 0; axis < 3; ++axis)
    result.required_cluster[axis] =
        bounds.required_cluster[0] != 0 ? bounds.required_cluster[axis] : cluster_[axis];
  result.cluster_must_be_set = bounds.explicit_cluster && result.required_cluster[0] == 0;
  result.non_portable_cluster = non_portable_cluster_;
  return result;
}

KernelAttributes Kernel::fixed_attributes(const timing::KernelModel& model) const {
  KernelAttributes result;
  result.registers = model.registers_per_thread();
  result.local_bytes = model.spilled_bytes();
  result.shared_bytes = static_shared();
  for (const ir::Variable& variable : program_->ir().variables) {
    if (variable.space == ir::Space::Const)
      result.const_bytes = align_up(result.const_bytes, variable.alignment) + variable.size;
  }
  for (const std::uint32_t each : program_->analysed()->kernel(function_).functions) {
    for (const ir::Variable& variable : program_->ir().functions[each].variables) {
      if (variable.space == ir::Space::Local)
        result.local_bytes = align_up(result.local_bytes, variable.alignment) + variable.size;
    }
  }
  // What its registers would allow is not asked: they are an estimate, and a larger block gets fewer.
  int threads = card_->sm.max_threads_per_block;
  const auto& bounds = ir().bounds;
  for (const auto& limit : {bounds.max_threads, bounds.required_threads}) {
    if (limit[0] == 0) continue;
    const std::uint64_t product = std::uint64_t{limit[0]} * std::max(limit[1], 1u) * std::max(limit[2], 1u);
    threads = static_cast<int>(std::min<std::uint64_t>(static_cast<std::uint64_t>(threads), product));
  }
  result.max_threads_per_block = static_cast<std::uint32_t>(threads);
  const std::string& target = program_->ir().target;
  result.ptx_version = target.size() > 3 ? std::atoi(target.c_str() + 3) : 0;
  result.binary_version = card_->compute_capability.number();
  return result;
}

Result<void> Kernel::set_max_dynamic_shared_bytes(std::uint32_t bytes) {
  const auto most = static_cast<std::uint64_t>(card_->shared.bytes_per_block_optin);
  if (bytes + static_shared() > most) {
    return fail(
        Error::Kind::InvalidArgument,
        fmt::format("{} dynamic and {} static bytes of shared memory: a block of this card has at most {}",
                    bytes, static_shared(), most));
  }
  max_dynamic_shared_ = bytes;
  return {};
}

Result<void> Kernel::set_required_cluster(int axis, int blocks) {
  if (ir().bounds.required_cluster[0] != 0)
    return fail(Error::Kind::NotPermitted,
                fmt::format("kernel '{}' says itself in which clusters it runs", name()));
  if (blocks < 0) return fail(Error::Kind::InvalidArgument, "a cluster of a negative number of blocks");
  cluster_[static_cast<std::size_t>(axis)] = static_cast<std::uint32_t>(blocks);
  return {};
}

LaunchConfig Kernel::in_clusters(LaunchConfig config) const {
  const auto required = attributes().required_cluster;
  const bool any = std::ranges::any_of(required, [](std::uint32_t blocks) { return blocks > 1; });
  if (config.cluster.count() == 1 && any)
    config.cluster = {std::max(required[0], 1U), std::max(required[1], 1U), std::max(required[2], 1U)};
  return config;
}

Result<void> Kernel::check_cluster(const LaunchConfig& config) const {
  const Dim3& cluster = config.cluster;
  const KernelAttributes known = attributes();
  const auto most = static_cast<std::uint64_t>(card_->sm.max_cluster_blocks);
  if (cluster.count() > 1 && most == 0)
    return fail(Error::Kind::NotSupported,
                fmt::format("kernel '{}': a cluster of {} blocks: {} has no thread block "
                            "clusters",
                            name(), cluster.count(), card_->name));
  if (known.cluster_must_be_set && cluster.count() == 1)
    return fail(Error::Kind::InvalidArgument,
                fmt::format("kernel '{}' has to be launched in clusters (.explicitcluster)", name()));
  if (cluster.count() == 1) return {};
  if (cluster.count() > most)
    return fail(Error::Kind::ClusterSize,
                fmt::format("kernel '{}': a cluster of {} blocks: the card has at most {}", name(),
                            cluster.count(), most));
  const std::uint32_t limit = ir().bounds.max_cluster_blocks;
  if (limit != 0 && cluster.count() > limit)
    return fail(Error::Kind::ClusterSize,
                fmt::format("kernel '{}': a cluster of {} blocks: its .maxclusterrank allows {}", name(),
                            cluster.count(), limit));
  const std::uint32_t blocks[] = {cluster.x, cluster.y, cluster.z};
  const std::uint32_t grid[] = {config.grid.x, config.grid.y, config.grid.z};
  for (std::size_t axis = 0; axis < 3; ++axis) {
    const char letter = static_cast<char>('x' + axis);
    if (known.required_cluster[0] != 0 && known.required_cluster[axis] != 0 &&
        known.required_cluster[axis] != blocks[axis])
      return fail(Error::Kind::InvalidArgument,
                  fmt::format("kernel '{}': a cluster of {} blocks in {}: it requires {}", name(),
                              blocks[axis], letter, known.required_cluster[axis]));
    if (grid[axis] % blocks[axis] != 0)
      return fail(Error::Kind::InvalidArgument,
                  fmt::format("kernel '{}': a grid of {} blocks in {} is not made of clusters of {}", name(),
                              grid[axis], letter, blocks[axis]));
  }
  return {};
}

// The blocks of a cluster lie in one GPC. How many SMs each GPC of a card has is not known, so that clusters
// which do not go into their number evenly count as if the chip were one.
Result<int> Kernel::max_active_clusters(LaunchConfig config) const {
  config = in_clusters(config);
  if (auto good = check_cluster(config); !good) return tl::unexpected(good.error());
  auto per_sm =
      max_active_blocks(static_cast<std::uint32_t>(config.block.count()), config.dynamic_shared_bytes);
  if (!per_sm) return per_sm;
  return static_cast<int>(static_cast<std::uint64_t>(*per_sm) * static_cast<std::uint64_t>(card_->sm_count) /
                          config.cluster.count());
}

Result<int> Kernel::max_cluster_blocks(LaunchConfig config) const {
  if (card_->sm.max_cluster_blocks == 0)
    return fail(Error::Kind::NotSupported, fmt::format("{} has no thread block clusters", card_->name));
  auto per_sm =
      max_active_blocks(static_cast<std::uint32_t>(config.block.count()), config.dynamic_shared_bytes);
  if (!per_sm || *per_sm == 0) return per_sm;
  const auto limit = static_cast<int>(ir().bounds.max_cluster_blocks);
  return limit == 0 ? card_->sm.max_cluster_blocks : std::min(limit, card_->sm.max_cluster_blocks);
}

Result<std::vector<std::byte>> Kernel::pack(void* const* values) const {
  std::vector<std::byte> buffer(std::max<std::uint64_t>(parameter_bytes_, 8));
  if (!parameters_.empty() && values == nullptr)
    return fail(Error::Kind::InvalidArgument,
                fmt::format("kernel '{}' has {} parameters, none are given", name(), parameters_.size()));
  for (std::size_t index = 0; index < parameters_.size(); ++index) {
    if (values[index] == nullptr)
      return fail(Error::Kind::InvalidArgument,
                  fmt::format("parameter {} of kernel '{}' is a null pointer", index, name()));
    std::memcpy(buffer.data() + parameters_[index].offset, values[index], parameters_[index].bytes);
  }
  return buffer;
}

Result<std::vector<std::byte>> Kernel::pack(const void* packed, std::size_t bytes) const {
  if (bytes < parameter_bytes_) {
    // Trailing padding may be left out.
    const std::uint64_t needed =
        parameters_.empty() ? 0 : parameters_.back().offset + parameters_.back().bytes;
    if (bytes < needed)
      return fail(
          Error::Kind::InvalidArgument,
          fmt::format("kernel '{}' takes {} bytes of parameters, {} are given", name(), needed, bytes));
  }
  std::vector<std::byte> buffer(std::max<std::uint64_t>(parameter_bytes_, 8));
  if (packed != nullptr) std::memcpy(buffer.data(), packed, std::min<std::size_t>(bytes, parameter_bytes_));
  return buffer;
}

timing::LaunchResources Kernel::resources(LaunchConfig config) const {
  if (config.preferred_carveout < 0) config.preferred_carveout = carveout_;
  return model()->resources(config);
}

Result<int> Kernel::max_active_blocks(std::uint32_t block_threads, std::uint64_t dynamic_shared_bytes) const {
  if (block_threads == 0) return fail(Error::Kind::InvalidArgument, "a block without threads");
  if (block_threads > fixed().attributes.max_threads_per_block) return 0;
  const auto dynamic = static_cast<std::uint32_t>(
      std::min<std::uint64_t>(dynamic_shared_bytes, std::numeric_limits<std::uint32_t>::max()));
  return resources({.block = {block_threads}, .dynamic_shared_bytes = dynamic}).occupancy.blocks_per_sm;
}

Kernel::BlockSize Kernel::best_block_size(const std::function<std::uint64_t(int)>& dynamic_shared_of_block,
                                          int limit) const {
  const KernelAttributes known = attributes();
  const int warp = card_->sm.warp_size;
  int most = static_cast<int>(known.max_threads_per_block);
  if (limit > 0) most = std::min(most, limit);
  BlockSize best;
  int best_threads = 0;
  // Larger blocks first: among equals the largest is taken, as the occupancy calculator does.
  for (int threads = (most + warp - 1) / warp * warp; threads > 0; threads -= warp) {
    const int block = std::min(threads, most);
    const auto shared = static_cast<std::int64_t>(
        static_shared() + (dynamic_shared_of_block ? dynamic_shared_of_block(block) : 0));
    const int blocks =
        card::occupancy(*card_, {block, static_cast<int>(known.registers), shared}).blocks_per_sm;
    if (blocks * block > best_threads) {
      best_threads = blocks * block;
      best = {blocks * card_->sm_count, block};
    }
    if (best_threads == card_->sm.max_threads) break;
  }
  return best;
}

std::uint64_t Kernel::available_dynamic_shared(int blocks, int block_threads) const {
  if (blocks <= 0 || block_threads <= 0) return 0;
  std::uint32_t low = 0;
  auto high = static_cast<std::uint32_t>(card_->shared.bytes_per_block_optin);
  const auto fits = [&](std::uint32_t dynamic) {
    return resources({.block = {static_cast<std::uint32_t>(block_threads)}, .dynamic_shared_bytes = dynamic})
               .occupancy.blocks_per_sm >= blocks;
  };
  if (!fits(0)) return 0;
  while (low < high) {
    const std::uint32_t middle = (low + high + 1) / 2;
    if (fits(middle)) {
      low = middle;
    } else {
      high = middle - 1;
    }
  }
  return low;
}

}  // namespace doppel::device
