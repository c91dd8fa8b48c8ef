/* test_automation.c - a descriptor controls a parameter: compared with the closed form in double
 * precision. */
#include "check.h"

static const double RATE = 48000;

/* All automations created, freed at the end. */
static tagnode_automation *kept[1024];
static size_t keeps;

static tagnode_mapping plain(void) {
    return (tagnode_mapping){.low = 0, .high = 1, .depth = 1, .min = 0, .max = 1};
}

static tagnode_automation *made_of(const tagnode_mapping *mappings, uint32_t count,
                                   tagnode_combine combine) {
    tagnode_automation *automation;
    tagnode_message why;
    CHECK(tagnode_automation_create(mappings, count, combine, RATE, 4096, &automation, &why) ==
          TAGNODE_OK);
    if (keeps == sizeof kept / sizeof kept[0]) abort();
    return kept[keeps++] = automation;
}

static tagnode_automation *made(tagnode_mapping mapping) {
    return made_of(&mapping, 1, TAGNODE_COMBINE_SUM);
}

/* Share of a step covered after this many samples. */
static double covered(double samples, double seconds) {
    return seconds > 0 ? 1 - exp(-samples / RATE / seconds) : 1;
}

static void test_envelope_follows_the_exponential_of_attack_and_release(void) {
    const float seconds[] = {0, 0.001F, 0.05F, 1.5F, 300};
    for (size_t i = 0; i < 5; ++i) {
        tagnode_mapping mapping = plain();
        mapping.attack = seconds[i];
        mapping.release = 2 * seconds[i];
        tagnode_automation *a = made(mapping);
        tagnode_automation_push(a, 0, 0, 0);
        tagnode_automation_push(a, 0, 1000, 1);
        for (int64_t n = 0; n < 400000; n = 2 * n + 1)
            CHECK_NEAR(tagnode_automation_at(a, 1000 + n), covered((double)n, seconds[i]), 1e-7);
        a = made(mapping); /* positions are ascending */
        tagnode_automation_push(a, 0, 0, 0);
        tagnode_automation_push(a, 0, 1000, 1);
        tagnode_automation_push(a, 0, 50000, 0.25F);
        const double top = covered(49000, seconds[i]);
        const double time = top > 0.25 ? 2 * seconds[i] : seconds[i];
        for (int64_t n = 0; n < 400000; n = 2 * n + 1)
            CHECK_NEAR(tagnode_automation_at(a, 50000 + n),
                       top + (0.25 - top) * covered((double)n, time), 1e-7);
    }
}

static void test_time_constant_is_the_time_to_63_percent(void) {
    tagnode_mapping mapping = plain();
    mapping.attack = 0.5F;
    mapping.release = 0.25F;
    tagnode_automation *a = made(mapping);
    tagnode_automation_push(a, 0, 0, 0);
    tagnode_automation_push(a, 0, 0, 1);
    CHECK_NEAR(tagnode_automation_at(a, 24000), 0.6321205588, 1e-7);
    tagnode_automation_push(a, 0, 48000000, 0);
    CHECK_NEAR(tagnode_automation_at(a, 48012000), 1 - 0.6321205588, 1e-7);
}

static void test_value_does_not_depend_on_other_positions_asked_for(void) {
    tagnode_mapping mapping = plain();
    mapping.attack = 0.1F;
    mapping.release = 0.4F;
    tagnode_automation *a = made(mapping), *b = made(mapping);
    uint32_t random = 7;
    for (int64_t position = 0; position < 4800000; position += 9600) {
        const float value = (float)(next_number(&random) % 5) / 4;
        tagnode_automation_push(a, 0, position, value);
        tagnode_automation_push(b, 0, position, value);
        /* Pushing the same target again, at any position, changes nothing either. */
        tagnode_automation_push(b, 0, position + next_number(&random) % 2, value);
        for (int64_t asked = position; asked < position + 9600; asked += 1 + (asked * 7) % 997)
            (void)tagnode_automation_at(b, asked);
        CHECK(tagnode_automation_at(a, position + 9599) ==
              tagnode_automation_at(b, position + 9599));
    }
}

static void test_curves_are_linear_even_ratios_and_square(void) {
    const float ranges[][2] = {{20, 20000}, {20000, 20}, {0.5F, 0.5F}, {1, 1e6F}};
    for (size_t r = 0; r < 4; ++r)
        for (int step = 0; step <= 20; ++step) {
            const double x = (float)step / 20.0F, low = ranges[r][0], high = ranges[r][1];
            const double expected[] = {low + (high - low) * x, exp(log(low) + x * log(high / low)),
                                       low + (high - low) * x * x};
            for (int curve = TAGNODE_CURVE_LIN; curve <= TAGNODE_CURVE_EXP; ++curve) {
                tagnode_mapping mapping = plain();
                mapping.curve = (tagnode_curve)curve;
                mapping.min = ranges[r][0];
                mapping.max = ranges[r][1];
                tagnode_automation *a = made(mapping);
                tagnode_automation_push(a, 0, 0, (float)x);
                const float y = tagnode_automation_at(a, 0);
                CHECK_NEAR(y, expected[curve], 1e-6 * fmax(low, high));
                CHECK(y >= fmin(low, high) && y <= fmax(low, high));
            }
        }
}

static void test_values_are_clamped_and_nan_is_ignored(void) {
    const float values[] = {-1, -0.0F, 0.25F, 1, 7, -INFINITY, INFINITY, NAN};
    const float expected[] = {0, 0, 0.25F, 1, 1, 0, 1, 0};
    for (size_t i = 0; i < 8; ++i) {
        tagnode_automation *a = made(plain());
        tagnode_automation_push(a, 0, 0, values[i]);
        CHECK(tagnode_automation_at(a, 5) == expected[i]);
        tagnode_mapping inverted = plain();
        inverted.invert = true;
        a = made(inverted);
        tagnode_automation_push(a, 0, 0, values[i]);
        CHECK(tagnode_automation_at(a, 5) == 1 - expected[i]);
    }
}

static void test_gate_opens_at_the_threshold(void) {
    for (int inverted = 0; inverted < 2; ++inverted) {
        tagnode_mapping mapping = plain();
        mapping.gate = TAGNODE_GATE_ABOVE;
        mapping.threshold = 0.3F;
        mapping.invert = inverted == 1;
        const float values[] = {0, 0.29999F, 0.3F, 1, NAN};
        const float open[] = {0, 0, 1, 1, 0};
        for (size_t i = 0; i < 5; ++i) {
            tagnode_automation *a = made(mapping);
            tagnode_automation_push(a, 0, 0, values[i]);
            CHECK(tagnode_automation_at(a, 0) == (inverted ? 1 - open[i] : open[i]));
        }
    }
}

static int ascending(const void *a, const void *b) {
    const float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* The lower median of the values of (at - samples, at], at most the last 640. */
static float median_by_sorting(const int64_t *positions, const float *values, size_t count,
                               int64_t samples) {
    float some[640];
    size_t taken = 0;
    for (size_t i = count; i-- > 0 && taken < 640;) {
        if (taken > 0 && positions[i] <= positions[count - 1] - samples) break;
        some[taken++] = values[i];
    }
    qsort(some, taken, sizeof some[0], ascending);
    return some[(taken - 1) / 2];
}

static void test_median_is_that_of_the_results_of_its_time(void) {
    enum { COUNT = 3000 };
    static const float seconds[] = {0.001F, 0.1F, 1, 10};
    static int64_t positions[COUNT];
    static float values[COUNT];
    uint32_t random = 3;
    for (size_t s = 0; s < 4; ++s) {
        tagnode_mapping mapping = plain();
        mapping.median = seconds[s];
        tagnode_automation *a = made(mapping);
        int64_t position = 0;
        for (size_t i = 0; i < COUNT; ++i) { /* all at one position now and then; equal values */
            positions[i] = position += 240 * (int64_t)(next_number(&random) % 5);
            values[i] = (float)(next_number(&random) % 50) / 49;
            tagnode_automation_push(a, 0, position, values[i]);
            CHECK(tagnode_automation_at(a, position) ==
                  median_by_sorting(positions, values, i + 1, llround(seconds[s] * RATE)));
        }
        tagnode_automation_reset(a);
        tagnode_automation_push(a, 0, 0, 0.25F);
        CHECK(tagnode_automation_at(a, 0) == 0.25F); /* nothing is left of the time before */
    }
}

static void test_what_lasts_for_less_than_half_of_the_median_opens_no_gate(void) {
    tagnode_mapping mapping = plain();
    mapping.gate = TAGNODE_GATE_ABOVE;
    mapping.threshold = 0.5F;
    mapping.median = 0.5F; /* five results */
    for (int lasting = 1; lasting <= 4; ++lasting) {
        tagnode_automation *a = made(mapping);
        int64_t opened = -1;
        for (int64_t i = 0; i < 20; ++i) {
            const float value = i >= 10 && i < 10 + lasting ? 1 : 0;
            tagnode_automation_push(a, 0, 4800 * i, value);
            if (opened < 0 && tagnode_automation_at(a, 4800 * i) == 1) opened = i;
        }
        CHECK(opened == (lasting < 3 ? -1 : 12)); /* half of it after the change */
    }
}

static void test_median_changes_with_its_knob(void) {
    tagnode_mapping mapping = plain();
    mapping.median = 0.3F;
    tagnode_automation *a = made(mapping);
    const float values[] = {0.1F, 0.2F, 0.9F};
    for (int64_t i = 0; i < 3; ++i) tagnode_automation_push(a, 0, 4800 * i, values[i]);
    CHECK(tagnode_automation_at(a, 9600) == 0.2F);
    mapping.median = 0;
    CHECK(tagnode_automation_change(a, 0, &mapping));
    CHECK(tagnode_automation_at(a, 9600) == 0.9F); /* the last result as it is */
    mapping.median = 0.3F;
    CHECK(tagnode_automation_change(a, 0, &mapping));
    CHECK(tagnode_automation_at(a, 9600) == 0.9F);
    tagnode_automation_push(a, 0, 14400, 0.4F); /* the only one since */
    CHECK(tagnode_automation_at(a, 14400) == 0.4F);
}

static void test_first_value_applies_immediately(void) {
    tagnode_mapping mapping = plain();
    mapping.attack = 10;
    tagnode_automation *a = made(mapping);
    CHECK(tagnode_automation_at(a, 1000) == 0); /* at rest */
    tagnode_automation_push(a, 0, 1000, 0.75F);
    CHECK(tagnode_automation_at(a, 1000) == 0.75F);
    mapping.invert = true;
    a = made(mapping);
    CHECK(tagnode_automation_at(a, 0) == 1);
}

static void test_positions_that_go_back_count_as_the_latest(void) {
    tagnode_mapping mapping = plain();
    mapping.attack = 0.1F;
    tagnode_automation *a = made(mapping), *b = made(mapping);
    tagnode_automation_push(a, 0, 5000, 0);
    tagnode_automation_push(a, 0, 100, 1);
    tagnode_automation_push(b, 0, 5000, 0);
    tagnode_automation_push(b, 0, 5000, 1);
    for (int64_t n = 0; n < 20000; n += 1000)
        CHECK(tagnode_automation_at(a, n) == tagnode_automation_at(b, n));
}

static void test_gate_closes_only_beyond_the_hysteresis(void) {
    const float values[] = {0.4F, 0.5F, 0.45F, 0.41F, 0.39F, 0.45F, 0.49F, 0.5F, 0.4F};
    const float above[] = {0, 1, 1, 1, 0, 0, 0, 1, 1};
    const float below[] = {1, 1, 1, 1, 1, 1, 1, 1, 1};
    tagnode_mapping mapping = plain();
    mapping.threshold = 0.5F;
    mapping.hysteresis = 0.1F;
    mapping.gate = TAGNODE_GATE_ABOVE;
    tagnode_automation *a = made(mapping);
    mapping.gate = TAGNODE_GATE_BELOW;
    tagnode_automation *b = made(mapping);
    for (size_t i = 0; i < sizeof values / sizeof values[0]; ++i) {
        tagnode_automation_push(a, 0, (int64_t)i, values[i]);
        tagnode_automation_push(b, 0, (int64_t)i, values[i]);
        CHECK(tagnode_automation_at(a, (int64_t)i) == above[i]);
        CHECK(tagnode_automation_at(b, (int64_t)i) == below[i]);
    }
    tagnode_automation_push(b, 0, 100, 0.61F);
    CHECK(tagnode_automation_at(b, 100) == 0);
    tagnode_automation_push(b, 0, 101, 0.51F);
    CHECK(tagnode_automation_at(b, 101) == 0);
    tagnode_automation_push(b, 0, 102, 0.5F);
    CHECK(tagnode_automation_at(b, 102) == 1);
}

static void test_range_may_run_either_way(void) {
    tagnode_mapping mapping = plain();
    mapping.low = -60;
    mapping.high = 0;
    tagnode_automation *up = made(mapping);
    mapping.low = 0;
    mapping.high = -60;
    tagnode_automation *down = made(mapping);
    CHECK(tagnode_automation_at(up, 0) == 0 && tagnode_automation_at(down, 0) == 1);
    for (int db = -80; db <= 20; ++db) {
        const double x = fmin(1, fmax(0, (db + 60) / 60.0));
        tagnode_automation_push(up, 0, 80 + db, (float)db);
        tagnode_automation_push(down, 0, 80 + db, (float)db);
        CHECK_NEAR(tagnode_automation_at(up, 80 + db), x, 1e-7);
        CHECK_NEAR(tagnode_automation_at(down, 80 + db), 1 - x, 1e-7);
    }
}

/* The description in the header, sample by sample: hold, delay, then one pole. */
typedef struct {
    const tagnode_mapping *m;
    float x, before, held;
    int state; /* 0 level, 1 holds, 2 falls */
    int64_t since;
    float *line; /* of the delay */
    double y;
} walk;

static void step(walk *w, int64_t n, int64_t hold, int64_t delay) {
    if (w->x > w->held || (w->x == w->held && w->state == 1)) {
        w->state = 0;
    } else if (w->x < w->held && w->state == 0) {
        w->state = hold > 0 ? 1 : 2;
        w->since = n;
    }
    if (w->state == 1 && n >= w->since + hold) w->state = 2;
    if (w->state != 1) {
        if (w->x == w->held && w->state == 2 && hold == 0) w->state = 0;
        w->held = w->x;
    }
    w->line[n] = w->held;
    const double target = w->line[n >= delay ? n - delay : 0];
    /* y is the value at n, so it moves towards the target of the sample before */
    const double old = w->line[n > delay ? n - delay - 1 : 0];
    const double seconds = old > w->y ? w->m->attack : w->m->release;
    if (n > 0) w->y = seconds > 0 ? old + (w->y - old) * exp(-1 / (seconds * RATE)) : old;
    if ((target > w->y ? w->m->attack : w->m->release) <= 0) w->y = target;
}

static void test_all_knobs_match_a_simulation_sample_by_sample(void) {
    enum { LENGTH = 12000 };
    uint32_t random = 3;
    float *line = malloc(LENGTH * sizeof *line);
    if (line == NULL) abort();
    for (int trial = 0; trial < 60; ++trial) {
        const float times[] = {0, 0.001F, 0.02F, 0.1F};
        tagnode_mapping m = plain();
        m.attack = times[next_number(&random) % 4];
        m.release = times[next_number(&random) % 4];
        m.hold = times[next_number(&random) % 4];
        m.delay = times[next_number(&random) % 4];
        m.depth = (float)(next_number(&random) % 5) / 4;
        tagnode_automation *a = made(m);
        walk w = {.m = &m, .line = line};
        const uint32_t apart = 1 + next_number(&random) % 3000;
        for (int64_t n = 0; n < LENGTH; ++n) {
            if (n == 0 || next_number(&random) % apart == 0) {
                w.x = (float)(next_number(&random) % 9) / 8;
                tagnode_automation_push(a, 0, n, w.x);
            }
            if (n == 0) w.y = w.held = w.x;
            step(&w, n, llround(m.hold * RATE), llround(m.delay * RATE));
            if (n % 7 == 0) CHECK_NEAR(tagnode_automation_at(a, n), m.depth * w.y, 2e-6);
        }
    }
    free(line);
}

static void test_values_pushed_ahead_wait_for_their_position(void) {
    tagnode_mapping mapping = plain();
    mapping.attack = mapping.release = 0.01F;
    tagnode_automation *ahead = made(mapping), *live = made(mapping);
    for (int64_t n = 0; n < 100; ++n)
        tagnode_automation_push(ahead, 0, 480 * n, (float)(n % 3) / 2);
    for (int64_t n = 0; n < 100; ++n) {
        tagnode_automation_push(live, 0, 480 * n, (float)(n % 3) / 2);
        CHECK(tagnode_automation_at(ahead, 480 * n + 77) ==
              tagnode_automation_at(live, 480 * n + 77));
    }
}

static void test_full_queue_applies_the_oldest_change_early(void) {
    tagnode_mapping mapping = plain();
    mapping.delay = 1;
    tagnode_automation *a;
    CHECK(tagnode_automation_create(&mapping, 1, TAGNODE_COMBINE_SUM, RATE, 2, &a, NULL) ==
          TAGNODE_OK);
    tagnode_automation_push(a, 0, 0, 0);
    tagnode_automation_push(a, 0, 10, 0.25F);
    tagnode_automation_push(a, 0, 20, 0.5F);
    CHECK(tagnode_automation_at(a, 30) == 0);
    tagnode_automation_push(a, 0, 40, 0.75F);
    CHECK(tagnode_automation_at(a, 50) == 0.25F);
    CHECK(tagnode_automation_at(a, 48020) == 0.5F && tagnode_automation_at(a, 48040) == 0.75F);
    tagnode_automation_destroy(a);
}

static void test_mappings_of_one_parameter_add_up_or_the_farthest_counts(void) {
    tagnode_mapping two[] = {plain(), plain()};
    two[0].max = -12;
    two[1].max = -6;
    tagnode_automation *sum = made_of(two, 2, TAGNODE_COMBINE_SUM);
    tagnode_automation *max = made_of(two, 2, TAGNODE_COMBINE_MAX);
    for (int i = 0; i < 25; ++i) {
        const float x[] = {(float)(i % 5) / 4, (float)(i / 5) / 4}; /* NOLINT(*-integer-division) */
        for (uint32_t m = 0; m < 2; ++m) {
            tagnode_automation_push(sum, m, i, x[m]);
            tagnode_automation_push(max, m, i, x[m]);
        }
        CHECK_NEAR(tagnode_automation_at(sum, i), -12 * x[0] - 6 * x[1], 1e-6);
        CHECK_NEAR(tagnode_automation_at(max, i), fminf(-12 * x[0], -6 * x[1]), 1e-6);
    }
}

/* A descriptor that changes eight times. */
static tagnode_automation *restless(tagnode_mapping m, uint32_t seed) {
    tagnode_automation *a = made(m);
    for (int64_t n = 0; n < 8; ++n)
        tagnode_automation_push(a, 0, 3000 * n, (float)(next_number(&seed) % 9) / 8);
    return a;
}

static tagnode_mapping some_times(uint32_t *random) {
    tagnode_mapping m = plain();
    m.attack = (float)(next_number(random) % 100) / 200;
    m.release = (float)(next_number(random) % 100) / 200;
    m.hold = (float)(next_number(random) % 3) / 50;
    return m;
}

static void test_parameters_are_within_the_tolerance_at_every_grid_position(void) {
    enum { LENGTH = 24000, GRID = 16 };
    static int64_t positions[LENGTH];
    static float values[2 * LENGTH];
    const tagnode_steps steps = {.grid = GRID, .most = 512, .tolerance = 0.002F};
    uint32_t random = 11;
    for (int trial = 0; trial < 100; ++trial) {
        const tagnode_mapping m = some_times(&random);
        const uint32_t seeds[] = {next_number(&random), next_number(&random)};
        tagnode_automation *two[2], *asked[2];
        for (int i = 0; i < 2; ++i) {
            two[i] = restless(m, seeds[i]);
            asked[i] = restless(m, seeds[i]);
        }
        const size_t made =
            tagnode_automation_plan(two, 2, 0, LENGTH, &steps, positions, values, LENGTH);
        CHECK(positions[0] == 0 && made < LENGTH);
        for (size_t s = 0; s < made; ++s) {
            const int64_t end = s + 1 < made ? positions[s + 1] : LENGTH;
            CHECK(end > positions[s] && (end - 1) / 512 == positions[s] / 512);
            CHECK(positions[s] % GRID == 0);
            for (int64_t at = positions[s]; at < end; at += GRID)
                for (size_t i = 0; i < 2; ++i) {
                    const float exact = tagnode_automation_at(asked[i], at);
                    CHECK(fabsf(exact - values[2 * s + i]) <= 0.002F * 1.001F);
                    CHECK(at % 8192 != 0 || exact == values[2 * s + i]);
                }
        }
    }
}

/* The value at each sample when planned in blocks, with each change pushed as it arrives. */
static void planned(uint32_t seed, int64_t most_block, float *of_sample, int64_t length) {
    static int64_t positions[4096];
    static float values[4096];
    const tagnode_steps steps = {.grid = 64, .most = 512, .tolerance = 0.001F};
    uint32_t random = seed, changes = seed, cuts = (uint32_t)most_block + seed;
    tagnode_automation *a = made(some_times(&random));
    int64_t change = 0;
    for (int64_t at = 0, next; at < length; at = next) {
        next = at + 1 + next_number(&cuts) % most_block;
        if (next > length) next = length;
        for (; change < next; change += 1000 + next_number(&changes) % 5000)
            tagnode_automation_push(a, 0, change, (float)(next_number(&changes) % 9) / 8);
        const size_t made =
            tagnode_automation_plan(&a, 1, at, next, &steps, positions, values, 4096);
        for (size_t s = 0; s < made; ++s)
            for (int64_t n = positions[s]; n < (s + 1 < made ? positions[s + 1] : next); ++n)
                of_sample[n] = values[s];
    }
}

static void test_values_are_the_same_for_any_blocks(void) {
    enum { LENGTH = 48000 };
    static float whole[LENGTH], cut[LENGTH];
    for (uint32_t seed = 1; seed < 30; ++seed) {
        planned(seed, LENGTH, whole, LENGTH);
        const int64_t blocks[] = {1, 63, 100, 4000};
        for (size_t b = 0; b < 4; ++b) {
            planned(seed, blocks[b], cut, LENGTH);
            CHECK(memcmp(whole, cut, sizeof whole) == 0);
        }
    }
}

static void test_the_first_step_has_the_value_wherever_it_begins(void) {
    const tagnode_steps steps = {.grid = 64, .most = 512, .tolerance = 0.001F};
    const int64_t begins[] = {0, 1, 63, 64, 65, 700};
    for (size_t b = 0; b < sizeof begins / sizeof begins[0]; ++b) {
        const int64_t begin = begins[b];
        tagnode_automation *a = restless(plain(), 5), *asked = restless(plain(), 5);
        int64_t positions[2];
        float values[2];
        CHECK(tagnode_automation_plan(&a, 1, begin, begin + 1, &steps, positions, values, 2) == 1);
        CHECK(positions[0] == begin && values[0] == tagnode_automation_at(asked, begin));
    }
}

static void test_plan_never_writes_past_its_capacity(void) {
    tagnode_automation *a = restless(plain(), 5);
    const tagnode_steps steps = {.grid = 64, .most = 512, .tolerance = 0.001F};
    int64_t positions[] = {-1, -1, -1, -1};
    float values[4];
    CHECK(tagnode_automation_plan(&a, 1, 0, 100000, &steps, positions, values, 3) == 3);
    CHECK(positions[0] == 0 && positions[1] == 512 && positions[3] == -1);
    CHECK(tagnode_automation_plan(&a, 1, 7, 7, &steps, positions, values, 4) == 0);
    CHECK(tagnode_automation_plan(NULL, 0, 0, 1000, &steps, positions, values, 4) == 2);
}

static void test_reset_is_as_new(void) {
    tagnode_mapping mapping = plain();
    mapping.gate = TAGNODE_GATE_ABOVE;
    mapping.threshold = 0.5F;
    mapping.hysteresis = 0.4F;
    mapping.attack = mapping.release = mapping.hold = mapping.delay = 0.01F;
    tagnode_automation *used = made(mapping), *fresh = made(mapping);
    for (int64_t n = 0; n < 20; ++n) tagnode_automation_push(used, 0, 300 * n, (float)(n % 2));
    (void)tagnode_automation_at(used, 4000);
    tagnode_automation_reset(used);
    const float values[] = {0.3F, 0.8F, 0.2F, 0.6F};
    for (int64_t n = 0; n < 4; ++n) {
        tagnode_automation_push(used, 0, 500 * n, values[n]);
        tagnode_automation_push(fresh, 0, 500 * n, values[n]);
        CHECK(tagnode_automation_at(used, 500 * n) == tagnode_automation_at(fresh, 500 * n));
    }
}

static void test_changed_attack_continues_from_the_envelope(void) {
    tagnode_mapping mapping = plain();
    mapping.attack = 0.5F;
    tagnode_automation *a = made(mapping);
    tagnode_automation_push(a, 0, 0, 0);
    tagnode_automation_push(a, 0, 0, 1);
    const double there = tagnode_automation_at(a, 12000);
    CHECK_NEAR(there, covered(12000, 0.5), 1e-6);
    mapping.attack = 0.01F;
    CHECK(tagnode_automation_change(a, 0, &mapping));
    CHECK_NEAR(tagnode_automation_at(a, 12000), there, 1e-6);
    for (int64_t n = 1; n < 5000; n *= 3)
        CHECK_NEAR(tagnode_automation_at(a, 12000 + n),
                   there + (1 - there) * covered((double)n, 0.01), 1e-6);
}

static void test_the_last_value_is_evaluated_again_with_changed_knobs(void) {
    tagnode_mapping mapping = plain();
    mapping.gate = TAGNODE_GATE_ABOVE;
    mapping.threshold = 0.5F;
    tagnode_automation *a = made(mapping);
    tagnode_automation_push(a, 0, 0, 0.4F);
    CHECK(tagnode_automation_at(a, 100) == 0);
    mapping.threshold = 0.3F;
    CHECK(tagnode_automation_change(a, 0, &mapping));
    CHECK(tagnode_automation_at(a, 101) == 1);
    mapping.invert = true;
    mapping.release = 0.1F;
    CHECK(tagnode_automation_change(a, 0, &mapping));
    CHECK_NEAR(tagnode_automation_at(a, 101 + 480), 1 - covered(480, 0.1), 1e-6);
}

static void test_changed_delay_or_hold_moves_pending_changes(void) {
    tagnode_mapping mapping = plain();
    mapping.delay = 1;
    tagnode_automation *a = made(mapping);
    tagnode_automation_push(a, 0, 0, 0);
    tagnode_automation_push(a, 0, 0, 1);
    CHECK(tagnode_automation_at(a, 20000) == 0);
    mapping.delay = 0.5F;
    CHECK(tagnode_automation_change(a, 0, &mapping));
    CHECK(tagnode_automation_at(a, 23999) == 0);
    CHECK(tagnode_automation_at(a, 24000) == 1);
    mapping.delay = 0;
    mapping.hold = 1;
    CHECK(tagnode_automation_change(a, 0, &mapping));
    tagnode_automation_push(a, 0, 30000, 0);
    CHECK(tagnode_automation_at(a, 40000) == 1);
    mapping.hold = 0.25F;
    CHECK(tagnode_automation_change(a, 0, &mapping));
    CHECK(tagnode_automation_at(a, 41999) == 1);
    CHECK(tagnode_automation_at(a, 42000) == 0);
}

static void test_the_same_knobs_again_change_nothing(void) {
    uint32_t random = 11;
    for (int round = 0; round < 20; ++round) {
        tagnode_mapping mapping = some_times(&random);
        tagnode_automation *a = made(mapping), *b = made(mapping);
        CHECK_NEAR(tagnode_automation_at(a, 0), tagnode_automation_at(b, 0), 0);
        for (int64_t position = 0; position < 96000; position += 1 + next_number(&random) % 2000) {
            const float value = (float)(next_number(&random) % 5) / 4;
            tagnode_automation_push(a, 0, position, value);
            tagnode_automation_push(b, 0, position, value);
            CHECK_NEAR(tagnode_automation_at(b, position), tagnode_automation_at(a, position),
                       2e-6);
            CHECK(tagnode_automation_change(b, 0, &mapping));
        }
    }
}

static void test_knobs_that_create_refuses_change_nothing(void) {
    tagnode_mapping mapping = plain();
    tagnode_automation *a = made(mapping);
    tagnode_automation_push(a, 0, 0, 0.25F);
    CHECK(tagnode_automation_at(a, 10) == 0.25F);
    mapping.low = 1;
    CHECK(!tagnode_automation_change(a, 0, &mapping));
    mapping = plain();
    mapping.attack = NAN;
    CHECK(!tagnode_automation_change(a, 0, &mapping));
    mapping = plain();
    CHECK(!tagnode_automation_change(a, 1, &mapping));
    CHECK(tagnode_automation_at(a, 20) == 0.25F);
}

static void refuse(tagnode_mapping mapping, double rate, const char *named) {
    const tagnode_mapping two[] = {plain(), mapping};
    const tagnode_combine sum = TAGNODE_COMBINE_SUM;
    tagnode_automation *a;
    tagnode_message why = {""};
    CHECK(tagnode_automation_create(two, 2, sum, rate, 8, &a, &why) == TAGNODE_ERROR_ARGUMENT);
    CHECK(message_has(&why, named) && a == NULL);
    CHECK(tagnode_automation_create(two, 2, sum, rate, 8, &a, NULL) == TAGNODE_ERROR_ARGUMENT);
}

static void test_bad_arguments_are_refused_with_a_sentence(void) {
    const tagnode_mapping good = plain();
    const double rates[] = {0, 7999, 192001, NAN, INFINITY, -48000};
    for (size_t i = 0; i < 6; ++i) refuse(good, rates[i], "sample rate");
    const float times[] = {-0.001F, 600.5F, NAN, INFINITY};
    for (size_t i = 0; i < 4; ++i) {
        tagnode_mapping mapping = good;
        mapping.attack = times[i];
        refuse(mapping, RATE, "attack");
        mapping = good;
        mapping.release = times[i];
        refuse(mapping, RATE, "release");
        mapping = good;
        mapping.hold = times[i];
        refuse(mapping, RATE, "hold");
        mapping = good;
        mapping.delay = times[i];
        refuse(mapping, RATE, "delay");
        mapping = good;
        mapping.depth = times[i] > 1 ? 1.5F : times[i];
        refuse(mapping, RATE, "depth");
    }
    const float no_numbers[] = {NAN, INFINITY, -INFINITY};
    for (size_t i = 0; i < 3; ++i) {
        tagnode_mapping mapping = good;
        mapping.gate = TAGNODE_GATE_BELOW;
        mapping.threshold = no_numbers[i];
        refuse(mapping, RATE, "threshold");
        mapping = good;
        mapping.hysteresis = no_numbers[i];
        refuse(mapping, RATE, "hysteresis");
        mapping = good;
        mapping.high = no_numbers[i];
        refuse(mapping, RATE, "high");
        mapping = good;
        mapping.min = no_numbers[i];
        refuse(mapping, RATE, "min");
        mapping = good;
        mapping.max = no_numbers[i];
        refuse(mapping, RATE, "max");
    }
    tagnode_mapping mapping = good;
    mapping.low = mapping.high;
    refuse(mapping, RATE, "high");
    mapping = good;
    mapping.gate = (tagnode_gate)3;
    refuse(mapping, RATE, "gate");
    mapping = good;
    mapping.curve = (tagnode_curve)3;
    refuse(mapping, RATE, "curve");
    mapping.curve = TAGNODE_CURVE_LOG; /* there are no equal ratios from 0 */
    refuse(mapping, RATE, "log curve");
    mapping.min = -1;
    mapping.max = -2;
    refuse(mapping, RATE, "log curve");
}

static void test_bad_arguments_of_create_are_refused(void) {
    const tagnode_mapping good = plain();
    tagnode_automation *a;
    tagnode_message why;
    const tagnode_combine sum = TAGNODE_COMBINE_SUM;
    const tagnode_status bad = TAGNODE_ERROR_ARGUMENT;
    CHECK(tagnode_automation_create(&good, 0, sum, RATE, 8, &a, &why) == bad);
    CHECK(message_has(&why, "mappings"));
    // NOLINTNEXTLINE(*EnumCastOutOfRange): that is the point
    CHECK(tagnode_automation_create(&good, 1, (tagnode_combine)2, RATE, 8, &a, &why) == bad);
    CHECK(message_has(&why, "combine"));
    CHECK(tagnode_automation_create(&good, 1, sum, RATE, 0, &a, &why) == bad);
    CHECK(message_has(&why, "queue"));
}

int main(void) {
    test_envelope_follows_the_exponential_of_attack_and_release();
    test_time_constant_is_the_time_to_63_percent();
    test_value_does_not_depend_on_other_positions_asked_for();
    test_curves_are_linear_even_ratios_and_square();
    test_values_are_clamped_and_nan_is_ignored();
    test_gate_opens_at_the_threshold();
    test_median_is_that_of_the_results_of_its_time();
    test_what_lasts_for_less_than_half_of_the_median_opens_no_gate();
    test_median_changes_with_its_knob();
    test_first_value_applies_immediately();
    test_positions_that_go_back_count_as_the_latest();
    test_gate_closes_only_beyond_the_hysteresis();
    test_range_may_run_either_way();
    test_all_knobs_match_a_simulation_sample_by_sample();
    test_values_pushed_ahead_wait_for_their_position();
    test_full_queue_applies_the_oldest_change_early();
    test_mappings_of_one_parameter_add_up_or_the_farthest_counts();
    test_parameters_are_within_the_tolerance_at_every_grid_position();
    test_values_are_the_same_for_any_blocks();
    test_the_first_step_has_the_value_wherever_it_begins();
    test_plan_never_writes_past_its_capacity();
    test_changed_attack_continues_from_the_envelope();
    test_the_last_value_is_evaluated_again_with_changed_knobs();
    test_changed_delay_or_hold_moves_pending_changes();
    test_the_same_knobs_again_change_nothing();
    test_knobs_that_create_refuses_change_nothing();
    test_reset_is_as_new();
    test_bad_arguments_are_refused_with_a_sentence();
    test_bad_arguments_of_create_are_refused();
    for (size_t i = 0; i < keeps; ++i) tagnode_automation_destroy(kept[i]);
    return closing_line();
}
