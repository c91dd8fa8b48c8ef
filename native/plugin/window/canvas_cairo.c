#include <cairo.h>
#include <math.h>
#include <stdlib.h>

#include "canvas.h"

struct canvas {
    cairo_surface_t *surface; /* NULL: no image */
    cairo_t *cr;              /* NULL: not drawing */
};

canvas *canvas_create(void) {
    return calloc(1, sizeof(canvas));
}

static void drop_image(canvas *c) {
    if (c->surface != NULL) cairo_surface_destroy(c->surface);
    c->surface = NULL;
}

void canvas_destroy(canvas *c) {
    if (c == NULL) return;
    drop_image(c);
    free(c);
}

bool canvas_resize(canvas *c, uint32_t width, uint32_t height) {
    drop_image(c);
    c->surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, (int)width, (int)height);
    if (cairo_surface_status(c->surface) == CAIRO_STATUS_SUCCESS) return true;
    drop_image(c);
    return false;
}

canvas_image canvas_look(const canvas *c) {
    if (c->surface == NULL) return (canvas_image){0, 0, NULL};
    cairo_surface_flush(c->surface);
    return (canvas_image){(uint32_t)cairo_image_surface_get_width(c->surface),
                          (uint32_t)cairo_image_surface_get_height(c->surface),
                          (uint32_t *)(void *)cairo_image_surface_get_data(c->surface)};
}

void canvas_begin(canvas *c, double unit) {
    c->cr = cairo_create(c->surface);
    cairo_scale(c->cr, unit, unit);
}

void canvas_end(canvas *c) {
    cairo_destroy(c->cr);
    c->cr = NULL;
}

void canvas_clip(canvas *c, const box *b) {
    cairo_save(c->cr);
    cairo_rectangle(c->cr, b->x, b->y, b->width, b->height);
    cairo_clip(c->cr);
}

void canvas_unclip(canvas *c) {
    cairo_restore(c->cr);
}

static void set_colour(const canvas *c, uint32_t colour) {
    cairo_set_source_rgb(c->cr, (colour >> 16 & 255) / 255.0, (colour >> 8 & 255) / 255.0,
                         (colour & 255) / 255.0);
}

void canvas_fill(canvas *c, const box *b, uint32_t colour) {
    set_colour(c, colour);
    cairo_rectangle(c->cr, b->x, b->y, b->width, b->height);
    cairo_fill(c->cr);
}

void canvas_round(canvas *c, const box *b, double radius, uint32_t colour) {
    const double r = fmin(radius, fmin(b->width, b->height) / 2), quarter = acos(0);
    const double right = b->x + b->width, bottom = b->y + b->height;
    set_colour(c, colour);
    cairo_new_sub_path(c->cr);
    cairo_arc(c->cr, right - r, b->y + r, r, -quarter, 0);
    cairo_arc(c->cr, right - r, bottom - r, r, 0, quarter);
    cairo_arc(c->cr, b->x + r, bottom - r, r, quarter, 2 * quarter);
    cairo_arc(c->cr, b->x + r, b->y + r, r, 2 * quarter, 3 * quarter);
    cairo_close_path(c->cr);
    cairo_fill(c->cr);
}

void canvas_line(canvas *c, const canvas_point *points, uint32_t count, double width,
                 uint32_t colour) {
    set_colour(c, colour);
    cairo_set_line_width(c->cr, width);
    /* Cairo's fast way for upright lines wants the other join, though there is none. */
    cairo_set_line_join(c->cr, count > 2 ? CAIRO_LINE_JOIN_BEVEL : CAIRO_LINE_JOIN_MITER);
    cairo_new_path(c->cr); /* not from the end of the last text */
    for (uint32_t i = 0; i < count; ++i) cairo_line_to(c->cr, points[i].x, points[i].y);
    cairo_stroke(c->cr);
}

void canvas_bitmap(canvas *c, const box *b, const canvas_image *image) {
    const int width = (int)image->width, height = (int)image->height;
    cairo_surface_t *surface = cairo_image_surface_create_for_data(
        (unsigned char *)image->pixels, CAIRO_FORMAT_RGB24, width, height, 4 * width);
    cairo_save(c->cr);
    cairo_translate(c->cr, b->x, b->y);
    cairo_scale(c->cr, b->width / width, b->height / height);
    cairo_set_source_surface(c->cr, surface, 0, 0);
    cairo_pattern_set_filter(cairo_get_source(c->cr), CAIRO_FILTER_NEAREST);
    cairo_rectangle(c->cr, 0, 0, width, height);
    cairo_fill(c->cr);
    cairo_restore(c->cr);
    cairo_surface_destroy(surface);
}

static void set_font(const canvas *c, double height) {
    cairo_select_font_face(c->cr, "sans-serif", CAIRO_FONT_SLANT_NORMAL, CAIRO_FONT_WEIGHT_NORMAL);
    cairo_set_font_size(c->cr, height);
}

double canvas_text_width(canvas *c, const char *text, double height) {
    cairo_text_extents_t extents;
    set_font(c, height);
    cairo_text_extents(c->cr, text, &extents);
    return extents.x_advance;
}

void canvas_text(canvas *c, canvas_point at, const char *text, double height, uint32_t colour) {
    set_font(c, height);
    set_colour(c, colour);
    cairo_move_to(c->cr, at.x, at.y);
    cairo_show_text(c->cr, text);
}
