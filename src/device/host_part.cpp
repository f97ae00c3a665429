// SPDX-License-Identifier: Apache-2.0
#include "device/host_part.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <limits>

namespace doppel::device {
namespace {

namespace fs = std::filesystem;

// The first FOLDER/PROGRAM.N with that ending that nobody has made yet.
Result<fs::path> claim(const fs::path& folder, const std::string& program, const char* ending) {
  constexpr int kMost = 100000;
  for (int i = 0; i < kMost; ++i) {
    fs::path file = folder / fmt::format("{}.{}", program, i);
    const int made = open((file.string() + ending).c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
    if (made >= 0) {
      close(made);
      return file;
    }
    if (errno != EEXIST) break;
  }
  return fail(Error::Kind::Io,
              fmt::format("cannot write into {}: {}", folder.string(), std::strerror(errno)));
}

}  // namespace

double HostPart::Line::take(Tag tag, double measured_us) {
  if (part_ == nullptr || part_->mode_ == Mode::Own) return measured_us;
  if (part_->mode_ == Mode::Record) {
    if (!own_ && part_->stretches_.fetch_add(1, std::memory_order_relaxed) < kMostStretches) {
      stretches_.push_back({tag.value, static_cast<float>(measured_us)});
      // What is replayed is rounded, too.
      return static_cast<double>(stretches_.back().us);
    }
    own_ = true;
    return measured_us;
  }
  if (own_) return measured_us;
  const auto repeats = [](std::uint32_t value) { return (value >> 31) != 0; };
  if (tag.repeats()) {
    if (next_ < stretches_.size() && stretches_[next_].tag == tag.value)
      of_last_repeat_us_ = static_cast<double>(stretches_[next_++].us);
    return of_last_repeat_us_ >= 0 ? of_last_repeat_us_ : measured_us;
  }
  while (next_ < stretches_.size() && repeats(stretches_[next_].tag)) ++next_;
  if (next_ < stretches_.size() && stretches_[next_].tag == tag.value)
    return static_cast<double>(stretches_[next_++].us);
  own_ = true;
  return measured_us;
}

double HostPart::Line::next_us() const {
  if (part_ == nullptr || part_->mode_ != Mode::Replay || own_ || next_ >= stretches_.size())
    return std::numeric_limits<double>::infinity();
  return static_cast<double>(stretches_[next_].us);
}

Result<std::unique_ptr<HostPart>> HostPart::create(const std::string& spec, const std::string& program) {
  auto part = std::make_unique<HostPart>();
  if (spec.empty()) return part;
  const std::size_t colon = spec.find(':');
  const std::string mode = spec.substr(0, colon);
  if (colon == std::string::npos || (mode != "record" && mode != "replay")) {
    return fail(Error::Kind::InvalidArgument,
                fmt::format("a host part is record:FOLDER or replay:FOLDER, not '{}'", spec));
  }
  part->mode_ = mode == "record" ? Mode::Record : Mode::Replay;
  auto file = claim(spec.substr(colon + 1), program, part->mode_ == Mode::Record ? ".begun" : ".taken");
  if (!file) return tl::unexpected(file.error());
  part->file_ = *file;
  if (part->mode_ == Mode::Replay) {
    if (auto good = part->read(); !good) return tl::unexpected(good.error());
  }
  return part;
}

HostPart::Line& HostPart::add_line() {
  const std::lock_guard lock(mutex_);
  const std::size_t number = lines_.size();
  Line& line = lines_.emplace_back();
  line.part_ = this;
  line.own_ = mode_ == Mode::Own || (mode_ == Mode::Replay && number >= recorded_.size());
  if (mode_ == Mode::Replay && !line.own_) line.stretches_ = std::move(recorded_[number]);
  return line;
}

// For each line a count and its stretches, as this machine writes them: the file is read here, and soon.
Result<void> HostPart::write() {
  if (mode_ != Mode::Record) return {};
  const std::lock_guard lock(mutex_);
  std::ofstream out(file_, std::ios::binary | std::ios::trunc);
  for (const auto& line : lines_) {
    const std::uint64_t count = line.stretches_.size();
    out.write(reinterpret_cast<const char*>(&count), sizeof count);
    out.write(reinterpret_cast<const char*>(line.stretches_.data()),
              static_cast<std::streamsize>(count * sizeof(Line::Stretch)));
  }
  out.flush();
  if (!out) return fail(Error::Kind::Io, fmt::format("cannot write {}", file_.string()));
  return {};
}

// A process that the first run did not have finds no file, and measures its own.
Result<void> HostPart::read() {
  std::ifstream in(file_, std::ios::binary);
  if (!in) return {};
  std::uint64_t count = 0;
  while (in.read(reinterpret_cast<char*>(&count), sizeof count)) {
    if (count > kMostStretches) break;
    std::vector<Line::Stretch> stretches(count);
    if (!in.read(reinterpret_cast<char*>(stretches.data()),
                 static_cast<std::streamsize>(count * sizeof(Line::Stretch))))
      break;
    recorded_.push_back(std::move(stretches));
  }
  if (!in.eof() || in.gcount() != 0)
    return fail(Error::Kind::InvalidInput, fmt::format("{} is damaged", file_.string()));
  return {};
}

}  // namespace doppel::device
