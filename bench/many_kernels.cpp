// SPDX-License-Identifier: Apache-2.0
#include "many_kernels.h"

#include <fmt/format.h>

#include <iterator>
#include <utility>

namespace bench {
namespace {

class KernelWriter {
 public:
  explicit KernelWriter(std::string& text) : text_(text) {}

  void write(int number) {
    number_ = number;
    line_ = 10 + number * 7 % 900;
    head();
    index();
    const int rounds = 1 + number % 2;
    for (int round = 0; round < rounds; ++round) {
      location();
      switch ((number + round) % 4) {
        case 0:
          multiply_add(round);
          break;
        case 1:
          whole_numbers(round);
          break;
        case 2:
          vectors(round);
          break;
        default:
          doubles(round);
          break;
      }
      if (round + 1 < rounds) loop(round);
    }
    tail();
  }

 private:
  template <typename... Arguments>
  void add(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
    fmt::format_to(std::back_inserter(text_), format, std::forward<Arguments>(arguments)...);
    text_ += '\n';
  }

  void location() {
    ++line_;
    add("\t.loc\t1 {} {}", line_, 5 + line_ % 40);
  }

  void head() {
    add("\t// .globl\tkernel_{}\n.visible .entry kernel_{}(", number_, number_);
    for (int i = 0; i < 3; ++i) add("\t.param .u64 kernel_{}_param_{},", number_, i);
    add("\t.param .u32 kernel_{}_param_3\n)\n{{", number_);
    add("\t.reg .pred \t%p<8>;\n\t.reg .b16 \t%rs<4>;\n\t.reg .b32 \t%r<40>;");
    add("\t.reg .f32 \t%f<24>;\n\t.reg .f64 \t%fd<12>;\n\t.reg .b64 \t%rd<24>;\n");
    if (number_ % 5 == 0) add("\t.shared .align 4 .b8 tile_{}[1024];", number_);
    add("$L__func_begin{}:", number_);
  }

  void index() {
    location();
    for (int i = 0; i < 3; ++i) add("\tld.param.u64 \t%rd{}, [kernel_{}_param_{}];", i + 1, number_, i);
    add("\tld.param.u32 \t%r1, [kernel_{}_param_3];", number_);
    add("\tmov.u32 \t%r2, %ctaid.x;\n\tmov.u32 \t%r3, %ntid.x;\n\tmov.u32 \t%r4, %tid.x;");
    location();
    add("\tmad.lo.s32 \t%r5, %r2, %r3, %r4;\n\tsetp.ge.s32 \t%p1, %r5, %r1;");
    add("\t@%p1 bra \t$L__BB{}_9;\n", number_);
    for (int i = 0; i < 3; ++i) add("\tcvta.to.global.u64 \t%rd{}, %rd{};", i + 4, i + 1);
    add("\tmul.wide.s32 \t%rd7, %r5, 4;\n\tadd.s64 \t%rd8, %rd4, %rd7;");
    add("\tadd.s64 \t%rd9, %rd5, %rd7;\n\tadd.s64 \t%rd10, %rd6, %rd7;\n\tmov.u32 \t%r6, 0;");
    add("\tmov.f32 \t%f1, 0f3F800000;");
  }

  void multiply_add(int round) {
    for (int i = 0; i < 3; ++i) {
      add("\tld.global.nc.f32 \t%f{}, [%rd8+{}];", 2 + i, 4 * i + number_ % 8 * 4);
      add("\tld.global.nc.f32 \t%f{}, [%rd9+{}];", 6 + i, 4 * i);
      add("\tfma.rn.f32 \t%f{}, %f{}, %f{}, %f1;", 10 + i, 2 + i, 6 + i);
    }
    add("\tadd.f32 \t%f13, %f10, %f11;\n\tmul.f32 \t%f14, %f13, 0f{:08X};",
        0x3f000000U + static_cast<unsigned>(number_));
    add("\tst.global.f32 \t[%rd10+{}], %f14;", 4 * round);
  }

  void whole_numbers(int round) {
    add("\tld.global.u32 \t%r10, [%rd8];\n\tshl.b32 \t%r11, %r10, {};", 1 + number_ % 7);
    add("\txor.b32 \t%r12, %r11, {};\n\tand.b32 \t%r13, %r12, 65535;", number_ * 31);
    add("\tshr.u32 \t%r14, %r12, 16;\n\tadd.s32 \t%r15, %r13, %r14;");
    add("\tsetp.lt.u32 \t%p2, %r15, %r10;\n\tselp.b32 \t%r16, %r15, %r10, %p2;");
    location();
    add("\tcvt.rn.f32.s32 \t%f15, %r16;\n\tcvt.u16.u32 \t%rs1, %r16;");
    add("\tst.global.u16 \t[%rd9+{}], %rs1;\n\tst.global.f32 \t[%rd10], %f15;", 2 * round);
  }

  void vectors(int round) {
    add("\tld.global.v4.f32 \t{{%f2, %f3, %f4, %f5}}, [%rd8+{}];", 16 * round);
    add("\tmax.f32 \t%f6, %f2, %f3;\n\tmax.f32 \t%f7, %f4, %f5;\n\tmax.f32 \t%f8, %f6, %f7;");
    add("\tshfl.sync.bfly.b32 \t%r20|%p3, %r5, 16, 31, -1;");
    add("\tmov.b32 \t%f9, %r20;\n\tsub.f32 \t%f10, %f8, %f9;\n\tmul.f32 \t%f11, %f10, 0f3FB8AA3B;");
    location();
    add("\tex2.approx.ftz.f32 \t%f12, %f11;\n\tbar.sync \t0;");
    add("\tst.global.v2.f32 \t[%rd10+{}], {{%f12, %f10}};", 8 * round);
  }

  void doubles(int round) {
    add("\tmul.wide.u32 \t%rd11, %r5, 8;\n\tadd.s64 \t%rd12, %rd4, %rd11;");
    add("\tld.global.f64 \t%fd1, [%rd12];\n\tld.global.f64 \t%fd2, [%rd12+{}];", 8 + 8 * round);
    add("\tfma.rn.f64 \t%fd3, %fd1, %fd2, 0d3FF0000000000000;\n\tneg.f64 \t%fd4, %fd3;");
    location();
    add("\tsetp.gt.f64 \t%p4, %fd3, 0d0000000000000000;\n\tselp.f64 \t%fd5, %fd3, %fd4, %p4;");
    add("\tdiv.rn.f64 \t%fd6, %fd5, %fd2;\n\tst.global.f64 \t[%rd12], %fd6;");
  }

  void loop(int round) {
    location();
    add("\tadd.s32 \t%r6, %r6, 1;\n\tsetp.ne.s32 \t%p5, %r6, %r1;");
    add("\t@%p5 bra \t$L__BB{}_{};\n\tbra.uni \t$L__BB{}_9;\n$L__BB{}_{}:", number_, round, number_, number_,
        round);
  }

  void tail() {
    add("$L__BB{}_9:", number_);
    location();
    add("\tret;\n$L__func_end{}:\n\n}}", number_);
  }

  std::string& text_;
  int number_ = 0;
  int line_ = 0;
};

}  // namespace

std::string many_kernels(int kernels) {
  std::string text = "//\n// A module to be read\n//\n.version 7.1\n.target sm_80\n.address_size 64\n\n";
  KernelWriter writer(text);
  for (int number = 0; number < kernels; ++number) writer.write(number);
  text += "\t.file\t1 \"many_kernels.cu\"\n";
  return text;
}

}  // namespace bench
