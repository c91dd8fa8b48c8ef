/* repetition.h - whether the last seconds repeat what was there 0.2 to 50 s before: a player or an
 * encoder that is stuck.
 *
 * Fingerprints of frames find the lag (Haitsma and Kalker, "A highly robust audio fingerprinting
 * system", 2002); then the waveform below some 500 Hz is correlated near that lag. Music that
 * repeats has the notes again, a loop has the waveform again. The work is spread over chunks. */
#pragma once

#include "descriptors/steady.h"
#include "descriptors/vectors.h"

enum {
    TAGNODE_REPETITION_REACH =
        96, /* samples around a lag in which the waveform is searched at most */
    TAGNODE_REPETITION_TAPS = 36, /* of the filter before */
    TAGNODE_REPETITION_FAILED = 4 /* lags that are not tried again for some time */
};

typedef struct {
    uint32_t hop;         /* samples between two frames */
    uint32_t window;      /* frames that are compared */
    uint32_t first, last; /* lags in frames */
    uint32_t share;       /* lags that a chunk compares */
    uint32_t *prints;     /* newest first, stored twice, so that any rotation is contiguous */
    uint32_t prints_room, prints_at;
    uint32_t *distance; /* bits that differ, by lag */
    uint32_t scanned;   /* the next lag to compare with the newest print */
    uint32_t best;      /* lag with the least distance so far in this scan */

    float *wave; /* a ring */
    uint32_t wave_room;
    uint64_t waves;  /* samples so far */
    uint32_t length; /* samples that are correlated */
    float taps[TAGNODE_REPETITION_TAPS], past[2 * TAGNODE_REPETITION_TAPS];
    uint32_t past_at;

    /* The search in progress: */
    uint32_t lag;                /* its middle in samples, 0: none */
    uint32_t kept;               /* the lag at which the last search found a loop, 0: none */
    uint32_t candidate_distance; /* bits that differ there */
    uint32_t candidate;    /* the lag in frames that fingerprints found; 0: it is the kept one */
    uint64_t end;          /* of the samples that are correlated */
    uint32_t reach, tried; /* samples to either side; lags tried so far */
    float products[2 * TAGNODE_REPETITION_REACH + 1];
    double power;                               /* of those samples */
    uint32_t failed[TAGNODE_REPETITION_FAILED]; /* lags in frames that were tried last, 0: none */
    uint32_t failed_distance[TAGNODE_REPETITION_FAILED];
    float failures[TAGNODE_REPETITION_FAILED]; /* their correlations */
    uint32_t failed_at;
    uint32_t rest, pause; /* frames until the next search, and between two */
    float value;
} tagnode_repetition;

/* For waves at `rate` Hz, 1000 to 2000, and a frame every `hop` samples of it, which takes
 * `chunks` calls of process. Returns OK or ERROR_MEMORY. */
tagnode_status tagnode_repetition_create(tagnode_repetition *repetition, double rate, uint32_t hop,
                                         uint32_t chunks);
void tagnode_repetition_destroy(tagnode_repetition *repetition);
void tagnode_repetition_reset(tagnode_repetition *repetition) TAGNODE_NONBLOCKING;

/* Processes the samples of a chunk, and does a chunk's share of the comparisons. */
void tagnode_repetition_process(tagnode_repetition *repetition, const float *wave, uint32_t count)
    TAGNODE_NONBLOCKING;

/* Processes the levels of a frame's bands in dB and those of the frame before it, and whether it is
 * audible. */
void tagnode_repetition_push(tagnode_repetition *repetition, const float *db, const float *before,
                             bool audible) TAGNODE_NONBLOCKING;

/* Returns the correlation at the best lag, 0 to 1. */
float tagnode_repetition_read(const tagnode_repetition *repetition) TAGNODE_NONBLOCKING;
