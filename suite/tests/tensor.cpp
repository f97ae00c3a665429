// SPDX-License-Identifier: Apache-2.0
// Rates of the tensor cores by type, dense and sparse, in grids so large that how a launch begins and ends
// hardly counts.
#include <algorithm>
#include <array>
#include <utility>

#include "tensor_ptx.h"
#include "tests.h"
#include "timed.h"

namespace doppel::suite {

namespace {

constexpr unsigned kThreads = 256;
constexpr unsigned kIterations = 20;
constexpr unsigned kBlocksPerMultiprocessor = 384;
constexpr unsigned kChecked = 3;

void need(const host::Card& card, const TensorForm& form) {
  const int capability = card.attribute(CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR) * 10 +
                         card.attribute(CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR);
  if (capability < form.capability) throw Absent("the card has no such units");
}

Result rate(const host::Card& card, const TensorForm& form) {
  need(card, form);
  const host::Module module(tensor_ptx(form).c_str());
  const CUfunction kernel = module.kernel(tensor_kernel(form).c_str());
  const unsigned blocks = card.multiprocessors() * kBlocksPerMultiprocessor;
  const host::Buffer<double> out(std::size_t{blocks} * kThreads);

  Result result;
  result.time_us = timed_us([&] { host::launch(kernel, {blocks}, {kThreads}, out.address(), kIterations); });
  const double operations =
      2.0 * form.m * form.n * form.k * kTensorChains * kTensorSteps * kIterations * blocks * (kThreads / 32);
  // In thousands or millions of millions a second, as the unit says.
  result.value = operations / result.time_us * (form.accumulator == Accumulator::F64 ? 1e-3 : 1e-6);
  result.unit = form.unit;
  result.kernel = tensor_kernel(form);
  result.detail = std::string("8 chains a warp, a multiply-add counted as 2") +
                  (form.sparse ? ", terms that are not there counted as well" : "");
  return result;
}

bool check(const host::Card& card, const TensorForm& form) {
  need(card, form);
  const host::Module module(tensor_ptx(form).c_str());
  const host::Buffer<double> out(kThreads);
  host::launch(module.kernel(tensor_kernel(form).c_str()), {1}, {kThreads}, out.address(), kChecked);
  const double terms = form.sparse ? form.k / 2.0 : form.k;
  const double elements = form.m * form.n / 32.0 * kTensorChains;  // of a thread
  const double expected = terms * elements * kChecked * kTensorSteps;
  const std::vector<double> stored = out.download();
  return std::ranges::all_of(stored, [&](double each) { return each == expected; });
}

// Tests are plain functions: each row has its own.
template <std::size_t Row>
Result rate_of(const host::Card& card) {
  return rate(card, tensor_forms()[Row]);
}
template <std::size_t Row>
bool check_of(const host::Card& card) {
  return check(card, tensor_forms()[Row]);
}

constexpr std::size_t kForms = 25;

template <std::size_t... Row>
std::array<Test, kForms> tests(std::index_sequence<Row...>) {
  return {Test{tensor_forms()[Row].name, tensor_forms()[Row].what, rate_of<Row>, check_of<Row>}...};
}

}  // namespace

std::span<const Test> tensor_tests() {
  static const std::array<Test, kForms> all = [] {
    if (tensor_forms().size() != kForms) throw std::logic_error("a form without a test");
    return tests(std::make_index_sequence<kForms>());
  }();
  return all;
}

}  // namespace doppel::suite
