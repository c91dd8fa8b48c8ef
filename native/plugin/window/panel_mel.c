/* panel_mel.c - the spectrum of the last ten seconds, a column for each point of the curve. */
#include <string.h>

#include "panel_parts.h"

enum { LAST = PANEL_HISTORY - 1 };

static uint32_t between(uint32_t from, uint32_t to, float share) {
    uint32_t mixed = 0;
    for (uint32_t shift = 0; shift < 24; shift += 8) {
        const float a = (float)(from >> shift & 255), b = (float)(to >> shift & 255);
        mixed |= (uint32_t)lroundf(a + (b - a) * share) << shift;
    }
    return mixed;
}

static uint32_t colour_of(float share) {
    return share < 0.6F ? between(COLOUR_PANEL, COLOUR_LIVE, share / 0.6F)
                        : between(COLOUR_LIVE, COLOUR_TEXT, (share - 0.6F) / 0.4F);
}

void panel_clear_mel(panel *p) {
    for (uint32_t row = 0; row < TAGPLUG_VIEW_BANDS; ++row)
        for (uint32_t i = 0; i < PANEL_HISTORY; ++i) p->mel[row][i] = COLOUR_PANEL;
}

void panel_sample_mel(panel *p) {
    float bands[TAGPLUG_VIEW_BANDS];
    const bool fresh = p->host.view->mel(p->host.core, &p->mel_seen, bands);
    for (uint32_t row = 0; row < TAGPLUG_VIEW_BANDS; ++row) {
        memmove(p->mel[row], p->mel[row] + 1, LAST * sizeof p->mel[row][0]);
        /* Long blocks leave some points without a frame of their own. */
        if (fresh) p->mel[row][LAST] = colour_of(bands[TAGPLUG_VIEW_BANDS - 1 - row]);
    }
}

void panel_paint_mel(panel *p, const widget *w, paint *to) {
    const box inside = box_inset(&w->place, 2, 2);
    const canvas_image image = {PANEL_HISTORY, TAGPLUG_VIEW_BANDS, p->mel[0]};
    paint_fill(to, &w->place, COLOUR_PANEL);
    paint_bitmap(to, &inside, &image);
}
