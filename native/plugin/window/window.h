/* window.h - the plugin's window for all three formats, which hosts embed in one of theirs. A face
 * gives it a tagplug_window_host and calls tagplug_window_tick from a timer of the host, unless the
 * window has one.
 *
 * All functions are the host's interface thread's. The audio thread does nothing for a window but
 * to publish its results, see core/view.h. */
#pragma once

#include "host.h"

enum { TAGPLUG_WINDOW_PERIOD = 33 }; /* ms between two calls of tick */

typedef struct tagplug_window tagplug_window;

/* Opens a window in `parent`, an X11 window id, or a HWND on Windows. `scale` is pixels for each
 * unit of length; 0: as the desktop is set. NULL: there is no display, no memory, or the parent
 * does not exist. */
tagplug_window *tagplug_window_open(const tagplug_window_host *host, uintptr_t parent,
                                    double scale);
void tagplug_window_close(tagplug_window *window); /* NULL is fine */

/* Handles events and draws what has changed; nothing is drawn while the window is hidden. False
 * once the display is gone: the window shows nothing any more, and is to be closed as usual. */
bool tagplug_window_tick(tagplug_window *window);

void tagplug_window_size(const tagplug_window *window, uint32_t *width, uint32_t *height);
bool tagplug_window_resize(tagplug_window *window, uint32_t width, uint32_t height); /* pixels */
void tagplug_window_scale(tagplug_window *window, double scale);
void tagplug_window_show(tagplug_window *window, bool shown); /* shown at first */
uintptr_t tagplug_window_native(const tagplug_window *window);

/* On Windows, where a host's loop handles the messages of all windows: tick need not be called. */
bool tagplug_window_has_timer(void);

/* For hosts that may set a scale and do not: on X11 1, on Windows as the desktop is set. */
double tagplug_window_default_scale(void);

/* The scale that a host asked for, within 0.5 to 4; others become 1. */
double tagplug_window_scale_of(double asked);
