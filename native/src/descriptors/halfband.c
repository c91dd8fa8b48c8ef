#include "descriptors/halfband.h"

#include "support/kaiser.h"

#include <math.h>
#include <string.h>

enum { FEW = 3 };

static const double PI = 3.14159265358979323846;

/* A sinc with a Kaiser window; its even taps are 0 but the middle one, which is a half. */
void tagnode_halfband_build(tagnode_halfband_filter *filter, bool wide) {
    const double beta = 5;
    const int taps = wide ? FEW : TAGNODE_HALFBAND_TAPS;
    double sum = 0;
    *filter = (tagnode_halfband_filter){.wide = wide};
    for (int k = 0; k < taps; ++k) {
        const double at = 2 * k + 1;
        const double tap = sin(PI * at / 2) / (PI * at) * tagnode_kaiser(at / (2.0 * taps), beta);
        filter->weight[k] = (float)tap;
        sum += 2 * tap;
    }
    for (int k = 0; k < taps; ++k) filter->weight[k] *= (float)(0.5 / sum);
}

/* Both delay alike: the middle is where that of the longer one is. */
static inline void convolve(const tagnode_halfband_filter *filter, const tagnode_halfband *state,
                            size_t count, size_t taps, float *restrict output) TAGNODE_NONBLOCKING {
    const float *restrict odd = state->odd, *restrict even = state->even;
    const float *restrict w = filter->weight;
    for (size_t i = 0; i < count; ++i) {
        float sum = 0.5F * even[i];
        for (size_t k = 0; k < taps; ++k)
            sum += w[k] *
                   (odd[i + TAGNODE_HALFBAND_TAPS - 1 - k] + odd[i + TAGNODE_HALFBAND_TAPS + k]);
        output[i] = sum;
    }
}

void tagnode_halfband_process(const tagnode_halfband_filter *filter, tagnode_halfband *state,
                              const float *input, size_t length, float *output) {
    const size_t count = length / 2;
    float *restrict odd = state->odd + TAGNODE_HALFBAND_ODD;
    float *restrict even = state->even + TAGNODE_HALFBAND_EVEN;
    for (size_t i = 0; i < count; ++i) {
        even[i] = input[2 * i];
        odd[i] = input[2 * i + 1];
    }
    if (filter->wide)
        convolve(filter, state, count, FEW, output);
    else
        convolve(filter, state, count, TAGNODE_HALFBAND_TAPS, output);
    memmove(state->odd, state->odd + count, TAGNODE_HALFBAND_ODD * sizeof(float));
    memmove(state->even, state->even + count, TAGNODE_HALFBAND_EVEN * sizeof(float));
}
