// SPDX-License-Identifier: Apache-2.0
#include "engine/tensor_copies.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include "engine/access_checker.h"
#include "engine/block.h"
#include "engine/bulk_copies.h"
#include "engine/fault_report.h"
#include "engine/grid_run.h"
#include "engine/memory_errors.h"
#include "engine/tensor_box.h"
#include "engine/trace_recorder.h"
#include "engine/wild_access.h"
#include "memory/address_space.h"

namespace doppel::engine {
namespace {

constexpr std::uint32_t kSharedAlignment = 128;  // of a box (9.7.9.25.5.2)
constexpr std::uint64_t kMapBytes = sizeof(ir::TensorMap);

// The operands of an instruction by what they are for.
struct Operands {
  LaneValues shared = nullptr, maps = nullptr, barriers = nullptr, masks = nullptr, start = nullptr,
             offsets = nullptr;
  std::uint32_t dimensions = 0;
};

Operands operands_of(const ir::Operation& operation, LaneValues values) {
  const auto next = [&] { return std::exchange(values, values + jit::kWarpLanes); };
  const auto given = static_cast<std::uint32_t>(operation.sources.size()) - 1;
  Operands all;
  all.shared = next();
  all.maps = next();
  if (operation.accesses[0].completion == ir::Completion::Mbarrier) all.barriers = next();
  all.masks = next();
  all.start = values;
  switch (operation.attributes.tensor) {
    case ir::TensorMode::Gather4:
      all.dimensions = 2;
      break;
    case ir::TensorMode::Im2col:  // an offset of each dimension but the first and the last
      all.dimensions = (given + 2) / 2;
      all.offsets = all.start + std::size_t{all.dimensions} * jit::kWarpLanes;
      break;
    case ir::TensorMode::Im2colW:
      all.dimensions = given - 2;
      all.offsets = all.start + std::size_t{all.dimensions} * jit::kWarpLanes;
      break;
    default:
      all.dimensions = given;
  }
  return all;
}

Fault wrong_map(const Warp& warp, int lane, Site site, std::uint64_t address, std::string why) {
  Fault fault = fault_of_access(warp, 1u << lane, lane, Fault::Kind::WrongTensorMap, address, site.function,
                                site.operation, access_flags(ir::Space::Global, kMapBytes, 0, 1));
  fault.message = std::move(why);
  const std::uint64_t in_parameters = address - reinterpret_cast<std::uint64_t>(warp.context.parameters);
  if (in_parameters < warp.block->grid->launch.parameters.size()) {
    fault.address = in_parameters;
    fault.space = "param";
  }
  return fault;
}

// A map lies in global, constant or parameter memory.
std::optional<Fault> read_map(Warp& warp, int lane, Site site, std::uint64_t address, ir::TensorMap& map) {
  const std::uint32_t flags =
      access_flags(ir::Space::Generic, kMapBytes, 0, static_cast<std::uint32_t>(ir::TensorMap::kAlignment));
  if (address % ir::TensorMap::kAlignment != 0 || !may_read(warp, address, kMapBytes)) {
    const bool misaligned = address % ir::TensorMap::kAlignment != 0;
    const Fault::Kind kind = misaligned ? Fault::Kind::MisalignedAddress : Fault::Kind::IllegalAddress;
    Fault fault =
        fault_of_access(warp, 1u << lane, lane, kind, address, site.function, site.operation, flags);
    fault.space = "global";
    fault.message = misaligned ? "a tensor map needs an address that is a multiple of 64"
                               : "a tensor map lies in global, constant or parameter memory";
    const memory::AddressSpace* const memory = warp.block->grid->launch.memory;
    if (memory != nullptr) fault.allocation = memory->describe(address);
    return fault;
  }
  std::memcpy(&map, reinterpret_cast<const void*>(address), kMapBytes);
  return std::nullopt;
}

std::optional<Fault> test_shared(const Warp& warp, int lane, Site site, const TensorBox& box,
                                 std::uint64_t offset) {
  const std::uint64_t size = warp.block->grid->shared_bytes, bytes = shared_extent(box);
  offset = warp.block->place_of(offset).offset;
  const bool loads = box.move == TensorMove::Load, misaligned = offset % kSharedAlignment != 0;
  if (!misaligned && offset <= size && bytes <= size - offset) return std::nullopt;
  const std::uint32_t flags = access_flags(ir::Space::Shared, 0, loads ? jit::kAccessStore : 0, 1);
  Fault fault = fault_of_access(warp, 1u << lane, lane,
                                misaligned ? Fault::Kind::MisalignedAddress : Fault::Kind::IllegalAddress,
                                offset, site.function, site.operation, flags);
  fault.bytes = static_cast<std::uint32_t>(bytes);
  if (misaligned)
    fault.message = "a tensor's box in shared memory needs an address that is a multiple of 128";
  fault.allocation = fmt::format("offset {} of the block's {} bytes of shared memory", offset, size);
  return fault;
}

// Whether the kernel may touch all of the rows; mostly they are in one allocation.
class RowTest {
 public:
  explicit RowTest(const Warp& warp) : launch_(warp.block->grid->launch) {}

  bool passes(const BulkRange& row) {
    if (launch_.memory == nullptr) return true;  // a test's, in host memory
    if (last_.size != 0 && holds(last_, row)) return true;
    if (const auto found = launch_.memory->find(row.address); found && holds(*found, row)) {
      last_ = *found;
      return true;
    }
    return launch_.reaches && launch_.reaches(row.address, row.bytes);
  }

 private:
  static bool holds(const memory::Allocation& allocation, const BulkRange& row) {
    const std::uint64_t offset = row.address - allocation.address;
    return offset <= allocation.size && row.bytes <= allocation.size - offset;
  }

  const Launch& launch_;
  memory::Allocation last_{};
};

std::optional<Fault> test_global(const Warp& warp, int lane, Site site, const TensorBox& box,
                                 const std::vector<BulkRange>& rows) {
  RowTest test(warp);
  for (const BulkRange& row : rows) {
    if (test.passes(row)) continue;
    const std::uint32_t kind = box.move == TensorMove::Load ? 0 : jit::kAccessStore;
    Fault fault = fault_of_access(warp, 1u << lane, lane, Fault::Kind::IllegalAddress, row.address,
                                  site.function, site.operation, access_flags(ir::Space::Global, 0, kind, 1));
    fault.bytes = static_cast<std::uint32_t>(row.bytes);
    fault.allocation = warp.block->grid->launch.memory->describe(row.address);
    fault.message = "a row of the tensor's box";
    return fault;
  }
  return std::nullopt;
}

// Under --check: of what is read nothing may be without a value, or still to be written.
std::optional<Fault> check_shared(Warp& warp, int lane, Site site, const TensorBox& box) {
  if (box.move == TensorMove::Load) return std::nullopt;
  const auto [block, offset] = warp.block->place_of(box.shared);
  if (block->checker == nullptr) return std::nullopt;
  const auto bytes = static_cast<std::uint32_t>(bytes_of(box));
  const auto found = block->checker->access(static_cast<std::uint32_t>(offset), bytes, checked_warp(warp),
                                            block->epoch, false, false);
  if (!found) return std::nullopt;
  Fault fault = fault_of_access(warp, 1u << lane, lane, found->kind, box.shared, site.function,
                                site.operation, access_flags(ir::Space::Shared, 0, 0, 1));
  fault.bytes = bytes;
  fault.message = found->message;
  return fault;
}

std::vector<BulkRange> global_rows(const TensorBox& box) {
  std::vector<BulkRange> rows;
  rows.reserve(rows_of(box));
  for_each_row(box, [&](const TensorRow& row) {
    if (row.count != 0) rows.push_back({row.address, global_bytes(box, row.count)});
  });
  return rows;
}

TensorBox box_of(const Warp& warp, const ir::Operation& operation, const Operands& given, int lane) {
  TensorBox box;
  const auto of_lane = [lane](LaneValues values, std::size_t i) {
    return values[i * jit::kWarpLanes + static_cast<std::size_t>(lane)];
  };
  box.mode = operation.attributes.tensor;
  box.reduction = operation.attributes.atomic_op;
  if (given.barriers == nullptr)
    box.move = box.reduction == ir::AtomicOp::None ? TensorMove::Store : TensorMove::Reduce;
  box.to_cluster = operation.accesses[0].space == ir::Space::SharedCluster;
  box.dimensions = given.dimensions;
  const std::size_t coordinates = box.mode == ir::TensorMode::Gather4 ? 5 : given.dimensions;
  for (std::size_t i = 0; i < coordinates; ++i)
    box.start[i] = static_cast<std::int32_t>(static_cast<std::uint32_t>(of_lane(given.start, i)));
  const std::size_t offsets = box.mode == ir::TensorMode::Im2colW ? 2 : given.dimensions - 2;
  for (std::size_t i = 0; given.offsets != nullptr && i < offsets; ++i)
    box.offsets[i] = static_cast<std::uint16_t>(of_lane(given.offsets, i));
  box.shared = shared_offset(warp, given.shared[lane]);
  return box;
}

std::optional<Fault> begin(Warp& warp, int lane, Site site, const ir::Operation& operation,
                           const Operands& given) {
  const bool multicast = given.masks[lane] != ir::kOwnBlock;
  const std::uint64_t blocks = multicast ? given.masks[lane] : 0;
  auto box = std::make_shared<TensorBox>(box_of(warp, operation, given, lane));
  if (auto fault = read_map(warp, lane, site, given.maps[lane], box->map)) return fault;
  if (std::string why = problem_of(*box); !why.empty())
    return wrong_map(warp, lane, site, given.maps[lane], std::move(why));
  if (std::string why = problem_of_blocks(warp, blocks); !why.empty())
    return wrong_map(warp, lane, site, given.maps[lane], std::move(why));
  const std::uint64_t offset = warp.block->window_offset(given.shared[lane]);
  if (auto fault = test_shared(warp, lane, site, *box, offset)) return fault;
  const std::vector<BulkRange> rows = global_rows(*box);
  if (auto fault = test_global(warp, lane, site, *box, rows)) return fault;
  if (auto fault = check_shared(warp, lane, site, *box)) return fault;
  const bool stores = box->move == TensorMove::Store;
  if (auto fault = find_memory_error(warp, lane, site, rows, stores)) return fault;

  BulkCopy copy;
  copy.bytes = static_cast<std::uint32_t>(bytes_of(*box));
  copy.to_shared = box->move == TensorMove::Load;
  (copy.to_shared ? copy.target : copy.source) = given.shared[lane];
  copy.lanes = 1u << lane;
  copy.site = site;
  if (copy.to_shared) copy.barrier = shared_offset(warp, given.barriers[lane]);
  if (warp.trace != nullptr) {
    const std::uint32_t number = operation_number(warp, site);
    record_bulk(warp, number, copy.lanes, rows);
    if (copy.to_shared)
      record_arrival(warp, number, copy.lanes, warp.block->phases.of(copy.barrier).current, 1);
  }
  copy.tensor = std::move(box);
  if (multicast) {
    add_in_blocks(warp, copy, blocks);
    return std::nullopt;
  }
  if (copy.to_shared) note_copy_begins(warp, shared_offset(warp, copy.target), copy.bytes);
  add_bulk_copy(warp, std::move(copy));
  return std::nullopt;
}

}  // namespace

std::optional<Fault> begin_tensor_copies(Warp& warp, std::uint32_t mask, Site site,
                                         const ir::Operation& operation, LaneValues values) {
  const Operands given = operands_of(operation, values);
  leave_addresses(warp, given.maps);  // of a page fault
  if (given.barriers != nullptr) {
    if (auto fault = announce_shared(warp, mask, site, given.barriers,
                                     access_flags(ir::Space::Shared, 8, jit::kAccessAtomic, 8), Traced::No))
      return fault;
  }
  std::optional<Fault> fault;
  for_each_lane(mask, [&](int lane) {
    if (!fault) fault = begin(warp, lane, site, operation, given);
  });
  return fault;
}

}  // namespace doppel::engine
