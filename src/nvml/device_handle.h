// SPDX-License-Identifier: Apache-2.0
// What a device's handle is the address of, a card's or a MIG device's.
#pragma once

struct nvmlDevice_st {};
