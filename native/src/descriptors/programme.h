/* programme.h - what tells programme from faults of a transmission: balance of the channels,
 * clipping, hum, tones, noise, how much moves, and loops.
 *
 * Samples are processed in chunks. Two streams, left and right of a stereo downmix, are brought to
 * 8 to 16 kHz for spectra, and to an eighth of that for hum and loops. */
#pragma once

#include "descriptors/balance.h"
#include "descriptors/clipping.h"
#include "descriptors/halfband.h"
#include "descriptors/hum.h"
#include "descriptors/loudness.h"
#include "descriptors/repetition.h"
#include "descriptors/steady.h"
#include "frontend/dsp.h"

enum {
    TAGNODE_PROGRAMME_STREAMS = 2,
    TAGNODE_PROGRAMME_HALVINGS = 7,           /* at most: four to below 16 kHz, and three */
    TAGNODE_PROGRAMME_LOW = TAGNODE_CHUNK / 8 /* samples of a chunk at an eighth, at most */
};

typedef struct {
    tagnode_halfband halfband[TAGNODE_PROGRAMME_HALVINGS];
    float chunk[TAGNODE_CHUNK];
    float frame[TAGNODE_STEADY_FFT];
    float low[TAGNODE_PROGRAMME_LOW];
} tagnode_programme_stream;

typedef struct {
    tagnode_balance_reading balance;
    float clipping, hum, repetition;
    tagnode_steady_reading steady;
} tagnode_programme_reading;

typedef struct {
    uint32_t channels, streams;
    float downmix[TAGNODE_PROGRAMME_STREAMS][TAGNODE_MAX_CHANNELS];
    uint32_t halvings; /* to the rate of the spectra */
    uint32_t filled;   /* samples in the chunk so far */
    float chunk[TAGNODE_MAX_CHANNELS][TAGNODE_CHUNK];
    tagnode_programme_stream stream[TAGNODE_PROGRAMME_STREAMS];

    uint32_t block_chunks, chunks;     /* in a block of about 0.1 s, and so far */
    double block_square, frame_square; /* sums of squares of the streams */
    uint32_t frame_filled;
    tagnode_halfband_filter wide, narrow;
    tagnode_balance balance;
    tagnode_clipping clipping;
    tagnode_hum hum;
    tagnode_steady steady;
    tagnode_repetition repetition;
    tagnode_mel_plan plan;
    const tagnode_dsp *dsp;
    float power[TAGNODE_PROGRAMME_STREAMS][TAGNODE_STEADY_BINS];
    float before[TAGNODE_STEADY_BANDS]; /* levels of the frame before */
    tagnode_programme_reading reading;
} tagnode_programme;

/* `loudness` has the K-weighting. Returns OK or ERROR_MEMORY. */
tagnode_status tagnode_programme_create(tagnode_programme *programme, uint32_t sample_rate,
                                        uint32_t channels, const tagnode_loudness *loudness);
void tagnode_programme_destroy(tagnode_programme *programme);
void tagnode_programme_reset(tagnode_programme *programme) TAGNODE_NONBLOCKING;

/* Processes `length` finite samples of each channel. */
void tagnode_programme_process(tagnode_programme *programme, const float *const *samples,
                               size_t length) TAGNODE_NONBLOCKING;
