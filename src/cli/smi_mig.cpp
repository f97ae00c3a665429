// SPDX-License-Identifier: Apache-2.0
#include "cli/smi_mig.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "card/load_card.h"
#include "card/partition.h"
#include "card/uuid.h"
#include "cli/output.h"
#include "cli/smi_mig_tables.h"
#include "node/open_node.h"
#include "node/process_life.h"

namespace doppel::cli {
namespace {

using card::PartitionProfile;
using node::ComputeInstance;
using node::GpuInstance;
using node::wall_ns;

// The cards of the node, or those that are named.
Result<std::vector<MigCard>> cards_of(const node::Node& node, const MigRequest& asked) {
  const auto count = node.card_count();
  if (!count) return tl::unexpected(count.error());
  std::vector<MigCard> all;
  for (int i = 0; i < *count; ++i) {
    const auto name = node.name(i);
    if (!name) return tl::unexpected(name.error());
    auto hardware = card::find_card(name->reference);
    if (!hardware) return tl::unexpected(hardware.error());
    all.push_back({i, std::move(*hardware)});
  }
  if (!asked.cards) return all;
  std::vector<MigCard> chosen;
  for (const std::string& each : *asked.cards) {
    const auto found = std::ranges::find_if(all, [&](const MigCard& card) {
      return mig_number(each) == card.number ||
             each == card::uuid_text("GPU", card::device_uuid(card.hardware, card.number));
    });
    if (found == all.end())
      return fail(Error::Kind::NotFound, fmt::format("-i {}: the node has no such card", each));
    chosen.push_back(*found);
  }
  return chosen;
}

// What makes and destroys.
class Changes {
 public:
  explicit Changes(const MigWork& work) : work_(work) {}

  int set_modes(const std::vector<MigCard>& cards) {
    const char* const word = work_.asked.on ? "enable" : "disable";
    for (const MigCard& each : cards) {
      const std::string place = fmt::format("{:08X}:{:02X}:00.0", 0, each.number + 1);
      const auto done = work_.of(each).set_mode(work_.asked.on, wall_ns());
      if (!done) {
        const MigOutcome outcome = mig_outcome(done.error());
        say(work_.out, "Unable to {} MIG Mode for GPU {}: {}\n", word, place, outcome.words);
        if (outcome.code != mig::kNotSupported.code) return outcome.code;
        say(work_.out, "Treating as warning and moving on.\n");
      } else if (*done) {
        say(work_.out, "{} MIG Mode for GPU {}\n", work_.asked.on ? "Enabled" : "Disabled", place);
      } else {
        say(work_.out,
            "Warning: MIG mode is in pending {} state for GPU {}: {}\n{} is in use by one or more other "
            "processes, or has instances. End or destroy these, and retry the command.\n",
            word, place, mig::kInUse.words, place);
      }
    }
    say(work_.out, "All done.\n");
    return 0;
  }

  MigOutcome change(const MigCard& card) {
    switch (work_.asked.what) {
      case MigRequest::What::Create:
        return create(card);
      case MigRequest::What::CreateCompute:
        return create_compute(card);
      case MigRequest::What::Destroy:
        return destroy(card);
      default:
        return destroy_compute(card);
    }
  }

  MigOutcome failed(const std::string& what, const std::string& list, const MigOutcome& outcome) {
    say(work_.out, "Unable to {}: {}\nFailed to {}: {}\n", what, outcome.words, list, outcome.words);
    return outcome;
  }

  // "5", "1g.24gb" or "MIG 1g.24gb", perhaps with ":START".
  static const PartitionProfile* profile_of(const MigCard& card, std::string text) {
    if (text.starts_with("MIG ")) text.erase(0, 4);
    for (const PartitionProfile& each : card.hardware.partitions) {
      if (each.name == text || mig_number(text) == each.id) return &each;
    }
    return nullptr;
  }

  MigOutcome create(const MigCard& card) {
    for (const std::string& each : work_.asked.profiles) {
      const auto colon = each.find(':');
      const PartitionProfile* profile = profile_of(card, each.substr(0, colon));
      const auto start =
          colon == std::string::npos ? std::optional<int>() : mig_number(each.substr(colon + 1));
      if (profile == nullptr || (colon != std::string::npos && !start))
        return failed(fmt::format("create a GPU instance on GPU {:>2} using profile {}", card.number, each),
                      "create GPU instances", mig::kBadUse);
      const auto made = work_.of(card).create(*profile, start, wall_ns());
      if (!made)
        return failed(
            fmt::format("create a GPU instance on GPU {:>2} using profile {}", card.number, profile->id),
            "create GPU instances", mig_outcome(made.error()));
      say(work_.out,
          "Successfully created GPU instance ID {:>2} on GPU {:>2} using profile MIG {} (ID {:>2})\n", *made,
          card.number, profile->name, profile->id);
      if (!work_.asked.with_compute) continue;
      if (const MigOutcome outcome = create_compute(card, *made, *profile, profile->slices);
          outcome.code != 0)
        return outcome;
    }
    return mig::kGood;
  }

  MigOutcome create_compute(const MigCard& card, int gpu, const PartitionProfile& profile, int slices) {
    const auto made = work_.of(card).create_compute(gpu, slices, {}, wall_ns());
    if (!made)
      return failed(
          fmt::format("create a compute instance on GPU {:>2} GPU instance ID {:>2} using profile {}",
                      card.number, gpu, compute_profile_number(slices)),
          "create compute instances", mig_outcome(made.error()));
    say(work_.out,
        "Successfully created compute instance ID {:>2} on GPU {:>2} GPU instance ID {:>2} using profile MIG "
        "{} (ID "
        "{:>2})\n",
        made->compute, card.number, gpu, card::partition_name(profile, slices),
        compute_profile_number(slices));
    return mig::kGood;
  }

  // Of the profile's number or name; nothing: the instance has none of it.
  static std::optional<int> slices_of(const GpuInstance& gpu, std::string text) {
    if (text.starts_with("MIG ")) text.erase(0, 4);
    for (int slices = 1; slices <= gpu.profile->slices; ++slices) {
      if (gpu.profile->slices % slices == 0 && (mig_number(text) == compute_profile_number(slices) ||
                                                card::partition_name(*gpu.profile, slices) == text))
        return slices;
    }
    return std::nullopt;
  }

  MigOutcome create_compute(const MigCard& card) {
    const auto instances = work_.chosen(card);
    if (!instances) return failed_to_find(instances.error());
    if (instances->empty()) return failed("find a GPU instance", "create compute instances", mig::kNotFound);
    for (const GpuInstance& gpu : *instances) {
      if (work_.asked.profiles.empty()) {
        if (const MigOutcome outcome = create_compute(card, gpu.id, *gpu.profile, gpu.profile->slices);
            outcome.code != 0)
          return outcome;
      }
      for (const std::string& each : work_.asked.profiles) {
        const auto slices = slices_of(gpu, each);
        if (!slices)
          return failed(
              fmt::format("create a compute instance on GPU {:>2} GPU instance ID {:>2} using profile {}",
                          card.number, gpu.id, each),
              "create compute instances", mig::kBadUse);
        if (const MigOutcome outcome = create_compute(card, gpu.id, *gpu.profile, *slices); outcome.code != 0)
          return outcome;
      }
    }
    return mig::kGood;
  }

  MigOutcome failed_to_find(const Error& error) {
    complain(error.message);
    return mig_outcome(error);
  }

  MigOutcome destroy(const MigCard& card) {
    const auto instances = work_.chosen(card);
    if (!instances) return failed_to_find(instances.error());
    if (instances->empty()) {
      say(work_.out, "No GPU instances found: {}\n", mig::kNotFound.words);
      return mig::kNotFound;
    }
    for (const GpuInstance& each : *instances) {
      const auto done = work_.of(card).destroy(each.id, wall_ns());
      if (!done)
        return failed(fmt::format("destroy GPU instance ID {:>2} from GPU {:>2}", each.id, card.number),
                      "destroy GPU instances", mig_outcome(done.error()));
      say(work_.out, "Successfully destroyed GPU instance ID {:>2} from GPU {:>2}\n", each.id, card.number);
    }
    return mig::kGood;
  }

  MigOutcome destroy_compute(const MigCard& card) {
    const auto all = work_.of(card).compute_instances();
    if (!all) return failed_to_find(all.error());
    const auto is_named = [](const std::optional<std::vector<int>>& names, int id) {
      return !names || std::ranges::find(*names, id) != names->end();
    };
    bool any = false;
    for (const ComputeInstance& each : *all) {
      if (!is_named(work_.asked.gpu_instances, each.id.gpu) ||
          !is_named(work_.asked.compute_instances, each.id.compute))
        continue;
      any = true;
      const auto done = work_.of(card).destroy_compute(each.id, wall_ns());
      if (!done)
        return failed(fmt::format("destroy compute instance ID {:>2} from GPU {:>2} GPU instance ID {:>2}",
                                  each.id.compute, card.number, each.id.gpu),
                      "destroy compute instances", mig_outcome(done.error()));
      say(work_.out,
          "Successfully destroyed compute instance ID {:>2} from GPU {:>2} GPU instance ID {:>2}\n",
          each.id.compute, card.number, each.id.gpu);
    }
    if (any) return mig::kGood;
    say(work_.out, "No compute instances found: {}\n", mig::kNotFound.words);
    return mig::kNotFound;
  }

 private:
  const MigWork& work_;
};

bool changes(MigRequest::What what) {
  using What = MigRequest::What;
  return what == What::Mode || what == What::Create || what == What::CreateCompute || what == What::Destroy ||
         what == What::DestroyCompute;
}

int run(const MigWork& work, const std::vector<MigCard>& cards) {
  Changes make(work);
  if (work.asked.what == MigRequest::What::Mode) return make.set_modes(cards);
  std::vector<MigCard> divided;
  for (const MigCard& each : cards) {
    const auto mode = work.of(each).mode();
    if (mode && mode->now) divided.push_back(each);
  }
  if (divided.empty()) {
    say(work.out, "No MIG-enabled devices found.\n");
    return mig::kNotFound.code;
  }
  if (!changes(work.asked.what)) return list_mig(work, divided);
  for (const MigCard& each : divided) {
    if (const MigOutcome outcome = make.change(each); outcome.code != 0) return outcome.code;
  }
  return 0;
}

}  // namespace

int smi_mig(std::span<const std::string> arguments, std::FILE* out) {
  const auto asked = read_mig_arguments(arguments);
  if (!asked) {
    complain(asked.error().message);
    return mig::kBadUse.code;
  }
  if (changes(asked->what) && !node::environment_names_node()) {
    complain("DOPPEL_NODE names no machine: what is changed would be gone with this command");
    return mig::kUnusable.code;
  }
  auto node = node::open_by_environment();
  if (!node) {
    complain(node.error().message);
    return mig::kUnusable.code;
  }
  const auto cards = cards_of(**node, *asked);
  if (!cards) {
    complain(cards.error().message);
    return mig_outcome(cards.error()).code;
  }
  return run({**node, *asked, out}, *cards);
}

}  // namespace doppel::cli
