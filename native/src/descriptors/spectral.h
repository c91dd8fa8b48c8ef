/* spectral.h - what a power spectrum says of colour and change, frame by frame. */
#ifndef TAGNODE_DESCRIPTORS_SPECTRAL_H
#define TAGNODE_DESCRIPTORS_SPECTRAL_H

#include "descriptors/median.h"

enum { TAGNODE_SPECTRAL_BANDS = 24 }; /* Zwicker's */

typedef struct {
    size_t bins, row; /* of a spectrum, and with room around it; beyond the bins are zeros */
    float *memory;
    float *hertz;                /* of each bin */
    float *magnitude[2];         /* of the frame before and of this one, by turns */
    float *past[TAGNODE_MEDIAN]; /* the last power spectra, a ring */
    float *mirrored;             /* this one, mirrored beyond its ends */
    float *across, *along;       /* medians over frequency and over time */
    uint32_t frame;              /* where the rings stand */
    uint32_t bands;
    size_t edge[TAGNODE_SPECTRAL_BANDS + 1]; /* first bin of each band */
    float band_db[TAGNODE_SPECTRAL_BANDS];
    float full_scale; /* power in the bins of a full-scale sine */
} tagnode_spectral;

typedef struct {
    float brightness, flatness, flux, onset, percussive;
} tagnode_spectral_reading;

/* `frame` samples under a Hann window amid `fft` points, at `sample_rate` Hz. Returns OK or
 * ERROR_MEMORY. */
tagnode_status tagnode_spectral_create(tagnode_spectral *spectral, uint32_t sample_rate,
                                       uint32_t fft, uint32_t frame);
void tagnode_spectral_destroy(tagnode_spectral *spectral);
void tagnode_spectral_reset(tagnode_spectral *spectral) TAGNODE_NONBLOCKING;

/* Takes the power spectrum of the next frame, fft / 2 + 1 bins. */
tagnode_spectral_reading tagnode_spectral_push(tagnode_spectral *spectral, const float *power)
    TAGNODE_NONBLOCKING;

#endif
