/* native_x11.c - a window of pugl's on X11; Cairo copies the panel's image into it. */
#include <X11/Xlib.h>
#include <cairo.h>
#include <stdlib.h>

#include "native.h"
#include "pugl/cairo.h"
#include "pugl/pugl.h"
#include "x11_guard.h"

struct native {
    tagplug_window *window;
    Display *display;
    bool lost; /* the display is gone */
    PuglWorld *world;
    PuglView *view;
};

/* ---- events ---- */

static uint32_t key_of(uint32_t key) {
    switch (key) {
    case PUGL_KEY_UP: return PANEL_KEY_UP;
    case PUGL_KEY_DOWN: return PANEL_KEY_DOWN;
    case PUGL_KEY_LEFT: return PANEL_KEY_LEFT;
    case PUGL_KEY_RIGHT: return PANEL_KEY_RIGHT;
    case PUGL_KEY_PAGE_UP: return PANEL_KEY_PAGE_UP;
    case PUGL_KEY_PAGE_DOWN: return PANEL_KEY_PAGE_DOWN;
    case PUGL_KEY_HOME: return PANEL_KEY_HOME;
    case PUGL_KEY_END: return PANEL_KEY_END;
    case PUGL_KEY_ESCAPE: return PANEL_KEY_ESCAPE;
    case '\r':
    case '\n': return PANEL_KEY_ENTER;
    default: return key > ' ' && key < PUGL_KEY_DELETE ? key : PANEL_KEY_NONE;
    }
}

static bool fine(PuglMods mods) {
    return (mods & PUGL_MOD_SHIFT) != 0;
}

static void expose(const native *n, const PuglExposeEvent *event) {
    cairo_t *cr = puglGetContext(n->view);
    const canvas_image image = panel_image(window_panel(n->window));
    if (cr == NULL || image.pixels == NULL) return;
    cairo_surface_t *surface = cairo_image_surface_create_for_data(
        (unsigned char *)image.pixels, CAIRO_FORMAT_RGB24, (int)image.width, (int)image.height,
        (int)(image.width * sizeof *image.pixels));
    cairo_rectangle(cr, event->x, event->y, event->width, event->height);
    cairo_clip(cr);
    cairo_set_source_surface(cr, surface, 0, 0);
    cairo_set_operator(cr, CAIRO_OPERATOR_SOURCE);
    cairo_paint(cr);
    cairo_surface_destroy(surface);
}

static void grab_keys(const native *n) {
    XSetInputFocus(n->display, (Window)puglGetNativeView(n->view), RevertToParent, CurrentTime);
}

/* Before each round of drawing; what is posted here is exposed in the same round. */
static void update(const native *n) {
    const box changed = window_draw(n->window, puglGetTime(n->world));
    if (changed.width <= 0 || changed.height <= 0) return;
    const PuglRect part = {(PuglCoord)changed.x, (PuglCoord)changed.y, (PuglSpan)changed.width,
                           (PuglSpan)changed.height};
    (void)puglPostRedisplayRect(n->view, part);
}

static PuglStatus on_event(PuglView *view, const PuglEvent *event) {
    native *n = puglGetHandle(view);
    panel *p = window_panel(n->window);
    switch (event->type) {
    case PUGL_CONFIGURE:
        window_resized(n->window, event->configure.width, event->configure.height);
        break;
    case PUGL_UPDATE: update(n); break;
    case PUGL_EXPOSE: expose(n, &event->expose); break;
    case PUGL_BUTTON_PRESS:
        grab_keys(n);
        if (event->button.button == 0) panel_press(p, event->button.x, event->button.y);
        break;
    case PUGL_BUTTON_RELEASE:
        if (event->button.button == 0) panel_release(p);
        break;
    case PUGL_MOTION:
        panel_move(p, event->motion.x, event->motion.y, fine(event->motion.state));
        break;
    case PUGL_SCROLL:
        panel_scroll(p, event->scroll.x, event->scroll.y, event->scroll.dy,
                     fine(event->scroll.state));
        break;
    case PUGL_KEY_PRESS:
        (void)panel_press_key(p, key_of(event->key.key), fine(event->key.state));
        break;
    default: break;
    }
    return PUGL_SUCCESS;
}

/* ---- life ---- */

static int map_state(const native *n) { /* -1: there is no such window */
    XWindowAttributes about;
    return XGetWindowAttributes(n->display, (Window)native_id(n), &about) != 0 ? about.map_state
                                                                               : -1;
}

static bool make_window(native *n, uintptr_t parent, const uint32_t size[2]) {
    puglSetHandle(n->view, n);
    (void)puglSetClassName(n->world, TAGNODE_PLUGIN_NAME);
    (void)puglSetBackend(n->view, puglCairoBackend());
    (void)puglSetEventFunc(n->view, on_event);
    (void)puglSetViewHint(n->view, PUGL_RESIZABLE, PUGL_TRUE);
    (void)puglSetSizeHint(n->view, PUGL_DEFAULT_SIZE, (PuglSpan)size[0], (PuglSpan)size[1]);
    (void)puglSetParentWindow(n->view, parent);
    if (puglRealize(n->view) != PUGL_SUCCESS || puglShow(n->view) != PUGL_SUCCESS) return false;
    return map_state(n) >= 0; /* not if the parent is none */
}

static bool open_display(native *n, uintptr_t parent, double scale) {
    uint32_t size[2];
    n->world = puglNewWorld(PUGL_MODULE, 0);
    if (n->world == NULL) return false;
    n->display = puglGetNativeWorld(n->world);
    x11_guard(n->display, &n->lost);
    n->view = puglNewView(n->world);
    if (n->view == NULL) return false;
    window_scaled(n->window, scale > 0 ? scale : puglGetScaleFactor(n->view), size);
    const x11_guarded outer = x11_guard_enter(n->display);
    const bool made = make_window(n, parent, size);
    x11_guard_leave(outer);
    return made && !n->lost;
}

native *native_open(tagplug_window *window, uintptr_t parent, double scale) {
    native *n = calloc(1, sizeof *n);
    if (n == NULL) return NULL;
    n->window = window;
    if (open_display(n, parent, scale)) return n;
    native_close(n);
    return NULL;
}

void native_close(native *n) {
    if (n == NULL) return;
    const x11_guarded outer = x11_guard_enter(n->display);
    if (n->view != NULL) {
        (void)puglSetEventFunc(n->view, NULL);
        puglFreeView(n->view);
    }
    if (n->world != NULL) puglFreeWorld(n->world);
    x11_guard_leave(outer);
    free(n);
}

/* ---- at work ---- */

bool native_is_lost(const native *n) {
    return n->lost;
}

bool native_is_viewable(native *n) {
    if (n->lost) return false;
    const x11_guarded outer = x11_guard_enter(n->display);
    const bool viewable = map_state(n) == IsViewable;
    x11_guard_leave(outer);
    return viewable;
}

void native_update(native *n) {
    if (n->lost) return;
    const x11_guarded outer = x11_guard_enter(n->display);
    (void)puglUpdate(n->world, 0);
    x11_guard_leave(outer);
}

bool native_has_timer(void) {
    return false;
}

double native_default_scale(void) {
    return 1;
}

bool native_resize(native *n, uint32_t width, uint32_t height) {
    if (n->lost) return false;
    const x11_guarded outer = x11_guard_enter(n->display);
    const bool done = puglSetSize(n->view, width, height) == PUGL_SUCCESS;
    XFlush(n->display);
    x11_guard_leave(outer);
    return done;
}

void native_show(native *n, bool shown) {
    if (n->lost) return;
    const x11_guarded outer = x11_guard_enter(n->display);
    if (shown)
        (void)puglShow(n->view);
    else
        (void)puglHide(n->view);
    XFlush(n->display);
    x11_guard_leave(outer);
}

uintptr_t native_id(const native *n) {
    return puglGetNativeView(n->view);
}
