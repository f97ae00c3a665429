// SPDX-License-Identifier: Apache-2.0
// Start and end, versions, the words for codes, processes' names.
#include <doppel/nvml/codes.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "nvml/nvml_api.h"

namespace doppel::nvml {
namespace {

// The branch of NVIDIA's drivers that brought a version of CUDA (CUDA's release notes, table of drivers; the
// last one by the package of its Python bindings). Doppel's own number behind it is none that a driver has.
struct Branch {
  int cuda, branch;
};
constexpr Branch kBranches[] = {
    {11000, 450}, {11010, 455}, {11020, 460}, {11030, 465}, {11040, 470}, {11050, 495},
    {11060, 510}, {11070, 515}, {11080, 520}, {12000, 525}, {12010, 530}, {12020, 535},
    {12030, 545}, {12040, 550}, {12050, 555}, {12060, 560}, {12070, 565}, {12080, 570},
    {12090, 575}, {13000, 580}, {13010, 590}, {13020, 595}, {13030, 615},
};

int branch_of(int cuda) {
  int branch = kBranches[0].branch;
  for (const Branch& each : kBranches) {
    if (each.cuda <= cuda) branch = each.branch;
  }
  return branch;
}

nvmlReturn_t cuda_version(int* version) {
  return of_machine(__func__, [&](const Machine& here) {
    if (version == nullptr) return NVML_ERROR_INVALID_ARGUMENT;
    *version = here.cuda_version();
    return NVML_SUCCESS;
  });
}

nvmlReturn_t start(const char* function) {
  auto body = [] { return begin_use(); };
  return api::call_always<NvmlApi>(function, std::tuple(), body);
}

}  // namespace

std::string name_of_process(unsigned pid) {
  const int file = open(fmt::format("/proc/{}/cmdline", pid).c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return {};
  std::array<char, 4096> buffer{};
  const ssize_t length = read(file, buffer.data(), buffer.size() - 1);
  close(file);
  return length > 0 ? std::string(buffer.data()) : std::string();
}

nvmlReturn_t NvmlApi::code_of(const Error& error) {
  switch (error.kind) {
    case Error::Kind::InvalidArgument:
      return NVML_ERROR_INVALID_ARGUMENT;
    case Error::Kind::NotSupported:
      return NVML_ERROR_NOT_SUPPORTED;
    case Error::Kind::NotFound:
      return NVML_ERROR_GPU_NOT_FOUND;
    case Error::Kind::OutOfMemory:
      return NVML_ERROR_MEMORY;
    case Error::Kind::NotPermitted:
      return NVML_ERROR_NO_PERMISSION;
    case Error::Kind::UnsupportedVersion:
      return NVML_ERROR_LIB_RM_VERSION_MISMATCH;
    case Error::Kind::NotReady:
      return NVML_ERROR_TIMEOUT;
    case Error::Kind::LimitExceeded:
      return NVML_ERROR_INSUFFICIENT_RESOURCES;
    default:
      return NVML_ERROR_UNKNOWN;
  }
}

const char* NvmlApi::name_of(nvmlReturn_t result) {
  const Code* code = find_code(result);
  return code != nullptr ? code->name : nullptr;
}

void narrow(node::CardState& state, const node::Instance& instance) {
  state.used_bytes = 0;
  for (const node::ProcessState& each : state.processes) {
    if (each.instance.gpu == instance.gpu) state.used_bytes += each.used_bytes;
  }
  std::erase_if(state.processes, [&](const node::ProcessState& each) { return each.instance != instance; });
}

nvmlReturn_t copy_text(std::string_view text, char* to, unsigned length) {
  if (to == nullptr) return NVML_ERROR_INVALID_ARGUMENT;
  if (length <= text.size()) return NVML_ERROR_INSUFFICIENT_SIZE;
  std::memcpy(to, text.data(), text.size());
  to[text.size()] = '\0';
  return NVML_SUCCESS;
}

}  // namespace doppel::nvml

extern "C" {
using namespace doppel::nvml;

nvmlReturn_t nvmlInit() { return start(__func__); }
nvmlReturn_t nvmlInit_v2() { return start(__func__); }
nvmlReturn_t nvmlInitWithFlags(unsigned flags) {
  constexpr unsigned kKnown = 0x7;  // no GPUs is fine; do not attach; force
  return (flags & ~kKnown) != 0 ? NVML_ERROR_INVALID_ARGUMENT : start(__func__);
}
nvmlReturn_t nvmlShutdown() {
  auto body = [] { return end_use(); };
  return doppel::api::call_always<NvmlApi>(__func__, std::tuple(), body);
}

// Works in every state.
const char* nvmlErrorString(nvmlReturn_t result) {
  const Code* code = find_code(result);
  return code != nullptr ? code->words : "Unknown Error";
}

nvmlReturn_t nvmlSystemGetDriverVersion(char* version, unsigned length) {
  return of_machine(__func__, [&](const Machine& here) {
    return copy_text(fmt::format("{}.00", branch_of(here.cuda_version())), version, length);
  });
}
nvmlReturn_t nvmlSystemGetNVMLVersion(char* version, unsigned length) {
  return of_machine(__func__, [&](const Machine& here) {
    return copy_text(fmt::format("{}.{}.00", here.cuda_version() / 1000, branch_of(here.cuda_version())),
                     version, length);
  });
}
nvmlReturn_t nvmlSystemGetCudaDriverVersion(int* version) { return cuda_version(version); }
nvmlReturn_t nvmlSystemGetCudaDriverVersion_v2(int* version) { return cuda_version(version); }
nvmlReturn_t nvmlSystemGetProcessName(unsigned pid, char* name, unsigned length) {
  return of_machine(__func__, [&](const Machine& /*here*/) {
    const std::string found = name_of_process(pid);
    if (name == nullptr || length == 0) return NVML_ERROR_INVALID_ARGUMENT;
    if (found.empty()) return NVML_ERROR_NOT_FOUND;
    return copy_text(std::string_view(found).substr(0, length - 1), name, length);
  });
}
nvmlReturn_t nvmlUnitGetCount(unsigned* count) {
  return of_machine(__func__, [&](const Machine& /*here*/) {
    if (count == nullptr) return NVML_ERROR_INVALID_ARGUMENT;
    *count = 0;  // of S-class systems
    return NVML_SUCCESS;
  });
}

}  // extern "C"
