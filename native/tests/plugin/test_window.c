/* test_window.c - what the window shows and how it answers, drawn on an image without a window
 * system. With a file name a picture is written there as a PPM: test_window FILE [SCALE]. */
#include "window/window.h"

#include "../check.h"
#include "window/panel_parts.h"

enum { RATE = 48000, BLOCK = 480 };

/* What fontconfig keeps until the program's end is no leak of ours. */
const char *__lsan_default_suppressions(void);  /* NOLINT: AddressSanitizer's name */
const char *__lsan_default_suppressions(void) { /* NOLINT */
    return "leak:libfontconfig";
}

/* A host that keeps the core's values and notes what the window does. */
typedef struct {
    tagplug *core;
    panel *panel;
    uint32_t begun, set, ended, last;
    bool open; /* an edit has begun and not ended */
    double now;
} rig;

static float get(void *context, uint32_t parameter) {
    return tagplug_get(((rig *)context)->core, parameter);
}

static void begin(void *context, uint32_t parameter) {
    rig *self = context;
    CHECK(!self->open);
    self->open = true;
    self->last = parameter;
    ++self->begun;
}

static void set(void *context, uint32_t parameter, float value) {
    rig *self = context;
    CHECK(self->open && self->last == parameter && parameter < TAGPLUG_INPUTS);
    CHECK(value == tagplug_clamp(parameter, value));
    tagplug_set(self->core, parameter, value);
    ++self->set;
}

static void end(void *context, uint32_t parameter) {
    rig *self = context;
    CHECK(self->open && self->last == parameter);
    self->open = false;
    ++self->ended;
}

static void opened(rig *self) {
    *self = (rig){.core = tagplug_create(NULL)};
    const tagplug_window_host host = {self, self->core, &tagplug_view_table, get, begin, set, end};
    tagplug_activate(self->core, RATE, 2);
    tagplug_view_table.watch(self->core, true);
    self->panel = panel_create(&host);
    if (!CHECK(self->panel != NULL)) exit(closing_line());
}

static void closed(rig *self) {
    panel_destroy(self->panel);
    CHECK(!self->open && self->begun == self->ended);
    tagplug_view_table.watch(self->core, false);
    tagplug_destroy(self->core);
}

/* Processes noise of a level and shows what comes of it. */
static void play(rig *self, double seconds, float level) {
    float *noise = white_noise(BLOCK, 7), samples[BLOCK], out[2][BLOCK];
    for (int i = 0; i < BLOCK; ++i) samples[i] = level * noise[i];
    const float *const input[2] = {samples, samples};
    float *const output[2] = {out[0], out[1]};
    uint32_t count = 0;
    const int blocks = (int)ceil(seconds * RATE / BLOCK);
    for (int i = 0; i < blocks; ++i, self->now += (double)BLOCK / RATE) {
        tagplug_process(self->core, input, output, BLOCK, NULL, &count, 0);
        (void)panel_update(self->panel, self->now);
    }
    free(noise);
}

static box update(rig *self) {
    self->now += 0.033;
    return panel_update(self->panel, self->now);
}

static void field(const rig *self, uint32_t slot, tagplug_field field, float value) {
    tagplug_set(self->core, tagplug_field_of(slot, field), value);
}

/* The middle of a widget, in pixels, at a share of its width. */
static void place_of(const rig *self, widget_kind kind, uint32_t index, double share, double *x,
                     double *y) {
    const panel *p = self->panel;
    for (uint32_t i = 0; i < p->widget_count; ++i) {
        const widget *w = &p->widgets[i];
        const bool by_parameter = kind == WIDGET_FIELD || kind == WIDGET_SOURCE;
        if (w->kind != kind || (by_parameter ? w->parameter : w->index) != index) continue;
        *x = (w->place.x + share * w->place.width) * p->unit;
        *y = (w->place.y + w->place.height / 2) * p->unit;
        return;
    }
    CHECK(!"there is no such widget");
}

static void press(rig *self, widget_kind kind, uint32_t index, double share) {
    double x = 0, y = 0;
    place_of(self, kind, index, share, &x, &y);
    panel_press(self->panel, x, y);
}

static void drag_to(rig *self, widget_kind kind, uint32_t index, double share) {
    double x = 0, y = 0;
    place_of(self, kind, index, share, &x, &y);
    panel_move(self->panel, x, y, false);
}

static uint32_t pixel(const rig *self, uint32_t x, uint32_t y) {
    const canvas_image image = panel_image(self->panel);
    return image.pixels[(size_t)y * image.width + x] & 0xFFFFFF;
}

static bool is_like(uint32_t a, uint32_t b) { /* edges between pixels are mixed */
    for (uint32_t shift = 0; shift < 24; shift += 8)
        if (abs((int)(a >> shift & 255) - (int)(b >> shift & 255)) > 40) return false;
    return true;
}

/* The left end of a colour in the row of a widget; -1: it is not there. */
static int find_colour(const rig *self, widget_kind kind, uint32_t index, uint32_t colour) {
    double from = 0, to = 0, y = 0;
    place_of(self, kind, index, 0, &from, &y);
    place_of(self, kind, index, 1, &to, &y);
    for (int x = (int)from; x < (int)to; ++x)
        if (is_like(pixel(self, (uint32_t)x, (uint32_t)y), colour)) return x;
    return -1;
}

/* ---- tests ---- */

static void test_bars_show_what_is_playing(void) {
    rig r;
    opened(&r);
    field(&r, 0, TAGPLUG_SOURCE, (float)tagnode_plugin_source_find("signal.rms_db"));
    play(&r, 0.5, 0);
    CHECK(find_colour(&r, WIDGET_LIVE, 0, COLOUR_LIVE) < 0);
    CHECK(find_colour(&r, WIDGET_METER, 0, COLOUR_LIVE) < 0);
    play(&r, 0.5, 0.3F); /* uniform noise: -10.5 dB of a third, so -15.2 dBFS: 75 % */
    CHECK(find_colour(&r, WIDGET_LIVE, 0, COLOUR_LIVE) >= 0);
    CHECK(find_colour(&r, WIDGET_METER, 0, COLOUR_LIVE) >= 0);
    const uint32_t source = tagnode_plugin_source_find("signal.rms_db");
    CHECK_NEAR(tagplug_view_table.live(r.core, source), 0.75, 0.02);
    closed(&r);
}

/* The colour of a share of the height of the spectrum's box, where now is. */
static uint32_t mel_at(const rig *self, uint32_t row) {
    double x = 0, y = 0;
    place_of(self, WIDGET_MEL, 0, 0.985, &x, &y);
    const panel *p = self->panel;
    for (uint32_t i = 0; i < p->widget_count; ++i)
        if (p->widgets[i].kind == WIDGET_MEL) {
            const box b = box_inset(&p->widgets[i].place, 2, 2);
            y = (b.y + b.height * (row + 0.5) / TAGPLUG_VIEW_BANDS) * p->unit;
        }
    return pixel(self, (uint32_t)x, (uint32_t)y);
}

static void test_the_spectrum_shows_where_a_tone_is(void) {
    rig r;
    float samples[BLOCK], out[2][BLOCK];
    const float *const input[2] = {samples, samples};
    float *const output[2] = {out[0], out[1]};
    uint32_t count = 0, brightest = 0;
    opened(&r);
    play(&r, 0.3, 0);
    for (uint32_t i = 0; i < TAGPLUG_VIEW_BANDS; ++i) CHECK(mel_at(&r, i) == COLOUR_PANEL);
    for (int i = 0; i < 50; ++i, r.now += (double)BLOCK / RATE) {
        for (int k = 0; k < BLOCK; ++k)
            samples[k] = 0.01F * sinf(2 * (float)acos(-1) * 1000 * (float)k / RATE);
        tagplug_process(r.core, input, output, BLOCK, NULL, &count, 0);
        (void)panel_update(r.panel, r.now);
    }
    for (uint32_t i = 0; i < TAGPLUG_VIEW_BANDS; ++i)
        if ((mel_at(&r, i) & 255) > (mel_at(&r, brightest) & 255)) brightest = i;
    /* 1 kHz is 15 of the 45.2 mel of 8 kHz (Slaney), so a third up, from the bottom. */
    const double expected = TAGPLUG_VIEW_BANDS * (1 - 15 / 45.2);
    CHECK_NEAR(brightest + 0.5, expected, 1);
    CHECK(mel_at(&r, 2) != mel_at(&r, brightest));
    closed(&r);
}

static void test_nothing_is_drawn_again_without_a_change(void) {
    rig r;
    opened(&r);
    CHECK(update(&r).width == TAGPLUG_WINDOW_WIDTH);
    double most = 0;
    for (int i = 0; i < 10; ++i) most = fmax(most, update(&r).width);
    CHECK(most < TAGPLUG_WINDOW_WIDTH / 2.0); /* but for the curve, which moves */
    closed(&r);
}

static void test_the_threshold_is_dragged(void) {
    rig r;
    opened(&r);
    const uint32_t threshold = tagplug_field_of(2, TAGPLUG_THRESHOLD);
    field(&r, 2, TAGPLUG_GATE, TAGNODE_GATE_ABOVE);
    (void)update(&r);
    const int before = find_colour(&r, WIDGET_LIVE, 2, COLOUR_THRESHOLD);
    CHECK(before > 0);
    press(&r, WIDGET_LIVE, 2, 0.5);
    CHECK(r.begun == 1 && r.open && r.panel->selected == 2);
    (void)update(&r); /* the places of the selected slot are others now */
    drag_to(&r, WIDGET_LIVE, 2, 0.8);
    CHECK_NEAR(tagplug_get(r.core, threshold), 0.8, 1e-4);
    drag_to(&r, WIDGET_LIVE, 2, 3); /* beyond the end, and back */
    CHECK(tagplug_get(r.core, threshold) == 1);
    drag_to(&r, WIDGET_LIVE, 2, 0.8);
    panel_release(r.panel);
    CHECK(r.ended == 1 && r.last == threshold);
    (void)update(&r);
    CHECK(find_colour(&r, WIDGET_LIVE, 2, COLOUR_THRESHOLD) > before + 10);
    closed(&r);
}

static void test_what_the_host_changes_is_shown(void) {
    rig r;
    opened(&r);
    field(&r, 0, TAGPLUG_GATE, TAGNODE_GATE_ABOVE);
    (void)update(&r);
    const int before = find_colour(&r, WIDGET_LIVE, 0, COLOUR_THRESHOLD);
    field(&r, 0, TAGPLUG_THRESHOLD, 0.25F);
    (void)update(&r);
    CHECK(find_colour(&r, WIDGET_LIVE, 0, COLOUR_THRESHOLD) < before - 10);
    CHECK(r.begun == 0);
    closed(&r);
}

static void test_a_menu_chooses_a_source_and_a_target(void) {
    rig r;
    opened(&r);
    (void)update(&r);
    press(&r, WIDGET_SOURCE, tagplug_field_of(1, TAGPLUG_SOURCE), 0.5);
    CHECK(r.panel->menu.open && r.panel->menu.count == r.panel->source_count + 1);
    (void)update(&r);
    CHECK(panel_press_key(r.panel, PANEL_KEY_DOWN, false));
    CHECK(panel_press_key(r.panel, PANEL_KEY_ENTER, false));
    CHECK(!r.panel->menu.open);
    CHECK(tagplug_get(r.core, tagplug_field_of(1, TAGPLUG_SOURCE)) == r.panel->sources[0]);
    CHECK(panel_press_key(r.panel, 't', false) && r.panel->menu.open);
    CHECK(panel_press_key(r.panel, 'w', false)); /* width: the first target with that letter */
    const box *menu = &r.panel->menu.place;
    const double line = r.panel->menu.marked + 0.5;
    panel_press(r.panel, (menu->x + 20) * r.panel->unit, (menu->y + 2 + 18 * line) * r.panel->unit);
    CHECK(tagplug_get(r.core, tagplug_field_of(1, TAGPLUG_TARGET)) == TAGPLUG_TARGET_WIDTH);
    CHECK(panel_press_key(r.panel, 's', false) &&
          panel_press_key(r.panel, PANEL_KEY_ESCAPE, false));
    CHECK(!r.panel->menu.open && r.begun == 2 && r.ended == 2);
    closed(&r);
}

static void test_a_field_is_dragged_scrolled_and_toggled(void) {
    rig r;
    opened(&r);
    (void)update(&r);
    const uint32_t attack = tagplug_field_of(0, TAGPLUG_ATTACK);
    const uint32_t invert = tagplug_field_of(0, TAGPLUG_INVERT);
    press(&r, WIDGET_FIELD, attack, 0.2);
    drag_to(&r, WIDGET_FIELD, attack, 0.4);
    panel_release(r.panel);
    CHECK_NEAR(tagplug_get(r.core, attack), 0.05 + 2, 0.01);
    double x = 0, y = 0;
    place_of(&r, WIDGET_FIELD, attack, 0.5, &x, &y);
    panel_scroll(r.panel, x, y, 1, false);
    CHECK_NEAR(tagplug_get(r.core, attack), 0.05 + 2.1, 0.01);
    press(&r, WIDGET_FIELD, invert, 0.5);
    CHECK(tagplug_get(r.core, invert) == 1);
    press(&r, WIDGET_FIELD, TAGPLUG_BYPASS, 0.5);
    CHECK(tagplug_get(r.core, TAGPLUG_BYPASS) == 1);
    closed(&r);
}

static void test_keys_reach_every_slot(void) {
    rig r;
    opened(&r);
    (void)update(&r);
    for (uint32_t i = 0; i < 20; ++i) CHECK(panel_press_key(r.panel, PANEL_KEY_DOWN, false));
    CHECK(r.panel->selected == TAGPLUG_SLOTS - 1);
    CHECK(panel_press_key(r.panel, '3', false) && r.panel->selected == 2);
    CHECK(panel_press_key(r.panel, PANEL_KEY_RIGHT, false));
    CHECK_NEAR(tagplug_get(r.core, tagplug_field_of(2, TAGPLUG_THRESHOLD)), 0.51, 1e-6);
    CHECK(panel_press_key(r.panel, 'g', false));
    CHECK(tagplug_get(r.core, tagplug_field_of(2, TAGPLUG_GATE)) == TAGNODE_GATE_ABOVE);
    CHECK(!panel_press_key(r.panel, 'z', false));
    closed(&r);
}

static void test_learning_separates_two_groups(void) {
    float values[200];
    for (int i = 0; i < 200; ++i) values[i] = i % 4 == 0 ? 0.8F : 0.2F;
    CHECK_NEAR(panel_learn(values, 200), 0.5, 0.02);
    for (int i = 0; i < 200; ++i) values[i] = 0.6F + 0.01F * (float)(i % 3);
    CHECK_NEAR(panel_learn(values, 200), 0.55, 1e-6); /* below all of them */
    for (int i = 0; i < 200; ++i) values[i] = i < 100 ? NAN : -INFINITY;
    CHECK(panel_learn(values, 200) >= 0 && panel_learn(values, 1) <= 1);
}

static void test_the_learn_button_sets_threshold_and_gate(void) {
    rig r;
    opened(&r);
    field(&r, 0, TAGPLUG_SOURCE, (float)tagnode_plugin_source_find("signal.rms_db"));
    play(&r, 2, 0.003F); /* 35 dB below the next: 8 %, and 75 % */
    play(&r, 2, 0.3F);
    press(&r, WIDGET_LEARN, 0, 0.5);
    CHECK_NEAR(tagplug_get(r.core, tagplug_field_of(0, TAGPLUG_THRESHOLD)), 0.5, 0.15);
    CHECK(tagplug_get(r.core, tagplug_field_of(0, TAGPLUG_GATE)) == TAGNODE_GATE_ABOVE);
    press(&r, WIDGET_LEARN, 1, 0.5); /* has no source: there is nothing to learn from */
    CHECK(r.begun == 2 && r.ended == 2);
    closed(&r);
}

static void test_a_preset_becomes_edits(void) {
    rig r;
    opened(&r);
    (void)update(&r);
    const bool any = tagplug_view_table.preset_name(0) != NULL;
    CHECK(panel_press_key(r.panel, 'p', false));
    CHECK(r.panel->menu.open == any);
    if (any) {
        tagplug_set(r.core, TAGPLUG_BYPASS, 1);
        CHECK(panel_press_key(r.panel, PANEL_KEY_ENTER, false));
        CHECK(r.set > 3 && r.begun == r.set && r.ended == r.set);
        CHECK(tagplug_get(r.core, TAGPLUG_BYPASS) == 1); /* a preset has no say in it */
        float values[TAGPLUG_INPUTS];
        for (uint32_t i = 0; i < TAGPLUG_INPUTS; ++i) values[i] = tagplug_get(r.core, i);
        CHECK(tagplug_view_table.preset(r.core, 0, values));
        for (uint32_t i = 0; i < TAGPLUG_INPUTS; ++i) CHECK(values[i] == tagplug_get(r.core, i));
    }
    closed(&r);
}

static void test_any_size_and_scale(void) {
    static const uint32_t sizes[][2] = {{1, 1}, {2, 700},   {700, 2},
                                        {0, 0}, {320, 240}, {3000, 2000}};
    rig r;
    opened(&r);
    for (uint32_t i = 0; i < 6; ++i)
        for (int halves = 2; halves <= 6; ++halves) {
            panel_resize(r.panel, sizes[i][0], sizes[i][1], halves / 2.0);
            const box drawn = update(&r);
            CHECK(drawn.width >= fmax(1, sizes[i][0]) && drawn.height >= fmax(1, sizes[i][1]));
            panel_press(r.panel, sizes[i][0] / 2.0, sizes[i][1] / 2.0);
            panel_move(r.panel, -5, 1e6, true);
            (void)update(&r);
            panel_release(r.panel);
            panel_scroll(r.panel, 1, 1, -1, false);
            (void)panel_press_key(r.panel, PANEL_KEY_ESCAPE, false);
        }
    closed(&r);
}

static void test_anything_in_any_order(void) {
    rig r;
    uint32_t seed = 11;
    opened(&r);
    play(&r, 0.2, 0.2F);
    for (int i = 0; i < 3000; ++i) {
        const double x = next_number(&seed) % 1000 - 20.0, y = next_number(&seed) % 640 - 20.0;
        const uint32_t key = next_number(&seed) % 128;
        switch (next_number(&seed) % 8) {
        case 0: panel_press(r.panel, x, y); break;
        case 1: panel_move(r.panel, x, y, key % 2 == 0); break;
        case 2: panel_release(r.panel); break;
        case 3: panel_scroll(r.panel, x, y, key % 2 == 0 ? 1 : -1, key % 3 == 0); break;
        case 4: (void)panel_press_key(r.panel, key, key % 2 == 0); break;
        case 5: tagplug_set(r.core, next_number(&seed) % TAGPLUG_INPUTS, (float)(x / 100)); break;
        case 6:
            if (i % 50 == 0) panel_resize(r.panel, key * 10, key * 7, 1 + key / 64.0);
            break;
        default: (void)update(&r); break;
        }
        if (r.open && !r.panel->dragging) CHECK(!"an edit ends");
    }
    closed(&r);
}

static void test_texts_that_are_no_utf8(void) {
    static const char *const texts[] = {"\xFF\xFE",     "ab\xC3", "\xE2\x82",
                                        "\xED\xA0\x80", "\xF5zz", ""};
    paint p = {.canvas = canvas_create(), .height = 11};
    const box whole = {0, 0, 50, 20};
    CHECK(canvas_resize(p.canvas, 50, 20));
    canvas_begin(p.canvas, 1);
    for (uint32_t i = 0; i < 6; ++i) paint_text(&p, &whole, texts[i], PAINT_LEFT, COLOUR_TEXT);
    paint_fill(&p, &whole, COLOUR_HOT); /* it still draws */
    canvas_end(p.canvas);
    CHECK((canvas_look(p.canvas).pixels[50 * 10 + 25] & 0xFFFFFF) == COLOUR_HOT);
    canvas_destroy(p.canvas);
}

static void test_the_canvas_draws_shapes_where_they_are(void) {
    canvas *c = canvas_create();
    CHECK(canvas_resize(c, 40, 30));
    canvas_begin(c, 2);
    canvas_fill(c, &(box){0, 0, 20, 15}, 0x000000);
    canvas_fill(c, &(box){1, 2, 3, 4}, 0xFF0000); /* pixels 2 to 7, and 4 to 11 */
    canvas_round(c, &(box){10, 0, 6, 6}, 3, 0x00FF00);
    canvas_text(c, (canvas_point){12, 14}, "n", 8, 0xFFFFFF);
    canvas_clip(c, &(box){0, 10, 5, 5});
    canvas_line(c, (const canvas_point[]){{0, 12}, {20, 12}}, 2, 2, 0x0000FF);
    canvas_unclip(c);
    CHECK(canvas_text_width(c, "", 8) == 0);
    const double one = canvas_text_width(c, "n", 8), two = canvas_text_width(c, "nn", 8);
    CHECK(one > 2 && one < 8 && fabs(two - 2 * one) < 1);
    canvas_end(c);
    const canvas_image image = canvas_look(c);
    CHECK(image.width == 40 && image.height == 30);
    for (uint32_t y = 0; y < 30; ++y)
        for (uint32_t x = 0; x < 20; ++x) {
            const bool red = x >= 2 && x < 8 && y >= 4 && y < 12;
            const bool blue = x < 10 && y >= 22 && y < 26;
            const uint32_t expected = red ? 0xFF0000 : blue ? 0x0000FF : 0;
            if ((image.pixels[y * 40 + x] & 0xFFFFFF) != expected) CHECK(!"every pixel is right");
        }
    CHECK((image.pixels[6 * 40 + 26] & 0xFFFFFF) == 0x00FF00); /* the disc's middle */
    CHECK((image.pixels[0 * 40 + 20] & 0xFFFFFF) == 0);        /* and beyond its corner */
    canvas_destroy(c);
}

static void write_image(const char *path, canvas_image image) {
    FILE *file = fopen(path, "wb");
    if (!CHECK(file != NULL)) return;
    (void)fprintf(file, "P6 %u %u 255\n", image.width, image.height);
    for (size_t i = 0; i < (size_t)image.width * image.height; ++i)
        for (int shift = 16; shift >= 0; shift -= 8)
            (void)fputc((int)(image.pixels[i] >> shift & 255), file);
    (void)fclose(file);
}

static void write_picture(const char *path, double scale) {
    static const struct {
        const char *source;
        float gate, threshold, target, min, max;
    } slots[] = {{"signal.rms_db", 1, 0.55F, TAGPLUG_TARGET_GAIN, 0.8F, 0.4F},
                 {"signal.onset", 0, 0.5F, TAGPLUG_TARGET_LOW_PASS, 0.4F, 0.9F},
                 {"signal.percussive", 1, 0.4F, TAGPLUG_TARGET_DELAY, 0, 0.6F},
                 {"tag.speech", 1, 0.6F, TAGPLUG_TARGET_NONE, 0, 1}};
    rig r;
    opened(&r);
    panel_resize(r.panel, (uint32_t)(TAGPLUG_WINDOW_WIDTH * scale),
                 (uint32_t)(TAGPLUG_WINDOW_HEIGHT * scale), scale);
    for (uint32_t i = 0; i < sizeof slots / sizeof *slots; ++i) {
        field(&r, i, TAGPLUG_SOURCE, (float)tagnode_plugin_source_find(slots[i].source));
        field(&r, i, TAGPLUG_GATE, slots[i].gate);
        field(&r, i, TAGPLUG_THRESHOLD, slots[i].threshold);
        field(&r, i, TAGPLUG_TARGET, slots[i].target);
        field(&r, i, TAGPLUG_MIN, slots[i].min);
        field(&r, i, TAGPLUG_MAX, slots[i].max);
    }
    for (int i = 0; i < 5; ++i) {
        play(&r, 1.2, 0.5F);
        play(&r, 0.9, 0.01F);
    }
    play(&r, 0.4, 0.4F);
    write_image(path, panel_image(r.panel));
    closed(&r);
}

int main(int count, char **arguments) {
    if (count > 1) {
        write_picture(arguments[1], count > 2 ? strtod(arguments[2], NULL) : 1);
        return closing_line();
    }
    test_bars_show_what_is_playing();
    test_the_spectrum_shows_where_a_tone_is();
    test_nothing_is_drawn_again_without_a_change();
    test_the_threshold_is_dragged();
    test_what_the_host_changes_is_shown();
    test_a_menu_chooses_a_source_and_a_target();
    test_a_field_is_dragged_scrolled_and_toggled();
    test_keys_reach_every_slot();
    test_learning_separates_two_groups();
    test_the_learn_button_sets_threshold_and_gate();
    test_a_preset_becomes_edits();
    test_any_size_and_scale();
    test_anything_in_any_order();
    test_texts_that_are_no_utf8();
    test_the_canvas_draws_shapes_where_they_are();
    return closing_line();
}
