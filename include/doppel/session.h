// SPDX-License-Identifier: Apache-2.0
// Kernels on a double from a C++ program: load PTX, launch with arguments, and get results, times and
// counters.
//
//   doppel::Session session(doppel::Card::find("rtx-a6000"));
//   doppel::Module module = session.load(ptx);
//   doppel::Buffer x = session.allocate(4096);
//   session.write(x, data.data(), 4096);
//   doppel::Prediction p = session.launch(module, {"scale", {8}, {128}, {x, 2.0F, 1024}});
//
// No option comes from the environment (docs/environment.md). Functions throw Failure. Classes are not
// thread-safe; sessions of different threads are independent of each other.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "doppel/card.h"
#include "doppel/failure.h"
#include "doppel/prediction.h"

namespace doppel {

// Memory of the card. Freed by Session::free, or with the session.
struct Buffer {
  std::uint64_t address = 0;
  std::size_t bytes = 0;
};

// An argument of a kernel: a number or plain struct of the parameter's size, or a buffer's address.
class Argument {
 public:
  template <typename T>
    requires std::is_trivially_copyable_v<T>
  Argument(const T& value) : bytes_(sizeof(T)) {  // NOLINT(google-explicit-constructor): it stands for T
    std::memcpy(bytes_.data(), &value, sizeof(T));
  }
  Argument(const Buffer& buffer) : Argument(buffer.address) {}  // NOLINT(google-explicit-constructor)
  const std::vector<std::byte>& bytes() const { return bytes_; }

 private:
  std::vector<std::byte> bytes_;
};

struct Extent {
  std::uint32_t x = 1, y = 1, z = 1;
};

struct Launch {
  std::string kernel;
  Extent grid, block;
  std::vector<Argument> arguments;  // in the order of the kernel's parameters
  std::uint32_t dynamic_shared_bytes = 0;
};

// What a block takes of an SM, and how many of them fit.
struct Resources {
  std::uint32_t registers = 0;      // of a thread: as estimated, but no more than let a block fit
  std::uint32_t spilled_bytes = 0;  // of a thread: what these registers cannot hold
  std::uint64_t shared_bytes = 0;   // of a block, static and dynamic
  std::uint32_t blocks_per_sm = 0;  // 0: not one fits
  double occupancy = 0;             // warps of these blocks / the SM's maximum, 0 to 1
  std::string limit;                // of the blocks: "registers", "shared memory", "warps", "blocks"
};

// PTX that a session has loaded. Usable while the session lives; copies are the same module.
class Module {
 public:
  std::vector<std::string> kernels() const;

  struct Implementation;
  explicit Module(std::shared_ptr<Implementation> implementation);
  const std::shared_ptr<Implementation>& implementation() const { return implementation_; }

 private:
  std::shared_ptr<Implementation> implementation_;
};

// What the blocks of a launch did that predictions need: predict it on any card, as often as you like,
// without running it again. Memory of the session may be gone then.
class Trace {
 public:
  // cold: with nothing in L2; else as if the same launch had run just before.
  Prediction predict(const Card& card, bool cold = true) const;

  struct Implementation;
  explicit Trace(std::shared_ptr<const Implementation> implementation);

 private:
  std::shared_ptr<const Implementation> implementation_;
};

struct SessionOptions {
  bool timing = true;           // false: launches only compute
  bool check = false;           // test every access: bounds, use after free, alignment; nothing is timed
  std::string cache_directory;  // of compiled kernels, shared with other processes; empty: none
  unsigned host_threads = 0;    // 0: as many as the process may use
  double timeout_s = 0;         // a launch that runs for longer on this machine ends as a Fault; 0: no limit
};

// A card with its memory.
class Session {
 public:
  explicit Session(const Card& card, const SessionOptions& options = {});
  ~Session();
  Session(Session&&) noexcept;
  Session& operator=(Session&&) noexcept;

  const Card& card() const;

  // Kernels with a form that Doppel does not implement are refused when they are launched, by its name and
  // line; the module where no kernel is left.
  Module load(std::string_view ptx);

  Buffer allocate(std::size_t bytes);
  void free(const Buffer& buffer);
  void write(const Buffer& buffer, const void* from, std::size_t bytes, std::size_t offset = 0);
  void read(const Buffer& buffer, void* to, std::size_t bytes, std::size_t offset = 0) const;
  // Of a module's .global or .const variable.
  Buffer variable(const Module& module, const std::string& name) const;

  Resources resources(const Module& module, const std::string& kernel, Extent block,
                      std::uint32_t dynamic_shared_bytes = 0) const;

  // Runs the whole grid to its end, and says what it takes on the card, after what the session launched
  // before. With timing off, or under check, the prediction is empty.
  Prediction launch(const Module& module, const Launch& launch);

  // Runs only the blocks that the timing model asks for: memory then holds what these wrote. Kernels whose
  // blocks wait for each other run whole. L2 is not changed by it.
  Trace trace(const Module& module, const Launch& launch);
  // trace() and Trace::predict() on the session's card.
  Prediction predict(const Module& module, const Launch& launch, bool cold = true);

 private:
  struct Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace doppel
