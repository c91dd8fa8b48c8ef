#include "descriptors/tempo.h"

#include "descriptors/vectors.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { HARMONICS = 4, SLOWEST = 40, FASTEST = 240 /* BPM */ };

static const double MEMORY = 8;             /* seconds; time constant of the correlation */
static const double MEAN_MEMORY = 1;        /* seconds; time constant of the mean of the onsets */
static const double SHORTEST = 0.008;       /* seconds; shorter mel frames are combined */
static const double LONGEST = 0.05;         /* seconds; longer mel frames give no tempo */
static const float LEAST_ONSET = 0.25F;     /* dB RMS: less variation has no beat */
static const float LEAST_CONFIDENCE = 0.1F; /* white noise reaches half of it */

tagnode_status tagnode_tempo_create(tagnode_tempo *t, double frame_seconds, uint32_t warm_up) {
    memset(t, 0, sizeof *t);
    t->stride = frame_seconds < SHORTEST ? (uint32_t)ceil(SHORTEST / frame_seconds) : 1;
    t->step = t->stride * frame_seconds;
    if (t->step > LONGEST) return TAGNODE_OK;
    t->warm_up = warm_up / t->stride + 1;
    t->first = (uint32_t)floor(60.0 / FASTEST / t->step);
    t->last = (uint32_t)ceil(60.0 / SLOWEST / t->step);
    t->lags = (uint32_t)tagnode_whole_vectors((size_t)HARMONICS * (t->last + 4)); /* see refine */
    t->memory = calloc(4 * (size_t)t->lags, sizeof *t->memory);
    if (t->memory == NULL) return TAGNODE_ERROR_MEMORY;
    t->correlation = t->memory;
    t->prior = t->correlation + t->lags;
    t->series = t->prior + t->lags;
    for (uint32_t lag = t->first; lag <= t->last; ++lag) {
        const double octaves = log2(60 / (lag * t->step) / 120); /* librosa.feature.tempo's prior */
        t->prior[lag] = (float)exp(-0.5 * octaves * octaves);
    }
    t->mean_share = (float)(1 - exp(-t->step / MEAN_MEMORY));
    t->keep = (float)exp(-t->step / MEMORY);
    return TAGNODE_OK;
}

void tagnode_tempo_destroy(tagnode_tempo *tempo) {
    free(tempo->memory);
}

void tagnode_tempo_reset(tagnode_tempo *t) {
    if (t->lags > 0) {
        memset(t->correlation, 0, t->lags * sizeof(float));
        memset(t->series, 0, 2 * (size_t)t->lags * sizeof(float));
    }
    t->since = t->at = 0;
    t->onset = t->before[0] = t->before[1] = t->mean = t->filled = 0;
    t->steps = 0;
}

/* Puts the next value in front of the others and adds its products with all of them. */
static void correlate(tagnode_tempo *t, float value) TAGNODE_NONBLOCKING {
    t->at = (t->at == 0 ? t->lags : t->at) - 1;
    t->series[t->at] = t->series[t->at + t->lags] = value;
    const float *restrict series = t->series + t->at;
    float *restrict correlation = t->correlation;
    const float keep = t->keep;
    for (uint32_t lag = 0; lag < t->lags; ++lag)
        correlation[lag] = keep * correlation[lag] + value * series[lag];
}

void tagnode_tempo_push(tagnode_tempo *t, float onset) {
    if (t->lags == 0) return;
    t->onset += onset;
    if (++t->since < t->stride) return;
    const float now = t->steps < t->warm_up ? 0 : t->onset;
    t->since = 0;
    t->onset = 0;
    /* Smoothed, so that a beat counts alike at any position between two frames. */
    const float smooth = 0.25F * now + 0.5F * t->before[0] + 0.25F * t->before[1];
    t->before[1] = t->before[0];
    t->before[0] = now;
    const float share = 1 / (float)++t->steps; /* a plain mean at first */
    t->mean += (smooth - t->mean) * (share > t->mean_share ? share : t->mean_share);
    t->filled += (1 - t->filled) * (1 - t->keep);
    correlate(t, smooth - t->mean);
}

/* The largest correlation up to `reach` lags from `lag`. */
static float best_near(const tagnode_tempo *t, uint32_t lag, uint32_t reach) TAGNODE_NONBLOCKING {
    float best = t->correlation[lag - reach];
    for (uint32_t i = lag - reach + 1; i <= lag + reach; ++i)
        best = t->correlation[i] > best ? t->correlation[i] : best;
    return best;
}

/* A beat repeats at its multiples too; half a beat and a wrong one do so less. */
static uint32_t best_lag(const tagnode_tempo *t) TAGNODE_NONBLOCKING {
    uint32_t best = t->first;
    float most = 0;
    for (uint32_t lag = t->first; lag <= t->last; ++lag) {
        float sum = t->correlation[lag];
        for (uint32_t h = 2; h <= HARMONICS; ++h) sum += best_near(t, h * lag, h / 2);
        const float score = sum * t->prior[lag];
        best = score > most ? lag : best;
        most = score > most ? score : most;
    }
    return best;
}

/* Position of the correlation's peak around `lag`, by a parabola through its highest point. */
static double refine(const tagnode_tempo *t, double lag, uint32_t reach, float *height)
    TAGNODE_NONBLOCKING {
    const uint32_t middle = (uint32_t)(lag + 0.5);
    uint32_t top = middle - reach;
    for (uint32_t i = top + 1; i <= middle + reach; ++i)
        top = t->correlation[i] > t->correlation[top] ? i : top;
    const float *c = t->correlation + top;
    const float curve = c[-1] - 2 * c[0] + c[1], slope = c[-1] - c[1];
    float off = curve < 0 ? 0.5F * slope / curve : 0;
    off = off < -0.5F ? -0.5F : off > 0.5F ? 0.5F : off;
    *height = c[0] - 0.25F * slope * off;
    return (double)top + (double)off;
}

tagnode_tempo_reading tagnode_tempo_read(const tagnode_tempo *t) {
    if (t->lags == 0) return (tagnode_tempo_reading){0, 0};
    float height, unused;
    double lag = refine(t, best_lag(t), 1, &height);
    const float floor = LEAST_ONSET * LEAST_ONSET / (1 - t->keep);
    const float share = height / (t->correlation[0] + floor) * t->filled;
    const float confidence = share < 0 ? 0 : share > 1 ? 1 : share;
    if (confidence < LEAST_CONFIDENCE) return (tagnode_tempo_reading){0, confidence};
    /* Two and four beats give their length more exactly. */
    lag = refine(t, 2 * lag, 1, &unused) / 2;
    lag = refine(t, 4 * lag, 2, &unused) / 4;
    const double bpm = 60 / (lag * t->step), at_least = bpm > SLOWEST ? bpm : SLOWEST;
    return (tagnode_tempo_reading){(float)(at_least < FASTEST ? at_least : FASTEST), confidence};
}
