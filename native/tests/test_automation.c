/* test_automation.c - a descriptor becomes a parameter: against the closed form, in double. */
#include "check.h"

static const double RATE = 48000;

static tagnode_mapping plain(void) {
    return (tagnode_mapping){.curve = TAGNODE_CURVE_LIN, .min = 0, .max = 1};
}

static tagnode_automation made(tagnode_mapping mapping) {
    tagnode_automation automation;
    tagnode_message why;
    CHECK(tagnode_automation_init(&automation, &mapping, RATE, &why) == TAGNODE_OK);
    return automation;
}

/* How far a step has come after so many samples. */
static double covered(double samples, double seconds) {
    return seconds > 0 ? 1 - exp(-samples / RATE / seconds) : 1;
}

static void test_envelope_follows_the_exponential_of_attack_and_release(void) {
    const float seconds[] = {0, 0.001F, 0.05F, 1.5F, 300};
    for (size_t i = 0; i < 5; ++i) {
        tagnode_mapping mapping = plain();
        mapping.attack = seconds[i];
        mapping.release = 2 * seconds[i];
        tagnode_automation a = made(mapping);
        tagnode_automation_push(&a, 0, 0);
        tagnode_automation_push(&a, 1000, 1);
        for (int64_t n = 0; n < 400000; n = 2 * n + 1)
            CHECK_NEAR(tagnode_automation_at(&a, 1000 + n), covered((double)n, seconds[i]), 1e-7);
        tagnode_automation_push(&a, 50000, 0.25F);
        const double top = covered(49000, seconds[i]);
        const double time = top > 0.25 ? 2 * seconds[i] : seconds[i];
        for (int64_t n = 0; n < 400000; n = 2 * n + 1)
            CHECK_NEAR(tagnode_automation_at(&a, 50000 + n),
                       top + (0.25 - top) * covered((double)n, time), 1e-7);
    }
}

static void test_time_constant_is_the_time_to_63_percent(void) {
    tagnode_mapping mapping = plain();
    mapping.attack = 0.5F;
    mapping.release = 0.25F;
    tagnode_automation a = made(mapping);
    tagnode_automation_push(&a, 0, 0);
    tagnode_automation_push(&a, 0, 1);
    CHECK_NEAR(tagnode_automation_at(&a, 24000), 0.6321205588, 1e-7);
    tagnode_automation_push(&a, 48000000, 0);
    CHECK_NEAR(tagnode_automation_at(&a, 48012000), 1 - 0.6321205588, 1e-7);
}

static void test_answer_does_not_depend_on_where_else_it_was_asked(void) {
    tagnode_mapping mapping = plain();
    mapping.attack = 0.1F;
    mapping.release = 0.4F;
    tagnode_automation a = made(mapping), b = made(mapping);
    uint32_t random = 7;
    for (int64_t position = 0; position < 4800000; position += 9600) {
        const float value = (float)(next_number(&random) % 5) / 4;
        tagnode_automation_push(&a, position, value);
        tagnode_automation_push(&b, position, value);
        /* The same target again, at any place, changes nothing either. */
        tagnode_automation_push(&b, position + next_number(&random) % 9600, value);
        for (int i = 0; i < 5; ++i)
            (void)tagnode_automation_at(&b, position + next_number(&random) % 9600);
        CHECK(tagnode_automation_at(&a, position + 4800) ==
              tagnode_automation_at(&b, position + 4800));
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
                tagnode_mapping mapping = {.curve = (tagnode_curve)curve};
                mapping.min = ranges[r][0];
                mapping.max = ranges[r][1];
                tagnode_automation a = made(mapping);
                tagnode_automation_push(&a, 0, (float)x);
                const float y = tagnode_automation_at(&a, 0);
                CHECK_NEAR(y, expected[curve], 1e-6 * fmax(low, high));
                CHECK(y >= fmin(low, high) && y <= fmax(low, high));
            }
        }
}

static void test_values_are_clamped_and_what_is_no_number_is_0(void) {
    const float values[] = {-1, -0.0F, 0.25F, 1, 7, -INFINITY, INFINITY, NAN};
    const float expected[] = {0, 0, 0.25F, 1, 1, 0, 1, 0};
    for (size_t i = 0; i < 8; ++i) {
        tagnode_automation a = made(plain());
        tagnode_automation_push(&a, 0, values[i]);
        CHECK(tagnode_automation_at(&a, 5) == expected[i]);
        tagnode_mapping inverted = plain();
        inverted.invert = true;
        a = made(inverted);
        tagnode_automation_push(&a, 0, values[i]);
        CHECK(tagnode_automation_at(&a, 5) == 1 - expected[i]);
    }
}

static void test_gate_opens_from_the_threshold_up(void) {
    for (int inverted = 0; inverted < 2; ++inverted) {
        tagnode_mapping mapping = plain();
        mapping.gate = true;
        mapping.threshold = 0.3F;
        mapping.invert = inverted == 1;
        const float values[] = {0, 0.29999F, 0.3F, 1, NAN};
        const float open[] = {0, 0, 1, 1, 0};
        for (size_t i = 0; i < 5; ++i) {
            tagnode_automation a = made(mapping);
            tagnode_automation_push(&a, 0, values[i]);
            CHECK(tagnode_automation_at(&a, 0) == (inverted ? 1 - open[i] : open[i]));
        }
    }
}

static void test_first_value_is_taken_at_once(void) {
    tagnode_mapping mapping = plain();
    mapping.attack = 10;
    tagnode_automation a = made(mapping);
    CHECK(tagnode_automation_at(&a, 1000) == 0); /* at rest */
    tagnode_automation_push(&a, 1000, 0.75F);
    CHECK(tagnode_automation_at(&a, 1000) == 0.75F);
    mapping.invert = true;
    a = made(mapping);
    CHECK(tagnode_automation_at(&a, 0) == 1);
}

static void test_positions_that_go_back_count_as_the_latest(void) {
    tagnode_mapping mapping = plain();
    mapping.attack = 0.1F;
    tagnode_automation a = made(mapping), b = made(mapping);
    tagnode_automation_push(&a, 5000, 0);
    tagnode_automation_push(&a, 100, 1);
    tagnode_automation_push(&b, 5000, 0);
    tagnode_automation_push(&b, 5000, 1);
    for (int64_t n = 0; n < 20000; n += 1000)
        CHECK(tagnode_automation_at(&a, n) == tagnode_automation_at(&b, n));
}

static void refuse(tagnode_mapping mapping, double rate, const char *named) {
    tagnode_automation a;
    tagnode_message why = {""};
    CHECK(tagnode_automation_init(&a, &mapping, rate, &why) == TAGNODE_ERROR_ARGUMENT);
    CHECK(says(&why, named));
    CHECK(tagnode_automation_init(&a, &mapping, rate, NULL) == TAGNODE_ERROR_ARGUMENT);
}

static void test_bad_arguments_are_refused_with_a_sentence(void) {
    const tagnode_mapping good = plain();
    const double rates[] = {0, 7999, 192001, NAN, INFINITY, -48000};
    for (size_t i = 0; i < 6; ++i) refuse(good, rates[i], "sample rate");
    const float times[] = {-0.001F, 600.5F, NAN, INFINITY};
    for (size_t i = 0; i < 4; ++i) {
        tagnode_mapping mapping = good;
        mapping.attack = times[i];
        refuse(mapping, RATE, "Attack");
        mapping = good;
        mapping.release = times[i];
        refuse(mapping, RATE, "release");
    }
    const float no_numbers[] = {NAN, INFINITY, -INFINITY};
    for (size_t i = 0; i < 3; ++i) {
        tagnode_mapping mapping = good;
        mapping.threshold = no_numbers[i];
        refuse(mapping, RATE, "threshold");
        mapping = good;
        mapping.min = no_numbers[i];
        refuse(mapping, RATE, "min");
        mapping = good;
        mapping.max = no_numbers[i];
        refuse(mapping, RATE, "max");
    }
    tagnode_mapping mapping = good;
    mapping.curve = (tagnode_curve)3;
    refuse(mapping, RATE, "curve");
    mapping.curve = TAGNODE_CURVE_LOG; /* from 0 up there are no even ratios */
    refuse(mapping, RATE, "log curve");
    mapping.min = -1;
    mapping.max = -2;
    refuse(mapping, RATE, "log curve");
}

int main(void) {
    test_envelope_follows_the_exponential_of_attack_and_release();
    test_time_constant_is_the_time_to_63_percent();
    test_answer_does_not_depend_on_where_else_it_was_asked();
    test_curves_are_linear_even_ratios_and_square();
    test_values_are_clamped_and_what_is_no_number_is_0();
    test_gate_opens_from_the_threshold_up();
    test_first_value_is_taken_at_once();
    test_positions_that_go_back_count_as_the_latest();
    test_bad_arguments_are_refused_with_a_sentence();
    return closing_line();
}
