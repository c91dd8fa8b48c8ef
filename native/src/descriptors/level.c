#include "descriptors/level.h"

#include "descriptors/decibel.h"
#include "descriptors/vectors.h"
#include "support/kaiser.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { GROUP = 4 * TAGNODE_LANES }; /* rings are zero-padded to a multiple of it */

static const double PI = 3.14159265358979323846;

/* A full-band sinc with a Kaiser window: within 0.05 dB up to 0.4 of the sample rate. Returns the
 * weight of the sample `k` - 7 samples from the one before the position, which is `fraction` of a
 * sample after it. */
static double filter(int k, double fraction) {
    const double reach = TAGNODE_LEVEL_TAPS / 2.0, beta = 5;
    const double t = k - (reach - 1) - fraction, angle = PI * t; /* never 0 */
    return sin(angle) / angle * tagnode_kaiser(t / reach, beta);
}

/* The filter at one half is symmetric, and those at one and three quarters mirror each other: one
 * set of sums and differences of samples at equal distance from the middle serves both. */
static void build_filters(tagnode_level *l) {
    double half = 0, quarter = 0;
    for (int k = 0; k < TAGNODE_LEVEL_TAPS; ++k) {
        half += filter(k, 0.5);
        quarter += filter(k, 0.25);
    }
    for (int k = 0; k < TAGNODE_LEVEL_TAPS / 2; ++k) {
        const double near = filter(k, 0.25), far = filter(TAGNODE_LEVEL_TAPS - 1 - k, 0.25);
        l->half[k] = (float)(filter(k, 0.5) / half);
        l->quarter_even[k] = (float)((near + far) / (2 * quarter));
        l->quarter_odd[k] = (float)((near - far) / (2 * quarter));
    }
}

static size_t room_of(const tagnode_level *l) TAGNODE_NONBLOCKING {
    return (l->window + GROUP - 1) / GROUP * GROUP;
}

tagnode_status tagnode_level_create(tagnode_level *l, uint32_t sample_rate, uint32_t channels,
                                    double silence_db, double silence_hold) {
    memset(l, 0, sizeof *l);
    l->channels = channels;
    /* BS.1770-4, Annex 2: oversampling to at least 192 kHz. */
    l->finer = sample_rate < 96000 ? 4 : sample_rate < 192000 ? 2 : 1;
    build_filters(l);
    l->window = (sample_rate + 10) / 20;
    l->quiet = pow(10, silence_db / 10);
    l->hold = llround(silence_hold * sample_rate);
    const size_t room = room_of(l);
    l->square = calloc(3 * room, sizeof *l->square);
    if (l->square == NULL) return TAGNODE_ERROR_MEMORY;
    l->peak = l->square + room;
    l->true_peak = l->peak + room;
    return TAGNODE_OK;
}

void tagnode_level_destroy(tagnode_level *level) {
    free(level->square);
}

void tagnode_level_reset(tagnode_level *l) {
    memset(l->square, 0, 3 * room_of(l) * sizeof *l->square);
    l->at = 0;
    l->quiet_for = l->unseen = 0;
}

static inline float larger(float a, float b) TAGNODE_NONBLOCKING {
    return a > b ? a : b;
}

static void add_samples(const float *restrict x, size_t length, float *restrict square,
                        float *restrict peak) TAGNODE_NONBLOCKING {
    for (size_t i = 0; i < length; ++i) {
        square[i] += x[i] * x[i];
        peak[i] = larger(fabsf(x[i]), peak[i]);
    }
}

/* The values between samples i - 8 and i - 7, for each i: at one half ... */
static void add_half(const tagnode_level *l, const float *restrict x, size_t length,
                     float *restrict true_peak) TAGNODE_NONBLOCKING {
    for (size_t i = 0; i < length; ++i) {
        const float *const first = x + i - TAGNODE_LEVEL_PAST, *const last = x + i;
        float half = 0;
        for (int k = 0; k < TAGNODE_LEVEL_TAPS / 2; ++k) half += l->half[k] * (first[k] + last[-k]);
        true_peak[i] = larger(fabsf(half), true_peak[i]);
    }
}

/* ... and at one, two and three quarters. */
static void add_quarters(const tagnode_level *l, const float *restrict x, size_t length,
                         float *restrict true_peak) TAGNODE_NONBLOCKING {
    for (size_t i = 0; i < length; ++i) {
        const float *const first = x + i - TAGNODE_LEVEL_PAST, *const last = x + i;
        float half = 0, even = 0, odd = 0;
        for (int k = 0; k < TAGNODE_LEVEL_TAPS / 2; ++k) {
            const float sum = first[k] + last[-k], difference = first[k] - last[-k];
            half += l->half[k] * sum;
            even += l->quarter_even[k] * sum;
            odd += l->quarter_odd[k] * difference;
        }
        const float quarters = larger(fabsf(even + odd), fabsf(even - odd));
        true_peak[i] = larger(larger(fabsf(half), quarters), true_peak[i]);
    }
}

void tagnode_level_process(tagnode_level *l, const float *const *samples, size_t length) {
    for (size_t done = 0; done < length;) {
        const size_t left = length - done, most = l->window - l->at;
        const size_t part = left < most ? left : most, bytes = part * sizeof(float);
        memset(l->square + l->at, 0, bytes);
        memset(l->peak + l->at, 0, bytes);
        memset(l->true_peak + l->at, 0, bytes);
        for (uint32_t c = 0; c < l->channels; ++c) {
            const float *x = samples[c] + done;
            add_samples(x, part, l->square + l->at, l->peak + l->at);
            if (l->finer == 4) add_quarters(l, x, part, l->true_peak + l->at);
            if (l->finer == 2) add_half(l, x, part, l->true_peak + l->at);
        }
        done += part;
        l->at = (l->at + part) % l->window;
    }
    l->unseen += (int64_t)length;
}

static double mean_square(const tagnode_level *l) TAGNODE_NONBLOCKING {
    tagnode_vector sum[4] = {{0}, {0}, {0}, {0}}; /* four chains hide the latency of the addition */
    for (size_t i = 0; i < l->window; i += GROUP)
        for (size_t j = 0; j < 4; ++j)
            sum[j] += *(const tagnode_vector *)(l->square + i + j * TAGNODE_LANES);
    const tagnode_vector all = (sum[0] + sum[1]) + (sum[2] + sum[3]);
    return (double)tagnode_sum_lanes(all) / ((double)l->window * l->channels);
}

static float largest(const float *restrict x, size_t count) TAGNODE_NONBLOCKING {
    float most[GROUP] = {0};
    for (size_t i = 0; i < count; i += GROUP)
        for (size_t j = 0; j < GROUP; ++j) most[j] = larger(x[i + j], most[j]);
    for (size_t j = 1; j < GROUP; ++j) most[0] = larger(most[j], most[0]);
    return most[0];
}

void tagnode_level_check_silence(tagnode_level *l) {
    if (!(mean_square(l) < l->quiet))
        l->quiet_for = -1;
    else
        l->quiet_for = l->quiet_for < 0 ? 0 : l->quiet_for + l->unseen;
    l->unseen = 0;
}

tagnode_level_reading tagnode_level_read(const tagnode_level *l) {
    const double square = mean_square(l), peak = largest(l->peak, l->window);
    const float between = largest(l->true_peak, l->window);
    const double highest = (double)between > peak ? (double)between : peak;
    tagnode_level_reading r = {
        .rms_db = tagnode_power_db(square, 0),
        .peak_db = tagnode_power_db(peak * peak, 0),
        .true_peak_db = tagnode_power_db(highest * highest, 0),
        .silent = square < l->quiet && l->quiet_for >= 0 && l->quiet_for + l->unseen >= l->hold,
    };
    r.crest_db = r.rms_db > TAGNODE_SILENT_DB && r.peak_db > r.rms_db ? r.peak_db - r.rms_db : 0;
    return r;
}
