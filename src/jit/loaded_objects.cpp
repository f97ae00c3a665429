// SPDX-License-Identifier: Apache-2.0
#include "jit/loaded_objects.h"

#include <llvm/DebugInfo/DIContext.h>
#include <llvm/DebugInfo/DWARF/DWARFContext.h>
#include <llvm/ExecutionEngine/JITLink/JITLink.h>
#include <llvm/ExecutionEngine/JITLink/JITLinkMemoryManager.h>
#include <llvm/ExecutionEngine/Orc/Core.h>
#include <llvm/ExecutionEngine/Orc/ObjectLinkingLayer.h>
#include <llvm/Object/ObjectFile.h>
#include <llvm/Support/LEB128.h>
#include <llvm/Support/MemoryBuffer.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <mutex>
#include <optional>
#include <utility>

#include "jit/lane_functions.h"
#include "jit/module_compiler.h"
#include "jit/runtime_functions.h"

namespace doppel::jit {
namespace {

using Kind = LoadedObjects::Kind;

constexpr std::array<std::pair<const char*, Kind>, 3> kEntryNames{
    {{kEntryName, Kind::Warp}, {kCoroutineName, Kind::Coroutine}, {kBlockName, Kind::Block}}};

// Of a frame, beside its size: what aligns it to a vector of 32 lanes, and the return address.
constexpr std::uint64_t kFrameOverhead = kFrameAlignment + 64;

std::optional<Kind> kind_of(llvm::StringRef name) {
  for (const auto& [entry, kind] : kEntryNames) {
    if (name == entry) return kind;
  }
  return std::nullopt;
}

class OrcObjects final : public LoadedObjects {
 public:
  explicit OrcObjects(std::unique_ptr<llvm::orc::ExecutorProcessControl> process)
      : session_(std::move(process)), layer_(session_) {
    session_.setErrorReporter([this](llvm::Error error) { last_error_ = llvm::toString(std::move(error)); });
    llvm::orc::JITDylib& runtime = session_.createBareJITDylib("runtime");
    llvm::orc::SymbolMap symbols;
    for (const RuntimeSymbol& symbol : runtime_symbols()) {
      symbols[session_.intern(llvm::StringRef(symbol.name.data(), symbol.name.size()))] = {
          llvm::orc::ExecutorAddr::fromPtr(symbol.address),
          llvm::JITSymbolFlags::Exported | llvm::JITSymbolFlags::Callable};
    }
    llvm::cantFail(runtime.define(llvm::orc::absoluteSymbols(std::move(symbols))));
    runtime_ = &runtime;
  }
  ~OrcObjects() override { llvm::consumeError(session_.endSession()); }

  Result<Loaded> load(std::unique_ptr<llvm::MemoryBuffer> object) override {
    const std::lock_guard lock(mutex_);
    llvm::orc::JITDylib& library = session_.createBareJITDylib("kernel" + std::to_string(++count_));
    library.addToLinkOrder(*runtime_);
    auto copy = llvm::MemoryBuffer::getMemBufferCopy(object->getBuffer());
    Image image;
    describe(image, *copy);
    if (llvm::Error error = layer_.add(library, std::move(object))) {
      return fail(Error::Kind::Internal, "loading generated code: " + llvm::toString(std::move(error)));
    }
    auto found =
        session_.lookup({&library}, session_.intern(kEntryNames[static_cast<std::size_t>(image.kind)].first));
    if (!found)
      return fail(Error::Kind::Internal,
                  "loading generated code: " + llvm::toString(found.takeError()) + " " + last_error_);
    void* entry = found->getAddress().toPtr<void*>();
    const Loaded loaded{entry, image.kind, image.frames};
    image.object = std::move(copy);
    image.start = reinterpret_cast<std::uintptr_t>(entry) - image.entry;
    images_[image.start] = std::move(image);
    return loaded;
  }

  bool locate(const void* address, CodeLocation& location) const override {
    const std::lock_guard lock(mutex_);
    const auto at = reinterpret_cast<std::uintptr_t>(address);
    auto found = images_.upper_bound(at);
    if (found == images_.begin()) return false;
    const Image& image = (--found)->second;
    if (at >= image.start + image.size) return false;
    auto object = llvm::object::ObjectFile::createObjectFile(image.object->getMemBufferRef());
    if (!object) {
      llvm::consumeError(object.takeError());
      return false;
    }
    const std::unique_ptr<llvm::DWARFContext> debug = llvm::DWARFContext::create(**object);
    llvm::DILineInfoSpecifier wanted(llvm::DILineInfoSpecifier::FileLineInfoKind::RawValue,
                                     llvm::DILineInfoSpecifier::FunctionNameKind::ShortName);
    const llvm::DILineInfo line = debug->getLineInfoForAddress({at - image.start, image.section}, wanted);
    if (line.Line == 0) return false;
    location = {};
    location.of_many = line.FunctionName == kLaneFunctionScope;
    if (location.of_many) return true;
    location.ptx_line = line.Line;
    if (line.FunctionName.size() > 1 && line.FunctionName[0] == 'f') {
      location.function =
          static_cast<std::uint32_t>(std::strtoul(line.FunctionName.c_str() + 1, nullptr, 10));
    }
    return true;
  }

 private:
  struct Image {
    std::uintptr_t start = 0;  // of the text section in memory
    std::uint64_t size = 0;
    std::uint64_t section = 0;
    std::uint64_t entry = 0;  // its offset in the section
    Kind kind = Kind::Warp;
    StackFrames frames;
    std::unique_ptr<llvm::MemoryBuffer> object;
  };

  // Finds the entry, its kind, the text section that holds it, and the frames of all functions.
  static void describe(Image& image, const llvm::MemoryBuffer& code) {
    auto object = llvm::object::ObjectFile::createObjectFile(code.getMemBufferRef());
    if (!object) {
      llvm::consumeError(object.takeError());
      return;
    }
    for (const llvm::object::SymbolRef& symbol : (*object)->symbols()) {
      auto name = symbol.getName();
      auto value = symbol.getValue();
      auto section = symbol.getSection();
      const auto kind = name ? kind_of(*name) : std::nullopt;
      if (!kind || !value || !section) {
        if (!name) llvm::consumeError(name.takeError());
        if (!value) llvm::consumeError(value.takeError());
        if (!section) llvm::consumeError(section.takeError());
        continue;
      }
      image.kind = *kind;
      image.entry = *value;
      image.size = (*section)->getSize();
      image.section = (*section)->getIndex();
    }
    for (const llvm::object::SectionRef& section : (*object)->sections()) add_frames(image.frames, section);
  }

  // LLVM's section of stack sizes: for each function its address, and its frame in bytes as a LEB128 number.
  static void add_frames(StackFrames& frames, const llvm::object::SectionRef& section) {
    auto name = section.getName();
    auto contents = section.getContents();
    if (!name || !contents || *name != ".stack_sizes") {
      if (!name) llvm::consumeError(name.takeError());
      if (!contents) llvm::consumeError(contents.takeError());
      return;
    }
    const auto* at = reinterpret_cast<const std::uint8_t*>(contents->data());
    const std::uint8_t* end = at + contents->size();
    while (end - at > static_cast<std::ptrdiff_t>(sizeof(std::uint64_t))) {
      at += sizeof(std::uint64_t);
      unsigned length = 0;
      const std::uint64_t bytes = llvm::decodeULEB128(at, &length, end) + kFrameOverhead;
      at += length;
      frames.all += bytes;
      frames.largest = std::max(frames.largest, bytes);
    }
  }

  mutable std::mutex mutex_;
  llvm::orc::ExecutionSession session_;
  llvm::orc::ObjectLinkingLayer layer_;
  llvm::orc::JITDylib* runtime_ = nullptr;
  std::string last_error_;
  unsigned count_ = 0;
  std::map<std::uintptr_t, Image> images_;
};

}  // namespace

Result<std::unique_ptr<LoadedObjects>> LoadedObjects::create() {
  auto process = llvm::orc::SelfExecutorProcessControl::Create();
  if (!process)
    return fail(Error::Kind::Internal, "starting LLVM ORC: " + llvm::toString(process.takeError()));
  return std::unique_ptr<LoadedObjects>(new OrcObjects(std::move(*process)));
}

}  // namespace doppel::jit
