#include "x11_guard.h"

#include <X11/Xlibint.h>

enum { CODES = 256 };

/* Xlib's converter of an error from the wire: false ends its handling, see "Xlib - C Language X
 * Interface", appendix C, XESetWireToError. */
static Bool ignore(Display *display, XErrorEvent *event, xError *wire) {
    (void)display;
    (void)event;
    (void)wire;
    return False;
}

/* After which Xlib would end the process, if the connection had no function of its own. */
static void on_exit_of(Display *display, void *lost) {
    (void)display;
    *(bool *)lost = true;
}

void x11_guard(Display *display, bool *lost) {
    for (int code = 0; code < CODES; ++code) (void)XESetWireToError(display, code, ignore);
    XSetIOErrorExitHandler(display, on_exit_of, lost);
}

/* Before that Xlib calls one handler for all connections, and its own ends the process too. */
static _Thread_local Display *own;
static XIOErrorHandler of_host;

static int on_broken(Display *display) {
    return display == own || of_host == NULL ? 0 : of_host(display);
}

x11_guarded x11_guard_enter(Display *display) {
    const x11_guarded outer = {own, XSetIOErrorHandler(on_broken)};
    if (outer.handler != on_broken) of_host = outer.handler;
    own = display;
    return outer;
}

void x11_guard_leave(x11_guarded outer) {
    own = outer.display;
    (void)XSetIOErrorHandler(outer.handler);
}
