// SPDX-License-Identifier: Apache-2.0
// What moving pages of managed memory takes. Pages that somebody waits for, having touched them, come in
// groups, each of which the driver first has to be told of: slower than a copy (card file, [managed]). What
// was asked for in advance comes as a copy does.
#pragma once

#include "card/card.h"
#include "link/transfer.h"

namespace doppel::link {

enum class Cause : std::uint8_t { Fault, Prefetch };

// Of so many bytes one way, without the first fault's latency.
double migration_us(const card::Card& card, double bytes, Direction direction, Cause cause);
// For how long they keep the link.
double migration_on_link_us(const card::Card& card, double bytes, Direction direction);
// For how long a kernel keeps the link with whole lines of memory that stays with the host.
double lines_on_link_us(const card::Card& card, double bytes, Direction direction);

}  // namespace doppel::link
