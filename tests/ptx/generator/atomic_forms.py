# SPDX-License-Identifier: Apache-2.0
"""atom and red (PTX ISA 9.7.13.5, 9.7.13.6): every lane on its own cell with values out, and all lanes on one cell."""
from integer_forms import edges, num, signed
from numbers_exact import BF16, F16, F32, F64, add, encode, EDGES, is_nan
from fractions import Fraction
from template import STORAGE, listing, program

INTEGER = {
    "add": (("u32", "s32", "u64"), lambda o, b: o + b), "min": (("u32", "s32", "u64", "s64"), min), "max": (("u32", "s32", "u64", "s64"), max),
    "and": (("b32", "b64"), lambda o, b: o & b), "or": (("b32", "b64"), lambda o, b: o | b), "xor": (("b32", "b64"), lambda o, b: o ^ b),
    "exch": (("b32", "b64"), lambda o, b: b), "inc": (("u32",), lambda o, b: 0 if o >= b else o + 1),
    "dec": (("u32",), lambda o, b: b if o == 0 or o > b else o - 1)}


def own_cells(space, op, kind, cells, b, after, extra=None, suffix="", target="sm_86", version="7.8", returns=True):
    """Each thread on its own cell. Shared cells are filled from and copied back to the buffer."""
    register, access, size = STORAGE[kind]
    opcode = "atom" if returns else "red"
    name = f"{opcode}.{space}.{op}{suffix}.{kind}" if space else f"{opcode}.{op}{suffix}.{kind}"
    count = len(cells)
    head = [("block", str(count)), ("in", listing(kind, cells)), ("after", listing(kind, after)), ("in", listing(kind, b))]
    parameters = ["cells", "values"]
    if extra:
        head.append(("in", listing(kind, extra)))
        parameters.append("more")
    if returns:
        head.append(("out", listing(kind, cells)))
        parameters.append("old")
    shared = space == "shared"
    operands = "%b, %c" if extra else "%b"
    place = "%cell" if not shared else "%shared"
    destination = "%d, " if returns else ""
    body = f"""
.visible .entry test({', '.join(f'.param .u64 {p}' for p in parameters)})
{{
  .reg .u32 %i;
  .reg .u64 %cell, %shared, %address;
  .reg .{register} %a, %b, %c, %d;
  .shared .align 8 .b8 window[{count * size}];

  mov.u32 %i, %tid.x;
  ld.param.u64 %cell, [cells];
  mad.wide.u32 %cell, %i, {size}, %cell;
  ld.param.u64 %address, [values];
  mad.wide.u32 %address, %i, {size}, %address;
  ld.global.{access} %b, [%address];
"""
    if extra:
        body += f"  ld.param.u64 %address, [more];\n  mad.wide.u32 %address, %i, {size}, %address;\n  ld.global.{access} %c, [%address];\n"
    if shared:
        body += f"  mov.u64 %shared, window;\n  mad.wide.u32 %shared, %i, {size}, %shared;\n"
        body += f"  ld.global.{access} %a, [%cell];\n  st.shared.{access} [%shared], %a;\n"
    body += f"  {name} {destination}[{place}], {operands};\n"
    if shared:
        body += f"  ld.shared.{access} %a, [%shared];\n  st.global.{access} [%cell], %a;\n"
    if returns:
        body += f"  ld.param.u64 %address, [old];\n  mad.wide.u32 %address, %i, {size}, %address;\n  st.global.{access} [%address], %d;\n"
    program(name.replace(".", "_"), f"{name}: each lane on a cell of its own (PTX ISA 9.7.13.{'5' if returns else '6'})", head, body + "  ret;\n}",
            target, version)


def generate():
    for op, (kinds, f) in INTEGER.items():
        for kind in kinds:
            w = int(kind[1:])
            cells, b = edges(w), edges(w)[7:] + edges(w)[:7]
            b = [c if i % 6 == 0 else v for i, (c, v) in enumerate(zip(cells, b))]
            after = [f(num(kind, x), num(kind, y)) for x, y in zip(cells, b)]
            for space in ("global", "shared") if kind != "b64" else ("global",):
                own_cells(space, op, kind, cells, b, after)
            if op not in ("exch",) and kind in ("u32", "b32", "s32"):
                own_cells("global", op, kind, cells, b, after, returns=False)
    own_cells("", "add", "u32", edges(32), edges(32)[::-1], [x + y for x, y in zip(edges(32), edges(32)[::-1])])
    for kind in ("b32", "b64", "b16"):
        w = int(kind[1:])
        cells = edges(w)
        b = [c if i % 2 else c ^ 1 for i, c in enumerate(cells)]
        c = cells[5:] + cells[:5]
        after = [z if x == y else x for x, y, z in zip(cells, b, c)]
        for space in ("global", "shared"):
            own_cells(space, "cas", kind, cells, b, after, extra=c)
    floats()
    one_cell()


def floats():
    for f in (F32, F64):
        clean = [v for v in EDGES[f.name] if not is_nan(f, v)]
        b = clean[9:] + clean[:9]
        keep = [i for i in range(len(clean)) if not is_nan(f, add(f, clean[i], b[i]))]
        cells, b = [clean[i] for i in keep], [b[i] for i in keep]
        for space in ("global", "shared"):
            # On global memory, atom.add.f32 flushes subnormal inputs and results; on shared memory it does not.
            flushes = f is F32 and space == "global"
            own_cells(space, "add", f.name, cells, b, [add(f, x, y, ftz=flushes) for x, y in zip(cells, b)])
        own_cells("global", "add", f.name, cells, b, [add(f, x, y, ftz=f is F32) for x, y in zip(cells, b)], returns=False)
    for f, target in ((F16, "sm_86"), (BF16, "sm_90")):
        clean = [v for v in EDGES[f.name] if not is_nan(f, v)]
        b = clean[9:] + clean[:9]
        keep = [i for i in range(len(clean)) if not is_nan(f, add(f, clean[i], b[i]))]
        cells, b = [clean[i] for i in keep], [b[i] for i in keep]
        after = [add(f, x, y) for x, y in zip(cells, b)]
        own_cells("global", "add.noftz", f.name, cells, b, after, target=target)
        two = lambda v: [v[i] | v[i + 1] << 16 for i in range(0, len(v) // 2 * 2, 2)]
        own_cells("global", "add.noftz", f.name + "x2", two(cells), two(b), two(after), target=target)


def one_cell():
    """160 threads of 3 blocks on one cell: any order gives the same end."""
    count = 3 * 160
    values = [(i * 2654435761) >> 7 & 0xffffffff for i in range(count)]
    from functools import reduce
    for op, kind, start, f in [("add", "u32", 5, lambda o, b: o + b), ("min", "s32", 0x7fffffff, min), ("max", "u32", 0, max),
                               ("xor", "b32", 0, lambda o, b: o ^ b), ("and", "b32", 0xffffffff, lambda o, b: o & b), ("add", "u64", 1, lambda o, b: o + b)]:
        wide = kind == "u64"
        given = [v << 31 | v for v in values] if wide else values
        end = reduce(f, [num(kind, v) for v in given], num(kind, start))
        register, access, size = STORAGE[kind]
        program(f"red_global_{op}_{kind}_contended", f"red.global.{op}.{kind}: many threads on one cell, in any order (PTX ISA 9.7.13.6)",
                [("grid", "3"), ("block", "160"), ("in", listing(kind, [start])), ("after", listing(kind, [end])), ("in", listing(kind, given))], f"""
.visible .entry test(.param .u64 cell, .param .u64 values)
{{
  .reg .u32 %i, %n;
  .reg .u64 %cell, %address;
  .reg .{register} %v;
  mov.u32 %i, %ctaid.x;
  mov.u32 %n, %ntid.x;
  mul.lo.u32 %i, %i, %n;
  mov.u32 %n, %tid.x;
  add.u32 %i, %i, %n;
  ld.param.u64 %cell, [cell];
  ld.param.u64 %address, [values];
  mad.wide.u32 %address, %i, {size}, %address;
  ld.global.{access} %v, [%address];
  red.global.{op}.{kind} [%cell], %v;
  ret;
}}""")
    program("atom_global_add_u32_tickets", "atom.global.add.u32: every thread draws another ticket (PTX ISA 9.7.13.5)",
            [("grid", "2"), ("block", "100"), ("in", "u32 0"), ("after", "u32 200"), ("out", "u32 1 x 200")], """
.visible .entry test(.param .u64 counter, .param .u64 drawn)
{
  .reg .u32 %ticket;
  .reg .u64 %counter, %address;
  ld.param.u64 %counter, [counter];
  ld.param.u64 %address, [drawn];
  atom.global.add.u32 %ticket, [%counter], 1;
  mad.wide.u32 %address, %ticket, 4, %address;
  st.global.u32 [%address], 1;
  ret;
}""")
    program("atom_global_cas_b32_lock", "a spin lock between the lanes of a warp ends: no lane starves another",
            [("block", "64"), ("in", "u32 0"), ("in", "u32 0"), ("after", "u32 2080")], """
.visible .entry test(.param .u64 lock, .param .u64 sum)
{
  .reg .pred %taken;
  .reg .u32 %i, %old, %v;
  .reg .u64 %lock, %sum;
  mov.u32 %i, %tid.x;
  add.u32 %i, %i, 1;
  ld.param.u64 %lock, [lock];
  ld.param.u64 %sum, [sum];
TRY:
  atom.global.cas.b32 %old, [%lock], 0, 1;
  setp.ne.u32 %taken, %old, 0;
  @%taken bra TRY;
  membar.gl;
  ld.volatile.global.u32 %v, [%sum];
  add.u32 %v, %v, %i;
  st.volatile.global.u32 [%sum], %v;
  membar.gl;
  atom.global.exch.b32 %old, [%lock], 0;
  ret;
}""")
