#include "descriptors/median.h"

static inline void exchange(float *a, float *b) TAGNODE_NONBLOCKING {
    const float x = *a, y = *b;
    *a = x < y ? x : y;
    *b = x < y ? y : x;
}

/* 19 exchanges (Paeth, "Median finding on a 3 x 3 grid", Graphics Gems, 1990). */
void tagnode_median(const float *const rows[TAGNODE_MEDIAN], size_t count, float *restrict median) {
    const float *restrict r0 = rows[0], *restrict r1 = rows[1], *restrict r2 = rows[2];
    const float *restrict r3 = rows[3], *restrict r4 = rows[4], *restrict r5 = rows[5];
    const float *restrict r6 = rows[6], *restrict r7 = rows[7], *restrict r8 = rows[8];
    for (size_t i = 0; i < count; ++i) {
        float a = r0[i], b = r1[i], c = r2[i], d = r3[i], e = r4[i];
        float f = r5[i], g = r6[i], h = r7[i], j = r8[i];
        exchange(&b, &c);
        exchange(&e, &f);
        exchange(&h, &j);
        exchange(&a, &b);
        exchange(&d, &e);
        exchange(&g, &h);
        exchange(&b, &c);
        exchange(&e, &f);
        exchange(&h, &j);
        exchange(&a, &d);
        exchange(&f, &j);
        exchange(&e, &h);
        exchange(&d, &g);
        exchange(&b, &e);
        exchange(&c, &f);
        exchange(&e, &h);
        exchange(&e, &c);
        exchange(&g, &e);
        exchange(&e, &c);
        median[i] = e;
    }
}
