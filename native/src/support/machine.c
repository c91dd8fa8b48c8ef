/* machine.c - asks the processor, not __builtin_cpu_supports: what that reads is part of the
 * compiler's run-time library, and zig's says no to everything. Bits after Intel's Software
 * Developer's Manual, volume 2, CPUID, and volume 1, 13.3 (XCR0). */
#include "support/machine.h"

#if defined(__x86_64__)
#include <cpuid.h>

enum { /* words of CPUID that are asked for, and their bits */
       FMA = 1U << 12,
       OSXSAVE = 1U << 27, /* leaf 1, ecx */
       AVX2 = 1U << 5,
       AVX512F = 1U << 16,
       AVX512DQ = 1U << 17,
       AVX512BW = 1U << 30,   /* leaf 7, ebx; VL is bit 31 */
       AVX512VNNI = 1U << 11, /* leaf 7, ecx */
       AVX_VNNI = 1U << 4,    /* leaf 7, 1, eax */
       VECTORS_256 = 6,       /* XCR0: SSE and AVX registers */
       VECTORS_512 = 0xe0     /* XCR0: masks, upper halves, registers 16 to 31 */
};
#define AVX512VL (1U << 31)

typedef struct {
    unsigned leaf_1_ecx, leaf_7_ebx, leaf_7_ecx, leaf_7_1_eax, xcr0;
} machine;

static machine look(void) {
    machine it = {0};
    unsigned eax = 0, ebx = 0, ecx = 0, edx = 0, most = 0;
    if (__get_cpuid(1, &eax, &ebx, &ecx, &edx) != 0) it.leaf_1_ecx = ecx;
    if (__get_cpuid_count(7, 0, &most, &ebx, &ecx, &edx) != 0) {
        it.leaf_7_ebx = ebx;
        it.leaf_7_ecx = ecx;
        if (most >= 1 && __get_cpuid_count(7, 1, &eax, &ebx, &ecx, &edx) != 0)
            it.leaf_7_1_eax = eax;
    }
    if ((it.leaf_1_ecx & OSXSAVE) != 0)
        __asm__ volatile("xgetbv" : "=a"(it.xcr0), "=d"(edx) : "c"(0));
#if defined(__APPLE__) /* which enables them when a thread first uses them */
    if ((it.xcr0 & VECTORS_256) == VECTORS_256) it.xcr0 |= VECTORS_512;
#endif
    return it;
}

static bool all_of(unsigned word, unsigned bits) {
    return (word & bits) == bits;
}

bool machine_has(machine_set set) {
    const machine it = look();
    const bool narrow = all_of(it.xcr0, VECTORS_256), wide = all_of(it.xcr0, VECTORS_512) && narrow;
    const bool avx2 = narrow && all_of(it.leaf_7_ebx, AVX2) && all_of(it.leaf_1_ecx, FMA);
    const bool avx512 = wide && all_of(it.leaf_7_ebx, AVX512F | AVX512BW | AVX512VL);
    switch (set) {
    case MACHINE_AVX2: return avx2;
    case MACHINE_AVX_VNNI: return avx2 && all_of(it.leaf_7_1_eax, AVX_VNNI);
    case MACHINE_AVX512:
        return avx512 && all_of(it.leaf_7_ebx, AVX512DQ) && all_of(it.leaf_1_ecx, FMA);
    case MACHINE_AVX512_VNNI: return avx512 && all_of(it.leaf_7_ecx, AVX512VNNI);
    default: return false;
    }
}

#elif defined(__aarch64__) && defined(__APPLE__)
#include <stddef.h>
#include <sys/sysctl.h>

bool machine_has(machine_set set) {
    int has = 0;
    size_t size = sizeof has;
    return set == MACHINE_DOT_PRODUCT &&
           sysctlbyname("hw.optional.arm.FEAT_DotProd", &has, &size, NULL, 0) == 0 && has != 0;
}

#elif defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
enum { HAS_ASIMDDP = 1 << 20 }; /* HWCAP_ASIMDDP, which older headers lack */

bool machine_has(machine_set set) {
    return set == MACHINE_DOT_PRODUCT && (getauxval(AT_HWCAP) & HAS_ASIMDDP) != 0;
}

#else
bool machine_has(machine_set set) {
    (void)set;
    return false;
}
#endif
