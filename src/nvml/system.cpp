// SPDX-License-Identifier: Apache-2.0
// Start and end, versions, the words for codes, processes' names.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <iterator>

#include "nvml/nvml_api.h"

namespace doppel::nvml {
namespace {

struct Code {
  nvmlReturn_t code;
  const char* name;
  const char* words;
};
constexpr Code kCodes[] = {
    {NVML_SUCCESS, "NVML_SUCCESS", "Success"},
    {NVML_ERROR_UNINITIALIZED, "NVML_ERROR_UNINITIALIZED", "Uninitialized"},
    {NVML_ERROR_INVALID_ARGUMENT, "NVML_ERROR_INVALID_ARGUMENT", "Invalid Argument"},
    {NVML_ERROR_NOT_SUPPORTED, "NVML_ERROR_NOT_SUPPORTED", "Not Supported"},
    {NVML_ERROR_NO_PERMISSION, "NVML_ERROR_NO_PERMISSION", "Insufficient Permissions"},
    {NVML_ERROR_ALREADY_INITIALIZED, "NVML_ERROR_ALREADY_INITIALIZED", "Already Initialized"},
    {NVML_ERROR_NOT_FOUND, "NVML_ERROR_NOT_FOUND", "Not Found"},
    {NVML_ERROR_INSUFFICIENT_SIZE, "NVML_ERROR_INSUFFICIENT_SIZE", "Insufficient Size"},
    {NVML_ERROR_INSUFFICIENT_POWER, "NVML_ERROR_INSUFFICIENT_POWER", "Insufficient External Power"},
    {NVML_ERROR_DRIVER_NOT_LOADED, "NVML_ERROR_DRIVER_NOT_LOADED", "Driver Not Loaded"},
    {NVML_ERROR_TIMEOUT, "NVML_ERROR_TIMEOUT", "Timeout"},
    {NVML_ERROR_IRQ_ISSUE, "NVML_ERROR_IRQ_ISSUE", "Interrupt Request Issue"},
    {NVML_ERROR_LIBRARY_NOT_FOUND, "NVML_ERROR_LIBRARY_NOT_FOUND", "NVML Shared Library Not Found"},
    {NVML_ERROR_FUNCTION_NOT_FOUND, "NVML_ERROR_FUNCTION_NOT_FOUND", "Function Not Found"},
    {NVML_ERROR_CORRUPTED_INFOROM, "NVML_ERROR_CORRUPTED_INFOROM", "Corrupted infoROM"},
    {NVML_ERROR_GPU_IS_LOST, "NVML_ERROR_GPU_IS_LOST", "GPU is lost"},
    {NVML_ERROR_RESET_REQUIRED, "NVML_ERROR_RESET_REQUIRED", "GPU requires reset"},
    {NVML_ERROR_OPERATING_SYSTEM, "NVML_ERROR_OPERATING_SYSTEM",
     "The operating system has blocked the request"},
    {NVML_ERROR_LIB_RM_VERSION_MISMATCH, "NVML_ERROR_LIB_RM_VERSION_MISMATCH",
     "Driver/library version mismatch"},
    {NVML_ERROR_IN_USE, "NVML_ERROR_IN_USE", "In use by another client"},
    {NVML_ERROR_MEMORY, "NVML_ERROR_MEMORY", "Insufficient memory"},
    {NVML_ERROR_NO_DATA, "NVML_ERROR_NO_DATA", "No data"},
    {NVML_ERROR_VGPU_ECC_NOT_SUPPORTED, "NVML_ERROR_VGPU_ECC_NOT_SUPPORTED",
     "ECC is not supported by the vGPU host"},
    {NVML_ERROR_INSUFFICIENT_RESOURCES, "NVML_ERROR_INSUFFICIENT_RESOURCES", "Insufficient resources"},
    {NVML_ERROR_FREQ_NOT_SUPPORTED, "NVML_ERROR_FREQ_NOT_SUPPORTED", "Frequency not supported"},
    {NVML_ERROR_ARGUMENT_VERSION_MISMATCH, "NVML_ERROR_ARGUMENT_VERSION_MISMATCH",
     "Argument version mismatch"},
    {NVML_ERROR_DEPRECATED, "NVML_ERROR_DEPRECATED", "Deprecated"},
    {NVML_ERROR_NOT_READY, "NVML_ERROR_NOT_READY", "Not ready"},
    {NVML_ERROR_GPU_NOT_FOUND, "NVML_ERROR_GPU_NOT_FOUND", "No GPUs were found"},
    {NVML_ERROR_INVALID_STATE, "NVML_ERROR_INVALID_STATE", "Invalid state"},
    {NVML_ERROR_RESET_TYPE_NOT_SUPPORTED, "NVML_ERROR_RESET_TYPE_NOT_SUPPORTED", "Reset type not supported"},
};

const Code* find(nvmlReturn_t code) {
  const auto* found = std::ranges::find(kCodes, code, &Code::code);
  return found != std::end(kCodes) ? found : nullptr;
}

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

// The program's path, as its command line begins.
std::string name_of_process(unsigned pid) {
  const int file = open(fmt::format("/proc/{}/cmdline", pid).c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return {};
  std::array<char, 4096> buffer{};
  const ssize_t length = read(file, buffer.data(), buffer.size() - 1);
  close(file);
  return length > 0 ? std::string(buffer.data()) : std::string();
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
  const Code* code = find(result);
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
  const Code* code = find(result);
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
