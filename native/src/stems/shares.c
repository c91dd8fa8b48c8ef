/* shares.c - from the masks of a model of stems to the stems' spectra: soft ratio masks. */
#include "tagnode.h"

#include <math.h>

static const float EPSILON = 1e-10F;

void tagnode_spectrum_magnitudes(const float *spectra, size_t count, const tagnode_shares *s,
                                 float *magnitudes) {
    const size_t row = (size_t)s->bins * s->channels;
    const size_t whole = (size_t)(s->frame / 2 + 1) * s->channels;
    for (size_t i = 0; i < count; ++i) {
        const float *restrict from = spectra + 2 * i * whole;
        float *restrict to = magnitudes + i * row;
        for (size_t k = 0; k < row; ++k)
            to[k] = sqrtf(from[2 * k] * from[2 * k] + from[2 * k + 1] * from[2 * k + 1]);
    }
}

/* Writes mask * magnitude to the power `exponent`, of one stem. */
static void powers(const float *restrict mask, const float *restrict spectrum, size_t row,
                   double exponent, float *restrict power) TAGNODE_NONBLOCKING {
    for (size_t k = 0; k < row; ++k)
        power[k] = mask[k] * mask[k] *
                   (spectrum[2 * k] * spectrum[2 * k] + spectrum[2 * k + 1] * spectrum[2 * k + 1]);
    if (exponent != 2)
        for (size_t k = 0; k < row; ++k) power[k] = powf(power[k], (float)(exponent / 2));
}

/* Returns the share of the bins above the masks, of one channel. */
static float above(const float *share, const tagnode_shares *s, uint32_t channel)
    TAGNODE_NONBLOCKING {
    if (!s->average) return 0;
    float sum = 0;
    for (uint32_t k = 0; k < s->bins; ++k) sum += share[k * s->channels + channel];
    return sum / (float)s->bins;
}

static void apply(const float *restrict share, const float *restrict spectrum,
                  const tagnode_shares *s, float *restrict out) TAGNODE_NONBLOCKING {
    const size_t row = (size_t)s->bins * s->channels;
    for (size_t k = 0; k < row; ++k) {
        out[2 * k] = share[k] * spectrum[2 * k];
        out[2 * k + 1] = share[k] * spectrum[2 * k + 1];
    }
    for (uint32_t c = 0; c < s->channels; ++c) {
        const float rest = above(share, s, c);
        for (size_t k = s->bins; k <= s->frame / 2; ++k) {
            const size_t at = 2 * (k * s->channels + c);
            out[at] = rest * spectrum[at];
            out[at + 1] = rest * spectrum[at + 1];
        }
    }
}

static void add(const float *restrict power, size_t row, float *restrict total)
    TAGNODE_NONBLOCKING {
    for (size_t k = 0; k < row; ++k) total[k] += power[k];
}

static void divide(float *restrict power, const float *restrict total, size_t row, float least)
    TAGNODE_NONBLOCKING {
    for (size_t k = 0; k < row; ++k) power[k] = (power[k] + least) / total[k];
}

void tagnode_share_spectra(const float *masks, size_t stride, const float *spectra, size_t count,
                           const tagnode_shares *s, float *scratch, float *const *output) {
    const size_t row = (size_t)s->bins * s->channels;
    const size_t whole = (size_t)(s->frame / 2 + 1) * s->channels;
    float *total = scratch + s->stems * row;
    for (size_t i = 0; i < count; ++i) {
        const float *spectrum = spectra + 2 * i * whole;
        for (size_t k = 0; k < row; ++k) total[k] = EPSILON;
        for (uint32_t stem = 0; stem < s->stems; ++stem) {
            float *power = scratch + stem * row;
            powers(masks + stem * stride + i * row, spectrum, row, s->exponent, power);
            add(power, row, total);
        }
        for (uint32_t stem = 0; stem < s->stems; ++stem) {
            float *share = scratch + stem * row;
            divide(share, total, row, EPSILON / (float)s->stems);
            apply(share, spectrum, s, output[stem] + 2 * i * whole);
        }
    }
}
