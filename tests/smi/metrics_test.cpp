// SPDX-License-Identifier: Apache-2.0
// The metrics as Prometheus reads them, and the listener that offers them.
#include "smi/metrics.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <future>
#include <regex>
#include <set>
#include <thread>

#include "fixture.h"
#include "smi/metrics_server.h"

namespace doppel::smi {
namespace {

using Metrics = Smi;

TEST_F(Metrics, OfAnIdleNode) {
  start();
  expect_view("metrics.txt", metrics(gpus, "workstation", [](unsigned) { return std::nullopt; }));
}

// prometheus.io/docs/instrumenting/exposition_formats: a head before the samples of each metric, one sample a
// line, no label set twice.
TEST_F(Metrics, AreOfTheTextFormat) {
  start("rtx-a6000,rtx-a6000,rtx-pro-5000-blackwell");
  const std::string text = metrics(gpus, "a \"host\"\\\n", [](unsigned index) {
    return index == 1 ? std::optional<std::uint64_t>(31) : std::nullopt;
  });
  const std::regex help("# HELP ([a-zA-Z_:][a-zA-Z0-9_:]*) .+"),
      type("# TYPE ([a-zA-Z_:][a-zA-Z0-9_:]*) (gauge|counter)");
  const std::regex sample(
      R"re(([a-zA-Z_:][a-zA-Z0-9_:]*)(\{[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*"(?:,[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*")*\}) (-?[0-9]+(?:\.[0-9]+)?))re");
  std::set<std::string> names, series;
  std::string name;
  bool typed = false;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::smatch found;
    if (std::regex_match(line, found, help)) {
      name = found[1];
      EXPECT_TRUE(names.insert(name).second) << name << " twice";
      typed = false;
    } else if (std::regex_match(line, found, type)) {
      EXPECT_EQ(found[1], name);
      typed = true;
    } else {
      ASSERT_TRUE(std::regex_match(line, found, sample)) << line;
      EXPECT_EQ(found[1], name);
      EXPECT_TRUE(typed) << line;
      EXPECT_TRUE(series.insert(found[1].str() + found[2].str()).second) << line;
    }
  }
  EXPECT_TRUE(text.ends_with('\n'));
  for (const char* each : {"GPU_UTIL", "MEM_COPY_UTIL", "SM_CLOCK", "MEM_CLOCK", "GPU_TEMP", "POWER_USAGE",
                           "TOTAL_ENERGY_CONSUMPTION", "FB_FREE", "FB_USED", "FB_RESERVED", "XID_ERRORS",
                           "ECC_DBE_VOL_TOTAL", "PCIE_REPLAY_COUNTER", "PCIE_TX_THROUGHPUT"})
    EXPECT_TRUE(names.contains(std::string("DCGM_FI_DEV_") + each)) << each;
  EXPECT_NE(text.find(R"(Hostname="a \"host\"\\\n",)"), std::string::npos);
  const std::regex xid(R"re(DCGM_FI_DEV_XID_ERRORS\{gpu="1",.*\} 31\n)re");
  EXPECT_TRUE(std::regex_search(text, xid)) << text;
}

TEST_F(Metrics, FollowAProcess) {
  start();
  const auto client = *node->join(0, node::wall_ns());
  std::uint64_t free = 0;
  ASSERT_TRUE(client->take(5U << 20, free, node::wall_ns()));
  client->begins(node::wall_ns());
  const std::string text = metrics(gpus, "host", [](unsigned) { return std::nullopt; });
  for (const char* line :
       {R"(GPU_UTIL\{gpu="0".*\} 100)", R"(GPU_UTIL\{gpu="1".*\} 0)", R"(FB_USED\{gpu="0".*\} 5)",
        R"(SM_CLOCK\{gpu="0".*\} 1800)", R"(PSTATE\{gpu="0".*\} 2)"})
    EXPECT_TRUE(std::regex_search(text, std::regex(std::string("\nDCGM_FI_DEV_") + line + "\n"))) << line;
}

TEST(MetricsServer, TakesAddressesOfThisMachineAlone) {
  EXPECT_EQ(read_endpoint("127.0.0.1:9400")->port, 9400);
  EXPECT_EQ(read_endpoint("9400")->host, "127.0.0.1");
  EXPECT_EQ(read_endpoint(":0")->port, 0);
  EXPECT_EQ(read_endpoint("localhost:80")->host, "127.0.0.1");
  EXPECT_EQ(read_endpoint("[::1]:9400")->host, "::1");
  EXPECT_EQ(read_endpoint("127.0.0.9:1")->host, "127.0.0.9");
  for (const char* wrong : {"", "0.0.0.0:9400", "[::]:1", "192.168.0.1:1", "somewhere:1",
                            "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:1 "}) {
    const auto at = read_endpoint(wrong);
    ASSERT_FALSE(at) << wrong;
    EXPECT_EQ(
        at.error().message,
        fmt::format("--listen {}: expected an address of this machine alone and a port, as 127.0.0.1:9400",
                    wrong));
  }
}

// What comes back for a request, until the server ends the connection.
std::string asked(unsigned short port, const std::string& request) {
  const int connection = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(connect(connection, reinterpret_cast<const sockaddr*>(&to), sizeof to), 0);
  EXPECT_EQ(write(connection, request.data(), request.size()), static_cast<ssize_t>(request.size()));
  std::string text;
  std::array<char, 4096> buffer{};
  for (ssize_t got = 0; (got = read(connection, buffer.data(), buffer.size())) > 0;)
    text.append(buffer.data(), static_cast<std::size_t>(got));
  close(connection);
  return text;
}

TEST(MetricsServer, AnswersUntilItIsEnded) {
  std::promise<unsigned short> port;
  int times = 0;
  Result<void> ended;
  std::thread server([&] {
    ended = serve_metrics(
        {"127.0.0.1", 0},
        [&]() -> Result<std::string> {
          if (++times == 2) return fail(Error::Kind::Io, "the node is of another version");
          return std::string("up 1\n");
        },
        [&](unsigned short number) { port.set_value(number); });
  });
  const unsigned short at = port.get_future().get();
  const std::string end = " HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n";
  const std::string good = asked(at, "GET /metrics?x=1" + end);
  EXPECT_TRUE(good.starts_with("HTTP/1.1 200 OK\r\n")) << good;
  EXPECT_NE(good.find("Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"), std::string::npos)
      << good;
  EXPECT_TRUE(good.ends_with("\r\n\r\nup 1\n")) << good;
  const std::string bad = asked(at, "GET /metrics" + end);
  EXPECT_TRUE(bad.starts_with("HTTP/1.1 500 ")) << bad;
  EXPECT_TRUE(bad.ends_with("the node is of another version\n")) << bad;
  EXPECT_TRUE(asked(at, "GET /" + end).starts_with("HTTP/1.1 404 "));
  EXPECT_TRUE(asked(at, "DELETE /metrics" + end).starts_with("HTTP/1.1 405 "));
  const std::string head = asked(at, "HEAD /metrics" + end);
  EXPECT_NE(head.find("Content-Length: 5\r\n"), std::string::npos) << head;
  EXPECT_TRUE(head.ends_with("\r\n\r\n")) << head;
  EXPECT_EQ(asked(at, "no request at all\r\n\r\n"), "");
  // Two on one connection.
  const std::string both = asked(at, "GET /metrics HTTP/1.1\r\nHost: here\r\n\r\nGET /metrics" + end);
  EXPECT_NE(both.find("up 1\nHTTP/1.1 200 OK"), std::string::npos) << both;
  kill(getpid(), SIGTERM);
  server.join();
  EXPECT_TRUE(ended);
}

TEST(MetricsServer, SaysThatAnAddressIsTaken) {
  const int taken = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof at;
  ASSERT_EQ(bind(taken, reinterpret_cast<const sockaddr*>(&at), sizeof at), 0);
  ASSERT_EQ(listen(taken, 1), 0);
  ASSERT_EQ(getsockname(taken, reinterpret_cast<sockaddr*>(&at), &size), 0);
  const auto served = serve_metrics(
      {"127.0.0.1", ntohs(at.sin_port)}, [] { return Result<std::string>(""); }, [](unsigned short) {});
  ASSERT_FALSE(served);
  EXPECT_NE(served.error().message.find("Address already in use"), std::string::npos)
      << served.error().message;
  close(taken);
}

}  // namespace
}  // namespace doppel::smi
