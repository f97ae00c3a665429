// SPDX-License-Identifier: Apache-2.0
#include "engine/device_printf.h"

#include <cstdint>
#include <cstdio>
#include <cstring>

namespace doppel::engine {
namespace {

constexpr int kMostArguments = 32;  // CUDA programming guide, "Formatted output: limitations"

class Arguments {
 public:
  Arguments(const std::byte* buffer, const ReadTest& test) : buffer_(buffer), test_(test) {}
  template <typename T>
  T next() {
    offset_ = (offset_ + sizeof(T) - 1) / sizeof(T) * sizeof(T);
    T value;
    if (test_) test_(reinterpret_cast<std::uint64_t>(buffer_ + offset_), sizeof(T));
    std::memcpy(&value, buffer_ + offset_, sizeof(T));
    offset_ += sizeof(T);
    ++count_;
    return value;
  }
  int count() const { return count_; }

 private:
  const std::byte* buffer_;
  const ReadTest& test_;
  std::size_t offset_ = 0;
  int count_ = 0;
};

template <typename T>
void print(std::string& text, const std::string& format, T value) {
  char small[128];
  // NOLINTNEXTLINE(clang-diagnostic-format-nonliteral): the format is the program's, reduced to one
  // conversion whose type is known
  const int needed = std::snprintf(small, sizeof small, format.c_str(), value);
  if (needed < 0) return;
  if (static_cast<std::size_t>(needed) < sizeof small) {
    text.append(small, static_cast<std::size_t>(needed));
    return;
  }
  std::string large(static_cast<std::size_t>(needed) + 1, '\0');
  std::snprintf(large.data(), large.size(), format.c_str(), value);
  large.pop_back();
  text += large;
}

}  // namespace

std::string read_text(const char* text, const ReadTest& test) {
  if (!test) return text;
  std::string copy;
  for (;; ++text) {
    test(reinterpret_cast<std::uint64_t>(text), 1);
    if (*text == '\0') return copy;
    copy += *text;
  }
}

int format_device_printf(std::string& text, const char* given, const std::byte* buffer,
                         const ReadTest& test) {
  if (given == nullptr) return -1;
  const std::string copy = read_text(given, test);
  const char* format = copy.c_str();
  Arguments arguments(buffer, test);
  while (*format != '\0') {
    if (*format != '%') {
      const char* end = std::strchr(format, '%');
      const std::size_t length =
          end != nullptr ? static_cast<std::size_t>(end - format) : std::strlen(format);
      text.append(format, length);
      format += length;
      continue;
    }
    if (format[1] == '%') {
      text += '%';
      format += 2;
      continue;
    }
    const char* start = format++;
    std::string directive = "%";
    while (*format != '\0' && std::strchr("-+ #0", *format) != nullptr) directive += *format++;
    const auto number = [&] {
      if (*format == '*') {
        if (arguments.count() < kMostArguments) directive += std::to_string(arguments.next<std::int32_t>());
        ++format;
      }
      while (*format >= '0' && *format <= '9') directive += *format++;
    };
    number();
    if (*format == '.') {
      directive += *format++;
      number();
    }
    int longs = 0;
    std::string length;
    while (*format != '\0' && std::strchr("hlLqjzt", *format) != nullptr) {
      if (*format == 'h') {
        length += 'h';
      } else {
        longs += 1;
      }
      ++format;
    }
    const char conversion = *format;
    if (conversion != '\0') ++format;
    if (arguments.count() >= kMostArguments) {  // what is beyond stands as it is
      text.append(start, static_cast<std::size_t>(format - start));
      continue;
    }
    switch (conversion) {
      case 'd':
      case 'i':
        if (longs > 0) {
          print(text, directive + "ll" + conversion, static_cast<long long>(arguments.next<std::int64_t>()));
        } else {
          print(text, directive + length + conversion, arguments.next<std::int32_t>());
        }
        break;
      case 'u':
      case 'o':
      case 'x':
      case 'X':
        if (longs > 0) {
          print(text, directive + "ll" + conversion,
                static_cast<unsigned long long>(arguments.next<std::uint64_t>()));
        } else {
          print(text, directive + length + conversion, arguments.next<std::uint32_t>());
        }
        break;
      case 'c':
        print(text, directive + conversion, arguments.next<std::int32_t>());
        break;
      case 'e':
      case 'E':
      case 'f':
      case 'F':
      case 'g':
      case 'G':
      case 'a':
      case 'A':
        print(text, directive + conversion, arguments.next<double>());
        break;
      case 'p':
        print(text, directive + conversion, reinterpret_cast<void*>(arguments.next<std::uint64_t>()));
        break;
      case 's': {
        const auto* string = reinterpret_cast<const char*>(arguments.next<std::uint64_t>());
        print(text, directive + conversion, string != nullptr ? read_text(string, test).c_str() : "(null)");
        break;
      }
      default:
        // Not a conversion that device printf has: it stands as it is.
        text.append(start, static_cast<std::size_t>(format - start));
    }
  }
  return arguments.count();
}

}  // namespace doppel::engine
