// SPDX-License-Identifier: Apache-2.0
#include "smi/metrics_server.h"

#include <fmt/format.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <charconv>
#include <chrono>
#include <memory>
#include <utility>

namespace doppel::smi {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;
using Metrics = std::function<Result<std::string>()>;

// Who asks slowly, or not at all, is left.
constexpr std::chrono::seconds kPatience{10};
constexpr std::uint64_t kLongestBody = 4096;

http::response<http::string_body> answer(const http::request<http::string_body>& request,
                                         const Metrics& metrics) {
  http::response<http::string_body> response(http::status::ok, request.version());
  response.keep_alive(request.keep_alive());
  response.set(http::field::content_type, "text/plain; charset=utf-8");
  const bool reads = request.method() == http::verb::get || request.method() == http::verb::head;
  const auto path = request.target().substr(0, request.target().find('?'));
  if (!reads) {
    response.result(http::status::method_not_allowed);
    response.set(http::field::allow, "GET, HEAD");
    response.body() = "GET alone\n";
  } else if (path != "/metrics") {
    response.result(http::status::not_found);
    response.body() = "The metrics are at /metrics\n";
  } else if (auto text = metrics()) {
    response.set(http::field::content_type, "text/plain; version=0.0.4; charset=utf-8");
    response.body() = std::move(*text);
  } else {
    response.result(http::status::internal_server_error);
    response.body() = text.error().message + "\n";
  }
  response.prepare_payload();  // with the length that GET's answer has
  if (request.method() == http::verb::head) response.body().clear();
  return response;
}

// One connection, kept by what it waits for.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(tcp::socket socket, const Metrics& metrics) : stream_(std::move(socket)), metrics_(metrics) {}

  void read() {
    parser_.emplace();
    parser_->body_limit(kLongestBody);
    stream_.expires_after(kPatience);
    http::async_read(stream_, buffer_, *parser_,
                     [self = shared_from_this()](beast::error_code error, std::size_t) {
                       if (!error) self->write();
                     });
  }

 private:
  void write() {
    response_ = answer(parser_->get(), metrics_);
    http::async_write(stream_, response_, [self = shared_from_this()](beast::error_code error, std::size_t) {
      if (error) return;
      if (self->response_.keep_alive()) return self->read();
      self->stream_.socket().shutdown(tcp::socket::shutdown_send, error);
    });
  }

  beast::tcp_stream stream_;
  beast::flat_buffer buffer_;
  boost::optional<http::request_parser<http::string_body>> parser_;
  http::response<http::string_body> response_;
  const Metrics& metrics_;
};

class Listener {
 public:
  Listener(asio::io_context& context, tcp::acceptor& acceptor, const Metrics& metrics)
      : context_(context), acceptor_(acceptor), metrics_(metrics) {}
  void accept() {
    acceptor_.async_accept(context_, [this](beast::error_code error, tcp::socket socket) {
      if (error == asio::error::operation_aborted) return;
      if (!error) std::make_shared<Connection>(std::move(socket), metrics_)->read();
      accept();
    });
  }

 private:
  asio::io_context& context_;
  tcp::acceptor& acceptor_;
  const Metrics& metrics_;
};

}  // namespace

Result<Endpoint> read_endpoint(const std::string& text) {
  const auto wrong = [&] {
    return fail(
        Error::Kind::InvalidArgument,
        fmt::format("--listen {}: expected an address of this machine alone and a port, as 127.0.0.1:9400",
                    text));
  };
  const auto colon = text.rfind(':');
  Endpoint at{colon == std::string::npos ? "" : text.substr(0, colon), 0};
  const std::string port = colon == std::string::npos ? text : text.substr(colon + 1);
  if (at.host.empty() || at.host == "localhost") at.host = "127.0.0.1";
  if (at.host.starts_with('[') && at.host.ends_with(']')) at.host = at.host.substr(1, at.host.size() - 2);
  const auto read = std::from_chars(port.data(), port.data() + port.size(), at.port);
  if (port.empty() || read.ec != std::errc{} || read.ptr != port.data() + port.size()) return wrong();
  beast::error_code error;
  const auto address = asio::ip::make_address(at.host, error);
  if (error || !address.is_loopback()) return wrong();
  return at;
}

Result<void> serve_metrics(const Endpoint& at, const Metrics& metrics,
                           const std::function<void(unsigned short port)>& listens) {
  try {
    asio::io_context context(1);
    asio::signal_set signals(context, SIGINT, SIGTERM);
    signals.async_wait([&](beast::error_code, int) { context.stop(); });
    tcp::acceptor acceptor(context, tcp::endpoint(asio::ip::make_address(at.host), at.port));
    Listener listener(context, acceptor, metrics);
    listener.accept();
    listens(acceptor.local_endpoint().port());
    context.run();
    return {};
  } catch (const boost::system::system_error& error) {
    return fail(Error::Kind::Io, fmt::format("--listen {}:{}: {}", at.host, at.port, error.code().message()));
  }
}

}  // namespace doppel::smi
