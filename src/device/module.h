// SPDX-License-Identifier: Apache-2.0
// A program loaded in a context: its variables have addresses, its kernels can be launched.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "device/program.h"
#include "device/work.h"
#include "support/result.h"

namespace doppel::device {

class Compilations;
class Context;
class Device;
class Module;

struct KernelAttributes {
  std::uint32_t registers = 0;     // by timing::KernelModel
  std::uint64_t shared_bytes = 0;  // static
  std::uint64_t const_bytes = 0;
  std::uint64_t local_bytes = 0;            // of a thread, with what registers cannot hold
  std::uint32_t max_threads_per_block = 0;  // by the card and .maxntid
  int ptx_version = 0;                      // 86: of .target
  int binary_version = 0;                   // of the card
  std::uint32_t max_dynamic_shared_bytes = 0;
  int preferred_carveout = -1;
  // Blocks of a cluster along each axis, by .reqnctapercluster or as it was set; 0: any.
  std::array<std::uint32_t, 3> required_cluster{};
  bool cluster_must_be_set = false;  // by each launch
  bool non_portable_cluster = false;
};

struct KernelParameter {
  std::uint64_t offset = 0;
  std::uint64_t bytes = 0;
};

class Kernel {
 public:
  Kernel(std::weak_ptr<Module> module, std::uint32_t function);

  const std::string& name() const;
  std::uint32_t function() const { return function_; }
  std::shared_ptr<Module> module() const { return module_.lock(); }  // null: unloaded
  const ir::Function& ir() const;
  const Error* refusal() const { return program_->refusal(function_); }  // as Program::refusal
  KernelAttributes attributes() const;
  void note_launch(Compilations& compilations);
  // True once for all kernels of a module.
  bool takes_first_launch() const;
  // LimitExceeded over what a block of the card can have.
  Result<void> set_max_dynamic_shared_bytes(std::uint32_t bytes);
  void set_preferred_carveout(int percent) { carveout_ = percent; }
  // Of a kernel that does not say it itself: the blocks of its clusters along an axis. 0: any.
  Result<void> set_required_cluster(int axis, int blocks);
  void set_non_portable_cluster(bool allowed) { non_portable_cluster_ = allowed; }
  // The same launch, in the clusters that the kernel requires where the launch names none.
  LaunchConfig in_clusters(LaunchConfig config) const;
  // Whether the card can have clusters of these blocks. ClusterSize, InvalidArgument.
  Result<void> check_cluster(const LaunchConfig& config) const;
  // How many clusters of this launch the card holds at once.
  Result<int> max_active_clusters(LaunchConfig config) const;
  // The most blocks of this launch that a cluster can have.
  Result<int> max_cluster_blocks(LaunchConfig config) const;
  std::uint32_t max_dynamic_shared_bytes() const;

  const std::vector<KernelParameter>& parameters() const { return parameters_; }
  std::uint64_t parameter_bytes() const { return parameter_bytes_; }
  // The buffer of a launch from one pointer a parameter (kernelParams) or from a packed buffer (extra).
  Result<std::vector<std::byte>> pack(void* const* values) const;
  Result<std::vector<std::byte>> pack(const void* buffer, std::size_t bytes) const;

  // What a launch takes of the card. A block whose threads would not find their estimated registers gets
  // fewer and spills.
  timing::LaunchResources resources(LaunchConfig config) const;
  const std::shared_ptr<const timing::KernelModel>& model() const { return fixed().model; }
  // For its device as it is set by now (Device::look_at_settings).
  std::shared_ptr<const timing::KernelModel> model(const card::Card& as_set) const;

  // Occupancy by the card's rules: blocks of this kernel that one SM holds, and the block size that fills it
  // best, which is one that need not spill.
  Result<int> max_active_blocks(std::uint32_t block_threads, std::uint64_t dynamic_shared_bytes) const;
  struct BlockSize {
    int min_grid = 0, block = 0;
  };
  BlockSize best_block_size(const std::function<std::uint64_t(int)>& dynamic_shared_of_block,
                            int limit) const;
  std::uint64_t available_dynamic_shared(int blocks, int block_threads) const;

 private:
  std::weak_ptr<Module> module_;
  std::shared_ptr<Program> program_;
  const card::Card* card_;
  std::uint32_t function_;
  std::vector<KernelParameter> parameters_;
  std::uint64_t parameter_bytes_ = 0;
  std::optional<std::uint32_t> max_dynamic_shared_;  // as it was set
  int carveout_ = -1;
  std::array<std::uint32_t, 3> cluster_{};  // as it was set
  bool non_portable_cluster_ = false;
  std::atomic<bool> launched_{false};
  // The latest that was asked for of a card that is set otherwise: every launch asks.
  mutable std::mutex as_set_mutex_;
  mutable const card::Card* as_set_ = nullptr;
  mutable std::shared_ptr<const timing::KernelModel> model_as_set_;
  // What no call changes: found when it is first asked for.
  struct Fixed {
    std::shared_ptr<const timing::KernelModel> model;
    KernelAttributes attributes;
  };
  const Fixed& fixed() const;
  KernelAttributes fixed_attributes(const timing::KernelModel& model) const;
  std::uint64_t static_shared() const;
  mutable std::once_flag fixed_once_;
  mutable Fixed fixed_;
};

struct Global {
  std::uint64_t address = 0;
  std::uint64_t bytes = 0;
};

class Library;

class Module : public std::enable_shared_from_this<Module> {
 public:
  // Allocates and initialises the variables. Use Context::load. `library`: whose module it is, which keeps
  // the managed variables for all contexts; null: a module of its own.
  static Result<std::shared_ptr<Module>> create(Context& context, std::shared_ptr<Program> program,
                                                const std::shared_ptr<Library>& library = nullptr);
  ~Module();

  Context& context() const { return *context_; }
  bool context_destroyed() const;
  const std::shared_ptr<Program>& program() const { return program_; }
  // NotFound with the nearest name; InvalidInput or NotSupported for one that is refused.
  Result<std::shared_ptr<Kernel>> kernel(std::string_view name) const;
  const std::vector<std::shared_ptr<Kernel>>& kernels() const { return kernels_; }
  Result<Global> global(std::string_view name) const;
  // The handle that a variable of an opaque type holds.
  Result<std::uint64_t> opaque_variable(std::string_view name, ir::OpaqueType type) const;
  // The driver's own of such a handle.
  std::shared_ptr<void>& reference_slot(std::uint64_t handle) { return references_[handle]; }
  std::span<const std::uint64_t> symbols() const { return symbols_; }
  // The library that it was loaded from; null: none.
  std::shared_ptr<Library> library() const { return library_.lock(); }
  void release();  // frees the variables: at unload
  // True once: for the first launch of a kernel of it.
  bool take_first_launch() { return !launched_.exchange(true); }

 private:
  Module(std::shared_ptr<Context> context, std::shared_ptr<Program> program)
      : context_(std::move(context)), program_(std::move(program)) {}
  void place_opaque(std::uint32_t variable);
  Result<void> place_variables(const std::shared_ptr<Library>& library);
  std::shared_ptr<Context> context_;
  std::weak_ptr<Library> library_;
  std::shared_ptr<Program> program_;
  std::vector<std::shared_ptr<Kernel>> kernels_;
  std::vector<std::uint64_t> symbols_;
  std::vector<std::uint64_t> allocations_;
  std::map<std::uint32_t, std::uint64_t> opaque_;  // by variable: the handle of its texture or surface
  std::map<std::uint64_t, std::shared_ptr<void>> references_;
  std::atomic<bool> launched_{false};
};

// A program that belongs to no context (cuLibrary*): loaded into a context when it is first used there.
class Library : public std::enable_shared_from_this<Library> {
 public:
  explicit Library(std::shared_ptr<Program> program) : program_(std::move(program)) {}
  ~Library() { release_managed(); }
  const std::shared_ptr<Program>& program() const { return program_; }
  Result<std::shared_ptr<Module>> module(Context& context);
  void unload();

  // Managed variables are the library's, one for all contexts and devices, and are there before any context
  // (cuLibraryGetManaged). By the index of the variable in the program; `device`: where they are allocated if
  // this is the first call. NotFound for a name that is no managed variable.
  Result<std::uint64_t> managed(Device& device, std::uint32_t variable);
  Result<Global> managed(Device& device, std::string_view name);
  // True once: the first module to ask writes the addresses that their initial values hold.
  bool take_relocation() { return !relocated_.exchange(true); }

 private:
  void release_managed();
  std::shared_ptr<Program> program_;
  std::mutex mutex_;
  std::map<std::uint64_t, std::shared_ptr<Module>> modules_;  // by context id
  std::mutex managed_mutex_;
  Device* managed_device_ = nullptr;
  std::map<std::uint32_t, std::uint64_t> managed_;  // by variable
  std::atomic<bool> relocated_{false};
};

}  // namespace doppel::device
