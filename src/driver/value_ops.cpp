// Waiting for, and writing, a word of memory in stream order.
#include "driver/call.h"
#include "driver/objects.h"

namespace doppel::driver {
namespace {

using Operation = device::ValueWork::Operation;

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

Result<void> wait(CUstream stream, CUdeviceptr address, std::uint64_t value, std::uint8_t bytes,
                  unsigned flags) {
  return wait_operation(flags).and_then([&](Operation operation) {
    return find_stream(stream).and_then([&](const auto& found) {
      return found->enqueue(device::ValueWork{operation, address, value, bytes});
    });
  });
}

Result<void> write(CUstream stream, CUdeviceptr address, std::uint64_t value, std::uint8_t bytes,
                   unsigned flags) {
  if ((flags & ~static_cast<unsigned>(CU_STREAM_WRITE_VALUE_NO_MEMORY_BARRIER)) != 0)
    return fail(Error::Kind::InvalidArgument, "an unknown flag of a value to write");
  return find_stream(stream).and_then([&](const auto& found) {
    return found->enqueue(device::ValueWork{Operation::Write, address, value, bytes});
  });
}

Result<void> one_of_batch(CUstream stream, const CUstreamBatchMemOpParams& operation) {
  const CUstreamMemOpValueParams& value = operation.waitValue;
  switch (operation.operation) {
    case CU_STREAM_MEM_OP_WAIT_VALUE_32:
      return wait(stream, value.address, value.value, 4, value.flags);
    case CU_STREAM_MEM_OP_WAIT_VALUE_64:
      return wait(stream, value.address, value.value64, 8, value.flags);
    case CU_STREAM_MEM_OP_WRITE_VALUE_32:
      return write(stream, value.address, value.value, 4, value.flags);
    case CU_STREAM_MEM_OP_WRITE_VALUE_64:
      return write(stream, value.address, value.value64, 8, value.flags);
    // Stream order makes all that came before visible.
    case CU_STREAM_MEM_OP_BARRIER:
    case CU_STREAM_MEM_OP_FLUSH_REMOTE_WRITES:
      return find_stream(stream).map([](const auto&) {});
    default:
      return fail(Error::Kind::InvalidArgument, "there is no such memory operation");
  }
}

CUresult batch(CUstream stream, unsigned count, const CUstreamBatchMemOpParams* operations, unsigned flags) {
  if (operations == nullptr || count > 256 || flags != 0) return CUDA_ERROR_INVALID_VALUE;
  for (unsigned i = 0; i < count; ++i)
    if (const auto queued = one_of_batch(stream, operations[i]); !queued) return to_result(queued.error());
  return CUDA_SUCCESS;
}

}  // namespace
}  // namespace doppel::driver

extern "C" {
using namespace doppel::driver;

CUresult cuStreamWaitValue32(CUstream stream, CUdeviceptr address, cuuint32_t value, unsigned flags) {
  return call(__func__, std::tuple(stream, address, value, flags),
              [&] { return answer(wait(stream, address, value, 4, flags)); });
}
CUresult cuStreamWaitValue32_v2(CUstream stream, CUdeviceptr address, cuuint32_t value, unsigned flags) {
  return call(__func__, std::tuple(stream, address, value, flags),
              [&] { return answer(wait(stream, address, value, 4, flags)); });
}
CUresult cuStreamWaitValue64(CUstream stream, CUdeviceptr address, cuuint64_t value, unsigned flags) {
  return call(__func__, std::tuple(stream, address, value, flags),
              [&] { return answer(wait(stream, address, value, 8, flags)); });
}
CUresult cuStreamWaitValue64_v2(CUstream stream, CUdeviceptr address, cuuint64_t value, unsigned flags) {
  return call(__func__, std::tuple(stream, address, value, flags),
              [&] { return answer(wait(stream, address, value, 8, flags)); });
}
CUresult cuStreamWriteValue32(CUstream stream, CUdeviceptr address, cuuint32_t value, unsigned flags) {
  return call(__func__, std::tuple(stream, address, value, flags),
              [&] { return answer(write(stream, address, value, 4, flags)); });
}
CUresult cuStreamWriteValue32_v2(CUstream stream, CUdeviceptr address, cuuint32_t value, unsigned flags) {
  return call(__func__, std::tuple(stream, address, value, flags),
              [&] { return answer(write(stream, address, value, 4, flags)); });
}
CUresult cuStreamWriteValue64(CUstream stream, CUdeviceptr address, cuuint64_t value, unsigned flags) {
  return call(__func__, std::tuple(stream, address, value, flags),
              [&] { return answer(write(stream, address, value, 8, flags)); });
}
CUresult cuStreamWriteValue64_v2(CUstream stream, CUdeviceptr address, cuuint64_t value, unsigned flags) {
  return call(__func__, std::tuple(stream, address, value, flags),
              [&] { return answer(write(stream, address, value, 8, flags)); });
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
