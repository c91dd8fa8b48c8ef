/* tempo.h - tempo from the periodicity of onsets: an autocorrelation with exponential forgetting.
 */
#pragma once

#include "tagnode.h"

typedef struct {
    uint32_t stride, since; /* mel frames in a step, and so far in the current one */
    double step;            /* seconds */
    uint32_t lags;          /* a multiple of 4, or 0: frames too long for a tempo */
    uint32_t first, last;   /* lags of 240 and 40 BPM */
    float *memory;
    float *correlation; /* by lag */
    float *series; /* newest first, stored twice, so that any rotation of the ring is contiguous */
    float *prior;  /* by lag, from `first` on */
    uint32_t at;   /* index of the newest */
    float onset, before[2]; /* sum in this step and in the last two */
    float mean, mean_share; /* of the onsets, and the share that a step contributes */
    float keep;             /* factor of the correlation from step to step */
    float filled;           /* 0 to 1: how much of its memory is filled */
    uint64_t steps,
        warm_up; /* steps so far, and those at the start of the signal, which are ignored */
} tagnode_tempo;

typedef struct {
    float bpm, confidence;
} tagnode_tempo_reading;

/* For mel frames of `frame_seconds`; the first `warm_up` of them start before the signal. Returns
 * OK or ERROR_MEMORY. */
tagnode_status tagnode_tempo_create(tagnode_tempo *tempo, double frame_seconds, uint32_t warm_up);
void tagnode_tempo_destroy(tagnode_tempo *tempo);
void tagnode_tempo_reset(tagnode_tempo *tempo) TAGNODE_NONBLOCKING;

/* Processes the onset of the next mel frame. */
void tagnode_tempo_push(tagnode_tempo *tempo, float onset) TAGNODE_NONBLOCKING;

tagnode_tempo_reading tagnode_tempo_read(const tagnode_tempo *tempo) TAGNODE_NONBLOCKING;
