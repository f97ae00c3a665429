# SPDX-License-Identifier: Apache-2.0
"""Integer arithmetic (PTX ISA 9.7.1, 9.7.2), computed with Python's unbounded integers."""
from template import form


def edges(width):
    top = 1 << width
    return [0, 1, 2, 3, top - 1, top - 2, top // 2, top // 2 - 1, top // 2 + 1, 7, 10, top - 7, top // 3, top // 5 * 2,
            0x1234 % top, 0x89ab % top, top // 7 * 5 + 3, 255, 256 % top, top - 255, 0x5555 % top, top - 1000, 31, 32]


def rows(width, n):
    e = edges(width)
    return [[e[(i * (2 * k + 1) + 5 * k) % len(e)] for i in range(len(e))] for k in range(n)]


def signed(v, width):
    v &= (1 << width) - 1
    return v - (1 << width) if v >> (width - 1) else v


def num(kind, v):
    width = int(kind[1:])
    return signed(v, width) if kind[0] == "s" else v & ((1 << width) - 1)


def clamp(v, kind):
    width = int(kind[1:])
    low, high = (-(1 << (width - 1)), (1 << (width - 1)) - 1) if kind[0] == "s" else (0, (1 << width) - 1)
    return max(low, min(high, v))


def each(op, kinds, about, function, operands=2, suffix="", result=None, rows_of=None):
    for kind in kinds:
        width = int(kind[1:])
        columns = rows_of(width) if rows_of else rows(width, operands)
        out = [function(kind, *(num(kind, v) for v in row)) for row in zip(*columns)]
        full = f"{op}.{kind}"
        names = ["{a}", "{b}", "{c}"][:len(columns)]
        form(full.replace(".", "_"), f"{full}: {about}", f"{full} {{d}}, {', '.join(names)};",
             [(kind, column) for column in columns], [(result(kind) if result else kind, out)])


ALL = ["s16", "u16", "s32", "u32", "s64", "u64"]
BIG = ["s32", "u32", "s64", "u64"]


def truncated_divide(a, b):
    q = abs(a) // abs(b)
    return q if (a < 0) == (b < 0) else -q


def wide(kind):
    return kind[0] + str(2 * int(kind[1:]))


def mul24(kind, a, b, part):
    a, b = (signed(x, 24) if kind[0] == "s" else x & 0xffffff for x in (a, b))
    return a * b >> (16 if part == "hi" else 0)


def s32_of(kind, v):
    return num(kind, v & 0xffffffff)


def generate():
    each("add", ALL, "wraps (PTX ISA 9.7.1.1)", lambda k, a, b: a + b)
    each("add.sat", ["s32"], "clamps to MININT..MAXINT (PTX ISA 9.7.1.1)", lambda k, a, b: clamp(a + b, k))
    each("sub", ALL, "wraps (PTX ISA 9.7.1.2)", lambda k, a, b: a - b)
    each("sub.sat", ["s32"], "clamps to MININT..MAXINT (PTX ISA 9.7.1.2)", lambda k, a, b: clamp(a - b, k))
    each("mul.lo", ALL, "the lower half of the product (PTX ISA 9.7.1.3)", lambda k, a, b: a * b)
    each("mul.hi", ALL, "the upper half of the product (PTX ISA 9.7.1.3)", lambda k, a, b: a * b >> int(k[1:]))
    each("mul.wide", ["s16", "u16", "s32", "u32"], "the whole product (PTX ISA 9.7.1.3)", lambda k, a, b: a * b, result=wide)
    each("mad.lo", ALL, "the lower half of the product, plus c (PTX ISA 9.7.1.4)", lambda k, a, b, c: a * b + c, 3)
    each("mad.hi", ALL, "the upper half of the product, plus c (PTX ISA 9.7.1.4)",
         lambda k, a, b, c: (a * b >> int(k[1:])) + c, 3)
    each("mad.hi.sat", ["s32"], "clamped (PTX ISA 9.7.1.4)", lambda k, a, b, c: clamp((a * b >> 32) + c, k), 3)
    for kind in ["s16", "u16", "s32", "u32"]:
        w = int(kind[1:])
        a, b = rows(w, 2)
        c = (edges(2 * w) + edges(2 * w))[3:3 + len(a)]
        form(f"mad_wide_{kind}", f"mad.wide.{kind}: the whole product, plus a wide c (PTX ISA 9.7.1.4)",
             f"mad.wide.{kind} {{d}}, {{a}}, {{b}}, {{c}};", [(kind, a), (kind, b), (wide(kind), c)],
             [(wide(kind), [num(kind, x) * num(kind, y) + z for x, y, z in zip(a, b, c)])])
    for part in ("lo", "hi"):
        each(f"mul24.{part}", ["s32", "u32"], "of the 24 lower bits (PTX ISA 9.7.1.5)",
             lambda k, a, b, part=part: mul24(k, a, b, part))
        each(f"mad24.{part}", ["s32", "u32"], "of the 24 lower bits, plus c (PTX ISA 9.7.1.6)",
             lambda k, a, b, c, part=part: mul24(k, a, b, part) + c, 3)
    each("mad24.hi.sat", ["s32"], "clamped (PTX ISA 9.7.1.6)", lambda k, a, b, c: clamp(signed(mul24(k, a, b, "hi"), 32) + c, k), 3)
    each("sad", ALL, "c + |a - b| (PTX ISA 9.7.1.7)", lambda k, a, b, c: c + abs(a - b), 3)
    # Division by zero gives an unspecified value; MININT / -1 does not fit and is not specified either.
    def quotient(k, a, b):
        return None if b == 0 or (k[0] == "s" and b == -1 and a == -(1 << (int(k[1:]) - 1))) else truncated_divide(a, b)
    def remainder(k, a, b):
        return None if quotient(k, a, b) is None else a - truncated_divide(a, b) * b
    each("div", ALL, "truncates; by zero it only has to end (PTX ISA 9.7.1.8)", quotient)
    each("rem", ALL, "has the sign of the dividend (PTX ISA 9.7.1.9)", remainder)
    each("abs", ["s16", "s32", "s64"], "MININT stays (PTX ISA 9.7.1.10)", lambda k, a: abs(a), 1)
    each("neg", ["s16", "s32", "s64"], "MININT stays (PTX ISA 9.7.1.11)", lambda k, a: -a, 1)
    each("min", ALL, "(PTX ISA 9.7.1.12)", lambda k, a, b: min(a, b))
    each("max", ALL, "(PTX ISA 9.7.1.13)", lambda k, a, b: max(a, b))
    u32 = lambda k: "u32"
    each("popc", ["b32", "b64"], "set bits (PTX ISA 9.7.1.14)", lambda k, a: bin(a).count("1"), 1, result=u32)
    each("clz", ["b32", "b64"], "leading zeros, the width for 0 (PTX ISA 9.7.1.15)",
         lambda k, a: int(k[1:]) - a.bit_length(), 1, result=u32)
    def leading(k, a):
        a = ~a if a < 0 else a
        return a.bit_length() - 1 if a else 0xffffffff
    each("bfind", BIG, "the most significant non-sign bit, 0xffffffff for none (PTX ISA 9.7.1.16)", leading, 1, result=u32)
    each("bfind.shiftamt", BIG, "the shift that brings it to the top (PTX ISA 9.7.1.16)",
         lambda k, a: int(k[1:]) - 1 - leading(k, a) if leading(k, a) != 0xffffffff else 0xffffffff, 1, result=u32)
    each("brev", ["b32", "b64"], "the bits in reverse (PTX ISA 9.7.1.18)",
         lambda k, a: int(bin(a)[2:].zfill(int(k[1:]))[::-1], 2), 1)
    fields()
    dot_products()
    carries()
    carry_mixtures()
    carry_lives()


def fields():
    positions = [0, 0, 1, 4, 8, 31, 16, 30, 0, 5, 33, 255, 12, 63, 64, 3, 20, 256 + 4, 7, 2, 32, 1, 62, 9]
    lengths = [0, 32, 1, 8, 16, 1, 16, 4, 64, 300, 1, 255, 5, 1, 2, 61, 12, 8, 0, 33, 32, 255, 5, 256 + 3]
    for kind in ["u32", "s32", "u64", "s64"]:
        w = int(kind[1:])
        source = edges(w)[::-1]
        out = []
        for a, b, c in zip(source, positions, lengths):
            pos, length = b & 255, c & 255
            bit = lambda i: a >> i & 1
            sign = 0 if kind[0] == "u" or length == 0 else bit(min(pos + length - 1, w - 1))
            field = sum((bit(pos + i) if i < length and pos + i < w else sign) << i for i in range(w))
            out.append(None if w == 64 and max(b, c) > 255 else field)  # 'restricted to 0..255'
        form(f"bfe_{kind}", f"bfe.{kind}: a field, extended by its sign (PTX ISA 9.7.1.19)", f"bfe.{kind} {{d}}, {{a}}, {{b}}, {{c}};",
             [(kind, source), ("u32", positions), ("u32", lengths)], [(kind, out)])
    for kind in ["b32", "b64"]:
        w = int(kind[1:])
        a, b = edges(w)[::-1], rows(w, 2)[1]
        out = []
        for x, y, p, n in zip(a, b, positions, lengths):
            for i in range(n & 255):
                if (p & 255) + i < w:
                    place = 1 << ((p & 255) + i)
                    y = y | place if x >> i & 1 else y & ~place
            out.append(None if w == 64 and max(p, n) > 255 else y)
        form(f"bfi_{kind}", f"bfi.{kind}: a field put into b (PTX ISA 9.7.1.20)", f"bfi.{kind} {{d}}, {{a}}, {{b}}, {{c}}, {{e}};",
             [(kind, a), (kind, b), ("u32", positions), ("u32", lengths)], [(kind, out)])
    amounts = [0, 1, 2, 4, 8, 16, 31, 32, 33, 40, 63, 64, 255, 7, 15, 17, 0xffffffff, 0x80000000, 3, 5, 24, 30, 12, 9]
    source = edges(32)[::-1]
    for mode in ("clamp", "wrap"):
        for kind in ("s32", "u32"):
            out = []
            for a, b in zip(source, amounts):
                n = min(b, 32) if mode == "clamp" else b & 31
                out.append(0 if n == 0 else (signed(a, n) if kind[0] == "s" else a & ((1 << n) - 1)))
            form(f"szext_{mode}_{kind}", f"szext.{mode}.{kind}: b bits of a (PTX ISA 9.7.1.21)",
                 f"szext.{mode}.{kind} {{d}}, {{a}}, {{b}};", [(kind, source), ("u32", amounts)], [(kind, out)])
        starts = [amounts[(i * 5 + 1) % 24] for i in range(24)]
        out = []
        for a, b in zip(starts, amounts):
            a, b = (min(a, 32), min(b, 32)) if mode == "clamp" else (a & 31, b & 31)
            out.append(((1 << b) - 1) << a & 0xffffffff)
        form(f"bmsk_{mode}_b32", f"bmsk.{mode}.b32: b ones from bit a up (PTX ISA 9.7.1.22)", f"bmsk.{mode}.b32 {{d}}, {{a}}, {{b}};",
             [("u32", starts), ("u32", amounts)], [("b32", out)])
    masks, bases, offsets, out = [], [], [], []
    for mask, base, offset in [(0xaaaaaaaa, 3, 1), (0xaaaaaaaa, 3, -1), (0xaaaaaaaa, 2, 1), (0xaaaaaaaa, 2, -1), (0xffffffff, 0, 32),
                               (0xffffffff, 0, 33), (0xffffffff, 31, -32), (0, 5, 1), (1, 0, 1), (0x80000000, 31, 1), (0x80000000, 0, 1),
                               (0xaaaaaaaa, 3, 0), (0xaaaaaaaa, 2, 0), (0x12345678, 9, 3), (0x12345678, 20, -4), (0xf0f0f0f0, 8, 9)]:
        masks.append(mask), bases.append(base), offsets.append(offset)
        found = 0xffffffff
        if offset == 0:
            found = base if mask >> base & 1 else found
        else:
            hits = [i for i in (range(base, 32) if offset > 0 else range(base, -1, -1)) if mask >> i & 1]
            found = hits[abs(offset) - 1] if len(hits) >= abs(offset) else found
        out.append(found)
    form("fns_b32", "fns.b32: the n-th set bit from a base (PTX ISA 9.7.1.17)", "fns.b32 {d}, {a}, {b}, {c};",
         [("b32", masks), ("u32", bases), ("s32", offsets)], [("u32", out)])


def dot_products():
    a = [0x01020304, 0xff80017f, 0xffffffff, 0x80808080, 0x7f7f7f7f, 0x12345678, 0, 0x00ff00ff]
    b = [0x05060708, 0x7f80ff01, 0xffffffff, 0x80808080, 0x80808080, 0x9abcdef0, 0xffffffff, 0x01010101]
    c = [0, 1, 0xffffffff, 0x7fffffff, 0x80000000, 1000, 5, 0xfffffff0]
    for ta in ("u32", "s32"):
        for tb in ("u32", "s32"):
            result = "u32" if ta == tb == "u32" else "s32"
            part = lambda t, v, w: signed(v, w) if t[0] == "s" else v & ((1 << w) - 1)
            out = [z + sum(part(ta, x >> 8 * i, 8) * part(tb, y >> 8 * i, 8) for i in range(4)) for x, y, z in zip(a, b, c)]
            form(f"dp4a_{ta}_{tb}", f"dp4a.{ta}.{tb} (PTX ISA 9.7.1.23)", f"dp4a.{ta}.{tb} {{d}}, {{a}}, {{b}}, {{c}};",
                 [(ta, a), (tb, b), (result, c)], [(result, out)])
            for mode in ("lo", "hi"):
                shift = 0 if mode == "lo" else 16
                out = [z + sum(part(ta, x >> 16 * i, 16) * part(tb, y >> (8 * i + shift), 8) for i in range(2)) for x, y, z in zip(a, b, c)]
                form(f"dp2a_{mode}_{ta}_{tb}", f"dp2a.{mode}.{ta}.{tb} (PTX ISA 9.7.1.24)", f"dp2a.{mode}.{ta}.{tb} {{d}}, {{a}}, {{b}}, {{c}};",
                     [(ta, a), (tb, b), (result, c)], [(result, out)])


def carries():
    for w in (32, 64):
        a, b, c, e = rows(w, 4)
        mask = (1 << w) - 1
        u = f"u{w}"
        sums = [x + y for x, y in zip(a, b)]
        form(f"addc_{u}", f"add.cc.{u}, addc.{u}: the carry of one sum goes into the next (PTX ISA 9.7.2.1, 9.7.2.2)",
             f"add.cc.{u} {{d}}, {{a}}, {{b}};\naddc.{u} {{p}}, {{c}}, {{e}};", [(u, a), (u, b), (u, c), (u, e)],
             [(u, sums), (u, [x + y + (s >> w) for x, y, s in zip(c, e, sums)])])
        second = [x + y + (s >> w) for x, y, s in zip(a, b, sums)]
        form(f"addc_cc_{u}", f"addc.cc.{u}: takes a carry and gives one (PTX ISA 9.7.2.2)",
             f"add.cc.{u} %t, {{a}}, {{b}};\naddc.cc.{u} {{d}}, {{a}}, {{b}};\naddc.{u} {{p}}, {{c}}, 0;", [(u, a), (u, b), (u, c)],
             [(u, second), (u, [x + (s >> w) for x, s in zip(c, second)])], declare=f".reg .{u} %t;")
        # The text's borrow: 1 where x < y. A card's flag is its opposite, and only the pairs of `carry_mixtures` tell.
        borrow = [int(x < y) for x, y in zip(a, b)]
        form(f"subc_{u}", f"sub.cc.{u}, subc.{u}: the borrow goes on (PTX ISA 9.7.2.3, 9.7.2.4)",
             f"sub.cc.{u} {{d}}, {{a}}, {{b}};\nsubc.{u} {{p}}, {{c}}, {{e}};", [(u, a), (u, b), (u, c), (u, e)],
             [(u, [x - y for x, y in zip(a, b)]), (u, [x - y - k for x, y, k in zip(c, e, borrow)])])
        low = [(x * y & mask) + z for x, y, z in zip(a, b, c)]
        form(f"madc_{u}", f"mad.lo.cc.{u}, madc.hi.{u}: a product of double width, plus c and e (PTX ISA 9.7.2.5, 9.7.2.6)",
             f"mad.lo.cc.{u} {{d}}, {{a}}, {{b}}, {{c}};\nmadc.hi.{u} {{p}}, {{a}}, {{b}}, {{e}};", [(u, a), (u, b), (u, c), (u, e)],
             [(u, low), (u, [(x * y >> w) + z + (s >> w) for x, y, z, s in zip(a, b, e, low)])])


def add_with_flag(x, y, flag, width):
    """d and CC.CF of x + y + flag; a difference is x + ~y + flag, with flag 1 at its start."""
    total = x + y + flag
    return total & ((1 << width) - 1), total >> width


def chain_step(op, part, kind, x, y, z, flag):
    width = int(kind[1:])
    mask = (1 << width) - 1
    if op == "add":
        return add_with_flag(x & mask, y & mask, flag, width)
    if op == "sub":
        return add_with_flag(x & mask, ~y & mask, flag, width)
    product = num(kind, x) * num(kind, y)
    return add_with_flag((product if part == "lo" else product >> width) & mask, z & mask, flag, width)


def carry_mixtures():
    """Every form that gives a carry before every form that takes one, and what that one gives: as ptxas has it, which makes
    IADD3 R, P0, a, -b of sub.cc, and IADD3.X R, P0, a, ~b, P0 of subc: after a difference the flag is 1 where there was no borrow."""
    steps = [("add", ""), ("sub", ""), ("mad", "lo"), ("mad", "hi")]
    for kind in ("u32", "s32", "u64", "s64"):
        width = int(kind[1:])
        a, b, c, e = rows(width, 4)
        for first, first_part in steps:
            for second, second_part in steps:
                if kind[0] == "s" and "hi" not in (first_part, second_part):
                    continue  # only the upper half of a product knows signs
                one, two = (f"{op}{'.' + part if part else ''}" for op, part in ((first, first_part), (second, second_part)))
                two_c = two.replace(second, second + "c", 1)
                d, p = [], []
                for x, y, z, w in zip(a, b, c, e):
                    low, flag = chain_step(first, first_part, kind, x, y, z, int(first == "sub"))
                    high, flag = chain_step(second, second_part, kind, z, w, low, flag)
                    d.append(high)
                    p.append(flag)
                third = lambda op: ", {c}" if op == "mad" else ""
                name = f"carry_{one}_{two_c}_{kind}".replace(".", "_")
                form(name, f"{one}.cc.{kind}, then {two_c}.cc.{kind}: its result and the flag that it leaves (PTX ISA 9.7.2)",
                     f"{one}.cc.{kind} %t, {{a}}, {{b}}{third(first)};\n{two_c}.cc.{kind} {{d}}, {{c}}, {{e}}{', %t' if second == 'mad' else ''};\n"
                     f"addc.{kind} {{p}}, 0, 0;", [(kind, a), (kind, b), (kind, c), (kind, e)], [(kind, d), (kind, p)],
                     declare=f".reg .{kind} %t;")


def carry_lives():
    """The flag is a register of the thread: it lives through other instructions, a guard that leaves the thread out, branches and barriers."""
    a = [(i * 0x01234567) & 0xffffffff for i in range(64)]
    out = []
    for i, x in enumerate(a):
        total = x + 0xf0000000
        flag = total >> 32
        if i % 3 == 0:
            flag = int(x >= 0x80000000)
        out.append(1000 + flag + i % 2)
    form("carry_lives", "CC.CF after add.cc, a sub.cc of some threads, a branch and a barrier (PTX ISA 9.7.2)", """
        rem.u32 %t, %i, 3;
        setp.eq.u32 %q, %t, 0;
        and.b32 %odd, %i, 1;
        setp.eq.u32 %even, %odd, 0;
        add.cc.u32 %t, {a}, 0xf0000000;
        @%q sub.cc.u32 %t, {a}, 0x80000000;
        mov.u32 {d}, 1000;
        @%even bra L;
        add.u32 {d}, {d}, 1;
        L:
        bar.sync 0;
        addc.u32 {d}, {d}, 0;""", [("u32", a)], [("u32", out)], declare=".reg .u32 %t; .reg .u32 %odd; .reg .pred %q; .reg .pred %even;")
