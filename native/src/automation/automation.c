/* automation.c - maps descriptors to parameters. Between two changes the envelope is one
 * exponential, so its value at any position has a closed form. */
#include <math.h>
#include <stdlib.h>

#include "automation/knobs.h"
#include "automation/recent.h"
#include "support/message.h"
#include "tagnode.h"

typedef struct {
    int64_t position;
    float value; /* 0..1 */
} change;

/* Phase of the hold of a mapping; see the header for the order of the stages. */
typedef enum {
    LEVEL, /* the value is constant or rises */
    HOLDS, /* the value has fallen and is held until `expiry` */
    FALLS  /* the hold is over and the value falls */
} phase;

typedef struct {
    tagnode_mapping knobs;
    int64_t median, hold, delay; /* samples */

    bool started, open;     /* a value was pushed; the gate is open */
    bool first_waits;       /* the first value is in the queue and will be applied as a jump */
    int64_t latest;         /* position of the last push */
    float pushed;           /* its value, 0..1 */
    float raw;              /* the descriptor's last value, in its own unit */
    tagnode_recent *recent; /* its values of the time of the median */
    change *queue;          /* changes that are still pending */
    uint32_t first, length; /* of the queue */

    phase phase;
    float value;    /* before the hold */
    int64_t expiry; /* of the hold */

    double origin, target; /* of the exponential, which starts at */
    int64_t since;
    double stepped; /* the envelope at the last step that updated the parameter */
} mapping_state;

struct tagnode_automation {
    mapping_state states[TAGNODE_MAX_MAPPINGS];
    uint32_t count, capacity;
    tagnode_combine combine;
    double sample_rate;
    int64_t asked;   /* all changes up to this position have been applied */
    int64_t renewed; /* from this position on, the next step updates the parameter in any case */
    float value;     /* the parameter at the last step that updated it */
    change *memory;
    tagnode_recent *recent;
};

/* ---- create ---- */

static tagnode_status check_all(const tagnode_mapping *mappings, uint32_t count,
                                tagnode_combine combine, double sample_rate, uint32_t queue,
                                tagnode_message *why) {
    if (count < 1 || count > TAGNODE_MAX_MAPPINGS)
        return tagnode_refuse(why, "There are %u mappings on one parameter; it must be 1 to %d.",
                              count, TAGNODE_MAX_MAPPINGS);
    if ((unsigned)combine > TAGNODE_COMBINE_MAX)
        return tagnode_refuse(why, "combine is number %d; it must be 0 (sum) or 1 (max).",
                              (int)combine);
    if (!(sample_rate >= TAGNODE_MIN_RATE && sample_rate <= TAGNODE_MAX_RATE))
        return tagnode_refuse(why, "The sample rate is %g Hz; it must be from %d to %d Hz.",
                              sample_rate, TAGNODE_MIN_RATE, TAGNODE_MAX_RATE);
    if (queue < 1 || queue > 1048576)
        return tagnode_refuse(why, "The queue holds %u changes; it must be 1 to 1048576.", queue);
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
    if (a != NULL) {
        a->memory = calloc((size_t)count * queue, sizeof *a->memory);
        a->recent = calloc(count, sizeof *a->recent);
    }
    if (a == NULL || a->memory == NULL || a->recent == NULL) {
        tagnode_automation_destroy(a);
        return tagnode_no_memory(why, "an automation");
    }
    a->count = count;
    a->capacity = queue;
    a->combine = combine;
    a->sample_rate = sample_rate;
    for (uint32_t i = 0; i < count; ++i) {
        a->states[i].knobs = mappings[i];
        a->states[i].median = llround(mappings[i].median * sample_rate);
        a->states[i].hold = llround(mappings[i].hold * sample_rate);
        a->states[i].delay = llround(mappings[i].delay * sample_rate);
        a->states[i].queue = a->memory + (size_t)i * queue;
        a->states[i].recent = &a->recent[i];
    }
    tagnode_automation_reset(a);
    *automation = a;
    return TAGNODE_OK;
}

void tagnode_automation_destroy(tagnode_automation *automation) {
    if (automation == NULL) return;
    free(automation->memory);
    free(automation->recent);
    free(automation);
}

/* ---- the parameter for a value ---- */

static double clamp(double x) TAGNODE_NONBLOCKING {
    return x > 0 ? (x < 1 ? x : 1) : 0;
}

/* Gate or range, and inversion. */
static float control(mapping_state *s, float value) TAGNODE_NONBLOCKING {
    const tagnode_mapping *m = &s->knobs;
    double x;
    if (m->gate == TAGNODE_GATE_NONE) {
        x = clamp(((double)value - m->low) / ((double)m->high - m->low));
    } else {
        const double beyond = m->gate == TAGNODE_GATE_ABOVE ? (double)value - m->threshold
                                                            : (double)m->threshold - value;
        s->open = beyond >= (s->open ? -(double)m->hysteresis : 0);
        x = s->open;
    }
    return (float)(m->invert ? 1 - x : x);
}

static double envelope(const mapping_state *s, double sample_rate, int64_t position)
    TAGNODE_NONBLOCKING {
    const double seconds = s->target > s->origin ? s->knobs.attack : s->knobs.release;
    const double elapsed = position > s->since ? (double)(position - s->since) / sample_rate : 0;
    if (seconds <= 0) return s->target;
    return s->target + (s->origin - s->target) * exp(-elapsed / seconds);
}

static double parameter(const tagnode_mapping *m, double x) TAGNODE_NONBLOCKING {
    const double min = m->min, max = m->max;
    x *= m->depth;
    double y = min + (max - min) * x;
    if (m->curve == TAGNODE_CURVE_EXP) y = min + (max - min) * x * x;
    if (m->curve == TAGNODE_CURVE_LOG) y = min * pow(max / min, x);
    /* Rounding must not leave the range that the parameter accepts. */
    const double low = min < max ? min : max, high = min < max ? max : min;
    return y < low ? low : y > high ? high : y;
}

/* ---- time ---- */

static void aim(mapping_state *s, double sample_rate, int64_t position, float target)
    TAGNODE_NONBLOCKING {
    if (target == s->target) return; /* the same exponential continues, without new rounding */
    s->origin = envelope(s, sample_rate, position);
    s->target = target;
    s->since = position;
}

static void follow_until(mapping_state *s, double sample_rate, int64_t position)
    TAGNODE_NONBLOCKING {
    if (s->phase != HOLDS || s->expiry > position) return;
    s->phase = FALLS;
    aim(s, sample_rate, s->expiry, s->value);
}

static void rest_at(mapping_state *s, float value) TAGNODE_NONBLOCKING {
    s->phase = LEVEL;
    s->value = value;
    s->origin = s->target = value;
}

static void apply_change(mapping_state *s, double sample_rate, change next) TAGNODE_NONBLOCKING {
    if (s->first_waits) {
        s->first_waits = false;
        rest_at(s, next.value);
        return;
    }
    follow_until(s, sample_rate, next.position);
    const float held = (float)s->target;
    s->value = next.value;
    if (next.value >= held) {
        s->phase = LEVEL;
    } else if (s->phase == LEVEL && s->hold > 0) {
        s->phase = HOLDS;
        s->expiry = next.position + s->hold;
    }
    if (s->phase != HOLDS) aim(s, sample_rate, next.position, next.value);
}

static change take_first(mapping_state *s, uint32_t capacity) TAGNODE_NONBLOCKING {
    const change first = s->queue[s->first];
    s->first = (s->first + 1) % capacity;
    --s->length;
    return first;
}

static void advance(tagnode_automation *a, int64_t position) TAGNODE_NONBLOCKING {
    for (uint32_t i = 0; i < a->count; ++i) {
        mapping_state *s = &a->states[i];
        while (s->length > 0 && s->queue[s->first].position <= position)
            apply_change(s, a->sample_rate, take_first(s, a->capacity));
        follow_until(s, a->sample_rate, position);
    }
    if (position > a->asked) a->asked = position;
}

/* The median of the last values, which the gate or range takes. */
static float settled(const mapping_state *s) TAGNODE_NONBLOCKING {
    return s->recent->length > 0 ? tagnode_recent_median(s->recent) : s->raw;
}

/* Queues the change of 0..1 that the values so far lead to. */
static void queue_change(tagnode_automation *a, mapping_state *s, int64_t position)
    TAGNODE_NONBLOCKING {
    const float x = control(s, settled(s));
    if (s->started && position < s->latest) position = s->latest;
    if (position < a->asked) position = a->asked;
    if (s->started && x == s->pushed) return;
    if (s->length == a->capacity) apply_change(s, a->sample_rate, take_first(s, a->capacity));
    const int64_t delay = s->started ? s->delay : 0;
    s->queue[(s->first + s->length++) % a->capacity] = (change){position + delay, x};
    s->first_waits |= !s->started;
    s->started = true;
    s->latest = position;
    s->pushed = x;
}

void tagnode_automation_push(tagnode_automation *a, uint32_t mapping, int64_t position,
                             float value) {
    if (mapping >= a->count || isnan(value)) return;
    mapping_state *s = &a->states[mapping];
    s->raw = value;
    if (!isfinite(value)) tagnode_recent_clear(s->recent);
    if (s->median > 0 && isfinite(value)) {
        tagnode_recent_add(s->recent, position, value);
        tagnode_recent_drop(s->recent, position - s->median);
    }
    queue_change(a, s, position);
}

/* A pending position shifted by `by` samples, but not before the position asked for last. */
static int64_t shifted(const tagnode_automation *a, int64_t time, int64_t by) TAGNODE_NONBLOCKING {
    return time + by > a->asked ? time + by : a->asked;
}

bool tagnode_automation_change(tagnode_automation *a, uint32_t mapping,
                               const tagnode_mapping *knobs) {
    if (mapping >= a->count || !tagnode_mapping_is_valid(knobs)) return false;
    mapping_state *s = &a->states[mapping];
    const bool moving = a->asked != INT64_MIN;
    if (moving) { /* attack and release change from here on */
        s->origin = envelope(s, a->sample_rate, a->asked);
        s->since = a->asked;
    }
    const int64_t hold = llround(knobs->hold * a->sample_rate);
    const int64_t delay = llround(knobs->delay * a->sample_rate);
    if (s->phase == HOLDS) s->expiry = shifted(a, s->expiry, hold - s->hold);
    for (uint32_t i = s->first_waits; i < s->length; ++i) { /* the first one has no delay */
        change *each = &s->queue[(s->first + i) % a->capacity];
        each->position = shifted(a, each->position, delay - s->delay);
    }
    s->knobs = *knobs;
    s->median = llround(knobs->median * a->sample_rate);
    if (s->median == 0) tagnode_recent_clear(s->recent);
    s->hold = hold;
    s->delay = delay;
    if (s->started) {
        queue_change(a, s, s->latest);
        return true;
    }
    const float rest = control(s, -HUGE_VALF);
    if (moving)
        aim(s, a->sample_rate, a->asked, s->value = rest);
    else
        rest_at(s, rest);
    return true;
}

float tagnode_automation_at(tagnode_automation *a, int64_t position) {
    advance(a, position);
    double sum = a->states[0].knobs.min, farthest = sum, way = -1;
    for (uint32_t i = 0; i < a->count; ++i) {
        const mapping_state *s = &a->states[i];
        const double y = parameter(&s->knobs, envelope(s, a->sample_rate, position));
        const double moved = y - s->knobs.min;
        if (a->count == 1) return (float)y;
        sum += moved;
        if (fabs(moved) > way) {
            way = fabs(moved);
            farthest = y;
        }
    }
    return (float)(a->combine == TAGNODE_COMBINE_MAX ? farthest : sum);
}

/* Updates the parameter for the step that begins at `position`: it stays as it is within the
 * tolerance, and is exact every RENEWAL samples. Returns whether it changed. */
static bool update_step(tagnode_automation *a, int64_t position, float tolerance)
    TAGNODE_NONBLOCKING {
    enum { RENEWAL = 8192 };
    const float exact = tagnode_automation_at(a, position);
    bool due = position >= a->renewed;
    for (uint32_t i = 0; i < a->count; ++i) {
        const mapping_state *s = &a->states[i];
        due |= fabs(envelope(s, a->sample_rate, position) - s->stepped) > tolerance;
    }
    if (!due) return false;
    for (uint32_t i = 0; i < a->count; ++i)
        a->states[i].stepped = envelope(&a->states[i], a->sample_rate, position);
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
            if (at % grid == 0 || automations[i]->renewed == INT64_MIN) /* the first step */
                begins |= update_step(automations[i], at, steps->tolerance);
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
        mapping_state *s = &a->states[i];
        s->started = s->open = s->first_waits = false;
        s->first = s->length = 0;
        tagnode_recent_clear(s->recent);
        s->latest = s->since = 0;
        rest_at(s, control(s, -HUGE_VALF));
    }
}
