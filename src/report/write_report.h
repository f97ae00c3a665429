// SPDX-License-Identifier: Apache-2.0
// The files of `--report`. The form follows from the ending: .json, .md, .csv, .html, .trace.json.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "report/report.h"

namespace doppel::report {

enum class Form : std::uint8_t { Json, Markdown, Csv, Html, Trace };

// "-" is JSON on standard output, "-.md" and so on another form there. Error InvalidArgument lists the
// endings.
Result<Form> form_of(const std::filesystem::path& file);
bool is_standard_output(const std::filesystem::path& file);

// Checks that `file` can be written, before a long run, and leaves everything as it is. Error Io says why
// not.
Result<void> check_writable(const std::filesystem::path& file);

std::string render(const Report& report, Form form);

// Writes beside the file and renames: no reader, full disk or Ctrl-C leaves half a report. Error Io names the
// file.
Result<void> write_report(const Report& report, const std::filesystem::path& file);
// The same of any text.
Result<void> write_text(const std::string& text, const std::filesystem::path& file);

// One form each.
std::string to_json(const Report& report);  // report.schema.json describes it
std::string to_markdown(const Report& report);
std::string to_csv(const Report& report);    // a line a kernel, copy kind and run; one quantity a column
std::string to_html(const Report& report);   // one file, nothing fetched
std::string to_trace(const Report& report);  // Chrome trace events: Perfetto and chrome://tracing open it

}  // namespace doppel::report
