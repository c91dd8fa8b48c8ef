/* effects.h - what slots can move inside: gain, filters, width, drive, delay. An effect that is out
 * of the path does nothing at all; it comes and goes with a cross-fade. */
#ifndef TAGPLUG_EFFECTS_H
#define TAGPLUG_EFFECTS_H

#include "parameters.h"
#include "tagnode.h"

typedef struct {
    bool wanted, in_path; /* the latter changes at points of the grid only */
    float mix, mix_step;  /* 0 out of the path .. 1 in it; a sample's step */
    float share, target;  /* of the target's range, smoothed; what it is smoothed towards */
    float now, end;       /* what the effect computes with, at the ends of a stretch of the grid */
} tagplug_effect;

typedef struct {
    double one, two; /* of the integrators */
} tagplug_filter_state;

enum { TAGPLUG_ALLPASSES = 4 };

typedef struct {
    double in, out; /* the last sample */
} tagplug_allpass;

typedef struct {
    tagplug_allpass up[2][TAGPLUG_ALLPASSES],
        down[2][TAGPLUG_ALLPASSES]; /* to twice the rate, back */
    double last, corrected, second;
} tagplug_drive_state;

typedef struct {
    bool fresh; /* nothing was played: effects need not fade in */
    double rate;
    uint32_t channels;
    float smoothing, glide; /* shares of the way at each point of the grid */
    tagplug_effect effect[TAGPLUG_TARGETS];
    tagplug_filter_state filter[2][2]; /* low-pass, high-pass; channels */
    tagplug_drive_state drive[2];
    float *line[2];                            /* of the delay */
    uint32_t line_size, line_at, line_filled;  /* samples; the size is a power of 2 */
    double delay_now, delay_end, delay_wanted; /* samples */
    float feedback_now, feedback_end, feedback_wanted;
} tagplug_effects;

/* Returns false when there is no memory; then effects stay out of the path. [main] */
bool tagplug_effects_create(tagplug_effects *effects, double rate, uint32_t channels);
void tagplug_effects_destroy(tagplug_effects *effects); /* [main] */

/* What is wanted: whether a slot moves the effect, and where to, as a share of its range. */
void tagplug_effects_aim(tagplug_effects *effects, tagplug_target target, bool wanted, float share)
    TAGNODE_NONBLOCKING;
void tagplug_effects_delay(tagplug_effects *effects, float seconds, float feedback)
    TAGNODE_NONBLOCKING;

/* At a point of the grid: sets out from where the last stretch ended. [audio] */
void tagplug_effects_step(tagplug_effects *effects) TAGNODE_NONBLOCKING;

/* Whether any is in the path, or coming or going. [audio] */
bool tagplug_effects_busy(const tagplug_effects *effects) TAGNODE_NONBLOCKING;

/* Plays samples `at` up to `at + frames` of a stretch of the grid, in place. [audio] */
void tagplug_effects_play(tagplug_effects *effects, float *const *audio, uint32_t at,
                          uint32_t frames) TAGNODE_NONBLOCKING;

void tagplug_effects_reset(tagplug_effects *effects) TAGNODE_NONBLOCKING; /* [audio] */

#endif
