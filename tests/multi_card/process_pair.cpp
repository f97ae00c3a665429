// SPDX-License-Identifier: Apache-2.0
#include "process_pair.h"

#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <stdexcept>

extern "C" {
CUresult cuIpcGetMemHandle(CUipcMemHandle* handle, CUdeviceptr address);
CUresult cuIpcOpenMemHandle_v2(CUdeviceptr* address, CUipcMemHandle handle, unsigned flags);
CUresult cuIpcGetEventHandle(CUipcEventHandle* handle, CUevent event);
CUresult cuIpcOpenEventHandle(CUevent* event, CUipcEventHandle handle);
}

namespace multi_card {

using doppel::host::check;

ProcessPair::ProcessPair() {
  std::array<int, 2> ends{};
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()) != 0)
    throw std::runtime_error("socketpair has failed");
  child_ = fork();
  if (child_ < 0) throw std::runtime_error("fork has failed");
  end_ = ends[second() ? 1 : 0];
  close(ends[second() ? 0 : 1]);
}

ProcessPair::~ProcessPair() {
  close(end_);  // the other sees it, and ends
}

void ProcessPair::send(const void* data, std::size_t bytes) const {
  if (::send(end_, data, bytes, MSG_NOSIGNAL) != static_cast<ssize_t>(bytes))
    throw std::runtime_error("the other process has ended");
}

void ProcessPair::receive(void* data, std::size_t bytes) const {
  if (recv(end_, data, bytes, MSG_WAITALL) != static_cast<ssize_t>(bytes))
    throw std::runtime_error("the other process has ended");
}

void ProcessPair::meet() const {
  char byte = '!';
  send(&byte, 1);
  receive(&byte, 1);
}

double ProcessPair::greater(double here) const {
  double there = 0;
  send(&here, sizeof here);
  receive(&there, sizeof there);
  return std::max(here, there);
}

void ProcessPair::give(CUdeviceptr received, CUdeviceptr output, const std::vector<CUevent>& sent) const {
  for (const CUdeviceptr memory : {received, output}) {
    CUipcMemHandle handle{};
    check(cuIpcGetMemHandle(&handle, memory), "cuIpcGetMemHandle");
    send(&handle, sizeof handle);
  }
  for (const CUevent event : sent) {
    CUipcEventHandle handle{};
    check(cuIpcGetEventHandle(&handle, event), "cuIpcGetEventHandle");
    send(&handle, sizeof handle);
  }
}

Mailbox ProcessPair::take_memory_and_events(CUcontext writer, CUcontext waiter, std::size_t events) const {
  Mailbox mailbox;
  check(cuCtxSetCurrent(writer), "cuCtxSetCurrent");
  for (CUdeviceptr* const memory : {&mailbox.received, &mailbox.output}) {
    CUipcMemHandle handle{};
    receive(&handle, sizeof handle);
    check(cuIpcOpenMemHandle_v2(memory, handle, CU_IPC_MEM_LAZY_ENABLE_PEER_ACCESS), "cuIpcOpenMemHandle");
  }
  check(cuCtxSetCurrent(waiter), "cuCtxSetCurrent");
  mailbox.sent.resize(events);
  for (CUevent& event : mailbox.sent) {
    CUipcEventHandle handle{};
    receive(&handle, sizeof handle);
    check(cuIpcOpenEventHandle(&event, handle), "cuIpcOpenEventHandle");
  }
  return mailbox;
}

void ProcessPair::wait_for_child() {
  int status = 0;
  if (waitpid(child_, &status, 0) != child_ || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
    throw std::runtime_error("the second process has failed");
}

}  // namespace multi_card
