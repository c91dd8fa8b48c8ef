/* test_plugin_steps.c - no switch makes a step: every effect, every way to switch it, at moments
 * all over a block and a period of a sine, and for as long as echoes of the switch last. The
 * largest difference of two samples is held against what a sine of this frequency has, fades and
 * movements of coefficients included. */
#include "core/slots.h"
#include "rig.h"

enum { RATE = 48000, HERTZ = 50, LENGTH = 24000, FIRST = 6000, MOMENTS = 8, EDGE = 200 };

static const double PI = 3.14159265358979323846;
static const double LEVEL = 0.5;
static const double FADE = 1 / (0.010 * RATE);       /* a linear fade of 10 ms */
static const double SMOOTHED = 0.283 / TAGPLUG_GRID; /* one-pole of 4 ms, in its first interval */
static const double TIME = 0.04;                     /* s, of the delay */
static const double FEEDBACK = 0.4;

/* What is switched. */
typedef struct {
    tagplug_target target;
    double share; /* of the target's range */
    uint32_t source, model;
    bool bypass;
    double time, feedback;
} settings;

/* Two places for each effect, and the most by which it raises slopes between them. */
static const struct {
    double low, high, raises;
} effects[TAGPLUG_TARGETS] = {
    [TAGPLUG_TARGET_NONE] = {0, 0, 1},         [TAGPLUG_TARGET_GAIN] = {0.3, 0.8, 1}, /* to 0 dB */
    [TAGPLUG_TARGET_LOW_PASS] = {0.4, 0.9, 1}, [TAGPLUG_TARGET_HIGH_PASS] = {0.1, 0.6, 1},
    [TAGPLUG_TARGET_WIDTH] = {0.1, 0.8, 1.6},  /* the side's factor */
    [TAGPLUG_TARGET_DRIVE] = {0, 0.15, 1.862}, /* 5.4 dB, the slope at 0 */
    [TAGPLUG_TARGET_DELAY] = {0.2, 0.6, 2},    /* 1 + share / (1 - feedback) */
};

typedef enum { SET, LOAD, RESET, ACTIVATE } way;

static void to_bypass(settings *s) {
    s->bypass = true;
}
static void to_no_target(settings *s) {
    s->target = TAGPLUG_TARGET_NONE;
}
static void to_the_next_target(settings *s) {
    s->target = s->target + 1 < TAGPLUG_TARGETS ? s->target + 1 : TAGPLUG_TARGET_GAIN;
    s->share = effects[s->target].high;
}
static void to_a_source(settings *s) {
    s->source = RMS;
}
static void to_another_model(settings *s) {
    s->model = CUSTOM_1;
}
static void to_another_share(settings *s) {
    s->share = effects[s->target].low;
}
static void to_another_time(settings *s) {
    s->time = TIME / 3;
}
static void to_another_feedback(settings *s) {
    s->feedback = 0;
}
static void to_another_preset(settings *s) {
    to_the_next_target(s);
    to_another_time(s);
    to_another_feedback(s);
    to_another_model(s);
}
static void to_nothing(settings *s) {
    (void)s;
}

static const struct {
    const char *name;
    void (*turn)(settings *s);
    way by;
} switches[] = {{"bypass", to_bypass, SET},
                {"no target", to_no_target, SET},
                {"another target", to_the_next_target, SET},
                {"a source", to_a_source, SET},
                {"another model", to_another_model, SET},
                {"another share", to_another_share, SET},
                {"another delay time", to_another_time, SET},
                {"another feedback", to_another_feedback, SET},
                {"a preset", to_another_preset, LOAD},
                {"a preset's bypass", to_bypass, LOAD},
                {"reset", to_nothing, RESET},
                {"activate", to_nothing, ACTIVATE}};
enum { SWITCHES = sizeof switches / sizeof *switches };

static float in[2][LENGTH], out[2][LENGTH];

static void apply(tagplug *p, const settings *s) {
    tagplug_set(p, TAGPLUG_BYPASS, s->bypass);
    tagplug_set(p, TAGPLUG_MODEL, (float)s->model);
    tagplug_set(p, TAGPLUG_DELAY_TIME, (float)s->time);
    tagplug_set(p, TAGPLUG_DELAY_FEEDBACK, (float)s->feedback);
    set_field(p, 0, TAGPLUG_SOURCE, s->source);
    set_field(p, 0, TAGPLUG_TARGET, s->target);
    set_field(p, 0, TAGPLUG_MIN, s->share);
    set_field(p, 0, TAGPLUG_MAX, effects[s->target].low);
    set_field(p, 0, TAGPLUG_ATTACK, 0);
    set_field(p, 0, TAGPLUG_RELEASE, 0);
}

static void load(tagplug *p, const settings *s) {
    static unsigned char bytes[TAGPLUG_STATE_MOST];
    tagplug *other = tagplug_create(folder);
    apply(other, s);
    const size_t size = tagplug_save(other, bytes, sizeof bytes);
    tagplug_destroy(other);
    CHECK(tagplug_load(p, bytes, size, NULL) == TAGNODE_OK);
}

static void perform(tagplug *p, way by, const settings *s) {
    switch (by) {
    case SET: apply(p, s); break;
    case LOAD: load(p, s); break;
    case RESET: tagplug_reset(p); break;
    case ACTIVATE: tagplug_activate(p, RATE, 2); break;
    }
}

static void play(tagplug *p, int from, int until, uint32_t *random) {
    while (from < until) {
        int frames = 1 + (int)(next_number(random) % 300);
        if (frames > until - from) frames = until - from;
        const float *const input[2] = {in[0] + from, in[1] + from};
        float *const output[2] = {out[0] + from, out[1] + from};
        tagplug_process(p, input, output, (uint32_t)frames, NULL, NULL, 0);
        from += frames;
    }
}

/* Plays with the first settings, from `at` on with the second ones, and after `until` samples with
 * the first again. */
static void play_switch(const settings *first, const settings *second, way by, int at, int until) {
    uint32_t random = 7;
    tagplug *p = tagplug_create(folder);
    tagplug_set_offline(p, true);
    apply(p, first);
    tagplug_activate(p, RATE, 2);
    play(p, 0, at, &random);
    perform(p, by, second);
    play(p, at, at + until, &random);
    perform(p, by, first);
    play(p, at + until, LENGTH, &random);
    tagplug_destroy(p);
}

/* The largest difference of two samples. Where a host resets or activates within a sound, that
 * begins anew with an edge, to which effects respond at once; but not again as an echo. */
static double largest_step(bool cuts, int one, int two) {
    double most = 0;
    for (int c = 0; c < 2; ++c)
        for (int i = 1; i < LENGTH; ++i) {
            const bool cut = (i >= one && i < one + EDGE) || (i >= two && i < two + EDGE);
            const double step = fabs((double)out[c][i] - out[c][i - 1]);
            if (step > most && !(cuts && cut)) most = step;
        }
    return most;
}

static void check_switch(uint32_t target, int which, int moment, int until, bool back) {
    settings one = {(tagplug_target)target, effects[target].high, 0, SCENE, false, TIME, FEEDBACK};
    settings two = one;
    switches[which].turn(&two);
    const bool cuts = switches[which].by >= RESET;
    const int at = FIRST + 331 * moment; /* 11 of a grid's 64 and a third of a period further */
    play_switch(back ? &two : &one, back ? &one : &two, switches[which].by, at, until);
    const double sine = 2 * PI * HERTZ / RATE;
    const double raises = effects[one.target].raises; /* both raise while one fades to the other */
    const double allowed = LEVEL * (sine + FADE + SMOOTHED) * raises *
                           (two.target == one.target ? 1 : effects[two.target].raises);
    const double most = largest_step(cuts, at, at + until);
    if (!CHECK(most <= allowed))
        fprintf(stderr, "target %u, %s%s, moment %d, %d samples: %.4f, allowed %.4f\n", target,
                switches[which].name, back ? " and back" : "", moment, until, most, allowed);
}

static void test_no_switch_makes_a_step(void) {
    static const int lengths[] = {100, 700, 9000}; /* within a fade, within an echo, after all */
    for (int i = 0; i < LENGTH; ++i) {
        in[0][i] = (float)(LEVEL * sin(2 * PI * HERTZ * i / RATE));
        in[1][i] = -0.6F * in[0][i]; /* a mid and a side */
    }
    for (uint32_t target = TAGPLUG_TARGET_GAIN; target < TAGPLUG_TARGETS; ++target)
        for (int which = 0; which < SWITCHES; ++which)
            for (int moment = 0; moment < MOMENTS; ++moment)
                for (int back = 0; back < 2; ++back)
                    check_switch(target, which, moment, lengths[moment % 3], back == 1);
}

int main(void) {
    make_folder();
    test_no_switch_makes_a_step();
    remove_folder();
    return closing_line();
}
