# SPDX-License-Identifier: Apache-2.0
"""add, sub, mul, fma, div, rcp, sqrt, min, max, abs, neg, copysign, testp of every format (PTX ISA 9.7.3, 9.7.4)."""
from numbers_exact import (BF16, EDGES, F16, F32, F64, add, div, encode, fma, flush, is_inf, is_nan, min_max, mul, negative, neg, pairs,
                           sqrt, sub, triples, value, NAN)
from template import form

MODES = ("rn", "rz", "rm", "rp")
VERSIONS = {"bf16": ("sm_90", "7.8"), "f16": ("sm_86", "7.8")}


def kinds_of(f):
    return [(f.name, 1), (f.name + "x2", 2)]


def packed(f, values):
    """Pairs of consecutive values: the first in the lower half."""
    low = values[::2]
    high = values[1::2]
    return [l | h << 16 for l, h in zip(low, high)]


def operation(name, f, function, columns, about, target="sm_86", version="7.8"):
    """One scalar form, and for 16-bit formats its packed twin. A NaN of a packed result has no fixed bits: '*' would hide the
    other half, so the packed rows leave such pairs out."""
    letters = ["{a}", "{b}", "{c}"][:len(columns)]
    out = [function(*row) for row in zip(*columns)]
    form(name.replace(".", "_") + "_" + f.name, f"{name}.{f.name}: {about}", f"{name}.{f.name} {{d}}, {', '.join(letters)};",
         [(f.name, c) for c in columns], [(f.name, out)], target, version)
    if f.width != 16:
        return
    keep = [i for i, v in enumerate(out) if not is_nan(f, v)]
    keep = keep[:len(keep) // 2 * 2]
    kind = f.name + "x2"
    form(name.replace(".", "_") + "_" + kind, f"{name}.{kind}: {about}", f"{name}.{kind} {{d}}, {', '.join(letters)};",
         [(kind, packed(f, [c[i] for i in keep])) for c in columns], [(kind, packed(f, [out[i] for i in keep]))], target, version)


def columns(rows):
    return [list(c) for c in zip(*rows)]


def generate():
    arithmetic()
    mixed_precision()
    extremes()
    signs()


def arithmetic():
    two, three = columns(pairs(F32)), columns(triples(F32))
    single = [("add", add, two, "9.7.3.3"), ("sub", sub, two, "9.7.3.4"), ("mul", mul, two, "9.7.3.5"), ("fma", fma, three, "9.7.3.6")]
    for name, f, cols, section in single:
        # add.f32 without a rounding rounds to nearest even; fma needs one.
        for mode in MODES:
            operation(f"{name}.{mode}", F32, lambda *v, m=mode: f(F32, *v, m), cols, f"{mode} (PTX ISA {section})")
        operation(f"{name}.rn.ftz", F32, lambda *v: f(F32, *v, "rn", ftz=True), cols, f"subnormals flushed (PTX ISA {section})")
        operation(f"{name}.rn.sat", F32, lambda *v: f(F32, *v, "rn", sat=True), cols, f"clamped to [0, 1], NaN to +0 (PTX ISA {section})")
        operation(f"{name}.rz.ftz.sat", F32, lambda *v: f(F32, *v, "rz", ftz=True, sat=True), cols, f"all three (PTX ISA {section})")
        if name != "fma":
            operation(name, F32, lambda *v: f(F32, *v), cols, f"rounds to nearest even by default (PTX ISA {section})")
        wide = columns(pairs(F64)) if name != "fma" else columns(triples(F64))
        for mode in MODES:
            operation(f"{name}.{mode}", F64, lambda *v, m=mode: f(F64, *v, m), wide, f"{mode} (PTX ISA {section})")
    for name, f, section in [("add", add, "9.7.4.1"), ("sub", sub, "9.7.4.2"), ("mul", mul, "9.7.4.3"), ("fma.rn", fma, "9.7.4.4")]:
        half = columns(pairs(F16)) if name != "fma.rn" else columns(triples(F16))
        operation(name, F16, lambda *v: f(F16, *v), half, f"(PTX ISA {section})")
        operation(f"{name}.ftz", F16, lambda *v: f(F16, *v, ftz=True), half, f"subnormals flushed (PTX ISA {section})")
        operation(f"{name}.sat", F16, lambda *v: f(F16, *v, sat=True), half, f"clamped to [0, 1] (PTX ISA {section})")
        brain = columns(pairs(BF16)) if name != "fma.rn" else columns(triples(BF16))
        sm = ("sm_86", "7.8") if name == "fma.rn" else ("sm_90", "7.8")  # bf16 add, sub, mul came with sm_90
        operation(name if name == "fma.rn" else f"{name}.rn", BF16, lambda *v: f(BF16, *v), brain, f"(PTX ISA {section})", *sm)
    operation("fma.rn.relu", F16, lambda *v: fma(F16, *v, relu=True), columns(triples(F16)), "negative to 0 (PTX ISA 9.7.4.4)")
    operation("fma.rn.relu", BF16, lambda *v: fma(BF16, *v, relu=True), columns(triples(BF16)), "negative to 0 (PTX ISA 9.7.4.4)")
    for f in (F32, F64):
        cols, ones = columns(pairs(f)), EDGES[f.name]
        for mode in MODES:
            operation(f"div.{mode}", f, lambda a, b, m=mode: div(f, a, b, m), cols, f"{mode} (PTX ISA 9.7.3.8)")
            operation(f"rcp.{mode}", f, lambda a, m=mode: div(f, f.one, a, m), [ones], f"{mode} (PTX ISA 9.7.3.13)")
            operation(f"sqrt.{mode}", f, lambda a, m=mode: sqrt(f, a, m), [ones], f"{mode} (PTX ISA 9.7.3.15)")
    operation("div.rn.ftz", F32, lambda a, b: div(F32, a, b, ftz=True), columns(pairs(F32)), "subnormals flushed (PTX ISA 9.7.3.8)")
    operation("rcp.rn.ftz", F32, lambda a: div(F32, F32.one, a, ftz=True), [EDGES["f32"]], "subnormals flushed (PTX ISA 9.7.3.13)")
    operation("sqrt.rn.ftz", F32, lambda a: sqrt(F32, a, ftz=True), [EDGES["f32"]], "subnormals flushed (PTX ISA 9.7.3.15)")


def extremes():
    for f in (F32, F64, F16, BF16):
        cols = columns(pairs(f))
        for name in ("min", "max"):
            maximum = name == "max"
            where = "9.7.3.12" if maximum else "9.7.3.11"
            forms = {"": {}}
            if f is not F64:
                forms |= {".NaN": {"nan": True}, ".xorsign.abs": {"xorsign": True}, ".NaN.xorsign.abs": {"nan": True, "xorsign": True}}
            if f in (F32, F16):
                forms[".ftz"] = {"ftz": True}
            for suffix, options in forms.items():
                operation(name + suffix, f, lambda a, b, m=maximum, o=options: min_max(f, a, b, m, **o), cols,
                          f"a NaN loses unless .NaN; +0 > -0 (PTX ISA {where})")


def signs():
    for f in (F32, F64, F16, BF16):
        ones = [EDGES[f.name]]
        # The sign and payload of a NaN result are not specified but for f64.
        keep = lambda a, r: "nan" if is_nan(f, a) else r
        operation("abs", f, lambda a: keep(a, a & ~f.sign), ones, "(PTX ISA 9.7.3.9)")
        operation("neg", f, lambda a: keep(a, neg(f, a)), ones, "(PTX ISA 9.7.3.10)")
        if f in (F32, F16):
            operation("abs.ftz", f, lambda a: keep(a, flush(f, a) & ~f.sign), ones, "subnormals flushed (PTX ISA 9.7.3.9)")
            operation("neg.ftz", f, lambda a: keep(a, neg(f, flush(f, a))), ones, "subnormals flushed (PTX ISA 9.7.3.10)")
    for f in (F32, F64):
        operation("copysign", f, lambda a, b: (a & f.sign) | (b & ~f.sign), columns(pairs(f)), "the sign of a on b (PTX ISA 9.7.3.2)")
        subnormal = lambda a: a & f.inf == 0 and a & ~f.sign != 0
        tests = {"finite": lambda a: not is_nan(f, a) and not is_inf(f, a), "infinite": lambda a: is_inf(f, a),
                 "number": lambda a: not is_nan(f, a), "notanumber": lambda a: is_nan(f, a),
                 "normal": lambda a: not is_nan(f, a) and not is_inf(f, a) and not subnormal(a), "subnormal": subnormal}
        for name, test in tests.items():
            form(f"testp_{name}_{f.name}", f"testp.{name}.{f.name}: zeros count as normal (PTX ISA 9.7.3.1)",
                 f"testp.{name}.{f.name} {{d}}, {{a}};", [(f.name, EDGES[f.name])], [("pred", [test(a) for a in EDGES[f.name]])])


def mixed_precision():
    """a, or a and b, of f16 or bf16; the sum of f32, rounded once (PTX ISA 9.7.5)."""
    whole = columns(triples(F32))
    for narrow in (F16, BF16):
        small = columns(triples(narrow))
        wide = lambda v: NAN if is_nan(narrow, v) else narrow_to_single(narrow, v)
        for mode, sat in (("rn", False), ("rz", False), ("rm", True), ("rp", False)):
            suffix = f".{mode}{'.sat' if sat else ''}.f32.{narrow.name}"
            for name, f, letters in (("add", add, "ac"), ("sub", sub, "ac"), ("fma", fma, "abc")):
                rows = list(zip(small[0], small[1], whole[2]))
                out = [f(F32, *([wide(a), c] if name != "fma" else [wide(a), wide(b), c]), mode, sat=sat) for a, b, c in rows]
                inputs = [(narrow.name, [r[0] for r in rows])] + ([(narrow.name, [r[1] for r in rows])] if name == "fma" else []) + [("f32", [r[2] for r in rows])]
                operands = "{a}, {b}, {c}" if name == "fma" else "{a}, {b}"
                form((name + suffix).replace(".", "_"), f"{name}{suffix}: widened, then rounded once (PTX ISA 9.7.5)", f"{name}{suffix} {{d}}, {operands};", inputs,
                     [("f32", out)], "sm_120a", "8.6")


def narrow_to_single(narrow, v):
    if is_inf(narrow, v):
        return F32.inf | (F32.sign if negative(narrow, v) else 0)
    return encode(F32, value(narrow, v), "rn", negative(narrow, v))
