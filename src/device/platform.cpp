// SPDX-License-Identifier: Apache-2.0
#include "device/platform.h"

#include <fmt/format.h>
#include <signal.h>  // NOLINT(modernize-deprecated-headers): POSIX has more than <csignal>

#include <algorithm>

#include "card/load_card.h"
#include "card/load_host.h"
#include "card/nvlink_pairs.h"
#include "device/context.h"
#include "device/device.h"
#include "device/device_list.h"
#include "device/event_publisher.h"
#include "device/host_clock.h"
#include "device/host_part.h"
#include "device/managed_memory.h"
#include "device/node_defaults.h"
#include "device/node_report.h"
#include "device/run_recorder.h"
#include "device/scheduler.h"
#include "device/timeline.h"

namespace doppel::device {

Platform::Platform(Options options, card::Host host, std::unique_ptr<HostPart> part)
    : options_(std::move(options)), compilations_(options_.record_folder) {
  clock_ = std::make_unique<HostClock>(std::move(host), std::move(part));
  recorder_ = std::make_unique<RunRecorder>(options_);
  timeline_ = std::make_unique<Timeline>(
      [threads = &clock_->threads()](double needed_us) { return threads->earliest_of_others_us(needed_us); });
  engine_ = std::make_unique<engine::Engine>(options_.host_threads);
  scheduler_ = std::make_unique<Scheduler>(*timeline_);
  managed_ = std::make_unique<ManagedMemory>(*this);
  event_publisher_ = std::make_unique<EventPublisher>(*timeline_);
}

Result<std::unique_ptr<Platform>> Platform::create(Options options) {
  if (auto taken = take_from_node(options); !taken) return tl::unexpected(taken.error());
  std::vector<card::Card> cards;
  for (const std::string& name : options.cards) {
    auto card = card::find_card(name);
    if (!card) return tl::unexpected(card.error());
    cards.push_back(std::move(*card));
  }
  return create(std::move(options), cards);
}

Result<std::unique_ptr<Platform>> Platform::create(Options options, const std::vector<card::Card>& cards) {
  auto host = card::find_host(options.host);
  if (!host) return tl::unexpected(host.error());
  std::error_code ignored;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", ignored);
  auto part = HostPart::create(options.host_part, program.filename());
  if (!part) return tl::unexpected(part.error());
  std::unique_ptr<Platform> platform(new Platform(std::move(options), *std::move(host), *std::move(part)));
  const Options& asked = platform->options_;
  if (!asked.dump_after.empty()) {
    const std::string folder = asked.dump_directory.empty() ? "doppel-dump" : asked.dump_directory;
    if (auto dumps = platform->compilations_.passes().ask(asked.dump_after, folder); !dumps)
      return tl::unexpected(dumps.error());
  }
  std::shared_ptr<node::Node> node;
  if (!asked.node.empty()) {
    auto opened = node::Node::open(asked.node);
    if (!opened) return tl::unexpected(opened.error());
    node = std::move(*opened);
  }
  auto listed = list_devices(cards, {asked.ecc, asked.power_limit_w}, asked.visible_devices, node.get());
  if (!listed) return tl::unexpected(listed.error());
  if (node != nullptr) {
    platform->node_ = std::make_unique<NodeReport>(node, *listed);
    platform->recorder_->report_to(platform->node_.get());
  }
  int ordinal = 0;
  for (ListedDevice& each : *listed) {
    auto device = Device::create(*platform, ordinal++, std::move(each));
    if (!device) return tl::unexpected(device.error());
    platform->devices_.push_back(std::move(*device));
    platform->managed_->attach(*platform->devices_.back());
    const Device& made = *platform->devices_.back();
    platform->recorder_->add_device(made.ordinal(), made.card());
  }
  if (auto joined = platform->join_cards(cards); !joined) return tl::unexpected(joined.error());
  return platform;
}

Result<void> Platform::join_cards(const std::vector<card::Card>& cards) {
  if (options_.nvlink) {
    const auto pairs = card::nvlink_pairs(cards);
    if (!pairs) return tl::unexpected(pairs.error());
    const auto device_of = [this](std::size_t listed) {
      const auto found = std::ranges::find(devices_, listed, [](const auto& each) { return each->listed(); });
      return found != devices_.end() ? found->get() : nullptr;
    };
    for (const auto& [first, second] : *pairs) {
      Device* const one = device_of(first);
      Device* const other = device_of(second);
      if (one == nullptr || other == nullptr) continue;  // the process sees one of them at most
      Device::join_by_nvlink(*one, *other);
      if (node_ == nullptr) continue;
      auto told = node_->join_by_nvlink(one->ordinal(), other->ordinal());
      if (!told) return told;
    }
  } else if (node_ != nullptr) {
    for (const auto& device : devices_) {
      if (const auto peer = node_->nvlink_peer(device->ordinal()))
        Device::join_by_nvlink(*device, *devices_[static_cast<std::size_t>(*peer)]);
    }
  }
  for (const auto& device : devices_) {
    std::vector<engine::Peer> peers;
    for (const auto& other : devices_) {
      const auto number = static_cast<std::uint32_t>(other->ordinal());
      if (other == device || number >= analysis::kMostPeers) continue;
      peers.push_back({other->memory().base(), number, device->linked_by_nvlink(*other)});
    }
    device->set_peers(std::move(peers));
  }
  return {};
}

Platform::~Platform() {
  cancel();
  scheduler_->wait_all();
  (void)write_record();
  event_publisher_ = nullptr;
  managed_->stop();
  devices_.clear();
  managed_ = nullptr;
  scheduler_ = nullptr;
  {
    const std::lock_guard lock(watch_mutex_);
    watch_ending_ = true;
  }
  watch_changed_.notify_all();
  if (watcher_.joinable()) watcher_.join();
}

const card::Host& Platform::host() const { return clock_->host(); }
int Platform::device_count() const { return static_cast<int>(devices_.size()); }
Device& Platform::device(int ordinal) const { return *devices_[static_cast<std::size_t>(ordinal)]; }

PointerInfo Platform::classify(std::uint64_t address) const {
  PointerInfo info;
  for (const auto& device : devices_) {
    const bool inside = device->memory().contains(address);
    // Registered memory of the program's lies anywhere.
    info.allocation = device->memory().find(address);
    if (!inside && !info.allocation) continue;
    info.device = info.range = device.get();
    if (info.allocation && info.allocation->holder >= 0) info.device = &this->device(info.allocation->holder);
    if (!info.allocation) {
      info.kind = address - device->memory().base() >= memory::kHostWindowOffset
                      ? PointerInfo::Kind::PinnedHost
                      : PointerInfo::Kind::Device;
      return info;
    }
    switch (info.allocation->kind) {
      case memory::AllocationKind::HostPinned:
      case memory::AllocationKind::HostRegistered:
        info.kind = PointerInfo::Kind::PinnedHost;
        break;
      case memory::AllocationKind::Managed:
        info.kind = PointerInfo::Kind::Managed;
        break;
      default:
        info.kind = PointerInfo::Kind::Device;
        break;
    }
    const std::lock_guard lock(owners_mutex_);
    if (const auto owner = owners_.find(info.allocation->address); owner != owners_.end())
      info.context = owner->second;
    return info;
  }
  return info;
}

void Platform::set_owner(std::uint64_t address, Context* context) {
  const std::lock_guard lock(owners_mutex_);
  if (context == nullptr) {
    owners_.erase(address);
  } else {
    owners_[address] = context;
  }
}

void Platform::cancel() noexcept {
  cancelled_.store(true);
  compilations_.gate().shut();
  scheduler_->drop_rest();
}

bool Platform::finish_or_cancel() {
  using Clock = std::chrono::steady_clock;
  constexpr std::chrono::milliseconds kTick{10};
  const auto start = Clock::now();
  auto compiled = start;  // when something was last seen to be compiled
  while (!scheduler_->wait_all_for(kTick)) {
    const auto now = Clock::now();
    if (compilations_.gate().inside() > 0) compiled = now;
    if (now - compiled < kMostForKernels && now - start < kMostForWork) continue;
    cancel();
    finish_compiling(kMostForCompiling);
    return false;
  }
  return true;
}

void Platform::finish_compiling(std::chrono::milliseconds most) {
  constexpr std::chrono::milliseconds kTick{1};
  const auto end = std::chrono::steady_clock::now() + most;
  while (compilations_.gate().inside() > 0 && std::chrono::steady_clock::now() < end)
    std::this_thread::sleep_for(kTick);
}

Platform::Watch::Watch(Platform& platform, std::atomic<bool>& flag) : platform_(platform) {
  const std::lock_guard lock(platform_.watch_mutex_);
  entry_ = platform_.watched_.insert(platform_.watched_.end(), {&flag, std::nullopt});
  if (!platform_.watcher_.joinable()) platform_.watcher_ = std::thread([&platform] { platform.watch(); });
}

void Platform::Watch::starts() {
  const std::lock_guard lock(platform_.watch_mutex_);
  entry_->since = std::chrono::steady_clock::now();
}

Platform::Watch::~Watch() {
  const std::lock_guard lock(platform_.watch_mutex_);
  platform_.watched_.erase(entry_);
}

void Platform::watch() {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, nullptr);
  std::unique_lock lock(watch_mutex_);
  while (!watch_ending_) {
    watch_changed_.wait_for(lock, std::chrono::milliseconds(50));
    const auto now = std::chrono::steady_clock::now();
    for (const auto& [flag, since] : watched_) {
      const bool late = options_.timeout_s > 0 && since &&
                        std::chrono::duration<double>(now - *since).count() > options_.timeout_s;
      if (late || cancelled()) flag->store(true);
    }
  }
}

Result<void> Platform::write_record() {
  timeline_->place_rest();
  if (auto written = clock_->part().write(); !written) return written;
  if (options_.record_folder.empty()) return {};
  std::vector<const Device*> devices;
  for (const auto& device : devices_) devices.push_back(device.get());
  std::vector<RunRecord> records = recorder_->records(devices, clock_->latest_us(), clock_->context_us());
  for (RunRecord& each : records) {
    const double waited_us = timeline_->waited_for_turns_us(each.device_ordinal);
    if (waited_us <= 0) continue;
    const card::TimeSlicing& slices = device(each.device_ordinal).card().time_slicing;
    each.diagnostics.push_back(
        {"assumed",
         fmt::format(
             "other processes used the card: {:.0f} us were waited for their turns, of {:.0f} us each with "
             "{:.0f} us for a switch, as often as they wanted it meanwhile",
             waited_us, slices.slice_us, slices.switch_us),
         1});
  }
  if (options_.time_passes && !records.empty()) {
    for (const PassTime& each : compilations_.passes().times())
      records.front().passes.push_back({each.pass, each.seconds, each.runs});
  }
  return write_run_records(options_.record_folder, records);
}

}  // namespace doppel::device
