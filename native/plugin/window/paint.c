#include "paint.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- boxes ---- */

bool box_has(const box *b, double x, double y) {
    return x >= b->x && y >= b->y && x < b->x + b->width && y < b->y + b->height;
}

bool box_meets(const box *a, const box *b) {
    return a->x < b->x + b->width && b->x < a->x + a->width && a->y < b->y + b->height &&
           b->y < a->y + a->height;
}

box box_join(const box *a, const box *b) {
    if (a->width <= 0 || a->height <= 0) return *b;
    if (b->width <= 0 || b->height <= 0) return *a;
    const double x = fmin(a->x, b->x), y = fmin(a->y, b->y);
    return (box){x, y, fmax(a->x + a->width, b->x + b->width) - x,
                 fmax(a->y + a->height, b->y + b->height) - y};
}

box box_inset(const box *b, double x, double y) {
    return (box){b->x + x, b->y + y, fmax(0, b->width - 2 * x), fmax(0, b->height - 2 * y)};
}

static double share_of(double value) {
    return value > 0 ? fmin(value, 1) : 0; /* NaN too */
}

box box_part(const box *b, double from, double to) {
    const double left = share_of(fmin(from, to)), right = share_of(fmax(from, to));
    return (box){b->x + left * b->width, b->y, (right - left) * b->width, b->height};
}

/* ---- sums ---- */

static void add(paint *p, const void *bytes, size_t size) { /* FNV-1a */
    const unsigned char *at = bytes;
    for (size_t i = 0; i < size; ++i) p->sum = (p->sum ^ at[i]) * 0x100000001B3U;
}

static void add_number(paint *p, uint32_t value) {
    for (uint32_t i = 0; i < 4; ++i) {
        const unsigned char byte = value >> 8 * i & 255;
        add(p, &byte, 1);
    }
}

/* Steps of a quarter of a unit: less is not seen. */
static void add_box(paint *p, const box *b, uint32_t colour) {
    const double sides[] = {b->x, b->y, b->width, b->height};
    for (uint32_t i = 0; i < 4; ++i) add_number(p, (uint32_t)lround(4 * sides[i]));
    add_number(p, colour);
}

/* ---- shapes ---- */

void paint_fill(paint *p, const box *b, uint32_t colour) {
    add_box(p, b, colour);
    if (p->canvas != NULL) canvas_fill(p->canvas, b, colour);
}

void paint_round(paint *p, const box *b, double radius, uint32_t colour) {
    add_box(p, b, colour);
    if (p->canvas != NULL) canvas_round(p->canvas, b, radius, colour);
}

void paint_line(paint *p, double x1, double y1, double x2, double y2, double width,
                uint32_t colour) {
    const box b = {x1, y1, x2 - x1, y2 - y1};
    const canvas_point ends[] = {{x1, y1}, {x2, y2}};
    add_box(p, &b, colour);
    if (p->canvas != NULL) canvas_line(p->canvas, ends, 2, width, colour);
}

void paint_curve(paint *p, const box *b, const float *values, uint32_t count, uint32_t colour) {
    canvas_point points[CANVAS_POINTS];
    add_box(p, b, colour);
    add(p, values, count * sizeof *values);
    if (p->canvas == NULL || count < 2) return;
    for (uint32_t i = 0; i < count; ++i)
        points[i] = (canvas_point){b->x + b->width * i / (count - 1),
                                   b->y + b->height * (1 - share_of(values[i]))};
    canvas_line(p->canvas, points, count, 1.25, colour);
}

void paint_bitmap(paint *p, const box *b, const canvas_image *image) {
    add_box(p, b, 0);
    add(p, image->pixels, (size_t)image->width * image->height * sizeof *image->pixels);
    if (p->canvas != NULL && b->width > 0 && b->height > 0) canvas_bitmap(p->canvas, b, image);
}

void paint_arrow(paint *p, const box *b, uint32_t colour) {
    const double x = b->x + b->width - 9, y = b->y + b->height / 2;
    paint_line(p, x - 3, y - 1.5, x, y + 1.5, 1.25, colour);
    paint_line(p, x, y + 1.5, x + 3, y - 1.5, 1.25, colour);
}

/* ---- texts ---- */

/* The length of the character at `text`, 0 where that is no UTF-8 (RFC 3629). */
static size_t character(const unsigned char *text) {
    const size_t length = text[0] < 0x80                      ? 1
                          : text[0] >= 0xC2 && text[0] < 0xE0 ? 2
                          : text[0] >= 0xE0 && text[0] < 0xF0 ? 3
                          : text[0] >= 0xF0 && text[0] < 0xF5 ? 4
                                                              : 0;
    for (size_t i = 1; i < length; ++i)
        if ((text[i] & 0xC0) != 0x80) return 0;
    if ((text[0] == 0xE0 && text[1] < 0xA0) || (text[0] == 0xED && text[1] > 0x9F) ||
        (text[0] == 0xF0 && text[1] < 0x90) || (text[0] == 0xF4 && text[1] > 0x8F))
        return 0;
    return length;
}

/* Cairo stops drawing for good at a text that is not UTF-8. */
static void make_clean(const char *text, char *cleaned, size_t size) {
    size_t used = 0;
    for (const unsigned char *at = (const unsigned char *)text; *at != 0;) {
        const size_t length = character(at);
        if (used + (length > 0 ? length : 1) >= size) break;
        if (length == 0)
            cleaned[used++] = '?';
        else
            memcpy(cleaned + used, at, length);
        used += length;
        at += length > 0 ? length : 1;
    }
    cleaned[used] = '\0';
}

void paint_text(paint *p, const box *b, const char *text, paint_side side, uint32_t colour) {
    add_box(p, b, colour);
    add(p, text, strlen(text) + 1);
    if (p->canvas == NULL || b->width <= 0) return;
    char shown[256];
    make_clean(text, shown, sizeof shown);
    double left = 0;
    if (side != PAINT_LEFT)
        left = fmax(0, b->width - canvas_text_width(p->canvas, shown, p->height)) /
               (side == PAINT_RIGHT ? 1 : 2);
    const canvas_point at = {b->x + left, b->y + b->height / 2 + 0.36 * p->height};
    canvas_clip(p->canvas, b);
    canvas_text(p->canvas, at, shown, p->height, colour);
    canvas_unclip(p->canvas);
}
