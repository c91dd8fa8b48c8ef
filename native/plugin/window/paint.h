/* paint.h - shapes and texts on a canvas. A paint without a canvas draws nothing but sums up what
 * it would draw, so that what has not changed is not drawn again. */
#pragma once

#include "canvas.h"

typedef struct {
    canvas *canvas; /* NULL: only `sum` is of interest */
    uint64_t sum;   /* of all that was painted */
    double height;  /* of texts */
} paint;

typedef enum { PAINT_LEFT, PAINT_MIDDLE, PAINT_RIGHT } paint_side;

/* Colours are 0xRRGGBB. */
enum {
    COLOUR_BACK = 0x1B1D22,
    COLOUR_PANEL = 0x25282F,
    COLOUR_RAISED = 0x333843,
    COLOUR_EDGE = 0x4A5160,
    COLOUR_TEXT = 0xE6E8EC,
    COLOUR_DIM = 0x9AA2B1,
    COLOUR_LIVE = 0x4AA3FF,
    COLOUR_OUTPUT = 0x4FC97F,
    COLOUR_THRESHOLD = 0xFFB000,
    COLOUR_THRESHOLD_IDLE = 0x8F7A45,
    COLOUR_HOT = 0xE5534B
};

bool box_has(const box *b, double x, double y);
bool box_meets(const box *a, const box *b);
box box_join(const box *a, const box *b);           /* an empty one counts as none */
box box_inset(const box *b, double x, double y);    /* no narrower than 0 */
box box_part(const box *b, double from, double to); /* by shares of its width, clamped */

void paint_fill(paint *p, const box *b, uint32_t colour);
void paint_round(paint *p, const box *b, double radius, uint32_t colour);
void paint_line(paint *p, double x1, double y1, double x2, double y2, double width,
                uint32_t colour);

/* A polyline through `count` points, at most CANVAS_POINTS, which are evenly spaced over the box;
 * values of 0 to 1 are bottom to top. */
void paint_curve(paint *p, const box *b, const float *values, uint32_t count, uint32_t colour);

/* An image, stretched over a box. */
void paint_bitmap(paint *p, const box *b, const canvas_image *image);

/* One line, cut where the box ends. Bytes that are no UTF-8 become '?'. */
void paint_text(paint *p, const box *b, const char *text, paint_side side, uint32_t colour);

/* A small arrow that points down: there is a menu. */
void paint_arrow(paint *p, const box *b, uint32_t colour);
