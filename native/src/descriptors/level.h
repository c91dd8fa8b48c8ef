/* level.h - RMS, peak and true peak of the last 50 ms, and silence detection. */
#pragma once

#include "tagnode.h"

enum {
    TAGNODE_LEVEL_TAPS = 16,                    /* of an interpolation filter */
    TAGNODE_LEVEL_PAST = TAGNODE_LEVEL_TAPS - 1 /* samples needed before a block */
};

typedef struct {
    uint32_t channels;
    uint32_t finer; /* oversampling for true peaks: 4, 2 or 1 */
    /* Halves of symmetric filters of 16 taps: at one half of a sample, and the even and odd parts
     * of the one at a quarter. */
    float half[TAGNODE_LEVEL_TAPS / 2];
    float quarter_even[TAGNODE_LEVEL_TAPS / 2], quarter_odd[TAGNODE_LEVEL_TAPS / 2];
    /* Rings of the last 50 ms, always full: */
    size_t window, at;
    float *square;     /* sum over the channels */
    float *peak;       /* largest absolute value of all channels */
    float *true_peak;  /* between samples, 8 samples late */
    double quiet;      /* mean square below which the level counts as quiet */
    int64_t hold;      /* samples of quiet before it is silence */
    int64_t quiet_for; /* samples since a check found it quiet, as each check after it; or -1 */
    int64_t unseen;    /* samples since the last check */
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

/* Processes `length` finite samples of each channel, which have TAGNODE_LEVEL_PAST samples before
 * them, at negative indices. */
void tagnode_level_process(tagnode_level *level, const float *const *samples, size_t length)
    TAGNODE_NONBLOCKING;

/* Checks whether the last 50 ms are quiet. Called every 10 ms. */
void tagnode_level_check_silence(tagnode_level *level) TAGNODE_NONBLOCKING;

tagnode_level_reading tagnode_level_read(const tagnode_level *level) TAGNODE_NONBLOCKING;
