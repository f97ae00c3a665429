// SPDX-License-Identifier: Apache-2.0
// Waiting for, and writing, a word of memory in stream order.
#include "driver/call.h"
#include "driver/objects.h"
#include "driver/value_steps.h"

namespace doppel::driver {
namespace {

using Operation = device::ValueWork::Operation;
using Step = device::ValueWork::Step;

Result<Operation> wait_operation(unsigned flags) {
  switch (flags & ~static_cast<unsigned>(CU_STREAM_WAIT_VALUE_FLUSH)) {
    case CU_STREAM_WAIT_VALUE_GEQ:
      return Operation::WaitGreaterOrEqual;
    case CU_STREAM_WAIT_VALUE_EQ:
      return Operation::WaitEqual;
    case CU_STREAM_WAIT_VALUE_AND:
      return Operation::WaitAnd;
    case CU_STREAM_WAIT_VALUE_NOR:
      return Operation::WaitNor;
    default:
      return fail(Error::Kind::InvalidArgument, "there is no such condition to wait for");
  }
}

Result<Step> wait_step(CUdeviceptr address, std::uint64_t value, std::uint8_t bytes, unsigned flags) {
  return wait_operation(flags).map(
      [&](Operation operation) { return Step{operation, address, value, bytes}; });
}

Result<Step> write_step(CUdeviceptr address, std::uint64_t value, std::uint8_t bytes, unsigned flags) {
  if ((flags & ~static_cast<unsigned>(CU_STREAM_WRITE_VALUE_NO_MEMORY_BARRIER)) != 0)
    return fail(Error::Kind::InvalidArgument, "an unknown flag of a value to write");
  return Step{Operation::Write, address, value, bytes};
}

Result<Step> one_of_batch(const CUstreamBatchMemOpParams& operation) {
  const CUstreamMemOpValueParams& value = operation.waitValue;
  switch (operation.operation) {
    case CU_STREAM_MEM_OP_WAIT_VALUE_32:
      return wait_step(value.address, value.value, 4, value.flags);
    case CU_STREAM_MEM_OP_WAIT_VALUE_64:
      return wait_step(value.address, value.value64, 8, value.flags);
    case CU_STREAM_MEM_OP_WRITE_VALUE_32:
      return write_step(value.address, value.value, 4, value.flags);
    case CU_STREAM_MEM_OP_WRITE_VALUE_64:
      return write_step(value.address, value.value64, 8, value.flags);
    // Stream order makes all that came before visible.
    case CU_STREAM_MEM_OP_BARRIER:
    case CU_STREAM_MEM_OP_FLUSH_REMOTE_WRITES:
      return Step{.operation = Operation::Barrier};
    default:
      return fail(Error::Kind::InvalidArgument, "there is no such memory operation");
  }
}

CUresult enqueue(CUstream stream, const Result<device::ValueWork>& work) {
  return answer(work.and_then([&](const device::ValueWork& steps) {
    return find_stream(stream).and_then([&](const auto& found) { return found->enqueue(steps); });
  }));
}

CUresult wait(CUstream stream, CUdeviceptr address, std::uint64_t value, std::uint8_t bytes, unsigned flags) {
  return enqueue(stream, wait_step(address, value, bytes, flags).map([](const Step& step) {
    return device::ValueWork{{step}};
  }));
}

CUresult write(CUstream stream, CUdeviceptr address, std::uint64_t value, std::uint8_t bytes,
               unsigned flags) {
  return enqueue(stream, write_step(address, value, bytes, flags).map([](const Step& step) {
    return device::ValueWork{{step}};
  }));
}

CUresult batch(CUstream stream, unsigned count, const CUstreamBatchMemOpParams* operations, unsigned flags) {
  return enqueue(stream, value_work(count, operations, flags));
}

}  // namespace

Result<device::ValueWork> value_work(unsigned count, const CUstreamBatchMemOpParams* operations,
                                     unsigned flags) {
  constexpr unsigned kMost = 256;  // driver API, cuStreamBatchMemOp
  if ((operations == nullptr && count != 0) || count > kMost || flags != 0)
    return fail(Error::Kind::InvalidArgument, "at most 256 memory operations without flags are expected");
  device::ValueWork work;
  for (unsigned i = 0; i < count; ++i) {
    const auto step = one_of_batch(operations[i]);
    if (!step) return tl::unexpected(step.error());
    work.steps.push_back(*step);
  }
  return work;
}

CUstreamBatchMemOpParams value_parameters(const device::ValueWork::Step& step) {
  CUstreamBatchMemOpParams p{};
  const auto waits = [&](CUstreamWaitValue_flags condition) {
    p.waitValue.operation = step.bytes == 8 ? CU_STREAM_MEM_OP_WAIT_VALUE_64 : CU_STREAM_MEM_OP_WAIT_VALUE_32;
    p.waitValue.flags = condition;
  };
  switch (step.operation) {
    case Operation::Write:
      p.operation = step.bytes == 8 ? CU_STREAM_MEM_OP_WRITE_VALUE_64 : CU_STREAM_MEM_OP_WRITE_VALUE_32;
      break;
    case Operation::WaitGreaterOrEqual:
      waits(CU_STREAM_WAIT_VALUE_GEQ);
      break;
    case Operation::WaitEqual:
      waits(CU_STREAM_WAIT_VALUE_EQ);
      break;
    case Operation::WaitAnd:
      waits(CU_STREAM_WAIT_VALUE_AND);
      break;
    case Operation::WaitNor:
      waits(CU_STREAM_WAIT_VALUE_NOR);
      break;
    case Operation::Barrier:
      p.operation = CU_STREAM_MEM_OP_BARRIER;
      return p;
  }
  p.waitValue.address = step.address;
  p.waitValue.value64 = step.value;
  return p;
}

}  // namespace doppel::driver

extern "C" {
using namespace doppel::driver;

CUresult cuStreamWaitValue32(CUstream stream, CUdeviceptr address, cuuint32_t value, unsigned flags) {
  return call(__func__, std::tuple(stream, address, value, flags),
              [&] { return wait(stream, address, value, 4, flags); });
}
CUresult cuStreamWaitValue32_v2(CUstream stream, CUdeviceptr address, cuuint32_t value, unsigned flags) {
  return call(__func__, std::tuple(stream, address, value, flags),
              [&] { return wait(stream, address, value, 4, flags); });
}
CUresult cuStreamWaitValue64(CUstream stream, CUdeviceptr address, cuuint64_t value, unsigned flags) {
  return call(__func__, std::tuple(stream, address, value, flags),
              [&] { return wait(stream, address, value, 8, flags); });
}
CUresult cuStreamWaitValue64_v2(CUstream stream, CUdeviceptr address, cuuint64_t value, unsigned flags) {
  return call(__func__, std::tuple(stream, address, value, flags),
              [&] { return wait(stream, address, value, 8, flags); });
}
CUresult cuStreamWriteValue32(CUstream stream, CUdeviceptr address, cuuint32_t value, unsigned flags) {
  return call(__func__, std::tuple(stream, address, value, flags),
              [&] { return write(stream, address, value, 4, flags); });
}
CUresult cuStreamWriteValue32_v2(CUstream stream, CUdeviceptr address, cuuint32_t value, unsigned flags) {
  return call(__func__, std::tuple(stream, address, value, flags),
              [&] { return write(stream, address, value, 4, flags); });
}
CUresult cuStreamWriteValue64(CUstream stream, CUdeviceptr address, cuuint64_t value, unsigned flags) {
  return call(__func__, std::tuple(stream, address, value, flags),
              [&] { return write(stream, address, value, 8, flags); });
}
CUresult cuStreamWriteValue64_v2(CUstream stream, CUdeviceptr address, cuuint64_t value, unsigned flags) {
  return call(__func__, std::tuple(stream, address, value, flags),
              [&] { return write(stream, address, value, 8, flags); });
}
CUresult cuStreamBatchMemOp(CUstream stream, unsigned count, CUstreamBatchMemOpParams* operations,
                            unsigned flags) {
  return call(__func__, std::tuple(stream, count, operations, flags),
              [&] { return batch(stream, count, operations, flags); });
}
CUresult cuStreamBatchMemOp_v2(CUstream stream, unsigned count, CUstreamBatchMemOpParams* operations,
                               unsigned flags) {
  return call(__func__, std::tuple(stream, count, operations, flags),
              [&] { return batch(stream, count, operations, flags); });
}

}  // extern "C"
