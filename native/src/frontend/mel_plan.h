/* mel_plan.h - everything precomputed for a mel frame: window, twiddles, filters. */
#pragma once

#include "tagnode.h"

enum { TAGNODE_MEL_LANES = 4 }; /* filters are zero-padded to whole vectors of this many bins */

typedef struct {
    tagnode_frontend_settings settings;

    /* The real FFT of `fft` points is a complex one of n = fft / 2 points, computed as rows x
     * columns (see dsp_kernels.c). */
    uint32_t n, rows, columns;
    float *window_even, *window_odd;        /* n each, even and odd samples; zero from `frame` on */
    float *row_twiddle_re, *row_twiddle_im; /* stages of the FFTs down `rows` rows */
    float *column_twiddle_re, *column_twiddle_im; /* ... down `columns` rows */
    float *middle_re, *middle_im;                 /* n: between the two passes, [row][column] */
    float *split_re, *split_im; /* n / 2 + 1: from the complex FFT to the real one */

    /* Filters: band b applies width[b] weights (a multiple of TAGNODE_MEL_LANES) to
     * spectrum[start[b] ..]. */
    uint32_t *start, *width;
    float *weights; /* one band after the other */

    float *scratch_re[2], *scratch_im[2]; /* n each */
    float *spectrum;                      /* n + 1 bins, then TAGNODE_MEL_LANES zeros */
    float *upper; /* n / 2 + 1: bins n .. n / 2 before they are written to `spectrum` */
    void *memory; /* the memory that these point into */
} tagnode_mel_plan;

/* Checks the settings and builds the plan. Returns OK, ERROR_ARGUMENT or ERROR_MEMORY. */
tagnode_status tagnode_mel_plan_create(const tagnode_frontend_settings *settings,
                                       tagnode_mel_plan *plan, tagnode_message *why);
void tagnode_mel_plan_destroy(tagnode_mel_plan *plan);

/* Returns the number of samples of frame 0 before position 0. */
uint32_t tagnode_mel_plan_lead(const tagnode_frontend_settings *settings);
