/* tempo.h - how fast the onsets repeat, from a correlation that forgets. */
#ifndef TAGNODE_DESCRIPTORS_TEMPO_H
#define TAGNODE_DESCRIPTORS_TEMPO_H

#include "tagnode.h"

typedef struct {
    uint32_t stride, since; /* mel frames in a step, and so far in this one */
    double step;            /* seconds */
    uint32_t lags;          /* a multiple of 4, or 0: frames too long for a tempo */
    uint32_t first, last;   /* lags of 240 and 40 BPM */
    float *memory;
    float *correlation; /* by lag */
    float *series;      /* the newest first, twice over, so that any turn of the ring is in a row */
    float *prior;       /* by lag, from `first` on */
    uint32_t at;        /* where the newest stands */
    float onset, before[2];  /* summed up in this step, and in the last two */
    float mean, mean_share;  /* of the onsets, and what a step adds to it */
    float keep;              /* of the correlation, from step to step */
    float filled;            /* 0 to 1: how much of its memory has been heard */
    uint64_t steps, warm_up; /* steps so far, and how many hear the beginning itself */
} tagnode_tempo;

typedef struct {
    float bpm, confidence;
} tagnode_tempo_reading;

/* One mel frame lasts `frame_seconds`; the first `warm_up` of them begin before the signal. Returns
 * OK or ERROR_MEMORY. */
tagnode_status tagnode_tempo_create(tagnode_tempo *tempo, double frame_seconds, uint32_t warm_up);
void tagnode_tempo_destroy(tagnode_tempo *tempo);
void tagnode_tempo_reset(tagnode_tempo *tempo) TAGNODE_NONBLOCKING;

/* Hears the onset of the next mel frame. */
void tagnode_tempo_push(tagnode_tempo *tempo, float onset) TAGNODE_NONBLOCKING;

tagnode_tempo_reading tagnode_tempo_read(const tagnode_tempo *tempo) TAGNODE_NONBLOCKING;

#endif
