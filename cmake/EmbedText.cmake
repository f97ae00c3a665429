# SPDX-License-Identifier: Apache-2.0
# Writes OUT, a C++ source that defines NAMESPACE::SYMBOL as the text of IN.
file(READ ${IN} text)
file(WRITE ${OUT} "namespace ${NAMESPACE} {\nextern const char* const ${SYMBOL};\n"
                  "const char* const ${SYMBOL} = R\"text(${text})text\";\n}\n")
