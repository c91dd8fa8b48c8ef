/* targets.c - between a share of a target's range and the target's own unit. */
#include <math.h>

#include "tagnode.h"

double tagnode_plugin_target_value(const tagnode_plugin_target *target, double share) {
    const double low = target->low, high = target->high;
    return target->ratios ? low * pow(high / low, share) : low + (high - low) * share;
}

double tagnode_plugin_target_share(const tagnode_plugin_target *target, double value) {
    const double low = target->low, high = target->high;
    if (!target->ratios) return (value - low) / (high - low);
    return value > 0 ? log(value / low) / log(high / low) : -HUGE_VAL;
}
