// SPDX-License-Identifier: Apache-2.0
#include "driver/image.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <limits>
#include <string_view>

#include "driver/advice.h"
#include "driver/elf.h"
#include "driver/fatbin.h"
#include "driver/readable.h"

namespace doppel::driver {
namespace {

constexpr std::uint32_t kWrapperMagic = 0x466243B1;
constexpr std::uint32_t kFatbinMagic = 0xBA55ED50;
constexpr std::size_t kFatbinHeaderBytes = 16;
constexpr std::uint64_t kLargestHeader = 0xFFFF;  // the header's own length is a u16
constexpr std::string_view kElfMagic = "\177ELF";
// Head of our own linked image: the length of what follows makes it readable without knowing its size.
constexpr std::string_view kLinkedMagic = "//doppel-linked ";
constexpr std::size_t kLinkedHeaderBytes =
    kLinkedMagic.size() + 16 + 1;  // sixteen hexadecimal digits, newline
// First line of its body, where the linker was asked for it.
constexpr std::string_view kMaxRegisters = "//doppel-max-registers ";
constexpr std::string_view kSeparator = "\n//doppel-next\n";

struct Wrapper {
  std::uint32_t magic;
  std::uint32_t version;
  const std::byte* image;
  const void* filename_or_images;
};

// Empty for the device runtime, of which nothing is needed.
Result<std::string> ptx_of_fatbin(std::span<const std::byte> image, int compute_capability) {
  const auto entries = read_fatbin(image);
  if (!entries) return tl::unexpected(entries.error());
  if (is_device_runtime(*entries)) return std::string{};
  const FatbinEntry* best = best_ptx(*entries, compute_capability);
  if (best == nullptr)
    return fail(Error::Kind::NotFound,
                fmt::format("this fatbin has no PTX that compute capability {}.{} can run; it holds {}; {}",
                            compute_capability / 10, compute_capability % 10, describe(*entries),
                            advice(origin_of(image.data()), ImageKind::Fatbin, compute_capability)));
  return decompress(*best);
}

Result<ModuleSource> source_of_fatbin(const std::byte* image, std::size_t available, int compute_capability) {
  const auto extent = fatbin_extent(image, available);
  if (!extent) return tl::unexpected(extent.error());
  auto text = ptx_of_fatbin(*extent, compute_capability);
  if (!text) return tl::unexpected(text.error());
  ModuleSource source;
  if (!text->empty()) source.ptx.push_back(std::move(*text));
  return source;
}

Result<ModuleSource> source_of_unsized_fatbin(const std::byte* image, int compute_capability) {
  const std::size_t header = readable_bytes(image, kFatbinHeaderBytes);
  // The header says how long the image is; only then is it known how much must be readable.
  std::uint64_t body = 0;
  if (header == kFatbinHeaderBytes) std::memcpy(&body, image + 8, sizeof(body));
  constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max() / 2;
  return source_of_fatbin(image, readable_bytes(image, std::min(body, kMost) + kLargestHeader),
                          compute_capability);
}

void append(ModuleSource& source, ModuleSource&& more) {
  std::ranges::move(more.ptx, std::back_inserter(source.ptx));
}

// A host object: the compiler puts a file's fat binaries behind each other in one section.
Result<ModuleSource> source_of_object(std::span<const std::byte> object, int compute_capability) {
  ModuleSource source;
  bool found = false;
  for (const ElfSection& section : elf_sections(object)) {
    if (section.name != "__nv_relfatbin" && section.name != ".nv_fatbin") continue;
    std::span<const std::byte> left = section.bytes;
    while (!left.empty()) {
      const auto extent = fatbin_extent(left.data(), left.size());
      if (!extent) return tl::unexpected(extent.error());
      auto one = source_of_fatbin(left.data(), left.size(), compute_capability);
      if (!one) return one;
      append(source, std::move(*one));
      found = true;
      left = left.subspan(std::min(left.size(), (extent->size() + 7) / 8 * 8));
    }
  }
  if (!found) return fail(Error::Kind::NotFound, "this object file holds no fat binary");
  return source;
}

Result<ModuleSource> source_of_archive(std::span<const std::byte> archive, int compute_capability) {
  ModuleSource source;
  for (const auto member : archive_members(archive)) {
    auto one = read_image(member, compute_capability);
    if (!one) return one;
    append(source, std::move(*one));
  }
  return source;
}

// Not a cubin, which is ELF for NVIDIA's machine.
bool is_host_object(std::span<const std::byte> image) {
  constexpr std::size_t kMachineOffset = 18;
  constexpr std::uint16_t kMachineCuda = 190;  // EM_CUDA
  std::uint16_t machine = 0;
  if (!is_elf(image) || image.size() < kMachineOffset + sizeof(machine)) return false;
  std::memcpy(&machine, image.data() + kMachineOffset, sizeof(machine));
  return machine != kMachineCuda;
}

Result<ModuleSource> source_of_wrapper(const Wrapper& wrapper, int compute_capability) {
  if (wrapper.version == 1) return source_of_unsized_fatbin(wrapper.image, compute_capability);
  if (wrapper.version != 2)
    return fail(Error::Kind::NotSupported,
                fmt::format("fatbin wrapper: version {}, expected 1 or 2", wrapper.version));
  ModuleSource source;
  const auto* images = static_cast<const std::byte* const*>(wrapper.filename_or_images);
  for (;; ++images) {
    if (readable_bytes(static_cast<const void*>(images), sizeof(*images)) < sizeof(*images))
      return fail(Error::Kind::InvalidInput, "fatbin wrapper: its list of images cannot be read");
    if (*images == nullptr) break;
    auto one = source_of_unsized_fatbin(*images, compute_capability);
    if (!one) return one;
    append(source, std::move(*one));
  }
  if (source.ptx.empty()) return fail(Error::Kind::InvalidInput, "fatbin wrapper: an empty list of images");
  return source;
}

// `text` starts with kLinkedMagic.
Result<ModuleSource> unpack_linked(std::string_view text) {
  std::size_t bytes = 0;
  if (text.size() < kLinkedHeaderBytes)
    return fail(Error::Kind::InvalidInput, "linked image: the header is cut short");
  for (std::size_t i = kLinkedMagic.size(); i + 1 < kLinkedHeaderBytes; ++i) {
    const char c = text[i];
    const bool digit = c >= '0' && c <= '9';
    if (!digit && (c < 'a' || c > 'f'))
      return fail(Error::Kind::InvalidInput, "linked image: a damaged header");
    bytes = bytes * 16 + static_cast<std::size_t>(digit ? c - '0' : c - 'a' + 10);
  }
  text.remove_prefix(kLinkedHeaderBytes);
  if (bytes > text.size()) return fail(Error::Kind::InvalidInput, "linked image: cut short");
  text = text.substr(0, bytes);
  ModuleSource source;
  if (text.starts_with(kMaxRegisters)) {
    text.remove_prefix(kMaxRegisters.size());
    const char* const begin = std::to_address(text.begin());
    const char* const end = begin + text.size();
    const auto [line, wrong] = std::from_chars(begin, end, source.max_registers);
    if (wrong != std::errc{} || line == end || *line != '\n')
      return fail(Error::Kind::InvalidInput, "linked image: a damaged header");
    text.remove_prefix(static_cast<std::size_t>(line + 1 - begin));
  }
  for (;;) {
    const std::size_t end = text.find(kSeparator);
    source.ptx.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) return source;
    text.remove_prefix(end + kSeparator.size());
  }
}

// The image's first four bytes, or 0 where it is a text that ends before them: nothing behind its end is
// read.
std::uint32_t magic_at(const char* image, std::size_t available) {
  std::uint32_t magic = 0;
  if (available < sizeof(magic) || strnlen(image, sizeof(magic)) < sizeof(magic)) return 0;
  std::memcpy(&magic, image, sizeof(magic));
  return magic;
}

Result<ModuleSource> source_of_text(std::string_view text, int compute_capability) {
  if (text.substr(0, kElfMagic.size()) == kElfMagic)
    return fail(Error::Kind::NotFound,
                fmt::format("this image is machine code (a cubin), which cannot run here; {}",
                            advice(origin_of(text.data()), ImageKind::Cubin, compute_capability)));
  if (text.substr(0, kLinkedMagic.size()) == kLinkedMagic) return unpack_linked(text);
  ModuleSource source;
  source.ptx.emplace_back(text);
  return source;
}

}  // namespace

Result<ModuleSource> read_image(const void* image, int compute_capability) {
  const std::size_t available = readable_bytes(image, sizeof(Wrapper));
  const std::uint32_t magic = magic_at(static_cast<const char*>(image), available);
  if (magic == kWrapperMagic) {
    if (available < sizeof(Wrapper))
      return fail(Error::Kind::InvalidInput, "fatbin wrapper: it cannot be read to its end");
    Wrapper wrapper;
    std::memcpy(&wrapper, image, sizeof(wrapper));
    return source_of_wrapper(wrapper, compute_capability);
  }
  if (magic == kFatbinMagic)
    return source_of_unsized_fatbin(static_cast<const std::byte*>(image), compute_capability);
  const HostText host = readable_text(image);
  if (!host.terminated)
    return fail(Error::Kind::InvalidInput, "the module's image cannot be read to its end");
  return source_of_text(host.text, compute_capability);
}

Result<ModuleSource> read_image(std::span<const std::byte> image, int compute_capability) {
  std::uint32_t magic = 0;
  if (image.size() >= sizeof(magic)) std::memcpy(&magic, image.data(), sizeof(magic));
  // A wrapper holds addresses: in a file it means nothing, and falls through to text that the parser refuses.
  if (magic == kFatbinMagic) return source_of_fatbin(image.data(), image.size(), compute_capability);
  if (is_archive(image)) return source_of_archive(image, compute_capability);
  if (is_host_object(image)) return source_of_object(image, compute_capability);
  const std::string_view text(reinterpret_cast<const char*>(image.data()), image.size());
  return source_of_text(text.substr(0, text.find('\0')), compute_capability);
}

std::string pack_linked(const ModuleSource& source) {
  std::string body =
      source.max_registers != 0 ? fmt::format("{}{}\n", kMaxRegisters, source.max_registers) : "";
  body += fmt::format("{}", fmt::join(source.ptx, kSeparator));
  return fmt::format("{}{:016x}\n{}", kLinkedMagic, body.size(), body);
}

}  // namespace doppel::driver
