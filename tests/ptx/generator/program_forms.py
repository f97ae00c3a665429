# SPDX-License-Identifier: Apache-2.0
"""Control flow, calls, barriers, special registers: small programs (PTX ISA 7, 9.7.12, 9.7.13.1, 10)."""
from template import listing, program

START = """
  .reg .u32 %i;
  .reg .u64 %out;
  mov.u32 %i, %tid.x;
  ld.param.u64 %out, [out];
  mad.wide.u32 %out, %i, 4, %out;
"""
END = "\n  st.global.u32 [%out], %r;\n  ret;\n}"


def kernel(name, about, out, body, block="32", grid="1", before="", extra=(), parameters=(), declare="", dynamic=None):
    """A kernel that leaves one word a thread, in %r."""
    head = [("grid", grid), ("block", block)] + ([("dynamic-shared", str(dynamic))] if dynamic else [])
    head += list(extra) + [("out", listing("u32", out))]
    given = "".join(f".param {p}, " for p in parameters)
    program(name, about, head, f"{before}\n.visible .entry test({given}.param .u64 out)\n{{{START}  .reg .u32 %r, %a, %b, %c;\n  .reg .pred %p, %q;\n"
            f"{declare}\n{body.strip(chr(10))}{END}")


def generate():
    branches()
    calls()
    barriers()
    special_registers()


def collatz(n):
    steps = 0
    while n != 1:
        n = 3 * n + 1 if n & 1 else n // 2
        steps += 1
    return steps


def branches():
    lanes = range(32)
    kernel("bra_uni", "bra.uni (PTX ISA 9.7.12.3)", [1] * 32, "  mov.u32 %r, 1;\n  bra.uni OVER;\n  mov.u32 %r, 2;\nOVER:")
    kernel("bra_divergent_if_else", "both sides of a branch, then together again", [i * 2 + 100 if i % 3 == 0 else i + 107 for i in lanes], """
  rem.u32 %a, %i, 3;
  setp.eq.u32 %p, %a, 0;
  @!%p bra ELSE;
  add.u32 %r, %i, %i;
  bra JOIN;
ELSE:
  add.u32 %r, %i, 7;
JOIN:
  add.u32 %r, %r, 100;""")
    kernel("bra_divergent_loop", "every lane leaves the loop at another time: lengths of Collatz sequences", [collatz(i + 1) for i in lanes], """
  mov.u32 %r, 0;
  add.u32 %a, %i, 1;
LOOP:
  setp.eq.u32 %p, %a, 1;
  @%p bra DONE;
  and.b32 %b, %a, 1;
  setp.eq.u32 %q, %b, 0;
  @%q shr.u32 %a, %a, 1;
  @!%q mad.lo.u32 %a, %a, 3, 1;
  add.u32 %r, %r, 1;
  bra LOOP;
DONE:""")
    def nested(i):
        r = 0
        for x in range(i % 7):
            for y in range(i % 5 + 1):
                if (x + y) % 4 == 3:
                    break
                if (x * y) % 3 == 1:
                    continue
                r += x * 10 + y
        return r
    kernel("bra_nested_break_continue", "nested loops with break and continue", [nested(i) for i in lanes], """
  .reg .u32 %x, %y, %nx, %ny;
  mov.u32 %r, 0;
  rem.u32 %nx, %i, 7;
  rem.u32 %ny, %i, 5;
  add.u32 %ny, %ny, 1;
  mov.u32 %x, 0;
OUTER:
  setp.ge.u32 %p, %x, %nx;
  @%p bra DONE;
  mov.u32 %y, 0;
INNER:
  setp.ge.u32 %p, %y, %ny;
  @%p bra NEXT;
  add.u32 %a, %x, %y;
  and.b32 %a, %a, 3;
  setp.eq.u32 %p, %a, 3;
  @%p bra NEXT;
  mul.lo.u32 %a, %x, %y;
  rem.u32 %a, %a, 3;
  setp.eq.u32 %p, %a, 1;
  @%p bra CONTINUE;
  mad.lo.u32 %r, %x, 10, %r;
  add.u32 %r, %r, %y;
CONTINUE:
  add.u32 %y, %y, 1;
  bra INNER;
NEXT:
  add.u32 %x, %x, 1;
  bra OUTER;
DONE:""")
    kernel("bra_irreducible", "a loop with two entries", [(10 - i % 10) * 3 + (0 if i % 2 else 1000) - (2 if i % 2 else 0) if i % 10 else 30 + (0 if i % 2 else 1000) for i in lanes] if False else
           [irreducible(i) for i in lanes], """
  mov.u32 %r, 0;
  rem.u32 %a, %i, 10;
  and.b32 %b, %i, 1;
  setp.eq.u32 %p, %b, 1;
  @%p bra SECOND;
FIRST:
  add.u32 %r, %r, 100;
SECOND:
  add.u32 %r, %r, 1;
  add.u32 %a, %a, 1;
  setp.lt.u32 %q, %a, 12;
  @%q bra FIRST;""")
    kernel("brx_idx", "brx.idx: a jump by a table (PTX ISA 9.7.12.4)", [[5, 7 * 3, 100, 1000][i % 4] + i for i in lanes], """
  and.b32 %a, %i, 3;
TARGETS: .branchtargets ZERO, ONE, TWO, THREE;
  brx.idx %a, TARGETS;
ZERO:
  mov.u32 %r, 5;
  bra JOIN;
ONE:
  mov.u32 %r, 21;
  bra JOIN;
TWO:
  mov.u32 %r, 100;
  bra JOIN;
THREE:
  mov.u32 %r, 1000;
JOIN:
  add.u32 %r, %r, %i;""")
    kernel("brx_idx_fall_through", "brx.idx with cases that run into the next", [sum([1, 10, 100, 1000][i % 4:]) for i in lanes], """
  mov.u32 %r, 0;
  and.b32 %a, %i, 3;
TARGETS: .branchtargets ZERO, ONE, TWO, THREE;
  brx.idx %a, TARGETS;
ZERO:
  add.u32 %r, %r, 1;
ONE:
  add.u32 %r, %r, 10;
TWO:
  add.u32 %r, %r, 100;
THREE:
  add.u32 %r, %r, 1000;""")
    kernel("exit_divergent", "lanes that exit leave what they have stored (PTX ISA 9.7.12.7)", [7 if i % 4 == 1 else i for i in lanes], """
  mov.u32 %r, 7;
  st.global.u32 [%out], %r;
  and.b32 %a, %i, 3;
  setp.eq.u32 %p, %a, 1;
  @%p exit;
  mov.u32 %r, %i;""")
    kernel("ret_divergent", "ret in a kernel ends the thread (PTX ISA 9.7.12.6)", [3 if i > 20 else i + 1 for i in lanes], """
  mov.u32 %r, 3;
  st.global.u32 [%out], %r;
  setp.gt.u32 %p, %i, 20;
  @%p ret;
  add.u32 %r, %i, 1;""")
    kernel("guard_predicated_store", "a guarded store, and one guarded by the opposite (PTX ISA 9.3)", [1000 + i if i & 1 else 2000 + i for i in lanes], """
  and.b32 %a, %i, 1;
  setp.ne.u32 %p, %a, 0;
  add.u32 %b, %i, 1000;
  add.u32 %c, %i, 2000;
  mov.u32 %r, 0;
  @%p mov.u32 %r, %b;
  @!%p mov.u32 %r, %c;""")
    program("trap", "trap ends the launch with an error (PTX ISA 9.7.19.4)", [("block", "32"), ("fault", "trap")],
            ".visible .entry test()\n{\n  trap;\n}")


def irreducible(i):
    r, a, skip = 0, i % 10, i & 1
    while True:
        if not skip:
            r += 100
        skip = 0
        r += 1
        a += 1
        if not a < 12:
            return r


SQUARE = """
.func (.param .b32 result) square(.param .b32 x)
{
  .reg .u32 %v;
  ld.param.u32 %v, [x];
  mul.lo.u32 %v, %v, %v;
  st.param.b32 [result], %v;
  ret;
}
"""
CUBE = SQUARE.replace("square", "cube").replace("mul.lo.u32 %v, %v, %v;", ".reg .u32 %w;\n  mul.lo.u32 %w, %v, %v;\n  mul.lo.u32 %v, %w, %v;")
ONE_CALL = """
  {{
  .param .b32 y;
  .param .b32 x;
  st.param.b32 [x], %i;
  call{uni} (y), {what};
  ld.param.b32 %r, [y];
  }}"""


def calls():
    lanes = range(32)
    kernel("call_direct", "call with .param variables (PTX ISA 9.7.12.5)", [i * i for i in lanes], ONE_CALL.format(uni="", what="square, (x)"), before=SQUARE)
    kernel("call_uni", "call.uni (PTX ISA 9.7.12.5)", [i * i for i in lanes], ONE_CALL.format(uni=".uni", what="square, (x)"), before=SQUARE)
    kernel("call_divergent", "a call that only some lanes make", [i * i if i % 2 else 5 for i in lanes],
           "  mov.u32 %r, 5;\n  and.b32 %a, %i, 1;\n  setp.eq.u32 %p, %a, 0;\n  @%p bra OVER;" + ONE_CALL.format(uni="", what="square, (x)") + "\nOVER:", before=SQUARE)
    kernel("call_indirect", "an indirect call: lanes call different functions (PTX ISA 9.7.12.5)", [i * i * (i if i % 3 == 0 else 1) for i in lanes], """
  .reg .u64 %f, %g;
  mov.u64 %f, square;
  mov.u64 %g, cube;
  rem.u32 %a, %i, 3;
  setp.eq.u32 %p, %a, 0;
  selp.u64 %f, %g, %f, %p;
PROTOTYPE: .callprototype (.param .b32 _) _ (.param .b32 _);""" + ONE_CALL.format(uni="", what="%f, (x), PROTOTYPE"), before=SQUARE + CUBE)
    kernel("call_through_table", "an indirect call through a table of functions in memory", [i * i * (i if i & 1 else 1) for i in lanes], """
  .reg .u64 %f, %t;
  mov.u64 %t, table;
  and.b32 %a, %i, 1;
  mad.wide.u32 %t, %a, 8, %t;
  ld.global.u64 %f, [%t];
PROTOTYPE: .callprototype (.param .b32 _) _ (.param .b32 _);""" + ONE_CALL.format(uni="", what="%f, (x), PROTOTYPE"),
           before=SQUARE + CUBE + ".global .align 8 .u64 table[2] = {square, cube};\n")
    def fib(n):
        return n if n < 2 else fib(n - 1) + fib(n - 2)
    kernel("call_recursive", "recursion: Fibonacci numbers", [fib(i % 11) for i in lanes], """
  {
  .param .b32 y;
  .param .b32 x;
  rem.u32 %a, %i, 11;
  st.param.b32 [x], %a;
  call (y), fib, (x);
  ld.param.b32 %r, [y];
  }""", before="""
.func (.param .b32 result) fib(.param .b32 n)
{
  .reg .u32 %n, %a, %b;
  .reg .pred %p;
  ld.param.u32 %n, [n];
  mov.u32 %a, %n;
  setp.lt.u32 %p, %n, 2;
  @%p bra OUT;
  sub.u32 %n, %n, 1;
  {
  .param .b32 y;
  .param .b32 x;
  st.param.b32 [x], %n;
  call (y), fib, (x);
  ld.param.b32 %a, [y];
  }
  sub.u32 %n, %n, 1;
  {
  .param .b32 y;
  .param .b32 x;
  st.param.b32 [x], %n;
  call (y), fib, (x);
  ld.param.b32 %b, [y];
  }
  add.u32 %a, %a, %b;
OUT:
  st.param.b32 [result], %a;
  ret;
}
""")
    kernel("call_structure", "a structure passed and returned by value in .param bytes (PTX ISA 7.1)", [i * 3 + (i + 5) * 2 for i in lanes], """
  {
  .param .align 8 .b8 y[12];
  .param .align 8 .b8 x[12];
  st.param.b32 [x], %i;
  add.u32 %a, %i, 5;
  st.param.b32 [x+4], %a;
  st.param.b32 [x+8], 9;
  call (y), swap, (x);
  ld.param.b32 %b, [y];
  ld.param.b32 %c, [y+4];
  }
  mul.lo.u32 %b, %b, 2;
  mad.lo.u32 %r, %c, 3, %b;""", before="""
.func (.param .align 8 .b8 result[12]) swap(.param .align 8 .b8 x[12])
{
  .reg .u32 %v, %w;
  ld.param.u32 %v, [x];
  ld.param.u32 %w, [x+4];
  st.param.b32 [result], %w;
  st.param.b32 [result+4], %v;
  ret;
}
""")
    kernel("call_pointer_to_local", "a function writes through a pointer to its caller's local memory", [i * 10 + 3 for i in lanes], """
  .local .align 4 .b8 cell[8];
  .reg .u64 %l;
  mov.u64 %l, cell;
  cvta.local.u64 %l, %l;
  st.u32 [%l], %i;
  {
  .param .b64 x;
  st.param.b64 [x], %l;
  call change, (x);
  }
  ld.local.u32 %r, [cell];""", before="""
.func change(.param .b64 x)
{
  .reg .u64 %p;
  .reg .u32 %v;
  ld.param.u64 %p, [x];
  ld.u32 %v, [%p];
  mad.lo.u32 %v, %v, 10, 3;
  st.u32 [%p], %v;
  ret;
}
""")
    kernel("call_exit_inside", "a thread that exits inside a function does not come back", ["0xa5a5a5a5" if i % 2 else i * 2 for i in lanes], """
  {
  .param .b32 x;
  st.param.b32 [x], %i;
  call leave, (x);
  }
  add.u32 %r, %i, %i;""", before="""
.func leave(.param .b32 x)
{
  .reg .u32 %v;
  .reg .pred %p;
  ld.param.u32 %v, [x];
  and.b32 %v, %v, 1;
  setp.eq.u32 %p, %v, 1;
  @%p exit;
  ret;
}
""")
    kernel("func_register_parameters", "parameters and results in registers (PTX ISA 5.1.6.3)", [i * 4 + 1 for i in lanes],
           "  call (%r), scale, (%i);", before="""
.func (.reg .u32 %result) scale(.reg .u32 %x)
{
  mad.lo.u32 %result, %x, 4, 1;
  ret;
}
""")


def barriers():
    threads = 96
    reverse = """
  .shared .align 4 .u32 window[96];
  .reg .u64 %s;
  mov.u64 %s, window;
  mad.wide.u32 %s, %i, 4, %s;
  mul.lo.u32 %a, %i, 3;
  st.shared.u32 [%s], %a;
  BARRIER
  sub.u32 %b, 95, %i;
  mov.u64 %s, window;
  mad.wide.u32 %s, %b, 4, %s;
  ld.shared.u32 %r, [%s];"""
    for name, text in [("bar_sync", "bar.sync 0;"), ("barrier_sync", "barrier.sync 0;"), ("barrier_sync_aligned", "barrier.sync.aligned 3;"),
                       ("bar_sync_count", "bar.sync 2, 96;"), ("barrier_cta_sync", "barrier.cta.sync 1, 96;")]:
        kernel(name, f"{text[:-1]}: what each thread stored is seen by the others (PTX ISA 9.7.13.1)", [(95 - i) * 3 for i in range(threads)],
               reverse.replace("BARRIER", text), block=str(threads))
    kernel("bar_sync_loop", "a barrier in a loop: 8 rounds of passing a value round the block", [(i - 8) % threads for i in range(threads)], """
  .shared .align 4 .u32 window[96];
  .reg .u64 %s, %t;
  mov.u32 %r, %i;
  mov.u64 %s, window;
  add.u32 %a, %i, 1;
  rem.u32 %a, %a, 96;
  mad.wide.u32 %t, %a, 4, %s;
  mad.wide.u32 %s, %i, 4, %s;
  mov.u32 %b, 0;
ROUND:
  st.shared.u32 [%t], %r;
  bar.sync 0;
  ld.shared.u32 %r, [%s];
  bar.sync 0;
  add.u32 %b, %b, 1;
  setp.lt.u32 %p, %b, 8;
  @%p bra ROUND;""", block=str(threads))
    kernel("bar_arrive_sync", "bar.arrive by one warp, bar.sync by the other (PTX ISA 9.7.13.1)", [i if i < 32 else i * 7 - 32 * 7 for i in range(64)], """
  .shared .align 4 .u32 window[32];
  .reg .u64 %s;
  and.b32 %a, %i, 31;
  mov.u64 %s, window;
  mad.wide.u32 %s, %a, 4, %s;
  setp.ge.u32 %p, %i, 32;
  @%p bra READ;
  mul.lo.u32 %b, %a, 7;
  st.shared.u32 [%s], %b;
  bar.arrive 1, 64;
  mov.u32 %r, %i;
  bra JOIN;
READ:
  bar.sync 1, 64;
  ld.shared.u32 %r, [%s];
JOIN:""", block="64")
    hits = [i for i in range(80) if i % 7 == 2]
    kernel("bar_red_popc", "bar.red.popc.u32 counts true predicates of the block (PTX ISA 9.7.13.1)", [len(hits)] * 80, """
  rem.u32 %a, %i, 7;
  setp.eq.u32 %p, %a, 2;
  bar.red.popc.u32 %r, 0, %p;""", block="80")
    kernel("bar_red_and", "bar.red.and.pred (PTX ISA 9.7.13.1)", [2] * 64, """
  setp.lt.u32 %p, %i, 64;
  bar.red.and.pred %q, 0, %p;
  selp.u32 %r, 1, 0, %q;
  setp.lt.u32 %p, %i, 63;
  bar.red.and.pred %q, 0, %p;
  selp.u32 %a, 1, 2, %q;
  mul.lo.u32 %r, %r, %a;""", block="64")
    kernel("bar_red_or", "bar.red.or.pred of a negated predicate (PTX ISA 9.7.13.1)", [1] * 64, """
  setp.lt.u32 %p, %i, 63;
  bar.red.or.pred %q, 0, !%p;
  selp.u32 %r, 1, 0, %q;""", block="64")
    kernel("bar_sync_after_exit", "threads that have left do not hold a barrier up", ["0xa5a5a5a5" if i < 40 else i for i in range(64)], """
  setp.lt.u32 %p, %i, 40;
  @%p exit;
  barrier.sync 0;
  mov.u32 %r, %i;""", block="64")
    program("barrier_between_blocks", "a barrier by hand between 4 resident blocks ends", [("grid", "4"), ("block", "32"), ("in", "u32 0"), ("after", "u32 4"), ("out", "u32 4 x 4")], """
.visible .entry test(.param .u64 counter, .param .u64 out)
{
  .reg .u32 %i, %b, %v;
  .reg .u64 %c, %out;
  .reg .pred %p;
  mov.u32 %i, %tid.x;
  setp.ne.u32 %p, %i, 0;
  @%p ret;
  ld.param.u64 %c, [counter];
  atom.global.add.u32 %v, [%c], 1;
WAIT:
  ld.volatile.global.u32 %v, [%c];
  setp.lt.u32 %p, %v, 4;
  @%p bra WAIT;
  mov.u32 %b, %ctaid.x;
  ld.param.u64 %out, [out];
  mad.wide.u32 %out, %b, 4, %out;
  st.global.u32 [%out], %v;
  ret;
}""")


def special_registers():
    threads = 3 * 5 * 4
    at = [(i % 3, i // 3 % 5, i // 15) for i in range(threads)]
    place = """
  .reg .u32 %x, %y, %z;
  mov.u32 %x, %tid.x;
  mov.u32 %y, %tid.y;
  mov.u32 %z, %tid.z;
  mad.lo.u32 %i, %z, 5, %y;
  mad.lo.u32 %i, %i, 3, %x;
  ld.param.u64 %out, [out];
  mad.wide.u32 %out, %i, 4, %out;
"""
    values = {"tid": [x | y << 8 | z << 16 for x, y, z in at], "ntid": [3 | 5 << 8 | 4 << 16] * threads, "laneid": [i % 32 for i in range(threads)],
              "WARP_SZ": [32] * threads,
              "lanemask_eq": [1 << i % 32 for i in range(threads)], "lanemask_lt": [(1 << i % 32) - 1 for i in range(threads)],
              "lanemask_le": [(2 << i % 32) - 1 for i in range(threads)], "lanemask_gt": [0xffffffff & -(2 << i % 32) for i in range(threads)],
              "lanemask_ge": [0xffffffff & -(1 << i % 32) for i in range(threads)]}
    for name, out in values.items():
        body = place
        if name in ("tid", "ntid"):
            body += f"  mov.u32 %r, %{name}.x;\n  mov.u32 %a, %{name}.y;\n  shl.b32 %a, %a, 8;\n  or.b32 %r, %r, %a;\n  mov.u32 %a, %{name}.z;\n  shl.b32 %a, %a, 16;\n  or.b32 %r, %r, %a;"
        else:
            body += f"  mov.u32 %r, {'' if name == 'WARP_SZ' else '%'}{name};"
        kernel(f"special_{name.lower()}", f"{name} in a block of 3 x 5 x 4 (PTX ISA 10)", out, body, block="3 5 4")
    # %warpid is volatile and may be any place of the SM; %nwarpid is how many there are on the card.
    kernel("special_warpid", "%warpid is below %nwarpid (PTX ISA 10.4)", [1] * threads, place + """
  mov.u32 %a, %warpid;
  mov.u32 %b, %nwarpid;
  set.lt.u32.u32 %r, %a, %b;
  and.b32 %r, %r, 1;""", block="3 5 4")
    kernel("special_nwarpid", "%nwarpid: there are identifiers for the warps of any block (PTX ISA 10.5)", [1] * threads, place + """
  mov.u32 %a, %nwarpid;
  set.ge.u32.u32 %r, %a, 32;
  and.b32 %r, %r, 1;""", block="3 5 4")
    kernel("special_ctaid", "%ctaid and %nctaid in a grid of 3 x 2 x 2 (PTX ISA 10)", [(i % 3) | (i // 3 % 2) << 8 | (i // 6) << 16 | 3 << 24 for i in range(12)], """
  .reg .u32 %x, %y, %z, %nx, %ny;
  mov.u32 %x, %ctaid.x;
  mov.u32 %y, %ctaid.y;
  mov.u32 %z, %ctaid.z;
  mov.u32 %nx, %nctaid.x;
  mov.u32 %ny, %nctaid.y;
  mad.lo.u32 %a, %z, %ny, %y;
  mad.lo.u32 %a, %a, %nx, %x;
  ld.param.u64 %out, [out];
  mad.wide.u32 %out, %a, 4, %out;
  shl.b32 %y, %y, 8;
  shl.b32 %z, %z, 16;
  shl.b32 %nx, %nx, 24;
  or.b32 %r, %x, %y;
  or.b32 %r, %r, %z;
  or.b32 %r, %r, %nx;""", block="1", grid="3 2 2")
    kernel("special_dynamic_smem_size", "%dynamic_smem_size, and the memory it names", [512 + i for i in range(32)], """
  .reg .u64 %s;
  mov.u64 %s, dynamic;
  mad.wide.u32 %s, %i, 4, %s;
  st.shared.u32 [%s], %i;
  ld.shared.u32 %a, [%s];
  mov.u32 %r, %dynamic_smem_size;
  add.u32 %r, %r, %a;""", before=".extern .shared .align 16 .b8 dynamic[];\n", dynamic=512)
    kernel("special_clock64", "%clock64 does not run backwards; %clock is its lower half", [1] * 32, """
  .reg .u64 %s, %t;
  mov.u64 %s, %clock64;
  bar.warp.sync 0xffffffff;
  mov.u64 %t, %clock64;
  setp.ge.u64 %p, %t, %s;
  selp.u32 %r, 1, 0, %p;""")
    kernel("special_globaltimer", "%globaltimer does not run backwards", [1] * 32, """
  .reg .u64 %s, %t;
  mov.u64 %s, %globaltimer;
  nanosleep.u32 20;
  mov.u64 %t, %globaltimer;
  setp.ge.u64 %p, %t, %s;
  selp.u32 %r, 1, 0, %p;""")
    kernel("special_smid", "%smid is below %nsmid", [1] * 32, "  mov.u32 %a, %smid;\n  mov.u32 %b, %nsmid;\n  setp.lt.u32 %p, %a, %b;\n  selp.u32 %r, 1, 0, %p;")
