// SPDX-License-Identifier: Apache-2.0
// Which card it is, and its modes.
#include <fmt/format.h>

#include "smi/fields.h"
#include "smi/wall_time.h"

namespace doppel::smi {
namespace {

// A number of the card's place, in hexadecimal.
template <typename Digits>
Value of_place(const Gpu& gpu, Digits digits) {
  const auto place = gpu.get<nvmlPciInfo_t>("nvmlDeviceGetPciInfo_v3");
  return place ? Value{digits(place.value)} : no_value(place.code);
}

Value version(const Gpu& gpu) { return of(gpu.nvml().text("nvmlSystemGetDriverVersion")); }

Value capability(const Gpu& gpu) {
  int major = 0, minor = 0;
  const nvmlReturn_t code = gpu.call("nvmlDeviceGetCudaComputeCapability", &major, &minor);
  return code == NVML_SUCCESS ? Value{fmt::format("{}.{}", major, minor)} : no_value(code);
}

Value compute_mode(const Gpu& gpu) {
  const auto mode = gpu.get<int>("nvmlDeviceGetComputeMode");
  if (!mode) return no_value(mode.code);
  constexpr std::array kModes = {"Default", "Exclusive_Thread", "Prohibited", "Exclusive_Process"};
  const auto number = static_cast<std::size_t>(mode.value);
  return number < kModes.size() ? Value{kModes.at(number)} : no_value(NVML_ERROR_UNKNOWN);
}

// The first or the second of two modes: now, and from the next start of the card on.
template <typename Number>
Value of_two(const Gpu& gpu, const char* function, bool pending) {
  Number now{}, next{};
  const nvmlReturn_t code = gpu.call(function, &now, &next);
  return enabled(Answer<int>{code, static_cast<int>(pending ? next : now)});
}

// By NVML's numbers.
Value brand(const Gpu& gpu) {
  const auto number = gpu.get<int>("nvmlDeviceGetBrand");
  if (!number) return no_value(number.code);
  if (number.value == NVML_BRAND_NVIDIA_RTX) return {"NVIDIA RTX"};
  return {number.value == NVML_BRAND_NVIDIA ? "NVIDIA" : "Unknown"};
}

Value architecture(const Gpu& gpu) {
  const auto number = gpu.get<unsigned>("nvmlDeviceGetArchitecture");
  if (!number) return no_value(number.code);
  constexpr unsigned kFirst = 6;
  constexpr std::array kNames = {"Turing", "Ampere", "Ada Lovelace", "Hopper", "Blackwell"};
  const unsigned at = number.value - kFirst;
  return {at < kNames.size() ? kNames.at(at) : "Unknown"};
}

Value yes_no(const Gpu& gpu, const char* function) {
  const auto answer = gpu.get<unsigned>(function);
  return answer ? Value{answer.value != 0 ? "Yes" : "No"} : no_value(answer.code);
}

Value virtualization(const Gpu& gpu) {
  const auto mode = gpu.get<int>("nvmlDeviceGetVirtualizationMode");
  if (!mode) return no_value(mode.code);
  return {mode.value == 0 ? "None" : "Unknown"};
}

Field mode(const char* name, const char* about, const char* function) {
  return {name, "", "", about, [function](const Gpu& gpu) { return enabled(gpu.get<int>(function)); }};
}

// Of a text by an object's number.
Value inforom(const Gpu& gpu, int object) { return of(gpu.text("nvmlDeviceGetInforomVersion", object)); }

void add_names(std::vector<Field>& to) {
  to.insert(to.end(),
            {
                {"timestamp", "", "", "when the values were read, by this machine's clock",
                 [](const Gpu&) { return Value{timestamp()}; }},
                {"driver_version", "", "", "the driver's version", version},
                {"count", "", "", "how many cards there are",
                 [](const Gpu& gpu) { return number(gpu.nvml().get<unsigned>("nvmlDeviceGetCount_v2")); }},
                {"name", "gpu_name", "", "the card's name",
                 [](const Gpu& gpu) { return of(gpu.text("nvmlDeviceGetName")); }},
                {"serial", "gpu_serial", "", "the number on the board",
                 [](const Gpu& gpu) { return of(gpu.text("nvmlDeviceGetSerial")); }},
                {"uuid", "gpu_uuid", "", "which card it is, in all the world",
                 [](const Gpu& gpu) { return of(gpu.text("nvmlDeviceGetUUID")); }},
                {"index", "", "", "the card's number, from 0",
                 [](const Gpu& gpu) { return number(gpu.get<unsigned>("nvmlDeviceGetIndex")); }},
                {"minor_number", "", "", "the number of its device file",
                 [](const Gpu& gpu) { return number(gpu.get<unsigned>("nvmlDeviceGetMinorNumber")); }},
                {"brand", "", "", "the family that it is sold in", brand},
                {"architecture", "", "", "the generation of its chip", architecture},
                {"board_id", "", "", "which board it is on, in hexadecimal",
                 [](const Gpu& gpu) {
                   const auto id = gpu.get<unsigned>("nvmlDeviceGetBoardId");
                   return id ? Value{fmt::format("0x{:x}", id.value)} : no_value(id.code);
                 }},
                {"multigpu_board", "", "", "whether others are on that board",
                 [](const Gpu& gpu) { return yes_no(gpu, "nvmlDeviceGetMultiGpuBoard"); }},
                {"compute_cap", "", "", "the compute capability, as 8.6", capability},
                {"vbios_version", "", "", "the version of the card's BIOS",
                 [](const Gpu& gpu) { return of(gpu.text("nvmlDeviceGetVbiosVersion")); }},
                {"inforom.img", "inforom.image", "", "the version of the inforom",
                 [](const Gpu& gpu) { return of(gpu.text("nvmlDeviceGetInforomImageVersion")); }},
                {"inforom.oem", "", "", "its part for configuration",
                 [](const Gpu& gpu) { return inforom(gpu, 0); }},
                {"inforom.ecc", "", "", "its part for ECC", [](const Gpu& gpu) { return inforom(gpu, 1); }},
                {"inforom.pwr", "inforom.power", "", "its part for power",
                 [](const Gpu& gpu) { return inforom(gpu, 2); }},
            });
}

void add_place(std::vector<Field>& to) {
  to.insert(
      to.end(),
      {
          {"pci.bus_id", "gpu_bus_id", "", "domain:bus:device.function, in hexadecimal",
           [](const Gpu& gpu) {
             return of_place(gpu, [](const auto& at) { return std::string(at.busId.data()); });
           }},
          {"pci.domain", "", "", "the PCI domain, in hexadecimal",
           [](const Gpu& gpu) {
             return of_place(gpu, [](const auto& at) { return fmt::format("0x{:04X}", at.domain); });
           }},
          {"pci.bus", "", "", "the PCI bus, in hexadecimal",
           [](const Gpu& gpu) {
             return of_place(gpu, [](const auto& at) { return fmt::format("0x{:02X}", at.bus); });
           }},
          {"pci.device", "", "", "the PCI device, in hexadecimal",
           [](const Gpu& gpu) {
             return of_place(gpu, [](const auto& at) { return fmt::format("0x{:02X}", at.device); });
           }},
          {"pci.device_id", "", "", "the PCI device and vendor ids, in hexadecimal",
           [](const Gpu& gpu) {
             return of_place(gpu, [](const auto& at) { return fmt::format("0x{:08X}", at.pciDeviceId); });
           }},
          {"pci.sub_device_id", "", "", "the PCI subsystem id, in hexadecimal",
           [](const Gpu& gpu) {
             return of_place(gpu, [](const auto& at) { return fmt::format("0x{:08X}", at.pciSubSystemId); });
           }},
      });
}

void add_modes(std::vector<Field>& to) {
  to.insert(
      to.end(),
      {
          mode("display_mode", "whether a display is connected", "nvmlDeviceGetDisplayMode"),
          mode("display_active", "whether a display is in use", "nvmlDeviceGetDisplayActive"),
          mode("persistence_mode", "whether the card stays ready while nobody uses it",
               "nvmlDeviceGetPersistenceMode"),
          mode("accounting.mode", "whether what processes use is kept", "nvmlDeviceGetAccountingMode"),
          {"accounting.buffer_size", "", "", "for how many processes",
           [](const Gpu& gpu) { return number(gpu.get<unsigned>("nvmlDeviceGetAccountingBufferSize")); }},
          {"compute_mode", "", "", "which processes may use the card", compute_mode},
          {"mig.mode.current", "", "", "whether the card can be split into instances",
           [](const Gpu& gpu) { return of_two<unsigned>(gpu, "nvmlDeviceGetMigMode", false); }},
          {"mig.mode.pending", "", "", "the same from the card's next start on",
           [](const Gpu& gpu) { return of_two<unsigned>(gpu, "nvmlDeviceGetMigMode", true); }},
          {"ecc.mode.current", "", "", "whether errors of the memory are found and corrected",
           [](const Gpu& gpu) { return of_two<int>(gpu, "nvmlDeviceGetEccMode", false); }},
          {"ecc.mode.pending", "", "", "the same from the card's next start on",
           [](const Gpu& gpu) { return of_two<int>(gpu, "nvmlDeviceGetEccMode", true); }},
          {"virtualization_mode", "", "", "whether a virtual machine has the card", virtualization},
          {"driver_model.current", "", "", "of Windows",
           [](const Gpu&) { return no_value(NVML_ERROR_NOT_SUPPORTED); }},
          {"driver_model.pending", "", "", "of Windows",
           [](const Gpu&) { return no_value(NVML_ERROR_NOT_SUPPORTED); }},
          {"gom.current", "", "", "the mode of operation, of some server cards",
           [](const Gpu& gpu) { return of_two<int>(gpu, "nvmlDeviceGetGpuOperationMode", false); }},
          {"gom.pending", "", "", "the same from the card's next start on",
           [](const Gpu& gpu) { return of_two<int>(gpu, "nvmlDeviceGetGpuOperationMode", true); }},
          {"gsp.mode.current", "", "", "whether the card's own processor runs the driver's part",
           [](const Gpu& gpu) { return of_two<unsigned>(gpu, "nvmlDeviceGetGspFirmwareMode", false); }},
          {"gsp.mode.default", "", "", "the same where nothing is set",
           [](const Gpu& gpu) { return of_two<unsigned>(gpu, "nvmlDeviceGetGspFirmwareMode", true); }},
      });
}

}  // namespace

void add_identity_fields(std::vector<Field>& to) {
  add_names(to);
  add_place(to);
  add_modes(to);
}

}  // namespace doppel::smi
