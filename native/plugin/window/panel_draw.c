/* panel_draw.c - how each widget looks. */
#include <stdio.h>
#include <string.h>

#include "panel_parts.h"

enum { RADIUS = 3, PAD = 6 };

static void button(paint *to, const box *b, const char *text, bool arrow) {
    paint_round(to, b, RADIUS, COLOUR_RAISED);
    box inside = box_inset(b, PAD, 0);
    if (arrow) inside.width = fmax(0, inside.width - 10);
    paint_text(to, &inside, text, arrow ? PAINT_LEFT : PAINT_MIDDLE, COLOUR_TEXT);
    if (arrow) paint_arrow(to, b, COLOUR_DIM);
}

static void bar(paint *to, const box *b, double share, uint32_t colour) {
    paint_fill(to, b, COLOUR_PANEL);
    const box filled = box_part(b, 0, share);
    paint_fill(to, &filled, colour);
}

static void paint_status(panel *p, const widget *w, paint *to) {
    tagnode_message sentence = {""};
    p->host.view->explain(p->host.core, &sentence);
    paint_text(to, &w->place, sentence.text, PAINT_LEFT, COLOUR_DIM);
}

/* ---- meters ---- */

static void paint_meter(panel *p, const widget *w, paint *to) {
    enum { NAME = 116, VALUE = 42 };
    const uint32_t source = p->meters[w->index];
    const tagnode_signal *signal = tagnode_signal_info(tagnode_plugin_source_signal(source));
    const float share = p->host.view->live(p->host.core, source);
    box name = w->place, level = w->place, value = w->place;
    name.width = NAME - 4;
    level.x += NAME;
    level.width = fmax(0, w->place.width - NAME - VALUE);
    value.x += w->place.width - VALUE + 4;
    value.width = VALUE - 4;
    level = box_inset(&level, 0, 5);
    char text[32] = "-";
    const double shown =
        signal != NULL ? signal->low + ((double)signal->high - signal->low) * share : 100.0 * share;
    const bool large = signal != NULL && signal->high - signal->low > 2;
    if (isfinite(shown))
        (void)snprintf(text, sizeof text, "%.*f%s",
                       signal == NULL || fabs(shown) >= 1000 ? 0
                       : large                               ? 1
                                                             : 2,
                       shown, signal == NULL ? " %" : "");
    paint_text(to, &name, p->meter_names[w->index], PAINT_LEFT, COLOUR_TEXT);
    bar(to, &level, share, COLOUR_LIVE);
    paint_text(to, &value, text, PAINT_RIGHT, COLOUR_DIM);
}

/* ---- slots ---- */

static void paint_slot(panel *p, const widget *w, paint *to) {
    char text[8] = "";
    const bool selected = w->index == p->selected;
    (void)snprintf(text, sizeof text, "%u", w->index + 1);
    paint_round(to, &w->place, RADIUS, selected ? COLOUR_LIVE : COLOUR_PANEL);
    paint_text(to, &w->place, text, PAINT_MIDDLE, selected ? COLOUR_BACK : COLOUR_DIM);
}

static void paint_source(panel *p, const widget *w, paint *to) {
    char text[PANEL_NAME] = "";
    uint32_t slot = 0;
    if (tagplug_is_source(w->parameter, &slot))
        button(to, &w->place, panel_source_name(p, slot), true);
    else {
        panel_text(p, w->parameter, text, sizeof text);
        button(to, &w->place, text, true);
    }
}

/* A handle: a line over the height of the box, with a knob at its end. */
static void handle(paint *to, const box *b, double share, bool knob, uint32_t colour) {
    const box at = box_part(b, 0, share);
    const double x = at.x + at.width;
    paint_line(to, x, b->y, x, b->y + b->height, 2, colour);
    if (!knob) return;
    const box grip = {x - 4, b->y, 8, 7};
    paint_round(to, &grip, 2, colour);
}

static void paint_live(panel *p, const widget *w, paint *to) {
    const uint32_t slot = w->index;
    const float source = panel_field(p, slot, TAGPLUG_SOURCE);
    const bool gated = panel_field(p, slot, TAGPLUG_GATE) != TAGNODE_GATE_NONE;
    char text[48] = "";
    paint_fill(to, &w->place, COLOUR_PANEL);
    if (source != 0) {
        const box filled =
            box_part(&w->place, 0, p->host.view->live(p->host.core, (uint32_t)source));
        const box lower = box_inset(&filled, 0, 4);
        paint_fill(to, &lower, COLOUR_LIVE);
    }
    if (!gated) {
        handle(to, &w->place, panel_field(p, slot, TAGPLUG_LOW), false, COLOUR_DIM);
        handle(to, &w->place, panel_field(p, slot, TAGPLUG_HIGH), false, COLOUR_DIM);
    }
    handle(to, &w->place, panel_field(p, slot, TAGPLUG_THRESHOLD), true,
           gated ? COLOUR_THRESHOLD : COLOUR_THRESHOLD_IDLE);
    if (!gated) return;
    panel_text(p, tagplug_field_of(slot, TAGPLUG_THRESHOLD), text, sizeof text);
    const box inside = box_inset(&w->place, PAD, 0);
    const bool left = panel_field(p, slot, TAGPLUG_THRESHOLD) > 0.5F;
    paint_text(to, &inside, text, left ? PAINT_LEFT : PAINT_RIGHT, COLOUR_TEXT);
}

static void paint_output(panel *p, const widget *w, paint *to) {
    char text[48] = "";
    const uint32_t value = (uint32_t)TAGPLUG_VALUE_1 + w->index;
    const float share = p->host.view->get(p->host.core, value);
    bar(to, &w->place, share, COLOUR_OUTPUT);
    p->host.view->text(p->host.core, value, share, text, sizeof text);
    const box inside = box_inset(&w->place, PAD, 0);
    paint_text(to, &inside, text, PAINT_RIGHT, COLOUR_TEXT);
}

static void paint_curves(panel *p, const widget *w, paint *to) {
    const uint32_t slot = p->selected;
    const box b = box_inset(&w->place, 2, 2);
    paint_fill(to, &w->place, COLOUR_PANEL);
    for (int i = 1; i < 10; ++i) {
        const double x = b.x + b.width * i / 10;
        paint_line(to, x, b.y, x, b.y + b.height, 1, i % 5 == 0 ? COLOUR_EDGE : COLOUR_RAISED);
    }
    if (panel_field(p, slot, TAGPLUG_GATE) != TAGNODE_GATE_NONE) {
        const double y = b.y + b.height * (1 - panel_field(p, slot, TAGPLUG_THRESHOLD));
        paint_line(to, b.x, y, b.x + b.width, y, 1, COLOUR_THRESHOLD);
    }
    box part = b;
    part.width = b.width * (p->history > 0 ? p->history - 1 : 0) / (PANEL_HISTORY - 1);
    part.x = b.x + b.width - part.width; /* now is at the right */
    const uint32_t from = PANEL_HISTORY - p->history;
    paint_curve(to, &part, p->moved[slot] + from, p->history, COLOUR_OUTPUT);
    if (panel_field(p, slot, TAGPLUG_SOURCE) != 0)
        paint_curve(to, &part, p->live[slot] + from, p->history, COLOUR_LIVE);
    const box corner = {b.x + PAD, b.y + 2, b.width - 2 * PAD, 16};
    paint_text(to, &corner, "10 s", PAINT_LEFT, COLOUR_DIM);
}

/* ---- parameters ---- */

static void paint_field(panel *p, const widget *w, paint *to) {
    const tagnode_plugin_parameter *about = tagnode_plugin_parameter_info(w->parameter);
    const size_t group = strlen(about->group);
    char text[PANEL_NAME] = "";
    uint32_t slot = 0;
    if (tagplug_is_source(w->parameter, &slot))
        (void)snprintf(text, sizeof text, "%s", panel_source_name(p, slot));
    else
        panel_text(p, w->parameter, text, sizeof text);
    paint_round(to, &w->place, RADIUS, COLOUR_PANEL);
    box inside = box_inset(&w->place, PAD, 0);
    const bool menu = panel_has_menu(w->parameter);
    if (!menu) {
        box line = {w->place.x + PAD, w->place.y + w->place.height - 3, inside.width, 2};
        bar(to, &line, tagplug_normalise(w->parameter, panel_get(p, w->parameter)), COLOUR_EDGE);
    } else if (about->scale != TAGNODE_SCALE_TOGGLE) {
        paint_arrow(to, &w->place, COLOUR_DIM);
        inside.width = fmax(0, inside.width - 12);
    }
    const char *name = about->name + (group > 0 ? group + 1 : 0);
    box left = inside, right = inside;
    left.width = inside.width * (menu && about->slot > 0 ? 0.4 : about->slot > 0 ? 0.48 : 0.66);
    right.x += left.width;
    right.width -= left.width;
    paint_text(to, &left, name, PAINT_LEFT, COLOUR_DIM);
    paint_text(to, &right, text, PAINT_RIGHT, COLOUR_TEXT);
}

void panel_paint(panel *p, const widget *w, paint *to) {
    to->height = 11.5;
    paint_fill(to, &w->place, COLOUR_BACK);
    switch (w->kind) {
    case WIDGET_STATUS: paint_status(p, w, to); break;
    case WIDGET_PRESETS: button(to, &w->place, "Presets", true); break;
    case WIDGET_HEADING: paint_text(to, &w->place, w->text, PAINT_LEFT, COLOUR_DIM); break;
    case WIDGET_METER: paint_meter(p, w, to); break;
    case WIDGET_SLOT: paint_slot(p, w, to); break;
    case WIDGET_SOURCE: paint_source(p, w, to); break;
    case WIDGET_LIVE: paint_live(p, w, to); break;
    case WIDGET_OUTPUT: paint_output(p, w, to); break;
    case WIDGET_LEARN: button(to, &w->place, "Learn", false); break;
    case WIDGET_CURVE: paint_curves(p, w, to); break;
    case WIDGET_MEL: panel_paint_mel(p, w, to); break;
    case WIDGET_FIELD: paint_field(p, w, to); break;
    }
}
