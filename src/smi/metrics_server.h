// SPDX-License-Identifier: Apache-2.0
// `doppel node --listen`: answers GET /metrics over HTTP, to this machine alone.
#pragma once

#include <functional>
#include <string>

#include "support/result.h"

namespace doppel::smi {

struct Endpoint {
  std::string host;         // an address of this machine alone, such as 127.0.0.1 or ::1
  unsigned short port = 0;  // 0: one that is free
};
// Of "127.0.0.1:9400", "[::1]:9400", ":9400" or "9400". InvalidArgument: of another text, or of an address
// that others reach.
Result<Endpoint> read_endpoint(const std::string& text);

// Until SIGINT or SIGTERM comes. `metrics` is asked for each answer, by one thread; an error of it becomes a
// status of 500 with its words. `listens` is told the port, before the first. Io: the address cannot be had.
Result<void> serve_metrics(const Endpoint& at, const std::function<Result<std::string>()>& metrics,
                           const std::function<void(unsigned short port)>& listens);

}  // namespace doppel::smi
