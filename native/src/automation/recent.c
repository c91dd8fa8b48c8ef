#include "automation/recent.h"

#include <string.h>

/* Returns how many of the sorted values are less than this one. */
static uint32_t place_of(const tagnode_recent *r, float value) TAGNODE_NONBLOCKING {
    uint32_t low = 0, high = r->length;
    while (low < high) {
        const uint32_t middle = (low + high) / 2;
        if (r->sorted[middle] < value)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void drop_first(tagnode_recent *r) TAGNODE_NONBLOCKING {
    const uint32_t at = place_of(r, r->values[r->first]);
    memmove(r->sorted + at, r->sorted + at + 1, (r->length - at - 1) * sizeof *r->sorted);
    r->first = (r->first + 1) % TAGNODE_RECENT;
    --r->length;
}

void tagnode_recent_clear(tagnode_recent *recent) {
    recent->first = recent->length = 0;
}

void tagnode_recent_add(tagnode_recent *r, int64_t position, float value) {
    if (r->length == TAGNODE_RECENT) drop_first(r);
    const uint32_t at = place_of(r, value), last = (r->first + r->length) % TAGNODE_RECENT;
    memmove(r->sorted + at + 1, r->sorted + at, (r->length - at) * sizeof *r->sorted);
    r->sorted[at] = value;
    r->positions[last] = position;
    r->values[last] = value;
    ++r->length;
}

void tagnode_recent_drop(tagnode_recent *recent, int64_t until) {
    while (recent->length > 1 && recent->positions[recent->first] <= until) drop_first(recent);
}

float tagnode_recent_median(const tagnode_recent *recent) {
    return recent->sorted[(recent->length - 1) / 2];
}
