/* effects.c - the effects, their fades and their movement. An effect's coefficient changes linearly
 * from one point of the grid to the next and depends on the place in the grid only, so block sizes
 * make no difference. */
#include "effects.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "scaling.h"
#include "slots.h"

#define ALWAYS_INLINE static inline __attribute__((always_inline))

enum { FADE_MS = 10, TAPS = 4 };

static const double PI = 3.14159265358979323846;
static const double SMOOTHING = 0.004;             /* s, of what slots move */
static const float LOUDEST = 1e9F;                 /* a sample beyond it counts as 0 */
static const float QUIET = 0.001F;                 /* no edge, if a sound begins with it */
static const double DAMPING = 1.41421356237309505; /* 1/Q of a Butterworth filter */
static const double DRIVE_LEVEL = 0.25;            /* the level that drive leaves unchanged */
static const double DRIVE_RHO = 0.4;               /* see shape */

/* ---- life ---- */

static float share_per_step(double rate, double seconds) {
    return (float)(1 - exp(-TAGPLUG_GRID / (rate * seconds)));
}

bool tagplug_effects_create(tagplug_effects *e, double rate, uint32_t channels) {
    memset(e, 0, sizeof *e);
    e->fresh = true;
    e->rate = rate;
    e->channels = channels;
    e->smoothing = share_per_step(rate, SMOOTHING);
    const float longest = tagnode_plugin_parameter_info(TAGPLUG_DELAY_TIME)->high;
    for (e->line_size = 1; e->line_size < longest * rate + TAPS; e->line_size *= 2) {}
    for (uint32_t c = 0; c < channels; ++c) {
        e->line[c] = malloc(e->line_size * sizeof **e->line);
        if (e->line[c] == NULL) {
            tagplug_effects_destroy(e);
            return false;
        }
        memset(e->line[c], 0, e->line_size * sizeof **e->line); /* so that its pages are mapped */
    }
    for (uint32_t i = 0; i < TAGPLUG_TARGETS; ++i) {
        e->effect[i].mix_step = (float)(1000 / (FADE_MS * rate));
        e->chain[tagplug_target_of((tagplug_target)i)->stage] = (tagplug_target)i;
    }
    return true;
}

void tagplug_effects_destroy(tagplug_effects *e) {
    for (uint32_t c = 0; c < 2; ++c) {
        free(e->line[c]);
        e->line[c] = NULL;
    }
}

/* Clears the memory of an effect. */
static void clear(tagplug_effects *e, tagplug_target target) TAGNODE_NONBLOCKING {
    if (target == TAGPLUG_TARGET_LOW_PASS) memset(e->filter[0], 0, sizeof e->filter[0]);
    if (target == TAGPLUG_TARGET_HIGH_PASS) memset(e->filter[1], 0, sizeof e->filter[1]);
    if (target == TAGPLUG_TARGET_DRIVE) memset(e->drive, 0, sizeof e->drive);
    if (target == TAGPLUG_TARGET_DELAY) e->line_filled = 0;
}

void tagplug_effects_reset(tagplug_effects *e) {
    for (uint32_t i = 0; i < TAGPLUG_TARGETS; ++i) {
        clear(e, (tagplug_target)i);
        e->effect[i].mix = 0;
    }
    e->fresh = true;
}

/* ---- movement ---- */

void tagplug_effects_aim(tagplug_effects *e, tagplug_target target, bool wanted, float share) {
    e->effect[target].wanted = wanted;
    if (!wanted) return; /* it keeps its value and fades out */
    e->effect[target].wanted = e->channels == 2 || target != TAGPLUG_TARGET_WIDTH;
    e->effect[target].target = share;
}

void tagplug_effects_delay(tagplug_effects *e, float seconds, float feedback) {
    e->delay_wanted = seconds * e->rate;
    e->feedback_wanted = feedback;
}

/* The coefficient of an effect at this share of its range. */
static float coefficient(const tagplug_effects *e, uint32_t target, double share)
    TAGNODE_NONBLOCKING {
    const double value =
        tagnode_plugin_target_value(tagplug_target_of((tagplug_target)target), share);
    switch (target) {
    case TAGPLUG_TARGET_GAIN:
    case TAGPLUG_TARGET_DRIVE: return (float)pow(10, value / 20);
    case TAGPLUG_TARGET_LOW_PASS:
    case TAGPLUG_TARGET_HIGH_PASS: {
        const double most = 0.49 * e->rate;
        return (float)tan(PI * (value < most ? value : most) / e->rate);
    }
    default: return (float)value;
    }
}

/* Another time is faded to; one that comes before the end of a fade follows it. */
static void step_delay(tagplug_effects *e, bool begins) TAGNODE_NONBLOCKING {
    if (begins) {
        e->opening = e->fresh;
        e->send = 0;
        e->delay_to = e->delay_wanted;
        e->turned = 1;
        e->feedback_end = e->feedback_wanted;
    }
    if (e->turned == 1 && e->delay_to != e->delay_wanted) {
        e->delay_from = e->delay_to;
        e->delay_to = e->delay_wanted;
        e->turned = 0;
    }
    e->feedback_now = e->feedback_end;
    e->feedback_end += e->smoothing * (e->feedback_wanted - e->feedback_end);
}

void tagplug_effects_step(tagplug_effects *e) {
    for (uint32_t i = TAGPLUG_TARGET_GAIN; i < TAGPLUG_TARGETS; ++i) {
        tagplug_effect *effect = &e->effect[i];
        effect->in_path = effect->wanted || effect->mix > 0;
        if (!effect->in_path) continue;
        const bool begins = effect->mix == 0;
        if (begins) {
            clear(e, (tagplug_target)i);
            effect->share = effect->target;
            effect->end = coefficient(e, i, effect->share);
            if (e->fresh) effect->mix = 1;
        }
        effect->now = effect->end;
        if (effect->share != effect->target) {
            effect->share += e->smoothing * (effect->target - effect->share);
            if (fabsf(effect->target - effect->share) < 1e-6F) effect->share = effect->target;
            effect->end = coefficient(e, i, effect->share);
        }
        if (i == TAGPLUG_TARGET_DELAY) step_delay(e, begins);
    }
    e->fresh = false;
}

bool tagplug_effects_busy(const tagplug_effects *e) {
    bool any = false;
    for (uint32_t i = 0; i < TAGPLUG_TARGETS; ++i) any |= e->effect[i].in_path;
    return any;
}

/* ---- audio ---- */

/* Samples of one channel, and how the effect changes along them. */
typedef struct {
    float *x;
    uint32_t at, frames;
    float now, slope; /* the coefficient: now + slope * place in the grid */
    float mix, step;
} stretch;

static float along(const stretch *s, uint32_t i) TAGNODE_NONBLOCKING {
    return s->now + s->slope * (float)(s->at + i);
}

/* Writes the effect's output, as far as it is in the path. */
static void put(stretch *s, uint32_t i, double wet) TAGNODE_NONBLOCKING {
    s->mix += s->step;
    s->mix = s->mix < 0 ? 0 : s->mix > 1 ? 1 : s->mix;
    const float y = (float)wet;
    s->x[i] = s->mix == 1 ? y : s->x[i] + s->mix * (y - s->x[i]);
}

static void gain(stretch *s) TAGNODE_NONBLOCKING {
    for (uint32_t i = 0; i < s->frames; ++i) put(s, i, s->x[i] * along(s, i));
}

/* A state-variable filter with trapezoidal integrators, 12 dB an octave, stable while its frequency
 * moves (Zavalishin, "The Art of VA Filter Design", 2012, ch. 4; in Simper's form). */
static void filter(stretch *s, tagplug_filter_state *state, bool high) TAGNODE_NONBLOCKING {
    double one = state->one, two = state->two;
    for (uint32_t i = 0; i < s->frames; ++i) {
        const double g = along(s, i), x = s->x[i];
        const double a1 = 1 / (1 + g * (g + DAMPING)), a2 = g * a1, a3 = g * a2;
        const double v3 = x - two, band = a1 * one + a2 * v3, low = two + a2 * one + a3 * v3;
        one = 2 * band - one;
        two = 2 * low - two;
        put(s, i, high ? x - DAMPING * band - low : low);
    }
    state->one = one;
    state->two = two;
}

/* A chain of first-order allpasses: half of a half-band filter, at half its rate. */
static double allpasses(double x, const double *c, tagplug_allpass *state) TAGNODE_NONBLOCKING {
    for (int i = 0; i < TAGPLUG_ALLPASSES; ++i) {
        const double y = c[i] * (x - state[i].out) + state[i].in;
        state[i].in = x;
        state[i].out = y;
        x = y;
    }
    return x;
}

/* Elliptic half-band, 69 dB, made of two chains (Valenzuela and Constantinides, "Digital signal
 * processing schemes for efficient interpolation and decimation", 1983). */
static const double even[TAGPLUG_ALLPASSES] = {0.07711507983241622, 0.4820706250610472,
                                               0.7968204713315797, 0.9412514277740471};
static const double odd[TAGPLUG_ALLPASSES] = {0.2659685265210946, 0.6651041532634957,
                                              0.8841015085506159, 0.9820054141886075};

/* One sample at twice the rate: y = g x / sqrt(1 + c x^2) with c = (g^2 - 1) / r^2, a gain
 * of g for faint samples and of 1 at the level r; at g = 1 it is linear. Its antiderivative
 * keeps aliases low (Parker et al., "Reducing the aliasing of nonlinear waveshaping using
 * continuous-time convolution", DAFx 2016), and comes to g (a + b) / (sqrt(1 + c a^2) + sqrt(1 + c
 * b^2)) for samples a and b. Where that is linear it averages the two; (1 + rho) / (1 + rho / z)
 * makes up for it. */
static double shape(tagplug_drive_state *state, double g, double a) TAGNODE_NONBLOCKING {
    const double c = (g * g - 1) / (DRIVE_LEVEL * DRIVE_LEVEL), b = state->last;
    const double made = g * (a + b) / (sqrt(1 + c * a * a) + sqrt(1 + c * b * b));
    state->last = a;
    state->corrected = (1 + DRIVE_RHO) * made - DRIVE_RHO * state->corrected;
    return state->corrected;
}

static void drive(stretch *s, tagplug_drive_state *state) TAGNODE_NONBLOCKING {
    for (uint32_t i = 0; i < s->frames; ++i) {
        const double g = along(s, i), x = s->x[i];
        const double first = shape(state, g, allpasses(x, even, state->up[0]));
        const double second = shape(state, g, allpasses(x, odd, state->up[1]));
        const double y =
            allpasses(first, even, state->down[0]) + allpasses(state->second, odd, state->down[1]);
        state->second = second;
        put(s, i, 0.5 * y);
    }
}

static void width(stretch *left, stretch *right) TAGNODE_NONBLOCKING {
    for (uint32_t i = 0; i < left->frames; ++i) {
        const float l = left->x[i], r = right->x[i];
        const float mid = 0.5F * (l + r), side = 0.5F * (l - r) * along(left, i);
        put(left, i, mid + side);
        put(right, i, mid - side);
    }
}

/* The delay line `ago` samples ago, by a cubic through four samples (Catmull-Rom). */
ALWAYS_INLINE double line_at(const tagplug_effects *e, const float *line, uint32_t at,
                             uint32_t filled, double ago) TAGNODE_NONBLOCKING {
    const uint32_t whole = (uint32_t)ago, mask = e->line_size - 1;
    const double f = ago - whole;
    double p[TAPS];
    for (uint32_t k = 0; k < TAPS; ++k)
        p[k] = whole + k - 1 > filled ? 0 : line[(at - (whole + k - 1)) & mask];
    return p[1] + 0.5 * f *
                      (p[2] - p[0] +
                       f * (2 * p[0] - 5 * p[1] + 4 * p[2] - p[3] +
                            f * (3 * (p[1] - p[2]) + p[3] - p[0])));
}

static float toward_1(float x, float step) TAGNODE_NONBLOCKING {
    return x + step < 1 ? x + step : 1;
}

/* The send fades in like the output: what is cut hard here clicks one echo later. */
static void delay(const tagplug_effects *e, stretch *s, float *line) TAGNODE_NONBLOCKING {
    const float back_slope = (e->feedback_end - e->feedback_now) / TAGPLUG_GRID;
    const float step = e->effect[TAGPLUG_TARGET_DELAY].mix_step;
    float send = e->send, turned = e->turned;
    const bool settled = send == 1 && turned == 1;
    for (uint32_t i = 0; i < s->frames; ++i) {
        const uint32_t at = e->line_at + i, filled = e->line_filled + i;
        double wet = line_at(e, line, at, filled, e->delay_to);
        float sent = along(s, i) * s->x[i];
        if (!settled) {
            send = toward_1(send, step);
            turned = toward_1(turned, step);
            sent *= send;
            if (turned < 1) {
                const double from = line_at(e, line, at, filled, e->delay_from);
                wet = from + turned * (wet - from);
            }
        }
        const float back = e->feedback_now + back_slope * (float)(s->at + i);
        line[at & (e->line_size - 1)] = sent + back * (float)wet;
        put(s, i, s->x[i] + (float)wet);
    }
}

/* A sound that begins with the first sample is sent whole. One that was on already, where an
 * instance is activated within it, begins with an edge, which must not return as an echo. */
static void open_delay(tagplug_effects *e, float *const *audio) TAGNODE_NONBLOCKING {
    if (!e->opening) return;
    e->opening = false;
    e->send = 1;
    for (uint32_t c = 0; c < e->channels; ++c)
        if (fabsf(audio[c][0]) > QUIET) e->send = 0;
}

static void advance_delay(tagplug_effects *e, uint32_t frames) TAGNODE_NONBLOCKING {
    const float step = e->effect[TAGPLUG_TARGET_DELAY].mix_step;
    for (uint32_t i = 0; i < frames && (e->send < 1 || e->turned < 1); ++i) {
        e->send = toward_1(e->send, step);
        e->turned = toward_1(e->turned, step);
    }
    e->line_at += frames;
    e->line_filled += e->line_filled < e->line_size ? frames : 0;
}

static void process_channel(tagplug_effects *e, uint32_t target, uint32_t channel, stretch *s)
    TAGNODE_NONBLOCKING {
    switch (target) {
    case TAGPLUG_TARGET_GAIN: gain(s); break;
    case TAGPLUG_TARGET_LOW_PASS: filter(s, &e->filter[0][channel], false); break;
    case TAGPLUG_TARGET_HIGH_PASS: filter(s, &e->filter[1][channel], true); break;
    case TAGPLUG_TARGET_DRIVE: drive(s, &e->drive[channel]); break;
    case TAGPLUG_TARGET_DELAY: delay(e, s, e->line[channel]); break;
    default: break;
    }
}

void tagplug_effects_process(tagplug_effects *e, float *const *audio, uint32_t at,
                             uint32_t frames) {
    for (uint32_t c = 0; c < e->channels; ++c) /* also replaces NaN */
        for (uint32_t i = 0; i < frames; ++i)
            if (!(fabsf(audio[c][i]) <= LOUDEST)) audio[c][i] = 0;
    for (uint32_t stage = 1; stage < TAGPLUG_TARGETS; ++stage) {
        const tagplug_target target = e->chain[stage];
        tagplug_effect *effect = &e->effect[target];
        if (!effect->in_path) continue;
        stretch s[2] = {{.at = at,
                         .frames = frames,
                         .now = effect->now,
                         .x = audio[0],
                         .slope = (effect->end - effect->now) / TAGPLUG_GRID,
                         .mix = effect->mix,
                         .step = effect->wanted ? effect->mix_step : -effect->mix_step}};
        s[1] = s[0];
        s[1].x = audio[e->channels - 1];
        if (target == TAGPLUG_TARGET_DELAY) open_delay(e, audio);
        if (target == TAGPLUG_TARGET_WIDTH && e->channels == 2)
            width(&s[0], &s[1]);
        else
            for (uint32_t c = 0; c < e->channels; ++c) process_channel(e, target, c, &s[c]);
        if (target == TAGPLUG_TARGET_DELAY) advance_delay(e, frames);
        effect->mix = s[0].mix;
    }
}
