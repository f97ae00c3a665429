# SPDX-License-Identifier: Apache-2.0
"""Operands as compilers write them: constants in packs, lists of one element, elements of arrays, vectors of mov; old and new targets."""
from integer_forms import edges
from numbers_exact import F32, is_nan, NAN
from template import form, program


def packs():
    h = [v & 0xffff for v in edges(32)]
    w = edges(32)
    mov = "PTX ISA 9.7.9.4"
    form("mov_b32_pack_constant_low", f"mov.b32 with a constant half, the lower ({mov})", "mov.b32 {d}, {{0x3f80, {a}}};", [("b16", h)],
         [("b32", [0x3f80 | v << 16 for v in h])])
    form("mov_b32_pack_constant_high", f"mov.b32 with a constant half, the upper ({mov})", "mov.b32 {d}, {{{a}, -2}};", [("b16", h)],
         [("b32", [v | 0xfffe << 16 for v in h])])
    form("mov_b32_pack_constants", f"mov.b32 of constants, of which the low bits count ({mov})", "mov.b32 {d}, {{-1, 0x12345}};", [("b32", w)],
         [("b32", [0x2345ffff] * len(w))])
    form("mov_b32_pack_bytes", f"mov.b32 of four bytes, one constant ({mov})",
         "mov.b32 {{%b0, %b1, %b2, %b3}}, {a};\nmov.b32 {d}, {{%b3, %b2, 0x77, %b0}};", [("b32", w)],
         [("b32", [v >> 24 & 255 | (v >> 16 & 255) << 8 | 0x77 << 16 | (v & 255) << 24 for v in w])], declare=".reg .b8 %b<4>;")
    form("mov_b16_pack_bytes", f"mov.b16 to two bytes and of two ({mov})", "mov.b16 {{%b0, %b1}}, {a};\nmov.b16 {d}, {{%b1, %b0}};", [("b16", h)],
         [("b16", [v >> 8 | (v & 255) << 8 for v in h])], declare=".reg .b8 %b<2>;")
    form("mov_b64_pack_constant", f"mov.b64 with a constant half ({mov})", "mov.b64 {d}, {{{a}, 7}};", [("b32", w)], [("b64", [v | 7 << 32 for v in w])])
    form("mov_b64_pack_float_constant", f"mov.b64 with the bits of a float ({mov})", "mov.b64 {d}, {{0f3F800000, {a}}};", [("f32", w)],
         [("b64", [0x3f800000 | v << 32 for v in w])])
    form("mov_b64_pack4_constants", f"mov.b64 of quarters, two constant ({mov})", "mov.b64 {d}, {{{a}, 1, 0xabcd, {a}}};", [("b16", h)],
         [("b64", [v | 1 << 16 | 0xabcd << 32 | v << 48 for v in h])])
    form("mov_b64_pack_warp_size", f"mov.b64 with WARP_SZ ({mov})", "mov.b64 {d}, {{WARP_SZ, {a}}};", [("b32", w)], [("b64", [32 | v << 32 for v in w])])
    form("mov_b32_unpack_constant", f"a constant taken apart ({mov})", "mov.b32 {{{d}, {p}}}, 0x12345678;", [("b32", w)],
         [("b16", [0x5678] * len(w)), ("b16", [0x1234] * len(w))])
    form("mov_b64_unpack4_sinks", f"mov.b64 to quarters of which one is wanted ({mov})", "mov.b64 {{_, _, {d}, _}}, {a};", [("b64", edges(64))],
         [("b16", [v >> 32 & 0xffff for v in edges(64)])])
    form("mov_b32_one_element", f"mov.b32 of a list of one element ({mov})", "mov.b32 {{%t}}, {a};\nmov.b32 {d}, {{%t}};", [("b32", w)], [("b32", w)],
         declare=".reg .b32 %t;")
    form("mov_v2_b32_swap", f"mov.v2 reads all before it writes ({mov})",
         "mov.b64 {{{d}, {p}}}, {a};\nmov.v2.b32 {{{d}, {p}}}, {{{p}, {d}}};", [("b64", edges(64))],
         [("b32", [v >> 32 for v in edges(64)]), ("b32", [v & 0xffffffff for v in edges(64)])])
    form("mov_v4_u16_guarded", f"mov.v4 with a constant, a sink and a guard ({mov})",
         "and.b32 %t, %i, 1;\nsetp.eq.u32 %q, %t, 0;\nmov.u16 {d}, 9;\nmov.u16 {p}, 8;\n@%q mov.v4.u16 {{{d}, _, {p}, %s}}, {{{a}, {a}, 77, {a}}};",
         [("u16", h)], [("u16", [9 if i & 1 else v for i, v in enumerate(h)]), ("u16", [8 if i & 1 else 77 for i in range(len(h))])],
         declare=".reg .u32 %t; .reg .pred %q; .reg .u16 %s;")
    form("add_s32_register_plus_constant", "a register and a constant as one operand", "add.s32 {d}, {a}+5, {a};", [("s32", w)],
         [("s32", [2 * v + 5 for v in w])])
    form("mov_u64_register_plus_constant", "a register less a constant as one operand", "mov.u64 {d}, {a}+-4;", [("u64", edges(64))],
         [("u64", [v - 4 for v in edges(64)])])


def lists_of_one():
    w = edges(32)
    about = "a list of one element (PTX ISA 6.4.2)"
    for kind in ("b16", "b32", "b64", "f32"):
        values = [v & (1 << (16 if kind == "b16" else 32)) - 1 for v in w]
        form(f"st_ld_shared_one_element_{kind}", f"st and ld.{kind} of {about}",
             f"shl.b32 %at, %i, 3;\nmov.u32 %base, cells;\nadd.u32 %at, %at, %base;\nst.shared.{kind} [%at], {{{{ {{a}} }}}};\nld.shared.{kind} {{{{{{d}}}}}}, [%at];",
             [(kind, values)], [(kind, values)], declare=".reg .u32 %at; .reg .u32 %base; .shared .align 8 .b8 cells[256];")
    form("st_shared_one_constant", f"st of a constant as {about}",
         "shl.b32 %at, %i, 2;\nmov.u32 %base, cells;\nadd.u32 %at, %at, %base;\nst.shared.b32 [%at], {{42}};\nld.shared.b32 {d}, [%at];",
         [("b32", w)], [("b32", [42] * len(w))], declare=".reg .u32 %at; .reg .u32 %base; .shared .align 8 .b8 cells[256];")


MODULE = """
.global .align 16 .u32 words[8] = {10, 11, 12, 13, 14, 15, 16, 17};
.global .align 16 .u16 shorts[2][4] = {{20, 21, 22, 23}, {24, 25, 26, 27}};
.const .align 16 .u32 fixed[4] = {30, 31, 32, 33};
.global .align 8 .v2 .u32 pairs[4] = {{40, 41}, {42, 43}, {44, 45}, {46, 47}};
"""


def elements():
    """The index counts scalars. One in a register has 32 bits and no sign, whatever the register: so the assembler makes it."""
    def test(name, about, code, out, kind="u32", declare="", head=()):
        text = MODULE + ".visible .entry test(.param .u64 out)\n{\n"
        text += "  .reg .u32 %i, %j, %d;\n  .reg .u64 %address, %w, %x;\n  .reg .s16 %h;\n"
        text += "".join(f"  {line}\n" for line in declare.strip().split("\n") if line)
        text += "  mov.u32 %i, %tid.x;\n  ld.param.u64 %address, [out];\n  mad.wide.u32 %address, %i, 4, %address;\n"
        text += "".join(f"  {line.strip()}\n" for line in code.strip().split("\n"))
        text += "  st.global.u32 [%address], %d;\n  ret;\n}"
        program(name, about + " (PTX ISA 6.4.3)", [("block", str(len(out))), ("out", f"{kind} " + ", ".join(str(v) for v in out))], text)

    test("ld_element_constant", "an array's element by a constant as an address", "ld.global.u32 %d, words[3];", [13] * 4)
    test("ld_element_register", "an array's element by a register as an address", "ld.global.u32 %d, words[%i];", [10 + i for i in range(8)])
    test("ld_element_register_plus_constant", "by a register and a constant", "ld.global.u32 %d, words[%i+2];", [12 + i for i in range(6)])
    test("ld_element_register_minus_constant", "by a register less a constant", "add.u32 %i, %i, 3;\nld.global.u32 %d, words[%i+-3];", [10 + i for i in range(8)])
    test("ld_element_wide_register", "by a register of 64 bits, of which 32 count",
         "cvt.u64.u32 %w, %i;\nadd.u64 %w, %w, 0x700000000;\nld.global.u32 %d, words[%w];", [10 + i for i in range(8)])
    test("ld_element_short_register", "by a register of 16 bits", "cvt.s16.u32 %h, %i;\nld.global.u32 %d, words[%h];", [10 + i for i in range(8)])
    test("ld_element_of_two_dimensions", "an index into all dimensions counts scalars", "ld.global.u16 %d, shorts[%i];", [20 + i for i in range(8)])
    test("ld_element_of_vectors", "an index into vectors counts scalars", "ld.global.u32 %d, pairs[%i];", [40 + i for i in range(8)])
    test("ld_element_const", "an element of .const", "ld.const.u32 %d, fixed[%i];", [30 + i for i in range(4)])
    test("ld_element_generic", "an element by a generic address, of .shared", "st.shared.u32 cells[%i], %i;\nld.u32 %d, cells[%i];", list(range(8)),
         declare=".shared .align 4 .u32 cells[8];")
    test("ld_element_local", "an element of .local, and its neighbour by a constant",
         "st.local.u32 mine[%i], 5;\nst.local.u32 mine[7], 6;\nld.local.u32 %d, mine[%i];\nld.local.u32 %j, mine[7];\nmad.lo.u32 %d, %d, 10, %j;", [56] * 7 + [66],
         declare=".local .align 4 .u32 mine[8];")
    test("mov_element_constant", "the address of an element by a constant", "mov.u64 %w, words[3];\nmov.u64 %x, words;\nsub.u64 %w, %w, %x;\ncvt.u32.u64 %d, %w;", [12] * 4)
    test("mov_element_register", "the address of an element by a register, which is not extended with its sign",
         "sub.u32 %j, %i, 2;\nmov.u64 %w, words[%j];\nmov.u64 %x, words;\nsub.u64 %w, %w, %x;\nshr.u64 %x, %w, 32;\ncvt.u32.u64 %d, %w;\ncvt.u32.u64 %j, %x;\nmad.lo.u32 %d, %j, 1000, %d;",
         [4294967288, 4294967292, 0, 4, 8])
    test("mov_element_shared", "the address in .shared of an element, with 32 bits", "mov.u32 %d, cells[%i+1];\nmov.u32 %j, cells;\nsub.u32 %d, %d, %j;",
         [2 + 2 * i for i in range(4)], declare=".shared .align 4 .u16 cells[8];")
    test("cvta_element", "the generic address of an element", "st.shared.u32 cells[%i], %i;\ncvta.shared.u64 %w, cells[%i];\nld.u32 %d, [%w];\n", list(range(8)),
         declare=".shared .align 4 .u32 cells[8];")


def extremum(op, values, keep_nan, absolute, flush):
    numbers = []
    for v in values:
        if flush and v & 0x7f800000 == 0:
            v &= 0x80000000
        if absolute:
            v &= 0x7fffffff
        if is_nan(F32, v):
            if keep_nan:
                return NAN
            continue
        numbers.append(v)
    if not numbers:
        return NAN
    key = lambda v: -(v & 0x7fffffff) - 1 if v >> 31 else v  # -0 is below +0
    return max(numbers, key=key) if op == "max" else min(numbers, key=key)


def three_inputs():
    v = [0, 0x80000000, 1, 0x80000001, 0x7fffff, 0x800000, 0x3f800000, 0xbf800000, 0x40490fdb, 0x7f800000, 0xff800000, 0x7fc00000, 0xffc00000, 0x7f7fffff, 0xc0000000]
    n = 60
    a = [v[i % 15] for i in range(n)]
    b = [v[(i * 7 + i // 15) % 15] for i in range(n)]
    c = [v[(i * 4 + 3 * (i // 15) + 5) % 15] for i in range(n)]
    for op in ("min", "max"):
        for ftz in ("", ".ftz"):
            for nan in ("", ".NaN"):
                for absolute in ("", ".abs"):
                    full = f"{op}{ftz}{nan}{absolute}.f32"
                    out = [extremum(op, row, nan, absolute, ftz) for row in zip(a, b, c)]
                    form(f"{op}{ftz}{nan}{absolute}_f32_three".replace(".", "_"), f"{full} of three inputs (PTX ISA 9.7.3.11, 9.7.3.12)",
                         f"{full} {{d}}, {{a}}, {{b}}, {{c}};", [("f32", a), ("f32", b), ("f32", c)], [("f32", out)], target="sm_100", version="8.8")


def targets():
    w = [0, 1, 0x80000001, 0x3f800000, 0x807fffff, 0x800000]
    flushed = lambda x: x & 0x80000000 if x & 0x7f800000 == 0 else x
    for name, target, version in (("version_9_5", "sm_86", "9.5"), ("version_10_0", "sm_86", "10.0"), ("target_sm_13", "sm_13", "2.3"), ("target_sm_20", "sm_20", "3.0")):
        old = target == "sm_13"
        form(f"{name}_add_f32", f"add.f32 with .version {version} and .target {target}: sm_1x flushes subnormals (PTX ISA 9.7.3.1, 11.1)", "add.f32 {d}, {a}, {a};",
             [("f32", w)], [("f32", [{0x800000: 0x1000000, 0x3f800000: 0x40000000}.get(x, flushed(x) if old else x & 0x80000000 | (x & 0x7fffffff) * 2) for x in w])],
             target=target, version=version)
    form("target_sm_20_mad_f32", "mad.f32 without rounding, before sm_30: fma.rn (PTX ISA 9.7.3.7)", "mad.f32 {d}, {a}, {b}, {a};",
         [("f32", [0x3f800000, 0x40000000]), ("f32", [0x40000000, 0x40400000])], [("f32", [0x40400000, 0x41000000])], target="sm_20", version="2.3")


def generate():
    packs()
    lists_of_one()
    elements()
    three_inputs()
    targets()
