#include <math.h>
#include <string.h>

#include "support/message.h"
#include "tagnode.h"

tagnode_status tagnode_automation_init(tagnode_automation *automation,
                                       const tagnode_mapping *mapping, double sample_rate,
                                       tagnode_message *why) {
    const tagnode_mapping *m = mapping;
    const tagnode_status bad = TAGNODE_ERROR_ARGUMENT;
    if (!(sample_rate >= TAGNODE_MIN_RATE && sample_rate <= TAGNODE_MAX_RATE))
        return tagnode_say(why, bad, "The sample rate is %g Hz; it must be from %d to %d Hz.",
                           sample_rate, TAGNODE_MIN_RATE, TAGNODE_MAX_RATE);
    if (!isfinite(m->threshold))
        return tagnode_say(why, bad, "The threshold is %g; it must be a number.", m->threshold);
    if (!(m->attack >= 0 && m->attack <= 600 && m->release >= 0 && m->release <= 600))
        return tagnode_say(why, bad, "Attack is %g s and release %g s; both must be 0 to 600 s.",
                           m->attack, m->release);
    if (!isfinite(m->min) || !isfinite(m->max))
        return tagnode_say(why, bad, "min is %g and max %g; both must be numbers.", m->min, m->max);
    if ((unsigned)m->curve > TAGNODE_CURVE_EXP)
        return tagnode_say(why, bad, "The curve is number %d; it must be lin, log or exp.",
                           (int)m->curve);
    if (m->curve == TAGNODE_CURVE_LOG && !(m->min > 0 && m->max > 0))
        return tagnode_say(why, bad, "min is %g and max %g; a log curve needs both above 0.",
                           m->min, m->max);
    memset(automation, 0, sizeof *automation);
    automation->mapping = *mapping;
    automation->sample_rate = sample_rate;
    automation->origin = automation->target = mapping->invert ? 1 : 0;
    return TAGNODE_OK;
}

static double clamp(double x) TAGNODE_NONBLOCKING {
    return x > 0 ? (x < 1 ? x : 1) : 0; /* NaN becomes 0 */
}

static double control(const tagnode_mapping *m, float value) TAGNODE_NONBLOCKING {
    const double x = m->gate ? (value >= m->threshold ? 1 : 0) : clamp(value);
    return m->invert ? 1 - x : x;
}

/* The target is constant between two pushes, so the envelope is one exponential that can be
 * evaluated anywhere. */
static double envelope(const tagnode_automation *a, int64_t position) TAGNODE_NONBLOCKING {
    const double seconds = a->target > a->origin ? a->mapping.attack : a->mapping.release;
    const double elapsed =
        (double)(position > a->position ? position - a->position : 0) / a->sample_rate;
    if (seconds <= 0) return a->target;
    return a->target + (a->origin - a->target) * exp(-elapsed / seconds);
}

void tagnode_automation_push(tagnode_automation *a, int64_t position, float value) {
    const double target = control(&a->mapping, value);
    if (!a->started) {
        a->started = true;
        a->position = position;
        a->origin = a->target = target;
        return;
    }
    if (position < a->position) position = a->position;
    if (target == a->target) return; /* the same exponential goes on: no new rounding */
    a->origin = envelope(a, position);
    a->position = position;
    a->target = target;
}

float tagnode_automation_at(const tagnode_automation *a, int64_t position) {
    const tagnode_mapping *m = &a->mapping;
    const double x = envelope(a, position), min = m->min, max = m->max;
    double y = min + (max - min) * x;
    if (m->curve == TAGNODE_CURVE_EXP) y = min + (max - min) * x * x;
    if (m->curve == TAGNODE_CURVE_LOG) y = min * pow(max / min, x);
    /* Rounding must not leave the range that a plugin accepts. */
    const double low = min < max ? min : max, high = min < max ? max : min;
    return (float)(y < low ? low : y > high ? high : y);
}
