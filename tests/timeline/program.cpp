// SPDX-License-Identifier: Apache-2.0
// What does not depend on the statement: arguments, names, and the order in which statements run.
#include "program.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "kernels.h"

namespace timeline {

using doppel::host::check;

Program::Program(NumberTable host, NumberTable card)
    : module_(kernels_ptx()), out_(1), host_table_(std::move(host)), card_table_(std::move(card)) {
  check(cuCtxGetCurrent(&context_), "cuCtxGetCurrent");
  std::ranges::transform(kKernelNames, kernels_.begin(),
                         [this](const char* kernel) { return module_.kernel(kernel); });
  const auto attribute = [this](CUdevice_attribute which) {
    return static_cast<double>(card_.attribute(which));
  };
  const double sm_shared = attribute(CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN);
  for (const Kernel kernel : {Kernel::Fma, Kernel::Fma64, Kernel::Await}) {
    check(cuFuncSetAttribute(kernels_[static_cast<std::size_t>(kernel)],
                             CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, static_cast<int>(sm_shared)),
          "cuFuncSetAttribute");
  }
  int lowest = 0;
  int highest = 0;
  check(cuCtxGetStreamPriorityRange(&lowest, &highest), "cuCtxGetStreamPriorityRange");
  // Memory of double data rate: two words a clock and line of the bus.
  constexpr double kKilohertzPerMegahertz = 1000;
  values_ = {
      {"sms", attribute(CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT)},
      {"copy_engines", attribute(CU_DEVICE_ATTRIBUTE_ASYNC_ENGINE_COUNT)},
      {"l2_bytes", attribute(CU_DEVICE_ATTRIBUTE_L2_CACHE_SIZE)},
      {"sm_shared", sm_shared},
      {"dram_bytes_per_us", 2 * attribute(CU_DEVICE_ATTRIBUTE_MEMORY_CLOCK_RATE) / kKilohertzPerMegahertz *
                                attribute(CU_DEVICE_ATTRIBUTE_GLOBAL_MEMORY_BUS_WIDTH) / 8},
      {"lowest", lowest},
      {"highest", highest}};
}

Program::~Program() {
  for (std::thread& each : threads_) each.join();
  cuCtxSynchronize();
  for (const auto& [name, memory] : memory_) {
    if (memory.home == Home::Pageable) delete[] reinterpret_cast<char*>(memory.address);
  }
}

// What is made for its first use only (code of kernels, pages of the program's own code) is no part of any
// rule: each kernel that the case uses runs once (one is used by all), and events are used once.
void Program::warm_up(const Case& work) {
  const std::function<bool(const std::vector<Statement>&, std::string_view)> uses =
      [&](const std::vector<Statement>& statements, std::string_view verb) {
        return std::ranges::any_of(statements, [&](const Statement& statement) {
          return statement.verb == verb || uses(statement.body, verb);
        });
      };
  const CUdeviceptr address = out_.address();
  const auto once = [&](Kernel kernel, auto... arguments) {
    if (uses(work.statements, kKernelNames[static_cast<std::size_t>(kernel)]))
      launch(kernel, {.threads = 32}, nullptr, arguments...);
  };
  launch(Kernel::Fma64, {.threads = 32}, nullptr, address, 8U);
  once(Kernel::Empty);
  once(Kernel::Fma, address, 8U);
  once(Kernel::Axpy, address, address, 1U);
  once(Kernel::Read, address, address, 1U);
  once(Kernel::UntilClock, std::uint64_t{1}, std::uint64_t{0}, 0U);
  once(Kernel::UntilTimer, std::uint64_t{1}, std::uint64_t{0}, 0U);
  once(Kernel::Nap, 1U, 1U);
  once(Kernel::Await, address, 0U);
  once(Kernel::Signal, address, 0U, std::uint64_t{1});
  once(Kernel::Add, address, 0U, std::uint64_t{1});
  const doppel::host::Stopwatch stopwatch;
  card_.synchronize();
}

void Program::run(const Case& work) {
  warm_up(work);
  run(work.statements);
  join({});
  card_.synchronize();
}

void Program::run(const std::vector<Statement>& statements) {
  for (const Statement& statement : statements) run(statement);
}

void Program::run(const Statement& statement) {
  try {
    const auto found = handlers().find(statement.verb);
    if (found == handlers().end()) throw CaseError("unknown statement '" + statement.verb + "'");
    (this->*found->second)(statement);
  } catch (const StatementError&) {
    throw;  // of its body, whose line it names
  } catch (const std::exception& error) {
    throw StatementError(std::to_string(statement.line) + ": " + error.what());
  }
}

double Program::value(const std::string& name) const {
  const std::lock_guard lock(values_mutex_);
  const auto found = values_.find(name);
  if (found == values_.end()) throw CaseError("nothing is named '" + name + "'");
  return found->second;
}

void Program::set(const std::string& name, double value) {
  const std::lock_guard lock(values_mutex_);
  values_[name] = value;
}

double Program::call(const Expression& call) const {
  const auto operand_name = [&](std::size_t i) { return object_name(call.operands.at(i), *this); };
  if (call.name == "host" || call.name == "card") {
    const NumberTable& table = call.name == "host" ? host_table_ : card_table_;
    const auto found = table.find(operand_name(0));
    if (found == table.end())
      throw CaseError("the " + call.name + "'s file has no number '" + operand_name(0) + "'");
    return found->second;
  }
  if (call.name == "elapsed" && call.operands.size() == 2) {
    std::array<CUevent, 2> events{};
    for (std::size_t i = 0; i < events.size(); ++i) {
      const auto found = events_.find(operand_name(i));
      if (found == events_.end()) throw CaseError("no event is named '" + operand_name(i) + "'");
      events[i] = found->second;
    }
    float milliseconds = 0;
    check(cuEventElapsedTime(&milliseconds, events[0], events[1]), "cuEventElapsedTime");
    return static_cast<double>(milliseconds) * 1000;
  }
  // Blocks of threads and shared memory that an SM holds of a chain.
  if (call.name == "blocks_per_sm" && call.operands.size() == 2) {
    int blocks = 0;
    check(cuOccupancyMaxActiveBlocksPerMultiprocessor(
              &blocks, kernels_[static_cast<std::size_t>(Kernel::Fma64)],
              static_cast<int>(evaluate(call.operands[0], *this)),
              static_cast<std::size_t>(evaluate(call.operands[1], *this))),
          "cuOccupancyMaxActiveBlocksPerMultiprocessor");
    return blocks;
  }
  throw CaseError("unknown function '" + call.name + "'");
}

double Program::number(const Statement& statement, std::size_t place) const {
  if (place >= statement.arguments.size()) throw CaseError("'" + statement.verb + "' needs more arguments");
  return evaluate(statement.arguments[place], *this);
}

std::string Program::name(const Statement& statement, std::size_t place) const {
  if (place >= statement.arguments.size()) throw CaseError("'" + statement.verb + "' needs more arguments");
  return object_name(statement.arguments[place], *this);
}

namespace {

template <class Objects>
const auto& find(const Objects& objects, const std::string& name, const char* kind) {
  const auto found = objects.find(name);
  if (found == objects.end()) throw CaseError(std::string("no ") + kind + " is named '" + name + "'");
  return found->second;
}

}  // namespace

CUstream Program::stream(const Statement& statement, std::size_t place) const {
  return find(streams_, name(statement, place), "stream");
}

CUevent Program::event(const Statement& statement, std::size_t place) const {
  return find(events_, name(statement, place), "event");
}

const Program::Memory& Program::memory(const Statement& statement, std::size_t place) const {
  return find(memory_, name(statement, place), "memory");
}

double Program::Options::get(const std::string& name, double otherwise) const {
  const auto found = values.find(name);
  return found == values.end() ? otherwise : found->second;
}

Program::Options Program::options(const Statement& statement, std::size_t place,
                                  std::initializer_list<const char*> values,
                                  std::initializer_list<const char*> flags) const {
  Options out;
  while (place < statement.arguments.size()) {
    const std::string option = name(statement, place++);
    if (std::ranges::find(flags, option) != flags.end())
      out.values[option] = 1;
    else if (std::ranges::find(values, option) != values.end())
      out.values[option] = number(statement, place++);
    else
      throw CaseError("'" + statement.verb + "' has no option '" + option + "'");
  }
  return out;
}

void Program::expect_arguments(const Statement& statement, std::size_t least, std::size_t most) {
  if (statement.arguments.size() < least || statement.arguments.size() > most)
    throw CaseError("'" + statement.verb + "' has the wrong number of arguments");
}

}  // namespace timeline
