/* desk.h - the windows of window_host.c: desk_x11.c and desk_windows.c. All [main]. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

bool desk_open(void); /* false: there is no display */

/* A window at the top left, in front of all others. */
uintptr_t desk_make(uint32_t width, uint32_t height);
void desk_destroy(uintptr_t window);
void desk_resize(uintptr_t window, uint32_t width, uint32_t height);
void desk_map(uintptr_t window, bool shown);

/* Whether a host's loop serves all windows of the process, the plugin's too, by desk_handle; else
 * the plugin's want a timer of the host. */
bool desk_handles_all(void);
void desk_handle(void);

/* Remembers the kind of window that is within another, and whether there still is such a kind: a
 * library that registers one and goes away leaves the system a function that is not there. */
void desk_note_class(uintptr_t parent);
bool desk_has_class(void);
