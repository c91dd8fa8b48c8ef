#include "descriptors/repetition.h"

#include "support/kaiser.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    BITS = TAGNODE_STEADY_BANDS - 1,
    LAGS_A_CHUNK = 10,
    BESIDE = 8,
    NONE = 0, /* a lag that is never compared */
    STEPS = 8 /* between two samples */
};

static const double WINDOW = 4, SHORTEST = 0.2, LONGEST = 50, PAUSE = 1; /* seconds */
static const float LOOP = 0.9F; /* correlation; the lag is tried again first */
static const double PI = 3.14159265358979323846;
static const double MOST_DIFFERENT = 0.4; /* share of the bits; unrelated frames have a half */
static const double EMPHASIS = 0.95;      /* so that bass alone does not decide */
static const double LEAST = 1e-10;        /* mean square of the waves, -100 dB */

/* A low-pass, -6 dB at 3/8 of the rate and -50 dB from 0.42 of it on, above which the decimation
 * has folded the spectrum; and the emphasis. */
static void build_filter(tagnode_repetition *r) {
    enum { MIDDLE = TAGNODE_REPETITION_TAPS / 2 - 1 };
    double taps[TAGNODE_REPETITION_TAPS + 1] = {0};
    for (int k = -MIDDLE; k <= MIDDLE; ++k) {
        const double edge = k == 0 ? 0.75 : sin(0.75 * PI * k) / (PI * k);
        taps[MIDDLE + k + 1] = edge * tagnode_kaiser((double)k / (MIDDLE + 1), 4.5);
    }
    for (int k = 0; k < TAGNODE_REPETITION_TAPS; ++k)
        r->taps[k] = (float)(taps[k + 1] - EMPHASIS * taps[k]);
}

tagnode_status tagnode_repetition_create(tagnode_repetition *r, double rate, uint32_t hop,
                                         uint32_t chunks) {
    memset(r, 0, sizeof *r);
    const double frames = rate / hop;
    r->hop = hop;
    r->window = (uint32_t)(WINDOW * frames + 0.5);
    r->first = (uint32_t)ceil(SHORTEST * frames);
    r->last = (uint32_t)(LONGEST * frames);
    r->share = (uint32_t)tagnode_whole_vectors((r->last - r->first) / chunks + 1);
    r->pause = (uint32_t)(PAUSE * frames + 0.5);
    r->prints_room = r->last + r->window + TAGNODE_LANES; /* vectors go beyond the last lag */
    r->length = (uint32_t)(WINDOW * rate);
    r->wave_room = (uint32_t)((LONGEST + WINDOW + 2) * rate); /* a search takes up to a second */
    r->prints = calloc(2 * (size_t)r->prints_room, sizeof *r->prints);
    r->distance = calloc(r->last + TAGNODE_LANES, sizeof *r->distance);
    r->wave = calloc(r->wave_room, sizeof *r->wave);
    if (r->prints == NULL || r->distance == NULL || r->wave == NULL) return TAGNODE_ERROR_MEMORY;
    build_filter(r);
    tagnode_repetition_reset(r);
    return TAGNODE_OK;
}

void tagnode_repetition_destroy(tagnode_repetition *r) {
    free(r->prints);
    free(r->distance);
    free(r->wave);
}

static void forget_failures(tagnode_repetition *r) TAGNODE_NONBLOCKING {
    memset(r->failed, 0, sizeof r->failed);
    memset(r->failures, 0, sizeof r->failures);
    r->failed_at = 0;
}

void tagnode_repetition_reset(tagnode_repetition *r) {
    memset(r->prints, 0, 2 * (size_t)r->prints_room * sizeof *r->prints);
    memset(r->distance, 0, (r->last + TAGNODE_LANES) * sizeof *r->distance);
    memset(r->wave, 0, r->wave_room * sizeof *r->wave);
    r->prints_at = 0;
    r->scanned = r->last + 1;
    r->distance[NONE] = UINT32_MAX;
    r->best = r->lag = r->kept = r->tried = r->rest = 0;
    r->waves = r->end = 0;
    forget_failures(r);
    memset(r->past, 0, sizeof r->past);
    r->past_at = 0;
    r->value = 0;
}

/* ---- fingerprints ---- */

static inline tagnode_bit_vector count_bits(tagnode_bit_vector x) TAGNODE_NONBLOCKING {
    x -= x >> 1 & 0x55555555;
    x = (x & 0x33333333) + (x >> 2 & 0x33333333);
    x = (x + (x >> 4)) & 0x0f0f0f0f;
    x += x >> 8;
    return (x + (x >> 16)) & 0x3f;
}

/* Frames in silence are equal; they get bits that match none (Knuth's multiplicative hash). */
static uint32_t no_print(uint64_t number) TAGNODE_NONBLOCKING {
    return (uint32_t)(number * 2654435761U) >> (32 - BITS);
}

/* Whether the waveform at a lag, or just beside it, was found not to be a loop, and the
 * fingerprints are not much more alike since: a loop that has just begun is within reach a little
 * later. */
static bool has_failed(const tagnode_repetition *r, uint32_t lag) TAGNODE_NONBLOCKING {
    for (size_t i = 0; i < TAGNODE_REPETITION_FAILED; ++i)
        if (r->failed[i] != NONE && lag + 1 >= r->failed[i] && lag <= r->failed[i] + 1)
            return r->distance[lag] > r->failed_distance[i] * 3 / 4;
    return false;
}

/* Replaces, for some lags, the oldest comparison in the window with the newest. */
static void compare(tagnode_repetition *r) TAGNODE_NONBLOCKING {
    if (r->scanned > r->last) return;
    const uint32_t left = r->last + 1 - r->scanned, count = left < r->share ? left : r->share;
    const uint32_t *newest = r->prints + r->prints_at, *gone = newest + r->window;
    uint32_t *distance = r->distance;
    for (uint32_t lag = r->scanned; lag < r->scanned + count; lag += TAGNODE_LANES)
        *(tagnode_bit_vector *)(distance + lag) +=
            count_bits(newest[0] ^ *(const tagnode_bit_vector *)(newest + lag)) -
            count_bits(gone[0] ^ *(const tagnode_bit_vector *)(gone + lag));
    uint32_t best = r->best;
    for (uint32_t lag = r->scanned; lag < r->scanned + count; ++lag)
        if (distance[lag] < distance[best] && !has_failed(r, lag)) best = lag;
    r->best = best;
    r->scanned += count;
}

/* ---- waveform ---- */

/* Inner product of two parts of the ring, `count` samples from `a` and from `b` on. */
static float inner(const tagnode_repetition *r, uint64_t a, uint64_t b, uint32_t count)
    TAGNODE_NONBLOCKING {
    double sum = 0;
    uint32_t i = (uint32_t)(a % r->wave_room), j = (uint32_t)(b % r->wave_room);
    while (count > 0) {
        uint32_t part = count < r->wave_room - i ? count : r->wave_room - i;
        part = part < r->wave_room - j ? part : r->wave_room - j;
        tagnode_vector lanes[4] = {{0}, {0}, {0}, {0}};
        uint32_t k = 0;
        for (; k + 4 * TAGNODE_LANES <= part; k += 4 * TAGNODE_LANES)
            for (size_t v = 0; v < 4; ++v)
                lanes[v] += *(const tagnode_vector *)(r->wave + i + k + v * TAGNODE_LANES) *
                            *(const tagnode_vector *)(r->wave + j + k + v * TAGNODE_LANES);
        sum += (double)tagnode_sum_lanes((lanes[0] + lanes[1]) + (lanes[2] + lanes[3]));
        for (; k < part; ++k) sum += (double)(r->wave[i + k] * r->wave[j + k]);
        count -= part;
        i = i + part == r->wave_room ? 0 : i + part;
        j = j + part == r->wave_room ? 0 : j + part;
    }
    return (float)sum;
}

static void begin_search(tagnode_repetition *r) TAGNODE_NONBLOCKING {
    const uint32_t lag = r->kept != 0 ? r->kept : r->best * r->hop;
    const bool alike = r->kept != 0 || r->distance[r->best] < MOST_DIFFERENT * BITS * r->window;
    if (!alike || r->waves < (uint64_t)lag + TAGNODE_REPETITION_REACH + r->length) {
        if (r->failed[0] == NONE)
            r->value = 0; /* else those that failed may be the best, after all */
        forget_failures(r);
        return;
    }
    r->lag = lag;
    r->candidate = r->kept != 0 ? NONE : r->best;
    r->candidate_distance = r->distance[r->best];
    r->end = r->waves;
    r->reach = r->kept != 0 ? 2 * BESIDE : TAGNODE_REPETITION_REACH;
    r->tried = 0;
}

/* The largest correlation between the samples around the best: products at the samples in between
 * follow from their neighbours, as of any band-limited signal. */
static double refine(const float *products, uint32_t best) TAGNODE_NONBLOCKING {
    double most = (double)products[best];
    for (int step = -STEPS + 1; step < STEPS; ++step) {
        if (step == 0) continue;
        const double at = (double)step / STEPS;
        double sum = 0;
        for (int k = -BESIDE; k <= BESIDE; ++k) {
            const double t = at - k, edge = cos(PI * t / (2 * (BESIDE + 1)));
            sum += (double)products[(int)best + k] * sin(PI * t) / (PI * t) * edge * edge;
        }
        most = sum > most ? sum : most;
    }
    return most;
}

/* Fingerprints prefer lags that are whole frames, and a codec may leave only every second round of
 * a loop alike: the next search is at another lag. */
static void note_failure(tagnode_repetition *r, float value) TAGNODE_NONBLOCKING {
    r->failed[r->failed_at] = r->candidate;
    r->failed_distance[r->failed_at] = r->candidate_distance;
    r->failures[r->failed_at] = value;
    r->failed_at = (r->failed_at + 1) % TAGNODE_REPETITION_FAILED;
}

static void end_search(tagnode_repetition *r) TAGNODE_NONBLOCKING {
    uint32_t best = BESIDE;
    for (uint32_t i = BESIDE; i <= 2 * r->reach - BESIDE; ++i)
        best = r->products[i] > r->products[best] ? i : best;
    const uint64_t begin = r->end - r->length;
    const uint64_t then = begin - r->lag - r->reach + best;
    const double powers = sqrt(r->power) * sqrt((double)inner(r, then, then, r->length));
    const double value = powers > LEAST * r->length ? refine(r->products, best) / powers : 0;
    const uint32_t found = r->lag + r->reach - best;
    const bool again = r->kept != 0 && value < (double)LOOP;
    r->lag = 0;
    r->kept = value < (double)LOOP || found > r->last * r->hop ? 0 : found;
    if (again) {
        r->rest = 0; /* another lag may be better */
        return;
    }
    const float limited = value < 0 ? 0 : value > 1 ? 1 : (float)value;
    if (value >= (double)LOOP)
        forget_failures(r);
    else
        note_failure(r, limited);
    r->value = limited;
    for (size_t i = 0; i < TAGNODE_REPETITION_FAILED; ++i)
        r->value = r->failures[i] > r->value ? r->failures[i] : r->value;
}

static void search(tagnode_repetition *r) TAGNODE_NONBLOCKING {
    if (r->lag == 0) return;
    const uint32_t count = 2 * r->reach + 1;
    const uint64_t begin = r->end - r->length;
    if (r->tried == 0) r->power = (double)inner(r, begin, begin, r->length);
    for (uint32_t i = 0; i < LAGS_A_CHUNK && r->tried < count; ++i, ++r->tried)
        r->products[r->tried] = inner(r, begin, begin - r->lag - r->reach + r->tried, r->length);
    if (r->tried == count) end_search(r);
}

/* ---- both ---- */

static float filter_sample(tagnode_repetition *r, float x) TAGNODE_NONBLOCKING {
    r->past_at = (r->past_at == 0 ? TAGNODE_REPETITION_TAPS : r->past_at) - 1;
    r->past[r->past_at] = r->past[r->past_at + TAGNODE_REPETITION_TAPS] = x;
    const float *past = r->past + r->past_at;
    tagnode_vector sum = {0};
    for (uint32_t k = 0; k < TAGNODE_REPETITION_TAPS; k += TAGNODE_LANES)
        sum += *(const tagnode_vector *)(r->taps + k) * *(const tagnode_vector *)(past + k);
    return tagnode_sum_lanes(sum);
}

void tagnode_repetition_process(tagnode_repetition *r, const float *wave, uint32_t count) {
    for (uint32_t i = 0; i < count; ++i)
        r->wave[(r->waves + i) % r->wave_room] = filter_sample(r, wave[i]);
    r->waves += count;
    compare(r);
    search(r);
}

void tagnode_repetition_push(tagnode_repetition *r, const float *db, const float *before,
                             bool audible) {
    if (r->lag == 0) {
        r->rest = r->rest > 0 ? r->rest - 1 : 0;
        if (r->rest == 0 && (r->best != NONE || r->kept != 0)) {
            begin_search(r);
            r->rest = r->pause;
        }
    }
    uint32_t print = no_print(r->waves);
    for (uint32_t b = 0; audible && b < BITS; ++b) {
        const bool rises = (db[b] - db[b + 1]) - (before[b] - before[b + 1]) > 0;
        print = b == 0 ? rises : print << 1 | rises;
    }
    r->prints_at = (r->prints_at == 0 ? r->prints_room : r->prints_at) - 1;
    r->prints[r->prints_at] = r->prints[r->prints_at + r->prints_room] = print;
    r->scanned = r->first;
    r->best = NONE;
}

float tagnode_repetition_read(const tagnode_repetition *repetition) {
    return repetition->value;
}
