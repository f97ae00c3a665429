# SPDX-License-Identifier: Apache-2.0
"""Video instructions (PTX ISA 9.7.18), by the text's own steps with Python's unbounded integers."""
from template import form

WORDS = [0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff, 0x12345678, 0x89abcdef, 0xfedcba98, 0x80808080, 0x7f7f7f7f,
         0x00ff00ff, 0xff00ff00, 0x01020304, 0x80007fff, 3, 40, 0xfffffff0, 0xdeadbeef]
N = len(WORDS)
A = WORDS
B = [WORDS[(i * 5 + 3) % N] for i in range(N)]
C = [WORDS[(i * 7 + 11) % N] for i in range(N)]
U32 = 0xffffffff
COMPARE = {"eq": lambda a, b: a == b, "ne": lambda a, b: a != b, "lt": lambda a, b: a < b, "le": lambda a, b: a <= b, "gt": lambda a, b: a > b, "ge": lambda a, b: a >= b}


def number(v, kind, bits):
    v &= (1 << bits) - 1
    return v - (1 << bits) if kind == "s32" and v >> bits - 1 else v


def cut(v, bits):  # as a signed number of so many bits
    return number(v, "s32", bits)


def field(selector):
    if not selector:
        return 0, 32
    return (8 * int(selector[1]), 8) if selector[0] == "b" else (16 * int(selector[1]), 16)


def part(v, kind, selector):
    at, bits = field(selector)
    return number(v >> at, kind, bits)


def clamp(v, kind, bits):
    low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if kind == "s32" else (0, (1 << bits) - 1)
    return max(low, min(high, v))


def second(op, v, c):
    return {"": v, "add": v + c, "min": min(v, c), "max": max(v, c)}[op]


def name_of(text, selectors):
    return (text + "".join("_" + (s or "w") for s in selectors)).replace(".", "_").replace("-", "n")


def scalar(op, dt, at, bt, sat="", op2="", d="", a="", b="", mode=""):
    out = []
    for x, y, z in zip(A, B, C):
        p, q = part(x, at, a), part(y, bt, b)
        if op in ("vshl", "vshr"):
            q = min(q, 32) if mode == ".clamp" else q & 31
        v = {"vadd": lambda: p + q, "vsub": lambda: p - q, "vabsdiff": lambda: abs(p - q), "vmin": lambda: min(p, q), "vmax": lambda: max(p, q),
             "vshl": lambda: p << q, "vshr": lambda: p >> q}[op]()
        bits = field(d)[1]
        if sat:
            v = clamp(cut(v, 34), dt, bits)
        elif op2 in ("min", "max"):
            v = cut(v, 33)
        v = second(op2, v, number(z, dt, 32))
        if d:
            shift = field(d)[0]
            mask = (1 << bits) - 1
            v = (v & mask) << shift | z & ~(mask << shift)
        out.append(v & U32)
    full = f"{op}.{dt}.{at}.{bt}{sat}{mode}" + (f".{op2}" if op2 else "")
    dot = lambda s: "." + s if s else ""
    c = ", {c}" if op2 or d else ""
    inputs = [("b32", A), ("b32", B), ("b32", C)]
    form(name_of(full, (d, a, b)), f"{full} (PTX ISA 9.7.18.1)", f"{full} {{d}}{dot(d)}, {{a}}{dot(a)}, {{b}}{dot(b)}{c};", inputs, [("b32", out)])


def compare(op, at, bt, cmp, op2="", d="", a="", b=""):
    out = []
    for x, y, z in zip(A, B, C):
        v = second(op2, int(COMPARE[cmp](part(x, at, a), part(y, bt, b))), z)
        if d:
            shift, bits = field(d)
            mask = (1 << bits) - 1
            v = (v & mask) << shift | z & ~(mask << shift)
        out.append(v & U32)
    full = f"{op}.{at}.{bt}.{cmp}" + (f".{op2}" if op2 else "")
    dot = lambda s: "." + s if s else ""
    c = ", {c}" if op2 or d else ""
    form(name_of(full, (d, a, b)), f"{full} (PTX ISA 9.7.18.4)", f"{full} {{d}}{dot(d)}, {{a}}{dot(a)}, {{b}}{dot(b)}{c};",
         [("b32", A), ("b32", B), ("b32", C)], [("b32", out)])


def multiply_add(dt, at, bt, po="", sat="", scale="", a="", b="", na="", nb="", nc=""):
    out = []
    for x, y, z in zip(A, B, C):
        signed = "s32" in (at, bt) or (na != nb) or bool(nc)
        t = part(x, at, a) * part(y, bt, b)
        c, lsb = z, 0
        if po:
            lsb = 1
        elif na != nb:
            t, lsb = ~t, 1
        elif nc:
            c, lsb = ~c & U32, 1
        t += (cut(c, 32) if signed else c) + lsb
        t >>= {"": 0, ".shr7": 7, ".shr15": 15}[scale]
        if sat:
            t = clamp(t, "s32" if signed else "u32", 32)
        out.append(t & U32)
    full = f"vmad.{dt}.{at}.{bt}{po}{sat}{scale}"
    dot = lambda s: "." + s if s else ""
    form(name_of(full, (na + a, nb + b, nc)), f"{full} (PTX ISA 9.7.18.3)", f"{full} {{d}}, {na}{{a}}{dot(a)}, {nb}{{b}}{dot(b)}, {nc}{{c}};",
         [("b32", A), ("b32", B), ("b32", C)], [("b32", out)])


def lanes(op, n, types, sat="", add="", cmp="", mask="", a="", b=""):
    at, bt = types[-2:]
    dt = types[0] if not cmp else "u32"
    w = 32 // n
    digits = lambda s, preset: [int(ch) for ch in reversed(s[1:])] if s else preset
    chosen = digits(mask, list(range(n)))
    sa, sb = digits(a, list(range(n))), digits(b, list(range(n, 2 * n)))
    out = []
    for x, y, z in zip(A, B, C):
        both = x | y << 32
        d = z
        for i in chosen:
            p, q = number(both >> sa[i] * w, at, w), number(both >> sb[i] * w, bt, w)
            v = {"vadd": lambda: p + q, "vsub": lambda: p - q, "vavrg": lambda: p + q + (p + q >= 0) >> 1, "vabsdiff": lambda: abs(p - q), "vmin": lambda: min(p, q),
                 "vmax": lambda: max(p, q), "vset": lambda: int(COMPARE[cmp](p, q))}[op]()
            if sat:
                v = clamp(v, dt, w)
            lane = (1 << w) - 1
            d = d + v if add else d & ~(lane << i * w) | (v & lane) << i * w
        out.append(d & U32)
    full = f"{op}{n}." + ".".join(types) + (f".{cmp}" if cmp else "") + sat + add
    dot = lambda s: "." + s if s else ""
    form(name_of(full, (mask, a, b)), f"{full} (PTX ISA 9.7.18.5, 9.7.18.6)", f"{full} {{d}}{dot(mask)}, {{a}}{dot(a)}, {{b}}{dot(b)}, {{c}};",
         [("b32", A), ("b32", B), ("b32", C)], [("b32", out)])


def generate():
    for op in ("vadd", "vsub", "vabsdiff", "vmin", "vmax"):
        scalar(op, "u32", "u32", "u32")
        scalar(op, "s32", "u32", "s32", ".sat", a="b0", b="h1")
        scalar(op, "s32", "s32", "s32", ".sat", "add")
        scalar(op, "u32", "s32", "s32", ".sat", "min", b="b2")
        scalar(op, "s32", "s32", "s32", "", "max", a="h0", b="h1")
        scalar(op, "s32", "s32", "s32", ".sat", d="h1", a="b3")
        scalar(op, "u32", "u32", "s32", "", d="b2", a="h1", b="b1")
    for op in ("vshl", "vshr"):
        for mode in (".clamp", ".wrap"):
            scalar(op, "u32", "u32", "u32", b="b0", mode=mode)
            scalar(op, "s32", "s32", "u32", ".sat", mode=mode)
            scalar(op, "u32", "s32", "u32", ".sat", "add", a="h1", b="b1", mode=mode)
            scalar(op, "s32", "s32", "u32", d="b1", b="b3", mode=mode)
    for at, bt in (("u32", "u32"), ("s32", "u32"), ("u32", "s32"), ("s32", "s32")):
        dt = "u32" if at == bt == "u32" else "s32"
        for scale in ("", ".shr7", ".shr15"):
            for sat in ("", ".sat"):
                multiply_add(dt, at, bt, "", sat, scale)
        multiply_add(dt, at, bt, ".po", ".sat", ".shr7", "h1", "b2")
        multiply_add("s32", at, bt, "", ".sat", "", na="-")
        multiply_add("s32", at, bt, "", "", ".shr15", nb="-")
        multiply_add("s32", at, bt, "", ".sat", ".shr7", nc="-")
        multiply_add(dt, at, bt, "", "", "", na="-", nb="-", a="h0")
    for cmp in COMPARE:
        compare("vset", "u32", "s32", cmp)
        compare("vset", "s32", "s32", cmp, "add", a="b1", b="h0")
        lanes("vset", 2, ("u32", "u32"), cmp=cmp)
        lanes("vset", 4, ("s32", "u32"), add=".add", cmp=cmp, mask="b310", a="b7654", b="b0123")
    compare("vset", "u32", "u32", "lt", "min")
    compare("vset", "u32", "u32", "ge", d="h1", a="b0")
    for op in ("vadd", "vsub", "vavrg", "vabsdiff", "vmin", "vmax"):
        for n, mask, a, b in ((2, "h1", "h31", "h02"), (4, "b320", "b7130", "b2465")):
            lanes(op, n, ("u32", "u32", "u32"))
            lanes(op, n, ("s32", "s32", "s32"))
            lanes(op, n, ("u32", "s32", "u32"), ".sat")
            lanes(op, n, ("s32", "s32", "s32"), ".sat", mask=mask, a=a, b=b)
            lanes(op, n, ("u32", "u32", "u32"), add=".add")
            lanes(op, n, ("s32", "s32", "u32"), add=".add", mask=mask, b=b)
