// SPDX-License-Identifier: Apache-2.0
#include "smi/smi_mig.h"

#include <fmt/format.h>

namespace doppel::smi {
namespace {

tl::unexpected<Failure> not_yet(const std::string& what) {
  return failed(NVML_ERROR_NOT_SUPPORTED,
                fmt::format("{}: instances cannot be made of the double yet", what));
}

}  // namespace

Outcome<Said> mig(const Nvml& /*nvml*/, std::span<const std::string> arguments) {
  if (arguments.empty())
    return failed(kBadUsage, "mig: expected one of -lgip, -lgipp, -cgi, -cci, -lgi, -lci, -dgi, -dci");
  return not_yet("mig " + arguments.front());
}

Outcome<Said> set_mig_mode(const std::vector<Gpu>& /*gpus*/, const std::string& /*mode*/) {
  return not_yet("-mig");
}

std::string mig_list(const Gpu& /*gpu*/) { return {}; }
std::string mig_table(const std::vector<Gpu>& /*gpus*/) { return {}; }

}  // namespace doppel::smi
