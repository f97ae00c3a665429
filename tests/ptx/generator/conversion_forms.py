# SPDX-License-Identifier: Apache-2.0
"""cvt, cvt.pack, and mov between registers and vectors (PTX ISA 9.7.9.3, 9.7.9.4, 9.7.9.21, 9.7.9.22)."""
from integer_forms import clamp, edges, num
from numbers_exact import (BF16, EDGES, F16, F32, F64, FORMATS, NAN, TF32, encode, finish, flush, is_inf, is_nan, negative, round_integer,
                           value)
from fractions import Fraction
from template import form

MODES = ("rn", "rz", "rm", "rp")


def cvt(suffix, to, source, values, function, about, target="sm_86", version="7.8", section="9.7.9.21"):
    name = f"cvt{suffix}.{to}.{source}"
    form(name.replace(".", "_"), f"{name}: {about} (PTX ISA {section})", f"{name} {{d}}, {{a}};", [(source, values)],
         [(to, [function(v) for v in values])], target, version)


def generate():
    integers()
    to_integers()
    from_integers()
    bytes_and_brain()
    between_floats()
    packs()
    moves()


def integers():
    kinds = ["s8", "u8", "s16", "u16", "s32", "u32", "s64", "u64"]
    for source in kinds:
        for to in kinds:
            if source == to or (source, to) not in {("s8", "s32"), ("u8", "u32"), ("s8", "s64"), ("u8", "u16"), ("s16", "s32"), ("u16", "u32"),
                                                     ("s16", "u32"), ("u16", "s64"), ("s32", "s64"), ("u32", "u64"), ("s32", "u64"), ("u32", "s64"),
                                                     ("s64", "s32"), ("u64", "u32"), ("u64", "u16"), ("s32", "s8"), ("u32", "u8"), ("s32", "u16"),
                                                     ("u32", "s16"), ("s64", "u8")}:
                continue
            cvt("", to, source, edges(int(source[1:])), lambda v, s=source: num(s, v), "extends by the source's sign, or cuts off")
    for source, to in [("s32", "s8"), ("s32", "u8"), ("u32", "s8"), ("s64", "s32"), ("s32", "u32"), ("u32", "s32"), ("u64", "s64"), ("s64", "u16")]:
        cvt(".sat", to, source, edges(int(source[1:])), lambda v, s=source, t=to: clamp(num(s, v), t), "clamped to the destination's range")


def to_integer(f, v, to, mode, ftz=False):
    width = int(to[1:])
    if ftz:
        v = flush(f, v)
    if is_nan(f, v):
        return 0 if f is not F64 and width != 64 else 1 << (width - 1)
    if is_inf(f, v):
        return clamp(-(1 << 80) if negative(f, v) else 1 << 80, to)
    return clamp(round_integer(value(f, v), mode), to)


def to_integers():
    for f in (F16, F32, F64):
        extra = [encode(f, Fraction(n)) for n in ("0.5", "1.5", "-1.5", "2.5", "127.5", "-128.5", "255.75", "-0.75", "1e4", "-4e4")]
        if f is not F16:
            extra += [encode(f, Fraction(n)) for n in (2**31, -2**31, 2**31 - 128, 2**32, 2**63, -2**63, 2**64, "1e30")]
        values = (EDGES[f.name] + extra)[-32:] + [f.inf | 1 << (f.m - 1), f.inf, f.inf | f.sign]
        values = values[-32:]
        for to in ("s32", "u32", "s64", "u64", "s16", "u8"):
            for mode in MODES if to in ("s32", "u64") else ("rz",):
                cvt(f".{mode}i", to, f.name, values, lambda v, m=mode, t=to: to_integer(f, v, t, m),
                    "out of range is clamped, NaN by the table of 'Integer Notes'")
    cvt(".rpi.ftz", "s32", "f32", EDGES["f32"], lambda v: to_integer(F32, v, "s32", "rp", True), "subnormals are zero before they are rounded")


def from_integers():
    for source in ("s32", "u32", "s64", "u64", "s16", "u8"):
        values = edges(int(source[1:]))
        if source[1:] in ("32", "64"):
            values = values[:16] + [0x1000001, 0x1000003, 0x7fffff80, 0x7fffffbf, 0x7fffffc0, 0xffffff7f, 0xffffff80, 0x801]
        for f in (F32, F64, F16):
            for mode in MODES if (f, source) in ((F32, "s32"), (F32, "u64"), (F64, "s64"), (F16, "s32")) else ("rn",):
                cvt(f".{mode}", f.name, source, values, lambda v, m=mode, s=source: encode(f, Fraction(num(s, v)), m), f"{mode}")
    cvt(".rn.sat", "f32", "s32", edges(32), lambda v: finish(F32, encode(F32, Fraction(num("s32", v))), sat=True), "clamped to [0, 1]")


def bytes_and_brain():
    """What nvcc makes of (signed char)bf16 and back: the byte is a register of 8 bits."""
    values = EDGES["bf16"]
    for to, mode in (("s8", "rz"), ("u8", "rz"), ("s8", "rn"), ("u8", "rp")):
        name = f"cvt.{mode}i.{to}.bf16"
        form(name.replace(".", "_"), f"{name} to a register of 8 bits, clamped (PTX ISA 9.7.9.21)", f"{name} %byte, {{a}};\nmov.b16 {{d}}, {{{{%byte, 0}}}};",
             [("bf16", values)], [("b16", [to_integer(BF16, v, to, mode) & 255 for v in values])], target="sm_90", version="7.8", declare=".reg .b8 %byte;")
    whole = list(range(0, 256, 5)) + [127, 128]
    for source in ("s8", "u8"):
        form(f"cvt_rn_bf16_{source}", f"cvt.rn.bf16.{source} of a register of 8 bits (PTX ISA 9.7.9.21)", f"mov.b16 {{{{%byte, _}}}}, {{a}};\ncvt.rn.bf16.{source} {{d}}, %byte;",
             [("b16", whole)], [("bf16", [encode(BF16, Fraction(num(source, v))) for v in whole])], target="sm_90", version="7.8", declare=".reg .b8 %byte;")
    form("cvt_rn_f32_bf16", "cvt.rn.f32.bf16 is exact as without a rounding (PTX ISA 9.7.9.21)", "cvt.rn.f32.bf16 {d}, {a};",
         [("bf16", values)], [("f32", [convert(F32, BF16, v, "rn") for v in values])], target="sm_90", version="7.8")


def convert(to, source, v, mode, ftz=False, sat=False, relu=False, satfinite=False):
    if ftz and source is F32:
        v = flush(source, v)
    if is_nan(source, v):
        return finish(to, NAN, sat=sat)
    if is_inf(source, v):
        r = to.inf | (to.sign if negative(source, v) else 0)
    else:
        r = encode(to, value(source, v), mode, negative(source, v))
    if satfinite and is_inf(to, r):
        r -= 1
    return finish(to, r, ftz=ftz and to is F32, sat=sat, relu=relu)


def integral(f, v, mode, ftz=False, sat=False):
    if ftz:
        v = flush(f, v)
    if is_nan(f, v) or is_inf(f, v):
        return finish(f, NAN if is_nan(f, v) else v, sat=sat)
    return finish(f, encode(f, Fraction(round_integer(value(f, v), mode)), "rn", negative(f, v)), sat=sat)


def between_floats():
    near = [encode(F32, Fraction(n)) for n in ("65504", "65519.9", "65520", "-65536", "1.00048828125", "1.0009765625", "2e-8", "2.98e-8", "3e-8", "6.1e-5")]
    singles = EDGES["f32"][:22] + near
    doubles = EDGES["f64"][:20] + [encode(F64, value(F32, v)) for v in (1, 0x7fffff, 0x800000, 0x7f7fffff)] + [
        encode(F64, Fraction(n)) for n in ("3.4028235677973366e38", "1.00000005960464478", "1.0000001788139343", "1e-46", "7.1e-46", "1e39", "1e-310", "0.1")]
    for mode in MODES:
        cvt(f".{mode}", "f32", "f64", doubles, lambda v, m=mode: convert(F32, F64, v, m), mode)
    cvt(".rn.ftz", "f32", "f64", doubles, lambda v: convert(F32, F64, v, "rn", ftz=True), "a subnormal result is flushed")
    for mode in ("rn", "rz"):
        cvt(f".{mode}", "f16", "f32", singles, lambda v, m=mode: convert(F16, F32, v, m), mode)
        cvt(f".{mode}", "bf16", "f32", singles, lambda v, m=mode: convert(BF16, F32, v, m), mode)
        cvt(f".{mode}.relu", "f16", "f32", singles, lambda v, m=mode: convert(F16, F32, v, m, relu=True), f"{mode}, negative to 0")
        cvt(f".{mode}.relu", "bf16", "f32", singles, lambda v, m=mode: convert(BF16, F32, v, m, relu=True), f"{mode}, negative to 0")
    cvt(".rn", "f16", "f64", doubles, lambda v: convert(F16, F64, v, "rn"), "rounded once")
    cvt("", "f32", "f16", EDGES["f16"], lambda v: convert(F32, F16, v, "rn"), "exact")
    cvt("", "f64", "f16", EDGES["f16"], lambda v: convert(F64, F16, v, "rn"), "exact")
    cvt("", "f64", "f32", EDGES["f32"], lambda v: convert(F64, F32, v, "rn"), "exact")
    cvt(".ftz", "f64", "f32", EDGES["f32"], lambda v: convert(F64, F32, v, "rn", ftz=True), "a subnormal source is flushed")
    cvt("", "f32", "bf16", EDGES["bf16"], lambda v: convert(F32, BF16, v, "rn"), "exact", target="sm_90")
    cvt("", "bf16", "f16", EDGES["f16"], lambda v: convert(BF16, F16, v, "rn"), "to nearest, as with .rn", target="sm_90")
    cvt("", "f16", "bf16", EDGES["bf16"], lambda v: convert(F16, BF16, v, "rn"), "to nearest, as with .rn", target="sm_90")
    cvt(".rn.ftz", "bf16", "f32", EDGES["f32"], lambda v: convert(BF16, F32, v, "rn", ftz=True), "a subnormal source is flushed")
    cvt(".ftz", "f32", "bf16", EDGES["bf16"], lambda v: convert(F32, BF16, v, "rn", ftz=True), "a subnormal result is flushed", target="sm_90")
    cvt(".sat", "f32", "f32", EDGES["f32"], lambda v: convert(F32, F32, v, "rn", sat=True), "clamped to [0, 1], NaN to +0")
    cvt(".rn.sat", "f16", "f32", singles, lambda v: convert(F16, F32, v, "rn", sat=True), "clamped to [0, 1], NaN to +0")
    for f in (F32, F64, F16):
        for mode in MODES:
            cvt(f".{mode}i", f.name, f.name, EDGES[f.name], lambda v, m=mode: integral(f, v, m), "to an integral value; the sign of zero stays")
    cvt(".rmi.ftz", "f32", "f32", EDGES["f32"], lambda v: integral(F32, v, "rm", ftz=True), "subnormals are zero before they are rounded")
    cvt(".rni.sat", "f32", "f32", EDGES["f32"], lambda v: integral(F32, v, "rn", sat=True), "to an integral value, clamped to [0, 1]")
    tf32 = [v for v in singles if not is_nan(F32, v)]
    cvt(".rna", "tf32", "f32", tf32, lambda v: convert(TF32, F32, v, "rna") << 13, "11 bits of precision, ties away from zero", version="7.8")


def packs():
    a = [v for v in EDGES["f32"] if not is_nan(F32, v)]
    b = a[7:] + a[:7]
    for to, f in (("f16x2", F16), ("bf16x2", BF16)):
        for mode in ("rn", "rz"):
            for relu in (False, True):
                name = f"cvt.{mode}{'.relu' if relu else ''}.{to}.f32"
                half = lambda v: convert(f, F32, v, mode, relu=relu)
                form(name.replace(".", "_"), f"{name}: a in the upper half, b in the lower (PTX ISA 9.7.9.21)", f"{name} {{d}}, {{a}}, {{b}};",
                     [("f32", a), ("f32", b)], [(to, [half(x) << 16 | half(y) for x, y in zip(a, b)])])
    x = edges(32)
    y = x[5:] + x[:5]
    for kind in ("s16", "u16"):
        out = [(clamp(num("s32", p), kind) & 0xffff) << 16 | clamp(num("s32", q), kind) & 0xffff for p, q in zip(x, y)]
        form(f"cvt_pack_sat_{kind}_s32", f"cvt.pack.sat.{kind}.s32 (PTX ISA 9.7.9.22)", f"cvt.pack.sat.{kind}.s32 {{d}}, {{a}}, {{b}};",
             [("s32", x), ("s32", y)], [("u32", out)])
    z = x[11:] + x[:11]
    for kind in ("s4", "u4", "s2", "u2"):
        w = int(kind[1:])
        ones = (1 << w) - 1
        out = [(clamp(num("s32", p), kind) & ones) << w | clamp(num("s32", q), kind) & ones | (r << 2 * w) & 0xffffffff for p, q, r in zip(x, y, z)]
        form(f"cvt_pack_sat_{kind}_s32_b32", f"cvt.pack.sat.{kind}.s32.b32 (PTX ISA 9.7.9.22)",
             f"cvt.pack.sat.{kind}.s32.b32 {{d}}, {{a}}, {{b}}, {{c}};", [("s32", x), ("s32", y), ("b32", z)], [("u32", out)])
    for kind in ("s8", "u8"):
        out = [(clamp(num("s32", p), kind) & 255) << 8 | clamp(num("s32", q), kind) & 255 | (r & 0xffff) << 16 for p, q, r in zip(x, y, z)]
        form(f"cvt_pack_sat_{kind}_s32_b32", f"cvt.pack.sat.{kind}.s32.b32 (PTX ISA 9.7.9.22)",
             f"cvt.pack.sat.{kind}.s32.b32 {{d}}, {{a}}, {{b}}, {{c}};", [("s32", x), ("s32", y), ("b32", z)], [("u32", out)])


def moves():
    for kind in ("b16", "b32", "b64", "u16", "s32", "u64"):
        values = edges(int(kind[1:]))
        form(f"mov_{kind}", f"mov.{kind} (PTX ISA 9.7.9.3)", f"mov.{kind} {{d}}, {{a}};", [(kind, values)], [(kind, values)])
    for f in (F32, F64):
        values = EDGES[f.name]
        form(f"mov_{f.name}", f"mov.{f.name} keeps every bit (PTX ISA 9.7.9.3)", f"mov.{f.name} {{d}}, {{a}};", [(f.name, values)], [(f.name, values)])
    a, b = edges(32), edges(32)[3:] + edges(32)[:3]
    form("mov_b64_pack", "mov.b64 of two halves, the first is the lower (PTX ISA 9.7.9.4)", "mov.b64 {d}, {{{a}, {b}}};", [("b32", a), ("b32", b)],
         [("b64", [x | y << 32 for x, y in zip(a, b)])])
    form("mov_b64_unpack", "mov.b64 to two halves (PTX ISA 9.7.9.4)", "mov.b64 {{{d}, {p}}}, {a};", [("b64", edges(64))],
         [("b32", [x & 0xffffffff for x in edges(64)]), ("b32", [x >> 32 for x in edges(64)])])
    form("mov_b64_unpack_sink", "mov.b64 with a half left out (PTX ISA 9.7.9.4)", "mov.b64 {{_, {d}}}, {a};", [("b64", edges(64))],
         [("b32", [x >> 32 for x in edges(64)])])
    h = edges(16)
    form("mov_b32_pack", "mov.b32 of two halves (PTX ISA 9.7.9.4)", "mov.b32 {d}, {{{a}, {b}}};", [("b16", h), ("b16", h[::-1])],
         [("b32", [x | y << 16 for x, y in zip(h, h[::-1])])])
    form("mov_b32_unpack", "mov.b32 to two halves (PTX ISA 9.7.9.4)", "mov.b32 {{{d}, {p}}}, {a};", [("b32", a)],
         [("b16", [x & 0xffff for x in a]), ("b16", [x >> 16 for x in a])])
    form("mov_b64_pack4", "mov.b64 of four quarters (PTX ISA 9.7.9.4)", "mov.b64 {d}, {{{a}, {b}, {c}, {e}}};",
         [("b16", h), ("b16", h[1:] + h[:1]), ("b16", h[2:] + h[:2]), ("b16", h[3:] + h[:3])],
         [("b64", [h[i] | h[(i + 1) % 24] << 16 | h[(i + 2) % 24] << 32 | h[(i + 3) % 24] << 48 for i in range(24)])])
