// SPDX-License-Identifier: Apache-2.0
#include "smi/nvml_client.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <memory>
#include <string_view>

#include "smi/value.h"

namespace doppel::smi {

Outcome<Nvml> Nvml::open(const std::filesystem::path& file) {
  void* const library = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr)
    return failed(NVML_ERROR_LIBRARY_NOT_FOUND,
                  fmt::format("the management library cannot be opened: {}", dlerror()));
  Nvml nvml(library);
  // What is wrong with the environment, the library itself says on standard error.
  if (const nvmlReturn_t begun = nvml.call("nvmlInit_v2"); begun != NVML_SUCCESS) {
    nvml.library_ = nullptr;
    return failed(status_of(begun), fmt::format("the cards cannot be shown: {}", words_for(begun)));
  }
  return nvml;
}

Nvml::~Nvml() {
  if (library_ != nullptr) (void)call("nvmlShutdown");
}

Answer<nvmlFieldValue_t> Gpu::field(unsigned id, unsigned scope) const {
  Answer<nvmlFieldValue_t> answer;
  answer.value.fieldId = id;
  answer.value.scopeId = scope;
  answer.code = call("nvmlDeviceGetFieldValues", 1, &answer.value);
  if (answer) answer.code = answer.value.nvmlReturn;
  return answer;
}

std::string Gpu::name() const { return text("nvmlDeviceGetName").value_or("Unknown Error"); }
std::string Gpu::uuid() const { return text("nvmlDeviceGetUUID").value_or("Unknown Error"); }
std::string Gpu::bus_id() const {
  const auto place = get<nvmlPciInfo_t>("nvmlDeviceGetPciInfo_v3");
  return place ? std::string(place.value.busId.data()) : "Unknown Error";
}

Outcome<std::vector<Gpu>> all_gpus(const Nvml& nvml) {
  const auto count = nvml.get<unsigned>("nvmlDeviceGetCount_v2");
  if (!count) return failed(status_of(count.code), words_for(count.code));
  std::vector<Gpu> gpus;
  for (unsigned index = 0; index < count.value; ++index) {
    const auto handle = nvml.get<nvmlDevice_t>("nvmlDeviceGetHandleByIndex_v2", index);
    if (!handle) return failed(status_of(handle.code), words_for(handle.code));
    gpus.emplace_back(nvml, handle.value, index);
  }
  return gpus;
}

namespace {

Answer<nvmlDevice_t> find(const Nvml& nvml, const std::string& id) {
  unsigned index = 0;
  const char* const end = std::to_address(id.end());
  const auto read = std::from_chars(id.data(), end, index);
  if (read.ec == std::errc{} && read.ptr == end)
    return nvml.get<nvmlDevice_t>("nvmlDeviceGetHandleByIndex_v2", index);
  const char* const function =
      id.find(':') != std::string::npos ? "nvmlDeviceGetHandleByPciBusId_v2" : "nvmlDeviceGetHandleByUUID";
  return nvml.get<nvmlDevice_t>(function, id.c_str());
}

}  // namespace

Outcome<std::vector<Gpu>> chosen_gpus(const Nvml& nvml, const std::string& ids) {
  if (ids.empty()) return all_gpus(nvml);
  std::vector<Gpu> gpus;
  std::string_view rest = ids;
  while (!rest.empty()) {
    const auto comma = std::min(rest.find(','), rest.size());
    const std::string id(rest.substr(0, comma));
    rest.remove_prefix(std::min(comma + 1, rest.size()));
    const auto handle = find(nvml, id);
    const auto index = handle ? nvml.get<unsigned>("nvmlDeviceGetIndex", handle.value) : Answer<unsigned>{};
    if (!index) {
      return failed(
          NVML_ERROR_NOT_FOUND,
          fmt::format("no card '{}': expected an index, a UUID or a PCI bus id of 'doppel smi -L'", id));
    }
    gpus.emplace_back(nvml, handle.value, index.value);
  }
  return gpus;
}

std::vector<nvmlProcessInfo_v2_t> processes(const Gpu& gpu) {
  constexpr unsigned kMost = 512;
  std::vector<nvmlProcessInfo_v2_t> infos(kMost);
  unsigned count = kMost;
  const nvmlReturn_t code = gpu.call("nvmlDeviceGetComputeRunningProcesses_v3", &count, infos.data());
  infos.resize(code == NVML_SUCCESS ? std::min(count, kMost) : 0);
  return infos;
}

std::string process_name(const Nvml& nvml, unsigned pid) {
  return nvml.text("nvmlSystemGetProcessName", pid).value_or("[Not Found]");
}

}  // namespace doppel::smi
