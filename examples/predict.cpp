// SPDX-License-Identifier: Apache-2.0
// Doppel as a library: runs a kernel on a double, and asks what it takes on each card, and on one with faster
// memory. Built against an installation:
//
//   g++ -std=c++20 predict.cpp -I PREFIX/include -L PREFIX/lib -ldoppel -Wl,-rpath,PREFIX/lib -o predict
#include <doppel/session.h>

#include <cstdio>
#include <vector>

namespace {

// y[i] = a * x[i] + y[i]
constexpr const char* kPtx = R"(
.version 8.0
.target sm_86
.address_size 64
.visible .entry axpy(.param .u64 x, .param .u64 y, .param .f32 a, .param .u32 count)
{
  .reg .pred %p<2>; .reg .b32 %r<6>; .reg .f32 %f<5>; .reg .b64 %rd<8>;
  ld.param.u64 %rd1, [x];
  ld.param.u64 %rd2, [y];
  ld.param.f32 %f1, [a];
  ld.param.u32 %r1, [count];
  mov.u32 %r2, %ctaid.x;
  mov.u32 %r3, %ntid.x;
  mov.u32 %r4, %tid.x;
  mad.lo.u32 %r5, %r2, %r3, %r4;
  setp.ge.u32 %p1, %r5, %r1;
  @%p1 bra END;
  mul.wide.u32 %rd3, %r5, 4;
  add.s64 %rd4, %rd1, %rd3;
  add.s64 %rd5, %rd2, %rd3;
  ld.global.f32 %f2, [%rd4];
  ld.global.f32 %f3, [%rd5];
  fma.rn.f32 %f4, %f1, %f2, %f3;
  st.global.f32 [%rd5], %f4;
END:
  ret;
}
)";

void print(const doppel::Card& card, const doppel::Prediction& p) {
  std::printf("%-50s %8.1f us  bound by %-8s %6.1f mJ\n", card.id().c_str(), p.time_us, p.bound.c_str(),
              p.energy_j * 1e3);
}

int run() {
  constexpr std::uint32_t kCount = 1 << 22;
  const doppel::Card card = doppel::Card::find("rtx-a6000");
  doppel::Session session(card);
  const doppel::Module module = session.load(kPtx);
  std::vector<float> x(kCount, 2.0F);
  std::vector<float> y(kCount, 1.0F);
  const std::size_t bytes = kCount * sizeof(float);
  const doppel::Buffer x_on_card = session.allocate(bytes);
  const doppel::Buffer y_on_card = session.allocate(bytes);
  session.write(x_on_card, x.data(), bytes);
  session.write(y_on_card, y.data(), bytes);

  const doppel::Launch launch{"axpy", {kCount / 256}, {256}, {x_on_card, y_on_card, 3.0F, kCount}};
  print(card, session.launch(module, launch));
  session.read(y_on_card, y.data(), bytes);
  if (y.front() != 7.0F || y.back() != 7.0F) {
    std::fprintf(stderr, "wrong: %g and %g instead of 7\n", y.front(), y.back());
    return 1;
  }

  // The same launch elsewhere, without running it again.
  const doppel::Trace trace = session.trace(module, launch);
  for (const char* other : {"rtx-a6000", "rtx-pro-5000-blackwell"})
    print(doppel::Card::find(other), trace.predict(doppel::Card::find(other)));
  const doppel::Card faster = card.with("memory.clock_mhz", 1.5 * card.number("memory.clock_mhz"));
  const doppel::Prediction prediction = trace.predict(faster);
  print(faster, prediction);
  std::printf("%s\n%s\n", prediction.explanation.c_str(), prediction.advice.c_str());
  return 0;
}

}  // namespace

int main() {
  try {
    return run();
  } catch (const doppel::Failure& failure) {
    std::fprintf(stderr, "%s\n", failure.what());
    return 1;
  }
}
