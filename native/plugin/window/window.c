/* window.c - a panel in a window of pugl's. */
#include "window.h"

#include <X11/Xlib.h>
#include <math.h>
#include <stdlib.h>

#include "panel.h"
#include "pugl/cairo.h"
#include "pugl/pugl.h"
#include "x11_guard.h"

enum { LOOK_EVERY = 4 /* ticks between two looks whether the window can be seen */ };

struct tagplug_window {
    tagplug_window_host host;
    Display *display;
    bool lost; /* the display is gone */
    PuglWorld *world;
    PuglView *view;
    panel *panel;
    double scale;
    uint32_t width, height;
    uint32_t ticks;
    double drawn; /* when last */
    bool shown, viewable, watching, ticking;
};

static const double least_pause =
    0.028; /* s between two rounds of drawing, however fast ticks are */

double tagplug_window_scale_of(double asked) {
    return asked >= 0.5 && asked <= 4 ? asked : 1;
}

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

static void resized(tagplug_window *w, uint32_t width, uint32_t height) {
    w->width = width > 0 ? width : 1;
    w->height = height > 0 ? height : 1;
    panel_resize(w->panel, w->width, w->height, w->scale);
}

static void expose(const tagplug_window *w, const PuglExposeEvent *event) {
    cairo_t *cr = puglGetContext(w->view);
    cairo_surface_t *image = panel_image(w->panel);
    if (cr == NULL || image == NULL) return;
    cairo_rectangle(cr, event->x, event->y, event->width, event->height);
    cairo_clip(cr);
    cairo_set_source_surface(cr, image, 0, 0);
    cairo_set_operator(cr, CAIRO_OPERATOR_SOURCE);
    cairo_paint(cr);
}

static void scroll(const tagplug_window *w, const PuglScrollEvent *event) {
    panel_scroll(w->panel, event->x, event->y, event->dy, fine(event->state));
}

static void grab_keys(const tagplug_window *w) {
    XSetInputFocus(w->display, (Window)puglGetNativeView(w->view), RevertToParent, CurrentTime);
}

/* Before each round of drawing; what is posted here is exposed in the same round. */
static void update(tagplug_window *w) {
    const double now = puglGetTime(w->world);
    if (!w->watching || now - w->drawn < least_pause) return;
    w->drawn = now;
    const box changed = panel_update(w->panel, now);
    if (changed.width <= 0 || changed.height <= 0) return;
    const PuglRect part = {(PuglCoord)changed.x, (PuglCoord)changed.y, (PuglSpan)changed.width,
                           (PuglSpan)changed.height};
    (void)puglPostRedisplayRect(w->view, part);
}

static PuglStatus on_event(PuglView *view, const PuglEvent *event) {
    tagplug_window *w = puglGetHandle(view);
    switch (event->type) {
    case PUGL_CONFIGURE: resized(w, event->configure.width, event->configure.height); break;
    case PUGL_UPDATE: update(w); break;
    case PUGL_EXPOSE: expose(w, &event->expose); break;
    case PUGL_BUTTON_PRESS:
        grab_keys(w);
        if (event->button.button == 0) panel_press(w->panel, event->button.x, event->button.y);
        break;
    case PUGL_BUTTON_RELEASE:
        if (event->button.button == 0) panel_release(w->panel);
        break;
    case PUGL_MOTION:
        panel_move(w->panel, event->motion.x, event->motion.y, fine(event->motion.state));
        break;
    case PUGL_SCROLL: scroll(w, &event->scroll); break;
    case PUGL_KEY_PRESS:
        (void)panel_press_key(w->panel, key_of(event->key.key), fine(event->key.state));
        break;
    default: break;
    }
    return PUGL_SUCCESS;
}

/* ---- life ---- */

static int map_state(const tagplug_window *w) { /* -1: there is no such window */
    XWindowAttributes about;
    const Window window = (Window)puglGetNativeView(w->view);
    return XGetWindowAttributes(w->display, window, &about) != 0 ? about.map_state : -1;
}

static bool make_window(tagplug_window *w, uintptr_t parent) {
    puglSetHandle(w->view, w);
    (void)puglSetClassName(w->world, TAGNODE_PLUGIN_NAME);
    (void)puglSetBackend(w->view, puglCairoBackend());
    (void)puglSetEventFunc(w->view, on_event);
    (void)puglSetViewHint(w->view, PUGL_RESIZABLE, PUGL_TRUE);
    (void)puglSetSizeHint(w->view, PUGL_DEFAULT_SIZE, (PuglSpan)w->width, (PuglSpan)w->height);
    (void)puglSetParentWindow(w->view, parent);
    if (puglRealize(w->view) != PUGL_SUCCESS || puglShow(w->view) != PUGL_SUCCESS) return false;
    return map_state(w) >= 0; /* not if the parent is none */
}

static bool open_display(tagplug_window *w, uintptr_t parent, double scale) {
    w->world = puglNewWorld(PUGL_MODULE, 0);
    if (w->world == NULL) return false;
    w->display = puglGetNativeWorld(w->world);
    x11_guard(w->display, &w->lost);
    w->view = puglNewView(w->world);
    if (w->view == NULL) return false;
    w->scale = tagplug_window_scale_of(scale > 0 ? scale : puglGetScaleFactor(w->view));
    w->width = (uint32_t)lround(TAGPLUG_WINDOW_WIDTH * w->scale);
    w->height = (uint32_t)lround(TAGPLUG_WINDOW_HEIGHT * w->scale);
    panel_resize(w->panel, w->width, w->height, w->scale);
    const x11_guarded outer = x11_guard_enter(w->display);
    const bool made = make_window(w, parent);
    x11_guard_leave(outer);
    return made && !w->lost;
}

tagplug_window *tagplug_window_open(const tagplug_window_host *host, uintptr_t parent,
                                    double scale) {
    tagplug_window *w = calloc(1, sizeof *w);
    if (w == NULL) return NULL;
    w->host = *host;
    w->shown = true;
    w->drawn = -HUGE_VAL;
    w->panel = panel_create(host);
    if (w->panel == NULL || !open_display(w, parent, scale)) {
        tagplug_window_close(w);
        return NULL;
    }
    (void)tagplug_window_tick(w);
    return w;
}

static void watch(tagplug_window *w, bool on) {
    if (on != w->watching) w->host.view->watch(w->host.core, on);
    w->watching = on;
}

void tagplug_window_close(tagplug_window *w) {
    if (w == NULL) return;
    watch(w, false);
    panel_destroy(w->panel);
    w->panel = NULL;
    const x11_guarded outer = x11_guard_enter(w->display);
    if (w->view != NULL) {
        (void)puglSetEventFunc(w->view, NULL);
        puglFreeView(w->view);
    }
    if (w->world != NULL) puglFreeWorld(w->world);
    x11_guard_leave(outer);
    free(w);
}

/* ---- at work ---- */

bool tagplug_window_tick(tagplug_window *w) {
    if (w->ticking) return !w->lost; /* a host's dialog within an edit has a loop of its own */
    w->ticking = true;
    const x11_guarded outer = x11_guard_enter(w->display);
    /* A window whose ancestor is hidden gets no event: the server has to be asked. */
    if (!w->lost && w->ticks++ % LOOK_EVERY == 0) w->viewable = map_state(w) == IsViewable;
    watch(w, w->shown && w->viewable && !w->lost);
    if (!w->lost) (void)puglUpdate(w->world, 0);
    if (w->lost) watch(w, false);
    x11_guard_leave(outer);
    w->ticking = false;
    return !w->lost;
}

void tagplug_window_size(const tagplug_window *w, uint32_t *width, uint32_t *height) {
    *width = w->width;
    *height = w->height;
}

bool tagplug_window_resize(tagplug_window *w, uint32_t width, uint32_t height) {
    if (w->lost || width == 0 || height == 0) return false;
    const x11_guarded outer = x11_guard_enter(w->display);
    const bool done = puglSetSize(w->view, width, height) == PUGL_SUCCESS;
    XFlush(w->display);
    x11_guard_leave(outer);
    if (done) resized(w, width, height);
    return done;
}

void tagplug_window_scale(tagplug_window *w, double scale) {
    w->scale = tagplug_window_scale_of(scale);
    panel_resize(w->panel, w->width, w->height, w->scale);
}

void tagplug_window_show(tagplug_window *w, bool shown) {
    w->shown = shown;
    w->ticks = 0;
    if (w->lost) return;
    const x11_guarded outer = x11_guard_enter(w->display);
    if (shown)
        (void)puglShow(w->view);
    else
        (void)puglHide(w->view);
    XFlush(w->display);
    x11_guard_leave(outer);
}

uintptr_t tagplug_window_native(const tagplug_window *w) {
    return puglGetNativeView(w->view);
}
