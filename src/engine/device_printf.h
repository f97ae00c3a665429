// printf of device code: a format string and a buffer of arguments packed by the rules of vprintf (CUDA C++
// Programming Guide, "Formatted Output").
#pragma once

#include <cstddef>
#include <string>

namespace doppel::engine {

// Appends the text. Each argument lies at the next multiple of its size: 4 bytes for int and char, 8 for
// long, pointers and double. Returns the number of arguments, or -1 where the format is null: what device
// printf returns.
int format_device_printf(std::string& text, const char* format, const std::byte* arguments);

}  // namespace doppel::engine
