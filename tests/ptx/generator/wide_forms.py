# SPDX-License-Identifier: Apache-2.0
"""Registers of 128 bits (PTX ISA 9.7.9.4, 9.7.9.9), atomics on them and on vectors (9.7.13.5, 9.7.13.6)."""
from integer_forms import edges
from numbers_exact import BF16, EDGES, F16, F32, add, is_nan, min_max
from template import STORAGE, form, listing, program


def generate():
    moves()
    memory()
    swaps()
    vectors()


def moves():
    a, b = edges(64), edges(64)[5:] + edges(64)[:5]
    wide = dict(target="sm_86", version="8.3", declare=".reg .b128 %q, %s;")
    form("mov_b128_pack", "mov.b128 of two halves, the first is the lower; a copy; its halves (PTX ISA 9.7.9.4)",
         "mov.b128 %q, {{{a}, {b}}};\nmov.b128 %s, %q;\nmov.b128 {{{d}, {p}}}, %s;", [("b64", a), ("b64", b)], [("b64", a), ("b64", b)], **wide)
    form("mov_b128_halves_swapped", "mov.b128 of its own halves (PTX ISA 9.7.9.4)",
         "mov.b128 %q, {{{a}, {b}}};\nmov.b128 {{{d}, {p}}}, %q;\nmov.b128 %q, {{{p}, {d}}};\nmov.b128 {{{d}, {p}}}, %q;", [("b64", a), ("b64", b)], [("b64", b), ("b64", a)],
         **wide)
    w = edges(32)
    x = [w[i:] + w[:i] for i in (0, 3, 7, 11)]
    form("mov_b128_pack4", "mov.b128 of four quarters (PTX ISA 9.7.9.4)", "mov.b128 %q, {{{a}, {b}, {c}, {e}}};\nmov.b128 {{{d}, {p}}}, %q;",
         [("b32", v) for v in x], [("b64", [p | q << 32 for p, q in zip(x[0], x[1])]), ("b64", [p | q << 32 for p, q in zip(x[2], x[3])])], **wide)
    form("mov_b128_unpack4", "mov.b128 to four quarters, two of them left out (PTX ISA 9.7.9.4)", "mov.b128 %q, {{{a}, {b}}};\nmov.b128 {{{d}, _, _, {p}}}, %q;",
         [("b64", a), ("b64", b)], [("b32", [v & 0xffffffff for v in a]), ("b32", [v >> 32 for v in b])], **wide)
    form("mov_b128_constant", "mov.b128 of a constant: zeros above its 64 bits, as the vendor's assembler has it",
         "mov.b128 %q, -2;\nmov.b128 {{{d}, {p}}}, %q;", [("b64", a)], [("b64", [(1 << 64) - 2] * len(a)), ("b64", [0] * len(a))], **wide)


def memory():
    count = 16
    values = [(i * 0x9e3779b97f4a7c15) & (1 << 64) - 1 for i in range(2 * count)]
    for space, where in (("global", ""), ("shared", ".shared .align 16 .b8 window[256];"), ("local", ".local .align 16 .b8 window[16];")):
        through = "" if space == "global" else f"""
  mov.u64 %place, window;
  {'mad.wide.u32 %place, %i, 16, %place;' if space == 'shared' else ''}
  st.{space}.b128 [%place], %q;
  mov.b128 %q, 0;
  ld.{space}.b128 %q, [%place];"""
        program(f"ld_st_{space}_b128", f"ld and st of .b128 in .{space}: 16 bytes at once (PTX ISA 9.7.9.9, 9.7.9.12)",
                [("block", str(count)), ("in", listing("b64", values)), ("out", listing("b64", values))], f"""
.visible .entry test(.param .u64 in, .param .u64 out)
{{
  .reg .u32 %i;
  .reg .u64 %a, %place;
  .reg .b128 %q;
  {where}
  mov.u32 %i, %tid.x;
  ld.param.u64 %a, [in];
  mad.wide.u32 %a, %i, 16, %a;
  ld.global.b128 %q, [%a];{through}
  ld.param.u64 %a, [out];
  mad.wide.u32 %a, %i, 16, %a;
  st.global.b128 [%a], %q;
  ret;
}}""", "sm_86", "8.3")


def swaps():
    count = 8
    cells = [v for i in range(count) for v in (i * 3 + 1, i * 5 + 2)]
    new = [v for i in range(count) for v in (i + 100, i + 200)]
    for space in ("global", "shared"):
        place = "%cell" if space == "global" else "%shared"
        fill = f"""
  mov.u64 %shared, window;
  mad.wide.u32 %shared, %i, 16, %shared;
  ld.global.b128 %q, [%cell];
  st.shared.b128 [%shared], %q;""" if space == "shared" else ""
        back = "\n  ld.shared.b128 %q, [%shared];\n  st.global.b128 [%cell], %q;" if space == "shared" else ""
        # Equal, other in the lower half, other in the upper half, in turn.
        compare = [c ^ (1 if (i // 2 % 3 == 1 and i % 2 == 0) or (i // 2 % 3 == 2 and i % 2 == 1) else 0) for i, c in enumerate(cells)]
        after = [n if i // 2 % 3 == 0 else c for i, (n, c) in enumerate(zip(new, cells))]
        for op, values, end in (("exch", [], new), ("cas", compare, after)):
            operands = "%r, %s" if op == "cas" else "%s"
            load = "\n  ld.param.u64 %a, [compare];\n  mad.wide.u32 %a, %i, 16, %a;\n  ld.global.b128 %r, [%a];" if op == "cas" else ""
            program(f"atom_{space}_{op}_b128", f"atom.{space}.{op}.b128: all 128 bits at once (PTX ISA 9.7.13.5)",
                    [("block", str(count)), ("in", listing("b64", cells)), ("after", listing("b64", end)), ("in", listing("b64", new))]
                    + ([("in", listing("b64", values))] if values else []) + [("out", listing("b64", cells))], f"""
.visible .entry test(.param .u64 cells, .param .u64 values, {'.param .u64 compare, ' if values else ''}.param .u64 old)
{{
  .reg .u32 %i;
  .reg .u64 %a, %cell, %shared;
  .reg .b128 %q, %r, %s, %d;
  .shared .align 16 .b8 window[{16 * count}];
  mov.u32 %i, %tid.x;
  ld.param.u64 %cell, [cells];
  mad.wide.u32 %cell, %i, 16, %cell;
  ld.param.u64 %a, [values];
  mad.wide.u32 %a, %i, 16, %a;
  ld.global.b128 %s, [%a];{load}{fill}
  atom.{space}.{op}.b128 %d, [{place}], {operands};{back}
  ld.param.u64 %a, [old];
  mad.wide.u32 %a, %i, 16, %a;
  st.global.b128 [%a], %d;
  ret;
}}""", "sm_120a", "8.4")
    # A chain: each thread leaves its own pair and takes one that belongs together.
    program("atom_global_exch_b128_contended", "atom.global.exch.b128 by many threads: no half of one pair with a half of another (PTX ISA 9.7.13.5)",
            [("grid", "2"), ("block", "96"), ("in", "b64 0, 1000"), ("out", "u32 1 x 192")], """
.visible .entry test(.param .u64 cell, .param .u64 right)
{
  .reg .pred %same;
  .reg .u32 %i, %n, %ok;
  .reg .u64 %cell, %a, %low, %high;
  .reg .b128 %q;
  mov.u32 %i, %ctaid.x;
  mov.u32 %n, %ntid.x;
  mul.lo.u32 %i, %i, %n;
  mov.u32 %n, %tid.x;
  add.u32 %i, %i, %n;
  cvt.u64.u32 %low, %i;
  add.u64 %high, %low, 1000;
  mov.b128 %q, {%low, %high};
  ld.param.u64 %cell, [cell];
  atom.global.exch.b128 %q, [%cell], %q;
  mov.b128 {%low, %high}, %q;
  add.u64 %low, %low, 1000;
  setp.eq.u64 %same, %low, %high;
  selp.u32 %ok, 1, 0, %same;
  ld.param.u64 %a, [right];
  mad.wide.u32 %a, %i, 4, %a;
  st.global.u32 [%a], %ok;
  ret;
}""", "sm_120a", "8.4")


def vectors():
    for f in (F32, F16, BF16):
        clean = [v for v in EDGES[f.name] if not is_nan(f, v)]
        turned = clean[9:] + clean[:9]
        for op in ("add", "min", "max") if f is not F32 else ("add",):
            one = {"add": lambda x, y: add(f, x, y, ftz=f is F32), "min": lambda x, y: min_max(f, x, y, False), "max": lambda x, y: min_max(f, x, y, True)}[op]
            keep = [(x, y, one(x, y)) for x, y in zip(clean, turned) if not is_nan(f, one(x, y))]
            kinds = [(f.name, n, 1) for n in (2, 4, 8) if n * f.width <= 128] + ([(f.name + "x2", n, 2) for n in (2, 4)] if f is not F32 else [])
            for kind, n, halves in kinds:
                cells = [k for k in (keep * 3)[:8 * n * halves]]
                pack = lambda column: [sum(c[column] << i * f.width for i, c in enumerate(cells[at:at + halves])) for at in range(0, len(cells), halves)]
                for returns in (True, False) if n == 4 else (True,):
                    vector(op, kind, n, pack(0), pack(1), pack(2), returns)


def vector(op, kind, n, cells, b, after, returns):
    register, access, size = STORAGE[kind]
    noftz = "" if kind == "f32" else ".noftz"
    opcode = "atom" if returns else "red"
    name = f"{opcode}.global.{op}{noftz}.v{n}.{kind}"
    names = lambda letter: "{" + ", ".join(f"%{letter}{i}" for i in range(n)) + "}"
    group = min(n, 16 // size, 4)
    each = lambda what, letter, base: "".join(
        f"  {what}.global.v{group}.{access} " + (f"{{{', '.join(f'%{letter}{i + k}' for k in range(group))}}}, [{base}+{i * size}];\n" if what == "ld" else
                                                  f"[{base}+{i * size}], {{{', '.join(f'%{letter}{i + k}' for k in range(group))}}};\n") for i in range(0, n, group))
    count = len(cells) // n
    head = [("block", str(count)), ("in", listing(kind, cells)), ("after", listing(kind, after)), ("in", listing(kind, b))]
    if returns:
        head.append(("out", listing(kind, cells)))
    program(name.replace(".", "_"), f"{name}: each element for itself (PTX ISA 9.7.13.{'5' if returns else '6'})", head, f"""
.visible .entry test(.param .u64 cells, .param .u64 values{', .param .u64 old' if returns else ''})
{{
  .reg .u32 %i;
  .reg .u64 %cell, %a;
  .reg .{register} %b<{n}>, %d<{n}>;
  mov.u32 %i, %tid.x;
  ld.param.u64 %cell, [cells];
  mad.wide.u32 %cell, %i, {n * size}, %cell;
  ld.param.u64 %a, [values];
  mad.wide.u32 %a, %i, {n * size}, %a;
{each("ld", "b", "%a")}  {name} {names("d") + ", " if returns else ""}[%cell], {names("b")};
""" + (f"  ld.param.u64 %a, [old];\n  mad.wide.u32 %a, %i, {n * size}, %a;\n{each('st', 'd', '%a')}" if returns else "") + "  ret;\n}", "sm_120a", "8.4")
