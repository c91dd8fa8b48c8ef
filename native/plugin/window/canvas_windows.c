/* canvas_windows.c - a canvas by GDI+, on memory of ours that a window gets by
 * SetDIBitsToDevice. */
#include <math.h>
#include <stdlib.h>
#include <windows.h>
/* After windows.h. */
#include <gdiplus/gdiplus.h>

#include "canvas.h"

enum { CLIPS = 8 /* within each other */, TEXT = 256 };

struct canvas {
    ULONG_PTR library; /* GDI+, which counts those that started it */
    canvas_image image;
    GpBitmap *bitmap; /* over the image; NULL: none */
    GpGraphics *graphics;
    GpSolidFill *brush;
    GpPen *pen;
    GpFontFamily *family;
    GpStringFormat *format;
    GpFont *font; /* of `font_height`; NULL: none yet */
    double font_height;
    double ascent; /* from the top of a text to its baseline, for a height of 1 */
    GraphicsState clips[CLIPS];
    uint32_t clip_count;
};

/* ---- life ---- */

/* The font of Windows' own controls, or what stands for it; Wine may have neither. */
static bool find_family(canvas *c) {
    UINT16 ascent = 0, em = 0;
    if (GdipCreateFontFamilyFromName(L"Segoe UI", NULL, &c->family) != Ok &&
        GdipGetGenericFontFamilySansSerif(&c->family) != Ok &&
        GdipCreateFontFamilyFromName(L"DejaVu Sans", NULL, &c->family) != Ok)
        return false;
    (void)GdipGetCellAscent(c->family, FontStyleRegular, &ascent);
    (void)GdipGetEmHeight(c->family, FontStyleRegular, &em);
    c->ascent = em > 0 ? (double)ascent / em : 1;
    return true;
}

static bool make_format(canvas *c) {
    GpStringFormat *typographic = NULL; /* the library's own */
    return GdipStringFormatGetGenericTypographic(&typographic) == Ok &&
           GdipCloneStringFormat(typographic, &c->format) == Ok &&
           GdipSetStringFormatFlags(c->format, StringFormatFlagsNoWrap | StringFormatFlagsNoClip |
                                                   StringFormatFlagsNoFitBlackBox |
                                                   StringFormatFlagsMeasureTrailingSpaces) == Ok;
}

canvas *canvas_create(void) {
    const GdiplusStartupInput input = {.GdiplusVersion = 1};
    canvas *c = calloc(1, sizeof *c);
    if (c == NULL) return NULL;
    if (GdiplusStartup(&c->library, &input, NULL) != Ok) {
        free(c);
        return NULL;
    }
    if (find_family(c) && make_format(c) && GdipCreateSolidFill(0xFF000000, &c->brush) == Ok &&
        GdipCreatePen1(0xFF000000, 1, UnitWorld, &c->pen) == Ok &&
        GdipSetPenLineJoin(c->pen, LineJoinBevel) == Ok)
        return c;
    canvas_destroy(c);
    return NULL;
}

static void drop_image(canvas *c) {
    if (c->graphics != NULL) (void)GdipDeleteGraphics(c->graphics);
    if (c->bitmap != NULL) (void)GdipDisposeImage(c->bitmap);
    free(c->image.pixels);
    c->graphics = NULL;
    c->bitmap = NULL;
    c->image = (canvas_image){0, 0, NULL};
}

void canvas_destroy(canvas *c) {
    if (c == NULL) return;
    drop_image(c);
    if (c->font != NULL) (void)GdipDeleteFont(c->font);
    if (c->pen != NULL) (void)GdipDeletePen(c->pen);
    if (c->brush != NULL) (void)GdipDeleteBrush(c->brush);
    if (c->format != NULL) (void)GdipDeleteStringFormat(c->format);
    if (c->family != NULL) (void)GdipDeleteFontFamily(c->family);
    GdiplusShutdown(c->library);
    free(c);
}

static bool make_image(canvas *c, uint32_t width, uint32_t height) {
    c->image = (canvas_image){width, height, calloc((size_t)width * height, sizeof(uint32_t))};
    return c->image.pixels != NULL &&
           GdipCreateBitmapFromScan0((INT)width, (INT)height, (INT)(width * sizeof(uint32_t)),
                                     PixelFormat32bppRGB, (BYTE *)c->image.pixels,
                                     &c->bitmap) == Ok &&
           GdipGetImageGraphicsContext(c->bitmap, &c->graphics) == Ok;
}

bool canvas_resize(canvas *c, uint32_t width, uint32_t height) {
    drop_image(c);
    if (make_image(c, width, height)) return true;
    drop_image(c);
    return false;
}

canvas_image canvas_look(const canvas *c) {
    return c->image;
}

/* ---- drawing ---- */

/* With edges of pixels, not their middles, at whole numbers, as Cairo has it. */
void canvas_begin(canvas *c, double unit) {
    (void)GdipResetWorldTransform(c->graphics);
    (void)GdipScaleWorldTransform(c->graphics, (REAL)unit, (REAL)unit, MatrixOrderPrepend);
    (void)GdipSetSmoothingMode(c->graphics, SmoothingModeAntiAlias);
    (void)GdipSetPixelOffsetMode(c->graphics, PixelOffsetModeHalf);
    (void)GdipSetTextRenderingHint(c->graphics, TextRenderingHintClearTypeGridFit);
}

void canvas_end(canvas *c) {
    (void)GdipFlush(c->graphics, FlushIntentionSync);
}

void canvas_clip(canvas *c, const box *b) {
    if (c->clip_count < CLIPS) (void)GdipSaveGraphics(c->graphics, &c->clips[c->clip_count]);
    ++c->clip_count;
    (void)GdipSetClipRect(c->graphics, (REAL)b->x, (REAL)b->y, (REAL)b->width, (REAL)b->height,
                          CombineModeIntersect);
}

void canvas_unclip(canvas *c) {
    if (--c->clip_count < CLIPS) (void)GdipRestoreGraphics(c->graphics, c->clips[c->clip_count]);
}

static GpBrush *brush_of(const canvas *c, uint32_t colour) {
    (void)GdipSetSolidFillColor(c->brush, 0xFF000000 | colour);
    return (GpBrush *)c->brush;
}

void canvas_fill(canvas *c, const box *b, uint32_t colour) {
    (void)GdipFillRectangle(c->graphics, brush_of(c, colour), (REAL)b->x, (REAL)b->y,
                            (REAL)b->width, (REAL)b->height);
}

void canvas_round(canvas *c, const box *b, double radius, uint32_t colour) {
    const double r = fmin(radius, fmin(b->width, b->height) / 2);
    const REAL side = (REAL)(2 * r), left = (REAL)b->x, top = (REAL)b->y;
    const REAL right = (REAL)(b->x + b->width) - side, bottom = (REAL)(b->y + b->height) - side;
    GpPath *path = NULL;
    if (!(r > 0) || GdipCreatePath(FillModeAlternate, &path) != Ok) {
        canvas_fill(c, b, colour);
        return;
    }
    (void)GdipAddPathArc(path, right, top, side, side, -90, 90);
    (void)GdipAddPathArc(path, right, bottom, side, side, 0, 90);
    (void)GdipAddPathArc(path, left, bottom, side, side, 90, 90);
    (void)GdipAddPathArc(path, left, top, side, side, 180, 90);
    (void)GdipClosePathFigure(path);
    (void)GdipFillPath(c->graphics, brush_of(c, colour), path);
    (void)GdipDeletePath(path);
}

void canvas_line(canvas *c, const canvas_point *points, uint32_t count, double width,
                 uint32_t colour) {
    GpPointF all[CANVAS_POINTS];
    if (count > CANVAS_POINTS) count = CANVAS_POINTS;
    for (uint32_t i = 0; i < count; ++i) all[i] = (GpPointF){(REAL)points[i].x, (REAL)points[i].y};
    (void)GdipSetPenColor(c->pen, 0xFF000000 | colour);
    (void)GdipSetPenWidth(c->pen, (REAL)width);
    (void)GdipDrawLines(c->graphics, c->pen, all, (INT)count);
}

void canvas_bitmap(canvas *c, const box *b, const canvas_image *image) {
    GpBitmap *bitmap = NULL;
    if (GdipCreateBitmapFromScan0((INT)image->width, (INT)image->height,
                                  (INT)(image->width * sizeof(uint32_t)), PixelFormat32bppRGB,
                                  (BYTE *)image->pixels, &bitmap) != Ok)
        return;
    (void)GdipSetInterpolationMode(c->graphics, InterpolationModeNearestNeighbor);
    (void)GdipDrawImageRect(c->graphics, bitmap, (REAL)b->x, (REAL)b->y, (REAL)b->width,
                            (REAL)b->height);
    (void)GdipDisposeImage(bitmap);
}

/* ---- texts ---- */

static const GpFont *font_of(canvas *c, double height) {
    if (c->font != NULL && c->font_height == height) return c->font;
    if (c->font != NULL) (void)GdipDeleteFont(c->font);
    c->font = NULL;
    c->font_height = height;
    (void)GdipCreateFont(c->family, (REAL)height, FontStyleRegular, UnitWorld, &c->font);
    return c->font;
}

static INT widen(const char *text, WCHAR *wide) { /* without the zero at the end */
    const int length = MultiByteToWideChar(CP_UTF8, 0, text, -1, wide, TEXT);
    return length > 0 ? length - 1 : 0;
}

double canvas_text_width(canvas *c, const char *text, double height) {
    WCHAR wide[TEXT];
    const RectF everywhere = {0, 0, 0, 0};
    RectF taken = {0, 0, 0, 0};
    const INT length = widen(text, wide);
    if (length > 0)
        (void)GdipMeasureString(c->graphics, wide, length, font_of(c, height), &everywhere,
                                c->format, &taken, NULL, NULL);
    return taken.Width;
}

void canvas_text(canvas *c, canvas_point at, const char *text, double height, uint32_t colour) {
    WCHAR wide[TEXT];
    const RectF from = {(REAL)at.x, (REAL)(at.y - c->ascent * height), 0, 0};
    const INT length = widen(text, wide);
    if (length > 0)
        (void)GdipDrawString(c->graphics, wide, length, font_of(c, height), &from, c->format,
                             brush_of(c, colour));
}
