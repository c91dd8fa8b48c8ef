#include "panel_parts.h"

enum { BINS = 64 };

static uint32_t bin_of(float value) {
    return value > 0 ? (uint32_t)fminf(value * BINS, BINS - 1) : 0; /* NaN: 0 */
}

/* The bin after which the upper group begins, by the largest variance between the groups, and that
 * variance. Of a range of equal ones the middle is taken. */
static uint32_t otsu(const uint32_t bins[BINS], uint32_t count, double *variance) {
    double sum = 0, below = 0, below_sum = 0;
    uint32_t first = 0, last = 0;
    *variance = 0;
    for (uint32_t i = 0; i < BINS; ++i) sum += (double)i * bins[i];
    for (uint32_t i = 0; i + 1 < BINS; ++i) {
        below += bins[i];
        below_sum += (double)i * bins[i];
        const double above = count - below;
        if (below == 0 || above == 0) continue;
        const double distance = below_sum / below - (sum - below_sum) / above;
        const double between = below * above * distance * distance / ((double)count * count);
        if (between > *variance * (1 + 1e-9)) first = i;
        if (between >= *variance * (1 - 1e-9)) last = i;
        *variance = fmax(*variance, between);
    }
    return (first + last) / 2;
}

float panel_learn(const float *values, uint32_t count) {
    static const double apart = 0.05; /* two groups whose means differ by twice that, if equal */
    static const float below = 0.05F;
    uint32_t bins[BINS] = {0};
    double variance = 0;
    float least = 1;
    for (uint32_t i = 0; i < count; ++i) {
        ++bins[bin_of(values[i])];
        least = fminf(least, values[i]);
    }
    const uint32_t at = otsu(bins, count, &variance);
    if (sqrt(variance) / BINS >= apart) return (float)(at + 1) / BINS;
    return fminf(fmaxf(least - below, 0), 1);
}
