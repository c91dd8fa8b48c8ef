/* native.h - a child window of the system, for window.c only: native_x11.c and native_windows.c.
 * What happens to it goes to the functions of window.c below. */
#pragma once

#include "panel.h"
#include "window.h"

typedef struct native native;

/* Opens a visible window within `parent`. Once its scale is known, which is that of the desktop if
 * `scale` is 0, window_scaled gets it and returns the size. NULL: see tagplug_window_open. */
native *native_open(tagplug_window *window, uintptr_t parent, double scale);
void native_close(native *native); /* NULL is fine */

/* True once the window or its display is gone; then the rest does nothing. */
bool native_is_lost(const native *native);

/* Whether the window and those around it are shown. */
bool native_is_viewable(native *native);

/* Handles what has happened, and calls window_draw. */
void native_update(native *native);

bool native_has_timer(void);
double native_default_scale(void);

bool native_resize(native *native, uint32_t width, uint32_t height);
void native_show(native *native, bool shown);
uintptr_t native_id(const native *native);

/* ---- window.c ---- */

panel *window_panel(const tagplug_window *window);
void window_scaled(tagplug_window *window, double scale, uint32_t size[2]);
void window_resized(tagplug_window *window, uint32_t width, uint32_t height);

/* Draws at `now`, seconds on any clock, unless that would be too soon or the window cannot be seen;
 * returns the part of the panel's image that differs. */
box window_draw(tagplug_window *window, double now);
