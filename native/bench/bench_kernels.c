/* bench_kernels.c - speed of each table on one core, in thousand millions of useful multiply-adds a
 * second (without padding): the best of many repetitions. */
#include "kernels/kernels.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct {
    const char *name;
    uint32_t positions, step, segments, length, channels;
    bool maximum;
} shape;

static const shape shapes[] = {
    {"MusiCNN timbral, 38 bands high", 59, 1, 7, 38, 73, true},
    {"MusiCNN timbral, 67 bands high", 30, 1, 7, 67, 79, true},
    {"MusiCNN temporal, 128, by fours", 96, 4, 32, 4, 18, true},
    {"MusiCNN temporal, 64, by fours", 96, 4, 16, 4, 19, true},
    {"MusiCNN temporal, 32, by fours", 96, 4, 8, 4, 46, true},
    {"MusiCNN temporal, 128, one by one", 96, 1, 128, 1, 18, true},
    {"MusiCNN mid-end, 235, 8 columns", 8, 256, 7, 235, 64, false},
    {"MusiCNN mid-end, 235, 1 column", 1, 256, 7, 235, 64, false},
    {"MusiCNN mid-end, 64, 1 column", 1, 64, 7, 64, 64, false},
    {"VGG, 3x3x128", 48, 128, 3, 384, 128, false},
    {"dense, 1506 to 200", 1, 0, 1, 1506, 200, false},
};

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static void *room(size_t size) {
    void *memory = aligned_alloc(64, (size + 63) / 64 * 64);
    if (memory == NULL) abort();
    return memset(memory, 0x35, (size + 63) / 64 * 64);
}

static void run(const kernels_table *table, const shape *of, const kernels_weights *weights,
                const kernels_input *input, int8_t *output) {
    if (of->maximum)
        table->product_max(weights, input, 0, of->channels, output, false);
    else
        table->product(weights, input, 0, of->channels, output, of->channels);
}

/* Seconds for one call, the best of `repetitions` of 20. */
static double best_time(const kernels_table *table, const shape *of, const kernels_weights *weights,
                        const kernels_input *input, int8_t *output, int repetitions) {
    double best = 1e9;
    for (int i = 0; i < repetitions; ++i) {
        const double start = now();
        for (int j = 0; j < 20; ++j) run(table, of, weights, input, output);
        const double taken = (now() - start) / 20;
        if (taken < best) best = taken;
    }
    return best;
}

static double speed(const kernels_table *table, const shape *of, int repetitions) {
    const size_t row = (size_t)of->positions * of->step + of->length + 4;
    const size_t taps = (size_t)of->segments * of->length;
    int8_t *data = room(of->segments * row), *filters = room(taps * of->channels),
           *output = room((size_t)of->positions * of->channels);
    void *memory = room(table->packed_size(of->channels, of->segments, of->length));
    const int8_t **runs = (const int8_t **)room(of->segments * sizeof *runs);
    for (uint32_t s = 0; s < of->segments; ++s) runs[s] = data + s * row;
    kernels_weights weights;
    if (!table->pack(filters, NULL, 0, of->channels, of->segments, of->length, memory, &weights))
        abort();
    weights.zero_point = 0;
    for (uint32_t c = 0; c < of->channels; ++c) weights.scale[c] = 1e-4F;
    const kernels_input input = {runs, 0, of->step, of->positions};
    const double taken = best_time(table, of, &weights, &input, output, repetitions);
    free(data);
    free(filters);
    free(output);
    free(memory);
    free((void *)runs);
    return (double)of->positions * (double)taps * of->channels / taken * 1e-9;
}

int main(int count, char **arguments) {
    const int repetitions = count > 1 ? (int)strtol(arguments[1], NULL, 10) : 50;
    const kernels_table *table;
    printf("%-36s", "G multiply-adds/s");
    for (uint32_t t = 0; (table = kernels_at(t)) != NULL; ++t) printf(" %10s", table->name);
    printf("\n");
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; ++i) {
        printf("%-36s", shapes[i].name);
        for (uint32_t t = 0; (table = kernels_at(t)) != NULL; ++t)
            printf(" %10.1f", speed(table, &shapes[i], repetitions));
        printf("\n");
    }
    return 0;
}
