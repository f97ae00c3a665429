// SPDX-License-Identifier: Apache-2.0
// SHA-256 and AES-128. The host computes both byte by byte after the standards.
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>

#include "kernels.h"
#include "tests.h"
#include "timed.h"

namespace doppel::suite {

namespace {

constexpr unsigned kThreads = 256;

// FIPS 180-4 names the constants as fractions of roots of the first primes: here they are worked out.
std::array<std::uint32_t, 64> round_constants(double (*root)(double), std::size_t count) {
  std::array<std::uint32_t, 64> out{};
  std::size_t found = 0;
  for (int candidate = 2; found < count; ++candidate) {
    bool prime = true;
    for (int d = 2; d * d <= candidate; ++d) prime = prime && candidate % d != 0;
    if (!prime) continue;
    const double of = root(candidate);
    out[found++] = static_cast<std::uint32_t>(std::floor((of - std::floor(of)) * 4294967296.0));
  }
  return out;
}

// The digest of 32 bytes.
std::array<std::uint32_t, 8> sha256(const std::array<std::uint32_t, 8>& message) {
  static const auto k = round_constants(std::cbrt, 64);
  static const auto first = round_constants(std::sqrt, 8);
  std::array<std::uint32_t, 64> w{};
  std::ranges::copy(message, w.begin());
  w[8] = 0x80000000U;
  w[15] = 256;
  for (std::size_t i = 16; i < 64; ++i) {
    const auto low = std::rotr(w[i - 15], 7) ^ std::rotr(w[i - 15], 18) ^ w[i - 15] >> 3U;
    const auto high = std::rotr(w[i - 2], 17) ^ std::rotr(w[i - 2], 19) ^ w[i - 2] >> 10U;
    w[i] = w[i - 16] + low + w[i - 7] + high;
  }
  std::array<std::uint32_t, 8> v{};
  std::copy_n(first.begin(), 8, v.begin());
  for (std::size_t i = 0; i < 64; ++i) {
    const auto choice = (v[4] & v[5]) ^ (~v[4] & v[6]);
    const auto majority = (v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]);
    const auto one =
        v[7] + (std::rotr(v[4], 6) ^ std::rotr(v[4], 11) ^ std::rotr(v[4], 25)) + choice + k[i] + w[i];
    const auto two = (std::rotr(v[0], 2) ^ std::rotr(v[0], 13) ^ std::rotr(v[0], 22)) + majority;
    std::shift_right(v.begin(), v.end(), 1);
    v[4] += one;
    v[0] = one + two;
  }
  for (std::size_t i = 0; i < 8; ++i) v[i] += first[i];
  return v;
}

Result hash(const host::Card& card) {
  constexpr unsigned kTimes = 64;
  const host::Module module(kSha256Ptx);
  const unsigned blocks = card.multiprocessors() * 16;
  host::Buffer<std::uint32_t> digests(std::size_t{blocks} * kThreads * 8);
  digests.clear();
  Result result;
  result.time_us = timed_us(
      [&] { host::launch(module.kernel("sha256_chain"), {blocks}, {kThreads}, digests.address(), kTimes); });
  result.value = static_cast<double>(blocks) * kThreads * kTimes / result.time_us;
  result.unit = "Mhash/s";
  result.kernel = "sha256_chain";
  result.detail = "chains of 64 digests of 32 bytes, one a thread";
  return result;
}

bool hashes_right(const host::Card& /*card*/) {
  constexpr unsigned kTimes = 3;
  const host::Module module(kSha256Ptx);
  const host::Buffer<std::uint32_t> digests(std::size_t{kThreads} * 8);
  host::launch(module.kernel("sha256_chain"), {1}, {kThreads}, digests.address(), kTimes);
  const std::vector<std::uint32_t> stored = digests.download();
  for (std::size_t t = 0; t < kThreads; t += 17) {
    std::array<std::uint32_t, 8> digest{static_cast<std::uint32_t>(t)};
    for (unsigned i = 0; i < kTimes; ++i) digest = sha256(digest);
    if (!std::equal(digest.begin(), digest.end(), stored.begin() + static_cast<std::ptrdiff_t>(t * 8)))
      return false;
  }
  return true;
}

unsigned doubled(unsigned x) { return (x << 1U ^ (x & 0x80U ? 0x11bU : 0U)) & 0xffU; }
unsigned times(unsigned a, unsigned b) {
  unsigned out = 0;
  for (; b != 0; b >>= 1U, a = doubled(a)) out ^= b & 1U ? a : 0U;
  return out;
}

// The substitution of a byte: its inverse, then an affine map (FIPS 197, 5.1.1).
unsigned substitute(unsigned x) {
  unsigned inverse = 0;
  for (unsigned y = 1; y < 256 && x != 0; ++y) inverse = times(x, y) == 1 ? y : inverse;
  unsigned out = 0x63;
  for (int i = 0; i < 5; ++i) out ^= (inverse << i | inverse >> (8 - i)) & 0xffU;
  return out;
}

std::array<std::uint32_t, 44> expanded(const std::array<unsigned, 256>& box) {
  std::array<std::uint32_t, 44> keys{0x00010203U, 0x04050607U, 0x08090a0bU, 0x0c0d0e0fU};
  unsigned constant = 1;
  for (std::size_t i = 4; i < keys.size(); ++i) {
    std::uint32_t word = keys[i - 1];
    if (i % 4 == 0) {
      word = std::rotl(word, 8);
      word = box[word >> 24U] << 24U | box[word >> 16U & 255U] << 16U | box[word >> 8U & 255U] << 8U |
             box[word & 255U];
      word ^= constant << 24U;
      constant = doubled(constant);
    }
    keys[i] = keys[i - 4] ^ word;
  }
  return keys;
}

// One block, byte by byte; columns as words, the first byte high.
std::array<std::uint32_t, 4> encrypted(std::array<std::uint32_t, 4> text,
                                       const std::array<unsigned, 256>& box,
                                       const std::array<std::uint32_t, 44>& keys) {
  const auto byte = [](const std::array<std::uint32_t, 4>& s, std::size_t c, unsigned r) {
    return s[c] >> (24 - 8 * r) & 255U;
  };
  for (std::size_t c = 0; c < 4; ++c) text[c] ^= keys[c];
  for (std::size_t round = 1; round <= 10; ++round) {
    std::array<std::uint32_t, 4> next{};
    for (std::size_t c = 0; c < 4; ++c) {
      std::array<unsigned, 4> column{};
      for (unsigned r = 0; r < 4; ++r) column[r] = box[byte(text, (c + r) % 4, r)];
      for (unsigned r = 0; r < 4; ++r) {
        const unsigned mixed = round == 10 ? column[r]
                                           : times(column[r], 2) ^ times(column[(r + 1) % 4], 3) ^
                                                 column[(r + 2) % 4] ^ column[(r + 3) % 4];
        next[c] |= mixed << (24 - 8 * r);
      }
      next[c] ^= keys[round * 4 + c];
    }
    text = next;
  }
  return text;
}

struct Tables {
  std::array<unsigned, 256> box{};
  std::vector<std::uint32_t> rounds = std::vector<std::uint32_t>(256);
  std::array<std::uint32_t, 44> keys{};
};
Tables tables() {
  Tables out;
  for (unsigned x = 0; x < 256; ++x) {
    const unsigned s = substitute(x);
    out.box[x] = s;
    out.rounds[x] = times(s, 2) << 24U | s << 16U | s << 8U | times(s, 3);
  }
  out.keys = expanded(out.box);
  return out;
}

using Block = std::array<std::uint32_t, 4>;

void encrypt(const host::Module& module, const Tables& own, const host::Buffer<Block>& out, unsigned blocks,
             unsigned turns) {
  const host::Buffer<std::uint32_t> rounds{std::span<const std::uint32_t>(own.rounds)};
  const host::Buffer<std::uint32_t> keys{std::span<const std::uint32_t>(own.keys)};
  host::launch(module.kernel("aes_counter"), {blocks}, {kThreads}, rounds.address(), keys.address(),
               out.address(), turns);
  host::check(cuCtxSynchronize(), "cuCtxSynchronize");
}

Result cipher(const host::Card& card) {
  constexpr unsigned kTurns = 16;
  const host::Module module(kAesPtx);
  const Tables own = tables();
  const unsigned blocks = card.multiprocessors() * 24;
  const host::Buffer<Block> out(std::size_t{blocks} * kThreads * kTurns);
  const host::Buffer<std::uint32_t> rounds{std::span<const std::uint32_t>(own.rounds)};
  const host::Buffer<std::uint32_t> keys{std::span<const std::uint32_t>(own.keys)};
  Result result;
  result.time_us = timed_us([&] {
    host::launch(module.kernel("aes_counter"), {blocks}, {kThreads}, rounds.address(), keys.address(),
                 out.address(), kTurns);
  });
  result.value = static_cast<double>(out.size()) * sizeof(Block) / result.time_us * 1e-3;
  result.unit = "GB/s";
  result.kernel = "aes_counter";
  result.detail =
      "keys of 128 bits, counter mode, " + std::to_string(out.size() >> 10U) + " Ki blocks of 16 bytes";
  return result;
}

bool ciphers_right(const host::Card& /*card*/) {
  constexpr unsigned kTurns = 2;
  const host::Module module(kAesPtx);
  const Tables own = tables();
  // FIPS 197, appendix C.1: the host's way is right.
  if (encrypted({0x00112233U, 0x44556677U, 0x8899aabbU, 0xccddeeffU}, own.box, own.keys) !=
      Block{0x69c4e0d8U, 0x6a7b0430U, 0xd8cdb780U, 0x70b4c55aU})
    return false;
  const host::Buffer<Block> out(std::size_t{kThreads} * kTurns);
  encrypt(module, own, out, 1, kTurns);
  const std::vector<Block> stored = out.download();
  for (std::uint32_t i = 0; i < stored.size(); i += 13) {
    if (stored[i] != encrypted({0, 0, 0, i}, own.box, own.keys)) return false;
  }
  return true;
}

constexpr std::array kTests{
    Test{"sha256", "digests, SHA-256", hash, hashes_right},
    Test{"aes", "encryption, AES-128", cipher, ciphers_right},
};

}  // namespace

std::span<const Test> cryptography_tests() { return kTests; }

}  // namespace doppel::suite
