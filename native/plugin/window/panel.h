/* panel.h - what the window shows and how it answers the pointer and the keys, without a window
 * system: it draws on an image. Positions are pixels of the image. */
#pragma once

#include "host.h"
#include "paint.h"

typedef struct panel panel;

typedef enum {
    PANEL_KEY_NONE,
    PANEL_KEY_UP,
    PANEL_KEY_DOWN,
    PANEL_KEY_LEFT,
    PANEL_KEY_RIGHT,
    PANEL_KEY_PAGE_UP,
    PANEL_KEY_PAGE_DOWN,
    PANEL_KEY_HOME,
    PANEL_KEY_END,
    PANEL_KEY_ENTER,
    PANEL_KEY_ESCAPE
} panel_key; /* letters are themselves, in lower case */

panel *panel_create(const tagplug_window_host *host); /* NULL: no memory */
void panel_destroy(panel *panel);                     /* ends an edit that has begun */

/* Sets the size of the image. `scale` is pixels for each unit of length, and is less where the
 * image is too small for all. */
void panel_resize(panel *panel, uint32_t width, uint32_t height, double scale);

/* Draws what has changed at `now`, seconds on any clock, and returns the part of the image that
 * differs: nothing if its width is 0. */
box panel_update(panel *panel, double now);

/* Without pixels before the first update, after a resize, and without memory. */
canvas_image panel_image(const panel *panel);

void panel_press(panel *panel, double x, double y);
void panel_move(panel *panel, double x, double y, bool fine); /* fine: a tenth as far */
void panel_release(panel *panel);
void panel_scroll(panel *panel, double x, double y, double steps, bool fine); /* up: positive */
bool panel_press_key(panel *panel, uint32_t key, bool fine); /* false: it means nothing here */
