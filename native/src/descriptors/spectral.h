/* spectral.h - timbre and change from power spectra, frame by frame. */
#pragma once

#include "descriptors/median.h"

enum { TAGNODE_SPECTRAL_BANDS = 24 }; /* Zwicker's */

typedef struct {
    size_t bins, row; /* of a spectrum, and with padding; zeros follow the bins */
    float *memory;
    float *hertz;                /* frequency of each bin */
    float *magnitude[2];         /* of the previous frame and of this one, alternating */
    float *past[TAGNODE_MEDIAN]; /* the last power spectra, a ring */
    float *mirrored;             /* the current spectrum, mirrored at its ends */
    float *across, *along;       /* medians over frequency and over time */
    uint32_t frame;              /* index into the rings */
    uint32_t bands;
    size_t edge[TAGNODE_SPECTRAL_BANDS + 1]; /* first bin of each band */
    float band_db[TAGNODE_SPECTRAL_BANDS];
    float full_scale; /* power in the bins of a full-scale sine */
} tagnode_spectral;

typedef struct {
    float brightness, flatness, flux, onset, percussive;
} tagnode_spectral_reading;

/* For spectra of `frame` samples with a Hann window, zero-padded to `fft` points, at `sample_rate`
 * Hz. Returns OK or ERROR_MEMORY. */
tagnode_status tagnode_spectral_create(tagnode_spectral *spectral, uint32_t sample_rate,
                                       uint32_t fft, uint32_t frame);
void tagnode_spectral_destroy(tagnode_spectral *spectral);
void tagnode_spectral_reset(tagnode_spectral *spectral) TAGNODE_NONBLOCKING;

/* Processes the power spectrum of the next frame, fft / 2 + 1 bins. */
tagnode_spectral_reading tagnode_spectral_push(tagnode_spectral *spectral, const float *power)
    TAGNODE_NONBLOCKING;
