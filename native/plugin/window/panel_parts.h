/* panel_parts.h - the state of a panel, for its files only. Lengths are units, which `unit` turns
 * into pixels. */
#pragma once

#include <math.h>

#include "panel.h"

enum {
    PANEL_SOURCES = TAGNODE_PLUGIN_SOURCE_MAX,
    PANEL_HISTORY = 200, /* points of the curve: 20 a second for 10 s */
    PANEL_METERS = 64,
    PANEL_WIDGETS = 8 + PANEL_METERS + TAGPLUG_GLOBALS + 6 * TAGPLUG_SLOTS + TAGPLUG_FIELDS,
    PANEL_NAME = 128
};

typedef enum {
    WIDGET_STATUS,  /* the model's state as a sentence */
    WIDGET_PRESETS, /* the menu of presets */
    WIDGET_HEADING, /* a text */
    WIDGET_METER,   /* a descriptor and its name; `index` of the list of meters */
    WIDGET_SLOT,    /* the number of a slot, to select it */
    WIDGET_SOURCE,  /* a parameter without its name: a menu */
    WIDGET_LIVE,    /* the source's value with threshold, low and high on it */
    WIDGET_OUTPUT,  /* a slot's value */
    WIDGET_LEARN,   /* sets a slot's threshold */
    WIDGET_CURVE,   /* ten seconds of the selected slot */
    WIDGET_MEL,     /* the spectrum of these ten seconds */
    WIDGET_FIELD    /* a parameter with its name */
} widget_kind;

typedef struct {
    widget_kind kind;
    box place;
    uint32_t parameter; /* of WIDGET_SOURCE and WIDGET_FIELD */
    uint32_t index;     /* of a slot or a meter */
    const char *text;   /* of WIDGET_HEADING */
    uint64_t shown;     /* the sum of what is on the image; 0: nothing */
} widget;

/* A list to choose from. */
typedef struct {
    bool open, presets;
    uint32_t parameter; /* that is being chosen, unless it is a preset */
    uint32_t count, first, marked;
    uint16_t ids[PANEL_SOURCES + 1];
    box place;
    uint64_t shown;
} panel_menu;

struct panel {
    tagplug_window_host host;
    double unit;          /* pixels */
    double width, height; /* units */
    uint32_t pixels[2];   /* width and height of the image */
    canvas *canvas;
    bool has_image; /* of this size */
    double scale;

    widget widgets[PANEL_WIDGETS];
    uint32_t widget_count;
    bool laid_out;
    uint32_t selected; /* slot */
    bool whole;        /* all is to be drawn again */

    uint32_t revision; /* of the sources below */
    bool listed;
    uint16_t sources[PANEL_SOURCES];
    uint32_t source_count;
    uint16_t meters[PANEL_METERS]; /* sources; signals first */
    char meter_names[PANEL_METERS][PANEL_NAME];
    uint32_t meter_count;

    char source_names[TAGPLUG_SLOTS][PANEL_NAME];
    float named[TAGPLUG_SLOTS]; /* the source that has this name; NaN: none */

    float live[TAGPLUG_SLOTS][PANEL_HISTORY],
        moved[TAGPLUG_SLOTS][PANEL_HISTORY];         /* oldest first */
    uint32_t history;                                /* points */
    uint32_t mel_seen;                               /* frames */
    uint32_t mel[TAGPLUG_VIEW_BANDS][PANEL_HISTORY]; /* colours; high bands first */
    double sampled;                                  /* when last */

    panel_menu menu;
    bool dragging;
    uint32_t dragged; /* parameter */
    double drag_from, drag_share, drag_width;
};

/* ---- values ---- */

float panel_get(const panel *p, uint32_t parameter);
float panel_field(const panel *p, uint32_t slot, tagplug_field field);
void panel_edit(const panel *p, uint32_t parameter, float value); /* begin, set, end */
void panel_text(panel *p, uint32_t parameter, char *text, size_t size);

/* The text of a source; those of slots are kept, since a host's lock is behind them. */
const char *panel_source_name(panel *p, uint32_t slot);
bool panel_has_menu(uint32_t parameter);

/* ---- panel_mel.c ---- */

void panel_clear_mel(panel *p);
void panel_sample_mel(panel *p); /* at each point of the curve */
void panel_paint_mel(panel *p, const widget *w, paint *to);

/* ---- panel_layout.c ---- */

void panel_list_sources(panel *p); /* and meters, if the model has changed */
void panel_lay_out(panel *p);
widget *panel_find(panel *p, double x, double y); /* NULL: none */

/* ---- panel_draw.c ---- */

void panel_paint(panel *p, const widget *w, paint *to);

/* ---- panel_menu.c ---- */

void panel_open_menu(panel *p, uint32_t parameter, const box *below);
void panel_open_presets(panel *p, const box *below);
void panel_close_menu(panel *p);
void panel_paint_menu(panel *p, paint *to);
void panel_point_menu(panel *p, double x, double y); /* marks what is there */
void panel_scroll_menu(panel *p, int32_t steps);
void panel_choose(panel *p); /* what is marked, and closes */
bool panel_menu_key(panel *p, uint32_t key);

/* ---- learn.c ---- */

/* The threshold between what a source had: halfway between two groups of values (Otsu, "A threshold
 * selection method from gray-level histograms", 1979), or just below the only one. */
float panel_learn(const float *values, uint32_t count);
