/* machine.h - the instruction sets of this machine that kernels are compiled for. */
#pragma once

#include <stdbool.h>

typedef enum {
    MACHINE_AVX2,        /* with FMA */
    MACHINE_AVX_VNNI,    /* with AVX2 and FMA */
    MACHINE_AVX512,      /* F, BW, DQ, VL, with FMA */
    MACHINE_AVX512_VNNI, /* F, BW, VL and VNNI */
    MACHINE_DOT_PRODUCT, /* of 64-bit Arm */
} machine_set;

/* Returns whether the processor has these instructions, and the system saves their registers.
 * [main] */
bool machine_has(machine_set set);
