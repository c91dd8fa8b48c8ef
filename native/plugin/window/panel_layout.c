/* panel_layout.c - what is where. */
#include <stdio.h>
#include <string.h>

#include "panel_parts.h"

enum {
    LEAST_WIDTH = 860, /* below that, and the height, all becomes smaller */
    LEAST_HEIGHT = 536,
    GAP = 6,
    HEADER = 28,
    LEFT = 236, /* the column of meters */
    METER = 20, /* heights of a line */
    HEADING = 20,
    ROW = 28,
    MOST_ROW = 40,
    FIELD = 24,
    FIELD_COLUMNS = 3,
    FIELD_ROWS = (TAGPLUG_FIELDS + FIELD_COLUMNS - 1) / FIELD_COLUMNS
};

/* ---- what there is to show ---- */

/* Two signals come first, then the labels of the model, then the other signals. */
static const char *const levels[] = {"signal.rms_db", "signal.loudness_momentary"};
enum { LEVELS = sizeof levels / sizeof *levels };

static void add_meter(panel *p, uint32_t source) {
    if (p->meter_count == PANEL_METERS || source == 0) return;
    const tagnode_signal *signal = tagnode_signal_info(tagnode_plugin_source_signal(source));
    char *name = p->meter_names[p->meter_count];
    if (signal != NULL)
        (void)snprintf(name, PANEL_NAME, "%s", signal->name);
    else
        p->host.view->text(p->host.core, tagplug_field_of(0, TAGPLUG_SOURCE), (float)source, name,
                           PANEL_NAME);
    p->meters[p->meter_count++] = (uint16_t)source;
}

static bool is_level(uint32_t source) {
    for (uint32_t i = 0; i < LEVELS; ++i)
        if (tagnode_plugin_source_find(levels[i]) == source) return true;
    return false;
}

static void list_meters(panel *p) {
    p->meter_count = 0;
    for (uint32_t i = 0; i < LEVELS; ++i) add_meter(p, tagnode_plugin_source_find(levels[i]));
    for (int signals = 0; signals < 2; ++signals)
        for (uint32_t i = 0; i < p->source_count; ++i) {
            const uint32_t source = p->sources[i];
            const bool signal = tagnode_plugin_source_signal(source) != UINT32_MAX;
            if (signal == (signals == 1) && !is_level(source)) add_meter(p, source);
        }
}

void panel_list_sources(panel *p) {
    const uint32_t revision = p->host.view->revision(p->host.core);
    if (p->listed && revision == p->revision) return;
    p->source_count = p->host.view->sources(p->host.core, p->sources, PANEL_SOURCES);
    p->revision = p->host.view->revision(p->host.core); /* looking may show other labels */
    p->listed = true;
    list_meters(p);
    for (uint32_t i = 0; i < TAGPLUG_SLOTS; ++i) p->named[i] = NAN;
    p->laid_out = false;
}

/* ---- widgets ---- */

static widget *add(panel *p, widget_kind kind, double x, double y, double width, double height) {
    if (p->widget_count == PANEL_WIDGETS) --p->widget_count;
    widget *w = &p->widgets[p->widget_count++];
    *w = (widget){.kind = kind, .place = {x, y, fmax(0, width), height}};
    return w;
}

static void add_heading(panel *p, double x, double y, double width, const char *text) {
    add(p, WIDGET_HEADING, x, y, width, HEADING)->text = text;
}

static void lay_out_header(panel *p) {
    const double presets = 150;
    add(p, WIDGET_HEADING, GAP, GAP, LEFT - GAP, HEADER)->text = TAGNODE_PLUGIN_NAME;
    add(p, WIDGET_STATUS, LEFT + GAP, GAP, p->width - LEFT - presets - 3 * GAP, HEADER);
    add(p, WIDGET_PRESETS, p->width - presets - GAP, GAP, presets, HEADER);
    const double y = 2 * GAP + HEADER, width = (p->width - GAP) / TAGPLUG_GLOBALS;
    for (uint32_t i = 0; i < TAGPLUG_GLOBALS; ++i)
        add(p, WIDGET_FIELD, GAP + i * width, y, width - GAP, FIELD)->parameter = i;
}

static void lay_out_meters(panel *p, double y) {
    add_heading(p, GAP, y, LEFT - GAP, "Detected");
    y += HEADING;
    const double room = floor((p->height - GAP - y) / METER);
    for (uint32_t i = 0; i < p->meter_count && i < room; ++i)
        add(p, WIDGET_METER, GAP, y + i * METER, LEFT - GAP, METER)->index = i;
}

static void lay_out_row(panel *p, uint32_t slot, double x, double y, double height) {
    enum { NUMBER = 22, SOURCE = 132, TARGET = 84, OUTPUT = 96, LEARN = 48 };
    const double h = height - 4, right = p->width - GAP;
    const double live = right - x - NUMBER - SOURCE - TARGET - OUTPUT - LEARN - 5 * GAP;
    add(p, WIDGET_SLOT, x, y, NUMBER, h)->index = slot;
    x += NUMBER + GAP;
    add(p, WIDGET_SOURCE, x, y, SOURCE, h)->parameter = tagplug_field_of(slot, TAGPLUG_SOURCE);
    x += SOURCE + GAP;
    add(p, WIDGET_LIVE, x, y, live, h)->index = slot;
    x += live + GAP;
    add(p, WIDGET_LEARN, x, y, LEARN, h)->index = slot;
    x += LEARN + GAP;
    add(p, WIDGET_SOURCE, x, y, TARGET, h)->parameter = tagplug_field_of(slot, TAGPLUG_TARGET);
    x += TARGET + GAP;
    add(p, WIDGET_OUTPUT, x, y, OUTPUT, h)->index = slot;
}

static void lay_out_selected(panel *p, double x, double y) {
    const double right = p->width - GAP, curve = floor((right - x) * 0.34);
    const double mel = floor((p->height - GAP - y) * 0.36);
    add(p, WIDGET_CURVE, x, y, curve, p->height - GAP - y - mel);
    add(p, WIDGET_MEL, x, p->height - GAP - mel, curve, mel);
    x += curve + GAP;
    const double width = (right - x + GAP) / FIELD_COLUMNS;
    for (uint32_t i = 0; i < TAGPLUG_FIELDS; ++i) {
        const uint32_t column = i / FIELD_ROWS, row = i % FIELD_ROWS;
        add(p, WIDGET_FIELD, x + column * width, y + row * (FIELD + 1.0), width - GAP, FIELD)
            ->parameter = tagplug_field_of(p->selected, (tagplug_field)i);
    }
}

void panel_lay_out(panel *p) {
    const double small =
        fmin(p->pixels[0] / (double)LEAST_WIDTH, p->pixels[1] / (double)LEAST_HEIGHT);
    p->unit = fmax(0.05, fmin(p->scale, small));
    p->width = p->pixels[0] / p->unit;
    p->height = p->pixels[1] / p->unit;
    p->widget_count = 0;
    p->laid_out = p->whole = true;
    const double x = LEFT + 2 * GAP, top = 3 * GAP + HEADER + FIELD;
    const double fields = HEADING + FIELD_ROWS * (FIELD + 1);
    const double rows = p->height - top - HEADING - fields - 2 * GAP;
    const double row = fmax(ROW, fmin(MOST_ROW, floor(rows / TAGPLUG_SLOTS)));
    lay_out_header(p);
    lay_out_meters(p, top);
    add_heading(p, x, top, p->width - x, "Slots");
    for (uint32_t i = 0; i < TAGPLUG_SLOTS; ++i) lay_out_row(p, i, x, top + HEADING + i * row, row);
    const double y = top + HEADING + TAGPLUG_SLOTS * row + GAP;
    add_heading(p, x, y, p->width - x,
                tagnode_plugin_parameter_info(tagplug_field_of(p->selected, 0))->group);
    lay_out_selected(p, x, y + HEADING);
}

widget *panel_find(panel *p, double x, double y) {
    for (uint32_t i = 0; i < p->widget_count; ++i)
        if (box_has(&p->widgets[i].place, x, y)) return &p->widgets[i];
    return NULL;
}
