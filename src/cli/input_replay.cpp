// SPDX-License-Identifier: Apache-2.0
#include "cli/input_replay.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <thread>

namespace doppel::cli {

// Copies the source to a pipe by way of a file, from the file's beginning.
class InputReplay::Pump {
 public:
  Pump(int source, std::FILE* kept) : source_(source), kept_(kept), wake_(eventfd(0, EFD_CLOEXEC)) {}
  ~Pump() {
    stop();
    close(wake_);
    std::fclose(kept_);
  }
  Pump(const Pump&) = delete;
  Pump& operator=(const Pump&) = delete;

  void start(int pipe) {
    given_ = 0;
    thread_ = std::thread([this, pipe] {
      sigset_t all;  // SIGPIPE among them: write() tells
      sigfillset(&all);
      pthread_sigmask(SIG_BLOCK, &all, nullptr);
      while (step(pipe)) {
      }
      close(pipe);
    });
  }

  void stop() {
    if (!thread_.joinable()) return;
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t sent = write(wake_, &one, sizeof one);
    thread_.join();
    std::uint64_t taken = 0;
    [[maybe_unused]] const ssize_t got = read(wake_, &taken, sizeof taken);
  }

 private:
  // False: stopped, at the end, or nobody reads the pipe any more.
  bool step(int pipe) {
    const bool has_more = given_ < have_;
    if (!has_more && ended_) return false;
    std::array<pollfd, 3> events = {{{wake_, POLLIN, 0},
                                     {pipe, static_cast<short>(has_more ? POLLOUT : 0), 0},
                                     {has_more ? -1 : source_, POLLIN, 0}}};
    poll(events.data(), events.size(), -1);
    if (events[0].revents != 0 || (events[1].revents & POLLERR) != 0) return false;
    std::array<char, 4096> buffer;  // what a pipe takes whole once it is ready (PIPE_BUF)
    if (has_more && (events[1].revents & POLLOUT) != 0) {
      const ssize_t size = pread(fileno(kept_), buffer.data(), buffer.size(), given_);
      const ssize_t written = size > 0 ? write(pipe, buffer.data(), static_cast<std::size_t>(size)) : -1;
      if (written < 0) return false;
      given_ += written;
    } else if (!has_more && events[2].revents != 0) {
      const ssize_t size = read(source_, buffer.data(), buffer.size());
      ended_ = size <= 0;
      if (!ended_ && pwrite(fileno(kept_), buffer.data(), static_cast<std::size_t>(size), have_) != size) {
        std::fputs("doppel: no room to keep standard input for the next card: it ends here\n", stderr);
        ended_ = true;
      }
      if (!ended_) have_ += size;
    }
    return true;
  }

  int source_;
  std::FILE* kept_;
  int wake_;
  off_t have_ = 0;   // bytes kept
  off_t given_ = 0;  // of them to the present program
  bool ended_ = false;
  std::thread thread_;
};

InputReplay::InputReplay(int source) : source_(source) {
  struct stat what{};
  if (fstat(source, &what) != 0) return;
  if (S_ISREG(what.st_mode)) beginning_ = lseek(source, 0, SEEK_CUR);
  if (!S_ISFIFO(what.st_mode) && !S_ISSOCK(what.st_mode)) return;
  if (std::FILE* kept = std::tmpfile(); kept != nullptr) pump_ = std::make_unique<Pump>(source, kept);
}

InputReplay::~InputReplay() = default;

bool InputReplay::rewind() {
  if (beginning_ >= 0) lseek(source_, beginning_, SEEK_SET);
  return pump_ != nullptr;
}

void InputReplay::start(int pipe) { pump_->start(pipe); }
void InputReplay::stop() {
  if (pump_ != nullptr) pump_->stop();
}

}  // namespace doppel::cli
