# SPDX-License-Identifier: Apache-2.0
"""Forms in which a card's compiler was seen to leave the text: ../card_differences.txt names them. Expected is the text."""
from conversion_forms import convert
from integer_forms import signed
from numbers_exact import F16, F32
from program_forms import kernel
from template import form

WORDS = [0, 1, 0x80000000, 0x7fffffff, 0xffffffff, 0x12345678, 0x89abcdef, 0x40000000, 0xdeadbeef, 0x55555555, 0xaaaaaaaa, 9]


def extract(a, pos, length):
    sign = 0 if length == 0 else a >> min(pos + length - 1, 31) & 1
    return sum((a >> pos + i & 1 if i < length and pos + i < 32 else sign) << i for i in range(32))


def insert(a, b, pos, length):
    mask = sum(1 << pos + i for i in range(length) if pos + i < 32)
    return a << pos & mask | b & ~mask


def fields():
    beyond = [(32, 1), (36, 25), (255, 255)]
    form("bfe_s32_immediate_beyond", "bfe.s32 from beyond the msb: all sign (PTX ISA 9.7.1.19)",
         "\n".join(f"bfe.s32 %d{i}, {{a}}, {p}, {n};" for i, (p, n) in enumerate(beyond)) + "\nand.b32 {d}, %d0, %d1;\nand.b32 {d}, {d}, %d2;",
         [("b32", WORDS)], [("b32", [extract(a, 36, 25) for a in WORDS])], declare=".reg .b32 %d<3>;")
    form("bfi_b32_immediate_long", "bfi.b32 of 34 bits at 12: up to the msb (PTX ISA 9.7.1.20)", "bfi.b32 {d}, {a}, {b}, 12, 34;",
         [("b32", WORDS), ("b32", WORDS[::-1])], [("b32", [insert(a, b, 12, 34) for a, b in zip(WORDS, WORDS[::-1])])])


def conversions():
    singles = [0, 0x80000000, 1, 0x80000001, 0x7fffff, 0x807fffff, 0x800000, 0x80800000, 0x3f800001, 0xbf800001, 0x7f800000, 0xff800000]
    for mode in ("rp", "rm"):
        form(f"cvt_{mode}_ftz_f16_f32", f"cvt.{mode}.ftz.f16.f32: a subnormal source is zero before it is rounded (PTX ISA 9.7.9.21)",
             f"cvt.{mode}.ftz.f16.f32 {{d}}, {{a}};", [("f32", singles)], [("f16", [convert(F16, F32, v, mode, ftz=True) for v in singles])])
    nans = [0x7fc00000, 0xffffffff, 0x7f800001, 0]
    form("cvt_sat_s32_of_nan_s64", "a NaN gives MININT as s64, which saturates as s32 (PTX ISA 9.7.9.21)", "cvt.rzi.s64.f32 %wide, {a};\ncvt.sat.s32.s64 {d}, %wide;",
         [("b32", nans)], [("b32", [0x80000000] * 3 + [0])], declare=".reg .s64 %wide;")


def saturated():
    a, b = WORDS, WORDS[::-1]
    low, high = -2**31, 2**31 - 1
    out = [max(low, min(high, signed(x - y & 0xffffffff, 32) + signed(y, 32))) & 0xffffffff for x, y in zip(a, b)]
    form("add_sat_s32_of_difference", "the difference wraps, the sum with it saturates (PTX ISA 9.7.1.1)", "sub.u32 %t, {a}, {b};\nadd.sat.s32 {d}, %t, {b};",
         [("b32", a), ("b32", b)], [("b32", out)], declare=".reg .b32 %t;")


LOOP = """
  mov.u32 %n, %i;
AGAIN:
  setp.eq.u32 %q, %n, 0;
  @%q bra DONE;
  sub.u32 %n, %n, 1;
  {body}
  bra AGAIN;
DONE:"""


def loops():
    kernel("loop_of_mad_hi", "mad.hi onto itself, as often as the lane's number (PTX ISA 9.7.1.4)", [i * (i * 0x30000000 >> 32) for i in range(32)],
           "  .reg .u32 %n;\n  mov.u32 %r, 0;" + LOOP.format(body="mad.hi.u32 %r, %i, 0x30000000, %r;"))
    # %p is false where the inner loop is entered, and not when it comes around.
    kernel("loop_of_predicate", "a predicate turned over in a loop within another", [0, 1] * 16, """
  .reg .u32 %n, %m;
  mov.u32 %n, %i;
  setp.ne.u32 %p, WARP_SZ, 32;
OUTER:
  setp.eq.u32 %q, %n, 0;
  @%q bra DONE;
  sub.u32 %n, %n, 1;
  @%p bra DONE;
  mov.u32 %m, %i;
INNER:
  setp.eq.u32 %q, %m, 0;
  @%q bra OUTER;
  sub.u32 %m, %m, 1;
  not.pred %p, %p;
  bra INNER;
DONE:
  selp.u32 %r, 1, 0, %p;""")


def together():
    ballot = sum(1 << i for i in range(32) if i % 3 == 0)
    vote = """
  rem.u32 %b, %i, 3;
  setp.eq.u32 %p, %b, 0;
  vote.sync.ballot.b32 %r, %p, 0xffffffff;"""
    kernel("vote_after_recursion", "vote.sync waits for all the lanes that it names, each back from its own depth (PTX ISA 9.7.13.5)", [ballot] * 32, """
  {
  .param .b32 x;
  .param .b32 y;
  st.param.b32 [x], %i;
  call (y), descend, (x);
  ld.param.b32 %a, [y];
  }
""" + vote, before="""
.func (.param .b32 result) descend(.param .b32 depth)
{
  .reg .b32 %n, %s;
  .reg .pred %q;
  ld.param.b32 %n, [depth];
  mov.b32 %s, 0;
  setp.eq.u32 %q, %n, 0;
  @%q bra OUT;
  sub.u32 %n, %n, 1;
  {
  .param .b32 x;
  .param .b32 y;
  st.param.b32 [x], %n;
  call (y), descend, (x);
  ld.param.b32 %s, [y];
  }
  add.u32 %s, %s, %n;
OUT:
  st.param.b32 [result], %s;
  ret;
}
""")
    kernel("vote_after_two_entries", "vote.sync waits for all the lanes that it names behind a loop with two entries (PTX ISA 9.7.13.5)",
           [sum(1 << i for i in range(32) if two_entries(i) & 4)] * 32, """
  .reg .u32 %n, %m, %rounds;
  mov.u32 %rounds, 2;
ROUND:
  and.b32 %n, %i, 7;
  and.b32 %a, %i, 8;
  setp.eq.u32 %p, %a, 0;
  @%p bra SECOND;
FIRST:
  mad.lo.u32 %a, %a, 3, %n;
SECOND:
  and.b32 %m, %i, 3;
WITHIN:
  setp.eq.u32 %q, %m, 0;
  @%q bra BELOW;
  sub.u32 %m, %m, 1;
  bra WITHIN;
BELOW:
  sub.u32 %n, %n, 1;
  setp.gt.s32 %p, %n, 0;
  @%p bra FIRST;
  and.b32 %b, %a, 4;
  setp.ne.u32 %p, %b, 0;
  vote.sync.ballot.b32 %r, %p, 0xffffffff;
  sub.u32 %rounds, %rounds, 1;
  setp.ne.u32 %p, %rounds, 0;
  @%p bra ROUND;""")


def two_entries(lane):
    n, a = lane & 7, lane & 8
    first = a != 0
    while True:
        if first:
            a = 3 * a + n
        first, n = True, n - 1
        if n <= 0:
            return a


def generate():
    fields()
    conversions()
    saturated()
    loops()
    together()
