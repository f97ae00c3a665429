// SPDX-License-Identifier: Apache-2.0
#include "card/contradiction.h"

#include <fmt/format.h>

#include <algorithm>

namespace doppel::card {
namespace {

class Checks {
 public:
  // `expected` is only made where it is needed.
  template <typename Expected>
  void require(bool holds, const char* key, Expected expected) {
    if (!holds && !found_) found_ = Contradiction{key, expected()};
  }
  void at_most(double value, const char* key, double limit, const char* limit_name) {
    require(value <= limit, key,
            [&] { return fmt::format("expected at most {} ({}), found {}", limit_name, limit, value); });
  }
  void multiple(std::int64_t value, const char* key, std::int64_t of, const char* of_name) {
    require(of > 0 && value % of == 0, key,
            [&] { return fmt::format("expected a multiple of {} ({}), found {}", of_name, of, value); });
  }
  void equal(double value, const char* key, double to, const char* to_name) {
    require(value == to, key, [&] { return fmt::format("expected {} ({}), found {}", to_name, to, value); });
  }
  std::optional<Contradiction> found() const { return found_; }

 private:
  std::optional<Contradiction> found_;
};

void check_chip(Checks& checks, const Card& c) {
  if (c.chip.tpc_count > 0) checks.multiple(c.sm_count, "sm_count", c.chip.tpc_count, "chip.tpc_count");
  if (c.chip.gpc_count > 0 && c.chip.tpc_count > 0)
    checks.at_most(c.chip.gpc_count, "chip.gpc_count", c.chip.tpc_count, "chip.tpc_count");
  if (c.clocks.base_mhz > 0)
    checks.at_most(c.clocks.base_mhz, "clocks.base_mhz", c.clocks.boost_mhz, "clocks.boost_mhz");
  checks.at_most(c.clocks.boost_mhz, "clocks.boost_mhz", c.clocks.max_mhz, "clocks.max_mhz");
  checks.at_most(c.clocks.sustained_mhz, "clocks.sustained_mhz", c.clocks.max_mhz, "clocks.max_mhz");
  checks.at_most(c.power.min_mhz, "power.min_mhz", c.clocks.sustained_mhz, "clocks.sustained_mhz");
  checks.at_most(c.power.limit_w, "power.limit_w", c.power.max_limit_w, "power.max_limit_w");
  checks.at_most(c.power.idle_w, "power.idle_w", c.power.awake_w, "power.awake_w");
  checks.at_most(c.power.awake_w, "power.awake_w", c.power.active_w, "power.active_w");
  checks.at_most(c.power.active_w, "power.active_w", c.power.max_limit_w, "power.max_limit_w");
}

void check_sm(Checks& checks, const Card& c) {
  checks.equal(c.sm.max_threads, "sm.max_threads", static_cast<double>(c.sm.max_warps) * c.sm.warp_size,
               "sm.max_warps x sm.warp_size");
  checks.multiple(c.sm.max_warps, "sm.max_warps", c.sm.sub_cores, "sm.sub_cores");
  checks.at_most(c.sm.max_threads_per_block, "sm.max_threads_per_block", c.sm.max_threads, "sm.max_threads");
  checks.multiple(c.sm.max_threads_per_block, "sm.max_threads_per_block", c.sm.warp_size, "sm.warp_size");
  checks.at_most(c.sm.max_blocks, "sm.max_blocks", c.sm.max_warps, "sm.max_warps");
  checks.at_most(c.sm.registers_per_block, "sm.registers_per_block", c.sm.registers, "sm.registers");
  checks.multiple(c.sm.registers, "sm.registers",
                  std::int64_t{c.sm.register_allocation_unit} * c.sm.sub_cores,
                  "sm.register_allocation_unit x sm.sub_cores");
  checks.multiple(c.sm.fp32_cores, "sm.fp32_cores", c.sm.sub_cores, "sm.sub_cores");
  checks.equal(c.pipes.fp32.per_cycle, "pipes.fp32.per_cycle", c.sm.fp32_cores, "sm.fp32_cores");
  checks.at_most(c.pipes.int32_shared_lanes, "pipes.int32_shared_lanes", c.sm.fp32_cores, "sm.fp32_cores");
  if (c.sm.tensor_cores > 0)
    checks.multiple(c.sm.tensor_cores, "sm.tensor_cores", c.sm.sub_cores, "sm.sub_cores");
  const bool has_tensor_rates = c.tensor.fp16_acc_fp32 > 0;
  checks.require(has_tensor_rates == (c.sm.tensor_cores > 0), "sm.tensor_cores", [&] {
    return has_tensor_rates ? "expected more than 0 with rates in [tensor]"
                            : "expected 0 without rates in [tensor]";
  });
}

void check_memories(Checks& checks, const Card& c) {
  checks.at_most(c.shared.bytes_per_block_optin, "shared.bytes_per_block_optin",
                 c.shared.bytes_per_sm - c.shared.reserved_bytes_per_block,
                 "shared.bytes_per_sm less shared.reserved_bytes_per_block");
  checks.at_most(c.shared.bytes_per_block, "shared.bytes_per_block", c.shared.bytes_per_block_optin,
                 "shared.bytes_per_block_optin");
  checks.at_most(c.shared.bytes_per_sm, "shared.bytes_per_sm", c.l1.bytes, "l1.bytes, which both share");
  for (const int kib : c.shared.carveout_kib)
    checks.at_most(1024.0 * kib, "shared.carveout_kib", c.shared.bytes_per_sm, "shared.bytes_per_sm");
  checks.multiple(c.l1.line_bytes, "l1.line_bytes", c.l1.sector_bytes, "l1.sector_bytes");
  checks.multiple(c.l2.line_bytes, "l2.line_bytes", c.l2.sector_bytes, "l2.sector_bytes");
  checks.multiple(c.l2.bytes, "l2.bytes", std::int64_t{c.l2.line_bytes} * c.l2.ways,
                  "l2.line_bytes x l2.ways");
  checks.at_most(static_cast<double>(c.l2.max_persisting_bytes), "l2.max_persisting_bytes",
                 static_cast<double>(c.l2.bytes), "l2.bytes");
  checks.multiple(c.memory.bus_width_bits, "memory.bus_width_bits", c.memory.channels, "memory.channels");
  checks.at_most(static_cast<double>(c.memory.bytes), "memory.bytes",
                 static_cast<double>(c.memory.board_bytes), "memory.board_bytes");
  checks.require((c.nvlink.links > 0) == (c.nvlink.bytes_per_second_per_link > 0), "nvlink.links", [&] {
    return c.nvlink.links > 0 ? "expected 0 without nvlink.bytes_per_second_per_link"
                              : "expected more than 0 with nvlink.bytes_per_second_per_link";
  });
  checks.require(c.nvlink.links == 0 || c.nvlink.efficiency > 0, "nvlink.efficiency",
                 [] { return "expected more than 0 with nvlink.links"; });
}

void check_partition(Checks& checks, const Card& c, const PartitionProfile& p) {
  const auto expect = [&](bool holds, auto what) {
    checks.require(holds, "partition", [&] { return fmt::format("'{}': expected {}", p.name, what()); });
  };
  constexpr double kWhole = 1 + 1e-9;
  const double most =
      std::max({p.memory_fraction, p.bandwidth_fraction, p.sm_fraction, p.l2_fraction}) * p.max_instances;
  expect(most <= kWhole, [&] {
    return fmt::format("{} instances to take at most the whole card, found {} of it", p.max_instances, most);
  });
  expect(p.sm_count * p.max_instances <= c.sm_count, [&] {
    return fmt::format("{} instances of {} SMs in {} (sm_count)", p.max_instances, p.sm_count, c.sm_count);
  });
  expect(p.memory_mib * p.max_instances <= c.memory.board_bytes >> 20, [&] {
    return fmt::format("{} instances of {} MiB in memory.board_bytes, {} MiB", p.max_instances, p.memory_mib,
                       c.memory.board_bytes >> 20);
  });
  expect(!p.placements.empty() && p.instance_ids.size() == p.placements.size(), [&] {
    return fmt::format("a number in instance_ids for each of placements, found {} for {}",
                       p.instance_ids.size(), p.placements.size());
  });
  for (const PartitionProfile& other : c.partitions) {
    if (&other == &p) break;
    expect(other.id != p.id && other.kind != p.kind && other.name != p.name,
           [&] { return fmt::format("another name, id and kind than '{}'", other.name); });
  }
  checks.at_most(p.copy_engines, "partition", c.engines.copy, "engines.copy");
  checks.at_most(p.nvenc, "partition", c.engines.nvenc, "engines.nvenc");
  checks.at_most(p.nvdec, "partition", c.engines.nvdec, "engines.nvdec");
  checks.at_most(p.jpeg, "partition", c.engines.jpeg, "engines.jpeg");
  checks.at_most(p.optical_flow, "partition", c.engines.optical_flow, "engines.optical_flow");
}

void check_partitions(Checks& checks, const Card& c) {
  for (const PartitionProfile& p : c.partitions) check_partition(checks, c, p);
}

}  // namespace

std::optional<Contradiction> contradiction(const Card& card) {
  Checks checks;
  check_chip(checks, card);
  check_sm(checks, card);
  check_memories(checks, card);
  check_partitions(checks, card);
  return checks.found();
}

}  // namespace doppel::card
