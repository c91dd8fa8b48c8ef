/* window.c - a panel in a native window. */
#include "window.h"

#include <math.h>
#include <stdlib.h>

#include "native.h"

enum { LOOK_EVERY = 4 /* ticks between two looks whether the window can be seen */ };

struct tagplug_window {
    tagplug_window_host host;
    native *native;
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

double tagplug_window_default_scale(void) {
    return tagplug_window_scale_of(native_default_scale());
}

bool tagplug_window_has_timer(void) {
    return native_has_timer();
}

/* ---- for the native window ---- */

panel *window_panel(const tagplug_window *w) {
    return w->panel;
}

void window_resized(tagplug_window *w, uint32_t width, uint32_t height) {
    w->width = width > 0 ? width : 1;
    w->height = height > 0 ? height : 1;
    panel_resize(w->panel, w->width, w->height, w->scale);
}

void window_scaled(tagplug_window *w, double scale, uint32_t size[2]) {
    w->scale = tagplug_window_scale_of(scale);
    size[0] = (uint32_t)lround(TAGPLUG_WINDOW_WIDTH * w->scale);
    size[1] = (uint32_t)lround(TAGPLUG_WINDOW_HEIGHT * w->scale);
    window_resized(w, size[0], size[1]);
}

box window_draw(tagplug_window *w, double now) {
    if (!w->watching || now - w->drawn < least_pause) return (box){0, 0, 0, 0};
    w->drawn = now;
    return panel_update(w->panel, now);
}

/* ---- life ---- */

tagplug_window *tagplug_window_open(const tagplug_window_host *host, uintptr_t parent,
                                    double scale) {
    tagplug_window *w = calloc(1, sizeof *w);
    if (w == NULL) return NULL;
    w->host = *host;
    w->shown = true;
    w->drawn = -HUGE_VAL;
    w->panel = panel_create(host);
    if (w->panel != NULL) w->native = native_open(w, parent, scale);
    if (w->native == NULL) {
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
    native_close(w->native);
    panel_destroy(w->panel);
    free(w);
}

/* ---- at work ---- */

bool tagplug_window_tick(tagplug_window *w) {
    if (!w->ticking) { /* a host's dialog within an edit has a loop of its own */
        w->ticking = true;
        /* A window whose ancestor is hidden gets no event: the system has to be asked. */
        if (w->ticks++ % LOOK_EVERY == 0) w->viewable = native_is_viewable(w->native);
        watch(w, w->shown && w->viewable && !native_is_lost(w->native));
        native_update(w->native);
        if (native_is_lost(w->native)) watch(w, false);
        w->ticking = false;
    }
    return !native_is_lost(w->native);
}

void tagplug_window_size(const tagplug_window *w, uint32_t *width, uint32_t *height) {
    *width = w->width;
    *height = w->height;
}

bool tagplug_window_resize(tagplug_window *w, uint32_t width, uint32_t height) {
    if (width == 0 || height == 0 || !native_resize(w->native, width, height)) return false;
    window_resized(w, width, height);
    return true;
}

void tagplug_window_scale(tagplug_window *w, double scale) {
    w->scale = tagplug_window_scale_of(scale);
    panel_resize(w->panel, w->width, w->height, w->scale);
}

void tagplug_window_show(tagplug_window *w, bool shown) {
    w->shown = shown;
    w->ticks = 0;
    native_show(w->native, shown);
}

uintptr_t tagplug_window_native(const tagplug_window *w) {
    return native_id(w->native);
}
