/* x11_guard.h - what happens when the server refuses a request of a connection, or is gone. By
 * Xlib's defaults either ends the host. */
#pragma once

#include <X11/Xlib.h>
#include <stdbool.h>

/* From now on refused requests of this connection do nothing, and `*lost` becomes true when the
 * connection breaks within x11_guard_enter and _leave. Other connections of the process, the
 * host's, are treated as before. [main] */
void x11_guard(Display *display, bool *lost);

typedef struct {
    Display *display;
    XIOErrorHandler handler;
} x11_guarded;

/* Around all that uses the connection; may be nested. [main] */
x11_guarded x11_guard_enter(Display *display);
void x11_guard_leave(x11_guarded outer);
