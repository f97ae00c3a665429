# SPDX-License-Identifier: Apache-2.0
"""Warp operations and barriers (PTX ISA 9.7.9.6, 9.7.13.1, 9.7.13.2, 9.7.13.9-9.7.13.12)."""
from integer_forms import signed
from template import form, program

LANES = range(32)
VALUES = [(i * 2654435761) & 0xffffffff for i in LANES]
FULL = "0xffffffff"


def shuffle(mode, lane, b, c):
    clamp, segment = c & 31, c >> 8 & 31
    max_lane = (lane & segment) | (clamp & ~segment)
    min_lane = lane & segment
    j = {"up": lane - b, "down": lane + b, "bfly": lane ^ b, "idx": min_lane | (b & ~segment)}[mode]
    ok = j >= max_lane if mode == "up" else j <= max_lane
    return (j if ok else lane), ok


def generate():
    shuffles()
    votes()
    matches()
    reductions()
    partial_masks()


def shuffles():
    for mode in ("up", "down", "bfly", "idx"):
        last = 0 if mode == "up" else 31
        for width, c in ((32, last), (8, (24 << 8) | last)):
            for b in (1, 5):
                got = [shuffle(mode, i, b, c) for i in LANES]
                form(f"shfl_sync_{mode}_b32_width{width}_{b}", f"shfl.sync.{mode}.b32 by {b} in segments of {width}; out of range keeps its own (PTX ISA 9.7.9.6)",
                     f"shfl.sync.{mode}.b32 {{d}}|{{p}}, {{a}}, {b}, {c:#x}, {FULL};", [("b32", VALUES)],
                     [("b32", [VALUES[j] for j, _ in got]), ("pred", [ok for _, ok in got])])
    index = [(i * 7 + 3) % 40 for i in LANES]
    got = [shuffle("idx", i, index[i] & 31, 31)[0] for i in LANES]
    form("shfl_sync_idx_b32_varying", "shfl.sync.idx.b32 with an index of each lane's own; only its 5 lower bits count (PTX ISA 9.7.9.6)",
         f"shfl.sync.idx.b32 {{d}}, {{a}}, {{b}}, 31, {FULL};", [("b32", VALUES), ("u32", index)], [("b32", [VALUES[j] for j in got])])
    floats = [i * 0.5 for i in LANES]
    form("shfl_sync_bfly_b32_float", "shfl.sync.bfly.b32 moves the bits of a float (PTX ISA 9.7.9.6)",
         f"mov.b32 %bits, {{a}};\nshfl.sync.bfly.b32 %bits, %bits, 16, 31, {FULL};\nmov.b32 {{d}}, %bits;", [("f32", [str(x) for x in floats])],
         [("f32", [str(floats[i ^ 16]) for i in LANES])], declare=".reg .b32 %bits;")


def votes():
    rows = {"mixed": [i % 3 == 0 for i in LANES], "all": [True] * 32, "none": [False] * 32, "one": [i == 17 for i in LANES]}
    for name, p in rows.items():
        modes = {"all": all(p), "any": any(p), "uni": all(p) or not any(p)}
        for mode, result in modes.items():
            form(f"vote_sync_{mode}_pred_{name}", f"vote.sync.{mode}.pred (PTX ISA 9.7.13.9)", f"vote.sync.{mode}.pred {{d}}, {{a}}, {FULL};",
                 [("pred", p)], [("pred", [result] * 32)])
        form(f"vote_sync_ballot_b32_{name}", "vote.sync.ballot.b32 (PTX ISA 9.7.13.9)", f"vote.sync.ballot.b32 {{d}}, {{a}}, {FULL};", [("pred", p)],
             [("b32", [sum(1 << i for i in LANES if p[i])] * 32)])
    p = rows["mixed"]
    form("vote_sync_ballot_b32_negated", "vote.sync.ballot.b32 of a negated predicate (PTX ISA 9.7.13.9)", f"vote.sync.ballot.b32 {{d}}, !{{a}}, {FULL};",
         [("pred", p)], [("b32", [sum(1 << i for i in LANES if not p[i])] * 32)])


def matches():
    for kind, values in (("b32", [i % 5 * 1000 for i in LANES]), ("b64", [(i % 3 << 32) | 7 for i in LANES])):
        out = [sum(1 << j for j in LANES if values[j] == values[i]) for i in LANES]
        form(f"match_any_sync_{kind}", f"match.any.sync.{kind}: the lanes with the same value (PTX ISA 9.7.13.10)",
             f"match.any.sync.{kind} {{d}}, {{a}}, {FULL};", [(kind, values)], [("b32", out)])
        form(f"match_all_sync_{kind}_differ", f"match.all.sync.{kind}: 0 where they differ (PTX ISA 9.7.13.10)",
             f"match.all.sync.{kind} {{d}}|{{p}}, {{a}}, {FULL};", [(kind, values)], [("b32", [0] * 32), ("pred", [0] * 32)])
        form(f"match_all_sync_{kind}_same", f"match.all.sync.{kind}: the mask where they are the same (PTX ISA 9.7.13.10)",
             f"match.all.sync.{kind} {{d}}|{{p}}, {{a}}, {FULL};", [(kind, [values[1]] * 32)], [("b32", [0xffffffff] * 32), ("pred", [1] * 32)])


def reductions():
    ints = [signed(v, 32) for v in VALUES]
    from functools import reduce
    results = {"add.u32": sum(VALUES) & 0xffffffff, "add.s32": sum(ints), "min.u32": min(VALUES), "max.u32": max(VALUES), "min.s32": min(ints),
               "max.s32": max(ints), "and.b32": reduce(lambda x, y: x & y, [v | 0x101 for v in VALUES]), "or.b32": reduce(lambda x, y: x | y, [v & 0xf0f0ff for v in VALUES]),
               "xor.b32": reduce(lambda x, y: x ^ y, VALUES)}
    for name, result in results.items():
        kind = name[-3:]
        values = [v | 0x101 for v in VALUES] if name == "and.b32" else ([v & 0xf0f0ff for v in VALUES] if name == "or.b32" else VALUES)
        form(f"redux_sync_{name.replace('.', '_')}", f"redux.sync.{name} (PTX ISA 9.7.13.12)", f"redux.sync.{name} {{d}}, {{a}}, {FULL};", [(kind, values)],
             [(kind, [result] * 32)])


def partial_masks():
    even = [i for i in LANES if i % 2 == 0]
    guard = "@!{b} bra SKIP;"
    p = [i % 2 == 0 for i in LANES]
    total = sum(VALUES[i] for i in even) & 0xffffffff
    for name, code, out in [
            ("redux_sync_add_u32_half", "redux.sync.add.u32 {d}, {a}, 0x55555555;", [total if q else 0 for q in p]),
            ("vote_sync_ballot_b32_half", "setp.lt.u32 %q, {a}, 0x80000000;\nvote.sync.ballot.b32 {d}, %q, 0x55555555;",
             [sum(1 << i for i in even if VALUES[i] < 0x80000000) if q else 0 for q in p]),
            ("shfl_sync_bfly_b32_half", "shfl.sync.bfly.b32 {d}, {a}, 2, 31, 0x55555555;", [VALUES[i ^ 2] if i % 2 == 0 else 0 for i in LANES]),
            ("bar_warp_sync_half", "bar.warp.sync 0x55555555;\nadd.u32 {d}, {a}, 1;", [VALUES[i] + 1 if i % 2 == 0 else 0 for i in LANES]),
            ("activemask_b32_half", "activemask.b32 {d};", [0x55555555 if q else 0 for q in p])]:
        form(name, "in a branch that the even lanes take, with their mask", f"mov.u32 {{d}}, 0;\n{guard}\n{code}\nSKIP:", [("u32", VALUES), ("pred", p)],
             [("u32", out)], declare=".reg .pred %q;")
    form("activemask_b32", "activemask.b32 of a whole warp (PTX ISA 9.7.13.11)", "activemask.b32 {d};\nadd.u32 {d}, {d}, {a};", [("u32", [0] * 32)],
         [("u32", [0xffffffff] * 32)])
    form("activemask_b32_exited", "lanes that have left do not count (PTX ISA 9.7.13.11)", "@{a} bra GO;\nexit;\nGO:\nactivemask.b32 {d};",
         [("pred", [i < 20 for i in LANES])], [("u32", [0xfffff if i < 20 else "0xa5a5a5a5" for i in LANES])])
