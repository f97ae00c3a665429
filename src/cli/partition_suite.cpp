// SPDX-License-Identifier: Apache-2.0
#include "cli/partition_suite.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "card/partition.h"
#include "card/uuid.h"
#include "cli/execute.h"
#include "cli/private_folder.h"
#include "node/partitions.h"

namespace doppel::cli {
namespace {

// Of SMs, tensor cores, memory, L2, all at once, and the bus, which an instance has all of.
constexpr const char* kTests[] = {"fma-fp32", "tensor-f16-f32", "stream-read",
                                  "cache-l2", "black-scholes",  "copy-h2d-pinned"};

std::vector<std::string> chosen(const std::vector<std::string>& tests) {
  std::vector<std::string> out;
  for (const char* test : kTests) {
    if (tests.empty() || std::ranges::find(tests, test) != tests.end()) out.emplace_back(test);
  }
  return out;
}

std::int64_t now_ns() {
  return std::chrono::system_clock::now().time_since_epoch() / std::chrono::nanoseconds(1);
}

// Its GPU instance takes all of `profile`, its compute instance all of that. The UUID by which programs name
// it.
Result<std::string> make_instance(node::Node& node, int number, const card::Card& card,
                                  const card::PartitionProfile& profile) {
  node::Partitions partitions(node, number, card);
  const auto on = partitions.set_mode(true, now_ns());
  if (!on) return tl::unexpected<Error>(on.error());
  const auto gpu = partitions.create(profile, {}, now_ns());
  if (!gpu) return tl::unexpected<Error>(gpu.error());
  const auto compute = partitions.create_compute(*gpu, profile.slices, {}, now_ns());
  if (!compute) return tl::unexpected<Error>(compute.error());
  return card::uuid_text("MIG", card::partition_uuid(card.id, 0, compute->gpu, compute->compute));
}

Result<SuiteRun> run_in(const card::Card& card, const card::PartitionProfile& profile,
                        const std::string& name, const std::vector<std::string>& tests) {
  const Result<PrivateFolder> folder = PrivateFolder::make();
  if (!folder) return tl::unexpected<Error>(folder.error());
  const std::string file = (folder->path() / "node").string();
  const auto node = node::Node::open(file);
  if (!node) return tl::unexpected<Error>(node.error());
  const Result<int> number = (*node)->card(card, 0, now_ns());
  if (!number) return tl::unexpected<Error>(number.error());
  const Result<std::string> uuid = make_instance(**node, *number, card, profile);
  if (!uuid) return tl::unexpected<Error>(uuid.error());
  ExecuteOptions settings;
  settings.variables = {{"DOPPEL_NODE", file}, {"CUDA_VISIBLE_DEVICES", *uuid}};
  return run_suite(card, tests, 0, *folder, settings, name);
}

}  // namespace

Result<std::vector<PartitionSuite>> run_suite_in_partitions(const card::Card& card,
                                                            const std::vector<std::string>& tests) {
  std::vector<PartitionSuite> out;
  for (const card::PartitionProfile& profile : card.partitions) {
    if (profile.name.find_first_of("+-") != std::string::npos) continue;
    PartitionSuite& each = out.emplace_back();
    each.profile = profile.name;
    each.card = card::partition_of(card, profile, profile.slices);
    each.card.id = fmt::format("{}.{}", card.id, profile.name);
    Result<SuiteRun> suite = run_in(card, profile, profile.name, chosen(tests));
    if (!suite) return tl::unexpected<Error>(suite.error());
    each.suite = std::move(*suite);
    if (each.suite.interrupted) break;
  }
  return out;
}

}  // namespace doppel::cli
