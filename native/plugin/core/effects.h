/* effects.h - the effects that slots move: gain, filters, width, drive, delay. An effect that no
 * slot targets is out of the path; it fades in and out. */
#pragma once

#include "parameters/parameters.h"

typedef struct {
    bool wanted, in_path; /* in_path changes at points of the grid only */
    float mix, mix_step;  /* 0 out of the path .. 1 in it; step per sample */
    float share, target;  /* share of the target's range, smoothed; its goal */
    float now, end;       /* its coefficient at the ends of a grid interval */
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
    bool fresh; /* nothing was processed: effects need not fade in */
    double rate;
    uint32_t channels;
    float smoothing; /* coefficient of the one-pole smoothing, per grid interval */
    tagplug_effect effect[TAGPLUG_TARGETS];
    tagplug_target chain[TAGPLUG_TARGETS]; /* by stage, from 1 */
    tagplug_filter_state filter[2][2];     /* low-pass, high-pass; channels */
    tagplug_drive_state drive[2];
    float *line[2];                            /* of the delay */
    uint32_t line_size, line_at, line_filled;  /* samples; the size is a power of 2 */
    bool opening;                              /* the send begins with the sound, see delay */
    float send;                                /* 0 .. 1: the send fades in */
    double delay_from, delay_to, delay_wanted; /* samples */
    float turned;                              /* 0 at delay_from .. 1 at delay_to */
    float feedback_now, feedback_end, feedback_wanted;
} tagplug_effects;

/* Returns false when there is no memory; then effects stay out of the path. [main] */
bool tagplug_effects_create(tagplug_effects *effects, double rate, uint32_t channels);
void tagplug_effects_destroy(tagplug_effects *effects); /* [main] */

/* Sets whether a slot moves the effect, and where to, as a share of its range. */
void tagplug_effects_aim(tagplug_effects *effects, tagplug_target target, bool wanted, float share)
    TAGNODE_NONBLOCKING;
void tagplug_effects_delay(tagplug_effects *effects, float seconds, float feedback)
    TAGNODE_NONBLOCKING;

/* Begins the next grid interval, where the last one ended. [audio] */
void tagplug_effects_step(tagplug_effects *effects) TAGNODE_NONBLOCKING;

/* Whether any is in the path or fades. [audio] */
bool tagplug_effects_busy(const tagplug_effects *effects) TAGNODE_NONBLOCKING;

/* Processes samples `at` up to `at + frames` of a grid interval, in place. [audio] */
void tagplug_effects_process(tagplug_effects *effects, float *const *audio, uint32_t at,
                             uint32_t frames) TAGNODE_NONBLOCKING;

void tagplug_effects_reset(tagplug_effects *effects) TAGNODE_NONBLOCKING; /* [audio] */
