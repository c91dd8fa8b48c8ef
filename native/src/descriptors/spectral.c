#include "descriptors/spectral.h"

#include "descriptors/decibel.h"
#include "descriptors/vectors.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BESIDE = TAGNODE_MEDIAN / 2 }; /* bins that a median covers to either side */

/* Hz; Zwicker, "Subdivision of the audible frequency range into critical bands", 1961. */
static const float BAND_EDGES[TAGNODE_SPECTRAL_BANDS + 1] = {
    0,    100,  200,  300,  400,  510,  630,  770,  920,  1080, 1270,  1480, 1720,
    2000, 2320, 2700, 3150, 3700, 4400, 5300, 6400, 7700, 9500, 12000, 15500};

/* The bands that contain bins; the last one includes everything above it. */
static void find_bands(tagnode_spectral *s, double hz_per_bin) {
    size_t bin = 0;
    for (uint32_t band = 0; band < TAGNODE_SPECTRAL_BANDS && bin < s->bins; ++band) {
        const double end = (double)BAND_EDGES[band + 1];
        const size_t first = bin;
        while (bin < s->bins && (double)bin * hz_per_bin < end) ++bin;
        if (bin > first) s->edge[s->bands++] = first;
    }
    s->edge[s->bands] = s->bins;
}

tagnode_status tagnode_spectral_create(tagnode_spectral *s, uint32_t sample_rate, uint32_t fft,
                                       uint32_t frame) {
    memset(s, 0, sizeof *s);
    s->bins = fft / 2 + 1;
    s->row = tagnode_whole_vectors(BESIDE + s->bins + BESIDE);
    enum { ROWS = 6 + TAGNODE_MEDIAN };
    s->memory = calloc(ROWS * s->row, sizeof *s->memory);
    if (s->memory == NULL) return TAGNODE_ERROR_MEMORY;
    float *next = s->memory;
    float **const rows[ROWS] = {&s->hertz,   &s->magnitude[0], &s->magnitude[1], &s->mirrored,
                                &s->across,  &s->along,        &s->past[0],      &s->past[1],
                                &s->past[2], &s->past[3],      &s->past[4],      &s->past[5],
                                &s->past[6], &s->past[7],      &s->past[8]};
    for (size_t i = 0; i < ROWS; ++i, next += s->row) *rows[i] = next;
    const double hz_per_bin = (double)sample_rate / fft;
    for (size_t k = 0; k < s->bins; ++k) s->hertz[k] = (float)((double)k * hz_per_bin);
    find_bands(s, hz_per_bin);
    /* A sine's peak is half the sum of its window, frame / 4 for Hann, and the neighbouring bins
     * add half as much again. */
    s->full_scale = (float)(1.5 * frame * frame / 16);
    return TAGNODE_OK;
}

void tagnode_spectral_destroy(tagnode_spectral *spectral) {
    free(spectral->memory);
}

void tagnode_spectral_reset(tagnode_spectral *s) {
    memset(s->magnitude[0], 0, s->row * sizeof(float));
    memset(s->magnitude[1], 0, s->row * sizeof(float));
    for (size_t i = 0; i < TAGNODE_MEDIAN; ++i) memset(s->past[i], 0, s->row * sizeof(float));
    memset(s->band_db, 0, sizeof s->band_db);
    s->frame = 0;
}

/* Centroid of the magnitude spectrum, and the share of it that is new. */
static void measure_magnitude(const tagnode_spectral *s, const float *restrict now,
                              const float *restrict before, tagnode_spectral_reading *r)
    TAGNODE_NONBLOCKING {
    tagnode_vector sum = {0}, weighted = {0}, risen = {0};
    for (size_t k = 0; k < s->bins; k += TAGNODE_LANES) {
        const tagnode_vector m = *(const tagnode_vector *)(now + k);
        const tagnode_vector rise = m - *(const tagnode_vector *)(before + k);
        sum += m;
        weighted += m * *(const tagnode_vector *)(s->hertz + k);
        risen += (tagnode_vector)((tagnode_int_vector)rise & (rise > 0));
    }
    const float all = tagnode_sum_lanes(sum);
    r->brightness = all > 0 ? tagnode_sum_lanes(weighted) / all : 0;
    r->flux = all > 0 ? tagnode_sum_lanes(risen) / all : 0;
}

/* As in librosa.feature.spectral_flatness: */
static const float LEAST_POWER = 1e-10F; /* of a bin */

/* Sums of powers and of their logarithms. Exponents are added and mantissas, 1 to 2, multiplied, so
 * that 64 vectors need one logarithm. */
typedef struct {
    tagnode_vector powers, mantissas;
    tagnode_int_vector exponents;
} power_sums;

static inline void add_powers(power_sums *sums, tagnode_vector x) TAGNODE_NONBLOCKING {
    const tagnode_vector least = {LEAST_POWER, LEAST_POWER, LEAST_POWER, LEAST_POWER};
    const tagnode_int_vector above = x > least;
    const tagnode_int_vector bits =
        ((tagnode_int_vector)x & above) | ((tagnode_int_vector)least & ~above);
    sums->powers += (tagnode_vector)bits;
    sums->exponents += (bits >> 23) - 127;
    sums->mantissas *= (tagnode_vector)((bits & 0x007fffff) | 0x3f800000);
}

static double take_logarithm(power_sums *sums) TAGNODE_NONBLOCKING {
    const tagnode_vector m = sums->mantissas;
    const tagnode_int_vector e = sums->exponents;
    sums->mantissas = (tagnode_vector){1, 1, 1, 1};
    sums->exponents = (tagnode_int_vector){0};
    return log2((double)m[0] * (double)m[1] * (double)m[2] * (double)m[3]) +
           (double)(e[0] + e[1] + e[2] + e[3]);
}

/* Geometric over arithmetic mean, 0 in silence. */
static float flatness_of(const float *power, size_t bins) TAGNODE_NONBLOCKING {
    power_sums sums = {.mantissas = {1, 1, 1, 1}};
    double logarithms = 0;
    size_t k = 0;
    for (; k + TAGNODE_LANES <= bins; k += TAGNODE_LANES) {
        add_powers(&sums, *(const tagnode_vector *)(power + k));
        if ((k / TAGNODE_LANES) % 64 == 63) logarithms += take_logarithm(&sums);
    }
    double arithmetic = (double)tagnode_sum_lanes(sums.powers);
    for (; k < bins; ++k) {
        const float x = power[k] > LEAST_POWER ? power[k] : LEAST_POWER;
        arithmetic += (double)x;
        logarithms += log2((double)x);
    }
    logarithms += take_logarithm(&sums);
    arithmetic /= (double)bins;
    if (arithmetic <= (double)LEAST_POWER * 1.0001) return 0;
    const double flatness = exp2(logarithms / (double)bins) / arithmetic;
    return flatness < 1 ? (float)flatness : 1;
}

/* The mean rise over the critical bands. The knee of the logarithm is 50 dB below a full-scale
 * sine, so that faint content does not count. */
static float onset_of(tagnode_spectral *s, const float *power) TAGNODE_NONBLOCKING {
    const float scale = 1e5F / s->full_scale;
    float risen = 0;
    for (uint32_t band = 0; band < s->bands; ++band) {
        float sum = 0;
        for (size_t k = s->edge[band]; k < s->edge[band + 1]; ++k) sum += power[k];
        const float db = 10 * log10f(1 + scale * sum), rise = db - s->band_db[band];
        risen += rise > 0 ? rise : 0;
        s->band_db[band] = db;
    }
    return risen / (float)s->bands;
}

/* Harmonic sounds are smooth over time and percussive ones over frequency, so medians along each
 * axis separate them (Fitzgerald, "Harmonic/percussive separation using median filtering", 2010).
 * Medians of powers are the squares of medians of magnitudes, which the soft mask needs. */
static float percussive_of(tagnode_spectral *s, const float *power) TAGNODE_NONBLOCKING {
    memcpy(s->mirrored + BESIDE, power, s->bins * sizeof(float));
    for (size_t i = 0; i < BESIDE; ++i) {
        s->mirrored[BESIDE - 1 - i] = power[i];
        s->mirrored[BESIDE + s->bins + i] = power[s->bins - 1 - i];
    }
    const float *across[TAGNODE_MEDIAN], *along[TAGNODE_MEDIAN];
    for (size_t i = 0; i < TAGNODE_MEDIAN; ++i) {
        across[i] = s->mirrored + i;
        along[i] = s->past[i];
    }
    tagnode_median(across, s->bins, s->across);
    tagnode_median(along, s->bins, s->along);
    tagnode_vector percussive = {0}, all = {0};
    for (size_t k = 0; k < s->bins; k += TAGNODE_LANES) {
        const tagnode_vector p = *(const tagnode_vector *)(s->across + k);
        const tagnode_vector h = *(const tagnode_vector *)(s->along + k);
        const tagnode_vector x = *(const tagnode_vector *)(power + k);
        percussive += x * (p / (p + h + 1e-30F)); /* both may be 0 */
        all += x;
    }
    const float sum = tagnode_sum_lanes(all);
    return sum > 0 ? tagnode_sum_lanes(percussive) / sum : 0;
}

tagnode_spectral_reading tagnode_spectral_push(tagnode_spectral *s, const float *power) {
    float *kept = s->past[s->frame % TAGNODE_MEDIAN];
    float *now = s->magnitude[s->frame % 2], *before = s->magnitude[(s->frame + 1) % 2];
    s->frame = (s->frame + 1) % (2 * TAGNODE_MEDIAN);
    memcpy(kept, power, s->bins * sizeof *kept); /* zeros follow it */
    for (size_t k = 0; k < s->bins; ++k) now[k] = sqrtf(kept[k]);
    tagnode_spectral_reading r;
    measure_magnitude(s, now, before, &r);
    r.flatness = flatness_of(kept, s->bins);
    r.onset = onset_of(s, kept);
    r.percussive = percussive_of(s, kept);
    return r;
}
