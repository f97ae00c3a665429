// The files of `--report`. The form follows from the ending: .json, .md, .csv, .html, .trace.json.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "report/report.h"

namespace doppel::report {

enum class Form : std::uint8_t { Json, Markdown, Csv, Html, Trace };

// Error InvalidArgument lists the endings.
Result<Form> form_of(const std::filesystem::path& file);

// Checks that `file` can be written, before a long run: creates it empty where it is missing. Error Io says
// why not.
Result<void> check_writable(const std::filesystem::path& file);

std::string render(const Report& report, Form form);

// Writes in one step: a reader, or a full disk, never leaves half a report. Error Io names the file.
Result<void> write_report(const Report& report, const std::filesystem::path& file);

// One form each.
std::string to_json(const Report& report);  // report.schema.json describes it
std::string to_markdown(const Report& report);
std::string to_csv(const Report& report);    // a line a kernel, copy kind and total
std::string to_html(const Report& report);   // one file, nothing fetched
std::string to_trace(const Report& report);  // Chrome trace events: Perfetto and chrome://tracing open it

}  // namespace doppel::report
