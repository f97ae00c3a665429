// SPDX-License-Identifier: Apache-2.0
// Reads host files. docs/hosts.md describes the format.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "card/card_fields.h"
#include "card/host.h"
#include "support/result.h"

namespace doppel::card {

// The host that programs are timed on: that of `file`, or of hosts/workstation.toml beside the cards' folder
// (card_folders()) where that is empty. Errors are InvalidInput, Io or NotFound and name the file.
Result<Host> find_host(const std::string& file = {});

Result<Host> parse_host(std::string_view text, const std::string& file);

// Every key, bound to `host`, which must outlive the result.
std::vector<Field> fields(Host& host);

}  // namespace doppel::card
