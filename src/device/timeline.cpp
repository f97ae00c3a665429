// SPDX-License-Identifier: Apache-2.0
#include "device/timeline.h"

#include <algorithm>
#include <chrono>
#include <limits>

#include "device/context.h"
#include "device/device.h"
#include "device/node_report.h"
#include "device/platform.h"
#include "device/run_recorder.h"

namespace doppel::device {
namespace {

constexpr double kNever = std::numeric_limits<double>::infinity();
// Operations without a place that are kept for whoever may still come between them.
constexpr std::size_t kMostUnplaced = 8192;
constexpr std::size_t kMoreUnplaced = 64;
// What another thread may be doing on the timeline at the end: a simulation, say.
constexpr std::chrono::seconds kMostForOthers{2};
// How long a host function waits to learn its time: what was queued before it may be a kernel that ends when
// the function has run.
constexpr std::chrono::seconds kMostForReady{1};
// How long the one that may have ended a wait is given to come to its end, while it waits itself: for what
// the other one does next, or for the host.
constexpr std::chrono::milliseconds kMostForWriter{200};
// How long the host waits, at most, for what ends behind a write that gets no place: perhaps because that one
// waits for the host.
constexpr std::chrono::seconds kMostForWaits{5};
// How long one that waits is given to go on, once, when what it waited for is there: until then nobody who
// waits for another passes it.
constexpr std::chrono::milliseconds kMostToGoOn{30};
// How often who waits looks where the program's other threads are, which tell nobody.
constexpr std::chrono::microseconds kTick{100};

// Which of a card's copy engines does a copy: one for each direction to and from the host, and to and from
// other cards, as far as there are so many.
int engine_of(Lane lane, int engines) {
  const int host_in = 0, host_out = engines > 1 ? 1 : 0;
  switch (lane) {
    case Lane::CopyToHost:
      return host_out;
    case Lane::CopyToPeer:
      return engines > 2 ? 2 : host_out;
    case Lane::CopyFromPeer:
      return engines > 3 ? 3 : host_in;
    default:
      return host_in;
  }
}

}  // namespace

// What the kernels of one card share.
class Timeline::Card {
 public:
  explicit Card(const Device& device)
      : ordinal_(device.ordinal()),
        joined_(device.nvlink_peer() != nullptr ? device.nvlink_peer()->ordinal() : ordinal_),
        chip_(device.card().sm_count, limit_of(device.card().power), turns_of(device)),
        settings_(&device.card()) {
    if (device.platform().options().keep_timeline) chip_.keep_room_steps();
  }

  double next_us() const { return chip_.next_us(); }
  double away_us() const { return chip_.away_us(); }
  bool uses_link() const { return chip_.uses_link() || shares_link_; }
  // Its grids and the copies on the links, both of which have come to the same moment, agree on them: the
  // grids say what they would like, the links what copies leave of that, and they what they make of it (one
  // that is held up in one direction asks for less in the other). What comes over NVLink the other card
  // sends.
  void share_link(link::BusSchedule& bus) {
    using Link = timing::ChipSchedule::Link;
    const int kernels = chip_.link_users();
    const auto share = [&](int of, link::Channel channel, double asked) {
      return bus.share_with_kernels(ordinal_, of, channel, asked, kernels);
    };
    const auto ask = [&](const Link& asked) {
      return Link{share(ordinal_, link::Channel::PcieToDevice, asked.to_device),
                  share(ordinal_, link::Channel::PcieToHost, asked.to_host),
                  share(joined_, link::Channel::NvLinkOut, asked.nvlink_in),
                  share(ordinal_, link::Channel::NvLinkOut, asked.nvlink_out)};
    };
    chip_.set_link({});
    if (kernels > 0) {
      chip_.set_link(ask(chip_.link_use()));
      ask(chip_.link_use());
    } else {
      ask({0, 0, 0, 0});
    }
    shares_link_ = kernels > 0;
  }
  timing::ChipSchedule::GridId add(const Pointer& operation, const timing::GridDemand& grid,
                                   double ready_us) {
    // A power limit that was set meanwhile.
    if (const card::Card* now = &operation->context()->device().card(); now != settings_) {
      settings_ = now;
      chip_.set_power(limit_of(now->power));
    }
    const auto id = chip_.add(grid, ready_us);
    grids_.emplace(id, operation);
    return id;
  }
  void close(timing::ChipSchedule::GridId grid, double time_us) { chip_.close(grid, time_us); }
  // Calls done(operation, when) for each whose own work is done while its end is open.
  template <typename Function>
  void take_done(Function done) {
    for (const auto grid : chip_.take_done()) done(*grids_.at(grid), chip_.now_us());
  }
  // Calls ended(operation, how it ended) for each of its grids that has.
  template <typename Function>
  void advance_to(double time_us, Function ended) {
    chip_.advance_to(time_us);
    for (const auto& each : chip_.take_ended()) {
      auto grid = grids_.extract(each.grid);
      if (!each.room.empty()) {
        const Context& context = *grid.mapped()->context();
        context.platform().recorder().sm_room(context.device().ordinal(), grid.mapped()->name, each.room);
      }
      ended(*grid.mapped(), each);
    }
  }

 private:
  static timing::PowerLimit limit_of(const card::Power& power) {
    constexpr double kMicrosecondsPerMillisecond = 1000;
    return {power.limit_w, power.awake_w, power.limiter_ms * kMicrosecondsPerMillisecond};
  }

  static timing::Turns turns_of(const Device& device) {
    NodeReport* const node = device.platform().node();
    if (node == nullptr) return {};
    const card::TimeSlicing& slices = device.card().time_slicing;
    return {slices.slice_us, slices.switch_us,
            [node, ordinal = device.ordinal()] { return node->wanted_by_others(ordinal); }};
  }

  int ordinal_;
  int joined_;  // the card at the other end of its NVLinks, else itself
  timing::ChipSchedule chip_;
  const card::Card* settings_;  // its limit is the chip's
  bool shares_link_ = false;    // as the bus knows
  std::map<timing::ChipSchedule::GridId, Pointer> grids_;
};

Timeline::Timeline(Horizon horizon) : horizon_(std::move(horizon)) {}
Timeline::~Timeline() = default;

void Timeline::submitted(const Pointer& operation) {
  const std::lock_guard lock(queue_mutex_);
  submitted_.push_back(operation);
}

void Timeline::began(Operation& operation) { operation.began_ = ++moments_; }

void Timeline::finished(Operation& operation, const Cost& cost) {
  operation.ran_ = ++moments_;
  const std::lock_guard lock(queue_mutex_);
  operation.cost_ = cost;
  operation.costed_ = true;
}

bool Timeline::costed(const Operation& operation) {
  const std::lock_guard lock(queue_mutex_);
  return operation.costed_;
}

void Timeline::advance() {
  const std::lock_guard lock(place_mutex_);
  resolve(false, Past::Nothing);
}

void Timeline::advance_if_quick() {
  const std::unique_lock lock(place_mutex_, std::try_to_lock);
  if (lock) resolve(true, Past::Nothing);
}

void Timeline::link_submitted() {
  std::deque<Pointer> fresh;
  {
    const std::lock_guard lock(queue_mutex_);
    fresh.swap(submitted_);
  }
  for (Pointer& operation : fresh) {
    operation->serial_ = serial_++;
    operation->ready_us_ = operation->submitted_us_;
    latest_us_ = std::max(latest_us_, operation->submitted_us_);
    for (const Pointer& dependency : operation->dependencies_) {
      if (dependency->placed()) {
        operation->ready_us_ = std::max(operation->ready_us_, dependency->end_us_);
      } else {
        dependency->dependents_.push_back(operation);
        ++operation->open_;
      }
    }
    operation->dependencies_.clear();
    ++unplaced_;
    waits_.submitted(operation->serial_, operation);
    if (operation->open_ == 0) release(*operation);
    unresolved_.push_back(std::move(operation));
  }
}

// In the order of submission.
void Timeline::resolve(bool quick_ones, Past past) {
  link_submitted();
  bool any = false;
  for (auto at = unresolved_.begin(); at != unresolved_.end();) {
    Operation& operation = **at;
    if (!costed(operation)) {
      if (past == Past::Nothing || (past == Past::Waiting && !operation.waiting)) break;
      ++at;
      continue;
    }
    if (operation.cost_.resolve) {
      if (quick_ones) break;
      operation.cost_.resolve(operation.cost_);
      operation.cost_.resolve = nullptr;
    }
    operation.resolved_ = true;
    const Pointer keep = *at;
    at = unresolved_.erase(at);
    if (operation.open_ == 0) {
      unknown_.erase({operation.ready_us_, operation.serial_});
      release(operation);
    }
    any = true;
  }
  if (unplaced_ > most_unplaced_) {
    // As far as is sure without a look at who is blocked, and not at each submission.
    const double sure_us = horizon_ == nullptr ? latest_us_ : std::min(latest_us_, horizon_(0));
    run(sure_us, [] { return false; }, Past::Waiting, sure_us);
    most_unplaced_ = std::max(kMostUnplaced, unplaced_ + kMoreUnplaced);
  }
  if (any) changed_.notify_all();
}

// All that it depends on has ended.
void Timeline::release(Operation& operation) {
  const Cost& cost = operation.cost_;
  if (operation.resolved_) operation.ready_us_ = std::max(operation.ready_us_, cost.not_before_us);
  if (!operation.resolved_) {
    unknown_.emplace(Moment{operation.ready_us_, operation.serial_}, operation.shared_from_this());
  } else if (cost.lane == Lane::None || cost.lane == Lane::Host) {
    // Nothing to take turns on.
    const double start_us = operation.ready_us_ + cost.gap_us;
    if (MemoryWaits::waits(operation)) {
      waits_.add(operation.serial_,
                 {.operation = operation.shared_from_this(), .done = true, .done_us = start_us});
    } else {
      place(operation, start_us, start_us + cost.duration_us);
    }
  } else {
    ready_.emplace(Moment{operation.ready_us_ + cost.gap_us, operation.serial_},
                   operation.shared_from_this());
  }
}

Timeline::Card& Timeline::card_of(const Operation& operation) {
  const Device& device = operation.context()->device();
  const auto ordinal = static_cast<std::size_t>(device.ordinal());
  if (cards_.size() <= ordinal) cards_.resize(ordinal + 1);
  if (cards_[ordinal] == nullptr) cards_[ordinal] = std::make_unique<Card>(device);
  return *cards_[ordinal];
}

double Timeline::next_us() const {
  double next = ready_.empty() ? kNever : ready_.begin()->first.first;
  next = std::min(next, bus_.next_us());
  for (const auto& card : cards_) {
    if (card != nullptr) next = std::min(next, card->next_us());
  }
  return next;
}

// Whether something that is ready until then may have a part in what happens, and nobody knows which.
bool Timeline::is_held_up(double until_us, Past past) const {
  if (past == Past::All) return false;
  if (!waits_are_known_) return true;
  for (const auto& [moment, operation] : unknown_) {
    if (moment.first > until_us) return false;
    if (!operation->waiting || (past == Past::Nothing && !operation->passed_)) return true;
    operation->passed_ = true;
  }
  return false;
}

// Whether no thread of the program may still submit something before.
bool Timeline::may_pass(double time_us, Past past) {
  if (horizon_ == nullptr || past == Past::All) return true;
  if (time_us <= horizon_us_) return true;
  horizon_us_ = horizon_(time_us);
  // What the threads submitted before they were there has to be linked first.
  const std::lock_guard lock(queue_mutex_);
  return time_us <= horizon_us_ && submitted_.empty();
}

// Up to a time, until that is enough, or until what comes next hangs on what has not run.
void Timeline::run(double limit_us, const std::function<bool()>& enough, Past past, double horizon_us) {
  horizon_us_ = horizon_us;
  while (!enough()) {
    settle_waits(now_us_, past);
    if (enough()) return;
    const double next = next_us();
    if (next > limit_us || next == kNever || is_held_up(next, past) || !may_pass(next, past)) return;
    const bool shares =
        std::ranges::any_of(cards_, [](const auto& card) { return card != nullptr && card->uses_link(); });
    for (const auto& card : cards_) {
      if (card == nullptr || (card->next_us() > next && !card->uses_link())) continue;
      card->advance_to(next, [this](Operation& operation, const timing::ChipSchedule::Ended& ended) {
        operation.limited_share_ = ended.limited_share;
        place(operation, ended.start_us, ended.end_us);
      });
      card->take_done(
          [this](Operation& operation, double time_us) { waits_.done(operation.serial_, time_us); });
    }
    now_us_ = std::max(now_us_, next);
    if (bus_.next_us() <= next || shares) {
      bus_.advance_to(next);
      for (const auto& each : bus_.take_ended()) {
        const auto copy = copies_.extract(each.copy);
        place(*copy.mapped(), each.start_us, each.end_us);
      }
    }
    if (shares) share_links();
    while (!ready_.empty() && ready_.begin()->first.first <= next) {
      const auto first = ready_.extract(ready_.begin());
      begin(*first.mapped());
    }
  }
}

void Timeline::share_links() {
  for (const auto& card : cards_) {
    if (card != nullptr && card->uses_link()) card->share_link(bus_);
  }
}

void Timeline::begin(Operation& operation) {
  const Cost& cost = operation.cost_;
  const double ready_us = operation.ready_us_ + cost.gap_us;
  if (cost.duration_us <= 0) {
    place(operation, ready_us, ready_us);
  } else if (cost.lane == Lane::Compute) {
    timing::GridDemand grid = cost.grid;
    grid.time_us = cost.duration_us;
    grid.open = MemoryWaits::waits(operation);
    const auto id = card_of(operation).add(operation.shared_from_this(), grid, ready_us);
    if (grid.open) waits_.add(operation.serial_, {.operation = operation.shared_from_this(), .grid = id});
  } else {
    begin_copy(operation, ready_us);
  }
}

// Ends those that have waited for long enough.
void Timeline::settle_waits(double now_us, Past past) {
  const auto now = std::chrono::steady_clock::now();
  const bool passes = !waits_are_known_ && now - unknown_since_ >= kMostForWriter;
  const MemoryWaits::View view{[this](const Operation& operation) { return costed(operation); },
                               [past, passes](const Operation& operation) {
                                 return past == Past::All ||
                                        (passes && past == Past::Waiting && operation.waiting);
                               },
                               asked_us_, gives_up_waits_};
  waits_.forget_before(now_us);
  const bool known = waits_.settle(view, [this](const MemoryWaits::Wait& wait, double end_us) {
    if (wait.grid) {
      card_of(*wait.operation).close(*wait.grid, end_us);
    } else {
      place(*wait.operation, wait.done_us, end_us);
    }
  });
  if (!known && waits_are_known_) unknown_since_ = now;
  waits_are_known_ = known;
}

void Timeline::begin_copy(Operation& operation, double ready_us) {
  const Device& device = operation.context()->device();
  const Cost& cost = operation.cost_;
  const link::CopyDemand demand{cost.duration_us, device.ordinal(),
                                engine_of(cost.lane, device.card().engines.copy), cost.uses};
  copies_.emplace(bus_.add(demand, ready_us), operation.shared_from_this());
}

// Also what depends on it and takes no turns. Not by recursion: chains may be long.
void Timeline::place(Operation& operation, double start_us, double end_us) {
  operation.start_us_ = start_us;
  operation.end_us_ = end_us;
  if (operation.awaited) horizon_us_ = std::min(horizon_us_, end_us);
  const bool outermost = placing_.empty();
  placing_.push_back(operation.shared_from_this());
  if (!outermost) return;
  std::size_t next = 0;
  while (next < placing_.size()) {
    const Pointer placed = placing_[next++];
    end_us_ = std::max(end_us_, placed->end_us_);
    --unplaced_;
    waits_.placed(placed->serial_);
    if (placed->on_placed) {
      placed->on_placed(*placed);
      placed->on_placed = nullptr;
    }
    placed->placed_.store(true, std::memory_order_release);
    for (const Pointer& dependent : std::exchange(placed->dependents_, {})) {
      dependent->ready_us_ = std::max(dependent->ready_us_, placed->end_us_);
      if (--dependent->open_ == 0) release(*dependent);
    }
  }
  placing_.clear();
  changed_.notify_all();
}

void Timeline::wait_placed(Operation& operation, double host_us) {
  const auto begun = std::chrono::steady_clock::now();
  const auto most = begun + kMostForWaits;
  while (!operation.placed()) {
    const auto now = std::chrono::steady_clock::now();
    {
      const std::lock_guard lock(place_mutex_);
      asked_us_ = std::max(asked_us_, host_us);
      gives_up_waits_ = now >= most;
      for (const Past past : {Past::Nothing, Past::Waiting}) {
        if (past == Past::Waiting && now - begun < kMostToGoOn) break;
        resolve(false, past);
        run(kNever, [&] { return operation.placed(); }, past);
        if (operation.placed()) return;
      }
    }
    std::unique_lock lock(queue_mutex_);
    changed_.wait_for(lock, kTick, [&] { return operation.placed(); });
  }
}

bool Timeline::try_place(Operation& operation, bool past_waiting) {
  const std::lock_guard lock(place_mutex_);
  for (const Past past : {Past::Nothing, Past::Waiting}) {
    if (operation.placed() || (past == Past::Waiting && !past_waiting)) break;
    resolve(false, past);
    run(kNever, [&] { return operation.placed(); }, past);
  }
  return operation.placed();
}

double Timeline::wait_ready(Operation& operation) {
  const auto most = std::chrono::steady_clock::now() + kMostForReady;
  while (true) {
    {
      const std::lock_guard lock(place_mutex_);
      for (const Past past : {Past::Nothing, Past::Waiting}) {
        resolve(false, past);
        run(kNever, [&] { return operation.open_ == 0; }, past);
        if (operation.open_ == 0) return operation.ready_us_;
      }
      if (std::chrono::steady_clock::now() >= most) return operation.ready_us_;
    }
    std::unique_lock lock(queue_mutex_);
    changed_.wait_for(lock, kTick);
  }
}

std::optional<bool> Timeline::has_ended_by(Operation& operation, double time_us) {
  if (!operation.placed()) {
    const std::lock_guard lock(place_mutex_);
    asked_us_ = std::max(asked_us_, time_us);
    for (const Past past : {Past::Nothing, Past::Waiting}) {
      resolve(false, past);
      run(time_us, [&] { return operation.placed(); }, past);
      if (operation.placed()) break;
    }
    if (!operation.placed()) {
      const double next = next_us();
      if (is_held_up(time_us, Past::Waiting) || (next <= time_us && !may_pass(next, Past::Waiting)))
        return std::nullopt;
      return false;  // all that happens until then has
    }
  }
  return operation.end_us() <= time_us;
}

void Timeline::place_rest() {
  const std::unique_lock lock(place_mutex_, kMostForOthers);
  if (!lock) return;
  gives_up_waits_ = true;
  resolve(true, Past::All);
  run(kNever, [] { return false; }, Past::All);
}

double Timeline::waited_for_turns_us(int ordinal) const {
  const std::lock_guard lock(place_mutex_);
  const auto number = static_cast<std::size_t>(ordinal);
  return number < cards_.size() && cards_[number] != nullptr ? cards_[number]->away_us() : 0;
}

double Timeline::end_us() const {
  const std::lock_guard lock(place_mutex_);
  return end_us_;
}

}  // namespace doppel::device
