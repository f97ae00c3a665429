# SPDX-License-Identifier: Apache-2.0
"""set, setp, selp, slct (PTX ISA 9.7.6, 9.7.7)."""
from integer_forms import num, rows
from numbers_exact import BF16, EDGES, F16, F32, F64, compare, pairs
from template import form

INTEGER = {"eq": lambda a, b: a == b, "ne": lambda a, b: a != b, "lt": lambda a, b: a < b, "le": lambda a, b: a <= b,
           "gt": lambda a, b: a > b, "ge": lambda a, b: a >= b}
UNSIGNED = {"lo": "lt", "ls": "le", "hi": "gt", "hs": "ge"}
FLOAT = ["eq", "ne", "lt", "le", "gt", "ge", "equ", "neu", "ltu", "leu", "gtu", "geu", "num", "nan"]


def generate():
    integers()
    floats()
    combined()
    selections()


def integers():
    for kind in ("s16", "u16", "s32", "u32", "s64", "u64"):
        a, b = rows(int(kind[1:]), 2)
        b = [y if i % 4 else x for i, (x, y) in enumerate(zip(a, b))]
        for op in ("lt", "le", "gt", "ge"):
            form(f"setp_{op}_{kind}", f"setp.{op}.{kind} (PTX ISA 9.7.6.2)", f"setp.{op}.{kind} {{d}}, {{a}}, {{b}};", [(kind, a), (kind, b)],
                 [("pred", [INTEGER[op](num(kind, x), num(kind, y)) for x, y in zip(a, b)])])
    for kind in ("b16", "b32", "b64"):
        a, b = rows(int(kind[1:]), 2)
        b = [y if i % 2 else x for i, (x, y) in enumerate(zip(a, b))]
        for op in ("eq", "ne"):
            form(f"setp_{op}_{kind}", f"setp.{op}.{kind} (PTX ISA 9.7.6.2)", f"setp.{op}.{kind} {{d}}, {{a}}, {{b}};", [(kind, a), (kind, b)],
                 [("pred", [INTEGER[op](x, y) for x, y in zip(a, b)])])
    a, b = rows(32, 2)
    for op, plain in UNSIGNED.items():
        form(f"setp_{op}_u32", f"setp.{op}.u32 (PTX ISA 9.7.6.2)", f"setp.{op}.u32 {{d}}, {{a}}, {{b}};", [("u32", a), ("u32", b)],
             [("pred", [INTEGER[plain](x, y) for x, y in zip(a, b)])])


def columns(f):
    rows_ = pairs(f)
    return [a for a, _ in rows_], [a if i % 5 == 0 else b for i, (a, b) in enumerate(rows_)]


def floats():
    for f in (F32, F64, F16, BF16):
        a, b = columns(f)
        target = "sm_90" if f is BF16 else "sm_86"
        for op in FLOAT if f is F32 else ["lt", "eq", "neu", "geu", "num", "nan"]:
            form(f"setp_{op}_{f.name}", f"setp.{op}.{f.name}: false with a NaN, unless the comparison is unordered (PTX ISA 9.7.6.2)",
                 f"setp.{op}.{f.name} {{d}}, {{a}}, {{b}};", [(f.name, a), (f.name, b)], [("pred", [compare(f, op, x, y) for x, y in zip(a, b)])],
                 target=target)
    a, b = EDGES["f32"], [0] * 32
    for op in ("eq", "lt", "ne"):
        form(f"setp_{op}_ftz_f32", f"setp.{op}.ftz.f32: subnormals are zero (PTX ISA 9.7.6.2)", f"setp.{op}.ftz.f32 {{d}}, {{a}}, {{b}};",
             [("f32", a), ("f32", b)], [("pred", [compare(F32, op, x, y, True) for x, y in zip(a, b)])])
    a, b = columns(F16)
    form("setp_lt_f16x2", "setp.lt.f16x2: p of the lower, q of the upper half (PTX ISA 9.7.7.2)", "setp.lt.f16x2 {d}|{p}, {a}, {b};",
         [("f16x2", [x | y << 16 for x, y in zip(a, b)]), ("f16x2", [y | x << 16 for x, y in zip(a, b)])],
         [("pred", [compare(F16, "lt", x, y) for x, y in zip(a, b)]), ("pred", [compare(F16, "lt", y, x) for x, y in zip(a, b)])])


def combined():
    a, b = rows(32, 2)
    c = [i & 1 for i in range(len(a))]
    ops = {"and": lambda t, q: t and q, "or": lambda t, q: t or q, "xor": lambda t, q: t != q}
    less = [x < y for x, y in zip(a, b)]
    for name, f in ops.items():
        form(f"setp_lt_{name}_u32", f"setp.lt.{name}.u32: p = (a < b) {name} c, q = !(a < b) {name} c (PTX ISA 9.7.6.2)",
             f"setp.lt.{name}.u32 {{d}}|{{p}}, {{a}}, {{b}}, {{c}};", [("u32", a), ("u32", b), ("pred", c)],
             [("pred", [f(t, bool(q)) for t, q in zip(less, c)]), ("pred", [f(not t, bool(q)) for t, q in zip(less, c)])])
    form("setp_lt_and_u32_negated", "setp with a negated predicate operand (PTX ISA 9.7.6.2)", "setp.lt.and.u32 {d}, {a}, {b}, !{c};",
         [("u32", a), ("u32", b), ("pred", c)], [("pred", [t and not q for t, q in zip(less, c)])])
    for to, yes in (("u32", 0xffffffff), ("s32", -1), ("f32", "1.0")):
        form(f"set_lt_{to}_u32", f"set.lt.{to}.u32: all ones or 1.0 for true (PTX ISA 9.7.6.1)", f"set.lt.{to}.u32 {{d}}, {{a}}, {{b}};",
             [("u32", a), ("u32", b)], [(to, [yes if t else 0 for t in less])])
    fa, fb = columns(F32)
    for op in ("lt", "geu", "num"):
        form(f"set_{op}_u32_f32", f"set.{op}.u32.f32 (PTX ISA 9.7.6.1)", f"set.{op}.u32.f32 {{d}}, {{a}}, {{b}};", [("f32", fa), ("f32", fb)],
             [("u32", [0xffffffff if compare(F32, op, x, y) else 0 for x, y in zip(fa, fb)])])
    form("set_gt_ftz_f32_f32", "set.gt.ftz.f32.f32 (PTX ISA 9.7.6.1)", "set.gt.ftz.f32.f32 {d}, {a}, {b};", [("f32", fa), ("f32", fb)],
         [("f32", ["1.0" if compare(F32, "gt", x, y, True) else 0 for x, y in zip(fa, fb)])])
    form("set_eq_and_u32_s32", "set.eq.and.u32.s32 (PTX ISA 9.7.6.1)", "set.eq.and.u32.s32 {d}, {a}, {b}, {c};",
         [("s32", a), ("s32", a[:12] + b[12:]), ("pred", c)],
         [("u32", [0xffffffff if x == y and q else 0 for x, y, q in zip(a, a[:12] + b[12:], c)])])
    ha, hb = columns(F16)
    form("set_lt_f16x2_f16x2", "set.lt.f16x2.f16x2: 1.0 or 0 in each half (PTX ISA 9.7.7.1)", "set.lt.f16x2.f16x2 {d}, {a}, {b};",
         [("f16x2", [x | y << 16 for x, y in zip(ha, hb)]), ("f16x2", [y | x << 16 for x, y in zip(ha, hb)])],
         [("f16x2", [(0x3c00 if compare(F16, "lt", x, y) else 0) | (0x3c000000 if compare(F16, "lt", y, x) else 0) for x, y in zip(ha, hb)])])
    form("set_ge_u32_f16", "set.ge.u32.f16 (PTX ISA 9.7.7.1)", "set.ge.u32.f16 {d}, {a}, {b};", [("f16", ha), ("f16", hb)],
         [("u32", [0xffffffff if compare(F16, "ge", x, y) else 0 for x, y in zip(ha, hb)])])


def selections():
    c = [i * 7 % 3 == 0 for i in range(24)]
    for kind in ("b16", "b32", "b64", "s16", "u32", "s64", "f32", "f64"):
        width = int(kind[1:])
        a, b = rows(width, 2)
        form(f"selp_{kind}", f"selp.{kind} (PTX ISA 9.7.6.3)", f"selp.{kind} {{d}}, {{a}}, {{b}}, {{c}};", [(kind, a), (kind, b), ("pred", c)],
             [(kind, [x if p else y for x, y, p in zip(a, b, c)])])
    for kind in ("b32", "s64", "u16", "f32"):
        a, b = rows(int(kind[1:]), 2)
        s = rows(32, 3)[2]
        form(f"slct_{kind}_s32", f"slct.{kind}.s32: a where c is not negative (PTX ISA 9.7.6.4)", f"slct.{kind}.s32 {{d}}, {{a}}, {{b}}, {{c}};",
             [(kind, a), (kind, b), ("s32", s)], [(kind, [x if num("s32", v) >= 0 else y for x, y, v in zip(a, b, s)])])
    a, b = rows(32, 2)
    s = EDGES["f32"][:24]
    for ftz in ("", ".ftz"):
        out = [x if compare(F32, "ge", v, 0, bool(ftz)) else y for x, y, v in zip(a, b, s)]
        form(f"slct{ftz.replace('.', '_')}_u32_f32", "slct by a float: -0 is zero, a NaN takes b (PTX ISA 9.7.6.4)",
             f"slct{ftz}.u32.f32 {{d}}, {{a}}, {{b}}, {{c}};", [("u32", a), ("u32", b), ("f32", s)], [("u32", out)])
