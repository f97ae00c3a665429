// SPDX-License-Identifier: Apache-2.0
#include "report/write_report.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <string_view>
#include <system_error>

namespace doppel::report {
namespace {

namespace fs = std::filesystem;

tl::unexpected<Error> cannot_write(const fs::path& file, int error) {
  return fail(Error::Kind::Io,
              fmt::format("cannot write the report {}: {}", file.string(), std::strerror(error)));
}

// A device such as /dev/stdout, or a pipe, takes the text itself; a file is replaced in one step. A link
// stays: what it leads to is replaced.
bool is_written_in_place(const fs::path& file) {
  std::error_code error;
  return fs::exists(file, error) && !fs::is_regular_file(file, error);
}
fs::path end_of_links(const fs::path& file) {
  std::error_code error;
  const fs::path target = fs::canonical(file, error);
  return error ? file : target;
}

// An empty file beside `file`, with that one's rights or those that a new file gets. Negative: errno says why
// not.
int make_partial(const fs::path& file, std::string& name) {
  name = (file.parent_path() / fmt::format(".{}.XXXXXX", file.filename().string())).string();
  const int descriptor = mkostemp(name.data(), O_CLOEXEC);
  if (descriptor < 0) return descriptor;
  const mode_t mask = umask(0);
  umask(mask);
  struct stat old{};
  fchmod(descriptor, stat(file.c_str(), &old) == 0 ? old.st_mode & 0777 : 0666 & ~mask);
  return descriptor;
}

bool write_all(int descriptor, std::string_view text) {
  while (!text.empty()) {
    const ssize_t size = write(descriptor, text.data(), text.size());
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(size));
  }
  return true;
}

// Signals that end this process wait until the file is whole.
class SignalsWait {
 public:
  SignalsWait() {
    sigset_t set;
    sigemptyset(&set);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&set, signal);
    pthread_sigmask(SIG_BLOCK, &set, &old_);
  }
  ~SignalsWait() { pthread_sigmask(SIG_SETMASK, &old_, nullptr); }
  SignalsWait(const SignalsWait&) = delete;
  SignalsWait& operator=(const SignalsWait&) = delete;

 private:
  sigset_t old_{};
};

Result<void> write_in_place(const fs::path& file, const std::string& text) {
  const bool standard = is_standard_output(file);
  const int descriptor = standard ? STDOUT_FILENO : open(file.c_str(), O_WRONLY | O_CLOEXEC);
  if (descriptor < 0) return cannot_write(file, errno);
  int error = write_all(descriptor, text) ? 0 : errno;
  if (!standard && close(descriptor) != 0 && error == 0) error = errno;
  if (error != 0) return cannot_write(file, error);
  return {};
}

}  // namespace

bool is_standard_output(const fs::path& file) {
  return file == "-" || (file.string().starts_with("-.") && !file.has_parent_path());
}

Result<Form> form_of(const fs::path& file) {
  const std::string name = file.filename().string();
  if (name == "-") return Form::Json;
  if (name.ends_with(".trace.json")) return Form::Trace;
  if (name.ends_with(".json")) return Form::Json;
  if (name.ends_with(".md")) return Form::Markdown;
  if (name.ends_with(".csv")) return Form::Csv;
  if (name.ends_with(".html")) return Form::Html;
  return fail(
      Error::Kind::InvalidArgument,
      fmt::format("report {}: expected a name ending in .json, .md, .csv, .html or .trace.json, or - for "
                  "JSON on standard output",
                  file.string()));
}

Result<void> check_writable(const fs::path& file) {
  if (is_standard_output(file)) return {};
  std::error_code error;
  if (fs::is_directory(file, error)) return cannot_write(file, EISDIR);
  if (fs::exists(file, error) && access(file.c_str(), W_OK) != 0) return cannot_write(file, errno);
  if (is_written_in_place(file)) return {};
  std::string partial;
  const int descriptor = make_partial(end_of_links(file), partial);
  if (descriptor < 0) return cannot_write(file, errno);
  close(descriptor);
  unlink(partial.c_str());
  return {};
}

std::string render(const Report& report, Form form) {
  switch (form) {
    case Form::Json:
      return to_json(report);
    case Form::Markdown:
      return to_markdown(report);
    case Form::Csv:
      return to_csv(report);
    case Form::Html:
      return to_html(report);
    case Form::Trace:
      return to_trace(report);
  }
  return "";
}

Result<void> write_report(const Report& report, const fs::path& file) {
  const Result<Form> form = form_of(file);
  if (!form) return tl::unexpected<Error>(form.error());
  return write_text(render(report, *form), file);
}

Result<void> write_text(const std::string& text, const fs::path& file) {
  if (is_standard_output(file) || is_written_in_place(file)) return write_in_place(file, text);
  const SignalsWait wait;
  const fs::path target = end_of_links(file);
  std::string partial;
  const int descriptor = make_partial(target, partial);
  if (descriptor < 0) return cannot_write(file, errno);
  int error = write_all(descriptor, text) ? 0 : errno;
  if (close(descriptor) != 0 && error == 0) error = errno;
  if (error == 0 && std::rename(partial.c_str(), target.c_str()) != 0) error = errno;
  if (error == 0) return {};
  unlink(partial.c_str());
  return cannot_write(file, error);
}

}  // namespace doppel::report
