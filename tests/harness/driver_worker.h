// SPDX-License-Identifier: Apache-2.0
// The process that holds a context of the driver and runs what driver_runner.cpp sends it.
#pragma once

#include <cstdint>
#include <string>

namespace doppel::harness {

// What a request asks for; the fields that follow it are in driver_worker.cpp beside what reads them.
enum class DriverRequest : std::uint64_t { Describe, Load, Launch };

// How an answer begins. After Lost the context is of no use, and neither is its process.
enum class DriverAnswer : std::uint64_t { Done, Failed, TooNew, Lost };

// Answers requests on the socket until the other side closes it.
[[noreturn]] void serve_driver(int socket, const std::string& library);

}  // namespace doppel::harness
