// SPDX-License-Identifier: Apache-2.0
// printf of device code: a format string and a buffer of arguments packed by the rules of vprintf (CUDA C++
// Programming Guide, "Formatted Output").
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

namespace doppel::engine {

// Called before bytes are read to which a kernel gave the address; does not return where the kernel may not
// read them. Empty: they may all be read.
using ReadTest = std::function<void(std::uint64_t address, std::uint64_t bytes)>;

// A string of the kernel's, up to its zero.
std::string read_text(const char* text, const ReadTest& test);

// Appends the text. Each argument lies at the next multiple of its size: 4 bytes for int and char, 8 for
// long, pointers and double. Returns the number of arguments, or -1 where the format is null: what device
// printf returns.
int format_device_printf(std::string& text, const char* format, const std::byte* arguments,
                         const ReadTest& test = {});

}  // namespace doppel::engine
