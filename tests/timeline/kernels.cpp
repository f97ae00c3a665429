// SPDX-License-Identifier: Apache-2.0
#include "kernels.h"

namespace timeline {
namespace {

constexpr const char* kText = R"(
.version 7.1
.target sm_86
.address_size 64

.visible .entry empty()
{
  ret;
}

// A chain of `count` multiply-adds a thread, each of which waits for the one before it. What it comes to is
// stored where it is a number that it never is.
.visible .entry fma(.param .u64 out, .param .u32 count)
{
  .reg .pred %more, %store;
  .reg .b32 %left, %thread;
  .reg .f32 %x, %a;
  .reg .b64 %out;
  ld.param.u64 %out, [out];
  ld.param.u32 %left, [count];
  mov.u32 %thread, %tid.x;
  cvt.rn.f32.u32 %x, %thread;
  mov.f32 %a, 0f3F000000;
more:
  fma.rn.f32 %x, %x, %a, 0f3F800000;
  fma.rn.f32 %x, %x, %a, 0f3F800000;
  fma.rn.f32 %x, %x, %a, 0f3F800000;
  fma.rn.f32 %x, %x, %a, 0f3F800000;
  fma.rn.f32 %x, %x, %a, 0f3F800000;
  fma.rn.f32 %x, %x, %a, 0f3F800000;
  fma.rn.f32 %x, %x, %a, 0f3F800000;
  fma.rn.f32 %x, %x, %a, 0f3F800000;
  add.s32 %left, %left, -8;
  setp.gt.s32 %more, %left, 0;
  @%more bra more;
  setp.eq.f32 %store, %x, 0f4640E6B7;
  @%store st.global.f32 [%out], %x;
  ret;
}

// The same in double precision, whose longer latency makes a kernel of the same time from fewer operations.
.visible .entry fma64(.param .u64 out, .param .u32 count)
{
  .reg .pred %more, %store;
  .reg .b32 %left, %thread;
  .reg .f64 %x, %a;
  .reg .b64 %out;
  ld.param.u64 %out, [out];
  ld.param.u32 %left, [count];
  mov.u32 %thread, %tid.x;
  cvt.rn.f64.u32 %x, %thread;
  mov.f64 %a, 0d3FE0000000000000;
more:
  fma.rn.f64 %x, %x, %a, 0d3FF0000000000000;
  fma.rn.f64 %x, %x, %a, 0d3FF0000000000000;
  fma.rn.f64 %x, %x, %a, 0d3FF0000000000000;
  fma.rn.f64 %x, %x, %a, 0d3FF0000000000000;
  fma.rn.f64 %x, %x, %a, 0d3FF0000000000000;
  fma.rn.f64 %x, %x, %a, 0d3FF0000000000000;
  fma.rn.f64 %x, %x, %a, 0d3FF0000000000000;
  fma.rn.f64 %x, %x, %a, 0d3FF0000000000000;
  add.s32 %left, %left, -8;
  setp.gt.s32 %more, %left, 0;
  @%more bra more;
  setp.eq.f64 %store, %x, 0d40C81CD6E631F8A1;
  @%store st.global.f64 [%out], %x;
  ret;
}

// y = a*x + y over `count` floats, one a thread.
.visible .entry axpy(.param .u64 y, .param .u64 x, .param .u32 count)
{
  .reg .pred %outside;
  .reg .b32 %i, %block, %size, %count;
  .reg .f32 %a, %left, %right;
  .reg .b64 %y, %x, %offset;
  ld.param.u64 %y, [y];
  ld.param.u64 %x, [x];
  ld.param.u32 %count, [count];
  mov.u32 %block, %ctaid.x;
  mov.u32 %size, %ntid.x;
  mov.u32 %i, %tid.x;
  mad.lo.u32 %i, %block, %size, %i;
  setp.ge.u32 %outside, %i, %count;
  @%outside ret;
  mul.wide.u32 %offset, %i, 4;
  add.u64 %x, %x, %offset;
  add.u64 %y, %y, %offset;
  mov.f32 %a, 0f3F000000;
  ld.global.f32 %left, [%x];
  ld.global.f32 %right, [%y];
  fma.rn.f32 %right, %left, %a, %right;
  st.global.f32 [%y], %right;
  ret;
}

// Reads `count` words, each once: the threads of the grid go over them together.
.visible .entry read(.param .u64 from, .param .u64 out, .param .u32 count)
{
  .reg .pred %inside, %store;
  .reg .b32 %i, %block, %size, %blocks, %step, %count, %word, %sum;
  .reg .b64 %from, %out, %at;
  ld.param.u64 %from, [from];
  ld.param.u64 %out, [out];
  ld.param.u32 %count, [count];
  mov.u32 %block, %ctaid.x;
  mov.u32 %size, %ntid.x;
  mov.u32 %blocks, %nctaid.x;
  mov.u32 %i, %tid.x;
  mad.lo.u32 %i, %block, %size, %i;
  mul.lo.u32 %step, %size, %blocks;
  mov.u32 %sum, 0;
more:
  setp.lt.u32 %inside, %i, %count;
  @!%inside bra done;
  mad.wide.u32 %at, %i, 4, %from;
  ld.global.u32 %word, [%at];
  xor.b32 %sum, %sum, %word;
  add.u32 %i, %i, %step;
  bra more;
done:
  setp.eq.u32 %store, %sum, 305419896;
  @%store st.global.u32 [%out], %sum;
  ret;
}

// Waits until the clock has come so far since its start, for `step` longer with each block; and sleeps
// between two looks, where `sleep` is not 0.
.visible .entry until_clock(.param .u64 time, .param .u64 step, .param .u32 sleep)
{
  .reg .pred %more, %sleeps;
  .reg .b32 %block, %sleep;
  .reg .b64 %start, %now, %time, %step, %index;
  ld.param.u64 %time, [time];
  ld.param.u64 %step, [step];
  ld.param.u32 %sleep, [sleep];
  mov.u32 %block, %ctaid.x;
  cvt.u64.u32 %index, %block;
  mad.lo.u64 %time, %index, %step, %time;
  setp.ne.u32 %sleeps, %sleep, 0;
  mov.u64 %start, %clock64;
  @%sleeps bra asleep;
more:
  mov.u64 %now, %clock64;
  sub.u64 %now, %now, %start;
  setp.lt.u64 %more, %now, %time;
  @%more bra more;
  ret;
asleep:
  nanosleep.u32 %sleep;
  mov.u64 %now, %clock64;
  sub.u64 %now, %now, %start;
  setp.lt.u64 %more, %now, %time;
  @%more bra asleep;
  ret;
}

// Waits until the clock has come so far since its start, for `step` longer with each block; and sleeps
// between two looks, where `sleep` is not 0.
.visible .entry until_timer(.param .u64 time, .param .u64 step, .param .u32 sleep)
{
  .reg .pred %more, %sleeps;
  .reg .b32 %block, %sleep;
  .reg .b64 %start, %now, %time, %step, %index;
  ld.param.u64 %time, [time];
  ld.param.u64 %step, [step];
  ld.param.u32 %sleep, [sleep];
  mov.u32 %block, %ctaid.x;
  cvt.u64.u32 %index, %block;
  mad.lo.u64 %time, %index, %step, %time;
  setp.ne.u32 %sleeps, %sleep, 0;
  mov.u64 %start, %globaltimer;
  @%sleeps bra asleep;
more:
  mov.u64 %now, %globaltimer;
  sub.u64 %now, %now, %start;
  setp.lt.u64 %more, %now, %time;
  @%more bra more;
  ret;
asleep:
  nanosleep.u32 %sleep;
  mov.u64 %now, %globaltimer;
  sub.u64 %now, %now, %start;
  setp.lt.u64 %more, %now, %time;
  @%more bra asleep;
  ret;
}

// Sleeps `count` times.
.visible .entry nap(.param .u32 count, .param .u32 sleep)
{
  .reg .pred %more;
  .reg .b32 %left, %sleep;
  ld.param.u32 %left, [count];
  ld.param.u32 %sleep, [sleep];
more:
  nanosleep.u32 %sleep;
  sub.u32 %left, %left, 1;
  setp.ne.u32 %more, %left, 0;
  @%more bra more;
  ret;
}

// Goes on when the word is no less than the value.
.visible .entry await(.param .u64 word, .param .u32 value)
{
  .reg .pred %more;
  .reg .b32 %value, %seen;
  .reg .b64 %word;
  ld.param.u64 %word, [word];
  ld.param.u32 %value, [value];
more:
  ld.volatile.global.u32 %seen, [%word];
  setp.lt.u32 %more, %seen, %value;
  @%more bra more;
  ret;
}

// Writes the word when the clock has come so far.
.visible .entry signal(.param .u64 word, .param .u32 value, .param .u64 cycles)
{
  .reg .pred %more;
  .reg .b32 %value;
  .reg .b64 %word, %start, %now, %cycles;
  ld.param.u64 %word, [word];
  ld.param.u32 %value, [value];
  ld.param.u64 %cycles, [cycles];
  mov.u64 %start, %clock64;
more:
  mov.u64 %now, %clock64;
  sub.u64 %now, %now, %start;
  setp.lt.u64 %more, %now, %cycles;
  @%more bra more;
  st.volatile.global.u32 [%word], %value;
  ret;
}

// Adds to the word when the clock has come so far.
.visible .entry add(.param .u64 word, .param .u32 value, .param .u64 cycles)
{
  .reg .pred %more;
  .reg .b32 %value;
  .reg .b64 %word, %start, %now, %cycles;
  ld.param.u64 %word, [word];
  ld.param.u32 %value, [value];
  ld.param.u64 %cycles, [cycles];
  mov.u64 %start, %clock64;
more:
  mov.u64 %now, %clock64;
  sub.u64 %now, %now, %start;
  setp.lt.u64 %more, %now, %cycles;
  @%more bra more;
  red.global.add.u32 [%word], %value;
  ret;
}
)";

}  // namespace

const char* kernels_ptx() { return kText; }

}  // namespace timeline
