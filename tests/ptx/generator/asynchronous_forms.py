# SPDX-License-Identifier: Apache-2.0
"""cp.async and its groups (PTX ISA 9.7.9.25.3): copies from anywhere in global memory to anywhere in shared memory."""
from template import listing, program

LANES = 32


def generate():
    for cache, count in (("ca", 4), ("ca", 8), ("ca", 16), ("cg", 16)):
        copies(f"cp_async_{cache}_{count}", cache, count, f"{count}", lambda lane, n=count: n, "all of each thread's bytes")
    for count in (4, 8, 16):
        copies(f"cp_async_ca_{count}_source_bytes", "ca", count, f"{count}, %part", lambda lane, n=count: lane % (n + 1),
               "bytes behind those that are read are zeros", f"  rem.u32 %part, %i, {count + 1};\n")
        copies(f"cp_async_ca_{count}_ignored", "ca", count, f"{count}, %odd", lambda lane, n=count: 0 if lane % 2 else n,
               "nothing is read where the predicate holds", "  and.b32 %part, %i, 1;\n  setp.ne.u32 %odd, %part, 0;\n")
    copies("cp_async_cg_16_hints", "cg", 16, "16, 16, %policy", lambda lane: 16, "hints change no result",
           "  mov.b64 %policy, 0x12f0000000000000;\n", suffix=".L2::128B.L2::cache_hint")
    copies("cp_async_cg_16_policy", "cg", 16, "16, %policy", lambda lane: 16, "a policy without source bytes",
           "  mov.b64 %policy, 0x12f0000000000000;\n", suffix=".L2::cache_hint")
    groups()
    divergent_groups()
    many()
    mbarriers()


HEAD = """
.visible .entry test(.param .u64 in0, .param .u64 out0)
{
  .shared .align 16 .b8 memory[2048];
  .reg .u32 %i, %part, %place, %w, %w2;
  .reg .u64 %in, %out, %at, %policy;
  .reg .pred %odd, %low;
  mov.u32 %i, %tid.x;
  ld.param.u64 %in, [in0];
  ld.param.u64 %out, [out0];
"""


def copies(name, cache, count, operands, read, about, more="", suffix=""):
    words = count // 4
    data = [(7 * i * i + 13 * i + 5) & 0xffffffff for i in range(LANES * words)]
    raw = b"".join(w.to_bytes(4, "little") for w in data)
    result = []
    for lane in range(LANES):
        from_lane = (5 * lane + 3) % LANES
        own = raw[from_lane * count:from_lane * count + count]
        n = read(lane)
        own = own[:n] + bytes(count - n)
        result += [int.from_bytes(own[i:i + 4], "little") for i in range(0, count, 4)]
    text = HEAD + more + f"""  mul.lo.u32 %place, %i, 5;
  add.u32 %place, %place, 3;
  and.b32 %place, %place, 31;
  mad.wide.u32 %in, %place, {count}, %in;
  mul.lo.u32 %place, %i, 7;
  and.b32 %place, %place, 31;
  mov.u64 %at, memory;
  mad.wide.u32 %at, %place, 48, %at;
  cp.async.{cache}.shared.global{suffix} [%at+16], [%in], {operands};
  cp.async.wait_all;
  mad.wide.u32 %out, %i, {count}, %out;
"""
    for word in range(words):
        text += f"  ld.shared.u32 %w, [%at+{16 + 4 * word}];\n  st.global.u32 [%out+{4 * word}], %w;\n"
    program(name, f"cp.async.{cache}.shared.global{suffix}, {about} (PTX ISA 9.7.9.25.3.1)",
            [("block", "32"), ("in", listing("b32", data)), ("out", listing("b32", result))], text + "  ret;\n}\n")


def groups():
    """Three groups, the first of two copies; each wait makes those before the last so many visible."""
    data = [1000 + i for i in range(4 * LANES)]
    result = []
    for lane in range(LANES):
        result += [data[4 * lane] + data[4 * lane + 1], data[4 * lane + 2], data[4 * lane + 3]]
    text = HEAD + """  mad.wide.u32 %in, %i, 16, %in;
  mov.u64 %at, memory;
  mad.wide.u32 %at, %i, 16, %at;
  mad.wide.u32 %out, %i, 12, %out;
  cp.async.ca.shared.global [%at], [%in], 4;
  cp.async.ca.shared.global [%at+4], [%in+4], 4;
  cp.async.commit_group;
  cp.async.ca.shared.global [%at+8], [%in+8], 4;
  cp.async.commit_group;
  cp.async.ca.shared.global [%at+12], [%in+12], 4;
  cp.async.commit_group;
  cp.async.wait_group 2;
  ld.shared.u32 %w, [%at];
  ld.shared.u32 %w2, [%at+4];
  add.u32 %w, %w, %w2;
  st.global.u32 [%out], %w;
  cp.async.wait_group 1;
  ld.shared.u32 %w, [%at+8];
  st.global.u32 [%out+4], %w;
  cp.async.wait_group 0;
  ld.shared.u32 %w, [%at+12];
  st.global.u32 [%out+8], %w;
  ret;
}
"""
    program("cp_async_groups", "cp.async.commit_group and wait_group: groups end in their order (PTX ISA 9.7.9.25.3.2, 9.7.9.25.3.3)",
            [("block", "32"), ("in", listing("b32", data)), ("out", listing("b32", result))], text)


def divergent_groups():
    """Groups are of a thread: lanes below 8 close one more than the others."""
    data = [77 * i + 1 for i in range(2 * LANES)]
    result = []
    for lane in range(LANES):
        result += [data[2 * lane], data[2 * lane + 1]]
    text = HEAD + """  mad.wide.u32 %in, %i, 8, %in;
  mov.u64 %at, memory;
  mad.wide.u32 %at, %i, 16, %at;
  mad.wide.u32 %out, %i, 8, %out;
  setp.lt.u32 %low, %i, 8;
  cp.async.ca.shared.global [%at], [%in], 4;
  @%low cp.async.commit_group;
  cp.async.ca.shared.global [%at+4], [%in+4], 4;
  cp.async.commit_group;
  @%low bra TWO;
  cp.async.wait_group 0;
  bra DONE;
TWO:
  cp.async.wait_group 1;
  ld.shared.u32 %w, [%at];
  st.global.u32 [%out], %w;
  cp.async.wait_group 0;
DONE:
  ld.shared.u32 %w, [%at];
  st.global.u32 [%out], %w;
  ld.shared.u32 %w, [%at+4];
  st.global.u32 [%out+4], %w;
  ret;
}
"""
    program("cp_async_groups_of_threads", "the groups of cp.async are each thread's own (PTX ISA 9.7.9.25.3.2)",
            [("block", "32"), ("in", listing("b32", data)), ("out", listing("b32", result))], text)


def mbarriers():
    for name, target, version, wait in (("test_wait", "sm_86", "7.8", "mbarrier.test_wait.shared.b64 %done, [%bar], %state;"),
                                        ("try_wait", "sm_120a", "8.7", "mbarrier.try_wait.acquire.cta.shared::cta.b64 %done, [%bar], %state, 1000;"),
                                        ("test_wait_parity", "sm_86", "7.8", "mbarrier.test_wait.parity.shared.b64 %done, [%bar], %phase;"),
                                        ("try_wait_parity", "sm_120a", "8.7", "mbarrier.try_wait.parity.b64 %done, [%bar], %phase;")):
        ring(name, target, version, wait)
    transactions()
    drops()
    copies_arrive("", 1)
    copies_arrive(".noinc", 64)
    for name, text, why in (("not_made", "  mov.u64 %state, 0;\n  st.shared.u64 [%bar], %state;\n  mbarrier.arrive.shared.b64 %state, [%bar];\n", "mbarrier"),
                            ("too_many", "  mbarrier.init.shared.b64 [%bar], 2;\n  mbarrier.arrive.noComplete.shared.b64 %state, [%bar], 3;\n", "mbarrier"),
                            ("of_none", "  mbarrier.init.shared.b64 [%bar], 0;\n", "mbarrier")):
        faulty(name, text, why)


BARRIER = """
.visible .entry test(.param .u64 out0)
{
  .shared .align 8 .b8 bar[16];
  .shared .align 4 .b8 data[256];
  .reg .u32 %i, %n, %w, %sum, %phase, %round;
  .reg .u64 %out, %bar, %at, %next, %state;
  .reg .pred %done, %first, %p;
  mov.u32 %i, %tid.x;
  ld.param.u64 %out, [out0];
  mad.wide.u32 %out, %i, 4, %out;
  mov.u64 %bar, {bar};
  setp.eq.u32 %first, %i, 0;
"""


def barrier_head(generic=False):
    return BARRIER.replace("{bar}", "bar") + ("  cvta.shared.u64 %bar, %bar;\n" if generic else "")


def ring(name, target, version, wait):
    """Eight rounds: each of 64 threads leaves a number, arrives, and adds what its neighbour left, behind a second barrier."""
    generic = ".shared" not in wait
    space = "" if generic else ".shared"
    result = []
    for i in range(64):
        result.append(sum((((i + 1) % 64) * 3 + r) & 0xffffffff for r in range(8)))
    text = barrier_head(generic) + f"""  @%first mbarrier.init{space}.b64 [%bar], 64;
  @%first mbarrier.init{space}.b64 [%bar+8], 64;
  bar.sync 0;
  mov.u64 %at, data;
  mad.wide.u32 %at, %i, 4, %at;
  add.u32 %n, %i, 1;
  and.b32 %n, %n, 63;
  mov.u64 %next, data;
  mad.wide.u32 %next, %n, 4, %next;
  mov.u32 %sum, 0;
  mov.u32 %round, 0;
ROUND:
  mad.lo.u32 %w, %i, 3, %round;
  st.shared.u32 [%at], %w;
  and.b32 %phase, %round, 1;
  mbarrier.arrive{space}.b64 %state, [%bar];
WAIT:
  {wait}
  @!%done bra WAIT;
  ld.shared.u32 %w, [%next];
  add.u32 %sum, %sum, %w;
  add.u64 %bar, %bar, 8;
  mbarrier.arrive{space}.b64 %state, [%bar];
AGAIN:
  {wait}
  @!%done bra AGAIN;
  sub.u64 %bar, %bar, 8;
  add.u32 %round, %round, 1;
  setp.lt.u32 %p, %round, 8;
  @%p bra ROUND;
  bar.sync 0;
  @%first mbarrier.inval{space}.b64 [%bar];
  st.global.u32 [%out], %sum;
  ret;
}}
"""
    program(f"mbarrier_{name}", f"{wait.split()[0]}: 64 threads meet sixteen times (PTX ISA 9.7.13.15.16)",
            [("block", "64"), ("out", listing("u32", result))], text, target, version)


def transactions():
    """A phase ends when its arrivals have come and its bytes are there, in any order."""
    text = barrier_head() + """  mov.u32 %sum, 0;
  @!%first bra END;
  mbarrier.init.shared.b64 [%bar], 2;
  mbarrier.arrive.expect_tx.shared.b64 _, [%bar], 100;
  mbarrier.arrive.shared.b64 %state, [%bar];
  mbarrier.test_wait.shared.b64 %done, [%bar], %state;
  selp.u32 %w, 1, 0, %done;
  or.b32 %sum, %sum, %w;
  mbarrier.complete_tx.shared.b64 [%bar], 60;
  mbarrier.test_wait.shared.b64 %done, [%bar], %state;
  selp.u32 %w, 2, 0, %done;
  or.b32 %sum, %sum, %w;
  mbarrier.complete_tx.relaxed.cta.shared.b64 [%bar], 40;
  mbarrier.test_wait.shared.b64 %done, [%bar], %state;
  selp.u32 %w, 4, 0, %done;
  or.b32 %sum, %sum, %w;
  mbarrier.complete_tx.shared.b64 [%bar], 8;
  mbarrier.arrive.shared.b64 %state, [%bar], 2;
  mbarrier.test_wait.parity.shared.b64 %done, [%bar], 1;
  selp.u32 %w, 8, 0, %done;
  or.b32 %sum, %sum, %w;
  mbarrier.expect_tx.shared.b64 [%bar], 8;
  mbarrier.complete_tx.shared.b64 [%bar], 0;
  mbarrier.test_wait.parity.shared.b64 %done, [%bar], 1;
  selp.u32 %w, 16, 0, %done;
  or.b32 %sum, %sum, %w;
END:
  st.global.u32 [%out], %sum;
  ret;
}
"""
    program("mbarrier_transactions", "mbarrier.expect_tx and complete_tx: arrivals and bytes (PTX ISA 9.7.13.15.5)",
            [("block", "2"), ("out", listing("u32", [4 + 16, 0]))], text, "sm_120a", "8.7")


def drops():
    """Of three arrivals one is dropped: the next phase expects two. pending_count is that before the arrival."""
    text = barrier_head() + """  mov.u32 %sum, 0;
  @!%first bra END;
  mbarrier.init.shared.b64 [%bar], 3;
  mbarrier.arrive.noComplete.shared.b64 %state, [%bar], 2;
  mbarrier.pending_count.b64 %sum, %state;
  mbarrier.arrive_drop.shared.b64 %state, [%bar];
  mbarrier.pending_count.b64 %w, %state;
  mad.lo.u32 %sum, %sum, 10, %w;
  mbarrier.test_wait.shared.b64 %done, [%bar], %state;
  selp.u32 %w, 1, 0, %done;
  mad.lo.u32 %sum, %sum, 10, %w;
  mbarrier.arrive.shared.b64 %state, [%bar];
  mbarrier.pending_count.b64 %w, %state;
  mad.lo.u32 %sum, %sum, 10, %w;
  mbarrier.test_wait.shared.b64 %done, [%bar], %state;
  selp.u32 %w, 1, 0, %done;
  mad.lo.u32 %sum, %sum, 10, %w;
  mbarrier.arrive.release.cta.shared.b64 _, [%bar];
  mbarrier.test_wait.shared.b64 %done, [%bar], %state;
  selp.u32 %w, 1, 0, %done;
  mad.lo.u32 %sum, %sum, 10, %w;
END:
  st.global.u32 [%out], %sum;
  ret;
}
"""
    program("mbarrier_arrive_drop", "mbarrier.arrive_drop, .noComplete and pending_count (PTX ISA 9.7.13.15.13)",
            [("block", "2"), ("out", listing("u32", [311201, 0]))], text, version="8.0")


def copies_arrive(kind, count):
    """64 threads copy, and each reads what its neighbour copied, behind the barrier."""
    data = [5 * i + 9 for i in range(64)]
    result = [data[(i + 1) % 64] for i in range(64)]
    # Without .noinc the arrivals of the copies are beside those that the barrier expects: here of one thread.
    arrives = "" if kind else "  bar.sync 0;\n  @%first mbarrier.arrive.shared.b64 %state, [%bar];\n"
    text = barrier_head().replace("(.param .u64 out0)", "(.param .u64 in0, .param .u64 out0)").replace(".reg .u64 %out,", ".reg .u64 %in, %out,") + f"""  @%first mbarrier.init.shared.b64 [%bar], {count};
  bar.sync 0;
  ld.param.u64 %in, [in0];
  mad.wide.u32 %in, %i, 4, %in;
  mov.u64 %at, data;
  mad.wide.u32 %next, %i, 4, %at;
  cp.async.ca.shared.global [%next], [%in], 4;
  cp.async.mbarrier.arrive{kind}.shared.b64 [%bar];
{arrives}WAIT:
  mbarrier.test_wait.parity.shared.b64 %done, [%bar], 0;
  @!%done bra WAIT;
  add.u32 %n, %i, 1;
  and.b32 %n, %n, 63;
  mad.wide.u32 %next, %n, 4, %at;
  ld.shared.u32 %w, [%next];
  st.global.u32 [%out], %w;
  ret;
}}
"""
    program("cp_async_mbarrier_arrive" + kind.replace(".", "_"), f"cp.async.mbarrier.arrive{kind} (PTX ISA 9.7.13.15.17)",
            [("block", "64"), ("in", listing("b32", data)), ("out", listing("b32", result))], text)


def faulty(name, code, why):
    text = barrier_head() + code + "  st.global.u32 [%out], %i;\n  ret;\n}\n"
    program("mbarrier_" + name, "an mbarrier that is used as it cannot be ends the launch (PTX ISA 9.7.13.15)",
            [("block", "32"), ("out", "u32 * x 32"), ("fault", why)], text)


def many():
    """More copies than are kept until somebody waits."""
    data = [3 * i + 1 for i in range(LANES)]
    text = HEAD + """  mad.wide.u32 %in, %i, 4, %in;
  mov.u64 %at, memory;
  mad.wide.u32 %at, %i, 4, %at;
  mad.wide.u32 %out, %i, 4, %out;
  mov.u32 %w2, 0;
AGAIN:
  cp.async.ca.shared.global [%at], [%in], 4;
  cp.async.commit_group;
  add.u32 %w2, %w2, 1;
  setp.lt.u32 %low, %w2, 9000;
  @%low bra AGAIN;
  cp.async.wait_group 0;
  ld.shared.u32 %w, [%at];
  st.global.u32 [%out], %w;
  ret;
}
"""
    program("cp_async_many", "9,000 groups of cp.async that nobody waits for until the last (PTX ISA 9.7.9.25.3)",
            [("block", "32"), ("in", listing("b32", data)), ("out", listing("b32", data))], text)
