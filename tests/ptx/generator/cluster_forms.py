# SPDX-License-Identifier: Apache-2.0
"""Thread block clusters (PTX ISA 9.7.9.12, 9.7.9.13, 9.7.9.23, 9.7.9.24, 9.7.13.7, 9.7.13.16, 9.7.13.17)."""
from template import listing, program

TARGET = ("sm_120a", "9.0")
MASK = {32: (1 << 32) - 1, 64: (1 << 64) - 1}


def head(cluster, shared=""):
    return f"""
.visible .entry test(.param .u64 out0) .reqnctapercluster {cluster}
{{
  .shared .align 128 .b8 memory[1024];
  .shared .align 8 .b8 bar[8];
{shared}  .reg .u32 %i, %rank, %blocks, %next, %v, %a, %b, %c, %block, %bar, %at;
  .reg .u64 %out, %g, %s, %w;
  .reg .b16 %mask;
  .reg .pred %first, %done, %p, %q;
  mov.u32 %i, %tid.x;
  mov.u32 %block, %ctaid.x;
  ld.param.u64 %out, [out0];
  mov.u32 %rank, %cluster_ctarank;
  mov.u32 %blocks, %cluster_nctarank;
  add.u32 %next, %rank, 1;
  rem.u32 %next, %next, %blocks;
  mov.u32 %at, memory;
  mov.u32 %bar, bar;
  setp.eq.u32 %first, %i, 0;
"""


SYNC = """  barrier.cluster.arrive.release.aligned;
  barrier.cluster.wait.acquire.aligned;
"""
# To out[ctaid * 32 + tid].
STORE = """  mad.lo.u32 %a, %block, 32, %i;
  mad.wide.u32 %out, %a, 4, %out;
  st.global.u32 [%out], %v;
  ret;
}
"""


def generate():
    load_of_next("cluster_ld_shared", "  mapa.shared::cluster.u32 %a, %at, %next;\n  ld.shared::cluster.u32 %v, [%a];\n")
    load_of_next("cluster_ld_of_symbol", "  mapa.shared::cluster.u32 %a, memory, %next;\n  shl.b32 %b, %i, 2;\n  add.u32 %a, %a, %b;\n"
                 "  ld.relaxed.cluster.shared::cluster.u32 %v, [%a];\n")
    load_of_next("cluster_ld_generic", "  cvt.u64.u32 %g, %at;\n  cvta.shared.u64 %g, %g;\n  mapa.u64 %g, %g, %next;\n  ld.u32 %v, [%g];\n")
    load_of_next("cluster_cvta", "  mapa.shared::cluster.u32 %a, %at, %next;\n  cvt.u64.u32 %g, %a;\n  cvta.shared::cluster.u64 %g, %g;\n"
                 "  cvta.to.shared::cluster.u64 %s, %g;\n  ld.shared::cluster.u32 %v, [%s];\n")
    store_to_next()
    spaces()
    ranks()
    places()
    atomics()
    leaving()
    both_ways()
    remote_arrival()
    for kind, vector in (("b32", 1), ("u32", 2), ("s32", 4), ("b64", 1), ("f64", 2)):
        async_store(kind, vector)
    for op, kind in (("add", "u32"), ("add", "s32"), ("add", "u64"), ("min", "u32"), ("min", "s32"), ("max", "u32"), ("max", "s32"), ("inc", "u32"),
                     ("dec", "u32"), ("and", "b32"), ("or", "b32"), ("xor", "b32")):
        async_reduction(op, kind)
    multicast()
    fill()
    cancel()
    misfits()


def value(rank, i):
    return (rank + 1) * 1000 + i * 7


OWN = """  add.u32 %v, %rank, 1;
  mul.lo.u32 %v, %v, 1000;
  mad.lo.u32 %v, %i, 7, %v;
  mad.lo.u32 %at, %i, 4, %at;
  st.shared.u32 [%at], %v;
"""


def load_of_next(name, code):
    """Each block reads what the next one of its cluster has written."""
    data = [value((c % 4 + 1) % 4, i) for c in range(8) for i in range(32)]
    program(name, "shared memory of another block of the cluster (PTX ISA 9.7.9.23)", [("grid", "8"), ("block", "32"), ("out", listing("u32", data))],
            head("4") + OWN + SYNC + code + SYNC + STORE, *TARGET)


def store_to_next():
    data = [value((c % 2 + 1) % 2, i) for c in range(4) for i in range(32)]
    program("cluster_st_shared", "st.shared::cluster to another block of the cluster (PTX ISA 9.7.9.11)",
            [("grid", "4"), ("block", "32"), ("out", listing("u32", data))],
            head("2") + OWN + SYNC + "  mapa.shared::cluster.u32 %a, %at, %next;\n  st.shared::cluster.u32 [%a+512], %v;\n" + SYNC +
            "  ld.shared.u32 %v, [%at+512];\n" + STORE, *TARGET)


def spaces():
    """isspacep of an own address, another block's, and one of global memory."""
    code = """  cvt.u64.u32 %g, %at;
  cvta.shared.u64 %g, %g;
  mapa.u64 %s, %g, %next;
  mov.u32 %v, 0;
""" + "".join(f"  isspacep.{space} %p, {register};\n  @%p or.b32 %v, %v, {1 << n};\n"
              for n, (register, space) in enumerate((r, s) for r in ("%g", "%s", "%out") for s in ("shared::cta", "shared::cluster", "global")))
    program("cluster_isspacep", "isspacep of shared::cta and shared::cluster (PTX ISA 9.7.9.22)",
            [("grid", "2"), ("block", "32"), ("out", listing("u32", [0b100_010_011] * 64))], head("2") + code + SYNC + STORE, *TARGET)


def ranks():
    code = """  mapa.shared::cluster.u32 %a, %at, %next;
  getctarank.shared::cluster.u32 %v, %a;
  getctarank.shared::cluster.u32 %b, %at;
  mad.lo.u32 %v, %v, 10, %b;
  cvt.u64.u32 %g, %at;
  cvta.shared.u64 %g, %g;
  getctarank.u64 %b, %g;
  mad.lo.u32 %v, %v, 10, %b;
  mapa.u64 %g, %g, %next;
  getctarank.u64 %b, %g;
  mad.lo.u32 %v, %v, 10, %b;
"""
    data = [(n * 10 + r) * 100 + r * 10 + n for c in range(6) for r, n in [(c % 3, (c % 3 + 1) % 3)] for _ in range(32)]
    program("cluster_getctarank", "getctarank (PTX ISA 9.7.9.24)", [("grid", "6"), ("block", "32"), ("out", listing("u32", data))],
            head("3") + code + SYNC + STORE, *TARGET)


def places():
    """The special registers of clusters, of 2 by 2 blocks in a grid of 4 by 4."""
    names = [f"%{n}.{a}" for n in ("clusterid", "nclusterid", "cluster_ctaid", "cluster_nctaid") for a in "xyz"] + ["%cluster_ctarank", "%cluster_nctarank"]
    text = """
.visible .entry test(.param .u64 out0) .explicitcluster .reqnctapercluster 2, 2
{
  .reg .u32 %v, %a, %b;
  .reg .u64 %out;
  .reg .pred %p;
  ld.param.u64 %out, [out0];
  mov.u32 %a, %ctaid.x;
  mov.u32 %b, %ctaid.y;
  mad.lo.u32 %a, %b, 4, %a;
  mad.wide.u32 %out, %a, 60, %out;
""" + "".join(f"  mov.u32 %v, {name};\n  st.global.u32 [%out+{4 * i}], %v;\n" for i, name in enumerate(names)) + """  mov.pred %p, %is_explicit_cluster;
  selp.u32 %v, 1, 0, %p;
  st.global.u32 [%out+56], %v;
  ret;
}
"""
    data = [w for y in range(4) for x in range(4)
            for w in (x // 2, y // 2, 0, 2, 2, 1, x % 2, y % 2, 0, 2, 2, 1, x % 2 + 2 * (y % 2), 4, 1)]
    program("cluster_special_registers", "where a block is (PTX ISA 10)", [("grid", "4 4"), ("block", "1"), ("out", listing("u32", data))], text, *TARGET)


def atomics():
    """All threads of all blocks add to a word of block 1, and keep the largest in one of block 0."""
    code = """  @%first st.shared.v2.u32 [%at], {0, 0};
""" + SYNC + """  mapa.shared::cluster.u32 %a, %at, 1;
  mapa.shared::cluster.u32 %b, %at, 0;
  mad.lo.u32 %c, %rank, 100, %i;
  red.release.cluster.shared::cluster.add.u32 [%a], %i;
  atom.shared::cluster.max.u32 %v, [%b+4], %c;
""" + SYNC + """  ld.shared::cluster.u32 %v, [%a];
  ld.shared::cluster.u32 %c, [%b+4];
  mad.lo.u32 %v, %c, 10000, %v;
""" + SYNC
    data = [231 * 10000 + 3 * 496] * 192
    program("cluster_atomics", "atom and red of shared::cluster (PTX ISA 9.7.13.5)", [("grid", "6"), ("block", "32"), ("out", listing("u32", data))],
            head("3") + code + STORE, *TARGET)


def leaving():
    """Odd threads leave before the barrier, and so do all of the second warp of block 1 (PTX ISA 9.7.13.16: exited threads have arrived)."""
    code = """  and.b32 %a, %i, 1;
  setp.ne.u32 %p, %a, 0;
  @%p exit;
  setp.eq.u32 %p, %rank, 1;
  setp.ge.and.u32 %p, %i, 32, %p;
  @%p exit;
""" + OWN + """  barrier.cluster.arrive;
  barrier.cluster.wait;
  mapa.shared::cluster.u32 %a, memory, %next;
  ld.shared::cluster.u32 %v, [%a];
  barrier.cluster.arrive.relaxed;
  barrier.cluster.wait;
  @!%first bra END;
  mad.wide.u32 %out, %block, 4, %out;
  st.global.u32 [%out], %v;
END:
  ret;
}
"""
    program("cluster_barrier_after_exit", "barrier.cluster does not wait for threads that have exited",
            [("grid", "4"), ("block", "64"), ("out", listing("u32", [value((c % 2 + 1) % 2, 0) for c in range(4)]))], head("2") + code, *TARGET)


def both_ways():
    """Lanes of a warp arrive and wait on different ways, as .aligned forbids and its absence allows."""
    code = OWN + """  setp.lt.u32 %p, %i, 11;
  @%p bra OTHER;
  barrier.cluster.arrive;
  add.u32 %v, %v, 1;
  barrier.cluster.wait;
  bra MEET;
OTHER:
  barrier.cluster.arrive;
  add.u32 %v, %v, 2;
  barrier.cluster.wait;
MEET:
  mapa.shared::cluster.u32 %a, %at, %next;
  ld.shared::cluster.u32 %b, [%a];
  add.u32 %v, %v, %b;
""" + SYNC + STORE
    data = [value(c % 2, i) + (2 if i < 11 else 1) + value((c % 2 + 1) % 2, i) for c in range(4) for i in range(32)]
    program("cluster_barrier_divergent", "barrier.cluster without .aligned, by lanes that are not together (PTX ISA 9.7.13.16)",
            [("grid", "4"), ("block", "32"), ("out", listing("u32", data))], head("2") + code, *TARGET)


INIT = """  @%first mbarrier.init.shared::cta.b64 [%bar], {count};
  @%first fence.mbarrier_init.release.cluster;
"""
EXPECT = "  @%first mbarrier.arrive.expect_tx.shared::cta.b64 _, [%bar], {bytes};\n"
WAIT = """AGAIN:
  mbarrier.try_wait.parity.acquire.cluster.shared::cta.b64 %done, [%bar], 0;
  @!%done bra AGAIN;
"""


def remote_arrival():
    """Every thread of the next block arrives, as do the own ones."""
    code = OWN + INIT.format(count=64) + SYNC + """  mapa.shared::cluster.u32 %a, %bar, %next;
  mapa.shared::cluster.u32 %b, %at, %next;
  st.shared::cluster.u32 [%b+256], %v;
  mbarrier.arrive.release.cluster.shared::cluster.b64 _, [%a];
  mbarrier.arrive.shared::cta.b64 _, [%bar];
""" + WAIT + "  ld.shared.u32 %v, [%at+256];\n" + SYNC + STORE
    data = [value((c % 3 + 2) % 3, i) for c in range(6) for i in range(32)]
    program("cluster_mbarrier_arrive", "mbarrier.arrive at a barrier of another block (PTX ISA 9.7.13.15.13)",
            [("grid", "6"), ("block", "32"), ("out", listing("u32", data))], head("3") + code, *TARGET)


def async_store(kind, vector):
    bits = int(kind[1:])
    words = bits // 32 * vector
    registers = [f"%x{n}" for n in range(vector)]
    code = INIT.format(count=1) + EXPECT.format(bytes=32 * 4 * words) + SYNC + f"  .reg .{kind} {', '.join(registers)};\n  .reg .u64 %y;\n"
    for n, r in enumerate(registers):
        code += f"  mad.lo.u32 %v, %i, 100, {n};\n  mad.lo.u32 %v, %rank, 10000, %v;\n"
        code += f"  mov.b32 {r}, %v;\n" if bits == 32 else f"  mad.wide.u32 %y, %v, 65537, 0;\n  mov.b64 {r}, %y;\n"
    source = registers[0] if vector == 1 else "{" + ", ".join(registers) + "}"
    suffix = f".v{vector}" if vector > 1 else ""
    code += f"""  mapa.shared::cluster.u32 %a, %at, %next;
  mapa.shared::cluster.u32 %b, %bar, %next;
  mad.lo.u32 %a, %i, {4 * words}, %a;
  st.async.weak.shared::cluster.mbarrier::complete_tx::bytes{suffix}.{kind} [%a], {source}, [%b];
""" + WAIT + f"  mad.lo.u32 %at, %i, {4 * words}, %at;\n  mad.lo.u32 %a, %block, 32, %i;\n  mad.wide.u32 %out, %a, {4 * words}, %out;\n"
    for n in range(words):
        code += f"  ld.shared.u32 %v, [%at+{4 * n}];\n  st.global.u32 [%out+{4 * n}], %v;\n"
    data = []
    for c in range(4):
        for i in range(32):
            for n in range(vector):
                v = (c % 2 + 1) % 2 * 10000 + i * 100 + n
                data += [v] if bits == 32 else [v * 65537 & MASK[32], v * 65537 >> 32]
    program(f"st_async_{'v%d_' % vector if vector > 1 else ''}{kind}", "st.async to another block (PTX ISA 9.7.9.12)",
            [("grid", "4"), ("block", "32"), ("out", listing("u32", data))], head("2") + code + SYNC + "  ret;\n}\n", *TARGET)


def async_reduction(op, kind):
    bits = int(kind[1:])
    signed = kind[0] == "s"
    start = 40 if op in ("inc", "dec", "min") else 0xff if op == "and" else 5
    operands = [(i * 37 + 11) % 64 if op != "min" or not signed else (i * 37 + 11) % 64 - 32 for i in range(32)]
    if op in ("inc", "dec"):
        operands = [50] * 32
    if op == "and":
        operands = [0xff ^ (1 << (i % 5)) for i in range(32)]
    if op == "max" and signed:
        start, operands = -100, [-i - 3 for i in range(32)]
    result = start
    for v in operands:
        if op == "add":
            result += v
        elif op in ("min", "max"):
            result = min(result, v) if op == "min" else max(result, v)
        elif op == "inc":
            result = 0 if result >= v else result + 1
        elif op == "dec":
            result = v if result == 0 or result > v else result - 1
        else:
            result = result & v if op == "and" else result | v if op == "or" else result ^ v
    table = "".join(f"  setp.eq.u32 %p, %i, {i};\n  @%p mov.b32 %v, {v};\n" for i, v in enumerate(operands)) if len(set(operands)) > 1 else f"  mov.b32 %v, {operands[0]};\n"
    register = f"  .reg .{kind} %x, %r;\n" + ("  mov.b32 %x, %v;\n" if bits == 32 else "  cvt.u64.u32 %x, %v;\n")
    code = INIT.format(count=1) + EXPECT.format(bytes=bits // 8 * 32) + f"  .reg .{kind} %start;\n  mov.b{bits} %start, {start};\n" + \
        f"  @%first st.shared.b{bits} [%at], %start;\n" + SYNC + table + register + f"""  mapa.shared::cluster.u32 %a, %at, %next;
  mapa.shared::cluster.u32 %b, %bar, %next;
  red.async.relaxed.cluster.shared::cluster.mbarrier::complete_tx::bytes.{op}.{kind} [%a], %x, [%b];
""" + WAIT + f"  ld.shared.b{bits} %r, [%at];\n  mad.lo.u32 %a, %block, 32, %i;\n  mad.wide.u32 %out, %a, {bits // 8}, %out;\n  st.global.b{bits} [%out], %r;\n"
    program(f"red_async_{op}_{kind}", "red.async at another block (PTX ISA 9.7.13.7)",
            [("grid", "4"), ("block", "32"), ("out", listing(f"u{bits}", [result & MASK[bits]] * 128))], head("2") + code + SYNC + "  ret;\n}\n", *TARGET)


def multicast():
    """Block 2 of each cluster copies to blocks 0, 2 and 3; block 1 keeps what it has."""
    text = head("4").replace("(.param .u64 out0)", "(.param .u64 in0, .param .u64 out0)") + """  ld.param.u64 %g, [in0];
  mad.wide.u32 %g, %block, 128, %g;
  mad.lo.u32 %a, %i, 4, %at;
  st.shared.u32 [%a], 77;
""" + INIT.format(count=1) + """  setp.ne.and.u32 %p, %rank, 1, %first;
  @%p mbarrier.arrive.expect_tx.shared::cta.b64 _, [%bar], 128;
  setp.eq.and.u32 %p, %rank, 1, %first;
  @%p mbarrier.arrive.shared::cta.b64 _, [%bar];
  fence.proxy.async.shared::cta;
""" + SYNC + """  mov.b16 %mask, 13;
  setp.eq.and.u32 %p, %rank, 2, %first;
  @%p cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes.multicast::cluster [%at], [%g], 128, [%bar], %mask;
""" + WAIT + "  ld.shared.u32 %v, [%a];\n" + SYNC + STORE
    data = [i * 3 + 1 for i in range(8 * 32)]
    out = [77 if c % 4 == 1 else data[(c // 4 * 4 + 2) * 32 + i] for c in range(8) for i in range(32)]
    program("cp_async_bulk_multicast", "cp.async.bulk to several blocks of the cluster (PTX ISA 9.7.9.25.4.1)",
            [("grid", "8"), ("block", "32"), ("in", listing("u32", data)), ("out", listing("u32", out))], text, *TARGET)


def fill():
    code = """  mad.lo.u32 %at, %i, 4, %at;
  add.u32 %v, %i, 1;
  st.shared.u32 [%at], %v;
  bar.sync 0;
  mov.u32 %a, memory;
  mov.u64 %w, 24;
  @%first st.bulk.weak.shared::cta [%a+8], %w, 0;
  cvt.u64.u32 %g, %a;
  cvta.shared.u64 %g, %g;
  @%first st.bulk [%g+64], 16, 0;
  bar.sync 0;
  ld.shared.u32 %v, [%at];
"""
    data = [0 if 2 <= i < 8 or 16 <= i < 20 else i + 1 for i in range(32)]
    program("st_bulk", "st.bulk (PTX ISA 9.7.9.13)", [("block", "32"), ("out", listing("u32", data))], head("1") + code + STORE, *TARGET)


def cancel():
    """Blocks that ask for more work: each piece is done once, whoever does it."""
    code = """  .reg .b128 %answer;
  .reg .u32 %parity;
""" + INIT.format(count=1) + """  mov.u32 %parity, 0;
  bar.sync 0;
MORE:
  @%first mbarrier.arrive.expect_tx.shared::cta.b64 _, [%bar], 16;
  @%first clusterlaunchcontrol.try_cancel.async.shared::cta.mbarrier::complete_tx::bytes.multicast::cluster::all.b128 [%at], [%bar];
  mad.wide.u32 %g, %block, 4, %out;
  @%first red.global.add.u32 [%g], 1;
AGAIN:
  mbarrier.try_wait.parity.shared::cta.b64 %done, [%bar], %parity;
  @!%done bra AGAIN;
  xor.b32 %parity, %parity, 1;
  ld.shared.b128 %answer, [%at];
  fence.proxy.async::generic.release.sync_restrict::shared::cta.cluster;
  bar.sync 0;
  clusterlaunchcontrol.query_cancel.is_canceled.pred.b128 %p, %answer;
  @!%p bra END;
  clusterlaunchcontrol.query_cancel.get_first_ctaid.v4.b32.b128 {%block, %a, %b, _}, %answer;
  clusterlaunchcontrol.query_cancel.get_first_ctaid::x.b32.b128 %block, %answer;
  bra MORE;
END:
  ret;
}
"""
    text = head("1").replace("(.param .u64 out0)", "(.param .u64 in0)").replace("[out0]", "[in0]") + code
    program("clusterlaunchcontrol", "clusterlaunchcontrol (PTX ISA 9.7.13.17)",
            [("grid", "40"), ("block", "32"), ("in", "u32 0 x 40"), ("after", "u32 1 x 40")], text, *TARGET)


def misfits():
    program("cluster_beyond", "an address in a block that the cluster does not have", [("grid", "2"), ("block", "32"), ("out", "u32 * x 64"), ("fault", "address")],
            head("2") + "  mapa.shared::cluster.u32 %a, %at, 2;\n  ld.shared::cluster.u32 %v, [%a];\n" + SYNC + STORE, *TARGET)
    program("cluster_barrier_deadlock", "one block waits at a barrier of its own, the other at that of the cluster",
            [("grid", "2"), ("block", "64"), ("out", "u32 * x 128"), ("fault", "waits")],
            head("2") + "  setp.eq.u32 %p, %rank, 0;\n  setp.ge.and.u32 %p, %i, 32, %p;\n  @%p bra OTHER;\n" + SYNC +
            "OTHER:\n  @%p bar.sync 1, 64;\n" + STORE, *TARGET)
    program("setmaxnreg", "setmaxnreg changes no value (PTX ISA 9.7.19.5)", [("block", "128"), ("out", "u32 0..127")],
            head("1") + "  setmaxnreg.dec.sync.aligned.u32 40;\n  setmaxnreg.inc.sync.aligned.u32 64;\n  mov.u32 %v, %i;\n" + STORE, *TARGET)
