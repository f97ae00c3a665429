// SPDX-License-Identifier: Apache-2.0
#include "harness/driver_runner.h"

#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <utility>

#include "harness/driver_worker.h"
#include "harness/message.h"

namespace doppel::harness {

namespace {

// A launch of the tests takes milliseconds and its compilation at most seconds: what takes this long is hung.
constexpr int kHungAfterMs = 30'000;

class ForkedDriver final : public DriverRunner {
 public:
  explicit ForkedDriver(std::string library) : library_(std::move(library)) {}
  ForkedDriver(const ForkedDriver&) = delete;
  ForkedDriver& operator=(const ForkedDriver&) = delete;
  ~ForkedDriver() override { end(); }

  Result<Card> card() override {
    Message request;
    request.put(DriverRequest::Describe);
    auto answer = ask(request);
    if (!answer) return tl::unexpected(answer.error());
    Card card;
    card.name = answer->text();
    card.capability = static_cast<unsigned>(answer->number());
    card.driver_version = static_cast<unsigned>(answer->number());
    return card;
  }

  Result<void> load(const std::string& text) override {
    Message request;
    request.put(DriverRequest::Load);
    request.put(text);
    const auto answer = ask(request);
    if (!answer) return tl::unexpected(answer.error());
    return {};
  }

  Result<Buffers> run(const LaunchCase& launch) override {
    if (launch.text.empty()) return fail(Error::Kind::InvalidArgument, "the launch has no text");
    Message request;
    request.put(DriverRequest::Launch);
    request.put(launch.text);
    request.put(launch.kernel);
    for (const Dim3& extent : {launch.grid, launch.block}) {
      request.put(std::uint64_t{extent.x});
      request.put(std::uint64_t{extent.y});
      request.put(std::uint64_t{extent.z});
    }
    request.put(std::uint64_t{launch.dynamic_shared_bytes});
    request.put(std::uint64_t{launch.buffers.size()});
    for (const auto& buffer : launch.buffers) request.put(std::span<const std::byte>(buffer));
    request.put(std::uint64_t{launch.arguments.size()});
    for (const Argument& argument : launch.arguments) {
      if (const auto* buffer = std::get_if<BufferArgument>(&argument)) {
        request.put(std::uint64_t{1});
        request.put(std::uint64_t{buffer->buffer});
      } else {
        request.put(std::uint64_t{0});
        request.put(std::span<const std::byte>(std::get<std::vector<std::byte>>(argument)));
      }
    }
    auto answer = ask(request);
    if (!answer) return tl::unexpected(answer.error());
    Buffers after;
    for (std::size_t i = 0; i < launch.buffers.size(); ++i) after.push_back(answer->bytes());
    return after;
  }

 private:
  Result<Message> ask(const Message& request) {
    if (worker_ < 0 && !start()) return fail(Error::Kind::Io, "no process can be started");
    Message answer;
    const bool sent = request.send(socket_);
    const auto arrival = sent ? answer.receive(socket_, kHungAfterMs) : Message::Arrival::Gone;
    if (arrival == Message::Arrival::TimedOut) {
      end();
      return fail(Error::Kind::DeviceFault, fmt::format("no answer in {} s", kHungAfterMs / 1000));
    }
    if (arrival == Message::Arrival::Gone) {
      const int status = end();
      return fail(Error::Kind::Internal,
                  WIFSIGNALED(status)
                      ? fmt::format("the driver's process ended by signal {}", WTERMSIG(status))
                      : std::string("the driver's process ended"));
    }
    switch (static_cast<DriverAnswer>(answer.number())) {
      case DriverAnswer::Done:
        return answer;
      case DriverAnswer::TooNew:
        return fail(Error::Kind::UnsupportedVersion, answer.text());
      case DriverAnswer::Lost:
        end();
        return fail(Error::Kind::DeviceFault, answer.text());
      default:
        return fail(Error::Kind::InvalidInput, answer.text());
    }
  }

  bool start() {
    std::array<int, 2> ends{};
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) return false;
    const pid_t parent = getpid();
    worker_ = fork();
    if (worker_ == 0) {
      close(ends[0]);
      // A hung launch would not notice that nobody waits for it any more.
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      if (getppid() != parent) _exit(0);
      serve_driver(ends[1], library_);
    }
    close(ends[1]);
    if (worker_ < 0) {
      close(ends[0]);
      return false;
    }
    socket_ = ends[0];
    return true;
  }

  // The status that the process ended with.
  int end() {
    if (worker_ < 0) return 0;
    // Closed first, a process that works ends by itself; one that hangs or is dead does not mind.
    close(std::exchange(socket_, -1));
    kill(worker_, SIGKILL);
    int status = 0;
    waitpid(std::exchange(worker_, -1), &status, 0);
    return status;
  }

  std::string library_;
  pid_t worker_ = -1;
  int socket_ = -1;
};

}  // namespace

std::unique_ptr<DriverRunner> make_driver_runner(std::string library) {
  return std::make_unique<ForkedDriver>(std::move(library));
}

}  // namespace doppel::harness
