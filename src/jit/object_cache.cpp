// SPDX-License-Identifier: Apache-2.0
#include "jit/object_cache.h"

#include <llvm/ADT/StringExtras.h>
#include <llvm/Config/llvm-config.h>
#include <llvm/Support/BLAKE3.h>
#include <llvm/Support/MemoryBuffer.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "ir/print.h"
#include "jit/code_version.h"
#include "jit/host_target.h"
#include "support/log.h"

namespace doppel::jit {
namespace {

using Hash = llvm::BLAKE3Result<32>;

Hash hash_of(llvm::StringRef bytes) {
  llvm::BLAKE3 hasher;
  hasher.update(bytes);
  return hasher.final<32>();
}

llvm::StringRef bytes_of(const Hash& hash) {
  return {reinterpret_cast<const char*>(hash.data()), hash.size()};
}

// magic, size of the object, hash of the object, object.
constexpr char kMagic[8] = {'D', 'O', 'P', 'P', 'E', 'L', 'O', '1'};
constexpr std::size_t kHeaderBytes = sizeof kMagic + sizeof(std::uint64_t) + 32;

// Said once a process: thousands of kernels may meet the same full disk.
void warn_once(const std::string& what) {
  static std::atomic<bool> said = false;
  if (!said.exchange(true)) log().warn("object cache: {}: kernels are compiled anew each time", what);
}

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

// Code refers to variables and functions by their index in the module.
std::string shared_key(const ir::Module& module) {
  const HostTarget& host = HostTarget::get();
  std::string all = ir::print_head(module);
  for (const ir::Function& function : module.functions) {
    all += function.name;
    all += '\0';
  }
  for (const std::string& part : {std::string(kCodeVersion), std::to_string(kWarpAbiVersion),
                                  std::string(LLVM_VERSION_STRING), host.cpu(), host.features()}) {
    all += '\0';
    all += part;
  }
  return bytes_of(hash_of(all)).str();
}

std::string kernel_key(const std::string& shared, const analysis::AnalysedModule& module,
                       std::uint32_t kernel) {
  std::string all = shared;
  for (const ir::FunctionId id : module.kernel(kernel).functions) {
    const ir::Function& function = module.ir().functions[id];
    all.append(reinterpret_cast<const char*>(&id), sizeof id);
    all += ir::print(module.ir(), function, {.origins = false});
    // The text without its layout is not all: line tables hold the lines.
    for (const ir::Operation& operation : function.operations) {
      all.append(reinterpret_cast<const char*>(&operation.origin.text.line),
                 sizeof operation.origin.text.line);
    }
  }
  return bytes_of(hash_of(all)).str();
}

}  // namespace

ObjectCache::ObjectCache(Options options, std::shared_ptr<const analysis::AnalysedModule> module)
    : options_(std::move(options)), module_(std::move(module)) {}

const std::string& ObjectCache::key_of(std::uint32_t kernel) const {
  const std::lock_guard lock(mutex_);
  if (shared_key_.empty()) shared_key_ = shared_key(module_->ir());
  std::string& key = keys_[kernel];
  if (key.empty()) key = kernel_key(shared_key_, *module_, kernel);
  return key;
}

std::string ObjectCache::path_of(std::uint32_t kernel, const Variant& variant) const {
  std::string key = key_of(kernel);
  for (std::uint32_t number :
       {kernel, static_cast<std::uint32_t>(variant.shape), variant.full_warps ? 1u : 0u,
        static_cast<std::uint32_t>(variant.build), static_cast<std::uint32_t>(variant.effort)}) {
    key += std::to_string(number) + ' ';
  }
  const std::string name = llvm::toHex(bytes_of(hash_of(key)), /*LowerCase=*/true);
  return options_.cache_directory + "/" + name.substr(0, 2) + "/" + name.substr(2) + ".o";
}

std::unique_ptr<llvm::MemoryBuffer> ObjectCache::find(std::uint32_t kernel, const Variant& variant) const {
  if (options_.cache_directory.empty()) return nullptr;
  const std::string path = path_of(kernel, variant);
  // Read, not mapped: another process may replace or cut the file at any time.
  auto file = llvm::MemoryBuffer::getFile(path, /*IsText=*/false, /*RequiresNullTerminator=*/false,
                                          /*IsVolatile=*/true);
  if (!file) return nullptr;
  const llvm::StringRef bytes = (*file)->getBuffer();
  std::uint64_t size = 0;
  const bool whole = bytes.size() > kHeaderBytes && std::memcmp(bytes.data(), kMagic, sizeof kMagic) == 0;
  if (whole) std::memcpy(&size, bytes.data() + sizeof kMagic, sizeof size);
  const llvm::StringRef object = whole ? bytes.drop_front(kHeaderBytes) : llvm::StringRef();
  if (!whole || size != object.size() ||
      bytes.substr(sizeof kMagic + sizeof size, 32) != bytes_of(hash_of(object))) {
    log().info("object cache: {} is damaged and made anew", path);
    return nullptr;
  }
  if (options_.log_cache) log().info("object cache: {} found", path);
  return llvm::MemoryBuffer::getMemBufferCopy(object, path);
}

void ObjectCache::store(std::uint32_t kernel, const Variant& variant,
                        const llvm::MemoryBuffer& object) const {
  if (options_.cache_directory.empty()) return;
  const std::string path = path_of(kernel, variant);
  std::error_code error;
  std::filesystem::create_directories(std::filesystem::path(path).parent_path(), error);
  if (error) return warn_once(options_.cache_directory + ": " + error.message());
  static std::atomic<unsigned> serial = 0;
  const std::string temporary = path + "." + std::to_string(::getpid()) + "." + std::to_string(serial++);
  bool written = false;
  {
    const std::unique_ptr<std::FILE, CloseFile> file(std::fopen(temporary.c_str(), "wb"));
    if (!file) return warn_once(temporary + ": " + std::strerror(errno));
    const llvm::StringRef bytes = object.getBuffer();
    const std::uint64_t size = bytes.size();
    const Hash hash = hash_of(bytes);
    written = std::fwrite(kMagic, sizeof kMagic, 1, file.get()) == 1 &&
              std::fwrite(&size, sizeof size, 1, file.get()) == 1 &&
              std::fwrite(hash.data(), hash.size(), 1, file.get()) == 1 &&
              std::fwrite(bytes.data(), 1, bytes.size(), file.get()) == bytes.size() &&
              std::fflush(file.get()) == 0;
    if (!written) warn_once(temporary + ": " + std::strerror(errno));
  }
  if (written) {
    std::filesystem::rename(temporary, path, error);
    if (!error) return;
    warn_once(path + ": " + error.message());
  }
  std::filesystem::remove(temporary, error);
}

}  // namespace doppel::jit
