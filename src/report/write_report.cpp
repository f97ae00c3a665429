#include "report/write_report.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <system_error>

namespace doppel::report {

Result<Form> form_of(const std::filesystem::path& file) {
  const std::string name = file.filename().string();
  if (name.ends_with(".trace.json")) return Form::Trace;
  if (name.ends_with(".json")) return Form::Json;
  if (name.ends_with(".md")) return Form::Markdown;
  if (name.ends_with(".csv")) return Form::Csv;
  if (name.ends_with(".html")) return Form::Html;
  return fail(Error::Kind::InvalidArgument,
              fmt::format("report {}: expected a name ending in .json, .md, .csv, .html or .trace.json",
                          file.string()));
}

Result<void> check_writable(const std::filesystem::path& file) {
  const int descriptor = open(file.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
  if (descriptor < 0) {
    return fail(Error::Kind::Io,
                fmt::format("cannot write the report {}: {}", file.string(), std::strerror(errno)));
  }
  close(descriptor);
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

Result<void> write_report(const Report& report, const std::filesystem::path& file) {
  const Result<Form> form = form_of(file);
  if (!form) return tl::unexpected<Error>(form.error());
  const std::string text = render(report, *form);
  std::error_code error;
  // A device such as /dev/stdout takes the text itself; a file is replaced in one step.
  const bool in_place =
      std::filesystem::exists(file, error) && !std::filesystem::is_regular_file(file, error);
  std::filesystem::path partial = file;
  if (!in_place) partial += ".partial";
  {
    std::ofstream out(partial, std::ios::binary);
    out << text;
    out.flush();
    if (!out) {
      const std::string why = std::strerror(errno);
      if (!in_place) std::filesystem::remove(partial, error);
      return fail(Error::Kind::Io, fmt::format("cannot write the report {}: {}", file.string(), why));
    }
  }
  if (in_place) return {};
  std::filesystem::rename(partial, file, error);
  if (error) {
    return fail(Error::Kind::Io,
                fmt::format("cannot write the report {}: {}", file.string(), error.message()));
  }
  return {};
}

}  // namespace doppel::report
