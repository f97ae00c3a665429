// SPDX-License-Identifier: Apache-2.0
#include "driver/advice.h"

#include <dlfcn.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <link.h>

#include <algorithm>
#include <array>
#include <string_view>

namespace doppel::driver {
namespace {

// NVIDIA's own libraries: nobody else can rebuild them.
constexpr std::array<std::string_view, 12> kVendorLibraries{
    "libcublas",   "libcudnn", "libcufft", "libcurand", "libcusolver",  "libcusparse",
    "libcutensor", "libnccl",  "libnpp",   "libnvjpeg", "libcudadevrt", "libnvvm"};

// A client that hands over machine code unless it is told otherwise, known by a part of the path of a file of
// its own.
struct Client {
  std::string_view part_of_path;
  std::string_view advice_for_cubin;
  std::string_view advice_for_fatbin;
};

constexpr std::array<Client, 6> kClients{{
    {"/cupy", "CuPy keeps the PTX with CUPY_COMPILE_WITH_PTX=1",
     "this part of CuPy (CUB, Thrust) is compiled for newer cards: CUPY_ACCELERATORS=\"\" does without it"},
    {"/warp/bin/", "Warp keeps the PTX with wp.config.cuda_output = \"ptx\"", ""},
    {"/triton/_C/",
     "Triton takes the PTX where TRITON_PTXAS_PATH (TRITON_PTXAS_BLACKWELL_PATH) names a program that copies "
     "it in place "
     "of ptxas",
     ""},
    {"/numba_cuda/",
     "numba-cuda links through the driver, and hands over PTX, where nvidia-nvjitlink is not installed", ""},
    {"/numba/",
     "numba-cuda links through the driver, and hands over PTX, where nvidia-nvjitlink is not installed", ""},
    {"/libtorch_cuda", "PyTorch's own kernels have to be built with PTX: TORCH_CUDA_ARCH_LIST=\"{0}+PTX\"",
     "PyTorch's own kernels have to be built with PTX: TORCH_CUDA_ARCH_LIST=\"{0}+PTX\""},
}};

std::string_view file_name(std::string_view path) {
  const auto slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

bool is_vendor_library(std::string_view path) {
  const std::string_view name = file_name(path);
  return std::ranges::any_of(kVendorLibraries, [&](std::string_view each) { return name.starts_with(each); });
}

}  // namespace

Origin origin_of(const void* image) {
  Origin origin;
  Dl_info found{};
  if (dladdr(image, &found) != 0 && found.dli_fname != nullptr) origin.file = found.dli_fname;
  dl_iterate_phdr(
      [](dl_phdr_info* info, std::size_t, void* into) {
        if (info->dlpi_name != nullptr && *info->dlpi_name != '\0')
          static_cast<std::vector<std::string>*>(into)->emplace_back(info->dlpi_name);
        return 0;
      },
      &origin.loaded);
  return origin;
}

std::string advice(const Origin& origin, ImageKind kind, int compute_capability) {
  const std::string card = fmt::format("{}.{}", compute_capability / 10, compute_capability % 10);
  if (is_vendor_library(origin.file))
    return fmt::format(
        "it belongs to {}, a library of NVIDIA's that brings no code for this card which could run here",
        file_name(origin.file));
  std::vector<std::string> known;
  for (const Client& client : kClients) {
    const auto has_part = [&](std::string_view path) { return path.find(client.part_of_path) != path.npos; };
    // A fatbin stands in the file of who made it; machine code alone is made while the program runs.
    const bool is_maker =
        kind == ImageKind::Fatbin ? has_part(origin.file) : std::ranges::any_of(origin.loaded, has_part);
    const std::string_view text =
        kind == ImageKind::Fatbin ? client.advice_for_fatbin : client.advice_for_cubin;
    if (!is_maker || text.empty()) continue;
    std::string words = fmt::format(fmt::runtime(text), card);
    if (std::ranges::find(known, words) == known.end()) known.push_back(std::move(words));
  }
  if (!known.empty()) return fmt::format("{}", fmt::join(known, "; "));
  const auto vendor = std::ranges::find_if(origin.loaded, is_vendor_library);
  return fmt::format(
      "rebuild with PTX: nvcc -arch=sm_{0} does, or add -gencode arch=compute_{0},code=compute_{0}{1}",
      compute_capability,
      kind == ImageKind::Cubin && vendor != origin.loaded.end()
          ? fmt::format(
                " (unless it comes from {}: NVIDIA's libraries make machine code that cannot run here)",
                file_name(*vendor))
          : "");
}

}  // namespace doppel::driver
