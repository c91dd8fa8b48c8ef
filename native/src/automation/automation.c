/* automation.c - descriptors become parameters. Between two changes everything is one exponential,
 * so the value can be had anywhere without having been followed there. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "automation/knobs.h"
#include "support/message.h"
#include "tagnode.h"

typedef struct {
    int64_t position;
    float value; /* 0..1 */
} change;

/* Where a mapping is, see the header for the order of its parts. */
typedef enum {
    LEVEL,  /* the value stands or rises */
    WAITS,  /* it has fallen and is held until `expiry` */
    FOLLOWS /* it goes down since the hold is over */
} phase;

typedef struct {
    tagnode_mapping knobs;
    int64_t hold, delay; /* samples */

    bool started, open;     /* a value has come; the gate */
    bool first_waits;       /* the first value is in the queue: a jump */
    int64_t latest;         /* position of the last push */
    float pushed;           /* its value, 0..1 */
    float heard;            /* the descriptor's, as it was pushed last */
    change *queue;          /* changes that have not come to pass */
    uint32_t first, length; /* of the queue */

    phase phase;
    float value;    /* before the hold */
    int64_t expiry; /* of the hold */

    double origin, target; /* of the exponential, which starts at */
    int64_t since;
    double planned; /* where it was when the last step began that took it along */
} lane;

struct tagnode_automation {
    lane lanes[TAGNODE_MAX_MAPPINGS];
    uint32_t count, capacity;
    tagnode_combine combine;
    double sample_rate;
    int64_t asked;   /* all that is up to here has come to pass */
    int64_t renewed; /* from here on the next step takes the value along in any case */
    float value;     /* of the last step that took it along */
    change *memory;
};

/* ---- create ---- */

static tagnode_status check_all(const tagnode_mapping *mappings, uint32_t count,
                                tagnode_combine combine, double sample_rate, uint32_t queue,
                                tagnode_message *why) {
    const tagnode_status bad = TAGNODE_ERROR_ARGUMENT;
    if (count < 1 || count > TAGNODE_MAX_MAPPINGS)
        return tagnode_say(why, bad, "There are %u mappings on one parameter; it must be 1 to %d.",
                           count, TAGNODE_MAX_MAPPINGS);
    if ((unsigned)combine > TAGNODE_COMBINE_MAX)
        return tagnode_say(why, bad, "combine is number %d; it must be 0 (sum) or 1 (max).",
                           (int)combine);
    if (!(sample_rate >= TAGNODE_MIN_RATE && sample_rate <= TAGNODE_MAX_RATE))
        return tagnode_say(why, bad, "The sample rate is %g Hz; it must be from %d to %d Hz.",
                           sample_rate, TAGNODE_MIN_RATE, TAGNODE_MAX_RATE);
    if (queue < 1 || queue > 1048576)
        return tagnode_say(why, bad, "The queue holds %u changes; it must be 1 to 1048576.", queue);
    tagnode_status status = TAGNODE_OK;
    for (uint32_t i = 0; i < count && status == TAGNODE_OK; ++i)
        status = tagnode_mapping_check(&mappings[i], why);
    return status;
}

tagnode_status tagnode_automation_create(const tagnode_mapping *mappings, uint32_t count,
                                         tagnode_combine combine, double sample_rate,
                                         uint32_t queue, tagnode_automation **automation,
                                         tagnode_message *why) {
    *automation = NULL;
    const tagnode_status status = check_all(mappings, count, combine, sample_rate, queue, why);
    if (status != TAGNODE_OK) return status;
    tagnode_automation *a = calloc(1, sizeof *a);
    if (a != NULL) a->memory = calloc((size_t)count * queue, sizeof *a->memory);
    if (a == NULL || a->memory == NULL) {
        tagnode_automation_destroy(a);
        return tagnode_say(why, TAGNODE_ERROR_MEMORY, "No memory for an automation.");
    }
    a->count = count;
    a->capacity = queue;
    a->combine = combine;
    a->sample_rate = sample_rate;
    for (uint32_t i = 0; i < count; ++i) {
        a->lanes[i].knobs = mappings[i];
        a->lanes[i].hold = llround(mappings[i].hold * sample_rate);
        a->lanes[i].delay = llround(mappings[i].delay * sample_rate);
        a->lanes[i].queue = a->memory + (size_t)i * queue;
    }
    tagnode_automation_reset(a);
    *automation = a;
    return TAGNODE_OK;
}

void tagnode_automation_destroy(tagnode_automation *automation) {
    if (automation == NULL) return;
    free(automation->memory);
    free(automation);
}

/* ---- what a value comes to ---- */

static double clamp(double x) TAGNODE_NONBLOCKING {
    return x > 0 ? (x < 1 ? x : 1) : 0;
}

/* Gate or range, and inversion. */
static float control(lane *l, float value) TAGNODE_NONBLOCKING {
    const tagnode_mapping *m = &l->knobs;
    double x;
    if (m->gate == TAGNODE_GATE_NONE) {
        x = clamp(((double)value - m->low) / ((double)m->high - m->low));
    } else {
        const double beyond = m->gate == TAGNODE_GATE_ABOVE ? (double)value - m->threshold
                                                            : (double)m->threshold - value;
        l->open = beyond >= (l->open ? -(double)m->hysteresis : 0);
        x = l->open;
    }
    return (float)(m->invert ? 1 - x : x);
}

static double envelope(const lane *l, double sample_rate, int64_t position) TAGNODE_NONBLOCKING {
    const double seconds = l->target > l->origin ? l->knobs.attack : l->knobs.release;
    const double elapsed = position > l->since ? (double)(position - l->since) / sample_rate : 0;
    if (seconds <= 0) return l->target;
    return l->target + (l->origin - l->target) * exp(-elapsed / seconds);
}

static double parameter(const tagnode_mapping *m, double x) TAGNODE_NONBLOCKING {
    const double min = m->min, max = m->max;
    x *= m->depth;
    double y = min + (max - min) * x;
    if (m->curve == TAGNODE_CURVE_EXP) y = min + (max - min) * x * x;
    if (m->curve == TAGNODE_CURVE_LOG) y = min * pow(max / min, x);
    /* Rounding must not leave the range that a plugin accepts. */
    const double low = min < max ? min : max, high = min < max ? max : min;
    return y < low ? low : y > high ? high : y;
}

/* ---- time ---- */

static void aim(lane *l, double sample_rate, int64_t position, float target) TAGNODE_NONBLOCKING {
    if (target == l->target) return; /* the same exponential goes on: no new rounding */
    l->origin = envelope(l, sample_rate, position);
    l->target = target;
    l->since = position;
}

static void follow_until(lane *l, double sample_rate, int64_t position) TAGNODE_NONBLOCKING {
    if (l->phase != WAITS || l->expiry > position) return;
    l->phase = FOLLOWS;
    aim(l, sample_rate, l->expiry, l->value);
}

static void rest_at(lane *l, float value) TAGNODE_NONBLOCKING {
    l->phase = LEVEL;
    l->value = value;
    l->origin = l->target = value;
}

static void come_to_pass(lane *l, double sample_rate, change next) TAGNODE_NONBLOCKING {
    if (l->first_waits) {
        l->first_waits = false;
        rest_at(l, next.value);
        return;
    }
    follow_until(l, sample_rate, next.position);
    const float held = (float)l->target;
    l->value = next.value;
    if (next.value >= held) {
        l->phase = LEVEL;
    } else if (l->phase == LEVEL && l->hold > 0) {
        l->phase = WAITS;
        l->expiry = next.position + l->hold;
    }
    if (l->phase != WAITS) aim(l, sample_rate, next.position, next.value);
}

static change take_first(lane *l, uint32_t capacity) TAGNODE_NONBLOCKING {
    const change first = l->queue[l->first];
    l->first = (l->first + 1) % capacity;
    --l->length;
    return first;
}

static void advance(tagnode_automation *a, int64_t position) TAGNODE_NONBLOCKING {
    for (uint32_t i = 0; i < a->count; ++i) {
        lane *l = &a->lanes[i];
        while (l->length > 0 && l->queue[l->first].position <= position)
            come_to_pass(l, a->sample_rate, take_first(l, a->capacity));
        follow_until(l, a->sample_rate, position);
    }
    if (position > a->asked) a->asked = position;
}

void tagnode_automation_push(tagnode_automation *a, uint32_t mapping, int64_t position,
                             float value) {
    if (mapping >= a->count || isnan(value)) return;
    lane *l = &a->lanes[mapping];
    l->heard = value;
    const float x = control(l, value);
    if (l->started && position < l->latest) position = l->latest;
    if (position < a->asked) position = a->asked;
    if (l->started && x == l->pushed) return;
    if (l->length == a->capacity) come_to_pass(l, a->sample_rate, take_first(l, a->capacity));
    const int64_t delay = l->started ? l->delay : 0;
    l->queue[(l->first + l->length++) % a->capacity] = (change){position + delay, x};
    l->first_waits |= !l->started;
    l->started = true;
    l->latest = position;
    l->pushed = x;
}

/* Samples from now on, `asked`, where another knob moves a time that is still to come. */
static int64_t moved(const tagnode_automation *a, int64_t time, int64_t by) TAGNODE_NONBLOCKING {
    return time + by > a->asked ? time + by : a->asked;
}

bool tagnode_automation_change(tagnode_automation *a, uint32_t mapping,
                               const tagnode_mapping *knobs) {
    if (mapping >= a->count || !tagnode_mapping_is_valid(knobs)) return false;
    lane *l = &a->lanes[mapping];
    const bool moving = a->asked != INT64_MIN;
    if (moving) { /* attack and release are other ones from here on */
        l->origin = envelope(l, a->sample_rate, a->asked);
        l->since = a->asked;
    }
    const int64_t hold = llround(knobs->hold * a->sample_rate);
    const int64_t delay = llround(knobs->delay * a->sample_rate);
    if (l->phase == WAITS) l->expiry = moved(a, l->expiry, hold - l->hold);
    for (uint32_t i = l->first_waits; i < l->length; ++i) { /* the first one has no delay */
        change *each = &l->queue[(l->first + i) % a->capacity];
        each->position = moved(a, each->position, delay - l->delay);
    }
    l->knobs = *knobs;
    l->hold = hold;
    l->delay = delay;
    if (l->started) {
        tagnode_automation_push(a, mapping, l->latest, l->heard);
        return true;
    }
    const float rest = control(l, -HUGE_VALF);
    if (moving)
        aim(l, a->sample_rate, a->asked, l->value = rest);
    else
        rest_at(l, rest);
    return true;
}

float tagnode_automation_at(tagnode_automation *a, int64_t position) {
    advance(a, position);
    double sum = a->lanes[0].knobs.min, farthest = sum, way = -1;
    for (uint32_t i = 0; i < a->count; ++i) {
        const lane *l = &a->lanes[i];
        const double y = parameter(&l->knobs, envelope(l, a->sample_rate, position));
        const double moved = y - l->knobs.min;
        if (a->count == 1) return (float)y;
        sum += moved;
        if (fabs(moved) > way) {
            way = fabs(moved);
            farthest = y;
        }
    }
    return (float)(a->combine == TAGNODE_COMBINE_MAX ? farthest : sum);
}

/* Takes the value for the step that begins at `position`: it stays where it is within the
 * tolerance, and is made exact every RENEWAL samples. Returns whether it is another one. */
static bool take_along(tagnode_automation *a, int64_t position, float tolerance)
    TAGNODE_NONBLOCKING {
    enum { RENEWAL = 8192 };
    const float exact = tagnode_automation_at(a, position);
    bool due = position >= a->renewed;
    for (uint32_t i = 0; i < a->count; ++i) {
        const lane *l = &a->lanes[i];
        due |= fabs(envelope(l, a->sample_rate, position) - l->planned) > tolerance;
    }
    if (!due) return false;
    for (uint32_t i = 0; i < a->count; ++i)
        a->lanes[i].planned = envelope(&a->lanes[i], a->sample_rate, position);
    a->renewed = (position / RENEWAL + 1) * RENEWAL;
    const bool other = exact != a->value;
    a->value = exact;
    return other;
}

size_t tagnode_automation_plan(tagnode_automation *const *automations, uint32_t count,
                               int64_t position, int64_t until, const tagnode_steps *steps,
                               int64_t *positions, float *values, size_t capacity) {
    const int64_t grid = steps->grid, most = steps->most;
    size_t made = 0;
    for (int64_t at = position; at < until; at = (at / grid + 1) * grid) {
        bool begins = at == position || at % most == 0;
        for (uint32_t i = 0; i < count; ++i)
            if (at % grid == 0 || automations[i]->renewed == INT64_MIN) /* the very first step */
                begins |= take_along(automations[i], at, steps->tolerance);
        if (!begins || made == capacity) continue;
        positions[made] = at;
        for (uint32_t i = 0; i < count; ++i) values[made * count + i] = automations[i]->value;
        ++made;
    }
    return made;
}

void tagnode_automation_reset(tagnode_automation *a) {
    a->asked = a->renewed = INT64_MIN;
    a->value = 0;
    for (uint32_t i = 0; i < a->count; ++i) {
        lane *l = &a->lanes[i];
        l->started = l->open = l->first_waits = false;
        l->first = l->length = 0;
        l->latest = l->since = 0;
        rest_at(l, control(l, -HUGE_VALF));
    }
}
