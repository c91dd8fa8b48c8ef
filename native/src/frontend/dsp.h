/* dsp.h - the front-end's arithmetic, compiled once for each instruction set and selected at run
 * time. */
#pragma once

#include "frontend/mel_plan.h"

typedef struct {
    const char *name;
    /* One mel frame: `frame` samples in, `bands` floats out. Uses the plan's scratch. */
    void (*mel_frame)(const tagnode_mel_plan *plan, const float *samples, float *mel)
        TAGNODE_NONBLOCKING;
    /* The complex FFT of n points in scratch[0]; returns the index of the scratch that holds the
     * result. */
    int (*transform)(const tagnode_mel_plan *plan) TAGNODE_NONBLOCKING;
    /* Inner product of `length` floats, a multiple of 16. */
    float (*dot)(const float *a, const float *b, size_t length) TAGNODE_NONBLOCKING;
} tagnode_dsp;

/* Returns the best table for this machine, or the one that TAGNODE_ISA names. */
const tagnode_dsp *tagnode_dsp_select(void);
