/* panel_menu.c - lists to choose from, drawn over the rest. */
#include <stdio.h>
#include <string.h>

#include "panel_parts.h"

enum { LINE = 18, WIDTH = 190, EDGE = 2 };

static uint32_t lines(const panel *p) {
    return (uint32_t)fmax(1, floor((p->menu.place.height - 2 * EDGE) / LINE));
}

static void keep_in_sight(panel *p) {
    panel_menu *m = &p->menu;
    const uint32_t room = lines(p);
    if (m->marked < m->first) m->first = m->marked;
    if (m->marked >= m->first + room) m->first = m->marked - room + 1;
    const uint32_t last = m->count > room ? m->count - room : 0;
    if (m->first > last) m->first = last;
}

/* Below the box where there is room, else as far down as it fits. */
static void place(panel *p, const box *below) {
    panel_menu *m = &p->menu;
    const double height = fmin(m->count * LINE + 2 * EDGE, p->height);
    const double y = fmin(below->y + below->height, p->height - height);
    const double x = fmin(below->x, p->width - WIDTH);
    m->place = (box){fmax(0, x), fmax(0, y), WIDTH, height};
    m->open = m->count > 0;
    m->first = m->shown = 0;
    keep_in_sight(p);
}

static void add(panel_menu *m, uint32_t id, uint32_t current) {
    if (m->count > PANEL_SOURCES) return;
    if (id == current) m->marked = m->count;
    m->ids[m->count++] = (uint16_t)id;
}

void panel_open_menu(panel *p, uint32_t parameter, const box *below) {
    const tagnode_plugin_parameter *about = tagnode_plugin_parameter_info(parameter);
    panel_menu *m = &p->menu;
    const uint32_t current = (uint32_t)panel_get(p, parameter);
    uint32_t slot = 0;
    m->presets = false;
    m->parameter = parameter;
    m->count = m->marked = 0;
    if (tagplug_is_source(parameter, &slot)) {
        add(m, 0, current);
        for (uint32_t i = 0; i < p->source_count; ++i) add(m, p->sources[i], current);
    }
    for (uint32_t i = 0; i < about->choice_count; ++i) add(m, about->choices[i].id, current);
    place(p, below);
}

void panel_open_presets(panel *p, const box *below) {
    panel_menu *m = &p->menu;
    m->presets = true;
    m->count = m->marked = 0;
    while (m->count < PANEL_SOURCES && p->host.view->preset_name(m->count) != NULL)
        add(m, m->count, UINT32_MAX);
    place(p, below);
}

void panel_close_menu(panel *p) {
    if (p->menu.open) p->whole = true;
    p->menu.open = false;
}

static void text_of(panel *p, uint32_t item, char *text, size_t size) {
    const panel_menu *m = &p->menu;
    if (m->presets)
        (void)snprintf(text, size, "%s", p->host.view->preset_name(m->ids[item]));
    else
        p->host.view->text(p->host.core, m->parameter, m->ids[item], text, size);
}

void panel_paint_menu(panel *p, paint *to) {
    const panel_menu *m = &p->menu;
    const uint32_t room = lines(p);
    const box inside = box_inset(&m->place, 1, 1);
    paint_fill(to, &m->place, COLOUR_EDGE);
    paint_fill(to, &inside, COLOUR_PANEL);
    for (uint32_t i = 0; i < room && m->first + i < m->count; ++i) {
        char text[PANEL_NAME] = "";
        box line = {m->place.x + EDGE, m->place.y + EDGE + i * LINE, WIDTH - 2 * EDGE, LINE};
        text_of(p, m->first + i, text, sizeof text);
        if (m->first + i == m->marked) paint_fill(to, &line, COLOUR_RAISED);
        line = box_inset(&line, 6, 0);
        paint_text(to, &line, text, PAINT_LEFT, COLOUR_TEXT);
    }
    if (m->count <= room) return;
    const double height = m->place.height - 2 * EDGE;
    const box bar = {m->place.x + WIDTH - 5, m->place.y + EDGE + height * m->first / m->count, 3,
                     height * room / m->count};
    paint_fill(to, &bar, COLOUR_DIM);
}

void panel_point_menu(panel *p, double x, double y) {
    panel_menu *m = &p->menu;
    if (!box_has(&m->place, x, y)) return;
    const double line = fmax(0, floor((y - m->place.y - EDGE) / LINE));
    const uint32_t item = m->first + (uint32_t)line;
    if (line < lines(p) && item < m->count) m->marked = item;
}

void panel_scroll_menu(panel *p, int32_t steps) {
    panel_menu *m = &p->menu;
    const int64_t to = (int64_t)m->marked + steps;
    m->marked = to < 0 ? 0 : to >= m->count ? m->count - 1 : (uint32_t)to;
    keep_in_sight(p);
}

/* A preset becomes the edits that lead to it, so that the host can record and undo them. */
static void choose_preset(const panel *p, uint32_t preset) {
    float values[TAGPLUG_INPUTS];
    for (uint32_t i = 0; i < TAGPLUG_INPUTS; ++i) values[i] = panel_get(p, i);
    if (!p->host.view->preset(p->host.core, preset, values)) return;
    for (uint32_t i = 0; i < TAGPLUG_INPUTS; ++i)
        if (values[i] != panel_get(p, i)) panel_edit(p, i, values[i]);
}

void panel_choose(panel *p) {
    const panel_menu *m = &p->menu;
    const uint32_t chosen = m->ids[m->marked];
    panel_close_menu(p);
    if (m->presets)
        choose_preset(p, chosen);
    else if ((float)chosen != panel_get(p, m->parameter))
        panel_edit(p, m->parameter, (float)chosen);
}

static char lower(char c) {
    return (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

/* The next item that begins with a letter. */
static bool seek(panel *p, uint32_t letter) {
    panel_menu *m = &p->menu;
    for (uint32_t i = 1; i <= m->count; ++i) {
        char text[PANEL_NAME] = "";
        const uint32_t item = (m->marked + i) % m->count;
        text_of(p, item, text, sizeof text);
        if ((uint32_t)(unsigned char)lower(text[0]) != letter) continue;
        m->marked = item;
        keep_in_sight(p);
        return true;
    }
    return false;
}

bool panel_menu_key(panel *p, uint32_t key) {
    const int32_t page = (int32_t)lines(p), all = (int32_t)p->menu.count;
    switch (key) {
    case PANEL_KEY_UP: panel_scroll_menu(p, -1); return true;
    case PANEL_KEY_DOWN: panel_scroll_menu(p, 1); return true;
    case PANEL_KEY_PAGE_UP: panel_scroll_menu(p, -page); return true;
    case PANEL_KEY_PAGE_DOWN: panel_scroll_menu(p, page); return true;
    case PANEL_KEY_HOME: panel_scroll_menu(p, -all); return true;
    case PANEL_KEY_END: panel_scroll_menu(p, all); return true;
    case PANEL_KEY_ENTER: panel_choose(p); return true;
    case PANEL_KEY_ESCAPE: panel_close_menu(p); return true;
    default: return key > ' ' && seek(p, key);
    }
}
