// SPDX-License-Identifier: Apache-2.0
#include "cli/smi_mig_arguments.h"

#include <fmt/format.h>

#include <charconv>
#include <map>

namespace doppel::cli {
namespace {

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> parts(1);
  for (const char letter : text) {
    if (letter == ',')
      parts.emplace_back();
    else
      parts.back() += letter;
  }
  return parts;
}

Result<std::vector<int>> numbers(const std::string& flag, const std::string& text) {
  std::vector<int> all;
  for (const std::string& each : split(text)) {
    const auto value = mig_number(each);
    if (!value)
      return fail(Error::Kind::InvalidArgument,
                  fmt::format("{} {}: expected numbers with commas between them", flag, text));
    all.push_back(*value);
  }
  return all;
}

class Arguments {
 public:
  explicit Arguments(std::span<const std::string> all) : all_(all) {}

  Result<MigRequest> read() {
    while (next_ < all_.size()) {
      const std::string flag = all_[next_++];
      if (auto good = take(flag); !good) return tl::unexpected(good.error());
    }
    if (asked_.what == MigRequest::What::None)
      return fail(Error::Kind::InvalidArgument,
                  "expected one of -mig, -lgip, -lgipp, -lcip, -cgi, -cci, -lgi, -lci, -dgi, -dci");
    return asked_;
  }

 private:
  Result<void> take(const std::string& flag) {
    using What = MigRequest::What;
    static const std::map<std::string, What> kWhat = {
        {"-mig", What::Mode},
        {"--multi-instance-gpu", What::Mode},
        {"-lgip", What::Profiles},
        {"--list-gpu-instance-profiles", What::Profiles},
        {"-lgipp", What::Placements},
        {"--list-gpu-instance-possible-placements", What::Placements},
        {"-lcip", What::ComputeProfiles},
        {"--list-compute-instance-profiles", What::ComputeProfiles},
        {"-cgi", What::Create},
        {"--create-gpu-instance", What::Create},
        {"-cci", What::CreateCompute},
        {"--create-compute-instance", What::CreateCompute},
        {"-lgi", What::List},
        {"--list-gpu-instances", What::List},
        {"-lci", What::ListCompute},
        {"--list-compute-instances", What::ListCompute},
        {"-dgi", What::Destroy},
        {"--destroy-gpu-instance", What::Destroy},
        {"-dci", What::DestroyCompute},
        {"--destroy-compute-instance", What::DestroyCompute}};
    if (const auto found = kWhat.find(flag); found != kWhat.end()) {
      if (asked_.what != What::None)
        return fail(Error::Kind::InvalidArgument, fmt::format("{} beside another request", flag));
      asked_.what = found->second;
      return take_value(flag);
    }
    if (flag == "-C" || flag == "--default-compute-instance") {
      asked_.with_compute = true;
      return {};
    }
    const bool cards = flag == "-i" || flag == "--id", gpu = flag == "-gi" || flag == "--gpu-instance-id";
    if (!cards && !gpu && flag != "-ci" && flag != "--compute-instance-id")
      return fail(Error::Kind::InvalidArgument, fmt::format("unknown flag '{}'", flag));
    auto value = value_of(flag);
    if (!value) return tl::unexpected(value.error());
    if (cards) {
      asked_.cards = split(*value);
      return {};
    }
    auto all = numbers(flag, *value);
    if (!all) return tl::unexpected(all.error());
    (gpu ? asked_.gpu_instances : asked_.compute_instances) = std::move(*all);
    return {};
  }

  // What belongs to the request itself.
  Result<void> take_value(const std::string& flag) {
    using What = MigRequest::What;
    const bool optional = asked_.what == What::CreateCompute;
    if (asked_.what != What::Mode && asked_.what != What::Create && !optional) return {};
    if (optional && (next_ == all_.size() || all_[next_].starts_with("-"))) return {};
    auto value = value_of(flag);
    if (!value) return tl::unexpected(value.error());
    if (asked_.what != What::Mode) {
      asked_.profiles = split(*value);
      return {};
    }
    if (*value != "0" && *value != "1")
      return fail(Error::Kind::InvalidArgument, fmt::format("{} {}: expected 0 or 1", flag, *value));
    asked_.on = *value == "1";
    return {};
  }

  Result<std::string> value_of(const std::string& flag) {
    if (next_ == all_.size())
      return fail(Error::Kind::InvalidArgument, fmt::format("{} needs a value", flag));
    return all_[next_++];
  }

  std::span<const std::string> all_;
  std::size_t next_ = 0;
  MigRequest asked_;
};

}  // namespace

std::optional<int> mig_number(std::string_view text) {
  int value = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
  if (read.ec != std::errc{} || read.ptr != text.data() + text.size() || value < 0) return std::nullopt;
  return value;
}

Result<MigRequest> read_mig_arguments(std::span<const std::string> arguments) {
  return Arguments(arguments).read();
}

}  // namespace doppel::cli
