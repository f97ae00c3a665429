// SPDX-License-Identifier: Apache-2.0
#include "timing/chip_schedule.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace doppel::timing {
namespace {

constexpr double kNoTime = std::numeric_limits<double>::infinity();
// Of a unit's time: a grid that keeps it busy for longer is bound by it (as predict.cpp says).
constexpr double kBound = 0.6;
// Rounding of sums of shares and of times.
constexpr double kTolerance = 1e-9;
// An average that is so near to the power limit is at it: the clock could not tell the time until then.
constexpr double kAtTheLimit = 1e-6;
// Rounds of blocks that are followed one by one; of longer grids so many make one.
constexpr std::uint64_t kMostRounds = 512;
// Of a block's time that is left, while it counts as having just begun.
constexpr double kSameStart = 1 - 1.0 / 16;

constexpr Rate kLinkRates[] = {Rate::BusToDevice, Rate::BusToHost, Rate::NvLinkIn, Rate::NvLinkOut};

std::uint64_t divided(std::uint64_t a, std::uint64_t by) { return (a + by - 1) / by; }

}  // namespace

ChipSchedule::ChipSchedule(int sm_count, const PowerLimit& power, Turns turns)
    : power_(power),
      turns_(std::move(turns)),
      drawn_w_(power.awake_w),
      average_w_(power.awake_w),
      sms_(static_cast<std::size_t>(sm_count)) {
  for (Sm& sm : sms_) sm.free.fill(1);
}

ChipSchedule::GridId ChipSchedule::add(const GridDemand& demand, double ready_us) {
  const GridId id = next_++;
  Grid& grid = grids_[id];
  grid.demand = demand;
  const std::uint64_t at_once = std::min(demand.blocks, demand.blocks_at_once);
  const std::uint64_t rounds = divided(demand.blocks, at_once);
  // Several that follow each other in one place are one.
  const std::uint64_t together = divided(rounds, kMostRounds);
  grid.pending = divided(demand.blocks, together);
  const auto followed = static_cast<double>(divided(grid.pending, at_once));
  grid.block_us = demand.time_us / followed;
  grid.work_us = grid.block_us * static_cast<double>(grid.pending);
  grid.block_watts = demand.watts * followed / static_cast<double>(grid.pending);
  for (std::size_t rate = 0; rate < kRates; ++rate) {
    // A last round that is not full takes as long as the others: they asked for more than the mean.
    grid.block_rates[rate] = std::min(demand.rates[rate] * followed / static_cast<double>(grid.pending),
                                      1 / static_cast<double>(at_once));
  }
  if (grid.on_link()) ++on_link_;
  waiting_.emplace(std::max(ready_us, now_us_), id);
  return id;
}

void ChipSchedule::advance_to(double time_us) {
  for (double next = next_us(); next <= time_us && next < kNoTime; next = next_us()) step();
  if (time_us > now_us_ && time_us < kNoTime) pass(time_us);
}

void ChipSchedule::step() {
  pass(next_us());
  // In the order in which they came: what ends at the same time gives its room at the same time.
  for (auto each = resident_.begin(); each != resident_.end();) {
    const GridId id = *each++;
    end_cohorts(id, grids_.at(id));
  }
  const bool came = make_ready();
  turns_.update(now_us_, !resident_.empty(), came);
  if (!turns_.away()) give_room();
  set_speeds();
}

double ChipSchedule::next_us() const {
  double at = waiting_.empty() ? kNoTime : waiting_.begin()->first;
  for (const GridId id : resident_) {
    const Grid& grid = grids_.at(id);
    for (const Cohort& cohort : grid.cohorts) at = std::min(at, now_us_ + cohort.left_us / grid.speed);
  }
  // The average reaches the limit.
  if (drawn_w_ > power_.limit_w) {
    const double above = (drawn_w_ - average_w_) / (drawn_w_ - power_.limit_w);
    at = std::min(at, now_us_ + power_.average_us * std::log(std::max(1.0, above)));
  }
  const double turn_us = turns_.next_us(!resident_.empty() || !ready_.empty());
  return std::min(at, std::max(turn_us, now_us_));
}

void ChipSchedule::pass(double until_us) {
  const double time = until_us - now_us_;
  for (const GridId id : resident_) {
    Grid& grid = grids_.at(id);
    for (Cohort& cohort : grid.cohorts) cohort.left_us -= time * grid.speed;
    if (time > 0 && grid.speed < 1) grid.undisturbed = false;
    if (limited_) grid.limited_us += time * grid.speed * static_cast<double>(grid.running);
  }
  if (time > 0) average_w_ = drawn_w_ + (average_w_ - drawn_w_) * std::exp(-time / power_.average_us);
  now_us_ = until_us;
}

// Or with less left than the clock can tell.
bool ChipSchedule::has_ended(const Grid& grid, const Cohort& cohort) const {
  return cohort.left_us <= kTolerance * grid.block_us || now_us_ + cohort.left_us / grid.speed <= now_us_;
}

// Its own time to the digit where nobody came into its way.
double ChipSchedule::own_end_us(const Grid& grid) const {
  return grid.undisturbed ? grid.start_us + grid.demand.time_us : now_us_;
}

// Its last blocks have done their own work. They wait, and ask for nothing but their room.
void ChipSchedule::keep_open(GridId id, Grid& grid) {
  grid.done = true;
  grid.end_us = own_end_us(grid);
  grid.done_us = now_us_ = std::max(now_us_, grid.end_us);
  for (Cohort& cohort : grid.cohorts) cohort.left_us = kNoTime;
  grid.block_rates.fill(0);
  grid.block_watts = 0;
  grid.demand.limited_time = 1;
  done_.push_back(id);
}

void ChipSchedule::close(GridId id, double time_us) {
  Grid& grid = grids_.at(id);
  grid.demand.open = false;
  grid.end_us = std::max(grid.end_us, time_us);
  if (now_us_ > grid.done_us) grid.end_us = std::max(grid.end_us, now_us_);
  for (Cohort& cohort : grid.cohorts) cohort.left_us = (grid.end_us - now_us_) * grid.speed;
}

void ChipSchedule::end_cohorts(GridId id, Grid& grid) {
  if (grid.done && grid.demand.open) return;
  if (grid.demand.open && grid.pending == 0 &&
      std::ranges::all_of(grid.cohorts, [&](const Cohort& each) { return has_ended(grid, each); })) {
    keep_open(id, grid);
    return;
  }
  std::erase_if(grid.cohorts, [&](const Cohort& cohort) {
    if (!has_ended(grid, cohort)) return false;
    grid.running -= cohort.blocks;
    note_room(grid, -static_cast<double>(cohort.blocks));
    for (std::size_t sm = 0; sm < sms_.size(); ++sm) {
      for (std::size_t room = 0; room < kRooms; ++room)
        sms_[sm].free[room] += grid.demand.room[room] * cohort.on_sm[sm];
    }
    return true;
  });
  if (grid.running > 0) return;
  resident_.erase(id);
  // The rounding of sums does not add up over a long program, until a block finds no room on an empty SM.
  if (resident_.empty()) {
    for (Sm& sm : sms_) sm.free.fill(1);
  }
  if (grid.pending > 0) return;
  const double end_us = grid.done ? grid.end_us : own_end_us(grid);
  now_us_ = std::max(now_us_, end_us);
  const double limited = grid.work_us > 0 ? std::min(1.0, grid.limited_us / grid.work_us) : 0;
  if (grid.on_link()) --on_link_;
  ended_.push_back({id, grid.start_us, end_us, limited, std::move(grid.room_steps)});
  grids_.erase(id);
}

// Whether any has become ready.
bool ChipSchedule::make_ready() {
  bool any = false;
  while (!waiting_.empty() && waiting_.begin()->first <= now_us_) {
    const GridId id = waiting_.begin()->second;
    ready_.emplace(grids_.at(id).demand.priority, id);
    waiting_.erase(waiting_.begin());
    any = true;
  }
  return any;
}

void ChipSchedule::give_room() {
  while (!ready_.empty()) {
    const GridId id = ready_.begin()->second;
    Grid& grid = grids_.at(id);
    if (!resident_.contains(id) && resident_.size() >= kMostResident) return;
    const std::uint64_t wanted = std::min(grid.pending, grid.demand.blocks_at_once - grid.running);
    const std::uint64_t placed = place(grid, wanted);
    if (placed > 0) resident_.insert(id);
    if (placed < wanted && grid.begun) grid.undisturbed = false;
    if (grid.pending > 0) return;  // the others wait for its blocks
    ready_.erase(ready_.begin());
  }
}

// Up to so many blocks, as far as there is room, on the SMs with the most of it first. Returns how many.
std::uint64_t ChipSchedule::place(Grid& grid, std::uint64_t wanted) {
  const auto& room = grid.demand.room;
  const auto fits = [&](const Sm& sm) {
    double most = kNoTime;
    for (std::size_t i = 0; i < kRooms; ++i) {
      if (room[i] > 0) most = std::min(most, (sm.free[i] + kTolerance) / room[i]);
    }
    return static_cast<std::uint64_t>(std::min(most, static_cast<double>(grid.pending)));
  };
  Cohort cohort{0, std::vector<std::uint32_t>(sms_.size(), 0), grid.block_us};
  std::vector<std::uint64_t> left(sms_.size());
  for (std::size_t sm = 0; sm < sms_.size(); ++sm) left[sm] = fits(sms_[sm]);
  // One to each SM that has the most places left, down to those that have fewer.
  while (wanted > 0) {
    const std::uint64_t most = *std::ranges::max_element(left);
    if (most == 0) break;
    for (std::size_t sm = 0; sm < sms_.size() && wanted > 0; ++sm) {
      if (left[sm] != most) continue;
      --left[sm];
      --wanted;
      ++cohort.on_sm[sm];
      ++cohort.blocks;
    }
  }
  if (cohort.blocks == 0) return 0;
  for (std::size_t sm = 0; sm < sms_.size(); ++sm) {
    for (std::size_t i = 0; i < kRooms; ++i) sms_[sm].free[i] -= room[i] * cohort.on_sm[sm];
  }
  if (!grid.begun) grid.start_us = now_us_;
  grid.begun = true;
  note_room(grid, static_cast<double>(cohort.blocks));
  grid.pending -= cohort.blocks;
  grid.running += cohort.blocks;
  const std::uint64_t blocks = cohort.blocks;
  join(grid, std::move(cohort));
  return blocks;
}

// So many blocks have come, or gone.
void ChipSchedule::note_room(Grid& grid, double blocks) const {
  if (!keeps_room_steps_) return;
  const double sms = blocks * *std::ranges::max_element(grid.demand.room);
  auto& steps = grid.room_steps;
  if (steps.empty() || steps.back().time_us != now_us_) {
    steps.push_back({now_us_, sms});
    return;
  }
  // A round that follows another one without a gap takes its room over.
  steps.back().sms += sms;
  if (std::abs(steps.back().sms) < kTolerance) steps.pop_back();
}

// Blocks that began at nearly the same time go on as one cohort, with the mean of what they have left: places
// that fall free here and there would make more and smaller ones all the time.
void ChipSchedule::join(Grid& grid, Cohort cohort) {
  if (!grid.cohorts.empty() && grid.cohorts.back().left_us > kSameStart * grid.block_us) {
    Cohort& before = grid.cohorts.back();
    const auto old = static_cast<double>(before.blocks);
    const auto fresh = static_cast<double>(cohort.blocks);
    before.left_us = (before.left_us * old + cohort.left_us * fresh) / (old + fresh);
    before.blocks += cohort.blocks;
    for (std::size_t sm = 0; sm < sms_.size(); ++sm) before.on_sm[sm] += cohort.on_sm[sm];
    grid.undisturbed = false;
    return;
  }
  grid.cohorts.push_back(std::move(cohort));
}

// Every grid at full speed, as long as that asks for no more than there is of any rate, and of power.
void ChipSchedule::set_speeds() {
  if (turns_.away()) {
    stop();
    return;
  }
  for (const GridId id : resident_) grids_.at(id).speed = 1;
  share_rates();
  drawn_w_ = watts();
  if (drawn_w_ <= power_.limit_w) {
    limited_ = false;
  } else {
    limited_ = limited_ || average_w_ >= power_.limit_w * (1 - kAtTheLimit);
    if (limited_) {
      for (const GridId id : resident_) grids_.at(id).speed = 1 / grids_.at(id).demand.limited_time;
      share_rates();
      drawn_w_ = power_.limit_w;
    }
  }
}

// Another process has the card. Who only waits goes on waiting.
void ChipSchedule::stop() {
  for (const GridId id : resident_) {
    Grid& grid = grids_.at(id);
    grid.speed = grid.done ? 1 : 0;
  }
  drawn_w_ = power_.awake_w;
  limited_ = false;
}

void ChipSchedule::set_link(const Link& there) {
  link_ = there;
  set_speeds();
}

bool ChipSchedule::Grid::on_link() const {
  return std::ranges::any_of(kLinkRates,
                             [this](Rate rate) { return block_rates[static_cast<std::size_t>(rate)] > 0; });
}

ChipSchedule::Link ChipSchedule::link_use() const {
  Link use{0, 0, 0, 0};
  for (const GridId id : resident_) {
    const Grid& grid = grids_.at(id);
    const double pace = static_cast<double>(grid.running) * grid.speed;
    use.to_device += grid.block_rates[static_cast<std::size_t>(Rate::BusToDevice)] * pace;
    use.to_host += grid.block_rates[static_cast<std::size_t>(Rate::BusToHost)] * pace;
    use.nvlink_in += grid.block_rates[static_cast<std::size_t>(Rate::NvLinkIn)] * pace;
    use.nvlink_out += grid.block_rates[static_cast<std::size_t>(Rate::NvLinkOut)] * pace;
  }
  return use;
}

int ChipSchedule::link_users() const {
  return static_cast<int>(
      std::ranges::count_if(resident_, [this](GridId id) { return grids_.at(id).on_link(); }));
}

// Of all that runs, at its speed.
double ChipSchedule::watts() const {
  double sum = power_.awake_w;
  for (const GridId id : resident_) {
    const Grid& grid = grids_.at(id);
    sum += grid.block_watts * static_cast<double>(grid.running) * grid.speed;
  }
  return sum;
}

// What the resident grids can have of a rate together. The queues of L2 and DRAM fill up: all of it. The
// slots of an SM's sub-cores do not queue: warps that are bound by them ask at random against each other, so
// that each grid leaves idle what it leaves idle alone, and of that the others their part. Links are shared
// with copies.
double ChipSchedule::there(std::size_t rate) const {
  if (rate == static_cast<std::size_t>(Rate::Dram) || rate == static_cast<std::size_t>(Rate::L2)) return 1;
  if (rate == static_cast<std::size_t>(Rate::BusToDevice)) return link_.to_device;
  if (rate == static_cast<std::size_t>(Rate::BusToHost)) return link_.to_host;
  if (rate == static_cast<std::size_t>(Rate::NvLinkIn)) return link_.nvlink_in;
  if (rate == static_cast<std::size_t>(Rate::NvLinkOut)) return link_.nvlink_out;
  double idle = 1;
  double of_others = 0;
  for (const GridId id : resident_) {
    const Grid& grid = grids_.at(id);
    const double asked = grid.block_rates[rate] * static_cast<double>(grid.running);
    if (grid.demand.rates[rate] >= kBound) {
      idle *= 1 - std::min(asked, 1.0);
    } else {
      of_others += asked;
    }
  }
  return std::min(1.0, 1 - idle + of_others);
}

void ChipSchedule::share_rates() {
  std::array<double, kRates> all{};
  for (std::size_t rate = 0; rate < kRates; ++rate) all[rate] = there(rate);
  for (std::size_t round = 0; round < kRates; ++round) {
    std::size_t worst = kRates;
    double most = 1 + kTolerance;
    for (std::size_t rate = 0; rate < kRates; ++rate) {
      double asked = 0;
      for (const GridId id : resident_) {
        const Grid& grid = grids_.at(id);
        asked += grid.block_rates[rate] * static_cast<double>(grid.running) * grid.speed;
      }
      if (asked <= most * all[rate]) continue;
      most = asked / all[rate];
      worst = rate;
    }
    if (worst == kRates) break;
    share(worst, all[worst]);
  }
}

// Of one rate that is asked for more than there is: each warp has an equal right to it, and who asks for less
// leaves the rest to the others.
void ChipSchedule::share(std::size_t rate, double there) {
  struct Asking {
    Grid* grid;
    double asked, weight;
  };
  std::vector<Asking> asking;
  double weights = 0;
  for (const GridId id : resident_) {
    Grid& grid = grids_.at(id);
    const auto running = static_cast<double>(grid.running);
    const double asked = grid.block_rates[rate] * running * grid.speed;
    if (asked <= 0) continue;
    const double weight = std::max(grid.demand.room[static_cast<std::size_t>(Room::Warps)], 1e-6) * running;
    asking.push_back({&grid, asked, weight});
    weights += weight;
  }
  std::ranges::sort(asking, {}, [](const Asking& each) { return each.asked / each.weight; });
  for (const Asking& each : asking) {
    const double part = std::min(each.asked, there * each.weight / weights);
    each.grid->speed *= part / each.asked;
    there -= part;
    weights -= each.weight;
  }
}

}  // namespace doppel::timing
