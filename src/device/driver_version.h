// SPDX-License-Identifier: Apache-2.0
// The interface version that the driver reports: support/driver_version.h, which all doors know.
#pragma once

#include "support/driver_version.h"

namespace doppel::device {

using doppel::kNewestDriverVersion;
using doppel::kOldestDriverVersion;
using doppel::parse_driver_version;

}  // namespace doppel::device
