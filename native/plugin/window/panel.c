/* panel.c - the life of a panel, what it draws again, and its answers to pointer and keys. */
#include "panel.h"

#include <stdlib.h>
#include <string.h>

#include "panel_parts.h"

static const double sample_every = 0.05; /* s, a point of the curve */

/* ---- life ---- */

panel *panel_create(const tagplug_window_host *host) {
    panel *p = calloc(1, sizeof *p);
    if (p == NULL) return NULL;
    p->host = *host;
    p->canvas = canvas_create();
    if (p->canvas == NULL) {
        free(p);
        return NULL;
    }
    p->sampled = -HUGE_VAL;
    panel_resize(p, TAGPLUG_WINDOW_WIDTH, TAGPLUG_WINDOW_HEIGHT, 1);
    return p;
}

void panel_destroy(panel *p) {
    if (p == NULL) return;
    panel_release(p);
    canvas_destroy(p->canvas);
    free(p);
}

void panel_resize(panel *p, uint32_t width, uint32_t height, double scale) {
    width = width > 0 ? width : 1;
    height = height > 0 ? height : 1;
    if (width == p->pixels[0] && height == p->pixels[1] && scale == p->scale) return;
    p->pixels[0] = width;
    p->pixels[1] = height;
    p->scale = scale;
    p->laid_out = false;
    panel_close_menu(p);
    p->has_image = false;
}

canvas_image panel_image(const panel *p) {
    return p->has_image ? canvas_look(p->canvas) : (canvas_image){0, 0, NULL};
}

/* ---- values ---- */

float panel_get(const panel *p, uint32_t parameter) {
    return p->host.get(p->host.context, parameter);
}

float panel_field(const panel *p, uint32_t slot, tagplug_field field) {
    return panel_get(p, tagplug_field_of(slot, field));
}

void panel_edit(const panel *p, uint32_t parameter, float value) {
    p->host.begin(p->host.context, parameter);
    p->host.set(p->host.context, parameter, tagplug_clamp(parameter, value));
    p->host.end(p->host.context, parameter);
}

void panel_text(panel *p, uint32_t parameter, char *text, size_t size) {
    p->host.view->text(p->host.core, parameter, panel_get(p, parameter), text, size);
}

const char *panel_source_name(panel *p, uint32_t slot) {
    const uint32_t parameter = tagplug_field_of(slot, TAGPLUG_SOURCE);
    const float source = panel_get(p, parameter);
    if (source != p->named[slot]) {
        p->named[slot] = source;
        p->host.view->text(p->host.core, parameter, source, p->source_names[slot], PANEL_NAME);
    }
    return p->source_names[slot];
}

bool panel_has_menu(uint32_t parameter) {
    uint32_t slot = 0;
    return tagnode_plugin_parameter_info(parameter)->choices != NULL ||
           tagplug_is_source(parameter, &slot);
}

/* ---- drawing ---- */

static void sample(panel *p, double now) {
    if (now - p->sampled < sample_every) return;
    /* After a pause, when the window was hidden, the curve begins anew. */
    if (!(now - p->sampled < 1)) {
        p->history = 0;
        panel_clear_mel(p);
    }
    p->sampled = now - p->sampled < 2 * sample_every ? p->sampled + sample_every : now;
    if (p->history < PANEL_HISTORY) ++p->history;
    panel_sample_mel(p);
    enum { LAST = PANEL_HISTORY - 1 };
    for (uint32_t i = 0; i < TAGPLUG_SLOTS; ++i) {
        const uint32_t source = (uint32_t)panel_field(p, i, TAGPLUG_SOURCE);
        memmove(p->live[i], p->live[i] + 1, LAST * sizeof(float));
        memmove(p->moved[i], p->moved[i] + 1, LAST * sizeof(float));
        p->live[i][LAST] = source > 0 ? p->host.view->live(p->host.core, source) : 0;
        p->moved[i][LAST] = p->host.view->get(p->host.core, (uint32_t)TAGPLUG_VALUE_1 + i);
    }
}

/* Draws a widget if its sum has changed; true if it was drawn. */
static bool refresh(panel *p, widget *w) {
    paint sum = {.sum = 14695981039346656037U};
    panel_paint(p, w, &sum);
    if (sum.sum == w->shown && !p->whole) return false;
    w->shown = sum.sum;
    paint drawn = {.canvas = p->canvas};
    canvas_clip(p->canvas, &w->place);
    panel_paint(p, w, &drawn);
    canvas_unclip(p->canvas);
    return true;
}

static bool refresh_menu(panel *p, bool covered) {
    paint sum = {.sum = 14695981039346656037U, .height = 11.5};
    paint drawn = {.canvas = p->canvas, .height = 11.5};
    panel_paint_menu(p, &sum);
    if (sum.sum == p->menu.shown && !covered) return false;
    p->menu.shown = sum.sum;
    panel_paint_menu(p, &drawn);
    return true;
}

/* In units; the menu is last, over what was drawn beneath it. */
static box refresh_all(panel *p) {
    box changed = {0, 0, 0, 0};
    bool covered = p->whole;
    if (p->whole) {
        changed = (box){0, 0, p->width, p->height};
        paint back = {.canvas = p->canvas};
        paint_fill(&back, &changed, COLOUR_BACK);
    }
    for (uint32_t i = 0; i < p->widget_count; ++i) {
        widget *w = &p->widgets[i];
        if (!refresh(p, w)) continue;
        changed = box_join(&changed, &w->place);
        covered = covered || box_meets(&w->place, &p->menu.place);
    }
    if (p->menu.open && refresh_menu(p, covered)) changed = box_join(&changed, &p->menu.place);
    p->whole = false;
    return changed;
}

box panel_update(panel *p, double now) {
    const box nothing = {0, 0, 0, 0};
    panel_list_sources(p);
    if (!p->laid_out) panel_lay_out(p);
    sample(p, now);
    if (!p->has_image) {
        p->has_image = canvas_resize(p->canvas, p->pixels[0], p->pixels[1]);
        p->whole = true;
    }
    if (!p->has_image) return nothing;
    canvas_begin(p->canvas, p->unit);
    const box changed = refresh_all(p);
    canvas_end(p->canvas);
    if (changed.width <= 0) return nothing;
    const double left = floor(changed.x * p->unit), top = floor(changed.y * p->unit);
    return (box){left, top, ceil((changed.x + changed.width) * p->unit) - left,
                 ceil((changed.y + changed.height) * p->unit) - top};
}

/* ---- pointer ---- */

/* The slot that a press on a widget selects. */
static uint32_t slot_of(const panel *p, const widget *w) {
    switch (w->kind) {
    case WIDGET_SOURCE: return tagnode_plugin_parameter_info(w->parameter)->slot - 1;
    case WIDGET_SLOT:
    case WIDGET_LIVE:
    case WIDGET_LEARN:
    case WIDGET_OUTPUT: return w->index;
    default: return p->selected;
    }
}

static void select_slot(panel *p, uint32_t slot) {
    if (slot == p->selected) return;
    p->selected = slot;
    p->laid_out = false;
}

/* The parameter of the handle that is nearest: with a gate the threshold, else low or high, or the
 * threshold where it is pointed at. */
static uint32_t handle_at(const panel *p, const widget *w, double x) {
    static const tagplug_field handles[] = {TAGPLUG_THRESHOLD, TAGPLUG_LOW, TAGPLUG_HIGH};
    enum { NEAR = 6 };
    const double share = (x - w->place.x) / w->place.width;
    uint32_t nearest = 0;
    double distance = HUGE_VAL;
    const double to_threshold =
        fabs(panel_field(p, w->index, TAGPLUG_THRESHOLD) - share) * w->place.width;
    if (panel_field(p, w->index, TAGPLUG_GATE) != TAGNODE_GATE_NONE || to_threshold <= NEAR)
        return tagplug_field_of(w->index, TAGPLUG_THRESHOLD);
    for (uint32_t i = 1; i < 3; ++i) {
        const double to = fabs(panel_field(p, w->index, handles[i]) - share);
        if (to >= distance) continue;
        distance = to;
        nearest = i;
    }
    return tagplug_field_of(w->index, handles[nearest]);
}

static void begin_drag(panel *p, uint32_t parameter, double x, double width) {
    p->dragging = true;
    p->dragged = parameter;
    p->drag_from = x;
    p->drag_share = tagplug_normalise(parameter, panel_get(p, parameter));
    p->drag_width = fmax(1, width);
    p->host.begin(p->host.context, parameter);
}

static void learn(panel *p, uint32_t slot) {
    const uint32_t gate = tagplug_field_of(slot, TAGPLUG_GATE);
    if (p->history == 0 || panel_field(p, slot, TAGPLUG_SOURCE) == 0) return;
    const float threshold = panel_learn(p->live[slot] + PANEL_HISTORY - p->history, p->history);
    panel_edit(p, tagplug_field_of(slot, TAGPLUG_THRESHOLD), threshold);
    if (panel_get(p, gate) == TAGNODE_GATE_NONE) panel_edit(p, gate, TAGNODE_GATE_ABOVE);
}

static void press_parameter(panel *p, const widget *w, double x) {
    const tagnode_plugin_parameter *about = tagnode_plugin_parameter_info(w->parameter);
    if (about->scale == TAGNODE_SCALE_TOGGLE)
        panel_edit(p, w->parameter, panel_get(p, w->parameter) != 0 ? 0 : 1);
    else if (panel_has_menu(w->parameter))
        panel_open_menu(p, w->parameter, &w->place);
    else
        begin_drag(p, w->parameter, x, w->place.width);
}

static void press_widget(panel *p, const widget *w, double x) {
    const widget at = *w; /* selecting lays out anew */
    select_slot(p, slot_of(p, w));
    switch (at.kind) {
    case WIDGET_PRESETS: panel_open_presets(p, &at.place); break;
    case WIDGET_SOURCE:
    case WIDGET_FIELD: press_parameter(p, &at, x); break;
    case WIDGET_LIVE: begin_drag(p, handle_at(p, &at, x), x, at.place.width); break;
    case WIDGET_LEARN: learn(p, at.index); break;
    default: break;
    }
}

/* Whether there is something to point at; what was selected since the last update has its place. */
static bool is_ready(panel *p) {
    if (!p->has_image) return false;
    if (!p->laid_out) panel_lay_out(p);
    return true;
}

void panel_press(panel *p, double x, double y) {
    if (!is_ready(p)) return;
    x /= p->unit;
    y /= p->unit;
    if (p->menu.open) {
        const bool inside = box_has(&p->menu.place, x, y);
        panel_point_menu(p, x, y);
        if (inside)
            panel_choose(p);
        else
            panel_close_menu(p);
        return;
    }
    panel_release(p);
    const widget *w = panel_find(p, x, y);
    if (w != NULL) press_widget(p, w, x);
}

void panel_move(panel *p, double x, double y, bool fine) {
    if (!is_ready(p)) return;
    x /= p->unit;
    y /= p->unit;
    if (p->menu.open) panel_point_menu(p, x, y);
    if (!p->dragging) return;
    /* Beyond an end the way is counted on, so that the handle is under the pointer again later. */
    p->drag_share += (x - p->drag_from) / p->drag_width * (fine ? 0.1 : 1);
    p->drag_from = x;
    const float value = tagplug_denormalise(p->dragged, (float)p->drag_share);
    if (value != panel_get(p, p->dragged)) p->host.set(p->host.context, p->dragged, value);
}

void panel_release(panel *p) {
    if (p->dragging) p->host.end(p->host.context, p->dragged);
    p->dragging = false;
}

/* ---- wheel and keys ---- */

static void step(panel *p, uint32_t parameter, double steps, bool fine) {
    if (p->dragging) return;
    const float value = panel_get(p, parameter);
    const bool whole = tagnode_plugin_parameter_info(parameter)->scale >= TAGNODE_SCALE_INTEGER;
    const double share = tagplug_normalise(parameter, value) + steps * (fine ? 0.001 : 0.01);
    const float to = whole ? tagplug_clamp(parameter, value + (float)steps)
                           : tagplug_denormalise(parameter, (float)share);
    if (to != value) panel_edit(p, parameter, to);
}

void panel_scroll(panel *p, double x, double y, double steps, bool fine) {
    if (p->dragging || !is_ready(p)) return;
    if (p->menu.open) {
        panel_scroll_menu(p, steps > 0 ? -3 : 3);
        return;
    }
    const widget *w = panel_find(p, x / p->unit, y / p->unit);
    if (w == NULL) return;
    if (w->kind == WIDGET_LIVE)
        step(p, tagplug_field_of(w->index, TAGPLUG_THRESHOLD), steps, fine);
    else if (w->kind == WIDGET_FIELD && !panel_has_menu(w->parameter))
        step(p, w->parameter, steps, fine);
}

/* Where a menu opens that a key asked for. */
static void open_menu(panel *p, tagplug_field field) {
    const uint32_t parameter = tagplug_field_of(p->selected, field);
    for (uint32_t i = 0; i < p->widget_count; ++i)
        if (p->widgets[i].kind == WIDGET_SOURCE && p->widgets[i].parameter == parameter) {
            panel_open_menu(p, parameter, &p->widgets[i].place);
            return;
        }
}

static void open_presets(panel *p) {
    for (uint32_t i = 0; i < p->widget_count; ++i)
        if (p->widgets[i].kind == WIDGET_PRESETS) panel_open_presets(p, &p->widgets[i].place);
}

static void next_gate(panel *p) {
    const uint32_t gate = tagplug_field_of(p->selected, TAGPLUG_GATE);
    const float now = panel_get(p, gate);
    panel_edit(p, gate, now >= TAGNODE_GATE_BELOW ? TAGNODE_GATE_NONE : now + 1);
}

bool panel_press_key(panel *p, uint32_t key, bool fine) {
    const uint32_t threshold = tagplug_field_of(p->selected, TAGPLUG_THRESHOLD);
    if (!is_ready(p)) return false;
    if (p->menu.open) return panel_menu_key(p, key);
    switch (key) {
    case PANEL_KEY_UP: select_slot(p, p->selected > 0 ? p->selected - 1 : 0); return true;
    case PANEL_KEY_DOWN:
        select_slot(p, p->selected + 1 < TAGPLUG_SLOTS ? p->selected + 1 : p->selected);
        return true;
    case PANEL_KEY_LEFT: step(p, threshold, -1, fine); return true;
    case PANEL_KEY_RIGHT: step(p, threshold, 1, fine); return true;
    case PANEL_KEY_ENTER:
    case 's': open_menu(p, TAGPLUG_SOURCE); return true;
    case 't': open_menu(p, TAGPLUG_TARGET); return true;
    case 'g': next_gate(p); return true;
    case 'l': learn(p, p->selected); return true;
    case 'p': open_presets(p); return true;
    default:
        return key >= '1' && key < '1' + TAGPLUG_SLOTS ? (select_slot(p, key - '1'), true) : false;
    }
}
