#include "scaling.h"

#include <math.h>

static float nearest_choice(const tagnode_plugin_parameter *p, float value) TAGNODE_NONBLOCKING {
    uint32_t id = p->choices[0].id;
    for (uint32_t i = 0; i < p->choice_count && (float)p->choices[i].id <= value; ++i)
        id = p->choices[i].id;
    return (float)id;
}

float tagplug_clamp(uint32_t parameter, float value) {
    const tagnode_plugin_parameter *p = tagnode_plugin_parameter_info(parameter);
    if (p == NULL) return 0;
    if (isnan(value)) return p->start;
    const float within = value < p->low ? p->low : value > p->high ? p->high : value;
    if (p->scale < TAGNODE_SCALE_INTEGER) return within;
    const float whole = floorf(within + 0.5F);
    return p->scale == TAGNODE_SCALE_CHOICE ? nearest_choice(p, whole) : whole;
}

float tagplug_normalise(uint32_t parameter, float value) {
    const tagnode_plugin_parameter *p = tagnode_plugin_parameter_info(parameter);
    if (p == NULL) return 0;
    const double x = tagplug_clamp(parameter, value), low = p->low, high = p->high;
    if (p->scale == TAGNODE_SCALE_LOG) return (float)(log(x / low) / log(high / low));
    return (float)((x - low) / (high - low));
}

float tagplug_denormalise(uint32_t parameter, float share) {
    const tagnode_plugin_parameter *p = tagnode_plugin_parameter_info(parameter);
    if (p == NULL) return 0;
    if (isnan(share)) return p->start;
    const double x = share < 0 ? 0 : share > 1 ? 1 : share, low = p->low, high = p->high;
    if (x == 1) return tagplug_clamp(parameter, p->high); /* exact, without rounding */
    const double value =
        p->scale == TAGNODE_SCALE_LOG ? low * pow(high / low, x) : low + (high - low) * x;
    return tagplug_clamp(parameter, (float)value);
}

const char *tagplug_choice_text(uint32_t parameter, uint32_t id) {
    const tagnode_plugin_parameter *p = tagnode_plugin_parameter_info(parameter);
    for (uint32_t i = 0; p != NULL && i < p->choice_count; ++i)
        if (p->choices[i].id == id) return p->choices[i].text;
    return NULL;
}

const tagnode_plugin_target *tagplug_target_of(tagplug_target id) {
    const tagnode_plugin_target *target = NULL;
    for (uint32_t i = 0; (target = tagnode_plugin_target_info(i)) != NULL; ++i)
        if (target->id == (uint32_t)id) return target;
    return tagnode_plugin_target_info(0);
}
