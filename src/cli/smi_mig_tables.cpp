// SPDX-License-Identifier: Apache-2.0
#include "cli/smi_mig_tables.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string>

#include "card/partition.h"
#include "cli/output.h"

namespace doppel::cli {
namespace {

using card::PartitionProfile;
using node::ComputeInstance;
using node::GpuInstance;

class Tables {
 public:
  explicit Tables(const MigWork& work) : work_(work) {}

  int list_profiles(const std::vector<MigCard>& cards) {
    constexpr std::size_t kWidth = 79;
    rule(kWidth);
    say(work_.out,
        "| GPU instance profiles:                                                        |\n"
        "| GPU   Name               ID    Instances   Memory     P2P    SM    DEC   ENC  |\n"
        "|                                Free/Total   GiB              CE    JPEG  OFA  |\n"
        "|===============================================================================|\n");
    for (const MigCard& card : cards) {
      for (const PartitionProfile& p : card.hardware.partitions) {
        const auto room = work_.of(card).room_for(p);
        say(work_.out, "|{:>4}  MIG {:<15}{:>3}     {:>1}/{:<1}{:>13.2f}{:>8}{:>7}{:>6}{:>6}   |\n",
            card.number, p.name, p.id, room.value_or(0), p.max_instances,
            static_cast<double>(p.memory_mib) / 1024, "No", p.sm_count, p.nvdec, p.nvenc);
        say(work_.out, "|{:>64}{:>6}{:>6}   |\n", p.copy_engines, p.jpeg, p.optical_flow);
        rule(kWidth);
      }
    }
    return 0;
  }

  int list_placements(const std::vector<MigCard>& cards) {
    for (const MigCard& card : cards) {
      for (const PartitionProfile& p : card.hardware.partitions)
        say(work_.out, "GPU {:>2} Profile ID {:>2} Placements: {{{}}}:{}\n", card.number, p.id,
            fmt::join(p.placements, ","), p.placement_size);
    }
    return 0;
  }

  int list_compute_profiles(const std::vector<MigCard>& cards) {
    constexpr std::size_t kWidth = 86;
    rule(kWidth);
    say(work_.out,
        "| Compute instance profiles:                                                           |\n"
        "| GPU     GPU       Name             Profile  Instances   Exclusive       Shared       |\n"
        "|       Instance                       ID     Free/Total     SM       DEC   ENC   OFA  |\n"
        "|         ID                                                          CE    JPEG       |\n"
        "|======================================================================================|\n");
    for (const MigCard& card : cards) {
      const auto instances = work_.chosen(card);
      if (!instances) return complain_of(instances.error());
      for (const GpuInstance& gpu : *instances) {
        for (int slices = 1; slices <= gpu.profile->slices; ++slices) {
          if (gpu.profile->slices % slices != 0) continue;
          const PartitionProfile& p = *gpu.profile;
          say(work_.out,
              "|{:>4}    {:>3}       MIG {:<14}{:>4}{:1}     {:>2}/{:<2}        {:>4}       {:>3}   {:>3}   "
              "{:>3}  |\n",
              card.number, gpu.id, card::partition_name(p, slices), compute_profile_number(slices),
              slices == p.slices ? "*" : "", work_.of(card).room_for_compute(gpu.id, slices).value_or(0),
              p.slices / slices, card::sm_count_of(card.hardware, p, slices), p.nvdec, p.nvenc,
              p.optical_flow);
          say(work_.out, "|{:68}{:>3}   {:>3}{:9}|\n", "", p.copy_engines, p.jpeg, "");
          rule(kWidth);
        }
      }
    }
    return 0;
  }

  int list_instances(const std::vector<MigCard>& cards) {
    constexpr std::size_t kWidth = 55;
    std::string rows;
    for (const MigCard& card : cards) {
      const auto instances = work_.chosen(card);
      if (!instances) return complain_of(instances.error());
      for (const GpuInstance& each : *instances)
        rows += fmt::format("|{:>4}  MIG {:<15}{:>3}{:>9}{:>11}:{:<1}     |\n+{:-<55}+\n", card.number,
                            each.profile->name, each.profile->id, each.id, each.start, each.size, "");
    }
    if (rows.empty()) {
      say(work_.out, "No GPU instances found: {}\n", mig::kNotFound.words);
      return mig::kNotFound.code;
    }
    rule(kWidth);
    say(work_.out,
        "| GPU instances:                                        |\n"
        "| GPU   Name             Profile  Instance   Placement  |\n"
        "|                          ID       ID       Start:Size |\n"
        "|=======================================================|\n{}",
        rows);
    return 0;
  }

  int list_compute_instances(const std::vector<MigCard>& cards) {
    constexpr std::size_t kWidth = 68;
    std::string rows;
    for (const MigCard& card : cards) {
      const auto instances = work_.of(card).compute_instances();
      if (!instances) return complain_of(instances.error());
      for (const ComputeInstance& each : *instances) {
        if (work_.asked.gpu_instances &&
            std::ranges::find(*work_.asked.gpu_instances, each.id.gpu) == work_.asked.gpu_instances->end())
          continue;
        rows +=
            fmt::format("|{:>4}{:>7}       MIG {:<15}{:>3}{:>10}{:>11}:{:<1}     |\n+{:-<68}+\n", card.number,
                        each.id.gpu, card::partition_name(*each.profile, each.slices),
                        compute_profile_number(each.slices), each.id.compute, each.start, each.slices, "");
      }
    }
    if (rows.empty()) {
      say(work_.out, "No compute instances found: {}\n", mig::kNotFound.words);
      return mig::kNotFound.code;
    }
    rule(kWidth);
    say(work_.out,
        "| Compute instances:                                                 |\n"
        "| GPU     GPU       Name             Profile   Instance   Placement  |\n"
        "|       Instance                       ID        ID       Start:Size |\n"
        "|         ID                                                         |\n"
        "|====================================================================|\n{}",
        rows);
    return 0;
  }

 private:
  void rule(std::size_t width, char with = '-') { say(work_.out, "+{}+\n", std::string(width, with)); }

  static int complain_of(const Error& error) {
    complain(error.message);
    return mig_outcome(error).code;
  }

  const MigWork& work_;
};

}  // namespace

MigOutcome mig_outcome(const Error& error) {
  switch (error.kind) {
    case Error::Kind::NotPermitted:
      return mig::kInUse;
    case Error::Kind::NotEnabled:
    case Error::Kind::NotSupported:
      return mig::kNotSupported;
    case Error::Kind::NotFound:
      return mig::kNotFound;
    case Error::Kind::LimitExceeded:
      return mig::kNoRoom;
    case Error::Kind::InvalidArgument:
      return mig::kBadUse;
    default:
      return mig::kUnusable;
  }
}

Result<std::vector<node::GpuInstance>> MigWork::chosen(const MigCard& card) const {
  auto all = of(card).gpu_instances();
  if (!all || !asked.gpu_instances) return all;
  std::vector<node::GpuInstance> found;
  for (const int id : *asked.gpu_instances) {
    auto each = of(card).gpu_instance(id);
    if (!each) return tl::unexpected(each.error());
    found.push_back(*each);
  }
  return found;
}

int compute_profile_number(int slices) {
  static const std::map<int, int> kNumbers = {{1, 0}, {2, 1}, {3, 2}, {4, 3}, {6, 6}, {7, 4}, {8, 5}};
  const auto found = kNumbers.find(slices);
  return found != kNumbers.end() ? found->second : -1;
}

int list_mig(const MigWork& work, const std::vector<MigCard>& cards) {
  Tables tables(work);
  switch (work.asked.what) {
    case MigRequest::What::Profiles:
      return tables.list_profiles(cards);
    case MigRequest::What::Placements:
      return tables.list_placements(cards);
    case MigRequest::What::ComputeProfiles:
      return tables.list_compute_profiles(cards);
    case MigRequest::What::List:
      return tables.list_instances(cards);
    default:
      return tables.list_compute_instances(cards);
  }
}

}  // namespace doppel::cli
