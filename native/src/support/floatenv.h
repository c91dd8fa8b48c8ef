/* floatenv.h - flushes denormals to zero while the library computes, and restores the caller's
 * float environment. */
#pragma once

#include "tagnode.h"

#if defined(__x86_64__) || defined(__i386__)
#include <xmmintrin.h>
typedef unsigned int tagnode_floatenv;

static inline tagnode_floatenv tagnode_floatenv_enter(void) TAGNODE_NONBLOCKING {
    const tagnode_floatenv saved = _mm_getcsr();
    /* FTZ, DAZ, all exceptions masked, round to nearest: a host's settings must not change the
     * results. */
    _mm_setcsr(0x8040u | 0x1f80u);
    return saved;
}
static inline void tagnode_floatenv_leave(tagnode_floatenv saved) TAGNODE_NONBLOCKING {
    _mm_setcsr(saved);
}
#elif defined(__aarch64__)
typedef uint64_t tagnode_floatenv;

static inline tagnode_floatenv tagnode_floatenv_enter(void) TAGNODE_NONBLOCKING {
    tagnode_floatenv saved;
    __asm__ __volatile__("mrs %0, fpcr" : "=r"(saved));
    const uint64_t flush = UINT64_C(1) << 24; /* FZ */
    __asm__ __volatile__("msr fpcr, %0" : : "r"(flush));
    return saved;
}
static inline void tagnode_floatenv_leave(tagnode_floatenv saved) TAGNODE_NONBLOCKING {
    __asm__ __volatile__("msr fpcr, %0" : : "r"(saved));
}
#else
/* Other machines: NEON on 32-bit Arm flushes by itself; elsewhere denormals cost time, not
 * correctness. */
typedef int tagnode_floatenv;
static inline tagnode_floatenv tagnode_floatenv_enter(void) TAGNODE_NONBLOCKING {
    return 0;
}
static inline void tagnode_floatenv_leave(tagnode_floatenv saved) TAGNODE_NONBLOCKING {
    (void)saved;
}
#endif
