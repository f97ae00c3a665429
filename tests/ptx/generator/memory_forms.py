# SPDX-License-Identifier: Apache-2.0
"""ld, st and their spaces, vectors, addresses, variables (PTX ISA 5, 6.4, 9.7.9)."""
from program_forms import kernel
from template import listing, program
from integer_forms import signed

LANES = range(32)


def generate():
    widths()
    vectors()
    spaces()
    variables()
    hints()
    refusals()


def widths():
    bytes_ = [(i * 37 + 200) & 255 for i in range(256)]
    word = lambda at, n: sum(bytes_[at + k] << 8 * k for k in range(n))
    for kind in ("u8", "s8", "b8", "u16", "s16", "u32", "s32"):
        n = int(kind[1:]) // 8
        for register in ("u32", "u64", "s64"):
            if n * 8 > int(register[1:]):
                continue
            values = [word(8 * i, n) for i in LANES]
            # .sN fills a wider register with the sign, .uN and .bN with zeros (PTX ISA 9.4.1).
            out = [signed(v, 8 * n) if kind[0] == "s" else v for v in values]
            program(f"ld_global_{kind}_to_{register}", f"ld.global.{kind} into a .{register} register (PTX ISA 9.4.1, 9.7.9.8)",
                    [("block", "32"), ("in", listing("u8", bytes_)), ("out", listing(register, out))], f"""
.visible .entry test(.param .u64 in, .param .u64 out)
{{
  .reg .u32 %i;
  .reg .u64 %a;
  .reg .{register} %v;
  mov.u32 %i, %tid.x;
  ld.param.u64 %a, [in];
  mad.wide.u32 %a, %i, 8, %a;
  ld.global.{kind} %v, [%a];
  ld.param.u64 %a, [out];
  mad.wide.u32 %a, %i, {int(register[1:]) // 8}, %a;
  st.global.{register} [%a], %v;
  ret;
}}""")
    for kind in ("u8", "b8", "s8", "u16", "b16"):
        n = int(kind[1:]) // 8
        out = [0xa5a5a5a5 & ~((1 << 8 * n) - 1) | (0x12345678 + i * 0x01010101) & ((1 << 8 * n) - 1) for i in LANES]
        kernel(f"st_global_{kind}_of_u32", f"st.global.{kind} stores the lower bits of a wider register and nothing beside them (PTX ISA 9.4.1)", out, f"""
  mad.lo.u32 %a, %i, 0x01010101, 0x12345678;
  st.global.{kind} [%out], %a;
  ld.global.u32 %r, [%out];""")


def vectors():
    for n, kind in ((2, "u32"), (4, "u32"), (2, "u64"), (4, "f32"), (2, "f64"), (4, "u8"), (2, "u16"), (4, "b16"), (2, "s8")):
        size = int(kind[1:]) // 8
        register = {1: "u16" if kind[0] == "u" else "s16", 2: kind, 4: kind, 8: kind}[size]
        values = [(i * 2654435761 >> 3) & ((1 << 8 * size) - 1) for i in range(8 * n)]
        if kind[0] == "f":
            values = [str(float(i)) for i in range(8 * n)]
        out = [values[i // n * n + n - 1 - i % n] for i in range(8 * n)]
        names = ", ".join(f"%v{k}" for k in range(n))
        back = ", ".join(f"%v{n - 1 - k}" for k in range(n))
        program(f"ld_global_v{n}_{kind}", f"ld.global.v{n}.{kind}, and st.global.v{n}.{kind} in the opposite order (PTX ISA 9.7.9.8, 9.7.9.11)",
                [("block", "8"), ("in", listing(kind, values)), ("out", listing(kind, out))], f"""
.visible .entry test(.param .u64 in, .param .u64 out)
{{
  .reg .u32 %i;
  .reg .u64 %a;
  .reg .{register} %v<{n}>;
  mov.u32 %i, %tid.x;
  ld.param.u64 %a, [in];
  mad.wide.u32 %a, %i, {n * size}, %a;
  ld.global.v{n}.{kind} {{{names}}}, [%a];
  ld.param.u64 %a, [out];
  mad.wide.u32 %a, %i, {n * size}, %a;
  st.global.v{n}.{kind} [%a], {{{back}}};
  ret;
}}""")


def spaces():
    kernel("ld_local_dynamic", "each thread has local memory of its own (PTX ISA 5.1.5)", [(i % 8) * 100 + i for i in LANES], """
  .local .align 4 .u32 table[8];
  .reg .u64 %l;
  mov.u32 %b, 0;
FILL:
  mov.u64 %l, table;
  mad.wide.u32 %l, %b, 4, %l;
  mad.lo.u32 %a, %b, 100, %i;
  st.local.u32 [%l], %a;
  add.u32 %b, %b, 1;
  setp.lt.u32 %p, %b, 8;
  @%p bra FILL;
  and.b32 %a, %i, 7;
  mov.u64 %l, table;
  mad.wide.u32 %l, %a, 4, %l;
  ld.local.u32 %r, [%l];""")
    for space, declare in (("shared", ".shared .align 8 .b8 memory[512];"), ("local", ".local .align 8 .b8 memory[512];")):
        kernel(f"cvta_{space}", f"cvta.{space} and back: the generic address leads to the same bytes (PTX ISA 9.7.9.20)", [i * 5 + 1 + i for i in LANES], f"""
  {declare}
  .reg .u64 %s, %g, %h;
  mov.u64 %s, memory;
  mad.wide.u32 %s, %i, 8, %s;
  cvta.{space}.u64 %g, %s;
  mad.lo.u32 %a, %i, 5, 1;
  st.u32 [%g], %a;
  cvta.to.{space}.u64 %h, %g;
  st.{space}.u32 [%h+4], %i;
  ld.{space}.u32 %a, [%s];
  ld.u32 %b, [%g+4];
  add.u32 %r, %a, %b;""")
    kernel("isspacep", "isspacep tells where a generic address leads (PTX ISA 9.7.9.19)", [0b100100100 | 0 for _ in LANES] if False else [isspace() for _ in LANES], """
  .shared .align 8 .b8 s[64];
  .local .align 8 .b8 l[64];
  .reg .u64 %g, %v;
  mov.u32 %r, 0;
  ld.param.u64 %g, [out];
  cvta.to.global.u64 %g, %g;
  cvta.global.u64 %g, %g;
""" + "".join(f"""
  isspacep.{space} %p, %g;
  selp.u32 %a, {1 << k}, 0, %p;
  or.b32 %r, %r, %a;""" for k, space in enumerate(("global", "shared", "local"))) + "\n  mov.u64 %v, s;\n  cvta.shared.u64 %g, %v;" + "".join(f"""
  isspacep.{space} %p, %g;
  selp.u32 %a, {8 << k}, 0, %p;
  or.b32 %r, %r, %a;""" for k, space in enumerate(("global", "shared", "local"))) + "\n  mov.u64 %v, l;\n  cvta.local.u64 %g, %v;" + "".join(f"""
  isspacep.{space} %p, %g;
  selp.u32 %a, {64 << k}, 0, %p;
  or.b32 %r, %r, %a;""" for k, space in enumerate(("global", "shared", "local"))))
    kernel("ld_generic", "ld and st without a space find global memory (PTX ISA 6.4.1)", [i + 9 for i in LANES], "  add.u32 %a, %i, 9;\n  st.u32 [%out], %a;\n  ld.u32 %r, [%out];")
    kernel("ld_param_types", "parameters of several sizes lie at their alignments (PTX ISA 5.1.6)", [0x12 + 0x3456 + 0x789abcde + 5 + i & 0xffffffff for i in LANES], """
  .reg .u64 %w;
  ld.param.u8 %a, [byte];
  mov.u32 %r, %a;
  ld.param.u16 %a, [half];
  add.u32 %r, %r, %a;
  ld.param.u32 %a, [word];
  add.u32 %r, %r, %a;
  ld.param.u64 %w, [wide];
  cvt.u32.u64 %a, %w;
  add.u32 %r, %r, %a;
  add.u32 %r, %r, %i;""", extra=[("param", "u8 0x12"), ("param", "u64 5"), ("param", "u16 0x3456"), ("param", "u32 0x789abcde")],
           parameters=[".u8 byte", ".u64 wide", ".u16 half", ".u32 word"])
    kernel("ld_param_structure", "a structure parameter, read by fields and by an address in a register", [0x11111111 + 0x44444444 + i for i in LANES], """
  .reg .u64 %w;
  ld.param.u32 %a, [all];
  mov.b64 %w, all;
  ld.param.u32 %b, [%w+12];
  add.u32 %r, %a, %b;
  add.u32 %r, %r, %i;""", extra=[("param", "u32 0x11111111, 0x22222222, 0x33333333, 0x44444444")], parameters=[".align 8 .b8 all[16]"])

    kernel("cvta_param", "a parameter by its generic address, and back (PTX ISA 9.7.9.21)", [0x11 * (i % 4 + 1) + 0x33 + 0x101 + i for i in LANES], """
  .reg .u64 %g, %h;
  mov.b64 %g, all;
  cvta.param.u64 %g, %g;
  and.b32 %b, %i, 3;
  mad.wide.u32 %h, %b, 4, %g;
  ld.u32 %r, [%h];
  cvta.to.param.u64 %h, %g;
  ld.param.u32 %b, [%h+8];
  add.u32 %r, %r, %b;
  isspacep.param %p, %g;
  selp.u32 %a, 1, 0, %p;
  isspacep.shared %p, %g;
  selp.u32 %b, 16, 0, %p;
  or.b32 %a, %a, %b;
  and.b64 %g, %g, 15;
  setp.eq.u64 %p, %g, 0;
  selp.u32 %b, 256, 0, %p;
  add.u32 %a, %a, %b;
  add.u32 %r, %r, %a;
  add.u32 %r, %r, %i;""", extra=[("param", "u32 0x11, 0x22, 0x33, 0x44")], parameters=[".align 16 .b8 all[16]"])


def isspace():
    return 1 | 8 << 1 | 64 << 2


def variables():
    kernel("const_initialised", ".const with values (PTX ISA 5.1.3, 5.4.4)", [[10, 20, 0xfffffffe, 40][i % 4] for i in LANES], """
  .reg .u64 %t;
  and.b32 %a, %i, 3;
  mov.u64 %t, table;
  mad.wide.u32 %t, %a, 4, %t;
  ld.const.u32 %r, [%t];""", before=".const .align 4 .u32 table[4] = {10, 20, -2, 40};\n")
    kernel("const_generic", ".const through a generic address", [7 if i % 2 else 5 for i in LANES], """
  .reg .u64 %t;
  mov.u64 %t, table;
  cvta.const.u64 %t, %t;
  and.b32 %a, %i, 1;
  mad.wide.u32 %t, %a, 4, %t;
  ld.u32 %r, [%t];""", before=".const .align 4 .u32 table[2] = {5, 7};\n")
    kernel("global_initialised", ".global with values: integers, floats, bytes, and zeros for the rest (PTX ISA 5.4.4)", [0x3f800000 + 0x30201 + 9 + 0 for _ in LANES], """
  ld.global.u32 %a, [real];
  ld.global.u32 %b, [bytes];
  add.u32 %r, %a, %b;
  ld.global.u32 %a, [half];
  add.u32 %r, %r, %a;
  ld.global.u32 %a, [half+8];
  add.u32 %r, %r, %a;""",
           before=".global .align 4 .f32 real = 0f3F800000;\n.global .align 4 .b8 bytes[4] = {1, 2, 3};\n.global .align 4 .u32 half[4] = {9, 1};\n")
    kernel("global_pointer_initialised", ".global that holds the address of another, generic (PTX ISA 5.4.4)", [77 for _ in LANES], """
  .reg .u64 %g;
  ld.global.u64 %g, [pointer];
  ld.u32 %r, [%g];""", before=".global .align 4 .u32 target[2] = {5, 77};\n.global .align 8 .u64 pointer = generic(target)+4;\n")
    kernel("global_two_dimensional", "an array of arrays (PTX ISA 5.4.2)", [i % 6 + 1 for i in LANES], """
  .reg .u64 %g;
  rem.u32 %a, %i, 6;
  mov.u64 %g, grid;
  mad.wide.u32 %g, %a, 4, %g;
  ld.global.u32 %r, [%g];""", before=".global .align 4 .u32 grid[2][3] = {{1, 2, 3}, {4, 5, 6}};\n")
    kernel("shared_two_variables", "two shared variables do not overlap", [i + 1000 + i * 2 for i in LANES], """
  .shared .align 4 .u32 one[32];
  .shared .align 8 .u64 two[32];
  .reg .u64 %s, %t, %v;
  mov.u64 %s, one;
  mad.wide.u32 %s, %i, 4, %s;
  mov.u64 %t, two;
  mad.wide.u32 %t, %i, 8, %t;
  add.u32 %a, %i, 1000;
  st.shared.u32 [%s], %a;
  mul.wide.u32 %v, %i, 2;
  st.shared.u64 [%t], %v;
  bar.sync 0;
  ld.shared.u32 %a, [%s];
  ld.shared.u64 %v, [%t];
  cvt.u32.u64 %b, %v;
  add.u32 %r, %a, %b;""")
    kernel("scope_shadowing", "a register of an inner block hides the outer one (PTX ISA 9.2)", [i + 1 for i in LANES], """
  add.u32 %r, %i, 1;
  {
  .reg .u32 %r;
  mov.u32 %r, 5;
  add.u32 %a, %r, %r;
  }""")
    kernel("weak_label_scopes", "labels of two inner blocks may have one name (PTX ISA 9.2)", [12] * 32, """
  mov.u32 %r, 0;
  {
  bra OVER;
  add.u32 %r, %r, 100;
OVER:
  add.u32 %r, %r, 5;
  }
  {
  bra OVER;
  add.u32 %r, %r, 100;
OVER:
  add.u32 %r, %r, 7;
  }""")


def hints():
    for suffix in ("ca", "cg", "cs", "lu", "cv"):
        kernel(f"ld_global_{suffix}", f"ld.global.{suffix}: a hint changes no value (PTX ISA 9.7.9.1)", [i + 3 for i in LANES],
               f"  add.u32 %a, %i, 3;\n  st.global.u32 [%out], %a;\n  ld.global.{suffix}.u32 %r, [%out];")
    for suffix in ("wb", "cg", "cs", "wt"):
        kernel(f"st_global_{suffix}", f"st.global.{suffix}: a hint changes no value (PTX ISA 9.7.9.1)", [i + 3 for i in LANES],
               f"  add.u32 %a, %i, 3;\n  st.global.{suffix}.u32 [%out], %a;\n  ld.global.u32 %r, [%out];")
    for name, load, store in [("volatile", "ld.volatile.global", "st.volatile.global"), ("relaxed", "ld.relaxed.gpu.global", "st.relaxed.gpu.global"),
                              ("acquire_release", "ld.acquire.gpu.global", "st.release.gpu.global"), ("sys", "ld.relaxed.sys.global", "st.relaxed.sys.global")]:
        kernel(f"ld_st_{name}", f"{load} and {store} (PTX ISA 9.7.9.8)", [i * 3 for i in LANES], f"  mul.lo.u32 %a, %i, 3;\n  {store}.u32 [%out], %a;\n  {load}.u32 %r, [%out];")
    for fence in ("membar.cta", "membar.gl", "membar.sys", "fence.sc.cta", "fence.sc.gpu", "fence.acq_rel.cta", "fence.acq_rel.sys"):
        kernel(fence.replace(".", "_"), f"{fence} (PTX ISA 9.7.13.4)", [i for i in LANES], f"  st.global.u32 [%out], %i;\n  {fence};\n  ld.global.u32 %r, [%out];")
    kernel("ld_global_nc", "ld.global.nc of memory that nobody writes (PTX ISA 9.7.9.9)", [11 * (i + 1) for i in LANES], """
  .reg .u64 %g;
  mov.u64 %g, table;
  mad.wide.u32 %g, %i, 4, %g;
  ld.global.nc.u32 %r, [%g];""", before=f".global .align 4 .u32 table[32] = {{{', '.join(str(11 * (i + 1)) for i in LANES)}}};\n")
    for hint in ("prefetch.global.L1 [%out];", "prefetch.global.L2 [%out];", "prefetchu.L1 [%out];"):
        kernel("_".join(hint.split(" ")[0].lower().split(".")), f"{hint[:-1]}: nothing to be seen (PTX ISA 9.7.9.15)", [4] * 32, f"  {hint}\n  mov.u32 %r, 4;")
    kernel("nanosleep_u32", "nanosleep.u32 (PTX ISA 9.7.19.3)", [1] * 32, "  nanosleep.u32 100;\n  mov.u32 %r, 1;")


def refusals():
    def refused(name, kind, line, contains, body, target="sm_86", version="7.8"):
        text = f".visible .entry test(.param .u64 out)\n{{\n  .reg .u32 %r<4>;\n  .reg .u64 %d<4>;\n  .reg .f32 %f<4>;\n  .reg .pred %p<2>;\n  {body}\n  ret;\n}}"
        # Head of 2 lines, version, target, address size, an empty line, the kernel's first 6: the body begins at line 13.
        program(name, f"refused: {body.splitlines()[0]}", [("error", f"{kind} line {line} {contains}")], text, target, version)
    refused("error_unknown_opcode", "malformed", 13, "frobnicate", "frobnicate.u32 %r0, %r1;")
    refused("error_unknown_register", "malformed", 13, "%nowhere", "mov.u32 %r0, %nowhere;")
    refused("error_unknown_label", "malformed", 13, "NOWHERE", "bra NOWHERE;")
    refused("error_operand_count", "malformed", 13, "add.u32", "add.u32 %r0, %r1;")
    refused("error_operand_size", "malformed", 13, "add.u32", "add.u32 %r0, %d1, %r2;")
    refused("error_missing_type", "unsupported", 13, "add", "add %r0, %r1, %r2;")
    refused("error_bad_suffix", "unsupported", 13, "add.blue.u32", "add.blue.u32 %r0, %r1, %r2;")
    refused("error_missing_rounding", "unsupported", 13, "div.f32", "div.f32 %f0, %f1, %f2;")
    refused("error_missing_semicolon", "malformed", 14, "", "mov.u32 %r0, %r1")
    refused("error_guard_no_predicate", "malformed", 13, "", "@%r0 mov.u32 %r0, %r1;")
    refused("error_wgmma", "unsupported", 13, "wgmma", "wgmma.fence.sync.aligned;", "sm_90a", "8.0")
