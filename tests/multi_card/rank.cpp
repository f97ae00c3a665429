// SPDX-License-Identifier: Apache-2.0
#include "rank.h"

#include <fmt/format.h>

#include <array>
#include <stdexcept>

#include "ring_ptx.h"

namespace multi_card {
namespace {

using doppel::host::check;

constexpr unsigned kThreads = 256, kBlocksPerMultiprocessor = 4;

template <class... Arguments>
void launch(CUfunction kernel, unsigned blocks, CUstream stream, Arguments... arguments) {
  std::array<void*, sizeof...(Arguments)> pointers{static_cast<void*>(&arguments)...};
  check(cuLaunchKernel(kernel, blocks, 1, 1, kThreads, 1, 1, 0, stream, pointers.data(), nullptr),
        "cuLaunchKernel");
}

}  // namespace

Rank::Rank(int number, int ranks, std::size_t bytes, unsigned event_flags)
    : number_(number), ranks_(ranks), bytes_(bytes) {
  check(cuDevicePrimaryCtxRetain(&context_, number), "cuDevicePrimaryCtxRetain");
  make_current();
  int multiprocessors = 0;
  check(cuDeviceGetAttribute(&multiprocessors, CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT, number),
        "cuDeviceGetAttribute");
  blocks_ = kBlocksPerMultiprocessor * static_cast<unsigned>(multiprocessors);
  check(cuStreamCreate(&stream_, CU_STREAM_NON_BLOCKING), "cuStreamCreate");
  check(cuEventCreate(&begin_, CU_EVENT_DEFAULT), "cuEventCreate");
  check(cuEventCreate(&end_, CU_EVENT_DEFAULT), "cuEventCreate");
  module_ = std::make_unique<doppel::host::Module>(multi_card_kernels::kRingPtx);
  send_ = module_->kernel("send");
  add_ = module_->kernel("add_and_send");
  add_and_keep_ = module_->kernel("add_keep_and_send");
  check(cuMemAlloc(&input_, bytes), "cuMemAlloc");
  check(cuMemAlloc(&mailbox_.output, bytes), "cuMemAlloc");
  check(cuMemAlloc(&mailbox_.received, 2 * static_cast<std::size_t>(ranks - 1) * chunk_bytes()),
        "cuMemAlloc");
  mailbox_.sent.resize(static_cast<std::size_t>(steps(ranks)));
  for (CUevent& event : mailbox_.sent) check(cuEventCreate(&event, event_flags), "cuEventCreate");
  std::vector<float> input(bytes / sizeof(float));
  for (std::size_t i = 0; i < input.size(); ++i) input[i] = input_of(number, i);
  check(cuMemcpyHtoD(input_, input.data(), bytes), "cuMemcpyHtoD");
}

Rank::~Rank() {
  (void)cuCtxSetCurrent(context_);
  for (CUevent event : mailbox_.sent) (void)cuEventDestroy(event);
  for (CUdeviceptr memory : {input_, mailbox_.output, mailbox_.received}) (void)cuMemFree(memory);
  (void)cuEventDestroy(begin_);
  (void)cuEventDestroy(end_);
  (void)cuStreamDestroy(stream_);
  module_.reset();
  (void)cuDevicePrimaryCtxRelease(number_);
}

void Rank::make_current() const { check(cuCtxSetCurrent(context_), "cuCtxSetCurrent"); }

void Rank::join(const Mailbox& before, const Mailbox& next) {
  before_ = before;
  next_ = next;
}

// Small integers: their sum is exact in any order.
float Rank::input_of(int rank, std::size_t index) {
  return static_cast<float>((index * 7 + static_cast<std::size_t>(rank) * 31) % 1013);
}

CUdeviceptr Rank::chunk_of(CUdeviceptr array, int chunk) const {
  const int wrapped = (chunk % ranks_ + ranks_) % ranks_;
  return array + static_cast<std::size_t>(wrapped) * chunk_bytes();
}

void Rank::queue_gate(CUhostFn function, void* data) const {
  make_current();
  check(cuLaunchHostFunc(stream_, function, data), "cuLaunchHostFunc");
}

// What this turn writes over was read by the turn before the last, which has ended wherever a rank comes this
// far: the turn between them needed a part of every rank.
void Rank::queue_step(int turn, int step) {
  make_current();
  if (step > 0)
    check(cuStreamWaitEvent(stream_, before_.sent[static_cast<std::size_t>(step - 1)], 0),
          "cuStreamWaitEvent");
  const auto count = static_cast<unsigned>(chunk_bytes() / (4 * sizeof(float)));
  const auto slot = [&](CUdeviceptr received, int of_step) {
    return received + static_cast<std::size_t>(turn % 2 * (ranks_ - 1) + of_step) * chunk_bytes();
  };
  const int last_sum = ranks_ - 1;
  if (step == 0) {
    launch(send_, blocks_, stream_, chunk_of(input_, number_), slot(next_.received, 0), count);
  } else if (step < last_sum) {
    launch(add_, blocks_, stream_, chunk_of(input_, number_ - step), slot(mailbox_.received, step - 1),
           slot(next_.received, step), count);
  } else if (step == last_sum) {
    launch(add_and_keep_, blocks_, stream_, chunk_of(input_, number_ - step),
           slot(mailbox_.received, step - 1), chunk_of(mailbox_.output, number_ - step),
           chunk_of(next_.output, number_ - step), count);
  } else {
    launch(send_, blocks_, stream_, chunk_of(mailbox_.output, number_ - step),
           chunk_of(next_.output, number_ - step), count);
  }
  check(cuEventRecord(mailbox_.sent[static_cast<std::size_t>(step)], stream_), "cuEventRecord");
}

void Rank::queue_end() const {
  make_current();
  check(cuStreamWaitEvent(stream_, before_.sent.back(), 0), "cuStreamWaitEvent");
}

void Rank::mark_begin() const {
  make_current();
  check(cuEventRecord(begin_, stream_), "cuEventRecord");
}

void Rank::mark_end() const {
  make_current();
  check(cuEventRecord(end_, stream_), "cuEventRecord");
}

double Rank::milliseconds() const {
  float milliseconds = 0;
  check(cuEventElapsedTime(&milliseconds, begin_, end_), "cuEventElapsedTime");
  return milliseconds;
}

void Rank::synchronize() const {
  make_current();
  check(cuStreamSynchronize(stream_), "cuStreamSynchronize");
}

void Rank::check_output() const {
  make_current();
  std::vector<float> output(bytes_ / sizeof(float));
  check(cuMemcpyDtoH(output.data(), mailbox_.output, bytes_), "cuMemcpyDtoH");
  for (std::size_t i = 0; i < output.size(); ++i) {
    float sum = 0;
    for (int rank = 0; rank < ranks_; ++rank) sum += input_of(rank, i);
    if (output[i] != sum)
      throw std::runtime_error(
          fmt::format("rank {}: element {} is {}, and the sum is {}", number_, i, output[i], sum));
  }
}

}  // namespace multi_card
