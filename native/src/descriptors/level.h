/* level.h - rms, peak and true peak of the last 50 ms, and whether that is silence. */
#ifndef TAGNODE_DESCRIPTORS_LEVEL_H
#define TAGNODE_DESCRIPTORS_LEVEL_H

#include "tagnode.h"

enum {
    TAGNODE_LEVEL_TAPS = 16,                    /* of an interpolating filter */
    TAGNODE_LEVEL_PAST = TAGNODE_LEVEL_TAPS - 1 /* samples that must lie before those heard */
};

typedef struct {
    uint32_t channels;
    uint32_t finer; /* 4, 2 or 1 times: the grid that true peaks are looked for on */
    /* Halves of symmetric filters of 16 taps: half-way between two samples, and what is even and
     * odd about the one a quarter of the way. */
    float half[TAGNODE_LEVEL_TAPS / 2];
    float quarter_even[TAGNODE_LEVEL_TAPS / 2], quarter_odd[TAGNODE_LEVEL_TAPS / 2];
    /* Of the last 50 ms, each a ring that is full at any time: */
    size_t window, at;
    float *square;     /* summed over the channels */
    float *peak;       /* of all channels, absolute */
    float *true_peak;  /* between the samples, 8 of them late */
    double quiet;      /* mean square below which it is quiet */
    int64_t hold;      /* samples until quiet is silence */
    int64_t quiet_for; /* samples since a look found it quiet, and each look after it; or -1 */
    int64_t unseen;    /* samples since the last look */
} tagnode_level;

typedef struct {
    float rms_db, peak_db, true_peak_db, crest_db;
    bool silent;
} tagnode_level_reading;

/* Returns OK or ERROR_MEMORY. */
tagnode_status tagnode_level_create(tagnode_level *level, uint32_t sample_rate, uint32_t channels,
                                    double silence_db, double silence_hold);
void tagnode_level_destroy(tagnode_level *level);
void tagnode_level_reset(tagnode_level *level) TAGNODE_NONBLOCKING;

/* Hears `length` samples of each channel, finite ones, with the TAGNODE_LEVEL_PAST samples before
 * them at negative indices. */
void tagnode_level_process(tagnode_level *level, const float *const *samples, size_t length)
    TAGNODE_NONBLOCKING;

/* Looks whether the last 50 ms are quiet. Called every 10 ms. */
void tagnode_level_check_silence(tagnode_level *level) TAGNODE_NONBLOCKING;

tagnode_level_reading tagnode_level_read(const tagnode_level *level) TAGNODE_NONBLOCKING;

#endif
