/* canvas.h - an image to draw shapes and texts on: by Cairo, and by GDI+ on Windows. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    double x, y, width, height;
} box;

typedef struct {
    double x, y;
} canvas_point;

enum { CANVAS_POINTS = 256 /* of a line, at most */ };

/* Rows from top to bottom without gaps; a pixel is 0xRRGGBB, its highest byte is undefined. */
typedef struct {
    uint32_t width, height;
    uint32_t *pixels; /* NULL: there is no image */
} canvas_image;

typedef struct canvas canvas;

canvas *canvas_create(void);         /* without an image; NULL: no memory */
void canvas_destroy(canvas *canvas); /* NULL is fine */

/* Replaces the image by one whose pixels are undefined. False: no memory, and no image. */
bool canvas_resize(canvas *canvas, uint32_t width, uint32_t height);
canvas_image canvas_look(const canvas *canvas); /* until the next resize */

/* Around all that is drawn on an image. Lengths are units of so many pixels. */
void canvas_begin(canvas *canvas, double unit);
void canvas_end(canvas *canvas);

/* Limits drawing to a box, within the one before, until the matching unclip. */
void canvas_clip(canvas *canvas, const box *b);
void canvas_unclip(canvas *canvas);

void canvas_fill(canvas *canvas, const box *b, uint32_t colour);
void canvas_round(canvas *canvas, const box *b, double radius, uint32_t colour); /* filled */
void canvas_line(canvas *canvas, const canvas_point *points, uint32_t count, double width,
                 uint32_t colour);

/* Stretches an image over a box, pixel by pixel. */
void canvas_bitmap(canvas *canvas, const box *b, const canvas_image *image);

/* A text in valid UTF-8, from `at` to the right along its baseline; `height` is that of the font.
 */
double canvas_text_width(canvas *canvas, const char *text, double height);
void canvas_text(canvas *canvas, canvas_point at, const char *text, double height, uint32_t colour);
