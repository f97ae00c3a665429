# SPDX-License-Identifier: Apache-2.0
"""Logic, shifts, permutations (PTX ISA 9.7.8, 9.7.9.7)."""
from integer_forms import edges, rows, signed
from template import form

OPS = {"and": lambda a, b: a & b, "or": lambda a, b: a | b, "xor": lambda a, b: a ^ b}


def generate():
    for w in (16, 32, 64):
        a, b = rows(w, 2)
        mask = (1 << w) - 1
        for op, f in OPS.items():
            form(f"{op}_b{w}", f"{op}.b{w} (PTX ISA 9.7.8)", f"{op}.b{w} {{d}}, {{a}}, {{b}};", [(f"b{w}", a), (f"b{w}", b)],
                 [(f"b{w}", [f(x, y) for x, y in zip(a, b)])])
        form(f"not_b{w}", f"not.b{w} (PTX ISA 9.7.8.4)", f"not.b{w} {{d}}, {{a}};", [(f"b{w}", a)], [(f"b{w}", [mask & ~x for x in a])])
        form(f"cnot_b{w}", f"cnot.b{w}: 1 for zero, else 0 (PTX ISA 9.7.8.5)", f"cnot.b{w} {{d}}, {{a}};", [(f"b{w}", a)],
             [(f"b{w}", [int(x == 0) for x in a])])
        amounts = [0, 1, 2, 5, 7, 8, 15, 16, 17, 31, 32, 33, 63, 64, 65, 255, 256, 0xffffffff, 0x80000000, 3, 12, 24, 48, 60]
        source = edges(w)[::-1]
        form(f"shl_b{w}", f"shl.b{w}: amounts from the width up give 0 (PTX ISA 9.7.8.8)", f"shl.b{w} {{d}}, {{a}}, {{b}};",
             [(f"b{w}", source), ("u32", amounts)], [(f"b{w}", [x << n & mask if n < w else 0 for x, n in zip(source, amounts)])])
        for kind in (f"u{w}", f"s{w}", f"b{w}"):
            out = [(signed(x, w) if kind[0] == "s" else x) >> min(n, w) for x, n in zip(source, amounts)]
            form(f"shr_{kind}", f"shr.{kind}: large amounts leave only the sign (PTX ISA 9.7.8.9)", f"shr.{kind} {{d}}, {{a}}, {{b}};",
                 [(kind, source), ("u32", amounts)], [(kind, out)])
    p, q = [0, 0, 1, 1], [0, 1, 0, 1]
    for op, f in OPS.items():
        form(f"{op}_pred", f"{op}.pred (PTX ISA 9.7.8)", f"{op}.pred {{d}}, {{a}}, {{b}};", [("pred", p), ("pred", q)],
             [("pred", [f(x, y) for x, y in zip(p, q)])])
    form("not_pred", "not.pred (PTX ISA 9.7.8.4)", "not.pred {d}, {a};", [("pred", p[1:3])], [("pred", [1, 0])])
    form("mov_pred", "mov.pred (PTX ISA 9.7.9.3)", "mov.pred {d}, {a};", [("pred", p[1:3])], [("pred", [0, 1])])
    lop3()
    funnel()
    permutations()


def lop3():
    a, b, c = rows(32, 3)
    ta, tb, tc = 0xf0, 0xcc, 0xaa
    tables = {"and": ta & tb & tc, "or": ta | tb | tc, "xor": ta ^ tb ^ tc, "majority": (ta & tb) | (ta & tc) | (tb & tc),
              "select": (ta & tb) | (~ta & tc), "not_a": ~ta, "zero": 0, "ones": 0xff, "1a": 0x1a, "e2": 0xe2}
    for name, table in tables.items():
        table &= 0xff
        out = []
        for x, y, z in zip(a, b, c):
            r = 0
            for k in range(8):
                if table >> k & 1:
                    r |= (x if k & 4 else ~x) & (y if k & 2 else ~y) & (z if k & 1 else ~z)
            out.append(r & 0xffffffff)
        form(f"lop3_b32_{name}", f"lop3.b32 with the table {table:#04x} (PTX ISA 9.7.8.6)",
             f"lop3.b32 {{d}}, {{a}}, {{b}}, {{c}}, {table:#04x};", [("b32", a), ("b32", b), ("b32", c)], [("b32", out)])


def funnel():
    a, b = rows(32, 2)
    n = [0, 1, 4, 8, 16, 31, 32, 33, 40, 63, 64, 255, 0xffffffff, 7, 12, 20, 2, 3, 30, 29, 15, 17, 24, 5]
    for mode in ("clamp", "wrap"):
        for side in ("l", "r"):
            out = []
            for x, y, k in zip(a, b, n):
                k = min(k, 32) if mode == "clamp" else k & 31
                both = y << 32 | x
                out.append((both << k >> 32 if side == "l" else both >> k) & 0xffffffff)
            form(f"shf_{side}_{mode}_b32", f"shf.{side}.{mode}.b32: a funnel shift (PTX ISA 9.7.8.7)",
                 f"shf.{side}.{mode}.b32 {{d}}, {{a}}, {{b}}, {{c}};", [("b32", a), ("b32", b), ("u32", n)], [("b32", out)])


def permutations():
    a, b = [0x03020100, 0x83828180, 0x12345678, 0xdeadbeef] * 4, [0x07060504, 0x77f6f504, 0x9abcdef0, 0x00ff7f80] * 4
    codes = [0x3210, 0x7654, 0x0123, 0x4567, 0xba98, 0xfedc, 0x5140, 0x0000, 0xffff, 0x3276, 0x8c5a, 0x1111, 0x4321, 0x9d63, 0x7531, 0x6420]
    tables = {"f4e": [(3, 2, 1, 0), (4, 3, 2, 1), (5, 4, 3, 2), (6, 5, 4, 3)], "b4e": [(5, 6, 7, 0), (6, 7, 0, 1), (7, 0, 1, 2), (0, 1, 2, 3)],
              "rc8": [(0,) * 4, (1,) * 4, (2,) * 4, (3,) * 4], "ecl": [(3, 2, 1, 0), (3, 2, 1, 1), (3, 2, 2, 2), (3, 3, 3, 3)],
              "ecr": [(0, 0, 0, 0), (1, 1, 1, 0), (2, 2, 1, 0), (3, 2, 1, 0)], "rc16": [(1, 0, 1, 0), (3, 2, 3, 2), (1, 0, 1, 0), (3, 2, 3, 2)]}
    byte = lambda x, y, i: (y << 32 | x) >> 8 * i & 0xff
    out = []
    for x, y, code in zip(a, b, codes):
        r = 0
        for k in range(4):
            s = code >> 4 * k & 15
            v = byte(x, y, s & 7)
            r |= (v if s < 8 else (0xff if v & 0x80 else 0)) << 8 * k
        out.append(r)
    form("prmt_b32", "prmt.b32: any four bytes, or their signs (PTX ISA 9.7.9.7)", "prmt.b32 {d}, {a}, {b}, {c};",
         [("b32", a), ("b32", b), ("b32", codes)], [("b32", out)])
    selectors = [0, 1, 2, 3, 4, 5, 6, 7, 0xfffffffc, 0xfffffffd, 0xfffffffe, 0xffffffff, 1, 2, 3, 0]
    for mode, table in tables.items():
        out = [sum(byte(x, y, i) << 8 * (3 - k) for k, i in enumerate(table[s & 3])) for x, y, s in zip(a, b, selectors)]
        form(f"prmt_b32_{mode}", f"prmt.b32.{mode} (PTX ISA 9.7.9.7)", f"prmt.b32.{mode} {{d}}, {{a}}, {{b}}, {{c}};",
             [("b32", a), ("b32", b), ("b32", selectors)], [("b32", out)])
