#include <X11/Xlib.h>

#include "desk.h"

static Display *display;

static int ignore(Display *from, XErrorEvent *error) {
    (void)from;
    (void)error;
    return 0;
}

bool desk_open(void) {
    display = XOpenDisplay(NULL);
    (void)XSetErrorHandler(ignore); /* of this connection; that of the window has its own */
    return display != NULL;
}

uintptr_t desk_make(uint32_t width, uint32_t height) {
    const Window root = DefaultRootWindow(display);
    const Window made = XCreateSimpleWindow(display, root, 0, 0, width, height, 0, 0, 0);
    XMapRaised(display, made);
    XSync(display, False);
    return made;
}

void desk_destroy(uintptr_t window) {
    XDestroyWindow(display, window);
    XSync(display, False);
}

void desk_resize(uintptr_t window, uint32_t width, uint32_t height) {
    XResizeWindow(display, window, width, height);
    XFlush(display);
}

void desk_map(uintptr_t window, bool shown) {
    if (shown)
        XMapRaised(display, window);
    else
        XUnmapWindow(display, window);
    XSync(display, False);
}

bool desk_handles_all(void) {
    return false;
}

void desk_handle(void) {}

void desk_note_class(uintptr_t parent) {
    (void)parent;
}

bool desk_has_class(void) {
    return false;
}
