// SPDX-License-Identifier: Apache-2.0
// A PTX module compiled for this host: load once, then get the entry of a kernel for a shape of launch.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "analysis/analysed_module.h"
#include "jit/compile_gate.h"
#include "jit/compile_listener.h"
#include "jit/warp_abi.h"
#include "support/pass_log.h"
#include "support/result.h"

namespace doppel::jit {

enum class Build : std::uint8_t {
  Plain,    // counters only
  Traced,   // calls trace_block and trace_access
  Checked,  // calls check_access before every access
};

enum class Effort : std::uint8_t {
  Full,
  Quick,  // for the first launches of a large kernel. Compiled in half of the time (cub's radix sort
          // histogram: 0.26 s for 0.57 s of processor time) to a twentieth (its onesweep sort: 1.0 s for 20
          // s); runs 1.4 (the former) to 3.5 times (cub's segmented sort) as long
};

struct Variant {
  LaneShape shape = LaneShape::General;
  bool full_warps = false;  // every warp of the launch has 32 lanes
  Build build = Build::Plain;
  Effort effort = Effort::Full;
  bool operator==(const Variant&) const = default;
};
// "linear-full-plain", "rows4-some-traced-quick": part of a file's name.
std::string name_of(const Variant& variant);

using WarpEntry = void (*)(WarpContext*);
using BlockEntry = void (*)(WarpRange*);

// What the functions of an object take of the host's stack, in bytes.
struct StackFrames {
  std::uint64_t all = 0;      // one call of each
  std::uint64_t largest = 0;  // of one
};

struct KernelCode {
  WarpEntry entry = nullptr;
  std::uint64_t local_bytes =
      0;  // local memory of a thread: .local variables of the deepest chain of calls, each function once
  bool coroutine = false;            // the entry also returns at barriers (warp_abi.h)
  BlockEntry block_entry = nullptr;  // not null: runs a block, and `entry` is null
  StackFrames frames;
  bool recursive = false;  // calls may nest: see Launch::stack_bytes
};

// Where a host address inside generated code comes from.
struct CodeLocation {
  std::uint32_t function = 0;
  std::uint32_t ptx_line = 0;
  bool of_many = false;  // in code for many accesses: this one is WarpContext::access_site
};

struct Options {
  std::string cache_directory;  // empty: no object cache
  bool log_cache = false;
  CompileGate* gate = nullptr;          // outlives the modules; null: none
  CompileListener* listener = nullptr;  // outlives the modules; null: none
  PassLog* passes = nullptr;            // outlives the modules; null: nobody asks
};

// Thread-safe: several threads may ask for kernels of one module; each variant is compiled once.
class CompiledModule {
 public:
  // Keeps the module. Compiles nothing yet.
  static Result<std::shared_ptr<CompiledModule>> create(
      std::shared_ptr<const analysis::AnalysedModule> module, Options options);
  virtual ~CompiledModule() = default;

  virtual const analysis::AnalysedModule& analysed() const = 0;
  const ir::Module& module() const { return analysed().ir(); }
  // From the process's memory, else from the object cache on disk, else compiled now. Where quick code is
  // asked for and the cache holds full code, that. NotPermitted where the gate is shut.
  virtual Result<KernelCode> kernel(std::uint32_t function, Variant variant) = 0;
  // For fault reports: true and filled where `address` lies in this module's generated code.
  virtual bool locate(const void* address, CodeLocation& location) const = 0;
};

}  // namespace doppel::jit
